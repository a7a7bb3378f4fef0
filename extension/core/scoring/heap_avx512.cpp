// The heap kernel for AVX-512 with VBMI: one row against 64 trees at a time, or 64 rows against one tree, a bit for each.
#include "core/scoring/heap.hpp"

#if defined(__x86_64__)

// GCC 12 takes the deliberately undefined operands inside its own intrinsics for a mistake of ours.
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#define XSELL_TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,popcnt,bmi,bmi2")))
#define XSELL_INLINE XSELL_TARGET inline __attribute__((always_inline))

namespace xsell::core {

namespace {

// The same node of 64 trees side by side.
struct alignas(64) TreeGroup {
    std::uint8_t slot[heap_size][64];
    std::int8_t threshold[heap_size][64];
};

// How many cuts are at or below v; 0 for NaN.
XSELL_INLINE int rank_of(const CutTable &table, float value) {
    const __m512 v = _mm512_set1_ps(value);
    const int coarse = 16 * __builtin_popcount(_mm512_cmp_ps_mask(v, _mm512_load_ps(table.pivot), _CMP_GE_OQ));
    return coarse + __builtin_popcount(_mm512_cmp_ps_mask(v, _mm512_load_ps(table.cut + coarse), _CMP_GE_OQ));
}

XSELL_TARGET void quantise_row(const Heaps &heaps, const float *x, std::int8_t *bytes) {
    const CutTable *table = heaps.tables.data();
    for (const Slot &slot : heaps.slots.used) {
        const float v = x[slot.feature];
        const int byte = rank_of(*table++, v) + byte_lowest;
        bytes[slot.left] = static_cast<std::int8_t>(byte);
        bytes[slot.right] = static_cast<std::int8_t>(v != v ? byte_highest : byte);
    }
}

XSELL_TARGET void quantise_block(const Heaps &heaps, const float *x, std::size_t stride, std::size_t rows,
                                 std::int8_t (*bytes)[block_rows]) {
    const CutTable *table = heaps.tables.data();
    for (const Slot &slot : heaps.slots.used) {
        std::int8_t *left = bytes[slot.left];
        std::int8_t *right = bytes[slot.right];
        for (std::size_t r = 0; r < rows; ++r) {
            const float v = x[r * stride + slot.feature];
            const int byte = rank_of(*table, v) + byte_lowest;
            left[r] = static_cast<std::int8_t>(byte);
            right[r] = static_cast<std::int8_t>(v != v ? byte_highest : byte);
        }
        for (std::size_t r = rows; r < block_rows; ++r) left[r] = right[r] = 0;
        ++table;
    }
}

// The bits of which way is taken on level Depth, chosen among the tests under `node` by the levels from Level on.
template <int Depth, int Level, typename Tests>
XSELL_INLINE std::uint64_t way(const Tests &tests, const std::uint64_t *taken, int node) {
    if constexpr (Level == Depth) {
        return tests.bits(node);
    } else {
        const std::uint64_t left = way<Depth, Level + 1>(tests, taken, 2 * node);
        const std::uint64_t right = way<Depth, Level + 1>(tests, taken, 2 * node + 1);
        return left ^ ((left ^ right) & taken[Level]);
    }
}

// Sixty-four leaf numbers.
template <typename Tests>
XSELL_INLINE __m512i leaf_numbers(const Tests &tests) {
    std::uint64_t taken[heap_depth];
    taken[0] = way<0, 0>(tests, taken, 1);
    taken[1] = way<1, 0>(tests, taken, 1);
    taken[2] = way<2, 0>(tests, taken, 1);
    taken[3] = way<3, 0>(tests, taken, 1);
    taken[4] = way<4, 0>(tests, taken, 1);
    taken[5] = way<5, 0>(tests, taken, 1);
    __m512i number = _mm512_maskz_set1_epi8(taken[0], 32);
    number = _mm512_or_si512(number, _mm512_maskz_set1_epi8(taken[1], 16));
    number = _mm512_or_si512(number, _mm512_maskz_set1_epi8(taken[2], 8));
    number = _mm512_or_si512(number, _mm512_maskz_set1_epi8(taken[3], 4));
    number = _mm512_or_si512(number, _mm512_maskz_set1_epi8(taken[4], 2));
    return _mm512_or_si512(number, _mm512_maskz_set1_epi8(taken[5], 1));
}

template <int Quarter>
XSELL_INLINE __m512i quarter(__m512i bytes) {
    return _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(bytes, Quarter));
}

// Tests of one row in 64 trees; the row's bytes fill one register, or two when there are more than 64 slots.
template <bool Wide>
struct RowTests {
    __m512i low, high;
    const TreeGroup *group;
    XSELL_INLINE std::uint64_t bits(int node) const {
        const __m512i slot = _mm512_load_si512(group->slot[node]);
        const __m512i value = Wide ? _mm512_permutex2var_epi8(low, slot, high) : _mm512_permutexvar_epi8(slot, low);
        return _mm512_cmpgt_epi8_mask(value, _mm512_load_si512(group->threshold[node]));
    }
};

// Tests of 64 rows in one tree.
struct BlockTests {
    const std::int8_t (*bytes)[block_rows];
    const HeapTree *tree;
    XSELL_INLINE std::uint64_t bits(int node) const {
        return _mm512_cmpgt_epi8_mask(_mm512_load_si512(bytes[tree->slot[node]]), _mm512_set1_epi8(tree->threshold[node]));
    }
};

template <bool Wide>
XSELL_TARGET float score_row(const Heaps &heaps, const std::vector<TreeGroup> &groups, const float *x) {
    alignas(64) std::int8_t bytes[max_slots + 64] = {};
    quantise_row(heaps, x, bytes);
    const __m512i low = _mm512_load_si512(bytes);
    const __m512i high = _mm512_load_si512(bytes + 64);
    constexpr std::size_t tree_floats = sizeof(HeapTree) / sizeof(float);
    const __m512i tree = _mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                                            _mm512_set1_epi32(static_cast<int>(tree_floats)));
    __m512 lane = _mm512_setzero_ps();
    for (std::size_t g = 0; g < groups.size(); ++g) {
        const __m512i number = leaf_numbers(RowTests<Wide>{low, high, &groups[g]});
        const float *leaf = heaps.trees[64 * g].leaf;
        lane = _mm512_add_ps(lane, _mm512_i32gather_ps(_mm512_add_epi32(quarter<0>(number), tree), leaf, 4));
        lane = _mm512_add_ps(lane, _mm512_i32gather_ps(_mm512_add_epi32(quarter<1>(number), tree), leaf + 16 * tree_floats, 4));
        lane = _mm512_add_ps(lane, _mm512_i32gather_ps(_mm512_add_epi32(quarter<2>(number), tree), leaf + 32 * tree_floats, 4));
        lane = _mm512_add_ps(lane, _mm512_i32gather_ps(_mm512_add_epi32(quarter<3>(number), tree), leaf + 48 * tree_floats, 4));
    }
    alignas(64) float sums[lanes];
    _mm512_store_ps(sums, lane);
    return fold(sums) + heaps.base_margin;
}

