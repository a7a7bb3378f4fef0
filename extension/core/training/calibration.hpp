// From margins to honest probabilities: Platt scaling, and how far a probability may be off.
#pragma once
#include <span>

namespace xsell::core {

// probability = sigmoid(slope * margin + intercept)
struct Platt {
    double slope = 1;
    double intercept = 0;
};

// Weighted maximum likelihood by Newton's method. Where the data give no finite rising line (one class, perfect separation,
// scores that point the wrong way), the slope stays 1 and only the level is fitted.
Platt fit_platt(std::span<const float> margin, std::span<const float> label, std::span<const float> weight);

// Half width in log-odds: of bins of equal mass, the share `coverage` has its observed rate within this distance of the
// prediction. Observed rates are taken with Jeffreys' half a success and half a failure, so that an empty bin is not infinitely
// wrong.
double interval_half_width(std::span<const float> margin, std::span<const float> label, std::span<const float> weight,
                           const Platt &platt, double coverage = 0.9);

double weighted_log_loss(std::span<const float> margin, std::span<const float> label, std::span<const float> weight);

}  // namespace xsell::core
