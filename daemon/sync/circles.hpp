// Notices a source that leads a reading in circles: a state that was read before, or page after page without a new record.
#pragma once
#include <cstdint>
#include <map>
#include <mutex>
#include <unordered_set>

#include "sync/store.hpp"

namespace xsell::sync {

// Shared by the workers of one engine. What it remembers is bounded; a daemon that starts anew begins with nothing, and finds the
// circle on its next round.
class Circles {
  public:
    // Of consecutive pages of one run: so many may show exactly the ids that an earlier page showed, so many may be empty.
    static constexpr int repeated_pages = 25, empty_pages = 10'000;

    // Call before the page of the claim is read.
    void enter(const Claim &claim);
    // Call when it was read, before it is committed. Throws SyncError (object).
    void check(const Claim &claim, const Page &page);
    // The run is over, or goes on much later.
    void forget(std::int64_t run);

  private:
    struct Reading {
        std::unordered_set<std::uint64_t> states;    // hashes of the states that pages were read from
        std::unordered_set<std::uint64_t> contents;  // hashes of the ids of a page
        std::int64_t last = 0;                       // the page counted last: one that is tried again counts once
        int repeated = 0, empty = 0;
    };
    static void count(Reading &reading, const Claim &claim, const Page &page);
    std::mutex mutex_;
    std::map<std::int64_t, Reading> readings_;
};

}  // namespace xsell::sync
