// Drives the syncing of orgs: page by page from connector to store, with retries, until every object says done.
#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sync/connector.hpp"
#include "sync/error.hpp"
#include "sync/store.hpp"

namespace xsell::sync {

struct Progress {
    std::string org, object;
    std::int64_t page = 0;
    MergeCounts total;  // of this object in this run
};

struct Options {
    int tries = 6;          // of one page, for faults that name no waiting time
    int told_waits = 60;    // of one page, when the server says how long to wait
    double first_wait = 1;  // seconds; doubled each time, drawn at random between 0 and the full value
    double longest_wait = 60;
    double longest_told_wait = 3600;
    double lock_patience = 3;                        // seconds: the session of a killed daemon takes a moment to end
    std::size_t workers = 4;                         // orgs read at the same time
    std::vector<std::string> objects;                // empty: all
    const std::atomic<bool> *stop = nullptr;         // true: finish the page and stop
    std::function<void(const Progress &)> progress;  // called from several threads
    std::function<void(const std::string &)> note;   // a sentence for the log; called from several threads
    std::function<void(double seconds)> sleep;       // default: sleeps, but wakes up for stop
};

struct ObjectResult {
    std::string object;
    std::int64_t pages = 0;
    MergeCounts counts;
    std::optional<std::string> error;
    bool busy = false;  // another daemon is reading it
};

struct OrgResult {
    std::string org;
    std::vector<ObjectResult> objects;
    std::optional<std::string> error;  // what kept the org from being read (further)
    bool failed() const;
};

struct OrgJob {
    std::string org;
    std::function<std::unique_ptr<Connector>()> connector;
    std::function<std::unique_ptr<Store>()> store;
};

// Reads one org. Never throws.
OrgResult sync_org(const std::string &org, Connector &connector, Store &store, const Options &options);

// Reads all orgs, several at a time; a failing one stops no other. Results are in the order of the jobs.
std::vector<OrgResult> sync_orgs(const std::vector<OrgJob> &jobs, const Options &options);

}  // namespace xsell::sync
