// Drift: how far the values of a feature, or of a score, have moved from those that a model was validated on.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace xsell::core {

// A column is cut into bins once, where the version is made; later rows are only counted. Bin b holds cut[b - 1] < x <= cut[b].
inline constexpr std::size_t quantile_bins = 20;
inline constexpr std::size_t few_values = 20;
// Cuts of a column are padded with NaN to this many: no value lies above NaN, so the padding counts nothing, and a loop of fixed
// length needs no branch.
inline constexpr std::size_t cut_room = 24;
// Counts of a column: rows without a value, then the bins.
inline constexpr std::size_t bin_room = cut_room + 2;

// Cuts for a column (its order is lost): up to few_values distinct values get a bin each, with one below and one above for values
// that were not there; more of them are cut at their quantiles. NaN is missing. Nothing but NaN: no cuts.
std::vector<float> bin_cuts(std::vector<float> &column);

// Adds one row to the counts: columns x cut_room cuts, columns x bin_room counts.
void count_bins(std::span<const float> x, const float *cuts, std::int64_t *counts);

enum class DriftLevel { stable, moderate, major };

// Equal layouts of counts compared. NaN where either side has no rows.
struct Drift {
    double psi;    // population stability index, half a row added to each bin so that an empty one has a logarithm
    double jsd;    // Jensen-Shannon divergence in bits: 0 equal, 1 disjoint
    double noise;  // the index that samples of these sizes from one distribution give on average
    DriftLevel level;
};
Drift compare_bins(std::span<const std::int64_t> expected, std::span<const std::int64_t> now);

}  // namespace xsell::core
