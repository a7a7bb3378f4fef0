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

struct Totals {
    double positives = 0, negatives = 0, loss = 0, squares = 0;

    double mass() const { return positives + negatives; }
    void add(double weight, bool label, double row_loss, double score) {
        (label ? positives : negatives) += weight;
        loss += weight * row_loss;
        squares += weight * (score - label) * (score - label);
    }
};

// Goes through rows by ascending score, tie by tie.
class Sweep {
  public:
    explicit Sweep(const Totals &total) : total_(total) {}

    double before() const { return seen_positives_ + seen_negatives_ + tie_positives_ + tie_negatives_; }
    void add(double weight, bool label) { (label ? tie_positives_ : tie_negatives_) += weight; }
    void end_tie() {
        in_order_ += tie_positives_ * (seen_negatives_ + 0.5 * tie_negatives_);
        // Everything not yet seen lies at or above this score.
        const double higher_positives = total_.positives - seen_positives_;
        const double higher = higher_positives + total_.negatives - seen_negatives_;
        precision_ += tie_positives_ > 0 ? tie_positives_ * higher_positives / higher : 0;
        seen_positives_ += tie_positives_;
        seen_negatives_ += tie_negatives_;
        tie_positives_ = tie_negatives_ = 0;
    }
    double auc() const {
        return total_.positives > 0 && total_.negatives > 0 ? in_order_ / (total_.positives * total_.negatives) : undefined;
    }
    double average_precision() const { return total_.positives > 0 ? precision_ / total_.positives : undefined; }

  private:
    const Totals &total_;
    double in_order_ = 0, precision_ = 0;  // pairs in the right order; sum of precision over positives
    double tie_positives_ = 0, tie_negatives_ = 0, seen_positives_ = 0, seen_negatives_ = 0;
};

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
    auto weigh = [&](const Row &row) { return weight.empty() ? 1.0 : weight[group.empty() ? row.index : group[row.index]]; };
    Totals total;
    for (const Row &row : rows_) {
        total.add(weigh(row), row.label, row.loss, row.score);
    }
    if (total.mass() <= 0) {
        return {undefined, undefined, undefined, undefined, undefined};
    }
    Bin bins[calibration_bin_count];
    Sweep sweep(total);
    for (const Row &row : rows_) {
        const double w = weigh(row);
        if (w > 0) {
            const auto b = static_cast<std::size_t>(sweep.before() / total.mass() * calibration_bin_count);
            Bin &bin = bins[std::min(b, calibration_bin_count - 1)];
            bin.mass += w;
            bin.score += w * row.score;
            bin.positives += row.label ? w : 0;
            sweep.add(w, row.label);
        }
        if (row.last_of_tie) {
            sweep.end_tie();
        }
    }
    return {sweep.auc(), sweep.average_precision(), total.loss / total.mass(), total.squares / total.mass(),
            expected_error(bins, calibration_bin_count, total.mass())};
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

double auc(std::span<const double> score, std::span<const std::uint8_t> label) { return ScoredRows(score, label).measure().auc; }

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
