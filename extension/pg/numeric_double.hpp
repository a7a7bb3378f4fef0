// A numeric as a double, without the detour through text that the server's own conversion takes.
#pragma once
#include "border/border.hpp"

namespace xsell::pg {

// The short form, as it is stored since version 9.1: a header of 16 bits (sign, scale, weight), then digits to the base of 10000.
// Up to four of them are an integer that a double holds, over or times a power of ten that it holds too: one rounding, the
// nearest double, as by way of text. Everything else is left to the server.
inline double numeric_double(Datum value) {
    auto *raw = reinterpret_cast<struct varlena *>(DatumGetPointer(value));
    if (!VARATT_IS_EXTERNAL(raw) && !VARATT_IS_COMPRESSED(raw)) {
        const char *data = VARDATA_ANY(raw);
        const std::size_t size = VARSIZE_ANY_EXHDR(raw);
        std::uint16_t header;
        if (size >= sizeof header && size <= sizeof header + 4 * sizeof(std::int16_t)) {
            std::memcpy(&header, data, sizeof header);
            const std::size_t digits = (size - sizeof header) / sizeof(std::int16_t);
            const int weight = (header & 0x0040 ? ~0x3F : 0) | (header & 0x3F);
            const int places = 4 * (static_cast<int>(digits) - 1 - weight);  // decimal ones, below the point
            if ((header & 0xC000) == 0x8000 && std::abs(places) <= 20) {
                std::int64_t whole = 0;
                for (std::size_t i = 0; i < digits; ++i) {
                    std::int16_t digit;
                    std::memcpy(&digit, data + sizeof header + i * sizeof digit, sizeof digit);
                    whole = whole * 10000 + digit;
                }
                constexpr double powers[] = {1, 1e4, 1e8, 1e12, 1e16, 1e20};
                if (whole < std::int64_t{1} << 53) {
                    const double power = powers[std::abs(places) / 4];
                    const double number = places > 0 ? static_cast<double>(whole) / power : static_cast<double>(whole) * power;
                    return header & 0x2000 ? -number : number;
                }
            }
        }
    }
    return pg([&]() noexcept { return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, value)); });
}

}  // namespace xsell::pg
