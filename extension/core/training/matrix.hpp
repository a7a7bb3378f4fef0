// Training rows: features by row, label and weight beside them.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace xsell::core {

struct Matrix {
    std::size_t features = 0;
    std::vector<float> values;  // row by row; NaN is missing
    std::vector<float> label;   // 0 or 1
    std::vector<float> weight;  // 1 / sampling rate
    // For folds; either may be empty: then every row is an entity of its own, or all rows are of one time.
    std::vector<std::int64_t> entity;
    std::vector<std::int64_t> time;  // as-of time in microseconds; only the order counts
    // Columns of codes that are target-encoded before anything learns from them; ascending.
    std::vector<std::size_t> categories = {};

    std::size_t rows() const { return label.size(); }
    std::span<const float> row(std::size_t i) const { return {values.data() + i * features, features}; }
    std::size_t positives() const;
    double base_rate() const;  // weighted share of positives
};

// The rows of these numbers, in their order.
Matrix subset(const Matrix &matrix, std::span<const std::uint32_t> rows);

// Bytes that training on so many rows takes at its peak, one member at a time: the matrix, a fold of it, bins with missing
// values, gradients and margins.
std::size_t training_memory(std::size_t rows, std::size_t features);

}  // namespace xsell::core
