#include "connectors/hubspot/connector.hpp"

#include <algorithm>
#include <set>

#include "connectors/hubspot/associations.hpp"
#include "connectors/hubspot/faults.hpp"
#include "connectors/hubspot/field_map.hpp"
#include "connectors/hubspot/login.hpp"
#include "connectors/hubspot/pipelines.hpp"
#include "connectors/hubspot/state.hpp"
#include "connectors/json_map.hpp"
#include "connectors/rest.hpp"
#include "http/address.hpp"
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
constexpr std::int64_t search_page = 200, list_page = 100;

struct Part {
    const Source *source;
    Mapper mapper;
    std::set<std::string> asked;  // properties that the configuration names
    bool searchable() const { return *source->modified != '\0'; }
    std::vector<std::string> properties() const {
        auto list = mapper.sources();
        if (searchable()) list.emplace_back(merged_ids);
        return list;
    }
};

class HubSpot final : public sync::Connector {
  public:
    explicit HubSpot(const Settings &settings)
        : login_(settings),
          lookback_(settings.seconds("lookback", 600) * second),
          full_every_(settings.seconds("full_every", 7 * 86400) * second),
          objects_path_(settings.text("objects_path", "/crm/v3/objects")) {
        if (!objects_path_.starts_with('/') || objects_path_.ends_with('/'))
            settings.problem("objects_path: is not of the form /crm/v3/objects");
        stage_labels_ = settings.flag("stage_labels", false);
        const bool leads = settings.flag("leads", false);
        std::vector<std::string> offered;
        for (const auto &source : sources()) {
            if (source.optional && !leads) continue;
            if (offered.empty() || offered.back() != source.object) offered.emplace_back(source.object);
            add_part(source, settings);
        }
        objects_ = settings.chosen(offered);
        settings.finish();
        session_.emplace(login_.trust(), login_, settings.host);
    }

    std::vector<std::string> objects() const override { return objects_; }
    sync::Page fetch(const sync::Object &object, const std::string &text) override;
    std::optional<std::int64_t> count(const sync::Object &object) override;
    std::vector<Finding> check() override;
    std::int64_t map_hash(const sync::Object &object) const override;

  private:
    void add_part(const Source &source, const Settings &settings);
    std::vector<Part *> parts(const std::string &object);
    Scan begin(const State &state);
    Listing search(const Part &part, const Scan &scan, std::int64_t since, std::int64_t limit);
    Listing list(const Part &part, const Scan &scan);
    void read_found(const sync::Object &object, const Part &part, const Listing &listing, sync::Page &page);
    bool step(const sync::Object &object, const Part &part, const State &state, Scan &scan, sync::Page &page);
    void check_part(const Part &part, std::vector<Finding> &findings);

    Login login_;
    std::int64_t lookback_, full_every_;
    bool stage_labels_ = false;
    std::optional<Pipelines> pipelines_;  // read once a sync
    std::string objects_path_;
    std::vector<std::string> objects_;
    std::vector<Part> parts_;
    std::optional<Session> session_;
};

void HubSpot::add_part(const Source &source, const Settings &settings) {
    Part part{&source, Mapper({"", "", ""}, {}, {}, {}), {}};
    std::map<std::string, std::string> overrides;
    std::vector<std::string> attributes;
    if (const auto found = settings.columns.find(source.object); found != settings.columns.end()) overrides = found->second;
    if (const auto found = settings.attributes.find(source.object); found != settings.attributes.end())
        attributes = found->second;
    part.asked.insert(attributes.begin(), attributes.end());
    for (const auto &[column, property] : overrides) part.asked.insert(property);
    const bool searchable = part.searchable();
    std::vector<Field> fields;
    for (const auto shared : source.fields) fields.insert(fields.end(), shared.begin(), shared.end());
    part.mapper = Mapper({source.type, searchable ? "/id" : "id", searchable ? "properties" : ""}, fields, overrides, attributes);
    parts_.push_back(std::move(part));
}

