#include "queue_model.hpp"

#include <algorithm>
#include <chrono>
#include <stdexcept>

namespace xsell::sync::model {
namespace {

using Clock = std::chrono::steady_clock;
using Status = Database::Status;
using Outcome = Machine::Outcome;

bool over(const std::string &state) { return state == "COMPLETED" || state == "ERROR"; }

}  // namespace

QueueStore::QueueStore(Database &database, Machine &machine) : db_(database), machine_(machine) {
    const std::lock_guard guard(db_.mutex);
    reachable();
    db_.sessions.insert(session_ = ++db_.last_id);
}

QueueStore::~QueueStore() {
    const std::lock_guard guard(db_.mutex);
    db_.sessions.erase(session_);  // what it claimed stays claimed until somebody takes it back
}

void QueueStore::reachable() {
    if (broken_ || machine_.dead || machine_.unreachable) lose();
}

void QueueStore::lose() {
    broken_ = true;
    db_.sessions.erase(session_);
    throw SyncError(Fault::transient, "the connection to the database was lost");
}

void QueueStore::notify() {
    ++db_.news;
    db_.changed.notify_all();
}

Object QueueStore::object(const std::string &name) {
    const std::lock_guard guard(db_.mutex);
    reachable();
    if (name == "unknown") throw SyncError(Fault::object, "the extension knows no object 'unknown'");
    return {name, {{"name", ColumnType::text}}};
}

std::int64_t QueueStore::queue(std::int64_t run, const std::string &state, bool fan) {
    Database::Page page;
    page.run = run, page.number = ++db_.runs[run].last_number, page.state = state, page.fan = fan;
    db_.pages[++db_.last_id] = page;
    return db_.last_id;
}

std::int64_t QueueStore::open(const Opening &opening) {
    const std::lock_guard guard(db_.mutex);
    reachable();
    std::int64_t process = 0;
    for (const auto &[id, known] : db_.processes) {
        if (known.org == opening.org && !over(known.state)) process = id;
    }
    if (process == 0) db_.processes[process = ++db_.last_id].org = opening.org;
    for (const auto &object : opening.objects) {
        const bool there = std::any_of(db_.runs.begin(), db_.runs.end(), [&](const auto &run) {
            return run.second.process == process && run.second.object == object && !over(run.second.state);
        });
        if (there) continue;
        const std::int64_t id = ++db_.last_id;
        Database::Run &run = db_.runs[id];
        run.process = process, run.org = opening.org, run.object = object;
        const auto given = opening.states.find(object);
        queue(id,
              given != opening.states.end() ? given->second
              : opening.full                ? ""
                                            : db_.states[opening.org + "/" + object],
              false);
    }
    notify();
    return process;
}

Claim QueueStore::give(std::int64_t id, std::int64_t session) {
    Database::Page &page = db_.pages.at(id);
    page.status = Status::claimed;
    page.owner = session;
    const Database::Run &run = db_.runs.at(page.run);
    return {id, page.run, run.process, page.number, page.attempt, run.org, run.object, page.state};
}

std::optional<Claim> QueueStore::claim(const std::vector<std::string> &orgs, int each) {
    const std::lock_guard guard(db_.mutex);
    reachable();
    std::map<std::string, std::int64_t> claimed;
    for (const auto &[id, page] : db_.pages) claimed[db_.runs.at(page.run).org] += page.status == Status::claimed;
    for (const auto &[id, page] : db_.pages) {
        const std::string &org = db_.runs.at(page.run).org;
        if (page.status != Status::queued || page.due > Clock::now() || claimed[org] >= each) continue;
        if (std::find(orgs.begin(), orgs.end(), org) == orgs.end() || db_.paused.contains(org)) continue;
        db_.most_claimed = std::max(db_.most_claimed, claimed[org] + 1);
        return give(id, session_);
    }
    return std::nullopt;
}

Database::Page &QueueStore::ours(const Claim &claim) {
    const auto found = db_.pages.find(claim.page);
    if (found == db_.pages.end() || found->second.status != Status::claimed || found->second.owner != session_)
        throw SyncError(Fault::lost, "the page belongs to another worker");
    return found->second;
}

void QueueStore::write(const Claim &claim, Database::Run &run, const sync::Page &page, MergeCounts &counts) {
    const std::string place = claim.org + "/" + claim.object + "/";
    for (const auto &record : page.records) {
        std::string &row = db_.rows[place + record.crm_id];
        counts.changed += row != record.values.at(0).value();
        row = record.values.at(0).value();
        run.seen.insert(record.crm_id);
    }
    counts.fetched = static_cast<std::int64_t>(page.records.size());
    run.counts += counts;
    ++run.pages;
    ++db_.commits;
}

Committed QueueStore::commit(const Claim &claim, const Object &, std::int64_t, const sync::Page &page) {
    const std::lock_guard guard(db_.mutex);
    reachable();
    const Outcome outcome = machine_.at_commit ? machine_.at_commit() : Outcome::well;
    if (outcome == Outcome::die_before) machine_.dead = true;
    if (outcome == Outcome::die_before || outcome == Outcome::lost_before) lose();
    Database::Page &mine = ours(claim);
    Database::Run &run = db_.runs.at(mine.run);
    Committed result;
    write(claim, run, page, result.counts);
    mine.status = Status::done;
    run.sweep |= page.sweep != Sweep::none;
    if (!mine.fan) db_.states[claim.org + "/" + claim.object] = run.next_state = page.next_state;
    if (!page.fan_out.empty()) db_.states[claim.org + "/" + claim.object] = claim.state;  // until all of them are there
    const bool is_fan = mine.fan;
    std::vector<std::int64_t> following;
    for (const auto &state : page.fan_out) following.push_back(queue(claim.run, state, true));
    if (!page.done && !is_fan) following.push_back(queue(claim.run, page.next_state, false));
    if (!following.empty() && !db_.paused.contains(claim.org)) result.next = give(following.front(), session_);
    const bool outstanding = std::any_of(db_.pages.begin(), db_.pages.end(), [&](const auto &other) {
        return other.second.run == claim.run && other.second.status != Status::done;
    });
    if (!outstanding) close_run(claim.run, std::nullopt);
    notify();
    if (outcome == Outcome::die_after) machine_.dead = true;
    if (outcome == Outcome::die_after || outcome == Outcome::lost_after) lose();
    return result;
}

void QueueStore::close_run(std::int64_t id, const std::optional<std::string> &error) {
    Database::Run &run = db_.runs.at(id);
    if (over(run.state)) return;
    run.state = error ? "ERROR" : "COMPLETED";
    run.error = error;
    const std::string place = run.org + "/" + run.object;
    if (!error) db_.states[place] = run.next_state;
    for (auto row = db_.rows.lower_bound(place + "/"); !error && run.sweep && row != db_.rows.end();) {
        if (!row->first.starts_with(place + "/")) break;
        row = run.seen.contains(row->first.substr(place.size() + 1)) ? std::next(row) : db_.rows.erase(row);
    }
    for (auto &[page_id, page] : db_.pages) {
        if (page.run == id && page.status != Status::done) page.status = Status::failed;
    }
    close_process(run.process);
}

void QueueStore::close_process(std::int64_t id) {
    bool open = false, bad = db_.processes.at(id).error.has_value();
    for (const auto &[run_id, run] : db_.runs) {
        if (run.process != id) continue;
        open |= !over(run.state), bad |= run.state == "ERROR";
    }
    if (!open) db_.processes.at(id).state = bad ? "ERROR" : "COMPLETED";
}

void QueueStore::fail(const Claim &claim, const Failure &failure) {
    const std::lock_guard guard(db_.mutex);
    reachable();
    Database::Page &page = ours(claim);
    db_.failures.push_back(failure);
    if (failure.fault == Fault::transient && (!failure.counts || page.attempt < failure.tries)) {
        page.attempt += failure.counts;
        page.status = Status::queued;
        page.due = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(failure.wait));
    } else if (failure.fault == Fault::transient || failure.fault == Fault::object) {
        close_run(claim.run, failure.message);
    } else {
        db_.processes.at(claim.process).error = failure.message;
        for (auto &[id, run] : db_.runs) {
            if (run.process == claim.process) close_run(id, failure.message);
        }
    }
    notify();
}

