// A Pipedrive company that answers as the real one does: filters, orders, cursors and positions; the tests of the connector talk
// to it.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>

#include <nlohmann/json.hpp>

#include "connectors/pipedrive/connector.hpp"
#include "http_server.hpp"
#include "sync/convert.hpp"
#include "sync/error.hpp"

namespace {

using namespace xsell;
using nlohmann::json;
using sync::ColumnType;
using sync::Fault;
using sync::SyncError;

const std::int64_t now = *sync::to_micros("2026-06-01T12:00:00Z");
constexpr std::int64_t minute = 60'000'000, day = 24 * 60 * minute;

sync::Object object_of(const std::string &name, const std::vector<std::string> &columns) {
    sync::Object object{name, {}};
    for (const auto &column : columns) {
        ColumnType type = ColumnType::text;
        if (column.ends_with("_at")) type = ColumnType::timestamp;
        if (column.starts_with("is_") || column == "do_not_contact") type = ColumnType::boolean;
        if (column == "amount" || column == "price" || column == "duration" || column == "annual_revenue")
            type = ColumnType::number;
        if (column == "attributes") type = ColumnType::json;
        object.columns.push_back({column, type});
    }
    return object;
}

const sync::Object account = object_of("account", {"name", "industry", "domain", "street", "city", "annual_revenue", "owner_id",
                                                   "modified_at", "deleted_at", "attributes"});
const sync::Object deal =
    object_of("opportunity", {"account_id", "pipeline", "stage", "amount", "is_closed", "is_won", "modified_at", "deleted_at"});
const sync::Object line = object_of("opportunity_line", {"opportunity_id", "product_id", "amount", "modified_at"});
const sync::Object lead = object_of("lead", {"last_name", "status", "currency", "modified_at"});
const sync::Object user = object_of("crm_user", {"name", "is_active", "modified_at"});

// What the daemon keeps for the org, and what it was asked for.
struct FakeHost final : sync::Host {
    double take(const sync::Budget &budget, double cost) override {
        costs.push_back(cost), burst = budget.burst, rate = budget.per_second;
        return 0;
    }
    void used(const std::string &, double used, double limit) override { quota = {used, limit}; }
    std::optional<sync::Token> token() override { return kept; }
    sync::Token renewed(const std::string &stale,
                        const std::function<sync::Token(const std::optional<sync::Token> &)> &renew) override {
        if (kept && kept->access != stale) return *kept;
        const auto fresh = renew(kept);
        if (fresh.kept) kept = fresh;
        return fresh;
    }
    void pause(double) override {}
    std::vector<double> costs;
    double burst = 0, rate = 0;
    std::pair<double, double> quota;
    std::optional<sync::Token> kept;
};

class Pipedrive : public testing::Test {
  protected:
    using Handler = std::function<void(const httplib::Request &, httplib::Response &)>;
    struct Asked {
        std::string path, target, since, order;
    };

    void SetUp() override {
        web.server.set_post_routing_handler(
            [this](const httplib::Request &, httplib::Response &out) { out.set_header("Date", date); });
        web.server.Get("/.*", [this](const httplib::Request &in, httplib::Response &out) { serve(in, out); });
        web.start();
        settings.connector = "pipedrive";
        settings.set("base_url", web.url());
        settings.set("token", "secret", true);
        lists["/api/v2/pipelines"] = {{{"id", 1}, {"name", "Sales"}}};
        lists["/api/v2/stages"] = {{{"id", 10}, {"name", "Proposal"}, {"pipeline_id", 1}},
                                   {{"id", 11}, {"name", "Won"}, {"pipeline_id", 1}}};
        lists["/api/v2/organizationFields"] = {
            {{"field_code", "name"}, {"field_name", "Name"}},
            {{"field_code", "industry"}, {"field_name", "Industry"}, {"options", {{{"id", 5}, {"label", "Software"}}}}},
            {{"field_code", hash},
             {"field_name", "Segment"},
             {"options", {{{"id", 7}, {"label", "Gold"}}, {{"id", 8}, {"label", "Silver"}}}}},
            {{"field_code", hash2}, {"field_name", "Acct. budget"}, {"options", nullptr}}};
    }

