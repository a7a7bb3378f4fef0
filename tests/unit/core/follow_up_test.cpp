#include "core/features/follow_up.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <map>
#include <random>

#include "core/features/segment_lift.hpp"

namespace xsell::core {
namespace {

const Checkpoint none = [] {};

struct Dated {
    Csr held;
    std::vector<float> days;
};

Dated random_history(std::size_t entities, std::uint32_t products) {
    std::mt19937 random(7);
    std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
    for (std::uint32_t e = 0; e < entities; ++e) {
        for (std::uint32_t p = 0; p < products; ++p) {
            if (random() % 3 == 0) pairs.emplace_back(e, p);
        }
    }
    Dated result{make_csr(entities, pairs), {}};
    for (std::size_t i = 0; i < result.held.column.size(); ++i) result.days.push_back(static_cast<float>(random() % 500));
    return result;
}

TEST(FollowUps, AreTheLogOfSeenToExpectedPurchasesWithinReach) {
    constexpr std::uint32_t products = 9;
    const Dated history = random_history(80, products);
    const Csr by_product = transpose(history.held, products);
    const Affinity affinity(history.held, by_product, {}, {}, none);
    const FollowUpOptions options;
    const FollowUps follow_ups(history.held, history.days, by_product, affinity, options, none);

    // The same by its definition: every ordered pair of every basket, counted by lag.
    const auto bucket = [&](float lag) {
        return std::min<int>(static_cast<int>(lag / options.bucket_days), static_cast<int>(options.buckets) - 1);
    };
    std::map<std::array<int, 3>, double> pair;
    std::map<std::array<int, 2>, double> any;
    std::map<int, double> later;
    double all = 0;
    for (std::size_t e = 0; e < history.held.rows(); ++e) {
        for (std::size_t i = history.held.start[e]; i < history.held.start[e + 1]; ++i) {
            for (std::size_t k = history.held.start[e]; k < history.held.start[e + 1]; ++k) {
                const float lag = history.days[i] - history.days[k];
                if (lag <= 0) continue;
                const int from = static_cast<int>(history.held.column[i]), to = static_cast<int>(history.held.column[k]);
                ++pair[{from, to, bucket(lag)}], ++any[{from, bucket(lag)}], ++later[to], ++all;
            }
        }
    }
    std::vector<float> due(products);
    for (std::size_t e = 0; e < 10; ++e) {
        const auto held = history.held.row(e);
        const auto days = std::span<const float>(history.days).subspan(history.held.start[e], held.size());
        follow_ups.due(held, days, due);
        for (int to = 0; to < static_cast<int>(products); ++to) {
            double most = 0;
            for (std::size_t i = 0; i < held.size(); ++i) {
                const int from = static_cast<int>(held[i]), first = bucket(days[i]);
                if (from == to) continue;
                double seen = options.shrinkage, expected = options.shrinkage;
                for (int b = first; b < std::min<int>(first + static_cast<int>(options.reach), static_cast<int>(options.buckets));
                     ++b) {
                    seen += pair[{from, to, b}];
                    expected += any[{from, b}] * later[to] / all;
                }
                most = std::max(most, std::log(seen / expected));
            }
            EXPECT_NEAR(due[static_cast<std::size_t>(to)], most, 1e-5) << e << ' ' << to;
        }
    }
}

// Product 1 is bought 100 days after product 0, product 2 whenever.
TEST(FollowUps, AreDueWhenOthersBoughtAndNotLongAfter) {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
    std::vector<float> days;
    for (std::uint32_t e = 0; e < 60; ++e) {
        for (std::uint32_t p = 0; p < 3; ++p) pairs.emplace_back(e, p);
        days.insert(days.end(), {400, 300, static_cast<float>(e * 6 + 1)});
    }
    const Csr held = make_csr(60, pairs);
    const Csr by_product = transpose(held, 3);
    const Affinity affinity(held, by_product, {}, {}, none);
    const FollowUps follow_ups(held, days, by_product, affinity, {}, none);
    const std::vector<std::uint32_t> has = {0};
    std::vector<float> soon(3), late(3);
    follow_ups.due(has, std::vector<float>{60}, soon);
    follow_ups.due(has, std::vector<float>{250}, late);
    EXPECT_GT(soon[1], 0.3f);
    EXPECT_EQ(late[1], 0);
}

TEST(FollowUps, SayNothingWhereNothingIsDated) {
    const Csr held = make_csr(2, {{0, 0}, {0, 1}, {1, 0}, {1, 1}});
    const Csr by_product = transpose(held, 2);
    const Affinity affinity(held, by_product, {}, {}, none);
    const FollowUps follow_ups(held, {}, by_product, affinity, {}, none);
    std::vector<float> due(2, 5);
    follow_ups.due(held.row(0), {}, due);
    EXPECT_EQ(due[0], 0);
    EXPECT_EQ(due[1], 0);
}

TEST(SegmentLifts, CompareTheSegmentWithEverybody) {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
    std::vector<std::int32_t> code;
    for (std::uint32_t e = 0; e < 75; ++e) {
        code.push_back(e < 30 ? 0 : e < 60 ? 3 : e < 70 ? 1 : -1);
        pairs.emplace_back(e, e < 30 ? 0 : 1);
        if (e % 2 == 0) pairs.emplace_back(e, 2);
    }
    const Csr held = make_csr(75, pairs);
    const SegmentLifts lifts(code, held, 3);
    ASSERT_EQ(lifts.of(0).size(), 3u);
    const double all = static_cast<double>(held.column.size());
    EXPECT_NEAR(lifts.of(0)[0], std::log((30 + 5) / (45 * 30 / all + 5)), 1e-5);
    EXPECT_NEAR(lifts.of(0)[1], std::log((0 + 5) / (45 * 45 / all + 5)), 1e-5);
    EXPECT_NEAR(lifts.of(3)[1], std::log((30 + 5) / (45 * 45 / all + 5)), 1e-5);
    for (const std::int32_t unsaid : {-1, 1, 2, 4}) EXPECT_TRUE(lifts.of(unsaid).empty()) << unsaid;
}

TEST(SegmentLifts, BandsOfHeadcount) {
    const auto band = [](double employees) { return size_band(std::log(employees)); };
    EXPECT_EQ(band(1), 0);
    EXPECT_EQ(band(9), 0);
    EXPECT_EQ(band(10), 1);
    EXPECT_EQ(band(49), 1);
    EXPECT_EQ(band(50), 2);
    EXPECT_EQ(band(249), 2);
    EXPECT_EQ(band(250), 3);
    EXPECT_EQ(band(1000), 4);
    EXPECT_EQ(band(5000), 5);
    EXPECT_EQ(size_band(NAN), -1);
}

}  // namespace
}  // namespace xsell::core
