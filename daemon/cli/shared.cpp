#include <spdlog/spdlog.h>

#include <csignal>
#include <cstdio>
#include <map>
#include <mutex>
#include <condition_variable>
#include <thread>

#include "cli/commands.hpp"
#include "cli/log.hpp"
#include "http/client.hpp"
#include "store/setup.hpp"

namespace xsell::cli {

std::atomic<bool> Signals::stop{false};
std::atomic<bool> Signals::reload{false};

void Signals::listen() {
    struct sigaction action {};
    action.sa_handler = [](int number) {
        if (number == SIGHUP) {
            reload = true;
        } else {
            stop = true;
            http::stop_transfers();  // a page that is on its way is read again next time
        }
    };
    sigemptyset(&action.sa_mask);
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaction(number, &action, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
}

config::Config load_config(const std::filesystem::path &file, Needs needs) {
    config::Config config = config::load(file);
    hide(config.secrets);
    const bool refused = needs == Needs::orgs ? !config.problems.empty() : !config.database_known;
    if (!refused) return config;
    std::string all;
    for (const auto &problem : config.problems) all += "\n  " + problem;
    throw Refused("the configuration cannot be used:" + all);
}

std::unique_ptr<store::Database> connect(const config::Config &config, const std::string &name) {
    auto database = std::make_unique<store::Database>(config.database_url, name);
    database->on_notice([](const std::string &text) { spdlog::info("{}", text); });
    store::require_contract(*database);
    return database;
}

struct Cancelling::State {
    std::mutex mutex;
    std::condition_variable over;
    bool done = false;
    std::thread watcher;
};

Cancelling::Cancelling(store::Database &database, std::chrono::milliseconds patience) : state_(std::make_unique<State>()) {
    state_->watcher = std::thread([&database, patience, state = state_.get()] {
        constexpr std::chrono::milliseconds glance(200);
        std::chrono::milliseconds waited{};
        std::unique_lock lock(state->mutex);
        // Once is not enough: the signal may come between two statements.
        while (!state->over.wait_for(lock, glance, [&] { return state->done; })) {
            if (!Signals::stop) continue;
            if (waited >= patience) database.cancel();
            waited += glance;
        }
    });
}

Cancelling::~Cancelling() {
    {
        const std::lock_guard guard(state_->mutex);
        state_->done = true;
    }
    state_->over.notify_all();
    state_->watcher.join();
}

void refresh(store::Database &database) {
    const Cancelling cancelling(database);
    static const std::map<std::string, const char *> meaning = {
        {"entities", "accounts new or moved"}, {"products", "products new or moved"}, {"holdings", "holdings changed"}};
    std::string all;
    for (const auto &row : database.query("SELECT step, rows FROM xsell.refresh()").rows) {
        const std::string step = row.at(0).value_or("");
        const auto known = meaning.find(step);
        all += (all.empty() ? "" : ", ") + row.at(1).value_or("0") + " " + (known == meaning.end() ? step : known->second);
    }
    spdlog::info("refresh: {}", all);
}

void score_accounts(store::Database &database) {
    const Cancelling cancelling(database);
    try {
        const auto scored = database.query("SELECT xsell.refresh_account_scores(), xsell.refresh_pairs()");
        spdlog::info("{} accounts scored, {} pairs of accounts look alike", scored.number(0, 0), scored.number(0, 1));
    } catch (const store::SqlError &error) {
        if (Signals::stop) throw;
        spdlog::warn("accounts could not be scored: {}", error.what());
    }
}

void prune(const config::Config &config, store::Database &database) {
    const Cancelling cancelling(database);
    const auto seconds = [](std::int64_t count) { return std::to_string(count) + " seconds"; };
    const auto &keep = config.retention;
    const auto gone = database.query("SELECT xsell_internal.sync_prune($1::interval, $2::interval, $3::interval)",
                                     {seconds(keep.pages), seconds(keep.errors), seconds(keep.history)});
    spdlog::debug("pruned: {} rows", gone.number(0, 0));
}

}  // namespace xsell::cli
