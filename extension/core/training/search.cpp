#include "core/training/search.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "core/error.hpp"
#include "core/training/calibration.hpp"
#include "core/training/folds.hpp"
#include "core/training/learner.hpp"
#include "core/training/target_encoding.hpp"
#include "core/training/xgboost.hpp"

namespace xsell::core {
namespace {

struct GivenUp {};

// The steps that trials are compared at. Within the first fold they count eta x rounds, in quarters, since a small learning rate
// after as many rounds has not come as far; or epochs. Then comes the end of each fold. Halving cuts at 4, 12, 36, 108, 324, ...
constexpr int first_step = 4, reduction = 3, first_fold_end = 108;

int step_of(MemberKind member, const Parameters &parameters, int round) {
    const double done = member == MemberKind::neural_network      ? round
                        : member == MemberKind::gradient_boosting ? 4 * parameters.gradient_boosting.eta * round
                                                                  : 4 * parameters.xgboost.eta * round;
    return static_cast<int>(std::min(done, first_fold_end - 1.0));
}

struct FoldRows {
    Matrix learned, watched;
    LearningRows rows;

    FoldRows(const Matrix &train, const Fold &fold, const Parameters &base)
        : learned(learned_rows(train, fold, base.seed)), watched(watched_rows(train, fold)), rows(learned, base.threads) {}
    FoldRows(const FoldRows &) = delete;
    FoldRows &operator=(const FoldRows &) = delete;

    // Trees learn from the bins alone; a search of them need not hold every fold's rows beside these.
    void keep_bins_only() {
        rows.binned();
        std::vector<float>().swap(learned.values);
    }
};

class MemberSearch {
  public:
    MemberSearch(MemberKind member, const Parameters &base, const SearchOptions &options, const SearchHooks &hooks)
        : member_(member),
          base_(base),
          hooks_(hooks),
          study_(search_space(member, base), study_options(member, base, options), {point_of(member, base)}) {}

    // Those with the numbers 0, 1, 2, ... as far as they go.
    void take_over(const std::vector<MemberTrial> &finished) {
        for (bool found = true; found;) {
            const auto next = static_cast<int>(study_.trials().size());
            const auto same = std::find_if(finished.begin(), finished.end(),
                                           [&](const MemberTrial &t) { return t.member == member_ && t.trial.number == next; });
            found = same != finished.end();
            if (found) {
                study_.tell(same->trial.point, same->trial.state, same->trial.value, same->trial.intermediate);
            }
        }
    }

    void run(const std::vector<std::unique_ptr<FoldRows>> &folds, const SearchOptions &options) {
        while (static_cast<int>(study_.trials().size()) < options.trials &&
               (study_.trials().empty() || options.timeout <= 0 || hooks_.elapsed() < options.timeout)) {
            make_trial(folds);
            hooks_.on_trial({member_, study_.trials().back()});
        }
    }

    const Study &study() const { return study_; }

  private:
    static StudyOptions study_options(MemberKind member, const Parameters &base, const SearchOptions &options) {
        StudyOptions o;
        o.seed = base.seed + static_cast<std::uint64_t>(member);
        o.pruner = options.pruner;
        o.warmup = first_step;
        o.first_rung = first_step;
        o.reduction = reduction;
        return o;
    }

    void make_trial(const std::vector<std::unique_ptr<FoldRows>> &folds) {
        std::vector<double> point = study_.ask();
        const Parameters parameters = with_point(member_, base_, point);
        std::vector<Intermediate> reported;
        double sum = 0;
        int step = first_fold_end;
        try {
            for (std::size_t i = 0; i < folds.size(); ++i, step *= reduction) {
                sum += fold_loss(*folds[i], parameters, i == 0 ? &reported : nullptr);
                if (i + 1 < folds.size()) {
                    report(reported, {step, sum / static_cast<double>(i + 1)});
                }
            }
            study_.tell(std::move(point), TrialState::complete, sum / static_cast<double>(folds.size()), std::move(reported));
        } catch (const GivenUp &) {
            const double last = reported.back().value;
            study_.tell(std::move(point), TrialState::pruned, last, std::move(reported));
        }
    }

    void report(std::vector<Intermediate> &reported, Intermediate next) const {
        reported.push_back(next);
        if (study_.prune(reported)) {
            throw GivenUp();
        }
    }

    double fold_loss(const FoldRows &fold, const Parameters &parameters, std::vector<Intermediate> *reported) const {
        double best = std::numeric_limits<double>::infinity();
        const Hooks hooks{hooks_.checkpoint, [&](const Progress &progress) {
                              best = std::min(best, std::isnan(progress.loss) ? best : progress.loss);
                              const int step = step_of(member_, parameters, progress.round);
                              const int before = reported == nullptr || reported->empty() ? 0 : reported->back().step;
                              if (reported != nullptr && step > before && std::isfinite(best)) {
                                  report(*reported, {step, best});
                              }
                          }};
        const Course course = learner(member_).watch(fold.rows, fold.watched, parameters, hooks);
        return weighted_log_loss(course.margins(fold.watched, course.best_round), fold.watched.label, fold.watched.weight);
    }

    MemberKind member_;
    const Parameters &base_;
    const SearchHooks &hooks_;
    Study study_;
};

}  // namespace

SearchResult search(const Matrix &train, const Parameters &base, const SearchOptions &options,
                    const std::vector<MemberTrial> &finished, const SearchHooks &hooks) {
    xgboost::start_threads(base.threads);
    hooks.checkpoint();
    const bool network = std::count(options.members.begin(), options.members.end(), MemberKind::neural_network) > 0;
    std::vector<std::unique_ptr<FoldRows>> folds;
    for (const Fold &fold : make_folds(train, search_folds(base), base.seed)) {
        folds.push_back(std::make_unique<FoldRows>(train, fold, base));
        if (!network) {
            folds.back()->keep_bins_only();
        }
        hooks.checkpoint();
    }
    SearchResult result{base, {}};
    for (const MemberKind member : options.members) {
        MemberSearch one(member, base, options, hooks);
        one.take_over(finished);
        one.run(folds, options);
        for (const Trial &trial : one.study().trials()) {
            result.trials.push_back({member, trial});
        }
        if (const Trial *best = one.study().best()) {
            result.best = with_point(member, result.best, best->point);
        }
    }
    return result;
}

std::size_t search_memory(std::size_t rows, std::size_t features, int folds) {
    const auto copies = static_cast<std::size_t>(std::max(folds, 2));
    return rows * features * (sizeof(float) + 2 * copies);
}

}  // namespace xsell::core
