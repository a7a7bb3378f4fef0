#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <set>

#include "core/error.hpp"
#include "core/metrics/binary.hpp"
#include "core/metrics/random.hpp"
#include "core/scoring/calibration.hpp"
#include "core/scoring/model.hpp"
#include "core/training/fit.hpp"
#include "core/training/inspection.hpp"
#include "core/training/xgboost.hpp"
#include "core/training/xgboost_json.hpp"

namespace xsell::core {
namespace {

constexpr float missing = std::numeric_limits<float>::quiet_NaN();

// A world with a known rule: log-odds 2 x0 - 3 [x1 > 0.5] - 1; x2 is noise, x3 always missing, x4 constant; some x0 missing.
Matrix world(std::size_t rows, std::uint64_t seed) {
    Random random(seed);
    auto uniform = [&] { return static_cast<float>(random.below(1 << 24)) / (1 << 24); };
    Matrix matrix;
    matrix.features = 5;
    for (std::size_t i = 0; i < rows; ++i) {
        const float x0 = uniform() * 4 - 2, x1 = uniform(), x2 = uniform();
        const double p = 1 / (1 + std::exp(-(2 * x0 - 3 * (x1 > 0.5f) - 1)));
        for (const float x : {random.below(20) == 0 ? missing : x0, x1, x2, missing, 7.0f}) {
            matrix.values.push_back(x);
        }
        matrix.label.push_back(uniform() < p);
        matrix.weight.push_back(1);
    }
    return matrix;
}

Hooks silent() {
    return {[] {}, [](const Progress &) {}};
}

Parameters quick() {
    Parameters p;
    p.rounds = 60;
    p.eta = 0.2;
    return p;
}

double auc_of(const Fit &fit, const Matrix &rows) {
    const auto model = Model::load(pack(fit.ensemble, Calibration{}));
    std::vector<double> score;
    std::vector<std::uint8_t> label;
    for (std::size_t i = 0; i < rows.rows(); ++i) {
        score.push_back(model->margin(rows.row(i).data()));
        label.push_back(rows.label[i] > 0);
    }
    return auc(score, label);
}

TEST(Fit, LearnsThePlantedRule) {
    const Fit trained = fit(world(6000, 1), world(2000, 2), quick(), silent());
    EXPECT_GT(auc_of(trained, world(4000, 3)), 0.87);
    EXPECT_LT(trained.watch_loss, 0.45);
    EXPECT_EQ(trained.ensemble.trees.size(), static_cast<std::size_t>(trained.rounds));
}

TEST(Fit, SameSeedGivesTheSameBytes) {
    const Matrix train = world(3000, 1), watch = world(1000, 2);
    Parameters two_threads = quick(), other_seed = quick();
    two_threads.threads = 2;
    other_seed.seed = 43;
    const std::string first = fit(train, watch, quick(), silent()).ubj;
    EXPECT_EQ(first, fit(train, watch, quick(), silent()).ubj);
    EXPECT_EQ(first, fit(train, watch, two_threads, silent()).ubj);
    EXPECT_NE(first, fit(train, watch, other_seed, silent()).ubj);
}

TEST(Fit, KeepsTheBestRoundAndItsMargins) {
    Parameters hasty = quick();
    hasty.eta = 1;  // overfits within a few rounds
    hasty.rounds = 200;
    hasty.early_stopping = 10;
    hasty.min_child_weight = 0;
    std::vector<Progress> seen;
    const Matrix watch = world(500, 2);
    const Fit trained = fit(world(500, 1), watch, hasty, {[] {}, [&](const Progress &p) { seen.push_back(p); }});
    ASSERT_FALSE(seen.empty());
    EXPECT_LT(seen.back().round, 200);
    EXPECT_EQ(seen.back().round, seen.back().best_round + 10);
    EXPECT_EQ(trained.rounds, seen.back().best_round);
    EXPECT_NEAR(trained.watch_loss, seen.back().best_loss, 1e-6);
    const auto model = Model::load(pack(trained.ensemble, Calibration{}));
    for (std::size_t i = 0; i < watch.rows(); ++i) {
        EXPECT_NEAR(model->margin(watch.row(i).data()), trained.watch_margin[i], 1e-5);
    }
}

TEST(Fit, CheckpointStopsIt) {
    int rounds = 0;
    const Hooks hooks{[&] {
                          if (++rounds > 5) {
                              throw Error(Kind::cancelled, "stop");
                          }
                      },
                      [](const Progress &) {}};
    EXPECT_THROW(fit(world(500, 1), world(200, 2), quick(), hooks), Error);
}

TEST(Fit, ThresholdsOfAFeatureFitInAByte) {
    Parameters many = quick();
    many.max_depth = 6;
    many.rounds = 150;
    many.early_stopping = 150;
    many.min_child_weight = 0;
    const Fit trained = fit(world(20000, 1), world(500, 2), many, silent());
    std::array<std::set<float>, 5> thresholds;
    for (const auto &tree : trained.ensemble.trees) {
        for (const TreeNode &node : tree) {
            if (node.left != -1) {
                thresholds[node.feature].insert(node.threshold_or_leaf);
            }
        }
    }
    EXPECT_GT(thresholds[0].size(), 100u);
    for (const auto &of_feature : thresholds) {
        EXPECT_LE(of_feature.size(), 255u);
    }
}

TEST(Fit, WeightsStandForTheRowsThatWereLeftOut) {
    Matrix all = world(40000, 1), sampled;
    sampled.features = 5;
    for (std::size_t i = 0; i < all.rows(); ++i) {
        if (all.label[i] > 0 || i % 4 == 0) {
            sampled.values.insert(sampled.values.end(), all.row(i).begin(), all.row(i).end());
            sampled.label.push_back(all.label[i]);
            sampled.weight.push_back(all.label[i] > 0 ? 1.0f : 4.0f);
        }
    }
    EXPECT_NEAR(sampled.base_rate(), all.base_rate(), 0.005);
    const Fit trained = fit(sampled, world(5000, 2), quick(), silent());
    double promised = 0, came = 0;
    const Matrix fresh = world(20000, 3);
    const auto model = Model::load(pack(trained.ensemble, Calibration{}));
    for (std::size_t i = 0; i < fresh.rows(); ++i) {
        promised += model->probability(fresh.row(i).data());
        came += fresh.label[i];
    }
    EXPECT_NEAR(promised / came, 1, 0.04);
}

TEST(XGBoost, MessagesAreCleaned) {
    EXPECT_EQ(xgboost::clean_message("[09:10:11] ./src/data/data.cc:1104: Check failed: valid: Input data contains `inf`\n"
                                     "Stack trace:\n  [bt] (0) /lib/libxgboost.so(+0x1) [0x7f]\n"),
              "Check failed: valid: Input data contains `inf`");
    EXPECT_EQ(xgboost::clean_message(""), "unknown error");
    Matrix infinite = world(10, 1);
    infinite.values[0] = std::numeric_limits<float>::infinity();
    try {
        fit(infinite, world(10, 2), quick(), silent());
        FAIL();
    } catch (const Error &error) {
        const std::string text = error.what();
        EXPECT_NE(text.find("XGBoost: "), std::string::npos);
        for (const char *leak : {"0x", ".cc", "Stack", "\n"}) {
            EXPECT_EQ(text.find(leak), std::string::npos) << text;
        }
    }
}

// Handlers of the process must never run on a thread of the pool: every thread but ours has all its signals blocked.
TEST(XGBoost, ThreadsOfThePoolBlockEverySignal) {
    xgboost::start_threads(2);
    int others = 0;
    for (const auto &task : std::filesystem::directory_iterator("/proc/self/task")) {
        std::ifstream status(task.path() / "status");
        std::string line;
        while (std::getline(status, line)) {
            if (line.starts_with("SigBlk:") && std::stol(task.path().filename().string()) != getpid()) {
                ++others;
                // The two that libc keeps for itself (32, 33) and SIGKILL, SIGSTOP cannot be blocked.
                EXPECT_EQ(std::stoull(line.substr(8), nullptr, 16) | 0x180040100u, 0xffffffffffffffffu) << line;
            }
        }
    }
    EXPECT_GE(others, 1);
}

TEST(XGBoostJson, RefusesWhatItDoesNotKnow) {
    for (const char *text : {"", "{}", "[1,2]", R"({"version":[2,0,0],"learner":{}})",
                             R"({"version":[1,7,4],"learner":{"objective":{"name":"reg:squarederror"}}})"}) {
        EXPECT_THROW(parse_xgboost_json(text), Error) << text;
    }
}

TEST(Parameters, AreCheckedByName) {
    EXPECT_EQ(parse_parameters("{}").max_depth, 4);
    EXPECT_EQ(parse_parameters(R"({"max_depth": 3, "eta": 0.5})").max_depth, 3);
    const Parameters same = parse_parameters(to_json(parse_parameters(R"({"eta": 0.3, "rounds": 7})")));
    EXPECT_EQ(same.rounds, 7);
    EXPECT_EQ(same.eta, 0.3);
    for (const char *text : {R"({"max_depth": 7})", R"({"max_depth": 2.5})", R"({"eta": "x"})", R"({"depth": 3})", "[]",
                             "nonsense", R"({"eta": 1e300})"}) {
        EXPECT_THROW(parse_parameters(text), Error) << text;
    }
}

TEST(Inspection, SaysWhatCannotWork) {
    const Matrix good = world(200, 1), none{5, {}, {}, {}};
    EXPECT_NO_THROW(require_trainable(good, good));
    EXPECT_THROW(require_trainable(none, good), Error);
    EXPECT_THROW(require_trainable(good, none), Error);
    Matrix one_class = good;
    one_class.label.assign(200, 0.0f);
    EXPECT_THROW(require_trainable(one_class, good), Error);
    one_class.label.assign(200, 1.0f);
    EXPECT_THROW(require_trainable(one_class, good), Error);
    Matrix constant = good;
    for (std::size_t i = 0; i < constant.values.size(); ++i) {
        constant.values[i] = i % 5 == 0 ? missing : 3.0f;
    }
    EXPECT_THROW(require_trainable(constant, good), Error);
}

TEST(Inspection, NamesALeak) {
    Matrix matrix = world(2000, 1);
    const std::vector<std::string> names{"a", "b", "c", "d", "e"};
    EXPECT_TRUE(suspected_leaks(matrix, names).empty());
    for (std::size_t i = 0; i < matrix.rows(); ++i) {
        matrix.values[i * 5 + 2] = -matrix.label[i];  // inverted: as telling as the label itself
    }
    const auto suspects = suspected_leaks(matrix, names);
    ASSERT_EQ(suspects.size(), 1u);
    EXPECT_EQ(suspects[0].feature, "c");
    EXPECT_DOUBLE_EQ(suspects[0].auc, 1);
}

TEST(TrainingMemory, GrowsWithRowsAndFeatures) {
    EXPECT_GT(training_memory(1000000, 32), std::size_t{300} << 20);
    EXPECT_LT(training_memory(1000000, 32), std::size_t{1} << 30);
}

}  // namespace
}  // namespace xsell::core
