#include "attio_fixture.hpp"

namespace {

TEST_F(Attio, TakesTheActiveValueOfEachKindOfAttribute) {
    json gone = text("Old name");
    gone["active_until"] = "2026-05-16T00:00:00.000000000Z";
    lists["companies"] = {record(
        "c1",
        {{"name", {gone, text("Acme", "2026-05-20T10:00:00.123456789Z")}},
         {"domains", {value("domain", {{"domain", "www.acme.co.uk"}, {"root_domain", "acme.co.uk"}})}},
         {"primary_location", {value("location", {{"line_1", "1 High St"}, {"locality", "London"}, {"country_code", "GB"}})}},
         {"categories", {value("select", {{"option", {{"title", "SAAS"}}}}), value("select", {{"option", {{"title", "B2B"}}}})}},
         {"funding", {value("currency", {{"currency_value", 31200000}, {"currency_code", "USD"}})}},
         {"score", {value("rating", {{"value", 4}})}},
         {"team", json::array()}})};
    settings.attributes["account"] = {"categories", "funding", "score", "primary_location"};
    settings.columns["account"] = {{"employees", "score"}};
    const auto page = fetch(account, "");
    const auto &records = page.records;
    ASSERT_EQ(records.size(), 1u);
    EXPECT_EQ(records[0].crm_id, "c1");
    EXPECT_EQ(get(account, records[0], "name"), "Acme");
    EXPECT_EQ(get(account, records[0], "domain"), "acme.co.uk");
    EXPECT_EQ(get(account, records[0], "city"), "London");
    EXPECT_EQ(get(account, records[0], "country"), "GB");
    EXPECT_EQ(get(account, records[0], "employees"), "4");
    EXPECT_EQ(get(account, records[0], "created_at"), "2026-05-15 20:39:15.678000+00");
    EXPECT_EQ(get(account, records[0], "modified_at"), "2026-05-20 10:00:00.123456+00");  // cut, not rounded
    EXPECT_EQ(
        json::parse(get(account, records[0], "attributes")),
        json::parse(R"({"categories":["SAAS","B2B"],"funding":31200000,"score":4,"primary_location":"1 High St, London, GB"})"));
    const json raw = json::parse(records[0].raw);
    EXPECT_EQ(raw["values"]["name"].size(), 1u);
    EXPECT_EQ(raw["web_url"], "https://app.attio.com/x/c1");
    EXPECT_FALSE(raw.contains("flat"));
    EXPECT_EQ(page.fields.at("score").type, "number");
}

TEST_F(Attio, PeopleAndDeals) {
    lists["people"] = {
        record("p1", {{"name", {value("personal-name", {{"first_name", "Kim"}, {"last_name", "Lee"}, {"full_name", "Kim Lee"}})}},
                      {"email_addresses", {value("email-address", {{"email_address", "Kim@Acme.com"}})}},
                      {"phone_numbers", {value("phone-number", {{"phone_number", "+15558675309"}, {"country_code", "US"}})}},
                      {"company", {value("record-reference", {{"target_object", "companies"}, {"target_record_id", "c1"}})}}})};
    std::string state;
    const auto people = sweep(contact, state);
    EXPECT_EQ(get(contact, people[0], "account_id"), "c1");
    EXPECT_EQ(get(contact, people[0], "first_name"), "Kim");
    EXPECT_EQ(get(contact, people[0], "last_name"), "Lee");
    EXPECT_EQ(get(contact, people[0], "email"), "kim@acme.com");
    EXPECT_EQ(get(contact, people[0], "phone"), "+15558675309");

    const auto stage = [](const char *title) {
        return value("status", {{"status", {{"title", title}, {"is_archived", false}}}}, "2026-05-30T08:00:00.000000000Z");
    };
    lists["deals"] = {
        record("d1",
               {{"stage", {stage("Won 🎉")}},
                {"value", {value("currency", {{"currency_value", 99.5}, {"currency_code", "EUR"}})}},
                {"owner",
                 {value("actor-reference", {{"referenced_actor_type", "workspace-member"}, {"referenced_actor_id", "m1"}})}},
                {"associated_company", {value("record-reference", {{"target_record_id", "c1"}})}}}),
        record("d2", {{"stage", {stage("In Progress")}}}), record("d3")};
    state.clear();
    const auto deals = sweep(deal, state);
    EXPECT_EQ(get(deal, deals[0], "stage"), "Won 🎉");
    EXPECT_EQ(get(deal, deals[0], "amount"), "99.5");
    EXPECT_EQ(get(deal, deals[0], "currency"), "EUR");
    EXPECT_EQ(get(deal, deals[0], "is_won"), "true");
    EXPECT_EQ(get(deal, deals[0], "closed_at"), "2026-05-30 08:00:00.000000+00");
    EXPECT_EQ(get(deal, deals[0], "owner_id"), "m1");
    EXPECT_EQ(get(deal, deals[0], "account_id"), "c1");
    EXPECT_EQ(get(deal, deals[0], "pipeline"), "");
    EXPECT_EQ(get(deal, deals[1], "is_closed"), "-");  // what it means is for stage_map to say
    EXPECT_EQ(get(deal, deals[2], "stage"), "-");

    settings.set("lost_stages", "In Progress");
    state.clear();
    const auto again = sweep(deal, state);
    EXPECT_EQ(get(deal, again[1], "is_closed"), "true");
    EXPECT_EQ(get(deal, again[1], "is_won"), "false");
    EXPECT_EQ(get(deal, again[0], "is_closed"), "false");  // the configuration names no won stage
}

TEST_F(Attio, ReadsEveryPageOnce) {
    settings.set("page_size", "100");
    for (const int count : {0, 1, 2, 99, 100, 101, 200, 1203}) {
        lists["companies"].clear(), requests = 0;
        fill("companies", count);
        std::string state;
        const auto records = sweep(account, state);
        EXPECT_EQ(ids(records).size(), static_cast<std::size_t>(count));
        EXPECT_EQ(last.source_count, count);
        EXPECT_EQ(last.sweep_at, "2026-06-01 12:00:00.000000+00");
        EXPECT_LE(requests, count / 95 + 2) << count;
    }
}

TEST_F(Attio, AClampedLimitIsNoEnd) {
    clamp = 30;
    for (const int count : {29, 30, 31, 55, 60, 75, 301}) {
        lists["companies"].clear();
        fill("companies", count);
        std::string state;
        EXPECT_EQ(ids(sweep(account, state)).size(), static_cast<std::size_t>(count));
    }
}

TEST_F(Attio, RowsDeletedWhileReadingHideNoOthers) {
    settings.set("page_size", "50");
    for (const int gone : {1, 4, 5, 6, 40, 49, 90}) {
        lists["companies"].clear(), asked.clear();
        fill("companies", 400);
        int pages = 0;
        after = [&] {
            auto &all = lists["companies"];
            if (++pages == 4) all.erase(all.begin() + 10, all.begin() + 10 + gone);
        };
        std::string state;
        const auto read = ids(sweep(account, state));
        for (const auto &left : lists["companies"]) EXPECT_TRUE(read.contains(left["id"]["record_id"])) << gone << left["id"];
    }
}

TEST_F(Attio, RowsAddedWhileReadingAreRead) {
    settings.set("page_size", "50");
    fill("companies", 120);
    int pages = 0;
    after = [&] {
        if (++pages == 2) fill("companies", 60, 1000);
    };
    std::string state;
    EXPECT_EQ(ids(sweep(account, state)).size(), 180u);
}

TEST_F(Attio, APagerThatStandsStillIsAFault) {
    settings.set("page_size", "50");
    fill("companies", 120);
    deaf = true;
    std::string state;
    auto page = fetch(account, "");
    EXPECT_THROW(fetch(account, page.next_state), SyncError);
}

TEST_F(Attio, AResponseWithoutAListIsNoEmptyList) {
    for (const char *body : {"{}", R"({"data":null})", R"({"data":{}})", "[]", "<html>down</html>", R"({"data":[{"id":{"rec)"}) {
        const auto error = fault_of(account, 200, body);
        EXPECT_EQ(error.fault, Fault::transient) << body;
    }
}

TEST_F(Attio, InteractionsDoNotChangeARecord) {
    const auto with = [](const char *at) {
        return record("c1",
                      {{"name", {text("Acme")}},
                       {"last_interaction", {value("interaction", {{"interaction_type", "email"}, {"interacted_at", at}}, at)}},
                       {"strongest_connection_strength", {value("select", {{"option", {{"title", at}}}}, at)}}});
    };
    lists["companies"] = {with("2026-05-30T08:00:00.000000000Z")};
    const auto before = fetch(account, "").records[0];
    lists["companies"] = {with("2026-05-31T08:00:00.000000000Z")};
    const auto moved = fetch(account, "").records[0];
    lists["companies"] = {record("c1", {{"name", {text("Acme")}}, {"last_interaction", json::array()}})};
    EXPECT_EQ(fetch(account, "").records[0].raw, before.raw);
    EXPECT_EQ(moved.raw, before.raw);
    EXPECT_EQ(get(account, moved, "modified_at"), "2026-05-15 20:39:15.678000+00");

    // Who asks for it gets it.
    settings.columns["account"] = {{"last_activity_at", "last_interaction"}};
    connector.reset();
    lists["companies"] = {with("2026-05-31T08:00:00.000000000Z")};
    const auto asked_for = fetch(account, "").records[0];
    EXPECT_NE(asked_for.raw, before.raw);
    EXPECT_EQ(get(account, asked_for, "last_activity_at"), "2026-05-31 08:00:00.000000+00");
    EXPECT_EQ(get(account, asked_for, "modified_at"), "2026-05-15 20:39:15.678000+00");
}

TEST_F(Attio, AValueThatWasRemovedIsNotOlderThanItWas) {
    lists["companies"] = {
        record("c1", {{"name", {text("Acme")}}, {"description", {text("x", "2026-05-31T08:00:00.000000000Z")}}})};
    std::string state;
    const auto before = sweep(account, state)[0];
    lists["companies"] = {record("c1", {{"name", {text("Acme")}}})};
    clock = "Mon, 01 Jun 2026 13:00:00 GMT";
    const auto without = sweep(account, state)[0];
    EXPECT_NE(without.raw, before.raw);
    EXPECT_GE(get(account, without, "modified_at"), get(account, before, "modified_at"));
    EXPECT_EQ(get(account, without, "modified_at"), "2026-06-01 12:00:00.000000+00");  // after the sweep that last saw it
    // The server's clock going back takes nothing back.
    clock = "Mon, 01 Jun 2026 11:00:00 GMT";
    sweep(account, state);
    EXPECT_EQ(get(account, sweep(account, state)[0], "modified_at"), "2026-06-01 13:00:00.000000+00");
}

TEST_F(Attio, Faults) {
    const auto limited =
        fault_of(account, 429, R"({"status_code":429,"type":"rate_limit_error","code":"rate_limit_exceeded","message":"later"})",
                 {{"Retry-After", "Mon, 01 Jun 2026 12:00:07 GMT"}});
    EXPECT_EQ(limited.fault, Fault::transient);
    EXPECT_EQ(limited.wait, 7);
    const auto scope =
        fault_of(user, 403, R"({"status_code":403,"type":"auth_error","code":"insufficient_scopes","message":"no"})");
    EXPECT_EQ(scope.fault, Fault::object);
    EXPECT_NE(std::string(scope.what()).find("user_management:read"), std::string::npos);
    EXPECT_EQ(fault_of(account, 401, R"({"code":"unauthorized"})").fault, Fault::org);
    EXPECT_EQ(fault_of(account, 404, R"({"code":"not_found"})").fault, Fault::object);
    EXPECT_EQ(fault_of(account, 400, R"({"code":"validation_type"})").fault, Fault::object);
    EXPECT_EQ(fault_of(account, 502, "<html>Bad gateway</html>").fault, Fault::transient);
}

TEST_F(Attio, AWorkspaceMayDoWithoutDeals) {
    fault_status = 404, fault_body = R"({"status_code":404,"code":"not_found","message":"no object deals"})";
    const auto page = fetch(deal, "");
    EXPECT_TRUE(page.done);
    EXPECT_EQ(page.sweep, Sweep::none);  // what is stored stays
    EXPECT_TRUE(page.records.empty());
}

json note(const std::string &id) {
    return {{"id", {{"note_id", id}}},      {"title", "Met " + id},
            {"parent_object", "companies"}, {"parent_record_id", "c1"},
            {"created_at", created},        {"created_by_actor", {{"type", "workspace-member"}, {"id", "m1"}}}};
}
json meeting(const std::string &id, const char *start, const char *end) {
    return {{"id", {{"meeting_id", id}}},
            {"title", "Demo"},
            {"start", {{"datetime", start}}},
            {"end", {{"datetime", end}}},
            {"linked_records", {{{"object_slug", "deals"}, {"object_id", "x"}, {"record_id", "d1"}}}},
            {"created_at", created},
            {"created_by_actor", {{"type", "system"}, {"id", nullptr}}}};
}

TEST_F(Attio, ActivitiesAreNotesTasksAndMeetings) {
    for (int i = 0; i < 130; ++i) lists["notes"].push_back(note("n" + std::to_string(i)));
    lists["tasks"] = {{{"id", {{"task_id", "t1"}}},
                       {"content_plaintext", "Call"},
                       {"deadline_at", "2026-06-03T00:00:00.000000000Z"},
                       {"is_completed", true},
                       {"completed_at", "2026-05-31T00:00:00.000000000Z"},
                       {"linked_records", {{{"target_object_id", "97052eb9"}, {"target_record_id", "p1"}}}},
                       {"assignees", {{{"referenced_actor_type", "workspace-member"}, {"referenced_actor_id", "m2"}}}},
                       {"created_by_actor", {{"type", "app"}, {"id", "a1"}}},
                       {"created_at", created}}};
    lists["meetings"] = {meeting("e1", "2026-06-01T14:00:00.000-04:00", "2026-06-01T15:00:00.000-04:00"),
                         meeting("e2", "2026-06-02T14:00:00Z", "2026-06-02T14:30:00Z")};
    lists["meetings"][1]["start"] = {{"date", "2026-06-02"}}, lists["meetings"][1]["end"] = {{"date", "2026-06-03"}};
    std::string state;
    const auto records = sweep(activity, state);
    std::map<std::string, sync::Record> by_id;
    for (const auto &one : records) by_id[one.crm_id] = one;
    EXPECT_EQ(by_id.size(), 133u);
    EXPECT_EQ(last.source_count, 133);
    EXPECT_EQ(asked.front(), "notes 0+50");
    EXPECT_EQ(get(activity, by_id["n7"], "kind"), "note");
    EXPECT_EQ(get(activity, by_id["n7"], "account_id"), "c1");
    EXPECT_EQ(get(activity, by_id["n7"], "owner_id"), "m1");
    EXPECT_EQ(get(activity, by_id["t1"], "contact_id"), "p1");  // an object named by its id
    EXPECT_EQ(get(activity, by_id["t1"], "owner_id"), "m2");
    EXPECT_EQ(get(activity, by_id["t1"], "is_closed"), "true");
    EXPECT_EQ(get(activity, by_id["t1"], "modified_at"), "2026-05-15 20:39:15.678000+00");
    EXPECT_EQ(get(activity, by_id["e1"], "opportunity_id"), "d1");
    EXPECT_EQ(get(activity, by_id["e1"], "duration"), "3600");
    EXPECT_EQ(get(activity, by_id["e1"], "occurred_at"), "2026-06-01 18:00:00.000000+00");
    EXPECT_EQ(get(activity, by_id["e2"], "occurred_at"), "2026-06-02 00:00:00.000000+00");
    EXPECT_FALSE(json::parse(by_id["t1"].raw).contains("links"));

    deaf = true;  // the cursor does not move on
    lists["meetings"].push_back(meeting("e3", "2026-06-02T14:00:00Z", "2026-06-02T14:30:00Z"));
    settings.set("activities", "meetings");
    connector.reset();
    auto page = fetch(activity, "");
    EXPECT_THROW(fetch(activity, page.next_state), SyncError);
}

TEST_F(Attio, CustomObjectsAndMembers) {
    settings.set("product_object", "wares");
    settings.columns["product"] = {{"code", "article"}, {"currency", "cost.currency_code"}, {"price", "cost"}};
    lists["wares"] = {record("w1", {{"name", {text("Pump")}},
                                    {"article", {text("P-1")}},
                                    {"cost", {value("currency", {{"currency_value", 12}, {"currency_code", "USD"}})}}})};
    std::string state;
    const auto wares = sweep(product, state);
    EXPECT_EQ(get(product, wares[0], "name"), "Pump");
    EXPECT_EQ(get(product, wares[0], "code"), "P-1");
    EXPECT_EQ(get(product, wares[0], "price"), "12");
    EXPECT_EQ(get(product, wares[0], "currency"), "USD");
    lists["members"] = {{{"id", {{"workspace_member_id", "m1"}}},
                         {"first_name", "Kim"},
                         {"last_name", "Lee"},
                         {"email_address", "kim@acme.com"},
                         {"access_level", "suspended"},
                         {"created_at", created}}};
    state.clear();
    const auto members = sweep(user, state);
    ASSERT_EQ(members.size(), 1u);
    EXPECT_EQ(get(user, members[0], "name"), "Kim Lee");
    EXPECT_EQ(get(user, members[0], "is_active"), "false");
}

TEST_F(Attio, ABadRecordIsARejectWithItsOwnText) {
    lists["companies"] = {record("c1", {{"name", {text("Acme")}}, {"count", {text("many")}}}), json{{"values", 7}}, record("c2")};
    settings.columns["account"] = {{"employees", "count"}};
    const auto page = fetch(account, "");
    ASSERT_EQ(page.rejects.size(), 1u);
    EXPECT_FALSE(json::parse(page.rejects[0].payload).contains("one"));
    ASSERT_EQ(page.records.size(), 2u);
    EXPECT_EQ(page.records[0].crm_id, "c1");
    EXPECT_EQ(page.records[0].problem, "employees: 'many' is not a whole number");
    EXPECT_EQ(page.records[1].crm_id, "c2");
    for (const auto &record : page.records) EXPECT_FALSE(json::parse(record.raw).contains("one"));
}

TEST_F(Attio, TextThatNothingCanHoldIsMended) {
    fault_body =
        R"({"data":[{"id":{"record_id":"c1"},"created_at":"2026-05-15T20:39:15Z","values":{"name":[)"
        R"({"value":"A\u0000B\ud800","attribute_type":"text","active_from":"2026-05-15T20:39:15Z","active_until":null}]}}]})";
    const auto page = fetch(account, "");
    ASSERT_EQ(page.records.size(), 1u);
    EXPECT_TRUE(page.records[0].repaired);
    EXPECT_EQ(get(account, page.records[0], "name"),
              "A\xEF\xBF\xBD"
              "B\xEF\xBF\xBD");
}

TEST_F(Attio, WhatNestsTooDeepIsARejectAlone) {
    const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
    fault_body = R"({"data":[{"id":{"record_id":"c1"},"created_at":"2026-05-15T20:39:15Z","values":{"x":)" + deep + R"(}},)" +
                 record("c2").dump() + "]}";
    const auto page = fetch(account, "");
    ASSERT_EQ(page.records.size(), 1u);
    EXPECT_EQ(page.records[0].crm_id, "c2");
    EXPECT_EQ(page.rejects.size(), 1u);
}

TEST_F(Attio, ADamagedStateIsRefused) {
    for (const char *state : {"{", "[]", R"({"floor":"x"})", R"({"floor":0,"scan":{}})"}) {
        EXPECT_THROW(fetch(account, state), SyncError) << state;
    }
}

TEST_F(Attio, Check) {
    settings.objects = {"account"};
    settings.attributes["account"] = {"name", "nmae"};
    connector = connectors::make_attio(settings);
    const auto findings = connector->check();
    ASSERT_EQ(findings.size(), 3u);
    EXPECT_EQ(findings[1].level, sync::Finding::Level::ok);
    EXPECT_NE(findings[2].text.find("nmae"), std::string::npos);
    active = false;
    EXPECT_EQ(connector->check().front().level, sync::Finding::Level::error);
}

TEST_F(Attio, SettingsAreChecked) {
    settings.set("activities", "notes\nnoise");
    settings.objects = {"product"};
    try {
        connectors::make_attio(settings);
        FAIL();
    } catch (const connectors::SettingsError &error) {
        EXPECT_NE(std::string(error.what()).find("noise"), std::string::npos);
        EXPECT_NE(std::string(error.what()).find("product"), std::string::npos);  // without product_object there are none
    }
}

}  // namespace
