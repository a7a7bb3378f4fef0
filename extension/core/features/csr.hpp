// Who holds what, as two compressed sparse matrices: products by entity and entities by product.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

namespace xsell::core {

using Checkpoint = std::function<void()>;

// Rows of positions; the positions of a row are ascending and each stands there once.
struct Csr {
    std::vector<std::uint32_t> start;  // one more than rows
    std::vector<std::uint32_t> column;

    std::size_t rows() const { return start.size() - 1; }
    std::span<const std::uint32_t> row(std::size_t i) const { return {column.data() + start[i], start[i + 1] - start[i]}; }
};

// Pairs (row, column) in any order, repeats allowed.
Csr make_csr(std::size_t rows, std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs);
Csr transpose(const Csr &matrix, std::size_t columns);

}  // namespace xsell::core
