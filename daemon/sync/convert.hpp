// Turns the text of a source into the canonical text of a column's type; a failure names the column, the value and the reason.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sync/record.hpp"

namespace xsell::sync {

// Order of day and month in dates with slashes or dots; iso accepts none of those.
enum class DateOrder { iso, mdy, dmy };

// "1234.5", "-3e4", "1,234.50"; not NaN, not Infinity.
std::optional<std::string> to_number(std::string_view text);
// Also "13938.0".
std::optional<std::string> to_integer(std::string_view text);
// true/false, yes/no, t/f, y/n, 1/0 in any case.
std::optional<std::string> to_boolean(std::string_view text);
// Microseconds since 1970 UTC. Accepts 2020-10-22T21:03:23.000+0000, ...+03:00, ...Z, nine-digit fractions, a blank instead of
// the T, days alone (00:00) and epoch milliseconds of eleven digits or more. Without a zone it is UTC.
std::optional<std::int64_t> to_micros(std::string_view text, DateOrder order = DateOrder::iso);
std::string from_micros(std::int64_t micros);  // "2020-10-22 21:03:23.000000+00"
std::optional<std::string> to_timestamp(std::string_view text, DateOrder order = DateOrder::iso);

// Empty text is NULL; numbers end below 1e30. On failure returns nullopt and sets `reason`: "amount: 'abc' is not a number".
Value convert(const Column &column, std::string_view text, std::string &reason, DateOrder order = DateOrder::iso);

}  // namespace xsell::sync
