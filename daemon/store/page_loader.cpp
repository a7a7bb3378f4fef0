#include "store/page_loader.hpp"

#include <xxhash.h>

#include <algorithm>
#include <array>

#include "sync/convert.hpp"
#include "sync/text.hpp"

namespace xsell::store {
namespace {

// What a byte becomes after a backslash in COPY's text format; 0: it stands for itself.
constexpr std::array<char, 256> copy_escapes = [] {
    std::array<char, 256> escapes{};
    escapes['\\'] = '\\', escapes['\t'] = 't', escapes['\n'] = 'n', escapes['\r'] = 'r';
    return escapes;
}();

void append_copy_text(std::string &out, std::string_view text) {
    const char *from = text.data();
    const char *const end = from + text.size();
    for (const char *at = from; at != end; ++at) {
        const char escape = copy_escapes[static_cast<unsigned char>(*at)];
        if (!escape) continue;
        out.append(from, at);
        out += '\\';
        out += escape;
        from = at + 1;
    }
    out.append(from, end);
}

constexpr std::size_t longest_id = 1000;  // bytes; an entry of an index holds 2704 and no more

struct Columns {
    std::size_t modified, deleted;
    explicit Columns(const sync::Object &object) : modified(object.index("modified_at")), deleted(object.index("deleted_at")) {}
};

std::int64_t content_of(const Columns &columns, const sync::Record &record, std::int64_t map_hash) {
    std::uint64_t hash = XXH3_64bits_withSeed(record.raw.data(), record.raw.size(), static_cast<std::uint64_t>(map_hash));
    for (std::size_t i = 0; i < record.values.size(); ++i) {
        const auto &value = record.values[i];
        if (i == columns.modified) continue;
        if (!value)
            hash = hash * 0x9E3779B97F4A7C15U + 1;
        else
            hash = i == columns.deleted ? ~hash : XXH3_64bits_withSeed(value->data(), value->size(), hash);
    }
    return static_cast<std::int64_t>(hash ? hash : 1);  // 0 is no record's
}

// Whether the later of two records of one id, in the order of the page, is the one to keep.
bool supersedes(const Columns &columns, const sync::Record &later, const sync::Record &earlier) {
    const auto time = [&](const sync::Record &record) { return sync::to_micros(record.values[columns.modified].value_or("")); };
    if (const auto a = time(later), b = time(earlier); a != b) return a > b;
    return !later.values[columns.deleted] || earlier.values[columns.deleted];
}

}  // namespace

bool is_duplicate(const SqlError &error) { return error.sqlstate == "23505"; }
bool is_data_error(const SqlError &error) { return error.is_class("22") || error.is_class("23") || error.is_class("54"); }

std::string id_problem(std::string_view id) {
    if (id.empty()) return "id: empty";
    if (id.size() > longest_id) return "id: longer than " + std::to_string(longest_id) + " bytes";
    if (id.find('\0') != std::string_view::npos || !sync::is_utf8(id)) return "id: holds what text cannot";
    return {};
}

std::vector<sync::Reject> unfit(const sync::Object &object, const std::vector<sync::Record> &records) {
    std::vector<sync::Reject> rejects;
    for (const auto &record : records) {
        if (const std::string problem = id_problem(record.crm_id); !problem.empty())
            rejects.push_back({record.crm_id, object.name + " " + record.crm_id, problem, record.raw});
    }
    return rejects;
}

std::vector<Entry> distinct_entries(const sync::Object &object, const std::vector<sync::Record> &records, std::int64_t map_hash) {
    const Columns columns(object);
    std::vector<std::size_t> order;
    order.reserve(records.size());
    for (std::size_t place = 0; place < records.size(); ++place)
        if (id_problem(records[place].crm_id).empty()) order.push_back(place);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t left, std::size_t right) { return records[left].crm_id < records[right].crm_id; });
    std::vector<Entry> entries;
    entries.reserve(records.size());
    for (auto at = order.begin(); at != order.end();) {
        std::size_t best = *at;
        for (++at; at != order.end() && records[*at].crm_id == records[best].crm_id; ++at)
            if (supersedes(columns, records[*at], records[best])) best = *at;
        entries.push_back({best, content_of(columns, records[best], map_hash)});
    }
    return entries;
}

void append_copy_row(std::string &out, const sync::Record &record, std::int64_t content) {
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
    out += record.repaired ? "\tt\t" : "\tf\t";
    out += std::to_string(content);
    out += '\n';
}

MergePlan merge_plan(Database &database, const sync::Object &object) {
    MergePlan plan;
    plan.stage = "pg_temp." + quote_name(*database.query("SELECT xsell_internal.sync_stage($1)", {object.name}).rows.at(0).at(0));
    plan.copy = "COPY " + plan.stage + " (crm_id";
    for (const auto &column : object.columns) plan.copy += ", " + quote_name(column.name);
    plan.copy += ", raw, repaired, content) FROM STDIN";
    for (const auto &row : database.query("SELECT step, statement FROM xsell_internal.sync_merge_sql($1)", {object.name}).rows)
        plan.steps[row.at(0).value_or("")] = row.at(1).value_or("");
    return plan;
}

