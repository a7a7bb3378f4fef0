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

json record(int id, const std::string &modified, json properties = json::object()) {
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
            out.set_content(make(), "application/json");
        }
    }

    // Cursors of lists are positions here.
    std::string list(const httplib::Request &in, const std::string &type) {
        const bool archived = in.get_param_value("archived") == "true";
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
    std::vector<json> searches;
    std::string token = "pat-secret", form, fault_body;
    std::vector<std::pair<std::string, std::string>> fault_headers;
    int logins = 0, fault_status = 200;
};

TEST_F(HubSpot, ReadsPastTenThousandRecordsOfOneTime) {
    for (int i = 1; i <= 10450; ++i) live["companies"].push_back(record(i * 7, "2026-05-01T00:00:00Z"));
    std::string state;
    const auto records = sync_all(account, state);
    std::set<std::string> ids;
    for (const auto &item : records) ids.insert(item.crm_id);
    EXPECT_EQ(records.size(), 10450u);
    EXPECT_EQ(ids.size(), 10450u);
    EXPECT_EQ(json::parse(state),
              (json{{"watermark", now - 10 * minute}, {"full_at", now}, {"map", connector->map_hash(account)}}));
    EXPECT_EQ(searches.front()["filterGroups"][0]["filters"].size(), 1u);
}

TEST_F(HubSpot, LaterSyncsReadWhatWasModified) {
    live["companies"] = {record(1, "2026-05-01T00:00:00Z"), record(2, "2026-06-01T11:50:00Z"), record(3, "2026-06-01T11:49:59Z")};
    std::string state;
    EXPECT_EQ(sync_all(account, state).size(), 3u);
    const auto records = sync_all(account, state);
    ASSERT_EQ(records.size(), 1u);
    EXPECT_EQ(records[0].crm_id, "2");
    // A week later everything is read again.
    json old = json::parse(state);
    old["full_at"] = now - 7 * 24 * 60 * minute;
    state = old.dump();
    EXPECT_EQ(sync_all(account, state).size(), 3u);
    EXPECT_EQ(json::parse(state)["full_at"], now);
    // So it is when the field map is another one.
    old = json::parse(state);
    old["map"] = 1;
    state = old.dump();
    EXPECT_EQ(sync_all(account, state).size(), 3u);
}

TEST_F(HubSpot, SameStateGivesTheSameRecords) {
    for (int i = 1; i <= 450; ++i) live["companies"].push_back(record(i, "2026-05-01T00:00:00Z"));
    const auto first = fetch(account, "");
    const auto second = fetch(account, first.next_state);
    const auto again = fetch(account, first.next_state);
    ASSERT_EQ(second.records.size(), 200u);
    EXPECT_EQ(second.records[0].crm_id, "201");
    EXPECT_EQ(again.next_state, second.next_state);
    EXPECT_EQ(again.records[199].raw, second.records[199].raw);
}

TEST_F(HubSpot, ArchivedRecordsBecomeTombstones) {
    live["companies"] = {record(1, "2026-05-01T00:00:00Z")};
    for (int i = 2; i <= 152; ++i) {
        json item = record(i, "2026-05-01T00:00:00Z");
        item["archived"] = true, item["archivedAt"] = "2026-05-03T00:00:00.000Z";
        gone["companies"].push_back(item);
    }
    std::string state;
    const auto records = sync_all(account, state);
    ASSERT_EQ(records.size(), 152u);
    EXPECT_EQ(records[0].values[account.index("deleted_at")], std::nullopt);
    EXPECT_EQ(records[151].values[account.index("deleted_at")], "2026-05-03 00:00:00.000000+00");
    EXPECT_EQ(records[151].values[account.index("modified_at")], "2026-05-01 00:00:00.000000+00");
}

TEST_F(HubSpot, LosersOfMergesAreNamedByTheWinner) {
    live["companies"] = {record(5, "2026-05-01T00:00:00Z", {{"name", "Winner"}, {"hs_merged_object_ids", "1;2"}}),
                         record(6, "2026-05-01T00:00:00Z", {{"hs_merged_object_ids", ""}})};
    std::string state;
    const auto records = sync_all(account, state);
    ASSERT_EQ(records.size(), 4u);
    EXPECT_EQ(records[0].crm_id, "5");
    for (const std::size_t i : {2u, 3u}) {
        EXPECT_EQ(records[i].crm_id, i == 2 ? "1" : "2");
        EXPECT_EQ(records[i].values[account.index("merged_into")], "5");
        EXPECT_EQ(records[i].values[account.index("deleted_at")], "2026-05-01 00:00:00.000000+00");
        EXPECT_EQ(records[i].raw, R"({"id":")" + records[i].crm_id + R"(","merged_into":"5"})");
    }
}

