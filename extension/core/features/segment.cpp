#include "core/features/segment.hpp"

#include <algorithm>
#include <numeric>

namespace xsell::core {
namespace {

constexpr std::size_t fewest_entities = 20;

}  // namespace

Segments::Segments(std::span<const std::int32_t> code, const Csr &by_entity, std::size_t products, std::size_t best) {
    std::vector<std::uint32_t> order(code.size());
    std::iota(order.begin(), order.end(), 0u);
    std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return code[a] < code[b]; });
    std::vector<std::uint32_t> holders(products);
    std::vector<std::uint32_t> held;
    for (auto first = order.begin(); first != order.end();) {
        const std::int32_t own = code[*first];
        const auto last = std::find_if(first, order.end(), [&](std::uint32_t entity) { return code[entity] != own; });
        if (own >= 0 && static_cast<std::size_t>(last - first) >= fewest_entities) {
            held.clear();
            for (auto entity = first; entity != last; ++entity) {
                for (const std::uint32_t product : by_entity.row(*entity)) {
                    if (holders[product]++ == 0) {
                        held.push_back(product);
                    }
                }
            }
            const std::size_t kept = std::min(best, held.size());
            std::partial_sort(
                held.begin(), held.begin() + static_cast<std::ptrdiff_t>(kept), held.end(),
                [&](std::uint32_t a, std::uint32_t b) { return holders[a] != holders[b] ? holders[a] > holders[b] : a < b; });
            codes_.push_back(own);
            popular_.emplace_back(held.begin(), held.begin() + static_cast<std::ptrdiff_t>(kept));
            for (const std::uint32_t product : held) {
                holders[product] = 0;
            }
        }
        first = last;
    }
}

std::span<const std::uint32_t> Segments::popular(std::int32_t code) const {
    const auto found = std::lower_bound(codes_.begin(), codes_.end(), code);
    if (found == codes_.end() || *found != code) {
        return {};
    }
    return popular_[static_cast<std::size_t>(found - codes_.begin())];
}

}  // namespace xsell::core
