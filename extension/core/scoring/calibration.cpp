#include "core/scoring/calibration.hpp"

#include "core/math.hpp"

namespace xsell::core {

double Calibration::probability(float margin) const { return sigmoid(log_odds(margin)); }

double Calibration::low(float margin) const { return sigmoid(log_odds(margin) - interval_half_width); }

double Calibration::high(float margin) const { return sigmoid(log_odds(margin) + interval_half_width); }

}  // namespace xsell::core
