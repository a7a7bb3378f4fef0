// The queue and the tables, as the engine sees them. Several workers of several daemons share one: every page is read by one of
// them at a time, and what it brought is committed once. daemon/store implements it with libpq; everything that must be atomic is
// SQL.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sync/error.hpp"
#include "sync/record.hpp"

namespace xsell::sync {

struct MergeCounts {
    std::int64_t fetched = 0, changed = 0, deleted = 0, rejected = 0;
    MergeCounts &operator+=(const MergeCounts &other) {
        fetched += other.fetched, changed += other.changed, deleted += other.deleted, rejected += other.rejected;
        return *this;
    }
};

// What is to be read: a process for the org, with a child process for each object.
struct Opening {
    std::string org;
    std::vector<std::string> objects;
    bool full = false;                          // from the beginning, whatever was read before
    std::map<std::string, std::string> states;  // object -> where to begin instead of where the last reading ended
};

// A page that this worker is to read.
struct Claim {
    std::int64_t page = 0, run = 0, process = 0;  // run: the child process; process: its parent
    std::int64_t number = 0;                      // of the page within the run, from 1
    int attempt = 1;
    std::string org, object, state;
};

struct Committed {
    MergeCounts counts;
    std::optional<Claim> next;  // the page that follows, already claimed by this worker
};

// What became of a page that could not be read.
struct Failure {
    Fault fault = Fault::transient;
    std::string message;
    double wait = 0;     // seconds before the page is tried again
    bool counts = true;  // against the tries of the page: not when the server said how long to wait
    int tries = 6;       // so many that count, then the page has failed
};

struct RunReport {
    std::int64_t run = 0;
    std::string org, object, state;  // object: empty for the process of the org
    std::int64_t pages = 0;
    MergeCounts counts;
    std::optional<std::string> error;
    bool paused = false;  // its org: nothing of it is read until somebody resumes it
    bool finished() const { return state == "COMPLETED" || state == "ERROR"; }
};

class Store {
  public:
    virtual ~Store() = default;
    virtual Object object(const std::string &name) = 0;  // its columns, from the database
    // Opens the org's process, or joins the one that is under way (adding objects that it lacks). Returns its id.
    virtual std::int64_t open(const Opening &opening) = 0;
    // The next page of these orgs that is due, newest process last; nothing when there is none at present. At most `each` pages
    // of an org are claimed at a time, by all daemons together.
    virtual std::optional<Claim> claim(const std::vector<std::string> &orgs, int each) = 0;
    // One transaction: rows, rejects, sweep, state, counters, following pages. Throws SyncError: lost when the claim is no longer
    // this worker's; nothing is written then.
    virtual Committed commit(const Claim &claim, const Object &object, std::int64_t map_hash, const Page &page) = 0;
    // Puts the page back for later, or marks it, its object or its whole org as failed, as the fault says.
    virtual void fail(const Claim &claim, const Failure &failure) = 0;
    virtual void release(const Claim &claim) noexcept = 0;  // as if it had not been claimed; for a stop
    // The processes and their children, for progress and summaries.
    virtual std::vector<RunReport> report(const std::vector<std::int64_t> &processes) = 0;
    // Takes pages back from workers that are gone; returns how many.
    virtual int recover() = 0;
    // Returns when something may have happened to the queue (NOTIFY), at the latest after so many seconds.
    virtual void wait(double seconds) = 0;
};

}  // namespace xsell::sync
