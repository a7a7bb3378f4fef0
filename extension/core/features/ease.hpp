// EASE: every product as a linear combination of the others that an entity holds, in closed form (Steck 2019): with P the inverse
// of X'X + ridge I, the weight of product i for product j is -P_ij / P_jj. Beside it the same on holdings from which the
// products' means were taken, whose scores are linear probabilities; that one needs no second inverse.
#pragma once
#include <vector>

#include "core/features/csr.hpp"

namespace xsell::core {

struct EaseOptions {
    double ridge = 8;                 // times the mean (squared) weight of a basket
    std::size_t products = 4096;      // the most held ones; the others score 0
    std::size_t basket_limit = 2000;  // entities that hold more say nothing about what goes together
};

// Plain vectors, so that it can be kept.
struct Ease {
    std::size_t products = 0;            // of the world, known here or not
    std::size_t padded = 0;              // rows and columns of the inverse
    std::vector<std::uint32_t> product;  // that a column stands for, ascending
    std::vector<float> inverse;          // P, row-major, with rows of zeros and ones behind the last product
    std::vector<float> pull;             // P mean
    std::vector<float> plain_scale;      // 1 / P_jj
    std::vector<float> centred_scale;
    float centring = 0;  // P of centred holdings is P + centring pull pull'
    float level = 0;

    // What `held` says of every product that is not held: `plain` and `centred` have one entry a product. `weight`: one a held
    // product, or none where each counts 1. `scratch` is kept by the caller.
    void score(std::span<const std::uint32_t> held, std::span<const float> weight, std::span<float> plain,
               std::span<float> centred, std::vector<float> &scratch) const;
};

// `weight` has one entry a pair of `by_entity`, in its order, or none.
Ease make_ease(const Csr &by_entity, std::span<const float> weight, std::size_t products, const EaseOptions &options,
               const Checkpoint &checkpoint);

}  // namespace xsell::core
