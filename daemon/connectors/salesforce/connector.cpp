#include "connectors/salesforce/connector.hpp"

#include <algorithm>
#include <set>

#include <spdlog/spdlog.h>

#include "connectors/json_map.hpp"
#include "connectors/rest.hpp"
#include "connectors/salesforce/faults.hpp"
#include "connectors/salesforce/field_map.hpp"
#include "connectors/salesforce/login.hpp"
#include "connectors/salesforce/query.hpp"
#include "http/address.hpp"
#include "sync/convert.hpp"

namespace xsell::connectors {
namespace {

using namespace salesforce;
using sync::Fault;
using sync::Finding;
using sync::SyncError;

constexpr std::int64_t second = 1'000'000;
constexpr std::int64_t shortest_slice = 60 * second;
constexpr std::int64_t before_salesforce = 915'148'800 * second;  // 1999-01-01: no record is older

struct Part {
    const Source *source;
    Mapper mapper;
    std::set<std::string> missing;  // fields that this user may not see, or that the org does not have
    Scope scope() const {
        Scope scope{source->name, mapper.sources()};
        std::erase_if(scope.fields, [this](const std::string &field) { return missing.contains(field); });
        return scope;
    }
};

class Salesforce final : public sync::Connector {
  public:
    explicit Salesforce(const Settings &settings)
        : login_(settings),
          lookback_(settings.seconds("lookback", 600) * second),
          quota_percent_(static_cast<double>(settings.integer("quota_percent", 80, 1, 100))) {
        version_ = settings.text("api_version", "v60.0");
        if (!version_.starts_with('v')) version_ = "v" + version_;
        if (version_.find_first_not_of("0123456789.", 1) != std::string::npos)
            settings.problem("api_version: is not of the form v60.0");
        std::vector<std::string> offered;
        for (const auto &source : sources()) {
            if (offered.empty() || offered.back() != source.object) offered.emplace_back(source.object);
        }
        objects_ = settings.chosen(offered);
        const bool multi_currency = settings.flag("multi_currency", false);
        for (const auto &source : sources()) add_part(source, settings, multi_currency);
        settings.finish();
        session_.emplace(login_.trust(), login_, settings.host);
    }

    std::vector<std::string> objects() const override { return objects_; }
    sync::Page fetch(const sync::Object &object, const std::string &text) override;
    std::optional<std::int64_t> count(const sync::Object &object) override;
    std::vector<Finding> check() override;
    std::int64_t map_hash(const sync::Object &object) const override;

  private:
    void add_part(const Source &source, const Settings &settings, bool multi_currency);
    std::vector<Part *> parts(const std::string &object);
    std::int64_t server_now();
    http::Response send(const std::string &path);
    http::Response get(const std::string &path, const std::string &what);
    http::Response query(const std::string &soql, bool all);
    http::Response next_page(Part &part, Window &window);
    bool forget_missing(Part &part);
    void read_page(const sync::Object &object, Part &part, http::Response response, Window &window, sync::Page &page);
    void check_object(Part &part, std::vector<Finding> &findings);
    std::string data() const { return "/services/data/" + version_; }

