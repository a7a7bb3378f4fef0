#include "sync/engine.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "sync/context.hpp"
#include "sync/worker.hpp"

namespace xsell::sync {
namespace {

using Clock = std::chrono::steady_clock;
double now() { return std::chrono::duration<double>(Clock::now().time_since_epoch()).count(); }

constexpr double report_every = 1;       // seconds between looks at the counters, when nothing ends
constexpr double report_at_most = 0.05;  // seconds between them, however much ends

bool has_finished(const std::vector<RunReport> &reports) {
    return !reports.empty() && std::all_of(reports.begin(), reports.end(), [](const RunReport &r) { return r.finished(); });
}

bool is_paused(const std::vector<RunReport> &reports) {
    return std::any_of(reports.begin(), reports.end(), [](const RunReport &r) { return r.paused; });
}

}  // namespace

struct Engine::State {
    State(std::vector<Source> sources, MakeStore store, Options options)
        : crew(std::move(sources), std::move(store), std::move(options)), link(crew) {}

    // The keeper's thread: takes pages back from workers that are gone, and looks at the counters.
    void keep() noexcept {
        double recovered = 0;
        while (!crew.leaving()) {
            try {
                if (now() - recovered >= crew.options.recover_every) {
                    const int back = link.store().recover();
                    if (back > 0)
                        crew.note(Level::warning, std::to_string(back) + " pages taken back from workers that are gone");
                    recovered = now();
                }
                look();
                link.works();
                rest();
            } catch (const std::exception &error) {
                link.broken(error.what());
            } catch (...) {
                link.broken("something that is no std::exception was thrown");
            }
        }
    }

    void look() {
        std::vector<std::int64_t> processes;
        {
            const std::lock_guard guard(mutex);
            for (const auto &[process, reports] : followed) processes.push_back(process);
        }
        for (const std::int64_t process : processes) {
            auto reports = link.store().report({process});
            for (const auto &progress : crew.meter.due(reports, now())) {
                const ContextScope scope({progress.run.org, progress.run.object, progress.run.run, 0});
                if (crew.options.progress) crew.options.progress(progress);
            }
            const std::lock_guard guard(mutex);
            if (reports.empty())
                followed.erase(process);  // purged with its org
            else if (const auto found = followed.find(process); found != followed.end())
                found->second = std::move(reports);
        }
        looked.notify_all();
    }

    void rest() {
        crew.pause(report_at_most);
        std::unique_lock lock(crew.mutex);
        const double most = std::min(report_every, crew.options.recover_every);
        crew.nudged.wait_for(lock, std::chrono::duration<double>(most), [&] { return crew.look || crew.leaving(); });
        crew.look = false;
    }

    std::vector<RunReport> all(bool finished_alone, bool forget) {
        const std::lock_guard guard(mutex);
        std::vector<RunReport> out;
        for (auto at = followed.begin(); at != followed.end();) {
            const bool wanted = !finished_alone || has_finished(at->second);
            if (wanted) out.insert(out.end(), at->second.begin(), at->second.end());
            at = wanted && forget ? followed.erase(at) : std::next(at);
        }
        return out;
    }

    Crew crew;
    Link link;
    std::mutex mutex;
    std::condition_variable looked;
    std::map<std::int64_t, std::vector<RunReport>> followed;  // process -> it and its children
    std::vector<std::unique_ptr<Worker>> workers;
    std::vector<std::thread> threads;
};

Engine::Engine(std::vector<Source> sources, MakeStore store, Options options)
    : state_(std::make_unique<State>(std::move(sources), std::move(store), std::move(options))) {
    State &state = *state_;
    state.threads.emplace_back([&state] { state.keep(); });
    for (std::size_t i = 0; i < std::max<std::size_t>(state.crew.options.workers, 1); ++i) {
        Worker &worker = *state.workers.emplace_back(std::make_unique<Worker>(state.crew));
        state.threads.emplace_back([&worker] { worker.run(); });
    }
}

Engine::~Engine() {
    state_->crew.quit = true;
    state_->crew.nudge();
    for (auto &thread : state_->threads) thread.join();
}

void Engine::follow(const std::vector<std::int64_t> &processes) {
    {
        const std::lock_guard guard(state_->mutex);
        for (const std::int64_t process : processes) state_->followed.try_emplace(process);
    }
    state_->crew.nudge();
}

std::vector<RunReport> Engine::reports() const { return state_->all(false, false); }

bool Engine::finished() const {
    const std::lock_guard guard(state_->mutex);
    return std::all_of(state_->followed.begin(), state_->followed.end(),
                       [](const auto &process) { return has_finished(process.second) || is_paused(process.second); });
}

std::vector<RunReport> Engine::settle() { return state_->all(true, true); }

std::vector<RunReport> Engine::finish(const std::vector<std::int64_t> &processes, double patience) {
    follow(processes);
    State &state = *state_;
    while (!finished() && !state.crew.stopping()) {
        if (state.crew.outage.seconds() > patience)
            throw SyncError(Fault::transient, state.crew.outage.message() + "; given up after " +
                                                  std::to_string(static_cast<long>(patience)) +
                                                  " s. What was read is kept; the next sync goes on from there");
        std::unique_lock lock(state.mutex);
        state.looked.wait_for(lock, std::chrono::milliseconds(100));
    }
    return reports();
}

}  // namespace xsell::sync
