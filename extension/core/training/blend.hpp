// How much each member's margin counts.
#pragma once
#include <span>
#include <vector>

namespace xsell::core {

struct BlendFit {
    double intercept = 0;
    std::vector<double> weights;  // none negative
    double log_loss = 0;
};

// Logistic regression on the members' margins with weights that are not negative, drawn slightly towards equal weights. No worse
// in log-loss, on these rows, than the best member alone, which it becomes where it would be. margin[m][i] is of member m and row
// i.
BlendFit fit_blend(std::span<const std::vector<float>> margin, std::span<const float> label, std::span<const float> weight);

}  // namespace xsell::core
