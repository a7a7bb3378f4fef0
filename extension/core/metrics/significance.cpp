#include "core/metrics/significance.hpp"

#include <cmath>
#include <numbers>

namespace xsell::core {

double normal_tail(double z) { return std::erfc(z / std::numbers::sqrt2) / 2; }

// Q(k/2, x/2) from Q(1/2, h) = erfc(sqrt(h)) or Q(1, h) = exp(-h), by Q(a + 1, h) = Q(a, h) + h^a exp(-h) / Gamma(a + 1).
double chi_square_tail(double x, int degrees) {
    if (!(x > 0)) {
        return std::isnan(x) ? x : 1;
    }
    if (std::isinf(x)) {
        return 0;
    }
    const double h = x / 2;
    double tail = degrees % 2 == 0 ? std::exp(-h) : std::erfc(std::sqrt(h));
    for (int twice = degrees % 2 == 0 ? 2 : 1; twice < degrees; twice += 2) {
        const double a = twice / 2.0;
        tail += std::exp(a * std::log(h) - h - std::lgamma(a + 1));
    }
    return tail;
}

}  // namespace xsell::core
