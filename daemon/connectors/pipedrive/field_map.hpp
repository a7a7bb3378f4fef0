// Which of Pipedrive's lists feed which of our objects, how they may be read, and which field becomes which column.
#pragma once
#include <array>
#include <span>

#include "connectors/json_map.hpp"
#include "connectors/pipedrive/api.hpp"
#include "connectors/pipedrive/extras.hpp"

namespace xsell::connectors::pipedrive {

// How a list tells what changed.
enum class Changes {
    filter,  // updated_since
    order,   // it does not, but it can be read from the newest record on
    none,    // it is short and read whole
};

struct Source {
    const char *object;  // ours
    const char *name;    // for messages: "archived deals"
    Endpoint list;
    Changes changes;
    const char *query;       // added to every request
    const Endpoint *fields;  // that describes its custom fields; nullptr: it has none
    const char *prefix;      // of our ids, where two lists of one object count for themselves
    Enrich enrich;           // may be nullptr
    bool lines;              // its records are deals: what we read are the products on them
    const char *scope;       // that an OAuth app needs
    std::span<const Field> own;
};

// In the order in which they are read.
std::span<const Source> sources();

}  // namespace xsell::connectors::pipedrive
