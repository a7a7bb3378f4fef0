// Walking Zoho's lists: page edges, tokens, walls, deletes, states.
#include "zoho_fixture.hpp"

namespace {

TEST_F(Zoho, LogsInWithTheRefreshTokenAndReadsNewestFirst) {
    for (int i = 1; i <= 3; ++i)
        add("Accounts", i, zoho_now - i * one_minute, {{"Account_Name", "A" + std::to_string(i)}, {"Owner", {{"id", "1"}}}});
    const auto first = fetch(zoho_account, "");
    EXPECT_EQ(form, "grant_type=refresh_token&client_id=1000.ID&client_secret=secret&refresh_token=1000.refresh");
    ASSERT_EQ(first.records.size(), 3u);
    EXPECT_EQ(first.records[0].crm_id, zoho_id(1));
    EXPECT_EQ(value(zoho_account, first.records[0], "modified_at"), "2026-06-01 11:59:00.000000+00");
    EXPECT_EQ(value(zoho_account, first.records[0], "owner_id"), "1");
    EXPECT_EQ(first.sweep, sync::Sweep::begin);
    EXPECT_EQ(first.total, 42);
    EXPECT_FALSE(first.done);
    const auto second = fetch(zoho_account, first.next_state);  // the feed of deleted records: 204
    EXPECT_EQ(second.sweep, sync::Sweep::go_on);
    EXPECT_TRUE(second.done);
    EXPECT_EQ(second.source_count, 42);
    EXPECT_EQ(asked("/Accounts")[0].since, "");
    EXPECT_EQ(asked("/Accounts")[0].parameters.at("sort_order"), "desc");
    // From the scan's start on, less the lookback; not a sweep any more.
    add("Accounts", 4, zoho_now - 5 * one_minute);
    add("Accounts", 5, zoho_now - 5 * one_minute - one_second);
    const auto third = fetch(zoho_account, second.next_state);
    EXPECT_EQ(asked("/Accounts")[1].since, "2026-06-01T11:55:00+00:00");
    EXPECT_EQ(asked("/Accounts/deleted").size(), 1u);
    EXPECT_EQ(third.records.size(), 4u);
    EXPECT_EQ(third.sweep, sync::Sweep::none);
    EXPECT_EQ(logins, 1);
}

TEST_F(Zoho, EmptyIs204Or304) {
    EXPECT_TRUE(fetch(zoho_account, fetch(zoho_account, "").next_state).done);
    answer_list(304, "");
    const auto page = fetch(zoho_account, "");
    EXPECT_TRUE(page.records.empty());
    EXPECT_TRUE(fetch(zoho_account, page.next_state).done);
}

TEST_F(Zoho, TenPagesByNumberThenTokens) {
    for (int i = 0; i < 2600; ++i) add("Accounts", i, zoho_now - one_minute - (i / 450) * one_second);  // ties across page edges
    drain(zoho_account, "");
    EXPECT_EQ(ids.size(), 2600u);
    const auto lists = asked("/Accounts");
    ASSERT_GE(lists.size(), 13u);
    for (int i = 0; i < 13; ++i) {
        EXPECT_EQ(lists[i].parameters.contains("page"), i < 10) << i;
        EXPECT_EQ(lists[i].parameters.contains("page_token"), i >= 10) << i;
    }
    // Several pages: what moved meanwhile is looked for among the newest again, by number.
    EXPECT_EQ(lists.size(), 23u);
    EXPECT_EQ(lists[22].parameters.at("page"), "10");
}

TEST_F(Zoho, FullLastPageAndShortPagesInTheMiddle) {
    for (int i = 0; i < 400; ++i) add("Accounts", i, zoho_now - one_minute - i * one_second);
    drain(zoho_account, "");
    EXPECT_EQ(ids.size(), 400u);
    ids.clear();
    int page = 0;
    answer = [&](const Request &request, httplib::Response &out) {
        if (request.path != "/Accounts") return false;
        const int sizes[] = {3, 0, 2};
        json data = json::array();
        const int number = page++ % 3;
        for (int i = 0; i < sizes[number]; ++i)
            data.push_back({{"id", zoho_id(number * 10 + i)}, {"Modified_Time", zoho_time(zoho_now)}});
        out.set_content(json{{"data", data}, {"info", {{"more_records", number < 2}}}}.dump(), "application/json");
        return true;
    };
    auto state = fetch(zoho_account, "");
    for (int i = 0; i < 2; ++i) state = fetch(zoho_account, state.next_state);
    EXPECT_EQ(page, 3);
    EXPECT_EQ(connectors::zoho::read_state(state.next_state).scan->phase, connectors::zoho::Phase::deleted);
}

TEST_F(Zoho, BeyondTheLimitOfAWalkItGoesOnFromTheOldEnd) {
    walk_limit = 2400;
    for (int i = 0; i < 7400; ++i) add("Accounts", i, zoho_now - one_minute - (i / 7) * one_second);
    std::vector<sync::Page> pages;
    drain(zoho_account, "", &pages);
    EXPECT_EQ(ids.size(), 7400u);
    bool old_first = false;
    std::set<std::string> lows;
    for (const auto &request : asked("/Accounts")) {
        old_first = old_first || request.parameters.at("sort_order") == "asc";
        lows.insert(request.since);
    }
    EXPECT_TRUE(old_first);
    EXPECT_GE(lows.size(), 3u);
    std::size_t records = 0;
    for (const auto &page : pages) records += page.records.size();
    EXPECT_LT(records, 7400u + 2600);  // nothing is read a second time but the newest, and ties
}

TEST_F(Zoho, WithoutTokensTheWallIsNoEnd) {
    gives_tokens = false;
    for (int i = 0; i < 4500; ++i) add("Accounts", i, zoho_now - one_minute - i * one_second);
    drain(zoho_account, "");
    EXPECT_EQ(ids.size(), 4500u);
}

TEST_F(Zoho, MoreRecordsOfOneSecondThanAWalkShowsIsAnError) {
    gives_tokens = false;
    for (int i = 0; i < 2400; ++i) add("Accounts", i, zoho_now - one_minute);
    std::string state;
    std::optional<SyncError> error;
    for (int i = 0; i < 60 && !error; ++i) {
        try {
            state = fetch(zoho_account, state).next_state;
        } catch (const SyncError &thrown) {
            error = thrown;
        }
    }
    ASSERT_TRUE(error);
    EXPECT_EQ(error->fault, Fault::object);
    EXPECT_NE(std::string(error->what()).find("share one Modified_Time"), std::string::npos);
}

TEST_F(Zoho, LostTokensStartTheWalkFromTheOldEnd) {
    for (const bool foreign : {false, true}) {
        modules.clear(), tokens.clear(), ids.clear(), made.reset();
        for (int i = 0; i < 2500; ++i) add("Accounts", i, zoho_now - one_minute - i * one_second);
        std::string state;
        for (int i = 0; i < 11; ++i) {
            const auto page = fetch(zoho_account, state);
            for (const auto &record : page.records) ids.insert(record.crm_id);
            state = page.next_state;
        }
        EXPECT_EQ(ids.size(), 2200u);
        if (foreign)
            for (auto &[token, bound] : tokens) bound.second["fields"] = "other";  // TOKEN_BOUND_DATA_MISMATCH
        else
            tokens.clear();  // EXPIRED_VALUE
        drain(zoho_account, state);
        EXPECT_EQ(ids.size(), 2500u) << foreign;
    }
}

TEST_F(Zoho, DeletedAndMergedRecordsAreTombstones) {
    add("Accounts", 1, zoho_now - one_minute);
    remove("Accounts", 2, zoho_now - 30 * one_minute);
    std::vector<sync::Page> pages;
    const auto state = drain(zoho_account, "", &pages);
    ASSERT_EQ(pages.size(), 2u);
    ASSERT_EQ(pages[1].records.size(), 1u);
    EXPECT_EQ(pages[1].records[0].crm_id, zoho_id(2));
    EXPECT_EQ(value(zoho_account, pages[1].records[0], "deleted_at"), "2026-06-01 11:30:00.000000+00");
    EXPECT_EQ(value(zoho_account, pages[1].records[0], "modified_at"), "2026-06-01 11:30:00.000000+00");
    EXPECT_TRUE(pages[1].fields.empty());
    EXPECT_EQ(asked("/Accounts/deleted")[0].since, "");
    EXPECT_EQ(asked("/Accounts/deleted")[0].parameters.at("type"), "all");
    drain(zoho_account, state);
    EXPECT_EQ(asked("/Accounts/deleted")[1].since, "2026-06-01T11:55:00+00:00");
}

TEST_F(Zoho, MoreDeletesThanTheFeedShowsAreSwept) {
    add("Accounts", 1, zoho_now - one_minute);
    auto state = drain(zoho_account, "");
    for (int i = 2; i < 2500; ++i) remove("Accounts", i, zoho_now);
    state = drain(zoho_account, state);  // pages by number end at 2000
    EXPECT_EQ(fetch(zoho_account, state).sweep, sync::Sweep::begin);
}

TEST_F(Zoho, DeletesDuringAWalkPullRowsOverThePageEdge) {
    for (int i = 0; i < 500; ++i) add("Accounts", i, zoho_now - one_minute - i * one_second);
    std::string state = drain(zoho_account, "");
    ids.clear();
    clock = zoho_now + 60 * one_minute;
    for (auto &row : modules["Accounts"]) row["Modified_Time"] = zoho_time(zoho_now + 30 * one_minute);
    auto page = fetch(zoho_account, state);
    for (const auto &record : page.records) ids.insert(record.crm_id);
    remove("Accounts", 3, clock);  // row 201 of the list is now row 200
    drain(zoho_account, page.next_state);
    EXPECT_EQ(ids.size(), 500u);
}

TEST_F(Zoho, FiftyFieldsAtATime) {
    settings.attributes["account"] = {};
    json extra = {{"Account_Name", "Acme"}, {"Website", "https://www.acme.co.uk/"}};
    for (int i = 0; i < 120; ++i) {
        settings.attributes["account"].push_back("Custom_" + std::to_string(i));
        extra["Custom_" + std::to_string(i)] = i;
    }
    for (int i = 0; i < 250; ++i) add("Accounts", i, zoho_now - one_minute - i * one_second, extra);
    fields["Accounts"] = {"Account_Name", "Website", "Modified_Time", "Owner"};
    for (int i = 0; i < 119; ++i) fields["Accounts"].insert("Custom_" + std::to_string(i));  // one of them is gone
    const auto page = fetch(zoho_account, "");
    ASSERT_EQ(page.records.size(), 200u);
    for (const auto &record : page.records) {
        const json attributes = json::parse(value(zoho_account, record, "attributes"));
        EXPECT_EQ(attributes.size(), 119u);
        EXPECT_EQ(attributes["Custom_118"], 118);
        EXPECT_EQ(value(zoho_account, record, "domain"), "acme.co.uk");
        EXPECT_EQ(json::parse(record.raw).size(), 123u) << "nothing twice";
    }
    const auto lists = asked("/Accounts");
    ASSERT_EQ(lists.size(), 5u);  // the list, and the two other fifties for two hundred ids
    EXPECT_EQ(lists[0].parameters.count("ids"), 0u);
    for (int i = 1; i < 5; ++i) EXPECT_EQ(lists[i].parameters.count("ids"), 1u);
    for (const auto &request : lists) EXPECT_EQ(request.parameters.at("fields").find("Custom_119"), std::string::npos);
}

TEST_F(Zoho, ListsThatDoNotMoveAreAnError) {
    const std::string same = json{{"data", {{{"id", zoho_id(1)}, {"Modified_Time", zoho_time(zoho_now)}}}},
                                  {"info", {{"more_records", true}, {"page", 1}}}}
                                 .dump();
    answer_list(200, same);
    auto page = fetch(zoho_account, "");
    EXPECT_EQ(fault(zoho_account, page.next_state)->fault, Fault::object);  // page 2 says that it is page 1
    const std::string token = json{{"data", {{{"id", zoho_id(1)}, {"Modified_Time", zoho_time(zoho_now)}}}},
                                   {"info", {{"more_records", true}, {"next_page_token", "T"}}}}
                                  .dump();
    connectors::zoho::State state;
    state.scan.emplace();
    state.scan->full = true;
    state.scan->page = 11;
    state.scan->token = "T";
    answer_list(200, token);
    EXPECT_EQ(fault(zoho_account, write_state(state))->fault, Fault::object);
}

TEST_F(Zoho, BadRecordsAreRejectsAndThePageGoesOn) {
    answer_list(
        200,
        R"({"data":[{"id":"7328395000000600001","Modified_Time":"2026-05-14T11:36:18+03:00","Annual_Revenue":"many","Employees":7},
                       {"id":null,"Modified_Time":"2026-05-14T11:36:18+03:00"}, {"id":"7328395000000600002","Modified_Time":null},
                       {"id":"7328395000000600003","Modified_Time":"2026-05-14T11:36:18+03:00","Annual_Revenue":"","Owner":null,"Account_Name":"a\u0000b"}],
                       "info":{"more_records":false}})");
    const auto page = fetch(zoho_account, "");
    EXPECT_EQ(page.rejects.size(), 2u);
    ASSERT_EQ(page.records.size(), 2u);
    EXPECT_EQ(page.records[0].problem, "annual_revenue: 'many' is not a number");
    EXPECT_EQ(page.records[1].crm_id, "7328395000000600003");
    EXPECT_EQ(value(zoho_account, page.records[1], "modified_at"), "2026-05-14 08:36:18.000000+00");
    EXPECT_EQ(value(zoho_account, page.records[1], "annual_revenue"), "NULL");
    EXPECT_TRUE(page.records[1].repaired);
    answer_list(200, R"({"info":{"more_records":false}})");  // no list is no empty list
    EXPECT_EQ(fault(zoho_account, "")->fault, Fault::transient);
}

