#include "core/metrics/drift.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "core/error.hpp"
#include "core/metrics/random.hpp"

namespace xsell::core {
namespace {

constexpr float inf = std::numeric_limits<float>::infinity();
constexpr float missing = std::numeric_limits<float>::quiet_NaN();
using Counts = std::vector<std::int64_t>;

std::vector<float> cuts_of(std::vector<float> column) { return bin_cuts(column); }

std::vector<float> padded(std::vector<float> cuts) {
    cuts.resize(cut_room, missing);
    return cuts;
}

// Counts of one column: rows without a value, then cuts + 1 bins.
Counts counts_of(const std::vector<float> &column, const std::vector<float> &cuts) {
    const auto room = padded(cuts);
    Counts counts(bin_room);
    for (const float value : column) {
        count_bins({&value, 1}, room.data(), counts.data());
    }
    EXPECT_EQ(std::accumulate(counts.begin() + static_cast<std::ptrdiff_t>(cuts.size()) + 2, counts.end(), std::int64_t{0}), 0);
    counts.resize(cuts.size() + 2);
    return counts;
}

std::vector<float> ramp(int n) {
    std::vector<float> column(static_cast<std::size_t>(n));
    std::iota(column.begin(), column.end(), 1.0f);
    return column;
}

TEST(Drift, QuantilesOfARampHoldATwentiethEach) {
    const auto cuts = cuts_of(ramp(1000));
    ASSERT_EQ(cuts.size(), 19u);
    for (std::size_t j = 0; j < cuts.size(); ++j) EXPECT_EQ(cuts[j], 50.0f * static_cast<float>(j + 1));
    Counts expected(21, 50);
    expected[0] = 0;
    EXPECT_EQ(counts_of(ramp(1000), cuts), expected);
}

TEST(Drift, FewValuesGetABinEachAndStrangersTheirOwn) {
    const std::vector<float> column{1, 0, 1, missing, 0, 0};
    const auto cuts = cuts_of(column);
    ASSERT_EQ(cuts.size(), 3u);
    EXPECT_EQ(counts_of(column, cuts), (Counts{1, 0, 3, 2, 0}));
    EXPECT_EQ(counts_of({-0.0f, -1, 0.5f, 2, inf, -inf, missing}, cuts), (Counts{1, 2, 1, 1, 2}));
}

TEST(Drift, TwentyValuesAreFewTwentyOneAreNot) {
    EXPECT_EQ(cuts_of(ramp(20)).size(), 21u);
    EXPECT_EQ(cuts_of(ramp(21)).size(), 19u);
}

TEST(Drift, AConstantThatMovesIsSeen) {
    const auto cuts = cuts_of(std::vector<float>(1000, 7));
    const auto same = compare_bins(counts_of(std::vector<float>(1000, 7), cuts), counts_of(std::vector<float>(500, 7), cuts));
    EXPECT_EQ(same.psi, 0);
    EXPECT_EQ(same.jsd, 0);
    EXPECT_EQ(same.noise, 0);
    const auto moved = compare_bins(counts_of(std::vector<float>(1000, 7), cuts), counts_of(std::vector<float>(500, 8), cuts));
    EXPECT_DOUBLE_EQ(moved.jsd, 1);
    EXPECT_EQ(moved.level, DriftLevel::major);
}

TEST(Drift, TiesShareABin) {
    auto column = ramp(100);  // 100 values, and nine rows in ten are zero
    column.insert(column.end(), 900, 0.0f);
    const auto cuts = cuts_of(column);
    ASSERT_EQ(cuts, (std::vector<float>{0, 50}));
    EXPECT_EQ(counts_of(column, cuts), (Counts{0, 900, 50, 50}));
}

TEST(Drift, TiesAtTheTopAreToldFromTheRest) {
    auto column = ramp(30);
    column.insert(column.end(), 970, 31.0f);
    const auto cuts = cuts_of(column);
    ASSERT_EQ(cuts, (std::vector<float>{30}));
    EXPECT_EQ(counts_of(column, cuts), (Counts{0, 30, 970}));
}

TEST(Drift, AllMissing) {
    const std::vector<float> column(10, missing);
    EXPECT_TRUE(cuts_of(column).empty());
    EXPECT_EQ(counts_of(column, {}), (Counts{10, 0}));
    EXPECT_TRUE(cuts_of({}).empty());
    const auto filled = compare_bins(counts_of(column, {}), counts_of(ramp(100), {}));
    EXPECT_EQ(filled.level, DriftLevel::major);
}

TEST(Drift, InfinitiesAreValues) {
    auto column = ramp(1000);
    column[0] = -inf;
    column[999] = inf;
    const auto counts = counts_of(column, cuts_of(column));
    EXPECT_EQ(counts.front(), 0);
    EXPECT_EQ(counts[1], 50);
    EXPECT_EQ(counts.back(), 50);
    const auto few = cuts_of({-inf, inf, 0});
    EXPECT_EQ(counts_of({-inf, inf, 0, 1}, few), (Counts{0, 1, 1, 2, 0}));
}

// Both numbers as NumPy computes them from
//   e, a = np.array([10, 200, 300, 490]), np.array([60, 100, 240, 100]); n, m = e.sum(), a.sum()
//   p, q = (e + .5) / (n + 2), (a + .5) / (m + 2);  ((q - p) * np.log(q / p)).sum()
//   scipy.spatial.distance.jensenshannon(e / n, a / m, 2) ** 2
TEST(Drift, EqualsTheClosedForm) {
    const Counts e{10, 200, 300, 490}, a{60, 100, 240, 100};
    const double n = 1000, m = 500;
    double psi = 0, jsd = 0;
    for (std::size_t b = 0; b < 4; ++b) {
        const double x = static_cast<double>(e[b]), y = static_cast<double>(a[b]);
        const double p = (x + 0.5) / (n + 2), q = (y + 0.5) / (m + 2), mean = (x / n + y / m) / 2;
        psi += (q - p) * std::log(q / p);
        jsd += (x / n * std::log2(x / n / mean) + y / m * std::log2(y / m / mean)) / 2;
    }
    const auto drift = compare_bins(e, a);
    EXPECT_NEAR(drift.psi, psi, 1e-12);
    EXPECT_NEAR(drift.jsd, jsd, 1e-12);
    EXPECT_NEAR(drift.psi, 0.61138221429752, 1e-12);
    EXPECT_NEAR(drift.jsd, 0.100042676230671, 1e-12);
    EXPECT_DOUBLE_EQ(drift.noise, 3 * (1 / n + 1 / m));
    EXPECT_EQ(drift.level, DriftLevel::major);
}

TEST(Drift, EmptyBinsOnOneSideAreFinite) {
    const auto drift = compare_bins(Counts{0, 1000, 0, 0}, Counts{0, 0, 1000, 0});
    EXPECT_TRUE(std::isfinite(drift.psi));
    EXPECT_DOUBLE_EQ(drift.jsd, 1);
    EXPECT_NEAR(drift.psi, 2 * 1000.0 / 1001 * std::log(2001.0), 1e-9);  // two bins, (1000.5 - 0.5) / 1001 apart
}

TEST(Drift, NothingToCompare) {
    EXPECT_TRUE(std::isnan(compare_bins(Counts{0, 0}, Counts{1, 2}).psi));
    EXPECT_TRUE(std::isnan(compare_bins(Counts{1, 2}, Counts{0, 0}).jsd));
    EXPECT_TRUE(std::isnan(compare_bins({}, {}).noise));
    EXPECT_THROW(compare_bins(Counts{1}, Counts{1, 2}), Error);
}

// Small samples of one distribution have a large index: the noise says how large, and the level does not call it drift.
TEST(Drift, NoiseIsWhatOneDistributionGives) {
    Random random(7);
    const auto draw = [&](int n) {
        std::vector<float> column(static_cast<std::size_t>(n));
        for (float &v : column) v = static_cast<float>(random.below(1u << 24));
        return column;
    };
    double psi = 0, noise = 0;
    int alarms = 0;
    for (int round = 0; round < 400; ++round) {
        const auto column = draw(400);
        const auto cuts = cuts_of(column);
        const auto drift = compare_bins(counts_of(column, cuts), counts_of(draw(100), cuts));
        psi += drift.psi / 400;
        noise += drift.noise / 400;
        alarms += drift.level != DriftLevel::stable;
    }
    EXPECT_GT(noise, 0.2);  // far above the usual threshold
    EXPECT_NEAR(psi / noise, 1, 0.15);
    EXPECT_LE(alarms, 8);
}

TEST(Drift, LevelsByTheUsualThresholds) {
    const Counts e{0, 500000, 500000};
    const auto level = [&](std::int64_t first) { return compare_bins(e, Counts{0, first, 1000000 - first}).level; };
    EXPECT_EQ(level(500000), DriftLevel::stable);
    EXPECT_EQ(level(400000), DriftLevel::stable);    // psi = .1 ln 1.5 = .041
    EXPECT_EQ(level(330000), DriftLevel::moderate);  // .17 ln(.67 / .33) = .120
    EXPECT_EQ(level(200000), DriftLevel::major);     // .3 ln 4 = .416
}

}  // namespace
}  // namespace xsell::core
