// How much more often than elsewhere a segment buys a product: entities of one industry, of one size, in one country.
#pragma once
#include <vector>

#include "core/features/csr.hpp"

namespace xsell::core {

class SegmentLifts {
  public:
    // `code`: the segment of each entity, below 0 where it has none. Segments of few entities, and all but the largest, say
    // nothing.
    SegmentLifts(std::span<const std::int32_t> code, const Csr &by_entity, std::size_t products);

    // Log of the shrunken ratio of the product's share of what the segment holds to its share of everything; empty where nothing
    // is said.
    std::span<const float> of(std::int32_t code) const;

  private:
    std::size_t products_;
    std::vector<std::int32_t> place_;  // by code, below 0 where nothing is said
    std::vector<float> lift_;          // by place and product
};

// Bands of headcount: up to 9, 49, 249, 999, 4999 and more. Below 0 where it is unknown.
std::int32_t size_band(double log_employees);

}  // namespace xsell::core
