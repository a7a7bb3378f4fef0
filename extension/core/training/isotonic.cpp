#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/error.hpp"
#include "core/math.hpp"
#include "core/metrics/binary.hpp"
#include "core/training/calibration.hpp"
#include "core/training/folds.hpp"

namespace xsell::core {
namespace {

constexpr std::size_t enough_positives = 200;
constexpr int calibration_folds = 5;
constexpr std::size_t most_blocks = 200;

double rate(const Block &block) { return block.hits / block.mass; }

void join(Block &into, const Block &next) {
    into.center = (into.center * into.mass + next.center * next.mass) / (into.mass + next.mass);
    into.high = next.high;
    into.mass += next.mass;
    into.hits += next.hits;
}

void append_pooled(std::vector<Block> &blocks, Block block) {
    while (!blocks.empty() && rate(blocks.back()) >= rate(block)) {
        Block before = blocks.back();
        blocks.pop_back();
        join(before, block);
        block = before;
    }
    blocks.push_back(block);
}

// Blocks that hold a fair share of the rows, and of the information: without a few hits or misses a rate is a guess.
std::vector<Block> thin(const std::vector<Block> &blocks) {
    const double mass = std::accumulate(blocks.begin(), blocks.end(), 0.0, [](double s, const Block &b) { return s + b.mass; });
    const double least_mass = mass / most_blocks;
    constexpr double least_hits = 5;
    const auto too_small = [&](const Block &b) {
        return b.mass < least_mass || b.hits < least_hits || b.mass - b.hits < least_hits;
    };
    std::vector<Block> result;
    for (const Block &block : blocks) {
        if (!result.empty() && too_small(result.back())) {
            join(result.back(), block);
        } else {
            result.push_back(block);
        }
    }
    if (result.size() > 1 && too_small(result.back())) {
        const Block last = result.back();
        result.pop_back();
        join(result.back(), last);
    }
    return result;
}

Calibration fit_kind(std::span<const float> margin, const Matrix &rows, bool isotonic) {
    const Platt platt = fit_platt(margin, rows.label, rows.weight);
    Calibration calibration;
    if (isotonic) {
        calibration.knots = fit_isotonic(margin, rows.label, rows.weight, platt);
    }
    if (calibration.knots.empty()) {
        calibration.slope = platt.slope;
        calibration.intercept = platt.intercept;
    }
    return calibration;
}

// What each row gets from a calibration that was fitted without its entity.
std::vector<double> cross_fit(std::span<const float> margin, const Matrix &rows, bool isotonic, const std::vector<Fold> &folds) {
    std::vector<double> log_odds(rows.rows());
    for (const Fold &fold : folds) {
        const Matrix train = subset(rows, fold.train);
        std::vector<float> of_train;
        for (const std::uint32_t i : fold.train) {
            of_train.push_back(margin[i]);
        }
        const Calibration calibration = fit_kind(of_train, train, isotonic);
        for (const std::uint32_t i : fold.validate) {
            log_odds[i] = calibration.log_odds(margin[i]);
        }
    }
    return log_odds;
}

struct Measured {
    double log_loss = std::numeric_limits<double>::quiet_NaN();
    double calibration_error = std::numeric_limits<double>::quiet_NaN();
};

Measured measure(std::span<const float> margin, const Matrix &rows, bool isotonic, const std::vector<Fold> &folds) {
    if (folds.empty()) {
        return {};
    }
    const std::vector<double> log_odds = cross_fit(margin, rows, isotonic, folds);
    std::vector<double> probability(log_odds.size()), weight(rows.weight.begin(), rows.weight.end());
    std::vector<std::uint8_t> label(log_odds.size());
    std::transform(log_odds.begin(), log_odds.end(), probability.begin(), [](double z) { return sigmoid(z); });
    std::transform(rows.label.begin(), rows.label.end(), label.begin(), [](float y) { return y > 0; });
    const BinaryMetrics metrics = ScoredRows(probability, label).measure(weight);
    return {metrics.log_loss, metrics.calibration_error};
}

// None where there are too few positives to tell.
std::vector<Fold> folds_of(const Matrix &rows, std::uint64_t seed) {
    if (rows.positives() < 2) {
        return {};
    }
    try {
        auto folds = make_folds(rows, calibration_folds, seed);
        const auto validated = std::accumulate(folds.begin(), folds.end(), std::size_t{0},
                                               [](std::size_t n, const Fold &fold) { return n + fold.validate.size(); });
        return validated == rows.rows() ? folds : std::vector<Fold>{};
    } catch (const Error &) {
        return {};
    }
}

}  // namespace

std::vector<Block> pool_adjacent_violators(std::span<const float> margin, std::span<const float> label,
                                           std::span<const float> weight) {
    std::vector<std::size_t> order(margin.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return margin[a] < margin[b]; });
    std::vector<Block> blocks;
    for (std::size_t i = 0; i < order.size();) {
        const double at = static_cast<double>(margin[order[i]]);
        Block block{at, at, at, 0, 0};  // equal margins are one
        for (; i < order.size() && static_cast<double>(margin[order[i]]) == at; ++i) {
            block.mass += static_cast<double>(weight[order[i]]);
            block.hits += label[order[i]] > 0 ? static_cast<double>(weight[order[i]]) : 0;
        }
        if (block.mass > 0) {
            append_pooled(blocks, block);
        }
    }
    return blocks;
}

