#include "core/training/target_encoding.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "core/error.hpp"
#include "core/math.hpp"
#include "core/metrics/binary.hpp"
#include "core/scoring/model.hpp"
#include "core/training/ensemble.hpp"
#include "core/training/search.hpp"
#include "training_world.hpp"

namespace xsell::core {
namespace {

using test::quick;
using test::silent;

constexpr float nothing = std::numeric_limits<float>::quiet_NaN();

float expected(double positive, double all, double base_rate) {
    return static_cast<float>(logit((positive + 20 * base_rate) / (all + 20)));
}

// A number that means nothing and a category, whose values have log-odds from -spread to spread.
Matrix shop(std::size_t rows, std::uint32_t values, double spread, std::uint64_t seed, std::size_t rows_of_entity = 1) {
    Random random(seed);
    const auto uniform = [&] { return static_cast<float>(random.below(1 << 24)) / (1 << 24); };
    Matrix matrix;
    matrix.features = 2;
    matrix.categories = {1};
    for (std::size_t i = 0; i < rows; ++i) {
        const std::uint32_t code = random.below(values);
        // The order of the codes says nothing of the order of their rates.
        const double place = static_cast<double>(code * 37 % values) / std::max(values - 1, 1u);
        matrix.values.insert(matrix.values.end(), {uniform(), static_cast<float>(code)});
        matrix.label.push_back(uniform() < sigmoid(spread * (2 * place - 1)));
        matrix.weight.push_back(1);
        matrix.entity.push_back(static_cast<std::int64_t>(i / rows_of_entity));
    }
    return matrix;
}

double area(const Matrix &matrix, std::size_t column) {
    std::vector<double> score;
    std::vector<std::uint8_t> positive;
    for (std::size_t i = 0; i < matrix.rows(); ++i) {
        score.push_back(matrix.row(i)[column]);
        positive.push_back(matrix.label[i] > 0);
    }
    return auc(score, positive);
}

TEST(TargetEncoding, IsTheSmoothedLogOddsOfACode) {
    Matrix m;
    m.features = 2;
    m.categories = {0};
    m.values = {0, 5, 0, 5, 2, 5, 2, 5, 2, 5, nothing, 5, 0.5f, 5};
    m.label = {1, 0, 1, 1, 0, 0, 1};
    m.weight = {1, 4, 1, 2, 1, 1, 2};
    const double base_rate = 6.0 / 12;
    const std::vector<CodeMap> maps = fit_encodings(m);
    ASSERT_EQ(maps.size(), 1u);
    const CodeMap &map = maps.front();
    EXPECT_EQ(map, (CodeMap{0, 0, {expected(1, 5, base_rate), expected(0, 0, base_rate), expected(3, 4, base_rate)}}));
    EXPECT_EQ(map(0), static_cast<float>(std::log(11.0 / 14)));
    for (const float unknown : {1.0f, 3.0f, 254.0f, 255.0f, -1.0f, 0.5f, INFINITY, -INFINITY}) {
        EXPECT_EQ(map(unknown), 0) << unknown;
    }
    EXPECT_TRUE(std::isnan(map(nothing)));
    const Matrix encoded = encode(m, maps);
    EXPECT_TRUE(encoded.categories.empty());
    EXPECT_EQ(encoded.values[4], map.value[2]);
    EXPECT_EQ(encoded.values[5], 5);
    EXPECT_TRUE(std::isnan(encoded.values[10]));
}

// Every row learns with what the rows of the other parts tell; entities stay together, and there are five parts.
TEST(TargetEncoding, NoEntityTellsItself) {
    const Matrix matrix = shop(3000, 6, 1, 1, 3);
    const Matrix encoded = encode_out_of_fold(matrix, 7);
    std::map<std::pair<float, float>, std::set<std::int64_t>> entities;  // by code and what stands for it
    for (std::uint32_t i = 0; i < matrix.rows(); ++i) {
        entities[{matrix.row(i)[1], encoded.row(i)[1]}].insert(matrix.entity[i]);
        EXPECT_EQ(encoded.row(i)[0], matrix.row(i)[0]);
    }
    EXPECT_EQ(entities.size(), 6u * 5);
    for (const auto &[key, inside] : entities) {
        double positive = 0, all = 0;
        std::set<std::int64_t> part;  // the part's entities that have another code as well
        for (const auto &[other, of_other] : entities) {
            if (std::any_of(inside.begin(), inside.end(), [&](std::int64_t e) { return of_other.contains(e); })) {
                part.insert(of_other.begin(), of_other.end());
            }
        }
        for (std::uint32_t i = 0; i < matrix.rows(); ++i) {
            if (matrix.row(i)[1] == key.first && !part.contains(matrix.entity[i])) {
                positive += matrix.label[i];
                ++all;
            }
        }
        EXPECT_EQ(key.second, expected(positive, all, matrix.base_rate()));
    }
    EXPECT_EQ(encode_out_of_fold(matrix, 7).values, encoded.values);
    EXPECT_NE(encode_out_of_fold(matrix, 8).values, encoded.values);
}

TEST(TargetEncoding, WatchedRowsTellNothing) {
    const Matrix matrix = shop(1000, 10, 1, 2);
    const std::vector<Fold> folds = make_folds(matrix, 3, 1);
    Matrix changed = matrix;
    for (const std::uint32_t i : folds[0].validate) {
        changed.label[i] = 1 - changed.label[i];
    }
    EXPECT_EQ(watched_rows(changed, folds[0]).values, watched_rows(matrix, folds[0]).values);
    EXPECT_EQ(learned_rows(changed, folds[0], 1).values, learned_rows(matrix, folds[0], 1).values);
    const Matrix train = subset(matrix, folds[0].train);
    EXPECT_EQ(watched_rows(matrix, folds[0]).values, encode(subset(matrix, folds[0].validate), fit_encodings(train)).values);
}

// A category of many values that means nothing: encoded by its own rows it seems to tell the label.
TEST(TargetEncoding, NoiseStaysNoise) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        const Matrix noise = shop(2000, 250, 0, seed);
        EXPECT_GT(area(encode(noise, fit_encodings(noise)), 1), 0.6) << seed;
        EXPECT_NEAR(area(encode_out_of_fold(noise, seed), 1), 0.5, 0.05) << seed;
        const Matrix fresh = shop(2000, 250, 0, seed + 100);
        Parameters p = quick();
        p.members = {MemberKind::xgboost};
        const EnsembleFit fit = fit_ensemble(noise, fresh, p, silent());
        EXPECT_NEAR(fit.auc, 0.5, 0.06) << seed;
        const auto model = Model::load(pack(fit.model));
        std::vector<double> score;
        std::vector<std::uint8_t> positive;
        for (std::size_t i = 0; i < noise.rows(); ++i) {
            score.push_back(model->probability(noise.row(i).data()));
            positive.push_back(noise.label[i] > 0);
        }
        // The model itself has taken little of its own training rows for truth.
        EXPECT_LT(auc(score, positive), 0.65) << seed;
    }
}

