#include "core/match/components.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace xsell::core {
namespace {

class DisjointSets {
  public:
    explicit DisjointSets(std::size_t size) : parent_(size) {
        for (std::size_t i = 0; i < size; ++i) {
            parent_[i] = static_cast<std::uint32_t>(i);
        }
    }

    std::uint32_t root(std::uint32_t node) {
        while (parent_[node] != node) {
            parent_[node] = parent_[parent_[node]];
            node = parent_[node];
        }
        return node;
    }

    // The lower root wins, so that a root is the lowest node of its component.
    void unite(std::uint32_t a, std::uint32_t b) {
        a = root(a);
        b = root(b);
        parent_[std::max(a, b)] = std::min(a, b);
    }

  private:
    std::vector<std::uint32_t> parent_;
};

}  // namespace

std::vector<Component> connected_components(std::span<const std::int64_t> left, std::span<const std::int64_t> right,
                                            const std::function<void()> &checkpoint) {
    if (left.size() != right.size()) {
        throw Error(Kind::bad_argument, "both ends of the edges must be arrays of the same length");
    }
    std::vector<std::int64_t> nodes(left.begin(), left.end());
    nodes.insert(nodes.end(), right.begin(), right.end());
    std::sort(nodes.begin(), nodes.end());
    nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
    const auto position = [&](std::int64_t node) {
        return static_cast<std::uint32_t>(std::lower_bound(nodes.begin(), nodes.end(), node) - nodes.begin());
    };
    DisjointSets sets(nodes.size());
    for (std::size_t i = 0; i < left.size(); ++i) {
        if (i % 65536 == 0) {
            checkpoint();
        }
        sets.unite(position(left[i]), position(right[i]));
    }
    std::vector<Component> components;
    components.reserve(nodes.size());
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        components.push_back({nodes[i], nodes[sets.root(static_cast<std::uint32_t>(i))]});
    }
    return components;
}

}  // namespace xsell::core