TEST_F(Zoho, AnotherMapReadsEverythingAgain) {
    add("Accounts", 1, zoho_now - 100 * one_minute);
    const auto state = drain(zoho_account, "");
    settings.attributes["account"] = {"Segment"};
    made.reset();
    const auto page = fetch(zoho_account, state);
    EXPECT_EQ(page.sweep, sync::Sweep::begin);
    EXPECT_EQ(page.records.size(), 1u);
}

TEST_F(Zoho, EverythingIsReadAgainOnceInAWhile) {
    settings.set("full_every", "30m");
    clock = zoho_now;
    const auto state = drain(zoho_account, "");
    EXPECT_EQ(fetch(zoho_account, state).sweep, sync::Sweep::none);
    clock = zoho_now + 60 * one_minute;
    EXPECT_EQ(fetch(zoho_account, state).sweep, sync::Sweep::begin);
    // A clock that was set back must not lose what changes now.
    clock = zoho_now + 60 * one_minute;
    settings.set("full_every", "0");
    made.reset();
    const auto later = drain(zoho_account, state);
    clock = zoho_now;
    fetch(zoho_account, later);
    EXPECT_EQ(asked("/Accounts").back().since, "2026-06-01T11:55:00+00:00");
}

TEST_F(Zoho, SinceATime) {
    const auto state = connector().since(zoho_account, zoho_now - 600 * one_minute);
    ASSERT_TRUE(state);
    EXPECT_EQ(fetch(zoho_account, *state).sweep, sync::Sweep::none);
    EXPECT_EQ(asked("/Accounts").back().since, "2026-06-01T02:00:00+00:00");
}

