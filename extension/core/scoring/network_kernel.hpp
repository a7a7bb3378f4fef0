// The forward pass, written once for every vector width. Include it after defining XSELL_TARGET (a function attribute),
// XSELL_WIDTH (floats a vector) and XSELL_ROW_VECTORS (vectors of rows in flight); everything is local to the including file.
#include <memory>

#include "core/scoring/network_plan.hpp"

namespace xsell::core {

namespace {

#define XSELL_INLINE XSELL_TARGET inline __attribute__((always_inline))
// Without it the compiler keeps the sums in memory at -O2.
#define XSELL_UNROLL _Pragma("GCC unroll 8")

using Floats = float __attribute__((vector_size(4 * XSELL_WIDTH), aligned(4), may_alias));

XSELL_INLINE Floats load(const float *from) { return *reinterpret_cast<const Floats *>(from); }
XSELL_INLINE void store(float *to, Floats v) { *reinterpret_cast<Floats *>(to) = v; }
XSELL_INLINE Floats rectified(Floats v) { return v > 0 ? v : Floats{}; }

// Vectors * XSELL_WIDTH outputs of one row, from output `first` on.
template <int Vectors>
XSELL_INLINE void row_outputs(const PlanLayer &layer, const float *in, std::size_t first, float *out) {
    Floats sum[Vectors];
    XSELL_UNROLL for (int v = 0; v < Vectors; ++v) sum[v] = load(&layer.bias[first + v * XSELL_WIDTH]);
    const float *weight = &layer.weight[first];
    for (std::size_t i = 0; i < layer.inputs; ++i, weight += layer.padded) {
        XSELL_UNROLL for (int v = 0; v < Vectors; ++v) sum[v] += load(weight + v * XSELL_WIDTH) * in[i];
    }
    XSELL_UNROLL for (int v = 0; v < Vectors; ++v) store(out + first + v * XSELL_WIDTH, layer.relu ? rectified(sum[v]) : sum[v]);
}

// `Outputs` outputs, from `first` on, of XSELL_ROW_VECTORS * XSELL_WIDTH rows, from `row` on; both buffers are [unit][row].
template <int Outputs>
XSELL_INLINE void block_outputs(const PlanLayer &layer, const float *in, std::size_t first, std::size_t row, float *out) {
    Floats sum[Outputs][XSELL_ROW_VECTORS];
    XSELL_UNROLL for (int o = 0; o < Outputs; ++o) {
        const Floats bias = layer.bias[first + o] - Floats{};  // keeps the sign of zero
        XSELL_UNROLL for (int v = 0; v < XSELL_ROW_VECTORS; ++v) sum[o][v] = bias;
    }
    const float *weight = &layer.weight[first];
    for (std::size_t i = 0; i < layer.inputs; ++i, weight += layer.padded) {
        XSELL_UNROLL for (int v = 0; v < XSELL_ROW_VECTORS; ++v) {
            const Floats x = load(in + i * block_rows + row + v * XSELL_WIDTH);
            XSELL_UNROLL for (int o = 0; o < Outputs; ++o) sum[o][v] += x * weight[o];
        }
    }
    XSELL_UNROLL for (int o = 0; o < Outputs; ++o) {
        XSELL_UNROLL for (int v = 0; v < XSELL_ROW_VECTORS; ++v) {
            const Floats s = sum[o][v];
            store(out + (first + o) * block_rows + row + v * XSELL_WIDTH, layer.relu ? rectified(s) : s);
        }
    }
}

XSELL_TARGET void row_layer(const PlanLayer &layer, const float *in, float *out) {
    std::size_t first = 0;
    for (; first + 4 * XSELL_WIDTH <= layer.padded; first += 4 * XSELL_WIDTH) row_outputs<4>(layer, in, first, out);
    for (; first < layer.padded; first += XSELL_WIDTH) row_outputs<1>(layer, in, first, out);
}

XSELL_TARGET void block_layer(const PlanLayer &layer, const float *in, std::size_t rows, float *out) {
    for (std::size_t row = 0; row < rows; row += XSELL_ROW_VECTORS * XSELL_WIDTH) {
        std::size_t first = 0;
        for (; first + 4 <= layer.outputs; first += 4) block_outputs<4>(layer, in, first, row, out);
        for (; first < layer.outputs; ++first) block_outputs<1>(layer, in, first, row, out);
    }
}

class NetworkKernel final : public Evaluator {
  public:
    explicit NetworkKernel(const NetworkPlan &plan) : plan_(plan) {}

    float row(const float *x) const override {
        float first[2 * max_features], second[max_layer_width];
        float *in = first, *out = second;
        for (std::size_t f = 0; f < plan_.features; ++f) in[f] = standardise(x[f], plan_.center[f], plan_.scale[f]);
        for (std::size_t i = 0; i < plan_.indicator.size(); ++i) {
            const float v = x[plan_.indicator[i]];
            in[plan_.features + i] = v != v ? 1 : 0;
        }
        for (const PlanLayer &layer : plan_.layers) {
            row_layer(layer, in, out);
            std::swap(in, out);
        }
        return in[0];
    }

    void block(const float *x, std::size_t stride, std::size_t rows, float *out) const override {
        const std::size_t room = plan_.width * block_rows;
        const auto buffers = std::make_unique_for_overwrite<float[]>(2 * room);
        float *in = buffers.get(), *next = in + room;
        for (std::size_t f = 0; f < plan_.features; ++f) {
            const float center = plan_.center[f], scale = plan_.scale[f];
            for (std::size_t r = 0; r < rows; ++r) in[f * block_rows + r] = standardise(x[r * stride + f], center, scale);
        }
        float *indicators = in + plan_.features * block_rows;
        for (std::size_t i = 0; i < plan_.indicator.size(); ++i) {
            for (std::size_t r = 0; r < rows; ++r) {
                const float v = x[r * stride + plan_.indicator[i]];
                indicators[i * block_rows + r] = v != v ? 1 : 0;
            }
        }
        for (std::size_t i = 0; i < plan_.inputs(); ++i) {
            for (std::size_t r = rows; r < block_rows; ++r) in[i * block_rows + r] = 0;
        }
        for (const PlanLayer &layer : plan_.layers) {
            block_layer(layer, in, rows, next);
            std::swap(in, next);
        }
        for (std::size_t r = 0; r < rows; ++r) out[r] = in[r];
    }

    std::size_t bytes() const override { return sizeof(*this); }

  private:
    const NetworkPlan &plan_;
};

}  // namespace

}  // namespace xsell::core
