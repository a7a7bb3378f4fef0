// HubSpot: lists, single records, batch read, search, associations, owners, pipelines, properties, OAuth.
#include "hubspot.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace xsell::simulator {
namespace {

using httplib::Request;
using httplib::Response;
using Json = nlohmann::json;

struct StageInfo {
    const char *id, *label;
    double probability;
    bool closed;
};
constexpr StageInfo stages[] = {{"appointmentscheduled", "Appointment Scheduled", 0.1, false},
                                {"qualifiedtobuy", "Qualified To Buy", 0.2, false},
                                {"presentationscheduled", "Presentation Scheduled", 0.6, false},
                                {"contractsent", "Contract Sent", 0.8, false},
                                {"closedwon", "Closed Won", 1, true},
                                {"closedlost", "Closed Lost", 0, true}};

std::size_t parameter(const Request &req, const char *name, std::size_t usual) {
    return req.has_param(name) ? std::strtoul(req.get_param_value(name).c_str(), nullptr, 10) : usual;
}

std::vector<std::string> names(const Request &req, const char *parameter) {
    std::vector<std::string> all;
    for (std::size_t i = 0; i < req.get_param_value_count(parameter); i++) {
        for (std::string &name : split(req.get_param_value(parameter, i), ',')) all.push_back(std::move(name));
    }
    return all;
}

std::string list_associations(const Crm &crm, const HubType &type, const std::vector<std::string> &wanted, std::size_t row,
                              Time now, HubRelations &relations) {
    std::string out;
    for (const std::string &name : wanted) {
        const HubType *to = hub_type(name);
        auto related = to ? relations.of(crm, type, *to, row, now) : std::vector<Relation>{};
        if (related.empty()) continue;
        std::stable_partition(related.begin(), related.end(), [](const Relation &r) { return r.primary; });
        out += fmt::format(R"({}"{}":{{"results":[)", out.empty() ? "" : ",", replaced(to->name, "_", " "));
        for (std::size_t i = 0; i < std::min<std::size_t>(related.size(), 100); i++) {
            const std::string id = crm.table(*to->source).id(related[i].row),
                              kind = fmt::format("{}_to_{}", type.singular, to->singular);
            if (i > 0) out += ',';
            // Where there is a primary one, it is listed twice: with and without its label.
            if (related[i].primary) out += fmt::format(R"({{"id":"{}","type":"{}"}},)", id, kind);
            const bool unlabelled =
                to->source == Source::account && (type.source == Source::opportunity || type.source == Source::contact);
            out += fmt::format(R"({{"id":"{}","type":"{}{}"}})", id, kind, unlabelled ? "_unlabeled" : "");
        }
        out += ']';
        if (related.size() > 100)
            out += fmt::format(R"(,"paging":{{"next":{{"after":"{}"}}}})", crm.table(*to->source).id(related[100].row));
        out += '}';
    }
    return out;
}

void list(const Request &req, Response &res, const Crm &crm, Time now, HubRelations &relations) {
    const HubType &type = hub_type_or_404(req.matches[1].str());
    const std::size_t limit = parameter(req, "limit", 10);
    if (limit == 0 || limit > 100) throw hubspot_error(400, "VALIDATION_ERROR", "limit must be between 1 and 100");
    const bool archived = req.get_param_value("archived") == "true";
    const auto properties = names(req, "properties"), wanted = names(req, "associations");
    std::string body = R"({"results":[)", next;
    std::size_t found = 0, start = 0;
    const Table *table = type.source ? &crm.table(*type.source) : nullptr;
    if (req.has_param("after") && table) {
        const auto last = table->find(req.get_param_value("after"));
        if (!last) throw hubspot_error(400, "VALIDATION_ERROR", "after is not a cursor of this list");
        start = *last + 1;
    }
    std::string last;
    for (std::size_t row = start; table && row < table->size(); row++) {
        const bool shown = archived ? table->visible(row, now) && table->row(row).deleted != 0 && table->row(row).merged_into == 0
                                    : table->live(row, now);
        if (!shown) continue;
        if (found == limit) {
            next = last;
            break;
        }
        if (found++ > 0) body += ',';
        append_hub_record(body, crm, type, properties, row, list_associations(crm, type, wanted, row, now, relations));
        last = table->id(row);
    }
    body += ']';
    if (!next.empty()) body += fmt::format(R"(,"paging":{{"next":{{"after":"{}","link":"?after={}"}}}})", next, next);
    json(res, body + "}");
}

// Asked for a merged record, HubSpot answers with the winner.
std::optional<std::size_t> resolve(const Table &table, const std::string &id, Time now) {
    auto row = table.find(id);
    while (row && table.row(*row).merged_into != 0) row = table.row(*row).merged_into - 1;
    return row && table.live(*row, now) ? row : std::nullopt;
}

void read_one(const Request &req, Response &res, const Crm &crm, Time now, HubRelations &relations) {
    const HubType &type = hub_type_or_404(req.matches[1].str());
    const auto row = type.source ? resolve(crm.table(*type.source), req.matches[2], now) : std::nullopt;
    if (!row) throw hubspot_error(404, "OBJECT_NOT_FOUND", "resource not found");
    std::string body;
    append_hub_record(body, crm, type, names(req, "properties"), *row,
                      list_associations(crm, type, names(req, "associations"), *row, now, relations));
    json(res, std::move(body));
}

void batch_read(const Request &req, Response &res, const Crm &crm, Time now) {
    const HubType &type = hub_type_or_404(req.matches[1].str());
    const Json request = Json::parse(req.body);
    const bool archived = req.get_param_value("archived") == "true";
    const auto found_row = [&](const std::string &id) -> std::optional<std::size_t> {
        const Table &table = crm.table(*type.source);
        if (!archived) return resolve(table, id, now);
        const auto row = table.find(id);
        const bool shown = row && table.visible(*row, now) && table.row(*row).deleted != 0 && table.row(*row).merged_into == 0;
        return shown ? row : std::nullopt;
    };
    if (request.at("inputs").size() > 100) throw hubspot_error(400, "VALIDATION_ERROR", "at most 100 inputs are allowed");
    std::string body = R"({"status":"COMPLETE","results":[)";
    std::size_t found = 0;
    for (const Json &input : request["inputs"]) {
        const auto row = type.source ? found_row(input.at("id").get<std::string>()) : std::nullopt;
        if (!row) continue;
        if (found++ > 0) body += ',';
        append_hub_record(body, crm, type, request.value("properties", std::vector<std::string>{}), *row, "");
    }
    json(res, body + "]}", found == request["inputs"].size() ? 200 : 207);
}

void owners(const Request &req, Response &res, const Crm &crm) {
    const Table &users = crm.table(Source::user);
    const std::size_t limit = parameter(req, "limit", 100);
    const auto last = users.find(req.get_param_value("after"));
    std::string body = R"({"results":[)", next;
    std::size_t found = 0;
    for (std::size_t row = last ? *last + 1 : 0; row < users.size() && req.get_param_value("archived") != "true"; row++) {
        if (found == limit) {
            next = users.id(row - 1);
            break;
        }
        const std::string name(users.value(row, "name"));
        const std::size_t space = name.find(' ');
        Json owner = {{"id", users.id(row)},
                      {"email", users.value(row, "email")},
                      {"firstName", name.substr(0, space)},
                      {"lastName", name.substr(space + 1)},
                      {"userId", 100 + row},
                      {"createdAt", users.value(row, "created_at")},
                      {"updatedAt", iso(users.row(row).modified)},
                      {"archived", false}};
        if (const auto team = users.value(row, "team"); !team.empty())
            owner["teams"] = {{{"id", "77"}, {"name", team}, {"primary", true}}};
        body += (found++ > 0 ? "," : "") + owner.dump();
    }
    body += ']';
    if (!next.empty()) body += fmt::format(R"(,"paging":{{"next":{{"after":"{}"}}}})", next);
    json(res, body + "}");
}

void pipelines(Response &res) {
    std::string list;
    for (const StageInfo &stage : stages) {
        list += fmt::format(
            R"({}{{"id":"{}","label":"{}","displayOrder":{},"metadata":{{"isClosed":"{}","probability":"{:.1f}"}},"archived":false}})",
            list.empty() ? "" : ",", stage.id, stage.label, &stage - stages, stage.closed, stage.probability);
    }
    json(res,
         R"({"results":[{"id":"default","label":"Sales Pipeline","displayOrder":0,"archived":false,"stages":[)" + list + "]}]}");
}

void properties(const Request &req, Response &res) {
    static constexpr const char *types[] = {"string", "number", "bool", "datetime", "string"};
    std::string list;
    for (const Property &property : hub_type_or_404(req.matches[1].str()).properties) {
        list += fmt::format(
            R"({}{{"name":"{}","label":"{}","type":"{}","fieldType":"text","groupName":"info","hidden":false,"archived":false}})",
            list.empty() ? "" : ",", property.name, property.name, types[property.type]);
    }
    json(res, R"({"results":[)" + list + "]}");
}

void token(Service &service, const Request &req, Response &res, const Crm &crm) {
    const ServiceOptions &o = service.options;
    if (req.get_param_value("grant_type") != "refresh_token" || req.get_param_value("client_id") != o.client_id ||
        req.get_param_value("client_secret") != o.client_secret || req.get_param_value("refresh_token") != o.refresh_token) {
        throw HttpError{
            400,
            R"({"status":"BAD_REFRESH_TOKEN","message":"missing or invalid refresh token","correlationId":"c0ffee00-0000-4000-8000-000000000000"})"};
    }
    json(res, fmt::format(R"({{"access_token":"{}","refresh_token":"{}","expires_in":1800,"token_type":"bearer"}})",
                          service.issue_token(crm), o.refresh_token));
}

}  // namespace

