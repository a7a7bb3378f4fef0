#include "config/duration.hpp"

#include <charconv>

namespace xsell::config {

std::optional<std::int64_t> duration(std::string_view text) {
    constexpr std::int64_t day = 86400, century = 36500 * day;
    std::int64_t count = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    const std::string_view unit(stop, static_cast<std::size_t>(text.data() + text.size() - stop));
    const std::int64_t seconds = unit.empty() || unit == "s" ? 1
                                 : unit == "m"               ? 60
                                 : unit == "h"               ? 3600
                                 : unit == "d"               ? day
                                 : unit == "w"               ? 7 * day
                                                             : 0;
    if (error != std::errc() || seconds == 0 || count < 0 || count > century / seconds) return std::nullopt;
    return count * seconds;
}

}  // namespace xsell::config
