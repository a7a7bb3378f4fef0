#include "connectors/salesforce/passes.hpp"

#include <set>
#include <utility>

#include <spdlog/spdlog.h>

#include "connectors/parts.hpp"
#include "connectors/salesforce/bulk.hpp"
#include "connectors/salesforce/faults.hpp"
#include "connectors/salesforce/money.hpp"
#include "sync/convert.hpp"

namespace xsell::connectors::salesforce {
namespace {

using sync::Fault;
using sync::SyncError;

constexpr std::int64_t minute = 60'000'000;
constexpr std::int64_t longest_job = 24 * 60 * minute;
constexpr std::int64_t look_stored = 10 * minute;  // a page that waits for ever is given up; one that moves on is not
constexpr int most_jobs = 3;                       // for one pass: results may expire

// Says whether it was the last page, and where the next one is.
bool is_last(const Listing &listing, const Window &window, const std::string &what, std::string &next) {
    const auto done = listing.rest.find("done");
    next = member(listing.rest, "nextRecordsUrl");
    if (!listing.found || done == listing.rest.end() || !done->is_boolean() || (!done->get<bool>() && next.empty()))
        throw SyncError(Fault::transient, what + ": the page does not say whether it is the last");
    if (!done->get<bool>() && next == window.next) throw SyncError(Fault::object, what + ": the next page is the same page");
    if (done->get<bool>()) next.clear();
    return done->get<bool>();
}

}  // namespace

bool Passes::step(const sync::Object &object, const std::vector<Part *> &list, Reading &reading, sync::Page &page) {
    const Part &part = *list[reading.part];
    if (!reading.spent.empty()) drop_job(api_, std::exchange(reading.spent, {}));
    if (reading.way == Way::undecided && may_bulk(part) && *bulk_from_ == 0) reading.way = Way::bulk;
    try {
        if (reading.way == Way::bulk) {
            const Outcome outcome = by_job(object, list, reading, page);
            if (outcome != Outcome::refused) return outcome == Outcome::over;
            reading.way = Way::rest;
        }
        return by_query(object, list, reading, page);
    } catch (const SyncError &error) {
        if (!part.source->leads_to || error.fault != Fault::object) throw;
        spdlog::debug("salesforce: {}; {} is not watched", error.what(), part.source->name);
        return true;
    }
}

// The response with the next page; nothing when the query turned out to be one for a job.
std::optional<http::Response> Passes::next_page(Part &part, Reading &reading) {
    Window &window = reading.window;
    for (bool described = false;;) {
        const bool paging = !window.next.empty();
        auto response = paging ? api_.get(window.next) : api_.query_all(select(scope_of(api_, part), window));
        const std::string code = response.status == 400 ? error_code(response) : "";
        if (paging && (code == "INVALID_QUERY_LOCATOR" || response.status == 404)) {
            window.next.clear();  // the server has forgotten the page; the last record read tells where to go on
        } else if (code == "QUERY_TIMEOUT" || code == "OPERATION_TOO_LARGE") {
            if (reading.full && reading.way == Way::undecided && may_bulk(part)) {
                reading.way = Way::bulk;
                return std::nullopt;
            }
            if (!narrow(window)) require_good(response, part.source->name);
        } else if (code == "INVALID_FIELD" && !described && !paging) {
            described = true;
            if (!describe(api_, part)) require_good(response, part.source->name);
        } else {
            require_good(response, part.source->name);
            return response;
        }
    }
}

bool Passes::by_query(const sync::Object &object, const std::vector<Part *> &list, Reading &reading, sync::Page &page) {
    Part &part = *list[reading.part];
    Window &window = reading.window;
    auto response = next_page(part, reading);
    if (!response) return false;
    auto listing = read_listing(std::move(response->body), "records");
    std::string next;
    const bool last = is_last(listing, window, part.source->name, next);
    map(object, list, reading, listing.records, page);
    if (!listing.records.empty()) {
        const auto stamp = text_at(listing.records.back(), "SystemModstamp");
        window.at = stamp ? sync::to_micros(*stamp) : std::nullopt;
        window.id = text_at(listing.records.back(), "Id").value_or("");
        if (!window.at || !is_id(window.id))
            throw SyncError(Fault::object, std::string(part.source->name) + ": a record without Id or SystemModstamp");
    }
    window.next = next;
    if (std::exchange(reading.way, Way::rest) == Way::undecided) {
        const auto size = listing.rest.value("totalSize", nlohmann::json());
        const std::int64_t total = size.is_number_integer() ? size.get<std::int64_t>() : 0;
        reading.total += total;
        page.total = reading.total;
        if (!last && may_bulk(part) && total >= *bulk_from_) {
            reading.way = Way::bulk;  // for what follows
            window.next.clear();
            if (window.down && window.at)
                window.high = *window.at;
            else if (window.at)
                window.low = window.at;
        }
    }
    return last && !advance(window);
}

// Looks at a job that is not known to be complete; false when it is.
bool Passes::job_runs(Reading &reading, Outcome &outcome) {
    Job &job = *reading.job;
    Progress progress = look_at(api_, job);
    const std::int64_t now = require_time(api_.session());
    if (progress == Progress::running && now - job.made > longest_job) progress = Progress::failed;
    if (progress == Progress::complete) {
        job.complete = true;
        return false;
    }
    outcome = progress == Progress::failed ? Outcome::refused : Outcome::more;
    if (progress == Progress::running) {
        if (now - job.looked < look_stored)
            throw SyncError(Fault::transient, "the bulk query " + job.id + " is not done yet", job_wait(job, now));
        job.looked = now;
        return true;
    }
    if (progress == Progress::failed) reading.spent = path_of(job);
    reading.job.reset();
    return true;
}

Passes::Outcome Passes::by_job(const sync::Object &object, const std::vector<Part *> &list, Reading &reading, sync::Page &page) {
    Part &part = *list[reading.part];
    if (!reading.job) {
        if (++reading.jobs > most_jobs) return Outcome::refused;
        reading.job = make_job(api_, select_all(scope_of(api_, part), reading.window));
        return reading.job ? Outcome::more : Outcome::refused;
    }
    if (Outcome outcome; !reading.job->complete && job_runs(reading, outcome)) return outcome;
    if (!part.described) describe(api_, part);  // for the types of the cells
    auto results = read_results(api_, *reading.job, part.source->name, part.description);
    if (!results) {
        reading.job.reset();  // they have expired: another job reads everything again
        return Outcome::more;
    }
    const std::vector<std::string_view> raws(results->records.begin(), results->records.end());
    map(object, list, reading, raws, page);
    for (auto &record : page.records)
        record.repaired |= results->repaired && record.raw.find("\xEF\xBF\xBD") != std::string::npos;
    reading.job->locator = results->locator;
    if (!results->locator.empty()) return Outcome::more;
    reading.spent = path_of(*reading.job);
    reading.job.reset();
    return Outcome::over;
}

void Passes::map(const sync::Object &object, const std::vector<Part *> &list, const Reading &reading,
                 std::span<const std::string_view> raws, sync::Page &page) {
    Part &part = *list[reading.part];
    if (part.source->leads_to)
        map_led(object, *list.front(), part.source->leads_to, raws, page);
    else
        map_plain(object, part, raws, page);
}

void Passes::map_plain(const sync::Object &object, Part &part, std::span<const std::string_view> raws, sync::Page &page) {
    if (object.name == "product" && prices_) {
        try {
            const auto priced = with_prices(api_, raws, multi_currency_);
            const std::vector<std::string_view> views(priced.begin(), priced.end());
            return part.mapper.map(object, views, page);
        } catch (const SyncError &error) {
            if (error.fault != Fault::object) throw;
            spdlog::info("salesforce: {}; products have no price", error.what());
            prices_ = false;
        }
    }
    part.mapper.map(object, raws, page);
}

// Reads the records that these name in a field.
void Passes::map_led(const sync::Object &object, Part &target, const char *field, std::span<const std::string_view> raws,
                     sync::Page &page) {
    std::set<std::string> named;
    for (const auto raw : raws) {
        if (auto id = text_at(raw, field); id && is_id(*id)) named.insert(std::move(*id));
    }
    std::vector<std::string> ids(named.begin(), named.end());
    while (!ids.empty()) {
        Scope scope = scope_of(api_, target);
        scope.filter = take_ids("Id", ids);
        Window window;
        for (bool last = false; !last;) {
            auto response = window.next.empty() ? api_.query_all(select(scope, window)) : api_.get(window.next);
            require_good(response, target.source->name);
            auto listing = read_listing(std::move(response.body), "records");
            std::string next;
            last = is_last(listing, window, target.source->name, next);
            window.next = next;
            map_plain(object, target, listing.records, page);
        }
    }
}

}  // namespace xsell::connectors::salesforce
