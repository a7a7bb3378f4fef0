// Which HubSpot objects feed which of our objects, which property becomes which column, and which associations are followed.
#pragma once
#include <array>
#include <span>
#include <string>
#include <vector>

#include "connectors/json_map.hpp"

namespace xsell::connectors::hubspot {

struct Source {
    const char *object;                            // ours
    const char *type;                              // HubSpot's, as paths write it
    const char *modified;                          // property that searches filter by; empty: the object has no search (owners)
    const char *scope;                             // that a private app needs to read it
    std::array<std::span<const Field>, 3> fields;  // its own and shared ones
    std::span<const char *const> associations;     // types whose ids are added to each record
    bool optional = false;                         // read only when the configuration asks for it
};

// In the order in which they are read.
std::span<const Source> sources();

inline constexpr const char *merged_ids = "hs_merged_object_ids";

}  // namespace xsell::connectors::hubspot
