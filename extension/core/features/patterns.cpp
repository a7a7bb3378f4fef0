#include "core/features/patterns.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/math.hpp"

namespace xsell::core {
namespace {

// Four sums side by side: the same order of addition on every machine.
constexpr std::size_t lanes = 4;
using Lanes = float __attribute__((vector_size(4 * lanes)));

Lanes load(const float *from) {
    Lanes result;
    std::memcpy(&result, from, sizeof(result));
    return result;
}

double sum(const Lanes &lane) {
    double result = 0;
    for (std::size_t i = 0; i < lanes; ++i) {
        result += static_cast<double>(lane[i]);
    }
    return result;
}

constexpr float demand_factor = 0.5f;
// A list of the closest products says nothing where it holds every product.
float cosine_factor(std::size_t products) {
    constexpr auto listed = static_cast<float>(AffinityOptions{}.neighbours);
    return std::max(0.0f, 1 - listed / static_cast<float>(std::max<std::size_t>(products, 1)));
}

}  // namespace

std::vector<float> freshness(std::span<const float> held_days) {
    float freshest = std::numeric_limits<float>::infinity();
    for (const float days : held_days) {
        freshest = std::min(freshest, days);
    }
    std::vector<float> result(held_days.size());
    std::transform(held_days.begin(), held_days.end(), result.begin(), [&](float days) {
        constexpr double ln_2 = 0.69314718055994530942;
        return days > freshest
                   ? static_cast<float>(exp(-ln_2 / half_life_days * (static_cast<double>(days) - static_cast<double>(freshest))))
                   : 1.0f;
    });
    return result;
}

std::vector<float> transposed(const Csr &matrix, std::span<const float> weight, std::size_t columns) {
    if (weight.empty()) {
        return {};
    }
    std::vector<std::size_t> next(columns + 1);
    for (const std::uint32_t column : matrix.column) {
        ++next[column + 1];
    }
    for (std::size_t i = 0; i < columns; ++i) {
        next[i + 1] += next[i];
    }
    std::vector<float> result(matrix.column.size());
    for (std::size_t pair = 0; pair < result.size(); ++pair) {
        result[next[matrix.column[pair]]++] = weight[pair];
    }
    return result;
}

Patterns learn_patterns(const Csr &held, std::span<const float> fresh, const Csr &by_product, const Checkpoint &checkpoint) {
    const std::size_t products = by_product.rows();
    const HeldWeights weights{{fresh.begin(), fresh.end()}, transposed(held, fresh, products)};
    std::vector<double> demand(products);
    double square = 0;
    for (std::size_t pair = 0; pair < held.column.size(); ++pair) {
        const double weight = fresh.empty() ? 1 : static_cast<double>(fresh[pair]);
        demand[held.column[pair]] += weight;
        square += weight * weight;
    }
    AffinityOptions recent;
    recent.cosine_shrinkage = std::max(2 * square / std::max(1.0, static_cast<double>(products)), 1e-6);
    return {Affinity(held, by_product, {}, {}, checkpoint),
            Affinity(held, by_product, weights, recent, checkpoint),
            make_ease(held, {}, products, {}, checkpoint),
            make_ease(held, fresh, products, {}, checkpoint),
            {demand.begin(), demand.end()}};
}

Suggestions::Suggestions(std::size_t products) : products_(products), association_(products) {
    const std::size_t padded = (products + lanes - 1) / lanes * lanes;
    for (auto *scores : {&ease_, &share_, &recent_ease_, &recent_share_, &recent_cosine_, &demand_, &fit_}) {
        scores->resize(padded);
    }
}

void Suggestions::of(const Patterns &patterns, std::span<const std::uint32_t> held, std::span<const float> fresh) {
    associate(patterns.affinity, held, association_);
    associate(patterns.recent_affinity, held, recent_cosine_);
    patterns.ease.score(held, {}, std::span(ease_).first(products_), std::span(share_).first(products_), scratch_);
    patterns.recent_ease.score(held, fresh, std::span(recent_ease_).first(products_), std::span(recent_share_).first(products_),
                               scratch_);
    std::fill(fit_.begin(), fit_.end(), 0.0f);
    std::copy(patterns.demand.begin(), patterns.demand.end(), demand_.begin());
    blend(ease_, held, 1);
    recent_ = blend(recent_ease_, held, 0);
    blend(recent_share_, held, 1);
    blend(recent_cosine_, held, cosine_factor(products_));
    blend(demand_, held, demand_factor);
}

// Adds the scores to the blend, as standard deviations from their mean over what is not held.
Suggestions::Standard Suggestions::blend(std::span<float> scores, std::span<const std::uint32_t> held, float factor) {
    for (const std::uint32_t product : held) {
        scores[product] = 0;
    }
    const auto count = static_cast<double>(products_ - held.size());
    if (count == 0) {
        return {};
    }
    Lanes first{};
    for (std::size_t i = 0; i < scores.size(); i += lanes) {
        first += load(scores.data() + i);
    }
    const auto mean = static_cast<float>(sum(first) / count);
    Lanes second{};
    for (std::size_t i = 0; i < scores.size(); i += lanes) {
        const Lanes apart = load(scores.data() + i) - mean;
        second += apart * apart;
    }
    // What is held, and what fills the last vector, stood there as 0.
    const double others = static_cast<double>(scores.size()) - count;
    const double variance = (sum(second) - others * static_cast<double>(mean) * static_cast<double>(mean)) / count;
    const Standard standard{mean, variance > 1e-20 + 1e-9 * static_cast<double>(mean) * static_cast<double>(mean)
                                      ? static_cast<float>(1 / std::sqrt(variance))
                                      : 0};
    const float scale = standard.scale * factor;
    if (scale == 0) {
        return standard;
    }
    for (std::size_t i = 0; i < scores.size(); i += lanes) {
        const Lanes blended = load(fit_.data() + i) + (load(scores.data() + i) - mean) * scale;
        std::memcpy(fit_.data() + i, &blended, sizeof(blended));
    }
    return standard;
}

}  // namespace xsell::core
