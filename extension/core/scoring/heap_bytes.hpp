// The byte-sliced kernel, written once for every vector width: a vector holds one byte for each of its rows. All 63 tests
// of a tree are evaluated and the leaf's number is muxed from them. Include it after defining XSELL_TARGET (a function
// attribute) and XSELL_WIDTH (rows a vector); everything is local to the including file.
#include "core/scoring/heap_scalar.hpp"

namespace xsell::core {

namespace {

using Bytes = std::int8_t __attribute__((vector_size(XSELL_WIDTH)));

#define XSELL_INLINE XSELL_TARGET inline __attribute__((always_inline))

// Tests of as many rows as a vector holds in one tree.
struct BlockTests {
    const std::int8_t (*bytes)[block_rows];
    const HeapTree *tree;
    std::size_t first_row;
    XSELL_INLINE Bytes taken(int node) const {
        return *reinterpret_cast<const Bytes *>(&bytes[tree->slot[node]][first_row]) > tree->threshold[node];
    }
};

// Which way is taken on level Depth, chosen among the tests under `node` by the levels from Level on.
template <int Depth, int Level, typename Tests>
XSELL_INLINE Bytes way(const Tests &tests, const Bytes *taken, int node) {
    if constexpr (Level == Depth) {
        return tests.taken(node);
    } else {
        const Bytes left = way<Depth, Level + 1>(tests, taken, 2 * node);
        const Bytes right = way<Depth, Level + 1>(tests, taken, 2 * node + 1);
        return taken[Level] ? right : left;
    }
}

template <typename Tests>
XSELL_INLINE Bytes leaf_numbers(const Tests &tests) {
    Bytes taken[heap_depth];
    taken[0] = way<0, 0>(tests, taken, 1);
    taken[1] = way<1, 0>(tests, taken, 1);
    taken[2] = way<2, 0>(tests, taken, 1);
    taken[3] = way<3, 0>(tests, taken, 1);
    taken[4] = way<4, 0>(tests, taken, 1);
    taken[5] = way<5, 0>(tests, taken, 1);
    return (taken[0] & 32) | (taken[1] & 16) | (taken[2] & 8) | (taken[3] & 4) | (taken[4] & 2) | (taken[5] & 1);
}

XSELL_TARGET inline void heap_block(const Heaps &heaps, const float *x, std::size_t stride, std::size_t rows, float *out) {
    alignas(64) std::int8_t bytes[max_slots + 1][block_rows];
    quantise_block(heaps, x, stride, rows, bytes);
    alignas(64) float lane[lanes][block_rows] = {};
    for (std::size_t i = 0; i < lanes; ++i) {
        for (std::size_t t = i; t < heaps.count; t += lanes) {
            const HeapTree &tree = heaps.trees[t];
            for (std::size_t first = 0; first < rows; first += XSELL_WIDTH) {
                alignas(64) std::int8_t number[XSELL_WIDTH];
                *reinterpret_cast<Bytes *>(number) = leaf_numbers(BlockTests{bytes, &tree, first});
                for (std::size_t r = 0; r < XSELL_WIDTH; ++r) lane[i][first + r] += tree.leaf[number[r]];
            }
        }
    }
    fold_block(lane, heaps.base_margin, rows, out);
}

}  // namespace

}  // namespace xsell::core