TEST(TargetEncoding, FindsTheRatesOfManyValues) {
    const Matrix train = shop(6000, 200, 2, 1), calibrate = shop(3000, 200, 2, 2);
    Parameters p = quick();
    p.xgboost.max_depth = 2;
    p.xgboost.rounds = 20;
    Matrix plain = train;
    plain.categories.clear();
    for (const MemberKind kind : {MemberKind::xgboost, MemberKind::neural_network}) {
        p.members = {kind};
        EXPECT_GT(fit_ensemble(train, calibrate, p, silent()).auc, fit_ensemble(plain, calibrate, p, silent()).auc + 0.05);
    }
}

TEST(TargetEncoding, TheModelScoresCodesAsItLearnedThem) {
    const Matrix train = shop(2000, 30, 1.5, 1), calibrate = shop(1000, 30, 1.5, 2);
    const EnsembleFit fit = fit_ensemble(train, calibrate, quick(), silent());
    EXPECT_EQ(fit.model.encodings, fit_encodings(train));
    const auto model = Model::load(pack(fit.model));
    EXPECT_EQ(model->encodings(), fit.model.encodings);
    const Matrix encoded = encode(calibrate, fit.model.encodings);
    ModelDescription bare = fit.model;
    bare.encodings.clear();
    const auto members = Model::load(pack(bare));
    for (std::size_t i = 0; i < calibrate.rows(); ++i) {
        ASSERT_EQ(model->margin(calibrate.row(i).data()), members->margin(encoded.row(i).data()));
    }
    const float unseen[] = {0.5f, 200}, base[] = {0.5f, fit.model.encodings[0].otherwise};
    EXPECT_EQ(model->margin(unseen), members->margin(base));
    EXPECT_EQ(pack(fit_ensemble(train, calibrate, quick(), silent()).model), pack(fit.model));
    Parameters unwatched = quick();
    unwatched.folds = 0;
    unwatched.members = {MemberKind::xgboost};
    EXPECT_EQ(fit_ensemble(train, calibrate, unwatched, silent()).model.encodings, fit.model.encodings);
}

TEST(TargetEncoding, IsSearchedWithAsItIsTrainedWith) {
    const Matrix train = shop(3000, 100, 2, 1);
    Matrix plain = train;
    plain.categories.clear();
    Parameters p = quick();
    p.xgboost.rounds = 20;
    SearchOptions options;
    options.trials = 1;
    const SearchHooks hooks{[] {}, [] { return 0.0; }, [](const MemberTrial &) {}};
    const auto loss = [&](const Matrix &rows) { return search(rows, p, options, {}, hooks).trials.front().trial.value; };
    EXPECT_LT(loss(train), loss(plain) - 0.01);
    Parameters encoding = p;
    encoding.target_encode = true;
    EXPECT_NE(search_signature(options, encoding), search_signature(options, p));
}

TEST(TargetEncoding, ColumnsAreChosenByName) {
    const std::vector<std::string> features = {"a", "city", "b", "größe"}, categories = {"city", "größe"};
    const auto columns = [&](const char *json) { return columns_to_encode(parse_parameters(json), features, categories); };
    EXPECT_EQ(columns("{}"), std::vector<std::size_t>{});
    EXPECT_EQ(columns(R"({"target_encode": false})"), std::vector<std::size_t>{});
    EXPECT_EQ(columns(R"({"target_encode": []})"), std::vector<std::size_t>{});
    EXPECT_EQ(columns(R"({"target_encode": true})"), (std::vector<std::size_t>{1, 3}));
    EXPECT_EQ(columns(R"({"target_encode": ["größe", "city", "city"]})"), (std::vector<std::size_t>{1, 3}));
    EXPECT_EQ(columns_to_encode(parse_parameters(R"({"target_encode": true})"), features, {}), std::vector<std::size_t>{});
    for (const char *json : {R"({"target_encode": ["a"]})", R"({"target_encode": ["city", "town"]})"}) {
        try {
            columns(json);
            FAIL() << json;
        } catch (const Error &error) {
            EXPECT_EQ(error.kind, Kind::bad_argument);
            EXPECT_EQ(error.hint, "There are: city, größe.");
        }
    }
}

}  // namespace
}  // namespace xsell::core
