// The same leaf as XGBoost in every tree, the same margin within rounding, and the same bits from every kernel.
#include "core/scoring/forest.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "xgboost_reference.hpp"

namespace {

using namespace xsell::core;
using xsell::test::infinity;
using xsell::test::missing;
using xsell::test::random_rows;
using xsell::test::Reference;
using xsell::test::Shape;

constexpr Kernel all_kernels[] = {Kernel::walker, Kernel::heap_portable, Kernel::heap_avx2, Kernel::heap_avx512};

// Random rows, then rows of values that hit thresholds exactly or miss them by one float, infinities, and all missing.
std::vector<float> hard_rows(const Shape &shape, const Ensemble &ensemble, std::size_t rows, bool infinities, unsigned seed) {
    std::vector<float> x = random_rows(shape, rows, seed);
    std::vector<std::vector<float>> thresholds(shape.features);
    for (const std::vector<TreeNode> &tree : ensemble.trees) {
        for (const TreeNode &node : tree) {
            if (node.left >= 0) thresholds[node.feature].push_back(node.threshold_or_leaf);
        }
    }
    std::mt19937 random(seed);
    for (std::size_t i = x.size() / 3; i < x.size(); ++i) {
        const std::vector<float> &of_feature = thresholds[i % shape.features];
        if (of_feature.empty()) continue;
        const float cut = of_feature[random() % of_feature.size()];
        switch (random() % 8) {
            case 0: x[i] = std::nextafter(cut, -infinity); break;
            case 1: x[i] = std::nextafter(cut, infinity); break;
            case 2: x[i] = missing; break;
            case 3:
                if (infinities) x[i] = random() % 2 ? infinity : -infinity;
                break;
            case 4: x[i] = -0.0f; break;
            default: x[i] = cut;
        }
    }
    std::fill(x.end() - static_cast<std::ptrdiff_t>(shape.features), x.end(), missing);
    if (infinities) {
        for (std::size_t f = 0; f < shape.features; ++f) {
            x[f] = infinity;
            x[shape.features + f] = -infinity;
        }
    }
    return x;
}

// Breadth-first position of each of XGBoost's nodes.
std::vector<std::size_t> positions(const std::vector<TreeNode> &tree) {
    std::vector<std::size_t> order{0};
    for (std::size_t i = 0; i < order.size(); ++i) {
        const TreeNode node = tree[order[i]];
        if (node.left < 0) continue;
        order.push_back(static_cast<std::size_t>(node.left));
        order.push_back(static_cast<std::size_t>(node.right));
    }
    std::vector<std::size_t> position(tree.size(), SIZE_MAX);
    for (std::size_t i = 0; i < order.size(); ++i) position[order[i]] = i;
    return position;
}

double leaf_sum(const Forest &forest, const float *x) {
    double sum = 0;
    for (std::size_t t = 0; t < forest.trees(); ++t) sum += std::fabs(forest.nodes().tree(t)[forest.leaf(t, x)].value);
    return sum;
}

// Training is what takes the time here, so the tests of a shape share one model.
class ForestShapes : public testing::TestWithParam<Shape> {
  protected:
    static const Reference &reference_of(const Shape &shape) {
        const std::string key = std::to_string(shape.features) + ' ' + std::to_string(shape.rounds) + ' ' +
                                std::to_string(shape.depth) + ' ' + std::to_string(shape.missing_rate) + shape.tree_method;
        std::unique_ptr<Reference> &slot = trained[key];
        if (!slot) slot = std::make_unique<Reference>(shape, 5);
        return *slot;
    }
    static void TearDownTestSuite() { trained.clear(); }

