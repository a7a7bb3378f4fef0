#include "core/recommend/selection.hpp"

#include <algorithm>

namespace xsell::core {

void select_best(std::span<const double> probability, std::span<const std::uint8_t> barred, std::size_t count,
                 Selection &result) {
    const auto better = [&](std::uint32_t a, std::uint32_t b) {
        return probability[a] != probability[b] ? probability[a] > probability[b] : a < b;
    };
    const auto cut = [&](std::vector<std::uint32_t> &places) {
        const auto end = places.begin() + static_cast<std::ptrdiff_t>(std::min(count, places.size()));
        std::partial_sort(places.begin(), end, places.end(), better);
        places.erase(end, places.end());
    };
    result.kept.clear();
    result.barred.clear();
    for (std::uint32_t i = 0; i < probability.size(); ++i) {
        (barred[i] ? result.barred : result.kept).push_back(i);
    }
    cut(result.kept);
    if (result.kept.size() == count && count > 0) {
        std::erase_if(result.barred, [&](std::uint32_t place) { return !better(place, result.kept.back()); });
    }
    cut(result.barred);
}

}  // namespace xsell::core
