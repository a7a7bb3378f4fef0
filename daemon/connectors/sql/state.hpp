// Where reading an object stands.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "connectors/sql/table.hpp"

namespace xsell::connectors::sql {

struct Scan {
    bool full = false;
    Phase phase = Phase::all;
    std::string from;                  // dated: the inclusive lower bound of the cursor
    Value next;                        // the watermark that holds once the scan is over
    std::string at;                    // the source's time when the scan began
    std::optional<std::string> id;     // of the last row that was read; nothing: the phase begins
    std::string cursor;                // dated: of the same row
    std::optional<std::int64_t> live;  // rows at the beginning
};

struct State {
    std::optional<std::string> watermark;  // rows whose cursor is below it have been read
    std::optional<std::int64_t> full_at;   // microseconds since 1970: when the last complete scan began
    std::optional<std::int64_t> map;       // hash of query and field map that all of it was read with
    std::optional<Scan> scan;              // nothing: the last sync was completed
};

// Throws SyncError (object) when the text is not what write_state made.
State read_state(const std::string &text);
std::string write_state(const State &state);

}  // namespace xsell::connectors::sql
