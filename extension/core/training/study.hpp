// A search for the least value of a costly function: which point to try next, and which trial to give up early.
//
// Points come from a tree-structured Parzen estimator (Bergstra et al. 2011): the finished trials are split into the best few and
// the rest, each group becomes a density, and of some points drawn from the density of the best the one is tried where it exceeds
// the other most. Everything depends on the seed and on the trials so far alone: a study that takes its finished trials over goes
// on as if it had never stopped.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace xsell::core {

// A number from low to high, both included; or, where choices is not 0, one of so many choices, counted from 0.
struct Dimension {
    std::string name;
    double low = 0;
    double high = 1;
    bool logarithmic = false;
    bool whole = false;
    std::size_t choices = 0;
};

enum class TrialState { complete, pruned, failed };

struct Intermediate {
    int step;  // how far the trial had come; rises from report to report
    double value;
};

struct Trial {
    int number = 0;
    std::vector<double> point;  // one value for each dimension
    TrialState state = TrialState::complete;
    double value = 0;  // of a complete trial; of a pruned one what it reported last; NaN of one that failed
    std::vector<Intermediate> intermediate;
};

enum class Pruner { none, median, halving };

struct StudyOptions {
    std::uint64_t seed = 42;
    Pruner pruner = Pruner::none;
    int startup = 10;              // trials at random before the estimator is asked
    int candidates = 24;           // points that are compared for each trial
    std::size_t min_complete = 5;  // median: nothing is pruned before so many trials are complete
    int warmup = 0;                // median: nor before this step
    int first_rung = 1;            // halving: steps at which the best in `reduction` goes on are first_rung * reduction^k
    int reduction = 3;
};

class Study {
  public:
    // `first`: points to try before any other. Throws when a dimension is empty, or logarithmic and not positive.
    Study(std::vector<Dimension> space, const StudyOptions &options, std::vector<std::vector<double>> first = {});

    std::vector<double> ask() const;                           // the point of the next trial; the same until one is told
    bool prune(std::span<const Intermediate> reported) const;  // whether the next trial should end after its last report
    void tell(std::vector<double> point, TrialState state, double value, std::vector<Intermediate> intermediate = {});

    const std::vector<Dimension> &space() const { return space_; }
    const std::vector<Trial> &trials() const { return trials_; }
    const Trial *best() const;  // the complete trial of the least value, the earliest of equals; null: none

  private:
    std::vector<double> estimate(std::vector<const Trial *> finished, class Random &random) const;

    std::vector<Dimension> space_;
    StudyOptions options_;
    std::vector<std::vector<double>> first_;
    std::vector<Trial> trials_;
};

}  // namespace xsell::core
