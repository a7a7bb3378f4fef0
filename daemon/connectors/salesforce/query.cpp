#include "connectors/salesforce/query.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "connectors/parts.hpp"

namespace xsell::connectors::salesforce {
namespace {

constexpr std::int64_t second = 1'000'000;
constexpr std::int64_t shortest_piece = 60 * second;
constexpr std::int64_t before_salesforce = 915'148'800 * second;  // 1999-01-01: no record is older

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string bound(const char *comparison, std::int64_t micros) {
    return std::string("SystemModstamp ") + comparison + " " + literal(micros);
}

std::string select_from(const Scope &scope, const std::vector<std::string> &conditions) {
    std::string soql = "SELECT ", where;
    for (const auto &field : scope.fields) soql += (&field == &scope.fields.front() ? "" : ", ") + field;
    if (!scope.filter.empty()) where = " WHERE " + scope.filter;
    for (const auto &condition : conditions) where += (where.empty() ? " WHERE " : " AND ") + condition;
    return soql + " FROM " + scope.object + where;
}

}  // namespace

std::string select(const Scope &scope, const Window &window) {
    const auto low = window.down && window.cut ? window.cut : window.low;
    const auto high = window.down ? std::optional(window.high) : window.cut;
    std::vector<std::string> conditions;
    if (window.at) {
        // Many records share a second: the id goes on where a cut page ended.
        const std::string past = window.down ? "<" : ">";
        conditions.push_back("(" + bound(past.c_str(), *window.at) + " OR (" + bound("=", *window.at) + " AND Id " + past + " '" +
                             window.id + "'))");
    }
    if (high && !(window.at && window.down)) conditions.push_back(bound("<=", *high));
    if (low && !(window.at && !window.down)) conditions.push_back(bound(">=", *low));
    return select_from(scope, conditions) +
           (window.down ? " ORDER BY SystemModstamp DESC, Id DESC" : " ORDER BY SystemModstamp, Id");
}

std::string select_all(const Scope &scope, const Window &window) {
    std::vector<std::string> conditions;
    if (window.down) conditions.push_back(bound("<=", window.high));
    if (window.low) conditions.push_back(bound(">=", *window.low));
    return select_from(scope, conditions);
}

bool narrow(Window &window) {
    const std::int64_t floor = window.low.value_or(before_salesforce);
    const std::int64_t low = window.down ? window.cut.value_or(floor) : window.at.value_or(floor);
    const std::int64_t high = window.down ? window.at.value_or(window.high) : window.cut.value_or(window.high);
    if (high - low <= shortest_piece) return false;
    const std::int64_t half = (high - low) / 2 / second * second;
    window.cut = window.down ? high - half : low + half;
    window.next.clear();
    return true;
}

bool advance(Window &window) {
    window.at.reset();
    if (!window.cut) return false;
    // The next piece may be wider: one is narrow for the sake of its densest part.
    const std::int64_t floor = window.low.value_or(before_salesforce);
    if (window.down) {
        const std::int64_t width = std::max(2 * (window.high - *window.cut), shortest_piece);
        window.high = *window.cut;
        window.cut = window.high - width;
        if (*window.cut <= floor) window.cut.reset();
    } else {
        const std::int64_t width = std::max(2 * (*window.cut - floor), shortest_piece);
        window.low = *window.cut;
        window.cut = *window.low + width;
        if (*window.cut >= window.high) window.cut.reset();
    }
    return true;
}

std::string literal(std::int64_t micros) {
    using namespace std::chrono;
    const sys_time<microseconds> time{microseconds(micros)};
    const auto day = floor<days>(time);
    const year_month_day date(day);
    const hh_mm_ss clock(floor<milliseconds>(time - day));
    char out[64];
    std::snprintf(out, sizeof out, "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                  static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()));
    std::string text = out;
    if (clock.subseconds().count() != 0) {
        std::snprintf(out, sizeof out, ".%03d", static_cast<int>(clock.subseconds().count()));
        text += out;
    }
    return text + "Z";
}

bool is_field(const std::string &name) {
    if (name.empty() || name.size() > 200) return false;
    bool start = true;
    for (const char c : name) {
        if (start ? !is_letter(c) : !(is_letter(c) || is_digit(c) || c == '_' || c == '.')) return false;
        start = c == '.';
    }
    return !start;
}

bool is_id(const std::string &text) {
    return (text.size() == 15 || text.size() == 18) &&
           std::all_of(text.begin(), text.end(), [](char c) { return is_letter(c) || is_digit(c); });
}

}  // namespace xsell::connectors::salesforce
