#include "core/metrics/drift.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/error.hpp"
#include "core/math.hpp"

namespace xsell::core {
namespace {

constexpr double moderate_from = 0.1;  // the industry's rule of thumb
constexpr double major_from = 0.25;
constexpr double noise_deviations = 3;

// Without drift the index is distributed as (1/n + 1/m) chi-squared with bins - 1 degrees of freedom.
DriftLevel level_of(double psi, double noise, double bins) {
    const double chance = bins > 1 ? noise * (1 + noise_deviations * std::sqrt(2 / (bins - 1))) : 0;
    if (psi < moderate_from || psi <= chance) {
        return DriftLevel::stable;
    }
    return psi < major_from ? DriftLevel::moderate : DriftLevel::major;
}

double entropy_term(double share, double mean) { return share > 0 ? share * log(share / mean) : 0; }

}  // namespace

std::vector<float> bin_cuts(std::vector<float> &column) {
    std::erase_if(column, [](float v) { return std::isnan(v); });
    if (column.empty()) {
        return {};
    }
    std::sort(column.begin(), column.end());
    std::vector<float> value;
    for (auto at = column.begin(); at != column.end() && value.size() <= few_values;
         at = std::upper_bound(at, column.end(), *at)) {
        value.push_back(*at);
    }
    std::vector<float> cut;
    if (value.size() <= few_values) {
        cut.push_back(std::nextafter(value.front(), -std::numeric_limits<float>::infinity()));
        cut.insert(cut.end(), value.begin(), value.end());
    } else {
        // The largest value is no cut, nothing lies above it; where it takes whole quantiles, what lies below is told from it.
        const float below_top = *std::prev(std::lower_bound(column.begin(), column.end(), column.back()));
        for (std::size_t j = 1; j < quantile_bins; ++j) {
            cut.push_back(std::min(column[(column.size() * j + quantile_bins - 1) / quantile_bins - 1], below_top));
        }
    }
    cut.erase(std::unique(cut.begin(), cut.end()), cut.end());
    return cut;
}

void count_bins(std::span<const float> x, const float *cuts, std::int64_t *counts) {
    for (const float value : x) {
        std::int32_t bin = 1;
        for (std::size_t j = 0; j < cut_room; ++j) {
            bin += cuts[j] < value;
        }
        ++counts[std::isnan(value) ? 0 : bin];
        cuts += cut_room;
        counts += bin_room;
    }
}

Drift compare_bins(std::span<const std::int64_t> expected, std::span<const std::int64_t> now) {
    if (expected.size() != now.size()) {
        throw Error(Kind::bad_argument, "counts to be compared differ in their number of bins");
    }
    const auto n = static_cast<double>(std::accumulate(expected.begin(), expected.end(), std::int64_t{0}));
    const auto m = static_cast<double>(std::accumulate(now.begin(), now.end(), std::int64_t{0}));
    if (n <= 0 || m <= 0) {
        constexpr double undefined = std::numeric_limits<double>::quiet_NaN();
        return {undefined, undefined, undefined, DriftLevel::stable};
    }
    double bins = 0;  // those that any row is in
    for (std::size_t b = 0; b < now.size(); ++b) {
        bins += expected[b] + now[b] > 0 ? 1 : 0;
    }
    Drift drift{0, 0, (bins - 1) * (1 / n + 1 / m), DriftLevel::stable};
    for (std::size_t b = 0; b < now.size(); ++b) {
        if (expected[b] + now[b] == 0) {
            continue;
        }
        const auto e = static_cast<double>(expected[b]), a = static_cast<double>(now[b]);
        const double p = (e + 0.5) / (n + 0.5 * bins), q = (a + 0.5) / (m + 0.5 * bins);
        drift.psi += (q - p) * log(q / p);
        const double mean = (e / n + a / m) / 2;
        drift.jsd += (entropy_term(e / n, mean) + entropy_term(a / m, mean)) / 2;
    }
    drift.jsd = std::clamp(drift.jsd / log(2.0), 0.0, 1.0);
    drift.level = level_of(drift.psi, drift.noise, bins);
    return drift;
}

}  // namespace xsell::core
