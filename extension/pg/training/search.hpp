// The search for hyper-parameters within a training: every trial is committed as it ends, and taken over by the next search.
#pragma once
#include "core/training/search.hpp"
#include "training/run.hpp"

namespace xsell::pg {

struct SearchTask {
    std::string model;
    core::SearchOptions options;
    std::string data_sha256;  // of the rows, in hex
    std::int64_t rows = 0;
};

// What to train with: `base` with what the search has found. Commits.
core::Parameters run_search(Run &run, const SearchTask &task, const core::Matrix &train, const core::Parameters &base);

}  // namespace xsell::pg
