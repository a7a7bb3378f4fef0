// Where reading an object stands.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "connectors/hubspot/archived.hpp"

namespace xsell::connectors::hubspot {

enum class Phase { live, archived };

// Microseconds since 1970 throughout.
struct Scan {
    std::int64_t start = 0;  // the server's time when the scan began
    bool full = false;       // everything, not only what was modified
    std::size_t part = 0;    // which source of the object: activities are calls, then emails, ...
    Phase phase = Phase::live;
    std::string after;       // live: the highest id read; archived: the list's own cursor
    std::uint64_t last = 0;  // archived: the highest id read
    std::int64_t total = 0;  // live records that it brings, as far as is known
};

struct State {
    std::optional<std::int64_t> watermark;     // everything modified before it has been read
    std::optional<std::int64_t> full_at;       // when the last complete scan began
    std::optional<Scan> scan;                  // nothing: the last sync was completed
    std::optional<std::int64_t> map;           // hash of the field map that all of it was read with
    std::map<std::string, Archived> archived;  // by HubSpot's type
};

// Throws SyncError (object) when the text is not what write_state made.
State read_state(const std::string &text);
std::string write_state(const State &state);

// HubSpot's ids are numbers; 0 for anything else.
std::uint64_t number(const std::string &id);

}  // namespace xsell::connectors::hubspot
