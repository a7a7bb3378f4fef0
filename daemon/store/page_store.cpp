#include "store/page_store.hpp"

#include "sync/error.hpp"
#include "sync/text.hpp"

namespace xsell::store {
namespace {

// Key of the advisory lock of one object of one org; every xselld uses the same.
constexpr const char *lock_key = "pg_catalog.hashtextextended('xsell.sync ' || $1::text || ' ' || $2::text, 0)";

sync::ColumnType column_type(const std::string &name) {
    if (name == "numeric") return sync::ColumnType::number;
    if (name == "bigint") return sync::ColumnType::integer;
    if (name == "boolean") return sync::ColumnType::boolean;
    if (name == "timestamp with time zone") return sync::ColumnType::timestamp;
    if (name == "jsonb") return sync::ColumnType::json;
    return sync::ColumnType::text;
}

// What the server says no to becomes a fault of this object: others go on.
template <typename Step>
auto as_sync_error(Step step) {
    try {
        return step();
    } catch (const SqlError &error) {
        throw sync::SyncError(sync::Fault::object, "database: " + std::string(error.what()));
    }
}

// The record itself is at fault: out of range, too long, not unique, no valid JSON.
bool is_data_error(const SqlError &error) { return error.is_class("22") || error.is_class("23") || error.is_class("54"); }

// Loads the records of one page inside the caller's transaction; what the server refuses is found by halving and put aside.
class Loader {
  public:
    Loader(Database &database, const std::string &org, const sync::Object &object, std::int64_t run, std::int64_t map_hash)
        : database_(database), org_(org), object_(object), run_(run), map_hash_(map_hash) {
        stage_ =
            "pg_temp." + quote_name(*database_.query("SELECT xsell_internal.sync_stage($1)", {object.name}).rows.at(0).at(0));
        copy_ = "COPY " + stage_ + " (crm_id";
        for (const auto &column : object.columns) copy_ += ", " + quote_name(column.name);
        copy_ += ", raw, repaired) FROM STDIN";
    }

    void load(const std::vector<sync::Record> &records, std::size_t from, std::size_t to) {
        if (from == to) return;
        database_.execute("SAVEPOINT page");
        try {
            merge(records, from, to);
            database_.execute("RELEASE page");
            return;
        } catch (const SqlError &error) {
            if (!is_data_error(error)) throw;
            database_.execute("ROLLBACK TO page");
            database_.execute("RELEASE page");
            if (to - from == 1) return refuse(records[from], error.what());
        }
        const std::size_t middle = from + (to - from) / 2;
        load(records, from, middle);
        load(records, middle, to);
    }

    void reject(const std::vector<sync::Reject> &rejects) {
        if (rejects.empty()) return;
        std::vector<Value> ids, places, reasons, payloads;
        for (const auto &reject : rejects) {
            ids.push_back(reject.crm_id.empty() ? Value() : Value(sync::clean_text(reject.crm_id).text));
            places.push_back(sync::cut(sync::clean_text(reject.place).text, 500));
            reasons.push_back(sync::cut(sync::clean_text(reject.reason).text, 1000));
            payloads.push_back(sync::payload(reject.payload));
        }
        database_.query(
            "SELECT pg_catalog.count(*) FROM (SELECT xsell_internal.sync_reject($1, $2, $3, u.crm_id, u.place, u.reason, "
            "u.payload)"
            " FROM ROWS FROM (pg_catalog.unnest($4::text[]), pg_catalog.unnest($5::text[]), pg_catalog.unnest($6::text[]), "
            "pg_catalog.unnest($7::text[]))"
            " AS u(crm_id, place, reason, payload) OFFSET 0) r",
            {org_, object_.name, std::to_string(run_), array(ids), array(places), array(reasons), array(payloads)});
        counts.rejected += static_cast<std::int64_t>(rejects.size());
        counts.fetched += static_cast<std::int64_t>(rejects.size());
    }

    void reject_refused() { reject(refused_); }

    sync::MergeCounts counts;

  private:
    void merge(const std::vector<sync::Record> &records, std::size_t from, std::size_t to) {
        constexpr std::size_t piece = 1 << 18;
        database_.execute("DELETE FROM " + stage_);
        database_.copy_begin(copy_);
        std::string text;
        try {
            for (std::size_t i = from; i < to; ++i) {
                append_copy_row(text, records[i]);
                if (text.size() < piece) continue;
                database_.copy_data(text);
                text.clear();
            }
            database_.copy_data(text);
        } catch (...) {
            database_.copy_cancel();
            throw;
        }
        database_.copy_end();
        const Rows merged = database_.query("SELECT staged, changed, deleted FROM xsell_internal.sync_merge($1, $2, $3, $4)",
                                            {org_, object_.name, std::to_string(run_), std::to_string(map_hash_)});
        forget_mended();
        counts.fetched += static_cast<std::int64_t>(to - from);
        counts.changed += merged.number(0, 1);
        counts.deleted += merged.number(0, 2);
    }

    // A record that can be stored now is no reject any more. Lines of files are forgotten when their file is read anew.
    void forget_mended() {
        database_.query("DELETE FROM xsell_internal.dead_letter d USING " + stage_ +
                            " s WHERE d.org_id = $1 AND d.object = $2 AND d.crm_id = s.crm_id AND pg_catalog.starts_with("
                            "pg_catalog.reverse(d.place), pg_catalog.reverse(' ' || s.crm_id))",
                        {org_, object_.name});
    }

