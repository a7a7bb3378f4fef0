// An immutable, checked forest that turns rows into margins, by the fastest kernel that its shape and the machine allow.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/scoring/blob.hpp"
#include "core/scoring/evaluator.hpp"

namespace xsell::core {

// All kernels give the same bits; naming one is for tests and benches.
enum class Kernel { automatic, walker, heap_portable, heap_avx2, heap_avx512 };

class Forest {
  public:
    // Throws Error{corrupt_model} for a damaged blob, Error{bad_argument} for a kernel that cannot run it here.
    static std::unique_ptr<const Forest> load(std::span<const std::byte> blob, Kernel kernel = Kernel::automatic);

    std::size_t features() const { return trees_.features; }
    std::size_t trees() const { return trees_.size(); }
    std::size_t depth() const;
    float base_margin() const { return trees_.base_margin; }
    Kernel kernel() const { return kernel_; }
    // Whether this forest could run on that kernel on this machine.
    bool fits(Kernel kernel) const;

    // Log-odds of one row of features() values; NaN is missing, infinities are ordinary values.
    float margin(const float *x) const { return evaluator_->row(x); }
    // The same for many rows, `stride` floats apart.
    void margins(const float *x, std::size_t stride, std::size_t rows, float *out) const;

    // Breadth-first position of the leaf that the row falls into.
    std::size_t leaf(std::size_t tree, const float *x) const;

    // Memory held, give or take the allocator's.
    std::size_t bytes() const;

    const Trees &nodes() const { return trees_; }

  private:
    Forest(Trees trees, Kernel kernel);

    Trees trees_;
    Kernel kernel_;
    bool fits_heap_;
    std::unique_ptr<const Evaluator> evaluator_;
};

}  // namespace xsell::core