void QueueStore::release(const Claim &claim) noexcept {
    const std::lock_guard guard(db_.mutex);
    const auto found = db_.pages.find(claim.page);
    if (broken_ || machine_.dead || found == db_.pages.end() || found->second.owner != session_) return;
    if (found->second.status == Status::claimed) found->second.status = Status::queued;
    notify();
}

std::vector<RunReport> QueueStore::report(const std::vector<std::int64_t> &processes) {
    const std::lock_guard guard(db_.mutex);
    reachable();
    std::vector<RunReport> out;
    for (const std::int64_t id : processes) {
        const auto found = db_.processes.find(id);
        if (found == db_.processes.end()) continue;
        const Database::Process &process = found->second;
        out.push_back({id, process.org, "", process.state, 0, {}, process.error, db_.paused.contains(process.org)});
        for (const auto &[run_id, run] : db_.runs) {
            if (run.process == id)
                out.push_back(
                    {run_id, run.org, run.object, run.state, run.pages, run.counts, run.error, db_.paused.contains(run.org)});
        }
    }
    return out;
}

int QueueStore::recover() {
    const std::lock_guard guard(db_.mutex);
    reachable();
    int count = 0;
    for (auto &[id, page] : db_.pages) {
        if (page.status != Status::claimed || db_.sessions.contains(page.owner)) continue;
        page.status = Status::queued;
        ++count;
    }
    if (count > 0) notify();
    return count;
}

