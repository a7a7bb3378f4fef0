// What a pair of records is worth without any labels, and in words.
#pragma once
#include <string>

#include "core/match/pair_features.hpp"

namespace xsell::core {

constexpr double match_at = 0.5;   // accounts are joined from here
constexpr double review_at = 0.1;  // somebody should look from here

// Log-odds that two records of one kind are one customer, by evidence that was set by hand: each field speaks for or against,
// what is missing says nothing.
double rule_evidence(const Record &a, const Record &b, const PairFeatures &f);

double probability(double log_odds);

// What speaks for the pair, and what against it: 'same domain and similar name, other country'.
std::string match_reason(const PairFeatures &f);

}  // namespace xsell::core
