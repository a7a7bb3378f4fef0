#include "core/scoring/blob.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>

#include "core/scoring/bytes.hpp"

// Layout, little-endian: magic, version, features, trees, nodes, cuts, base margin; cuts per feature; the cuts; nodes
// per tree; the nodes, breadth first, 12 bytes each: feature, flags, value (rank of the cut or bits of the leaf), cover.
namespace xsell::core {

namespace {

constexpr std::uint32_t forest_magic = 0x46535821;  // "!XSF"
constexpr std::uint16_t forest_version = 1;
constexpr std::uint16_t flag_inner = 1;
constexpr std::uint16_t flag_default_left = 2;
constexpr std::size_t node_size = 12;
// Far above any log-odds, and low enough that no sum over trees can leave the range of a float.
constexpr float max_leaf = 1e15f;

[[noreturn]] void refuse(std::size_t tree, const char *what) {
    throw Error(Kind::bad_argument, "tree " + std::to_string(tree) + " of the ensemble " + what);
}

void check_node(const Ensemble &ensemble, std::size_t t, const TreeNode &node) {
    const auto count = static_cast<std::int64_t>(ensemble.trees[t].size());
    if (!std::isfinite(node.cover) || node.cover < 0) refuse(t, "has a cover that is negative or not finite");
    if (!std::isfinite(node.threshold_or_leaf)) refuse(t, "has a threshold or leaf that is not finite");
    if (node.left < 0) {
        if (std::fabs(node.threshold_or_leaf) > max_leaf) refuse(t, "has a leaf that is too large");
        return;
    }
    if (node.left >= count || node.right < 0 || node.right >= count) refuse(t, "links to a node that does not exist");
    if (node.feature >= ensemble.features) refuse(t, "splits on a feature that does not exist");
}

// Positions of the reachable nodes, breadth first, siblings side by side.
std::vector<std::uint32_t> breadth_first(const Ensemble &ensemble, std::size_t t) {
    const std::vector<TreeNode> &tree = ensemble.trees[t];
    if (tree.empty()) refuse(t, "has no node");
    std::vector<std::uint32_t> order{0};
    for (std::size_t i = 0; i < order.size(); ++i) {
        const TreeNode &node = tree[order[i]];
        check_node(ensemble, t, node);
        if (node.left < 0) continue;
        order.push_back(static_cast<std::uint32_t>(node.left));
        order.push_back(static_cast<std::uint32_t>(node.right));
        if (order.size() > tree.size()) refuse(t, "reaches a node by two ways");
    }
    if (order.size() > max_tree_nodes) refuse(t, "has too many nodes");
    return order;
}

using Orders = std::vector<std::vector<std::uint32_t>>;

std::vector<std::vector<float>> collect_cuts(const Ensemble &ensemble, const Orders &orders) {
    std::vector<std::vector<float>> cuts(ensemble.features);
    for (std::size_t t = 0; t < orders.size(); ++t) {
        for (const std::uint32_t i : orders[t]) {
            const TreeNode &node = ensemble.trees[t][i];
            if (node.left >= 0) cuts[node.feature].push_back(node.threshold_or_leaf);
        }
    }
    for (std::vector<float> &of_feature : cuts) {
        std::sort(of_feature.begin(), of_feature.end());
        of_feature.erase(std::unique(of_feature.begin(), of_feature.end()), of_feature.end());
    }
    return cuts;
}

void put_node(ByteWriter &out, const TreeNode &node, const std::vector<std::vector<float>> &cuts) {
    if (node.left < 0) {
        out.put(std::uint16_t{0});
        out.put(std::uint16_t{0});
        out.put(node.threshold_or_leaf);
    } else {
        const std::vector<float> &of_feature = cuts[node.feature];
        const auto cut = std::lower_bound(of_feature.begin(), of_feature.end(), node.threshold_or_leaf);
        out.put(node.feature);
        out.put(static_cast<std::uint16_t>(flag_inner | (node.default_left ? flag_default_left : 0)));
        out.put(static_cast<std::uint32_t>(cut - of_feature.begin()));
    }
    out.put(node.cover);
}

struct Header {
    std::uint32_t features, trees, nodes, cuts;
    float base_margin;
};

Header read_header(ByteReader &in) {
    if (in.get<std::uint32_t>() != forest_magic) corrupt("it is no forest");
    if (in.get<std::uint16_t>() != forest_version) corrupt("its forest has an unknown version");
    if (in.get<std::uint16_t>() != 0) corrupt("its forest has an unknown flag");
    Header header{};
    header.features = in.get<std::uint32_t>();
    header.trees = in.get<std::uint32_t>();
    header.nodes = in.get<std::uint32_t>();
    header.cuts = in.get<std::uint32_t>();
    header.base_margin = in.get<float>();
    if (header.features == 0 || header.features > max_features) corrupt("its number of features is out of range");
    if (!std::isfinite(header.base_margin) || std::fabs(header.base_margin) > max_leaf)
        corrupt("its base margin is out of range");
    in.expect(header.trees, sizeof(std::uint32_t));
    in.expect(header.nodes, node_size);
    in.expect(header.cuts, sizeof(float));
    return header;
}

// Reads `parts` sizes and turns them into positions; they must add up to `total`.
std::vector<std::uint32_t> read_positions(ByteReader &in, std::uint32_t parts, std::uint32_t total) {
    in.expect(parts, sizeof(std::uint32_t));
    std::vector<std::uint32_t> first(std::size_t{parts} + 1);
    std::uint64_t sum = 0;
    for (std::uint32_t i = 0; i < parts; ++i) {
        sum += in.get<std::uint32_t>();
        if (sum > total) corrupt("its sizes do not add up");
        first[i + 1] = static_cast<std::uint32_t>(sum);
    }
    if (sum != total) corrupt("its sizes do not add up");
    return first;
}

void read_cuts(ByteReader &in, const Header &header, Trees &trees) {
    trees.first_cut = read_positions(in, header.features, header.cuts);
    in.expect(header.cuts, sizeof(float));
    trees.cuts.resize(header.cuts);
    for (float &cut : trees.cuts) cut = in.get<float>();
    for (std::uint32_t f = 0; f < header.features; ++f) {
        const std::span<const float> cuts = trees.cuts_of(f);
        for (std::size_t i = 0; i < cuts.size(); ++i) {
            if (!std::isfinite(cuts[i]) || (i > 0 && !(cuts[i - 1] < cuts[i]))) corrupt("its thresholds are out of order");
        }
    }
}

struct Flags {
    std::uint16_t feature, flags;
};

void check(const Flags &node, const Trees &trees) {
    if (node.flags & flag_inner) {
        if (node.flags & ~(flag_inner | flag_default_left)) corrupt("a node has an unknown flag");
        if (node.feature >= trees.features) corrupt("a node splits on a feature that does not exist");
    } else if (node.flags != 0 || node.feature != 0) {
        corrupt("a leaf has flags or a feature");
    }
}

// Node `i`, which is node `at` of its tree; its children, if it has any, at `left`.
void read_node(ByteReader &in, Trees &trees, std::uint32_t i, std::uint32_t at, std::uint32_t left) {
    const Flags header{in.get<std::uint16_t>(), in.get<std::uint16_t>()};
    check(header, trees);
    const auto value = in.get<std::uint32_t>();
    trees.cover[i] = in.get<float>();
    if (!std::isfinite(trees.cover[i]) || trees.cover[i] < 0) corrupt("a cover is out of range");
    if (header.flags & flag_inner) {
        const std::span<const float> cuts = trees.cuts_of(header.feature);
        if (value >= cuts.size()) corrupt("a node has a threshold that does not exist");
        trees.rank[i] = value;
        trees.nodes[i] = Node::split(cuts[value], left, header.feature, header.flags & flag_default_left);
        return;
    }
    const auto leaf = std::bit_cast<float>(value);
    if (!std::isfinite(leaf) || std::fabs(leaf) > max_leaf) corrupt("a leaf is out of range");
    trees.nodes[i] = Node::leaf(leaf, at);
}

// Breadth first, each inner node's children are the next two, so links need not be stored and cannot form a cycle.
std::uint32_t read_tree(ByteReader &in, Trees &trees, std::size_t t) {
    const std::uint32_t first = trees.first_node[t];
    const std::uint32_t count = trees.first_node[t + 1] - first;
    if (count > max_tree_nodes) corrupt("a tree has too many nodes");
    std::uint32_t next = 1;
    std::uint32_t level_end = 1;
    std::uint32_t depth = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        if (i == next) corrupt("a tree has nodes that its root does not reach");
        if (i == level_end) {
            level_end = next;
            ++depth;
        }
        read_node(in, trees, first + i, i, next);
        if (!trees.nodes[first + i].is_leaf()) next += 2;
    }
    if (count == 0 || next != count) corrupt("a tree lacks nodes");
    return depth;
}

}  // namespace

