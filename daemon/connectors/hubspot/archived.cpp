#include "connectors/hubspot/archived.hpp"

#include <algorithm>

namespace xsell::connectors::hubspot {
namespace {

constexpr std::size_t most = 3000;

}  // namespace

std::vector<std::string> replace(Archived &known, std::uint64_t after, const std::vector<std::uint64_t> &page, bool last) {
    std::vector<std::string> missing;
    const bool ascending = std::is_sorted(page.begin(), page.end()) && (page.empty() || page.front() > after);
    if (!ascending || (page.empty() && !last)) return missing;  // a list in another order tells nothing
    const auto from = std::upper_bound(known.begin(), known.end(), after),
               to = last ? known.end() : std::upper_bound(from, known.end(), page.back());
    for (auto id = from; id != to; ++id) {
        if (!std::binary_search(page.begin(), page.end(), *id)) missing.push_back(std::to_string(*id));
    }
    const auto at = known.erase(from, to);
    const std::size_t room = most - std::min(most, known.size());
    known.insert(at, page.begin(), page.begin() + static_cast<std::ptrdiff_t>(std::min(room, page.size())));
    return missing;
}

}  // namespace xsell::connectors::hubspot
