#include "sync/worker.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>

#include "sync/context.hpp"

namespace xsell::sync {
namespace {

constexpr double glance = 0.25;          // seconds that a stop may go unnoticed
constexpr double first_idle_wait = 0.1;  // seconds; doubled while there is nothing to do
constexpr std::size_t tallies_kept = 10'000;
constexpr int lost_commits = 30;  // of one page, then it is what breaks the database

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::string tenths(double seconds) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1f", seconds);
    return text;
}

std::string message_of(const std::exception_ptr &thrown) {
    try {
        std::rethrow_exception(thrown);
    } catch (const std::exception &error) {
        return error.what();
    } catch (...) {
        return "something that is no std::exception was thrown";
    }
}

}  // namespace

Crew::Crew(std::vector<Source> list, Engine::MakeStore store, Options chosen)
    : options(std::move(chosen)), make_store(std::move(store)), outage(options.outage_note_every), meter(options.progress_every) {
    for (auto &source : list) {
        orgs_by_share[std::max(source.each, 1)].push_back(source.org);
        sources.emplace(source.org, std::move(source));
    }
}

void Crew::note(Level level, const std::string &text) const {
    if (options.note) options.note(level, text);
}

void Crew::pause(double seconds) const {
    for (const auto start = Clock::now(); !leaving();) {
        const double rest = seconds - seconds_since(start);
        if (rest <= 0) return;
        std::this_thread::sleep_for(std::chrono::duration<double>(std::min(rest, glance / 5)));
    }
}

void Crew::nudge() {
    {
        const std::lock_guard guard(mutex);
        look = true;
    }
    nudged.notify_all();
}

Crew::Tally Crew::tally(std::int64_t page) {
    const std::lock_guard guard(tally_mutex_);
    const auto found = tallies_.find(page);
    return found == tallies_.end() ? Tally{} : found->second;
}

void Crew::count(std::int64_t page, int Tally::*what) {
    const std::lock_guard guard(tally_mutex_);
    if (tallies_.size() > tallies_kept) tallies_.clear();
    ++(tallies_[page].*what);
}

void Crew::forget(std::int64_t page) {
    const std::lock_guard guard(tally_mutex_);
    tallies_.erase(page);
}

Store &Link::store() {
    if (!store_) store_ = crew_.make_store();
    return *store_;
}

void Link::works() {
    attempt_ = 0;
    if (const auto line = crew_.outage.up()) crew_.note(Level::info, *line);
}

void Link::broken(const std::string &what) {
    store_.reset();
    if (crew_.stopping()) return;
    if (const auto line = crew_.outage.down(what)) crew_.note(Level::error, *line);
    const Retries patience{.first_wait = std::min(crew_.options.retries.first_wait, crew_.options.longest_outage_wait),
                           .longest_wait = crew_.options.longest_outage_wait};
    crew_.pause(backoff(patience, ++attempt_));
}

void Worker::run() noexcept {
    while (!crew_.leaving()) {
        try {
            turn();
        } catch (...) {
            // Whatever it is, the page is known to the database: it comes back when the connection that claimed it is gone.
            link_.broken(message_of(std::current_exception()));
        }
    }
}

void Worker::turn() {
    auto claimed = claim();
    link_.works();
    if (!claimed) return idle();
    idle_wait_ = 0;
    read(std::move(*claimed));
}

// Orgs that allow different numbers of pages at a time are asked for in turns.
std::optional<Claim> Worker::claim() {
    const auto &shares = crew_.orgs_by_share;
    for (std::size_t i = 0; i < shares.size(); ++i) {
        const auto &[each, orgs] = *std::next(shares.begin(), static_cast<std::ptrdiff_t>((turn_ + i) % shares.size()));
        if (auto claimed = link_.store().claim(orgs, each)) {
            turn_ += i + 1;
            return claimed;
        }
    }
    return std::nullopt;
}

// Until something happens to the queue, or a page may have become due.
void Worker::idle() {
    idle_wait_ = std::min(crew_.options.idle_wait, idle_wait_ > 0 ? idle_wait_ * 2 : first_idle_wait);
    for (const auto start = Clock::now(); !crew_.leaving();) {
        const double rest = idle_wait_ - seconds_since(start);
        if (rest <= 0) return;
        const double nap = std::min(rest, glance);
        const auto asleep = Clock::now();
        link_.store().wait(nap);
        if (seconds_since(asleep) < nap * 0.9) return;
    }
}

