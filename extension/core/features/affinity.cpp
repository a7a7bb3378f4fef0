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

// A pair seen by few says little. How few depends on the data: half the mean number of holders, at most 100.
double default_shrinkage(const Csr &by_product) {
    const double mean =
        by_product.rows() == 0 ? 0 : static_cast<double>(by_product.column.size()) / static_cast<double>(by_product.rows());
    return std::min(100.0, mean / 2);
}

// Finds the rules that lead to one product after the other; a dense row of counts is kept between calls.
class RuleFinder {
  public:
    RuleFinder(const Csr &by_entity, const Csr &by_product, const AffinityOptions &options)
        : by_entity_(by_entity),
          by_product_(by_product),
          options_(options),
          shrinkage_(options.cosine_shrinkage > 0 ? options.cosine_shrinkage : default_shrinkage(by_product)),
          together_(by_product.rows()) {}

    const std::vector<Rule> &towards(std::uint32_t target) {
        count(target);
        rules_.clear();
        for (const std::uint32_t other : touched_) {
            const std::uint32_t both = std::exchange(together_[other], 0u);
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
        for (const std::uint32_t entity : by_product_.row(target)) {
            const auto basket = by_entity_.row(entity);
            if (basket.size() > options_.basket_limit) {
                continue;
            }
            for (const std::uint32_t other : basket) {
                if (together_[other]++ == 0) {
                    touched_.push_back(other);
                }
            }
        }
    }

    Neighbour neighbour(std::uint32_t from, std::uint32_t to, double both) const {
        const auto from_holders = static_cast<double>(by_product_.row(from).size());
        const auto to_holders = static_cast<double>(by_product_.row(to).size());
        const auto entities = static_cast<double>(by_entity_.rows());
        const double shrink = options_.lift_shrinkage;
        return {to, static_cast<float>(both / (std::sqrt(from_holders * to_holders) + shrinkage_)),
                static_cast<float>(both * entities / ((from_holders + shrink) * (to_holders + shrink))),
                static_cast<float>(both / (from_holders + shrink))};
    }

    const Csr &by_entity_;
    const Csr &by_product_;
    const AffinityOptions &options_;
    double shrinkage_;
    std::vector<std::uint32_t> together_;
    std::vector<std::uint32_t> touched_;
    std::vector<Rule> rules_;
};

}  // namespace

Affinity::Affinity(const Csr &by_entity, const Csr &by_product, const AffinityOptions &options, const Checkpoint &checkpoint) {
    RuleFinder finder(by_entity, by_product, options);
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

}  // namespace xsell::core
