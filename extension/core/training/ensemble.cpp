#include "core/training/ensemble.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

#include "core/error.hpp"
#include "core/math.hpp"
#include "core/metrics/binary.hpp"
#include "core/training/calibration.hpp"
#include "core/training/folds.hpp"
#include "core/training/inspection.hpp"
#include "core/training/learner.hpp"
#include "core/training/target_encoding.hpp"

namespace xsell::core {
namespace {

std::size_t position(MemberKind kind) { return static_cast<std::size_t>(kind) - 1; }

// Members that a weight of 0 rules out from the start are not trained at all.
std::vector<MemberKind> kinds_to_train(const Parameters &parameters) {
    std::vector<MemberKind> kinds;
    std::copy_if(parameters.members.begin(), parameters.members.end(), std::back_inserter(kinds),
                 [&](MemberKind kind) { return !parameters.weights || (*parameters.weights)[position(kind)] > 0; });
    if (kinds.empty()) {
        throw Error(Kind::bad_argument, "no member is left to train: each has the weight 0");
    }
    return kinds;
}

std::vector<float> blended(const std::vector<std::vector<float>> &margin, const BlendFit &fit, Blend blend) {
    std::vector<float> result(margin.front().size());
    for (std::size_t i = 0; i < result.size(); ++i) {
        double sum = fit.intercept;
        for (std::size_t m = 0; m < margin.size(); ++m) {
            const double z = static_cast<double>(margin[m][i]);
            sum += fit.weights[m] * (blend == Blend::log_odds ? z : sigmoid(z));
        }
        result[i] = static_cast<float>(blend == Blend::log_odds ? sum : logit(std::clamp(sum, 1e-12, 1 - 1e-12)));
    }
    return result;
}

double area(std::span<const float> margin, std::span<const float> label) {
    const std::vector<double> score(margin.begin(), margin.end());
    std::vector<std::uint8_t> positive(label.size());
    std::transform(label.begin(), label.end(), positive.begin(), [](float y) { return y > 0; });
    return auc(score, positive);
}

// Every fold's members, each scored at the rounds that suit all folds best: a fold's own best round would flatter it.
void score_out_of_fold(const Matrix &train, const std::vector<Fold> &folds, const std::vector<std::vector<Course>> &courses,
                       CrossValidation &result) {
    for (std::size_t m = 0; m < result.kinds.size(); ++m) {
        double sum = 0;
        for (const auto &of_fold : courses) {
            sum += of_fold[m].best_round;
        }
        result.rounds.push_back(std::max(1, static_cast<int>(std::lround(sum / static_cast<double>(folds.size())))));
    }
    result.margin.resize(result.kinds.size());
    for (std::size_t f = 0; f < folds.size(); ++f) {
        const Matrix validate = watched_rows(train, folds[f]);
        result.label.insert(result.label.end(), validate.label.begin(), validate.label.end());
        result.weight.insert(result.weight.end(), validate.weight.begin(), validate.weight.end());
        for (std::size_t m = 0; m < result.kinds.size(); ++m) {
            const std::vector<float> margin = courses[f][m].margins(validate, result.rounds[m]);
            result.margin[m].insert(result.margin[m].end(), margin.begin(), margin.end());
        }
    }
}

// Trains for good every member that has a weight, and puts the model together.
void learn_members(const Matrix &train, const CrossValidation &plan, const BlendFit &weights, const Parameters &parameters,
                   const Hooks &hooks, EnsembleFit &result) {
    std::optional<Matrix> encoded;
    if (!train.categories.empty()) {
        encoded = encode_out_of_fold(train, parameters.seed);
        result.model.encodings = fit_encodings(train);
    }
    const LearningRows rows(encoded ? *encoded : train, parameters.threads);
    result.model.features = train.features;
    result.model.blend = parameters.blend;
    result.model.intercept = weights.intercept;
    for (std::size_t m = 0; m < plan.kinds.size(); ++m) {
        MemberFit &member = result.members.emplace_back();
        member.kind = plan.kinds[m];
        member.weight = weights.weights[m];
        if (member.weight <= 0) {
            continue;
        }
        member.rounds = plan.rounds[m];
        Learned learned = learner(member.kind).learn(rows, member.rounds, parameters, hooks);
        member.gain = std::move(learned.gain);
        result.artefacts.push_back({member.kind, std::move(learned.artefact)});
        result.model.members.push_back({member.kind, member.weight, std::move(learned.model)});
    }
}

void measure(const std::vector<std::vector<float>> &margin, const CrossValidation &rows, const BlendFit &weights, Blend blend,
             EnsembleFit &result) {
    for (std::size_t m = 0; m < margin.size(); ++m) {
        result.members[m].log_loss = weighted_log_loss(margin[m], rows.label, rows.weight);
        result.members[m].auc = area(margin[m], rows.label);
    }
    const std::vector<float> blend_margin = blended(margin, weights, blend);
    result.log_loss = weighted_log_loss(blend_margin, rows.label, rows.weight);
    result.auc = area(blend_margin, rows.label);
}

// Without folds every member takes all of its rounds, and what is measured is measured on the calibration rows.
CrossValidation plan_without_folds(const Matrix &calibrate, const Parameters &parameters) {
    CrossValidation plan{kinds_to_train(parameters), {}, {}, calibrate.label, calibrate.weight, 0};
    for (const MemberKind kind : plan.kinds) {
        plan.rounds.push_back(learner(kind).most_rounds(parameters));
    }
    return plan;
}

}  // namespace

CrossValidation cross_validate(const Matrix &train, const Parameters &parameters, const Hooks &hooks) {
    xgboost::start_threads(parameters.threads);
    const std::vector<Fold> folds = make_folds(train, parameters.folds, parameters.seed);
    CrossValidation result{kinds_to_train(parameters), {}, {}, {}, {}, static_cast<int>(folds.size())};
    const int fits = static_cast<int>(folds.size() * result.kinds.size());
    int done = 0;
    double loss = std::numeric_limits<double>::quiet_NaN();
    const Hooks inner{hooks.checkpoint, [&](const Progress &p) {
                          loss = p.loss;
                          hooks.progress({"cross-validation", done, fits, loss});
                      }};
    std::vector<std::vector<Course>> courses(folds.size());
    for (std::size_t f = 0; f < folds.size(); ++f) {
        const Matrix learned = learned_rows(train, folds[f], parameters.seed), watched = watched_rows(train, folds[f]);
        const LearningRows rows(learned, parameters.threads);
        for (const MemberKind kind : result.kinds) {
            hooks.checkpoint();
            courses[f].push_back(learner(kind).watch(rows, watched, parameters, inner));
            hooks.progress({"cross-validation", ++done, fits, courses[f].back().best_loss});
        }
    }
    score_out_of_fold(train, folds, courses, result);
    return result;
}

BlendFit weigh(const CrossValidation &found, const Parameters &parameters) {
    BlendFit fit;
    if (found.kinds.size() == 1) {
        fit.weights = {1};
        return fit;
    }
    if (!parameters.weights) {
        return fit_blend(found.margin, found.label, found.weight);
    }
    for (const MemberKind kind : found.kinds) {
        fit.weights.push_back((*parameters.weights)[position(kind)]);
    }
    const double sum = std::accumulate(fit.weights.begin(), fit.weights.end(), 0.0);
    std::transform(fit.weights.begin(), fit.weights.end(), fit.weights.begin(), [&](double w) { return w / sum; });
    return fit;
}

EnsembleFit fit_ensemble(const Matrix &train, const Matrix &calibrate, const Parameters &parameters, const Hooks &hooks) {
    require_trainable(train, calibrate);
    xgboost::start_threads(parameters.threads);
    hooks.checkpoint();
    CrossValidation plan =
        parameters.folds > 0 ? cross_validate(train, parameters, hooks) : plan_without_folds(calibrate, parameters);
    const BlendFit weights = weigh(plan, parameters);
    EnsembleFit result;
    result.folds = plan.folds;
    learn_members(train, plan, weights, parameters, hooks, result);

    hooks.checkpoint();
    hooks.progress({"calibration", 0, 1});
    std::vector<std::vector<float>> margin;
    BlendFit of_model{weights.intercept, {}};
    std::optional<Matrix> encoded;
    if (!result.model.encodings.empty()) {
        encoded = encode(calibrate, result.model.encodings);
    }
    for (const Member &member : result.model.members) {
        margin.push_back(margins(member.learned, encoded ? *encoded : calibrate));
        of_model.weights.push_back(member.weight);
    }
    if (plan.folds == 0) {
        measure(margin, plan, of_model, parameters.blend, result);
    } else {
        measure(plan.margin, plan, weights, parameters.blend, result);
    }
    const CalibrationFit fit =
        fit_calibration(blended(margin, of_model, parameters.blend), calibrate, parameters.calibration, parameters.seed);
    result.model.calibration = fit.calibration;
    result.calibration = fit.isotonic ? "isotonic" : "platt";
    result.calibration_error = fit.calibration_error;
    hooks.progress({"calibration", 1, 1});
    return result;
}

}  // namespace xsell::core
