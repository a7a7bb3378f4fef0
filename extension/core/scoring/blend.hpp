// How the margins of members become one, and how what explains them becomes one explanation.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/error.hpp"
#include "core/scoring/explain.hpp"
#include "core/scoring/member.hpp"

namespace xsell::core {

// Throws Error{kind} for weights, intercepts and calibrations that are not what member.hpp and calibration.hpp say.
void check_blend(Blend blend, double intercept, std::span<const double> weight, Kind kind);
void check_calibration(const Calibration &calibration, Kind kind);

// Log-odds of the blend; finite for every finite margin.
float blend_margins(Blend blend, double intercept, std::span<const double> weight, std::span<const float> margin);

// Spreads what rounding left between base + contributions and the margin over the contributions, by their size. A gap that
// rounding does not explain stays.
void close_gap(Explanation &explanation, double margin);

// Log-odds add up by themselves. Probabilities are carried through the two links (each member's to its probability, the blend's
// back to log-odds) by the rescale rule: the same factor for all the contributions of a member, so that the sum is exact.
Explanation blend_explanations(Blend blend, double intercept, std::span<const double> weight, std::span<const float> margin,
                               std::span<const Explanation> member);

}  // namespace xsell::core
