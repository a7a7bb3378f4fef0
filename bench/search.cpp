// The search for hyper-parameters against Optuna's TPE in Python: equal trials, the same space, folds, first point and library,
// five seeds. search [search_coil2000] [search_retail]: one JSON object for each public set, run in the project's root; a set
// that is not there is skipped, and says so. ratio: the peer's best log-loss / ours, averaged over the seeds.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "core/training/folds.hpp"
#include "core/training/search.hpp"
#include "host.hpp"
#include "peer.hpp"
#include "search_data.hpp"

namespace {

using namespace xsell::core;
using nlohmann::json;

constexpr int trials = 30, seeds = 5;

const std::pair<const char *, const char *> xgboost_names[] = {{"colsample", "colsample_bytree"}};

json describe_space(const Parameters &base) {
    json space = json::array();
    for (const Dimension &d : search_space(MemberKind::xgboost, base)) {
        std::string name = d.name;
        for (const auto &[ours, theirs] : xgboost_names) {
            name = d.name == ours ? theirs : name;
        }
        json one{{"name", d.name}, {"xgboost_name", name}, {"whole", d.whole}, {"log", d.logarithmic}};
        one["low"] = d.whole ? json(static_cast<int>(d.low)) : json(d.low);
        one["high"] = d.whole ? json(static_cast<int>(d.high)) : json(d.high);
        space.push_back(std::move(one));
    }
    return space;
}

struct Outcome {
    double first, best;
};

Outcome run_peer(const bench::Scratch &scratch, const Matrix &matrix, const Parameters &base) {
    json task{{"values", scratch.write("values", matrix.values)},
              {"label", scratch.write("label", matrix.label)},
              {"space", describe_space(base)},
              {"first", json::object()},
              {"rounds", base.xgboost.rounds},
              {"early_stopping", base.xgboost.early_stopping},
              {"xgboost_seed", base.seed + static_cast<std::uint64_t>(MemberKind::xgboost)},
              {"seed", base.seed},
              {"trials", trials}};
    const std::vector<double> first = point_of(MemberKind::xgboost, base);
    for (std::size_t i = 0; i < first.size(); ++i) {
        const json &dimension = task["space"][i];
        task["first"][dimension["name"].get<std::string>()] =
            dimension["whole"].get<bool>() ? json(static_cast<int>(first[i])) : json(first[i]);
    }
    for (const Fold &fold : make_folds(matrix, search_folds(base), base.seed)) {
        task["folds"].push_back({{"train", fold.train}, {"validate", fold.validate}});
    }
    const std::string command = "/usr/bin/python3 bench/peers/optuna_search.py " + scratch.write("task.json", task.dump());
    FILE *answer = popen(command.c_str(), "r");
    Outcome outcome{};
    const bool read = answer != nullptr && std::fscanf(answer, "%lf %lf", &outcome.first, &outcome.best) == 2;
    if (answer == nullptr || pclose(answer) != 0 || !read) {
        throw std::runtime_error("optuna_search.py failed");
    }
    return outcome;
}

Outcome run_ours(const Matrix &matrix, const Parameters &base) {
    SearchOptions options;
    options.trials = trials;
    options.pruner = Pruner::none;
    const SearchResult result = search(matrix, base, options, {}, {[] {}, [] { return 0.0; }, [](const MemberTrial &) {}});
    Outcome outcome{result.trials.front().trial.value, result.trials.front().trial.value};
    for (const MemberTrial &trial : result.trials) {
        outcome.best = std::min(outcome.best, trial.trial.value);
    }
    return outcome;
}

void compare(const std::string &name, const Matrix &matrix) {
    const bench::Scratch scratch;
    double ours_sum = 0, peer_sum = 0, ratio = 0;
    for (int seed = 1; seed <= seeds; ++seed) {
        Parameters base = preset("default");
        base.seed = static_cast<std::uint64_t>(seed);
        const Outcome ours = run_ours(matrix, base), peer = run_peer(scratch, matrix, base);
        // The first trial is the same point on the same folds: the two sides must agree on what it is worth.
        if (std::fabs(ours.first - peer.first) > 1e-5 * peer.first) {
            throw std::runtime_error("the first trial is worth " + std::to_string(ours.first) + " here and " +
                                     std::to_string(peer.first) + " there: the two sides do not measure the same");
        }
        std::fprintf(stderr, "%s, seed %d: defaults %.6f, ours %.6f, Optuna %.6f\n", name.c_str(), seed, ours.first, ours.best,
                     peer.best);
        ours_sum += ours.best / seeds;
        peer_sum += peer.best / seeds;
        ratio += peer.best / ours.best / seeds;
    }
    bench::print_row({name, ours_sum, peer_sum, "Optuna TPE, " + std::to_string(trials) + " trials", "log-loss", ratio, seeds});
}

}  // namespace

int main(int argc, char **argv) {
    try {
        const std::pair<std::string_view, std::optional<Matrix> (*)()> sets[] = {{"search_coil2000", bench::read_coil2000},
                                                                                 {"search_retail", bench::read_retail}};
        const std::vector<std::string_view> wanted(argv + 1, argv + argc);
        for (const auto &[name, read] : sets) {
            if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), name) == wanted.end()) {
                continue;
            }
            if (const std::optional<Matrix> matrix = read()) {
                compare(std::string(name), *matrix);
            } else {
                std::fprintf(stderr, "%s: SKIPPED, its data are not in ../shared/data\n", name.data());
            }
        }
        return 0;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "bench_search: %s\n", error.what());
        return 1;
    }
}
