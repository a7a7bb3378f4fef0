#include "core/scoring/path_explain.hpp"

#include <algorithm>

namespace xsell::core {

PathExplainer::PathExplainer(const Forest &forest)
    : trees_(forest.nodes()), base_(forest.base_margin()), mean_(trees_.nodes.size()) {
    for (std::size_t t = 0; t < trees_.size(); ++t) {
        const std::span<const Node> nodes = trees_.tree(t);
        const float *cover = &trees_.cover[trees_.first_node[t]];
        double *mean = &mean_[trees_.first_node[t]];
        for (std::size_t k = nodes.size(); k-- > 0;) {  // children stand after their parents
            if (nodes[k].is_leaf()) {
                mean[k] = nodes[k].value;
                continue;
            }
            for (std::size_t child = nodes[k].left(); child < nodes[k].left() + std::size_t{2}; ++child) {
                const double ratio = cover[k] > 0 ? std::min(static_cast<double>(cover[child]) / cover[k], 1.0) : 0.5;
                mean[k] += ratio * mean[child];
            }
        }
        base_ += mean[0];
    }
}

void PathExplainer::explain(const float *x, double *contributions) const {
    std::fill_n(contributions, trees_.features, 0.0);
    for (std::size_t t = 0; t < trees_.size(); ++t) {
        const std::span<const Node> nodes = trees_.tree(t);
        const double *mean = &mean_[trees_.first_node[t]];
        std::size_t at = 0;
        while (!nodes[at].is_leaf()) {
            const std::size_t next = nodes[at].left() + (nodes[at].goes_left(x) ? 0u : 1u);
            contributions[nodes[at].feature()] += mean[next] - mean[at];
            at = next;
        }
    }
}

}  // namespace xsell::core