void PageLoader::step(const std::string &name) {
    const auto found = plan_.steps.find(name);
    if (found != plan_.steps.end()) database_.query(found->second, {claim_.org});
}

void PageLoader::load(const std::vector<sync::Record> &records, const std::vector<Entry> &entries, Span span, const char *how) {
    constexpr std::size_t piece = 1 << 18;
    if (span.first == span.second) return;
    database_.copy_begin(plan_.copy);
    std::string text;
    text.reserve(piece * 2);
    bool repaired = false;
    try {
        for (std::size_t i = span.first; i < span.second; ++i) {
            const sync::Record &record = records[entries[i].place];
            append_copy_row(text, record, entries[i].content);
            repaired |= record.repaired;
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
    const Rows merged = database_.query(plan_.steps.at(how), {claim_.org, std::to_string(claim_.run)});
    changed += merged.number(0, 0);
    deleted += merged.number(0, 1);
    if (noted_) database_.execute(plan_.steps.at("forget"), {claim_.org});
    if (repaired) step("repaired");
    note_problems(records, entries, span);
    step("money");
    step("stages");
}

// Values that the connector had to leave out.
void PageLoader::note_problems(const std::vector<sync::Record> &records, const std::vector<Entry> &entries, Span span) {
    std::vector<Value> ids, problems;
    for (std::size_t i = span.first; i < span.second; ++i) {
        const sync::Record &record = records[entries[i].place];
        if (record.problem.empty()) continue;
        ids.emplace_back(record.crm_id);
        problems.emplace_back(sync::cut(sync::clean_text(record.problem).text, 1000));
    }
    if (ids.empty()) return;
    database_.query(
        "INSERT INTO xsell_internal.data_quality (org_id, object, crm_id, problem, detail)"
        " SELECT $1, $2, u.crm_id, 'unreadable value', u.detail"
        " FROM ROWS FROM (pg_catalog.unnest($3::text[]), pg_catalog.unnest($4::text[])) AS u(crm_id, detail) ON CONFLICT DO "
        "NOTHING",
        {claim_.org, object_.name, array(ids), array(problems)});
}

void PageLoader::load(const std::vector<sync::Record> &records, const std::vector<Entry> &entries, bool all_new) {
    load(records, entries, {0, entries.size()}, all_new ? "insert" : "merge");
}

void PageLoader::load_carefully(const std::vector<sync::Record> &records, const std::vector<Entry> &entries) {
    std::vector<sync::Reject> refused;
    halve(records, entries, {0, entries.size()}, refused);
    reject(refused);
}

void PageLoader::halve(const std::vector<sync::Record> &records, const std::vector<Entry> &entries, Span span,
                       std::vector<sync::Reject> &refused) {
    const auto [from, to] = span;
    if (from == to) return;
    const std::int64_t changed_before = changed, deleted_before = deleted;
    database_.execute("SAVEPOINT piece");
    try {
        database_.execute("DELETE FROM " + plan_.stage);
        load(records, entries, span, "merge");
        database_.execute("RELEASE piece");
        return;
    } catch (const SqlError &error) {
        if (!is_data_error(error)) throw;
        database_.execute("ROLLBACK TO piece");
        database_.execute("RELEASE piece");
        changed = changed_before, deleted = deleted_before;
        if (to - from == 1) {
            const sync::Record &record = records[entries[from].place];
            refused.push_back({record.crm_id, object_.name + " " + record.crm_id, error.what(), record.raw});
            return;
        }
    }
    const std::size_t middle = from + (to - from) / 2;
    halve(records, entries, {from, middle}, refused);
    halve(records, entries, {middle, to}, refused);
}

void PageLoader::reject(const std::vector<sync::Reject> &rejects) {
    if (rejects.empty()) return;
    std::vector<Value> ids, places, reasons, payloads;
    for (const auto &reject : rejects) {
        ids.push_back(reject.crm_id.empty() ? Value() : Value(sync::cut(sync::clean_text(reject.crm_id).text, longest_id)));
        places.push_back(sync::cut(sync::clean_text(reject.place).text, 500));
        reasons.push_back(sync::cut(sync::clean_text(reject.reason).text, 1000));
        payloads.push_back(sync::payload(reject.payload));
    }
    database_.query(
        "SELECT pg_catalog.count(*) FROM (SELECT xsell_internal.sync_reject($1, $2, $3, u.crm_id, u.place, u.reason, u.payload)"
        " FROM ROWS FROM (pg_catalog.unnest($4::text[]), pg_catalog.unnest($5::text[]), pg_catalog.unnest($6::text[]), "
        "pg_catalog.unnest($7::text[])) AS u(crm_id, place, reason, payload) OFFSET 0) r",
        {claim_.org, object_.name, std::to_string(claim_.run), array(ids), array(places), array(reasons), array(payloads)});
    rejected += static_cast<std::int64_t>(rejects.size());
}

}  // namespace xsell::store
