#include "core/features/cross_sell.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

namespace xsell::core {
namespace {

std::vector<std::vector<std::uint32_t>> popularity_orders(const World &world) {
    std::vector<std::vector<std::uint32_t>> orders(popularity_windows);
    for (std::size_t window = 0; window < popularity_windows; ++window) {
        auto &order = orders[window];
        order.resize(world.active.size());
        std::iota(order.begin(), order.end(), 0u);
        std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
            return world.product_values[a * world.product_features + window] >
                   world.product_values[b * world.product_features + window];
        });
    }
    return orders;
}

bool intersect(std::span<const std::uint32_t> a, std::span<const std::uint32_t> b) {
    for (auto x = a.begin(), y = b.begin(); x != a.end() && y != b.end();) {
        if (*x == *y) {
            return true;
        }
        *x < *y ? ++x : ++y;
    }
    return false;
}

}  // namespace

CrossSell::CrossSell(const World &world, const CandidateLimits &limits, const Checkpoint &checkpoint)
    : world_(world),
      limits_(limits),
      by_product_(transpose(world.held, world.active.size())),
      affinity_(world.held, by_product_, AffinityOptions{}, checkpoint),
      finder_(world.profiles, world.held, by_product_, LookalikeOptions{}),
      popular_(popularity_orders(world)),
      association_(world.active.size()),
      resemblance_(world.active.size()),
      state_(world.active.size()) {
    std::int32_t families = 0;
    for (const std::int32_t family : world.family) {
        families = std::max(families, family + 1);
    }
    family_count_.resize(static_cast<std::size_t>(families));
}

bool CrossSell::take(std::uint32_t product) {
    if (state_[product] != State::open) {
        return false;
    }
    state_[product] = State::taken;
    chosen_.push_back(product);
    return true;
}

// The first `count` sellable products of an order become candidates, whether another order chose them already or not.
void CrossSell::take_best(std::span<const std::uint32_t> order, std::size_t count) {
    for (const std::uint32_t product : order) {
        if (count == 0) {
            return;
        }
        if (state_[product] != State::closed) {
            take(product);
            --count;
        }
    }
}

template <class Score>
void CrossSell::take_best_by(Score score, std::size_t count) {
    scratch_.clear();
    for (std::uint32_t product = 0; product < state_.size(); ++product) {
        if (state_[product] != State::closed && score(product) > 0) {
            scratch_.push_back(product);
        }
    }
    const std::size_t best = std::min(count, scratch_.size());
    std::partial_sort(scratch_.begin(), scratch_.begin() + static_cast<std::ptrdiff_t>(best), scratch_.end(),
                      [&](std::uint32_t a, std::uint32_t b) { return score(a) != score(b) ? score(a) > score(b) : a < b; });
    take_best({scratch_.data(), best}, best);
}

void CrossSell::choose(std::uint32_t entity) {
    chosen_.clear();
    for (std::uint32_t product = 0; product < state_.size(); ++product) {
        state_[product] = world_.active[product] ? State::open : State::closed;
    }
    for (const Csr *closed : {&world_.held, &world_.covered}) {
        for (const std::uint32_t product : closed->row(entity)) {
            state_[product] = State::closed;
        }
    }
    const auto score = [&](std::uint32_t product) { return association_[product].score; };
    const auto share = [&](std::uint32_t product) { return resemblance_[product].share; };
    for (const auto &order : popular_) {
        take_best(order, limits_.by_popularity);
    }
    take_best_by(score, limits_.by_association);
    take_best_by(share, limits_.by_lookalike);
    // What is left of the limit goes to what the basket suggests next, then to what sells.
    if (chosen_.size() < limits_.total) {
        take_best_by(score, limits_.by_association + limits_.total - chosen_.size());
    }
    for (std::size_t i = 0; i < state_.size() && chosen_.size() < limits_.total; ++i) {
        take(popular_.back()[i]);
    }
    std::sort(chosen_.begin(), chosen_.end());
}

float CrossSell::family_part(std::uint32_t entity, std::uint32_t product) const {
    if (world_.family[product] < 0) {
        return std::numeric_limits<float>::quiet_NaN();
    }
    return static_cast<float>(family_count_[static_cast<std::size_t>(world_.family[product])]) /
           static_cast<float>(world_.held.row(entity).size());
}

void CrossSell::fill(std::uint32_t entity) {
    std::fill(family_count_.begin(), family_count_.end(), 0u);
    for (const std::uint32_t product : world_.held.row(entity)) {
        if (world_.family[product] >= 0) {
            ++family_count_[static_cast<std::size_t>(world_.family[product])];
        }
    }
    values_.resize(chosen_.size() * width());
    float *row = values_.data();
    for (const std::uint32_t product : chosen_) {
        const Association &association = association_[product];
        const Resemblance &resemblance = resemblance_[product];
        row[association_score] = association.score;
        row[association_lift_max] = association.lift_max;
        row[association_confidence_max] = association.confidence_max;
        row[lookalike_share] = resemblance.share;
        for (std::size_t i = 0; i < similarities; ++i) {
            row[lookalike_similarity + i] =
                resemblance.share > 0 ? resemblance.similarity[i] : std::numeric_limits<float>::quiet_NaN();
        }
        row[family_share] = family_part(entity, product);
        row[same_org_sells] = intersect(world_.serving.row(entity), world_.selling.row(product)) ? 1.0f : 0.0f;
        row = std::copy_n(world_.product_values.data() + product * world_.product_features, world_.product_features,
                          row + pair_features);
        row = std::copy_n(world_.entity_values.data() + entity * world_.entity_features, world_.entity_features, row);
    }
}

CrossSell::Rows CrossSell::rows(std::uint32_t entity) {
    associate(affinity_, world_.held.row(entity), association_);
    lookalikes_ = finder_.nearest(entity);
    resemble(lookalikes_, world_.held, resemblance_);
    choose(entity);
    fill(entity);
    return {chosen_, values_};
}

}  // namespace xsell::core
