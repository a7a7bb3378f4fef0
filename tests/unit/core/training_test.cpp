#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <set>

#include "core/error.hpp"
#include "core/math.hpp"
#include "core/metrics/binary.hpp"
#include "core/scoring/model.hpp"
#include "core/training/calibration.hpp"
#include "core/training/inspection.hpp"
#include "core/training/learner.hpp"
#include "core/training/xgboost.hpp"
#include "core/training/xgboost_json.hpp"
#include "training_world.hpp"
#include "xgboost_reference.hpp"

namespace xsell::core {
namespace {

using test::quick;
using test::silent;
using test::world;

constexpr float missing = std::numeric_limits<float>::quiet_NaN();

Course watch(const Matrix &train, const Matrix &watched, const Parameters &parameters, const Hooks &hooks,
             MemberKind kind = MemberKind::xgboost) {
    return learner(kind).watch(LearningRows(train, parameters.threads), watched, parameters, hooks);
}

Learned learn(const Matrix &train, const Parameters &parameters, int rounds, MemberKind kind = MemberKind::xgboost) {
    return learner(kind).learn(LearningRows(train, parameters.threads), rounds, parameters, silent());
}

double auc_of(std::span<const float> margin, const Matrix &rows) {
    return auc(std::vector<double>(margin.begin(), margin.end()),
               std::vector<std::uint8_t>(rows.label.begin(), rows.label.end()));
}

TEST(Boosting, LearnsThePlantedRule) {
    const Matrix fresh = world(4000, 3);
    for (const MemberKind kind : {MemberKind::xgboost, MemberKind::gradient_boosting}) {
        const Learned learned = learn(world(6000, 1), quick(), 30, kind);
        EXPECT_EQ(std::get<Ensemble>(learned.model).trees.size(), 30u);
        EXPECT_GT(auc_of(margins(learned.model, fresh), fresh), 0.87);
        EXPECT_LT(weighted_log_loss(margins(learned.model, fresh), fresh.label, fresh.weight), 0.45);
    }
}

TEST(Boosting, SameSeedGivesTheSameBytes) {
    const Matrix train = world(3000, 1);
    Parameters two_threads = quick(), other_seed = quick();
    two_threads.threads = 2;
    other_seed.seed = 43;
    for (const MemberKind kind : {MemberKind::xgboost, MemberKind::random_forest, MemberKind::gradient_boosting}) {
        const std::string first = learn(train, quick(), 20, kind).artefact;
        EXPECT_EQ(first, learn(train, quick(), 20, kind).artefact);
        EXPECT_EQ(first, learn(train, two_threads, 20, kind).artefact);
        EXPECT_NE(first, learn(train, other_seed, 20, kind).artefact);
    }
}

TEST(Boosting, StopsWhereTheWatchedLossNoLongerFalls) {
    Parameters hasty = quick();
    hasty.xgboost.eta = 1;  // overfits within a few rounds
    hasty.xgboost.rounds = 200;
    hasty.xgboost.early_stopping = 10;
    hasty.xgboost.min_child_weight = 0;
    double best_loss = 1e9;
    int best_round = 0, last_round = 0;
    const auto watched = [&](const Progress &p) {
        last_round = p.round;
        if (p.loss < best_loss) {
            best_loss = p.loss;
            best_round = p.round;
        }
    };
    const Matrix rows = world(500, 2);
    const Course course = watch(world(500, 1), rows, hasty, {[] {}, watched});
    EXPECT_LT(last_round, 200);
    EXPECT_GE(best_round, 1);
    EXPECT_LT(last_round, best_round + 10 + 4);  // it looks every fourth round
    EXPECT_EQ(course.best_round, best_round);
    EXPECT_EQ(course.best_loss, best_loss);
    EXPECT_NEAR(weighted_log_loss(course.margins(rows, best_round), rows.label, rows.weight), best_loss, 1e-6);
    EXPECT_GT(weighted_log_loss(course.margins(rows, last_round), rows.label, rows.weight), best_loss);
}

TEST(Learner, CheckpointStopsEveryMember) {
    Parameters p = quick();
    p.neural_network.batch = 8;
    const Matrix rows = world(40000, 1);
    for (const MemberKind kind : member_kinds) {
        int calls = 0;
        const Hooks hooks{[&] {
                              if (++calls > 1) {
                                  throw Error(Kind::cancelled, "stop");
                              }
                          },
                          [](const Progress &) {}};
        EXPECT_THROW(learner(kind).learn(LearningRows(rows, 1), 1000, p, hooks), Error) << name_of(kind);
    }
}

TEST(Boosting, ThresholdsOfAFeatureFitInAByte) {
    Parameters many = quick();
    many.xgboost.max_depth = 6;
    many.xgboost.min_child_weight = 0;
    const Learned learned = learn(world(20000, 1), many, 150);
    std::array<std::set<float>, 5> thresholds;
    for (const auto &tree : std::get<Ensemble>(learned.model).trees) {
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

TEST(Boosting, WeightsStandForTheRowsThatWereLeftOut) {
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
    const Matrix fresh = world(20000, 3);
    // The mean of a forest's log-odds lies below the log-odds of its mean.
    const std::map<MemberKind, double> tolerance = {{MemberKind::xgboost, 0.04},
                                                    {MemberKind::random_forest, 0.1},
                                                    {MemberKind::gradient_boosting, 0.04},
                                                    {MemberKind::neural_network, 0.08}};
    for (const MemberKind kind : member_kinds) {
        const Learned learned = learn(sampled, quick(), kind == MemberKind::neural_network ? 5 : 40, kind);
        double promised = 0, came = 0;
        const std::vector<float> margin = margins(learned.model, fresh);
        for (std::size_t i = 0; i < fresh.rows(); ++i) {
            promised += sigmoid(margin[i]);
            came += fresh.label[i];
        }
        EXPECT_NEAR(promised / came, 1, tolerance.at(kind)) << name_of(kind);
    }
}

// What XGBoost itself makes of a saved model.
std::vector<float> predict(const std::string &ubj, const Matrix &rows) {
    BoosterHandle booster = nullptr;
    test::require(XGBoosterCreate(nullptr, 0, &booster));
    test::require(XGBoosterLoadModelFromBuffer(booster, ubj.data(), ubj.size()));
    const std::string data = "{\"data\":[" + std::to_string(reinterpret_cast<std::uintptr_t>(rows.values.data())) +
                             ",true],\"shape\":[" + std::to_string(rows.rows()) + "," + std::to_string(rows.features) +
                             "],\"typestr\":\"<f4\",\"version\":3}";
    const char *config =
        "{\"type\":1,\"training\":false,\"iteration_begin\":0,\"iteration_end\":0,\"missing\":NaN,\"strict_shape\":false,"
        "\"cache_id\":0}";
    const bst_ulong *shape = nullptr;
    bst_ulong dimensions = 0;
    const float *out = nullptr;
    test::require(XGBoosterPredictFromDense(booster, data.c_str(), config, nullptr, &shape, &dimensions, &out));
    std::vector<float> result(out, out + rows.rows());
    XGBoosterFree(booster);
    return result;
}

TEST(RandomForest, SavedModelPredictsItsMargins) {
    const Matrix train = world(5000, 1), fresh = world(500, 2);
    for (const int trees : {1, 20, 23}) {  // in batches of one, ten, one
        const Learned learned = learn(train, quick(), trees, MemberKind::random_forest);
        const auto &forest = std::get<Ensemble>(learned.model);
        EXPECT_EQ(forest.trees.size(), static_cast<std::size_t>(trees));
        const std::vector<float> ours = margins(learned.model, fresh), theirs = predict(learned.artefact, fresh);
        for (std::size_t i = 0; i < fresh.rows(); ++i) {
            EXPECT_NEAR(ours[i], theirs[i], 1e-6 * std::max(1.0, std::fabs(static_cast<double>(theirs[i]))));
        }
        const auto model = Model::load(pack({5, Blend::log_odds, 0, {{MemberKind::random_forest, 1, forest}}, {}}));
        for (std::size_t i = 0; i < 50; ++i) {
            EXPECT_NEAR(model->margin(fresh.row(i).data()), theirs[i], 1e-5);
        }
    }
}

// One tree on all rows and features: its leaves are the log-odds of their rows' smoothed rates.
TEST(RandomForest, LeavesAreLogOddsOfSmoothedRates) {
    Parameters one = quick();
    one.random_forest.max_depth = 1;
    one.random_forest.subsample = one.random_forest.colsample_bynode = 1;
    one.random_forest.prior = 6;
    Matrix rows;
    rows.features = 1;
    for (int i = 0; i < 400; ++i) {
        rows.values.push_back(i < 300 ? 1.0f : 2.0f);
        rows.label.push_back(i % 300 < 30);  // 30 of 300, 30 of 100
        rows.weight.push_back(i < 300 ? 2.0f : 1.0f);
    }
    const Learned learned = learn(rows, one, 1, MemberKind::random_forest);
    const double base = 90.0 / 700;
    const std::vector<float> margin = margins(learned.model, rows);
    EXPECT_NEAR(margin[0], logit((60 + 6 * base) / 606), 1e-5);
    EXPECT_NEAR(margin[399], logit((30 + 6 * base) / 106), 1e-5);
    EXPECT_EQ(learned.gain, std::vector<double>{1});
}

TEST(RandomForest, TreesDiffer) {
    const Learned learned = learn(world(5000, 1), quick(), 20, MemberKind::random_forest);
    std::set<std::pair<std::uint16_t, float>> roots;
    for (const auto &tree : std::get<Ensemble>(learned.model).trees) {
        roots.insert({tree[0].feature, tree[0].threshold_or_leaf});
    }
    EXPECT_GT(roots.size(), 10u);
    const Matrix fresh = world(4000, 3);
    EXPECT_GT(auc_of(margins(learned.model, fresh), fresh), 0.86);
}

TEST(Gain, GoesToWhatTells) {
    for (const MemberKind kind : {MemberKind::xgboost, MemberKind::random_forest, MemberKind::gradient_boosting}) {
        const std::vector<double> gain = learn(world(6000, 1), quick(), 20, kind).gain;
        ASSERT_EQ(gain.size(), 5u);
        EXPECT_NEAR(gain[0] + gain[1] + gain[2] + gain[3] + gain[4], 1, 1e-9);
        EXPECT_GT(gain[0] + gain[1], 0.8);
        EXPECT_EQ(gain[3], 0);  // always missing
        EXPECT_EQ(gain[4], 0);  // constant
    }
}

TEST(XGBoost, MessagesAreCleaned) {
    EXPECT_EQ(xgboost::clean_message("[09:10:11] ./src/data/data.cc:1104: Check failed: valid: Input data contains `inf`\n"
                                     "Stack trace:\n  [bt] (0) /lib/libxgboost.so(+0x1) [0x7f]\n"),
              "Check failed: valid: Input data contains `inf`");
    EXPECT_EQ(xgboost::clean_message(""), "unknown error");
    Matrix infinite = world(10, 1);
    infinite.values[0] = std::numeric_limits<float>::infinity();
    try {
        learn(infinite, quick(), 1);
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

TEST(Inspection, SaysWhatCannotWork) {
    const Matrix good = world(200, 1), none{5, {}, {}, {}, {}, {}};
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
    EXPECT_TRUE(suspected_leaks(matrix, names, [] {}).empty());
    for (std::size_t i = 0; i < matrix.rows(); ++i) {
        matrix.values[i * 5 + 2] = -matrix.label[i];  // inverted: as telling as the label itself
    }
    std::size_t checkpoints = 0;
    const auto suspects = suspected_leaks(matrix, names, [&] { ++checkpoints; });
    EXPECT_EQ(checkpoints, names.size());
    ASSERT_EQ(suspects.size(), 1u);
    EXPECT_EQ(suspects[0].feature, "c");
    EXPECT_DOUBLE_EQ(suspects[0].auc, 1);
}

TEST(TrainingMemory, GrowsWithRowsAndFeatures) {
    EXPECT_GT(training_memory(1000000, 32), std::size_t{300} << 20);
    EXPECT_LT(training_memory(1000000, 32), std::size_t{1} << 30);
}

TEST(TrainingMemory, CountsTheNetworkOfEveryEpoch) {
    EXPECT_LT(network_memory(30, parse_parameters("{}")), std::size_t{8} << 20);
    const Parameters wide = parse_parameters(R"({"neural_network": {"layers": [1000], "epochs": 1000}, "folds": 3})");
    EXPECT_GT(network_memory(4096, wide), std::size_t{3000} * 8192 * 1000 * sizeof(float));
    EXPECT_EQ(network_memory(4096, parse_parameters(R"({"members": ["xgboost"]})")), 0u);
}

}  // namespace
}  // namespace xsell::core
