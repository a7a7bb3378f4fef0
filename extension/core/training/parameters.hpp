// What may be set about a training run, with its defaults and limits.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/scoring/member.hpp"

namespace xsell::core {

// Gradient boosting: the members xgboost and gradient_boosting.
struct BoosterParameters {
    int rounds = 600;
    int early_stopping = 40;  // rounds without a better loss on rows that are not learned from
    int max_depth = 3;
    int max_leaves = 0;  // 0: trees grow level by level; else the most promising leaf first, to so many
    double eta = 0.05;
    double subsample = 0.8;
    double colsample = 0.8;       // share of the features that a tree may use
    double colsample_bynode = 1;  // share of those that a split may use
    double min_child_weight = 1;
    double lambda = 1;
    double alpha = 0;
    double gamma = 0;
};

struct ForestParameters {
    int trees = 100;
    int max_depth = 6;
    double subsample = 0.632;     // the share of different rows in a bootstrap sample
    double colsample_bynode = 0;  // 0: the square root of the number of features
    double min_leaf = 5;          // rows, by weight
    double prior = 10;            // rows of the base rate that every leaf starts from
};

struct NetworkParameters {
    std::vector<int> layers = {64, 32, 16};
    int epochs = 30;
    int early_stopping = 5;  // epochs
    int batch = 256;
    double learning_rate = 0.002;
    double dropout = 0.3;
    double weight_decay = 0.001;
};

enum class CalibrationChoice { automatic, platt, isotonic };

struct Parameters {
    std::vector<MemberKind> members = {member_kinds.begin(), member_kinds.end()};  // in the order of the kinds
    BoosterParameters xgboost;
    ForestParameters random_forest;
    BoosterParameters gradient_boosting;
    NetworkParameters neural_network;
    std::optional<std::array<double, member_kinds.size()>> weights;  // by kind; none: fitted out of fold
    Blend blend = Blend::log_odds;
    CalibrationChoice calibration = CalibrationChoice::automatic;
    std::variant<bool, std::vector<std::string>> target_encode = false;  // all categorical features, or those named
    int folds = 3;           // 0: no cross-validation; every member takes all of its rounds, and weights must be given
    int snapshots = 4;       // past times that training rows are taken at
    int max_rows = 1000000;  // above about so many, negatives are sampled
    std::uint64_t seed = 42;
    int threads = 1;
};

// "default" or "classic", the hyper-parameters and weights of the older platform. Throws Error{bad_argument} for another name.
Parameters preset(std::string_view name);

// Reads the members of a JSON object over those of the preset. At the top level names of the member xgboost are understood as
// well. An unknown name or a value out of range is an error that says what is allowed.
Parameters parse_parameters(const std::string &json, std::string_view preset_name = "default");

// Everything but seed and threads; parse_parameters makes the same of it, whatever the preset.
std::string to_json(const Parameters &parameters);

}  // namespace xsell::core
