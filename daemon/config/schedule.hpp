// When to sync: hourly, daily, weekly, "every 15m", or a cron expression of five fields. All in UTC.
#pragma once
#include <cstdint>
#include <ctime>
#include <string>

namespace xsell::config {

class Schedule {
  public:
    // Throws std::invalid_argument with what is wrong.
    static Schedule parse(const std::string &text);
    // First moment strictly after `after`; throws std::runtime_error when there is none within the next years (30 February).
    std::time_t next(std::time_t after) const;

  private:
    std::int64_t every_ = 0;  // seconds; 0: the fields count
    std::uint64_t minutes_ = 0, hours_ = 0, days_ = 0, months_ = 0, weekdays_ = 0;
    bool any_day_ = true, any_weekday_ = true;
};

}  // namespace xsell::config
