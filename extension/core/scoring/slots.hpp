// The trick that rids the kernels of missing values: each feature's value is copied once per default direction in use,
// NaN becoming the smallest value where it must go left and the largest where it must go right.
#pragma once

#include <cstdint>
#include <vector>

#include "core/scoring/nodes.hpp"

namespace xsell::core {

struct Slot {
    std::uint16_t feature;
    std::uint16_t left;   // place of the copy whose NaN goes left
    std::uint16_t right;  // place of the copy whose NaN goes right
};

struct Slots {
    std::vector<Slot> used;                 // only features that some node asks for
    std::vector<std::uint16_t> of_feature;  // feature -> position in `used`, or none
    std::uint16_t count = 0;                // distinct copies; a copy that nobody reads shares the place after the last
    static constexpr std::uint16_t none = 0xffff;

    explicit Slots(const Trees &trees);

    std::uint16_t place(const Node &node) const {
        const Slot &slot = used[of_feature[node.feature()]];
        return node.default_left() ? slot.left : slot.right;
    }
};

}  // namespace xsell::core
