// PageStore::commit: everything that one page brings, in one transaction.
#include <algorithm>

#include "store/page_store.hpp"
#include "store/parts.hpp"
#include "sync/text.hpp"

namespace xsell::store {
namespace {

constexpr std::size_t longest_field_name = 500;  // bytes; longer ones are cut, for an index holds the names

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

// Ids that the page shows, good or not.
std::vector<Value> shown(const sync::Page &page) {
    std::vector<Value> ids;
    for (const auto &record : page.records)
        if (id_problem(record.crm_id).empty()) ids.emplace_back(record.crm_id);
    for (const auto &reject : page.rejects)
        if (id_problem(reject.crm_id).empty()) ids.emplace_back(reject.crm_id);
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

const MergePlan &PageStore::plan(const sync::Object &object) {
    const auto known = plans_.find(object.name);
    return known != plans_.end() ? known->second : plans_[object.name] = merge_plan(database_, object);
}

// Whether a page says anything of the fields that this worker has not stored yet.
bool PageStore::says_more(const std::map<std::string, sync::SourceField> &fields) const {
    for (const auto &[name, field] : fields) {
        const auto known = told_.find(name);
        if (known == told_.end() || (known->second.always && !field.always)) return true;
        if (!field.type.empty() && !known->second.types.contains(field.type)) return true;
    }
    return std::any_of(told_.begin(), told_.end(),
                       [&](const auto &known) { return known.second.always && !fields.contains(known.first); });
}

void PageStore::note_fields(const sync::Claim &claim, const std::map<std::string, sync::SourceField> &fields) {
    if (fields_run_ != claim.run) told_.clear();
    fields_run_ = claim.run;
    if (fields.empty() || !says_more(fields)) return;
    std::vector<Value> names, types, always;
    for (const auto &[name, field] : fields) {
        names.emplace_back(sync::cut(sync::clean_text(name).text, longest_field_name)), types.emplace_back(field.type);
        always.emplace_back(boolean(field.always));
    }
    database_.query("SELECT xsell_internal.sync_fields($1, $2, $3, $4)",
                    {number(claim.page), array(names), array(types), array(always)});
    for (auto &[name, known] : told_) known.always &= fields.contains(name);
    for (const auto &[name, field] : fields) {
        Told &known = told_[name];
        known.always &= field.always;
        if (!field.type.empty()) known.types.insert(field.type);
    }
}

sync::Committed PageStore::commit(const sync::Claim &claim, const sync::Object &object, std::int64_t map_hash,
                                  const sync::Page &page) {
    return as_sync_error([&] {
        const std::vector<Entry> entries = distinct_entries(object, page.records, map_hash);
        Way way = held(claim).blank ? Way::insert : Way::merge;
        for (int deadlocks = 0;;) {
            try {
                return store(claim, object, entries, page, way);
            } catch (const SqlError &error) {
                told_.clear();  // what was told went with the transaction
                if (way == Way::halve || !is_data_error(error)) throw;
                // A page may show again what another one of the same reading has shown.
                way = way == Way::insert && is_duplicate(error) ? Way::merge : Way::halve;
            } catch (const sync::SyncError &error) {
                told_.clear();
                // Two workers in each other's way: nothing was stored, and the page is still ours.
                if (error.fault != sync::Fault::transient || !database_.connected() || ++deadlocks > 3) throw;
            }
        }
    });
}

// The records that differ from what is stored, and what the database says of the page besides. Throws when it is not ours.
PageStore::Check PageStore::check(const sync::Claim &claim, const Held &mine, const std::vector<Entry> &all,
                                  const sync::Page &page) {
    Parameter ids, contents;
    const bool compare = !mine.blank && !all.empty();
    if (compare) {
        std::vector<std::string_view> names;
        std::vector<std::int64_t> hashes;
        for (const auto &entry : all) names.push_back(page.records[entry.place].crm_id), hashes.push_back(entry.content);
        ids = binary_array(names), contents = binary_array(hashes);
    }
    const Rows found = database_.query_binary("SELECT different, sweeping, noted FROM xsell_internal.sync_check($1, $2, $3, $4)",
                                              {{number(claim.page)}, {number(mine.number)}, ids, contents});
    const auto &row = found.rows.at(0);
    Check check{{}, row.at(1) == "t", row.at(2) == "t"};
    if (!compare) check.different = all;
    for (const std::size_t place : places_in(row.at(0).value_or(""))) check.different.push_back(all.at(place - 1));
    return check;
}

// What is stored before the records: rates that their amounts need, and which ids a reading of the whole set has shown.
void PageStore::store_before(const sync::Claim &claim, const sync::Page &page, bool sweeping) {
    if (page.forget_rejects) {
        database_.query(
            "DELETE FROM xsell_internal.dead_letter WHERE org_id = $1 AND object = $2 AND pg_catalog.starts_with(place, $3)",
            {claim.org, claim.object, *page.forget_rejects});
    }
    if (page.sweep != sync::Sweep::none || sweeping) {
        const bool begins = page.sweep == sync::Sweep::begin;
        database_.query("SELECT xsell_internal.sync_see($1, $2, $3, $4)",
                        {number(claim.page), array(shown(page)), boolean(begins), begins ? Value(page.sweep_at) : Value()});
    }
    store_rates(database_, number(claim.page), page.rates);
}

// What is stored after the records. Returns how many tombstones it wrote.
std::int64_t PageStore::store_after(const sync::Claim &claim, const sync::Page &page) {
    std::int64_t tombstones = 0;
    if (page.live_ids) {
        tombstones += database_
                          .query("SELECT xsell_internal.sync_live($1, $2, $3, $4)",
                                 {claim.org, claim.object, array(values(*page.live_ids)), page.sweep_at})
                          .number(0, 0);
    }
    if (const auto &replaced = page.replaced) {
        tombstones += database_
                          .query("SELECT xsell_internal.sync_replace($1, $2, $3, $4, $5, $6)",
                                 {claim.org, claim.object, replaced->column, array(values(replaced->parents)), array(shown(page)),
                                  replaced->at})
                          .number(0, 0);
    }
    store_asides(database_, claim, page.asides);
    note_fields(claim, page.fields);
    return tombstones;
}

sync::Committed PageStore::store(const sync::Claim &claim, const sync::Object &object, const std::vector<Entry> &all,
                                 const sync::Page &page, Way way) {
    const Held mine = held(claim);
    const MergePlan &merge = plan(object);
    Transaction transaction(database_);
    const Check checked = check(claim, mine, all, page);
    store_before(claim, page, checked.sweeping);
    PageLoader loader(database_, merge, claim, object, checked.noted);
    if (way == Way::halve)
        loader.load_carefully(page.records, checked.different);
    else
        loader.load(page.records, checked.different, way == Way::insert);
    loader.reject(page.rejects);
    loader.reject(unfit(object, page.records));
    const std::int64_t tombstones = store_after(claim, page);

    sync::Committed done;
    done.counts = {static_cast<std::int64_t>(page.records.size() + page.rejects.size()), loader.changed + tombstones,
                   loader.deleted + tombstones, loader.rejected};
    const Rows ended = database_.query(
        "SELECT swept, next_page, next_number, next_claim"
        " FROM xsell_internal.sync_commit($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        {number(claim.page), number(mine.number), page.next_state, boolean(page.done), array(values(page.fan_out)),
         number(page.total), number(page.source_count), boolean(page.sweep != sync::Sweep::none), number(done.counts.fetched),
         number(done.counts.changed), number(done.counts.deleted), number(done.counts.rejected)});
    transaction.commit();
    done.counts.changed += ended.number(0, 0);
    done.counts.deleted += ended.number(0, 0);
    held_.erase(claim.page);
    if (ended.rows[0].at(1)) {
        done.next = sync::Claim{ended.number(0, 1), claim.run,    claim.process,  ended.number(0, 2), 1,
                                claim.org,          claim.object, page.next_state};
        held_[done.next->page] = {ended.number(0, 3), mine.blank};
    }
    return done;
}

}  // namespace xsell::store
