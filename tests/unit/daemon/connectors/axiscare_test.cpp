#include "axiscare_fixture.hpp"
#include "connectors/axiscare/state.hpp"

namespace {

TEST_F(AxisCare, ClientsAreAccountsAndContacts) {
    lists["clients"] = {client(1), client(2), client(3), client(4), client(5)};
    page_size = 2;
    settings.attributes["account"] = {"createdDate"};
    std::string state;
    const auto accounts = scan(account, state);
    ASSERT_EQ(accounts.records.size(), 5u);
    EXPECT_EQ(sweeps, (std::vector{Sweep::begin, Sweep::go_on, Sweep::go_on}));
    EXPECT_EQ(accounts.source_count, 5);
    EXPECT_EQ(asked.front(), "/api/clients?limit=500");
    const auto &one = accounts.records[0];
    EXPECT_EQ(get(account, one, "name"), "John Lakeman1");
    EXPECT_EQ(get(account, one, "type"), "client");
    EXPECT_EQ(get(account, one, "phone"), "+14145678901");
    EXPECT_EQ(get(account, one, "city"), "Milwaukee");
    EXPECT_EQ(get(account, one, "state"), "WI");
    EXPECT_EQ(get(account, one, "owner_id"), "admin-25");
    EXPECT_EQ(get(account, one, "created_at"), "2023-01-18 00:00:00.000000+00");
    EXPECT_EQ(get(account, one, "modified_at"), "2026-06-01 12:00:00.000000+00");
    EXPECT_EQ(get(account, one, "attributes"), R"({"createdDate":"2023-01-18"})");
    EXPECT_EQ(get(account, one, "deleted_at"), "-");
    state.clear();
    const auto contacts = scan(contact, state);
    EXPECT_EQ(get(contact, contacts.records[0], "account_id"), "1");
    EXPECT_EQ(get(contact, contacts.records[0], "email"), "j@cia.gov");
    EXPECT_EQ(get(contact, contacts.records[0], "mobile"), "+14145678902");
    EXPECT_TRUE(contacts.asides.empty());  // they come with the account
    // The same record has the same text, whenever it is read; the time never goes back.
    clock = "Mon, 01 Jun 2026 11:00:00 GMT";
    const auto again = scan(contact, state);
    EXPECT_EQ(again.records[0].raw, contacts.records[0].raw);
    EXPECT_EQ(get(contact, again.records[0], "modified_at"), "2026-06-01 12:00:00.000000+00");
}

TEST_F(AxisCare, CaregiversAndAdministratorsAreUsers) {
    lists["caregivers"] = {
        {{"id", 25}, {"firstName", "Alice"}, {"lastName", "Tavner"}, {"status", {{"active", false}, {"label", mark}}}}};
    lists["clients"] = {client(1), client(2)};
    std::string state;
    const auto page = scan(user, state);
    ASSERT_EQ(page.records.size(), 2u);
    EXPECT_EQ(page.records[0].crm_id, "25");
    EXPECT_EQ(get(user, page.records[0], "name"), "Alice Tavner");
    EXPECT_EQ(get(user, page.records[0], "is_active"), "false");
    EXPECT_EQ(page.records[1].crm_id, "admin-25");
    EXPECT_EQ(get(user, page.records[1], "username"), "lgclaret");
    ASSERT_EQ(page.asides.size(), 1u);
    EXPECT_EQ(sweeps, (std::vector{Sweep::begin, Sweep::go_on}));
}

TEST_F(AxisCare, VisitsByDateThenByChange) {
    lists["visits"] = {visit("s=1:d=2026-05-30", "2026-05-30"), visit("s=1:d=2024-01-10", "2024-01-10")};
    settings.set("history", "900d");
    std::string state;
    const auto first = scan(activity, state);
    ASSERT_EQ(first.records.size(), 2u);
    EXPECT_EQ(first.records[0].crm_id, "s=1:d=2026-05-30");  // newest first
    EXPECT_EQ(get(activity, first.records[0], "kind"), "visit");
    EXPECT_EQ(get(activity, first.records[0], "account_id"), "1");
    EXPECT_EQ(get(activity, first.records[0], "owner_id"), "4");
    EXPECT_EQ(get(activity, first.records[0], "duration"), "7200");
    EXPECT_EQ(get(activity, first.records[0], "occurred_at"), "2026-05-30 16:00:00.000000+00");
    for (const auto sweep : sweeps) EXPECT_EQ(sweep, Sweep::none);
    EXPECT_EQ(asked[1], "/api/visits?startDate=2026-06-02&endDate=2026-06-29");
    EXPECT_EQ(asked[2], "/api/visits?startDate=2026-05-05&endDate=2026-06-01");

    asked.clear();
    lists["visits"][1]["changed"] = true, lists["visits"][1]["removed"] = true;
    lists["visits"][0]["verified"] = false;  // a change that the source does not report
    clock = "Mon, 01 Jun 2026 14:00:00 GMT";
    const auto later = scan(activity, state);
    ASSERT_EQ(later.records.size(), 2u);
    EXPECT_EQ(asked[1], "/api/visits?updatedSinceDate=2026-06-01T11%3A50%3A00Z");
    EXPECT_EQ(later.records[0].crm_id, "s=1:d=2024-01-10");
    EXPECT_EQ(get(activity, later.records[0], "deleted_at"), "2026-06-01 14:00:00.000000+00");
    EXPECT_EQ(get(activity, later.records[1], "is_closed"), "false");

    asked.clear();
    clock = "Mon, 01 Jun 2026 09:00:00 GMT";  // set back
    scan(activity, state);
    EXPECT_EQ(asked[1], "/api/visits?updatedSinceDate=2026-06-01T08%3A50%3A00Z");

    asked.clear();
    std::string since = connector->since(activity, *sync::to_micros("2026-02-01T00:00:00Z")).value();
    fetch(activity, since);
    EXPECT_EQ(asked[1], "/api/visits?updatedSinceDate=2026-02-01T00%3A00%3A00Z");
    EXPECT_FALSE(connector->since(account, 0));
}

TEST_F(AxisCare, PagesOfVisitsAreFollowedAndBegunAgainWhenTheyExpire) {
    lists["visits"] = {visit("s=1:d=2026-05-30", "2026-05-30")};
    second = visit("s=2:d=2026-05-30", "2026-05-30");
    stale = true;
    settings.set("history", "30d");
    std::string state;
    const auto page = scan(activity, state);
    std::set<std::string> ids;
    for (const auto &one : page.records) ids.insert(one.crm_id);
    EXPECT_EQ(ids, (std::set<std::string>{"s=1:d=2026-05-30", "s=2:d=2026-05-30"}));
}

TEST_F(AxisCare, ServicesAreProducts) {
    lists["visits"] = {visit("s=1:d=2026-05-30", "2026-05-30"), visit("s=2:d=2026-05-30", "2026-05-30")};
    lists["visits"][1].erase("service");
    settings.set("history", "30d");
    std::string state;
    const auto page = scan(product, state);
    ASSERT_EQ(page.records.size(), 1u);
    EXPECT_EQ(page.records[0].crm_id, "1");
    EXPECT_EQ(get(product, page.records[0], "name"), "Homemaking");
    EXPECT_EQ(get(product, page.records[0], "code"), "HOMEMAKING");
    EXPECT_EQ(page.records[0].raw, R"({"code":"HOMEMAKING","description":"Homemaking","id":1})");
}

TEST_F(AxisCare, TheTokenStaysAtTheSite) {
    lists["clients"] = {client(1), client(2)};
    page_size = 1;
    for (const char *other : {"https://evil.example.com", "http://127.0.0.1.evil.com", "//evil.com", "ftp://127.0.0.1"}) {
        host = other;
        const auto size = asked.size();
        EXPECT_THROW(fetch(account, ""), SyncError) << other;
        EXPECT_EQ(asked.size(), size + 1);
    }
    EXPECT_THROW(
        fetch(
            account,
            R"({"stamp":0,"scan":{"start":1,"part":0,"updated":false,"to":0,"low":0,"next":"@evil.com/","last":"","seen":0,"restarts":0}})"),
        SyncError);
}

TEST_F(AxisCare, AListIsNotBegunAgainForEver) {
    // The count of restarts outlives the process.
    const auto state = connectors::axiscare::read_state(
        R"({"stamp":0,"scan":{"start":1,"part":0,"updated":false,"to":0,"low":0,"next":"","last":"","seen":0,"restarts":4}})");
    EXPECT_EQ(connectors::axiscare::read_state(connectors::axiscare::write_state(state)).scan->restarts, 4);
}

TEST_F(AxisCare, APagerThatStandsStillIsAFault) {
    lists["clients"] = {client(1), client(2), client(3)};
    page_size = 1, stuck = true;
    const auto page = fetch(account, "");
    EXPECT_THROW(fetch(account, page.next_state), SyncError);
}

TEST_F(AxisCare, Faults) {
    const auto version = fault_of(account, 400, R"({"results":null,"errors":["Unsupported version"],"success":false})");
    EXPECT_EQ(version.fault, Fault::org);
    EXPECT_NE(std::string(version.what()).find("api_version"), std::string::npos);
    EXPECT_EQ(fault_of(account, 401, "{}").fault, Fault::org);
    EXPECT_EQ(fault_of(account, 403, "{}").fault, Fault::object);
    EXPECT_EQ(fault_of(account, 404, "{}").fault, Fault::object);
    EXPECT_EQ(fault_of(account, 422, "{}").fault, Fault::object);
    EXPECT_EQ(fault_of(account, 429, "", {{"Retry-After", "Mon, 01 Jun 2026 12:00:09 GMT"}}).wait, 9);
    EXPECT_EQ(fault_of(account, 500, "<html></html>").fault, Fault::transient);
    for (const char *body :
         {"<html>maintenance</html>", R"({"results":{"clients":[{"id":1},{"i)", "[]",
          R"({"results":null,"errors":["x"],"success":false})", R"({"results":{"nextPage":null},"errors":null})"}) {
        EXPECT_EQ(fault_of(account, 200, body).fault, Fault::transient) << body;
    }
    // Lists have been seen to come as null: nothing is taken for deleted then.
    fault_status = 200, fault_body = R"({"results":{"clients":null,"nextPage":null},"errors":null})";
    const auto page = fetch(account, "");
    EXPECT_TRUE(page.done);
    EXPECT_EQ(page.sweep, Sweep::none);
    // /adls and others have their rows under data.
    fault_body = R"({"results":{"data":[{"id":7,"lastName":"A\u0000B\ud800"}],"nextPage":null},"errors":[]})";
    const auto data = fetch(account, "");
    ASSERT_EQ(data.records.size(), 1u);
    EXPECT_TRUE(data.records[0].repaired);
}

