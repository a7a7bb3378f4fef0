// What a stream of events says of somebody at a time: counts and sums in three windows, recency, gaps, trend. One pass in any
// order, constant memory; parts may be gathered apart and combined.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace xsell::core {

inline constexpr std::array<int, 3> event_windows = {30, 90, 365};  // days

inline constexpr std::array<std::string_view, 11> event_window_names = {"count_30",      "sum_30",    "count_90",  "sum_90",
                                                                        "count_365",     "sum_365",   "count_all", "recency_days",
                                                                        "mean_gap_days", "gap_ratio", "trend"};

// Times are microseconds on any common scale. Plain data, all zero when empty.
class EventWindow {
  public:
    // An event of a value at a time, seen from as_of: what lies after it is not seen. A value that is not finite adds nothing to
    // sums, one beyond the range of a float the largest of it.
    void add(std::int64_t at, double value, std::int64_t as_of);
    void combine(const EventWindow &part);

    // In the order of event_window_names; NaN where there is nothing to tell: recency without an event, gaps without two, trend
    // without any in a year. Sums stay within the range of a float. The trend is the log of the rate of the last 90 days over
    // that of the 275 before, half an event added to both, so that it is defined.
    std::array<float, event_window_names.size()> values(std::int64_t as_of) const;

  private:
    struct Window {
        std::int64_t count;
        double sum;
    };
    std::array<Window, event_windows.size()> ages_;  // disjoint, so that an event touches one at most
    std::int64_t count_;                             // of any age
    std::int64_t first_;
    std::int64_t last_;
};

}  // namespace xsell::core
