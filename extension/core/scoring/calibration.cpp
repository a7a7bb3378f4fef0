#include "core/scoring/calibration.hpp"

#include <algorithm>

#include "core/math.hpp"

namespace xsell::core {

namespace {

double between(const std::vector<Knot> &knots, double margin) {
    const auto after = std::upper_bound(knots.begin(), knots.end(), margin, [](double m, const Knot &k) { return m < k.margin; });
    if (after == knots.begin()) return knots.front().log_odds;
    if (after == knots.end()) return knots.back().log_odds;
    const Knot &from = after[-1];
    const double share = (margin - from.margin) / (after->margin - from.margin);
    // Rounding must not carry the line past its end, else it would fall where the next one begins.
    return std::min(from.log_odds + (after->log_odds - from.log_odds) * share, after->log_odds);
}

}  // namespace

double Calibration::log_odds(float margin) const {
    const double m = margin;
    return (knots.empty() ? slope * m + intercept : between(knots, m)) + prior_shift;
}

double Calibration::probability(float margin) const { return sigmoid(log_odds(margin)); }

double Calibration::low(float margin) const { return sigmoid(log_odds(margin) - interval_half_width); }

double Calibration::high(float margin) const { return sigmoid(log_odds(margin) + interval_half_width); }

}  // namespace xsell::core
