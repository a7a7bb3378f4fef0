// What is most held in a segment: entities of one industry, or of one country.
#pragma once
#include <vector>

#include "core/features/csr.hpp"

namespace xsell::core {

class Segments {
  public:
    // `code`: the segment of each entity, below 0 where it has none. Segments of few entities say nothing and stay empty.
    Segments(std::span<const std::int32_t> code, const Csr &by_entity, std::size_t products, std::size_t best);

    // The products of a segment, most held first, ties by the lower one.
    std::span<const std::uint32_t> popular(std::int32_t code) const;

  private:
    std::vector<std::int32_t> codes_;  // ascending: whoever numbers them may leave gaps of any size
    std::vector<std::vector<std::uint32_t>> popular_;
};

}  // namespace xsell::core
