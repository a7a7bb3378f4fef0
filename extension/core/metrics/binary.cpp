#include "core/metrics/binary.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.hpp"

namespace xsell::core {
namespace {

constexpr double undefined = std::numeric_limits<double>::quiet_NaN();

// Probabilities of exactly 0 and 1 would make one wrong row cost infinity.
double row_loss(double probability, bool label) {
    const double p = std::clamp(probability, 1e-15, 1.0 - 1e-15);
    return label ? -std::log(p) : -std::log1p(-p);
}

struct Bin {
    double mass = 0, score = 0, positives = 0;
};

double expected_error(const Bin *bins, std::size_t count, double total) {
    double error = 0;
    for (std::size_t b = 0; b < count; ++b) {
        if (bins[b].mass > 0) {
            error += std::fabs(bins[b].score - bins[b].positives);
        }
    }
    return error / total;
}

}  // namespace

ScoredRows::ScoredRows(std::span<const double> score, std::span<const std::uint8_t> label) {
    if (score.size() != label.size()) {
        throw Error(Kind::bad_argument, "scores and labels differ in number");
    }
    rows_.reserve(score.size());
    for (std::size_t i = 0; i < score.size(); ++i) {
        if (std::isnan(score[i])) {
            throw Error(Kind::bad_argument, "a score is not a number");
        }
        rows_.push_back({score[i], row_loss(score[i], label[i] != 0), static_cast<std::uint32_t>(i), label[i] != 0, false});
    }
    std::stable_sort(rows_.begin(), rows_.end(), [](const Row &a, const Row &b) { return a.score < b.score; });
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        rows_[i].last_of_tie = i + 1 == rows_.size() || rows_[i + 1].score != rows_[i].score;
    }
}

BinaryMetrics ScoredRows::measure(std::span<const double> weight, std::span<const std::uint32_t> group) const {
    auto weigh = [&](const Row &row) {
        return weight.empty() ? 1.0 : weight[group.empty() ? row.index : group[row.index]];
    };
    double positives = 0, negatives = 0, loss = 0, squares = 0;
    for (const Row &row : rows_) {
        const double w = weigh(row);
        (row.label ? positives : negatives) += w;
        loss += w * row.loss;
        squares += w * (row.score - row.label) * (row.score - row.label);
    }
    const double total = positives + negatives;
    if (total <= 0) {
        return {undefined, undefined, undefined, undefined, undefined};
    }
    Bin bins[calibration_bin_count];
    double above = 0, precision = 0;      // pairs in the right order; sum of precision over positives
    double tie_positives = 0, tie_negatives = 0, seen_positives = 0, seen_negatives = 0;
    for (const Row &row : rows_) {
        const double w = weigh(row);
        if (w > 0) {
            const double before = seen_positives + seen_negatives + tie_positives + tie_negatives;
            const auto b = static_cast<std::size_t>(before / total * calibration_bin_count);
            Bin &bin = bins[std::min(b, calibration_bin_count - 1)];
            bin.mass += w;
            bin.score += w * row.score;
            bin.positives += row.label ? w : 0;
            (row.label ? tie_positives : tie_negatives) += w;
        }
        if (row.last_of_tie) {
            above += tie_positives * (seen_negatives + 0.5 * tie_negatives);
            // Everything not yet seen lies at or above this score.
            const double higher_positives = positives - seen_positives;
            const double higher = higher_positives + negatives - seen_negatives;
            precision += tie_positives > 0 ? tie_positives * higher_positives / higher : 0;
            seen_positives += tie_positives;
            seen_negatives += tie_negatives;
            tie_positives = tie_negatives = 0;
        }
    }
    return {positives > 0 && negatives > 0 ? above / (positives * negatives) : undefined,
            positives > 0 ? precision / positives : undefined, loss / total, squares / total,
            expected_error(bins, calibration_bin_count, total)};
}

std::vector<CalibrationBin> ScoredRows::bins(std::size_t count) const {
    std::vector<CalibrationBin> result;
    std::size_t begin = 0;
    for (std::size_t b = 0; b < count && begin < rows_.size(); ++b) {
        std::size_t end = begin;
        double score = 0, positives = 0;
        while (end < rows_.size() && end * count / rows_.size() == b) {
            score += rows_[end].score;
            positives += rows_[end].label;
            ++end;
        }
        if (end > begin) {
            const auto n = static_cast<double>(end - begin);
            result.push_back({rows_[begin].score, rows_[end - 1].score, score / n, positives / n, n});
        }
        begin = end;
    }
    return result;
}

double auc(std::span<const double> score, std::span<const std::uint8_t> label) {
    return ScoredRows(score, label).measure().auc;
}

double average_precision(std::span<const double> score, std::span<const std::uint8_t> label) {
    return ScoredRows(score, label).measure().average_precision;
}

double log_loss(std::span<const double> probability, std::span<const std::uint8_t> label) {
    return ScoredRows(probability, label).measure().log_loss;
}

double brier(std::span<const double> probability, std::span<const std::uint8_t> label) {
    return ScoredRows(probability, label).measure().brier;
}

double calibration_error(std::span<const double> probability, std::span<const std::uint8_t> label) {
    return ScoredRows(probability, label).measure().calibration_error;
}

}  // namespace xsell::core
