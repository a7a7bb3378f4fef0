// The stored form of a forest: packing an ensemble into it, and reading it back with every index checked.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/scoring/nodes.hpp"
#include "core/scoring/tree.hpp"

namespace xsell::core {

constexpr std::size_t max_features = 4096;
static_assert(1 + 2 * max_features < 1u << slot_bits);

// Throws Error{bad_argument} for an ensemble that cannot be scored exactly (infinite thresholds, broken links, ...).
std::vector<std::byte> pack_forest(const Ensemble &ensemble);

// Throws Error{corrupt_model}.
Trees read_forest(std::span<const std::byte> blob);

}  // namespace xsell::core
