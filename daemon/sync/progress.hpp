// How fast each object is read, and how long it will take: from the counters of the store, now and then.
#pragma once
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "sync/store.hpp"

namespace xsell::sync {

struct Progress {
    RunReport run;
    double rate = 0;                    // records per second, of late
    std::optional<std::int64_t> total;  // records of this reading, where the source said so
    std::optional<double> left;         // seconds, where the total is known and something moves
};

class Meter {
  public:
    explicit Meter(double every) : every_(every) {}
    // What the first page of a run said of its size.
    void total(std::int64_t run, std::int64_t records);
    // The objects that are under way and have not been told of for `every` seconds; `now` in seconds of any clock.
    std::vector<Progress> due(const std::vector<RunReport> &reports, double now);

  private:
    struct Pace {
        double told = 0, rate = 0;
        std::int64_t fetched = 0;
    };
    const double every_;
    std::mutex mutex_;
    std::map<std::int64_t, std::int64_t> totals_;
    std::map<std::int64_t, Pace> paces_;
};

// "12000 of 48000 read, 11800 changed, 3 rejected, 950/s, 38 s left"; what is read is said by the line's context.
std::string sentence(const Progress &progress);

}  // namespace xsell::sync
