// A forest as the loader hands it to the kernels: checked once, so that nobody has to look again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace xsell::core {

// Eight bytes, because deep forests are bound by memory. Nodes of a tree lie breadth first and siblings side by side: right is
// left + 1, a child comes after its parent, and the children of a tree's s-th split are its nodes 2 s + 1 and 2 s + 2.
// A split reads one of two copies of its feature's value, which differ only where it is missing: `slot` says which. A leaf reads
// slot 0, which holds NaN and sends nobody to the right, and is its own left child, so that a walk stays where it is.
constexpr unsigned slot_bits = 14;
constexpr std::uint32_t max_tree_nodes = 1u << (32 - slot_bits);

struct Node {
    float value = 0;         // threshold or leaf
    std::uint32_t link = 0;  // left child within the tree, and the slot

    static Node leaf(float value, std::uint32_t at) { return {value, at << slot_bits}; }
    static Node split(float threshold, std::uint32_t left, std::size_t feature, bool default_left) {
        return {threshold, left << slot_bits | static_cast<std::uint32_t>(1 + 2 * feature + default_left)};
    }
    std::uint32_t left() const { return link >> slot_bits; }
    std::uint32_t slot() const { return link & ((1u << slot_bits) - 1); }
    bool is_leaf() const { return slot() == 0; }
    std::size_t feature() const { return (slot() - 1) / 2; }
    bool default_left() const { return slot() % 2 == 0; }
    bool goes_left(const float *x) const {
        const float v = x[feature()];
        return v != v ? default_left() : v < value;
    }
};

struct Trees {
    std::uint32_t features = 0;
    float base_margin = 0;
    std::vector<Node> nodes;
    std::vector<float> cover;               // like nodes
    std::vector<std::uint32_t> first_node;  // trees + 1 positions
    std::vector<std::uint32_t> depth;       // steps from the root to the deepest leaf, per tree
    // Only kernels under construction ask for these, and nobody keeps them: the thresholds of all features, ascending within
    // each, and the position of each split's threshold among its feature's.
    std::vector<float> cuts;
    std::vector<std::uint32_t> first_cut;  // features + 1 positions
    std::vector<std::uint32_t> rank;       // like nodes

    std::size_t size() const { return depth.size(); }
    std::size_t slots() const { return 1 + 2 * std::size_t{features}; }
    std::span<const Node> tree(std::size_t t) const { return {nodes.data() + first_node[t], nodes.data() + first_node[t + 1]}; }
    std::span<const float> cuts_of(std::size_t feature) const {
        return {cuts.data() + first_cut[feature], cuts.data() + first_cut[feature + 1]};
    }
};

}  // namespace xsell::core
