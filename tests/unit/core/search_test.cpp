#include "core/training/search.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/metrics/random.hpp"
#include "core/training/calibration.hpp"
#include "core/training/folds.hpp"
#include "core/training/learner.hpp"
#include "core/training/xgboost.hpp"

namespace {

using namespace xsell::core;

// Three entities a hundred rows, two times; the label follows the first feature and the product of two others.
Matrix make_rows(std::size_t rows) {
    Matrix matrix;
    matrix.features = 5;
    Random random(5);
    const auto uniform = [&] { return static_cast<double>(random.next() >> 11) * 0x1p-53; };
    for (std::size_t i = 0; i < rows; ++i) {
        float x[5];
        for (float &value : x) {
            value = static_cast<float>(2 * uniform() - 1);
        }
        matrix.values.insert(matrix.values.end(), x, x + 5);
        matrix.label.push_back(uniform() < 1 / (1 + std::exp(1 - 2 * x[0] - 3 * x[1] * x[2])) ? 1 : 0);
        matrix.weight.push_back(i % 3 == 0 ? 2 : 1);
        matrix.entity.push_back(static_cast<std::int64_t>(i / 4));
        matrix.time.push_back(static_cast<std::int64_t>(i % 2));
    }
    return matrix;
}

Parameters small_base() {
    Parameters base = preset("default");
    base.xgboost.rounds = 60;
    base.xgboost.early_stopping = 12;
    base.random_forest.trees = 10;
    base.neural_network.epochs = 4;
    return base;
}

SearchHooks quiet() {
    return {[] {}, [] { return 0.0; }, [](const MemberTrial &) {}};
}

SearchOptions options_of(int trials, Pruner pruner = Pruner::none, MemberKind member = MemberKind::xgboost) {
    SearchOptions options;
    options.trials = trials;
    options.pruner = pruner;
    options.members = {member};
    return options;
}

void expect_same(const std::vector<MemberTrial> &a, const std::vector<MemberTrial> &b) {
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
        EXPECT_EQ(a[i].member, b[i].member);
        EXPECT_EQ(a[i].trial.number, b[i].trial.number);
        EXPECT_EQ(a[i].trial.point, b[i].trial.point) << i;
        EXPECT_EQ(a[i].trial.state, b[i].trial.state) << i;
        EXPECT_EQ(a[i].trial.value, b[i].trial.value) << i;
        EXPECT_EQ(a[i].trial.intermediate.size(), b[i].trial.intermediate.size()) << i;
    }
}

template <class Call>
std::string message_of(Call call) {
    try {
        call();
    } catch (const Error &error) {
        return std::string(error.what()) + " | " + error.hint;
    }
    return "no error";
}

TEST(Search, ReadsItsOptions) {
    const SearchOptions none = parse_search("{}");
    EXPECT_EQ(none.trials, 30);
    EXPECT_EQ(none.timeout, 0);
    EXPECT_EQ(none.members, std::vector{MemberKind::xgboost});
    EXPECT_EQ(none.pruner, Pruner::median);
    const SearchOptions all =
        parse_search(R"({"trials": 5, "timeout": 1.5, "members": ["neural_network", "random_forest"], "pruner": "halving"})");
    EXPECT_EQ(all.trials, 5);
    EXPECT_EQ(all.timeout, 1.5);
    EXPECT_EQ(all.members, (std::vector{MemberKind::random_forest, MemberKind::neural_network}));
    EXPECT_EQ(all.pruner, Pruner::halving);
}

TEST(Search, RefusesOptionsThatAreNone) {
    const std::pair<const char *, const char *> wrong[] = {
        {"[]", "search options must be a JSON object | For example: {\"trials\": 30}."},
        {"{", "search options must be a JSON object | For example: {\"trials\": 30}."},
        {R"({"trial": 3})", "unknown search option \"trial\" | There are: trials, timeout, members, pruner."},
        {R"({"trials": 0})", "search option \"trials\" must be a whole number from 1 to 10000 | "},
        {R"({"trials": 2.5})", "search option \"trials\" must be a whole number from 1 to 10000 | "},
        {R"({"trials": null})", "search option \"trials\" must be a whole number from 1 to 10000 | "},
        {R"({"timeout": -1})", "search option \"timeout\" must be a number of seconds, 0 for no limit | "},
        {R"({"members": []})",
         "search option \"members\" must be an array of some of: xgboost, random_forest, gradient_boosting, "
         "neural_network, each once | "},
        {R"({"members": ["xgboost", "svm"]})",
         "search option \"members\" must be an array of some of: xgboost, random_forest, "
         "gradient_boosting, neural_network, each once | "},
        {R"({"pruner": "mean"})", "search option \"pruner\" must be \"median\", \"halving\" or \"none\" | "},
    };
    for (const auto &[json, message] : wrong) {
        EXPECT_EQ(message_of([&] { parse_search(json); }), message) << json;
    }
}

