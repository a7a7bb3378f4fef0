// What every kernel offers, and the one order in which all of them add leaves, so that their margins have the same bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/scoring/nodes.hpp"

namespace xsell::core {

// Tree t is added to lane t % lanes, in increasing t; then the lanes are folded in halves; then comes the base margin.
constexpr std::size_t lanes = 16;
constexpr std::size_t block_rows = 64;

inline float fold(const float *lane) {
    float half[lanes / 2];
    for (std::size_t i = 0; i < 8; ++i) half[i] = lane[i] + lane[i + 8];
    for (std::size_t i = 0; i < 4; ++i) half[i] += half[i + 4];
    for (std::size_t i = 0; i < 2; ++i) half[i] += half[i + 2];
    return half[0] + half[1];
}

class Evaluator {
  public:
    virtual ~Evaluator() = default;
    virtual float row(const float *x) const = 0;
    // At most block_rows rows, `stride` floats apart.
    virtual void block(const float *x, std::size_t stride, std::size_t rows, float *out) const = 0;
    virtual std::size_t bytes() const = 0;
};

std::unique_ptr<const Evaluator> make_walker(const Trees &trees);

// The byte-quantised kernels hold trees as perfect heaps of depth 6 and need at most 255 cuts a feature and 128 slots.
bool fits_heap(const Trees &trees);
std::unique_ptr<const Evaluator> make_heap_portable(const Trees &trees);
std::unique_ptr<const Evaluator> make_heap_avx2(const Trees &trees);
std::unique_ptr<const Evaluator> make_heap_avx512(const Trees &trees);

// Whether this machine can run them.
bool has_avx2();
bool has_avx512();

}  // namespace xsell::core