TEST_F(Zoho, DamagedStatesAreRefused) {
    for (const char *state : {"x", "[]", R"({"watermark":"2020"})", R"({"scan":{}})", R"({"scan":{"start":1}})"})
        EXPECT_EQ(fault(zoho_account, state)->fault, Fault::object) << state;
    connectors::zoho::State state;
    state.scan.emplace();
    EXPECT_EQ(fault(zoho_account, write_state(state))->fault, Fault::object);  // neither full nor from a watermark
    state.scan->full = true;
    state.scan->part = 7;
    EXPECT_EQ(fault(zoho_account, write_state(state))->fault, Fault::object);
    state.scan->part = 0;
    state.scan->token = "a b";
    EXPECT_EQ(fault(zoho_account, write_state(state))->fault, Fault::object);
}

TEST_F(Zoho, TheSameStateGivesTheSamePage) {
    for (int i = 0; i < 450; ++i) add("Accounts", i, zoho_now - one_minute - i * one_second);
    const auto first = fetch(zoho_account, "");
    const auto second = fetch(zoho_account, first.next_state);
    made.reset();  // another daemon
    const auto again = fetch(zoho_account, first.next_state);
    EXPECT_EQ(again.next_state, second.next_state);
    ASSERT_EQ(again.records.size(), second.records.size());
    EXPECT_EQ(again.records[0].raw, second.records[0].raw);
}

}  // namespace
