// Turns a raw margin (log-odds) into a calibrated probability and the interval around it.
#pragma once

namespace xsell::core {

// Everything is linear in log-odds, so ranking and the additive explanations survive calibration.
struct Calibration {
    double slope = 1;  // Platt: slope * margin + intercept
    double intercept = 0;
    double prior_shift = 0;          // log-odds added when the population's base rate differs from the training sample's
    double interval_half_width = 0;  // conformal half width, in calibrated log-odds

    double log_odds(float margin) const { return slope * static_cast<double>(margin) + intercept + prior_shift; }
    double probability(float margin) const;
    double low(float margin) const;
    double high(float margin) const;
};

}  // namespace xsell::core