std::vector<Knot> fit_isotonic(std::span<const float> margin, std::span<const float> label, std::span<const float> weight,
                               const Platt &platt) {
    const std::vector<Block> blocks = thin(pool_adjacent_violators(margin, label, weight));
    double mass = 0, hits = 0;
    for (const Block &block : blocks) {
        mass += block.mass;
        hits += block.hits;
    }
    if (blocks.empty() || hits <= 0 || hits >= mass) {
        return {};
    }
    std::vector<Block> smoothed;  // a row of the common rate more in each may turn the order of two that are nearly equal
    for (Block block : blocks) {
        block.hits += hits / mass;
        block.mass += 1;
        append_pooled(smoothed, block);
    }
    std::vector<Knot> knots;
    for (const Block &block : smoothed) {
        knots.push_back({block.center, logit(rate(block))});
    }
    constexpr double beyond = 10;
    const double before = knots.front().margin - smoothed.front().low + beyond;
    const double after = smoothed.back().high - knots.back().margin + beyond;
    knots.insert(knots.begin(), {knots.front().margin - before, knots.front().log_odds - platt.slope * before});
    knots.push_back({knots.back().margin + after, knots.back().log_odds + platt.slope * after});
    return knots;
}

CalibrationFit fit_calibration(std::span<const float> margin, const Matrix &matrix, CalibrationChoice choice,
                               std::uint64_t seed) {
    const Matrix rows{0, {}, matrix.label, matrix.weight, matrix.entity,
                      {}};  // calibration looks neither at features nor at times
    const std::vector<Fold> folds = folds_of(rows, seed);
    const Measured platt = measure(margin, rows, false, folds);
    CalibrationFit fit{{}, choice == CalibrationChoice::isotonic, platt.log_loss, platt.calibration_error};
    if (fit.isotonic || (choice == CalibrationChoice::automatic && rows.positives() >= enough_positives)) {
        const Measured isotonic = measure(margin, rows, true, folds);
        fit.isotonic = fit.isotonic || isotonic.log_loss < platt.log_loss;
        if (fit.isotonic) {
            fit.log_loss = isotonic.log_loss;
            fit.calibration_error = isotonic.calibration_error;
        }
    }
    fit.calibration = fit_kind(margin, rows, fit.isotonic);
    fit.isotonic = !fit.calibration.knots.empty();
    fit.calibration.interval_half_width = interval_half_width(margin, rows.label, rows.weight, fit.calibration);
    return fit;
}

}  // namespace xsell::core
