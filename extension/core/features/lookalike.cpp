#include "core/features/lookalike.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>
#include <utility>

namespace xsell::core {
namespace {

constexpr float unknown = 0.5f;
constexpr float another_country = 0.3f;

bool known(double value) { return std::isfinite(value); }

float equality(std::int32_t a, std::int32_t b, float different) { return a < 0 || b < 0 ? unknown : a == b ? 1.0f : different; }

float maturity(double a, double b) {
    if (!known(a) || !known(b) || a < 0 || b < 0) {
        return unknown;
    }
    const double older = std::max(a, b);
    return older == 0 ? 1.0f : static_cast<float>(std::min(a, b) / older);
}

float alignment(double a, double b) {
    return known(a) && known(b) ? static_cast<float>(2 / (2 + std::max(a, 0.0) / 30 + std::max(b, 0.0) / 30)) : unknown;
}

}  // namespace

PairSimilarity pair_similarity(const Profile &a, const Profile &b, std::size_t shared, std::size_t apart) {
    PairSimilarity s{};
    s[industry_match] = equality(a.industry, b.industry, 0);
    s[size_compatibility] = known(a.log_employees) && known(b.log_employees)
                                ? static_cast<float>(1 / (1 + std::abs(a.log_employees - b.log_employees)))
                                : unknown;
    s[geographic_proximity] = equality(a.country, b.country, another_country);
    s[product_complementarity] =
        shared + apart == 0 ? unknown : static_cast<float>(apart) / static_cast<float>(shared + apart + 1);
    s[customer_maturity] = maturity(a.age_days, b.age_days);
    s[activity_alignment] = alignment(a.idle_days, b.idle_days);
    return s;
}

float mean(const PairSimilarity &similarity) {
    return std::accumulate(similarity.begin(), similarity.end(), 0.0f) / static_cast<float>(similarities);
}

LookalikeFinder::LookalikeFinder(std::span<const Profile> profiles, const Csr &by_entity, const Csr &by_product,
                                 const LookalikeOptions &options)
    : profiles_(profiles),
      by_entity_(by_entity),
      options_(options),
      order_(profiles.size()),
      place_(profiles.size()),
      shared_(profiles.size()) {
    std::iota(order_.begin(), order_.end(), 0u);
    std::sort(order_.begin(), order_.end(), [&](std::uint32_t a, std::uint32_t b) {
        const Profile &x = profiles_[a];
        const Profile &y = profiles_[b];
        return std::tie(x.industry, x.country, a) < std::tie(y.industry, y.country, b);
    });
    for (std::uint32_t i = 0; i < order_.size(); ++i) {
        place_[order_[i]] = i;
    }
    places_by_product_ = by_product;
    for (std::size_t product = 0; product < by_product.rows(); ++product) {
        const auto begin = places_by_product_.column.begin() + places_by_product_.start[product];
        const auto end = places_by_product_.column.begin() + places_by_product_.start[product + 1];
        std::transform(begin, end, begin, [&](std::uint32_t entity) { return place_[entity]; });
        std::sort(begin, end);
    }
}

std::span<const Lookalike> LookalikeFinder::nearest(std::uint32_t entity) {
    // A window around the entity's place: others of its industry and country stand there, the rest follows.
    const std::size_t size = order_.size();
    const std::size_t window = std::min(size, options_.comparisons + 1);
    const std::size_t half = window / 2;
    const std::size_t first = std::min(place_[entity] > half ? place_[entity] - half : 0, size - window);
    for (const std::uint32_t product : by_entity_.row(entity)) {
        const auto holders = places_by_product_.row(product);
        for (auto it = std::lower_bound(holders.begin(), holders.end(), first); it != holders.end() && *it < first + window;
             ++it) {
            ++shared_[*it];
        }
    }
    const std::size_t held = by_entity_.row(entity).size();
    found_.clear();
    for (std::size_t place = first; place < first + window; ++place) {
        const std::size_t shared = std::exchange(shared_[place], 0);
        const std::uint32_t other = order_[place];
        if (other == entity) {
            continue;
        }
        const std::size_t apart = held + by_entity_.row(other).size() - 2 * shared;
        const PairSimilarity similarity = pair_similarity(profiles_[entity], profiles_[other], shared, apart);
        found_.push_back({other, mean(similarity), similarity});
    }
    const auto nearer = [](const Lookalike &a, const Lookalike &b) {
        return a.weight != b.weight ? a.weight > b.weight : a.entity < b.entity;
    };
    const std::size_t kept = std::min(options_.neighbours, found_.size());
    std::partial_sort(found_.begin(), found_.begin() + static_cast<std::ptrdiff_t>(kept), found_.end(), nearer);
    found_.resize(kept);
    return found_;
}

void resemble(std::span<const Lookalike> lookalikes, const Csr &by_entity, std::span<Resemblance> result) {
    std::fill(result.begin(), result.end(), Resemblance{});
    float total = 0;
    for (const Lookalike &lookalike : lookalikes) {
        total += lookalike.weight;
        for (const std::uint32_t product : by_entity.row(lookalike.entity)) {
            Resemblance &to = result[product];
            to.share += lookalike.weight;
            for (std::size_t i = 0; i < similarities; ++i) {
                to.similarity[i] += lookalike.weight * lookalike.similarity[i];
            }
        }
    }
    for (Resemblance &of : result) {
        if (of.share > 0) {
            for (float &value : of.similarity) {
                value /= of.share;
            }
            of.share /= total;
        }
    }
}

}  // namespace xsell::core