std::vector<Part *> HubSpot::parts(const std::string &object) {
    std::vector<Part *> list;
    for (auto &part : parts_) {
        if (object == part.source->object) list.push_back(&part);
    }
    if (list.empty()) throw SyncError(Fault::object, "hubspot has no object " + object);
    return list;
}

// Some associations change without moving a record's modified date, so everything is read again once in a while.
Scan HubSpot::begin(const State &state) {
    const auto response = session_->get("/crm/v3/owners?limit=1");
    if (response.status != 403) require_good(response, "owners");  // its date is wanted, not its content
    const auto now = session_->server_time();
    if (!now) throw SyncError(Fault::transient, "the server does not state its time");
    Scan scan;
    scan.start = *now;
    scan.full = !state.watermark || (full_every_ > 0 && scan.start - state.full_at.value_or(0) >= full_every_);
    return scan;
}

// By id within what was modified: the search refuses to page beyond 10,000 results, and thousands of records may share one time.
// Nothing bounds the time above: a record that changes during the scan is read now or, being later than the scan's start, the
// next time.
Listing HubSpot::search(const Part &part, const Scan &scan, std::int64_t since, std::int64_t limit) {
    json filters =
        json::array({{{"propertyName", "hs_object_id"}, {"operator", "GT"}, {"value", scan.after.empty() ? "0" : scan.after}}});
    if (since > 0)
        filters.push_back(
            {{"propertyName", part.source->modified}, {"operator", "GTE"}, {"value", std::to_string(since / 1000)}});
    const json body = {{"filterGroups", json::array({{{"filters", filters}}})},
                       {"sorts", json::array({{{"propertyName", "hs_object_id"}, {"direction", "ASCENDING"}}})},
                       {"properties", part.properties()},
                       {"limit", limit}};
    auto response = session_->post(objects_path_ + "/" + part.source->type + "/search", body);
    require_good(response, part.source->type);
    return read_listing(std::move(response.body), "results");
}

