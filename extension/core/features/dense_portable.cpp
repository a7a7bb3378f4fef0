// Dense matrices with vectors of four floats, which every processor has.
#define XSELL_TARGET
#define XSELL_WIDTH 4
#include "core/features/dense_kernel.hpp"

namespace xsell::core {

const Dense &dense_portable() { return kernel; }

}  // namespace xsell::core
