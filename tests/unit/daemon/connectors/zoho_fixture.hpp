// A Zoho CRM org with modules of records, its page limits and its tokens; the tests of the connector talk to it.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include "connectors/zoho/connector.hpp"
#include "connectors/zoho/state.hpp"
#include "http_server.hpp"
#include "sync/convert.hpp"
#include "sync/error.hpp"

namespace {

using namespace xsell;
using nlohmann::json;
using sync::ColumnType;
using sync::Fault;
using sync::SyncError;

const std::int64_t zoho_now = *sync::to_micros("2026-06-01T12:00:00Z");
constexpr std::int64_t one_second = 1'000'000, one_minute = 60 * one_second;

const sync::Object zoho_account{"account",
                                {{"name", ColumnType::text},
                                 {"domain", ColumnType::text},
                                 {"annual_revenue", ColumnType::number},
                                 {"owner_id", ColumnType::text},
                                 {"modified_at", ColumnType::timestamp},
                                 {"deleted_at", ColumnType::timestamp},
                                 {"attributes", ColumnType::json}}};
const sync::Object zoho_deal{"opportunity",
                             {{"account_id", ColumnType::text},
                              {"pipeline", ColumnType::text},
                              {"stage", ColumnType::text},
                              {"amount", ColumnType::number},
                              {"is_closed", ColumnType::boolean},
                              {"is_won", ColumnType::boolean},
                              {"closed_at", ColumnType::timestamp},
                              {"modified_at", ColumnType::timestamp},
                              {"deleted_at", ColumnType::timestamp}}};
const sync::Object zoho_line{"opportunity_line",
                             {{"opportunity_id", ColumnType::text},
                              {"product_id", ColumnType::text},
                              {"name", ColumnType::text},
                              {"quantity", ColumnType::number},
                              {"unit_price", ColumnType::number},
                              {"amount", ColumnType::number},
                              {"modified_at", ColumnType::timestamp},
                              {"deleted_at", ColumnType::timestamp}}};
const sync::Object zoho_activity{"activity",
                                 {{"kind", ColumnType::text},
                                  {"account_id", ColumnType::text},
                                  {"contact_id", ColumnType::text},
                                  {"lead_id", ColumnType::text},
                                  {"opportunity_id", ColumnType::text},
                                  {"subject", ColumnType::text},
                                  {"duration", ColumnType::number},
                                  {"direction", ColumnType::text},
                                  {"is_closed", ColumnType::boolean},
                                  {"modified_at", ColumnType::timestamp},
                                  {"deleted_at", ColumnType::timestamp}}};

std::string zoho_id(int number) { return "7328395000000" + std::to_string(600000 + number); }
// The user's time zone, two and a half hours ahead.
std::string zoho_time(std::int64_t micros) {
    std::string text = sync::from_micros(micros + 150 * one_minute);
    text[10] = 'T';
    return text.substr(0, 19) + "+02:30";
}

class Zoho : public testing::Test {
  protected:
    struct Request {
        std::string path, since;
        std::map<std::string, std::string> parameters;
    };

    void SetUp() override {
        web.server.set_post_routing_handler(
            [this](const httplib::Request &, httplib::Response &out) { out.set_header("Date", http_date()); });
        web.server.Post("/oauth/v2/token", [this](const httplib::Request &in, httplib::Response &out) {
            ++logins;
            form = in.body;
            out.status = login_status;
            json body = {{"access_token", "1000." + std::to_string(logins)},
                         {"api_domain", api_domain},
                         {"token_type", "Bearer"},
                         {"expires_in", 3600}};
            out.set_content(login_body.empty() ? body.dump() : login_body, "application/json");
        });
        web.server.Get("/crm/v8/.*", [this](const httplib::Request &in, httplib::Response &out) {
            Request request{in.path.substr(7), in.get_header_value("If-Modified-Since"), {}};
            for (const auto &[name, value] : in.params) request.parameters[name] = value;
            requests.push_back(request);
            if (in.get_header_value("Authorization") !=
                "Zoho-oauthtoken 1000." + std::to_string(good_token ? good_token : logins))
                return refuse(out, 401, "INVALID_TOKEN");
            if (answer && answer(request, out)) return;
            serve(request, out);
        });
        web.start();
        settings.connector = "zoho";
        settings.set("base_url", web.url());
        settings.set("auth_url", web.url());
        settings.set("client_id", "1000.ID");
        settings.set("client_secret", "secret", true);
        settings.set("refresh_token", "1000.refresh", true);
    }

