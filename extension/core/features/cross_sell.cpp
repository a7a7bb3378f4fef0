#include "core/features/cross_sell.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/math.hpp"

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

// Ascending where scores descend, ties by the lower product: one integer to compare.
std::uint64_t best_first(float score, std::uint32_t product) {
    const auto bits = std::bit_cast<std::uint32_t>(score);
    const std::uint32_t ascending = bits >> 31 ? ~bits : bits | 0x80000000u;
    return static_cast<std::uint64_t>(~ascending) << 32 | product;
}

// The best `count`, best first.
void keep_best(std::vector<std::uint64_t> &ordered, std::size_t count) {
    if (ordered.size() > count) {
        std::nth_element(ordered.begin(), ordered.begin() + static_cast<std::ptrdiff_t>(count), ordered.end());
        ordered.resize(count);
    }
    std::sort(ordered.begin(), ordered.end());
}

std::vector<std::int32_t> codes(const World &world, std::int32_t Profile::*code) {
    std::vector<std::int32_t> result(world.profiles.size());
    std::transform(world.profiles.begin(), world.profiles.end(), result.begin(), [&](const Profile &p) { return p.*code; });
    return result;
}

// Log of each product's share of what is bought for the first time: purchases count half as much for every 60 days, over as much
// of that time as the product has been bought at all.
std::vector<float> demand_shares(const World &world) {
    constexpr double decay = 0.69314718055994530942 / 60;
    constexpr double prior = 0.5;             // purchases
    constexpr double days_before_first = 15;  // on offer before anybody bought it
    std::vector<double> demand(world.active.size(), prior), age(world.active.size(), 0);
    for (std::size_t pair = 0; pair < world.held_first.size(); ++pair) {
        const auto days = static_cast<double>(world.held_first[pair]);
        const std::uint32_t product = world.held.column[pair];
        demand[product] += exp(-decay * days);
        age[product] = std::max(age[product], days);
    }
    double all = 0;
    for (std::size_t product = 0; product < demand.size(); ++product) {
        demand[product] /= 1 - exp(-decay * (age[product] + days_before_first));
        all += demand[product];
    }
    std::vector<float> result(demand.size());
    std::transform(demand.begin(), demand.end(), result.begin(), [&](double d) { return static_cast<float>(log(d / all)); });
    return result;
}

std::vector<std::int32_t> size_bands(const World &world) {
    std::vector<std::int32_t> result(world.profiles.size());
    std::transform(world.profiles.begin(), world.profiles.end(), result.begin(),
                   [](const Profile &p) { return size_band(p.log_employees); });
    return result;
}

float at(std::span<const float> lifts, std::uint32_t product) {
    return lifts.empty() ? std::numeric_limits<float>::quiet_NaN() : lifts[product];
}

float said(float lift) { return std::isnan(lift) ? 0 : lift; }

}  // namespace

CrossSell::CrossSell(const World &world, const CandidateLimits &limits, const Checkpoint &checkpoint,
                     std::shared_ptr<const Patterns> patterns)
    : world_(world),
      limits_(limits),
      by_product_(transpose(world.held, world.active.size())),
      fresh_(freshness(world.held_days)),
      patterns_(patterns ? std::move(patterns)
                         : std::make_shared<const Patterns>(learn_patterns(world.held, fresh_, by_product_, checkpoint))),
      finder_(world.profiles, world.held, by_product_, LookalikeOptions{}),
      popular_(popularity_orders(world)),
      by_industry_(codes(world, &Profile::industry), world.held, world.active.size(), limits.by_segment),
      by_country_(codes(world, &Profile::country), world.held, world.active.size(), limits.by_segment),
      follow_ups_(world.held, world.held_first, by_product_, patterns_->affinity, FollowUpOptions{}, checkpoint),
      industry_lifts_(codes(world, &Profile::industry), world.held, world.active.size()),
      size_lifts_(size_bands(world), world.held, world.active.size()),
      country_lifts_(codes(world, &Profile::country), world.held, world.active.size()),
      suggestions_(world.active.size()),
      resemblance_(world.active.size()),
      demand_share_(demand_shares(world)),
      due_(world.active.size()) {
    std::int32_t families = 0;
    for (const std::int32_t family : world.family) {
        families = std::max(families, family + 1);
    }
    family_count_.resize(static_cast<std::size_t>(families));
    for (const std::uint8_t active : world.active) {
        open_.push_back(active ? State::open : State::closed);
    }
    rank_.resize(open_.size());
    for (const float purchases : patterns_->demand) {
        demand_.push_back(static_cast<float>(log(1 + static_cast<double>(purchases))));
    }
}

