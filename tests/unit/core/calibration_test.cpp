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

TEST(Isotonic, PoolsByHand) {
    // Margins 1..6, labels 0 1 0 0 1 1: the violators 1 0 0 become one block of rate 1/3.
    const std::vector<Block> blocks =
        pool_adjacent_violators(Floats{6, 1, 2, 3, 4, 5}, Floats{1, 0, 1, 0, 0, 1}, Floats(6, 1.0f));
    ASSERT_EQ(blocks.size(), 3u);
    EXPECT_EQ(std::tuple(blocks[0].low, blocks[0].high, blocks[0].mass, blocks[0].hits), std::tuple(1.0, 1.0, 1.0, 0.0));
    EXPECT_EQ(std::tuple(blocks[1].low, blocks[1].high, blocks[1].mass, blocks[1].hits), std::tuple(2.0, 4.0, 3.0, 1.0));
    EXPECT_EQ(blocks[1].center, 3);
    EXPECT_EQ(std::tuple(blocks[2].low, blocks[2].high, blocks[2].mass, blocks[2].hits), std::tuple(5.0, 6.0, 2.0, 2.0));
}

TEST(Isotonic, WeightsAndTiesPool) {
    const std::vector<Block> blocks = pool_adjacent_violators(Floats{1, 1, 2, 2}, Floats{0, 1, 0, 1}, Floats{1, 3, 2, 2});
    ASSERT_EQ(blocks.size(), 1u);  // 3/4 before 2/4
    EXPECT_EQ(blocks[0].hits, 5);
    EXPECT_EQ(blocks[0].mass, 8);
    EXPECT_EQ(blocks[0].center, 1.5);
}

// Margins whose log-odds have a bend, which no line follows.
struct Bent {
    Floats margin;
    Matrix rows;
};

double bent_rate(double margin) { return 1 / (1 + std::exp(3 - (margin < 0 ? 0.1 : 1.5) * margin)); }

Bent bent(int rows, std::uint64_t seed) {
    Random random(seed);
    Bent result;
    for (int i = 0; i < rows; ++i) {
        const double m = random.below(1 << 20) / double(1 << 20) * 6 - 3;
        result.margin.push_back(static_cast<float>(m));
        result.rows.label.push_back(random.below(1 << 20) / double(1 << 20) < bent_rate(m));
        result.rows.weight.push_back(1);
    }
    return result;
}

TEST(Isotonic, KnotsRiseAndFollowTheRates) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        const Bent data = bent(100 << (seed % 8), seed);
        const std::vector<Knot> knots = fit_isotonic(data.margin, data.rows.label, data.rows.weight, {0.5, 0});
        ASSERT_FALSE(knots.empty());
        for (std::size_t k = 1; k < knots.size(); ++k) {
            EXPECT_LT(knots[k - 1].margin, knots[k].margin);
            EXPECT_LT(knots[k - 1].log_odds, knots[k].log_odds);
        }
        for (const Knot &knot : knots) {
            EXPECT_TRUE(std::isfinite(knot.log_odds));
        }
    }
    const Bent data = bent(50000, 3);
    Calibration calibration;
    calibration.knots = fit_isotonic(data.margin, data.rows.label, data.rows.weight, {0.5, 0});
    for (const float m : {-2.0f, -1.0f, 1.0f, 2.0f}) {
        EXPECT_NEAR(calibration.probability(m), bent_rate(m), 0.03);
    }
    EXPECT_TRUE(fit_isotonic(Floats{1, 2}, Floats{0, 0}, Floats{1, 1}, {}).empty());
}

TEST(FitCalibration, TakesWhatIsBetterOnRowsItHasNotSeen) {
    const Bent data = bent(20000, 1);
    const CalibrationFit bent_fit = fit_calibration(data.margin, data.rows, CalibrationChoice::automatic, 1);
    EXPECT_TRUE(bent_fit.isotonic);
    EXPECT_LT(bent_fit.calibration_error, 0.02);
    EXPECT_LT(bent_fit.log_loss, fit_calibration(data.margin, data.rows, CalibrationChoice::platt, 1).log_loss);
    Random random(5);
    Bent straight = bent(3000, 2);
    for (std::size_t i = 0; i < straight.margin.size(); ++i) {
        straight.rows.label[i] = random.below(1 << 20) / double(1 << 20) < 1 / (1 + std::exp(2 - 0.7 * straight.margin[i]));
    }
    const CalibrationFit line = fit_calibration(straight.margin, straight.rows, CalibrationChoice::automatic, 1);
    EXPECT_FALSE(line.isotonic);
    EXPECT_NEAR(line.calibration.slope, 0.7, 0.15);
    EXPECT_GT(line.calibration.interval_half_width, 0);
    EXPECT_TRUE(fit_calibration(straight.margin, straight.rows, CalibrationChoice::isotonic, 1).isotonic);
}

TEST(FitCalibration, FewRowsGetALine) {
    const Matrix rows{0, {}, {0, 1, 0, 1}, {1, 1, 1, 1}, {}, {}};
    const CalibrationFit fit = fit_calibration(Floats{-1, 0, 1, 2}, rows, CalibrationChoice::automatic, 1);
    EXPECT_FALSE(fit.isotonic);
    EXPECT_TRUE(std::isfinite(fit.calibration.intercept));
}

TEST(WeightedLogLoss, ByHand) {
    const double p = 1 / (1 + std::exp(-2.0));
    EXPECT_NEAR(weighted_log_loss(Floats{2, 2}, Floats{1, 0}, Floats{3, 1}), -(3 * std::log(p) + std::log(1 - p)) / 4, 1e-7);
}

}  // namespace
}  // namespace xsell::core
