// Which of AxisCare's lists feed which of our objects, what is kept of their records, and which field becomes which column.
#pragma once
#include <span>
#include <vector>

#include "connectors/axiscare/health.hpp"
#include "connectors/json_map.hpp"

namespace xsell::connectors::axiscare {

struct Source {
    const char *object;  // ours
    const char *list;    // path below /api and member of `results`
    const char *place;   // how messages name a record
    // Records that are found inside those of the list; nullptr: the list's own.
    std::vector<nlohmann::json> (*inside)(const nlohmann::json &record);
    std::span<const Kept> kept;
    std::span<const Field> fields;
    bool asides = false;  // what is not kept goes to Page::asides (once for each list)
    bool by_date() const { return std::string_view(list) == "visits"; }  // else the list is read as a whole
};

// In the order in which they are read.
std::span<const Source> sources();

// Administrators and caregivers, who are both our users, count their ids separately.
inline constexpr const char *administrator_prefix = "admin-";

}  // namespace xsell::connectors::axiscare
