#include "sync/convert.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>

#include "sync/text.hpp"

namespace xsell::sync {
namespace {

constexpr std::size_t longest_number = 1000;
constexpr std::int64_t largest_exponent = 400;
constexpr double too_large = 1e30;  // no amount or quantity of this world; sums and squares of what is below stay finite

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Takes things off the front of a text.
struct Reader {
    std::string_view rest;
    bool take(char c) {
        if (rest.empty() || rest[0] != c) return false;
        rest.remove_prefix(1);
        return true;
    }
    bool take_any(std::string_view set) { return !rest.empty() && set.find(rest[0]) != std::string_view::npos && take(rest[0]); }
    std::string_view digits() {
        const auto end = std::find_if_not(rest.begin(), rest.end(), is_digit);
        const std::string_view found = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
        rest.remove_prefix(found.size());
        return found;
    }
    // A number of `low` to `high` digits.
    std::optional<int> number(std::size_t low, std::size_t high) {
        const std::string_view found = digits();
        if (found.size() < low || found.size() > high) return std::nullopt;
        int value = 0;
        std::from_chars(found.data(), found.data() + found.size(), value);
        return value;
    }
};

// Digits with or without thousands separators ("1,234,567"); nothing when the groups are wrong.
std::optional<std::string> whole_part(Reader &in) {
    std::string digits(in.digits());
    if (in.rest.empty() || in.rest[0] != ',') return digits;
    if (digits.empty() || digits.size() > 3) return std::nullopt;
    while (in.take(',')) {
        const std::string_view group = in.digits();
        if (group.size() != 3) return std::nullopt;
        digits += group;
    }
    return digits;
}

struct Clock {
    std::int64_t micros = 0;  // since midnight
    std::int64_t offset = 0;  // of the zone, in microseconds
};

constexpr std::int64_t second = 1'000'000;

std::optional<std::int64_t> fraction(Reader &in) {
    if (!in.take('.') && !in.take(',')) return 0;
    const std::string_view digits = in.digits();
    if (digits.empty() || digits.size() > 9) return std::nullopt;
    std::int64_t value = 0;
    for (std::size_t i = 0; i < 6; ++i) value = value * 10 + (i < digits.size() ? digits[i] - '0' : 0);
    return value;
}

std::optional<std::int64_t> zone(Reader &in) {
    if (in.rest.empty() || in.take_any("Zz")) return 0;
    const bool negative = in.rest[0] == '-';
    if (!in.take_any("+-")) return std::nullopt;
    const auto hours = in.rest.size() >= 2 ? Reader{in.rest.substr(0, 2)}.number(2, 2) : std::nullopt;
    if (!hours || *hours > 15) return std::nullopt;
    in.rest.remove_prefix(2);
    in.take(':');
    const auto minutes = in.rest.empty() ? std::optional<int>(0) : in.number(2, 2);
    if (!minutes || *minutes > 59) return std::nullopt;
    const std::int64_t offset = (*hours * 60 + *minutes) * 60 * second;
    return negative ? -offset : offset;
}

std::optional<Clock> clock_part(Reader &in) {
    const auto hour = in.number(1, 2);
    if (!hour || *hour > 23 || !in.take(':')) return std::nullopt;
    const auto minute = in.number(2, 2);
    if (!minute || *minute > 59) return std::nullopt;
    std::optional<int> seconds = 0;
    std::optional<std::int64_t> part = 0;
    if (in.take(':')) {
        seconds = in.number(2, 2);
        part = fraction(in);
    }
    if (!seconds || *seconds > 60 || !part) return std::nullopt;
    Clock clock;
    clock.micros = ((*hour * 60 + *minute) * 60LL + *seconds) * second + *part;
    in.rest = trim(in.rest);
    if (in.rest == "UTC" || in.rest == "GMT") in.rest = {};
    const auto offset = zone(in);
    if (!offset) return std::nullopt;
    clock.offset = *offset;
    return clock;
}

std::optional<std::int64_t> day_micros(int year, int month, int day) {
    const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day))};
    if (year < 1 || year > 9999 || !date.ok()) return std::nullopt;
    return std::chrono::sys_days(date).time_since_epoch().count() * 86400LL * second;
}

// 2020-10-22, or 10/22/2020 and 22.10.2020 where the order is known.
std::optional<std::int64_t> date_part(Reader &in, DateOrder order) {
    const auto first = in.number(1, 4);
    if (!first || in.rest.empty()) return std::nullopt;
    const char separator = in.rest[0];
    if (!in.take_any(order == DateOrder::iso ? "-" : "-/.")) return std::nullopt;
    const auto middle = in.number(1, 2);
    if (!middle || !in.take(separator)) return std::nullopt;
    const auto last = in.number(1, 4);
    if (!last) return std::nullopt;
    if (*first > 31 || separator == '-') return *first < 100 ? std::nullopt : day_micros(*first, *middle, *last);
    if (*last < 100) return std::nullopt;
    return order == DateOrder::mdy ? day_micros(*last, *first, *middle) : day_micros(*last, *middle, *first);
}

