// A HubSpot account that answers as the real one does, with its limits; the tests of the connector talk to it.
#pragma once
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "connectors/hubspot/connector.hpp"
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
constexpr std::int64_t minute = 60'000'000;

const sync::Object account{"account",
                           {{"name", ColumnType::text},
                            {"domain", ColumnType::text},
                            {"modified_at", ColumnType::timestamp},
                            {"deleted_at", ColumnType::timestamp},
                            {"merged_into", ColumnType::text},
                            {"attributes", ColumnType::json}}};
const sync::Object deal{"opportunity",
                        {{"account_id", ColumnType::text},
                         {"pipeline", ColumnType::text},
                         {"amount", ColumnType::number},
                         {"probability", ColumnType::number},
                         {"is_won", ColumnType::boolean},
                         {"modified_at", ColumnType::timestamp},
                         {"deleted_at", ColumnType::timestamp},
                         {"merged_into", ColumnType::text}}};
const sync::Object user{"crm_user",
                        {{"name", ColumnType::text}, {"is_active", ColumnType::boolean}, {"modified_at", ColumnType::timestamp}}};
const sync::Object activity{"activity",
                            {{"kind", ColumnType::text},
                             {"account_id", ColumnType::text},
                             {"contact_id", ColumnType::text},
                             {"opportunity_id", ColumnType::text},
                             {"duration", ColumnType::number},
                             {"direction", ColumnType::text},
                             {"modified_at", ColumnType::timestamp}}};

[[maybe_unused]] json record(int id, const std::string &modified, json properties = json::object()) {
    properties["hs_lastmodifieddate"] = modified;
    properties["hs_object_id"] = std::to_string(id);
    return {{"id", std::to_string(id)},
            {"properties", properties},
            {"createdAt", "2020-01-01T00:00:00Z"},
            {"updatedAt", modified},
            {"archived", false}};
}

