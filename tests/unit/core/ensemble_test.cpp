#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "core/error.hpp"
#include "core/math.hpp"
#include "core/scoring/model.hpp"
#include "core/training/blend.hpp"
#include "core/training/calibration.hpp"
#include "core/training/ensemble.hpp"
#include "core/training/folds.hpp"
#include "training_world.hpp"

namespace xsell::core {
namespace {

using test::quick;
using test::silent;
using test::world;
using test::world_over_time;

void expect_honest(const Matrix &matrix, const std::vector<Fold> &folds, int asked) {
    ASSERT_GE(folds.size(), 1u);
    ASSERT_LE(folds.size(), static_cast<std::size_t>(asked));
    std::set<std::uint32_t> validated;
    for (const Fold &fold : folds) {
        std::set<std::int64_t> entities;
        std::int64_t first = std::numeric_limits<std::int64_t>::max();
        int classes[2][2] = {};
        const auto entity = [&](std::uint32_t i) { return matrix.entity.empty() ? i : matrix.entity[i]; };
        const auto time = [&](std::uint32_t i) { return matrix.time.empty() ? 0 : matrix.time[i]; };
        for (const std::uint32_t i : fold.validate) {
            EXPECT_TRUE(validated.insert(i).second);
            entities.insert(entity(i));
            first = std::min(first, time(i));
            ++classes[0][matrix.label[i] > 0];
        }
        for (const std::uint32_t i : fold.train) {
            EXPECT_FALSE(entities.contains(entity(i)));
            EXPECT_LE(time(i), first);
            ++classes[1][matrix.label[i] > 0];
        }
        EXPECT_TRUE(std::is_sorted(fold.train.begin(), fold.train.end()));
        for (const auto &side : classes) {
            EXPECT_GT(side[0], 0);
            EXPECT_GT(side[1], 0);
        }
    }
}

TEST(Folds, AreDisjointInEntitiesAndOrderedInTime) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        Random random(seed);
        Matrix matrix = world_over_time(10 + random.below(200), 1 + static_cast<int>(random.below(6)), seed);
        if (seed % 3 == 0) {
            matrix.time.clear();
        }
        if (seed % 5 == 0) {
            matrix.entity.clear();
        }
        if (seed % 4 == 0) {  // rare
            for (std::size_t i = 0; i < matrix.rows(); ++i) {
                matrix.label[i] = i % 37 == 0;
            }
        }
        for (const int count : {2, 3, 5, 10}) {
            try {
                expect_honest(matrix, make_folds(matrix, count, seed), count);
            } catch (const Error &error) {
                EXPECT_EQ(error.kind, Kind::no_data);
                EXPECT_LT(matrix.positives(), 12u);
            }
        }
    }
}

TEST(Folds, OneTimeValidatesEveryRowOnce) {
    const Matrix matrix = world(1000, 1);
    const std::vector<Fold> folds = make_folds(matrix, 4, 1);
    ASSERT_EQ(folds.size(), 4u);
    std::size_t validated = 0;
    for (const Fold &fold : folds) {
        validated += fold.validate.size();
        EXPECT_EQ(fold.train.size() + fold.validate.size(), 1000u);
    }
    EXPECT_EQ(validated, 1000u);
}

TEST(Folds, AreFewerWherePositivesAreFew) {
    Matrix matrix = world(100, 1);
    std::fill(matrix.label.begin(), matrix.label.end(), 0.0f);
    matrix.label[3] = matrix.label[50] = matrix.label[97] = 1;
    EXPECT_EQ(make_folds(matrix, 10, 1).size(), 3u);
    matrix.label[50] = matrix.label[97] = 0;
    EXPECT_THROW(make_folds(matrix, 10, 1), Error);
    matrix.label[3] = 0;
    EXPECT_THROW(make_folds(matrix, 10, 1), Error);
}

// Margins of a truth seen through noise of some size.
struct Noisy {
    std::vector<std::vector<float>> margin;
    std::vector<float> label, weight;
};

