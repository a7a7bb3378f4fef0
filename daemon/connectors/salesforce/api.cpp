#include "connectors/salesforce/api.hpp"

#include <algorithm>
#include <cstdio>

#include "connectors/parts.hpp"
#include "connectors/salesforce/faults.hpp"
#include "connectors/salesforce/query.hpp"
#include "http/address.hpp"
#include "sync/convert.hpp"

namespace xsell::connectors::salesforce {
namespace {

using nlohmann::json;
using sync::Fault;
using sync::SyncError;

constexpr std::size_t longest_path = 15'000;       // of the 16 KB that an address and its headers may have
constexpr std::int64_t look_back = 3'600'000'000;  // for open transactions
constexpr int most_pages = 1000;                   // of a query that should be small

// A body that is cut says nothing of what the org has.
json whole(const http::Response &response, const std::string &what) {
    auto body = json_body(response);
    if (!body.is_object()) throw SyncError(Fault::transient, what + ": the response is no complete JSON");
    return body;
}

}  // namespace

bool Description::has(const std::string &field) const { return types.contains(field.substr(0, field.find('.'))); }

std::string Description::type(const std::string &field) const {
    const auto found = types.find(field);
    return found == types.end() ? "" : found->second;
}

Api::Api(const Settings &settings)
    : quota_(static_cast<double>(settings.integer("quota_percent", 80, 1, 100)),
             static_cast<double>(settings.integer("run_percent", 25, 1, 100))) {
    version_ = settings.text("api_version", "v60.0");
    if (!version_.starts_with('v')) version_ = "v" + version_;
    if (version_.find_first_not_of("0123456789.", 1) != std::string::npos || version_.size() < 2)
        settings.problem("api_version: is not of the form v60.0");
}

void Api::connect(http::Trust trust, Session::Login login, std::shared_ptr<sync::Host> host) {
    session_.emplace(std::move(trust), std::move(login), std::move(host));
    session_->watch([this](const http::Response &response) { watch(response); });
}

void Api::watch(const http::Response &response) {
    if (response.status == 401 && is_for_good(response)) require_good(response, "session");
    if (const auto usage = usage_of(response)) quota_.seen(usage->used, usage->limit, session_->server_time(), session_->host());
}

http::Response Api::get(const std::string &path) {
    quota_.require();
    return session_->get(path);
}

http::Response Api::send(const http::Request &request, const std::string &path) {
    quota_.require();
    return session_->request(request, path);
}

http::Response Api::query_all(const std::string &soql) {
    const std::string query = "/queryAll?q=" + http::encode(soql);
    if (data().size() + query.size() > longest_path) return by_body(query);
    auto response = get(data() + query);
    return response.status == 414 || response.status == 431 ? by_body(query) : response;
}

// The answer to the only request of a batch, as if it had been made by itself.
http::Response Api::by_body(const std::string &query) {
    const json batch = {{"batchRequests", json::array({{{"method", "GET"}, {"url", version_ + query}}})}};
    quota_.require();
    auto response = session_->post(data() + "/composite/batch", batch);
    if (response.status != 200) return response;
    // In the order that it came in; what json_body refuses nests too deep to be written out again.
    const auto body = nlohmann::ordered_json::parse(json_body(response).is_object() ? response.body : "", nullptr, false);
    try {
        const auto &result = body.at("results").at(0);
        response.status = result.at("statusCode").get<int>();
        response.body = result.at("result").dump();
    } catch (const json::exception &) {
        throw SyncError(Fault::transient, "composite/batch: the response is no complete JSON");
    }
    return response;
}

json Api::rows(const std::string &soql, const std::string &what) {
    json all = json::array();
    std::string path = data() + "/query?q=" + http::encode(soql);
    for (int page = 0; page < most_pages; ++page) {
        const auto response = get(path);
        require_good(response, what);
        const auto body = whole(response, what);
        const auto records = body.find("records");
        if (records == body.end() || !records->is_array())
            throw SyncError(Fault::transient, what + ": the response is no complete JSON");
        all.insert(all.end(), records->begin(), records->end());
        const std::string next = member(body, "nextRecordsUrl");
        if (body.value("done", json()) == true) return all;
        if (next.empty()) throw SyncError(Fault::transient, what + ": the page does not say whether it is the last");
        if (next == path) throw SyncError(Fault::object, what + ": the next page is the same page");
        path = next;
    }
    throw SyncError(Fault::object, what + ": the pages have no end");
}

std::int64_t Api::now() {
    const auto response = get(data() + "/limits");
    // Its date is wanted, not its content: not every user may see the limits.
    if (!is_refusal(response)) require_good(response, "limits");
    return require_time(*session_);
}

std::optional<Description> Api::describe(const std::string &object) {
    const auto response = get(data() + "/sobjects/" + object + "/describe");
    if (is_refusal(response)) return std::nullopt;
    require_good(response, object);
    const auto body = whole(response, object);
    if (!body.contains("fields") || !body["fields"].is_array()) return std::nullopt;
    Description description;
    description.replicateable = body.value("replicateable", json()) != false;
    for (const auto &field : body["fields"]) {
        if (!field.is_object() || field.value("deprecatedAndHidden", json()) == true) continue;
        description.types[member(field, "name")] = member(field, "type");
        if (const auto relation = member(field, "relationshipName"); !relation.empty()) description.types[relation] = "relation";
    }
    return description.has("Id") ? std::optional(description) : std::nullopt;
}

std::optional<std::int64_t> Api::covered(const std::string &object, std::int64_t now) {
    const auto response = get(data() + "/sobjects/" + object + "/updated/?start=" + http::encode(literal(now - look_back)) +
                              "&end=" + http::encode(literal(now)));
    if (is_refusal(response)) return std::nullopt;
    require_good(response, object);
    return sync::to_micros(member(whole(response, object), "latestDateCovered"));
}

std::optional<std::int64_t> Api::count(const std::string &object, bool recycled) {
    // queryAll also counts archived activities.
    const std::string soql = "SELECT COUNT() FROM " + object + (recycled ? " WHERE IsDeleted = false" : "");
    try {
        const auto response = recycled ? query_all(soql) : get(data() + "/query?q=" + http::encode(soql));
        if (response.status == 200) {
            const auto total = json_body(response).value("totalSize", json());
            return total.is_number_integer() ? std::optional(total.get<std::int64_t>()) : std::nullopt;
        }
        // A count of millions may take too long; the server's own estimate is a day old at most.
        const auto estimate = json_body(get(data() + "/limits/recordCount?sObjects=" + object));
        if (!estimate.is_object()) return std::nullopt;
        for (const auto &entry : estimate.value("sObjects", json::array())) {
            if (member(entry, "name") == object && entry["count"].is_number_integer()) return entry["count"].get<std::int64_t>();
        }
    } catch (const json::exception &) {
        return std::nullopt;
    } catch (const SyncError &error) {
        if (error.fault == Fault::stopped) throw;
    }
    return std::nullopt;
}

bool is_refusal(const http::Response &response) {
    if (response.status < 400 || response.status >= 500 || response.status == 401 || is_transient(response.status)) return false;
    const std::string code = error_code(response);
    return code != "REQUEST_LIMIT_EXCEEDED" && code != "LIMIT_EXCEEDED" && code != "UNABLE_TO_LOCK_ROW";
}

}  // namespace xsell::connectors::salesforce