void QueueStore::wait(double seconds) {
    std::unique_lock lock(db_.mutex);
    reachable();
    const std::int64_t seen = db_.news;
    db_.changed.wait_for(lock, std::chrono::duration<double>(seconds), [&] { return db_.news != seen; });
}

Rows World::truth() {
    Rows rows;
    for (const auto &[place, table] : tables) {
        for (const auto &[id, value] : table.records) rows[place + "/" + id] = value;
    }
    return rows;
}

sync::Page WorldConnector::fetch(const Object &object, const std::string &state) {
    ++world_.fetches;
    const std::string place = org_ + "/" + object.name;
    if (world_.before) world_.before(place + "@" + state);
    const std::lock_guard guard(world_.mutex);
    const Table &table = world_.tables.at(place);
    std::vector<std::pair<std::string, std::string>> all(table.records.begin(), table.records.end());
    // "" or "again": from the beginning; "5": from the sixth; "=5": that page of a set alone.
    const bool first = state.empty() || state == "again", alone = state.starts_with('=');
    const std::size_t from = first ? 0 : std::stoul(state.substr(alone ? 1 : 0));
    const std::size_t to = std::min(from + table.page_size, all.size());
    sync::Page page;
    const std::size_t show = table.stalls ? 0 : from;
    for (std::size_t i = show; i < (table.stalls ? std::min(table.page_size, all.size()) : to); ++i)
        page.records.push_back({all[i].first, {all[i].second}, "{}", false});
    if (table.sweep) page.sweep = first ? Sweep::begin : Sweep::go_on, page.sweep_at = "2026-01-01";
    page.total = static_cast<std::int64_t>(all.size());
    page.done = to == all.size() && !table.stalls;
    page.next_state = page.done      ? "again"
                      : table.stalls ? std::to_string(from + 1)
                                     : std::to_string(table.circle && from ? table.page_size : to);
    if (alone || (first && table.fan_out)) page.done = true, page.next_state = "again";
    for (std::size_t next = to; first && table.fan_out && next < all.size(); next += table.page_size)
        page.fan_out.push_back("=" + std::to_string(next));
    return page;
}

Options quick() {
    Options options;
    options.retries.first_wait = 0.001;
    options.retries.longest_wait = 0.004;
    options.retries.longest_told_wait = 0.002;
    options.idle_wait = 0.01;
    options.recover_every = 0.02;
    options.longest_outage_wait = 0.01;
    return options;
}

std::vector<Source> sources(World &world, int each) {
    std::vector<Source> out;
    for (const auto &[org, objects] : world.objects)
        out.push_back({org, each, [&world, org = org] { return std::make_unique<WorldConnector>(world, org); }});
    return out;
}

Engine::MakeStore stores(Database &database, Machine &machine) {
    return [&database, &machine] { return std::make_unique<QueueStore>(database, machine); };
}

std::vector<std::int64_t> open_all(Database &database, World &world, bool full) {
    Machine machine;
    QueueStore store(database, machine);
    std::vector<std::int64_t> processes;
    for (const auto &[org, objects] : world.objects) processes.push_back(store.open({org, objects, full, {}}));
    return processes;
}

std::vector<RunReport> read_all(Database &database, World &world, const Options &options, bool full) {
    Machine machine;
    const auto processes = open_all(database, world, full);
    Engine engine(sources(world), stores(database, machine), options);
    return engine.finish(processes, 5);
}

void fill(World &world, const std::vector<std::string> &orgs, int records) {
    for (const auto &org : orgs) {
        world.objects[org] = {"account", "opportunity"};
        for (const auto &object : world.objects[org]) {
            Table &table = world.tables[org + "/" + object];
            for (int i = 0; i < records; ++i) table.records[std::to_string(1000 + i)] = "value " + std::to_string(i);
        }
    }
}

std::string error_of(const std::vector<RunReport> &reports, const std::string &org, const std::string &object) {
    for (const auto &report : reports) {
        if (report.org == org && report.object == object) return report.error.value_or(report.state);
    }
    return "not reported";
}

}  // namespace xsell::sync::model
