#include "core/training/learner.hpp"

#include <algorithm>

namespace xsell::core {
namespace {

template <MemberKind kind>
Course watch_booster(const LearningRows &rows, const Matrix &watched, const Parameters &parameters, const Hooks &hooks) {
    return watch_boosting(rows, watched, kind, parameters, hooks);
}

template <MemberKind kind>
Learned learn_booster(const LearningRows &rows, int rounds, const Parameters &parameters, const Hooks &hooks) {
    return learn_boosting(rows, rounds, kind, parameters, hooks);
}

constexpr std::array<Learner, member_kinds.size()> learners = {{
    {MemberKind::xgboost, [](const Parameters &p) { return p.xgboost.rounds; }, watch_booster<MemberKind::xgboost>,
     learn_booster<MemberKind::xgboost>},
    {MemberKind::random_forest, [](const Parameters &p) { return p.random_forest.trees; }, watch_forest, learn_forest},
    {MemberKind::gradient_boosting, [](const Parameters &p) { return p.gradient_boosting.rounds; },
     watch_booster<MemberKind::gradient_boosting>, learn_booster<MemberKind::gradient_boosting>},
    {MemberKind::neural_network, [](const Parameters &p) { return p.neural_network.epochs; }, watch_network, learn_network},
}};

float leaf(const std::vector<TreeNode> &tree, const float *x) {
    std::size_t node = 0;
    while (tree[node].left != -1) {
        const TreeNode &n = tree[node];
        const float value = x[n.feature];
        const bool left = value == value ? value < n.threshold_or_leaf : n.default_left;
        node = static_cast<std::size_t>(left ? n.left : n.right);
    }
    return tree[node].threshold_or_leaf;
}

}  // namespace

const Learner &learner(MemberKind kind) { return learners[static_cast<std::size_t>(kind) - 1]; }

std::vector<float> margins(const Ensemble &forest, const Matrix &rows, std::size_t trees) {
    std::vector<float> result(rows.rows(), forest.base_margin);
    // Tree by tree, so that one tree's nodes stay in the cache for all rows.
    for (std::size_t t = 0; t < std::min(trees, forest.trees.size()); ++t) {
        for (std::size_t i = 0; i < rows.rows(); ++i) {
            result[i] += leaf(forest.trees[t], rows.row(i).data());
        }
    }
    return result;
}

std::vector<float> margins(const std::variant<Ensemble, Network> &model, const Matrix &rows) {
    const auto *forest = std::get_if<Ensemble>(&model);
    return forest ? margins(*forest, rows, forest->trees.size()) : margins(std::get<Network>(model), rows);
}

std::vector<float> Course::margins(const Matrix &rows, int rounds) const {
    if (const auto *forest = std::get_if<Ensemble>(&learned)) {
        return core::margins(*forest, rows, static_cast<std::size_t>(rounds));
    }
    const auto &epochs = std::get<std::vector<Network>>(learned);
    return core::margins(epochs[static_cast<std::size_t>(std::clamp<int>(rounds, 1, static_cast<int>(epochs.size()))) - 1], rows);
}

}  // namespace xsell::core
