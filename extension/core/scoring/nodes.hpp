// A forest as the loader hands it to the kernels: checked once, so that nobody has to look again.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace xsell::core {

// Nodes of a tree lie breadth first and siblings side by side: right is left + 1, and a child comes after its parent.
struct Node {
    std::uint32_t left = 0;   // within the tree; 0 for a leaf
    std::uint32_t value = 0;  // position among the feature's cuts, or the bits of the leaf
    float cover = 0;
    std::uint16_t feature = 0;
    bool default_left = false;

    bool is_leaf() const { return left == 0; }
    float leaf() const { return std::bit_cast<float>(value); }
};

struct Trees {
    std::uint32_t features = 0;
    float base_margin = 0;
    std::vector<float> cuts;               // of all features, ascending within each
    std::vector<std::uint32_t> first_cut;  // features + 1 positions
    std::vector<Node> nodes;
    std::vector<std::uint32_t> first_node;  // trees + 1 positions
    std::vector<std::uint32_t> depth;       // steps from the root to the deepest leaf, per tree

    std::size_t size() const { return depth.size(); }
    std::span<const Node> tree(std::size_t t) const { return {nodes.data() + first_node[t], nodes.data() + first_node[t + 1]}; }
    std::span<const float> cuts_of(std::size_t feature) const {
        return {cuts.data() + first_cut[feature], cuts.data() + first_cut[feature + 1]};
    }
    float threshold(const Node &node) const { return cuts[first_cut[node.feature] + node.value]; }
    bool goes_left(const Node &node, const float *x) const {
        const float v = x[node.feature];
        return v != v ? node.default_left : v < threshold(node);
    }
};

}  // namespace xsell::core
