#include "core/scoring/network.hpp"

#include <algorithm>

#include "core/scoring/network_plan.hpp"

namespace xsell::core {

namespace {

std::unique_ptr<const Evaluator> make_evaluator(const NetworkPlan &plan, Kernel kernel) {
    const bool any = kernel == Kernel::automatic;
    if ((any || kernel == Kernel::heap_avx512) && has_avx512()) return make_network_avx512(plan);
    if ((any || kernel == Kernel::heap_avx2) && has_avx2()) return make_network_avx2(plan);
    return make_network_portable(plan);
}

PlanLayer turned(const DenseLayer &layer) {
    PlanLayer out{layer.inputs, layer.outputs, (layer.outputs + widest_vector - 1) / widest_vector * widest_vector,
                  {},           layer.bias,    layer.relu};
    out.bias.resize(out.padded);
    out.weight.resize(out.inputs * out.padded);
    for (std::size_t o = 0; o < layer.outputs; ++o) {
        for (std::size_t i = 0; i < layer.inputs; ++i) out.weight[i * out.padded + o] = layer.weight[o * layer.inputs + i];
    }
    return out;
}

// A layer's inputs and its sums before the ReLU, in double.
struct Trace {
    std::vector<double> input;
    std::vector<double> sum;
};

// Of the row with these standardised inputs, layer by layer.
std::vector<Trace> trace(const NetworkPlan &plan, std::vector<double> input) {
    std::vector<Trace> traces;
    for (const PlanLayer &layer : plan.layers) {
        std::vector<double> sum(layer.bias.begin(), layer.bias.begin() + static_cast<std::ptrdiff_t>(layer.outputs));
        for (std::size_t i = 0; i < layer.inputs; ++i) {
            const float *weight = &layer.weight[i * layer.padded];
            for (std::size_t o = 0; o < layer.outputs; ++o) sum[o] += weight[o] * input[i];
        }
        std::vector<double> output = sum;
        if (layer.relu) {
            for (double &v : output) v = std::max(v, 0.0);
        }
        traces.push_back({std::move(input), std::move(sum)});
        input = std::move(output);
    }
    return traces;
}

// How much the layer's output moves for each unit that its sum moves, between the baseline and the row.
double slope_of_relu(double from, double to) {
    if (from == to) return from > 0 ? 1 : 0;
    return (std::max(to, 0.0) - std::max(from, 0.0)) / (to - from);
}

}  // namespace

NetworkPlan::NetworkPlan(const Network &network)
    : features(network.features), center(network.center), scale(network.scale), indicator(network.indicator), width(inputs()) {
    for (const DenseLayer &layer : network.layers) width = std::max(width, layers.emplace_back(turned(layer)).padded);
}

std::size_t NetworkPlan::bytes() const {
    std::size_t floats = center.size() + scale.size();
    for (const PlanLayer &layer : layers) floats += layer.weight.size() + layer.bias.size() + sizeof layer / sizeof(float);
    return sizeof(*this) + floats * sizeof(float) + indicator.size() * sizeof(std::uint16_t);
}

Perceptron::Perceptron(const Network &network, Kernel kernel)
    : plan_(std::make_unique<NetworkPlan>(network)), evaluator_(make_evaluator(*plan_, kernel)) {}

Perceptron::~Perceptron() = default;

std::unique_ptr<const Perceptron> Perceptron::load(std::span<const std::byte> blob, Kernel kernel) {
    return std::unique_ptr<const Perceptron>(new Perceptron(read_network(blob), kernel));
}

std::size_t Perceptron::features() const { return plan_->features; }

void Perceptron::margins(const float *x, std::size_t stride, std::size_t rows, float *out) const {
    for (std::size_t done = 0; done < rows; done += block_rows) {
        evaluator_->block(x + done * stride, stride, std::min(block_rows, rows - done), out + done);
    }
}

Explanation Perceptron::explain(const float *x) const {
    const NetworkPlan &plan = *plan_;
    std::vector<double> input(plan.inputs());
    for (std::size_t f = 0; f < plan.features; ++f) input[f] = standardise(x[f], plan.center[f], plan.scale[f]);
    for (std::size_t i = 0; i < plan.indicator.size(); ++i) {
        const float v = x[plan.indicator[i]];
        input[plan.features + i] = v != v ? 1 : 0;
    }
    const std::vector<Trace> row = trace(plan, input);
    const std::vector<Trace> baseline = trace(plan, std::vector<double>(input.size()));
    std::vector<double> multiplier{1};
    for (std::size_t l = plan.layers.size(); l-- > 0;) {
        const PlanLayer &layer = plan.layers[l];
        for (std::size_t o = 0; o < layer.outputs && layer.relu; ++o)
            multiplier[o] *= slope_of_relu(baseline[l].sum[o], row[l].sum[o]);
        std::vector<double> below(layer.inputs);
        for (std::size_t i = 0; i < layer.inputs; ++i) {
            const float *weight = &layer.weight[i * layer.padded];
            for (std::size_t o = 0; o < layer.outputs; ++o) below[i] += weight[o] * multiplier[o];
        }
        multiplier = std::move(below);
    }
    Explanation explanation{baseline.back().sum[0], std::vector<double>(plan.features)};
    for (std::size_t f = 0; f < plan.features; ++f) explanation.contributions[f] = multiplier[f] * input[f];
    for (std::size_t i = 0; i < plan.indicator.size(); ++i) {
        const std::size_t at = plan.features + i;
        explanation.contributions[plan.indicator[i]] += multiplier[at] * input[at];
    }
    return explanation;
}

std::size_t Perceptron::bytes() const { return sizeof(*this) + plan_->bytes() + evaluator_->bytes(); }

}  // namespace xsell::core
