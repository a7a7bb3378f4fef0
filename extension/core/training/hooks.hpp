// How a training run reports and is stopped.
#pragma once
#include <functional>
#include <limits>
#include <string_view>

namespace xsell::core {

struct Progress {
    std::string_view phase;                                  // "cross-validation" or the name of a member, then "calibration"
    int round = 0;                                           // done in this phase
    int rounds = 0;                                          // at most
    double loss = std::numeric_limits<double>::quiet_NaN();  // on the rows that are watched, where there are some
};

struct Hooks {
    std::function<void()> checkpoint;                // before every round; may throw to stop
    std::function<void(const Progress &)> progress;  // after every round; may throw as well
};

}  // namespace xsell::core
