#include "core/scoring/slots.hpp"

namespace xsell::core {

Slots::Slots(const Trees &trees) : of_feature(trees.features, none) {
    std::vector<std::uint8_t> asks(2 * std::size_t{trees.features});
    for (const Node &node : trees.nodes) {
        if (!node.is_leaf()) asks[2 * node.feature() + node.default_left()] = 1;
    }
    for (std::size_t f = 0; f < trees.features; ++f) {
        const bool asks_right = asks[2 * f], asks_left = asks[2 * f + 1];
        if (!asks_left && !asks_right) continue;
        of_feature[f] = static_cast<std::uint16_t>(used.size());
        Slot slot{static_cast<std::uint16_t>(f), none, none};
        if (asks_left) slot.left = count++;
        if (asks_right) slot.right = count++;
        used.push_back(slot);
    }
    for (Slot &slot : used) {
        if (slot.left == none) slot.left = count;
        if (slot.right == none) slot.right = count;
    }
}

}  // namespace xsell::core
