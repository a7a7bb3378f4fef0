// Explanations add up, are XGBoost's own, and obey what Shapley values promise.
#include "core/scoring/explain.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "core/scoring/model.hpp"
#include "core/scoring/path_explain.hpp"
#include "scoring_models.hpp"
#include "xgboost_reference.hpp"

namespace {

using namespace xsell::core;
using xsell::test::infinity;
using xsell::test::missing;
using xsell::test::one_forest;
using xsell::test::random_ensemble;
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

TEST(PathExplainer, AddsUpAsTheExactOneDoes) {
    const Shape shape{9, 50, 6, 3000};
    const Reference reference(shape, 21);
    const auto forest = Forest::load(pack_forest(reference.ensemble()));
    const Explainer exact(*forest);
    const PathExplainer path(*forest);
    EXPECT_NEAR(path.base(), exact.base(), 1e-9);
    const std::size_t rows = 60;
    const std::vector<float> x = random_rows(shape, rows, 22);
    std::vector<double> contributions(shape.features);
    for (std::size_t r = 0; r < rows; ++r) {
        path.explain(&x[r * shape.features], contributions.data());
        const double sum = std::accumulate(contributions.begin(), contributions.end(), path.base());
        ASSERT_NEAR(sum, forest->margin(&x[r * shape.features]), 1e-4) << "row " << r;
    }
}

// Where no tree splits twice there is nothing to share out.
TEST(PathExplainer, IsExactForStumps) {
    const Shape shape{4, 30, 1, 2000};
    const Reference reference(shape, 21);
    const auto forest = Forest::load(pack_forest(reference.ensemble()));
    const Explainer exact(*forest);
    const PathExplainer path(*forest);
    const std::vector<float> x = random_rows(shape, 20, 22);
    std::vector<double> expected(shape.features), contributions(shape.features);
    for (std::size_t r = 0; r < 20; ++r) {
        exact.explain(&x[r * shape.features], expected.data());
        path.explain(&x[r * shape.features], contributions.data());
        for (std::size_t f = 0; f < shape.features; ++f) ASSERT_NEAR(contributions[f], expected[f], 1e-9);
    }
}

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
std::vector<double> shapley(const Ensemble &ensemble, const float *row) {
    const std::size_t features = ensemble.features;
    std::vector<double> factorial{1}, value(std::size_t{1} << features), out(features);
    for (std::size_t i = 1; i <= features; ++i) factorial.push_back(factorial.back() * static_cast<double>(i));
    for (unsigned known = 0; known < value.size(); ++known) {
        for (const std::vector<TreeNode> &tree : ensemble.trees) value[known] += expectation(tree, 0, row, known);
    }
    for (std::size_t f = 0; f < features; ++f) {
        for (unsigned known = 0; known < value.size(); ++known) {
            if (known >> f & 1) continue;
            const auto size = static_cast<std::size_t>(__builtin_popcount(known));
            out[f] +=
                factorial[size] * factorial[features - size - 1] / factorial[features] * (value[known | 1u << f] - value[known]);
        }
    }
    return out;
}

void expect_shapley(const Ensemble &ensemble, const std::vector<float> &x) {
    const auto forest = Forest::load(pack_forest(ensemble));
    const Explainer explainer(*forest);
    EXPECT_EQ(explainer.bytes(), Explainer::bytes_for(*forest));
    std::vector<double> contributions(ensemble.features);
    for (std::size_t r = 0; r < x.size() / ensemble.features; ++r) {
        const float *row = &x[r * ensemble.features];
        explainer.explain(row, contributions.data());
        const std::vector<double> expected = shapley(ensemble, row);
        for (std::size_t f = 0; f < ensemble.features; ++f)
            ASSERT_NEAR(contributions[f], expected[f], 1e-5) << "row " << r << " feature " << f;
    }
}

TEST(Explain, IsTheDefinition) {
    const Shape shape{.features = 6, .rounds = 3, .depth = 7, .rows = 3000};
    std::vector<float> x = random_rows(shape, 10, 32);
    x[0] = infinity;
    x[1] = -infinity;
    expect_shapley(Reference(shape, 31).ensemble(), x);
}

// Far deeper than a table of all ways through a tree could be: up to 30 levels, and up to 12 features on a path.
TEST(Explain, IsTheDefinitionOnDeepTrees) {
    for (const auto &[features, depth, stop] : {std::tuple{11u, 12, 6u}, {10u, 30, 2u}, {5u, 30, 2u}, {1u, 20, 2u}}) {
        std::mt19937 random(33);
        Ensemble ensemble;
        // Trees that stop at random: keep the deep ones that are small enough to go through all subsets.
        while (ensemble.trees.size() < 3) {
            Ensemble one = random_ensemble(features, 1, depth, stop, random);
            const std::size_t nodes = one.trees[0].size();
            if (nodes < 40 || nodes > 700 || Forest::load(pack_forest(one))->depth() < 9) continue;
            // A node of cover 0 has no expectation by the definition.
            for (TreeNode &node : one.trees[0]) node.cover = std::max(node.cover, 1e-3f);
            ensemble.features = features;
            ensemble.trees.push_back(std::move(one.trees[0]));
        }
        expect_shapley(ensemble, random_rows({.features = features}, 3, 34));
        if (HasFatalFailure()) return;
    }
}

TEST(Explain, AddsUpOnDeepTrees) {
    for (const std::size_t features : {20u, 60u, 300u}) {
        std::mt19937 random(35);
        const auto forest = Forest::load(pack_forest(random_ensemble(features, 400, 30, 2, random)));
        EXPECT_EQ(forest->depth(), 30u);
        const Explainer explainer(*forest);
        const std::vector<float> x = random_rows({.features = features}, 20, 36);
        std::vector<double> contributions(features);
        for (std::size_t r = 0; r < 20; ++r) {
            explainer.explain(&x[r * features], contributions.data());
            const double sum = std::accumulate(contributions.begin(), contributions.end(), explainer.base());
            ASSERT_NEAR(sum, forest->margin(&x[r * features]), 1e-4);
        }
    }
}

TEST(Explain, TheSizeOfItsTablesIsKnownBefore) {
    std::mt19937 random(37);
    const auto model = Model::load(pack(one_forest(random_ensemble(7, 30, 9, 8, random))));
    const std::size_t before = model->bytes();
    const std::vector<float> x(7, 0.5f);
    model->explain(x.data());
    EXPECT_EQ(model->bytes(), before + model->explainer_bytes());
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
    const auto model = Model::load(pack(one_forest({features, 0, {tree}})));
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
    const auto model = Model::load(pack(one_forest(ensemble)));
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
    const auto model = Model::load(pack(one_forest(ensemble)));
    const float x[] = {1, 1, 1};
    const Explanation explanation = model->explain(x);
    EXPECT_DOUBLE_EQ(explanation.base, 2);
    EXPECT_EQ(explanation.contributions[0], 0);
    EXPECT_NEAR(explanation.contributions[1], 3, 1e-12);
    EXPECT_EQ(explanation.contributions[2], 0);
}

}  // namespace
