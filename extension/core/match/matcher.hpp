// A matcher that learns from labelled pairs: logistic regression over the pair features and the evidence of the rule.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/match/pair_features.hpp"

namespace xsell::core {

// The features, the rule's log-odds over ten, and 1.
constexpr std::size_t matcher_inputs = pair_features + 2;
using MatcherInputs = std::array<double, matcher_inputs>;

MatcherInputs matcher_inputs_of(const Record &a, const Record &b);
std::string_view matcher_input_name(std::size_t input);

// Probability by weights, one an input; no weights: by the rule. 0 for records of two kinds or a record that says nothing.
double match_score(const Record &a, const Record &b, std::span<const double> weights);

struct LabelledPair {
    MatcherInputs inputs;
    bool same;
    std::int64_t group;  // pairs of one group stay in one fold
};

struct MatcherFit {
    std::vector<double> weights;                              // shifted so that 0.5 is the threshold with the best F1
    double precision = 0, recall = 0, f1 = 0;                 // out of fold
    double rule_precision = 0, rule_recall = 0, rule_f1 = 0;  // of the rule on the same pairs
    int folds = 0;
};

// Throws where there are too few pairs of either sort.
MatcherFit fit_matcher(std::span<const LabelledPair> pairs, const std::function<void()> &checkpoint);

}  // namespace xsell::core
