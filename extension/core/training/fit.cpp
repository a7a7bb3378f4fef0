#include "core/training/fit.hpp"

#include <array>
#include <limits>
#include <locale>
#include <sstream>

#include "core/training/calibration.hpp"
#include "core/training/xgboost.hpp"
#include "core/training/xgboost_json.hpp"

namespace xsell::core {
namespace {

// Beside its cuts XGBoost may split below the smallest value, and its last cut lies above the largest: 254 bins make at most
// 255 different thresholds a feature, which is what a rank in one byte can tell apart.
constexpr int max_bin = 254;

std::string number(double value) {
    std::ostringstream text;
    text.imbue(std::locale::classic());
    text.precision(9);
    text << value;
    return text.str();
}

void configure(xgboost::Booster &booster, const Parameters &p, double base_rate) {
    const std::pair<const char *, std::string> settings[] = {
        {"objective", "binary:logistic"},
        {"tree_method", "hist"},
        {"verbosity", "0"},
        {"nthread", std::to_string(p.threads)},
        {"max_bin", std::to_string(max_bin)},
        {"base_score", number(base_rate)},
        {"seed", std::to_string(p.seed & 0x7fffffff)},
        {"max_depth", std::to_string(p.max_depth)},
        {"eta", number(p.eta)},
        {"subsample", number(p.subsample)},
        {"colsample_bytree", number(p.colsample)},
        {"min_child_weight", number(p.min_child_weight)},
        {"lambda", number(p.lambda)},
        {"alpha", number(p.alpha)},
        {"gamma", number(p.gamma)},
    };
    for (const auto &[name, value] : settings) {
        booster.set(name, value);
    }
}

// Rounds until the watched loss has not improved for a while; returns the number of rounds to keep.
int boost(xgboost::Booster &booster, const xgboost::DMatrix &train, const xgboost::DMatrix &watched, const Matrix &watch,
          const Parameters &parameters, const Hooks &hooks) {
    Progress progress{0, parameters.rounds, 0, 0, std::numeric_limits<double>::infinity()};
    while (progress.round < parameters.rounds && progress.round - progress.best_round < parameters.early_stopping) {
        hooks.checkpoint();
        booster.update(progress.round, train);
        ++progress.round;
        progress.loss = weighted_log_loss(booster.margins(watched), watch.label, watch.weight);
        if (progress.loss < progress.best_loss) {
            progress.best_loss = progress.loss;
            progress.best_round = progress.round;
        }
        hooks.progress(progress);
    }
    return progress.best_round;
}

}  // namespace

Fit fit(const Matrix &train, const Matrix &watch, const Parameters &parameters, const Hooks &hooks) {
    xgboost::start_threads(parameters.threads);
    hooks.checkpoint();
    const auto rows = xgboost::DMatrix::quantile(train, max_bin, parameters.threads);
    const auto watched = xgboost::DMatrix::dense(watch, parameters.threads);
    hooks.checkpoint();
    const std::array<const xgboost::DMatrix *, 2> cached{&rows, &watched};
    xgboost::Booster booster(cached);
    configure(booster, parameters, train.base_rate());
    Fit result;
    result.rounds = boost(booster, rows, watched, watch, parameters, hooks);
    const xgboost::Booster best = booster.first_rounds(result.rounds);
    result.ubj = best.save("ubj");
    result.ensemble = parse_xgboost_json(best.save("json"));
    const auto margin = best.margins(watched);
    result.watch_margin.assign(margin.begin(), margin.end());
    result.watch_loss = weighted_log_loss(result.watch_margin, watch.label, watch.weight);
    return result;
}

}  // namespace xsell::core
