// Exact sums and products of amounts: what an invoice's lines come to must not depend on binary fractions.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace xsell::connectors::csv {

struct Decimal {
    __int128 units = 0;
    int scale = 0;  // value = units / 10^scale

    // From canonical text ("-12.50"); nothing beyond 18 digits or with an exponent.
    static std::optional<Decimal> parse(std::string_view text);
    std::optional<Decimal> plus(Decimal other) const;  // nothing on overflow
    Decimal times(Decimal other) const;                // exact for parsed values
    std::string text() const;                          // without trailing zeros
};

}  // namespace xsell::connectors::csv
