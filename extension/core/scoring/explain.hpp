// Exact path-dependent TreeSHAP: how much each feature moved a row's margin away from the average.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/scoring/forest.hpp"

namespace xsell::core {

// What each feature added to a margin (log-odds): base + the sum of contributions is the margin.
struct Explanation {
    double base = 0;
    std::vector<double> contributions;  // one per feature
};

class Explainer {
  public:
    explicit Explainer(const Forest &forest);

    // The margin of an average row: what remains when no feature is known.
    double base() const { return base_; }

    // Writes one contribution per feature, in log-odds; base() + their sum is the row's margin within 1e-4.
    void explain(const float *x, double *contributions) const;

    std::size_t bytes() const;
    // What bytes() will be, known without building.
    static std::size_t bytes_for(const Forest &forest);

  private:
    // A split and the edges that leave it. A feature that splits again further down counts once: an edge's weight is the product
    // of the cover ratios of all its feature's edges so far, `previous` the node that the last of them above enters (0: none).
    struct Split {
        double weight[2];
        float threshold;
        std::uint32_t at;  // like left, previous and the leaf's: among all the tree's nodes
        std::uint32_t left;
        std::uint32_t previous;
        std::uint16_t feature;
        bool default_left;
    };
    // A split of which both edges end in leaves: half of all splits, and done in one go.
    struct Twig {
        double mean;  // weight * leaf of both edges
        float leaf[2];
        float threshold;
        std::uint32_t at;
        std::uint32_t previous;
        std::uint16_t feature;
        bool default_left;
    };
    // The leaves whose sibling is none.
    struct Leaf {
        float value;
        std::uint32_t at;
    };
    struct Range {
        std::uint32_t splits, twigs, leaves;  // the first of a tree
    };
    template <std::size_t Pairs>
    struct State;
    template <std::size_t Pairs>
    struct Points;

    void add_tree(std::size_t t);
    template <std::size_t Pairs>
    void descend(const float *x, std::size_t t, const Points<Pairs> &points, State<Pairs> *state) const;
    template <std::size_t Pairs>
    void finish_twigs(const float *x, std::size_t t, const Points<Pairs> &points, State<Pairs> *state,
                      double *contributions) const;
    template <std::size_t Pairs>
    void ascend(std::size_t t, State<Pairs> *state, double *contributions) const;
    template <std::size_t Pairs>
    void explain_all(const float *x, double *contributions) const;

    const Trees &trees_;
    double base_;
    std::size_t longest_path_ = 0;  // in different features
    std::size_t largest_tree_ = 0;  // in nodes
    std::size_t points_ = 0;        // of the quadrature: exact for paths with up to twice as many features
    std::vector<double> position_;  // of the points, in (0, 1)
    std::vector<double> portion_;
    std::vector<Split> splits_;  // tree by tree, and breadth first
    std::vector<Twig> twigs_;
    std::vector<Leaf> leaves_;
    std::vector<Range> first_;  // trees + 1
};

}  // namespace xsell::core
