#include "core/features/event_window.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/math.hpp"

namespace xsell::core {
namespace {

constexpr std::int64_t microseconds_a_day = 86'400'000'000;
constexpr float missing = std::numeric_limits<float>::quiet_NaN();

double days(std::int64_t from, std::int64_t to) {
    // Apart in doubles: the difference of two times may be more than an integer holds.
    return (static_cast<double>(to) - static_cast<double>(from)) / static_cast<double>(microseconds_a_day);
}

double bounded(double value) {
    constexpr double largest = std::numeric_limits<float>::max();
    return std::clamp(value, -largest, largest);
}

}  // namespace

void EventWindow::add(std::int64_t at, double value, std::int64_t as_of) {
    if (at > as_of) {
        return;
    }
    const auto age = static_cast<std::uint64_t>(as_of) - static_cast<std::uint64_t>(at);
    for (std::size_t i = 0; i < event_windows.size(); ++i) {
        if (age < static_cast<std::uint64_t>(event_windows[i]) * microseconds_a_day) {
            ++ages_[i].count;
            ages_[i].sum += std::isfinite(value) ? bounded(value) : 0;
            break;
        }
    }
    first_ = count_ == 0 ? at : std::min(first_, at);
    last_ = count_ == 0 ? at : std::max(last_, at);
    ++count_;
}

void EventWindow::combine(const EventWindow &part) {
    if (part.count_ == 0) {
        return;
    }
    for (std::size_t i = 0; i < ages_.size(); ++i) {
        ages_[i].count += part.ages_[i].count;
        ages_[i].sum += part.ages_[i].sum;
    }
    first_ = count_ == 0 ? part.first_ : std::min(first_, part.first_);
    last_ = count_ == 0 ? part.last_ : std::max(last_, part.last_);
    count_ += part.count_;
}

std::array<float, event_window_names.size()> EventWindow::values(std::int64_t as_of) const {
    std::array<float, event_window_names.size()> out;
    Window within{0, 0};
    for (std::size_t i = 0; i < event_windows.size(); ++i) {
        within.count += ages_[i].count;
        within.sum += ages_[i].sum;
        out[2 * i] = static_cast<float>(within.count);
        out[2 * i + 1] = static_cast<float>(bounded(within.sum));
    }
    const double recency = days(last_, as_of);
    const double mean_gap = count_ > 1 ? days(first_, last_) / static_cast<double>(count_ - 1) : 0;
    const double rate = (static_cast<double>(ages_[0].count + ages_[1].count) + 0.5) / event_windows[1];
    const double rate_before = (static_cast<double>(ages_[2].count) + 0.5) / (event_windows[2] - event_windows[1]);
    out[6] = static_cast<float>(count_);
    out[7] = count_ > 0 ? static_cast<float>(recency) : missing;
    out[8] = count_ > 1 ? static_cast<float>(mean_gap) : missing;
    out[9] = mean_gap > 0 ? static_cast<float>(recency / mean_gap) : missing;
    out[10] = within.count > 0 ? static_cast<float>(log(rate / rate_before)) : missing;
    return out;
}

}  // namespace xsell::core
