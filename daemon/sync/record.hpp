// What travels from a connector to the store: records with typed columns as text, rejects, and pages of both.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace xsell::sync {

// The type of a column, as the database declares it; values travel as text that PostgreSQL accepts for the type.
enum class ColumnType { text, number, integer, boolean, timestamp, json };

struct Column {
    std::string name;
    ColumnType type = ColumnType::text;
};

// The columns of one object that a connector may fill, in the order the database states them (xsell_internal.sync_columns).
struct Object {
    std::string name;             // account, contact, lead, product, opportunity, opportunity_line, asset, activity, crm_user
    std::vector<Column> columns;  // without crm_id; modified_at is among them and is never NULL
    std::size_t index(std::string_view column) const;  // throws std::out_of_range for a name that is not there
};

using Value = std::optional<std::string>;  // nullopt is NULL

struct Record {
    std::string crm_id;
    std::vector<Value> values;  // aligned with Object::columns; a tombstone has deleted_at (and merged_into for a merge)
    std::string raw;            // the source's own text as JSON, already free of what jsonb cannot hold
    bool repaired = false;      // something in the text was replaced by U+FFFD
};

// A record that cannot be stored. The rest of its page goes on.
struct Reject {
    std::string crm_id;   // empty where it could not be read
    std::string place;    // "invoice_lines.csv:17", "Account 001..."
    std::string reason;   // "amount: 'abc' is not a number"
    std::string payload;  // valid UTF-8; cut at 64 KB
};

struct Page {
    std::vector<Record> records;
    std::vector<Reject> rejects;
    std::string next_state;                    // the connector's own JSON; stored with the rows, handed back at the next fetch
    bool done = false;                         // no more pages at present: next_state is where the next sync begins
    std::optional<std::int64_t> source_count;  // live records, where the source says so
    // For sources that show the whole set and no deletes: every live id; others are tombstoned as of sweep_at.
    std::optional<std::vector<std::string>> live_ids;
    std::string sweep_at;
    // A source that begins to be read anew: older rejects whose place starts with this are forgotten ("invoice_lines.csv:").
    std::optional<std::string> forget_rejects;
};

}  // namespace xsell::sync
