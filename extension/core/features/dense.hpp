// Dense matrices of floats: what EASE spends its time on, with the vectors that the processor has.
#pragma once
#include <cstddef>
#include <functional>
#include <vector>

namespace xsell::core {

// Rows and columns come in multiples of it.
constexpr std::size_t dense_block = 64;

struct Dense {
    // matrix (n x n, row-major) -= left (n x block) * right (block x n), in the blocks of the lower triangle.
    void (*downdate)(const float *left, const float *right, float *matrix, std::size_t n);
    // product (rows x block) += left (rows x block) * right (block x block).
    void (*multiply)(const float *left, const float *right, float *product, std::size_t rows);
    // sum += factor * row
    void (*add)(const float *row, float factor, float *sum, std::size_t n);
};

const Dense &dense_portable();
const Dense &dense_avx2();
const Dense &dense_avx512();
const Dense &best_dense();  // that this processor has

// The inverse of a symmetric, positive definite matrix, in place; n is a multiple of dense_block, only the lower triangle is
// read.
void invert(std::vector<float> &matrix, std::size_t n, const Dense &dense, const std::function<void()> &checkpoint);

}  // namespace xsell::core
