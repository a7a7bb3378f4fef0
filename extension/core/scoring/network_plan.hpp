// A network as its kernels read it: weights turned so that both many outputs of one row and many rows of one output lie side by
// side, and the standardisation of inputs that all of them share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "core/scoring/evaluator.hpp"
#include "core/scoring/network.hpp"

namespace xsell::core {

// As many floats as the widest vector; the outputs of a layer are filled up to it with zero weights.
constexpr std::size_t widest_vector = 16;

struct PlanLayer {
    std::size_t inputs;
    std::size_t outputs;
    std::size_t padded;
    std::vector<float> weight;  // inputs x padded
    std::vector<float> bias;    // padded
    bool relu;
};

struct NetworkPlan {
    explicit NetworkPlan(const Network &network);

    std::size_t features;
    std::vector<float> center;
    std::vector<float> scale;
    std::vector<std::uint16_t> indicator;
    std::vector<PlanLayer> layers;
    std::size_t width = 0;  // of the widest layer, the inputs included

    std::size_t inputs() const { return features + indicator.size(); }
    std::size_t bytes() const;
};

// 0 for a missing value. The difference is held finite first, so that a scale of 0 makes 0 of infinity too.
inline float standardise(float x, float center, float scale) {
    constexpr float largest = std::numeric_limits<float>::max();
    float z = x - center;
    z = z > largest ? largest : z;
    z = z < -largest ? -largest : z;
    z *= scale;
    z = z > network_input_limit ? network_input_limit : z;
    z = z < -network_input_limit ? -network_input_limit : z;
    return x != x ? 0 : z;
}

std::unique_ptr<const Evaluator> make_network_portable(const NetworkPlan &plan);
std::unique_ptr<const Evaluator> make_network_avx2(const NetworkPlan &plan);
std::unique_ptr<const Evaluator> make_network_avx512(const NetworkPlan &plan);

}  // namespace xsell::core