  private:
    static inline std::map<std::string, std::unique_ptr<Reference>> trained;
};

TEST_P(ForestShapes, FallsIntoTheLeavesOfXgboost) {
    const Shape shape = GetParam();
    const Reference &reference = reference_of(shape);
    const Ensemble ensemble = reference.ensemble();
    const auto forest = Forest::load(pack_forest(ensemble));
    const std::vector<float> x = hard_rows(shape, ensemble, 200, false, 77);
    const std::vector<float> leaves = reference.leaves(x);
    ASSERT_EQ(leaves.size(), 200 * forest->trees());
    for (std::size_t t = 0; t < forest->trees(); ++t) {
        const std::vector<std::size_t> position = positions(ensemble.trees[t]);
        for (std::size_t r = 0; r < 200; ++r) {
            const auto expected = position[static_cast<std::size_t>(leaves[r * forest->trees() + t])];
            ASSERT_EQ(forest->leaf(t, &x[r * shape.features]), expected) << "tree " << t << " row " << r;
        }
    }
}

TEST_P(ForestShapes, HasTheMarginsOfXgboost) {
    const Shape shape = GetParam();
    const Reference &reference = reference_of(shape);
    const Ensemble ensemble = reference.ensemble();
    const auto forest = Forest::load(pack_forest(ensemble));
    const std::vector<float> x = hard_rows(shape, ensemble, 1000, true, 78);
    const std::vector<float> expected = reference.margins(x);
    for (std::size_t r = 0; r < expected.size(); ++r) {
        const float *row = &x[r * shape.features];
        ASSERT_NEAR(forest->margin(row), expected[r], 1e-6 * std::max(1.0, leaf_sum(*forest, row))) << "row " << r;
    }
}

TEST_P(ForestShapes, GivesTheSameBitsFromEveryKernel) {
    const Shape shape = GetParam();
    const Reference &reference = reference_of(shape);
    const Ensemble ensemble = reference.ensemble();
    const std::vector<std::byte> blob = pack_forest(ensemble);
    const auto walker = Forest::load(blob, Kernel::walker);
    const std::size_t rows = 64 * 5 + 37;
    const std::vector<float> x = hard_rows(shape, ensemble, rows, true, 79);
    for (const Kernel kernel : all_kernels) {
        if (!walker->fits(kernel)) continue;
        const auto forest = Forest::load(blob, kernel);
        std::vector<float> block(rows + 1, 12345.0f);
        forest->margins(x.data(), shape.features, rows, block.data());
        for (std::size_t r = 0; r < rows; ++r) {
            const float *row = &x[r * shape.features];
            const auto expected = std::bit_cast<std::uint32_t>(walker->margin(row));
            ASSERT_EQ(std::bit_cast<std::uint32_t>(forest->margin(row)), expected)
                << "kernel " << static_cast<int>(kernel) << " row " << r;
            ASSERT_EQ(std::bit_cast<std::uint32_t>(block[r]), expected)
                << "block, kernel " << static_cast<int>(kernel) << " row " << r;
        }
        ASSERT_EQ(block[rows], 12345.0f) << "wrote past the last row";
    }
}

// Features, trees, depth, training rows, distinct values, missing rate, bins.
INSTANTIATE_TEST_SUITE_P(Shapes, ForestShapes,
                         testing::Values(Shape{1, 1, 1, 500}, Shape{1, 300, 6, 1000}, Shape{3, 40, 10, 3000},
                                         Shape{8, 16, 2, 2000}, Shape{8, 17, 3, 2000, 12}, Shape{20, 64, 4, 3000},
                                         Shape{31, 65, 5, 3000, 0, 0.0}, Shape{32, 300, 6, 4000}, Shape{33, 128, 6, 4000},
                                         Shape{40, 100, 6, 4000, 0, 0.4}, Shape{64, 150, 6, 3000}, Shape{70, 200, 6, 3000},
                                         Shape{70, 60, 7, 3000}, Shape{12, 30, 8, 3000, 5}, Shape{6, 60, 6, 6000, 0, 0.1, 1024},
                                         Shape{5, 40, 6, 4000, 0, 0.1, 256, "exact"}, Shape{2, 25, 9, 5000, 0, 0.9}),
                         [](const testing::TestParamInfo<Shape> &info) {
                             const Shape &s = info.param;
                             return std::to_string(info.index) + "_features" + std::to_string(s.features) + "_trees" +
                                    std::to_string(s.rounds) + "_depth" + std::to_string(s.depth);
                         });

TEST(Forest, ChoosesTheHeapWhereItFits) {
    const Reference small({.features = 32, .rounds = 10, .depth = 6}, 1);
    const auto heap = Forest::load(pack_forest(small.ensemble()));
    EXPECT_NE(heap->kernel(), Kernel::walker);
    const Reference deep({.features = 4, .rounds = 5, .depth = 9, .rows = 4000}, 1);
    const auto walker = Forest::load(pack_forest(deep.ensemble()));
    EXPECT_EQ(walker->kernel(), Kernel::walker);
    EXPECT_THROW(Forest::load(pack_forest(deep.ensemble()), Kernel::heap_portable), Error);
}

// A tree that only ever splits on its left.
std::vector<TreeNode> chain(int depth) {
    std::vector<TreeNode> tree{{.threshold_or_leaf = 0, .cover = 1}};
    for (int d = 0; d < depth; ++d) {
        const auto at = static_cast<std::int32_t>(tree.size());
        TreeNode &last = tree[d == 0 ? 0 : tree.size() - 2];
        last = {static_cast<float>(depth - d), at, at + 1, 0, true, 1};
        tree.push_back({.threshold_or_leaf = -1, .cover = 1});
        tree.push_back({.threshold_or_leaf = static_cast<float>(d), .cover = 1});
    }
    return tree;
}

TEST(Forest, HeapsEndAtDepthSix) {
    for (const int depth : {5, 6, 7, 40}) {
        const std::vector<std::byte> blob = pack_forest({1, 0, {chain(depth)}});
        const auto walker = Forest::load(blob, Kernel::walker);
        EXPECT_EQ(walker->depth(), static_cast<std::size_t>(depth));
        EXPECT_EQ(walker->fits(Kernel::heap_portable), depth <= 6);
        const auto best = Forest::load(blob);
        for (float v = -0.5f; v < static_cast<float>(depth) + 1; v += 0.5f) {
            const float expected = v < 1 ? -1 : static_cast<float>(depth) - std::min(std::floor(v), static_cast<float>(depth));
            EXPECT_EQ(walker->margin(&v), expected) << v;
            EXPECT_EQ(best->margin(&v), expected) << v;
        }
        EXPECT_EQ(best->margin(&missing), -1);
    }
}

TEST(Forest, OneLeafAndNoTree) {
    Ensemble ensemble{2, 0.25f, {}};
    const float x[2] = {missing, 1};
    for (const Kernel kernel : all_kernels) {
        if (!Forest::load(pack_forest(ensemble))->fits(kernel)) continue;
        EXPECT_EQ(Forest::load(pack_forest(ensemble), kernel)->margin(x), 0.25f);
    }
    ensemble.trees.push_back({TreeNode{.threshold_or_leaf = 0.5f, .cover = 3}});
    for (const Kernel kernel : all_kernels) {
        const auto forest = Forest::load(pack_forest(ensemble));
        if (forest->fits(kernel)) {
            EXPECT_EQ(Forest::load(pack_forest(ensemble), kernel)->margin(x), 0.75f);
        }
        EXPECT_EQ(forest->leaf(0, x), 0u);
        EXPECT_EQ(forest->depth(), 0u);
    }
}

// A split that only ever sends missing values away, and a threshold at the largest float: nothing may saturate.
TEST(Forest, ExtremeThresholds) {
    const float largest = std::numeric_limits<float>::max();
    Ensemble ensemble{1, 0, {}};
    for (const float cut : {largest, -largest, 0.0f, std::numeric_limits<float>::denorm_min()}) {
        for (const bool left : {true, false}) {
            const float leaf = static_cast<float>(1 << ensemble.trees.size());
            ensemble.trees.push_back({TreeNode{cut, 1, 2, 0, left, 2}, TreeNode{.threshold_or_leaf = leaf, .cover = 1},
                                      TreeNode{.threshold_or_leaf = -leaf, .cover = 1}});
        }
    }
    const auto forest = Forest::load(pack_forest(ensemble));
    for (const float v :
         {missing, infinity, -infinity, largest, -largest, 0.0f, -0.0f, std::numeric_limits<float>::denorm_min()}) {
        float expected = 0;
        for (std::size_t t = 0; t < ensemble.trees.size(); ++t) {
            const TreeNode &root = ensemble.trees[t][0];
            const bool left = std::isnan(v) ? root.default_left : v < root.threshold_or_leaf;
            expected += ensemble.trees[t][left ? 1 : 2].threshold_or_leaf;
        }
        for (const Kernel kernel : all_kernels) {
            if (forest->fits(kernel)) {
                EXPECT_EQ(Forest::load(pack_forest(ensemble), kernel)->margin(&v), expected) << v;
            }
        }
    }
}

// 255 cuts is the most a byte can rank; one more must not wrap around.
TEST(Forest, AsManyCutsAsAByteHolds) {
    for (const int cuts : {254, 255, 256}) {
        Ensemble ensemble{1, 0, {}};
        for (int i = 0; i < cuts; ++i) {
            ensemble.trees.push_back({TreeNode{static_cast<float>(i), 1, 2, 0, i % 2 == 0, 2},
                                      TreeNode{.threshold_or_leaf = 0, .cover = 1},
                                      TreeNode{.threshold_or_leaf = 1, .cover = 1}});
        }
        const auto walker = Forest::load(pack_forest(ensemble), Kernel::walker);
        EXPECT_EQ(walker->fits(Kernel::heap_portable), cuts <= 255);
        for (const Kernel kernel : all_kernels) {
            if (!walker->fits(kernel)) continue;
            const auto forest = Forest::load(pack_forest(ensemble), kernel);
            for (float v = -1; v < static_cast<float>(cuts) + 2; v += 0.5f) {
                EXPECT_EQ(forest->margin(&v), std::floor(std::clamp(v + 1, 0.0f, static_cast<float>(cuts)))) << v;
            }
            const float ends[] = {infinity, -infinity, missing};
            EXPECT_EQ(forest->margin(&ends[0]), static_cast<float>(cuts));
            EXPECT_EQ(forest->margin(&ends[1]), 0.0f);
            EXPECT_EQ(forest->margin(&ends[2]), static_cast<float>(cuts / 2));
        }
    }
}

TEST(Forest, RefusesWhatItCannotScore) {
    const auto refused = [](const Ensemble &ensemble) {
        try {
            pack_forest(ensemble);
        } catch (const Error &error) {
            return error.kind == Kind::bad_argument;
        }
        return false;
    };
    const TreeNode leaf{.threshold_or_leaf = 1, .cover = 1};
    const auto split = [](float cut, int left, int right, std::uint16_t feature) {
        return TreeNode{cut, left, right, feature, false, 2};
    };
    EXPECT_TRUE(refused({0, 0, {}}));
    EXPECT_TRUE(refused({max_features + 1, 0, {}}));
    EXPECT_TRUE(refused({1, infinity, {}}));
    EXPECT_TRUE(refused({1, 0, {{}}}));
    EXPECT_TRUE(refused({1, 0, {{split(infinity, 1, 2, 0), leaf, leaf}}}));
    EXPECT_TRUE(refused({1, 0, {{split(missing, 1, 2, 0), leaf, leaf}}}));
    EXPECT_TRUE(refused({1, 0, {{split(1, 1, 2, 1), leaf, leaf}}}));
    EXPECT_TRUE(refused({1, 0, {{split(1, 1, 3, 0), leaf, leaf}}}));
    EXPECT_TRUE(refused({1, 0, {{split(1, 0, 1, 0), leaf, leaf}}}));
    EXPECT_TRUE(refused({1, 0, {{TreeNode{.threshold_or_leaf = missing}}}}));
    EXPECT_TRUE(refused({1, 0, {{TreeNode{.threshold_or_leaf = 1, .cover = -1}}}}));
    EXPECT_FALSE(refused({1, 0, {{split(1, 1, 2, 0), leaf, leaf}}}));
}

}  // namespace
