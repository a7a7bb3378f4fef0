// Pipedrive: lists of v2 with cursors, lists of v1 with positions, the products of deals, and what explains them.
#include "pipedrive.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <regex>

#include "service.hpp"

namespace xsell::simulator {
namespace {

using namespace pipedrive;
using httplib::Request;
using httplib::Response;
using Json = nlohmann::json;

struct Route {
    const char *path;
    List list;
    bool until;  // takes updated_until
};
constexpr Route v2_routes[] = {{"/organizations", List::organizations, true},
                               {"/persons", List::persons, true},
                               {"/products", List::products, false},
                               {"/deals", List::deals, true},
                               {"/deals/archived", List::archived_deals, true},
                               {"/activities", List::activities, true}};
constexpr Route v1_routes[] = {
    {"/leads", List::leads, true}, {"/leads/archived", List::archived_leads, true}, {"/notes", List::notes, true}};

struct Item {
    Time modified;
    Source source;
    std::size_t row;
    auto key() const { return std::tuple(modified, source, row); }
};

Time time_parameter(const Request &req, const char *name, Time usual) {
    static const std::regex form(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)");
    if (!req.has_param(name)) return usual;
    if (!std::regex_match(req.get_param_value(name), form))
        throw std::invalid_argument(std::string(name) + " must be of the form YYYY-MM-DDTHH:MM:SSZ");
    return parse_time(req.get_param_value(name));
}

std::size_t number_parameter(const Request &req, const char *name, std::size_t usual, std::size_t most) {
    if (!req.has_param(name)) return usual;
    const std::size_t value = std::strtoul(req.get_param_value(name).c_str(), nullptr, 10);
    if (value > most) throw std::invalid_argument(fmt::format("{} must be at most {}", name, most));
    return value;
}

// In the order of their changes; those of one second by kind and row.
std::vector<Item> items(const Request &req, List list, const Crm &crm, Time now, bool newest_first) {
    const Time since = time_parameter(req, "updated_since", 0), until = time_parameter(req, "updated_until", now + 100 * year);
    const bool deleted = req.get_param_value("status").find("deleted") != std::string::npos;
    std::vector<Item> found;
    for (const Source source : sources_of(list)) {
        const Table &table = crm.table(source);
        for (std::size_t row = 0; row < table.size(); row++) {
            const bool live = table.live(row, now) && belongs(list, crm, source, row);
            if (!live && !(deleted && source == Source::opportunity && deleted_deal(list, crm, row, now))) continue;
            const Time at = modified(crm, source, row);
            if (at >= since && at < until) found.push_back({at, source, row});
        }
    }
    std::sort(found.begin(), found.end(),
              [=](const Item &a, const Item &b) { return newest_first ? a.key() > b.key() : a.key() < b.key(); });
    return found;
}

void cursor_list(Service &service, const Route &route, const Request &req, Response &res, const Crm &crm, Time now) {
    if (req.has_param("updated_until") && !route.until) throw std::invalid_argument("updated_until is not allowed");
    const std::size_t limit = std::min(number_parameter(req, "limit", 100, 500), service.options.page_size);
    const bool newest_first = req.get_param_value("sort_direction") == "desc";
    const std::string same = std::regex_replace(req.target, std::regex("&cursor=[^&]*"), "");
    const auto found = items(req, route.list, crm, now, newest_first);
    auto at = found.begin();
    if (req.has_param("cursor")) {
        const auto cursor = service.cursor(req.get_param_value("cursor"));
        if (!cursor || cursor->version != same) throw std::invalid_argument("the cursor is not valid");
        const Item last{cursor->created, static_cast<Source>(cursor->rows[0]), cursor->rows[1]};
        at = std::find_if(found.begin(), found.end(),
                          [&](const Item &i) { return newest_first ? i.key() < last.key() : i.key() > last.key(); });
    }
    Json body = {{"success", true}, {"data", Json::array()}, {"additional_data", {{"next_cursor", nullptr}}}};
    for (; at != found.end() && body["data"].size() < limit; ++at)
        body["data"].push_back(record(route.list, crm, at->source, at->row));
    if (at != found.end()) {
        const Item &last = *std::prev(at);
        body["additional_data"]["next_cursor"] =
            service.keep({crm.org(),
                          same,
                          route.path,
                          {},
                          {static_cast<std::uint32_t>(last.source), static_cast<std::uint32_t>(last.row)},
                          last.modified});
    } else if (found.size() % 3 == 0) {
        body["additional_data"] = nullptr;  // the end is told in either way
    }
    json(res, body.dump());
}

void position_list(const Service &service, const Route &route, const Request &req, Response &res, const Crm &crm, Time now) {
    const bool newest_first = req.get_param_value("sort") == "update_time DESC";
    const auto found = items(req, route.list, crm, now, newest_first);
    const std::size_t start = number_parameter(req, "start", 0, 1'000'000'000),
                      limit = std::min(number_parameter(req, "limit", 100, 500), service.options.page_size);
    Json data = Json::array();
    for (std::size_t i = start; i < std::min(found.size(), start + limit); i++)
        data.push_back(record(route.list, crm, found[i].source, found[i].row));
    const bool more = start + limit < found.size();
    Json pagination = {{"start", start}, {"limit", limit}, {"more_items_in_collection", more}};
    const bool notes = route.list == List::notes;  // says less of its pages than others do
    if (more && !notes) pagination["next_start"] = start + limit;
    json(res, Json{{"success", true},
                   {"data", data.empty() ? Json() : data},
                   {"additional_data", notes ? pagination : Json{{"pagination", pagination}}}}
                  .dump());
}

void deal_products(Service &service, const Request &req, Response &res, const Crm &crm, Time now) {
    const auto wanted = split(req.get_param_value("deal_ids"), ',');
    if (wanted.size() > 100) throw std::invalid_argument("at most 100 deal_ids are allowed");
    std::vector<std::size_t> lines;
    for (const std::string &id : wanted) {
        const auto deal = deal_row(id);
        if (!deal || *deal >= crm.table(Source::opportunity).size()) continue;
        for (const std::uint32_t line : lines_of(crm, *deal)) {
            if (crm.table(Source::line).live(line, now)) lines.push_back(line);
        }
    }
    std::sort(lines.begin(), lines.end());
    const std::size_t limit = std::min(number_parameter(req, "limit", 100, 500), service.options.page_size);
    std::size_t from = 0;
    if (req.has_param("cursor")) {
        const auto cursor = service.cursor(req.get_param_value("cursor"));
        if (!cursor) throw std::invalid_argument("the cursor is not valid");
        while (from < lines.size() && lines[from] <= cursor->rows[0]) from++;
    }
    const std::size_t to = std::min(lines.size(), from + limit);
    Json body = {{"success", true}, {"data", Json::array()}};
    for (std::size_t i = from; i < to; i++) body["data"].push_back(deal_product(crm, lines[i]));
    if (to < lines.size())
        body["additional_data"]["next_cursor"] =
            service.keep({crm.org(), "", "", {}, {static_cast<std::uint32_t>(lines[to - 1])}, now});
    json(res, body.dump());
}

void whole(Response &res, const Json &data) {
    json(res, Json{{"success", true}, {"data", data}, {"additional_data", {{"next_cursor", nullptr}}}}.dump());
}

void users(Response &res, const Crm &crm) {
    Json data = Json::array();
    for (std::size_t row = 0; row < crm.table(Source::user).size(); row++)
        data.push_back(record(List::users, crm, Source::user, row));
    json(res, Json{{"success", true}, {"data", data}, {"additional_data", {{"company_id", 1}}}}.dump());
}

}  // namespace

void mount_pipedrive(httplib::Server &server, Service &service) {
    const Vendor &vendor = *pipedrive_dialect.vendor;
    const std::string root = "/pipedrive/api", v1 = root + "/v1", v2 = root + "/v2";
    for (const Route &route : v2_routes) {
        server.Get(v2 + route.path,
                   service.api(vendor, [&service, route](const Request &req, Response &res, const Crm &crm, Time now) {
                       cursor_list(service, route, req, res, crm, now);
                   }));
    }
    for (const Route &route : v1_routes) {
        server.Get(v1 + route.path,
                   service.api(vendor, [&service, route](const Request &req, Response &res, const Crm &crm, Time now) {
                       position_list(service, route, req, res, crm, now);
                   }));
    }
    server.Get(v2 + "/deals/products", service.api(vendor, [&service](const Request &req, Response &res, const Crm &crm,
                                                                      Time now) { deal_products(service, req, res, crm, now); }));
    server.Get(v2 + "/([a-z]+)Fields", service.api(vendor, [](const Request &req, Response &res, const Crm &, Time) {
        whole(res, fields(req.matches[1]));
    }));
    server.Get(v2 + "/pipelines",
               service.api(vendor, [](const Request &, Response &res, const Crm &, Time) { whole(res, pipelines()); }));
    server.Get(v2 + "/stages",
               service.api(vendor, [](const Request &, Response &res, const Crm &, Time) { whole(res, stages()); }));
    server.Get(v1 + "/activityTypes",
               service.api(vendor, [](const Request &, Response &res, const Crm &, Time) { whole(res, activity_types()); }));
    server.Get(v1 + "/users", service.api(vendor, [](const Request &, Response &res, const Crm &crm, Time) { users(res, crm); }));
    server.Get(v1 + "/users/me", service.api(vendor, [](const Request &, Response &res, const Crm &crm, Time) {
        json(res, Json{{"success", true}, {"data", record(List::users, crm, Source::user, 0)}}.dump());
    }));
}

}  // namespace xsell::simulator