// The first `count` sellable products of an order become candidates, whether another order chose them already or not.
void CrossSell::take_best(std::span<const std::uint32_t> order, std::size_t count, std::size_t total) {
    for (const std::uint32_t product : order) {
        if (count == 0 || chosen_.size() >= total) {
            return;
        }
        if (state_[product] == State::open) {
            state_[product] = State::taken;
            chosen_.push_back(product);
        }
        count -= state_[product] != State::closed;
    }
}

template <class Score>
void CrossSell::take_best_by(Score score, std::size_t count) {
    ordered_.clear();
    for (std::uint32_t product = 0; product < state_.size(); ++product) {
        if (state_[product] != State::closed && score(product) > 0) {
            ordered_.push_back(best_first(score(product), product));
        }
    }
    keep_best(ordered_, count);
    scratch_.assign(ordered_.begin(), ordered_.end());
    take_best(scratch_, count, limits_.total);
}

// What is left of the limit goes by fit.
void CrossSell::take_rest() {
    const std::size_t missing = limits_.total - std::min(limits_.total, chosen_.size());
    ordered_.clear();
    for (std::uint32_t product = 0; missing > 0 && product < state_.size(); ++product) {
        if (state_[product] == State::open) {
            ordered_.push_back(best_first(suggestions_.fit(product), product));
        }
    }
    keep_best(ordered_, missing);
    scratch_.assign(ordered_.begin(), ordered_.end());
    take_best(scratch_, missing, limits_.total);
}

void CrossSell::close(std::uint32_t entity) {
    state_ = open_;
    for (const Csr *closed : {&world_.held, &world_.covered}) {
        for (const std::uint32_t product : closed->row(entity)) {
            state_[product] = State::closed;
        }
    }
}

void CrossSell::choose(std::uint32_t entity) {
    chosen_.clear();
    close(entity);
    for (const auto &order : popular_) {
        take_best(order, limits_.by_popularity, state_.size());
    }
    // Sums of standard deviations, so that above 0 is above what is usual.
    take_best_by([&](std::uint32_t product) { return suggestions_.fit(product); }, limits_.by_fit);
    take_best_by([&](std::uint32_t product) { return suggestions_.association()[product].score; }, limits_.by_association);
    take_best_by([&](std::uint32_t product) { return resemblance_[product].share; }, limits_.by_lookalike);
    take_best(by_industry_.popular(world_.profiles[entity].industry), limits_.by_segment, limits_.total);
    take_best(by_country_.popular(world_.profiles[entity].country), limits_.by_segment, limits_.total);
    take_rest();
    rank();
    std::sort(chosen_.begin(), chosen_.end());
}

void CrossSell::rank() {
    ordered_.clear();
    for (const std::uint32_t product : chosen_) {
        ordered_.push_back(best_first(suggestions_.fit(product), product));
    }
    std::sort(ordered_.begin(), ordered_.end());
    for (std::size_t i = 0; i < ordered_.size(); ++i) {
        rank_[static_cast<std::uint32_t>(ordered_[i])] = static_cast<float>(i + 1);
    }
}

float CrossSell::family_part(std::uint32_t entity, std::uint32_t product) const {
    if (world_.family[product] < 0) {
        return std::numeric_limits<float>::quiet_NaN();
    }
    return static_cast<float>(family_count_[static_cast<std::size_t>(world_.family[product])]) /
           static_cast<float>(world_.held.row(entity).size());
}

