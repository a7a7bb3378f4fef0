// Zoho CRM v8: lists by number and by token, records deleted, related lists, users, settings, OAuth.
#include "zoho.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "service.hpp"

namespace xsell::simulator {
namespace {

using namespace zoho;
using httplib::Request;
using httplib::Response;
using Json = nlohmann::json;

constexpr std::size_t most_rows = 200, most_numbered = 2000, most_walked = 100'000, most_fields = 50, most_ids = 100;

HttpError refusal(const char *code, const Json &details = Json::object(), int status = 400) {
    return {status,
            Json{{"code", code}, {"details", details}, {"message", "the request is refused"}, {"status", "error"}}.dump()};
}

const Module &module_or_400(const std::string &name) {
    const Module *module = module_named(name);
    if (!module) throw refusal("INVALID_MODULE", {{"resource_path_index", 0}});
    return *module;
}

std::size_t number(const Request &req, const char *name, std::size_t usual) {
    return req.has_param(name) ? std::strtoul(req.get_param_value(name).c_str(), nullptr, 10) : usual;
}

// If-Modified-Since includes its own second.
Time since(const Request &req) {
    const std::string text = req.get_header_value("If-Modified-Since");
    return text.empty() ? 0 : parse_time(text);
}

// Rows in the order of a time, those of one second by row.
struct Item {
    Time time;
    std::size_t row;
    auto key() const { return std::pair(time, row); }
};

std::vector<Item> live_items(const Module &module, const Crm &crm, Time now, Time low) {
    std::vector<Item> items;
    const Table &table = crm.table(module.source);
    for (std::size_t row = 0; row < table.size(); row++) {
        if (!table.live(row, now) || !belongs(module, crm, row)) continue;
        if (const Time at = modified(module, crm, row); at >= low) items.push_back({at, row});
    }
    return items;
}

Json shown(const Json &record, const std::vector<std::string> &names) {
    Json out = Json::object();
    for (const auto &[name, value] : record.items()) {
        if (name == "id" || name.starts_with('$') || std::find(names.begin(), names.end(), name) != names.end())
            out[name] = value;
    }
    return out;
}

std::vector<std::string> field_names(const Request &req) {
    if (!req.has_param("fields")) throw refusal("REQUIRED_PARAM_MISSING", {{"param_name", "fields"}});
    auto names = split(req.get_param_value("fields"), ',');
    if (names.size() > most_fields) throw refusal("LIMIT_EXCEEDED", {{"limit", most_fields}, {"param_name", "fields"}});
    // Subforms come with a single record alone.
    std::erase_if(names, [](const std::string &name) { return name == "Ordered_Items"; });
    return names;
}

void answer(Response &res, const Json &data, const Json &info) {
    if (data.empty()) {
        res.status = 204;
        return;
    }
    json(res, Json{{"data", data}, {"info", info}}.dump());
}

void by_ids(const Module &module, const Request &req, Response &res, const Crm &crm, Time now,
            const std::vector<std::string> &names) {
    const auto wanted = split(req.get_param_value("ids"), ',');
    if (wanted.size() > most_ids) throw refusal("LIMIT_EXCEEDED", {{"limit", most_ids}, {"param_name", "ids"}});
    Json data = Json::array();
    for (const std::string &id : wanted) {
        const auto row = row_of(module, id);
        if (!row || *row >= crm.table(module.source).size() || !crm.table(module.source).live(*row, now)) continue;
        data.push_back(shown(record(module, crm, *row, now), names));
    }
    answer(res, data, {{"per_page", most_rows}, {"count", data.size()}, {"page", 1}, {"more_records", false}});
}

// Everything that a token is bound to.
std::string bound(const Request &req) {
    std::string text = req.path + req.get_header_value("If-Modified-Since");
    for (const auto &[name, value] : req.params) {
        if (name != "page_token" && name != "page") text += "&" + name + "=" + value;
    }
    return text;
}

void list(Service &service, const Request &req, Response &res, const Crm &crm, Time now) {
    const Module &module = module_or_400(req.matches[1]);
    const auto names = field_names(req);
    if (req.has_param("ids")) return by_ids(module, req, res, crm, now, names);
    if (req.has_param("page") && req.has_param("page_token")) throw refusal("AMBIGUITY_DURING_PROCESSING");
    const bool down = req.get_param_value("sort_order") != "asc";
    auto items = live_items(module, crm, now, since(req));
    if (std::string_view(module.name) == "Leads" && req.get_param_value("converted") != "both")
        std::erase_if(items, [&](const Item &i) { return !crm.table(Source::lead).value(i.row, "converted_at").empty(); });
    std::sort(items.begin(), items.end(),
              [=](const Item &a, const Item &b) { return down ? a.key() > b.key() : a.key() < b.key(); });
    const std::size_t size = std::min({number(req, "per_page", most_rows), most_rows, service.options.page_size});
    const std::size_t page = number(req, "page", 1);
    std::size_t walked = (std::max<std::size_t>(page, 1) - 1) * size;
    auto at = items.begin() + static_cast<std::ptrdiff_t>(std::min(walked, items.size()));
    if (req.has_param("page_token")) {
        const auto cursor = service.cursor(req.get_param_value("page_token"));
        if (!cursor) throw refusal("EXPIRED_VALUE", {{"param_name", "page_token"}});
        if (cursor->version != bound(req)) throw refusal("TOKEN_BOUND_DATA_MISMATCH", {{"param_name", "page_token"}});
        walked = cursor->rows[1];
        if (walked >= most_walked) throw refusal("PAGINATION_LIMIT_EXCEEDED", {{"param_name", "page_token"}});
        const Item last{cursor->created, cursor->rows[0]};
        at = std::find_if(items.begin(), items.end(),
                          [&](const Item &i) { return down ? i.key() < last.key() : i.key() > last.key(); });
    } else if (walked >= most_numbered) {
        throw refusal("DISCRETE_PAGINATION_LIMIT_EXCEEDED", {{"limit", most_numbered}});
    }
    Json data = Json::array();
    for (; at != items.end() && data.size() < size; ++at) data.push_back(shown(record(module, crm, at->row, now), names));
    Json info = {{"per_page", size},
                 {"count", data.size()},
                 {"page", page},
                 {"sort_by", "Modified_Time"},
                 {"sort_order", down ? "desc" : "asc"},
                 {"more_records", at != items.end()},
                 {"next_page_token", nullptr},
                 {"previous_page_token", nullptr},
                 {"page_token_expiry", nullptr}};
    if (at != items.end()) {
        const Item &last = *std::prev(at);
        info["next_page_token"] = service.keep({crm.org(),
                                                bound(req),
                                                module.name,
                                                {},
                                                {static_cast<std::uint32_t>(last.row), static_cast<std::uint32_t>(walked + size)},
                                                last.time});
        info["page_token_expiry"] = local_time(now + day);
    }
    answer(res, data, info);
}

void deleted(const Request &req, Response &res, const Crm &crm, Time now) {
    const Module &module = module_or_400(req.matches[1]);
    const Table &table = crm.table(module.source);
    std::vector<Item> items;
    for (std::size_t row = 0; row < table.size(); row++) {
        const Time at = table.row(row).deleted;
        if (at != 0 && at >= since(req) && table.visible(row, now) && belongs(module, crm, row)) items.push_back({at, row});
    }
    std::sort(items.begin(), items.end(), [](const Item &a, const Item &b) { return a.key() > b.key(); });
    const std::size_t size = std::min(number(req, "per_page", most_rows), most_rows),
                      page = std::max<std::size_t>(number(req, "page", 1), 1);
    Json data = Json::array();
    for (std::size_t i = (page - 1) * size; i < std::min(items.size(), page * size); i++) {
        data.push_back({{"id", id_of(module, items[i].row)},
                        {"display_name", nullptr},
                        {"type", items[i].row % 2 ? "recycle" : "permanent"},
                        {"deleted_time", local_time(items[i].time)},
                        {"deleted_by", {{"name", "Admin"}, {"id", "1"}}},
                        {"created_by", {{"name", "Admin"}, {"id", "1"}}}});
    }
    answer(res, data, {{"per_page", size}, {"count", data.size()}, {"page", page}, {"more_records", page * size < items.size()}});
}

std::size_t live_row(const Module &module, const std::string &id, const Crm &crm, Time now) {
    const auto row = row_of(module, id);
    if (!row || *row >= crm.table(module.source).size() || !crm.table(module.source).live(*row, now))
        throw refusal("INVALID_DATA", {{"resource_path_index", 1}});
    return *row;
}

void orders_of_deal(const Request &req, Response &res, const Crm &crm, Time now) {
    const Module &orders = module_or_400("Sales_Orders");
    const std::size_t deal = live_row(module_or_400("Deals"), req.matches[1], crm, now);
    Json data = Json::array();
    if (belongs(orders, crm, deal)) data.push_back(shown(record(orders, crm, deal, now), field_names(req)));
    answer(res, data, {{"per_page", most_rows}, {"count", data.size()}, {"page", 1}, {"more_records", false}});
}

void single(const Request &req, Response &res, const Crm &crm, Time now) {
    const Module &module = module_or_400(req.matches[1]);
    const std::size_t row = live_row(module, req.matches[2], crm, now);
    if (!belongs(module, crm, row)) throw refusal("INVALID_DATA", {{"resource_path_index", 1}});
    json(res, Json{{"data", {record(module, crm, row, now)}}}.dump());
}

void users(const Request &req, Response &res, const Crm &crm) {
    const std::size_t size = std::min(number(req, "per_page", most_rows), most_rows),
                      page = std::max<std::size_t>(number(req, "page", 1), 1);
    const std::size_t count = req.get_param_value("type") == "CurrentUser" ? 1 : crm.table(Source::user).size();
    Json list = Json::array();
    for (std::size_t row = (page - 1) * size; row < std::min(count, page * size); row++) list.push_back(user(crm, row));
    json(res, Json{{"users", list},
                   {"info", {{"per_page", size}, {"count", list.size()}, {"page", page}, {"more_records", page * size < count}}}}
                  .dump());
}

void fields(const Request &req, Response &res, const Crm &crm, Time now) {
    const Module &module = module_or_400(req.get_param_value("module"));
    Json list = Json::array();
    if (crm.table(module.source).size() > 0) {
        const Json any = record(module, crm, 0, now);
        for (const auto &[name, value] : any.items()) {
            if (!name.starts_with('$'))
                list.push_back(
                    {{"api_name", name}, {"visible", true}, {"custom_field", false}, {"json_type", value.type_name()}});
        }
    }
    json(res, Json{{"fields", list}}.dump());
}

void token(Service &service, const Request &req, Response &res) {
    const ServiceOptions &o = service.options;
    if (req.get_param_value("grant_type") != "refresh_token" || req.get_param_value("client_id") != o.client_id ||
        req.get_param_value("client_secret") != o.client_secret)
        return json(res, R"({"error":"invalid_client"})");
    if (req.get_param_value("refresh_token") != o.refresh_token)
        return json(res, R"({"error":"invalid_code"})");  // with status 200, as Zoho has it
    const std::string issued = service.issue_token(*zoho_dialect.vendor, zoho_dialect.vendor->name);
    json(
        res,
        Json{{"access_token", issued}, {"api_domain", "https://www.zohoapis.com"}, {"token_type", "Bearer"}, {"expires_in", 3600}}
            .dump());
}

}  // namespace

void mount_zoho(httplib::Server &server, Service &service) {
    const Vendor &vendor = *zoho_dialect.vendor;
    const std::string root = "/zoho/crm/v8", module = root + "/([A-Z][A-Za-z_]+)";
    server.Post("/zoho/oauth/v2/token",
                service.open(vendor, [&](const Request &req, Response &res, const Crm &, Time) { token(service, req, res); }));
    server.Get(root + "/users",
               service.api(vendor, [](const Request &req, Response &res, const Crm &crm, Time) { users(req, res, crm); }));
    server.Get(root + "/settings/fields", service.api(vendor, fields));
    server.Get(root + "/settings/layouts", service.api(vendor, [](const Request &, Response &res, const Crm &, Time) {
        json(res, R"({"layouts":[{"id":"7328395000000091023","name":"Standard"}]})");
    }));
    server.Get(root + "/settings/pipeline",
               service.api(vendor, [](const Request &, Response &res, const Crm &, Time) { json(res, pipelines().dump()); }));
    server.Get(root + "/org/currencies", service.api(vendor, [](const Request &, Response &, const Crm &, Time) {
        throw refusal("CURRENCIES_NOT_ENABLED", Json::object(), 403);
    }));
    server.Get(root + "/Deals/(\\d+)/Sales_Orders", service.api(vendor, orders_of_deal));
    server.Get(module + "/deleted", service.api(vendor, deleted));
    server.Get(module + "/actions/count", service.api(vendor, [](const Request &req, Response &res, const Crm &crm, Time now) {
        json(res, Json{{"count", live_items(module_or_400(req.matches[1]), crm, now, 0).size()}}.dump());
    }));
    server.Get(module + "/(\\d+)", service.api(vendor, single));
    server.Get(module, service.api(vendor, [&](const Request &req, Response &res, const Crm &crm, Time now) {
        list(service, req, res, crm, now);
    }));
}

}  // namespace xsell::simulator
