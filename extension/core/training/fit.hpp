// Trains a gradient boosted ensemble, stopping where a slice that it does not learn from stops improving.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "core/scoring/tree.hpp"
#include "core/training/matrix.hpp"
#include "core/training/parameters.hpp"

namespace xsell::core {

struct Progress {
    int round;    // rounds done
    int rounds;   // at most
    double loss;  // on the slice that is watched
    int best_round;
    double best_loss;
};

struct Hooks {
    std::function<void()> checkpoint;                // before every round; may throw to stop
    std::function<void(const Progress &)> progress;  // after every round
};

struct Fit {
    std::string ubj;  // the model as XGBoost saves it: the source of truth
    Ensemble ensemble;
    int rounds;  // kept: up to the best one
    double watch_loss;
    std::vector<float> watch_margin;
};

// The same matrix, parameters and version of XGBoost give the same bytes, whatever the number of threads.
Fit fit(const Matrix &train, const Matrix &watch, const Parameters &parameters, const Hooks &hooks);

}  // namespace xsell::core
