// What each command does; every one returns the exit status.
#pragma once
#include <atomic>
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "store/database.hpp"
#include "sync/engine.hpp"

namespace xsell::cli {

inline constexpr const char *model_name = "cross_sell";

struct SyncArguments {
    std::vector<std::string> orgs, objects;
    bool dry_run = false;
};

int init_command(const std::string &connector, const std::string &output);
int check_command(const std::filesystem::path &file);
int sync_command(const std::filesystem::path &file, const SyncArguments &arguments);
int run_command(const std::filesystem::path &file);
int status_command(const std::filesystem::path &file);
int train_command(const std::filesystem::path &file, bool force, const std::string &horizon);
int recommend_command(const std::filesystem::path &file, int limit, const std::string &org);

// --- shared by the commands ---

// The configuration, its secrets hidden from then on. Prints every problem and throws Refused when there is one that matters:
// all of them for what reads orgs, the database's alone for what does not.
enum class Needs { database, orgs };
config::Config load_config(const std::filesystem::path &file, Needs needs);
struct Refused : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// A connection to an extension whose contract version is known.
std::unique_ptr<store::Database> connect(const config::Config &config, const std::string &name);

// Reads the orgs once; counters and errors are logged. Returns what came of each.
std::vector<sync::OrgResult> sync_once(const config::Config &config, const SyncArguments &arguments);
std::string summary(const std::vector<sync::OrgResult> &results);
bool failed(const std::vector<sync::OrgResult> &results);

// Entities, holdings and recommendations anew.
void refresh(store::Database &database);
// Trains what was asked for by xsell.request_training.
void train_requested(const config::Config &config, store::Database &database);
// CALL xsell.train, with its progress in the log; returns the version. An empty horizon means the model's own.
std::string train_version(const config::Config &config, store::Database &database, const std::string &model,
                          const std::string &horizon = "");

// SIGTERM and SIGINT set stop, SIGHUP sets reload.
struct Signals {
    static std::atomic<bool> stop, reload;
    static void listen();
};

// While it lives, a stop signal cancels what the connection is doing, after some patience with it.
class Cancelling {
  public:
    explicit Cancelling(store::Database &database, std::chrono::milliseconds patience = {});
    ~Cancelling();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace xsell::cli
