// The scoring unit that a model version's blob holds: its members, their blend, its calibration, its explanations.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "core/scoring/calibration.hpp"
#include "core/scoring/explain.hpp"
#include "core/scoring/forest.hpp"
#include "core/scoring/member.hpp"

namespace xsell::core {

// The version's blob. Throws Error{bad_argument} for what cannot be scored.
std::vector<std::byte> pack(const ModelDescription &model);

struct Score {
    double probability;  // calibrated
    double low;
    double high;
    float margin;                                    // of the blend, uncalibrated log-odds
    double raw;                                      // the blend's probability before calibration
    std::array<double, member_kinds.size()> member;  // uncalibrated probability by kind, in member_kinds' order; NaN where absent
};

// How a tree member's margin is shared out among the features: exactly, or along the row's way, for many rows.
enum class Attribution { shapley, path };

class MemberModel;
struct EncodedRows;

class Model {
  public:
    // Throws Error{corrupt_model}. Naming a kernel is for tests and benches: members that it cannot run take the portable one.
    static std::unique_ptr<const Model> load(std::span<const std::byte> blob, Kernel kernel = Kernel::automatic);
    ~Model();

    std::size_t features() const { return features_; }
    std::size_t members() const { return kinds_.size(); }
    MemberKind kind(std::size_t i) const { return kinds_[i]; }
    double weight(std::size_t i) const { return weights_[i]; }
    Blend blend() const { return blend_; }
    double intercept() const { return intercept_; }
    const Calibration &calibration() const { return calibration_; }
    const std::vector<CodeMap> &encodings() const { return encodings_; }
    // nullptr for a network.
    const Forest *forest(std::size_t i) const;

    // One row of features() values: NaN is missing, infinities are ordinary values. Every result is finite, and has the same bits
    // by the row, in a block, and on every kernel.
    float margin(const float *x) const;
    float member_margin(std::size_t i, const float *x) const;
    double probability(const float *x) const { return calibration_.probability(margin(x)); }
    Score score(const float *x) const;
    // Many rows, `stride` floats apart; best fed 64 or more at a time.
    void margins(const float *x, std::size_t stride, std::size_t rows, float *out) const;
    void probabilities(const float *x, std::size_t stride, std::size_t rows, double *out) const;

    // Uncalibrated log-odds; base + contributions is margin(x). Exact path-dependent Shapley values for trees, DeepLIFT for
    // networks, carried through the blend. The first call builds tables.
    Explanation explain(const float *x, Attribution how = Attribution::shapley) const;
    // Of one member, in its own log-odds: base + contributions is member_margin(i, x).
    Explanation explain_member(std::size_t i, const float *x) const;

    // Memory held, the tables of explain() included once they are built; explainer_bytes() is what they take or would take.
    std::size_t bytes() const;
    std::size_t explainer_bytes() const;

  private:
    Model();
    float blended(const float *margin) const;  // one margin for each member
    EncodedRows encoded(const float *x, std::size_t stride, std::size_t rows) const;
    Explanation explain_encoded(std::size_t i, const float *x, Attribution how) const;

    std::size_t features_ = 0;
    Blend blend_ = Blend::log_odds;
    double intercept_ = 0;
    Calibration calibration_;
    std::vector<CodeMap> encodings_;
    std::vector<MemberKind> kinds_;
    std::vector<double> weights_;
    std::vector<std::unique_ptr<const MemberModel>> scorers_;
};

}  // namespace xsell::core
