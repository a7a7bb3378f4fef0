#include "core/training/folds.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

#include "core/error.hpp"
#include "core/metrics/random.hpp"

namespace xsell::core {
namespace {

std::int64_t time_of(const Matrix &matrix, std::size_t i) { return matrix.time.empty() ? 0 : matrix.time[i]; }

std::int64_t median_positive_time(const Matrix &matrix) {
    std::vector<std::int64_t> times;
    for (std::size_t i = 0; i < matrix.rows(); ++i) {
        if (matrix.label[i] > 0) {
            times.push_back(time_of(matrix, i));
        }
    }
    if (times.empty()) {
        return 0;
    }
    const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
    std::nth_element(times.begin(), middle, times.end());
    return *middle;
}

struct Entities {
    std::vector<std::uint32_t> of_row;
    std::size_t count = 0;
};

// Numbers from 0 in place of ids.
Entities number_entities(const Matrix &matrix) {
    Entities result;
    result.of_row.resize(matrix.rows());
    std::vector<std::int64_t> ids = matrix.entity;
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    for (std::size_t i = 0; i < matrix.rows(); ++i) {
        result.of_row[i] =
            matrix.entity.empty()
                ? static_cast<std::uint32_t>(i)
                : static_cast<std::uint32_t>(std::lower_bound(ids.begin(), ids.end(), matrix.entity[i]) - ids.begin());
    }
    result.count = matrix.entity.empty() ? matrix.rows() : ids.size();
    return result;
}

// The fold of every entity: those with positives first, each group in an order that the seed has drawn, one after the other.
std::vector<std::uint32_t> deal(const std::vector<bool> &positive, std::uint32_t folds, std::uint64_t seed) {
    std::vector<std::tuple<bool, std::uint64_t, std::uint32_t>> order(positive.size());
    Random random(seed);
    for (std::uint32_t e = 0; e < order.size(); ++e) {
        order[e] = {!positive[e], random.next(), e};
    }
    std::sort(order.begin(), order.end());
    std::vector<std::uint32_t> fold(order.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
        fold[std::get<2>(order[i])] = static_cast<std::uint32_t>(i % folds);
    }
    return fold;
}

bool has_both_classes(const Matrix &matrix, const std::vector<std::uint32_t> &rows) {
    const auto positive = [&](std::uint32_t i) { return matrix.label[i] > 0; };
    return std::any_of(rows.begin(), rows.end(), positive) && !std::all_of(rows.begin(), rows.end(), positive);
}

Fold make_fold(const Matrix &matrix, const Entities &entities, const std::vector<std::uint32_t> &fold_of, std::uint32_t number,
               std::int64_t from) {
    Fold fold;
    std::int64_t first = std::numeric_limits<std::int64_t>::max();
    for (std::uint32_t i = 0; i < matrix.rows(); ++i) {
        if (fold_of[entities.of_row[i]] == number && time_of(matrix, i) >= from) {
            fold.validate.push_back(i);
            first = std::min(first, time_of(matrix, i));
        }
    }
    for (std::uint32_t i = 0; i < matrix.rows(); ++i) {
        if (fold_of[entities.of_row[i]] != number && time_of(matrix, i) <= first) {
            fold.train.push_back(i);
        }
    }
    return fold;
}

}  // namespace

std::vector<Fold> make_folds(const Matrix &matrix, int count, std::uint64_t seed) {
    const std::int64_t from = median_positive_time(matrix);
    const Entities entities = number_entities(matrix);
    std::vector<bool> positive(entities.count);
    for (std::size_t i = 0; i < matrix.rows(); ++i) {
        if (matrix.label[i] > 0 && time_of(matrix, i) >= from) {
            positive[entities.of_row[i]] = true;
        }
    }
    const auto winners = std::count(positive.begin(), positive.end(), true);
    const auto usable = static_cast<std::uint32_t>(std::min<std::ptrdiff_t>(count, winners));
    std::vector<Fold> folds;
    if (usable >= 2) {
        const std::vector<std::uint32_t> fold_of = deal(positive, usable, seed);
        for (std::uint32_t number = 0; number < usable; ++number) {
            Fold fold = make_fold(matrix, entities, fold_of, number, from);
            if (has_both_classes(matrix, fold.train) && has_both_classes(matrix, fold.validate)) {
                folds.push_back(std::move(fold));
            }
        }
    }
    if (folds.empty()) {
        throw Error(Kind::no_data,
                    "too few entities with the label 1 for cross-validation: " + std::to_string(winners) + " at the later times",
                    "Take more rows, a longer horizon or more snapshots, or train one member without folds: parameters => "
                    "'{\"folds\": 0, \"members\": [\"xgboost\"]}'.");
    }
    return folds;
}

}  // namespace xsell::core
