#include <gtest/gtest.h>

#include <cmath>

#include "core/math.hpp"
#include "core/scoring/model.hpp"
#include "core/training/calibration.hpp"
#include "core/training/learner.hpp"
#include "core/training/perceptron_training.hpp"
#include "training_world.hpp"

namespace xsell::core {
namespace {

using test::silent;
using test::world;

// Two features whose signs must differ: no sum of functions of one of them tells the classes apart.
Matrix exclusive_or(std::size_t rows, std::uint64_t seed) {
    Random random(seed);
    Matrix matrix;
    matrix.features = 2;
    for (std::size_t i = 0; i < rows; ++i) {
        const float x = static_cast<float>(random.below(1 << 20)) / (1 << 19) - 1;
        const float y = static_cast<float>(random.below(1 << 20)) / (1 << 19) - 1;
        matrix.values.push_back(100 + 50 * x);  // far from standardised
        matrix.values.push_back(0.001f * y);
        matrix.label.push_back((x > 0) != (y > 0));
        matrix.weight.push_back(1);
    }
    return matrix;
}

TEST(Perceptron, LearnsExclusiveOr) {
    Parameters p;
    p.neural_network = {.layers = {16, 8}, .batch = 64, .learning_rate = 0.01, .dropout = 0};
    const Matrix train = exclusive_or(4000, 1), fresh = exclusive_or(1000, 2);
    const Learned learned = learn_network(LearningRows(train, 1), 20, p, silent());
    const std::vector<float> margin = margins(learned.model, fresh);
    int right = 0;
    for (std::size_t i = 0; i < fresh.rows(); ++i) {
        right += (margin[i] > 0) == (fresh.label[i] > 0);
    }
    EXPECT_GT(right, 960);
}

TEST(Perceptron, SameSeedGivesTheSameBytes) {
    const Matrix train = world(3000, 1);
    Parameters p = test::quick(), threads = p, seed = p;
    p.neural_network.dropout = threads.neural_network.dropout = seed.neural_network.dropout = 0.2;
    threads.threads = 2;
    seed.seed = 43;
    const auto bytes = [&](const Parameters &of) { return learn_network(LearningRows(train, 1), 3, of, silent()).artefact; };
    EXPECT_EQ(bytes(p), bytes(p));
    EXPECT_EQ(bytes(p), bytes(threads));
    EXPECT_NE(bytes(p), bytes(seed));
}

TEST(Perceptron, DescriptionIsTheNetworkAsItLearns) {
    NetworkParameters p{.layers = {24, 12, 6}, .batch = 100, .learning_rate = 0.01, .dropout = 0.1};
    const Matrix train = world(3000, 1), fresh = world(500, 2);
    PerceptronTraining training(train, p, 5);
    for (int epoch = 0; epoch < 5; ++epoch) {
        training.epoch([] {});
    }
    const Network network = training.network();
    EXPECT_EQ(network.indicator, std::vector<std::uint16_t>{0});  // sometimes missing; the third is always
    EXPECT_EQ(network.scale[3], 0);
    EXPECT_EQ(network.scale[4], 0);
    const std::vector<float> learning = training.inference(fresh), described = margins(network, fresh);
    const auto model = Model::load(pack({5, Blend::log_odds, 0, {{MemberKind::neural_network, 1, network}}, {}}));
    for (std::size_t i = 0; i < fresh.rows(); ++i) {
        EXPECT_NEAR(learning[i], described[i], 1e-5);
        EXPECT_NEAR(model->margin(fresh.row(i).data()), described[i], 1e-5);
    }
}

TEST(Perceptron, TrainingStopsWhereTheWatchedLossNoLongerFalls) {
    Parameters p = test::quick();
    p.neural_network = {.layers = {64}, .epochs = 200, .early_stopping = 4, .batch = 16, .learning_rate = 0.02, .dropout = 0};
    const Matrix watched = world(300, 2);
    int last = 0;
    const Hooks hooks{[] {}, [&](const Progress &progress) { last = progress.round; }};
    const Matrix train = world(300, 1);
    const Course course = watch_network(LearningRows(train, 1), watched, p, hooks);
    EXPECT_LT(last, 200);
    EXPECT_EQ(last, course.best_round + 4);
    EXPECT_NEAR(weighted_log_loss(course.margins(watched, course.best_round), watched.label, watched.weight), course.best_loss,
                1e-12);
}

TEST(Perceptron, OutliersAndOddColumnsDoNotDisturbIt) {
    Matrix train = world(3000, 1);
    for (std::size_t i = 0; i < train.rows(); i += 500) {
        train.values[i * 5 + 2] = 1e30f;
    }
    const Standardisation how = standardise(train);
    EXPECT_NEAR(how.center[2], 0.5, 0.02);
    EXPECT_NEAR(1 / how.scale[2], std::sqrt(1.0 / 12), 0.01);
    const Learned learned = learn_network(LearningRows(train, 1), 8, test::quick(), silent());
    const Matrix fresh = world(2000, 3);
    EXPECT_LT(weighted_log_loss(margins(learned.model, fresh), fresh.label, fresh.weight), 0.45);
}

TEST(Perceptron, OneRowIsEnoughForABatch) {
    Matrix two = world(2, 1);
    two.label = {0, 1};
    const Learned learned = learn_network(LearningRows(two, 1), 2, test::quick(), silent());
    for (const float margin : margins(learned.model, two)) {
        EXPECT_TRUE(std::isfinite(margin));
    }
}

}  // namespace
}  // namespace xsell::core
