#include "connectors/pipedrive/connector.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "connectors/json_map.hpp"
#include "connectors/parts.hpp"
#include "connectors/pipedrive/api.hpp"
#include "connectors/pipedrive/dictionary.hpp"
#include "connectors/pipedrive/extras.hpp"
#include "connectors/pipedrive/faults.hpp"
#include "connectors/pipedrive/field_map.hpp"
#include "connectors/pipedrive/state.hpp"
#include "http/address.hpp"
#include "sync/convert.hpp"
#include "sync/text.hpp"

namespace xsell::connectors {
namespace {

using namespace pipedrive;
using nlohmann::json;
using sync::Fault;
using sync::Finding;
using sync::SyncError;

constexpr std::int64_t second = 1'000'000;
constexpr std::size_t most_deals = 100;  // that one call lists the products of
constexpr int most_rounds = 1000;        // pages of the products of those

struct Part {
    const Source *source;
    Mapper mapper;
    Wanted wanted;
    std::int64_t hash;
};

class Pipedrive final : public sync::Connector {
  public:
    explicit Pipedrive(const Settings &settings)
        : lookback_(settings.seconds("lookback", 300) * second),
          full_every_(settings.seconds("full_every", 7 * 86400) * second),
          api_(settings),
          dictionary_(api_, settings.currency) {
        region_of(settings);
        std::vector<std::string> offered;
        for (const auto &source : sources()) {
            if (offered.empty() || offered.back() != source.object) offered.emplace_back(source.object);
            add_part(source, settings);
        }
        objects_ = settings.chosen(offered);
        settings.finish();
        api_.open(settings.host);
    }

    std::vector<std::string> objects() const override { return objects_; }
    sync::Page fetch(const sync::Object &object, const std::string &text) override;
    // None of Pipedrive's lists says how long it is.
    std::optional<std::int64_t> count(const sync::Object &) override { return std::nullopt; }
    std::optional<std::string> since(const sync::Object &object, std::int64_t micros) override;
    sync::Page replay(const sync::Object &object, const std::vector<std::string> &payloads) override;
    std::vector<Finding> check() override;
    std::int64_t map_hash(const sync::Object &object) const override;

  private:
    using Parts = std::vector<Part *>;
    void add_part(const Source &source, const Settings &settings);
    Scan begin(const State &state, const Parts &list);
    void enter(const Source &source, const State &state, Scan &scan) const;
    http::Response read(const Source &source, Scan &scan);
    bool step(const sync::Object &object, const Part &part, Scan &scan, sync::Page &page);
    bool advance(const Parts &list, const State &state, bool single, Scan &scan) const;
    void add_records(const sync::Object &object, const Part &part, const std::vector<std::string_view> &raws, sync::Page &page);
    void add_lines(const sync::Object &object, const Part &part, const Listing &deals, sync::Page &page);
    void check_part(const Part &part, std::vector<Finding> &findings);

