#include "connectors/csv/decimal.hpp"

#include <algorithm>
#include <utility>

namespace xsell::connectors::csv {

std::optional<Decimal> Decimal::parse(std::string_view text) {
    Decimal out;
    int digits = 0;
    bool point = false;
    const bool negative = text.starts_with('-');
    if (negative) text.remove_prefix(1);
    for (const char c : text) {
        if (c == '.' && !point) {
            point = true;
            continue;
        }
        if (c < '0' || c > '9' || ++digits > 18) return std::nullopt;
        out.units = out.units * 10 + (c - '0');
        out.scale += point;
    }
    if (digits == 0) return std::nullopt;
    if (negative) out.units = -out.units;
    return out;
}

std::optional<Decimal> Decimal::plus(Decimal other) const {
    Decimal a = *this;
    if (a.scale > other.scale) std::swap(a, other);
    for (; a.scale < other.scale; ++a.scale) {
        if (__builtin_mul_overflow(a.units, static_cast<__int128>(10), &a.units)) return std::nullopt;
    }
    if (__builtin_add_overflow(a.units, other.units, &a.units)) return std::nullopt;
    return a;
}

Decimal Decimal::times(Decimal other) const { return {units * other.units, scale + other.scale}; }

std::string Decimal::text() const {
    Decimal rest = *this;
    const bool negative = rest.units < 0;
    if (negative) rest.units = -rest.units;
    while (rest.scale > 0 && rest.units % 10 == 0) rest.units /= 10, --rest.scale;
    std::string out;
    for (int i = 0; rest.units > 0 || i <= rest.scale; ++i) {
        if (i > 0 && i == rest.scale) out += '.';
        out += static_cast<char>('0' + static_cast<int>(rest.units % 10));
        rest.units /= 10;
    }
    if (negative) out += '-';
    std::reverse(out.begin(), out.end());
    return out;
}

}  // namespace xsell::connectors::csv
