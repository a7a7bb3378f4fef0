// Where reading an object stands.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace xsell::connectors::pipedrive {

// walk: what the reading is about. catch_up: what changed while everything was walked, for a record that moves in the order that
// it is read by may have been passed over.
enum class Phase { walk, catch_up };

// Microseconds since 1970 throughout.
struct Scan {
    std::int64_t start = 0;  // the server's time when the scan began
    bool full = false;       // everything, not only what changed
    bool begun = false;      // its first page has been read
    std::size_t part = 0;    // which list of the object: deals, then archived deals
    Phase phase = Phase::walk;
    bool newest_first = false;         // the order of the list
    bool refused = false;              // the list does not take updated_since
    std::optional<std::int64_t> low;   // nothing older is wanted
    std::optional<std::int64_t> high;  // nothing newer: set when a dead cursor made us begin again
    std::string cursor;                // v2; "": the first page
    std::int64_t position = 0;         // v1
    std::optional<std::int64_t> seen;  // time of the last record read
    bool ordered = true;               // so far the records came in order
};

struct State {
    std::optional<std::int64_t> watermark;  // everything that changed before it has been read
    std::optional<std::int64_t> full_at;    // when the last complete reading began
    std::optional<Scan> scan;               // nothing: the last sync was completed
    std::optional<std::int64_t> map;        // hash of the field map that all of it was read with
};

// Throws SyncError (object) when the text is not what write_state made.
State read_state(const std::string &text);
std::string write_state(const State &state);

}  // namespace xsell::connectors::pipedrive
