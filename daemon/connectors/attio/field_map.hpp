// Which of Attio's lists feed which of our objects, how each is paged, and which attribute becomes which column.
#pragma once
#include <array>
#include <span>

#include "connectors/json_map.hpp"

namespace xsell::connectors::attio {

enum class Paging {
    whole,   // GET, everything at once
    query,   // POST with limit and offset: records
    offset,  // GET with limit and offset
    cursor,  // GET with limit and cursor
};

struct Source {
    const char *object;  // ours
    const char *name;    // of the list; empty: a custom object that the configuration names
    const char *path;    // empty: /v2/objects/{name}/records/query
    Paging paging;
    std::int64_t limit;  // rows a page, at most
    const char *id;      // member of the record's id
    const char *scopes;  // that the key needs
    std::array<std::span<const Field>, 2> fields;
    bool may_be_off = false;  // workspaces can do without it
};

// In the order in which they are read.
std::span<const Source> sources();

}  // namespace xsell::connectors::attio
