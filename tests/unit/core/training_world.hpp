// Rows of a known rule to train on.
#pragma once
#include <cmath>
#include <limits>

#include "core/metrics/random.hpp"
#include "core/training/hooks.hpp"
#include "core/training/matrix.hpp"
#include "core/training/parameters.hpp"

namespace xsell::test {

// Log-odds 2 x0 - 3 [x1 > 0.5] - 1; x2 is noise, x3 always missing, x4 constant; some x0 missing.
inline core::Matrix world(std::size_t rows, std::uint64_t seed) {
    constexpr float nothing = std::numeric_limits<float>::quiet_NaN();
    core::Random random(seed);
    auto uniform = [&] { return static_cast<float>(random.below(1 << 24)) / (1 << 24); };
    core::Matrix matrix;
    matrix.features = 5;
    for (std::size_t i = 0; i < rows; ++i) {
        const float x0 = uniform() * 4 - 2, x1 = uniform(), x2 = uniform();
        const double p = 1 / (1 + std::exp(-(2 * x0 - 3 * (x1 > 0.5f) - 1)));
        for (const float x : {random.below(20) == 0 ? nothing : x0, x1, x2, nothing, 7.0f}) {
            matrix.values.push_back(x);
        }
        matrix.label.push_back(uniform() < p);
        matrix.weight.push_back(1);
    }
    return matrix;
}

// The same with `times` rows for each entity, one at each time.
inline core::Matrix world_over_time(std::size_t entities, int times, std::uint64_t seed) {
    core::Matrix matrix = world(entities * static_cast<std::size_t>(times), seed);
    for (std::size_t i = 0; i < matrix.rows(); ++i) {
        matrix.entity.push_back(static_cast<std::int64_t>(i % entities) * 7 - 100);
        matrix.time.push_back(static_cast<std::int64_t>(i / entities) * 1000);
    }
    return matrix;
}

inline core::Hooks silent() {
    return {[] {}, [](const core::Progress &) {}};
}

// Small members that learn in a blink.
inline core::Parameters quick() {
    core::Parameters p = core::preset("default");
    p.xgboost.rounds = p.gradient_boosting.rounds = 60;
    p.xgboost.eta = p.gradient_boosting.eta = 0.2;
    p.random_forest.trees = 20;
    p.neural_network.layers = {16, 8};
    p.neural_network.epochs = 8;
    p.neural_network.batch = 64;
    p.neural_network.dropout = 0;
    p.neural_network.learning_rate = 0.01;
    return p;
}

}  // namespace xsell::test