    std::int64_t lookback_, full_every_;
    Api api_;
    Dictionary dictionary_;
    std::vector<std::string> objects_;
    std::vector<Part> parts_;
};

// Columns that the configuration fills are found where enrich_wanted puts them.
void Pipedrive::add_part(const Source &source, const Settings &settings) {
    const Choices choices = choices_of(settings, source.object);
    Wanted wanted{choices.columns, choices.attributes, source.fields};
    std::map<std::string, std::string> resolved;
    for (const auto &[column, field] : wanted.columns) resolved[column] = "resolved." + column;
    const Shape shape{source.lines ? "deal product" : source.name, "id", "", settings.text("region")};
    const std::int64_t hash = Mapper(shape, source.own, wanted.columns, wanted.attributes).hash();
    parts_.push_back({&source, Mapper(shape, source.own, resolved, wanted.attributes), std::move(wanted), hash});
}

// Only deals tell that they were deleted, and only for 30 days: once in a while everything is read, and what is not shown is
// gone.
Scan Pipedrive::begin(const State &state, const Parts &list) {
    Scan scan;
    scan.start = api_.server_now();
    const bool due = full_every_ > 0 && state.full_at && scan.start - *state.full_at >= full_every_;
    scan.full = !state.watermark || due || list.front()->source->changes == Changes::none;
    dictionary_.forget();
    enter(*list.front()->source, state, scan);
    return scan;
}

// Sets out to read a list from its beginning. A clock that was set back must not hide what happened since: never from later than
// the source's own now.
void Pipedrive::enter(const Source &source, const State &state, Scan &scan) const {
    Scan fresh;
    fresh.start = scan.start, fresh.full = scan.full, fresh.begun = scan.begun;
    fresh.part = scan.part, fresh.phase = scan.phase;
    const std::int64_t recent = scan.start - lookback_;
    if (scan.phase == Phase::catch_up)
        fresh.low = recent;
    else if (!scan.full)
        fresh.low = std::min(state.watermark.value_or(recent), recent);
    // By position a list must be read from the newest on: then what changes meanwhile pushes others back, and none is passed
    // over.
    fresh.newest_first = source.list.version == Version::v1 || source.changes != Changes::filter || !fresh.low;
    scan = fresh;
}

// The only form of time that Pipedrive takes.
std::string literal(std::int64_t micros) {
    const std::string text = sync::from_micros(micros);
    return text.substr(0, 10) + "T" + text.substr(11, 8) + "Z";
}

std::string query_of(const Source &source, const Scan &scan) {
    if (source.changes == Changes::none) return scan.position > 0 ? "?start=" + std::to_string(scan.position) + "&limit=500" : "";
    std::string query = source.list.version == Version::v1
                            ? "?start=" + std::to_string(scan.position) + "&limit=500&sort=update_time%20DESC"
                            : "?limit=" + std::string(source.lines ? "100" : "500") +
                                  "&sort_by=update_time&sort_direction=" + (scan.newest_first ? "desc" : "asc");
    query += source.query;
    if (scan.low && source.changes == Changes::filter && !scan.refused) query += "&updated_since=" + literal(*scan.low);
    if (scan.high) query += "&updated_until=" + literal(*scan.high);
    if (!scan.cursor.empty()) query += "&cursor=" + http::encode(scan.cursor);
    return query;
}

// A cursor that the server has forgotten: the time of the last record read tells where to go on, where the records came in order.
void restart(Scan &scan) {
    scan.cursor.clear();
    if (scan.ordered && scan.seen && scan.newest_first) scan.high = *scan.seen + second;
    if (scan.ordered && scan.seen && !scan.newest_first) scan.low = std::max(scan.low.value_or(*scan.seen), *scan.seen);
    scan.seen.reset();
    scan.ordered = true;
}

http::Response Pipedrive::read(const Source &source, Scan &scan) {
    for (bool restarted = false;;) {
        auto response = api_.get(source.list, query_of(source, scan));
        if (response.status != 400) return response;
        if (!scan.cursor.empty() && !restarted) {
            restarted = true;
            restart(scan);
        } else if (scan.high && scan.cursor.empty()) {
            scan.high.reset();  // not every list takes updated_until
        } else if (scan.low && source.changes == Changes::filter && !scan.refused && scan.cursor.empty()) {
            spdlog::warn("pipedrive: {} refuse updated_since ({}); they are read from the newest on", source.name,
                         brief(member(json_body(response), "error")));
            scan.refused = scan.newest_first = true;
        } else {
            return response;
        }
    }
}

void follow_order(const Listing &listing, Scan &scan) {
    for (const auto raw : listing.records) {
        auto text = text_at(raw, "update_time");
        if (!text) text = text_at(raw, "add_time");
        const auto time = text ? sync::to_micros(*text) : std::nullopt;
        if (!time || (scan.seen && (scan.newest_first ? *time > *scan.seen : *time < *scan.seen))) scan.ordered = false;
        if (time) scan.seen = time;
    }
}

// Reads one page; true when the list is over.
bool Pipedrive::step(const sync::Object &object, const Part &part, Scan &scan, sync::Page &page) {
    const Source &source = *part.source;
    const auto listing = Api::page(read(source, scan), source.name);
    follow_order(listing, scan);
    if (source.lines)
        add_lines(object, part, listing, page);
    else
        add_records(object, part, listing.records, page);
    const Next next = Api::next(listing, source.list.version, scan.position);
    const bool forward = next.position ? *next.position > scan.position : next.cursor != scan.cursor;
    if (next.more() && !forward) throw SyncError(Fault::object, std::string(source.name) + ": the next page is the same page");
    scan.cursor = next.cursor;
    scan.position = next.position.value_or(0);
    const bool by_order = source.changes == Changes::order || scan.refused;
    const bool past = by_order && scan.low && scan.ordered && scan.seen && *scan.seen < *scan.low;
    return past || !next.more();
}

// To the next list, or to what changed while everything was read; false when the scan is over. `single`: all was on one page.
bool Pipedrive::advance(const Parts &list, const State &state, bool single, Scan &scan) const {
    ++scan.part;
    const bool again = scan.full && scan.phase == Phase::walk && !single && list.front()->source->changes != Changes::none;
    if (scan.part == list.size() && again) scan.part = 0, scan.phase = Phase::catch_up;
    if (scan.part == list.size()) return false;
    enter(*list[scan.part]->source, state, scan);
    return true;
}

sync::Page Pipedrive::fetch(const sync::Object &object, const std::string &text) {
    State state = read_state(text);
    const auto list = parts_of(parts_, object.name);
    // Another field map: what was read lacks the new fields, so it is read again from the beginning.
    const std::int64_t map = map_hash(object);
    if (state.map.value_or(map) != map) state = {};
    state.map = map;
    if (!state.scan) state.scan = begin(state, list);
    Scan &scan = *state.scan;
    if (scan.part >= list.size()) refuse_state();
    sync::Page page;
    const bool first = !scan.begun;
    if (scan.full) {
        page.sweep = first ? sync::Sweep::begin : sync::Sweep::go_on;
        page.sweep_at = sync::from_micros(scan.start);
    }
    scan.begun = true;
    const bool over = step(object, *list[scan.part], scan, page);
    if (over && !advance(list, state, first && list.size() == 1, scan)) {
        state.watermark = scan.start - lookback_;
        if (scan.full || !state.full_at) state.full_at = scan.start;
        state.scan.reset();
        page.done = true;
    }
    page.next_state = write_state(state);
    return page;
}

void Pipedrive::add_records(const sync::Object &object, const Part &part, const std::vector<std::string_view> &raws,
                            sync::Page &page) {
    const Source &source = *part.source;
    const std::size_t records = page.records.size(), rejects = page.rejects.size();
    std::vector<std::string> owned;
    owned.reserve(raws.size());
    std::vector<std::string_view> list = raws;
    for (auto &raw : list) {
        const json record = parse_json(raw);
        if (!record.is_object()) continue;
        note_fields(record, page.fields);
        json extra = json::object();
        if (source.enrich) source.enrich(record, dictionary_, extra);
        enrich_wanted(part.wanted, record, dictionary_, extra);
        raw = owned.emplace_back(with_extras(raw, extra));
    }
    part.mapper.map(object, list, page);
    for (std::size_t i = records; i < page.records.size(); ++i) page.records[i].crm_id.insert(0, source.prefix);
    for (std::size_t i = rejects; i < page.rejects.size(); ++i) {
        if (!page.rejects[i].crm_id.empty()) page.rejects[i].crm_id.insert(0, source.prefix);
    }
}

// A product that was taken off a deal is only missed: all products of every deal that changed are read.
void Pipedrive::add_lines(const sync::Object &object, const Part &part, const Listing &deals, sync::Page &page) {
    std::vector<std::string> parents, live;
    for (const auto raw : deals.records) {
        const auto id = text_at(raw, "id");
        if (!id) continue;
        parents.push_back(*id);
        if (text_at(raw, "status") != "deleted" && text_at(raw, "is_deleted") != "true") live.push_back(*id);
    }
    for (std::size_t from = 0; from < live.size(); from += most_deals) {
        std::string ids, cursor;
        for (std::size_t i = from; i < std::min(live.size(), from + most_deals); ++i) ids += (i == from ? "" : ",") + live[i];
        for (int round = 0;; ++round) {
            const std::string query =
                "?deal_ids=" + ids + "&limit=500" + (cursor.empty() ? "" : "&cursor=" + http::encode(cursor));
            const auto listing = Api::page(api_.get(endpoint::deal_products, query), "products of deals");
            add_records(object, part, listing.records, page);
            const std::string next = Api::next(listing, Version::v2, 0).cursor;
            if (next.empty()) break;
            if (next == cursor || round == most_rounds)
                throw SyncError(Fault::object, "products of deals: the pages have no end");
            cursor = next;
        }
    }
    if (!parents.empty())
        page.replaced = {"opportunity_id", std::move(parents), sync::from_micros(api_.server_time().value_or(0))};
}

std::optional<std::string> Pipedrive::since(const sync::Object &object, std::int64_t micros) {
    if (parts_of(parts_, object.name).front()->source->changes == Changes::none) return std::nullopt;
    State state;
    state.watermark = micros;
    state.map = map_hash(object);
    return write_state(state);
}

sync::Page Pipedrive::replay(const sync::Object &object, const std::vector<std::string> &payloads) {
    const auto list = parts_of(parts_, object.name);
    sync::Page page;
    for (const auto &payload : payloads) {
        // Notes alone have this flag; lists that share their ids share their form.
        const bool note = text_at(payload, "active_flag") && object.name == "activity";
        add_records(object, note ? *list.back() : *list.front(), {payload}, page);
    }
    return page;
}

void Pipedrive::check_part(const Part &part, std::vector<Finding> &findings) {
    const Source &source = *part.source;
    const std::string name = std::string(source.name) + " -> " + source.object;
    try {
        Api::page(api_.get(source.list, "?limit=1"), source.name);
        findings.push_back({Finding::Level::ok, name + " can be read"});
        std::vector<std::string> wanted = part.wanted.attributes;
        for (const auto &[column, field] : part.wanted.columns) wanted.push_back(field);
        for (const auto &field : wanted) {
            if (is_known(field, source.fields, dictionary_)) continue;
            const auto guess = nearest(field, dictionary_.field_names(*source.fields));
            findings.push_back({Finding::Level::error, name + ": there is no field '" + field + "'" +
                                                           (guess ? "; did you mean '" + *guess + "'?" : "")});
        }
    } catch (const SyncError &error) {
        const std::string scope =
            error.fault == Fault::object ? std::string("; an OAuth app needs the scope ") + source.scope : "";
        findings.push_back({Finding::Level::error, name + " cannot be read: " + error.what() + scope});
    }
}

std::vector<Finding> Pipedrive::check() {
    std::vector<Finding> findings;
    try {
        api_.server_now();
        findings.push_back({Finding::Level::ok, "logged in"});
    } catch (const SyncError &error) {
        findings.push_back({Finding::Level::error, error.what()});
        return findings;
    }
    for (const auto &part : parts_) {
        if (std::find(objects_.begin(), objects_.end(), part.source->object) != objects_.end()) check_part(part, findings);
    }
    return findings;
}

std::int64_t Pipedrive::map_hash(const sync::Object &object) const {
    std::uint64_t hash = 0;
    for (const auto &part : parts_) {
        if (object.name == part.source->object) hash = hash * 31 + static_cast<std::uint64_t>(part.hash);
    }
    return static_cast<std::int64_t>(hash);
}

}  // namespace

std::unique_ptr<sync::Connector> make_pipedrive(const Settings &settings) { return std::make_unique<Pipedrive>(settings); }

}  // namespace xsell::connectors
