// Small tools that every part of the simulator shares: seeded random numbers, UTC times as seconds, text helpers.
#pragma once
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xsell::simulator {

using Time = std::int64_t;  // seconds since 1970, UTC
inline constexpr Time minute = 60, hour = 3600, day = 86400, week = 7 * day, year = 365 * day;

// The standard library's distributions differ between implementations; ours give the same world everywhere.
class Rng {
  public:
    explicit Rng(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ULL + 0x1234567) {}
    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
        return z ^ (z >> 31);
    }
    double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
    double uniform(double low, double high) { return low + (high - low) * uniform(); }
    bool chance(double p) { return uniform() < p; }
    std::size_t below(std::size_t n) { return n == 0 ? 0 : next() % n; }
    std::int64_t between(std::int64_t low, std::int64_t high) {
        return high <= low ? low : low + static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(high - low + 1));
    }
    double normal() { return std::sqrt(-2 * std::log(1 - uniform())) * std::cos(6.283185307179586 * uniform()); }
    double gumbel() { return -std::log(-std::log(uniform() * (1 - 2e-16) + 1e-16)); }
    template <class Pool>
    const auto &pick(const Pool &pool) {
        return pool[below(std::size(pool))];
    }

  private:
    std::uint64_t state_;
};

Time make_time(int years, unsigned month, unsigned day_of_month);
// Milliseconds of an ISO 8601 text (date alone, Z, .000Z, +0000, +00:00); nullopt when it is none.
std::optional<std::int64_t> parse_millis(std::string_view text);
Time parse_time(std::string_view text);  // seconds; throws std::invalid_argument
std::string iso(Time time);              // 2026-06-01T00:00:00Z
std::string iso_day(Time time);          // 2026-06-01
std::string http_date(Time time);        // Mon, 01 Jun 2026 00:00:00 GMT
inline Time midnight(Time time) { return time - ((time % day) + day) % day; }

std::string lower(std::string_view text);
std::string upper(std::string_view text);
std::string replaced(std::string text, std::string_view from, std::string_view to);
std::vector<std::string> split(std::string_view text, char separator);
std::string plain(double number);                           // shortest text with at most two decimals: 1200, 99.5
void append_json(std::string &out, std::string_view text);  // as a JSON string, quotes included; a NUL byte becomes \u0000
void append_csv(std::string &out, std::string_view text);

}  // namespace xsell::simulator
