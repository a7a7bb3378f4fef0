#include "hubspot_fixture.hpp"

namespace {

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

TEST_F(HubSpot, LosersAreKnownThoughTheirWinnerWasArchivedSince) {
    json winner = record(5, "2026-05-01T00:00:00Z", {{"hs_merged_object_ids", "1"}});
    winner["archived"] = true, winner["archivedAt"] = "2026-05-03T00:00:00.000Z";
    gone["companies"] = {winner};
    std::string state;
    const auto records = sync_all(account, state);
    ASSERT_EQ(records.size(), 2u);
    EXPECT_EQ(records[1].crm_id, "1");
    EXPECT_EQ(records[1].values[account.index("merged_into")], "5");
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

TEST_F(HubSpot, CompaniesSayWhatTheirMoneyIsAndWhenTheyWereLastSpokenTo) {
    const sync::Object whole{"account",
                             {{"annual_revenue", ColumnType::number},
                              {"currency", ColumnType::text},
                              {"employees", ColumnType::integer},
                              {"source", ColumnType::text},
                              {"last_activity_at", ColumnType::timestamp},
                              {"modified_at", ColumnType::timestamp},
                              {"deleted_at", ColumnType::timestamp},
                              {"merged_into", ColumnType::text}}};
    live["companies"] = {record(1, "2026-05-01T00:00:00.000Z",
                                {{"annualrevenue", "1000000.5"},
                                 {"hs_annual_revenue_currency_code", "USD"},
                                 {"numberofemployees", "11-50"},
                                 {"hs_analytics_source", "OFFLINE"},
                                 {"notes_last_updated", "2021-02-26T06:00:00Z"}})};
    std::string state;
    const auto records = sync_all(whole, state);
    ASSERT_EQ(records.size(), 1u);
    EXPECT_EQ(records[0].values[0], "1000000.5");
    EXPECT_EQ(records[0].values[1], "USD");
    EXPECT_EQ(records[0].values[2], std::nullopt);  // retyped by the portal: the company is kept all the same
    EXPECT_EQ(records[0].problem, "employees: '11-50' is not a whole number");
    EXPECT_EQ(records[0].values[3], "OFFLINE");
    EXPECT_EQ(records[0].values[4], "2021-02-26 06:00:00.000000+00");
}

// It is no empty list: the sweep would delete everything.
TEST_F(HubSpot, AnErrorThatSaysTwoHundredIsAnError) {
    search_answer = R"({"status":"error","message":"internal error","correlationId":"c"})";
    const auto error = fault_of(200, "");
    EXPECT_EQ(error.fault, Fault::transient);
    EXPECT_NE(std::string(error.what()).find("internal error"), std::string::npos);
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

TEST_F(HubSpot, RestoredRecordsAreFoundByTheirAbsenceAmongTheArchivedOnes) {
    const auto archived = [](int id) {
        json item = record(id, "2026-05-01T00:00:00Z");
        item["archived"] = true, item["archivedAt"] = "2026-05-03T00:00:00.000Z";
        return item;
    };
    live["companies"] = {record(1, "2026-05-01T00:00:00Z")};
    for (int id = 2; id <= 230; ++id) gone["companies"].push_back(archived(id));
    std::string state;
    sync_all(account, state);
    EXPECT_TRUE(asked.empty());
    // 5 and 230 come back with their old dates, 7 is gone for good.
    std::erase_if(gone["companies"],
                  [](const json &item) { return item["id"] == "5" || item["id"] == "7" || item["id"] == "230"; });
    live["companies"].push_back(record(5, "2026-05-01T00:00:00Z"));
    live["companies"].push_back(record(230, "2026-05-01T00:00:00Z"));
    std::set<std::string> back;
    for (const auto &item : sync_all(account, state)) {
        if (!item.values[account.index("deleted_at")]) back.insert(item.crm_id);
    }
    EXPECT_EQ(back, (std::set<std::string>{"5", "230"}));
    asked.clear();
    sync_all(account, state);
    EXPECT_TRUE(asked.empty());
}

TEST_F(HubSpot, FullReadingsSweep) {
    const auto first = fetch(account, "");
    EXPECT_EQ(first.sweep, sync::Sweep::begin);
    EXPECT_EQ(first.sweep_at, "2026-06-01 12:00:00.000000+00");
    const auto second = fetch(account, first.next_state);
    EXPECT_EQ(second.sweep, sync::Sweep::go_on);
    EXPECT_TRUE(second.done);
    EXPECT_EQ(fetch(account, second.next_state).sweep, sync::Sweep::none);
}

TEST_F(HubSpot, TheFirstPageSaysHowManyThereAre) {
    for (int i = 1; i <= 450; ++i) live["companies"].push_back(record(i, "2026-05-01T00:00:00Z"));
    const auto first = fetch(account, "");
    EXPECT_EQ(first.total, 450);
    EXPECT_EQ(fetch(account, first.next_state).total, std::nullopt);
}

TEST_F(HubSpot, ClocksSetBackAndReadingsSinceATime) {
    live["companies"] = {record(1, "2026-05-01T00:00:00Z"), record(2, "2026-06-01T11:55:00Z")};
    connector = connectors::make_hubspot(settings);
    std::string state = json{{"watermark", now + 50 * minute}, {"full_at", now}, {"map", connector->map_hash(account)}}.dump();
    EXPECT_EQ(sync_all(account, state).size(), 1u);
    EXPECT_EQ(json::parse(state)["watermark"], now - 10 * minute);
    state = *connector->since(account, *sync::to_micros("2026-04-01T00:00:00Z"));
    EXPECT_EQ(sync_all(account, state).size(), 2u);
    EXPECT_EQ(searches.back()["filterGroups"][0]["filters"].size(), 1u);  // the count
    EXPECT_EQ(searches[searches.size() - 2]["filterGroups"][0]["filters"].size(), 2u);
    // No lookback at all would lose what is not searchable yet.
    settings.set("lookback", "0");
    connector.reset();
    sync_all(account, state);
    EXPECT_EQ(json::parse(state)["watermark"], now - minute);
}

TEST_F(HubSpot, PropertiesTooLongForAnAddressTravelInABody) {
    for (int i = 0; i < 900; ++i) settings.attributes["account"].push_back("a_rather_long_property_name_" + std::to_string(i));
    json item = record(2, "2026-05-01T00:00:00Z", {{"a_rather_long_property_name_7", "x"}});
    item["archived"] = true, item["archivedAt"] = "2026-05-03T00:00:00.000Z";
    gone["companies"] = {item};
    std::string state;
    const auto records = sync_all(account, state);
    ASSERT_EQ(records.size(), 1u);
    EXPECT_EQ(records[0].values[account.index("deleted_at")], "2026-05-03 00:00:00.000000+00");
    EXPECT_EQ(records[0].values[account.index("attributes")], R"({"a_rather_long_property_name_7":"x"})");
    EXPECT_LT(longest, 200u);
    ASSERT_EQ(asked.size(), 1u);
    EXPECT_GT(asked[0]["properties"].size(), 900u);
}

}  // namespace