void Worker::read(Claim claim) {
    Object object;
    for (std::optional<Claim> next = std::move(claim); next;) {
        if (crew_.leaving()) return link_.store().release(*next);
        const Claim current = std::move(*next);
        const ContextScope scope({current.org, current.object, current.run, current.page});
        if (object.name != current.object) {
            try {
                object = link_.store().object(current.object);
            } catch (const SyncError &error) {
                if (error.fault == Fault::transient) throw;
                return settle_thrown(current);
            }
        }
        next = page(current, object);
    }
}

// Returns the page that follows, if there is one and it is ours.
std::optional<Claim> Worker::page(const Claim &claim, const Object &object) {
    Page read;
    std::int64_t map_hash = 0;
    try {
        if (crew_.tally(claim.page).lost >= lost_commits)
            throw SyncError(Fault::object, "the connection to the database broke each time this page was committed; see its log");
        crew_.circles.enter(claim);
        Connector &source = connector(claim.org);
        read = source.fetch(object, claim.state);
        map_hash = source.map_hash(object);
        crew_.circles.check(claim, read);
    } catch (...) {
        settle_thrown(claim);
        return std::nullopt;
    }
    return commit(claim, object, map_hash, read);
}

// An org whose connector cannot be made fails as a whole: wrong settings, an unreadable file.
Connector &Worker::connector(const std::string &org) {
    auto &made = connectors_[org];
    if (made) return *made;
    try {
        made = crew_.sources.at(org).connector();
        return *made;
    } catch (const SyncError &) {
        throw;
    } catch (const std::bad_alloc &) {
        throw;
    } catch (const std::exception &error) {
        throw SyncError(Fault::org, error.what());
    }
}

std::optional<Claim> Worker::commit(const Claim &claim, const Object &object, std::int64_t map_hash, const Page &page) {
    Committed committed;
    try {
        committed = link_.store().commit(claim, object, map_hash, page);
    } catch (const SyncError &error) {
        if (error.fault != Fault::transient) {
            settle_thrown(claim);
            return std::nullopt;
        }
        // Nobody knows whether it was committed; the database does, and gives the page to somebody if it was not.
        crew_.count(claim.page, &Crew::Tally::lost);
        link_.store().release(claim);
        throw;
    } catch (...) {
        settle_thrown(claim);
        return std::nullopt;
    }
    link_.works();
    crew_.forget(claim.page);
    if (page.total) crew_.meter.total(claim.run, *page.total);
    const auto &c = committed.counts;
    crew_.note(Level::debug, "committed: " + std::to_string(c.fetched) + " read, " + std::to_string(c.changed) + " changed, " +
                                 std::to_string(c.rejected) + " rejected");
    if (!committed.next) crew_.nudge();
    return std::move(committed.next);
}

void Worker::settle_thrown(const Claim &claim) {
    settle(claim, failure_of(std::current_exception(), claim.attempt, crew_.tally(claim.page).told, crew_.options.retries));
}

void Worker::settle(const Claim &claim, const Failure &failure) {
    if (failure.fault == Fault::lost) crew_.note(Level::debug, "given to another worker meanwhile; left to it");
    const bool put_back = crew_.stopping() || failure.fault == Fault::stopped || failure.fault == Fault::lost;
    if (put_back) return link_.store().release(claim);
    const bool again = failure.fault == Fault::transient && (!failure.counts || claim.attempt < failure.tries);
    if (!again)
        crew_.forget(claim.page);
    else if (!failure.counts)
        crew_.count(claim.page, &Crew::Tally::told);
    if (failure.fault == Fault::org) connectors_.erase(claim.org);  // its token may be worth nothing any more
    if (!again) {
        crew_.note(Level::error, failure.message);
    } else {
        const std::string try_of = "try " + std::to_string(claim.attempt) + " of " + std::to_string(failure.tries);
        crew_.note(Level::warning, failure.message + "; " + (failure.counts ? try_of : "told to wait") + ", next in " +
                                       tenths(failure.wait) + " s");
    }
    try {
        link_.store().fail(claim, failure);
    } catch (const SyncError &error) {
        if (error.fault != Fault::lost) throw;
    }
    if (!again) crew_.nudge();
}

}  // namespace xsell::sync
