#include "training/progress.hpp"

namespace xsell::pg {
namespace {

// About how much of the work lies before the end of each phase.
struct Stage {
    std::string_view reported;  // as the core names it; boosting: the name of a member
    std::string_view name;
    double from, to;  // percent
};
constexpr Stage boosting = {"", "boosting", 60, 84};
constexpr Stage stages[] = {{"reading", "reading", 1, 10},
                            {"cross-validation", "folds", 10, 60},
                            {"blending", "blending", 84, 85},
                            {"calibration", "calibrating", 85, 88},
                            {"measuring", "measuring", 88, 100}};

const Stage &stage_of(std::string_view reported) {
    for (const Stage &stage : stages) {
        if (stage.reported == reported) {
            return stage;
        }
    }
    return boosting;
}

double share(int done, int of) { return of > 0 ? std::min(1.0, static_cast<double>(done) / of) : 0; }

}  // namespace

ProgressWriter::ProgressWriter(Run &run, const core::Parameters &parameters, std::int64_t rows)
    : run_(run), members_(parameters.members), rows_(rows) {}

void ProgressWriter::write(const Standing &standing) {
    const std::string current = std::string(standing.phase) + ' ' + std::string(standing.member);
    const Clock::time_point now = Clock::now();
    if (current == last_ && now - at_ < std::chrono::seconds(1)) {
        return;
    }
    run_.progress(standing);
    last_ = current;
    at_ = Clock::now();
}

void ProgressWriter::phase(std::string_view name, int rounds_done) {
    const Stage &stage = stage_of(name);
    Standing standing{stage.name};
    standing.round = standing.rounds = rounds_done;
    standing.percent = stage.from;
    standing.rows = rows_;
    write(standing);
}

void ProgressWriter::report(const core::Progress &progress) {
    const Stage &stage = stage_of(progress.phase);
    double done = share(progress.round, progress.rounds);
    Standing standing{stage.name};
    if (const auto kind = core::member_kind(progress.phase)) {
        const auto place = std::find(members_.begin(), members_.end(), *kind) - members_.begin();
        standing.member = progress.phase;
        done = (static_cast<double>(place) + done) / static_cast<double>(members_.size());
    }
    if (progress.rounds > 1) {
        standing.round = progress.round;
        standing.rounds = progress.rounds;
    }
    standing.percent = stage.from + (stage.to - stage.from) * done;
    standing.rows = rows_;
    write(standing);
}

core::Hooks ProgressWriter::hooks() {
    return {check_for_interrupts, [this](const core::Progress &progress) { report(progress); }};
}

}  // namespace xsell::pg