Listing HubSpot::list(const Part &part, const Scan &scan) {
    std::string path = part.searchable() ? objects_path_ + "/" + part.source->type : "/crm/v3/owners";
    path += "?limit=" + std::to_string(list_page) + "&archived=" + (scan.phase == Phase::archived ? "true" : "false");
    if (!scan.after.empty()) path += "&after=" + http::encode(scan.after);
    if (part.searchable()) {
        std::string properties, associations;
        for (const auto &name : part.properties()) properties += (properties.empty() ? "" : ",") + name;
        for (const char *type : part.source->associations) associations += (associations.empty() ? "" : ",") + std::string(type);
        path += "&properties=" + http::encode(properties);
        if (!associations.empty()) path += "&associations=" + http::encode(associations);
    }
    auto response = session_->get(path);
    require_good(response, part.source->type);
    return read_listing(std::move(response.body), "results");
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

void HubSpot::read_found(const sync::Object &object, const Part &part, const Listing &listing, sync::Page &page) {
    std::vector<std::string> ids, owned;
    for (const auto raw : listing.records) ids.push_back(text_at(raw, "id").value_or(""));
    std::map<std::string, Links> links;
    for (const char *type : part.source->associations) links[type] = read_links(*session_, part.source->type, type, ids);
    std::vector<std::string_view> raws = listing.records;
    if (!links.empty()) {
        owned.reserve(raws.size());
        for (std::size_t i = 0; i < raws.size(); ++i) raws[i] = owned.emplace_back(with_links(raws[i], ids[i], links));
    }
    part.mapper.map(object, raws, page);
    for (std::size_t i = 0; i < listing.records.size(); ++i) {
        if (listing.records[i].find(merged_ids) == std::string_view::npos) continue;
        const auto merged = text_at(listing.records[i], std::string("properties.") + merged_ids);
        auto at = text_at(listing.records[i], std::string("properties.") + part.source->modified);
        if (at) at = sync::to_timestamp(*at);
        if (merged && at) add_merged(object, ids[i], *merged, *at, page);
    }
}

// Reads one page; true when the phase is over.
bool HubSpot::step(const sync::Object &object, const Part &part, const State &state, Scan &scan, sync::Page &page) {
    const bool searching = part.searchable() && scan.phase == Phase::live;
    const std::int64_t since = scan.full ? 0 : state.watermark.value_or(0);
    const Listing listing = searching ? search(part, scan, since, search_page) : list(part, scan);
    const auto paging = listing.rest.find("paging");
    const bool more = paging != listing.rest.end() && paging->is_object() && paging->contains("next");
    std::string after;
    if (searching) {
        read_found(object, part, listing, page);
        if (more && !listing.records.empty()) after = text_at(listing.records.back(), "id").value_or("");
        if (more && number(after) <= number(scan.after))
            throw SyncError(Fault::object, std::string(part.source->type) + ": the ids do not ascend");
    } else {
        part.mapper.map(object, listing.records, page);
        if (more) after = member(paging->at("next"), "after");
        if (more && (after.empty() || after == scan.after))
            throw SyncError(Fault::object, std::string(part.source->type) + ": the next page is the same page");
    }
    scan.after = after;
    return !more;
}

sync::Page HubSpot::fetch(const sync::Object &object, const std::string &text) {
    State state = read_state(text);
    const auto list = parts(object.name);
    // Another field map: what was read lacks the new properties, so it is read again from the beginning.
    const std::int64_t map = map_hash(object);
    if (state.map.value_or(map) != map) state = {};
    state.map = map;
    if (!state.scan) {
        state.scan = begin(state);
        pipelines_.reset();
    }
    Scan &scan = *state.scan;
    if (scan.part >= list.size()) throw SyncError(Fault::object, "the stored state is damaged");
    sync::Page page;
    const bool over = step(object, *list[scan.part], state, scan, page);
    if (object.name == "opportunity") {
        if (!pipelines_) pipelines_ = read_pipelines(*session_);
        apply_pipelines(*pipelines_, object, stage_labels_, page);
    }
    if (over) {
        if (scan.phase == Phase::archived) ++scan.part;
        scan.phase = scan.phase == Phase::live ? Phase::archived : Phase::live;
    }
    if (scan.part == list.size()) {
        // A change takes a while to become searchable: the next scan begins a while before this one.
        state.watermark = scan.start - lookback_;
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
        for (const Part *part : parts(object.name)) {
            if (!part->searchable()) return std::nullopt;
            const auto found = search(*part, {}, 0, 1).rest.value("total", json());
            if (!found.is_number_integer()) return std::nullopt;
            total += found.get<std::int64_t>();
        }
    } catch (const SyncError &error) {
        if (error.fault == Fault::stopped) throw;
        return std::nullopt;
    }
    return total;
}

void HubSpot::check_part(const Part &part, std::vector<Finding> &findings) {
    const std::string name = std::string(part.source->type) + " -> " + part.source->object;
    try {
        const auto response =
            session_->get((part.searchable() ? objects_path_ + "/" + part.source->type : "/crm/v3/owners") + "?limit=1");
        require_good(response, part.source->type);
        findings.push_back({Finding::Level::ok, name + " can be read"});
        if (part.asked.empty() || !part.searchable()) return;
        // HubSpot silently leaves out properties that do not exist.
        const auto properties = session_->get("/crm/v3/properties/" + std::string(part.source->type));
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
        session_->log_in();
        const auto response = session_->get(objects_path_ + "/companies?limit=1");
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

std::int64_t HubSpot::map_hash(const sync::Object &object) const {
    std::uint64_t hash = stage_labels_ ? 1 : 0;
    for (const auto &part : parts_) {
        if (object.name == part.source->object) hash = hash * 31 + static_cast<std::uint64_t>(part.mapper.hash());
    }
    return static_cast<std::int64_t>(hash);
}

}  // namespace

std::unique_ptr<sync::Connector> make_hubspot(const Settings &settings) { return std::make_unique<HubSpot>(settings); }

}  // namespace xsell::connectors
