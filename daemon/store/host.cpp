#include "store/host.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <thread>

#include "store/host_budget.hpp"
#include "store/host_tokens.hpp"
#include "sync/error.hpp"

namespace xsell::store {
namespace {

using sync::Fault;
using sync::SyncError;
using sync::Token;
using Renew = std::function<Token(const std::optional<Token> &)>;

constexpr std::chrono::milliseconds glance{100};  // how soon a stop is noticed
constexpr double lock_glance = 0.02;              // how soon a lock that came free
constexpr int store_tries = 10;                   // a second apart: a new token is not given up lightly

const char *const no_key =
    ": its vendor issues a new refresh token with each login, and there is no key to keep it with. The one it gave just now is "
    "in the "
    "memory of this process alone. Make a key with: xselld key new FILE, set token_key of [sync] to that file, and reload "
    "(SIGHUP) "
    "rather than restart: the token is kept then. After a restart the org may have to be authorised anew";

// The connection that holds the locks of one renewal; they end with it.
class Renewal {
  public:
    Renewal(const std::string &url, const std::string &org, const std::function<void()> &wait) : database_(url, "xselld token") {
        lock("SELECT pg_catalog.pg_try_advisory_lock_shared(pg_catalog.hashtextextended($1, 0))", key_lock, wait);
        lock("SELECT pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended($1, 0))", token_lock(org), wait);
    }
    Database &database() { return database_; }

  private:
    void lock(const std::string &sql, const std::string &name, const std::function<void()> &wait) {
        while (database_.query(sql, {name}).rows.at(0).at(0) != "t") wait();
    }
    Database database_;
};

class OrgHost : public sync::Host {
  public:
    OrgHost(std::string url, std::string org, std::shared_ptr<Line> line)
        : url_(std::move(url)), org_(std::move(org)), line_(std::move(line)), budgets_(line_, org_) {}

    void configure(const std::optional<std::filesystem::path> &key_file, const std::atomic<bool> *stop,
                   const std::string &login) {
        const std::lock_guard guard(mutex_);
        stop_ = stop;
        key_file_ = key_file && !key_file->empty() ? key_file : std::nullopt;
        if (login != login_) shared_.reset(), unsaved_.reset();
        login_ = login;
    }

    double take(const sync::Budget &budget, double cost) override { return budgets_.take(budget, cost); }
    void used(const std::string &quota, double used, double limit) override { budgets_.used(quota, used, limit); }
    bool keeps() const override {
        const std::lock_guard guard(mutex_);
        return key_file_.has_value();
    }
    std::optional<Token> token() override;
    Token renewed(const std::string &stale, const Renew &renew) override;
    void pause(double seconds) override;

  private:
    struct Unsaved {
        Token token;
        std::string base;  // nonce of what was kept when it was issued
    };
    std::optional<TokenBox> box() const;
    std::optional<Token> shared() const;
    void share(const std::optional<Token> &token);
    void check_stop() const;
    std::optional<KeptToken> save_what_is_left(const TokenBox &box, Database &database, std::optional<KeptToken> kept);
    Token ask(const Renew &renew, const std::optional<Token> &kept) const;
    Token renew_in_memory(const Renew &renew);
    void save(const TokenBox &box, Renewal &renewal, const Token &token);

