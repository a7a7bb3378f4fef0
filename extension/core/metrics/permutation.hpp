// Permutation importance: how much worse a model predicts once a feature's values are dealt out to other rows.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace xsell::core {

struct LabelledRows {
    std::span<const float> x;  // row by row
    std::span<const std::uint8_t> label;
    std::size_t features;
};

// Probabilities of rows that lie one behind the other.
using Predict = std::function<void(const float *x, std::size_t rows, double *probability)>;

inline constexpr int permutation_repeats = 3;

// Increase of the mean log-loss for each feature, the mean of permutation_repeats shuffles. The shuffles of a feature depend on
// the seed and its place alone. Empty without rows. checkpoint is called once a shuffle and may throw.
std::vector<double> permutation_importance(const LabelledRows &rows, const Predict &predict, std::uint64_t seed,
                                           const std::function<void()> &checkpoint = {});

}  // namespace xsell::core
