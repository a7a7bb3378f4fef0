// One object of an sql org: its query, how it is walked, and which column of ours its fields fill.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "connectors/json_map.hpp"
#include "connectors/settings.hpp"
#include "connectors/sql/database.hpp"
#include "sync/record.hpp"

namespace xsell::connectors::sql {

// What the cursor column holds decides what "since then" means.
enum class CursorKind { none, time, number };

// Which rows a page shows. `all`: by id, whatever the cursor says; `dated`: by (cursor, id) from a watermark on; `undated`: rows
// whose cursor is NULL, which no watermark finds, by id.
enum class Phase { all, dated, undated };

struct Table {
    QuerySettings settings;
    std::map<std::string, std::string> columns;  // our column -> field of the query's rows
    std::vector<std::string> attributes;

    // The query itself, its columns named q.
    std::string from() const;
    std::string describe() const { return "SELECT q.* " + from(); }
    // Rows, live rows, rows without an id, and the highest cursor at or after $1 (as text, NULL where there is none).
    std::string overview(bool since) const;
    // id, cursor, row as JSON; parameters as bounds() makes them.
    std::string page(Phase phase, bool continued, std::int64_t limit) const;
    std::string duplicates() const;  // ids that come more than once

    // `read_at`: the time of rows that have none of their own. A cursor that is a time says when its row was modified.
    Mapper mapper(const sync::Object &object, const std::string &read_at, CursorKind kind) const;
    // Turns the records whose `deleted` column is a time or a true flag into tombstones: as of that time, or of their last
    // change.
    void mark_deleted(const sync::Object &object, sync::Page &page) const;
    std::int64_t hash(const sync::Object &object) const;

    // Throws SyncError (object) when the query lacks a column that the configuration names.
    CursorKind check(const std::vector<ResultColumn> &found) const;
};

}  // namespace xsell::connectors::sql
