#include "core/features/ease.hpp"

#include <algorithm>
#include <numeric>

#include "core/features/dense.hpp"

namespace xsell::core {
namespace {

constexpr std::uint32_t no_column = ~0u;

float weight_of(std::span<const float> weight, std::size_t pair) { return weight.empty() ? 1.0f : weight[pair]; }

// The most held products, ascending; ties go to the lower.
std::vector<std::uint32_t> most_held(const Csr &by_entity, std::span<const float> weight, std::size_t products,
                                     std::size_t most) {
    std::vector<double> holders(products);
    for (std::size_t pair = 0; pair < by_entity.column.size(); ++pair) {
        holders[by_entity.column[pair]] += weight_of(weight, pair);
    }
    std::vector<std::uint32_t> order(products);
    std::iota(order.begin(), order.end(), 0u);
    if (products > most) {
        std::nth_element(
            order.begin(), order.begin() + static_cast<std::ptrdiff_t>(most), order.end(),
            [&](std::uint32_t a, std::uint32_t b) { return holders[a] != holders[b] ? holders[a] > holders[b] : a < b; });
        order.resize(most);
        std::sort(order.begin(), order.end());
    }
    return order;
}

// What is learned from: X'X in the lower triangle of `matrix`, and the mean of every product.
struct Moments {
    std::vector<float> matrix;
    std::vector<double> mean;
    double entities = 0;
};

Moments moments(const Csr &by_entity, std::span<const float> weight, std::span<const std::uint32_t> column, std::size_t padded,
                std::size_t basket_limit, const Checkpoint &checkpoint) {
    Moments m{std::vector<float>(padded * padded), std::vector<double>(padded), 0};
    for (std::size_t entity = 0; entity < by_entity.rows(); ++entity) {
        if (entity % 1024 == 0) {
            checkpoint();
        }
        const auto basket = by_entity.row(entity);
        if (basket.empty() || basket.size() > basket_limit) {
            continue;
        }
        ++m.entities;
        const std::size_t first = by_entity.start[entity];
        for (std::size_t a = 0; a < basket.size(); ++a) {
            const std::uint32_t row = column[basket[a]];
            if (row == no_column) {
                continue;
            }
            const float left = weight_of(weight, first + a);
            m.mean[row] += left;
            for (std::size_t b = 0; b <= a; ++b) {
                if (column[basket[b]] != no_column) {
                    m.matrix[row * padded + column[basket[b]]] += left * weight_of(weight, first + b);
                }
            }
        }
    }
    for (double &mean : m.mean) {
        mean /= std::max(m.entities, 1.0);
    }
    return m;
}

// What taking the means out of the holdings does to the inverse: a change of rank one.
void centre(Ease &ease, const Moments &m) {
    const std::size_t known = ease.product.size();
    double level = 0;
    std::vector<double> pull(ease.padded);
    for (std::size_t i = 0; i < known; ++i) {
        pull[i] = std::inner_product(m.mean.begin(), m.mean.end(),
                                     ease.inverse.begin() + static_cast<std::ptrdiff_t>(i * ease.padded), 0.0);
        level += pull[i] * m.mean[i];
    }
    const double rest = 1 - m.entities * level;
    const double centring = rest > 1e-6 ? m.entities / rest : 0;
    ease.pull.assign(pull.begin(), pull.end());
    ease.centring = static_cast<float>(centring);
    ease.level = static_cast<float>(1 + centring * level);
    ease.plain_scale.resize(ease.padded);
    ease.centred_scale.resize(ease.padded);
    for (std::size_t i = 0; i < ease.padded; ++i) {
        const double diagonal = ease.inverse[i * ease.padded + i];
        ease.plain_scale[i] = static_cast<float>(1 / diagonal);
        ease.centred_scale[i] = static_cast<float>(1 / (diagonal + centring * pull[i] * pull[i]));
    }
}

}  // namespace

Ease make_ease(const Csr &by_entity, std::span<const float> weight, std::size_t products, const EaseOptions &options,
               const Checkpoint &checkpoint) {
    Ease ease;
    ease.products = products;
    ease.product = most_held(by_entity, weight, products, options.products);
    ease.padded = (ease.product.size() + dense_block - 1) / dense_block * dense_block;
    std::vector<std::uint32_t> column(products, no_column);
    for (std::uint32_t i = 0; i < ease.product.size(); ++i) {
        column[ease.product[i]] = i;
    }
    Moments m = moments(by_entity, weight, column, ease.padded, options.basket_limit, checkpoint);
    double trace = 0;
    for (std::size_t i = 0; i < ease.padded; ++i) {
        trace += m.matrix[i * ease.padded + i];
    }
    // Where nobody holds anything, any ridge will do.
    const auto ridge = static_cast<float>(trace > 0 ? options.ridge * trace / m.entities : 1);
    for (std::size_t i = 0; i < ease.padded; ++i) {
        m.matrix[i * ease.padded + i] += ridge;
    }
    ease.inverse = std::move(m.matrix);
    invert(ease.inverse, ease.padded, best_dense(), checkpoint);
    centre(ease, m);
    return ease;
}

void Ease::score(std::span<const std::uint32_t> held, std::span<const float> weight, std::span<float> plain,
                 std::span<float> centred, std::vector<float> &scratch) const {
    static const Dense &dense = best_dense();
    scratch.assign(padded, 0.0f);
    float *const sum = scratch.data();
    double pulled = 0;
    const bool all = product.size() == products;
    for (std::size_t i = 0; i < held.size(); ++i) {
        const auto found = all ? product.begin() + held[i] : std::lower_bound(product.begin(), product.end(), held[i]);
        if (found == product.end() || *found != held[i]) {
            continue;
        }
        const auto row = static_cast<std::size_t>(found - product.begin());
        const float factor = weight_of(weight, i);
        dense.add(inverse.data() + row * padded, factor, sum, padded);
        pulled += static_cast<double>(factor) * static_cast<double>(pull[row]);
    }
    const float base = level - centring * static_cast<float>(pulled);
    if (!all) {
        std::fill(plain.begin(), plain.end(), 0.0f);
        std::fill(centred.begin(), centred.end(), 0.0f);
    }
    for (std::size_t i = 0; i < product.size(); ++i) {
        const std::size_t to = all ? i : product[i];
        plain[to] = -sum[i] * plain_scale[i];
        centred[to] = (base * pull[i] - sum[i]) * centred_scale[i];
    }
}

}  // namespace xsell::core
