// Training against its peers, in CPU time and with one thread on both sides: one JSON object a line. Run it in the project's
// root.
//   train           our xgboost member, calibrated and flattened for scoring, against the same rounds by XGBoost's plain C API
//   train_ensemble  the four members with the older platform's hyper-parameters against XGBoost and scikit-learn
#include <cstdlib>
#include <cstring>
#include <exception>

#include "core/training/ensemble.hpp"
#include "ensemble.hpp"
#include "host.hpp"
#include "kernels.hpp"
#include "peer.hpp"

namespace {

using namespace xsell::core;

double cpu_of(const std::function<void()> &work) {
    const double from = bench::cpu_seconds();
    work();
    return bench::cpu_seconds() - from;
}

void compare(const char *name, const char *peer_name, std::size_t rows, int rounds, const std::function<double()> &ours_once,
             const std::function<double()> &peer_once) {
    std::vector<double> ours, peer, ratios;
    for (int round = 0; round < rounds; ++round) {
        ours.push_back(static_cast<double>(rows) / ours_once());
        peer.push_back(static_cast<double>(rows) / peer_once());
        ratios.push_back(ours.back() / peer.back());
    }
    bench::print_row(
        {name, bench::middle(ours), bench::middle(peer), peer_name, "training rows/s per core", bench::middle(ratios), rounds});
    std::fflush(stdout);
}

void train() {
    constexpr std::size_t rows = 100000;
    constexpr int rounds = 200;
    const Matrix learn = bench::make_matrix(rows, 1), calibrate = bench::make_matrix(rows / 5, 3);
    const Parameters parameters = parse_parameters(
        R"({"members": ["xgboost"], "weights": {"xgboost": 1}, "folds": 0, "rounds": 200, "max_depth": 6, "eta": 0.1,
            "subsample": 1, "colsample": 1, "min_child_weight": 1, "lambda": 1})");
    compare(
        "train", "XGBoost C API", rows, 5,
        [&] { return cpu_of([&] { fit_ensemble(learn, calibrate, parameters, bench::no_hooks()); }); },
        [&] { return cpu_of([&] { bench::Booster(learn.values, learn.label, rounds, "6", 1); }); });
}

void train_ensemble() {
    constexpr std::size_t rows = 20000;
    const Matrix learn = bench::make_matrix(rows, 1), calibrate = bench::make_matrix(rows / 5, 3);
    const Parameters parameters = bench::classic();
    const bench::Scratch scratch;
    bench::Peer peer({"/usr/bin/python3", "-B", "bench/peers/ensemble.py", "train", scratch.write("x.f32", learn.values),
                      scratch.write("y.f32", learn.label), std::to_string(parameters.neural_network.epochs)});
    compare(
        "train_ensemble", "XGBoost and scikit-learn", rows, 3,
        [&] { return cpu_of([&] { fit_ensemble(learn, calibrate, parameters, bench::no_hooks()); }); },
        [&] { return peer.run(); });
}

}  // namespace

int main(int argc, char **argv) {
    try {
        for (int i = 1; i < argc; ++i) {
            if (std::strcmp(argv[i], "train") == 0) {
                train();
            } else if (std::strcmp(argv[i], "train_ensemble") == 0) {
                train_ensemble();
            } else {
                std::fprintf(stderr, "usage: bench_train [train] [train_ensemble]\n");
                return 2;
            }
        }
        return 0;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "bench_train: %s\n", error.what());
        return 1;
    }
}