void CrossSell::fill_pair(std::uint32_t entity, std::uint32_t product, float *row) const {
    const Association &association = suggestions_.association()[product];
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
    row[ease_score] = suggestions_.ease(product);
    row[ease_recent] = suggestions_.recent_ease(product);
    row[ease_recent_z] = suggestions_.recent_ease_z(product);
    row[ease_share] = suggestions_.recent_share(product);
    row[cosine_recent] = suggestions_.recent_cosine(product);
    row[demand_recent] = demand_[product];
    row[affinity_fit] = suggestions_.fit(product);
    row[affinity_rank] = rank_[product];
    const Profile &profile = world_.profiles[entity];
    row[follow_up] = due_[product];
    row[industry_lift] = at(industry_lifts_.of(profile.industry), product);
    row[size_lift] = at(size_lifts_.of(size_band(profile.log_employees)), product);
    row[country_lift] = at(country_lifts_.of(profile.country), product);
    row[demand_share] = demand_share_[product];
    const auto lost = world_.lost.row(entity);
    const auto found = std::lower_bound(lost.begin(), lost.end(), product);
    row[lost_days] = found != lost.end() && *found == product
                         ? world_.lost_days[world_.lost.start[entity] + static_cast<std::size_t>(found - lost.begin())]
                         : std::numeric_limits<float>::quiet_NaN();
    row[known_org_sells] = intersect(world_.known.row(entity), world_.selling.row(product)) ? 1.0f : 0.0f;
}

void CrossSell::fill(std::uint32_t entity) {
    std::fill(family_count_.begin(), family_count_.end(), 0u);
    for (const std::uint32_t product : world_.held.row(entity)) {
        if (world_.family[product] >= 0) {
            ++family_count_[static_cast<std::size_t>(world_.family[product])];
        }
    }
    follow_ups_.due(world_.held.row(entity), first_days(entity), due_);
    values_.resize(chosen_.size() * width());
    float *row = values_.data();
    for (const std::uint32_t product : chosen_) {
        fill_pair(entity, product, row);
        row = std::copy_n(world_.product_values.data() + product * world_.product_features, world_.product_features,
                          row + pair_features);
        row = std::copy_n(world_.entity_values.data() + entity * world_.entity_features, world_.entity_features, row);
    }
}

// Each candidate's share of the entity's next purchases, if demand, segments and what follows what each spoke for itself.
void CrossSell::share_out() {
    double all = 0;
    for (std::size_t i = 0; i < chosen_.size(); ++i) {
        float *row = values_.data() + i * width();
        const float log_odds =
            row[demand_share] + row[follow_up] + said(row[industry_lift]) + said(row[size_lift]) + said(row[country_lift]);
        row[choice_share] = row[known_org_sells] > 0 ? static_cast<float>(exp(static_cast<double>(log_odds))) : 0;
        all += static_cast<double>(row[choice_share]);
    }
    for (std::size_t i = 0; i < chosen_.size(); ++i) {
        float &share = values_[i * width() + choice_share];
        share = all > 0 ? static_cast<float>(static_cast<double>(share) / all) : 0;
    }
}

std::span<const float> CrossSell::first_days(std::uint32_t entity) const {
    return world_.held_first.empty()
               ? std::span<const float>()
               : std::span(world_.held_first).subspan(world_.held.start[entity], world_.held.row(entity).size());
}

std::span<const float> CrossSell::fresh(std::uint32_t entity) const {
    return fresh_.empty() ? std::span<const float>()
                          : std::span(fresh_).subspan(world_.held.start[entity], world_.held.row(entity).size());
}

CrossSell::Rows CrossSell::rows(std::uint32_t entity) {
    const auto held = world_.held.row(entity);
    suggestions_.of(*patterns_, held, fresh(entity));
    lookalikes_ = finder_.nearest(entity);
    resemble(lookalikes_, world_.held, resemblance_);
    choose(entity);
    fill(entity);
    share_out();
    return {chosen_, values_};
}

}  // namespace xsell::core
