// Attio: queries and lists by offset, meetings by cursor; clamps, scores and Retry-After as a date.
#include "attio.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "attio_records.hpp"
#include "service.hpp"

namespace xsell::simulator {
namespace attio {
namespace {

using httplib::Request;
using httplib::Response;
using Json = nlohmann::json;

const Service *clock_of = nullptr;  // Retry-After is a date of the world

HttpError refusal(int status, const char *type, const char *code, const std::string &message) {
    return {status, Json{{"status_code", status}, {"type", type}, {"code", code}, {"message", message}}.dump()};
}
HttpError unauthorized(bool) { return refusal(401, "auth_error", "unauthorized", "Invalid or missing access token."); }
HttpError limited(const Fault &fault, Response &res) {
    const std::shared_lock lock(clock_of->simulation.mutex);
    res.set_header("Retry-After", http_date(clock_of->simulation.now() + clock_of->skew + static_cast<Time>(fault.retry_after)));
    return refusal(429, "rate_limit_error", "rate_limit_exceeded", "Rate limit exceeded, please try again later");
}
HttpError quota(Response &res) { return limited({"quota", 1, 1, 60, 0}, res); }  // Attio counts no days
HttpError invalid(const std::string &message) { return refusal(400, "invalid_request_error", "validation_type", message); }
void finish(Response &res) { res.set_header("x-attio-execution-id", "6b57a268-9bdc-4a50-925d-aef9d18e9261"); }

std::vector<std::size_t> rows_of(const Crm &crm, Source source, Time now) {
    const Table &table = crm.table(source);
    std::vector<std::pair<Time, std::size_t>> found;
    for (std::size_t row = 0; row < table.size(); row++) {
        if (table.live(row, now)) found.emplace_back(created(crm, source, row), row);
    }
    std::sort(found.begin(), found.end());
    std::vector<std::size_t> rows;
    for (const auto &[time, row] : found) rows.push_back(row);
    return rows;
}

template <typename Make>
Json window(const std::vector<std::size_t> &rows, std::size_t offset, std::size_t limit, Make make) {
    Json data = Json::array();
    for (std::size_t i = offset; i < std::min(rows.size(), offset + limit); i++) data.push_back(make(rows[i]));
    return data;
}

std::size_t checked(std::size_t limit, std::size_t most, const Service &service) {
    if (limit == 0 || limit > most) throw invalid(fmt::format("limit must be between 1 and {}", most));
    return std::min(limit, service.options.page_size);
}

std::size_t parameter(const Request &req, const char *name, std::size_t usual) {
    return req.has_param(name) ? std::strtoul(req.get_param_value(name).c_str(), nullptr, 10) : usual;
}

Source source_or_404(const std::string &slug) {
    const auto source = source_of(slug);
    if (!source) throw refusal(404, "invalid_request_error", "not_found", "Could not find object with slug/ID \"" + slug + "\".");
    return *source;
}

void query(const Service &service, const Request &req, Response &res, const Crm &crm, Time now) {
    const Source source = source_or_404(req.matches[1]);
    const Json body = Json::parse(req.body);
    const std::size_t limit = checked(body.value("limit", std::size_t{500}), 500, service);
    for (const Json &sort : body.value("sorts", Json::array())) {
        if (sort.value("attribute", "") != "created_at") throw invalid("the simulator sorts by created_at alone");
    }
    res.set_header("x-attio-record-query-score", std::to_string(100 + body.value("offset", 0) / 100));
    json(res, Json{{"data", window(rows_of(crm, source, now), body.value("offset", std::size_t{0}), limit,
                                   [&](std::size_t row) { return record(crm, source, row, now); })}}
                  .dump());
}

void list(const Service &service, const Request &req, Response &res, const Crm &crm, Time now) {
    const Source source = req.matches[1] == "notes" ? Source::note : Source::task;
    const std::size_t limit =
        checked(parameter(req, "limit", source == Source::note ? 10 : 500), source == Source::note ? 50 : 500, service);
    json(res, Json{{"data", window(rows_of(crm, source, now), parameter(req, "offset", 0), limit,
                                   [&](std::size_t row) { return activity(crm, source, row); })}}
                  .dump());
}

// The cursor is the row that was shown last.
void meetings(const Service &service, const Request &req, Response &res, const Crm &crm, Time now) {
    const auto rows = rows_of(crm, Source::meeting, now);
    const std::size_t limit = checked(parameter(req, "limit", 50), 200, service);
    std::size_t from = 0;
    if (req.has_param("cursor")) {
        const std::size_t last = parameter(req, "cursor", 0);
        const auto key = [&](std::size_t row) { return std::pair(created(crm, Source::meeting, row), row); };
        if (last >= crm.table(Source::meeting).size()) throw invalid("the cursor is not valid");
        from = static_cast<std::size_t>(
            std::find_if(rows.begin(), rows.end(), [&](std::size_t row) { return key(row) > key(last); }) - rows.begin());
    }
    const bool more = from + limit < rows.size();
    json(res, Json{{"data", window(rows, from, limit, [&](std::size_t row) { return activity(crm, Source::meeting, row); })},
                   {"pagination", {{"next_cursor", more ? Json(std::to_string(rows[from + limit - 1])) : Json()}}}}
                  .dump());
}

void members(Response &res, const Crm &crm, Time now) {
    json(res,
         Json{{"data", window(rows_of(crm, Source::user, now), 0, 1'000'000, [&](std::size_t row) { return member(crm, row); })}}
             .dump());
}

void objects(Response &res) {
    Json data = Json::array();
    for (const auto &object : object_ids) data.push_back({{"id", {{"object_id", object[1]}}}, {"api_slug", object[0]}});
    json(res, Json{{"data", data}}.dump());
}

void attributes(const Request &req, Response &res, const Crm &crm, Time now) {
    const Source source = source_or_404(req.matches[1]);
    Json data = Json::array();
    if (crm.table(source).size() > 0) {
        for (const auto &item : record(crm, source, 0, now)["values"].items()) data.push_back({{"api_slug", item.key()}});
    }
    json(res, Json{{"data", data}}.dump());
}

}  // namespace

extern const Vendor vendor;
const Vendor vendor = {"attio",      "Authorization", "Bearer ", "attio-simulator", "attio-",
                       unauthorized, limited,         quota,     invalid,           finish};

}  // namespace attio

void mount_attio(httplib::Server &server, Service &service) {
    using namespace attio;
    clock_of = &service;
    const std::string root = "/attio/v2";
    const auto api = [&](auto handler) {
        return service.api(vendor, [&service, handler](const Request &req, Response &res, const Crm &crm, Time now) {
            handler(service, req, res, crm, now);
        });
    };
    server.Post(root + "/objects/([a-z_]+)/records/query", api(query));
    server.Get(root + "/(notes|tasks)", api(list));
    server.Get(root + "/meetings", api(meetings));
    server.Get(root + "/workspace_members",
               api([](const Service &, const Request &, Response &res, const Crm &crm, Time now) { members(res, crm, now); }));
    server.Get(root + "/objects", api([](const Service &, const Request &, Response &res, const Crm &, Time) { objects(res); }));
    server.Get(root + "/objects/([a-z_]+)/attributes", api([](const Service &, const Request &req, Response &res, const Crm &crm,
                                                              Time now) { attributes(req, res, crm, now); }));
    server.Get(root + "/self", api([](const Service &, const Request &, Response &res, const Crm &, Time) {
                   json(res, R"({"active":true,"workspace_name":"Simulator","scope":"record_permission:read"})");
               }));
}

}  // namespace xsell::simulator
