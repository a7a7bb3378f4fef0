// What sync and run have in common: the plan of what is to be read, and the engine that reads it.
#pragma once
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "cli/commands.hpp"

namespace xsell::cli {

// What is to be opened, org by org; and the orgs of which nothing can be, with the reason.
struct Plan {
    std::vector<sync::Opening> openings;
    std::map<std::string, std::string> refused;
};

// Makes the connectors once, to learn what they offer. Throws Refused, before anything starts, when an object that was asked for
// is offered by none, or cannot be read since a time.
Plan make_plan(const config::Config &config, const SyncArguments &arguments, const Orgs &orgs, sync::Store &store);

// Opens what the plan says, or joins what is under way; what the database refuses joins `refused`. Doing it twice does no harm.
std::vector<std::int64_t> open_all(Plan &plan, sync::Store &store);

// Adds and updates the rows of orgs, currencies and rates; returns the orgs of the configuration that are paused.
std::set<std::string> prepare(const config::Config &config, const Orgs &orgs, store::Database &database);

// Works on the queue until it is destroyed. The configuration must outlive it.
std::unique_ptr<sync::Engine> start_engine(const config::Config &config, const Orgs &orgs, double idle_wait);

// Runs the step, again and again while the database is away, for so many seconds; then what it threw passes.
void patiently(double patience, const std::function<void()> &step);

// A connection of its own to the queue.
std::unique_ptr<sync::Store> make_store(const config::Config &config);

// The last report of each object of an org; of processes and objects.
std::vector<sync::RunReport> latest(const std::vector<sync::RunReport> &reports);
void log_reports(const std::vector<sync::RunReport> &reports);

}  // namespace xsell::cli
