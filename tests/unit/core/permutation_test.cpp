#include "core/metrics/permutation.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.hpp"
#include "core/metrics/random.hpp"

namespace xsell::core {
namespace {

constexpr std::size_t features = 3;

// The first feature is the log-odds, the second is another one that the model does not look at, the third is constant.
void predict(const float *x, std::size_t rows, double *probability) {
    for (std::size_t i = 0; i < rows; ++i)
        probability[i] = 1 / (1 + std::exp(-static_cast<double>(x[i * features] + x[i * features + 2])));
}

struct World {
    std::vector<float> x;
    std::vector<std::uint8_t> label;
    explicit World(std::size_t n) {
        Random random(3);
        const auto uniform = [&] { return static_cast<double>(random.next() >> 11) * 0x1p-53; };
        for (std::size_t i = 0; i < n; ++i) {
            const double z = 4 * uniform() - 2;
            x.insert(x.end(), {static_cast<float>(z), static_cast<float>(uniform()), 0.5f});
            label.push_back(uniform() < 1 / (1 + std::exp(-z - 0.5)));
        }
    }
    LabelledRows rows() const { return {x, label, features}; }
};

TEST(Permutation, OnlyWhatTheModelUsesCounts) {
    const World world(20000);
    const auto increase = permutation_importance(world.rows(), predict, 42);
    ASSERT_EQ(increase.size(), features);
    EXPECT_EQ(increase[1], 0);
    EXPECT_EQ(increase[2], 0);
    // In expectation the divergence of p(z') from p(z), z and z' independent: by quadrature over the square.
    double expected = 0;
    const int n = 400;
    const auto p = [](double z) { return 1 / (1 + std::exp(-z - 0.5)); };
    for (int i = 0; i < n; ++i) {
        for (int k = 0; k < n; ++k) {
            const double z = 4 * (i + 0.5) / n - 2, other = 4 * (k + 0.5) / n - 2;
            expected += (-p(z) * std::log(p(other) / p(z)) - (1 - p(z)) * std::log((1 - p(other)) / (1 - p(z)))) / (n * n);
        }
    }
    EXPECT_NEAR(increase[0], expected, 0.02);
    EXPECT_GT(expected, 0.2);
}

TEST(Permutation, SameSeedSameBits) {
    const World world(500);
    EXPECT_EQ(permutation_importance(world.rows(), predict, 1), permutation_importance(world.rows(), predict, 1));
    EXPECT_NE(permutation_importance(world.rows(), predict, 1), permutation_importance(world.rows(), predict, 2));
}

TEST(Permutation, NoRowsAndWrongSizes) {
    EXPECT_TRUE(permutation_importance({{}, {}, features}, predict, 1).empty());
    const World world(5);
    EXPECT_THROW(permutation_importance({world.x, {}, features}, predict, 1), Error);
    int calls = 0;
    EXPECT_THROW(permutation_importance(world.rows(), predict, 1,
                                        [&] {
                                            if (++calls == 4) throw 1;
                                        }),
                 int);
    EXPECT_EQ(calls, 4);
}

}  // namespace
}  // namespace xsell::core