TEST(Search, PointsStandForParameters) {
    Parameters base = preset("default");
    base.xgboost.eta = 0.5;               // outside of what is searched: the range reaches to it
    base.neural_network.layers = {5, 3};  // a choice of its own then
    base.xgboost.min_child_weight = 0;    // has no logarithm
    for (const MemberKind member : member_kinds) {
        const auto point = point_of(member, base);
        const auto space = search_space(member, base);
        ASSERT_EQ(point.size(), space.size());
        for (std::size_t i = 0; i < space.size() && space[i].choices == 0; ++i) {
            EXPECT_LE(space[i].low, point[i]);
            EXPECT_GE(space[i].high, point[i]);
        }
    }
    EXPECT_EQ(search_space(MemberKind::xgboost, base)[1].high, 0.5);
    EXPECT_EQ(with_point(MemberKind::xgboost, base, point_of(MemberKind::xgboost, base)).xgboost.min_child_weight, 0.5);
    base.xgboost.min_child_weight = 1;
    for (const MemberKind member : member_kinds) {
        EXPECT_EQ(to_json(with_point(member, base, point_of(member, base))), to_json(base));
    }
}

TEST(Search, TrialsReadBackToTheBit) {
    const Parameters base = preset("default");
    std::vector<MemberTrial> trials;
    for (const MemberKind member : member_kinds) {
        Study study(search_space(member, base), {});
        trials.push_back({member, {4, study.ask(), TrialState::pruned, 0.1 + 0.2, {{4, 1.0 / 3}, {12, 2.0 / 3}}}});
    }
    trials.push_back({MemberKind::xgboost, {5, point_of(MemberKind::xgboost, base), TrialState::failed, NAN, {}}});
    std::string array;
    for (const MemberTrial &trial : trials) {
        array += (array.empty() ? "[" : ", ") + to_json(trial, base);
    }
    auto back = trials_from_json(array + "]", base);
    ASSERT_EQ(back.size(), trials.size());
    EXPECT_TRUE(std::isnan(back.back().trial.value));
    trials.back().trial.value = back.back().trial.value = 0;
    expect_same(back, trials);
    EXPECT_EQ(back[0].trial.intermediate[1].value, 2.0 / 3);
    EXPECT_EQ(back[0].trial.intermediate[1].step, 12);
    EXPECT_TRUE(trials_from_json("[]", base).empty());
}

TEST(Search, SignatureNamesWhatDecidesATrial) {
    const Parameters base = preset("default");
    const SearchOptions options = options_of(30);
    const std::string signature = search_signature(options, base);
    Parameters same = base;
    same.weights = {1, 1, 1, 1};
    same.threads = 4;
    SearchOptions longer = options_of(60);
    longer.timeout = 10;
    longer.members = {MemberKind::random_forest};
    EXPECT_EQ(search_signature(longer, same), signature);
    EXPECT_NE(search_signature(options_of(30, Pruner::median), base), signature);
    Parameters other = base;
    other.seed = 43;
    EXPECT_NE(search_signature(options, other), signature);
    other = base;
    other.folds = 5;
    EXPECT_NE(search_signature(options, other), signature);
    other = base;
    other.xgboost.rounds = 601;
    EXPECT_NE(search_signature(options, other), signature);
}

TEST(Search, ValuesAreTheMeanLossOfTheFoldsAndTheFirstTrialIsTheBase) {
    const Matrix rows = make_rows(1200);
    const Parameters base = small_base();
    int told = 0;
    SearchHooks hooks = quiet();
    hooks.on_trial = [&](const MemberTrial &trial) { EXPECT_EQ(trial.trial.number, told++); };
    const SearchResult result = search(rows, base, options_of(12), {}, hooks);
    ASSERT_EQ(result.trials.size(), 12u);
    EXPECT_EQ(told, 12);
    EXPECT_EQ(result.trials[0].trial.point, point_of(MemberKind::xgboost, base));
    const auto best = std::min_element(result.trials.begin(), result.trials.end(),
                                       [](const auto &a, const auto &b) { return a.trial.value < b.trial.value; });
    EXPECT_LE(best->trial.value, result.trials[0].trial.value);
    EXPECT_EQ(to_json(result.best), to_json(with_point(MemberKind::xgboost, base, best->trial.point)));

    xgboost::start_threads(1);
    double sum = 0;
    const auto folds = make_folds(rows, base.folds, base.seed);
    for (const Fold &fold : folds) {
        const Matrix learned = subset(rows, fold.train), watched = subset(rows, fold.validate);
        const LearningRows learning(learned, 1);
        const Course course =
            learner(MemberKind::xgboost).watch(learning, watched, result.best, {[] {}, [](const Progress &) {}});
        sum += weighted_log_loss(course.margins(watched, course.best_round), watched.label, watched.weight);
        EXPECT_NEAR(weighted_log_loss(course.margins(watched, course.best_round), watched.label, watched.weight),
                    course.best_loss, 1e-6);
    }
    EXPECT_DOUBLE_EQ(best->trial.value, sum / static_cast<double>(folds.size()));
}