    std::string http_date() const {
        return clock == zoho_now ? "Mon, 01 Jun 2026 12:00:00 GMT" : "Mon, 01 Jun 2026 13:00:00 GMT";
    }

    static void refuse(httplib::Response &out, int status, const std::string &code, json details = json::object()) {
        out.status = status;
        out.set_content(json{{"code", code}, {"details", details}, {"message", "no"}, {"status", "error"}}.dump(),
                        "application/json");
    }

    void add(const std::string &module, int number, std::int64_t at, json fields = json::object()) {
        fields["id"] = zoho_id(number);
        fields["Modified_Time"] = zoho_time(at);
        modules[module].push_back(fields);
    }
    void remove(const std::string &module, int number, std::int64_t at) {
        std::erase_if(modules[module], [&](const json &row) { return row["id"] == zoho_id(number); });
        deleted[module].push_back(
            {{"id", zoho_id(number)}, {"display_name", "x"}, {"type", "recycle"}, {"deleted_time", zoho_time(at)}});
    }

    void serve(const Request &request, httplib::Response &out) {
        const std::string path = request.path.substr(1), module = path.substr(0, path.find('/'));
        if (path == "settings/fields") {
            const auto &module = request.parameters.at("module");
            if (!fields.contains(module)) return refuse(out, 400, "INVALID_MODULE");
            json list = json::array();
            for (const auto &name : fields[module]) list.push_back({{"api_name", name}});
            return out.set_content(json{{"fields", list}}.dump(), "application/json");
        }
        if (path.ends_with("/actions/count")) return out.set_content(R"({"count":42})", "application/json");
        if (path == "users" && modules["users"].empty()) return empty(out);
        if (path.ends_with("/deleted")) return page(request, out, deleted[module], "deleted_time");
        if (path != module || path == "settings" || path == "org") return refuse(out, 400, "INVALID_URL_PATTERN");
        if (!request.parameters.contains("ids")) return page(request, out, modules[module], "Modified_Time");
        auto rows = modules[module];
        const std::string ids = request.parameters.at("ids");
        EXPECT_LE(std::count(ids.begin(), ids.end(), ','), 99);
        std::erase_if(rows, [&](const json &row) { return ids.find(row["id"].get<std::string>()) == ids.npos; });
        page(request, out, rows, "Modified_Time");
    }

    static void empty(httplib::Response &out) { out.status = 204; }

    // Tokens are places in the sorted list, bound to the parameters that they were issued with.
    void page(const Request &request, httplib::Response &out, const std::vector<json> &rows, const char *time) {
        std::vector<std::pair<std::int64_t, const json *>> sorted;
        for (const auto &row : rows)
            sorted.emplace_back(row.contains(time) ? *sync::to_micros(row[time].get<std::string>()) : 0, &row);
        if (!request.since.empty()) {
            EXPECT_EQ(request.since.substr(19), "+00:00") << request.since;
            const auto low = *sync::to_micros(request.since);
            std::erase_if(sorted, [&](const auto &row) { return row.first < low; });
        }
        auto parameters = request.parameters;
        const bool down = parameters["sort_order"] == "desc";
        std::stable_sort(sorted.begin(), sorted.end(),
                         [&](const auto &a, const auto &b) { return down ? a.first > b.first : a.first < b.first; });
        const std::string names = parameters["fields"];
        EXPECT_LE(std::count(names.begin(), names.end(), ','), 49);
        const std::string token = parameters["page_token"], number = parameters["page"];
        parameters.erase("page_token"), parameters.erase("page"), parameters["since"] = request.since;
        std::size_t from = 0;
        const std::size_t size = std::stoul(parameters.contains("per_page") ? parameters["per_page"] : "200");
        if (!token.empty()) {
            EXPECT_EQ(number, "") << "both page and page_token";
            if (!tokens.contains(token)) return refuse(out, 400, "EXPIRED_VALUE");
            if (tokens[token].second != parameters) return refuse(out, 400, "TOKEN_BOUND_DATA_MISMATCH");
            from = tokens[token].first;
            if (from >= walk_limit) return refuse(out, 400, "PAGINATION_LIMIT_EXCEEDED");
        } else {
            from = (std::stoul(number.empty() ? "1" : number) - 1) * size;
            if (from >= 2000) return refuse(out, 400, "DISCRETE_PAGINATION_LIMIT_EXCEEDED", {{"limit", 2000}});
        }
        if (sorted.empty()) return empty(out);
        json data = json::array();
        for (std::size_t i = from; i < std::min(sorted.size(), from + size); ++i) data.push_back(shown(*sorted[i].second, names));
        json info = {{"per_page", size},
                     {"count", data.size()},
                     {"more_records", from + size < sorted.size()},
                     {"next_page_token", nullptr}};
        if (token.empty()) info["page"] = from / size + 1;
        if (info["more_records"] == true && gives_tokens) {
            info["next_page_token"] = "t" + std::to_string(tokens.size());
            tokens[info["next_page_token"]] = {from + size, parameters};
        }
        out.set_content(json{{"data", data}, {"info", info}}.dump(), "application/json;charset=UTF-8");
    }

