#include "sync/circles.hpp"

#include <functional>
#include <string>

#include "sync/error.hpp"

namespace xsell::sync {
namespace {

constexpr std::size_t states_kept = 1 << 17, readings_kept = 1 << 10;

std::uint64_t hash(const std::string &text) { return std::hash<std::string>{}(text); }

// The same for the same ids in any order.
std::uint64_t hash_of_ids(const Page &page) {
    std::uint64_t sum = page.records.size();
    for (const auto &record : page.records) sum += hash(record.crm_id) | 1;
    for (const auto &reject : page.rejects) sum += hash(reject.place) | 1;
    return sum;
}

}  // namespace

void Circles::enter(const Claim &claim) {
    const std::lock_guard guard(mutex_);
    if (readings_.size() > readings_kept) readings_.clear();
    Reading &reading = readings_[claim.run];
    if (reading.states.size() >= states_kept) reading.states.clear();
    if (reading.contents.size() >= states_kept) reading.contents.clear();
    reading.states.insert(hash(claim.state));
}

void Circles::check(const Claim &claim, const Page &page) {
    if (page.done) return forget(claim.run);  // nothing follows, or a set of pages that lead nowhere
    const std::lock_guard guard(mutex_);
    Reading &reading = readings_[claim.run];
    if (reading.states.contains(hash(page.next_state)))
        throw SyncError(Fault::object,
                        "the source leads back to a page that was already read; stopped instead of reading in circles");
    if (reading.last != claim.page) count(reading, claim, page);
}

void Circles::count(Reading &reading, const Claim &claim, const Page &page) {
    reading.last = claim.page;
    const bool is_empty = page.records.empty() && page.rejects.empty();
    reading.empty = is_empty ? reading.empty + 1 : 0;
    if (!is_empty) reading.repeated = reading.contents.insert(hash_of_ids(page)).second ? 0 : reading.repeated + 1;
    if (reading.repeated >= repeated_pages || reading.empty >= empty_pages)
        throw SyncError(Fault::object,
                        std::to_string(is_empty ? reading.empty : reading.repeated) +
                            " pages in a row brought no record that is new; stopped instead of reading in circles");
}

void Circles::forget(std::int64_t run) {
    const std::lock_guard guard(mutex_);
    readings_.erase(run);
}

}  // namespace xsell::sync
