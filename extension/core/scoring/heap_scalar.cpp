#include "core/scoring/heap_scalar.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace xsell::core {

namespace {

#if defined(__SSE2__)

// Sixteen ascending numbers of which the first few are at or below v: how many?
inline int count_of(const float *ascending, __m128 v) {
    const __m128i a = _mm_castps_si128(_mm_cmpge_ps(v, _mm_load_ps(ascending)));
    const __m128i b = _mm_castps_si128(_mm_cmpge_ps(v, _mm_load_ps(ascending + 4)));
    const __m128i c = _mm_castps_si128(_mm_cmpge_ps(v, _mm_load_ps(ascending + 8)));
    const __m128i d = _mm_castps_si128(_mm_cmpge_ps(v, _mm_load_ps(ascending + 12)));
    const __m128i all = _mm_packs_epi16(_mm_packs_epi32(a, b), _mm_packs_epi32(c, d));
    return __builtin_ctz(~_mm_movemask_epi8(all));
}

// How many cuts are at or below v; 0 for NaN.
inline int rank_of(const CutTable &table, float value) {
    const __m128 v = _mm_set1_ps(value);
    const int coarse = 16 * count_of(table.pivot, v);
    return coarse + count_of(table.cut + coarse, v);
}

#else

inline int rank_of(const CutTable &table, float v) {
    int rank = 0;
    for (int step = 128; step > 0; step /= 2) rank += v >= table.cut[rank + step - 1] ? step : 0;
    return rank;
}

#endif

struct Copies {
    std::int8_t left, right;
};

inline Copies copies_of(const CutTable &table, float v) {
    const int byte = rank_of(table, v) + byte_lowest;
    return {static_cast<std::int8_t>(byte), static_cast<std::int8_t>(v != v ? byte_highest : byte)};
}

}  // namespace

void quantise_row(const Heaps &heaps, const float *x, std::int8_t *bytes) {
    const CutTable *table = heaps.tables.data();
    for (const Slot &slot : heaps.slots.used) {
        const Copies copies = copies_of(*table++, x[slot.feature]);
        bytes[slot.left] = copies.left;
        bytes[slot.right] = copies.right;
    }
}

void quantise_block(const Heaps &heaps, const float *x, std::size_t stride, std::size_t rows, std::int8_t (*bytes)[block_rows]) {
    const CutTable *table = heaps.tables.data();
    for (const Slot &slot : heaps.slots.used) {
        std::int8_t *left = bytes[slot.left];
        std::int8_t *right = bytes[slot.right];
        for (std::size_t r = 0; r < rows; ++r) {
            const Copies copies = copies_of(*table, x[r * stride + slot.feature]);
            left[r] = copies.left;
            right[r] = copies.right;
        }
        for (std::size_t r = rows; r < block_rows; ++r) left[r] = right[r] = 0;
        ++table;
    }
}

float heap_row(const Heaps &heaps, const float *x) {
    std::int8_t bytes[max_slots + 1] = {};
    quantise_row(heaps, x, bytes);
    float lane[lanes] = {};
    for (std::size_t t = 0; t < heaps.count; t += 8) {
        const HeapTree *tree = &heaps.trees[t];
        std::size_t at[8] = {1, 1, 1, 1, 1, 1, 1, 1};
        for (int d = 0; d < heap_depth; ++d) {
#pragma GCC unroll 8
            for (std::size_t i = 0; i < 8; ++i) {
                at[i] = 2 * at[i] + static_cast<std::size_t>(bytes[tree[i].slot[at[i]]] > tree[i].threshold[at[i]]);
            }
        }
        for (std::size_t i = 0; i < 8; ++i) lane[t % lanes + i] += tree[i].leaf[at[i] - heap_size];
    }
    return fold(lane) + heaps.base_margin;
}

}  // namespace xsell::core