std::optional<std::int64_t> epoch_millis(std::string_view text) {
    const bool negative = text.starts_with('-');
    const std::string_view digits = text.substr(negative ? 1 : 0);
    if (digits.size() < 11 || digits.size() > 15 || !std::all_of(digits.begin(), digits.end(), is_digit)) return std::nullopt;
    std::int64_t value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (value > 253'402'300'799'999) return std::nullopt;  // the end of year 9999
    return (negative ? -value : value) * 1000;
}

const char *type_name(ColumnType type) {
    switch (type) {
        case ColumnType::number: return "a number";
        case ColumnType::integer: return "a whole number";
        case ColumnType::boolean: return "a yes or no";
        case ColumnType::timestamp: return "a date or time";
        default: return "a text";
    }
}

}  // namespace

std::optional<std::string> to_number(std::string_view text) {
    text = trim(text);
    if (text.size() > longest_number) return std::nullopt;
    Reader in{text};
    std::string out = in.take('-') ? "-" : "";
    if (out.empty()) in.take('+');
    const auto whole = whole_part(in);
    if (!whole) return std::nullopt;
    std::string_view decimals;
    if (in.take('.')) decimals = in.digits();
    if (whole->empty() && decimals.empty()) return std::nullopt;
    out += whole->empty() ? "0" : *whole;
    if (!decimals.empty()) out.append(".").append(decimals);
    if (in.take_any("eE")) {
        const bool negative = in.take('-');
        if (!negative) in.take('+');
        const auto exponent = in.number(1, 4);
        if (!exponent || *exponent > largest_exponent) return std::nullopt;
        out.append(negative ? "e-" : "e").append(std::to_string(*exponent));
    }
    if (!in.rest.empty()) return std::nullopt;
    return out;
}

std::optional<std::string> to_integer(std::string_view text) {
    auto number = to_number(text);
    if (!number) return std::nullopt;
    if (const std::size_t e = number->find('e'); e != std::string::npos) {
        const double value = std::strtod(number->c_str(), nullptr);
        if (std::abs(value) > 9e15 || value != std::floor(value)) return std::nullopt;
        return std::to_string(static_cast<std::int64_t>(value));
    }
    if (const std::size_t dot = number->find('.'); dot != std::string::npos) {
        if (number->find_first_not_of('0', dot + 1) != std::string::npos) return std::nullopt;
        number->resize(dot);
    }
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(number->data(), number->data() + number->size(), value);
    if (error != std::errc() || end != number->data() + number->size()) return std::nullopt;
    return std::to_string(value);
}

std::optional<std::string> to_boolean(std::string_view text) {
    const std::string word = lower_ascii(trim(text));
    for (const char *yes : {"true", "t", "yes", "y", "1"}) {
        if (word == yes) return "true";
    }
    for (const char *no : {"false", "f", "no", "n", "0"}) {
        if (word == no) return "false";
    }
    return std::nullopt;
}

std::optional<std::int64_t> to_micros(std::string_view text, DateOrder order) {
    text = trim(text);
    if (const auto millis = epoch_millis(text)) return millis;
    Reader in{text};
    const auto day = date_part(in, order);
    if (!day) return std::nullopt;
    if (in.rest.empty()) return day;
    if (!in.take_any("Tt ")) return std::nullopt;
    in.rest = trim(in.rest);
    const auto clock = clock_part(in);
    if (!clock || !in.rest.empty()) return std::nullopt;
    return *day + clock->micros - clock->offset;
}

std::string from_micros(std::int64_t micros) {
    using namespace std::chrono;
    const sys_time<microseconds> time{microseconds(micros)};
    const auto day = floor<days>(time);
    const year_month_day date(day);
    const hh_mm_ss clock(time - day);
    char out[64];
    std::snprintf(out, sizeof out, "%04d-%02u-%02u %02d:%02d:%02d.%06d+00", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                  static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()),
                  static_cast<int>(clock.subseconds().count()));
    return out;
}

std::optional<std::string> to_timestamp(std::string_view text, DateOrder order) {
    const auto micros = to_micros(text, order);
    if (!micros) return std::nullopt;
    return from_micros(*micros);
}

Value convert(const Column &column, std::string_view text, std::string &reason, DateOrder order) {
    if (column.type == ColumnType::text || column.type == ColumnType::json) return text.empty() ? Value() : Value(text);
    if (trim(text).empty()) return std::nullopt;
    Value value;
    switch (column.type) {
        case ColumnType::number: value = to_number(text); break;
        case ColumnType::integer: value = to_integer(text); break;
        case ColumnType::boolean: value = to_boolean(text); break;
        default: value = to_timestamp(text, order); break;
    }
    if (value && column.type == ColumnType::number && std::abs(std::strtod(value->c_str(), nullptr)) >= too_large) {
        reason = column.name + ": '" + cut(clean_text(text.substr(0, 200)).text, 100) + "' is too large";
        return std::nullopt;
    }
    if (!value)
        reason = column.name + ": '" + cut(clean_text(text.substr(0, 200)).text, 100) + "' is not " + type_name(column.type);
    return value;
}

}  // namespace xsell::sync
