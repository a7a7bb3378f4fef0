// When the next sync is due.
#include "config/schedule.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "sync/convert.hpp"

namespace xsell::config {
namespace {

std::string next(const std::string &schedule, const std::string &after) {
    const auto at = Schedule::parse(schedule).next(static_cast<std::time_t>(*sync::to_micros(after) / 1'000'000));
    return sync::from_micros(static_cast<std::int64_t>(at) * 1'000'000).substr(0, 16);
}

TEST(Schedule, Words) {
    EXPECT_EQ(next("hourly", "2024-03-31 01:59:59"), "2024-03-31 02:00");
    EXPECT_EQ(next("hourly", "2024-03-31 02:00:00"), "2024-03-31 03:00");
    EXPECT_EQ(next("daily", "2024-12-31 02:00"), "2025-01-01 02:00");
    EXPECT_EQ(next("weekly", "2024-03-01"), "2024-03-03 02:00");
    EXPECT_EQ(next("every 15m", "2024-03-01 10:07"), "2024-03-01 10:15");
}

TEST(Schedule, Cron) {
    EXPECT_EQ(next("*/15 9-17 * * mon-fri", "2024-03-01 17:45"), "2024-03-04 09:00");
    EXPECT_EQ(next("5,35 * * * *", "2024-03-01 10:05"), "2024-03-01 10:35");
    EXPECT_EQ(next("0 0 29 feb *", "2024-03-01"), "2028-02-29 00:00");
    EXPECT_EQ(next("0 0 13 * 5", "2024-03-01 00:00"), "2024-03-08 00:00");  // both restricted: either will do
    EXPECT_EQ(next("0 0 * * 7", "2024-03-01"), "2024-03-03 00:00");
    EXPECT_EQ(next("0 0 1 */3 *", "2024-02-01"), "2024-04-01 00:00");
    EXPECT_EQ(next("10/20 * * * *", "2024-02-01 00:11"), "2024-02-01 00:30");
}

TEST(Schedule, RefusesNonsense) {
    for (const char *bad : {"", "often", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *",
                            "* * * * 8", "a * * * *", "5-1 * * * *", "*/0 * * * *", "1,,2 * * * *", "every", "every 0m",
                            "every 5x", "every 5m 3", "-1 * * * *", "1- * * * *"}) {
        EXPECT_THROW(Schedule::parse(bad), std::invalid_argument) << bad;
    }
    EXPECT_THROW(Schedule::parse("0 0 30 2 *").next(0), std::runtime_error);
}

}  // namespace
}  // namespace xsell::config
