// Which hyper-parameters suit the data: a study for each member that is searched, on folds as they weigh the ensemble too.
#pragma once
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/training/hooks.hpp"
#include "core/training/matrix.hpp"
#include "core/training/parameters.hpp"
#include "core/training/study.hpp"

namespace xsell::core {

struct SearchOptions {
    int trials = 30;     // for each member, those of an earlier search included
    double timeout = 0;  // seconds after which no trial begins; 0: none. One trial of each member is always made
    std::vector<MemberKind> members = {MemberKind::xgboost};
    Pruner pruner = Pruner::median;
};

// '{"trials": 30, "timeout": 600, "members": ["xgboost"], "pruner": "median"}', all optional. An unknown name or a value out of
// range is an error that says what is allowed.
SearchOptions parse_search(const std::string &json);

// What is searched for a member, around the parameters that it starts from: ranges reach to them where they lie outside.
std::vector<Dimension> search_space(MemberKind member, const Parameters &base);
std::vector<double> point_of(MemberKind member, const Parameters &parameters);  // as this space has it
Parameters with_point(MemberKind member, const Parameters &base, std::span<const double> point);

int search_folds(const Parameters &base);  // as many as the ensemble has, 3 where it has none

// Everything that decides a search except its data, how long it goes on and which members it visits: trials of searches of equal
// signature on equal data continue each other.
std::string search_signature(const SearchOptions &options, const Parameters &base);

struct MemberTrial {
    MemberKind member;
    Trial trial;
};

// {"member": "xgboost", "number": 3, "parameters": {"eta": 0.1, ...}, "state": "complete", "value": 0.2, "step": [...],
// "intermediate": [...]}; what is written reads back to the bit.
std::string to_json(const MemberTrial &trial, const Parameters &base);
std::vector<MemberTrial> trials_from_json(const std::string &array, const Parameters &base);

struct SearchHooks {
    std::function<void()> checkpoint;                   // before every round of boosting and every epoch; may throw to stop
    std::function<double()> elapsed;                    // seconds since the search began
    std::function<void(const MemberTrial &)> on_trial;  // after every trial that was made; not for those taken over
};

struct SearchResult {
    Parameters best;                  // the base with what was found; as it was for a member of which no trial is complete
    std::vector<MemberTrial> trials;  // all, those taken over first
};

// The value of a trial is the mean over the folds of the weighted log-loss on rows not learned from. The first trial is that of
// the base parameters, so that what is found is never worse than them. `finished` are the trials of an earlier search of the same
// signature and data, in any order; the search goes on after them as if it had never stopped.
SearchResult search(const Matrix &train, const Parameters &base, const SearchOptions &options,
                    const std::vector<MemberTrial> &finished, const SearchHooks &hooks);

// Bytes beyond the matrix that a search holds: the rows of every fold, and their bins.
std::size_t search_memory(std::size_t rows, std::size_t features, int folds);

}  // namespace xsell::core
