// Turns what training reports into the row that others see.
#pragma once
#include <chrono>

#include "core/training/hooks.hpp"
#include "core/training/parameters.hpp"
#include "training/run.hpp"

namespace xsell::pg {

// At most one committed row a second within a phase.
class ProgressWriter {
  public:
    ProgressWriter(Run &run, const core::Parameters &parameters, std::int64_t rows);

    void phase(std::string_view name, int rounds_done = 0);
    core::Hooks hooks();

  private:
    using Clock = std::chrono::steady_clock;
    void report(const core::Progress &progress);
    void write(const Standing &standing);

    Run &run_;
    std::vector<core::MemberKind> members_;
    std::int64_t rows_;
    std::string last_;  // phase and member written last
    Clock::time_point at_{};
};

}  // namespace xsell::pg
