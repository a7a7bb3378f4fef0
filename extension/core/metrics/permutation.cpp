#include "core/metrics/permutation.hpp"

#include <numeric>
#include <utility>

#include "core/error.hpp"
#include "core/metrics/binary.hpp"
#include "core/metrics/random.hpp"

namespace xsell::core {
namespace {

std::vector<std::size_t> shuffled(std::size_t rows, Random &random) {
    std::vector<std::size_t> order(rows);
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (std::size_t i = rows; i > 1; --i) {
        std::swap(order[i - 1], order[random.below(static_cast<std::uint32_t>(i))]);
    }
    return order;
}

}  // namespace

std::vector<double> permutation_importance(const LabelledRows &rows, const Predict &predict, std::uint64_t seed,
                                           const std::function<void()> &checkpoint) {
    const std::size_t n = rows.label.size(), features = rows.features;
    if (rows.x.size() != n * features) {
        throw Error(Kind::bad_argument, "rows and labels differ in number");
    }
    if (n == 0) {
        return {};
    }
    std::vector<float> x(rows.x.begin(), rows.x.end());
    std::vector<double> probability(n), increase(features);
    const auto loss = [&] {
        predict(x.data(), n, probability.data());
        return log_loss(probability, rows.label);
    };
    const double before = loss();
    for (std::size_t j = 0; j < features; ++j) {
        Random random(seed ^ (j + 1) * 0x9E3779B97F4A7C15u);
        for (int repeat = 0; repeat < permutation_repeats; ++repeat) {
            if (checkpoint) {
                checkpoint();
            }
            const std::vector<std::size_t> from = shuffled(n, random);
            for (std::size_t i = 0; i < n; ++i) {
                x[i * features + j] = rows.x[from[i] * features + j];
            }
            increase[j] += (loss() - before) / permutation_repeats;
        }
        for (std::size_t i = 0; i < n; ++i) {
            x[i * features + j] = rows.x[i * features + j];
        }
    }
    return increase;
}

}  // namespace xsell::core
