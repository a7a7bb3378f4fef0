// The heap kernel on plain C++ vectors of 16 bytes, which any x86-64 and any ARMv8 has registers for.
#define XSELL_TARGET
#define XSELL_WIDTH 16
#include "core/scoring/heap_bytes.hpp"

namespace xsell::core {

namespace {

class HeapPortable final : public Evaluator {
  public:
    explicit HeapPortable(const Trees &trees) : heaps_(trees) {}
    float row(const float *x) const override { return heap_row(heaps_, x); }
    void block(const float *x, std::size_t stride, std::size_t rows, float *out) const override {
        heap_block(heaps_, x, stride, rows, out);
    }
    std::size_t bytes() const override { return heaps_.bytes(); }

  private:
    Heaps heaps_;
};

}  // namespace

std::unique_ptr<const Evaluator> make_heap_portable(const Trees &trees) { return std::make_unique<HeapPortable>(trees); }

}  // namespace xsell::core
