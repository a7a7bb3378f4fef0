#include "connectors/hubspot/api.hpp"

#include <charconv>

#include "connectors/hubspot/faults.hpp"
#include "connectors/parts.hpp"
#include "http/address.hpp"

namespace xsell::connectors::hubspot {
namespace {

using nlohmann::json;

constexpr std::int64_t list_page = 100;
constexpr std::size_t longest_path = 15'000;  // of the 16 KB that an address may have
constexpr double usual_rate = 100;            // requests in ten seconds: those of the smallest private app
// Five searches a second are allowed, and their responses tell nothing of it.
constexpr sync::Budget searches{"search", 4, 1};

double number_header(const http::Response &response, const char *name) {
    const auto text = response.header(name);
    double value = 0;
    if (text) std::from_chars(text->data(), text->data() + text->size(), value);
    return value;
}

std::string joined(const std::vector<std::string> &list) {
    std::string text;
    for (const auto &item : list) text += (text.empty() ? "" : ",") + item;
    return text;
}

// HubSpot may say 200 and send an error: to take it for an empty list would sweep away everything.
Listing results_of(http::Response response, const Part &part) {
    require_good(response, part.source->type);
    auto listing = read_listing(std::move(response.body), "results");
    const std::string message = member(listing.rest, "message");
    if (!listing.found)
        throw sync::SyncError(sync::Fault::transient, std::string(part.source->type) + ": the response holds no results" +
                                                          (message.empty() ? "" : ": " + brief(message)));
    return listing;
}

}  // namespace

std::vector<std::string> Part::properties() const {
    auto list = mapper.sources();
    if (searchable()) list.emplace_back(merged_ids);
    return list;
}

Api::Api(const Settings &settings)
    : objects_path_(settings.text("objects_path", "/crm/v3/objects")),
      quota_(static_cast<double>(settings.integer("quota_percent", 80, 1, 100)), 100),
      most_(static_cast<double>(settings.integer("requests_per_10s", 0, 0, 1000))) {
    if (!objects_path_.starts_with('/') || objects_path_.ends_with('/'))
        settings.problem("objects_path: is not of the form /crm/v3/objects");
}

void Api::connect(http::Trust trust, Session::Login login, std::shared_ptr<sync::Host> host) {
    session_.emplace(std::move(trust), std::move(login), std::move(host));
    session_->watch([this](const http::Response &response) { watch(response); });
    set_rate(most_ > 0 ? most_ : usual_rate, 10);
}

// A second's worth at once, and the rest at nine tenths of the rate: no ten seconds see more than the limit.
void Api::set_rate(double per_interval, double seconds) {
    session_->budget({"requests", per_interval / seconds * 0.9, per_interval / seconds});
}

void Api::watch(const http::Response &response) {
    const double day = number_header(response, "x-hubspot-ratelimit-daily"),
                 left = number_header(response, "x-hubspot-ratelimit-daily-remaining");
    if (day > 0) quota_.seen(day - left, day, session_->server_time(), session_->host());
    const double most = number_header(response, "x-hubspot-ratelimit-max"),
                 millis = number_header(response, "x-hubspot-ratelimit-interval-milliseconds");
    if (most <= 0 || millis <= 0 || most == stated_) return;
    stated_ = most;
    const double ours = most_ * millis / 10'000;
    set_rate(ours > 0 ? std::min(ours, most) : most, millis / 1000);
}

std::string Api::path(const Part &part) const {
    return part.searchable() ? objects_path_ + "/" + part.source->type : "/crm/v3/owners";
}

std::int64_t Api::now() {
    const auto response = session_->get("/crm/v3/owners?limit=1");
    if (response.status != 403) require_good(response, "owners");  // its date is wanted, not its content
    return require_time(*session_);
}

// By id within what was modified: the search refuses to page beyond 10,000 results, and thousands of records may share one time.
// Nothing bounds the time above: a record that changes during the scan is read now or, being later than the scan's start, the
// next time.
Listing Api::search(const Part &part, const std::string &after, std::int64_t since, std::int64_t limit) {
    json filters = json::array({{{"propertyName", "hs_object_id"}, {"operator", "GT"}, {"value", after.empty() ? "0" : after}}});
    if (since > 0)
        filters.push_back(
            {{"propertyName", part.source->modified}, {"operator", "GTE"}, {"value", std::to_string(since / 1000)}});
    const json body = {{"filterGroups", json::array({{{"filters", filters}}})},
                       {"sorts", json::array({{{"propertyName", "hs_object_id"}, {"direction", "ASCENDING"}}})},
                       {"properties", part.properties()},
                       {"limit", limit}};
    auto response = session_->post(path(part) + "/search", body, {{}, 1, &searches});
    return results_of(std::move(response), part);
}

Listing Api::list(const Part &part, bool archived, const std::string &after) {
    std::string address = path(part) + "?limit=" + std::to_string(list_page) + "&archived=" + (archived ? "true" : "false");
    if (!after.empty()) address += "&after=" + http::encode(after);
    std::string fields;
    if (part.searchable()) {
        fields += "&properties=" + http::encode(joined(part.properties()));
        const std::vector<std::string> types(part.source->associations.begin(), part.source->associations.end());
        if (!types.empty()) fields += "&associations=" + http::encode(joined(types));
    }
    const bool fits = address.size() + fields.size() <= longest_path;
    auto response = session_->get(fits ? address + fields : address);
    const bool too_long = response.status == 414;
    if (too_long) response = session_->get(address);
    auto listing = results_of(std::move(response), part);
    if (fits && !too_long) return listing;
    // The list names the records alone; a body has room for all the properties.
    std::vector<std::string> ids;
    for (const auto raw : listing.records) ids.push_back(text_at(raw, "id").value_or(""));
    auto whole = by_ids(part, archived, ids);
    whole.rest = std::move(listing.rest);
    return whole;
}

Listing Api::by_ids(const Part &part, bool archived, const std::vector<std::string> &ids) {
    if (ids.empty()) return read_listing("{\"results\":[]}", "results");
    json inputs = json::array();
    for (const auto &id : ids) inputs.push_back({{"id", id}});
    auto response = session_->post(path(part) + "/batch/read?archived=" + (archived ? "true" : "false"),
                                   {{"properties", part.properties()}, {"inputs", inputs}});
    return results_of(std::move(response), part);
}

}  // namespace xsell::connectors::hubspot
