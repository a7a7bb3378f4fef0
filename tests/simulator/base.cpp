#include "base.hpp"

#include <fmt/format.h>

#include <chrono>
#include <stdexcept>

namespace xsell::simulator {
namespace {

std::chrono::year_month_day civil(Time time) { return std::chrono::sys_days{std::chrono::days{midnight(time) / day}}; }

bool digits(std::string_view text, std::size_t at, std::size_t count, int &value) {
    if (at + count > text.size()) return false;
    value = 0;
    for (std::size_t i = at; i < at + count; i++) {
        if (text[i] < '0' || text[i] > '9') return false;
        value = value * 10 + (text[i] - '0');
    }
    return true;
}

// The offset at the end of a timestamp, in minutes; nullopt when it is malformed.
std::optional<int> offset_minutes(std::string_view zone) {
    if (zone == "Z" || zone == "z") return 0;
    int hours = 0, minutes = 0;
    if (zone.size() < 5 || (zone[0] != '+' && zone[0] != '-')) return std::nullopt;
    const std::size_t second = zone[3] == ':' ? 4 : 3;
    if (!digits(zone, 1, 2, hours) || !digits(zone, second, 2, minutes) || zone.size() != second + 2) return std::nullopt;
    return (zone[0] == '-' ? -1 : 1) * (hours * 60 + minutes);
}

}  // namespace

Time make_time(int years, unsigned month, unsigned day_of_month) {
    using namespace std::chrono;
    return sys_days{std::chrono::year{years} / std::chrono::month{month} / std::chrono::day{day_of_month}}
               .time_since_epoch()
               .count() *
           day;
}

std::optional<std::int64_t> parse_millis(std::string_view text) {
    int y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0;
    if (!digits(text, 0, 4, y) || !digits(text, 5, 2, mo) || !digits(text, 8, 2, d) || text[4] != '-' || text[7] != '-')
        return std::nullopt;
    if (mo < 1 || mo > 12 || d < 1 || d > 31) return std::nullopt;
    Time seconds = make_time(y, static_cast<unsigned>(mo), static_cast<unsigned>(d));
    if (text.size() == 10) return seconds * 1000;
    if ((text[10] != 'T' && text[10] != ' ') || !digits(text, 11, 2, h) || !digits(text, 14, 2, mi) || !digits(text, 17, 2, s))
        return std::nullopt;
    seconds += h * hour + mi * minute + s;
    std::size_t at = 19;
    std::int64_t millis = 0, scale = 100;
    if (at < text.size() && text[at] == '.') {
        for (at++; at < text.size() && text[at] >= '0' && text[at] <= '9'; at++, scale /= 10) millis += (text[at] - '0') * scale;
    }
    const auto offset = offset_minutes(text.substr(at));
    if (!offset) return std::nullopt;
    return (seconds - *offset * minute) * 1000 + millis;
}

Time parse_time(std::string_view text) {
    const auto millis = parse_millis(text);
    if (!millis) throw std::invalid_argument(fmt::format("'{}' is not a time such as 2026-06-01T00:00:00Z", text));
    return *millis / 1000;
}

std::string iso(Time time) {
    const auto date = civil(time);
    const Time rest = time - midnight(time);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", int(date.year()), unsigned(date.month()), unsigned(date.day()),
                       rest / hour, rest / minute % 60, rest % 60);
}

std::string iso_day(Time time) {
    const auto date = civil(time);
    return fmt::format("{:04}-{:02}-{:02}", int(date.year()), unsigned(date.month()), unsigned(date.day()));
}

std::string http_date(Time time) {
    static constexpr const char *days[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static constexpr const char *months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto date = civil(time);
    const Time rest = time - midnight(time);
    return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", days[(midnight(time) / day) % 7], unsigned(date.day()),
                       months[unsigned(date.month()) - 1], int(date.year()), rest / hour, rest / minute % 60, rest % 60);
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char &c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    }
    return out;
}

std::string upper(std::string_view text) {
    std::string out(text);
    for (char &c : out) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
    }
    return out;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
        text.replace(at, from.size(), to);
    return text;
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find(separator, at), text.size());
        parts.emplace_back(text.substr(at, end - at));
        at = end + 1;
    }
    return parts;
}

std::string plain(double number) {
    std::string text = fmt::format("{:.2f}", number);
    while (text.back() == '0') text.pop_back();
    if (text.back() == '.') text.pop_back();
    return text;
}

void append_json(std::string &out, std::string_view text) {
    out += '"';
    for (const char c : text) {
        switch (c) {
            case '"': out += "\\\""; break;
            case '\\': out += "\\\\"; break;
            case '\n': out += "\\n"; break;
            case '\r': out += "\\r"; break;
            case '\t': out += "\\t"; break;
            default:
                if (static_cast<unsigned char>(c) < 0x20)
                    out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
                else
                    out += c;
        }
    }
    out += '"';
}

void append_csv(std::string &out, std::string_view text) {
    if (text.find_first_of("\",\r\n") == std::string_view::npos) {
        out += text;
        return;
    }
    out += '"';
    for (const char c : text) {
        if (c == '"') out += '"';
        out += c;
    }
    out += '"';
}

}  // namespace xsell::simulator
