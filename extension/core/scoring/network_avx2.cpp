// The forward pass with vectors of eight floats.
#if defined(__x86_64__)

#define XSELL_TARGET __attribute__((target("avx2")))
#define XSELL_WIDTH 8
#define XSELL_ROW_VECTORS 2
#include "core/scoring/network_kernel.hpp"

namespace xsell::core {

std::unique_ptr<const Evaluator> make_network_avx2(const NetworkPlan &plan) { return std::make_unique<NetworkKernel>(plan); }

}  // namespace xsell::core

#else

#include "core/scoring/network_plan.hpp"

namespace xsell::core {

std::unique_ptr<const Evaluator> make_network_avx2(const NetworkPlan &plan) { return make_network_portable(plan); }

}  // namespace xsell::core

#endif