TEST_F(HubSpot, DealsLearnTheirPrimaryCompany) {
    live["deals"] = {
        record(
            1, "2026-05-01T00:00:00Z",
            {{"amount", "12.50"}, {"hs_deal_stage_probability", "0.29"}, {"hs_is_closed_won", "true"}, {"pipeline", "default"}}),
        record(2, "2026-05-01T00:00:00Z", {{"amount", ""}, {"pipeline", nullptr}})};
    links["deals>companies"]["1"] = {link(90), link(30), link(77, true)};
    std::string state;
    const auto records = sync_all(deal, state);
    ASSERT_EQ(records.size(), 2u);
    const std::vector<sync::Value> first = {"77",         "default",   "12.50", "29", "true", "2026-05-01 00:00:00.000000+00",
                                            std::nullopt, std::nullopt};
    const std::vector<sync::Value> second = {
        std::nullopt, "", std::nullopt, std::nullopt, std::nullopt, "2026-05-01 00:00:00.000000+00", std::nullopt, std::nullopt};
    EXPECT_EQ(records[0].values, first);
    EXPECT_EQ(records[1].values, second);
    EXPECT_EQ(json::parse(records[0].raw)["associations"], json::parse(R"({"companies":["77","30","90"]})"));
    EXPECT_EQ(json::parse(records[1].raw)["associations"], json::object());
}

TEST_F(HubSpot, StagesMayBeNamedByTheirLabels) {
    const sync::Object staged{"opportunity",
                              {{"pipeline", ColumnType::text},
                               {"stage", ColumnType::text},
                               {"is_closed", ColumnType::boolean},
                               {"is_won", ColumnType::boolean},
                               {"modified_at", ColumnType::timestamp}}};
    live["deals"] = {record(1, "2026-05-01T00:00:00Z", {{"pipeline", "default"}, {"dealstage", "77"}}),
                     record(2, "2026-05-01T00:00:00Z", {{"pipeline", "default"}, {"dealstage", "78"}, {"hs_is_closed", "true"}}),
                     record(3, "2026-05-01T00:00:00Z", {{"pipeline", "gone"}, {"dealstage", "77"}})};
    const auto values = [&](const char *labels) {
        settings.set("stage_labels", labels);
        connector.reset();
        std::vector<std::vector<sync::Value>> all;
        std::string state;
        for (auto &item : sync_all(staged, state)) all.emplace_back(item.values.begin(), item.values.end() - 1);
        return all;
    };
    const std::vector<std::vector<sync::Value>> ids = {
        {"default", "77", "true", "true"}, {"default", "78", "true", "false"}, {"gone", "77", std::nullopt, std::nullopt}};
    const std::vector<std::vector<sync::Value>> labels = {
        {"Sales", "Won", "true", "true"}, {"Sales", "Open", "true", "false"}, {"gone", "77", std::nullopt, std::nullopt}};
    EXPECT_EQ(values("false"), ids);
    const auto hash = connector->map_hash(staged);
    EXPECT_EQ(values("true"), labels);
    EXPECT_NE(connector->map_hash(staged), hash);
}

TEST_F(HubSpot, ActivitiesComeFromFiveTypes) {
    live["calls"] = {record(1, "2026-05-01T00:00:00Z", {{"hs_call_duration", "61500"}, {"hs_call_direction", "INBOUND"}})};
    live["emails"] = {record(2, "2026-05-01T00:00:00Z", {{"hs_email_direction", "INCOMING_EMAIL"}})};
    live["meetings"] = {
        record(3, "2026-05-01T00:00:00Z",
               {{"hs_meeting_start_time", "2026-05-01T10:00:00Z"}, {"hs_meeting_end_time", "2026-05-01T10:30:00Z"}})};
    live["tasks"] = {record(4, "2026-05-01T00:00:00Z")};
    live["notes"] = {record(5, "2026-05-01T00:00:00Z")};
    links["calls>companies"]["1"] = {link(11)};
    links["calls>contacts"]["1"] = {link(12)};
    links["calls>deals"]["1"] = {link(13)};
    std::string state;
    const auto records = sync_all(activity, state);
    ASSERT_EQ(records.size(), 5u);
    const std::vector<sync::Value> call = {"call", "11", "12", "13", "61.5", "inbound", "2026-05-01 00:00:00.000000+00"};
    EXPECT_EQ(records[0].values, call);
    EXPECT_EQ(records[1].values[5], "inbound");
    EXPECT_EQ(records[2].values[4], "1800");
    const char *kinds[] = {"call", "email", "meeting", "task", "note"};
    for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(records[i].values[0], kinds[i]);
}

TEST_F(HubSpot, OwnersAreUsers) {
    for (int i = 1; i <= 101; ++i) {
        live["owners"].push_back({{"id", std::to_string(i)},
                                  {"email", "a@b.c"},
                                  {"firstName", "Ann"},
                                  {"lastName", i == 1 ? "" : "Lee"},
                                  {"updatedAt", "2026-05-01T00:00:00Z"},
                                  {"archived", false}});
    }
    gone["owners"] = {{{"id", "200"},
                       {"email", "Old@b.c"},
                       {"firstName", ""},
                       {"lastName", ""},
                       {"updatedAt", "2026-05-01T00:00:00Z"},
                       {"archived", true}}};
    std::string state;
    const auto records = sync_all(user, state);
    ASSERT_EQ(records.size(), 102u);
    EXPECT_EQ(records[0].values[0], "Ann");
    EXPECT_EQ(records[100].values[0], "Ann Lee");
    EXPECT_EQ(records[100].values[1], "true");
    EXPECT_EQ(records[101].values[0], "Old@b.c");
    EXPECT_EQ(records[101].values[1], "false");
}

