#include "store/host_budget.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "sync/error.hpp"

namespace xsell::store {
namespace {

using sync::Fault;
using sync::SyncError;
using Clock = std::chrono::steady_clock;

constexpr double longest_sleep = 30;            // a page that must wait longer is better off in the queue
constexpr std::chrono::seconds retry_after{5};  // before a database that is away is tried again
constexpr std::chrono::seconds note_every{5};   // at most one write for a quota in so long

std::string text_of(double number) {
    char out[64];
    return {out, std::to_chars(out, out + sizeof out, number).ptr};
}

double number_of(const Value &text) {
    double number = 0;
    if (text) std::from_chars(text->data(), text->data() + text->size(), number);
    return number;
}

}  // namespace

Rows Line::query(const std::string &sql, const std::vector<Value> &parameters) {
    const std::lock_guard guard(mutex_);
    if (Clock::now() < away_until_) throw SyncError(Fault::transient, "the database is away");
    try {
        if (!database_) database_ = std::make_unique<Database>(url_, "xselld host");
        database_->ensure();
        if (generation_ != database_->generation()) {
            database_->execute("SET synchronous_commit = off");
            generation_ = database_->generation();
        }
        return database_->query(sql, parameters);
    } catch (const SyncError &error) {
        away_until_ = Clock::now() + retry_after;
        spdlog::debug("rate limits are kept in memory: {}", error.what());
        throw;
    }
}

double Bucket::take(const sync::Budget &budget, double cost, double longest, double now) {
    if (!used_) tokens_ = budget.burst, refilled_ = now, used_ = true;
    const double filled = std::min(budget.burst, tokens_ + budget.per_second * std::max(0.0, now - refilled_));
    const double wait = std::max(0.0, (cost - filled) / budget.per_second);
    tokens_ = filled - (wait <= longest || filled >= budget.burst ? cost : 0);
    refilled_ = now;
    return wait;
}

double Budgets::take(const sync::Budget &budget, double cost) {
    double wait = 0;
    try {
        const Rows rows = line_->query(
            "SELECT xsell_internal.sync_take($1, $2, $3, $4, $5, $6)",
            {org_, budget.name, text_of(cost), text_of(budget.per_second), text_of(budget.burst), text_of(longest_sleep)});
        wait = number_of(rows.rows.at(0).at(0));
    } catch (const SyncError &) {
        const std::lock_guard guard(mutex_);
        const double now = std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
        wait = buckets_[budget.name].take(budget, cost, longest_sleep, now);
    }
    if (wait <= longest_sleep) return wait;
    throw SyncError(Fault::transient,
                    "org " + org_ + ": the API's limit '" + budget.name + "' is used up for " +
                        std::to_string(static_cast<std::int64_t>(std::ceil(wait))) + " s",
                    wait);
}

void Budgets::used(const std::string &quota, double used, double limit) noexcept {
    try {
        if (!std::isfinite(used) || !std::isfinite(limit)) return;
        {
            const std::lock_guard guard(mutex_);
            const auto [known, fresh] = noted_.try_emplace(quota, Clock::now());
            if (!fresh && Clock::now() - known->second < note_every) return;
            known->second = Clock::now();
        }
        line_->query("SELECT xsell_internal.sync_note_quota($1, $2, $3, $4)", {org_, quota, text_of(used), text_of(limit)});
    } catch (const std::exception &error) {
        spdlog::debug("quota {} of org {} is not noted: {}", quota, org_, error.what());
    }
}

}  // namespace xsell::store
