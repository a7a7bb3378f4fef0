// Dense matrices with vectors of eight floats.
#if defined(__x86_64__)

#define XSELL_TARGET __attribute__((target("avx2")))
#define XSELL_WIDTH 8
#include "core/features/dense_kernel.hpp"

namespace xsell::core {

const Dense &dense_avx2() { return kernel; }

}  // namespace xsell::core

#else

#include "core/features/dense.hpp"

namespace xsell::core {

const Dense &dense_avx2() { return dense_portable(); }

}  // namespace xsell::core

#endif