    Login login_;
    std::int64_t lookback_;
    double quota_percent_;
    bool quota_reached_ = false;
    std::string version_;
    std::vector<std::string> objects_;
    std::vector<Part> parts_;
    std::optional<Session> session_;
};

template <typename Map>
typename Map::mapped_type of(const Map &map, const std::string &object) {
    const auto found = map.find(object);
    return found == map.end() ? typename Map::mapped_type() : found->second;
}

void Salesforce::add_part(const Source &source, const Settings &settings, bool multi_currency) {
    const auto overrides = of(settings.columns, source.object);
    const auto attributes = of(settings.attributes, source.object);
    for (const auto &[column, field] : overrides) {
        if (!is_field(field))
            settings.problem(std::string(source.object) + "." + column + ": '" + field + "' is no Salesforce field name");
    }
    for (const auto &field : attributes) {
        if (!is_field(field))
            settings.problem(std::string(source.object) + " attributes: '" + field + "' is no Salesforce field name");
    }
    std::vector<Field> fields(source.fields.begin(), source.fields.end());
    if (multi_currency && source.currency) fields.push_back({"currency", "CurrencyIsoCode"});
    parts_.push_back({&source, Mapper({source.name, "Id", ""}, fields, overrides, attributes), {}});
}

std::vector<Part *> Salesforce::parts(const std::string &object) {
    std::vector<Part *> list;
    for (auto &part : parts_) {
        if (object == part.source->object) list.push_back(&part);
    }
    if (list.empty()) throw SyncError(Fault::object, "salesforce has no object " + object);
    return list;
}

http::Response Salesforce::send(const std::string &path) {
    if (quota_reached_) throw SyncError(Fault::quota, "the share of the daily requests that quota_percent allows is used up");
    auto response = session_->get(path);
    quota_reached_ = used_percent(response) >= quota_percent_;
    return response;
}

http::Response Salesforce::get(const std::string &path, const std::string &what) {
    auto response = send(path);
    require_good(response, what);
    return response;
}

std::int64_t Salesforce::server_now() {
    quota_reached_ = false;  // a new scan asks anew
    const auto response = send(data() + "/limits");
    // Its date is wanted, not its content: not every user may see the limits.
    if (response.status != 403 || error_code(response) == "REQUEST_LIMIT_EXCEEDED") require_good(response, "limits");
    if (const auto now = session_->server_time()) return *now;
    throw SyncError(Fault::transient, "the server does not state its time");
}

http::Response Salesforce::query(const std::string &soql, bool all) {
    const std::string from = soql.substr(soql.find(" FROM ") + 6);
    return get(data() + (all ? "/queryAll?q=" : "/query?q=") + http::encode(soql), from.substr(0, from.find(' ')));
}

// Drops the fields that describe does not list; false when it lists them all.
bool Salesforce::forget_missing(Part &part) {
    const auto description = json_body(get(data() + "/sobjects/" + part.source->name + "/describe", part.source->name));
    if (!description.is_object())
        throw SyncError(Fault::transient, std::string(part.source->name) + ": the description is no complete JSON");
    std::set<std::string> known;
    for (const auto &field : description.value("fields", nlohmann::json::array())) {
        known.insert(member(field, "name"));
        if (const auto relation = member(field, "relationshipName"); !relation.empty()) known.insert(relation);
    }
    std::string dropped;
    for (const auto &field : part.mapper.sources()) {
        if (known.contains(field.substr(0, field.find('.'))) || part.missing.contains(field)) continue;
        if (field == "Id" || field == "SystemModstamp")
            throw SyncError(Fault::object, std::string(part.source->name) + " has no field " + field);
        dropped += (dropped.empty() ? "" : ", ") + field;
        part.missing.insert(field);
    }
    if (!dropped.empty())
        spdlog::info("salesforce: {} has no fields {}, or this user may not see them; they stay empty", part.source->name,
                     dropped);
    return !dropped.empty();
}

http::Response Salesforce::next_page(Part &part, Window &window) {
    bool described = false;
    for (;;) {
        const bool paging = !window.next.empty();
        const auto path = paging ? window.next : data() + "/queryAll?q=" + http::encode(select(part.scope(), window));
        auto response = send(path);
        const std::string code = response.status == 400 ? error_code(response) : "";
        const std::int64_t low = window.at.value_or(window.low.value_or(before_salesforce));
        if (paging && (code == "INVALID_QUERY_LOCATOR" || response.status == 404)) {
            window.next.clear();  // the server has forgotten the page; the last record read tells where to go on
        } else if ((code == "QUERY_TIMEOUT" || code == "OPERATION_TOO_LARGE") && window.slice - low > shortest_slice) {
            window.slice = low + (window.slice - low) / 2 / second * second;
            window.next.clear();
        } else if (code == "INVALID_FIELD" && !described && !paging) {
            described = true;
            if (!forget_missing(part)) require_good(response, part.source->name);
        } else {
            require_good(response, part.source->name);
            return response;
        }
    }
}

void Salesforce::read_page(const sync::Object &object, Part &part, http::Response response, Window &window, sync::Page &page) {
    auto listing = read_listing(std::move(response.body), "records");
    const auto done = listing.rest.find("done");
    const std::string next = member(listing.rest, "nextRecordsUrl");
    if (done == listing.rest.end() || !done->is_boolean() || (!done->get<bool>() && next.empty())) {
        throw SyncError(Fault::transient, std::string(part.source->name) + ": the page does not say whether it is the last");
    }
    if (!done->get<bool>() && next == window.next)
        throw SyncError(Fault::object, std::string(part.source->name) + ": the next page is the same page");
    part.mapper.map(object, listing.records, page);
    if (!listing.records.empty()) {
        const auto stamp = text_at(listing.records.back(), "SystemModstamp");
        const auto id = text_at(listing.records.back(), "Id");
        window.at = stamp ? sync::to_micros(*stamp) : std::nullopt;
        window.id = id.value_or("");
        if (!window.at || !is_id(window.id))
            throw SyncError(Fault::object, std::string(part.source->name) + ": a record without Id or SystemModstamp");
    }
    window.next = done->get<bool>() ? "" : next;
    if (window.next.empty() && window.slice < window.end) {
        // The next slice may be wider: a window is narrow for the sake of its densest part.
        const std::int64_t width = window.slice - window.low.value_or(before_salesforce);
        window.low = window.slice;
        window.slice = std::min(window.end, window.slice + std::max(2 * width, shortest_slice));
        window.at.reset();
    } else if (window.next.empty()) {
        ++window.part;
        window.at.reset();
    }
}

sync::Page Salesforce::fetch(const sync::Object &object, const std::string &text) {
    State state = read_state(text);
    const auto list = parts(object.name);
    // Another field map: what was read lacks the new fields, so it is read again from the beginning.
    const std::int64_t map = map_hash(object);
    if (state.map.value_or(map) != map) state = {};
    state.map = map;
    if (!state.window) {
        state.window.emplace();
        state.window->low = state.watermark;
        state.window->end = state.window->slice = server_now();
    }
    Window &window = *state.window;
    if (window.part >= list.size()) throw SyncError(Fault::object, "the stored state is damaged");
    sync::Page page;
    const std::size_t part = window.part;
    read_page(object, *list[part], next_page(*list[part], window), window, page);
    if (window.part != part && window.part < list.size()) {
        window.low = state.watermark;  // the next source is read from the same beginning
        window.slice = window.end;
    }
    if (window.part == list.size()) {
        // Transactions that are still open show up later with an older stamp: the next scan begins a while before this one.
        state.watermark = window.end - lookback_;
        state.window.reset();
        page.done = true;
        page.source_count = count(object);
    }
    page.next_state = write_state(state);
    return page;
}

std::optional<std::int64_t> Salesforce::count(const sync::Object &object) {
    std::int64_t total = 0;
    try {
        for (const Part *part : parts(object.name)) {
            const std::string soql = std::string("SELECT COUNT() FROM ") + part->source->name;
            // queryAll also counts archived activities.
            const auto response = part->source->deletes ? query(soql + " WHERE IsDeleted = false", true) : query(soql, false);
            const auto body = json_body(response);
            if (!body.is_object() || !body.contains("totalSize") || !body["totalSize"].is_number_integer()) return std::nullopt;
            total += body["totalSize"].get<std::int64_t>();
        }
    } catch (const SyncError &error) {
        if (error.fault == Fault::stopped) throw;
        return std::nullopt;
    }
    return total;
}

void Salesforce::check_object(Part &part, std::vector<Finding> &findings) {
    const std::string name = std::string(part.source->name) + " -> " + part.source->object;
    try {
        const auto ask = [&] {
            Window window;
            window.slice = window.end = session_->server_time().value_or(0);
            return session_->get(data() + "/queryAll?q=" + http::encode(select(part.scope(), window) + " LIMIT 1"));
        };
        auto response = ask();
        if (response.status == 400 && error_code(response) == "INVALID_FIELD" && forget_missing(part)) response = ask();
        require_good(response, part.source->name);
        std::string list;
        for (const auto &field : part.missing) list += (list.empty() ? "" : ", ") + field;
        if (list.empty())
            findings.push_back({Finding::Level::ok, name + " can be read"});
        else
            findings.push_back({Finding::Level::warning, name + " can be read, but not its fields " + list});
    } catch (const std::exception &error) {
        findings.push_back({Finding::Level::error, name + " cannot be read: " + error.what()});
    }
}

std::vector<Finding> Salesforce::check() {
    std::vector<Finding> findings;
    try {
        session_->log_in();
        findings.push_back({Finding::Level::ok, "logged in"});
        const auto response = session_->get(data() + "/limits");
        if (response.status != 403 || error_code(response) == "REQUEST_LIMIT_EXCEEDED") require_good(response, "limits");
        if (used_percent(response) >= quota_percent_) {
            findings.push_back(
                {Finding::Level::warning, "more of the daily requests is used up than quota_percent allows: syncs wait"});
        }
    } catch (const std::exception &error) {
        findings.push_back({Finding::Level::error, error.what()});
        return findings;
    }
    for (auto &part : parts_) {
        if (std::find(objects_.begin(), objects_.end(), part.source->object) != objects_.end()) check_object(part, findings);
    }
    return findings;
}

std::int64_t Salesforce::map_hash(const sync::Object &object) const {
    std::uint64_t hash = 0;
    for (const auto &part : parts_) {
        if (object.name == part.source->object) hash = hash * 31 + static_cast<std::uint64_t>(part.mapper.hash());
    }
    return static_cast<std::int64_t>(hash);
}

}  // namespace

std::unique_ptr<sync::Connector> make_salesforce(const Settings &settings) { return std::make_unique<Salesforce>(settings); }

}  // namespace xsell::connectors
