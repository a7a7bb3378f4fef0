#include "core/features/affinity.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace xsell::core {
namespace {

struct Rule {
    std::uint32_t source;
    Neighbour to;
};

// The closest neighbours of one product, ties by the lower product.
void closest(std::vector<Rule> &candidates, std::size_t limit) {
    const auto closer = [](const Rule &a, const Rule &b) {
        return a.to.cosine != b.to.cosine ? a.to.cosine > b.to.cosine : a.source < b.source;
    };
    if (candidates.size() > limit) {
        std::nth_element(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(limit), candidates.end(), closer);
        candidates.resize(limit);
    }
    std::sort(candidates.begin(), candidates.end(), closer);
}

double square(float x) { return static_cast<double>(x) * static_cast<double>(x); }

// The squared length of every product's column.
std::vector<double> lengths(const Csr &by_product, std::span<const float> weight) {
    std::vector<double> result(by_product.rows());
    for (std::size_t product = 0; product < by_product.rows(); ++product) {
        result[product] = static_cast<double>(by_product.row(product).size());
        if (!weight.empty()) {
            const auto own = weight.subspan(by_product.start[product], by_product.row(product).size());
            result[product] = std::accumulate(own.begin(), own.end(), 0.0, [](double sum, float w) { return sum + square(w); });
        }
    }
    return result;
}

// A pair seen by few says little. How few depends on the data.
double default_shrinkage(std::span<const double> holders) {
    const double sum = std::accumulate(holders.begin(), holders.end(), 0.0);
    return std::min(100.0, sum / 2 / std::max(1.0, static_cast<double>(holders.size())));
}

// Finds the rules that lead to one product after the other; a dense row of counts is kept between calls.
class RuleFinder {
  public:
    RuleFinder(const Csr &by_entity, const Csr &by_product, const HeldWeights &weights, const AffinityOptions &options)
        : by_entity_(by_entity),
          by_product_(by_product),
          weights_(weights),
          options_(options),
          holders_(lengths(by_product, weights.by_product)),
          shrinkage_(options.cosine_shrinkage > 0 ? options.cosine_shrinkage : default_shrinkage(holders_)),
          together_(by_product.rows()) {}

    const std::vector<Rule> &towards(std::uint32_t target) {
        count(target);
        rules_.clear();
        for (const std::uint32_t other : touched_) {
            const double both = std::exchange(together_[other], 0.0);
            if (other != target) {
                rules_.push_back({other, neighbour(other, target, both)});
            }
        }
        touched_.clear();
        closest(rules_, options_.neighbours);
        return rules_;
    }

  private:
    void count(std::uint32_t target) {
        const bool weighted = !weights_.by_product.empty();
        const auto holders = by_product_.row(target);
        for (std::size_t i = 0; i < holders.size(); ++i) {
            const auto basket = by_entity_.row(holders[i]);
            if (basket.size() > options_.basket_limit) {
                continue;
            }
            const double own = weighted ? weights_.by_product[by_product_.start[target] + i] : 1;
            const float *other_weight = weighted ? weights_.by_entity.data() + by_entity_.start[holders[i]] : nullptr;
            for (std::size_t k = 0; k < basket.size(); ++k) {
                double &both = together_[basket[k]];
                if (both == 0) {
                    touched_.push_back(basket[k]);
                }
                both += weighted ? own * static_cast<double>(other_weight[k]) : 1;
            }
        }
    }

    Neighbour neighbour(std::uint32_t from, std::uint32_t to, double both) const {
        const double from_holders = holders_[from];
        const double to_holders = holders_[to];
        const auto entities = static_cast<double>(by_entity_.rows());
        const double shrink = options_.lift_shrinkage;
        return {to, static_cast<float>(both / (std::sqrt(from_holders * to_holders) + shrinkage_)),
                static_cast<float>(both * entities / ((from_holders + shrink) * (to_holders + shrink))),
                static_cast<float>(both / (from_holders + shrink))};
    }

    const Csr &by_entity_;
    const Csr &by_product_;
    const HeldWeights &weights_;
    const AffinityOptions &options_;
    std::vector<double> holders_;
    double shrinkage_;
    std::vector<double> together_;
    std::vector<std::uint32_t> touched_;
    std::vector<Rule> rules_;
};

}  // namespace

Affinity::Affinity(const Csr &by_entity, const Csr &by_product, const HeldWeights &weights, const AffinityOptions &options,
                   const Checkpoint &checkpoint) {
    RuleFinder finder(by_entity, by_product, weights, options);
    std::vector<Rule> rules;
    for (std::uint32_t target = 0; target < by_product.rows(); ++target) {
        checkpoint();
        const std::vector<Rule> &found = finder.towards(target);
        rules.insert(rules.end(), found.begin(), found.end());
    }
    std::stable_sort(rules.begin(), rules.end(), [](const Rule &a, const Rule &b) { return a.source < b.source; });
    start_.assign(by_product.rows() + 1, 0);
    rules_.reserve(rules.size());
    for (const Rule &rule : rules) {
        ++start_[rule.source + 1];
        rules_.push_back(rule.to);
    }
    std::partial_sum(start_.begin(), start_.end(), start_.begin());
}

void associate(const Affinity &affinity, std::span<const std::uint32_t> held, std::span<Association> result) {
    std::fill(result.begin(), result.end(), Association{});
    for (const std::uint32_t source : held) {
        for (const Neighbour &rule : affinity.from(source)) {
            Association &target = result[rule.product];
            target.score += rule.cosine;
            target.lift_max = std::max(target.lift_max, rule.lift);
            target.confidence_max = std::max(target.confidence_max, rule.confidence);
        }
    }
}

void associate(const Affinity &affinity, std::span<const std::uint32_t> held, std::span<float> scores) {
    std::fill(scores.begin(), scores.end(), 0.0f);
    for (const std::uint32_t source : held) {
        for (const Neighbour &rule : affinity.from(source)) {
            scores[rule.product] += rule.cosine;
        }
    }
}

}  // namespace xsell::core
