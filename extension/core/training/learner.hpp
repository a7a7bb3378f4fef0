// How a member learns: once with an eye on rows that it does not learn from, once for good.
#pragma once
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/scoring/member.hpp"
#include "core/training/hooks.hpp"
#include "core/training/matrix.hpp"
#include "core/training/parameters.hpp"
#include "core/training/xgboost.hpp"

namespace xsell::core {

// Beside its cuts XGBoost may split below the smallest value, and its last cut lies above the largest: 254 bins make at most
// 255 different thresholds a feature, which is what a rank in one byte can tell apart.
constexpr int max_bin = 254;

// Rows to learn from, binned once for all members that grow trees.
class LearningRows {
  public:
    LearningRows(const Matrix &matrix, int threads) : matrix_(matrix), threads_(threads) {}
    const Matrix &matrix() const { return matrix_; }
    const xgboost::DMatrix &binned() const;

  private:
    const Matrix &matrix_;
    int threads_;
    mutable std::optional<xgboost::DMatrix> binned_;
};

// A course of training that was watched: where it was best, and what it had learned after any number of its rounds.
struct Course {
    int best_round = 0;
    double best_loss = 0;
    std::variant<Ensemble, std::vector<Network>> learned;  // trees, or a network after each epoch

    std::vector<float> margins(const Matrix &rows, int rounds) const;
};

struct Learned {
    std::variant<Ensemble, Network> model;
    std::string artefact;
    std::vector<double> gain;  // by feature; empty for a network
};

struct Learner {
    MemberKind kind;
    int (*most_rounds)(const Parameters &);
    Course (*watch)(const LearningRows &, const Matrix &watched, const Parameters &, const Hooks &);
    Learned (*learn)(const LearningRows &, int rounds, const Parameters &, const Hooks &);
};

const Learner &learner(MemberKind kind);

// Bytes that a network takes beside the rows: while folds are learned, a copy of it is kept for every epoch. 0: none is asked
// for.
std::size_t network_memory(std::size_t features, const Parameters &parameters);

std::vector<float> margins(const std::variant<Ensemble, Network> &model, const Matrix &rows);
std::vector<float> margins(const Ensemble &forest, const Matrix &rows, std::size_t trees);
std::vector<float> margins(const Network &network, const Matrix &rows);

// Each kind's functions.
Course watch_boosting(const LearningRows &rows, const Matrix &watched, MemberKind kind, const Parameters &parameters,
                      const Hooks &hooks);
Learned learn_boosting(const LearningRows &rows, int rounds, MemberKind kind, const Parameters &parameters, const Hooks &hooks);
Course watch_forest(const LearningRows &rows, const Matrix &watched, const Parameters &parameters, const Hooks &hooks);
Learned learn_forest(const LearningRows &rows, int trees, const Parameters &parameters, const Hooks &hooks);
Course watch_network(const LearningRows &rows, const Matrix &watched, const Parameters &parameters, const Hooks &hooks);
Learned learn_network(const LearningRows &rows, int epochs, const Parameters &parameters, const Hooks &hooks);

}  // namespace xsell::core
