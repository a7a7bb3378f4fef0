// Exact path-dependent TreeSHAP: how much each feature moved a row's margin away from the average.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/scoring/forest.hpp"

namespace xsell::core {

class Explainer {
  public:
    explicit Explainer(const Forest &forest);

    // The margin of an average row: what remains when no feature is known.
    double base() const { return base_; }

    // Writes one contribution per feature, in log-odds; base() + their sum is the row's margin within 1e-4.
    void explain(const float *x, double *contributions) const;

    std::size_t bytes() const;

  private:
    // The edge that enters a node. A feature that splits again further down counts once: `weight` is the product of the
    // cover ratios of all its edges so far, `previous` the node that its last edge above enters (0: none).
    struct Edge {
        double weight;
        double leaf;
        std::uint32_t parent;
        std::uint32_t previous;
        std::uint16_t feature;
    };

    void add_tree(const Trees &trees, std::size_t t);
    template <std::size_t Pairs>
    void explain_tree(const float *x, std::size_t t, double *contributions, void *workspace) const;
    template <std::size_t Pairs>
    void explain_all(const float *x, double *contributions) const;

    const Trees &trees_;
    double base_;
    std::size_t points_ = 0;        // of the quadrature: exact for paths with up to twice as many features
    std::vector<double> position_;  // of the points, in (0, 1)
    std::vector<double> portion_;
    std::vector<Edge> edges_;  // like Trees::nodes
    std::size_t largest_tree_ = 0;
};

}  // namespace xsell::core
