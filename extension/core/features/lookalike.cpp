#include "core/features/lookalike.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <tuple>

namespace xsell::core {
namespace {

// One value, or four side by side: each is computed in the same order, so that both have the same bits.
constexpr std::size_t lanes = 4;
using Floats = float __attribute__((vector_size(4 * lanes)));
using Codes = std::int32_t __attribute__((vector_size(4 * lanes)));

template <class F, class I>
struct Compared {
    I industry, country;
    F size, age, idle, products;  // NaN where unknown
};

template <class Mask, class F>
F choose(Mask mask, F yes, F no) {
    return mask ? yes : no;
}

template <class F, class I>
F equality(I a, I b, float different) {
    return choose((a < 0) | (b < 0), F{} + 0.5f, choose(a == b, F{} + 1.0f, F{} + different));
}

// In the order of the enumeration. `shared` products are held by both, `apart` by one of the two.
template <class F, class I>
std::array<F, similarities> compare(const Compared<F, I> &a, const Compared<F, I> &b, F shared, F apart) {
    const F unknown = F{} + 0.5f;
    const F one = F{} + 1.0f;
    const F differ = a.size - b.size;
    const F distance = choose(differ < F{}, -differ, differ);
    const F younger = choose(a.age < b.age, a.age, b.age);
    const F older = choose(a.age < b.age, b.age, a.age);
    const F idle = one + one + a.idle + b.idle;
    const F nothing = F{};
    return {equality<F, I>(a.industry, b.industry, 0.0f),
            choose(differ == differ, one / (one + distance), unknown),
            equality<F, I>(a.country, b.country, 0.3f),
            choose(shared + apart == nothing, unknown, apart / (shared + apart + one)),
            choose((a.age == a.age) & (b.age == b.age), choose(older == nothing, one, younger / older), unknown),
            choose(idle == idle, (one + one) / idle, unknown)};
}

template <class F>
F mean_of(const std::array<F, similarities> &s) {
    return (s[0] + s[1] + s[2] + s[3] + s[4] + s[5]) / static_cast<float>(similarities);
}

constexpr float nan_value = std::numeric_limits<float>::quiet_NaN();

// Far enough out for any difference to be total, and finite as a float.
float bounded(double value) { return std::isfinite(value) ? static_cast<float>(std::clamp(value, -1e30, 1e30)) : nan_value; }

Compared<float, std::int32_t> compact(const Profile &profile, std::size_t products) {
    return {profile.industry,
            profile.country,
            bounded(profile.log_employees),
            profile.age_days < 0 ? nan_value : bounded(profile.age_days),
            bounded(std::max(profile.idle_days, 0.0) / 30),
            static_cast<float>(products)};
}

template <class V, class T>
V load(const std::vector<T> &values, std::size_t place) {
    V result;
    std::memcpy(&result, values.data() + place, sizeof(V));
    return result;
}

}  // namespace

PairSimilarity pair_similarity(const Profile &a, const Profile &b, std::size_t shared, std::size_t apart) {
    return compare(compact(a, 0), compact(b, 0), static_cast<float>(shared), static_cast<float>(apart));
}

float mean(const PairSimilarity &similarity) { return mean_of(similarity); }

LookalikeFinder::LookalikeFinder(std::span<const Profile> profiles, const Csr &by_entity, const Csr &by_product,
                                 const LookalikeOptions &options)
    : by_entity_(by_entity),
      options_(options),
      order_(profiles.size()),
      place_(profiles.size()),
      shared_(profiles.size() + lanes) {
    std::iota(order_.begin(), order_.end(), 0u);
    std::sort(order_.begin(), order_.end(), [&](std::uint32_t a, std::uint32_t b) {
        const Profile &x = profiles[a];
        const Profile &y = profiles[b];
        return std::tie(x.industry, x.country, a) < std::tie(y.industry, y.country, b);
    });
    for (auto *column : {&size_, &age_, &idle_, &products_}) {
        column->resize(order_.size() + lanes);
    }
    industry_.resize(order_.size() + lanes);
    country_.resize(order_.size() + lanes);
    for (std::uint32_t i = 0; i < order_.size(); ++i) {
        place_[order_[i]] = i;
        const auto entity = compact(profiles[order_[i]], by_entity.row(order_[i]).size());
        industry_[i] = entity.industry;
        country_[i] = entity.country;
        size_[i] = entity.size;
        age_[i] = entity.age;
        idle_[i] = entity.idle;
        products_[i] = entity.products;
    }
    places_by_product_ = by_product;
    for (std::size_t product = 0; product < by_product.rows(); ++product) {
        const auto begin = places_by_product_.column.begin() + places_by_product_.start[product];
        const auto end = places_by_product_.column.begin() + places_by_product_.start[product + 1];
        std::transform(begin, end, begin, [&](std::uint32_t entity) { return place_[entity]; });
        std::sort(begin, end);
    }
}

void LookalikeFinder::count_shared(std::uint32_t entity, std::size_t first, std::size_t window) {
    std::fill_n(shared_.begin(), window, 0.0f);
    for (const std::uint32_t product : by_entity_.row(entity)) {
        const auto holders = places_by_product_.row(product);
        for (auto it = std::lower_bound(holders.begin(), holders.end(), first); it != holders.end() && *it < first + window;
             ++it) {
            ++shared_[*it - first];
        }
    }
}

void LookalikeFinder::weigh(std::uint32_t entity, std::size_t first, std::size_t window) {
    const std::size_t own = place_[entity];
    const Compared<Floats, Codes> one{Codes{} + industry_[own], Codes{} + country_[own], Floats{} + size_[own],
                                      Floats{} + age_[own],     Floats{} + idle_[own],   Floats{} + products_[own]};
    weight_.resize(window + lanes);
    for (std::size_t i = 0; i < window; i += lanes) {
        const std::size_t at = first + i;
        const Compared<Floats, Codes> other{load<Codes>(industry_, at), load<Codes>(country_, at), load<Floats>(size_, at),
                                            load<Floats>(age_, at),     load<Floats>(idle_, at),   load<Floats>(products_, at)};
        const auto shared = load<Floats>(shared_, i);
        const Floats apart = one.products + other.products - shared - shared;
        const Floats weight = mean_of(compare(one, other, shared, apart));
        std::memcpy(weight_.data() + i, &weight, sizeof(weight));
    }
}

std::span<const Lookalike> LookalikeFinder::nearest(std::uint32_t entity) {
    // A window around the entity's place: others of its industry and country stand there, the rest follows.
    const std::size_t size = order_.size();
    const std::size_t window = std::min(size, options_.comparisons + 1);
    const std::size_t half = window / 2;
    const std::size_t first = std::min(place_[entity] > half ? place_[entity] - half : 0, size - window);
    count_shared(entity, first, window);
    weigh(entity, first, window);
    // Weights are positive, so that their bits are in their order.
    ordered_.clear();
    for (std::size_t i = 0; i < window; ++i) {
        const std::uint32_t other = order_[first + i];
        if (other != entity) {
            ordered_.push_back(static_cast<std::uint64_t>(~std::bit_cast<std::uint32_t>(weight_[i])) << 32 | other);
        }
    }
    const std::size_t kept = std::min(options_.neighbours, ordered_.size());
    std::nth_element(ordered_.begin(), ordered_.begin() + static_cast<std::ptrdiff_t>(kept), ordered_.end());
    std::sort(ordered_.begin(), ordered_.begin() + static_cast<std::ptrdiff_t>(kept));
    found_.clear();
    const auto at = [&](std::size_t place) {
        return Compared<float, std::int32_t>{industry_[place], country_[place], size_[place],
                                             age_[place],      idle_[place],    products_[place]};
    };
    const auto own = at(place_[entity]);
    for (std::size_t i = 0; i < kept; ++i) {
        const auto other = static_cast<std::uint32_t>(ordered_[i]);
        const auto its = at(place_[other]);
        const float shared = shared_[place_[other] - first];
        const PairSimilarity similarity = compare(own, its, shared, own.products + its.products - shared - shared);
        found_.push_back({other, mean(similarity), similarity});
    }
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
