// The four-member ensemble that benches train: rows as the training core takes them, the older platform's hyper-parameters.
#pragma once

#include "core/training/ensemble.hpp"
#include "model.hpp"

namespace bench {

inline xsell::core::Matrix make_matrix(std::size_t rows, std::uint64_t seed) {
    xsell::core::Matrix matrix;
    matrix.features = features;
    matrix.values = make_rows(rows, seed);
    matrix.label = make_labels(matrix.values, seed + 1);
    matrix.weight.assign(rows, 1);
    return matrix;
}

inline xsell::core::Hooks no_hooks() {
    return {[] {}, [](const xsell::core::Progress &) {}};
}

// Weights are fixed as they were there, so nothing is trained twice to find them.
inline xsell::core::Parameters classic() { return xsell::core::parse_parameters(R"({"folds": 0})", "classic"); }

}  // namespace bench
