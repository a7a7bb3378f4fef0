#include "core/scoring/slots.hpp"

namespace xsell::core {

Slots::Slots(const Trees &trees) : of_feature(trees.features, none) {
    std::vector<bool> asks_left(trees.features);
    std::vector<bool> asks_right(trees.features);
    for (const Node &node : trees.nodes) {
        if (!node.is_leaf()) (node.default_left ? asks_left : asks_right)[node.feature] = true;
    }
    for (std::uint32_t f = 0; f < trees.features; ++f) {
        if (!asks_left[f] && !asks_right[f]) continue;
        of_feature[f] = static_cast<std::uint16_t>(used.size());
        Slot slot{static_cast<std::uint16_t>(f), none, none};
        if (asks_left[f]) slot.left = count++;
        if (asks_right[f]) slot.right = count++;
        used.push_back(slot);
    }
    for (Slot &slot : used) {
        if (slot.left == none) slot.left = count;
        if (slot.right == none) slot.right = count;
    }
}

}  // namespace xsell::core
