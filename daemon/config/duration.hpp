// "90s", "10m", "24h", "7d", "4w" or a plain number of seconds.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace xsell::config {

// Seconds; nothing for what is no duration, or is longer than a century.
std::optional<std::int64_t> duration(std::string_view text);

}  // namespace xsell::config
