// Trains the members of an ensemble, weighs them out of fold, refits them on every row and calibrates their blend.
#pragma once
#include <string>
#include <vector>

#include "core/scoring/member.hpp"
#include "core/training/blend.hpp"
#include "core/training/hooks.hpp"
#include "core/training/matrix.hpp"
#include "core/training/parameters.hpp"

namespace xsell::core {

struct Artefact {
    MemberKind kind;
    std::string bytes;  // of trees: the model as XGBoost saves it (UBJ); of the network: a blob of our own
};

// Measured out of fold; without folds, on the calibration rows.
struct MemberFit {
    MemberKind kind;
    double weight;  // 0: not worth its place, left out of the model
    int rounds;     // or trees, or epochs, of the final fit; 0 when left out
    double log_loss;
    double auc;
    std::vector<double> gain;  // by feature, shares that add up to 1; empty for the network and for what is left out
};

struct EnsembleFit {
    ModelDescription model;
    std::vector<Artefact> artefacts;  // of the model's members, in their order
    std::vector<MemberFit> members;   // all that were tried
    double log_loss;                  // of the blend, where the members' are measured
    double auc;
    int folds;                 // that could be made of the rows; 0 when none were asked for
    std::string calibration;   // "platt" or "isotonic"
    double calibration_error;  // of the calibration on rows that it was not fitted on; NaN where they are too few
};

// The members' margins of rows that they have not learned from.
struct CrossValidation {
    std::vector<MemberKind> kinds;
    std::vector<int> rounds;                 // the mean of each member's best rounds, which all folds are scored at
    std::vector<std::vector<float>> margin;  // by member
    std::vector<float> label;
    std::vector<float> weight;
    int folds;
};

// Trains every member once a fold, with early stopping; reports the phase "cross-validation", a round for each member and fold.
CrossValidation cross_validate(const Matrix &train, const Parameters &parameters, const Hooks &hooks);

// Intercept and weights as the parameters ask for: given, or fitted on what cross-validation found.
BlendFit weigh(const CrossValidation &found, const Parameters &parameters);

// The same rows, parameters and version of XGBoost give the same bytes, whatever the number of threads. Throws Error{no_data}
// for rows that cannot be trained on, by require_trainable().
EnsembleFit fit_ensemble(const Matrix &train, const Matrix &calibrate, const Parameters &parameters, const Hooks &hooks);

}  // namespace xsell::core
