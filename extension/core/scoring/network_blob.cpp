#include <algorithm>
#include <cmath>
#include <string>

#include "core/scoring/bytes.hpp"
#include "core/scoring/network.hpp"

// Layout, little-endian: magic, version, features, indicators, layers; centers; scales; the indicators' features; then per layer
// its inputs, outputs and whether it ends in a ReLU, its weights output by output, its biases.
namespace xsell::core {

namespace {

constexpr std::uint32_t network_magic = 0x4e535821;  // "!XSN"
constexpr std::uint16_t network_version = 1;
// So far below the largest float that rounding on the way cannot matter.
constexpr double max_activation = 1e30;

[[noreturn]] void refuse(Kind kind, const char *what) {
    if (kind == Kind::corrupt_model) corrupt(what);
    throw Error(kind, std::string("network cannot be stored: ") + what);
}

void require_finite(const std::vector<float> &values, Kind kind) {
    if (!std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); }))
        refuse(kind, "a number of its network is not finite");
}

void check_inputs(const Network &network, Kind kind) {
    if (network.features == 0 || network.features > max_features) refuse(kind, "its number of features is out of range");
    if (network.center.size() != network.features || network.scale.size() != network.features)
        refuse(kind, "its network lacks a center or scale");
    require_finite(network.center, kind);
    require_finite(network.scale, kind);
    for (std::size_t i = 0; i < network.indicator.size(); ++i) {
        if (network.indicator[i] >= network.features || (i > 0 && network.indicator[i] <= network.indicator[i - 1]))
            refuse(kind, "its network's indicators are out of order");
    }
}

// The largest size that an output of the layer can have when no input is larger than `input`.
double largest_output(const DenseLayer &layer, double input) {
    double largest = 0;
    for (std::size_t o = 0; o < layer.outputs; ++o) {
        double sum = std::fabs(layer.bias[o]);
        for (std::size_t i = 0; i < layer.inputs; ++i) sum += std::fabs(layer.weight[o * layer.inputs + i]) * input;
        largest = std::max(largest, sum);
    }
    return largest;
}

void check(const Network &network, Kind kind) {
    check_inputs(network, kind);
    if (network.layers.empty() || network.layers.size() > max_layers) refuse(kind, "its number of layers is out of range");
    std::size_t inputs = network.features + network.indicator.size();
    double largest = network_input_limit;
    for (const DenseLayer &layer : network.layers) {
        if (layer.inputs != inputs) refuse(kind, "its network's layers do not fit each other");
        if (layer.outputs == 0 || layer.outputs > max_layer_width) refuse(kind, "a layer of its network is too wide");
        if (layer.weight.size() != layer.inputs * layer.outputs || layer.bias.size() != layer.outputs)
            refuse(kind, "a layer of its network lacks weights");
        require_finite(layer.weight, kind);
        require_finite(layer.bias, kind);
        largest = largest_output(layer, largest);
        if (largest > max_activation) refuse(kind, "its network's weights are too large");
        inputs = layer.outputs;
    }
    if (inputs != 1 || network.layers.back().relu) refuse(kind, "its network does not end in one linear output");
}

std::vector<float> read_floats(ByteReader &in, std::uint64_t count) {
    in.expect(count, sizeof(float));
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float &value : values) value = in.get<float>();
    return values;
}

DenseLayer read_layer(ByteReader &in) {
    DenseLayer layer;
    layer.inputs = in.get<std::uint32_t>();
    layer.outputs = in.get<std::uint32_t>();
    const auto relu = in.get<std::uint32_t>();
    if (relu > 1) corrupt("its network has an unknown activation");
    layer.relu = relu == 1;
    layer.weight = read_floats(in, std::uint64_t{layer.inputs} * layer.outputs);
    layer.bias = read_floats(in, layer.outputs);
    return layer;
}

}  // namespace

std::vector<std::byte> pack_network(const Network &network) {
    check(network, Kind::bad_argument);
    ByteWriter out;
    const auto put_all = [&](const std::vector<float> &values) {
        for (const float value : values) out.put(value);
    };
    out.put(network_magic);
    out.put(network_version);
    out.put(std::uint16_t{0});
    for (const std::size_t n : {network.features, network.indicator.size(), network.layers.size()})
        out.put(static_cast<std::uint32_t>(n));
    put_all(network.center);
    put_all(network.scale);
    for (const std::uint16_t feature : network.indicator) out.put(feature);
    for (const DenseLayer &layer : network.layers) {
        for (const std::size_t n : {layer.inputs, layer.outputs, std::size_t{layer.relu}}) out.put(static_cast<std::uint32_t>(n));
        put_all(layer.weight);
        put_all(layer.bias);
    }
    return out.take();
}

Network read_network(std::span<const std::byte> blob) {
    ByteReader in(blob);
    if (in.get<std::uint32_t>() != network_magic) corrupt("it is no network");
    if (in.get<std::uint16_t>() != network_version) corrupt("its network has an unknown version");
    if (in.get<std::uint16_t>() != 0) corrupt("its network has an unknown flag");
    Network network;
    network.features = in.get<std::uint32_t>();
    const auto indicators = in.get<std::uint32_t>();
    const auto layers = in.get<std::uint32_t>();
    if (layers > max_layers) corrupt("its number of layers is out of range");
    network.center = read_floats(in, network.features);
    network.scale = read_floats(in, network.features);
    in.expect(indicators, sizeof(std::uint16_t));
    network.indicator.resize(indicators);
    for (std::uint16_t &feature : network.indicator) feature = in.get<std::uint16_t>();
    for (std::uint32_t i = 0; i < layers; ++i) network.layers.push_back(read_layer(in));
    in.expect_end();
    check(network, Kind::corrupt_model);
    return network;
}

}  // namespace xsell::core
