// Reads a model's training rows through a cursor, in the order of their key.
#pragma once
#include "border/border.hpp"
#include "core/training/matrix.hpp"

namespace xsell::pg {

struct TrainingRows {
    core::Matrix train;
    core::Matrix calibrate;
    std::vector<TimestampTz> snapshots;  // ascending
    std::string sha256;                  // of everything that was read, in hex

    std::int64_t count() const { return static_cast<std::int64_t>(train.rows() + calibrate.rows()); }
    std::int64_t positives() const { return static_cast<std::int64_t>(train.positives() + calibrate.positives()); }
};

// The rows of a plan (jsonb of xsell_internal.training_plan). Refuses infinite values by name and row, and stops when the rows
// would take more memory than is allowed.
TrainingRows read_training_rows(const std::string &model, const std::string &plan, const std::vector<std::string> &features,
                                std::size_t memory);

[[noreturn]] void refuse_memory(std::size_t needed, std::size_t allowed);

}  // namespace xsell::pg
