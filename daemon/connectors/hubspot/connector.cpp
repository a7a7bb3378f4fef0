#include "connectors/hubspot/connector.hpp"

#include <algorithm>
#include <set>

#include "connectors/hubspot/api.hpp"
#include "connectors/hubspot/associations.hpp"
#include "connectors/hubspot/faults.hpp"
#include "connectors/hubspot/login.hpp"
#include "connectors/hubspot/pipelines.hpp"
#include "connectors/hubspot/rates.hpp"
#include "connectors/hubspot/state.hpp"
#include "connectors/parts.hpp"
#include "sync/convert.hpp"
#include "sync/text.hpp"

namespace xsell::connectors {
namespace {

using namespace hubspot;
using nlohmann::json;
using sync::Fault;
using sync::Finding;
using sync::SyncError;

constexpr std::int64_t second = 1'000'000;
// null when it is not there.
json member_at(const json &value, const char *pointer) { return value.value(json::json_pointer(pointer), json()); }

constexpr std::int64_t search_page = 200;
constexpr std::size_t batch = 100;               // ids that may be asked for at once
constexpr std::int64_t index_lag = 60 * second;  // a change is searchable by then

class HubSpot final : public sync::Connector {
  public:
    explicit HubSpot(const Settings &settings);
    std::vector<std::string> objects() const override { return objects_; }
    sync::Page fetch(const sync::Object &object, const std::string &text) override;
    std::optional<std::int64_t> count(const sync::Object &object) override;
    std::optional<std::string> since(const sync::Object &object, std::int64_t micros) override;
    sync::Page replay(const sync::Object &object, const std::vector<std::string> &payloads) override;
    std::vector<Finding> check() override;
    std::int64_t map_hash(const sync::Object &object) const override {
        return hash_of(parts_, object.name, stage_labels_ ? 1 : 0);
    }

  private:
    void add_part(const Source &source, const Settings &settings);
    Scan begin(State &state);
    void read_found(const sync::Object &object, const Part &part, const Listing &listing, sync::Page &page);
    void read_restored(const sync::Object &object, const Part &part, const std::vector<std::string> &ids, sync::Page &page);
    bool step(const sync::Object &object, const Part &part, State &state, sync::Page &page);
    bool search(const sync::Object &object, const Part &part, std::int64_t since, Scan &scan, sync::Page &page);
    bool list(const sync::Object &object, const Part &part, State &state, sync::Page &page);
    void complete(const sync::Object &object, sync::Page &page);
    void check_part(const Part &part, std::vector<Finding> &findings);