Noisy noisy(std::initializer_list<double> noise, std::size_t rows, std::uint64_t seed) {
    Random random(seed);
    const auto uniform = [&] { return static_cast<double>(random.below(1 << 24)) / (1 << 24); };
    Noisy result{std::vector<std::vector<float>>(noise.size()), {}, std::vector<float>(rows, 1.0f)};
    for (std::size_t i = 0; i < rows; ++i) {
        const double z = 6 * uniform() - 4;
        result.label.push_back(uniform() < sigmoid(z));
        std::size_t m = 0;
        for (const double size : noise) {
            result.margin[m++].push_back(static_cast<float>(z + size * (uniform() + uniform() + uniform() - 1.5)));
        }
    }
    return result;
}

TEST(Blend, IsNoWorseThanItsBestMember) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        Noisy data = noisy({1, 2, 3, 8}, 40 + seed * 20, seed);
        if (seed % 2 == 0) {  // one that points the wrong way
            for (float &m : data.margin[2]) {
                m = -m;
            }
        }
        const BlendFit fit = fit_blend(data.margin, data.label, data.weight);
        double best = 1e9;
        for (const auto &margin : data.margin) {
            best = std::min(best, weighted_log_loss(margin, data.label, data.weight));
        }
        EXPECT_LE(fit.log_loss, best);
        EXPECT_GT(*std::max_element(fit.weights.begin(), fit.weights.end()), 0);
        for (const double w : fit.weights) {
            EXPECT_GE(w, 0);
        }
    }
}

TEST(Blend, WhatPointsTheWrongWayIsLeftOut) {
    Noisy data = noisy({1, 2, 4}, 20000, 1);
    for (float &m : data.margin[0]) {
        m = -m;
    }
    const BlendFit fit = fit_blend(data.margin, data.label, data.weight);
    EXPECT_EQ(fit.weights[0], 0);
    EXPECT_GT(fit.weights[1], 0);
}

TEST(Blend, LessNoiseWeighsMore) {
    const Noisy data = noisy({1, 2, 4}, 20000, 1);
    const BlendFit fit = fit_blend(data.margin, data.label, data.weight);
    EXPECT_GT(fit.weights[0], fit.weights[1]);
    EXPECT_GT(fit.weights[1], fit.weights[2]);
    for (const auto &margin : data.margin) {
        EXPECT_LT(fit.log_loss, weighted_log_loss(margin, data.label, data.weight));
    }
}

// One member whose margins are twice too large and one too low: the weight is the slope of Platt's line, but for the ridge.
TEST(Blend, OfOneMemberIsALogisticLine) {
    Noisy data = noisy({0}, 50000, 1);
    for (float &m : data.margin[0]) {
        m = 2 * m - 1;
    }
    const BlendFit fit = fit_blend(data.margin, data.label, data.weight);
    const Platt platt = fit_platt(data.margin[0], data.label, data.weight);
    EXPECT_NEAR(fit.weights[0], platt.slope, 1e-3);
    EXPECT_NEAR(fit.intercept, platt.intercept, 1e-3);
}

double sum_of_probabilities(const Model &model, const Matrix &rows) {
    double sum = 0;
    for (std::size_t i = 0; i < rows.rows(); ++i) {
        sum += model.probability(rows.row(i).data());
    }
    return sum;
}

TEST(Ensemble, LearnsBlendsAndCalibrates) {
    const Matrix train = world_over_time(1500, 4, 1), calibrate = world(2000, 2), fresh = world(5000, 3);
    std::vector<std::string> phases;
    const Hooks hooks{[] {},
                      [&](const Progress &p) {
                          EXPECT_LE(p.round, p.rounds);
                          if (phases.empty() || phases.back() != p.phase) {
                              phases.emplace_back(p.phase);
                          }
                      }};
    const EnsembleFit fit = fit_ensemble(train, calibrate, quick(), hooks);
    ASSERT_EQ(fit.members.size(), 4u);
    EXPECT_EQ(fit.folds, 3);
    EXPECT_EQ(phases.front(), "cross-validation");
    EXPECT_EQ(phases.back(), "calibration");
    std::size_t kept = 0;
    for (const MemberFit &member : fit.members) {
        EXPECT_LE(fit.log_loss, member.log_loss + 1e-6);
        EXPECT_GT(member.auc, 0.8);
        kept += member.weight > 0;
        EXPECT_EQ(member.rounds > 0, member.weight > 0);
        EXPECT_EQ(member.gain.empty(), member.weight == 0 || member.kind == MemberKind::neural_network);
    }
    EXPECT_EQ(fit.model.members.size(), kept);
    EXPECT_EQ(fit.artefacts.size(), kept);
    EXPECT_GT(fit.auc, 0.87);
    const auto model = Model::load(pack(fit.model));
    EXPECT_EQ(model->members(), kept);
    double came = 0;
    for (const float y : fresh.label) {
        came += y;
    }
    EXPECT_NEAR(sum_of_probabilities(*model, fresh) / came, 1, 0.06);
    EXPECT_LT(fit.calibration_error, 0.06);
}