std::vector<std::byte> pack_forest(const Ensemble &ensemble) {
    if (ensemble.features == 0 || ensemble.features > max_features) {
        throw Error(Kind::bad_argument, "number of features must be between 1 and " + std::to_string(max_features));
    }
    if (!std::isfinite(ensemble.base_margin) || std::fabs(ensemble.base_margin) > max_leaf) {
        throw Error(Kind::bad_argument, "base margin of the ensemble is out of range");
    }
    Orders orders;
    std::size_t nodes = 0;
    for (std::size_t t = 0; t < ensemble.trees.size(); ++t) nodes += orders.emplace_back(breadth_first(ensemble, t)).size();
    const std::vector<std::vector<float>> cuts = collect_cuts(ensemble, orders);
    std::size_t cut_count = 0;
    for (const std::vector<float> &of_feature : cuts) cut_count += of_feature.size();
    if (nodes > UINT32_MAX) throw Error(Kind::bad_argument, "the ensemble has too many nodes");

    ByteWriter out;
    out.put(forest_magic);
    out.put(forest_version);
    out.put(std::uint16_t{0});
    for (const std::size_t n : {ensemble.features, ensemble.trees.size(), nodes, cut_count})
        out.put(static_cast<std::uint32_t>(n));
    out.put(ensemble.base_margin);
    for (const std::vector<float> &of_feature : cuts) out.put(static_cast<std::uint32_t>(of_feature.size()));
    for (const std::vector<float> &of_feature : cuts) {
        for (const float cut : of_feature) out.put(cut);
    }
    for (const std::vector<std::uint32_t> &order : orders) out.put(static_cast<std::uint32_t>(order.size()));
    for (std::size_t t = 0; t < orders.size(); ++t) {
        for (const std::uint32_t i : orders[t]) put_node(out, ensemble.trees[t][i], cuts);
    }
    return out.take();
}

Trees read_forest(std::span<const std::byte> blob) {
    ByteReader in(blob);
    const Header header = read_header(in);
    Trees trees;
    trees.features = header.features;
    trees.base_margin = header.base_margin;
    read_cuts(in, header, trees);
    trees.first_node = read_positions(in, header.trees, header.nodes);
    in.expect(header.nodes, node_size);
    trees.nodes.resize(header.nodes);
    trees.cover.resize(header.nodes);
    trees.rank.resize(header.nodes);
    trees.depth.resize(header.trees);
    for (std::uint32_t t = 0; t < header.trees; ++t) trees.depth[t] = read_tree(in, trees, t);
    in.expect_end();
    return trees;
}

}  // namespace xsell::core
