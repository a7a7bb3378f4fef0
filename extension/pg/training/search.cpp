#include "training/search.hpp"

#include <chrono>

#include "border/datum.hpp"
#include "training/statement.hpp"
#include "training/transaction.hpp"

extern "C" {
#include "utils/timestamp.h"
}

namespace xsell::pg {
namespace {

struct Earlier {
    char *signature = nullptr;
    char *trials = nullptr;
};

// What the same search found before.
Earlier read_earlier(const SearchTask &task, const std::string &settings) {
    Earlier earlier;
    guarded([&] {
        execute(
            "SELECT s.signature, xsell_internal.finished_trials($1, s.signature)::text "
            "FROM (SELECT xsell_internal.search_signature($2, $3) AS signature) s",
            {argument(task.model), argument(settings), argument(task.data_sha256)},
            [](HeapTuple row, TupleDesc shape, void *target) noexcept {
                auto *read = static_cast<Earlier *>(target);
                read->signature = SPI_getvalue(row, shape, 1);
                read->trials = SPI_getvalue(row, shape, 2);
            },
            &earlier);
    });
    return earlier;
}

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

}  // namespace

core::Parameters run_search(Run &run, const SearchTask &task, const core::Matrix &train, const core::Parameters &base) {
    const Earlier earlier = read_earlier(task, core::search_signature(task.options, base));
    const std::string signature = earlier.signature;
    const std::vector<core::MemberTrial> finished = core::trials_from_json(earlier.trials, base);
    const int all = task.options.trials * static_cast<int>(task.options.members.size());
    int done = static_cast<int>(finished.size());
    auto progress = [&](std::string_view member) {
        run.progress({.phase = "searching",
                      .member = member,
                      .trial = std::min(done, all),
                      .trials = all,
                      .percent = 10 + 60.0 * std::min(done, all) / all,
                      .rows = task.rows});
    };
    progress(core::name_of(task.options.members.front()));
    TimestampTz started = GetCurrentTimestamp();
    const double begin = seconds();
    core::SearchHooks hooks;
    hooks.checkpoint = [] { pg([]() noexcept { CHECK_FOR_INTERRUPTS(); }); };
    hooks.elapsed = [begin] { return seconds() - begin; };
    hooks.on_trial = [&](const core::MemberTrial &trial) {
        guarded([&] {
            execute("SELECT xsell_internal.record_trial($1, $2, $3, $4, $5)",
                    {argument(run.id()), argument(task.model), argument(signature), jsonb_argument(core::to_json(trial, base)),
                     Argument{TIMESTAMPTZOID, TimestampTzGetDatum(started)}});
        });
        ++done;
        progress(core::name_of(trial.member));  // commits the trial too
        started = GetCurrentTimestamp();
    };
    return core::search(train, base, task.options, finished, hooks).best;
}

}  // namespace xsell::pg