TEST(Ensemble, SameSeedGivesTheSameBytes) {
    const Matrix train = world_over_time(300, 4, 1), calibrate = world(500, 2);
    Parameters one = quick();
    one.xgboost.rounds = one.gradient_boosting.rounds = 12;
    one.folds = 2;
    Parameters two = one;
    two.threads = 2;
    const auto bytes = [&](const Parameters &p) { return pack(fit_ensemble(train, calibrate, p, silent()).model); };
    EXPECT_EQ(bytes(one), bytes(two));
}

TEST(Ensemble, GivenWeightsAreKept) {
    const Matrix train = world(2000, 1), calibrate = world(1000, 2);
    Parameters p = quick();
    p.weights = {3, 0, 1, 0};
    p.folds = 0;
    p.xgboost.rounds = 15;
    const EnsembleFit fit = fit_ensemble(train, calibrate, p, silent());
    ASSERT_EQ(fit.members.size(), 2u);  // what has no weight is not even tried
    EXPECT_EQ(fit.members[0].weight, 0.75);
    EXPECT_EQ(fit.members[1].weight, 0.25);
    EXPECT_EQ(fit.members[0].rounds, 15);
    EXPECT_EQ(fit.model.intercept, 0);
    EXPECT_EQ(fit.folds, 0);
    EXPECT_GT(fit.members[0].auc, 0.8);  // on the calibration rows
}

TEST(Ensemble, ClassicBlendsProbabilities) {
    const Matrix train = world(1500, 1), calibrate = world(800, 2);
    const EnsembleFit fit = fit_ensemble(train, calibrate, preset("classic"), silent());
    ASSERT_EQ(fit.model.members.size(), 4u);
    EXPECT_EQ(fit.model.blend, Blend::probability);
    const auto trees = [&](std::size_t m) { return std::get<Ensemble>(fit.model.members[m].learned).trees.size(); };
    EXPECT_EQ(trees(0), 100u);
    EXPECT_EQ(trees(1), 100u);
    EXPECT_EQ(trees(2), 100u);
    EXPECT_EQ(std::get<Network>(fit.model.members[3].learned).layers.size(), 4u);
    const auto model = Model::load(pack(fit.model));
    const Score score = model->score(calibrate.row(0).data());
    EXPECT_NEAR(score.raw, 0.3 * score.member[0] + 0.2 * score.member[1] + 0.2 * score.member[2] + 0.3 * score.member[3], 1e-6);
}

TEST(Ensemble, OneMemberIsItselfAlone) {
    Parameters p = quick();
    p.members = {MemberKind::xgboost};
    const Matrix train = world(2000, 1);
    const EnsembleFit fit = fit_ensemble(train, world(1000, 2), p, silent());
    ASSERT_EQ(fit.model.members.size(), 1u);
    EXPECT_EQ(fit.model.members[0].weight, 1);
    EXPECT_EQ(fit.model.intercept, 0);
    EXPECT_EQ(fit.log_loss, fit.members[0].log_loss);
}

TEST(Ensemble, OddRowsAreClearErrorsOrWork) {
    const Matrix good = world_over_time(200, 3, 1);
    Matrix rare = good, one_class = good, empty;
    empty.features = 5;
    std::fill(rare.label.begin(), rare.label.end(), 0.0f);
    one_class.label = rare.label;
    rare.label[450] = rare.label[500] = 1;  // two customers, at the last time
    EXPECT_EQ(fit_ensemble(rare, good, quick(), silent()).folds, 2);
    rare.label[500] = 0;
    for (const Matrix &train : {rare, one_class, empty}) {
        EXPECT_THROW(fit_ensemble(train, good, quick(), silent()), Error);
    }
    EXPECT_THROW(fit_ensemble(good, one_class, quick(), silent()), Error);
}

}  // namespace
}  // namespace xsell::core
