// The row of xsell_internal.training_run that tells others how a training fares.
#pragma once
#include "border/border.hpp"

namespace xsell::pg {

class Run {
  public:
    // Opens a run (or takes over one that waits) and commits it.
    Run(const std::string &model, const std::string &parameters);

    std::int64_t id() const { return id_; }
    void progress(const char *phase, int round, int rounds, std::int64_t rows);  // commits
    // Rolls back, writes why it failed and commits. When even that fails the run shows as lost, and the error that counts is
    // still the first one.
    void fail(const Report &why) noexcept;
    void release();  // gives up the advisory lock

  private:
    std::int64_t id_ = 0;
};

Report report_of(const PgError &error) noexcept;

}  // namespace xsell::pg
