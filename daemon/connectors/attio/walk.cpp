#include "connectors/attio/walk.hpp"

#include <algorithm>

#include "sync/error.hpp"

namespace xsell::connectors::attio {
namespace {

using sync::Fault;
using sync::SyncError;

constexpr std::int64_t overlap = 5;
constexpr int most_backs = 100;

// How many rows at the end of the page come after those that were read before; -1 when none of them is there.
std::int64_t fresh_rows(const Walk &walk, const std::vector<std::string> &ids) {
    const auto known = [&](const std::string &id) {
        return std::find(walk.tail.begin(), walk.tail.end(), id) != walk.tail.end();
    };
    const auto last = std::find_if(ids.rbegin(), ids.rend(), known);
    return last == ids.rend() ? -1 : last - ids.rbegin();
}

bool begin(Walk &walk, std::int64_t size, std::int64_t limit) {
    walk.full = std::max<std::int64_t>(size, 1);
    walk.doubted = size < limit;
    return size == 0;
}

}  // namespace

bool advance(Walk &walk, const std::vector<std::string> &ids, std::int64_t limit, const std::string &what) {
    const auto size = static_cast<std::int64_t>(ids.size());
    const bool first = walk.full == 0;
    std::int64_t fresh = first || walk.tail.empty() ? size : fresh_rows(walk, ids);
    if (fresh < 0 && walk.offset > 0) {  // so many rows were deleted before this page that those that follow have passed it
        if (++walk.backs > most_backs) throw SyncError(Fault::transient, what + ": the list changes faster than it can be read");
        walk.went_back = true;
        walk.offset = std::max<std::int64_t>(0, walk.offset - walk.full);
        return false;
    }
    if (fresh < 0) fresh = size;
    if (first && begin(walk, size, limit)) return true;
    if (fresh == 0 && (size < walk.full || walk.doubted)) return true;
    if (fresh == 0 && !walk.went_back) throw SyncError(Fault::object, what + ": the next page is the same page");
    walk.went_back = false;
    const bool last = !first && size < walk.full;
    if (!first) walk.doubted = false;
    walk.full = std::max(walk.full, size);
    walk.seen += fresh;
    const std::int64_t keep = std::min(overlap, size - 1);
    walk.tail.assign(ids.end() - keep, ids.end());
    walk.offset += size - keep;
    return last;
}

}  // namespace xsell::connectors::attio
