// Where reading an object stands, and which request comes next.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace xsell::connectors::axiscare {

inline constexpr std::int64_t day_micros = 86'400'000'000;

// Microseconds since 1970 where nothing else is said; days are days since 1970.
struct Scan {
    std::int64_t start = 0;  // the server's time when the scan began
    std::size_t part = 0;    // which source of the object: users are caregivers, then administrators
    bool updated = false;    // visits: those that were changed are read; by date afterwards
    std::int64_t to = 0;     // visits by date: the last day of the window that is being read; windows go back in time
    std::int64_t low = 0;    // and the first day of all
    std::string next;        // path of the next page of the same list; empty: its beginning
    std::string last;        // id read last
    std::int64_t seen = 0;   // records
    int restarts = 0;        // times that the list was begun again because a page's address had expired
};

struct State {
    std::optional<std::int64_t> watermark;  // visits changed before it have been read
    std::int64_t stamp = 0;                 // modified_at of the last scan: never goes back, though the server's clock may
    std::optional<Scan> scan;               // nothing: the last scan was completed
};

// Throws SyncError (object) when the text is not what write_state made.
State read_state(const std::string &text);
std::string write_state(const State &state);

}  // namespace xsell::connectors::axiscare
