#include "pipedrive_fixture.hpp"

namespace {

constexpr const char *organizations = "/api/v2/organizations", *deals = "/api/v2/deals", *archived = "/api/v2/deals/archived";

TEST_F(Pipedrive, ReadsEveryPageNewestFirst) {
    // 1,500 records of few times: ties at every page's edge, and the last page is full.
    for (int i = 1; i <= 1500; ++i)
        lists[organizations].push_back(organization(i, "2026-05-0" + std::to_string(i % 3 + 1) + "T00:00:00Z"));
    std::string state;
    const auto all = pages(account, state);
    ASSERT_EQ(all.size(), 4u);  // the fourth: what changed meanwhile
    EXPECT_EQ(all[0].sweep, sync::Sweep::begin);
    EXPECT_EQ(all[0].sweep_at, "2026-06-01 12:00:00.000000+00");
    EXPECT_EQ(all[1].sweep, sync::Sweep::go_on);
    EXPECT_EQ(all[3].sweep, sync::Sweep::go_on);
    EXPECT_EQ(value(account, all[0].records[0], "modified_at"), "2026-05-03 00:00:00.000000+00");
    std::vector<sync::Record> records;
    for (const auto &page : all) records.insert(records.end(), page.records.begin(), page.records.end());
    EXPECT_EQ(records.size(), 1500u);
    EXPECT_EQ(ids(records).size(), 1500u);
    EXPECT_EQ(json::parse(state),
              (json{{"watermark", now - 5 * minute}, {"full_at", now}, {"map", connector->map_hash(account)}}));
    const auto calls = asked_for(organizations);
    EXPECT_EQ(calls[0].target, "/api/v2/organizations?limit=500&sort_by=update_time&sort_direction=desc");
    EXPECT_EQ(calls[3].since, "2026-06-01T11:55:00Z");
    EXPECT_EQ(calls[3].order, "asc");
}

TEST_F(Pipedrive, ShortPagesAreNotTheLast) {
    page_size = 2;
    for (int i = 1; i <= 5; ++i) lists[organizations].push_back(organization(i, "2026-05-01T00:00:00Z"));
    std::string state;
    EXPECT_EQ(ids(sync_all(account, state)).size(), 5u);
}

TEST_F(Pipedrive, LaterSyncsReadWhatChanged) {
    lists[organizations] = {organization(1, "2026-06-01T11:54:59Z"), organization(2, "2026-06-01T11:55:00Z")};
    std::string state;
    EXPECT_EQ(sync_all(account, state).size(), 2u);
    asked.clear();
    const auto page = fetch(account, state);
    EXPECT_TRUE(page.done);
    EXPECT_EQ(page.sweep, sync::Sweep::none);
    ASSERT_EQ(page.records.size(), 1u);
    EXPECT_EQ(page.records[0].crm_id, "2");
    EXPECT_EQ(asked_for(organizations)[0].since, "2026-06-01T11:55:00Z");
    EXPECT_EQ(asked_for(organizations)[0].order, "asc");
    EXPECT_EQ(json::parse(page.next_state)["full_at"], now);
    // A week later everything is read again, and so it is with another field map.
    date = "Mon, 08 Jun 2026 12:00:00 GMT";
    EXPECT_EQ(fetch(account, state).sweep, sync::Sweep::begin);
    date = "Mon, 01 Jun 2026 13:00:00 GMT";
    json other = json::parse(state);
    other["map"] = 1;
    EXPECT_EQ(fetch(account, other.dump()).sweep, sync::Sweep::begin);
}

TEST_F(Pipedrive, AClockThatWasSetBackHidesNothing) {
    lists[organizations] = {organization(1, "2026-06-01T11:00:00Z")};
    std::string state;
    sync_all(account, state);
    date = "Mon, 01 Jun 2026 11:02:00 GMT";
    asked.clear();
    EXPECT_EQ(sync_all(account, state).size(), 1u);
    EXPECT_EQ(asked_for(organizations)[0].since, "2026-06-01T10:57:00Z");
    EXPECT_EQ(json::parse(state)["watermark"], *sync::to_micros("2026-06-01T10:57:00Z"));
}

TEST_F(Pipedrive, SameStateGivesTheSameRecords) {
    page_size = 2;
    for (int i = 1; i <= 5; ++i) lists[organizations].push_back(organization(i, "2026-05-01T00:00:00Z"));
    const auto first = fetch(account, "");
    const auto second = fetch(account, first.next_state), again = fetch(account, first.next_state);
    ASSERT_EQ(second.records.size(), 2u);
    EXPECT_EQ(second.records[0].crm_id, "3");
    EXPECT_EQ(again.records[1].raw, second.records[1].raw);
}

TEST_F(Pipedrive, ARecordThatChangesDuringAFullReadingIsNotMissed) {
    page_size = 2;
    for (int i = 1; i <= 4; ++i) lists[organizations].push_back(organization(i, "2026-05-0" + std::to_string(i) + "T00:00:00Z"));
    std::string state;
    auto page = fetch(account, "");  // 4 and 3; then 1 moves to the front
    std::set<std::string> seen = ids(page.records);
    lists[organizations][0]["update_time"] = "2026-06-01T12:00:01Z";
    while (!page.done) {
        page = fetch(account, page.next_state);
        for (const auto &record : page.records) seen.insert(record.crm_id);
    }
    EXPECT_EQ(seen, (std::set<std::string>{"1", "2", "3", "4"}));
}

TEST_F(Pipedrive, DeadCursorsAreRestartedFromTheLastRecord) {
    page_size = 2;
    for (int i = 1; i <= 5; ++i) lists[organizations].push_back(organization(i, "2026-06-01T11:58:0" + std::to_string(i) + "Z"));
    auto page = fetch(account, "");
    dead = true;
    page = fetch(account, page.next_state);  // newest first: 5, 4 | dead
    EXPECT_NE(asked.back().target.find("&updated_until=2026-06-01T11:58:05Z"), std::string::npos);
    EXPECT_EQ(ids(page.records), (std::set<std::string>{"3", "4"}));
    dead = false;
    while (!page.done) page = fetch(account, page.next_state);
    std::string state = page.next_state;
    page = fetch(account, state);  // oldest first: 1, 2 | dead
    dead = true;
    page = fetch(account, page.next_state);
    EXPECT_EQ(asked.back().since, "2026-06-01T11:58:02Z");
    EXPECT_EQ(ids(page.records), (std::set<std::string>{"2", "3"}));
}

TEST_F(Pipedrive, WithoutOrderADeadCursorBeginsAgain) {
    special[organizations] = [&](const httplib::Request &in, httplib::Response &out) {
        const bool dead_one = in.has_param("cursor");
        out.status = dead_one ? 400 : 200;
        const json rows = {organization(1, "2026-05-01T00:00:00Z"), organization(2, "2026-05-09T00:00:00Z")};
        out.set_content(json{{"success", !dead_one}, {"data", rows}, {"additional_data", {{"next_cursor", "x"}}}}.dump(),
                        "application/json");
    };
    const auto page = fetch(account, "");
    fetch(account, page.next_state);
    EXPECT_EQ(asked.back().target.find("updated_until"), std::string::npos);
}

TEST_F(Pipedrive, ACursorThatLeadsToItselfIsAnError) {
    special[organizations] = [](const httplib::Request &, httplib::Response &out) {
        out.set_content(R"({"success":true,"data":[],"additional_data":{"next_cursor":"same"}})", "application/json");
    };
    const auto page = fetch(account, "");
    EXPECT_EQ(fault(account, page.next_state).fault, Fault::object);
}

TEST_F(Pipedrive, DealsKnowTheirStage) {
    const auto row = [](std::int64_t id, const char *status, int stage) {
        return json{{"id", id},
                    {"title", "D"},
                    {"status", status},
                    {"stage_id", stage},
                    {"pipeline_id", 1},
                    {"org_id", 77},
                    {"value", 12.5},
                    {"is_deleted", std::string(status) == "deleted"},
                    {"update_time", "2026-05-01T00:00:00Z"},
                    {"custom_fields", nullptr}};
    };
    lists[deals] = {row(1, "open", 10), row(2, "won", 10),     row(3, "lost", 10),
                    row(4, "open", 11), row(5, "deleted", 10), row(6, "open", 99)};
    lists[archived] = {row(9007199254740993, "won", 10)};
    std::string state;
    const auto records = sync_all(deal, state);
    ASSERT_EQ(records.size(), 7u);
    const auto told = [&](std::size_t i) {
        const auto &r = records[i];
        return value(deal, r, "pipeline") + "/" + value(deal, r, "stage") + "/" + value(deal, r, "is_closed") + "/" +
               value(deal, r, "is_won");
    };
    EXPECT_EQ(told(0), "Sales/Proposal/false/false");
    EXPECT_EQ(told(1), "Sales/Won/true/true");
    EXPECT_EQ(told(2), "Sales/Lost/true/false");
    EXPECT_EQ(told(3), "Sales/Won (open)/false/false");
    EXPECT_EQ(told(4), "Sales/NULL/NULL/NULL");
    EXPECT_EQ(value(deal, records[4], "deleted_at"), "2026-05-01 00:00:00.000000+00");
    EXPECT_EQ(told(5), "Sales/99/false/false");
    EXPECT_EQ(records[6].crm_id, "9007199254740993");
    EXPECT_EQ(value(deal, records[0], "account_id"), "77");
    EXPECT_EQ(value(deal, records[0], "deleted_at"), "NULL");
    EXPECT_NE(asked_for(archived)[0].target.find("status=open,won,lost,deleted"), std::string::npos);
    EXPECT_EQ(asked_for("/api/v2/stages").size(), 1u);
}

TEST_F(Pipedrive, LinesOfADealAreReplacedTogether) {
    for (int i = 1; i <= 150; ++i)
        lists[deals].push_back({{"id", i}, {"status", i == 3 ? "deleted" : "open"}, {"update_time", "2026-05-01T00:00:00Z"}});
    lists[archived] = {};
    for (int i = 1; i <= 4; ++i)
        lists["/api/v2/deals/products"].push_back({{"id", 500 + i},
                                                   {"deal_id", i == 4 ? 150 : 1},
                                                   {"product_id", 9},
                                                   {"sum", 3},
                                                   {"update_time", nullptr},
                                                   {"add_time", "2026-05-01T00:00:00Z"}});
    std::string state;
    auto all = pages(line, state);
    EXPECT_EQ(asked_for("/api/v2/deals/products").size(), 2u);
    ASSERT_TRUE(all[0].replaced);
    EXPECT_EQ(all[0].replaced->column, "opportunity_id");
    EXPECT_EQ(all[0].replaced->parents.size(), 100u);
    EXPECT_EQ(all[0].replaced->at, "2026-06-01 12:00:00.000000+00");
    EXPECT_EQ(asked_for("/api/v2/deals/products")[0].target.find("=1,2,3,"), std::string::npos)
        << "a deleted deal has no products";
    ASSERT_EQ(all[0].records.size(), 3u);
    EXPECT_EQ(value(line, all[0].records[0], "opportunity_id"), "1");
    EXPECT_EQ(value(line, all[1].records.at(0), "opportunity_id"), "150");
    // The products of some deals fill several pages, which become one.
    page_size = 2;
    connector.reset();
    lists[deals].resize(1);
    state.clear();
    EXPECT_EQ(pages(line, state)[0].records.size(), 3u);
}

TEST_F(Pipedrive, ListsOfVersionOneGoOnByPosition) {
    page_size = 2;
    for (int i = 1; i <= 5; ++i)
        lists["/api/v1/leads"].push_back({{"id", "adf21080-0e10-11eb-879b-05d71fb426e" + std::to_string(i)},
                                          {"title", "L"},
                                          {"value", i == 1 ? json() : json{{"amount", 5}, {"currency", "EUR"}}},
                                          {"is_archived", false},
                                          {"update_time", "2026-05-15T09:58:46." + std::to_string(i) + "64Z"}});
    lists["/api/v1/leads/archived"] = {};
    for (const bool here : {true, false}) {
        nested = here, says_next = here;
        connector.reset();
        std::string state;
        const auto records = sync_all(lead, state);
        EXPECT_EQ(ids(records).size(), 5u);
        EXPECT_EQ(value(lead, records[0], "status"), "open");
        EXPECT_EQ(value(lead, records[0], "currency"), "EUR");
    }
    EXPECT_NE(asked_for("/api/v1/leads")[1].target.find("start=2&limit=500&sort=update_time%20DESC"), std::string::npos);
}

TEST_F(Pipedrive, ArchivedLeadsAreReadFromTheNewestOn) {
    page_size = 2;
    for (int i = 1; i <= 6; ++i)
        lists["/api/v1/leads/archived"].push_back({{"id", "l" + std::to_string(i)},
                                                   {"is_archived", true},
                                                   {"update_time", "2026-06-01T11:5" + std::to_string(i) + ":00Z"}});
    lists["/api/v1/leads"] = {};
    std::string state;
    EXPECT_EQ(ids(sync_all(lead, state)).size(), 6u);
    asked.clear();
    EXPECT_EQ(ids(sync_all(lead, state)), (std::set<std::string>{"l6", "l5", "l4", "l3"}));  // until one is older than 11:55
    EXPECT_EQ(asked_for("/api/v1/leads/archived").size(), 2u);
    EXPECT_EQ(asked_for("/api/v1/leads/archived")[0].since, "");
}

TEST_F(Pipedrive, UsersAreReadWholeEachTime) {
    lists["/api/v1/users"] = {
        {{"id", 1}, {"name", "Ann"}, {"active_flag", false}, {"modified", nullptr}, {"created", "2026-05-15 10:16:44"}}};
    std::string state;
    sync_all(user, state);
    const auto page = fetch(user, state);
    EXPECT_EQ(page.sweep, sync::Sweep::begin);
    EXPECT_TRUE(page.done);
    ASSERT_EQ(page.records.size(), 1u);
    EXPECT_EQ(page.records[0].values, (std::vector<sync::Value>{"Ann", "false", "2026-05-15 10:16:44.000000+00"}));
    EXPECT_EQ(connector->since(user, now), std::nullopt);
}

TEST_F(Pipedrive, SinceATimeIsAStateOfItsOwn) {
    lists[organizations] = {organization(1, "2026-05-01T00:00:00Z"), organization(2, "2026-04-01T00:00:00Z")};
    connector = connectors::make_pipedrive(settings);
    const auto page = fetch(account, connector->since(account, *sync::to_micros("2026-04-15")).value());
    EXPECT_EQ(asked_for(organizations)[0].since, "2026-04-15T00:00:00Z");
    EXPECT_EQ(ids(page.records), std::set<std::string>{"1"});
    EXPECT_EQ(page.sweep, sync::Sweep::none);
}

TEST_F(Pipedrive, DamagedStatesAreNoticed) {
    for (const char *text : {"[]", "{", R"({"scan":{}})", R"({"watermark":"x"})", "7",
                             R"({"scan":{"start":1,"full":true,"begun":true,"part":9,"phase":"walk","newest_first":true}})"})
        EXPECT_EQ(fault(account, text).fault, Fault::object) << text;
}

}  // namespace
