#include "core/features/csr.hpp"

#include <algorithm>

namespace xsell::core {

Csr make_csr(std::size_t rows, std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs) {
    std::sort(pairs.begin(), pairs.end());
    pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
    Csr matrix;
    matrix.start.assign(rows + 1, 0);
    matrix.column.reserve(pairs.size());
    for (const auto &[row, column] : pairs) {
        ++matrix.start[row + 1];
        matrix.column.push_back(column);
    }
    for (std::size_t i = 0; i < rows; ++i) {
        matrix.start[i + 1] += matrix.start[i];
    }
    return matrix;
}

Csr transpose(const Csr &matrix, std::size_t columns) {
    Csr result;
    result.start.assign(columns + 1, 0);
    result.column.resize(matrix.column.size());
    for (const std::uint32_t column : matrix.column) {
        ++result.start[column + 1];
    }
    for (std::size_t i = 0; i < columns; ++i) {
        result.start[i + 1] += result.start[i];
    }
    std::vector<std::uint32_t> next(result.start.begin(), result.start.end() - 1);
    for (std::size_t row = 0; row < matrix.rows(); ++row) {
        for (const std::uint32_t column : matrix.row(row)) {
            result.column[next[column]++] = static_cast<std::uint32_t>(row);
        }
    }
    return result;
}

}  // namespace xsell::core
