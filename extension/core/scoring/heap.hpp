// Forests of depth 6 and less, quantised: a float becomes its rank among the feature's thresholds, one byte, exactly, and a
// tree becomes a perfect heap of 63 byte comparisons with 64 leaves. All heap kernels share this form.
#pragma once

#include <cstdint>
#include <vector>

#include "core/scoring/evaluator.hpp"
#include "core/scoring/slots.hpp"

namespace xsell::core {

constexpr int heap_depth = 6;
constexpr std::size_t heap_size = 64;   // of inner nodes, the first unused; and of leaves
constexpr std::size_t max_slots = 128;  // copies of features; one more place takes the copies that nobody reads
constexpr std::size_t max_cuts = 255;

// Bytes are signed because SSE and AVX2 compare only those: rank - 128. A missing value is the lowest or the highest
// byte, and a node that always goes left has the highest threshold, which no byte exceeds.
constexpr int byte_lowest = -128;
constexpr int byte_highest = 127;

// NaN fills the rest: nothing is greater or equal, not even infinity.
struct alignas(64) CutTable {
    float cut[256];
    float pivot[16];  // every sixteenth cut
};

struct alignas(64) HeapTree {
    std::uint8_t slot[heap_size];
    std::int8_t threshold[heap_size];  // right when byte > threshold
    float leaf[heap_size];
};

struct Heaps {
    explicit Heaps(const Trees &forest);

    Slots slots;
    std::vector<CutTable> tables;  // like slots.used
    std::vector<HeapTree> trees;   // filled up to a multiple of 64 with trees of leaf 0
    std::size_t count;             // without the fill
    float base_margin;

    std::size_t bytes() const;
};

// Folds the lanes of all rows of a block and adds the base margin.
void fold_block(float (*lane)[block_rows], float base_margin, std::size_t rows, float *out);

}  // namespace xsell::core
