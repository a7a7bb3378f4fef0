// Splits of the training rows that tell honestly how a model will do on customers and times it has not seen.
#pragma once
#include <cstdint>
#include <vector>

#include "core/training/matrix.hpp"

namespace xsell::core {

struct Fold {
    std::vector<std::uint32_t> train;  // row numbers, ascending
    std::vector<std::uint32_t> validate;
};

// Every entity belongs to one fold. A fold is validated on its entities' rows of the later times, those from the median positive
// on; it is trained on the other entities' rows that are no later than the first of these. Entities with positives are dealt out
// evenly; both classes stand on both sides of every fold, so that there may be fewer of them than asked for. Throws
// Error{no_data} where there is none.
std::vector<Fold> make_folds(const Matrix &matrix, int count, std::uint64_t seed);

}  // namespace xsell::core