    Login login_;
    Api api_;
    std::int64_t lookback_, full_every_;
    bool stage_labels_;
    std::optional<Pipelines> pipelines_;  // read once a sync
    std::vector<std::string> objects_;
    std::vector<Part> parts_;
};

HubSpot::HubSpot(const Settings &settings)
    : login_(settings),
      api_(settings),
      lookback_(settings.seconds("lookback", 600) * second),
      full_every_(settings.seconds("full_every", 7 * 86400) * second),
      stage_labels_(settings.flag("stage_labels", false)) {
    region_of(settings);
    const bool leads = settings.flag("leads", false);
    std::vector<std::string> offered;
    for (const auto &source : sources()) {
        if (source.optional && !leads) continue;
        if (offered.empty() || offered.back() != source.object) offered.emplace_back(source.object);
        add_part(source, settings);
    }
    objects_ = settings.chosen(offered);
    settings.finish();
    api_.connect(login_.trust(), login_, settings.host);
}

void HubSpot::add_part(const Source &source, const Settings &settings) {
    const Choices choices = choices_of(settings, source.object);
    std::set<std::string> asked(choices.attributes.begin(), choices.attributes.end());
    for (const auto &[column, property] : choices.columns) asked.insert(property);
    std::vector<Field> fields;
    for (const auto shared : source.fields) fields.insert(fields.end(), shared.begin(), shared.end());
    const bool folder = *source.modified != '\0';
    const Shape shape{source.type, folder ? "/id" : "id", folder ? "properties" : "", settings.text("region")};
    parts_.push_back({&source, Mapper(shape, fields, choices.columns, choices.attributes), asked});
}

// Some associations change without moving a record's modified date, so everything is read again once in a while. That also finds
// what was deleted for good: it is on no list.
Scan HubSpot::begin(State &state) {
    Scan scan;
    scan.start = api_.now();
    if (!state.full_at && state.watermark) state.full_at = scan.start;
    scan.full = !state.watermark || (full_every_ > 0 && scan.start - *state.full_at >= full_every_);
    return scan;
}

// The records that were merged into one are named by the winner alone. Their text is the same each time, so that the time of the
// merge stays the one that was seen first.
void add_merged(const sync::Object &object, const std::string &winner, const std::string &ids, const std::string &at,
                sync::Page &page) {
    for (std::size_t from = 0; from < ids.size();) {
        const std::size_t to = std::min(ids.find(';', from), ids.size());
        const std::string loser(sync::trim(std::string_view(ids).substr(from, to - from)));
        from = to + 1;
        if (number(loser) == 0 || loser == winner) continue;
        sync::Record record{loser, std::vector<sync::Value>(object.columns.size()),
                            json{{"id", loser}, {"merged_into", winner}}.dump(), false};
        for (std::size_t i = 0; i < object.columns.size(); ++i) {
            const std::string &column = object.columns[i].name;
            if (column == "modified_at" || column == "deleted_at") record.values[i] = at;
            if (column == "merged_into") record.values[i] = winner;
            if (column == "pipeline") record.values[i] = "";
        }
        page.records.push_back(std::move(record));
    }
}

// Of all winners on the page, archived ones too: they may have been archived before anybody saw the merge.
void add_losers(const sync::Object &object, const Part &part, const Listing &listing, sync::Page &page) {
    for (const auto raw : listing.records) {
        if (raw.find(merged_ids) == std::string_view::npos) continue;
        const auto merged = text_at(raw, std::string("properties.") + merged_ids);
        auto at = text_at(raw, std::string("properties.") + part.source->modified);
        if (at) at = sync::to_timestamp(*at);
        if (merged && at) add_merged(object, text_at(raw, "id").value_or(""), *merged, *at, page);
    }
}

void HubSpot::read_found(const sync::Object &object, const Part &part, const Listing &listing, sync::Page &page) {
    std::vector<std::string> ids, owned;
    for (const auto raw : listing.records) ids.push_back(text_at(raw, "id").value_or(""));
    std::map<std::string, Links> links;
    for (const char *type : part.source->associations) links[type] = read_links(api_.session(), part.source->type, type, ids);
    std::vector<std::string_view> raws = listing.records;
    if (!links.empty()) {
        owned.reserve(raws.size());
        for (std::size_t i = 0; i < raws.size(); ++i) raws[i] = owned.emplace_back(with_links(raws[i], ids[i], links));
    }
    part.mapper.map(object, raws, page);
    add_losers(object, part, listing, page);
}

void HubSpot::read_restored(const sync::Object &object, const Part &part, const std::vector<std::string> &ids, sync::Page &page) {
    for (std::size_t from = 0; from < ids.size(); from += batch) {
        const std::size_t to = std::min(from + batch, ids.size());
        read_found(object, part, api_.by_ids(part, false, {&ids[from], &ids[to - 1] + 1}), page);
    }
}

bool HubSpot::search(const sync::Object &object, const Part &part, std::int64_t since, Scan &scan, sync::Page &page) {
    const Listing found = api_.search(part, scan.after, since, search_page);
    const bool more = !member_at(found.rest, "/paging/next").is_null();
    read_found(object, part, found, page);
    if (const json total = member_at(found.rest, "/total"); scan.after.empty() && total.is_number_integer()) {
        scan.total += total.get<std::int64_t>();
        page.total = scan.total;
    }
    if (more && found.records.empty())
        throw SyncError(Fault::transient, std::string(part.source->type) + ": an empty page that is not the last");
    const std::string last = more ? text_at(found.records.back(), "id").value_or("") : "";
    if (more && number(last) <= number(scan.after))
        throw SyncError(Fault::object, std::string(part.source->type) + ": the ids do not ascend");
    scan.after = last;
    return !more;
}

bool HubSpot::list(const sync::Object &object, const Part &part, State &state, sync::Page &page) {
    Scan &scan = *state.scan;
    const bool archived = scan.phase == Phase::archived;
    const Listing found = api_.list(part, archived, scan.after);
    const json next = member_at(found.rest, "/paging/next/after");
    const bool more = !member_at(found.rest, "/paging/next").is_null();
    if (more && (!next.is_string() || next == scan.after))
        throw SyncError(Fault::object, std::string(part.source->type) + ": the next page is the same page");
    part.mapper.map(object, found.records, page);
    if (archived && part.searchable()) {
        add_losers(object, part, found, page);
        std::vector<std::uint64_t> ids;
        for (const auto raw : found.records) ids.push_back(number(text_at(raw, "id").value_or("")));
        read_restored(object, part, replace(state.archived[part.source->type], scan.last, ids, !more), page);
        if (!ids.empty()) scan.last = ids.back();
    }
    scan.after = more ? next.get<std::string>() : "";
    return !more;
}

// Reads one page; true when the phase is over.
bool HubSpot::step(const sync::Object &object, const Part &part, State &state, sync::Page &page) {
    Scan &scan = *state.scan;
    if (!part.searchable() || scan.phase == Phase::archived) return list(object, part, state, page);
    // A clock that was set back: what is changed by it is dated before the watermark.
    const std::int64_t since = scan.full ? 0 : std::min(*state.watermark, scan.start - lookback_);
    return search(object, part, since, scan, page);
}

// What the records do not say themselves.
void HubSpot::complete(const sync::Object &object, sync::Page &page) {
    if (object.name != "opportunity") return;
    if (!pipelines_) pipelines_ = read_pipelines(api_.session());
    apply_pipelines(*pipelines_, object, stage_labels_, page);
}

sync::Page HubSpot::fetch(const sync::Object &object, const std::string &text) {
    State state = read_state(text);
    const auto list = parts_of(parts_, object.name);
    // Another field map: what was read lacks the new properties, so it is read again from the beginning.
    const std::int64_t map = map_hash(object);
    if (state.map.value_or(map) != map) state = {};
    state.map = map;
    api_.require_quota();
    sync::Page page;
    const bool first = !state.scan;
    if (first) {
        state.scan = begin(state);
        pipelines_.reset();
        if (object.name == "opportunity") page.rates = read_rates(api_.session());
    }
    Scan &scan = *state.scan;
    if (scan.part >= list.size() || (!scan.full && !state.watermark)) refuse_state();
    if (scan.full) {
        page.sweep = first ? sync::Sweep::begin : sync::Sweep::go_on;
        page.sweep_at = sync::from_micros(scan.start);
    }
    const bool over = step(object, *list[scan.part], state, page);
    complete(object, page);
    if (over) {
        if (scan.phase == Phase::archived) ++scan.part;
        scan.phase = scan.phase == Phase::live ? Phase::archived : Phase::live;
        scan.last = 0;
    }
    if (scan.part == list.size()) {
        // A change takes a while to become searchable: the next scan begins a while before this one.
        state.watermark = scan.start - std::max(lookback_, index_lag);
        if (scan.full) state.full_at = scan.start;
        state.scan.reset();
        page.done = true;
        page.source_count = count(object);
    }
    page.next_state = write_state(state);
    return page;
}

std::optional<std::int64_t> HubSpot::count(const sync::Object &object) {
    std::int64_t total = 0;
    try {
        for (const Part *part : parts_of(parts_, object.name)) {
            if (!part->searchable()) return std::nullopt;
            const json found = member_at(api_.search(*part, "", 0, 1).rest, "/total");
            if (!found.is_number_integer()) return std::nullopt;
            total += found.get<std::int64_t>();
        }
    } catch (const SyncError &error) {
        if (error.fault == Fault::stopped) throw;
        return std::nullopt;
    }
    return total;
}

std::optional<std::string> HubSpot::since(const sync::Object &object, std::int64_t micros) {
    State state;
    state.watermark = micros;
    state.map = map_hash(object);
    return write_state(state);
}

// Nothing in a record names its type, but it has all the properties that its type is asked for.
sync::Page HubSpot::replay(const sync::Object &object, const std::vector<std::string> &payloads) {
    sync::Page page;
    for (const std::string_view payload : payloads) {
        const Part *best = nullptr;
        std::size_t most = 0;
        for (const Part *part : parts_of(parts_, object.name)) {
            const auto properties = part->properties();
            const auto seen = static_cast<std::size_t>(std::count_if(properties.begin(), properties.end(), [&](const auto &name) {
                return payload.find("\"" + name + "\"") != std::string_view::npos;
            }));
            if (!best || seen > most) best = part, most = seen;
        }
        if (best) best->mapper.map(object, {&payload, 1}, page);
    }
    complete(object, page);
    return page;
}

void HubSpot::check_part(const Part &part, std::vector<Finding> &findings) {
    const std::string name = std::string(part.source->type) + " -> " + part.source->object;
    try {
        const auto response = api_.session().get(api_.path(part) + "?limit=1");
        require_good(response, part.source->type);
        findings.push_back({Finding::Level::ok, name + " can be read"});
        if (part.asked.empty() || !part.searchable()) return;
        // HubSpot silently leaves out properties that do not exist.
        const auto properties = api_.session().get("/crm/v3/properties/" + std::string(part.source->type));
        const auto body = json_body(properties);
        if (properties.status != 200 || !body.is_object()) return;
        std::set<std::string> known;
        for (const auto &property : body.value("results", json::array())) known.insert(member(property, "name"));
        for (const auto &property : part.asked) {
            if (!known.contains(property))
                findings.push_back({Finding::Level::error, name + ": there is no property '" + property + "'"});
        }
    } catch (const std::exception &error) {
        findings.push_back(
            {Finding::Level::error, name + " cannot be read: " + error.what() + "; it needs the scope " + part.source->scope});
    }
}

std::vector<Finding> HubSpot::check() {
    std::vector<Finding> findings;
    try {
        api_.session().log_in();
        const auto response = api_.session().get("/crm/v3/owners?limit=1");
        if (response.status != 403) require_good(response, "login");
        findings.push_back({Finding::Level::ok, "logged in"});
    } catch (const std::exception &error) {
        findings.push_back({Finding::Level::error, error.what()});
        return findings;
    }
    for (const auto &part : parts_) {
        if (std::find(objects_.begin(), objects_.end(), part.source->object) != objects_.end()) check_part(part, findings);
    }
    return findings;
}

}  // namespace

std::unique_ptr<sync::Connector> make_hubspot(const Settings &settings) { return std::make_unique<HubSpot>(settings); }

}  // namespace xsell::connectors
