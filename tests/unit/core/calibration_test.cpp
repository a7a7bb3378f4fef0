#include <gtest/gtest.h>

#include <cmath>

#include "core/metrics/random.hpp"
#include "core/training/calibration.hpp"

namespace xsell::core {
namespace {

using Floats = std::vector<float>;

double logit(double p) { return std::log(p / (1 - p)); }

// Two margins with known rates: the maximum likelihood line goes through both observed log-odds exactly.
TEST(Platt, TwoGroupsHaveAClosedForm) {
    Floats margin, label;
    for (int i = 0; i < 10; ++i) {
        margin.push_back(-1);
        label.push_back(i < 2);  // rate 0.2
        margin.push_back(1);
        label.push_back(i < 7);  // rate 0.7
    }
    const Platt platt = fit_platt(margin, label, Floats(20, 1.0f));
    EXPECT_NEAR(platt.slope, (logit(0.7) - logit(0.2)) / 2, 1e-6);
    EXPECT_NEAR(platt.intercept, (logit(0.7) + logit(0.2)) / 2, 1e-6);
}

TEST(Platt, WeightsCountAsRepeatedRows) {
    const Floats margin{-1, -1, 1, 1}, label{0, 1, 0, 1}, weight{8, 2, 3, 7};
    const Platt platt = fit_platt(margin, label, weight);
    EXPECT_NEAR(platt.slope, (logit(0.7) - logit(0.2)) / 2, 1e-6);
    EXPECT_NEAR(platt.intercept, (logit(0.7) + logit(0.2)) / 2, 1e-6);
}

TEST(Platt, FindsTheLineThatTheDataWereDrawnFrom) {
    Random random(11);
    Floats margin, label;
    for (int i = 0; i < 200000; ++i) {
        const double m = random.below(1 << 20) / double(1 << 20) * 6 - 3;
        const double p = 1 / (1 + std::exp(-(0.6 * m - 1.5)));
        margin.push_back(static_cast<float>(m));
        label.push_back(random.below(1 << 20) / double(1 << 20) < p);
    }
    const Platt platt = fit_platt(margin, label, Floats(margin.size(), 1.0f));
    EXPECT_NEAR(platt.slope, 0.6, 0.02);
    EXPECT_NEAR(platt.intercept, -1.5, 0.02);
}

TEST(Platt, DegenerateDataGiveNoWildLine) {
    const Floats one_class(4, 0.0f), margin{-1, 0, 1, 2}, weight(4, 1.0f);
    EXPECT_EQ(fit_platt(margin, one_class, weight).slope, 1);
    EXPECT_EQ(fit_platt(margin, one_class, weight).intercept, 0);
    const Platt separated = fit_platt(margin, Floats{0, 0, 1, 1}, weight);
    EXPECT_EQ(separated.slope, 1);
    EXPECT_TRUE(std::isfinite(separated.intercept));
    const Platt inverted = fit_platt(margin, Floats{1, 1, 0, 1}, weight);
    EXPECT_EQ(inverted.slope, 1);
    const Platt constant = fit_platt(Floats(4, 0.5f), Floats{1, 0, 0, 0}, weight);
    EXPECT_NEAR(constant.slope * 0.5 + constant.intercept, logit(0.25), 1e-6);
}

TEST(Platt, LevelMeetsTheObservedRate) {
    const Floats margin{-1, 0, 1, 2}, label{0, 0, 1, 1}, weight(4, 1.0f);
    const Platt platt = fit_platt(margin, label, weight);
    double promised = 0;
    for (const float m : margin) {
        promised += 1 / (1 + std::exp(-(platt.slope * m + platt.intercept)));
    }
    EXPECT_NEAR(promised, 2, 1e-6);
}

TEST(IntervalHalfWidth, IsTheDistanceOfTheObservedRates) {
    // One bin (too few positives for more): promised 0.5, observed (3 + .5) / (12 + 1).
    Floats margin(12, 0.0f), label(12, 0.0f), weight(12, 1.0f);
    label[0] = label[5] = label[7] = 1;
    EXPECT_NEAR(interval_half_width(margin, label, weight, {}), std::fabs(logit(3.5 / 13)), 1e-9);
    EXPECT_EQ(interval_half_width({}, {}, {}, {}), 0);
}

TEST(IntervalHalfWidth, ShrinksWithTheData) {
    auto width = [](int rows) {
        Random random(5);
        Floats margin, label;
        for (int i = 0; i < rows; ++i) {
            const double m = random.below(1 << 20) / double(1 << 20) * 4 - 2;
            margin.push_back(static_cast<float>(m));
            label.push_back(random.below(1 << 20) / double(1 << 20) < 1 / (1 + std::exp(-m)));
        }
        return interval_half_width(margin, label, Floats(margin.size(), 1.0f), {});
    };
    EXPECT_LT(width(100000), width(1000));
    EXPECT_LT(width(100000), 0.1);
}

TEST(WeightedLogLoss, ByHand) {
    const double p = 1 / (1 + std::exp(-2.0));
    EXPECT_NEAR(weighted_log_loss(Floats{2, 2}, Floats{1, 0}, Floats{3, 1}), -(3 * std::log(p) + std::log(1 - p)) / 4, 1e-7);
}

}  // namespace
}  // namespace xsell::core
