// How a scan moves over Zoho's lists: pages by number up to ten, by token beyond them, again from the old end when a walk breaks.
#pragma once
#include <string>

#include "connectors/zoho/api.hpp"
#include "connectors/zoho/faults.hpp"
#include "connectors/zoho/state.hpp"

namespace xsell::connectors::zoho {

inline constexpr int rows_page = 200;      // Zoho gives no more
inline constexpr int numbered_pages = 10;  // and no further ones by number

// The pages by number are used up, and there is no token.
bool at_wall(const Scan &scan);

// After a page of a list by Modified_Time: false when the walk is over. Throws SyncError when the list does not move.
bool advance(Scan &scan, const List &list, const std::string &name);

// After a page of a list that has numbers alone.
bool next_number(Scan &scan, const List &list, const std::string &name);

// The walk goes on from its last row, if it went from old to new, else from its beginning, in the other direction, up to what has
// been reached. Throws SyncError when that would change nothing.
void restart(Scan &scan, const WalkBroken &broken);

void to_deleted(Scan &scan);
void next_part(Scan &scan);

// Rows move while a list is read: what is changed goes to its new end, what is deleted pulls the rows behind it over the edge of
// a page. Both are seen by walking over the newest again until nothing happened meanwhile.
bool worth_another_walk(const Scan &scan);
void walk_again(Scan &scan, std::int64_t now);

}  // namespace xsell::connectors::zoho
