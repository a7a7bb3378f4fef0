// Writes what was learned as a new version.
#pragma once
#include "core/training/ensemble.hpp"
#include "core/training/inspection.hpp"
#include "training/reader.hpp"
#include "training/run.hpp"

namespace xsell::pg {

// What a training must know before it reads its rows.
struct Setup {
    std::string plan;  // jsonb of xsell_internal.training_plan
    std::int64_t expected_rows = 0;
    std::int32_t feature_set_version = 0;
    std::vector<std::string> features;
    std::vector<std::string> categories;  // those of the features that are codes
    std::size_t memory = 0;
    int threads = 1;
};

struct Learned {
    core::EnsembleFit fit;
    std::vector<std::byte> flat;  // what scoring loads
};
Learned learn(const TrainingRows &rows, const core::Parameters &parameters, const core::Hooks &hooks);

// What the bytes depend on beside the rows: XGBoost, the C library, and whether its mathematics fuses multiplications.
std::string library();

struct Publication {
    const std::string &model;
    const core::Parameters &parameters;
    const Setup &setup;
    const TrainingRows &rows;
    const Learned &learned;
    const std::vector<core::Suspect> &suspects;
};

// In the current transaction; measures the version and closes the run. Returns its number.
int publish(const Run &run, const Publication &publication);

}  // namespace xsell::pg
