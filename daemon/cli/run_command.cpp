#include <spdlog/spdlog.h>

#include <chrono>
#include <ctime>
#include <functional>
#include <set>
#include <thread>

#include "cli/commands.hpp"
#include "cli/notify.hpp"
#include "cli/reading.hpp"
#include "store/setup.hpp"
#include "sync/error.hpp"
#include "sync/outage.hpp"

namespace xsell::cli {
namespace {

constexpr std::time_t refresh_at_least = 24 * 3600;  // recency and demand move with time, not with syncs alone
constexpr std::time_t refresh_patience = 15 * 60;    // what has been read does not wait longer for the other orgs
constexpr std::time_t prune_every = 24 * 3600;
constexpr std::time_t check_drift_every = 24 * 3600;
constexpr std::time_t database_retry = 5;
constexpr std::time_t request_poll = 15;
constexpr double outage_note_every = 60;
constexpr double idle_wait = 5;
constexpr std::chrono::milliseconds tick(100);

std::string moment(std::time_t at) {
    char text[64];
    std::tm parts{};
    gmtime_r(&at, &parts);
    std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts);
    return text;
}

// The engine works on the queue all the time; this thread fills it as scheduled, and does what follows when orgs have been read.
class Daemon {
  public:
    explicit Daemon(const std::filesystem::path &file) : config_(load_config(file, Needs::orgs)) {}

    int run() {
        wait_for_database();
        if (!Signals::stop) work();
        while (!Signals::stop) {
            now_ = std::time(nullptr);
            if (now_ >= due_ && now_ >= retry_) attempt([&] { begin_syncs(); });
            end_syncs();
            if (now_ >= retry_ && has_to_follow_up()) attempt([&] { follow_up(); });
            if (now_ - asked_ >= request_poll) asked_ = now_, attempt([&] { serve_requests(); });
            if (Signals::reload.exchange(false)) reload();
            std::this_thread::sleep_for(tick);
        }
        notify_stopping();
        engine_.reset();
        spdlog::info("stopped");
        return 0;
    }

  private:
    // What fails is logged and tried again; a database that is away, once a minute.
    void attempt(const std::function<void()> &step) {
        try {
            step();
            if (const auto line = outage_.up()) spdlog::info("{}", *line);
        } catch (const sync::SyncError &error) {
            retry_ = now_ + database_retry;
            const auto line = outage_.down(error.what());
            if (line && !Signals::stop) spdlog::error("{}", *line);
        } catch (const std::exception &error) {
            retry_ = now_ + request_poll;
            if (!Signals::stop) spdlog::error("{}", error.what());
        }
    }

    // An unknown contract version ends the daemon, with a message; a database that is away does not.
    void wait_for_database() {
        for (bool reached = false; !reached && !Signals::stop;) {
            try {
                connect(config_, "xselld");
                reached = true;
            } catch (const sync::SyncError &error) {
                if (const auto line = outage_.down(error.what())) spdlog::error("{}", *line);
                notify_ready("waiting for the database");
                for (int i = 0; i < 10 * database_retry && !Signals::stop; ++i) std::this_thread::sleep_for(tick);
            }
        }
    }

    void work() {
        start();
        notify_ready(std::to_string(config_.orgs.size()) + " orgs, schedule " + config_.schedule_text);
        spdlog::info("xselld runs: {} orgs, schedule {}", config_.orgs.size(), config_.schedule_text);
    }

    // Begins to work on the queue anew; the pages under way are finished first.
    void start() {
        engine_.reset();
        engine_ =
            start_engine(config_, chosen_orgs(config_, {}), idle_wait);  // of those that are paused the queue gives out nothing
        asked_ = 0;                                                      // what is under way already is followed at once
    }

    Orgs active() const {
        Orgs orgs = chosen_orgs(config_, {});
        std::erase_if(orgs, [&](const config::Org *org) { return paused_.contains(org->id); });
        return orgs;
    }

