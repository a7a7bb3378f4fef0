// Networks: the forward pass is the textbook's, has the same bits from every kernel, never leaves the finite numbers, and is
// explained exactly.
#include "core/scoring/network.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/error.hpp"
#include "scoring_models.hpp"

namespace {

using namespace xsell::core;
using xsell::test::hostile_rows;
using xsell::test::random_network;

constexpr float missing = std::numeric_limits<float>::quiet_NaN();
constexpr Kernel all_kernels[] = {Kernel::walker, Kernel::heap_portable, Kernel::heap_avx2, Kernel::heap_avx512,
                                  Kernel::automatic};

// By the definition, in double.
double forward(const Network &network, const float *x) {
    std::vector<double> in;
    constexpr double limit = network_input_limit;
    for (std::size_t f = 0; f < network.features; ++f)
        in.push_back(std::isnan(x[f]) ? 0 : std::clamp((double{x[f]} - network.center[f]) * network.scale[f], -limit, limit));
    for (const std::uint16_t f : network.indicator) in.push_back(std::isnan(x[f]));
    for (const DenseLayer &layer : network.layers) {
        std::vector<double> out(layer.bias.begin(), layer.bias.end());
        for (std::size_t o = 0; o < layer.outputs; ++o) {
            for (std::size_t i = 0; i < layer.inputs; ++i) out[o] += double{layer.weight[o * layer.inputs + i]} * in[i];
            if (layer.relu) out[o] = std::max(out[o], 0.0);
        }
        in = out;
    }
    return in[0];
}

struct Layers {
    std::size_t features;
    std::vector<std::size_t> widths;
};

class NetworkShapes : public testing::TestWithParam<Layers> {};

TEST_P(NetworkShapes, IsTheDefinitionFromEveryKernel) {
    std::mt19937 random(11);
    const std::size_t features = GetParam().features, rows = 130;
    const Network network = random_network(features, GetParam().widths, random);
    std::normal_distribution<float> normal;
    std::vector<float> x(rows * features);
    for (float &v : x) v = random() % 9 == 0 ? missing : normal(random);
    std::vector<float> reference;
    for (const Kernel kernel : all_kernels) {
        const auto loaded = Perceptron::load(pack_network(network), kernel);
        EXPECT_EQ(loaded->features(), features);
        for (const std::size_t count : {0u, 1u, 15u, 64u, 65u, 130u}) {
            std::vector<float> block(count + 1, 77);
            loaded->margins(x.data(), features, count, block.data());
            ASSERT_EQ(block[count], 77);
            for (std::size_t r = 0; r < count; ++r) {
                const float margin = loaded->margin(&x[r * features]);
                ASSERT_EQ(std::bit_cast<std::uint32_t>(block[r]), std::bit_cast<std::uint32_t>(margin)) << r;
            }
            if (reference.size() <= rows && count == rows) reference = block;
            ASSERT_TRUE(count < rows || block == reference) << static_cast<int>(kernel);
        }
    }
    for (std::size_t r = 0; r < rows; ++r) {
        const double expected = forward(network, &x[r * features]);
        ASSERT_NEAR(reference[r], expected, 1e-6 * std::max(1.0, std::fabs(expected))) << r;
    }
}

TEST_P(NetworkShapes, StaysFiniteAndAddsUpForEveryInput) {
    std::mt19937 random(12);
    const std::size_t features = GetParam().features, rows = 70;
    const auto loaded = Perceptron::load(pack_network(random_network(features, GetParam().widths, random)));
    const std::vector<float> x = hostile_rows(features, rows, random);
    std::vector<float> block(rows);
    loaded->margins(x.data(), features, rows, block.data());
    for (std::size_t r = 0; r < rows; ++r) {
        const float *row = &x[r * features];
        ASSERT_TRUE(std::isfinite(block[r]));
        ASSERT_EQ(block[r], loaded->margin(row));
        const Explanation explanation = loaded->explain(row);
        const double sum = std::accumulate(explanation.contributions.begin(), explanation.contributions.end(), explanation.base);
        ASSERT_NEAR(sum, block[r], 1e-6 * std::max<double>(network_input_limit, std::fabs(sum)));
    }
}

INSTANTIATE_TEST_SUITE_P(Shapes, NetworkShapes,
                         testing::Values(Layers{1, {}}, Layers{5, {3}}, Layers{32, {64, 32, 16}}, Layers{17, {31, 33, 1, 5}},
                                         Layers{100, {130, 16}}, Layers{300, {20}}));

// y = 3 relu(2 a - b) - relu(a + 4 m) + 0.5 with a = x0 - 1, b = 2 x1 and m whether x1 is missing; x2 counts for nothing.
Network small() {
    return {3, {1, 0, 0}, {1, 2, 1}, {1}, {{4, 2, {2, -1, 0, 0, 1, 0, 0, 4}, {0, 0}, true}, {2, 1, {3, -1}, {0.5}, false}}};
}

TEST(Perceptron, IsTheFormula) {
    const auto loaded = Perceptron::load(pack_network(small()));
    const auto at = [&](float a, float b, float c) {
        const float x[] = {a, b, c};
        return loaded->margin(x);
    };
    EXPECT_EQ(at(1, 0, 5), 0.5f);
    EXPECT_EQ(at(3, 1, 5), 3 * 2 - 2 + 0.5f);
    EXPECT_EQ(at(3, missing, 5), 3 * 4 - 6 + 0.5f);
    EXPECT_EQ(at(missing, -1, missing), 3 * 2 + 0.5f);
}

TEST(Perceptron, DeepLiftByHand) {
    const auto loaded = Perceptron::load(pack_network(small()));
    {
        // Both units open: linear, so each part is its own.
        const float x[] = {3, 1, 5};
        const Explanation e = loaded->explain(x);
        EXPECT_DOUBLE_EQ(e.base, 0.5);
        EXPECT_DOUBLE_EQ(e.contributions[0], 3 * 4 - 2);
        EXPECT_DOUBLE_EQ(e.contributions[1], 3 * -2);
        EXPECT_DOUBLE_EQ(e.contributions[2], 0);
    }
    {
        // The first unit shut (2 - 6 < 0), which silences both of its inputs.
        const float x[] = {2, 3, 5};
        const Explanation e = loaded->explain(x);
        EXPECT_DOUBLE_EQ(e.contributions[0], -1);
        EXPECT_DOUBLE_EQ(e.contributions[1], 0);
    }
    {
        // A missing value tells by its indicator, and on behalf of its feature.
        const float x[] = {2, missing, 5};
        const Explanation e = loaded->explain(x);
        EXPECT_DOUBLE_EQ(e.contributions[0], 3 * 2 - 1);
        EXPECT_DOUBLE_EQ(e.contributions[1], -4);
    }
}

// The rescale rule proper: a unit that opens on the way passes on the share of the way on which it was open.
TEST(Perceptron, DeepLiftRescales) {
    const Network network{2, {0, 0}, {1, 1}, {}, {{2, 1, {1, 1}, {-1}, true}, {1, 1, {1}, {0}, false}}};
    const float x[] = {3, 1};
    const Explanation e = Perceptron::load(pack_network(network))->explain(x);
    EXPECT_DOUBLE_EQ(e.base, 0);
    EXPECT_DOUBLE_EQ(e.contributions[0], 3 * 0.75);
    EXPECT_DOUBLE_EQ(e.contributions[1], 1 * 0.75);
}

TEST(Perceptron, InputsAreCutOff) {
    Network network{1, {0}, {10}, {}, {{1, 1, {1}, {0}, false}}};
    auto loaded = Perceptron::load(pack_network(network));
    for (const float v : {101.0f, 1e30f, std::numeric_limits<float>::infinity()}) {
        const float minus = -v;
        EXPECT_EQ(loaded->margin(&v), network_input_limit);
        EXPECT_EQ(loaded->margin(&minus), -network_input_limit);
    }
    const float inside = 0.99f;
    EXPECT_EQ(loaded->margin(&inside), 9.9f);
    network.scale[0] = 0;  // a constant column: infinity counts for as little as anything else
    loaded = Perceptron::load(pack_network(network));
    const float infinite = std::numeric_limits<float>::infinity();
    EXPECT_EQ(loaded->margin(&infinite), 0);
}

TEST(Perceptron, RefusesWhatItCannotScore) {
    const auto refused = [](auto change) {
        Network network = small();
        change(network);
        try {
            pack_network(network);
        } catch (const Error &error) {
            return error.kind == Kind::bad_argument;
        }
        return false;
    };
    EXPECT_FALSE(refused([](Network &) {}));
    EXPECT_TRUE(refused([](Network &n) { n.features = 0; }));
    EXPECT_TRUE(refused([](Network &n) { n.center.pop_back(); }));
    EXPECT_TRUE(refused([](Network &n) { n.scale[1] = INFINITY; }));
    EXPECT_TRUE(refused([](Network &n) { n.indicator = {3}; }));
    EXPECT_TRUE(refused([](Network &n) { n.indicator = {1, 1}; }));
    EXPECT_TRUE(refused([](Network &n) { n.layers.clear(); }));
    EXPECT_TRUE(refused([](Network &n) { n.layers.pop_back(); }));
    EXPECT_TRUE(refused([](Network &n) { n.layers[1].relu = true; }));
    EXPECT_TRUE(refused([](Network &n) { n.layers[0].weight.pop_back(); }));
    EXPECT_TRUE(refused([](Network &n) { n.layers[0].bias.push_back(0); }));
    EXPECT_TRUE(refused([](Network &n) { n.layers[0].weight[0] = NAN; }));
    EXPECT_TRUE(refused([](Network &n) { n.layers[0].weight[0] = 1e30f; }));
}

}  // namespace
