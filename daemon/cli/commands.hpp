// What each command does; every one returns the exit status.
#pragma once
#include <atomic>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "store/database.hpp"
#include "sync/engine.hpp"

namespace xsell::cli {

inline constexpr const char *model_name = "cross_sell";

struct SyncArguments {
    std::vector<std::string> orgs, objects;
    bool full = false;  // from the beginning, whatever was read before
    std::string since;  // a time, or a duration before now; empty: where the last reading ended
    bool dry_run = false;
};

// Which records that were put aside; without anything: all of them.
struct DeadLetterArguments {
    std::vector<std::int64_t> ids;
    std::vector<std::string> orgs, objects;
    bool all = false;
    int limit = 50;
};

int key_new_command(const std::filesystem::path &file);
int key_rotate_command(const std::filesystem::path &file);
int key_forget_command(const std::filesystem::path &file, const std::string &org);
int init_command(const std::string &connector, const std::string &output);
int check_command(const std::filesystem::path &file);
int sync_command(const std::filesystem::path &file, const SyncArguments &arguments);
int run_command(const std::filesystem::path &file);
int status_command(const std::filesystem::path &file);
int watch_command(const std::filesystem::path &file);
int retry_command(const std::filesystem::path &file, const std::vector<std::string> &orgs);
int reconcile_command(const std::filesystem::path &file, const SyncArguments &arguments);
int connectors_command();
int states_command(const std::filesystem::path &file);
int org_list_command(const std::filesystem::path &file);
int org_add_command(const std::filesystem::path &file, const std::string &org, const std::string &connector);
int org_pause_command(const std::filesystem::path &file, const std::string &org, bool paused);
int org_remove_command(const std::filesystem::path &file, const std::string &org, bool purge);
int dead_letter_list_command(const std::filesystem::path &file, const DeadLetterArguments &arguments);
int dead_letter_show_command(const std::filesystem::path &file, std::int64_t id);
int dead_letter_retry_command(const std::filesystem::path &file, const DeadLetterArguments &arguments);
int dead_letter_discard_command(const std::filesystem::path &file, const DeadLetterArguments &arguments);
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

// The orgs of these names, all without names. Throws Refused with the nearest guess for a name that is not there.
using Orgs = std::vector<const config::Org *>;
Orgs chosen_orgs(const config::Config &config, const std::vector<std::string> &names);
// Whether --object leaves the object in.
bool wanted(const SyncArguments &arguments, const std::string &object);
// Throws Refused with the nearest guess for an object that no CRM has.
void require_objects(const std::vector<std::string> &names);
// With the host that shares limits and tokens among all workers. Throws std::runtime_error that names every wrong setting.
std::unique_ptr<sync::Connector> make_connector(const config::Config &config, const config::Org &org);

// What came of a sync.
struct Synced {
    std::vector<sync::RunReport> reports;        // of processes and, behind each, its objects; the last of each alone
    std::map<std::string, std::string> refused;  // org -> why it was not begun
    bool failed() const;
    std::int64_t changed() const;
    std::int64_t rejected() const;
};
// Reads the orgs once: opens (or joins) their processes and works until they have ended. The outcome is logged.
Synced sync_once(const config::Config &config, const SyncArguments &arguments);
std::string summary(const Synced &synced);

// Entities, holdings and recommendations anew.
void refresh(store::Database &database);
// Forgets what the machinery wrote down longer ago than the configuration says.
void prune(const config::Config &config, store::Database &database);
// Looks at each champion for drift; asks for the trainings that are due where the configuration says so, and tells of them.
void check_drift(const config::Config &config, store::Database &database);
// Scores and summaries of accounts, and pairs of accounts that look alike, anew.
void score_accounts(store::Database &database);
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