    const std::string url_, org_;
    const std::shared_ptr<Line> line_;
    Budgets budgets_;
    mutable std::mutex mutex_;        // of what follows
    std::optional<Token> shared_;     // what the threads of this process use; never one that is not saved
    std::optional<Unsaved> unsaved_;  // issued by the vendor, not stored yet, not used by anybody
    std::optional<std::filesystem::path> key_file_;
    std::string login_;
    const std::atomic<bool> *stop_ = nullptr;
    std::timed_mutex renewing_;
};

std::optional<TokenBox> OrgHost::box() const {
    const std::lock_guard guard(mutex_);
    return key_file_ ? std::optional<TokenBox>(std::in_place, org_, *key_file_, login_) : std::nullopt;
}

std::optional<Token> OrgHost::shared() const {
    const std::lock_guard guard(mutex_);
    return shared_;
}

void OrgHost::share(const std::optional<Token> &token) {
    const std::lock_guard guard(mutex_);
    shared_ = token;
}

void OrgHost::check_stop() const {
    const std::lock_guard guard(mutex_);
    if (stop_ && *stop_) throw SyncError(Fault::stopped, "stopped");
}

void OrgHost::pause(double seconds) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(std::clamp(seconds, 0.0, 86400.0));
    for (check_stop(); std::chrono::steady_clock::now() < end; check_stop()) {
        const std::chrono::duration<double> left = end - std::chrono::steady_clock::now();
        std::this_thread::sleep_for(std::min<std::chrono::duration<double>>(left, glance));
    }
}

std::optional<Token> OrgHost::token() {
    if (auto known = shared()) return known;
    const auto key = box();
    if (!key) return std::nullopt;
    const auto kept = key->unseal(line_->query(TokenBox::select, {org_}));
    if (!kept) return std::nullopt;
    share(kept->token);
    return kept->token;
}

// The vendor's own refusal says nothing of what we did with its tokens.
Token OrgHost::ask(const Renew &renew, const std::optional<Token> &kept) const {
    try {
        return renew(kept);
    } catch (const SyncError &error) {
        if (error.fault != Fault::org || !kept || kept->refresh.empty()) throw;
        throw SyncError(Fault::org,
                        std::string(error.what()) + " (with the refresh token that is kept for org " + org_ +
                            "; if the org was authorised anew, forget it: xselld key forget --org " + org_ + ")",
                        error.wait);
    }
}

Token OrgHost::renew_in_memory(const Renew &renew) {
    {
        // Asking once more would spend the token that the vendor gave last, and nobody would have the next one.
        const std::lock_guard guard(mutex_);
        if (unsaved_) throw SyncError(Fault::org, "org " + org_ + no_key);
    }
    // What the configuration says may have been spent when the kept token was issued.
    if (!line_->query(TokenBox::select, {org_}).rows.empty()) {
        throw SyncError(Fault::org, "org " + org_ +
                                        ": a token is kept for it, but token_key of [sync] is not set; set it, or forget the " +
                                        "token: xselld key forget --org " + org_);
    }
    const Token fresh = ask(renew, shared());
    if (!fresh.kept) return fresh;
    const std::lock_guard guard(mutex_);
    if (!fresh.refresh.empty()) {
        unsaved_ = Unsaved{fresh, ""};
        throw SyncError(Fault::org, "org " + org_ + no_key);
    }
    shared_ = fresh;
    return fresh;
}

// A token that could not be stored when it came is stored now, unless somebody else has renewed since.
std::optional<KeptToken> OrgHost::save_what_is_left(const TokenBox &box, Database &database, std::optional<KeptToken> kept) {
    std::optional<Unsaved> left;
    {
        const std::lock_guard guard(mutex_);
        left = unsaved_;
    }
    if (!left) return kept;
    if ((kept ? kept->nonce : "") == left->base) {
        const Sealed sealed = box.seal(left->token);
        box.save(database, sealed);
        kept = KeptToken{left->token, sealed.nonce};
    }
    const std::lock_guard guard(mutex_);
    unsaved_.reset();
    return kept;
}

// Committed before anybody uses it. The connection may have been lost during the login; the token must not be.
void OrgHost::save(const TokenBox &box, Renewal &renewal, const Token &token) {
    const Sealed sealed = box.seal(token);
    for (int attempt = 1;; ++attempt) {
        try {
            box.save(renewal.database(), sealed);
            return;
        } catch (const SyncError &error) {
            if (attempt == store_tries) throw;
            spdlog::warn("org {}: the new token cannot be stored, trying again: {}", org_, error.what());
        }
        std::this_thread::sleep_for(std::chrono::seconds(1));
    }
}

Token OrgHost::renewed(const std::string &stale, const Renew &renew) {
    std::unique_lock guard(renewing_, std::defer_lock);
    while (!guard.try_lock_for(glance)) check_stop();
    check_stop();
    if (const auto known = shared(); known && known->access != stale) return *known;
    const auto key = box();
    if (!key) return renew_in_memory(renew);
    key->check_key();  // before the vendor is asked for what could not be kept
    Renewal renewal(url_, org_, [this] { pause(lock_glance); });
    auto kept = key->unseal(renewal.database().query(TokenBox::select, {org_}));
    kept = save_what_is_left(*key, renewal.database(), std::move(kept));
    if (kept && kept->token.access != stale) {
        share(kept->token);
        return kept->token;
    }
    const Token fresh = ask(renew, kept ? std::optional(kept->token) : std::nullopt);
    if (!fresh.kept) return fresh;
    {
        const std::lock_guard lock(mutex_);
        shared_.reset();
        unsaved_ = Unsaved{fresh, kept ? kept->nonce : ""};
    }
    save(*key, renewal, fresh);
    const std::lock_guard lock(mutex_);
    unsaved_.reset();
    shared_ = fresh;
    spdlog::info("org {}: token renewed", org_);
    return fresh;
}

}  // namespace

std::shared_ptr<sync::Host> make_host(const std::string &database_url, const std::string &org,
                                      const std::optional<std::filesystem::path> &key_file, const std::atomic<bool> *stop,
                                      const std::string &login) {
    // Hosts live as long as the process: one may hold a token that could not be stored yet.
    static std::mutex mutex;
    static std::map<std::string, std::shared_ptr<Line>> lines;
    static std::map<std::pair<std::string, std::string>, std::shared_ptr<OrgHost>> hosts;
    const std::lock_guard guard(mutex);
    auto &line = lines[database_url];
    if (!line) line = std::make_shared<Line>(database_url);
    auto &host = hosts[{database_url, org}];
    if (!host) host = std::make_shared<OrgHost>(database_url, org, line);
    host->configure(key_file, stop, login);
    return host;
}

}  // namespace xsell::store