    static json fault_body(const std::string &error) {
        return {{"success", false},
                {"error", error},
                {"error_info", "see the documentation"},
                {"data", nullptr},
                {"additional_data", nullptr}};
    }

    void serve(const httplib::Request &in, httplib::Response &out) {
        asked.push_back({in.path, in.target, in.get_param_value("updated_since"), in.get_param_value("sort_direction")});
        if (in.get_header_value("x-api-token") != "secret" && in.get_header_value("Authorization") != "Bearer " + access) {
            out.status = 401;
            out.set_content(fault_body("unauthorized access").dump(), "application/json");
            return;
        }
        for (const auto &[name, value] : headers) out.set_header(name.c_str(), value);
        if (special.contains(in.path)) return special[in.path](in, out);
        if (!lists.contains(in.path) && in.path != "/api/v1/users/me") out.status = 404;
        const auto [status, body] = in.path.starts_with("/api/v2") ? cursor_page(in) : position_page(in);
        if (out.status != 404) out.status = status;
        out.set_content(body.dump(), "application/json");
    }

    static std::string time_of(const json &row) {
        return row.contains("update_time") && row["update_time"].is_string() ? row["update_time"].get<std::string>() : "";
    }

    std::vector<json> found(const httplib::Request &in, bool newest_first) const {
        const auto since = in.get_param_value("updated_since"), until = in.get_param_value("updated_until");
        const auto states = in.get_param_value("status");
        std::vector<json> rows;
        for (const auto &row : lists.at(in.path)) {
            const std::string time = time_of(row);
            if ((!since.empty() && time < since) || (!until.empty() && time >= until)) continue;
            if (row.value("status", "") == "deleted" && states.find("deleted") == std::string::npos) continue;
            rows.push_back(row);
        }
        if (in.has_param("sort_by") || in.has_param("sort"))
            std::stable_sort(rows.begin(), rows.end(), [&](const json &a, const json &b) {
                const std::string x = time_of(a), y = time_of(b);
                return newest_first ? x > y : x < y;
            });
        return rows;
    }

    std::pair<int, json> cursor_page(const httplib::Request &in) {
        static const std::regex time(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)");
        if (in.has_param("updated_since") && !std::regex_match(in.get_param_value("updated_since"), time))
            return {400, fault_body("updated_since must be a time")};
        if (!lists.contains(in.path)) return {404, fault_body("unknown")};
        if (in.path == "/api/v2/deals/products") return products(in);
        const std::string same = std::regex_replace(in.target, std::regex("&cursor=[^&]*"), "");
        std::size_t from = 0;
        if (in.has_param("cursor")) {
            const auto known = cursors.find(in.get_param_value("cursor"));
            if (dead || known == cursors.end() || known->second.first != same) return {400, fault_body("invalid cursor")};
            from = known->second.second;
        }
        const auto rows = found(in, in.get_param_value("sort_direction") == "desc");
        return {200, page(rows, from, in, same)};
    }

    json page(const std::vector<json> &rows, std::size_t from, const httplib::Request &in, const std::string &same) {
        const std::size_t limit = std::min(page_size, std::stoul(in.has_param("limit") ? in.get_param_value("limit") : "100"));
        json body = {{"success", true}, {"data", json::array()}};
        for (std::size_t i = from; i < std::min(rows.size(), from + limit); ++i) body["data"].push_back(rows[i]);
        if (from + limit < rows.size()) {
            const std::string name = "c" + std::to_string(cursors.size()) + "==";
            cursors[name] = {same, from + limit};
            body["additional_data"]["next_cursor"] = name;
        } else if (rows.size() % 2) {
            body["additional_data"] = nullptr;
        } else {
            body["additional_data"]["next_cursor"] = nullptr;
        }
        return body;
    }

    std::pair<int, json> products(const httplib::Request &in) {
        const std::string ids = "," + in.get_param_value("deal_ids") + ",";
        EXPECT_LE(std::count(ids.begin(), ids.end(), ','), 101);
        std::vector<json> rows;
        for (const auto &row : lists[in.path]) {
            if (ids.find("," + row["deal_id"].dump() + ",") != std::string::npos) rows.push_back(row);
        }
        const std::size_t from = in.has_param("cursor") ? cursors.at(in.get_param_value("cursor")).second : 0;
        return {200, page(rows, from, in, "")};
    }

