#include <array>
#include <limits>
#include <locale>
#include <sstream>

#include "core/training/booster_settings.hpp"
#include "core/training/calibration.hpp"
#include "core/training/learner.hpp"
#include "core/training/xgboost_json.hpp"

namespace xsell::core {
namespace {

// To score rows that are watched costs nearly as much for one new tree as for several.
constexpr int watch_every = 4;

const BoosterParameters &parameters_of(MemberKind kind, const Parameters &parameters) {
    return kind == MemberKind::xgboost ? parameters.xgboost : parameters.gradient_boosting;
}

xgboost::Booster make_booster(std::span<const xgboost::DMatrix *const> cached, MemberKind kind, const Parameters &parameters,
                              double base_rate) {
    const BoosterParameters &p = parameters_of(kind, parameters);
    xgboost::Booster booster(cached);
    apply(booster, {{"max_depth", std::to_string(p.max_depth)},
                    {"grow_policy", p.max_leaves > 0 ? "lossguide" : "depthwise"},
                    {"max_leaves", std::to_string(p.max_leaves)},
                    {"eta", number(p.eta)},
                    {"subsample", number(p.subsample)},
                    {"colsample_bytree", number(p.colsample)},
                    {"colsample_bynode", number(p.colsample_bynode)},
                    {"min_child_weight", number(p.min_child_weight)},
                    {"lambda", number(p.lambda)},
                    {"alpha", number(p.alpha)},
                    {"gamma", number(p.gamma)}});
    apply_common(booster, base_rate, parameters.seed + static_cast<std::uint64_t>(kind), parameters.threads);
    return booster;
}

}  // namespace

std::string number(double value) {
    std::ostringstream text;
    text.imbue(std::locale::classic());
    text.precision(9);
    text << value;
    return text.str();
}

void apply(xgboost::Booster &booster, const BoosterSettings &settings) {
    for (const auto &[name, value] : settings) {
        booster.set(name, value);
    }
}

void apply_common(xgboost::Booster &booster, double base_rate, std::uint64_t seed, int threads) {
    apply(booster, {{"objective", "binary:logistic"},
                    {"tree_method", "hist"},
                    {"verbosity", "0"},
                    {"nthread", std::to_string(threads)},
                    {"max_bin", std::to_string(max_bin)},
                    {"base_score", number(base_rate)},
                    {"seed", std::to_string(seed & 0x7fffffff)}});
}

const xgboost::DMatrix &LearningRows::binned() const {
    if (!binned_) {
        binned_.emplace(xgboost::DMatrix::quantile(matrix_, max_bin, threads_));
    }
    return *binned_;
}

Course watch_boosting(const LearningRows &rows, const Matrix &watched, MemberKind kind, const Parameters &parameters,
                      const Hooks &hooks) {
    const BoosterParameters &p = parameters_of(kind, parameters);
    const auto watched_rows = xgboost::DMatrix::dense(watched, parameters.threads);
    const std::array<const xgboost::DMatrix *, 2> cached{&rows.binned(), &watched_rows};
    xgboost::Booster booster = make_booster(cached, kind, parameters, rows.matrix().base_rate());
    Course course;
    course.best_loss = std::numeric_limits<double>::infinity();
    for (int round = 0; round < p.rounds && round - course.best_round < p.early_stopping;) {
        hooks.checkpoint();
        booster.update(round++, rows.binned());
        if (round % watch_every != 0 && round != p.rounds) {
            continue;
        }
        const double loss = weighted_log_loss(booster.margins(watched_rows), watched.label, watched.weight);
        if (loss < course.best_loss) {
            course.best_loss = loss;
            course.best_round = round;
        }
        hooks.progress({name_of(kind), round, p.rounds, loss});
    }
    course.learned = parse_xgboost_json(booster.save("json"));
    return course;
}

Learned learn_boosting(const LearningRows &rows, int rounds, MemberKind kind, const Parameters &parameters, const Hooks &hooks) {
    const std::array<const xgboost::DMatrix *, 1> cached{&rows.binned()};
    xgboost::Booster booster = make_booster(cached, kind, parameters, rows.matrix().base_rate());
    for (int round = 0; round < rounds; ++round) {
        hooks.checkpoint();
        booster.update(round, rows.binned());
        hooks.progress({name_of(kind), round + 1, rounds});
    }
    const std::string json = booster.save("json");
    return {parse_xgboost_json(json), booster.save("ubj"), parse_xgboost_gain(json)};
}

}  // namespace xsell::core
