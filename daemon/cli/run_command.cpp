#include <spdlog/spdlog.h>

#include <chrono>
#include <ctime>
#include <thread>

#include "cli/commands.hpp"
#include "cli/log.hpp"
#include "sync/error.hpp"

namespace xsell::cli {
namespace {

constexpr std::time_t refresh_at_least = 24 * 3600;  // recency and demand move with time, not with syncs alone
constexpr std::time_t database_retry = 30;
constexpr std::time_t request_poll = 15;

std::string moment(std::time_t at) {
    char text[64];
    std::tm parts{};
    gmtime_r(&at, &parts);
    std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts);
    return text;
}

bool changed(const std::vector<sync::OrgResult> &results) {
    for (const auto &result : results) {
        for (const auto &object : result.objects) {
            if (object.counts.changed > 0) return true;
        }
    }
    return false;
}

class Daemon {
  public:
    explicit Daemon(const std::filesystem::path &file) : config_(load_config(file, Needs::orgs)) {}

    int run() {
        connect(config_, "xselld");  // an unknown contract version ends it here, with a message
        spdlog::info("xselld runs: {} orgs, schedule {}", config_.orgs.size(), config_.schedule_text);
        while (!Signals::stop) {
            const bool complete = cycle();
            if (!Signals::stop) wait(complete);
        }
        spdlog::info("stopped");
        return 0;
    }

  private:
    // One sync and what follows from it; false when the database could not be reached.
    bool cycle() {
        try {
            const auto results = sync_once(config_, {});
            stale_ |= changed(results);
            if (Signals::stop) return true;
            const auto database = connect(config_, "xselld");
            const std::time_t now = std::time(nullptr);
            if (stale_ || now - refreshed_ >= refresh_at_least) {
                refresh(*database);
                refreshed_ = now;
                stale_ = false;
            }
            train_requested(config_, *database);
        } catch (const sync::SyncError &error) {
            spdlog::error("{}", error.what());
            return error.fault != sync::Fault::transient;
        } catch (const std::exception &error) {
            if (!Signals::stop) spdlog::error("{}", error.what());
        }
        return true;
    }

    void wait(bool complete) {
        std::time_t until = next(complete);
        spdlog::info("next sync at {}", moment(until));
        while (!Signals::stop && std::time(nullptr) < until) {
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
            serve_requests();
            if (!Signals::reload.exchange(false)) continue;
            reload();
            until = next(complete);
            spdlog::info("next sync at {}", moment(until));
        }
    }

    // Somebody who asked for a training does not wait for the next sync.
    void serve_requests() {
        const std::time_t now = std::time(nullptr);
        if (now - asked_ < request_poll) return;
        asked_ = now;
        try {
            train_requested(config_, *connect(config_, "xselld"));
        } catch (const std::exception &error) {
            if (!Signals::stop) spdlog::error("{}", error.what());
        }
    }

    std::time_t next(bool complete) const {
        const std::time_t now = std::time(nullptr);
        const std::time_t planned = config::Schedule::parse(config_.schedule_text).next(now);
        return complete ? planned : std::min(planned, now + database_retry);
    }

    void reload() {
        try {
            config_ = load_config(config_.file, Needs::orgs);
            spdlog::info("configuration reloaded: {} orgs, schedule {}", config_.orgs.size(), config_.schedule_text);
        } catch (const std::exception &error) {
            spdlog::error("the configuration is not reloaded, the old one stays: {}", error.what());
        }
    }

    config::Config config_;
    std::time_t refreshed_ = 0;
    std::time_t asked_ = 0;
    bool stale_ = false;  // something was synced that no refresh has seen
};

}  // namespace

int run_command(const std::filesystem::path &file) {
    Signals::listen();
    return Daemon(file).run();
}

}  // namespace xsell::cli