// Everything of a page that is stored outside health_record, as one text.
std::string shown(const sync::Page &page) {
    std::string text = page.next_state;
    for (const auto &one : page.records) {
        text += one.crm_id + one.raw;
        for (const auto &value : one.values) text += value.value_or("");
    }
    for (const auto &reject : page.rejects) text += reject.crm_id + reject.place + reject.reason + reject.payload;
    for (const auto &[name, field] : page.fields) text += name + field.type;
    return text;
}

TEST_F(AxisCare, PlantedDiagnosesAreNowhereButAside) {
    int planted = 0;
    const auto plant = [&] { return mark + std::to_string(++planted); };
    json sick = client(1);
    sick["diagnoses"] = {plant(), {{"code", plant()}}};
    sick["medications"] = {{"list", {{{"name", plant()}, {"dose", plant()}}}}};
    sick["allergies"] = plant(), sick["carePlan"] = plant(), sick["adls"] = {plant()}, sick["notes"] = plant();
    sick["priorityNote"] = plant(), sick["dateOfBirth"] = plant(), sick["assessmentDate"] = plant();
    sick["emergencyContacts"] = {{{"name", plant()}}}, sick["customFields"] = {{"x", plant()}, {plant(), "y"}};
    sick["classes"] = {{{"code", "ALZ"}, {"name", plant()}}}, sick["referredBy"] = {{"name", plant()}},
    sick["medicaidNumber"] = plant();
    sick["goesBy"] = plant();
    // Where something else should be.
    sick["createdDate"] = plant(), sick["homePhone"] = "414-567-8901 " + plant(), sick["personalEmail"] = plant();
    sick["status"]["active"] = plant(), sick["firstName"] = {{"deep", plant()}};
    sick["lastName"] = "John\n" + plant(), sick["residentialAddress"]["locality"] = std::string(200, 'x') + plant();
    sick["residentialAddress"]["deeper"] = {{"still", {plant()}}}, sick["region"] = plant();
    sick["administrators"][0]["note"] = plant(), sick["administrators"].push_back(plant());
    sick["ssn"] = "123-45-6789", sick["nested"] = {{"clientSsn", "123-45-6789"}};
    json nameless = client(2);
    nameless["id"] = plant(), nameless["diagnoses"] = {plant()};
    json worse = visit("s=1:d=2026-05-30", "2026-05-30");
    worse["notes"] = plant(), worse["clockIn"] = {{"time", plant()}, {"location", {{"note", plant()}}}},
    worse["modificationReason"] = plant();
    worse["client"]["diagnosis"] = plant(), worse["service"]["procedureCode"] = plant(), worse["service"]["note"] = plant();
    worse["endDate"] = plant(), worse["type"] = plant(), worse["removed"] = plant();
    json ill = {{"id", 4}, {"lastName", "Tavner"}, {"medicalLeave", plant()}, {"status", {{"active", true}, {"label", plant()}}}};
    lists["clients"] = {sick, nameless, json(plant())}, lists["leads"] = {sick}, lists["caregivers"] = {ill},
    lists["visits"] = {worse};
    settings.set("history", "30d");

    std::string aside, state;
    for (const auto &object : {account, contact, user, lead, product, activity}) {
        state.clear();
        const auto page = scan(object, state);
        EXPECT_FALSE(page.records.empty()) << object.name;
        EXPECT_EQ(shown(page).find(mark), std::string::npos) << object.name << shown(page);
        for (const auto &one : page.asides) aside += one.content;
        EXPECT_EQ((shown(page) + aside).find("123-45-6789"), std::string::npos);
        if (object.name != "account") continue;
        ASSERT_EQ(page.rejects.size(), 2u);  // without an id that can be used
        EXPECT_EQ(page.asides.size(), 1u);
    }
    // What is not shown is kept apart, but for what belongs to no record.
    std::set<int> lost;
    for (int i = 1; i <= planted; ++i) {
        if (aside.find(mark + std::to_string(i) + "\"") == std::string::npos) lost.insert(i);
    }
    EXPECT_EQ(lost.size(), 3u);  // the two of the nameless client, and the one that is no record
}

