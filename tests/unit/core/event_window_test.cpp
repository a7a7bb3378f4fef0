#include "core/features/event_window.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

namespace {

using xsell::core::EventWindow;
using Values = std::array<float, xsell::core::event_window_names.size()>;

constexpr std::int64_t day = 86'400'000'000;
constexpr std::int64_t now = 8000 * day;
enum { count_30, sum_30, count_90, sum_90, count_365, sum_365, count_all, recency_days, mean_gap_days, gap_ratio, trend };

struct Event {
    std::int64_t at;
    double value;
};

Values of(const std::vector<Event> &events) {
    EventWindow window{};
    for (const Event &event : events) window.add(event.at, event.value, now);
    return window.values(now);
}

TEST(EventWindow, ByHand) {
    const Values v =
        of({{now - 10 * day, 5}, {now - 40 * day, 7}, {now - 100 * day, 1}, {now - 400 * day, 100}, {now + 1, 1000}});
    EXPECT_EQ(v[count_30], 1);
    EXPECT_EQ(v[sum_30], 5);
    EXPECT_EQ(v[count_90], 2);
    EXPECT_EQ(v[sum_90], 12);
    EXPECT_EQ(v[count_365], 3);
    EXPECT_EQ(v[sum_365], 13);
    EXPECT_EQ(v[count_all], 4);
    EXPECT_EQ(v[recency_days], 10);
    EXPECT_EQ(v[mean_gap_days], 130);
    EXPECT_FLOAT_EQ(v[gap_ratio], 10.0f / 130);
    EXPECT_FLOAT_EQ(v[trend], static_cast<float>(std::log(2.5 / 90 / (1.5 / 275))));
}

TEST(EventWindow, Empty) {
    const Values v = of({});
    for (int i = 0; i <= count_all; ++i) EXPECT_EQ(v[i], 0) << i;
    for (int i = recency_days; i <= trend; ++i) EXPECT_TRUE(std::isnan(v[i])) << i;
}

TEST(EventWindow, AWindowEndsBeforeItsLength) {
    EXPECT_EQ(of({{now - 30 * day, 1}})[count_30], 0);
    EXPECT_EQ(of({{now - 30 * day + 1, 1}})[count_30], 1);
    EXPECT_EQ(of({{now, 1}})[count_30], 1);
    EXPECT_EQ(of({{now - 365 * day, 1}})[count_365], 0);
    EXPECT_TRUE(std::isnan(of({{now - 365 * day, 1}})[trend]));
}

TEST(EventWindow, EventsAtOneTimeHaveNoGapToCompareWith) {
    const Values v = of({{now - day, 1}, {now - day, 1}});
    EXPECT_EQ(v[mean_gap_days], 0);
    EXPECT_TRUE(std::isnan(v[gap_ratio]));
}

TEST(EventWindow, HostileValues) {
    constexpr double inf = std::numeric_limits<double>::infinity();
    constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
    const Values v = of({{now, inf}, {now, -inf}, {now, std::nan("")}, {now, 3}, {least, 1}});
    EXPECT_EQ(v[count_30], 4);
    EXPECT_EQ(v[sum_30], 3);
    EXPECT_EQ(v[count_all], 5);
    EXPECT_TRUE(std::isfinite(v[mean_gap_days]));
    EXPECT_EQ(of({{now, 1e300}, {now, 1e308}, {now, 1e308}})[sum_365], std::numeric_limits<float>::max());
    EXPECT_EQ(of({{now, -1e308}, {now, 1e308}})[sum_365], 0);
}

TEST(EventWindow, OrderAndPartsDoNotMatter) {
    std::mt19937_64 random(1);
    std::vector<Event> events;
    for (int i = 0; i < 1000; ++i) {
        events.push_back(
            {now - static_cast<std::int64_t>(random() % (500 * day)) + 20 * day, static_cast<double>(random() % 100)});
    }
    const Values whole = of(events);
    EventWindow parts[3] = {};
    std::shuffle(events.begin(), events.end(), random);
    for (std::size_t i = 0; i < events.size(); ++i) parts[i * i % 2].add(events[i].at, events[i].value, now);
    EventWindow joined{};
    for (const EventWindow &part : parts) joined.combine(part);  // the last one is empty
    EXPECT_EQ(joined.values(now), whole);
    EXPECT_GT(whole[count_30], 0);
}

}  // namespace
