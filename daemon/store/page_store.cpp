#include "store/page_store.hpp"

#include <sys/utsname.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <chrono>

#include "sync/error.hpp"
#include "sync/text.hpp"

namespace xsell::store {
namespace {

sync::ColumnType column_type(const std::string &name) {
    if (name == "numeric") return sync::ColumnType::number;
    if (name == "bigint") return sync::ColumnType::integer;
    if (name == "boolean") return sync::ColumnType::boolean;
    if (name == "timestamp with time zone") return sync::ColumnType::timestamp;
    if (name == "jsonb") return sync::ColumnType::json;
    return sync::ColumnType::text;
}

constexpr const char *lost_claim = "XS001", *no_worker = "55000";

// What the server says no to becomes a fault of this object: others go on.
template <typename Step>
auto as_sync_error(Step step) {
    try {
        return step();
    } catch (const SqlError &error) {
        const sync::Fault fault = error.sqlstate == lost_claim ? sync::Fault::lost : sync::Fault::object;
        throw sync::SyncError(fault, (fault == sync::Fault::lost ? "" : "database: ") + std::string(error.what()));
    }
}

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

std::string number(std::int64_t value) { return std::to_string(value); }
Value number(const std::optional<std::int64_t> &value) { return value ? Value(std::to_string(*value)) : Value(); }
const char *boolean(bool value) { return value ? "t" : "f"; }

std::vector<Value> values(const std::vector<std::string> &items) { return {items.begin(), items.end()}; }

std::vector<std::size_t> places_in(const std::string &array) {
    std::vector<std::size_t> places;
    std::size_t place = 0;
    for (const char c : array) {
        if (c >= '0' && c <= '9') {
            place = place * 10 + static_cast<std::size_t>(c - '0');
        } else if (place) {
            places.push_back(place);
            place = 0;
        }
    }
    return places;
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

// Ids that the page shows, good or not.
std::vector<Value> shown(const sync::Page &page) {
    std::vector<Value> ids;
    for (const auto &record : page.records) ids.emplace_back(record.crm_id);
    for (const auto &reject : page.rejects)
        if (!reject.crm_id.empty()) ids.emplace_back(sync::clean_text(reject.crm_id).text);
    return ids;
}

void store_rates(Database &database, const std::string &page, const std::vector<sync::Rate> &rates) {
    if (rates.empty()) return;
    std::vector<Value> homes, currencies, days, numbers;
    for (const auto &rate : rates) {
        homes.emplace_back(rate.home), currencies.emplace_back(rate.currency);
        days.emplace_back(rate.valid_from), numbers.emplace_back(rate.rate);
    }
    database.query("SELECT xsell_internal.sync_rates($1, $2, $3, $4, $5)",
                   {page, array(homes), array(currencies), array(days), array(numbers)});
}

void store_asides(Database &database, const sync::Claim &claim, const std::vector<sync::Aside> &asides) {
    if (asides.empty()) return;
    std::vector<Value> ids, contents;
    for (const auto &aside : asides) {
        ids.emplace_back(aside.crm_id);
        contents.emplace_back(sync::clean_json(aside.content).text);
    }
    database.query("SELECT xsell_internal.sync_asides($1, $2, $3::text[], $4::text[])",
                   {claim.org, claim.object, array(ids), array(contents)});
}

}  // namespace

// The settings of every session of ours. Pages that a crash loses are read again, so their commits need not wait for the disk; the
// commit that completes a process does.
void PageStore::session() {
    database_.ensure();
    if (session_ == database_.generation()) return;
    plans_.clear();
    held_.clear();
    database_.execute(
        "SET search_path = pg_catalog, pg_temp; SET synchronous_commit = off; SET plan_cache_mode = force_generic_plan; "
        "SET jit = off; SET client_min_messages = warning; SET DateStyle = 'ISO, MDY'; SET IntervalStyle = 'postgres'; "
        "SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3; SET tcp_user_timeout = 60000");
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
        sync::Object object{name, {}};
        const Rows found = database_.query("SELECT name, type FROM xsell_internal.sync_columns($1)", {name});
        for (const auto &row : found.rows)
            object.columns.push_back({row.at(0).value_or(""), column_type(row.at(1).value_or(""))});
        if (object.columns.empty()) throw sync::SyncError(sync::Fault::object, "the extension knows no object '" + name + "'");
        return objects_[name] = object;
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
        sync::Claim claim{found.number(0, 0), found.number(0, 3), found.number(0, 4), found.number(0, 5),
                          static_cast<int>(found.number(0, 6)), row[7].value_or(""), row[8].value_or(""), row[9].value_or("")};
        held_[claim.page] = {found.number(0, 1), row[2] == "t"};
        return claim;
    });
}

const MergePlan &PageStore::plan(const sync::Object &object) {
    const auto known = plans_.find(object.name);
    return known != plans_.end() ? known->second : plans_[object.name] = merge_plan(database_, object);
}

// The fields of the page, unless this worker has stored the same list for the run before. True when it has told something new.
bool PageStore::note_fields(const sync::Claim &claim, const sync::Page &page) {
    if (page.fields.empty()) return false;
    if (fields_run_ != claim.run) fields_told_.clear();
    fields_run_ = claim.run;
    std::uint64_t hash = 0;
    for (const auto &[name, field] : page.fields) {
        hash = XXH3_64bits_withSeed(name.data(), name.size(), hash);
        hash = XXH3_64bits_withSeed(field.type.data(), field.type.size(), hash + field.always);
    }
    if (!fields_told_.insert(hash).second) return false;
    std::vector<Value> names, types, always;
    for (const auto &[name, field] : page.fields) {
        names.emplace_back(sync::clean_text(name).text), types.emplace_back(field.type);
        always.emplace_back(boolean(field.always));
    }
    database_.query("SELECT xsell_internal.sync_fields($1, $2, $3, $4)",
                    {number(claim.page), array(names), array(types), array(always)});
    return true;
}

