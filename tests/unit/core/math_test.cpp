#include "core/math.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

namespace {

using namespace xsell;

constexpr double infinity = std::numeric_limits<double>::infinity();

// Distance to the exact value, in units of the last place of a double.
double ulps(double ours, long double exact) {
    const double rounded = static_cast<double>(exact);
    if (ours == rounded) return 0;
    const double ulp = std::nextafter(std::fabs(rounded), infinity) - std::fabs(rounded);
    return static_cast<double>(std::fabs(static_cast<long double>(ours) - exact) / ulp);
}

TEST(Math, ExpIsWithinTwoUlps) {
    for (double x = -745; x < 709.7; x += 0.00737) ASSERT_LE(ulps(core::exp(x), std::exp(static_cast<long double>(x))), 2) << x;
    for (double x = -1e-3; x < 1e-3; x += 1.37e-8) ASSERT_LE(ulps(core::exp(x), std::exp(static_cast<long double>(x))), 1) << x;
}

TEST(Math, ExpAtTheEdges) {
    EXPECT_EQ(core::exp(0), 1);
    EXPECT_EQ(core::exp(-0.0), 1);
    EXPECT_EQ(core::exp(infinity), infinity);
    EXPECT_EQ(core::exp(-infinity), 0);
    EXPECT_EQ(core::exp(1000), infinity);
    EXPECT_EQ(core::exp(-1000), 0);
    EXPECT_TRUE(std::isnan(core::exp(std::nan(""))));
    EXPECT_TRUE(std::isfinite(core::exp(709.78)));
    EXPECT_GT(core::exp(-745.1), 0);
}

TEST(Math, LogIsWithinTwoUlps) {
    for (double x = 1e-320; x < 1e308; x *= 1.000371)
        ASSERT_LE(ulps(core::log(x), std::log(static_cast<long double>(x))), 2) << x;
    for (double x = 0.5; x < 2; x += 1.7e-6) ASSERT_LE(ulps(core::log(x), std::log(static_cast<long double>(x))), 2) << x;
}

TEST(Math, LogAtTheEdges) {
    EXPECT_EQ(core::log(1), 0);
    EXPECT_EQ(core::log(0), -infinity);
    EXPECT_EQ(core::log(infinity), infinity);
    EXPECT_TRUE(std::isnan(core::log(-1)));
    EXPECT_TRUE(std::isnan(core::log(std::nan(""))));
    EXPECT_NEAR(core::log(5e-324), std::log(5e-324), 1e-10);
}

TEST(Math, SigmoidIsAccurateAndNeverFalls) {
    double last = 0;
    for (double x = -750; x < 40; x += 0.00091) {
        const double p = core::sigmoid(x);
        const long double e = std::exp(static_cast<long double>(x));
        ASSERT_LE(ulps(p, e / (1 + e)), 4) << x;
        ASSERT_GE(p, last) << x;
        last = p;
    }
}

// Margins are floats, so this is the step that matters.
TEST(Math, SigmoidNeverFallsFromFloatToFloat) {
    for (const float from : {-20.0f, -3.0f, -0.5f, 0.25f, 2.0f, 9.0f}) {
        float x = from;
        double last = core::sigmoid(x);
        for (int i = 0; i < 200000; ++i) {
            x = std::nextafter(x, 100.0f);
            const double p = core::sigmoid(x);
            ASSERT_GE(p, last) << x;
            last = p;
        }
    }
}

TEST(Math, SigmoidAtTheEdges) {
    EXPECT_EQ(core::sigmoid(0), 0.5);
    EXPECT_EQ(core::sigmoid(infinity), 1);
    EXPECT_EQ(core::sigmoid(-infinity), 0);
    EXPECT_LT(core::sigmoid(36), 1);
    EXPECT_GT(core::sigmoid(-700), 0);
}

TEST(Math, LogitUndoesSigmoid) {
    for (double x = -30; x < 30; x += 0.0137) {
        // 1 - p has lost bits for large x; that is the double's limit, not ours.
        ASSERT_NEAR(core::logit(core::sigmoid(x)), x, 1e-12 + 3e-16 * std::exp(std::max(0.0, x))) << x;
    }
    EXPECT_EQ(core::logit(0), -infinity);
    EXPECT_EQ(core::logit(1), infinity);
    EXPECT_TRUE(std::isnan(core::logit(1.5)));
    EXPECT_TRUE(std::isnan(core::logit(-0.5)));
}

// Bits written down once: a compiler or machine that computes others would break stored scores.
TEST(Math, SameBitsEverywhere) {
    std::mt19937_64 random(11);
    std::uint64_t mixed = 0;
    for (int i = 0; i < 100000; ++i) {
        const double x = static_cast<double>(random() >> 11) * 0x1p-53 * 60 - 30;
        for (const double value : {core::exp(x), core::log(core::exp(x)), core::sigmoid(x)}) {
            std::uint64_t bits;
            static_assert(sizeof bits == sizeof value);
            __builtin_memcpy(&bits, &value, sizeof bits);
            mixed = (mixed ^ bits) * 0x9e3779b97f4a7c15u;
            mixed ^= mixed >> 29;
        }
    }
    EXPECT_EQ(mixed, 7745916375502283003u);
}

}  // namespace