    void refuse(const sync::Record &record, const std::string &reason) {
        refused_.push_back({record.crm_id, object_.name + " " + record.crm_id, reason, record.raw});
    }

    Database &database_;
    const std::string &org_;
    const sync::Object &object_;
    const std::int64_t run_, map_hash_;
    std::string stage_, copy_;
    std::vector<sync::Reject> refused_;
};

void append_copy_text(std::string &out, std::string_view text) {
    for (std::size_t from = 0; from < text.size();) {
        const std::size_t stop = std::min(text.find_first_of(std::string_view("\\\t\n\r"), from), text.size());
        out.append(text.substr(from, stop - from));
        if (stop == text.size()) return;
        out += '\\';
        out += text[stop] == '\t' ? 't' : text[stop] == '\n' ? 'n' : text[stop] == '\r' ? 'r' : '\\';
        from = stop + 1;
    }
}

}  // namespace

void append_copy_row(std::string &out, const sync::Record &record) {
    append_copy_text(out, record.crm_id);
    for (const auto &value : record.values) {
        out += '\t';
        if (value) {
            append_copy_text(out, *value);
        } else {
            out += "\\N";
        }
    }
    out += '\t';
    append_copy_text(out, record.raw);
    out += record.repaired ? "\tt\n" : "\tf\n";
}

sync::Object PageStore::object(const std::string &name) {
    return as_sync_error([&] {
        sync::Object object{name, {}};
        const Rows found = database_.query("SELECT name, type FROM xsell_internal.sync_columns($1)", {name});
        for (const auto &row : found.rows)
            object.columns.push_back({row.at(0).value_or(""), column_type(row.at(1).value_or(""))});
        if (object.columns.empty()) throw sync::SyncError(sync::Fault::object, "the extension knows no object '" + name + "'");
        return object;
    });
}

bool PageStore::lock(const std::string &org, const std::string &object) {
    return as_sync_error([&] {
        database_.ensure();
        if (generation_ != database_.generation()) held_.clear();
        generation_ = database_.generation();
        const std::string key = org + " " + object;
        if (held_.contains(key)) return true;
        const Rows got = database_.query("SELECT pg_catalog.pg_try_advisory_lock(" + std::string(lock_key) + ")", {org, object});
        if (got.rows.at(0).at(0) != "t") return false;
        held_.insert(key);
        return true;
    });
}

void PageStore::unlock(const std::string &org, const std::string &object) {
    as_sync_error([&] {
        if (generation_ != database_.generation() || !held_.erase(org + " " + object)) return;
        database_.query("SELECT pg_catalog.pg_advisory_unlock(" + std::string(lock_key) + ")", {org, object});
    });
}

std::string PageStore::state(const std::string &org, const std::string &object) {
    return as_sync_error([&] {
        const Rows found =
            database_.query("SELECT state FROM xsell_internal.sync_state WHERE org_id = $1 AND object = $2", {org, object});
        return found.rows.empty() ? std::string() : found.rows[0].at(0).value_or("");
    });
}

std::int64_t PageStore::begin(const std::string &org, const std::string &object) {
    return as_sync_error([&] { return database_.query("SELECT xsell_internal.sync_begin($1, $2)", {org, object}).number(0, 0); });
}

sync::MergeCounts PageStore::commit_page(const std::string &org, const sync::Object &object, std::int64_t run,
                                         std::int64_t map_hash, const sync::Page &page) {
    return as_sync_error([&] {
        Transaction transaction(database_);
        Loader loader(database_, org, object, run, map_hash);
        if (page.forget_rejects) {
            database_.query(
                "DELETE FROM xsell_internal.dead_letter WHERE org_id = $1 AND object = $2 AND pg_catalog.starts_with(place, $3)",
                {org, object.name, *page.forget_rejects});
        }
        loader.load(page.records, 0, page.records.size());
        loader.reject(page.rejects);
        loader.reject_refused();
        if (page.live_ids) {
            const std::vector<Value> live(page.live_ids->begin(), page.live_ids->end());
            const std::int64_t swept =
                database_
                    .query("SELECT xsell_internal.sync_sweep($1, $2, $3, $4)", {org, object.name, array(live), page.sweep_at})
                    .number(0, 0);
            loader.counts.changed += swept;
            loader.counts.deleted += swept;
        }
        const sync::MergeCounts &counts = loader.counts;
        database_.query("SELECT xsell_internal.sync_advance($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                        {org, object.name, std::to_string(run), page.next_state, std::to_string(counts.fetched),
                         std::to_string(counts.changed), std::to_string(counts.deleted), std::to_string(counts.rejected),
                         page.source_count ? Value(std::to_string(*page.source_count)) : Value()});
        transaction.commit();
        return counts;
    });
}

void PageStore::end(const std::string &org, const std::string &object, std::int64_t run,
                    const std::optional<std::string> &error) {
    as_sync_error([&] {
        const Value text = error ? Value(sync::cut(sync::clean_text(*error).text, 4000)) : Value();
        database_.query("SELECT xsell_internal.sync_end($1, $2, $3, $4)", {org, object, std::to_string(run), text});
    });
}

}  // namespace xsell::store
