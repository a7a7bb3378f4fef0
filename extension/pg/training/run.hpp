// The row of xsell_internal.training_run that tells others how a training fares.
#pragma once
#include "border/border.hpp"

namespace xsell::pg {

// What to train with, as it was asked for: texts of JSON, the horizon as PostgreSQL writes an interval.
struct Wish {
    std::string parameters = "{}";
    std::string preset = "default";
    std::optional<std::string> search;
    std::optional<std::string> horizon;

    bool operator==(const Wish &) const = default;
};

struct Standing {
    std::string_view phase;
    std::string_view member = {};
    int round = 0;
    int rounds = 0;
    int trial = 0;
    int trials = 0;
    double percent = 0;
    std::int64_t rows = 0;
};

class Run {
  public:
    // Opens a run (or takes over one that waits) and commits it.
    Run(const std::string &model, const Wish &wish);

    std::int64_t id() const { return id_; }
    const Wish &wish() const { return wish_; }  // of the run, where it was taken over
    void progress(const Standing &standing);    // commits
    // Rolls back, writes why it failed and commits. When even that fails the run shows as lost, and the error that counts is
    // still the first one.
    void fail(const Report &why) noexcept;
    void release();  // gives up the advisory lock

  private:
    std::int64_t id_ = 0;
    Wish wish_;
};

Report report_of(const PgError &error) noexcept;

}  // namespace xsell::pg
