// The forward pass on plain C++ vectors of four floats, which any x86-64 and any ARMv8 has registers for.
#define XSELL_TARGET
#define XSELL_WIDTH 4
#define XSELL_ROW_VECTORS 2
#include "core/scoring/network_kernel.hpp"

namespace xsell::core {

std::unique_ptr<const Evaluator> make_network_portable(const NetworkPlan &plan) { return std::make_unique<NetworkKernel>(plan); }

}  // namespace xsell::core
