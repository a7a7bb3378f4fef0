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

std::size_t training_memory(std::size_t rows, std::size_t features) {
    // A vector that doubles holds up to twice its content while it grows; XGBoost keeps 4 bytes a value where some are missing.
    const std::size_t per_value = 2 * sizeof(float) + 4;
    const std::size_t per_row = 2 * (sizeof(float) * 2) + 64;
    constexpr std::size_t fixed = std::size_t{16} << 20;
    return rows * (features * per_value + per_row) + fixed;
}

}  // namespace xsell::core
