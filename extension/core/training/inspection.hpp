// Looks at training data before it is trained on: what cannot work is an error, what looks wrong is named.
#pragma once
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/training/matrix.hpp"

namespace xsell::core {

struct Suspect {
    std::string feature;
    double auc;
};

// Throws when there are no rows, one class only, or no column that varies.
void require_trainable(const Matrix &train, const Matrix &calibrate);

// Features that tell the classes apart alone, better than `limit`: more likely a leak than luck. `checkpoint` is called before
// each feature and may throw.
std::vector<Suspect> suspected_leaks(const Matrix &train, std::span<const std::string> names,
                                     const std::function<void()> &checkpoint, double limit = 0.95);

}  // namespace xsell::core
