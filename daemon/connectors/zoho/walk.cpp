#include "connectors/zoho/walk.hpp"

#include <algorithm>

#include "sync/convert.hpp"

namespace xsell::connectors::zoho {
namespace {

using sync::Fault;
using sync::SyncError;

constexpr std::int64_t most_pages = 5000;  // 100,000 rows, however short a server makes its pages
constexpr std::int64_t most_walks = 3;

void rewind(Scan &scan) {
    scan.page = 1;
    scan.token.clear();
    scan.first.clear();
    scan.pages = 0;
}

std::optional<std::int64_t> modified(std::string_view row) {
    const auto text = text_at(row, "Modified_Time");
    return text ? sync::to_micros(*text) : std::nullopt;
}

// Lists by number have no cursor to compare: the page says its own number or, failing that, must not begin like the one before.
void require_moved(Scan &scan, const List &list, const std::string &name) {
    const std::string first = list.listing.records.empty() ? "" : text_at(list.listing.records.front(), "id").value_or("");
    const bool numbered = scan.token.empty();
    const bool stuck = list.page ? numbered && *list.page != scan.page : !first.empty() && first == scan.first;
    if (list.more && stuck) throw SyncError(Fault::object, name + ": the next page is the same page");
    scan.first = first;
    if (++scan.pages > most_pages) throw SyncError(Fault::object, name + ": the pages have no end");
}

// How far the walk has come. `disordered`: the server does not sort.
void measure(Scan &scan, const List &list) {
    for (const auto row : list.listing.records) {
        const auto at = modified(row);
        if (!at) continue;
        const bool back = scan.reached && (scan.oldest_first ? *at < *scan.reached : *at > *scan.reached);
        if (back)
            scan.disordered = true;
        else
            scan.reached = at;
    }
}

}  // namespace

bool at_wall(const Scan &scan) { return scan.token.empty() && scan.page > numbered_pages; }

bool advance(Scan &scan, const List &list, const std::string &name) {
    require_moved(scan, list, name);
    if (list.more && !scan.token.empty() && list.token == scan.token)
        throw SyncError(Fault::object, name + ": the next page is the same page");
    measure(scan, list);
    if (!list.more) return false;
    if (scan.oldest_first && scan.until && !scan.disordered && scan.reached && *scan.reached > *scan.until) return false;
    if (scan.again > 0 && !scan.disordered && scan.page >= numbered_pages && scan.reached && *scan.reached < scan.start)
        return false;
    ++scan.page;
    // A walk from old to new is only taken where pages by number do not reach: each change would shift them.
    const bool by_token = scan.oldest_first || scan.page > numbered_pages;
    scan.token = by_token ? list.token : "";
    return true;
}

bool next_number(Scan &scan, const List &list, const std::string &name) {
    require_moved(scan, list, name);
    ++scan.page;
    return list.more;
}

void restart(Scan &scan, const WalkBroken &broken) {
    if (!scan.oldest_first) {
        scan.oldest_first = true;
        if (!scan.disordered) scan.until = scan.reached;
        if (scan.again > 0) scan.low = scan.start;  // only what is new was wanted
    } else if (!scan.disordered && scan.reached && (!scan.low || *scan.reached > *scan.low)) {
        scan.low = scan.reached;
    } else if (broken.limit) {
        throw SyncError(Fault::object, std::string(broken.what()) + "; more records than Zoho lists share one Modified_Time");
    }
    scan.reached.reset();
    scan.disordered = false;
    rewind(scan);
}

void to_deleted(Scan &scan) {
    const std::int64_t pages = scan.pages;
    rewind(scan);
    scan.phase = Phase::deleted;
    scan.walked = pages;
}

bool worth_another_walk(const Scan &scan) {
    return scan.walked > 1 && scan.again < most_walks && (scan.struck || (scan.full && scan.again == 0));
}

void walk_again(Scan &scan, std::int64_t now) {
    rewind(scan);
    scan.phase = Phase::live;
    scan.oldest_first = scan.struck = scan.disordered = false;
    scan.reached.reset();
    scan.until.reset();
    scan.low.reset();
    scan.looked = now;
    ++scan.again;
}

void next_part(Scan &scan) {
    Scan next;
    next.start = next.looked = scan.start;
    next.full = scan.full;
    next.seen = scan.seen;
    next.lost = scan.lost;
    next.part = scan.part + 1;
    scan = next;
}

}  // namespace xsell::connectors::zoho
