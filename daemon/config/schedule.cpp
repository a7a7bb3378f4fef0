#include "config/schedule.hpp"

#include <charconv>
#include <chrono>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace xsell::config {
namespace {

struct Field {
    const char *name;
    int low, high;
    const char *words;  // three letters each
};
constexpr Field fields[] = {{"minute", 0, 59, ""},
                            {"hour", 0, 23, ""},
                            {"day", 1, 31, ""},
                            {"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
                            {"weekday", 0, 7, "sunmontuewedthufrisat"}};

[[noreturn]] void wrong(const Field &field, std::string_view text) {
    throw std::invalid_argument(std::string(field.name) + ": '" + std::string(text) + "' is not a list of " +
                                std::to_string(field.low) + " to " + std::to_string(field.high));
}

int number(const Field &field, std::string_view text) {
    if (text.size() == 3) {
        std::string word(text);
        for (char &c : word) c = static_cast<char>(c | 32);
        const std::size_t found = std::string_view(field.words).find(word);
        if (found != std::string_view::npos && found % 3 == 0) return field.low + static_cast<int>(found / 3);
    }
    int value = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < field.low || value > field.high) wrong(field, text);
    return value;
}

// "*", "5", "1-5", "*/15", "10-50/20", "mon".
std::uint64_t range(const Field &field, std::string_view text) {
    int step = 1;
    std::string_view body = text;
    if (const std::size_t slash = text.find('/'); slash != std::string_view::npos) {
        const std::string_view part = text.substr(slash + 1);
        const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), step);
        if (error != std::errc() || end != part.data() + part.size() || step < 1 || step > field.high) wrong(field, text);
        body = text.substr(0, slash);
    }
    int low = field.low, high = field.high;
    if (body != "*") {
        const std::size_t dash = body.find('-');
        low = number(field, body.substr(0, dash));
        if (dash != std::string_view::npos)
            high = number(field, body.substr(dash + 1));
        else if (body.size() == text.size())
            high = low;
    }
    if (low > high) wrong(field, text);
    std::uint64_t bits = 0;
    for (int i = low; i <= high; i += step) bits |= 1ULL << i;
    return bits;
}

std::uint64_t parse_field(const Field &field, std::string_view text) {
    std::uint64_t bits = 0;
    for (std::size_t from = 0; from <= text.size();) {
        const std::size_t comma = std::min(text.find(',', from), text.size());
        bits |= range(field, text.substr(from, comma - from));
        from = comma + 1;
    }
    return bits;
}

std::int64_t parse_every(const std::string &text) {
    std::istringstream in(text.substr(6));
    std::int64_t count = 0;
    std::string unit, rest;
    in >> count >> unit;
    const std::int64_t seconds = unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : unit == "d" ? 86400 : 0;
    if (seconds == 0 || count < 1 || count > 366 * 86400 / seconds || in >> rest)
        throw std::invalid_argument("'" + text + "' is not like \"every 15m\"");
    return count * seconds;
}

bool has(std::uint64_t bits, unsigned value) { return bits >> value & 1; }

}  // namespace

Schedule Schedule::parse(const std::string &text) {
    Schedule schedule;
    if (text.starts_with("every ")) {
        schedule.every_ = parse_every(text);
        return schedule;
    }
    const std::string expression = text == "hourly"   ? "0 * * * *"
                                   : text == "daily"  ? "0 2 * * *"
                                   : text == "weekly" ? "0 2 * * sun"
                                                      : text;
    std::istringstream in(expression);
    std::vector<std::string> parts;
    for (std::string part; in >> part;) parts.push_back(part);
    if (parts.size() != 5)
        throw std::invalid_argument("'" + text +
                                    "' is neither hourly, daily, weekly, \"every 15m\" nor a cron expression of five fields");
    schedule.minutes_ = parse_field(fields[0], parts[0]);
    schedule.hours_ = parse_field(fields[1], parts[1]);
    schedule.days_ = parse_field(fields[2], parts[2]);
    schedule.months_ = parse_field(fields[3], parts[3]);
    schedule.weekdays_ = parse_field(fields[4], parts[4]);
    if (has(schedule.weekdays_, 7)) schedule.weekdays_ |= 1;
    schedule.any_day_ = parts[2].starts_with('*');
    schedule.any_weekday_ = parts[4].starts_with('*');
    return schedule;
}

std::time_t Schedule::next(std::time_t after) const {
    using namespace std::chrono;
    if (every_ > 0) return (after / every_ + 1) * every_;
    const auto start = floor<minutes>(sys_seconds(seconds(after))) + minutes(1);
    constexpr int years = 9;  // 29 February may be eight years away
    for (auto day = floor<days>(start); day < start + days(366 * years); day += days(1)) {
        const year_month_day date(day);
        const bool day_fits = has(days_, static_cast<unsigned>(date.day())),
                   weekday_fits = has(weekdays_, weekday(day).c_encoding());
        // As in cron: when both are restricted, either will do.
        const bool fits = any_day_ || any_weekday_ ? day_fits && weekday_fits : day_fits || weekday_fits;
        if (!has(months_, static_cast<unsigned>(date.month())) || !fits) continue;
        for (unsigned minute = 0; minute < 1440; ++minute) {
            const auto moment = day + minutes(minute);
            if (moment < start || !has(hours_, minute / 60) || !has(minutes_, minute % 60)) continue;
            return static_cast<std::time_t>(duration_cast<seconds>(moment.time_since_epoch()).count());
        }
    }
    throw std::runtime_error("the schedule never comes round");
}

}  // namespace xsell::config
