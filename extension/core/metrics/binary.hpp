// How well scores tell positives from negatives, and how honest they are as probabilities.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace xsell::core {

// NaN where a metric is not defined: AUC of one class, anything of no rows.
struct BinaryMetrics {
    double auc;
    double average_precision;
    double log_loss;
    double brier;
    double calibration_error;
};

// One bin of equal mass: rows whose scores lie in [low, high], what was promised and what came.
struct CalibrationBin {
    double low;
    double high;
    double predicted;
    double observed;
    double rows;
};

inline constexpr std::size_t calibration_bin_count = 15;

// Rows in order of their score, sorted once; weights may then change cheaply, as a bootstrap asks.
// Equal scores count as one threshold in AUC and average precision, and keep the order of the input in the bins.
class ScoredRows {
  public:
    ScoredRows(std::span<const double> score, std::span<const std::uint8_t> label);

    // weight[group[i]] is the weight of row i; an empty group means that weights are by row, empty weights that all are 1.
    BinaryMetrics measure(std::span<const double> weight = {}, std::span<const std::uint32_t> group = {}) const;
    std::vector<CalibrationBin> bins(std::size_t count = calibration_bin_count) const;

  private:
    struct Row {
        double score;
        double loss;
        std::uint32_t index;
        bool label;
        bool last_of_tie;
    };
    std::vector<Row> rows_;  // by ascending score
};

double auc(std::span<const double> score, std::span<const std::uint8_t> label);
double average_precision(std::span<const double> score, std::span<const std::uint8_t> label);
double log_loss(std::span<const double> probability, std::span<const std::uint8_t> label);
double brier(std::span<const double> probability, std::span<const std::uint8_t> label);
double calibration_error(std::span<const double> probability, std::span<const std::uint8_t> label);

}  // namespace xsell::core
