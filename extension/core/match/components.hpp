// Connected components of a graph of accepted matches.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace xsell::core {

struct Component {
    std::int64_t node;
    std::int64_t component;  // the lowest node that is reachable
};

// One entry for each node that an edge names, in ascending order. Both sides have the same length.
std::vector<Component> connected_components(std::span<const std::int64_t> left, std::span<const std::int64_t> right,
                                            const std::function<void()> &checkpoint);

}  // namespace xsell::core
