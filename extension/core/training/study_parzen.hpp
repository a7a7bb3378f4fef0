// A Parzen estimate over a search space: a kernel around each observation, and a prior that is as likely everywhere.
#pragma once
#include <span>
#include <vector>

#include "core/metrics/random.hpp"
#include "core/training/study.hpp"

namespace xsell::core {

// Anywhere in a dimension, every choice and every whole number as likely; a logarithmic one evenly in its logarithm.
double draw(const Dimension &dimension, Random &random);

// Kernels span all dimensions that they are given.
class Parzen {
  public:
    // Observations in the order in which they were made: the newest 25 count fully, older ones less and less. Each has one value
    // for each dimension.
    Parzen(std::span<const Dimension> space, const std::vector<std::vector<double>> &observations);

    std::vector<double> sample(Random &random) const;

    // How many observations are near a point, each counting from 0 to its weight, and one for the prior; divided by as many as
    // there are. Kernels are compared by their height, not by their mass: in six dimensions a kernel of mass 1 is so high that
    // the prior would vanish beside it, and a point next to one bad trial would look bad beyond measure.
    double nearness(std::span<const double> point) const;

  private:
    double kernel(std::span<const double> center, std::span<const double> position) const;

    std::span<const Dimension> space_;
    std::vector<std::vector<double>> center_;  // observations, in the scale of the kernels
    std::vector<double> weight_;               // of the observations; that of the prior, 1, comes last
    double total_weight_ = 0;
    double width_ = 0;  // of a kernel, as a share of the range
    double other_ = 0;  // how near another choice is
};

}  // namespace xsell::core
