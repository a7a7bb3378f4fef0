#include "core/metrics/report.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/metrics/binary.hpp"
#include "core/metrics/random.hpp"

namespace xsell::core {
namespace {

constexpr double undefined = std::numeric_limits<double>::quiet_NaN();

double mean(std::span<const double> values) {
    if (values.empty()) {
        return undefined;
    }
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// Percentile interval; replicates where the metric was not defined are left out.
Metric with_interval(std::string name, double value, std::vector<double> replicates, double confidence) {
    std::erase_if(replicates, [](double v) { return std::isnan(v); });
    if (replicates.empty() || std::isnan(value)) {
        return {std::move(name), value, undefined, undefined};
    }
    std::sort(replicates.begin(), replicates.end());
    auto at = [&](double share) {
        const double place = share * static_cast<double>(replicates.size() - 1);
        const auto below = static_cast<std::size_t>(place);
        const std::size_t above = std::min(below + 1, replicates.size() - 1);
        return replicates[below] + (place - static_cast<double>(below)) * (replicates[above] - replicates[below]);
    };
    return {std::move(name), value, at((1 - confidence) / 2), at((1 + confidence) / 2)};
}

Metric mean_with_interval(std::string name, std::span<const double> values, const ReportOptions &options) {
    Random random(options.seed);
    std::vector<double> replicates;
    const auto n = static_cast<std::uint32_t>(values.size());
    for (int r = 0; r < options.replicates && n > 0; ++r) {
        options.checkpoint();
        double sum = 0;
        for (std::uint32_t i = 0; i < n; ++i) {
            sum += values[random.below(n)];
        }
        replicates.push_back(sum / n);
    }
    return with_interval(std::move(name), mean(values), std::move(replicates), options.confidence);
}

// By entity and product: sums and ties then do not depend on the order in which a query gave the rows.
class Sorted {
  public:
    explicit Sorted(const RankingRows &rows) {
        std::vector<std::uint32_t> order(rows.entity.size());
        std::iota(order.begin(), order.end(), 0u);
        std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
            return rows.entity[a] != rows.entity[b] ? rows.entity[a] < rows.entity[b] : rows.product[a] < rows.product[b];
        });
        for (const std::uint32_t i : order) {
            entity_.push_back(rows.entity[i]);
            product_.push_back(rows.product[i]);
            label_.push_back(rows.label[i]);
            score_.push_back(rows.score[i]);
        }
    }
    RankingRows rows() const { return {entity_, product_, label_, score_}; }

  private:
    std::vector<std::int64_t> entity_, product_;
    std::vector<std::uint8_t> label_;
    std::vector<double> score_;
};

void add_ranking(const Ranking &ranking, const ReportOptions &options, std::vector<Metric> &metrics) {
    struct Column {
        const char *name;
        double AtK::*member;
    };
    constexpr Column columns[] = {{"precision", &AtK::precision},
                                  {"recall", &AtK::recall},
                                  {"ndcg", &AtK::ndcg},
                                  {"map", &AtK::average_precision},
                                  {"hit_rate", &AtK::hit}};
    for (std::size_t j = 0; j < options.ks.size(); ++j) {
        const std::string suffix = "@" + std::to_string(options.ks[j]);
        for (const Column &column : columns) {
            std::vector<double> values;
            for (const AtK &at : ranking.at[j]) {
                values.push_back(at.*column.member);
            }
            metrics.push_back(mean_with_interval(column.name + suffix, values, options));
        }
        metrics.push_back({"coverage" + suffix, ranking.coverage[j], undefined, undefined});
    }
    metrics.push_back(mean_with_interval("candidate_recall", ranking.reached, options));
    metrics.push_back({"entities", static_cast<double>(ranking.entity.size()), undefined, undefined});
}

// Rows of an entity stand or fall together, so whole entities are drawn.
void add_binary(const RankingRows &rows, const ReportOptions &options, std::vector<Metric> &metrics) {
    std::vector<std::int64_t> entities(rows.entity.begin(), rows.entity.end());
    std::sort(entities.begin(), entities.end());
    entities.erase(std::unique(entities.begin(), entities.end()), entities.end());
    std::vector<std::uint32_t> group;
    group.reserve(rows.entity.size());
    for (const std::int64_t entity : rows.entity) {
        group.push_back(
            static_cast<std::uint32_t>(std::lower_bound(entities.begin(), entities.end(), entity) - entities.begin()));
    }
    const ScoredRows scored(rows.score, rows.label);
    Random random(options.seed);
    std::vector<BinaryMetrics> replicates;
    std::vector<double> times(entities.size());
    for (int r = 0; r < options.replicates && !entities.empty(); ++r) {
        options.checkpoint();
        std::fill(times.begin(), times.end(), 0.0);
        for (std::size_t i = 0; i < entities.size(); ++i) {
            times[random.below(static_cast<std::uint32_t>(entities.size()))] += 1;
        }
        replicates.push_back(scored.measure(times, group));
    }
    const BinaryMetrics value = scored.measure();
    auto add = [&](const char *name, double BinaryMetrics::*member) {
        std::vector<double> drawn;
        drawn.reserve(replicates.size());
        for (const BinaryMetrics &replicate : replicates) {
            drawn.push_back(replicate.*member);
        }
        metrics.push_back(with_interval(name, value.*member, std::move(drawn), options.confidence));
    };
    add("auc", &BinaryMetrics::auc);
    add("pr_auc", &BinaryMetrics::average_precision);
    if (options.probability) {
        add("log_loss", &BinaryMetrics::log_loss);
        add("brier", &BinaryMetrics::brier);
        // A drawn sample adds noise to every bin, so its error lies above the sample's own: no interval.
        metrics.push_back({"ece", value.calibration_error, undefined, undefined});
    }
}

}  // namespace

std::vector<Metric> report(const RankingRows &rows, std::span<const Target> targets, const ReportOptions &options) {
    std::vector<Metric> metrics;
    add_ranking(rank(rows, targets, options.ks), options, metrics);
    const Sorted sorted(rows);
    add_binary(sorted.rows(), options, metrics);
    return metrics;
}

}  // namespace xsell::core
