// Where reading an object stands.
#pragma once
#include <optional>

#include "connectors/attio/walk.hpp"

namespace xsell::connectors::attio {

// Microseconds since 1970 throughout.
struct Scan {
    std::int64_t start = 0;  // the server's time when the sweep began
    std::size_t part = 0;    // which source of the object: activities are notes, then tasks, then meetings
    std::int64_t parts = 0;  // rows of the sources before
    Walk walk;               // of lists by offset
    std::string cursor;      // of lists by cursor
};

struct State {
    // The server's time when the last sweep ended. A record whose text has changed since was changed after it, whatever dates it
    // still shows: a value that was removed leaves none.
    std::int64_t floor = 0;
    std::optional<Scan> scan;  // nothing: the last sweep was completed
};

// Throws SyncError (object) when the text is not what write_state made.
State read_state(const std::string &text);
std::string write_state(const State &state);

}  // namespace xsell::connectors::attio
