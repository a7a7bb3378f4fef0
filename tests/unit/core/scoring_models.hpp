// Random models for the tests and the fuzz program: trees of every shape, networks, and ensembles of all four kinds of members.
#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "core/scoring/model.hpp"

namespace xsell::test {

// Grows a random tree under `at`, of at most `depth` levels; about every `stop`-th split ends early. Children share their
// parent's cover, but for a split of every sixteenth, of which one side was never reached in training.
inline void grow(std::vector<core::TreeNode> &tree, std::size_t at, int depth, unsigned stop, std::size_t features,
                 std::mt19937 &random) {
    std::uniform_real_distribution<float> real(-2, 2), share(0.05f, 0.95f);
    tree[at].threshold_or_leaf = std::round(real(random) * 8) / 8;
    if (depth == 0 || random() % stop == 0) return;
    const std::size_t left = tree.size();
    tree.resize(left + 2);
    tree[at].left = static_cast<std::int32_t>(left);
    tree[at].right = static_cast<std::int32_t>(left + 1);
    tree[at].feature = static_cast<std::uint16_t>(random() % features);
    tree[at].default_left = random() % 2;
    tree[left].cover = random() % 16 == 0 ? 0 : share(random) * tree[at].cover;
    tree[left + 1].cover = tree[at].cover - tree[left].cover;
    grow(tree, left, depth - 1, stop, features, random);
    grow(tree, left + 1, depth - 1, stop, features, random);
}

inline core::Ensemble random_ensemble(std::size_t features, std::size_t trees, int depth, unsigned stop, std::mt19937 &random) {
    core::Ensemble ensemble{features, 0.25f, std::vector<std::vector<core::TreeNode>>(trees)};
    for (std::vector<core::TreeNode> &tree : ensemble.trees) {
        tree.resize(1);
        tree[0].cover = 1000;
        grow(tree, 0, depth, stop, features, random);
    }
    return ensemble;
}

// Hidden layers of these widths, then one output; an indicator for every third feature.
inline core::Network random_network(std::size_t features, const std::vector<std::size_t> &widths, std::mt19937 &random) {
    std::normal_distribution<float> normal;
    core::Network network;
    network.features = features;
    for (std::size_t f = 0; f < features; ++f) {
        network.center.push_back(normal(random));
        network.scale.push_back(f % 7 == 6 ? 0 : 1 + 0.5f * std::fabs(normal(random)));
        if (f % 3 == 0) network.indicator.push_back(static_cast<std::uint16_t>(f));
    }
    std::size_t inputs = features + network.indicator.size();
    for (std::size_t l = 0; l <= widths.size(); ++l) {
        core::DenseLayer layer{inputs, l < widths.size() ? widths[l] : 1, {}, {}, l < widths.size()};
        for (std::size_t i = 0; i < layer.inputs * layer.outputs; ++i)
            layer.weight.push_back(normal(random) / std::sqrt(static_cast<float>(inputs)));
        for (std::size_t o = 0; o < layer.outputs; ++o) layer.bias.push_back(0.2f * normal(random));
        inputs = layer.outputs;
        network.layers.push_back(std::move(layer));
    }
    return network;
}

inline core::ModelDescription one_forest(const core::Ensemble &ensemble, const core::Calibration &calibration = {}) {
    return {ensemble.features, core::Blend::log_odds, 0, {{core::MemberKind::xgboost, 1, ensemble}}, calibration};
}

// All four kinds; the forest deeper than what the heap kernels take.
inline core::ModelDescription four_members(std::size_t features, core::Blend blend, std::mt19937 &random) {
    using core::MemberKind;
    core::ModelDescription model;
    model.features = features;
    model.blend = blend;
    model.members = {{MemberKind::xgboost, 0.3, random_ensemble(features, 5, 6, 8, random)},
                     {MemberKind::random_forest, 0.2, random_ensemble(features, 3, 9, 12, random)},
                     {MemberKind::gradient_boosting, 0.1, random_ensemble(features, 4, 4, 8, random)},
                     {MemberKind::neural_network, 0.4, random_network(features, {7, 5}, random)}};
    if (blend == core::Blend::log_odds) model.intercept = -0.75;
    return model;
}

// For about every third feature; from no code at all to all that are allowed.
inline std::vector<core::CodeMap> random_encodings(std::size_t features, std::mt19937 &random) {
    std::normal_distribution<float> normal;
    std::vector<core::CodeMap> encodings;
    for (std::size_t f = random() % 3; f < features; f += 1 + random() % 5) {
        core::CodeMap map{f, normal(random), std::vector<float>(random() % 4 == 0 ? core::max_codes : random() % 5)};
        for (float &value : map.value) value = normal(random);
        encodings.push_back(std::move(map));
    }
    return encodings;
}

// Ordinary values, missing ones, infinities and numbers at the end of the range.
inline std::vector<float> hostile_rows(std::size_t features, std::size_t rows, std::mt19937 &random) {
    constexpr float infinity = std::numeric_limits<float>::infinity(), largest = std::numeric_limits<float>::max();
    constexpr float extremes[] = {std::numeric_limits<float>::quiet_NaN(), infinity, -infinity, largest, -largest, 1e38f, -0.0f};
    std::normal_distribution<float> normal;
    std::vector<float> x(features * rows);
    for (float &v : x) v = random() % 4 == 0 ? extremes[random() % std::size(extremes)] : normal(random);
    return x;
}

}  // namespace xsell::test
