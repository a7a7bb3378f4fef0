// A queue of pages in memory, with everything that matters of the real one: claims, fences, fan-out, serial cursors, tries,
// sweeps, workers that are lost. And a source whose truth is known. Engines are tested against both.
#pragma once
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "sync/engine.hpp"

namespace xsell::sync::model {

using Rows = std::map<std::string, std::string>;  // "org/object/id" -> value

// What the database holds. Everything under one mutex; each call of a store is one transaction.
struct Database {
    enum class Status { queued, claimed, done, failed };
    struct Page {
        std::int64_t run = 0, number = 0;
        std::string state;
        int attempt = 1;
        Status status = Status::queued;
        std::int64_t owner = 0;  // the session that claimed it
        std::chrono::steady_clock::time_point due{};
        bool fan = false;  // one of a set
    };
    struct Run {
        std::int64_t process = 0, last_number = 0;
        std::string org, object, state = "PROCESSING_BATCHES", next_state;
        std::int64_t pages = 0;
        MergeCounts counts;
        std::optional<std::string> error;
        bool done = false, sweep = false;
        std::set<std::string> seen;
    };
    struct Process {
        std::string org, state = "PROCESSING_BATCHES";
        std::optional<std::string> error;
    };

    std::mutex mutex;
    std::condition_variable changed;
    Rows rows;
    std::map<std::string, std::string> states;  // "org/object" -> where the next reading begins
    std::map<std::int64_t, Page> pages;
    std::map<std::int64_t, Run> runs;
    std::map<std::int64_t, Process> processes;
    std::set<std::int64_t> sessions;
    std::set<std::string> paused;   // orgs
    std::vector<Failure> failures;  // all that was reported
    std::int64_t last_id = 0, commits = 0, most_claimed = 0;
    std::int64_t news = 0;  // grows with every NOTIFY
};

// One daemon's machine: when it is dead, all its connections are.
struct Machine {
    std::atomic<bool> dead{false};
    // Asked at every commit: how it ends. Empty: always well.
    enum class Outcome { well, lost_before, lost_after, die_before, die_after };
    std::function<Outcome()> at_commit;
    std::atomic<bool> unreachable{false};  // the database is away
    bool never_fails = true;
};

class QueueStore : public Store {
  public:
    QueueStore(Database &database, Machine &machine);
    ~QueueStore() override;
    Object object(const std::string &name) override;
    std::int64_t open(const Opening &opening) override;
    std::optional<Claim> claim(const std::vector<std::string> &orgs, int each) override;
    Committed commit(const Claim &claim, const Object &object, std::int64_t map_hash, const sync::Page &page) override;
    void fail(const Claim &claim, const Failure &failure) override;
    void release(const Claim &claim) noexcept override;
    std::vector<RunReport> report(const std::vector<std::int64_t> &processes) override;
    int recover() override;
    void wait(double seconds) override;

  private:
    void reachable();
    [[noreturn]] void lose();
    Database::Page &ours(const Claim &claim);  // throws lost
    Claim give(std::int64_t page, std::int64_t session);
    void write(const Claim &claim, Database::Run &run, const sync::Page &page, MergeCounts &counts);
    std::int64_t queue(std::int64_t run, const std::string &state, bool fan);
    void close_run(std::int64_t run, const std::optional<std::string> &error);
    void close_process(std::int64_t process);
    void notify();
    Database &db_;
    Machine &machine_;
    std::int64_t session_ = 0;
    bool broken_ = false;
};

// What the source holds, and how it shows it.
struct Table {
    std::map<std::string, std::string> records;  // id -> value
    std::size_t page_size = 3;
    bool fan_out = false, sweep = false;
    bool circle = false;  // the second page leads back to the first
    bool stalls = false;  // every page shows the same records
    bool can_since = true;
};

struct World {
    std::mutex mutex;
    std::map<std::string, Table> tables;  // "org/object"
    std::map<std::string, std::vector<std::string>> objects;
    // Called before every page; may throw anything. "emea/account@3".
    std::function<void(const std::string &place)> before;
    std::atomic<int> connectors{0}, fetches{0};
    Rows truth();
};

class WorldConnector : public Connector {
  public:
    WorldConnector(World &world, std::string org) : world_(world), org_(std::move(org)) { ++world_.connectors; }
    std::vector<std::string> objects() const override { return world_.objects.at(org_); }
    sync::Page fetch(const Object &object, const std::string &state) override;
    std::optional<std::int64_t> count(const Object &) override { return std::nullopt; }
    std::vector<Finding> check() override { return {}; }
    std::int64_t map_hash(const Object &) const override { return 1; }

  private:
    World &world_;
    std::string org_;
};

// --- what tests write ---

Options quick();  // waits of milliseconds
std::vector<Source> sources(World &world, int each = 4);
Engine::MakeStore stores(Database &database, Machine &machine);
// Opens a process for every org (or joins it), and returns the ids.
std::vector<std::int64_t> open_all(Database &database, World &world, bool full = false);
// One healthy engine, until everything has ended.
std::vector<RunReport> read_all(Database &database, World &world, const Options &options = quick(), bool full = false);
// A world of orgs with the objects account and opportunity, so many records each.
void fill(World &world, const std::vector<std::string> &orgs, int records);
std::string error_of(const std::vector<RunReport> &reports, const std::string &org, const std::string &object);

}  // namespace xsell::sync::model