const HubType &hub_type_or_404(std::string_view name) {
    const HubType *type = hub_type(name);
    if (!type) throw hubspot_error(404, "OBJECT_NOT_FOUND", fmt::format("Unable to infer object type from: {}", name));
    return *type;
}

void mount_hubspot(httplib::Server &server, Service &service) {
    // Shared by the handlers; the lock is held while a request looks relations up.
    struct Shared {
        std::mutex mutex;
        HubRelations relations;
    };
    const auto shared = std::make_shared<Shared>();
    const std::string crm_root = "/[a-z]+/crm", objects = crm_root + R"((?:/v3)?/objects(?:/20\d\d-\d\d)?/([a-z_]+|0-\d+))";
    server.Post(
        "/[a-z]+/oauth/(?:v1|20\\d\\d-\\d\\d)/token",
        service.open(true, [&](const Request &req, Response &res, const Crm &crm, Time) { token(service, req, res, crm); }));
    server.Get(objects, service.api(true, [shared](const Request &req, Response &res, const Crm &crm, Time now) {
        const std::lock_guard lock(shared->mutex);
        list(req, res, crm, now, shared->relations);
    }));
    server.Get(objects + R"(/(\d+))", service.api(true, [shared](const Request &req, Response &res, const Crm &crm, Time now) {
        const std::lock_guard lock(shared->mutex);
        read_one(req, res, crm, now, shared->relations);
    }));
    server.Post(objects + "/batch/read", service.api(true, [](const Request &req, Response &res, const Crm &crm, Time now) {
        batch_read(req, res, crm, now);
    }));
    server.Post(objects + "/search", service.api(true, [&](const Request &req, Response &res, const Crm &crm, Time now) {
        json(res,
             hubspot_search(Json::parse(req.body), crm, hub_type_or_404(req.matches[1].str()), now - service.options.index_lag));
    }));
    server.Post(crm_root + R"((?:/v4)?/associations(?:/20\d\d-\d\d)?/([^/]+)/([^/]+)/batch/read)",
                service.api(true, [shared](const Request &req, Response &res, const Crm &crm, Time now) {
                    const std::lock_guard lock(shared->mutex);
                    auto [status, body] = hubspot_associations(Json::parse(req.body), crm, hub_type_or_404(req.matches[1].str()),
                                                               hub_type_or_404(req.matches[2].str()), now, shared->relations);
                    json(res, std::move(body), status);
                }));
    server.Get(crm_root + "/v3/owners/?",
               service.api(true, [](const Request &req, Response &res, const Crm &crm, Time) { owners(req, res, crm); }));
    server.Get(crm_root + "/v3/pipelines/(?:deals|0-3)",
               service.api(true, [](const Request &, Response &res, const Crm &, Time) { pipelines(res); }));
    server.Get(crm_root + "/v3/properties/([^/]+)",
               service.api(true, [](const Request &req, Response &res, const Crm &, Time) { properties(req, res); }));
}

}  // namespace xsell::simulator
