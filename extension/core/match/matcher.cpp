#include "core/match/matcher.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "core/error.hpp"
#include "core/match/rule.hpp"

namespace xsell::core {
namespace {

constexpr double penalty = 1;  // of the squared weights; the intercept is free
constexpr int most_folds = 5;
constexpr std::size_t fewest = 10;  // pairs of either sort

using Square = std::array<MatcherInputs, matcher_inputs>;

double dot(const MatcherInputs &inputs, std::span<const double> weights) {
    return std::inner_product(inputs.begin(), inputs.end(), weights.begin(), 0.0);
}

// Solves a positive definite system by Cholesky's decomposition; the lower triangle is used up.
MatcherInputs solve(Square &matrix, MatcherInputs right) {
    constexpr std::size_t n = matcher_inputs;
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j <= i; ++j) {
            const double sum =
                matrix[i][j] - std::inner_product(matrix[i].begin(), matrix[i].begin() + j, matrix[j].begin(), 0.0);
            matrix[i][j] = i == j ? std::sqrt(std::max(sum, 1e-12)) : sum / matrix[j][j];
        }
        right[i] = (right[i] - std::inner_product(matrix[i].begin(), matrix[i].begin() + i, right.begin(), 0.0)) / matrix[i][i];
    }
    for (std::size_t i = n; i-- > 0;) {
        for (std::size_t j = i + 1; j < n; ++j) {
            right[i] -= matrix[j][i] * right[j];
        }
        right[i] /= matrix[i][i];
    }
    return right;
}

// The step of Newton's method from these weights.
MatcherInputs newton_step(std::span<const LabelledPair *const> pairs, std::span<const double> weights) {
    Square hessian{};
    MatcherInputs gradient;
    for (std::size_t i = 0; i < matcher_inputs; ++i) {
        const double ridge = i + 1 < matcher_inputs ? penalty : 1e-6;
        hessian[i][i] = ridge;
        gradient[i] = -ridge * weights[i];
    }
    for (const LabelledPair *pair : pairs) {
        const MatcherInputs &x = pair->inputs;
        const double p = probability(dot(x, weights));
        const double error = (pair->same ? 1 : 0) - p;
        const double curve = std::max(p * (1 - p), 1e-6);
        for (std::size_t i = 0; i < matcher_inputs; ++i) {
            gradient[i] += error * x[i];
            for (std::size_t j = 0; j <= i && x[i] != 0; ++j) {
                hessian[i][j] += curve * x[i] * x[j];
            }
        }
    }
    return solve(hessian, gradient);
}

// The penalty makes the problem strictly convex, so few steps do; none is long, so that they do not overshoot.
std::vector<double> fit(std::span<const LabelledPair *const> pairs, const std::function<void()> &checkpoint) {
    std::vector<double> weights(matcher_inputs);
    for (int step = 0; step < 50; ++step) {
        checkpoint();
        const MatcherInputs change = newton_step(pairs, weights);
        double longest = 0;
        for (const double part : change) {
            longest = std::max(longest, std::abs(part));
        }
        for (std::size_t i = 0; i < matcher_inputs; ++i) {
            weights[i] += change[i] * std::min(1.0, 4 / std::max(longest, 1e-300));
        }
        if (longest < 1e-8) {
            break;
        }
    }
    return weights;
}

struct Counts {
    double precision = 0, recall = 0, f1 = 0;
};

Counts count(double right, double found, double wanted) {
    return {found > 0 ? right / found : 0, wanted > 0 ? right / wanted : 0,
            found + wanted > 0 ? 2 * right / (found + wanted) : 0};
}

// The log-odds from which on pairs are to be called the same for the best F1.
double best_threshold(std::vector<std::pair<double, bool>> scored) {
    std::sort(scored.begin(), scored.end(), [](const auto &x, const auto &y) { return x.first > y.first; });
    const auto wanted = static_cast<double>(std::count_if(scored.begin(), scored.end(), [](const auto &s) { return s.second; }));
    double best = -1;
    double threshold = 0;
    double right = 0;
    for (std::size_t i = 0; i < scored.size(); ++i) {
        right += scored[i].second;
        if (i + 1 < scored.size() && scored[i + 1].first == scored[i].first) {
            continue;
        }
        const double f1 = count(right, static_cast<double>(i + 1), wanted).f1;
        if (f1 > best) {
            best = f1;
            threshold = i + 1 < scored.size() ? (scored[i].first + scored[i + 1].first) / 2 : scored[i].first - 1;
        }
    }
    return std::clamp(threshold, -4.0, 4.0);
}