    void note_paused(std::set<std::string> paused) {
        if (paused == paused_) return;
        paused_ = std::move(paused);
        spdlog::info("{} orgs are paused", paused_.size());
    }

    void begin_syncs() {
        note_paused(prepare(config_, chosen_orgs(config_, {}), *connect(config_, "xselld")));
        const Orgs orgs = active();
        const auto store = make_store(config_);
        Plan plan = make_plan(config_, {}, orgs, *store);
        const auto processes = open_all(plan, *store);
        for (const auto &[org, reason] : plan.refused) spdlog::error("{}", reason);
        engine_->follow(processes);
        due_ = config::Schedule::parse(config_.schedule_text).next(now_);
        spdlog::info("{} orgs are being read; next sync at {}", processes.size(), moment(due_));
    }

    void end_syncs() {
        const auto ended = latest(engine_->settle());
        log_reports(ended);
        for (const auto &report : ended) {
            if (report.counts.changed > 0 && stale_since_ == 0) stale_since_ = now_;
        }
    }

    bool has_to_refresh() const {
        // At the start: when the first sync is through.
        if (now_ - refreshed_ >= refresh_at_least && engine_->finished()) return true;
        return stale_since_ > 0 && (engine_->finished() || now_ - stale_since_ >= refresh_patience);
    }
    bool has_to_follow_up() const { return has_to_refresh() || now_ - pruned_ >= prune_every; }

    void follow_up() {
        const auto database = connect(config_, "xselld");
        if (has_to_refresh()) {
            refresh(*database);
            refreshed_ = now_, stale_since_ = 0;
            if (now_ - drift_checked_ >= check_drift_every) {
                check_drift(config_, *database);
                score_accounts(*database);
                drift_checked_ = now_;
            }
            train_requested(config_, *database);
        }
        if (now_ - pruned_ >= prune_every) {
            prune(config_, *database);
            pruned_ = now_;
        }
    }

    // Somebody who asked for a training, a retry or a sync does not wait for the next one that is scheduled.
    void serve_requests() {
        const auto database = connect(config_, "xselld");
        const auto paused = store::paused_orgs(*database);
        note_paused({paused.begin(), paused.end()});
        std::vector<std::int64_t> open;
        std::vector<store::Value> orgs;
        for (const auto *org : active()) orgs.emplace_back(org->id);
        const auto found = database->query(
            "SELECT run_id FROM xsell_internal.sync_run WHERE object IS NULL AND finished_at IS NULL AND org_id = ANY ($1)",
            {store::array(orgs)});
        for (std::size_t i = 0; i < found.rows.size(); ++i) open.push_back(found.number(i, 0));
        engine_->follow(open);
        train_requested(config_, *database);
    }

    void reload() {
        try {
            config::Config fresh = load_config(config_.file, Needs::orgs);
            static_cast<void>(chosen_orgs(fresh, {}));  // throws when there is none
            engine_.reset();                            // finishes the pages under way; the rest of them goes on below
            config_ = std::move(fresh);
            spdlog::info("configuration reloaded");
            work();
            due_ = config::Schedule::parse(config_.schedule_text).next(now_);
            spdlog::info("next sync at {}", moment(due_));
        } catch (const std::exception &error) {
            spdlog::error("the configuration is not reloaded, the old one stays: {}", error.what());
        }
    }

    config::Config config_;
    std::set<std::string> paused_;
    std::unique_ptr<sync::Engine> engine_;  // refers to config_
    sync::Outage outage_{outage_note_every};
    std::time_t now_ = 0;
    std::time_t due_ = 0, retry_ = 0;  // of the next sync; of what the database refused
    std::time_t refreshed_ = 0, pruned_ = 0, drift_checked_ = 0, asked_ = 0;
    std::time_t stale_since_ = 0;  // something was read that no refresh has seen; 0: nothing
};

}  // namespace

int run_command(const std::filesystem::path &file) {
    Signals::listen();
    return Daemon(file).run();
}

}  // namespace xsell::cli
