#include "cli/reading.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "cli/log.hpp"
#include "config/duration.hpp"
#include "store/page_store.hpp"
#include "store/setup.hpp"
#include "sync/context.hpp"
#include "sync/convert.hpp"

namespace xsell::cli {
namespace {

store::Money money(const config::Config &config) {
    store::Money money{config.base_currency, std::nullopt};
    if (!config.rates) return money;
    money.rates.emplace();
    for (const auto &rate : *config.rates) money.rates->push_back({rate.currency, rate.valid_from, rate.rate});
    return money;
}

// A page that waits for somebody's lock must not hold up a stop; an ordinary one is let through. What a source said may repeat a
// secret, and is kept without it.
class StoppablePageStore : public store::PageStore {
  public:
    explicit StoppablePageStore(const std::string &url)
        : PageStore(url), cancelling_(database(), std::chrono::milliseconds(800)) {}
    void fail(const sync::Claim &claim, const sync::Failure &failure) override {
        sync::Failure told = failure;
        told.message = hidden(failure.message);
        PageStore::fail(claim, told);
    }

  private:
    Cancelling cancelling_;
};

// --since: a time, or how long ago.
std::optional<std::int64_t> since_micros(const std::string &text) {
    if (text.empty()) return std::nullopt;
    constexpr std::int64_t micros = 1'000'000;
    using namespace std::chrono;
    const std::int64_t now = duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
    if (const auto ago = config::duration(text)) return now - *ago * micros;
    const auto at = sync::to_micros(text);
    if (at && *at > now) throw Refused("--since: '" + text + "' is still to come");
    if (at) return *at;
    throw Refused("--since: '" + text +
                  "' is neither a time such as 2026-05-01 or \"2026-05-01 12:00\" nor a duration such as 24h");
}

spdlog::level::level_enum level_of(sync::Level level) {
    static constexpr spdlog::level::level_enum levels[] = {spdlog::level::debug, spdlog::level::info, spdlog::level::warn,
                                                           spdlog::level::err};
    return levels[static_cast<std::size_t>(level)];
}

std::string list(const std::vector<std::string> &items) {
    std::string text;
    for (const auto &item : items) text += (text.empty() ? "" : ", ") + item;
    return text;
}

}  // namespace

Plan make_plan(const config::Config &config, const SyncArguments &arguments, const Orgs &orgs, sync::Store &store) {
    const auto since = since_micros(arguments.since);
    if (since && arguments.full) throw Refused("--full reads everything, --since a part of it: give one of them");
    Plan plan;
    std::vector<std::string> cannot, missing = arguments.objects;
    for (const auto *org : orgs) {
        std::unique_ptr<sync::Connector> connector;
        sync::Opening opening{org->id, {}, arguments.full, {}};
        try {
            connector = make_connector(config, *org);
            opening.objects = connector->objects();
        } catch (const std::exception &error) {
            plan.refused[org->id] = error.what();
            missing.clear();
            continue;
        }
        std::erase_if(opening.objects, [&](const std::string &name) { return !wanted(arguments, name); });
        for (const auto &name : opening.objects) {
            std::erase(missing, name);
            if (!since) continue;
            if (const auto state = connector->since(store.object(name), *since))
                opening.states[name] = *state;
            else
                cannot.push_back(org->id + " " + name);
        }
        if (!opening.objects.empty()) plan.openings.push_back(std::move(opening));
    }
    if (!missing.empty()) throw Refused("no org that was chosen has " + list(missing));
    if (!cannot.empty())
        throw Refused("the source cannot tell what changed since a time: " + list(cannot) +
                      "; name the other objects with --object, or read these with --full");
    return plan;
}

std::vector<std::int64_t> open_all(Plan &plan, sync::Store &store) {
    std::vector<std::int64_t> processes;
    for (const auto &opening : plan.openings) {
        try {
            processes.push_back(store.open(opening));
        } catch (const sync::SyncError &error) {
            if (error.fault == sync::Fault::transient) throw;
            plan.refused[opening.org] = opening.org + ": " + error.what();
        }
    }
    return processes;
}

std::set<std::string> prepare(const config::Config &config, const Orgs &orgs, store::Database &database) {
    const Cancelling cancelling(database);
    std::vector<store::OrgRow> rows;
    for (const auto *org : orgs) rows.push_back({org->id, org->name, org->connector, org->currency});
    if (const auto done = store::prepare(database, rows, money(config))) spdlog::info("{}", *done);
    const auto paused = store::paused_orgs(database);
    return {paused.begin(), paused.end()};
}

void patiently(double patience, const std::function<void()> &step) {
    const auto start = std::chrono::steady_clock::now();
    for (int attempt = 1;; ++attempt) {
        try {
            return step();
        } catch (const sync::SyncError &error) {
            const auto waited = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
            if (error.fault != sync::Fault::transient || Signals::stop || waited >= patience) throw;
            spdlog::warn("{}; trying again", error.what());
        }
        constexpr sync::Retries retries{.first_wait = 0.5, .longest_wait = 5};
        const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(sync::backoff(retries, attempt));
        while (!Signals::stop && std::chrono::steady_clock::now() < until)
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
}

std::unique_ptr<sync::Store> make_store(const config::Config &config) {
    return std::make_unique<StoppablePageStore>(config.database_url);
}

std::unique_ptr<sync::Engine> start_engine(const config::Config &config, const Orgs &orgs, double idle_wait) {
    std::vector<sync::Source> sources;
    for (const auto *org : orgs)
        sources.push_back({org->id, static_cast<int>(org->concurrency), [&config, org] { return make_connector(config, *org); }});
    sync::Options options;
    options.workers = static_cast<std::size_t>(config.workers);
    options.stop = &Signals::stop;
    options.idle_wait = idle_wait;
    options.note = [](sync::Level level, const std::string &text) { spdlog::log(level_of(level), "{}", text); };
    options.progress = [](const sync::Progress &progress) { spdlog::info("{}", sync::sentence(progress)); };
    return std::make_unique<sync::Engine>(
        std::move(sources), [&config] { return make_store(config); }, options);
}

std::vector<sync::RunReport> latest(const std::vector<sync::RunReport> &reports) {
    std::map<std::pair<std::string, std::string>, std::int64_t> newest;
    for (const auto &report : reports) {
        std::int64_t &run = newest[{report.org, report.object}];
        run = std::max(run, report.run);
    }
    std::vector<sync::RunReport> out;
    std::copy_if(reports.begin(), reports.end(), std::back_inserter(out), [&](const sync::RunReport &report) {
        return newest[{report.org, report.object}] == report.run;
    });
    return out;
}

void log_reports(const std::vector<sync::RunReport> &reports) {
    for (const auto &report : reports) {
        if (report.object.empty()) continue;
        const sync::ContextScope scope({report.org, report.object, report.run, 0});
        const auto &c = report.counts;
        if (!report.finished())
            spdlog::info("stopped after {} pages; the next sync goes on from there", report.pages);
        else if (report.error)
            spdlog::error("failed after {} pages: {}", report.pages, *report.error);
        else
            spdlog::info("{} read, {} changed, {} deleted, {} rejected", c.fetched, c.changed, c.deleted, c.rejected);
    }
}

}  // namespace xsell::cli
