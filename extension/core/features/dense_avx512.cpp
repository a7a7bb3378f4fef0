// Dense matrices with vectors of sixteen floats.
#if defined(__x86_64__)

#define XSELL_TARGET __attribute__((target("avx512f")))
#define XSELL_WIDTH 16
#include "core/features/dense_kernel.hpp"

namespace xsell::core {

const Dense &dense_avx512() { return kernel; }

}  // namespace xsell::core

#else

#include "core/features/dense.hpp"

namespace xsell::core {

const Dense &dense_avx512() { return dense_portable(); }

}  // namespace xsell::core

#endif
