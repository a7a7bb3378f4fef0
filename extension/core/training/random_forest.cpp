#include <algorithm>
#include <array>
#include <cmath>

#include "core/math.hpp"
#include "core/training/booster_settings.hpp"
#include "core/training/learner.hpp"
#include "core/training/xgboost_json.hpp"

namespace xsell::core {
namespace {

// Trees that are grown between two looks at whether to stop: the largest even share of them that is no more than ten.
int batch_of(int trees) {
    int batch = std::min(trees, 10);
    while (trees % batch != 0) {
        --batch;
    }
    return batch;
}

xgboost::Booster make_booster(const LearningRows &rows, const Parameters &parameters, int batch, double base_rate) {
    const ForestParameters &p = parameters.random_forest;
    const double features = static_cast<double>(rows.matrix().features);
    const double share = p.colsample_bynode > 0 ? p.colsample_bynode : std::sqrt(features) / features;
    const std::array<const xgboost::DMatrix *, 1> cached{&rows.binned()};
    xgboost::Booster booster(cached);
    // XGBoost divides eta by the number of parallel trees; this way their leaves keep their full value.
    apply(booster, {{"num_parallel_tree", std::to_string(batch)},
                    {"eta", std::to_string(batch)},
                    {"max_depth", std::to_string(p.max_depth)},
                    {"subsample", number(p.subsample)},
                    {"colsample_bynode", number(share)},
                    {"min_child_weight", number(p.min_leaf)},
                    {"lambda", number(p.prior)}});
    apply_common(booster, base_rate, parameters.seed + static_cast<std::uint64_t>(MemberKind::random_forest), parameters.threads);
    return booster;
}

// With the gradient w (rate - y) and the curvature w, XGBoost's gain is the reduction of Gini impurity, and a leaf's value is how
// far its rate, smoothed by `prior` rows of the base rate, lies above the base rate. Neither depends on the trees before, so that
// rounds are independent. A leaf then says the same in log-odds, and the forest is the mean of its trees.
std::string grow(const LearningRows &rows, int trees, const Parameters &parameters, const Hooks &hooks) {
    const Matrix &matrix = rows.matrix();
    const auto base_rate = static_cast<float>(matrix.base_rate());
    const int batch = batch_of(trees);
    xgboost::Booster booster = make_booster(rows, parameters, batch, base_rate);
    std::vector<float> gradient(matrix.rows()), curvature = matrix.weight;
    for (std::size_t i = 0; i < matrix.rows(); ++i) {
        gradient[i] = matrix.weight[i] * (base_rate - (matrix.label[i] > 0 ? 1.0f : 0.0f));
    }
    for (int done = 0; done < trees; done += batch) {
        hooks.checkpoint();
        booster.update(rows.binned(), gradient, curvature);
        hooks.progress({name_of(MemberKind::random_forest), done + batch, trees});
    }
    const double rate = base_rate, level = logit(rate), least = 1e-6 * std::min(rate, 1 - rate);
    return replace_xgboost_leaves(booster.save("json"), [&](float above) {
        const double leaf_rate = std::clamp(rate + static_cast<double>(above), least, 1 - least);
        return static_cast<float>((logit(leaf_rate) - level) / trees);
    });
}

}  // namespace

Course watch_forest(const LearningRows &rows, const Matrix &, const Parameters &parameters, const Hooks &hooks) {
    const int trees = parameters.random_forest.trees;
    Course course;
    course.best_round = trees;
    course.learned = parse_xgboost_json(grow(rows, trees, parameters, hooks));
    return course;
}

Learned learn_forest(const LearningRows &rows, int trees, const Parameters &parameters, const Hooks &hooks) {
    xgboost::Booster booster(std::span<const xgboost::DMatrix *const>{});
    booster.load(grow(rows, trees, parameters, hooks));
    const std::string json = booster.save("json");
    return {parse_xgboost_json(json), booster.save("ubj"), parse_xgboost_gain(json)};
}

}  // namespace xsell::core
