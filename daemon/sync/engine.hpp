// Works the queue: workers that claim a page, read it from its source and commit it, until nothing is left. Any number of
// engines, in any number of daemons, share one queue.
#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sync/backoff.hpp"
#include "sync/connector.hpp"
#include "sync/error.hpp"
#include "sync/progress.hpp"
#include "sync/store.hpp"

namespace xsell::sync {

// An org whose pages the engine reads. Each worker makes a connector of its own when it first needs one.
struct Source {
    std::string org;
    int each = 4;  // pages of it that are read at the same time, by all daemons together
    std::function<std::unique_ptr<Connector>()> connector;
};

enum class Level { debug, info, warning, error };

struct Options {
    std::size_t workers = 4;
    Retries retries;
    const std::atomic<bool> *stop = nullptr;  // true: pages under way are put back, everything ends
    double idle_wait = 1;                     // seconds between looks at a queue that has nothing to do, at most
    double recover_every = 5;                 // seconds between looks for pages of workers that are gone
    double progress_every = 5;                // seconds between two lines on one object
    double longest_outage_wait = 10;          // seconds between two attempts to reach the database, at most
    double outage_note_every = 60;            // seconds between two lines on a database that stays away
    // Both are called within a ContextScope that says what is being read.
    std::function<void(const Progress &)> progress;            // from one thread
    std::function<void(Level, const std::string &text)> note;  // a line for the log; from several threads
};

class Engine {
  public:
    using MakeStore = std::function<std::unique_ptr<Store>()>;  // a connection; may throw

    // Starts to work at once.
    Engine(std::vector<Source> sources, MakeStore store, Options options);
    // Finishes the pages under way, or puts them back when `stop` is set.
    ~Engine();
    Engine(const Engine &) = delete;
    Engine &operator=(const Engine &) = delete;

    // Reports on these processes from now on: progress, and reports().
    void follow(const std::vector<std::int64_t> &processes);
    // The processes followed and their children, as they stood a moment ago.
    std::vector<RunReport> reports() const;
    // Of what is followed, everything has finished, or waits because its org is paused.
    bool finished() const;
    // Follows no more what has finished, and returns the reports of that.
    std::vector<RunReport> settle();

    // Follows the processes until they have finished or their orgs are paused, whoever works on them, or `stop` is set. Throws
    // SyncError (transient) when the database has been away for `patience` seconds.
    std::vector<RunReport> finish(const std::vector<std::int64_t> &processes, double patience);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace xsell::sync
