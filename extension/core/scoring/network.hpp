// The stored form of a multilayer perceptron, and its forward pass by the fastest kernel of the machine.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "core/scoring/explain.hpp"
#include "core/scoring/forest.hpp"
#include "core/scoring/member.hpp"

namespace xsell::core {

struct NetworkPlan;

// A standardised input beyond this is cut off, in training as in scoring: one far value, infinity included, must not decide the
// margin alone.
constexpr float network_input_limit = 10;
constexpr std::size_t max_layers = 16;
constexpr std::size_t max_layer_width = 1024;

// Throws Error{bad_argument} for layers that do not chain, numbers that are not finite, and weights so large that some input
// could leave the range of a float.
std::vector<std::byte> pack_network(const Network &network);

// Throws Error{corrupt_model}.
Network read_network(std::span<const std::byte> blob);

// Sums run over the inputs in order and start from the bias, one rounding a step, in every kernel: the margins' bits are the
// same.
class Perceptron {
  public:
    // Throws Error{corrupt_model}. The heap kernels stand for the vector unit they need; the walker for none.
    static std::unique_ptr<const Perceptron> load(std::span<const std::byte> blob, Kernel kernel = Kernel::automatic);

    ~Perceptron();

    std::size_t features() const;
    float margin(const float *x) const { return evaluator_->row(x); }
    void margins(const float *x, std::size_t stride, std::size_t rows, float *out) const;

    // DeepLIFT by the rescale rule against the row whose standardised inputs are all zero (every feature at its center, none
    // missing): exactly additive, and exact where the network is linear. A feature's indicator counts for the feature.
    Explanation explain(const float *x) const;

    std::size_t bytes() const;

  private:
    Perceptron(const Network &network, Kernel kernel);

    std::unique_ptr<const NetworkPlan> plan_;
    std::unique_ptr<const Evaluator> evaluator_;
};

}  // namespace xsell::core
