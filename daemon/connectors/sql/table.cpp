#include "connectors/sql/table.hpp"

#include <algorithm>

#include "sync/convert.hpp"
#include "sync/error.hpp"
#include "sync/text.hpp"

namespace xsell::connectors::sql {
namespace {

using sync::Fault;
using sync::SyncError;

// Type OIDs are fixed by PostgreSQL's catalogue.
constexpr unsigned time_types[] = {1082 /* date */, 1114 /* timestamp */, 1184 /* timestamptz */};
constexpr unsigned number_types[] = {20 /* bigint */, 21 /* smallint */, 23 /* integer */, 1700 /* numeric */};

template <std::size_t N>
bool among(const unsigned (&list)[N], unsigned type) {
    return std::find(std::begin(list), std::end(list), type) != std::end(list);
}

// Our columns that are read under their own names by another rule than plain, and what else may fill them.
constexpr Field special[] = {
    {"email", "email", Rule::email},    {"phone", "phone", Rule::phone},     {"mobile", "mobile", Rule::phone},
    {"domain", "domain", Rule::domain}, {"domain", "website", Rule::domain},
};

}  // namespace

std::string Table::from() const {
    std::string text(sync::trim(settings.query));
    while (text.ends_with(';')) text = sync::trim(std::string_view(text).substr(0, text.size() - 1));
    return "FROM (" + text + "\n) AS q";  // the line end closes a comment
}

std::string Table::overview(bool since) const {
    const std::string id = "q." + identifier(settings.id);
    const std::string live = settings.deleted.empty() ? "true"
                                                      : "lower(coalesce(q." + identifier(settings.deleted) +
                                                            "::text, '')) IN ('', 'false', 'f', 'no', 'n', '0')";
    const std::string cursor = settings.cursor.empty() ? "NULL" : "max(q." + identifier(settings.cursor) + ")::text";
    std::string sql =
        "SELECT count(*), count(*) FILTER (WHERE " + live + "), count(*) - count(" + id + "), " + cursor + " " + from();
    if (since) sql += " WHERE q." + identifier(settings.cursor) + " >= $1";
    return sql;
}

std::string Table::page(Phase phase, bool continued, std::int64_t limit) const {
    const std::string id = "q." + identifier(settings.id);
    const std::string cursor = settings.cursor.empty() ? "" : "q." + identifier(settings.cursor);
    std::string where, order = id;
    if (phase == Phase::dated) {
        order = cursor + ", " + id;
        where = continued ? "(" + order + ") > ($1, $2)" : cursor + " >= $1 AND " + id + " IS NOT NULL";
    } else {
        where = continued ? id + " > $1" : id + " IS NOT NULL";
        if (phase == Phase::undated) where += " AND " + cursor + " IS NULL";
    }
    return "SELECT " + id + "::text, " + (cursor.empty() ? "NULL" : cursor + "::text") + ", row_to_json(q)::text " + from() +
           " WHERE " + where + " ORDER BY " + order + " LIMIT " + std::to_string(limit);
}

std::string Table::duplicates() const {
    const std::string id = "q." + identifier(settings.id);
    return "SELECT count(*) FROM (SELECT 1 " + from() + " GROUP BY " + id + " HAVING count(*) > 1) AS d";
}

Mapper Table::mapper(const sync::Object &object, const std::string &read_at, CursorKind kind) const {
    std::vector<Field> fields;
    fields.insert(fields.end(), std::begin(special), std::end(special));
    for (const auto &column : object.columns) {
        const auto known =
            std::find_if(std::begin(special), std::end(special), [&](const Field &f) { return column.name == f.column; });
        if (known == std::end(special) && column.name != "attributes")
            fields.push_back({column.name.c_str(), column.name.c_str()});
    }
    if (kind == CursorKind::time) fields.push_back({"modified_at", settings.cursor.c_str()});
    fields.push_back({"modified_at", "", Rule::constant, read_at.c_str()});
    fields.push_back({"pipeline", "", Rule::constant, ""});
    return Mapper({object.name, settings.id, ""}, fields, columns, attributes);
}

void Table::mark_deleted(const sync::Object &object, sync::Page &page) const {
    if (settings.deleted.empty()) return;
    const std::size_t modified = object.index("modified_at"), deleted = object.index("deleted_at");
    std::vector<sync::Record> good;
    good.reserve(page.records.size());
    for (auto &record : page.records) {
        const auto text = text_at(record.raw, settings.deleted);
        const auto flag = text ? sync::to_boolean(*text) : std::nullopt;
        if (!text || text->empty() || flag == "false") {
            good.push_back(std::move(record));
        } else if (const auto time = flag ? record.values[modified] : sync::to_timestamp(*text)) {
            record.values[deleted] = time;
            good.push_back(std::move(record));
        } else {
            page.rejects.push_back({record.crm_id, object.name + " " + record.crm_id,
                                    settings.deleted + ": '" + sync::cut(*text, 100) + "' is neither a time nor a flag",
                                    sync::payload(record.raw)});
        }
    }
    page.records = std::move(good);
}

std::int64_t Table::hash(const sync::Object &object) const {
    std::uint64_t hash =
        static_cast<std::uint64_t>(mapper(object, "", settings.cursor.empty() ? CursorKind::none : CursorKind::time).hash());
    for (const char c : settings.query) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
    return static_cast<std::int64_t>(hash);
}

CursorKind Table::check(const std::vector<ResultColumn> &found) const {
    std::vector<std::string> names;
    for (const auto &column : found) names.push_back(column.name);
    const auto require = [&](const std::string &what, const std::string &name) {
        const auto at = std::find(names.begin(), names.end(), name);
        if (at != names.end()) return found[static_cast<std::size_t>(at - names.begin())].type;
        const auto guess = nearest(name, names);
        throw SyncError(Fault::object, settings.object + ": " + what + ": the query has no column '" + name + "'" +
                                           (guess ? "; did you mean '" + *guess + "'?" : ""));
    };
    require("id", settings.id);
    if (!settings.deleted.empty()) require("deleted", settings.deleted);
    for (const auto &[column, source] : columns) {
        if (!source.empty()) require("columns." + column, source.substr(0, source.find('.')));
    }
    if (settings.cursor.empty()) return CursorKind::none;
    const unsigned type = require("cursor", settings.cursor);
    if (among(time_types, type)) return CursorKind::time;
    if (among(number_types, type)) return CursorKind::number;
    throw SyncError(
        Fault::object,
        settings.object + ": cursor: '" + settings.cursor +
            "' is neither a time nor a number; cast it in the query, or leave cursor out (all rows are read each time then)");
}

}  // namespace xsell::connectors::sql
