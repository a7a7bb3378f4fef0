#include "core/training/study.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.hpp"
#include "core/metrics/random.hpp"
#include "core/training/study_parzen.hpp"

namespace xsell::core {
namespace {

// The best of so many trials that the estimator learns from.
std::size_t good_ones(std::size_t finished) { return std::min<std::size_t>((finished + 9) / 10, 25); }

// Complete trials by their value; then pruned ones, those first that came further.
bool better(const Trial *a, const Trial *b) {
    auto step = [](const Trial *t) {
        return t->state == TrialState::complete ? std::numeric_limits<int>::max()
               : t->intermediate.empty()        ? -1
                                                : t->intermediate.back().step;
    };
    return step(a) != step(b) ? step(a) > step(b) : a->value < b->value;
}

void require(const Dimension &d) {
    const bool empty = d.choices == 0 && !(d.low < d.high),
               unbounded = d.choices == 0 && !(std::isfinite(d.low) && std::isfinite(d.high));
    if (empty || unbounded || (d.choices == 0 && d.logarithmic && d.low <= 0)) {
        throw Error(Kind::bad_argument, "the range of \"" + d.name + "\" is not one that can be searched");
    }
}

// One stream for each trial, so that a study that goes on later draws what it would have drawn.
Random stream(std::uint64_t seed, std::size_t number) { return Random(Random(Random(seed).next() ^ number).next()); }

// What a trial had reported last when it had come as far as a step.
std::optional<double> until_step(const Trial &trial, int step) {
    std::optional<double> value;
    for (const Intermediate &i : trial.intermediate) {
        if (i.step <= step) {
            value = i.value;
        }
    }
    return value;
}

// It is worse than half of the complete trials were when they had come as far.
bool below_median(const std::vector<Trial> &trials, const Intermediate &last, const StudyOptions &options) {
    std::vector<double> others;
    std::size_t complete = 0;
    for (const Trial &trial : trials) {
        if (trial.state == TrialState::complete) {
            ++complete;
            if (const auto value = until_step(trial, last.step)) {
                others.push_back(*value);
            }
        }
    }
    if (others.empty() || complete < options.min_complete || last.step < options.warmup) {
        return false;
    }
    std::sort(others.begin(), others.end());
    return last.value > (others[(others.size() - 1) / 2] + others[others.size() / 2]) / 2;
}

// What a trial had when it first reached a rung.
std::optional<double> at_rung(std::span<const Intermediate> reported, int rung) {
    for (const Intermediate &i : reported) {
        if (i.step >= rung) {
            return i.value;
        }
    }
    return {};
}

// Asynchronous successive halving: of those that ever reached a rung, the best in `reduction` go on.
bool halved(const std::vector<Trial> &trials, std::span<const Intermediate> reported, const StudyOptions &options) {
    const double value = reported.back().value;
    const int step = reported.back().step, before = reported.size() > 1 ? reported[reported.size() - 2].step : -1;
    for (std::int64_t rung = options.first_rung; rung <= step; rung *= options.reduction) {
        if (rung <= before) {
            continue;  // judged at an earlier report
        }
        std::size_t reached = 1, ahead = 0;
        for (const Trial &trial : trials) {
            if (const auto other = at_rung(trial.intermediate, static_cast<int>(rung));
                other && trial.state != TrialState::failed) {
                ++reached;
                ahead += *other < value ? 1 : 0;
            }
        }
        if (ahead >= std::max<std::size_t>(reached / static_cast<std::size_t>(options.reduction), 1)) {
            return true;
        }
    }
    return false;
}

// Of some points where the good trials are, the one that is furthest from the rest.
std::vector<double> choose(const Parzen &good, const Parzen &rest, int candidates, Random &random) {
    std::vector<double> best;
    double highest = -1;
    for (int i = 0; i < candidates; ++i) {
        std::vector<double> candidate = good.sample(random);
        const double gain = good.nearness(candidate) / rest.nearness(candidate);
        if (gain > highest) {
            highest = gain;
            best = std::move(candidate);
        }
    }
    return best;
}

}  // namespace

Study::Study(std::vector<Dimension> space, const StudyOptions &options, std::vector<std::vector<double>> first)
    : space_(std::move(space)), options_(options), first_(std::move(first)) {
    for (const Dimension &dimension : space_) {
        require(dimension);
    }
    for (const auto &point : first_) {
        if (point.size() != space_.size()) {
            throw Error(Kind::bad_argument, "a first point has not as many values as the space has dimensions");
        }
    }
}

std::vector<double> Study::ask() const {
    if (trials_.size() < first_.size()) {
        return first_[trials_.size()];
    }
    Random random = stream(options_.seed, trials_.size());
    std::vector<const Trial *> finished;
    for (const Trial &trial : trials_) {
        if (trial.state != TrialState::failed) {
            finished.push_back(&trial);
        }
    }
    if (finished.size() >= static_cast<std::size_t>(std::max(options_.startup, 1))) {
        return estimate(std::move(finished), random);
    }
    std::vector<double> point;
    for (const Dimension &dimension : space_) {
        point.push_back(draw(dimension, random));
    }
    return point;
}

std::vector<double> Study::estimate(std::vector<const Trial *> finished, Random &random) const {
    std::stable_sort(finished.begin(), finished.end(), better);
    const auto split = finished.begin() + static_cast<std::ptrdiff_t>(good_ones(finished.size()));
    auto by_time = [](const Trial *a, const Trial *b) { return a->number < b->number; };
    std::sort(finished.begin(), split, by_time);
    std::sort(split, finished.end(), by_time);
    // Together, kernels see how parameters work in pairs; one by one, they see the few that matter past those that do not:
    // every third trial is for these.
    const std::size_t together = trials_.size() % 3 == 0 ? 1 : space_.size();
    std::vector<double> point;
    for (std::size_t from = 0; from < space_.size(); from += together) {
        auto values = [&](auto begin, auto end) {
            std::vector<std::vector<double>> all;
            std::transform(begin, end, std::back_inserter(all), [&](const Trial *trial) {
                const auto first = trial->point.begin() + static_cast<std::ptrdiff_t>(from);
                return std::vector<double>(first, first + static_cast<std::ptrdiff_t>(together));
            });
            return all;
        };
        const std::span<const Dimension> part(&space_[from], together);
        const Parzen good(part, values(finished.begin(), split)), rest(part, values(split, finished.end()));
        const std::vector<double> chosen = choose(good, rest, options_.candidates, random);
        point.insert(point.end(), chosen.begin(), chosen.end());
    }
    return point;
}

bool Study::prune(std::span<const Intermediate> reported) const {
    if (options_.pruner == Pruner::none || reported.empty()) {
        return false;
    }
    if (std::isnan(reported.back().value)) {
        return true;
    }
    return options_.pruner == Pruner::median ? below_median(trials_, reported.back(), options_)
                                             : halved(trials_, reported, options_);
}

void Study::tell(std::vector<double> point, TrialState state, double value, std::vector<Intermediate> intermediate) {
    if (point.size() != space_.size()) {
        throw Error(Kind::bad_argument, "a trial has not as many values as the space has dimensions");
    }
    if (std::isnan(value)) {
        state = TrialState::failed;  // nothing can be learned from it
    }
    trials_.push_back({static_cast<int>(trials_.size()), std::move(point), state, value, std::move(intermediate)});
}

const Trial *Study::best() const {
    const Trial *best = nullptr;
    for (const Trial &trial : trials_) {
        if (trial.state == TrialState::complete && (best == nullptr || trial.value < best->value)) {
            best = &trial;
        }
    }
    return best;
}

}  // namespace xsell::core