TEST_F(AxisCare, ErrorsQuoteNothing) {
    for (const int status : {200, 400, 401, 403, 404, 422, 429, 500}) {
        const auto error =
            fault_of(account, status, R"({"results":null,"errors":["Client PLANTED-DIAGNOSIS-1"],"success":false})");
        EXPECT_EQ(std::string(error.what()).find(mark), std::string::npos) << status;
    }
    EXPECT_EQ(std::string(fault_of(account, 200, R"({"results": PLANTED-DIAGNOSIS-1)").what()).find(mark), std::string::npos);
}

TEST_F(AxisCare, HealthDataCannotBeConfiguredIntoColumns) {
    settings.attributes["account"] = {"classes", "createdDate"};
    settings.columns["lead"] = {{"status", "status.label"}};
    settings.set("site", "12345.evil.com/");
    try {
        connectors::make_axiscare(settings);
        FAIL();
    } catch (const connectors::SettingsError &error) {
        const std::string text = error.what();
        EXPECT_NE(text.find("'classes'"), std::string::npos);
        EXPECT_NE(text.find("'status.label'"), std::string::npos);
        EXPECT_NE(text.find("site"), std::string::npos);
        EXPECT_EQ(text.find("createdDate"), std::string::npos);
    }
}

TEST_F(AxisCare, Check) {
    lists["clients"] = {client(1)};
    lists["visits"] = {visit("s=1:d=2026-05-30", "2026-06-29")};
    connector = connectors::make_axiscare(settings);
    const auto findings = connector->check();
    ASSERT_EQ(findings.size(), 4u);
    for (const auto &finding : findings) EXPECT_EQ(finding.level, sync::Finding::Level::ok) << finding.text;
    EXPECT_THROW(fetch(account, "{"), SyncError);
}

}  // namespace
