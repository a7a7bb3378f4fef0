#include "core/features/follow_up.hpp"

#include <algorithm>
#include <numeric>

#include "core/math.hpp"

namespace xsell::core {
namespace {

// Of what is bought after something else at all, the share of each product.
std::vector<double> later_shares(const Csr &held, std::span<const float> first_days, std::size_t products,
                                 std::size_t basket_limit) {
    std::vector<double> later(products);
    std::vector<float> order;
    for (std::size_t entity = 0; entity < held.rows(); ++entity) {
        const auto basket = held.row(entity);
        if (basket.size() > basket_limit) {
            continue;
        }
        const auto days = first_days.subspan(held.start[entity], basket.size());
        order.assign(days.begin(), days.end());
        std::sort(order.begin(), order.end());
        for (std::size_t i = 0; i < basket.size(); ++i) {
            later[basket[i]] += static_cast<double>(order.end() - std::upper_bound(order.begin(), order.end(), days[i]));
        }
    }
    const double all = std::accumulate(later.begin(), later.end(), 0.0);
    for (double &share : later) {
        share /= std::max(all, 1.0);
    }
    return later;
}

}  // namespace

std::size_t FollowUps::bucket(float days) const {
    return std::min(options_.buckets - 1, static_cast<std::size_t>(std::max(0.0f, days / options_.bucket_days)));
}

FollowUps::FollowUps(const Csr &held, std::span<const float> first_days, const Csr &by_product, const Affinity &affinity,
                     const FollowUpOptions &options, const Checkpoint &checkpoint)
    : affinity_(affinity), options_(options) {
    if (first_days.empty()) {
        return;
    }
    const std::size_t products = by_product.rows();
    const std::size_t buckets = options_.buckets;
    const std::vector<double> share = later_shares(held, first_days, products, options_.basket_limit);
    std::vector<std::uint32_t> rule_of(products);  // of the present source to a product, from 1
    std::vector<double> any, count;
    for (std::size_t source = 0; source < products; ++source) {
        checkpoint();
        const auto rules = affinity.from(source);
        for (std::size_t rule = 0; rule < rules.size(); ++rule) {
            rule_of[rules[rule].product] = static_cast<std::uint32_t>(rule + 1);
        }
        any.assign(buckets, 0);
        count.assign(rules.size() * buckets, 0);
        for (const std::uint32_t entity : by_product.row(source)) {
            const auto basket = held.row(entity);
            if (basket.size() > options_.basket_limit) {
                continue;
            }
            const float *days = first_days.data() + held.start[entity];
            const float since = days[std::lower_bound(basket.begin(), basket.end(), source) - basket.begin()];
            for (std::size_t i = 0; i < basket.size(); ++i) {
                if (days[i] < since) {
                    const std::size_t at = bucket(since - days[i]);
                    ++any[at];
                    if (rule_of[basket[i]] > 0) {
                        ++count[(rule_of[basket[i]] - 1) * buckets + at];
                    }
                }
            }
        }
        for (std::size_t rule = 0; rule < rules.size(); ++rule) {
            rule_of[rules[rule].product] = 0;
            for (std::size_t from = 0; from < buckets; ++from) {
                double seen = options_.shrinkage, expected = options_.shrinkage;
                for (std::size_t at = from; at < std::min(buckets, from + options_.reach); ++at) {
                    seen += count[rule * buckets + at];
                    expected += any[at] * share[rules[rule].product];
                }
                lift_.push_back(static_cast<float>(log(seen / expected)));
            }
        }
    }
}

void FollowUps::due(std::span<const std::uint32_t> held, std::span<const float> first_days, std::span<float> result) const {
    std::fill(result.begin(), result.end(), 0.0f);
    if (lift_.empty()) {
        return;
    }
    const Neighbour *first = affinity_.from(0).data();
    for (std::size_t i = 0; i < held.size(); ++i) {
        const auto rules = affinity_.from(held[i]);
        const float *lift =
            lift_.data() + static_cast<std::size_t>(rules.data() - first) * options_.buckets + bucket(first_days[i]);
        for (const Neighbour &rule : rules) {
            result[rule.product] = std::max(result[rule.product], *lift);
            lift += options_.buckets;
        }
    }
}

}  // namespace xsell::core
