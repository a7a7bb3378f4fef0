// What may be set about a training run, with its defaults and limits.
#pragma once
#include <cstdint>
#include <string>

namespace xsell::core {

struct Parameters {
    int rounds = 600;
    int early_stopping = 40;  // rounds without a better loss on the calibration slice
    int max_depth = 4;
    double eta = 0.05;
    double subsample = 0.8;
    double colsample = 0.8;
    double min_child_weight = 10;
    double lambda = 2;
    double alpha = 0;
    double gamma = 0;
    int snapshots = 4;       // past times that training rows are taken at
    int max_rows = 1000000;  // above about so many, negatives are sampled
    std::uint64_t seed = 42;
    int threads = 1;
};

// Reads the members of a JSON object over the defaults; an unknown name or a value out of range is an error that says what is
// allowed.
Parameters parse_parameters(const std::string &json);
std::string to_json(const Parameters &parameters);

}  // namespace xsell::core
