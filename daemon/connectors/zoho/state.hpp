// Where reading an object stands.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace xsell::connectors::zoho {

enum class Phase { live, deleted };

// A walk goes from the newest change to the oldest, so that fresh records arrive first and a change during the walk shifts rows
// into what is still to be read, never out of it. When it breaks it is resumed from the old end, up to what had been reached.
// Times are microseconds since 1970.
struct Scan {
    std::int64_t start = 0;   // the server's time when the scan began
    std::int64_t looked = 0;  // the same for the present walk: a scan may walk again
    bool full = false;        // everything, not only what was modified
    bool seen = false;        // a page has been read: the sweep goes on
    std::size_t part = 0;     // which module of the object: activities are calls, then events, ...
    Phase phase = Phase::live;
    bool oldest_first = false;
    std::int64_t page = 1;  // of the pages by number; beyond them `token`
    std::string token;
    std::string first;                    // id of the previous page's first row, to notice a list that does not move
    std::optional<std::int64_t> low;      // If-Modified-Since of the walk
    std::optional<std::int64_t> reached;  // Modified_Time of the last row
    std::optional<std::int64_t> until;    // oldest first: what is later has been read
    bool disordered = false;              // rows came that the walk had passed: reached says nothing
    std::int64_t pages = 0;               // of the walk or feed so far
    std::int64_t walked = 0;              // pages that the walk took
    std::int64_t again = 0;               // how often the module was walked again
    bool lost = false;                    // more was deleted than the feed shows
    bool struck = false;                  // something was deleted during the walk
};

struct State {
    std::optional<std::int64_t> watermark;  // everything modified before it has been read
    std::optional<std::int64_t> deleted;    // everything deleted before it is known
    std::optional<std::int64_t> full_at;    // when the last complete reading began; 0: it is due
    std::optional<Scan> scan;               // nothing: the last sync was completed
    std::optional<std::int64_t> map;        // hash of the field map that all of it was read with
};

// Throws SyncError (object) when the text is not what write_state made.
State read_state(const std::string &text);
std::string write_state(const State &state);

}  // namespace xsell::connectors::zoho
