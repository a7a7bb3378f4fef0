#include "connectors/hubspot/associations.hpp"

#include <algorithm>

#include "connectors/hubspot/faults.hpp"
#include "connectors/hubspot/state.hpp"
#include "connectors/parts.hpp"

namespace xsell::connectors::hubspot {
namespace {

using Json = nlohmann::json;
using sync::Fault;
using sync::SyncError;

constexpr int most_rounds = 1000;  // pages of one batch; a server that goes in circles must not hold us

struct Link {
    std::string id;
    bool primary = false;
};

std::string id_of(const Json &value) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_number_integer()) return value.dump();
    return "";
}

bool is_primary(const Json &target) {
    for (const auto &type : target.value("associationTypes", Json::array())) {
        if (member(type, "label") == "Primary" && member(type, "category") == "HUBSPOT_DEFINED") return true;
    }
    return false;
}

std::vector<std::string> ordered(std::vector<Link> links) {
    std::sort(links.begin(), links.end(),
              [](const Link &a, const Link &b) { return a.primary != b.primary ? a.primary : number(a.id) < number(b.id); });
    std::vector<std::string> ids;
    for (auto &link : links) {
        if (std::find(ids.begin(), ids.end(), link.id) == ids.end()) ids.push_back(std::move(link.id));
    }
    return ids;
}

// Adds what one response says; returns the inputs whose lists go on.
Json take(const Json &body, std::map<std::string, std::vector<Link>> &found) {
    Json more = Json::array();
    for (const auto &result : body.value("results", Json::array())) {
        const std::string from = id_of(result.value("from", Json::object()).value("id", Json()));
        for (const auto &target : result.value("to", Json::array())) {
            const std::string id = id_of(target.value("toObjectId", Json()));
            if (!id.empty()) found[from].push_back({id, is_primary(target)});
        }
        const std::string after =
            id_of(result.value("paging", Json::object()).value("next", Json::object()).value("after", Json()));
        if (!after.empty()) more.push_back({{"id", from}, {"after", after}});
    }
    return more;
}

}  // namespace

Links read_links(Session &session, const std::string &from, const std::string &to, const std::vector<std::string> &ids) {
    std::map<std::string, std::vector<Link>> found;
    Json inputs = Json::array();
    for (const auto &id : ids) inputs.push_back({{"id", id}});
    const std::string path = "/crm/v4/associations/" + from + "/" + to + "/batch/read",
                      what = "associations of " + from + " with " + to;
    for (int round = 0; !inputs.empty(); ++round) {
        if (round == most_rounds) throw SyncError(Fault::object, what + ": the pages have no end");
        const auto response = session.post(path, {{"inputs", inputs}});
        require_good(response, what);
        const Json body = json_body(response);
        if (!body.is_object()) throw SyncError(Fault::transient, what + ": the response is no complete JSON");
        try {
            inputs = take(body, found);
        } catch (const Json::exception &) {
            throw SyncError(Fault::transient, what + ": the response has an unknown form");
        }
    }
    Links links;
    for (auto &[id, list] : found) links[id] = ordered(std::move(list));
    return links;
}

std::string with_links(std::string_view record, const std::string &id, const std::map<std::string, Links> &links) {
    Json related = Json::object();
    for (const auto &[type, ids] : links) {
        if (const auto found = ids.find(id); found != ids.end()) related[type] = found->second;
    }
    return with_member(record, "associations", related.dump());
}

}  // namespace xsell::connectors::hubspot
