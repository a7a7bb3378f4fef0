// Which records are known to be archived: one that is no longer on the list of them was restored, which does not move its
// modified date, or is gone for good.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace xsell::connectors::hubspot {

// Ids in ascending order. As many as the stored state has room for: of the others it is seen at the next full reading.
using Archived = std::vector<std::uint64_t>;

// The ids of one page of the list, which comes in ascending order, take the place of those known from behind `after` to the
// page's end (`last`: to the end of all). Returns the ids that are missing there.
std::vector<std::string> replace(Archived &known, std::uint64_t after, const std::vector<std::uint64_t> &page, bool last);

}  // namespace xsell::connectors::hubspot
