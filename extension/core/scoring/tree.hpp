// A plain description of a boosted ensemble: what training hands over and what the scoring blob is packed from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace xsell::core {

// A row goes left when its float32 value is below the threshold; a missing value (NaN) goes the default way.
struct TreeNode {
    float threshold_or_leaf = 0;
    std::int32_t left = -1;  // -1 for a leaf
    std::int32_t right = -1;
    std::uint16_t feature = 0;
    bool default_left = false;
    float cover = 0;  // sum of hessians that reached the node in training; explanations weigh by it
};

// Node 0 is the root of its tree; nodes that it does not reach are ignored. Margins are log-odds.
struct Ensemble {
    std::size_t features = 0;
    float base_margin = 0;
    std::vector<std::vector<TreeNode>> trees;
};

}  // namespace xsell::core