TEST(Search, GoesOnAfterAResumeAsIfItHadNeverStopped) {
    const Matrix rows = make_rows(800);
    const Parameters base = small_base();
    const SearchOptions options = options_of(16, Pruner::median);
    const SearchResult whole = search(rows, base, options, {}, quiet());
    for (const std::size_t stopped : {1u, 7u, 12u, 16u}) {
        std::string array;
        for (std::size_t i = stopped; i-- > 0;) {  // in any order, through their text
            array += (array.empty() ? "[" : ", ") + to_json(whole.trials[i], base);
        }
        std::size_t made = 0;
        SearchHooks hooks = quiet();
        hooks.on_trial = [&](const MemberTrial &) { ++made; };
        const SearchResult resumed = search(rows, base, options, trials_from_json(array + "]", base), hooks);
        EXPECT_EQ(made, 16 - stopped);
        expect_same(resumed.trials, whole.trials);
        EXPECT_EQ(to_json(resumed.best), to_json(whole.best));
    }
}

TEST(Search, PrunersGiveTrialsUpAndSaveRounds) {
    const Matrix rows = make_rows(1200);
    const Parameters base = small_base();
    const auto rounds_of = [&](Pruner pruner) {
        int rounds = 0, pruned = 0;
        SearchHooks hooks = quiet();
        hooks.checkpoint = [&] { ++rounds; };
        const SearchResult result = search(rows, base, options_of(20, pruner), {}, hooks);
        for (const MemberTrial &trial : result.trials) {
            pruned += trial.trial.state == TrialState::pruned ? 1 : 0;
            EXPECT_TRUE(std::isfinite(trial.trial.value));
            EXPECT_TRUE(std::is_sorted(trial.trial.intermediate.begin(), trial.trial.intermediate.end(),
                                       [](const Intermediate &a, const Intermediate &b) { return a.step < b.step; }));
        }
        EXPECT_EQ(result.trials[0].trial.state, TrialState::complete);
        return std::pair(rounds, pruned);
    };
    const auto [all, none] = rounds_of(Pruner::none);
    const auto [median, some] = rounds_of(Pruner::median);
    const auto [halving, most] = rounds_of(Pruner::halving);
    EXPECT_EQ(none, 0);
    EXPECT_GE(some, 3);
    EXPECT_GE(most, 8);
    EXPECT_LT(median, 0.85 * all);
    EXPECT_LT(halving, 0.6 * all);
}

TEST(Search, EveryMemberCanBeSearched) {
    const Matrix rows = make_rows(800);
    const Parameters base = small_base();
    SearchOptions options = options_of(3, Pruner::median);
    options.members = {member_kinds.begin(), member_kinds.end()};
    const SearchResult result = search(rows, base, options, {}, quiet());
    ASSERT_EQ(result.trials.size(), 12u);
    for (const MemberTrial &trial : result.trials) {
        EXPECT_GT(trial.trial.value, 0.3);
        EXPECT_LT(trial.trial.value, 0.8);
    }
    EXPECT_NE(result.trials[3].trial.value, result.trials[0].trial.value);
}

TEST(Search, StopsAtItsTimeoutAfterOneTrial) {
    SearchOptions options = options_of(30);
    options.timeout = 5;
    double now = 0;
    SearchHooks hooks = quiet();
    hooks.elapsed = [&] { return now += 2; };  // two more trials begin at 2 and 4 seconds
    EXPECT_EQ(search(make_rows(400), small_base(), options, {}, hooks).trials.size(), 3u);
    now = 100;
    EXPECT_EQ(search(make_rows(400), small_base(), options, {}, hooks).trials.size(), 1u);
}

TEST(Search, IsCancelledBeforeTheNextRound) {
    struct Cancelled {};
    int calls = 0, trials = 0;
    SearchHooks hooks = quiet();
    hooks.checkpoint = [&] {
        if (++calls == 30) {
            throw Cancelled();
        }
        EXPECT_LT(calls, 30) << "a round after the cancel";
    };
    hooks.on_trial = [&](const MemberTrial &) { ++trials; };
    EXPECT_THROW(search(make_rows(400), small_base(), options_of(30), {}, hooks), Cancelled);
    EXPECT_EQ(trials, 0);
}

TEST(Search, RefusesRowsWithoutFolds) {
    Matrix rows = make_rows(100);
    std::fill(rows.label.begin(), rows.label.end(), 0.0f);
    EXPECT_THROW(search(rows, small_base(), options_of(3), {}, quiet()), Error);
}

}  // namespace