    static json shown(const json &row, const std::string &names) {
        json out = json::object();
        for (const auto &[name, value] : row.items()) {
            const bool asked = names.empty() || name == "id" || name.starts_with('$') ||
                               ("," + names + ",").find("," + name + ",") != std::string::npos;
            if (asked) out[name] = value;
        }
        return out;
    }

    connectors::Settings settings;
    sync::Connector &connector() {
        if (!made) made = connectors::make_zoho(settings);
        return *made;
    }
    sync::Page fetch(const sync::Object &object, const std::string &state) { return connector().fetch(object, state); }

    // All pages from a state on; the ids of records in `ids`.
    std::string drain(const sync::Object &object, std::string state, std::vector<sync::Page> *pages = nullptr) {
        for (int i = 0; i < 2000; ++i) {
            sync::Page page = fetch(object, state);
            for (const auto &record : page.records) ids.insert(record.crm_id);
            state = page.next_state;
            const bool done = page.done;
            if (pages) pages->push_back(std::move(page));
            if (done) return state;
        }
        ADD_FAILURE() << "no end";
        return state;
    }
    std::optional<SyncError> fault(const sync::Object &object = zoho_account, const std::string &state = "") {
        try {
            fetch(object, state);
        } catch (const SyncError &error) {
            return error;
        }
        return std::nullopt;
    }
    // The Accounts list answers so, whatever is asked.
    void answer_list(int status, const std::string &body, std::vector<std::pair<std::string, std::string>> headers = {}) {
        answer = [=](const Request &request, httplib::Response &out) {
            if (request.path != "/Accounts") return false;
            out.status = status;
            for (const auto &[name, value] : headers) out.set_header(name.c_str(), value);
            out.set_content(body, "application/json");
            return true;
        };
    }
    std::vector<Request> asked(const std::string &path) const {
        std::vector<Request> list;
        std::copy_if(requests.begin(), requests.end(), std::back_inserter(list),
                     [&](const Request &r) { return r.path == path; });
        return list;
    }

    test::Server web;
    std::unique_ptr<sync::Connector> made;
    std::map<std::string, std::vector<json>> modules, deleted;
    std::map<std::string, std::set<std::string>> fields;
    std::map<std::string, std::pair<std::size_t, std::map<std::string, std::string>>> tokens;
    std::function<bool(const Request &, httplib::Response &)> answer;
    std::vector<Request> requests;
    std::set<std::string> ids;
    std::int64_t clock = zoho_now;
    std::size_t walk_limit = 100000;
    bool gives_tokens = true;
    int logins = 0, good_token = 0, login_status = 200;
    std::string form, login_body, api_domain;
};

const std::string &value(const sync::Object &object, const sync::Record &record, const char *column) {
    static const std::string null = "NULL";
    const auto &found = record.values[object.index(column)];
    return found ? *found : null;
}

}  // namespace
