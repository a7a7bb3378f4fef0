#include <gtest/gtest.h>

#include "core/error.hpp"
#include "core/training/parameters.hpp"

namespace xsell::core {
namespace {

std::string refusal(const std::string &json, const char *preset_name = "default") {
    try {
        parse_parameters(json, preset_name);
    } catch (const Error &error) {
        EXPECT_EQ(error.kind, Kind::bad_argument);
        return std::string(error.what()) + "|" + error.hint;
    }
    return "accepted";
}

TEST(Parameters, FlatNamesAreTheXgboostMembers) {
    EXPECT_EQ(parse_parameters("{}").xgboost.max_depth, BoosterParameters{}.max_depth);
    const Parameters flat = parse_parameters(R"({"max_depth": 5, "eta": 0.5, "snapshots": 2})");
    EXPECT_EQ(flat.xgboost.max_depth, 5);
    EXPECT_EQ(flat.xgboost.eta, 0.5);
    EXPECT_EQ(flat.snapshots, 2);
    EXPECT_EQ(parse_parameters(R"({"xgboost": {"eta": 0.5}, "gradient_boosting": {"eta": 0.1}})").gradient_boosting.eta, 0.1);
}

TEST(Parameters, WhatIsPrintedReadsBack) {
    const std::string given =
        R"({"members": ["neural_network", "xgboost"], "rounds": 7, "random_forest": {"trees": 11, "prior": 0.3},
            "gradient_boosting": {"max_leaves": 9, "alpha": 0.1}, "neural_network": {"layers": [5, 6], "dropout": 0.25},
            "weights": {"xgboost": 0.7, "neural_network": 1}, "blend": "probability", "calibration": "isotonic", "folds": 0,
            "target_encode": ["city"], "max_rows": 5000})";
    const Parameters parsed = parse_parameters(given);
    const std::string printed = to_json(parsed);
    for (const char *preset_name : {"default", "classic"}) {
        EXPECT_EQ(to_json(parse_parameters(printed, preset_name)), printed);
        EXPECT_EQ(to_json(parse_parameters(to_json(preset(preset_name)), "default")), to_json(preset(preset_name)));
    }
    EXPECT_EQ(to_json(parse_parameters(to_json(preset("default")), "classic")), to_json(preset("default")));
    EXPECT_EQ(parsed.members, (std::vector{MemberKind::xgboost, MemberKind::neural_network}));
    EXPECT_EQ(parsed.neural_network.layers, (std::vector{5, 6}));
    EXPECT_EQ(parsed.random_forest.trees, 11);
    EXPECT_EQ((*parsed.weights)[0], 0.7);
    EXPECT_EQ((*parsed.weights)[1], 0);
    EXPECT_EQ(parsed.blend, Blend::probability);
    EXPECT_EQ(parsed.calibration, CalibrationChoice::isotonic);
    EXPECT_EQ(std::get<1>(parsed.target_encode), std::vector<std::string>{"city"});
    EXPECT_TRUE(std::get<bool>(parse_parameters(to_json(parse_parameters(R"({"target_encode": true})"))).target_encode));
}

TEST(Parameters, ClassicHasTheOlderPlatformsShape) {
    const Parameters p = preset("classic");
    EXPECT_EQ(p.members.size(), 4u);
    EXPECT_EQ(std::tuple(p.xgboost.rounds, p.xgboost.max_depth, p.xgboost.eta), std::tuple(100, 6, 0.1));
    EXPECT_EQ(std::tuple(p.random_forest.trees, p.random_forest.max_depth), std::tuple(100, 10));
    EXPECT_EQ(std::tuple(p.gradient_boosting.rounds, p.gradient_boosting.max_depth, p.gradient_boosting.eta),
              std::tuple(100, 5, 0.1));
    EXPECT_EQ(p.neural_network.layers, (std::vector{64, 32, 16}));
    EXPECT_EQ(*p.weights, (std::array{0.3, 0.2, 0.2, 0.3}));
    EXPECT_EQ(p.blend, Blend::probability);
    EXPECT_NE(refusal("{}", "klassik").find("There are: default, classic."), std::string::npos);
}

TEST(Parameters, DefaultTreesFitTheFastKernels) {
    const Parameters p = preset("default");
    EXPECT_LE(p.xgboost.max_depth, 6);
    EXPECT_LE(p.random_forest.max_depth, 6);
    EXPECT_LE(p.gradient_boosting.max_depth, 6);
}

TEST(Parameters, ErrorsSayWhatIsAllowed) {
    const std::pair<const char *, const char *> cases[] = {
        {R"({"max_depth": 7})", "\"max_depth\" must be a whole number from 1 to 6"},
        {R"({"max_depth": 2.5})", "whole number"},
        {R"({"eta": "x"})", "\"eta\" must be a number from 0.001 to 1"},
        {R"({"eta": 1e300})", "\"eta\""},
        {R"({"rounds": null})", "\"rounds\""},
        {R"({"depth": 3})", "unknown training parameter \"depth\"|There are: members, xgboost"},
        {"[]", "must be a JSON object"},
        {"nonsense", "must be a JSON object"},
        {R"({"xgboost": 3})", "\"xgboost\" must be an object"},
        {R"({"random_forest": {"rounds": 3}})", "\"random_forest.rounds\"|There are: trees"},
        {R"({"random_forest": {"trees": 0}})", "\"random_forest.trees\" must be a whole number from 1 to 5000"},
        {R"({"neural_network": {"layer": [3]}})", "There are: layers, epochs"},
        {R"({"neural_network": {"layers": []}})", "\"neural_network.layers\" must be an array"},
        {R"({"neural_network": {"layers": [0]}})", "\"neural_network.layers\""},
        {R"({"neural_network": {"layers": 5}})", "\"neural_network.layers\""},
        {R"({"members": []})", "\"members\" must be an array of some of: xgboost, random_forest"},
        {R"({"members": ["lightgbm"]})", "\"members\""},
        {R"({"weights": {"lightgbm": 1}})", "\"weights\" must be"},
        {R"({"weights": {"xgboost": -1}})", "\"weights\" must be"},
        {R"({"weights": {"xgboost": 0}})", "\"weights\" must be"},
        {R"({"weights": 3})", "\"weights\" must be"},
        {R"({"members": ["random_forest"], "weights": {"xgboost": 1}})", "no weight to any of the members"},
        {R"({"blend": "mean"})", "\"blend\" must be one of \"log_odds\", \"probability\""},
        {R"({"blend": "probability"})", "needs training parameter \"weights\""},
        {R"({"calibration": 1})", "\"calibration\" must be one of \"auto\", \"platt\", \"isotonic\""},
        {R"({"target_encode": "city"})", "\"target_encode\" must be true for all categorical features, false, or an array"},
        {R"({"target_encode": [1]})", "\"target_encode\" must be"},
        {R"({"folds": 0})", "\"folds\" must be at least 2"},
        {R"({"folds": 1, "members": ["xgboost"]})", "\"folds\" must be 0 or"},
    };
    for (const auto &[json, message] : cases) {
        EXPECT_NE(refusal(json).find(message), std::string::npos) << json << ": " << refusal(json);
    }
}

}  // namespace
}  // namespace xsell::core
