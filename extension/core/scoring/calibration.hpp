// Turns a raw margin (log-odds) into a calibrated probability and the interval around it.
#pragma once

#include <cstddef>
#include <vector>

namespace xsell::core {

// A corner of an isotonic calibration: margins map to calibrated log-odds.
struct Knot {
    double margin = 0;
    double log_odds = 0;
    bool operator==(const Knot &) const = default;
};

constexpr std::size_t max_knots = 4096;

// Platt where `knots` is empty, else isotonic. Both are monotone, so they keep the ranking. Whoever fits one keeps to this, or
// packing the model refuses it: every number finite and at most 1e6 in size; the interval's width not negative; at most max_knots
// knots, their margins strictly ascending, their log-odds not descending. A block of equal observed rates is two knots (its first
// and its last margin), and a rate of 0 or 1 has to be pulled inside by who fits: there are no infinite log-odds here.
struct Calibration {
    double slope = 1;  // Platt: slope * margin + intercept; an isotonic calibration leaves them alone
    double intercept = 0;
    double prior_shift = 0;          // log-odds added when the population's base rate differs from the training sample's
    double interval_half_width = 0;  // conformal half width, in calibrated log-odds
    std::vector<Knot> knots = {};    // isotonic: straight lines between the knots, flat before the first and after the last

    bool operator==(const Calibration &) const = default;

    double log_odds(float margin) const;  // prior_shift included
    double probability(float margin) const;
    double low(float margin) const;
    double high(float margin) const;
};

}  // namespace xsell::core