    std::pair<int, json> position_page(const httplib::Request &in) {
        json body = {{"success", true}, {"data", json::array()}};
        if (in.path == "/api/v1/users/me") return {200, body};
        if (!lists.contains(in.path)) return {404, fault_body("unknown")};
        const auto rows = found(in, true);
        if (!in.has_param("limit")) {
            body["data"] = rows;
            return {200, body};
        }
        const std::size_t from = std::stoul(in.get_param_value("start")),
                          limit = std::min(page_size, std::stoul(in.get_param_value("limit")));
        for (std::size_t i = from; i < std::min(rows.size(), from + limit); ++i) body["data"].push_back(rows[i]);
        if (body["data"].empty()) body["data"] = nullptr;
        const bool more = from + limit < rows.size();
        json pagination = {{"start", from}, {"limit", limit}, {"more_items_in_collection", more}};
        if (more && says_next) pagination["next_start"] = from + limit;
        if (nested)
            body["additional_data"]["pagination"] = pagination;
        else
            body["additional_data"] = pagination;
        return {200, body};
    }

    sync::Page fetch(const sync::Object &object, const std::string &state) {
        if (!connector) connector = connectors::make_pipedrive(settings);
        return connector->fetch(object, state);
    }
    // Every page of one sync; the state is left at its end.
    std::vector<sync::Page> pages(const sync::Object &object, std::string &state) {
        std::vector<sync::Page> all;
        for (int i = 0; i < 1000; ++i) {
            all.push_back(fetch(object, state));
            EXPECT_NE(all.back().next_state, state);
            state = all.back().next_state;
            if (all.back().done) return all;
        }
        ADD_FAILURE() << "no end";
        return all;
    }
    std::vector<sync::Record> sync_all(const sync::Object &object, std::string &state) {
        std::vector<sync::Record> records;
        for (auto &page : pages(object, state)) {
            EXPECT_TRUE(page.rejects.empty());
            records.insert(records.end(), page.records.begin(), page.records.end());
        }
        return records;
    }
    static std::set<std::string> ids(const std::vector<sync::Record> &records) {
        std::set<std::string> all;
        for (const auto &record : records) all.insert(record.crm_id);
        return all;
    }
    static std::string value(const sync::Object &object, const sync::Record &record, const char *column) {
        return record.values[object.index(column)].value_or("NULL");
    }
    SyncError fault(const sync::Object &object = account, const std::string &state = "") {
        try {
            fetch(object, state);
        } catch (const SyncError &error) {
            return error;
        }
        ADD_FAILURE() << "passed";
        return {Fault::stopped, ""};
    }
    SyncError fault_of(int status, const std::string &body, std::vector<std::pair<std::string, std::string>> with = {}) {
        connector.reset();
        headers.clear();
        special["/api/v2/organizations"] = [=](const httplib::Request &, httplib::Response &out) {
            out.status = status;
            for (const auto &[name, text] : with) out.set_header(name.c_str(), text);
            out.set_content(body, body.starts_with("<") ? "text/html" : "application/json");
        };
        return fault();
    }
    static json organization(std::int64_t id, const std::string &modified, json more = json::object()) {
        more.update(
            {{"id", id}, {"name", "N" + std::to_string(id)}, {"update_time", modified}, {"add_time", "2020-01-01T00:00:00Z"}});
        return more;
    }
    // Of one object, in the order they were asked for.
    std::vector<Asked> asked_for(const std::string &path) const {
        std::vector<Asked> list;
        for (const auto &one : asked) {
            if (one.path == path) list.push_back(one);
        }
        return list;
    }

    static constexpr const char *hash = "0123456789abcdef0123456789abcdef01234567";
    static constexpr const char *hash2 = "1123456789abcdef0123456789abcdef01234567";
    test::Server web;
    connectors::Settings settings;
    std::unique_ptr<sync::Connector> connector;
    std::map<std::string, std::vector<json>> lists;
    std::map<std::string, Handler> special;
    std::map<std::string, std::pair<std::string, std::size_t>> cursors;
    std::map<std::string, std::string> headers;
    std::vector<Asked> asked;
    std::string date = "Mon, 01 Jun 2026 12:00:00 GMT", access = "none";
    std::size_t page_size = 500;
    bool dead = false, nested = true, says_next = true;
};

}  // namespace
