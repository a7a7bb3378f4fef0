// Two loops over dense matrices of floats, written once for every vector width. Include it after defining XSELL_TARGET (a
// function attribute) and XSELL_WIDTH (floats a vector); everything is local to the including file. Each element is summed in the
// order of k whatever the width, and no multiplication is fused, so that every machine finds the same bits.
#include "core/features/dense.hpp"

namespace xsell::core {

namespace {

#define XSELL_INLINE XSELL_TARGET inline __attribute__((always_inline))
#define XSELL_UNROLL _Pragma("GCC unroll 8")

using Floats = float __attribute__((vector_size(4 * XSELL_WIDTH), aligned(4), may_alias));

XSELL_INLINE Floats load(const float *from) { return *reinterpret_cast<const Floats *>(from); }
XSELL_INLINE void store(float *to, Floats v) { *reinterpret_cast<Floats *>(to) = v; }

constexpr int rows_at_once = XSELL_WIDTH == 16 ? 8 : 4;
constexpr std::size_t strip = 2 * XSELL_WIDTH;  // columns at once

// A tile of `rows_at_once` rows and `strip` columns: to[r][c] += sign * sum over k of left[r][k] * right[k][c].
template <bool Subtract>
XSELL_INLINE void tile(const float *left, const float *right, std::size_t right_stride, float *to, std::size_t to_stride) {
    Floats sum[rows_at_once][2];
    XSELL_UNROLL for (int r = 0; r < rows_at_once; ++r) {
        XSELL_UNROLL for (int v = 0; v < 2; ++v) sum[r][v] = load(to + r * to_stride + v * XSELL_WIDTH);
    }
    for (std::size_t k = 0; k < dense_block; ++k, right += right_stride) {
        const Floats first = load(right);
        const Floats second = load(right + XSELL_WIDTH);
        XSELL_UNROLL for (int r = 0; r < rows_at_once; ++r) {
            const float x = Subtract ? -left[r * dense_block + k] : left[r * dense_block + k];
            sum[r][0] += first * x;
            sum[r][1] += second * x;
        }
    }
    XSELL_UNROLL for (int r = 0; r < rows_at_once; ++r) {
        XSELL_UNROLL for (int v = 0; v < 2; ++v) store(to + r * to_stride + v * XSELL_WIDTH, sum[r][v]);
    }
}

XSELL_TARGET void downdate(const float *left, const float *right, float *matrix, std::size_t n) {
    float packed[dense_block * strip];
    for (std::size_t column = 0; column < n; column += strip) {
        for (std::size_t k = 0; k < dense_block; ++k) {
            store(packed + k * strip, load(right + k * n + column));
            store(packed + k * strip + XSELL_WIDTH, load(right + k * n + column + XSELL_WIDTH));
        }
        for (std::size_t row = column / dense_block * dense_block; row < n; row += rows_at_once) {
            tile<true>(left + row * dense_block, packed, strip, matrix + row * n + column, n);
        }
    }
}

XSELL_TARGET void multiply(const float *left, const float *right, float *product, std::size_t rows) {
    for (std::size_t row = 0; row < rows; row += rows_at_once) {
        for (std::size_t column = 0; column < dense_block; column += strip) {
            tile<false>(left + row * dense_block, right + column, dense_block, product + row * dense_block + column, dense_block);
        }
    }
}

XSELL_TARGET void add(const float *row, float factor, float *sum, std::size_t n) {
    for (std::size_t i = 0; i < n; i += strip) {
        store(sum + i, load(sum + i) + load(row + i) * factor);
        store(sum + i + XSELL_WIDTH, load(sum + i + XSELL_WIDTH) + load(row + i + XSELL_WIDTH) * factor);
    }
}

constexpr Dense kernel{downdate, multiply, add};

}  // namespace

}  // namespace xsell::core