// A HubSpot account with companies, deals and calls; searches behave like the real ones, with their limits.
class HubSpot : public testing::Test {
  protected:
    void SetUp() override {
        web.server.set_post_routing_handler(
            [](const httplib::Request &, httplib::Response &out) { out.set_header("Date", "Mon, 01 Jun 2026 12:00:00 GMT"); });
        web.server.Get("/crm/v3/owners", [this](const httplib::Request &in, httplib::Response &out) {
            api(in, out, [&] { return list(in, "owners"); });
        });
        web.server.Get(R"(/crm/v3/objects/([a-z_]+))", [this](const httplib::Request &in, httplib::Response &out) {
            api(in, out, [&] { return list(in, in.matches[1]); });
        });
        web.server.Post(R"(/crm/v3/objects/([a-z_]+)/batch/read)", [this](const httplib::Request &in, httplib::Response &out) {
            api(in, out, [&] { return by_ids(json::parse(in.body), in.matches[1], in.get_param_value("archived") == "true"); });
        });
        web.server.Get("/settings/v3/currencies/exchange-rates", [this](const httplib::Request &in, httplib::Response &out) {
            if (rates.empty())
                out.status = 403;
            else
                api(in, out, [&] { return rates.at(in.get_param_value("after")); });
        });
        web.server.Post(R"(/crm/v3/objects/([a-z_]+)/search)", [this](const httplib::Request &in, httplib::Response &out) {
            api(in, out, [&] { return search(json::parse(in.body), in.matches[1]); });
        });
        web.server.Post(
            R"(/crm/v4/associations/([a-z_]+)/([a-z_]+)/batch/read)", [this](const httplib::Request &in, httplib::Response &out) {
                api(in, out, [&] { return associations(json::parse(in.body), in.matches[1].str() + ">" + in.matches[2].str()); });
                if (out.status == -1 || out.status == 200) out.status = 207;
            });
        web.server.Get("/crm/v3/pipelines/deals", [this](const httplib::Request &in, httplib::Response &out) {
            api(in, out, [] {
                return R"({"results":[{"id":"default","label":"Sales","stages":[{"id":"77","label":"Won","metadata":{"isClosed":"true","probability":"1.0"}},
                          {"id":"78","label":"Open","metadata":{"isClosed":"false","probability":"0.4"}}]}]})";
            });
        });
        web.server.Post("/oauth/v1/token", [this](const httplib::Request &in, httplib::Response &out) {
            ++logins;
            form = in.body;
            out.set_content(json{{"access_token", "access" + std::to_string(logins)}, {"expires_in", 1800}}.dump(),
                            "application/json");
        });
        web.start();
        settings.connector = "hubspot";
        settings.set("base_url", web.url());
        settings.set("token", "pat-secret", true);
    }

    template <typename Make>
    void api(const httplib::Request &in, httplib::Response &out, Make make) {
        if (in.get_header_value("Authorization") != "Bearer " + token) {
            out.status = 401;
            out.set_content(R"({"status":"error","category":"EXPIRED_AUTHENTICATION","message":"expired"})", "application/json");
        } else if (fault_status != 200) {
            out.status = fault_status;
            for (const auto &[name, value] : fault_headers) out.set_header(name.c_str(), value);
            out.set_content(fault_body, "application/json");
        } else {
            for (const auto &[name, value] : headers) out.set_header(name.c_str(), value);
            out.set_content(make(), "application/json");
        }
    }

    std::string by_ids(const json &request, const std::string &type, bool archived) {
        EXPECT_LE(request["inputs"].size(), 100u);
        asked.push_back(request);
        json body = {{"status", "COMPLETE"}, {"results", json::array()}};
        for (const auto &item : archived ? gone[type] : live[type]) {
            for (const auto &input : request["inputs"]) {
                if (input["id"] == item["id"]) body["results"].push_back(item);
            }
        }
        return body.dump();
    }

    // Cursors of lists are positions here.
    std::string list(const httplib::Request &in, const std::string &type) {
        const bool archived = in.get_param_value("archived") == "true";
        longest = std::max(longest, in.target.size());
        const auto &all = archived ? gone[type] : live[type];
        const std::size_t from = in.has_param("after") ? std::stoul(in.get_param_value("after")) : 0,
                          limit = std::stoul(in.get_param_value("limit"));
        json body = {{"results", json::array()}};
        for (std::size_t i = from; i < std::min(all.size(), from + limit); ++i) body["results"].push_back(all[i]);
        if (from + limit < all.size()) body["paging"]["next"]["after"] = std::to_string(from + limit);
        return body.dump();
    }

    std::string search(const json &request, const std::string &type) {
        searches.push_back(request);
        if (!search_answer.empty()) return search_answer;
        EXPECT_FALSE(request.contains("after")) << "pages of one search end at 10,000";
        EXPECT_EQ(request["sorts"][0]["propertyName"], "hs_object_id");
        long least = 0;
        std::int64_t since = 0;
        for (const auto &filter : request["filterGroups"][0]["filters"]) {
            const std::string value = filter["value"];
            if (filter["propertyName"] == "hs_object_id") least = std::stol(value);
            if (filter["propertyName"] == "hs_lastmodifieddate") since = std::stoll(value) * 1000;
        }
        json results = json::array();
        int total = 0;
        for (const auto &item : live[type]) {
            if (std::stol(item["id"].get<std::string>()) <= least ||
                *sync::to_micros(item["updatedAt"].get<std::string>()) < since)
                continue;
            if (++total <= request["limit"].get<int>()) results.push_back(item);
        }
        json body = {{"total", total}, {"results", results}};
        if (total > request["limit"].get<int>()) body["paging"]["next"]["after"] = request["limit"].dump();
        return body.dump();
    }

    // One associated id a page.
    std::string associations(const json &request, const std::string &pair) {
        json body = {{"status", "COMPLETE"}, {"results", json::array()}};
        for (const auto &input : request["inputs"]) {
            const auto &to = links[pair][input["id"]];
            const std::size_t at = input.contains("after") ? std::stoul(input["after"].get<std::string>()) : 0;
            if (at >= to.size()) continue;
            json result = {{"from", {{"id", input["id"]}}}, {"to", json::array({to[at]})}};
            if (at + 1 < to.size()) result["paging"]["next"]["after"] = std::to_string(at + 1);
            body["results"].push_back(result);
        }
        return body.dump();
    }
    static json link(int id, bool primary = false) {
        json types = json::array({{{"category", "HUBSPOT_DEFINED"}, {"typeId", 279}, {"label", nullptr}}});
        if (primary) types.push_back({{"category", "HUBSPOT_DEFINED"}, {"typeId", 1}, {"label", "Primary"}});
        return {{"toObjectId", id}, {"associationTypes", types}};
    }

    sync::Page fetch(const sync::Object &object, const std::string &state) {
        if (!connector) connector = connectors::make_hubspot(settings);
        return connector->fetch(object, state);
    }
    // Every page of one sync; the state is left at its end.
    std::vector<sync::Record> sync_all(const sync::Object &object, std::string &state) {
        std::vector<sync::Record> records;
        for (int pages = 0; pages < 1000; ++pages) {
            auto page = fetch(object, state);
            EXPECT_TRUE(page.rejects.empty());
            records.insert(records.end(), page.records.begin(), page.records.end());
            EXPECT_NE(page.next_state, state);
            state = page.next_state;
            if (page.done) return records;
        }
        ADD_FAILURE() << "no end";
        return records;
    }
    SyncError fault_of(int status, const std::string &body, std::vector<std::pair<std::string, std::string>> headers = {}) {
        fault_status = status, fault_body = body, fault_headers = std::move(headers);
        try {
            fetch(account, "");
        } catch (const SyncError &error) {
            return error;
        }
        ADD_FAILURE() << status << " passed";
        return {Fault::stopped, ""};
    }

    test::Server web;
    connectors::Settings settings;
    std::unique_ptr<sync::Connector> connector;
    std::map<std::string, std::vector<json>> live, gone;
    std::map<std::string, std::map<std::string, std::vector<json>>> links;
    std::vector<json> searches, asked;
    std::map<std::string, std::string> rates;  // by cursor
    std::vector<std::pair<std::string, std::string>> headers;
    std::size_t longest = 0;  // address of a list
    std::string token = "pat-secret", form, fault_body, search_answer;
    std::vector<std::pair<std::string, std::string>> fault_headers;
    int logins = 0, fault_status = 200;
};

}  // namespace
