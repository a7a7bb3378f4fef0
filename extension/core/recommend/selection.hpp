// The best of an entity's scored candidates.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace xsell::core {

// Places in the row of candidates, best first; ties by the lower place.
struct Selection {
    std::vector<std::uint32_t> kept;    // allowed ones, as many as asked for
    std::vector<std::uint32_t> barred;  // those that would be kept if they alone were allowed, at most as many
};

void select_best(std::span<const double> probability, std::span<const std::uint8_t> barred, std::size_t count, Selection &result);

}  // namespace xsell::core