// The 64 leaves of a tree in registers, looked up for 16 rows.
XSELL_INLINE __m512 leaves_of(const HeapTree &tree, __m512i number) {
    const __m512 low = _mm512_permutex2var_ps(_mm512_load_ps(tree.leaf), number, _mm512_load_ps(tree.leaf + 16));
    const __m512 high = _mm512_permutex2var_ps(_mm512_load_ps(tree.leaf + 32), number, _mm512_load_ps(tree.leaf + 48));
    return _mm512_mask_mov_ps(low, _mm512_test_epi32_mask(number, _mm512_set1_epi32(32)), high);
}

XSELL_TARGET void score_block(const Heaps &heaps, const float *x, std::size_t stride, std::size_t rows, float *out) {
    alignas(64) std::int8_t bytes[max_slots + 1][block_rows];
    quantise_block(heaps, x, stride, rows, bytes);
    alignas(64) float lane[lanes][block_rows];
    for (std::size_t i = 0; i < lanes; ++i) {
        __m512 a = _mm512_setzero_ps(), b = a, c = a, d = a;
        for (std::size_t t = i; t < heaps.count; t += lanes) {
            const HeapTree &tree = heaps.trees[t];
            const __m512i number = leaf_numbers(BlockTests{bytes, &tree});
            a = _mm512_add_ps(a, leaves_of(tree, quarter<0>(number)));
            b = _mm512_add_ps(b, leaves_of(tree, quarter<1>(number)));
            c = _mm512_add_ps(c, leaves_of(tree, quarter<2>(number)));
            d = _mm512_add_ps(d, leaves_of(tree, quarter<3>(number)));
        }
        _mm512_store_ps(lane[i], a);
        _mm512_store_ps(lane[i] + 16, b);
        _mm512_store_ps(lane[i] + 32, c);
        _mm512_store_ps(lane[i] + 48, d);
    }
    fold_block(lane, heaps.base_margin, rows, out);
}

class HeapAvx512 final : public Evaluator {
  public:
    explicit HeapAvx512(const Trees &trees) : heaps_(trees), groups_(heaps_.trees.size() / 64) {
        for (std::size_t t = 0; t < heaps_.trees.size(); ++t) {
            for (std::size_t node = 0; node < heap_size; ++node) {
                groups_[t / 64].slot[node][t % 64] = heaps_.trees[t].slot[node];
                groups_[t / 64].threshold[node][t % 64] = heaps_.trees[t].threshold[node];
            }
        }
    }

    float row(const float *x) const override {
        return heaps_.slots.count <= 64 ? score_row<false>(heaps_, groups_, x) : score_row<true>(heaps_, groups_, x);
    }
    void block(const float *x, std::size_t stride, std::size_t rows, float *out) const override {
        score_block(heaps_, x, stride, rows, out);
    }
    std::size_t bytes() const override { return heaps_.bytes() + groups_.capacity() * sizeof(TreeGroup); }

  private:
    Heaps heaps_;
    std::vector<TreeGroup> groups_;
};

}  // namespace

bool has_avx512() {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("bmi2");
}

std::unique_ptr<const Evaluator> make_heap_avx512(const Trees &trees) { return std::make_unique<HeapAvx512>(trees); }

}  // namespace xsell::core

#else

namespace xsell::core {

bool has_avx512() { return false; }

std::unique_ptr<const Evaluator> make_heap_avx512(const Trees &trees) { return make_heap_portable(trees); }

}  // namespace xsell::core

#endif
