// The heap kernel for one row at a time without any vector instruction, shared by the portable and the AVX2 evaluators.
#pragma once

#include "core/scoring/heap.hpp"

namespace xsell::core {

// Writes one byte per slot.
void quantise_row(const Heaps &heaps, const float *x, std::int8_t *bytes);
// Writes the block by columns: bytes[slot][row]; rows that are not there become missing values.
void quantise_block(const Heaps &heaps, const float *x, std::size_t stride, std::size_t rows, std::int8_t (*bytes)[block_rows]);

float heap_row(const Heaps &heaps, const float *x);

}  // namespace xsell::core