Counts measure(const std::vector<std::pair<double, bool>> &scored, double threshold) {
    double right = 0;
    double found = 0;
    double wanted = 0;
    for (const auto &[score, same] : scored) {
        wanted += same;
        found += score >= threshold;
        right += same && score >= threshold;
    }
    return count(right, found, wanted);
}

void check(std::span<const LabelledPair> pairs) {
    const auto same =
        static_cast<std::size_t>(std::count_if(pairs.begin(), pairs.end(), [](const LabelledPair &p) { return p.same; }));
    if (same < fewest || pairs.size() - same < fewest) {
        throw Error(Kind::bad_argument, "a matcher needs at least " + std::to_string(fewest) +
                                            " pairs that are one customer and " + std::to_string(fewest) +
                                            " that are not; given are " + std::to_string(same) + " and " +
                                            std::to_string(pairs.size() - same));
    }
}

int fold_of(std::int64_t group, int folds) {
    std::uint64_t hash = static_cast<std::uint64_t>(group) * 0x9E3779B97F4A7C15u;
    hash ^= hash >> 31;
    return static_cast<int>(hash % static_cast<std::uint64_t>(folds));
}

}  // namespace

MatcherInputs matcher_inputs_of(const Record &a, const Record &b) {
    const PairFeatures f = compare(a, b);
    MatcherInputs inputs;
    std::copy(f.begin(), f.end(), inputs.begin());
    inputs[pair_features] = std::clamp(rule_evidence(a, b, f), -10.0, 10.0) / 10;
    inputs[pair_features + 1] = 1;
    return inputs;
}

std::string_view matcher_input_name(std::size_t input) {
    return input < pair_features ? pair_feature_name(input) : input == pair_features ? "rule_evidence" : "intercept";
}

double match_score(const Record &a, const Record &b, std::span<const double> weights) {
    if (a.text[kind] != b.text[kind]) {
        return 0;
    }
    if (weights.empty()) {
        return probability(rule_evidence(a, b, compare(a, b)));
    }
    if (weights.size() != matcher_inputs) {
        throw Error(Kind::bad_argument,
                    "the matcher has " + std::to_string(weights.size()) + " weights, not " + std::to_string(matcher_inputs));
    }
    return probability(dot(matcher_inputs_of(a, b), weights));
}

MatcherFit fit_matcher(std::span<const LabelledPair> pairs, const std::function<void()> &checkpoint) {
    check(pairs);
    std::set<std::int64_t> groups;
    for (const LabelledPair &pair : pairs) {
        groups.insert(pair.group);
    }
    MatcherFit result;
    result.folds = static_cast<int>(std::min<std::size_t>(most_folds, groups.size()));
    std::vector<std::pair<double, bool>> out_of_fold;
    std::vector<std::pair<double, bool>> by_rule;
    for (int fold = 0; fold < result.folds && result.folds > 1; ++fold) {
        std::vector<const LabelledPair *> train;
        std::vector<const LabelledPair *> test;
        for (const LabelledPair &pair : pairs) {
            (fold_of(pair.group, result.folds) == fold ? test : train).push_back(&pair);
        }
        const std::vector<double> weights = fit(train, checkpoint);
        for (const LabelledPair *pair : test) {
            out_of_fold.emplace_back(dot(pair->inputs, weights), pair->same);
            by_rule.emplace_back(pair->inputs[pair_features], pair->same);
        }
    }
    std::vector<const LabelledPair *> all;
    for (const LabelledPair &pair : pairs) {
        all.push_back(&pair);
    }
    result.weights = fit(all, checkpoint);
    const double threshold = best_threshold(out_of_fold);
    result.weights.back() -= threshold;
    const Counts ours = measure(out_of_fold, threshold);
    const Counts rule = measure(by_rule, 0);
    result.precision = ours.precision;
    result.recall = ours.recall;
    result.f1 = ours.f1;
    result.rule_precision = rule.precision;
    result.rule_recall = rule.recall;
    result.rule_f1 = rule.f1;
    return result;
}

}  // namespace xsell::core
