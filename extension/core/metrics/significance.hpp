// Tails of the distributions that tests of significance refer to.
#pragma once

namespace xsell::core {

// P(Z > z) for a standard normal Z.
double normal_tail(double z);

// P(X > x) for a chi-square X with that many degrees of freedom (at least 1).
double chi_square_tail(double x, int degrees);

}  // namespace xsell::core
