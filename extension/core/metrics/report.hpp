// All metrics of one ranker on one slice, each with a bootstrap interval over entities.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/metrics/ranking.hpp"

namespace xsell::core {

struct Metric {
    std::string name;
    double value;
    double low;  // NaN where no interval applies
    double high;
};

struct ReportOptions {
    std::vector<int> ks = {5, 10, 20};
    bool probability = false;  // scores are probabilities: log-loss, Brier and calibration error apply
    int replicates = 200;      // the same seed draws the same entities for every ranker: differences are paired
    std::uint64_t seed = 42;
    double confidence = 0.95;
    std::function<void()> checkpoint = [] {};  // called now and then; may throw to stop
};

std::vector<Metric> report(const RankingRows &rows, std::span<const Target> targets, const ReportOptions &options);

}  // namespace xsell::core
