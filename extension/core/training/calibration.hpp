// From margins to honest probabilities: Platt scaling, isotonic regression, and how far a probability may be off.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/scoring/calibration.hpp"
#include "core/training/matrix.hpp"
#include "core/training/parameters.hpp"

namespace xsell::core {

// probability = sigmoid(slope * margin + intercept)
struct Platt {
    double slope = 1;
    double intercept = 0;
};

// Weighted maximum likelihood by Newton's method. Where the data give no finite rising line (one class, perfect separation,
// scores that point the wrong way), the slope stays 1 and only the level is fitted.
Platt fit_platt(std::span<const float> margin, std::span<const float> label, std::span<const float> weight);

// A stretch of margins with one observed rate.
struct Block {
    double low;  // its first and its last margin
    double high;
    double center;  // weighted mean of its margins
    double mass;
    double hits;
};

// Pools adjacent violators: blocks whose rates rise strictly, in the order of the margins.
std::vector<Block> pool_adjacent_violators(std::span<const float> margin, std::span<const float> label,
                                           std::span<const float> weight);

// Centred isotonic regression: straight lines in log-odds through the middles of the pooled blocks, so that rows of a block keep
// their order; beyond the outermost middles it goes on with the slope of `platt`. Rates are pulled slightly to the common rate,
// so that none is 0 or 1, and blocks too small to say anything are joined with their neighbours.
std::vector<Knot> fit_isotonic(std::span<const float> margin, std::span<const float> label, std::span<const float> weight,
                               const Platt &platt);

struct CalibrationFit {
    Calibration calibration;
    bool isotonic;
    double log_loss;           // of the kind that was taken, on rows that it was not fitted on, entity by entity
    double calibration_error;  // likewise
};

// Platt, isotonic, or whichever has the better cross-validated log-loss on these rows; isotonic is not tried on fewer than
// 200 positives. The interval's half width comes with it.
CalibrationFit fit_calibration(std::span<const float> margin, const Matrix &rows, CalibrationChoice choice, std::uint64_t seed);

// Half width in log-odds: of bins of equal mass, the share `coverage` has its observed rate within this distance of the
// prediction. Observed rates are taken with Jeffreys' half a success and half a failure, so that an empty bin is not infinitely
// wrong.
double interval_half_width(std::span<const float> margin, std::span<const float> label, std::span<const float> weight,
                           const Calibration &calibration, double coverage = 0.9);

// log(1 + exp(z)) - y z, without overflow.
double logistic_loss(double z, bool positive);
double weighted_log_loss(std::span<const float> margin, std::span<const float> label, std::span<const float> weight);

}  // namespace xsell::core
