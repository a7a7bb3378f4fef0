#include "core/features/affinity.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.hpp"
#include "core/features/cross_sell.hpp"

namespace xsell::core {
namespace {

const auto none = [] {};

TEST(Csr, SortsAndDropsRepeats) {
    const Csr matrix = make_csr(3, {{2, 5}, {0, 1}, {2, 5}, {2, 0}});
    EXPECT_EQ(matrix.row(0).size(), 1u);
    EXPECT_EQ(matrix.row(1).size(), 0u);
    ASSERT_EQ(matrix.row(2).size(), 2u);
    EXPECT_EQ(matrix.row(2)[0], 0u);
    const Csr back = transpose(matrix, 6);
    ASSERT_EQ(back.row(5).size(), 1u);
    EXPECT_EQ(back.row(5)[0], 2u);
    EXPECT_EQ(back.rows(), 6u);
}

// Entities 0, 1 hold {0, 1}; entity 2 holds {0}; entity 3 holds {2}.
struct Small {
    Csr by_entity = make_csr(4, {{0, 0}, {0, 1}, {1, 0}, {1, 1}, {2, 0}, {3, 2}});
    Csr by_product = transpose(by_entity, 3);
};

TEST(Affinity, ClosedForms) {
    const Small small;
    AffinityOptions options;
    options.cosine_shrinkage = 1;
    options.lift_shrinkage = 2;
    const Affinity affinity(small.by_entity, small.by_product, {}, options, none);
    ASSERT_EQ(affinity.from(0).size(), 1u);
    const Neighbour rule = affinity.from(0)[0];  // 0 -> 1: two hold both, three hold 0, two hold 1, four entities
    EXPECT_EQ(rule.product, 1u);
    EXPECT_FLOAT_EQ(rule.cosine, static_cast<float>(2 / (std::sqrt(6.0) + 1)));
    EXPECT_FLOAT_EQ(rule.lift, 2.0f * 4 / (5 * 4));
    EXPECT_FLOAT_EQ(rule.confidence, 2.0f / 5);
    EXPECT_TRUE(affinity.from(2).empty());

    std::vector<Association> result(3);
    associate(affinity, small.by_entity.row(2), result);
    EXPECT_FLOAT_EQ(result[1].score, rule.cosine);
    EXPECT_FLOAT_EQ(result[1].lift_max, rule.lift);
    EXPECT_EQ(result[2].score, 0);
    associate(affinity, small.by_entity.row(3), result);
    EXPECT_EQ(result[1].score, 0) << "earlier results must not stay";
}

TEST(Affinity, NeighboursAreCappedAndTiesGoToTheLower) {
    // One entity holds everything: all pairs are equally close.
    std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
    for (std::uint32_t product = 0; product < 10; ++product) {
        pairs.emplace_back(0, product);
    }
    const Csr by_entity = make_csr(1, pairs);
    AffinityOptions options;
    options.neighbours = 2;
    const Affinity affinity(by_entity, transpose(by_entity, 10), {}, options, none);
    EXPECT_EQ(affinity.from(0).size(), 9u);  // 0 is the first choice of every other product
    EXPECT_EQ(affinity.from(9).size(), 0u);
}

TEST(Affinity, HugeBasketsSayNothing) {
    const Small small;
    AffinityOptions options;
    options.basket_limit = 1;
    const Affinity affinity(small.by_entity, small.by_product, {}, options, none);
    EXPECT_TRUE(affinity.from(0).empty());
}

TEST(Affinity, StopsWhenToldTo) {
    const Small small;
    EXPECT_THROW(Affinity(small.by_entity, small.by_product, {}, {}, [] { throw Error(Kind::cancelled, "stop"); }), Error);
}

World small_world() {
    const Small small;
    World world;
    world.profiles.resize(4);
    world.eligible = {1, 1, 1, 1};
    world.entity_features = 1;
    world.entity_values = {10, 11, 12, 13};
    world.active = {1, 1, 1};
    world.family = {0, 1, 0};
    world.product_features = popularity_windows + 1;
    world.product_values = {1, 1, 1, 3, 100, 0, 0, 1, 2, 200, 0, 0, 0, 1, 300};
    world.held = small.by_entity;
    world.covered = make_csr(4, {{3, 1}});
    world.serving = make_csr(4, {{0, 0}, {1, 0}, {2, 0}, {3, 1}});
    world.lost = make_csr(4, {{2, 1}});
    world.lost_days = {30};
    world.known = make_csr(4, {{0, 0}, {1, 0}, {2, 0}, {2, 1}, {3, 1}});
    world.selling = make_csr(3, {{0, 0}, {1, 0}, {2, 1}});
    return world;
}

TEST(CrossSell, OffersWhatIsNeitherHeldNorCovered) {
    const World world = small_world();
    CrossSell cross_sell(world, {}, none);
    ASSERT_EQ(cross_sell.width(), pair_features + 6);
    const auto of_two = cross_sell.rows(2);
    ASSERT_EQ(of_two.products.size(), 2u);
    const float *row = of_two.values.data();  // product 1
    EXPECT_GT(row[association_score], 0);
    EXPECT_FLOAT_EQ(row[family_share], 0);
    EXPECT_FLOAT_EQ(row[same_org_sells], 1);
    EXPECT_FLOAT_EQ(row[lost_days], 30);
    EXPECT_FLOAT_EQ(row[pair_features + 4], 200);
    EXPECT_FLOAT_EQ(row[pair_features + 5], 12);
    row += cross_sell.width();  // product 2: another org's, same family as what is held
    EXPECT_FLOAT_EQ(row[association_score], 0);
    EXPECT_FLOAT_EQ(row[family_share], 1);
    EXPECT_FLOAT_EQ(row[same_org_sells], 0);
    EXPECT_FLOAT_EQ(row[known_org_sells], 1);
    EXPECT_TRUE(std::isnan(row[lost_days]));
    EXPECT_FLOAT_EQ(of_two.values[choice_share] + row[choice_share], 1);
    const auto of_three = cross_sell.rows(3);
    ASSERT_EQ(of_three.products.size(), 1u);
    EXPECT_EQ(of_three.products[0], 0u);
}

TEST(CrossSell, RetiredProductsAndUnknownFamilies) {
    World world = small_world();
    world.active[1] = 0;
    world.family[2] = -1;
    CrossSell cross_sell(world, {}, none);
    const auto rows = cross_sell.rows(2);
    ASSERT_EQ(rows.products.size(), 1u);
    EXPECT_EQ(rows.products[0], 2u);
    EXPECT_TRUE(std::isnan(rows.values[family_share]));
}

TEST(CrossSell, LimitsCandidatesButKeepsWhatBaselinesRank) {
    constexpr std::uint32_t products = 500;
    World world;
    world.profiles.resize(1);
    world.eligible = {1};
    world.entity_features = 0;
    world.active.assign(products, 1);
    world.family.assign(products, -1);
    world.product_features = popularity_windows;
    for (std::uint32_t product = 0; product < products; ++product) {
        for (std::uint32_t window = 0; window < popularity_windows; ++window) {
            world.product_values.push_back(static_cast<float>(product / 100 == window ? 1000 - product : 0));
        }
    }
    world.held = make_csr(1, {{0, 0}});
    world.covered = make_csr(1, {});
    world.serving = make_csr(1, {});
    world.lost = make_csr(1, {});
    world.known = make_csr(1, {});
    world.selling = make_csr(products, {});
    CandidateLimits limits;
    limits.total = 10;
    CrossSell few(world, limits, none);
    EXPECT_EQ(few.rows(0).products.size(), popularity_windows * limits.by_popularity);
    limits.total = 300;
    CrossSell more(world, limits, none);
    EXPECT_EQ(more.rows(0).products.size(), 300u);
    limits.total = 10000;
    CrossSell all(world, limits, none);
    EXPECT_EQ(all.rows(0).products.size(), products - 1);
}

}  // namespace
}  // namespace xsell::core
