// Attributions along a row's way through the trees: a hundredth of the work of Shapley values.
#pragma once

#include <vector>

#include "core/scoring/forest.hpp"

namespace xsell::core {

// Every split that a row passes adds what it changed about the mean of the leaves below. That adds up to the margin exactly, as
// Shapley values do; but of features that work together the one nearer to the leaf gets more.
class PathExplainer {
  public:
    explicit PathExplainer(const Forest &forest);

    // The margin of an average row, the same as the Explainer's.
    double base() const { return base_; }
    void explain(const float *x, double *contributions) const;
    std::size_t bytes() const { return sizeof(*this) + mean_.capacity() * sizeof(double); }

  private:
    const Trees &trees_;
    double base_;
    std::vector<double> mean_;  // per node: of its leaves, by the training rows that reached them
};

}  // namespace xsell::core
