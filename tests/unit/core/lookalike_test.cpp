#include "core/features/lookalike.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace xsell::core {
namespace {

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

TEST(PairSimilarity, ClosedForms) {
    const Profile a{1, 2, std::log(100.0), 100, 30};
    const Profile b{1, 3, std::log(200.0), 400, 90};
    const PairSimilarity s = pair_similarity(a, b, 3, 4);
    EXPECT_FLOAT_EQ(s[industry_match], 1);
    EXPECT_FLOAT_EQ(s[size_compatibility], static_cast<float>(1 / (1 + std::log(2.0))));
    EXPECT_FLOAT_EQ(s[geographic_proximity], 0.3f);
    EXPECT_FLOAT_EQ(s[product_complementarity], 4.0f / 8);
    EXPECT_FLOAT_EQ(s[customer_maturity], 0.25f);
    EXPECT_FLOAT_EQ(s[activity_alignment], 2.0f / (2 + 1 + 3));
    EXPECT_FLOAT_EQ(mean(s), (s[0] + s[1] + s[2] + s[3] + s[4] + s[5]) / 6);
}

TEST(PairSimilarity, IsTotalSymmetricAndBetweenZeroAndOne) {
    const double values[] = {nan_value, -1, 0, 1e-9, 5, 1e300};
    for (const double x : values) {
        for (const double y : values) {
            for (const std::int32_t code : {-1, 0, 1}) {
                const Profile a{code, 0, x, y, x};
                const Profile b{0, code, y, x, y};
                const PairSimilarity one = pair_similarity(a, b, 1, 0);
                const PairSimilarity other = pair_similarity(b, a, 1, 0);
                for (std::size_t i = 0; i < similarities; ++i) {
                    EXPECT_GE(one[i], 0);
                    EXPECT_LE(one[i], 1);
                    EXPECT_EQ(one[i], other[i]);
                }
            }
        }
    }
    const PairSimilarity unknown =
        pair_similarity({-1, -1, nan_value, nan_value, nan_value}, {-1, -1, nan_value, nan_value, nan_value}, 0, 0);
    for (const float value : unknown) {
        EXPECT_FLOAT_EQ(value, 0.5f);
    }
    EXPECT_FLOAT_EQ(pair_similarity({}, {}, 0, 1)[customer_maturity], 1) << "both known since today";
}

TEST(LookalikeFinder, NearestFirstAndNeverItself) {
    std::vector<Profile> profiles(4);
    for (std::size_t i = 0; i < profiles.size(); ++i) {
        profiles[i] = {0, 0, static_cast<double>(i), 10, 1};
    }
    const Csr by_entity = make_csr(4, {{0, 0}, {1, 1}, {2, 1}, {3, 2}});
    LookalikeOptions options;
    options.neighbours = 2;
    LookalikeFinder finder(profiles, by_entity, transpose(by_entity, 3), options);
    const auto found = finder.nearest(0);
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[0].entity, 1u);
    EXPECT_EQ(found[1].entity, 2u);
    std::vector<Resemblance> result(3);
    resemble(found, by_entity, result);
    EXPECT_FLOAT_EQ(result[1].share, 1);
    EXPECT_FLOAT_EQ(result[2].share, 0);
    const float w1 = found[0].weight;
    const float w2 = found[1].weight;
    EXPECT_FLOAT_EQ(result[1].similarity[size_compatibility], (w1 * 0.5f + w2 / 3) / (w1 + w2));
}

TEST(LookalikeFinder, SharedProductsAreCountedWithinTheWindow) {
    std::vector<Profile> profiles(3);
    const Csr by_entity = make_csr(3, {{0, 0}, {0, 1}, {1, 0}, {1, 1}, {2, 2}});
    LookalikeFinder finder(profiles, by_entity, transpose(by_entity, 3), {});
    for (int again = 0; again < 2; ++again) {
        const auto found = finder.nearest(0);
        ASSERT_EQ(found.size(), 2u);
        EXPECT_EQ(found[0].entity, 2u);
        EXPECT_FLOAT_EQ(found[0].similarity[product_complementarity], 3.0f / 4);
        EXPECT_FLOAT_EQ(found[1].similarity[product_complementarity], 0.0f / 3);
    }
}

TEST(LookalikeFinder, ComparisonsAreBoundedOwnIndustryFirst) {
    std::vector<Profile> profiles(1000);
    std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
    for (std::uint32_t i = 0; i < profiles.size(); ++i) {
        profiles[i].industry = static_cast<std::int32_t>(i % 10);
        pairs.emplace_back(i, i % 7);
    }
    const Csr by_entity = make_csr(profiles.size(), pairs);
    LookalikeOptions options;
    options.comparisons = 50;
    options.neighbours = 1000;
    LookalikeFinder finder(profiles, by_entity, transpose(by_entity, 7), options);
    for (const std::uint32_t entity : {0u, 501u, 999u}) {
        const auto found = finder.nearest(entity);
        EXPECT_EQ(found.size(), 50u);
        EXPECT_EQ(profiles[found[0].entity].industry, profiles[entity].industry);
    }
}

}  // namespace
}  // namespace xsell::core
