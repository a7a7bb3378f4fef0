// Reads a model's training rows through a cursor, in the order of their key.
#pragma once
#include "border/border.hpp"
#include "core/training/matrix.hpp"

namespace xsell::pg {

struct TrainingQuery {
    const std::string &model;
    Interval look_ahead;
    int snapshots;
    std::int64_t max_rows;
};

struct TrainingRows {
    core::Matrix train;
    core::Matrix calibrate;
    std::vector<TimestampTz> snapshots;  // ascending

    std::int64_t count() const { return static_cast<std::int64_t>(train.rows() + calibrate.rows()); }
};

// Refuses infinite values by name and row, and stops when the rows would take more memory than is allowed.
TrainingRows read_training_rows(const TrainingQuery &query, const std::vector<std::string> &features, std::size_t memory);

[[noreturn]] void refuse_memory(std::size_t needed, std::size_t allowed);

}  // namespace xsell::pg
