#include "core/scoring/model.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "core/error.hpp"
#include "core/math.hpp"
#include "scoring_models.hpp"
#include "xgboost_reference.hpp"

namespace {

using namespace xsell::core;
using xsell::test::four_members;
using xsell::test::missing;
using xsell::test::one_forest;
using xsell::test::random_rows;
using xsell::test::Reference;
using xsell::test::Shape;

// Three small trees over two features, every field in use.
Ensemble small() {
    const auto leaf = [](float value, float cover) { return TreeNode{.threshold_or_leaf = value, .cover = cover}; };
    return {2,
            0.5f,
            {{TreeNode{1.5f, 1, 2, 0, true, 10}, leaf(-0.25f, 6), leaf(0.75f, 4)},
             {TreeNode{-2, 1, 2, 1, false, 10}, TreeNode{1.5f, 3, 4, 0, false, 7}, leaf(0.125f, 3), leaf(1, 5), leaf(-1, 2)},
             {leaf(0.0625f, 10)}}};
}

const Calibration calibration{1.25, -0.5, 0.125, 0.75};

TEST(Model, CalibratesLinearlyInLogOdds) {
    const auto model = Model::load(pack(one_forest(small(), calibration)));
    const float x[] = {1, -3};
    EXPECT_EQ(model->margin(x), 0.5f - 0.25f + 1 + 0.0625f);
    const double z = 1.25 * 1.3125 - 0.5 + 0.125;
    const Score score = model->score(x);
    EXPECT_EQ(score.margin, 1.3125f);
    EXPECT_EQ(score.probability, sigmoid(z));
    EXPECT_EQ(score.probability, model->probability(x));
    EXPECT_EQ(score.low, sigmoid(z - 0.75));
    EXPECT_EQ(score.high, sigmoid(z + 0.75));
    EXPECT_NEAR(score.probability, 1 / (1 + std::exp(-z)), 1e-15);
}

TEST(Model, BlocksAreRows) {
    const Shape shape{.features = 9, .rounds = 30, .depth = 5};
    const Reference reference(shape, 3);
    const auto model = Model::load(pack(one_forest(reference.ensemble(), calibration)));
    const std::vector<float> x = random_rows(shape, 333, 4);
    // A stride wider than the row: the last two values of each are not ours.
    for (const std::size_t rows : {0u, 1u, 63u, 64u, 65u, 200u, 271u}) {
        std::vector<double> out(rows + 1, -1);
        model->probabilities(x.data(), 11, rows, out.data());
        for (std::size_t r = 0; r < rows; ++r) ASSERT_EQ(out[r], model->probability(&x[r * 11])) << r;
        ASSERT_EQ(out[rows], -1);
    }
}

TEST(Model, ReadsBackWhatWasPacked) {
    const auto model = Model::load(pack(one_forest(small(), calibration)));
    EXPECT_EQ(model->features(), 2u);
    EXPECT_EQ(model->forest(0)->trees(), 3u);
    EXPECT_EQ(model->forest(0)->depth(), 2u);
    EXPECT_EQ(model->forest(0)->base_margin(), 0.5f);
    EXPECT_EQ(model->calibration(), calibration);
    EXPECT_GT(model->bytes(), sizeof(Model));
    EXPECT_EQ(pack(one_forest(small(), calibration)), pack(one_forest(small(), calibration)));
}

TEST(Model, RefusesCalibrationOutOfRange) {
    EXPECT_THROW(pack(one_forest(small(), {.slope = NAN})), Error);
    EXPECT_THROW(pack(one_forest(small(), {.intercept = INFINITY})), Error);
    EXPECT_THROW(pack(one_forest(small(), {.interval_half_width = -1})), Error);
}

// Whatever loads must have the shape it says, and must be safe to use.
void use(const Model &model) {
    std::vector<float> x(model.features(), 1.0f);
    x[0] = missing;
    const Score score = model.score(x.data());
    ASSERT_TRUE(std::isfinite(score.margin));
    for (const double p : {score.probability, score.low, score.high, score.raw}) {
        ASSERT_GE(p, 0);
        ASSERT_LE(p, 1);
    }
    double block = -1;
    model.probabilities(x.data(), x.size(), 1, &block);
    ASSERT_EQ(block, score.probability);
    for (std::size_t i = 0; i < model.members(); ++i) {
        const Forest *forest = model.forest(i);
        for (std::size_t t = 0; forest && t < forest->trees(); ++t)
            ASSERT_LT(forest->leaf(t, x.data()), forest->nodes().tree(t).size());
    }
    const Explanation explanation = model.explain(x.data());
    ASSERT_EQ(explanation.contributions.size(), model.features());
    ASSERT_TRUE(std::isfinite(explanation.base));
    for (const double c : explanation.contributions) ASSERT_TRUE(std::isfinite(c));
}

void load_or_refuse(const std::vector<std::byte> &blob, Kernel kernel) {
    try {
        use(*Model::load(blob, kernel));
    } catch (const Error &error) {
        ASSERT_EQ(error.kind, Kind::corrupt_model);
    }
}

std::vector<std::byte> small_ensemble(Blend blend, std::vector<CodeMap> encodings = {}) {
    std::mt19937 random(2);
    ModelDescription model = four_members(3, blend, random);
    model.encodings = std::move(encodings);
    model.calibration = {.prior_shift = 0.5, .interval_half_width = 1, .knots = {{-1, -2}, {1, 0.25}}};
    return pack(model);
}

const std::vector<CodeMap> two_maps = {{0, -0.5f, {1, -1, 0.25f}}, {2, 0.125f, {}}};

TEST(ModelBlob, EveryTruncationIsRefused) {
    for (const std::vector<std::byte> &blob : {pack(one_forest(small(), calibration)), small_ensemble(Blend::probability),
                                               small_ensemble(Blend::log_odds, two_maps)}) {
        for (std::size_t size = 0; size < blob.size(); ++size) EXPECT_THROW(Model::load({blob.data(), size}), Error) << size;
        std::vector<std::byte> longer = blob;
        longer.push_back(std::byte{0});
        EXPECT_THROW(Model::load(longer), Error);
    }
}

TEST(ModelBlob, EveryFlippedByteOfAnEnsembleIsRefusedOrHarmless) {
    for (const auto &blob :
         {small_ensemble(Blend::log_odds), small_ensemble(Blend::probability), small_ensemble(Blend::log_odds, two_maps)}) {
        for (std::size_t at = 0; at < blob.size(); ++at) {
            for (const int flipped : {1, 128, 255}) {
                std::vector<std::byte> changed = blob;
                changed[at] ^= static_cast<std::byte>(flipped);
                load_or_refuse(changed, Kernel::automatic);
                if (HasFatalFailure()) return;
            }
        }
    }
}

TEST(ModelBlob, EveryChangedByteIsRefusedOrHarmless) {
    const std::vector<std::byte> blob = pack(one_forest(small(), calibration));
    for (std::size_t at = 0; at < blob.size(); ++at) {
        for (int value = 0; value < 256; ++value) {
            std::vector<std::byte> changed = blob;
            changed[at] = static_cast<std::byte>(value);
            load_or_refuse(changed, at % 2 == 0 ? Kernel::automatic : Kernel::walker);
            if (HasFatalFailure()) return;
        }
    }
}

TEST(ModelBlob, ManyChangedBytesAreRefusedOrHarmless) {
    const Reference reference({.features = 5, .rounds = 6, .depth = 4, .rows = 400}, 8);
    const std::vector<std::byte> blob = pack(one_forest(reference.ensemble(), calibration));
    std::mt19937 random(9);
    for (int round = 0; round < 20000; ++round) {
        std::vector<std::byte> changed = blob;
        for (unsigned n = random() % 4 + 1; n > 0; --n) changed[random() % changed.size()] = static_cast<std::byte>(random());
        if (random() % 4 == 0) changed.resize(random() % changed.size());
        load_or_refuse(changed, Kernel::automatic);
        if (HasFatalFailure()) return;
    }
}

TEST(ModelBlob, NoiseIsRefused) {
    std::mt19937 random(10);
    for (int round = 0; round < 2000; ++round) {
        std::vector<std::byte> noise(random() % 300);
        for (std::byte &byte : noise) byte = static_cast<std::byte>(random());
        EXPECT_THROW(Model::load(noise), Error);
    }
}

// Stored models must stay readable: this is version 2 as it was first written.
TEST(ModelBlob, LayoutIsFrozen) {
    const std::vector<std::byte> blob = pack(one_forest(small(), calibration));
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (const std::byte byte : blob) hash = (hash ^ static_cast<std::uint64_t>(byte)) * 0x100000001b3u;
    EXPECT_EQ(blob.size(), 244u);
    EXPECT_EQ(hash, 20347465286339019u);
}

}  // namespace