sync::Committed PageStore::commit(const sync::Claim &claim, const sync::Object &object, std::int64_t map_hash,
                                  const sync::Page &page) {
    return as_sync_error([&] {
        const std::vector<Entry> entries = distinct_entries(object, page.records, map_hash);
        for (Way way = held(claim).blank ? Way::insert : Way::merge;;) {
            try {
                return store(claim, object, entries, page, way);
            } catch (const SqlError &error) {
                if (way == Way::halve || !is_data_error(error)) throw;
                // A page may show again what another one of the same reading has shown.
                way = way == Way::insert && is_duplicate(error) ? Way::merge : Way::halve;
            }
        }
    });
}

sync::Committed PageStore::store(const sync::Claim &claim, const sync::Object &object, const std::vector<Entry> &all,
                                 const sync::Page &page, Way way) {
    const Held mine = held(claim);
    const std::string id = number(claim.page), claimed = number(mine.number);
    const MergePlan &merge = plan(object);
    Transaction transaction(database_);
    Parameter ids, contents;
    if (!mine.blank && !all.empty()) {
        std::vector<std::string_view> names;
        std::vector<std::int64_t> hashes;
        for (const auto &entry : all) names.push_back(page.records[entry.place].crm_id), hashes.push_back(entry.content);
        ids = binary_array(names), contents = binary_array(hashes);
    }
    const Rows check = database_.query_binary("SELECT different, sweeping, noted FROM xsell_internal.sync_check($1, $2, $3, $4)",
                                              {{id}, {claimed}, ids, contents});
    std::vector<Entry> different;
    if (ids.value)
        for (const std::size_t place : places_in(check.rows.at(0).at(0).value_or(""))) different.push_back(all.at(place - 1));
    const std::vector<Entry> &entries = ids.value ? different : all;

    if (page.forget_rejects) {
        database_.query(
            "DELETE FROM xsell_internal.dead_letter WHERE org_id = $1 AND object = $2 AND pg_catalog.starts_with(place, $3)",
            {claim.org, object.name, *page.forget_rejects});
    }
    if (page.sweep != sync::Sweep::none || check.rows[0].at(1) == "t") {
        const bool begins = page.sweep == sync::Sweep::begin;
        database_.query("SELECT xsell_internal.sync_see($1, $2, $3, $4)",
                        {id, array(shown(page)), boolean(begins), begins ? Value(page.sweep_at) : Value()});
    }
    store_rates(database_, id, page.rates);
    PageLoader loader(database_, merge, claim, object, check.rows[0].at(2) == "t");
    if (way == Way::halve)
        loader.load_carefully(page.records, entries);
    else
        loader.load(page.records, entries, way == Way::insert);
    loader.reject(page.rejects);
    const auto tombstones = [&](const Rows &rows) { loader.changed += rows.number(0, 0), loader.deleted += rows.number(0, 0); };
    if (page.live_ids)
        tombstones(database_.query("SELECT xsell_internal.sync_live($1, $2, $3, $4)",
                                   {claim.org, object.name, array(values(*page.live_ids)), page.sweep_at}));
    if (page.replaced)
        tombstones(database_.query("SELECT xsell_internal.sync_replace($1, $2, $3, $4, $5, $6)",
                                   {claim.org, object.name, page.replaced->column, array(values(page.replaced->parents)),
                                    array(shown(page)), page.replaced->at}));
    store_asides(database_, claim, page.asides);
    const bool told_fields = note_fields(claim, page);

    sync::Committed done;
    done.counts = {static_cast<std::int64_t>(page.records.size() + page.rejects.size()), loader.changed, loader.deleted,
                   loader.rejected};
    Rows ended;
    try {
        ended = database_.query(
            "SELECT swept, next_page, next_number, next_claim"
            " FROM xsell_internal.sync_commit($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            {id, claimed, page.next_state, boolean(page.done), array(values(page.fan_out)), number(page.total),
             number(page.source_count), boolean(page.sweep != sync::Sweep::none), number(done.counts.fetched),
             number(done.counts.changed), number(done.counts.deleted), number(done.counts.rejected)});
        transaction.commit();
    } catch (...) {
        if (told_fields) fields_told_.clear();
        throw;
    }
    done.counts.changed += ended.number(0, 0);
    done.counts.deleted += ended.number(0, 0);
    held_.erase(claim.page);
    if (ended.rows[0].at(1)) {
        done.next = sync::Claim{ended.number(0, 1), claim.run, claim.process, ended.number(0, 2),
                                1,                  claim.org, claim.object,  page.next_state};
        held_[done.next->page] = {ended.number(0, 3), mine.blank};
    }
    return done;
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
            "SELECT r.run_id, r.pages, r.fetched, r.changed, r.deleted, r.rejected, r.org_id, r.object, r.state, r.error"
            " FROM xsell.sync_run r WHERE r.run_id = ANY ($1::bigint[]) OR r.parent_id = ANY ($1)"
            " ORDER BY COALESCE(r.parent_id, r.run_id), r.run_id",
            {array(ids)});
        std::vector<sync::RunReport> reports;
        for (std::size_t i = 0; i < found.rows.size(); ++i) {
            const auto &row = found.rows[i];
            reports.push_back({found.number(i, 0), row[6].value_or(""), row[7].value_or(""), row[8].value_or(""),
                               found.number(i, 1),
                               {found.number(i, 2), found.number(i, 3), found.number(i, 4), found.number(i, 5)},
                               row[9]});
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
