// What travels from a connector to the store: records with typed columns as text, rejects, and pages of both.
#pragma once
#include <cstdint>
#include <map>
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
    std::string problem = "";   // values that are NULL for being unreadable: "employees: 'many' is not a whole number"
};

// A record that cannot be stored. The rest of its page goes on.
struct Reject {
    std::string crm_id;   // empty where it could not be read
    std::string place;    // "invoice_lines.csv:17", "Account 001..."
    std::string reason;   // "amount: 'abc' is not a number"
    std::string payload;  // valid UTF-8; cut at 64 KB
};

// An exchange rate as the source states it: one unit of `currency` is `rate` units of `home`, from that day on.
struct Rate {
    std::string home, currency;  // ISO 4217
    std::string valid_from;      // "2026-01-01"
    std::string rate;
};

// What a record says that only xsell_health may read. It is in no other column, source record or reject.
struct Aside {
    std::string crm_id;
    std::string content;  // a JSON object
};

// A field of the source's own records, as seen on a page: notices new, vanished and retyped fields.
struct SourceField {
    std::string type;     // string, number, boolean, object, array; empty: null wherever it was seen
    bool always = false;  // in every record looked at
};

// Children are read with their parent and have no life of their own in the source's API (lines of a deal): those of `parents`
// that the page does not show are tombstoned with the page.
struct Replaced {
    std::string column;                // of the page's object: "opportunity_id"
    std::vector<std::string> parents;  // ids whose children are all on this page
    std::string at;                    // time of the tombstones
};

// Reading the whole set from a source that shows no deletes: `begin` on the first page, `go_on` after it. Stored records that no
// page has shown (neither as a record nor as a reject) are tombstoned as of sweep_at when the reading completes.
enum class Sweep { none, begin, go_on };

struct Page {
    std::vector<Record> records;
    std::vector<Reject> rejects;
    std::string next_state;                    // the connector's own JSON; stored with the rows, handed back at the next fetch
    bool done = false;                         // no more pages at present: next_state is where the next sync begins
    std::optional<std::int64_t> source_count;  // live records, where the source says so
    std::optional<std::int64_t> total;         // records that this reading will bring, where the source says so: for the ETA
    // States of further pages, which may be read in any order, by several workers at once; each comes back with done set. On the
    // first page of a reading alone, with done set: next_state is stored when all of them are committed.
    std::vector<std::string> fan_out;
    Sweep sweep = Sweep::none;
    // For small sources that show the whole set and no deletes: every live id; others are tombstoned as of sweep_at.
    std::optional<std::vector<std::string>> live_ids;
    std::string sweep_at;  // a timestamp; of live_ids, or of the page whose sweep is `begin`
    std::optional<Replaced> replaced;
    std::vector<Rate> rates;
    std::vector<Aside> asides;
    std::map<std::string, SourceField> fields;  // by name; empty: not looked at
    // A source that begins to be read anew: older rejects whose place starts with this are forgotten ("invoice_lines.csv:").
    std::optional<std::string> forget_rejects;
};

}  // namespace xsell::sync
