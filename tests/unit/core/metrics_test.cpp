#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "core/error.hpp"
#include "core/metrics/binary.hpp"
#include "core/metrics/random.hpp"
#include "core/metrics/report.hpp"

namespace xsell::core {
namespace {

using Labels = std::vector<std::uint8_t>;
using Scores = std::vector<double>;

// The definition itself: the share of (positive, negative) pairs in the right order, ties half.
double auc_by_pairs(const Scores &score, const Labels &label) {
    double right = 0, pairs = 0;
    for (std::size_t i = 0; i < score.size(); ++i) {
        for (std::size_t j = 0; j < score.size(); ++j) {
            if (label[i] && !label[j]) {
                pairs += 1;
                right += score[i] > score[j] ? 1 : score[i] == score[j] ? 0.5 : 0;
            }
        }
    }
    return right / pairs;
}

// Sum over thresholds of (recall step) x precision, straight from the definition.
double average_precision_by_thresholds(const Scores &score, const Labels &label) {
    std::map<double, int, std::greater<>> thresholds;
    for (const double s : score) {
        thresholds[s] = 0;
    }
    double total = 0, before = 0, positives = 0;
    for (const auto l : label) {
        positives += l;
    }
    for (const auto &[threshold, unused] : thresholds) {
        double hits = 0, shown = 0;
        for (std::size_t i = 0; i < score.size(); ++i) {
            shown += score[i] >= threshold;
            hits += score[i] >= threshold && label[i];
        }
        total += (hits / positives - before) * hits / shown;
        before = hits / positives;
    }
    return total;
}

// The example of scikit-learn's manual for roc_auc_score and average_precision_score: 0.75 and 0.8333...
TEST(BinaryMetrics, ManualExample) {
    const Labels label{0, 0, 1, 1};
    const Scores score{0.1, 0.4, 0.35, 0.8};
    EXPECT_DOUBLE_EQ(auc(score, label), 0.75);
    EXPECT_NEAR(average_precision(score, label), 5.0 / 6.0, 1e-12);
}

TEST(BinaryMetrics, AgreeWithTheirDefinitionsOnRandomDataWithTies) {
    Random random(7);
    for (int round = 0; round < 20; ++round) {
        Labels label;
        Scores score;
        for (int i = 0; i < 200; ++i) {
            label.push_back(random.below(4) == 0);
            score.push_back((random.below(20) + label.back() * 5) / 25.0);
        }
        EXPECT_NEAR(auc(score, label), auc_by_pairs(score, label), 1e-12);
        EXPECT_NEAR(average_precision(score, label), average_precision_by_thresholds(score, label), 1e-12);
    }
}

TEST(BinaryMetrics, LossesByHand) {
    const Labels label{1, 0, 1, 0};
    const Scores p{0.9, 0.1, 0.8, 0.35};
    EXPECT_NEAR(log_loss(p, label), -(std::log(0.9) + std::log(0.9) + std::log(0.8) + std::log(0.65)) / 4, 1e-12);
    EXPECT_NEAR(brier(p, label), (0.01 + 0.01 + 0.04 + 0.1225) / 4, 1e-12);
    // The clip of 1e-15 keeps a certain mistake finite.
    EXPECT_NEAR(log_loss(Scores{1.0}, Labels{0}), -std::log(1e-15), 0.15);
}

TEST(BinaryMetrics, CalibrationErrorOfEqualMassBins) {
    // 15 bins of 2: each promises 0.5 and gives 1 of 2, but the last, which gives both.
    Labels label;
    Scores p;
    for (int bin = 0; bin < 15; ++bin) {
        label.push_back(1);
        label.push_back(bin == 14);
        p.push_back(0.5);
        p.push_back(0.5);
    }
    EXPECT_NEAR(calibration_error(p, label), 0.5 / 15, 1e-12);
    const auto bins = ScoredRows(p, label).bins();
    ASSERT_EQ(bins.size(), 15u);
    EXPECT_DOUBLE_EQ(bins[14].observed, 1.0);
    EXPECT_DOUBLE_EQ(bins[0].predicted, 0.5);
    EXPECT_DOUBLE_EQ(bins[0].rows, 2.0);
}

TEST(BinaryMetrics, FewerRowsThanBins) {
    const auto bins = ScoredRows(Scores{0.2, 0.7}, Labels{0, 1}).bins();
    ASSERT_EQ(bins.size(), 2u);
    EXPECT_NEAR(calibration_error(Scores{0.2, 0.7}, Labels{0, 1}), (0.2 + 0.3) / 2, 1e-12);
}

TEST(BinaryMetrics, UndefinedIsNotANumber) {
    EXPECT_TRUE(std::isnan(auc(Scores{0.1, 0.2}, Labels{0, 0})));
    EXPECT_TRUE(std::isnan(average_precision(Scores{0.1, 0.2}, Labels{0, 0})));
    EXPECT_TRUE(std::isnan(brier(Scores{}, Labels{})));
    EXPECT_THROW(auc(Scores{0.1}, Labels{0, 1}), Error);
    EXPECT_THROW(auc(Scores{std::nan("")}, Labels{1}), Error);
}

TEST(BinaryMetrics, WeightsCountAsRepeatedRows) {
    const Labels label{0, 1, 0, 1};
    const Scores score{0.1, 0.4, 0.4, 0.8};
    const Scores weight{2, 1, 3, 1};
    Labels repeated_label;
    Scores repeated;
    for (std::size_t i = 0; i < label.size(); ++i) {
        for (int k = 0; k < weight[i]; ++k) {
            repeated_label.push_back(label[i]);
            repeated.push_back(score[i]);
        }
    }
    const BinaryMetrics weighted = ScoredRows(score, label).measure(weight);
    EXPECT_NEAR(weighted.auc, auc(repeated, repeated_label), 1e-12);
    EXPECT_NEAR(weighted.average_precision, average_precision(repeated, repeated_label), 1e-12);
    EXPECT_NEAR(weighted.log_loss, log_loss(repeated, repeated_label), 1e-12);
    EXPECT_NEAR(weighted.brier, brier(repeated, repeated_label), 1e-12);
}

struct Candidates {
    std::vector<std::int64_t> entity, product;
    Labels label;
    Scores score;
    RankingRows rows() const { return {entity, product, label, score}; }
};

// Entity 1: hits at ranks 1 and 3, and a target that is no candidate. Entity 2: its only target at rank 2, by the tie rule.
// Entity 3 bought nothing, entity 4 has no candidates.
Candidates example() {
    return {
        {1, 1, 1, 1, 2, 2, 3, 3}, {10, 11, 12, 13, 10, 11, 10, 11}, {1, 0, 1, 0, 0, 1, 0, 0}, {.9, .8, .7, .6, .5, .5, .1, .2}};
}

TEST(Ranking, ByHand) {
    const Candidates c = example();
    const std::vector<Target> targets{{1, 3}, {2, 1}, {4, 2}};
    const std::vector<int> ks{2, 3};
    const Ranking r = rank(c.rows(), targets, ks);
    ASSERT_EQ(r.entity, (std::vector<std::int64_t>{1, 2, 4}));
    const double second = 1 / std::log2(3.0), third = 1 / std::log2(4.0);
    const AtK &one = r.at[1][0];
    EXPECT_DOUBLE_EQ(one.precision, 2.0 / 3);
    EXPECT_DOUBLE_EQ(one.recall, 2.0 / 3);
    EXPECT_NEAR(one.ndcg, (1 + third) / (1 + second + third), 1e-12);
    EXPECT_NEAR(one.average_precision, (1.0 + 2.0 / 3) / 3, 1e-12);
    EXPECT_DOUBLE_EQ(one.hit, 1);
    const AtK &two = r.at[0][1];
    EXPECT_DOUBLE_EQ(two.precision, 0.5);
    EXPECT_DOUBLE_EQ(two.recall, 1);
    EXPECT_NEAR(two.ndcg, second, 1e-12);
    EXPECT_NEAR(two.average_precision, 0.5, 1e-12);
    const AtK &four = r.at[1][2];
    EXPECT_EQ(four.recall + four.ndcg + four.precision + four.average_precision + four.hit, 0);
    EXPECT_EQ(r.reached, (std::vector<double>{2.0 / 3, 1, 0}));
    EXPECT_DOUBLE_EQ(r.coverage[0], 2.0 / 4);
    EXPECT_DOUBLE_EQ(r.coverage[1], 3.0 / 4);
}

TEST(Ranking, TiesGoToTheLowerProduct) {
    Candidates c{{1, 1}, {20, 10}, {0, 1}, {.5, .5}};
    EXPECT_DOUBLE_EQ(rank(c.rows(), std::vector<Target>{{1, 1}}, std::vector<int>{1}).at[0][0].hit, 1);
    c.label = {1, 0};
    EXPECT_DOUBLE_EQ(rank(c.rows(), std::vector<Target>{{1, 1}}, std::vector<int>{1}).at[0][0].hit, 0);
}

TEST(Ranking, RefusesWhatMakesNoSense) {
    const Candidates c = example();
    EXPECT_THROW(rank(c.rows(), {}, std::vector<int>{0}), Error);
    EXPECT_THROW(rank({c.entity, c.product, c.label, std::span(c.score).first(2)}, {}, std::vector<int>{1}), Error);
}

std::map<std::string, Metric> by_name(const std::vector<Metric> &metrics) {
    std::map<std::string, Metric> result;
    for (const Metric &metric : metrics) {
        result[metric.name] = metric;
    }
    return result;
}

TEST(Report, IntervalsAreSeededAndHoldTheValue) {
    Random random(3);
    Candidates c;
    for (std::int64_t entity = 1; entity <= 200; ++entity) {
        for (std::int64_t product = 1; product <= 20; ++product) {
            c.entity.push_back(entity);
            c.product.push_back(product);
            c.label.push_back(random.below(10) == 0);
            c.score.push_back((c.label.back() * 0.3 + random.below(100) / 150.0));
        }
    }
    ReportOptions options;
    options.probability = true;
    const auto first = by_name(report(c.rows(), {}, options)), again = by_name(report(c.rows(), {}, options));
    for (const char *name : {"ndcg@10", "auc", "pr_auc", "log_loss", "brier", "map@5", "recall@10"}) {
        const Metric &metric = first.at(name);
        EXPECT_LT(metric.low, metric.value) << name;
        EXPECT_GT(metric.high, metric.value) << name;
        EXPECT_EQ(metric.low, again.at(name).low) << name;
    }
    // The standard error of a mean over n entities: the interval is about 3.9 of them wide.
    const Ranking r = rank(c.rows(), {}, options.ks);
    double mean = 0, squares = 0;
    for (const AtK &at : r.at[1]) {
        mean += at.ndcg;
        squares += at.ndcg * at.ndcg;
    }
    const auto n = static_cast<double>(r.at[1].size());
    const double error = std::sqrt((squares / n - mean / n * mean / n) / n);
    EXPECT_NEAR(first.at("ndcg@10").high - first.at("ndcg@10").low, 3.92 * error, error);
    EXPECT_NEAR(first.at("ndcg@10").value, mean / n, 1e-12);
}

TEST(Report, DoesNotDependOnTheOrderOfTheRows) {
    const Candidates c = example();
    Candidates reversed{{c.entity.rbegin(), c.entity.rend()},
                        {c.product.rbegin(), c.product.rend()},
                        {c.label.rbegin(), c.label.rend()},
                        {c.score.rbegin(), c.score.rend()}};
    ReportOptions options;
    options.probability = true;
    const auto one = report(c.rows(), {}, options), other = report(reversed.rows(), {}, options);
    ASSERT_EQ(one.size(), other.size());
    for (std::size_t i = 0; i < one.size(); ++i) {
        EXPECT_EQ(one[i].name, other[i].name);
        EXPECT_TRUE(one[i].value == other[i].value || (std::isnan(one[i].value) && std::isnan(other[i].value))) << one[i].name;
    }
}

TEST(Report, NoRowsHaveNoValues) {
    const auto metrics = by_name(report({}, {}, {}));
    EXPECT_TRUE(std::isnan(metrics.at("ndcg@10").value));
    EXPECT_TRUE(std::isnan(metrics.at("auc").value));
    EXPECT_EQ(metrics.at("entities").value, 0);
}

}  // namespace
}  // namespace xsell::core
