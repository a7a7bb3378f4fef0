// Explanations add up, are XGBoost's own, and obey what Shapley values promise.
#include "core/scoring/explain.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "core/scoring/model.hpp"
#include "xgboost_reference.hpp"

namespace {

using namespace xsell::core;
using xsell::test::infinity;
using xsell::test::missing;
using xsell::test::random_rows;
using xsell::test::Reference;
using xsell::test::Shape;

class ExplainShapes : public testing::TestWithParam<Shape> {};

TEST_P(ExplainShapes, AddsUpAndEqualsXgboost) {
    const Shape shape = GetParam();
    const Reference reference(shape, 21);
    const auto forest = Forest::load(pack_forest(reference.ensemble()));
    const Explainer explainer(*forest);
    const std::size_t rows = 60;
    const std::vector<float> x = random_rows(shape, rows, 22);
    const std::vector<float> expected = reference.contributions(x);
    ASSERT_EQ(expected.size(), rows * (shape.features + 1));
    std::vector<double> contributions(shape.features);
    for (std::size_t r = 0; r < rows; ++r) {
        explainer.explain(&x[r * shape.features], contributions.data());
        const double sum = std::accumulate(contributions.begin(), contributions.end(), explainer.base());
        ASSERT_NEAR(sum, forest->margin(&x[r * shape.features]), 1e-4) << "row " << r;
        for (std::size_t f = 0; f < shape.features; ++f) {
            ASSERT_NEAR(contributions[f], expected[r * (shape.features + 1) + f], 1e-4) << "row " << r << " feature " << f;
        }
        ASSERT_NEAR(explainer.base(), expected[r * (shape.features + 1) + shape.features], 1e-4);
    }
}

INSTANTIATE_TEST_SUITE_P(Shapes, ExplainShapes,
                         testing::Values(Shape{1, 20, 6, 1000}, Shape{2, 10, 9, 3000}, Shape{4, 30, 4, 2000, 6},
                                         Shape{9, 50, 6, 3000}, Shape{16, 20, 8, 4000}, Shape{24, 15, 10, 5000},
                                         Shape{32, 300, 6, 4000}, Shape{70, 40, 6, 3000}),
                         [](const testing::TestParamInfo<Shape> &info) {
                             return "features" + std::to_string(info.param.features) + "_depth" +
                                    std::to_string(info.param.depth);
                         });

// Expected value of a tree when only the features of `known` are known: the rest is averaged by cover.
double expectation(const std::vector<TreeNode> &tree, int at, const float *x, unsigned known) {
    const TreeNode &node = tree[static_cast<std::size_t>(at)];
    if (node.left < 0) return node.threshold_or_leaf;
    if (known >> node.feature & 1) {
        const float v = x[node.feature];
        const bool left = std::isnan(v) ? node.default_left : v < node.threshold_or_leaf;
        return expectation(tree, left ? node.left : node.right, x, known);
    }
    const auto &left = tree[static_cast<std::size_t>(node.left)], &right = tree[static_cast<std::size_t>(node.right)];
    return (left.cover * expectation(tree, node.left, x, known) + right.cover * expectation(tree, node.right, x, known)) /
           node.cover;
}

// By the definition, over all subsets: independent of XGBoost and of every trick.
TEST(Explain, IsTheDefinition) {
    const std::size_t features = 6;
    const Shape shape{.features = features, .rounds = 3, .depth = 7, .rows = 3000};
    const Reference reference(shape, 31);
    const Ensemble ensemble = reference.ensemble();
    const auto forest = Forest::load(pack_forest(ensemble));
    const Explainer explainer(*forest);
    std::vector<float> x = random_rows(shape, 10, 32);
    x[0] = infinity;
    x[1] = -infinity;
    double factorial[features + 1] = {1};
    for (std::size_t i = 1; i <= features; ++i) factorial[i] = factorial[i - 1] * static_cast<double>(i);
    for (std::size_t r = 0; r < 10; ++r) {
        const float *row = &x[r * features];
        double value[1u << features] = {};
        for (unsigned known = 0; known < 1u << features; ++known) {
            for (const std::vector<TreeNode> &tree : ensemble.trees) value[known] += expectation(tree, 0, row, known);
        }
        double contributions[features];
        explainer.explain(row, contributions);
        for (std::size_t f = 0; f < features; ++f) {
            double expected = 0;
            for (unsigned known = 0; known < 1u << features; ++known) {
                if (known >> f & 1) continue;
                const auto size = static_cast<std::size_t>(__builtin_popcount(known));
                expected += factorial[size] * factorial[features - size - 1] / factorial[features] *
                            (value[known | 1u << f] - value[known]);
            }
            ASSERT_NEAR(contributions[f], expected, 1e-5) << "row " << r << " feature " << f;
        }
    }
}

// A chain of 70 different features: more than any quadrature here is exact for, and still right.
TEST(Explain, LongPaths) {
    const std::size_t features = 70;
    std::vector<TreeNode> tree;
    for (std::size_t f = 0; f < features; ++f) {
        const auto at = static_cast<std::int32_t>(tree.size());
        tree.push_back(TreeNode{0, at + 1, at + 2, static_cast<std::uint16_t>(f), false, static_cast<float>(100 - f)});
        tree.push_back(TreeNode{.threshold_or_leaf = static_cast<float>(f % 7) - 3, .cover = 1});
    }
    tree.push_back(TreeNode{.threshold_or_leaf = 2, .cover = 30});
    const auto model = Model::load(pack({features, 0, {tree}}, {}));
    for (const std::size_t left_at : {0u, 3u, 30u, 69u, 70u}) {
        std::vector<float> x(features, 1);
        if (left_at < features) x[left_at] = -1;
        const Explanation explanation = model->explain(x.data());
        const double sum = std::accumulate(explanation.contributions.begin(), explanation.contributions.end(), explanation.base);
        EXPECT_NEAR(sum, model->margin(x.data()), 1e-4);
    }
}

// No training row went one way: no division by zero, and still additive.
TEST(Explain, CoverOfZero) {
    const auto leaf = [](float value, float cover) { return TreeNode{.threshold_or_leaf = value, .cover = cover}; };
    const Ensemble ensemble{
        2,
        0.1f,
        {{TreeNode{0, 1, 2, 0, false, 5}, TreeNode{0, 3, 4, 1, false, 0}, leaf(1, 5), leaf(2, 0), leaf(3, 0)},
         {TreeNode{0, 1, 2, 0, false, 5}, TreeNode{-1, 3, 4, 0, true, 0}, leaf(-1, 5), leaf(-2, 0), leaf(5, 0)}}};
    const auto model = Model::load(pack(ensemble, {}));
    for (const float a : {-2.0f, -0.5f, 2.0f, missing}) {
        for (const float b : {-2.0f, 2.0f, missing}) {
            const float x[] = {a, b};
            const Explanation explanation = model->explain(x);
            EXPECT_NEAR(explanation.base + explanation.contributions[0] + explanation.contributions[1], model->margin(x), 1e-6)
                << a << ' ' << b;
        }
    }
}

TEST(Explain, UnusedFeatureMovesNothing) {
    const Ensemble ensemble{3,
                            0,
                            {{TreeNode{0, 1, 2, 1, false, 4}, TreeNode{.threshold_or_leaf = 1, .cover = 3},
                              TreeNode{.threshold_or_leaf = 5, .cover = 1}}}};
    const auto model = Model::load(pack(ensemble, {}));
    const float x[] = {1, 1, 1};
    const Explanation explanation = model->explain(x);
    EXPECT_DOUBLE_EQ(explanation.base, 2);
    EXPECT_EQ(explanation.contributions[0], 0);
    EXPECT_NEAR(explanation.contributions[1], 3, 1e-12);
    EXPECT_EQ(explanation.contributions[2], 0);
}

}  // namespace
