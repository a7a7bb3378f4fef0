#include "sync/engine.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <random>
#include <set>
#include <thread>

namespace xsell::sync {
namespace {

bool stopping(const Options &options) { return options.stop && options.stop->load(); }

void pause(double seconds, const Options &options) {
    if (options.sleep) return options.sleep(seconds);
    const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    while (!stopping(options) && std::chrono::steady_clock::now() < until)
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
}

// How long to wait before a page is tried again; throws the fault on when there have been enough tries.
class Backoff {
  public:
    explicit Backoff(const Options &options) : options_(options) {}
    double next(const SyncError &fault) {
        if (fault.wait > 0) {
            if (++told_ > options_.told_waits) throw fault;
            return std::min(fault.wait, options_.longest_told_wait);
        }
        if (++tries_ >= options_.tries) throw fault;
        const double full = std::min(options_.longest_wait, options_.first_wait * std::pow(2.0, tries_ - 1));
        thread_local std::mt19937_64 random{std::random_device{}()};
        return std::uniform_real_distribution<double>(0, full)(random);
    }
    void reset() { tries_ = told_ = 0; }

  private:
    const Options &options_;
    int tries_ = 0, told_ = 0;
};

// One object of one org, from its stored state until the connector says done.
class Reading {
  public:
    Reading(const std::string &org, const std::string &name, Connector &connector, Store &store, const Options &options)
        : org_(org), connector_(connector), store_(store), options_(options), backoff_(options), object_{name, {}} {}

    ObjectResult run() {
        result_.object = object_.name;
        constexpr double glance = 0.25;
        for (double waited = 0;; waited += glance) {
            retried([&] { locked_ = store_.lock(org_, object_.name); });
            if (locked_ || waited >= options_.lock_patience) break;
            pause(glance, options_);
        }
        result_.busy = !locked_;
        if (result_.busy) return std::move(result_);
        try {
            retried([&] {
                object_ = store_.object(object_.name);
                state_ = store_.state(org_, object_.name);
                run_ = store_.begin(org_, object_.name);
            });
            while (!done_) next_page();
            retried([&] { store_.end(org_, object_.name, run_, std::nullopt); }, false);
        } catch (const SyncError &fault) {
            const bool cancelled = stopping(options_) && fault.fault != Fault::stopped;  // the statement, on account of the stop
            close(cancelled ? "stopped" : fault.what());
            if (cancelled) throw SyncError(Fault::stopped, "stopped");
            throw;
        } catch (const std::exception &fault) {
            close(fault.what());
            throw SyncError(Fault::object, fault.what());
        }
        store_.unlock(org_, object_.name);
        return std::move(result_);
    }

    ObjectResult &result() { return result_; }

  private:
    template <typename Step>
    void retried(Step step, bool stoppable = true) {
        for (;;) {
            if (stoppable && stopping(options_)) throw SyncError(Fault::stopped, "stopped");
            try {
                step();
                backoff_.reset();
                return;
            } catch (const SyncError &fault) {
                if (fault.fault != Fault::transient) throw;
                const double wait = backoff_.next(fault);
                if (options_.note) {
                    char seconds[32];
                    std::snprintf(seconds, sizeof seconds, "%.1f", wait);
                    options_.note(org_ + " " + object_.name + ": " + fault.what() + "; next try in " + seconds + " s");
                }
                pause(wait, options_);
                resume();
            }
        }
    }

    // After a fault nobody knows whether the page was committed, or whether the lock is still ours: the database does.
    void resume() {
        try {
            if (!locked_) return;
            if (!store_.lock(org_, object_.name))
                throw SyncError(Fault::object, "another daemon took over after the connection was lost");
            state_ = store_.state(org_, object_.name);
        } catch (const SyncError &fault) {
            if (fault.fault != Fault::transient) throw;  // still no connection: the step itself will find out
        }
    }

    void next_page() {
        MergeCounts counts;
        Page page;
        retried([&] {
            page = connector_.fetch(object_, state_);
            if (!page.done && (page.next_state == state_ || seen_.contains(std::hash<std::string>{}(page.next_state)))) {
                throw SyncError(Fault::object,
                                "the source leads back to a page that was already read; stopped instead of reading in circles");
            }
            counts = store_.commit_page(org_, object_, run_, connector_.map_hash(object_), page);
        });
        seen_.insert(std::hash<std::string>{}(page.next_state));
        state_ = page.next_state;
        done_ = page.done;
        result_.counts += counts;
        ++result_.pages;
        if (options_.progress) options_.progress({org_, object_.name, result_.pages, result_.counts});
    }

    void close(const std::string &error) noexcept {
        result_.error = error;
        try {
            if (run_ != 0) store_.end(org_, object_.name, run_, error);
            store_.unlock(org_, object_.name);
        } catch (const std::exception &) {
            // The connection is gone, and the lock with it; the next run closes this one as interrupted.
        }
    }

    const std::string &org_;
    Connector &connector_;
    Store &store_;
    const Options &options_;
    Backoff backoff_;
    Object object_;
    ObjectResult result_;
    std::string state_;
    std::int64_t run_ = 0;
    bool locked_ = false, done_ = false;
    std::set<std::size_t> seen_;
};

bool wanted(const std::string &object, const Options &options) {
    return options.objects.empty() || std::find(options.objects.begin(), options.objects.end(), object) != options.objects.end();
}

OrgResult run_job(const OrgJob &job, const Options &options) {
    OrgResult failed;
    failed.org = job.org;
    try {
        const auto connector = job.connector();
        const auto store = job.store();
        return sync_org(job.org, *connector, *store, options);
    } catch (const std::exception &fault) {
        failed.error = fault.what();
    }
    return failed;
}

}  // namespace

bool OrgResult::failed() const {
    return error ||
           std::any_of(objects.begin(), objects.end(), [](const ObjectResult &object) { return object.error.has_value(); });
}

OrgResult sync_org(const std::string &org, Connector &connector, Store &store, const Options &options) {
    OrgResult result;
    result.org = org;
    try {
        for (const auto &name : connector.objects()) {
            if (!wanted(name, options)) continue;
            Reading reading(org, name, connector, store, options);
            try {
                result.objects.push_back(reading.run());
            } catch (const SyncError &fault) {
                reading.result().error = fault.what();
                result.objects.push_back(reading.result());
                if (fault.fault == Fault::object || fault.fault == Fault::transient) continue;
                result.error = fault.what();
                break;
            }
        }
    } catch (const std::exception &fault) {
        result.error = fault.what();
    }
    return result;
}

std::vector<OrgResult> sync_orgs(const std::vector<OrgJob> &jobs, const Options &options) {
    std::vector<OrgResult> results(jobs.size());
    std::atomic<std::size_t> next{0};
    const auto work = [&] {
        for (std::size_t i = next++; i < jobs.size(); i = next++) results[i] = run_job(jobs[i], options);
    };
    std::vector<std::thread> threads;
    const std::size_t count = std::min(std::max<std::size_t>(options.workers, 1), jobs.size());
    for (std::size_t i = 0; i < count; ++i) threads.emplace_back(work);
    for (auto &thread : threads) thread.join();
    return results;
}

}  // namespace xsell::sync
