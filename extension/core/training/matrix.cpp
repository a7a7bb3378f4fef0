#include "core/training/matrix.hpp"

#include <algorithm>

namespace xsell::core {

std::size_t Matrix::positives() const {
    return static_cast<std::size_t>(std::count_if(label.begin(), label.end(), [](float y) { return y > 0; }));
}

double Matrix::base_rate() const {
    double positive = 0, total = 0;
    for (std::size_t i = 0; i < rows(); ++i) {
        positive += label[i] > 0 ? weight[i] : 0;
        total += weight[i];
    }
    return total > 0 ? positive / total : 0;
}

Matrix subset(const Matrix &matrix, std::span<const std::uint32_t> rows) {
    Matrix result;
    result.features = matrix.features;
    result.categories = matrix.categories;
    result.values.reserve(rows.size() * matrix.features);
    for (const std::uint32_t i : rows) {
        result.values.insert(result.values.end(), matrix.row(i).begin(), matrix.row(i).end());
    }
    const auto pick = [&](const auto &from, auto &to) {
        to.reserve(from.empty() ? 0 : rows.size());
        for (std::size_t i = 0; i < (from.empty() ? 0 : rows.size()); ++i) {
            to.push_back(from[rows[i]]);
        }
    };
    pick(matrix.label, result.label);
    pick(matrix.weight, result.weight);
    pick(matrix.entity, result.entity);
    pick(matrix.time, result.time);
    return result;
}

std::size_t training_memory(std::size_t rows, std::size_t features) {
    // A vector that doubles holds up to twice its content while it grows. Cross-validation copies a fold's rows; XGBoost bins
    // those that are learned from, at 4 bytes a value where some are missing, and keeps the third that is watched at 8.
    const std::size_t per_value = 2 * sizeof(float) + sizeof(float) + 4 + 3;
    const std::size_t per_row = 3 * (2 * sizeof(float) + 2 * sizeof(std::int64_t)) + 80;
    constexpr std::size_t fixed = std::size_t{64} << 20;  // trees and networks, and the text that they are exchanged in
    return rows * (features * per_value + per_row) + fixed;
}

}  // namespace xsell::core
