// The scoring unit that a model version's blob holds: its member (one forest today), its calibration, its explanations.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "core/scoring/calibration.hpp"
#include "core/scoring/explain.hpp"
#include "core/scoring/forest.hpp"
#include "core/scoring/tree.hpp"

namespace xsell::core {

// The version's blob. Throws Error{bad_argument} for what cannot be scored.
std::vector<std::byte> pack(const Ensemble &ensemble, const Calibration &calibration);

struct Score {
    double probability;  // calibrated
    double low;
    double high;
    float margin;  // uncalibrated log-odds
};

// base + the sum of contributions = the uncalibrated margin (log-odds), within 1e-4.
struct Explanation {
    double base = 0;
    std::vector<double> contributions;  // one per feature
};

class Model {
  public:
    // Throws Error{corrupt_model}.
    static std::unique_ptr<const Model> load(std::span<const std::byte> blob, Kernel kernel = Kernel::automatic);

    std::size_t features() const { return forest_->features(); }
    const Calibration &calibration() const { return calibration_; }
    const Forest &forest() const { return *forest_; }

    float margin(const float *x) const { return forest_->margin(x); }
    double probability(const float *x) const { return calibration_.probability(margin(x)); }
    Score score(const float *x) const;
    // Many rows, `stride` floats apart; best fed 64 or more at a time.
    void margins(const float *x, std::size_t stride, std::size_t rows, float *out) const {
        forest_->margins(x, stride, rows, out);
    }
    void probabilities(const float *x, std::size_t stride, std::size_t rows, double *out) const;

    // Exact, path-dependent Shapley values in uncalibrated log-odds; the first call builds their tables.
    Explanation explain(const float *x) const;

    // Memory held; grows once, at the first explain().
    std::size_t bytes() const;

  private:
    Model(std::unique_ptr<const Forest> forest, const Calibration &calibration);

    std::unique_ptr<const Forest> forest_;
    Calibration calibration_;
    mutable std::once_flag explainer_once_;
    mutable std::unique_ptr<const Explainer> explainer_;
};

}  // namespace xsell::core
