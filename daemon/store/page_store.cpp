#include "store/page_store.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "store/object.hpp"
#include "store/parts.hpp"
#include "sync/text.hpp"

namespace xsell::store {
namespace {

const char *name_of(sync::Fault fault) {
    switch (fault) {
        case sync::Fault::object: return "object";
        case sync::Fault::org: return "org";
        case sync::Fault::quota: return "quota";
        case sync::Fault::lost: return "lost";
        case sync::Fault::stopped: return "stopped";
        default: return "transient";
    }
}

std::string host_name() {
    utsname machine{};
    return uname(&machine) == 0 ? machine.nodename : "unknown";
}

std::string json_object(const std::map<std::string, std::string> &items) {
    std::string out = "{";
    for (const auto &[key, value] : items) {
        if (out.size() > 1) out += ',';
        sync::append_json_string(out, sync::clean_text(key).text);
        out += ':';
        sync::append_json_string(out, sync::clean_text(value).text);
    }
    return out + "}";
}

}  // namespace

// The settings of every session of ours. Pages that a crash loses are read again, so their commits need not wait for the disk;
// those that open and complete a process do.
void PageStore::session() {
    database_.ensure();
    if (session_ == database_.generation()) return;
    plans_.clear();
    held_.clear();
    database_.execute(
        "SET search_path = pg_catalog, pg_temp; SET synchronous_commit = off; SET plan_cache_mode = force_generic_plan; "
        "SET jit = off; SET default_transaction_isolation = 'read committed'; SET statement_timeout = 0; SET client_min_messages "
        "= warning; SET DateStyle = 'ISO, MDY'; SET IntervalStyle = 'postgres'; "
        "SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3; SET tcp_user_timeout = "
        "60000; "
        "SET idle_in_transaction_session_timeout = '2min'");
    try {
        database_.execute("SET default_toast_compression = 'lz4'");
    } catch (const SqlError &) {
        // A server that was built without it.
    }
    session_ = database_.generation();
}

void PageStore::worker() {
    session();
    if (worker_ == database_.generation()) return;
    const std::string pid = std::to_string(getpid());
    const std::string host = host_name();
    database_.execute("LISTEN xsell_sync");
    database_.query("SELECT xsell_internal.sync_enter($1, $2, $3, $4)",
                    {identity_.empty() ? host + " " + pid : identity_, host, pid, "xselld sync"});
    worker_ = session_;
}

const PageStore::Held &PageStore::held(const sync::Claim &claim) {
    const auto found = held_.find(claim.page);
    if (found == held_.end() || worker_ != database_.generation())
        throw sync::SyncError(sync::Fault::lost, "page " + std::to_string(claim.page) + " is no longer this worker's");
    return found->second;
}

sync::Object PageStore::object(const std::string &name) {
    return as_sync_error([&] {
        if (const auto known = objects_.find(name); known != objects_.end()) return known->second;
        session();
        return objects_[name] = object_columns(database_, name);
    });
}

std::int64_t PageStore::open(const sync::Opening &opening) {
    return as_sync_error([&] {
        session();
        return database_
            .query("SELECT xsell_internal.sync_open($1, $2, $3, $4)",
                   {opening.org, array(values(opening.objects)), boolean(opening.full), json_object(opening.states)})
            .number(0, 0);
    });
}

std::optional<sync::Claim> PageStore::claim(const std::vector<std::string> &orgs, int each) {
    const auto ask = [&] {
        worker();
        return database_.query(
            "SELECT page_id, claim, blank, run_id, process_id, number, attempt, org_id, object, state"
            " FROM xsell_internal.sync_claim($1, $2) WHERE page_id IS NOT NULL",
            {array(values(orgs)), std::to_string(each)});
    };
    return as_sync_error([&]() -> std::optional<sync::Claim> {
        Rows found;
        try {
            found = ask();
        } catch (const SqlError &error) {
            if (error.sqlstate != no_worker) throw;
            found = ask();  // the connection was opened anew between the two statements
        }
        if (found.rows.empty()) return std::nullopt;
        const auto &row = found.rows[0];
        sync::Claim claim{found.number(0, 0),
                          found.number(0, 3),
                          found.number(0, 4),
                          found.number(0, 5),
                          static_cast<int>(found.number(0, 6)),
                          row[7].value_or(""),
                          row[8].value_or(""),
                          row[9].value_or("")};
        held_[claim.page] = {found.number(0, 1), row[2] == "t"};
        return claim;
    });
}

void PageStore::fail(const sync::Claim &claim, const sync::Failure &failure) {
    as_sync_error([&] {
        const std::int64_t claimed = held(claim).number;
        const Rows failed = database_.query(
            "SELECT xsell_internal.sync_fail($1, $2, $3, $4, $5, $6, $7)",
            {number(claim.page), number(claimed), name_of(failure.fault), sync::cut(sync::clean_text(failure.message).text, 4000),
             std::to_string(failure.wait), boolean(failure.counts), std::to_string(failure.tries)});
        held_.erase(claim.page);
        if (failed.rows.at(0).at(0) != "t")
            throw sync::SyncError(sync::Fault::lost, "page " + number(claim.page) + " is no longer this worker's");
    });
}

void PageStore::release(const sync::Claim &claim) noexcept {
    try {
        const std::int64_t claimed = held(claim).number;
        held_.erase(claim.page);
        database_.query("SELECT xsell_internal.sync_release($1, $2)", {number(claim.page), number(claimed)});
    } catch (const std::exception &) {
        // The session is gone, and everybody can see that its lock is: the page comes back by itself.
    }
}

std::vector<sync::RunReport> PageStore::report(const std::vector<std::int64_t> &processes) {
    return as_sync_error([&] {
        session();
        std::vector<Value> ids;
        for (const std::int64_t id : processes) ids.emplace_back(number(id));
        const Rows found = database_.query(
            "SELECT r.run_id, r.pages, r.fetched, r.changed, r.deleted, r.rejected, r.org_id, r.object, r.state, r.error,"
            " xsell_internal.sync_paused(r.org_id) FROM xsell.sync_run r WHERE r.run_id = ANY ($1::bigint[]) OR r.parent_id = "
            "ANY ($1)"
            " ORDER BY COALESCE(r.parent_id, r.run_id), r.run_id",
            {array(ids)});
        std::vector<sync::RunReport> reports;
        for (std::size_t i = 0; i < found.rows.size(); ++i) {
            const auto &row = found.rows[i];
            reports.push_back({found.number(i, 0),
                               row[6].value_or(""),
                               row[7].value_or(""),
                               row[8].value_or(""),
                               found.number(i, 1),
                               {found.number(i, 2), found.number(i, 3), found.number(i, 4), found.number(i, 5)},
                               row[9],
                               row[10] == "t"});
        }
        return reports;
    });
}

int PageStore::recover() {
    return as_sync_error([&] {
        session();
        return static_cast<int>(database_.query("SELECT xsell_internal.sync_recover()").number(0, 0));
    });
}

// Progress of others is no reason to look at the queue.
void PageStore::wait(double seconds) {
    as_sync_error([&] {
        worker();
        const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
        for (double left = seconds; left > 0;) {
            const auto payloads = database_.notifications(left);
            if (std::any_of(payloads.begin(), payloads.end(),
                            [](const std::string &text) { return text.find("\"progress\"") == std::string::npos; }))
                return;
            left = std::chrono::duration<double>(until - std::chrono::steady_clock::now()).count();
        }
    });
}

}  // namespace xsell::store