TEST_F(HubSpot, RefreshTokensAreUsedOncePerExpiry) {
    settings = {};
    settings.set("auth", "oauth");
    settings.set("base_url", web.url());
    settings.set("client_id", "id");
    settings.set("client_secret", "se&cret", true);
    settings.set("refresh_token", "refresh", true);
    token = "access1";
    fetch(account, "");
    EXPECT_EQ(form, "grant_type=refresh_token&client_id=id&client_secret=se%26cret&refresh_token=refresh");
    token = "access2";
    fetch(account, "");
    EXPECT_EQ(logins, 2);
    token = "never";
    EXPECT_THROW(fetch(account, ""), SyncError);
    EXPECT_EQ(logins, 3);
}

TEST_F(HubSpot, ErrorsHaveTheirMeanings) {
    EXPECT_EQ(fault_of(429, R"({"policyName":"DAILY"})").fault, Fault::quota);
    const auto rolling = fault_of(429, R"({"policyName":"TEN_SECONDLY_ROLLING"})");
    EXPECT_EQ(rolling.fault, Fault::transient);
    EXPECT_EQ(rolling.wait, 10);
    EXPECT_EQ(fault_of(429, R"({"policyName":"SECONDLY"})").wait, 1);
    EXPECT_EQ(fault_of(429, "{}", {{"Retry-After", "3"}}).wait, 3);
    EXPECT_EQ(fault_of(429, "{}", {{"Retry-After", "Mon, 01 Jun 2026 12:00:20 GMT"}}).wait, 20);
    EXPECT_EQ(fault_of(429, "{}", {{"X-HubSpot-RateLimit-Interval-Milliseconds", "10000"}}).wait, 10);
    EXPECT_EQ(fault_of(423, "{}").wait, 2);
    EXPECT_EQ(fault_of(502, "<html>").fault, Fault::transient);
    EXPECT_EQ(fault_of(477, "").fault, Fault::transient);
    EXPECT_EQ(fault_of(404, "").fault, Fault::object);
    EXPECT_EQ(fault_of(530, "").fault, Fault::org);
    token = "other";
    const auto refused = fault_of(200, "");
    EXPECT_EQ(refused.fault, Fault::org);
    EXPECT_EQ(std::string(refused.what()).find("pat-secret"), std::string::npos);
}

TEST_F(HubSpot, MissingScopeIsTheObjectsFault) {
    const auto page = fetch(account, "");
    fault_status = 403,
    fault_body = R"({"status":"error","category":"MISSING_SCOPES","message":"This app hasn't been granted all required scopes"})";
    try {
        fetch(account, page.next_state);
        FAIL();
    } catch (const SyncError &error) {
        EXPECT_EQ(error.fault, Fault::object);
        EXPECT_NE(std::string(error.what()).find("MISSING_SCOPES"), std::string::npos);
    }
    int errors = 0;
    for (const auto &finding : connector->check()) errors += finding.level == sync::Finding::Level::error;
    EXPECT_EQ(errors, 11);
}

TEST_F(HubSpot, AttributesAreKeptAsTheyAre) {
    settings.attributes["account"] = {"segment", "empty", "blank"};
    live["companies"] = {
        record(1, "2026-05-01T00:00:00Z", {{"segment", "A\"B"}, {"empty", nullptr}, {"blank", ""}, {"domain", "www.acme.com"}})};
    std::string state;
    const auto records = sync_all(account, state);
    EXPECT_EQ(records.at(0).values[account.index("attributes")], R"({"segment":"A\"B"})");
    EXPECT_EQ(records.at(0).values[account.index("domain")], "acme.com");
    const auto &properties = searches.at(0)["properties"];
    EXPECT_NE(std::find(properties.begin(), properties.end(), "segment"), properties.end());
}

TEST_F(HubSpot, CountsBySearch) {
    for (int i = 1; i <= 250; ++i) live["companies"].push_back(record(i, "2026-05-01T00:00:00Z"));
    connector = connectors::make_hubspot(settings);
    EXPECT_EQ(connector->count(account), 250);
    EXPECT_EQ(connector->count(user), std::nullopt);
}

TEST_F(HubSpot, SettingsAreCheckedTogether) {
    settings = {};
    settings.set("token", "written down");
    settings.set("base_url", "http://api.hubapi.com");
    settings.set("pages", "3");
    try {
        connectors::make_hubspot(settings);
        FAIL();
    } catch (const connectors::SettingsError &error) {
        EXPECT_EQ(error.problems.size(), 4u) << error.what();  // auth_url follows base_url
    }
}

}  // namespace
