// A world of an earlier time, with some of its entities as they are now.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/features/cross_sell.hpp"

namespace xsell::core {

struct KnownWorld {
    World world;
    std::vector<std::int64_t> entities;  // ascending ids: entity i of the world is entities[i]
};

// The base without the entities of `replaced` (ascending), with those of `changes`, which are some of them. The base's others are
// `days` older. Products and who sells them are the base's.
KnownWorld patched(const KnownWorld &base, const KnownWorld &changes, std::span<const std::int64_t> replaced, double days);

}  // namespace xsell::core
