// Ensembles: members of all kinds, both blends, both calibrations, and explanations that add up through all of it.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/error.hpp"
#include "core/math.hpp"
#include "core/scoring/blend.hpp"
#include "core/scoring/model.hpp"
#include "scoring_models.hpp"

namespace {

using namespace xsell::core;
using xsell::test::four_members;
using xsell::test::hostile_rows;
using xsell::test::one_forest;
using xsell::test::random_encodings;
using xsell::test::random_ensemble;

constexpr Kernel all_kernels[] = {Kernel::walker, Kernel::heap_portable, Kernel::heap_avx2, Kernel::heap_avx512};

double sum_of(const Explanation &e) { return std::accumulate(e.contributions.begin(), e.contributions.end(), e.base); }

// A forest that says `margin` whatever the row.
Ensemble constant(std::size_t features, float margin) { return {features, margin, {}}; }
// One split of a feature at 0, half of the training rows on either side.
Ensemble stump(std::size_t features, std::uint16_t feature, float left, float right) {
    return {features,
            0,
            {{TreeNode{0, 1, 2, feature, true, 2}, TreeNode{.threshold_or_leaf = left, .cover = 1},
              TreeNode{.threshold_or_leaf = right, .cover = 1}}}};
}

ModelDescription pair(Blend blend, const Ensemble &first, double first_weight, const Ensemble &second, double second_weight) {
    return {first.features,
            blend,
            0,
            {{MemberKind::xgboost, first_weight, first}, {MemberKind::gradient_boosting, second_weight, second}},
            {}};
}

TEST(Member, NamesAndKinds) {
    for (const MemberKind kind : member_kinds) EXPECT_EQ(member_kind(name_of(kind)), kind);
    EXPECT_EQ(name_of(MemberKind::neural_network), "neural_network");
    EXPECT_EQ(member_kind("Xgboost"), std::nullopt);
    EXPECT_EQ(member_kind(""), std::nullopt);
}

class Blends : public testing::TestWithParam<Blend> {};

TEST_P(Blends, SameBitsByRowInBlocksAndOnEveryKernel) {
    for (const std::size_t features : {1u, 9u, 40u, 300u}) {
        std::mt19937 random(static_cast<unsigned>(features));
        const std::vector<std::byte> blob = pack(four_members(features, GetParam(), random));
        const std::size_t rows = 64 + 37;
        const std::vector<float> x = hostile_rows(features, rows, random);
        std::vector<float> reference;
        for (const Kernel kernel : all_kernels) {
            const auto model = Model::load(blob, kernel);
            std::vector<float> margins(rows);
            std::vector<double> probabilities(rows);
            model->margins(x.data(), features, rows, margins.data());
            model->probabilities(x.data(), features, rows, probabilities.data());
            if (reference.empty()) reference = margins;
            for (std::size_t r = 0; r < rows; ++r) {
                const float *row = &x[r * features];
                ASSERT_TRUE(std::isfinite(margins[r]));
                ASSERT_EQ(std::bit_cast<std::uint32_t>(margins[r]), std::bit_cast<std::uint32_t>(reference[r])) << r;
                ASSERT_EQ(std::bit_cast<std::uint32_t>(margins[r]), std::bit_cast<std::uint32_t>(model->margin(row))) << r;
                ASSERT_EQ(probabilities[r], model->probability(row));
            }
        }
    }
}

TEST_P(Blends, ScoreIsTheBlendOfItsMembers) {
    std::mt19937 random(3);
    ModelDescription description = four_members(6, GetParam(), random);
    description.calibration = {1.5, 0.25, -0.5, 0.75};
    const auto model = Model::load(pack(description));
    ASSERT_EQ(model->members(), 4u);
    EXPECT_EQ(model->kind(1), MemberKind::random_forest);
    EXPECT_EQ(model->weight(3), 0.4);
    EXPECT_EQ(model->forest(3), nullptr);
    EXPECT_EQ(model->blend(), GetParam());
    const std::vector<float> x = hostile_rows(6, 50, random);
    for (std::size_t r = 0; r < 50; ++r) {
        const float *row = &x[6 * r];
        const Score score = model->score(row);
        double expected = model->intercept(), chance = 0;
        for (std::size_t i = 0; i < 4; ++i) {
            const double margin = model->member_margin(i, row);
            EXPECT_EQ(score.member[i], sigmoid(margin));
            expected += description.members[i].weight * margin;
            chance += description.members[i].weight * sigmoid(margin);
        }
        if (GetParam() == Blend::probability) expected = std::log(chance / (1 - chance));
        EXPECT_NEAR(score.margin, expected, 1e-6 * std::max(1.0, std::fabs(expected)));
        EXPECT_EQ(score.margin, model->margin(row));
        EXPECT_EQ(score.raw, sigmoid(score.margin));
        EXPECT_EQ(score.probability, sigmoid(1.5 * score.margin + 0.25 - 0.5));
        EXPECT_EQ(score.probability, model->probability(row));
        EXPECT_LE(score.low, score.probability);
        EXPECT_GE(score.high, score.probability);
    }
}

TEST_P(Blends, ExplanationsAddUp) {
    for (unsigned seed = 0; seed < 20; ++seed) {
        std::mt19937 random(seed);
        const std::size_t features = 1 + seed;
        const auto model = Model::load(pack(four_members(features, GetParam(), random)));
        const std::vector<float> x = hostile_rows(features, 20, random);
        for (std::size_t r = 0; r < 20; ++r) {
            const float *row = &x[features * r];
            const Explanation all = model->explain(row);
            ASSERT_EQ(all.contributions.size(), features);
            ASSERT_NEAR(sum_of(all), model->margin(row), 1e-9);
            ASSERT_EQ(all.base, model->explain(&x[0]).base);
            for (std::size_t i = 0; i < model->members(); ++i)
                ASSERT_NEAR(sum_of(model->explain_member(i, row)), model->member_margin(i, row), 1e-9);
        }
    }
}

TEST_P(Blends, OneMemberKeepsItsExplanation) {
    std::mt19937 random(4);
    ModelDescription description = one_forest(random_ensemble(5, 9, 5, 8, random));
    description.blend = GetParam();
    const auto model = Model::load(pack(description));
    const std::vector<float> x = hostile_rows(5, 30, random);
    for (std::size_t r = 0; r < 30; ++r) {
        const Explanation all = model->explain(&x[5 * r]), member = model->explain_member(0, &x[5 * r]);
        EXPECT_NEAR(all.base, member.base, 1e-12);
        for (std::size_t f = 0; f < 5; ++f) EXPECT_NEAR(all.contributions[f], member.contributions[f], 1e-6);
        EXPECT_NEAR(model->margin(&x[5 * r]), model->member_margin(0, &x[5 * r]), 1e-6);
    }
}

INSTANTIATE_TEST_SUITE_P(Kinds, Blends, testing::Values(Blend::log_odds, Blend::probability));

TEST(Ensemble, ProbabilitiesAreCarriedThroughTheLink) {
    // .25 and .75 of members at 2 and -1, whose averages are 0: base 0, and the way shared as the members' probabilities moved.
    const auto model = Model::load(pack(pair(Blend::probability, stump(2, 0, -2, 2), 0.25, stump(2, 1, 1, -1), 0.75)));
    const float x[] = {1, 1};
    const double first = 0.25 * (sigmoid(2) - 0.5), second = 0.75 * (sigmoid(-1) - 0.5);
    const double margin = logit(0.5 + first + second);
    const Explanation e = model->explain(x);
    EXPECT_NEAR(model->margin(x), margin, 1e-7);
    EXPECT_NEAR(e.base, 0, 1e-15);
    EXPECT_NEAR(e.contributions[0], margin * first / (first + second), 1e-6);
    EXPECT_NEAR(e.contributions[1], margin * second / (first + second), 1e-6);
}

TEST(Ensemble, OnlyRoundingIsSpread) {
    Explanation close{1, {2, -1}}, wrong = close;
    close_gap(close, 2.0001);
    EXPECT_NEAR(sum_of(close), 2.0001, 1e-12);
    EXPECT_GT(close.contributions[0], 2);
    EXPECT_GT(close.contributions[1], -1);
    close_gap(wrong, 2.01);
    EXPECT_EQ(sum_of(wrong), 2);
}

TEST(Ensemble, MembersThatCancelKeepTheirParts) {
    const auto model = Model::load(pack(pair(Blend::probability, stump(2, 0, -3, 3), 0.5, stump(2, 1, 3, -3), 0.5)));
    const float x[] = {1, 1};
    const Explanation e = model->explain(x);
    EXPECT_NEAR(model->margin(x), 0, 1e-7);
    EXPECT_NEAR(e.contributions[0], 4 * 0.5 * (sigmoid(3) - 0.5), 1e-6);  // the link's slope at 1/2 is 4
    EXPECT_NEAR(e.contributions[1], -e.contributions[0], 1e-9);
}

TEST(Ensemble, CertainMembersStayFinite) {
    for (const Blend blend : {Blend::log_odds, Blend::probability}) {
        for (const float size : {40.0f, 800.0f, 1e15f}) {
            const auto model = Model::load(pack(pair(blend, stump(1, 0, -size, size), 0.5, stump(1, 0, -size, size / 2), 0.5)));
            for (const float x : {-1.0f, 1.0f}) {
                const Explanation e = model->explain(&x);
                const double margin = model->margin(&x);
                EXPECT_TRUE(std::isfinite(margin));
                EXPECT_NEAR(sum_of(e), margin, 1e-9 * std::max(1.0, std::fabs(margin)));
                EXPECT_GT(margin * x, blend == Blend::log_odds ? 0.7 * size : std::min(19.0f, 0.4f * size));
            }
        }
    }
}

TEST(Ensemble, LogOddsAddUpWithTheIntercept) {
    ModelDescription description = pair(Blend::log_odds, constant(1, 2), 0.5, constant(1, -1), 1.25);
    description.intercept = 0.125;
    const float x = 0;
    EXPECT_EQ(Model::load(pack(description))->margin(&x), 0.125f + 1 - 1.25f);
}

TEST(Ensemble, TreesThatNeverSplitExplainNothing) {
    const auto model = Model::load(pack(pair(Blend::probability, constant(3, 2), 0.5, constant(3, -1), 0.5)));
    const float x[] = {1, 2, 3};
    const Explanation e = model->explain(x);
    EXPECT_NEAR(e.base, model->margin(x), 1e-6);
    EXPECT_EQ(e.contributions, std::vector<double>(3));
}

TEST(Ensemble, AbsentMembersHaveNoScore) {
    const auto model = Model::load(pack(pair(Blend::log_odds, constant(1, 2), 1, constant(1, -1), 0)));
    const float x = 0;
    const Score score = model->score(&x);
    EXPECT_EQ(score.member[0], sigmoid(2));
    EXPECT_TRUE(std::isnan(score.member[1]));
    EXPECT_EQ(score.member[2], sigmoid(-1));  // of no weight, but there
    EXPECT_TRUE(std::isnan(score.member[3]));
    EXPECT_EQ(score.margin, 2);
}

TEST(Ensemble, RefusesWhatDoesNotBlend) {
    const auto refused = [](auto change) {
        std::mt19937 random(1);
        ModelDescription model = four_members(3, Blend::probability, random);
        change(model);
        try {
            pack(model);
        } catch (const Error &error) {
            return error.kind == Kind::bad_argument;
        }
        return false;
    };
    EXPECT_FALSE(refused([](ModelDescription &) {}));
    EXPECT_TRUE(refused([](ModelDescription &m) { m.members.clear(); }));
    EXPECT_TRUE(refused([](ModelDescription &m) { m.features = 4; }));
    EXPECT_TRUE(refused([](ModelDescription &m) { std::get<Ensemble>(m.members[1].learned).features = 4; }));
    EXPECT_TRUE(refused([](ModelDescription &m) { std::swap(m.members[0], m.members[1]); }));
    EXPECT_TRUE(refused([](ModelDescription &m) { m.members[1].kind = MemberKind::xgboost; }));
    EXPECT_TRUE(refused([](ModelDescription &m) { m.members[2].learned = m.members[3].learned; }));
    EXPECT_TRUE(refused([](ModelDescription &m) { m.intercept = 1; }));
    EXPECT_TRUE(refused([](ModelDescription &m) { m.members[0].weight += 1e-6; }));
    EXPECT_FALSE(refused([](ModelDescription &m) { m.blend = Blend::log_odds, m.members[0].weight += 1e-6; }));
    EXPECT_TRUE(refused([](ModelDescription &m) { m.blend = Blend::log_odds, m.members[0].weight = -1e-6; }));
    EXPECT_TRUE(refused([](ModelDescription &m) { m.blend = Blend::log_odds, m.members[0].weight = NAN; }));
    EXPECT_TRUE(refused([](ModelDescription &m) { m.blend = Blend::log_odds, m.intercept = INFINITY; }));
    EXPECT_TRUE(refused([](ModelDescription &m) {
        m.blend = Blend::log_odds;
        for (Member &member : m.members) member.weight = 0;
    }));
}

TEST(Encodings, StandInForCodesWhereverAModelLooks) {
    std::mt19937 random(11);
    for (int round = 0; round < 20; ++round) {
        ModelDescription description = four_members(7, Blend::log_odds, random);
        const auto bare = Model::load(pack(description));
        description.encodings = random_encodings(7, random);
        std::vector<float> x = hostile_rows(9, 150, random);
        for (float &v : x) v = random() % 3 == 0 ? static_cast<float>(random() % 300) : v;
        std::vector<float> encoded = x;
        for (std::size_t r = 0; r < 150; ++r) {
            for (const CodeMap &map : description.encodings) encoded[9 * r + map.feature] = map(x[9 * r + map.feature]);
        }
        for (const Kernel kernel : all_kernels) {
            const auto model = Model::load(pack(description), kernel);
            EXPECT_EQ(model->encodings(), description.encodings);
            std::vector<float> block(150);
            model->margins(x.data(), 9, 150, block.data());
            for (std::size_t r = 0; r < 150; ++r) {
                const float *row = &x[9 * r], *members_row = &encoded[9 * r];
                ASSERT_EQ(block[r], bare->margin(members_row));
                ASSERT_EQ(model->margin(row), block[r]);
                ASSERT_EQ(model->score(row).margin, block[r]);
                ASSERT_EQ(model->explain(row).contributions, bare->explain(members_row).contributions);
                for (std::size_t i = 0; i < 4; ++i) {
                    ASSERT_EQ(model->member_margin(i, row), bare->member_margin(i, members_row));
                    ASSERT_EQ(model->explain_member(i, row).contributions, bare->explain_member(i, members_row).contributions);
                }
            }
        }
    }
}

TEST(Encodings, RefusesWhatIsNoMap) {
    const auto refused = [](std::vector<CodeMap> encodings) {
        ModelDescription description = one_forest(constant(3, 1));
        description.encodings = std::move(encodings);
        try {
            pack(description);
        } catch (const Error &error) {
            return error.kind == Kind::bad_argument;
        }
        return false;
    };
    EXPECT_FALSE(refused({{0, 1, {1, 2}}, {2, 0, std::vector<float>(max_codes)}}));
    EXPECT_TRUE(refused({{3, 0, {1}}}));
    EXPECT_TRUE(refused({{1, 0, {1}}, {1, 0, {1}}}));
    EXPECT_TRUE(refused({{2, 0, {1}}, {1, 0, {1}}}));
    EXPECT_TRUE(refused({{0, NAN, {1}}}));
    EXPECT_TRUE(refused({{0, 0, {1, INFINITY}}}));
    EXPECT_TRUE(refused({{0, 0, std::vector<float>(max_codes + 1)}}));
}

TEST(Isotonic, IsLinearBetweenKnotsAndFlatOutside) {
    const Calibration c{.prior_shift = 0.5, .interval_half_width = 0.25, .knots = {{-2, -3}, {0, -3}, {1, 1}, {4, 2.5}}};
    const auto at = [&](float margin) { return c.log_odds(margin) - 0.5; };
    EXPECT_EQ(at(-100), -3);
    EXPECT_EQ(at(-2), -3);
    EXPECT_EQ(at(-1), -3);
    EXPECT_EQ(at(0.5), -1);
    EXPECT_EQ(at(1), 1);
    EXPECT_EQ(at(2), 1.5);
    EXPECT_EQ(at(4), 2.5);
    EXPECT_EQ(at(1e30f), 2.5);
    EXPECT_EQ(c.probability(2), sigmoid(2));
    EXPECT_EQ(c.low(2), sigmoid(1.75));
    EXPECT_EQ(c.high(2), sigmoid(2.25));
    const Calibration one{.knots = {{3, -0.5}}};
    EXPECT_EQ(one.log_odds(-7), -0.5);
    EXPECT_EQ(one.log_odds(7), -0.5);
}

TEST(Isotonic, NeverFalls) {
    std::mt19937 random(5);
    std::uniform_real_distribution<double> step(0, 0.1);
    Calibration c;
    Knot knot{-3, -4};
    for (int i = 0; i < 100; ++i) c.knots.push_back(knot = {knot.margin + 1e-9 + step(random), knot.log_odds + step(random)});
    double before = -10;
    for (float m = -3; m < 8; m = std::nextafter(m + 1e-4f, 9.0f)) {
        const double now = c.log_odds(m);
        ASSERT_GE(now, before) << m;
        before = now;
    }
}

TEST(Isotonic, SurvivesTheBlob) {
    std::mt19937 random(6);
    ModelDescription description = four_members(2, Blend::log_odds, random);
    description.calibration = {.prior_shift = -1, .interval_half_width = 0.5, .knots = {{-1, -2}, {1, 0.25}}};
    const auto model = Model::load(pack(description));
    EXPECT_EQ(model->calibration(), description.calibration);
    const float x[] = {0.5f, -0.25f};
    EXPECT_EQ(model->probability(x), description.calibration.probability(model->margin(x)));
    EXPECT_EQ(pack(description), pack(description));
}

TEST(Isotonic, RefusesKnotsThatDoNotRise) {
    const auto refused = [](std::vector<Knot> knots) {
        try {
            pack(one_forest(constant(1, 0), {.knots = std::move(knots)}));
        } catch (const Error &error) {
            return error.kind == Kind::bad_argument;
        }
        return false;
    };
    EXPECT_FALSE(refused({{0, 1}, {1, 1}}));
    EXPECT_TRUE(refused({{0, 1}, {0, 2}}));
    EXPECT_TRUE(refused({{1, 1}, {0, 2}}));
    EXPECT_TRUE(refused({{0, 1}, {1, 0.5}}));
    EXPECT_TRUE(refused({{0, INFINITY}}));
    EXPECT_TRUE(refused({{NAN, 0}}));
    EXPECT_TRUE(refused(std::vector<Knot>(max_knots + 1)));
}

}  // namespace
