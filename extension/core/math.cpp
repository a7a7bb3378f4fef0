#include "core/math.hpp"

#include <bit>
#include <cstdint>
#include <limits>

namespace xsell::core {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

// ln 2 in two parts: the first has so few bits that k * high is exact for every exponent k.
constexpr double ln2_high = 0x1.62e42feep-1;
constexpr double ln2_low = 0x1.a39ef35793c76p-33;

double power_of_two(int k) { return std::bit_cast<double>(static_cast<std::uint64_t>(k + 1023) << 52); }

}  // namespace

double exp(double x) {
    if (x != x) return x;
    if (x > 709.79) return infinity;
    if (x < -745.2) return 0;
    const int k = static_cast<int>(x * 0x1.71547652b82fep0 + (x < 0 ? -0.5 : 0.5));
    const double high = x - k * ln2_high;
    const double low = k * ln2_low;
    const double r = high - low;
    // The Taylor series after its first two terms, in pairs and fours so that it is not one long chain.
    const double r2 = r * r;
    const double r4 = r2 * r2;
    const double a = (1.0 / 2 + r * (1.0 / 6)) + r2 * (1.0 / 24 + r * (1.0 / 120));
    const double b = (1.0 / 720 + r * (1.0 / 5040)) + r2 * (1.0 / 40320 + r * (1.0 / 362880));
    const double c = (1.0 / 3628800 + r * (1.0 / 39916800)) + r2 * (1.0 / 479001600 + r * (1.0 / 6227020800));
    const double tail = r2 * (a + r4 * (b + r4 * c));
    // r lost the bits of (high - r) - low; adding them back late keeps the result within an ulp.
    const double value = 1 + (r + (tail + ((high - r) - low)));
    const int half = k / 2;
    return value * power_of_two(half) * power_of_two(k - half);
}

double log(double x) {
    if (x != x || x < 0) return not_a_number;
    if (x == 0) return -infinity;
    if (x == infinity) return x;
    int k = 0;
    if (x < std::numeric_limits<double>::min()) {
        x *= 0x1p54;
        k = -54;
    }
    std::uint64_t bits = std::bit_cast<std::uint64_t>(x);
    k += static_cast<int>(bits >> 52) - 1023;
    double m = std::bit_cast<double>((bits & 0x000fffffffffffffu) | 0x3ff0000000000000u);
    if (m > 0x1.6a09e667f3bcdp0) {
        m *= 0.5;
        ++k;
    }
    // log(1 + f) = 2 atanh(s) with s = f / (2 + f), arranged so that f itself is never rounded away.
    const double f = m - 1;
    const double s = f / (2 + f);
    const double z = s * s;
    const double even = z * (2.0 / 3 + z * (2.0 / 5 + z * (2.0 / 7 + z * (2.0 / 9 + z * (2.0 / 11)))));
    const double z6 = z * z * z * z * z * z;
    const double rest = z6 * (2.0 / 13 + z * (2.0 / 15 + z * (2.0 / 17 + z * (2.0 / 19 + z * (2.0 / 21 + z * (2.0 / 23))))));
    const double half_square = 0.5 * f * f;
    const double correction = s * (half_square + (even + rest)) + k * ln2_low;
    return k * ln2_high - ((half_square - correction) - f);
}

double sigmoid(double x) {
    if (x >= 0) return 1 / (1 + exp(-x));
    const double e = exp(x);
    return e / (1 + e);
}

double logit(double p) { return log(p) - log(1 - p); }

}  // namespace xsell::core
