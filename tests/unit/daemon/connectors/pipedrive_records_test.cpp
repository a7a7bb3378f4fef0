// What Pipedrive's records become, what its refusals mean, and what it is paid in tokens.
#include "pipedrive_fixture.hpp"

namespace {

class PipedriveRecords : public Pipedrive {};

constexpr const char *organizations = "/api/v2/organizations";

TEST_F(PipedriveRecords, OrganizationsAreAccounts) {
    lists[organizations] = {organization(1, "2026-05-01T00:00:00Z",
                                         {{"industry", 5},
                                          {"website", "https://www.acme.co.uk"},
                                          {"annual_revenue", 5000},
                                          {"address", {{"value", "Main St 1, Leeds"}, {"locality", "Leeds"}}},
                                          {"custom_fields", nullptr}}),
                            organization(2, "2026-05-01T00:00:00Z",
                                         {{"industry", nullptr}, {"address", nullptr}, {"name", nullptr}, {"is_deleted", true}})};
    lists[organizations][1]["name"] = nullptr;
    std::string state;
    const auto records = sync_all(account, state);
    EXPECT_EQ(value(account, records[0], "industry"), "Technology");  // the option's label, in its standard form
    EXPECT_EQ(value(account, records[0], "domain"), "acme.co.uk");
    EXPECT_EQ(value(account, records[0], "city"), "Leeds");
    EXPECT_EQ(value(account, records[1], "name"), "NULL");
    EXPECT_EQ(value(account, records[1], "deleted_at"), "2026-05-01 00:00:00.000000+00");
}

TEST_F(PipedriveRecords, ABadRecordIsRejectedAlone) {
    lists[organizations] = {organization(1, "much"),
                            organization(2, "2026-05-01T00:00:00Z"),
                            {{"id", 3}, {"update_time", nullptr}, {"add_time", "2026-04-01T00:00:00Z"}},
                            {{"id", 4}, {"update_time", nullptr}, {"add_time", nullptr}},
                            {{"name", "no id"}}};
    const auto page = fetch(account, "");
    EXPECT_EQ(ids(page.records), (std::set<std::string>{"2", "3"}));
    ASSERT_EQ(page.rejects.size(), 3u);
    EXPECT_EQ(page.rejects[0].place, "organizations 1");
    EXPECT_EQ(page.rejects[0].reason, "modified_at: 'much' is not a date or time");
    // Mended, it comes back from its payload.
    std::string mended = page.rejects[0].payload;
    mended.replace(mended.find("much"), 4, "2026-05-01T00:00:00Z");
    const auto again = connector->replay(account, {mended});
    ASSERT_EQ(again.records.size(), 1u);
    EXPECT_EQ(value(account, again.records[0], "modified_at"), "2026-05-01 00:00:00.000000+00");
}

// Hosts that still answer as v1 did: lookups are objects with a value, the address is a text.
TEST_F(PipedriveRecords, OlderShapesAreUnderstood) {
    lists[organizations] = {organization(1, "2026-05-15 10:13:08",
                                         {{"owner_id", {{"id", 25}, {"name", "Kim"}, {"has_pic", 0}, {"value", 25}}},
                                          {"address", "1 Main St, Leeds"},
                                          {"country_code", nullptr}})};
    const auto records = fetch(account, "").records;
    ASSERT_EQ(records.size(), 1u);
    EXPECT_EQ(value(account, records[0], "owner_id"), "25");
    EXPECT_EQ(value(account, records[0], "street"), "1 Main St, Leeds");
}

TEST_F(PipedriveRecords, CustomFieldsByNameOrByHash) {
    settings.attributes["account"] = {"Segment", hash2, "Acct. budget", "address.locality"};
    settings.columns["account"] = {{"city", "Segment"}, {"annual_revenue", "Acct. budget"}, {"name", hash}};
    json custom = {{hash, 7}, {hash2, {{"value", 2300}, {"currency", "EUR"}}}};
    lists[organizations] = {
        organization(1, "2026-05-01T00:00:00Z", {{"custom_fields", custom}, {"address", {{"locality", "Leeds"}}}}),
        organization(2, "2026-05-01T00:00:00Z", {{"custom_fields", {{hash, nullptr}, {hash2, nullptr}}}}),
        organization(3, "2026-05-01T00:00:00Z", {{"custom_fields", {{hash, {7, 8}}}}}),
        organization(4, "2026-05-01T00:00:00Z", {{"custom_fields", nullptr}})};
    std::string state;
    const auto records = sync_all(account, state);
    EXPECT_EQ(value(account, records[0], "city"), "Gold");
    EXPECT_EQ(value(account, records[0], "name"), "Gold");
    EXPECT_EQ(value(account, records[0], "annual_revenue"), "2300");
    EXPECT_EQ(
        json::parse(value(account, records[0], "attributes")),
        (json{{"Segment", "Gold"}, {hash2, custom[hash2]}, {"Acct. budget", custom[hash2]}, {"address.locality", "Leeds"}}));
    EXPECT_EQ(value(account, records[1], "city"), "NULL");
    EXPECT_EQ(value(account, records[1], "attributes"), "NULL");
    EXPECT_EQ(value(account, records[2], "city"), "Gold, Silver");
    EXPECT_EQ(json::parse(value(account, records[2], "attributes")), (json{{"Segment", {"Gold", "Silver"}}}));
    EXPECT_EQ(value(account, records[3], "city"), "NULL");
    const auto hash_before = connector->map_hash(account);
    settings.columns["account"]["city"] = "Name";
    connector.reset();
    fetch(account, "");
    EXPECT_NE(connector->map_hash(account), hash_before);
}

TEST_F(PipedriveRecords, FieldsAreNoticed) {
    lists[organizations] = {
        organization(1, "2026-05-01T00:00:00Z", {{"custom_fields", {{hash, nullptr}}}, {"employee_count", nullptr}}),
        organization(2, "2026-05-01T00:00:00Z", {{"custom_fields", {{hash, 7}}}, {"is_deleted", false}}),
        organization(3, "2026-05-01T00:00:00Z", {{"custom_fields", nullptr}})};
    const auto fields = fetch(account, "").fields;
    const auto told = [&](const std::string &name) { return fields.at(name).type + (fields.at(name).always ? "!" : ""); };
    EXPECT_EQ(told("name"), "string!");
    EXPECT_EQ(told("id"), "number!");
    EXPECT_EQ(told("is_deleted"), "boolean");
    EXPECT_EQ(told("employee_count"), "");
    EXPECT_EQ(told("custom_fields"), "object!");
    EXPECT_EQ(told("custom_fields." + std::string(hash)), "number");
}

TEST_F(PipedriveRecords, PersonsAreContacts) {
    const auto contact = object_of(
        "contact", {"account_id", "first_name", "last_name", "email", "phone", "mobile", "do_not_contact", "modified_at"});
    const auto row = [](int id, json more) {
        more.update({{"id", id}, {"update_time", "2026-05-01T00:00:00Z"}});
        return more;
    };
    lists["/api/v2/persons"] = {
        row(1, {{"first_name", "Ann"},
                {"last_name", "Lee"},
                {"org_id", 5},
                {"emails", {{{"value", "old@x.com"}, {"primary", false}}, {{"value", "Ann@X.com"}, {"primary", true}}}},
                {"phones",
                 {{{"value", "+44 20 7946 0000"}, {"primary", true}, {"label", "work"}},
                  {{"value", "+44 7700 900123"}, {"label", "Mobile"}}}}}),
        row(2, {{"name", "Bo van Dyk"}, {"first_name", nullptr}, {"emails", json::array()}, {"phones", nullptr}}),
        row(3, {{"name", "Cher"}, {"emails", "odd"}})};
    std::string state;
    const auto records = sync_all(contact, state);
    EXPECT_EQ(value(contact, records[0], "email"), "ann@x.com");
    EXPECT_EQ(value(contact, records[0], "phone"), "+442079460000");
    EXPECT_EQ(value(contact, records[0], "mobile"), "+447700900123");
    EXPECT_EQ(value(contact, records[1], "first_name") + "|" + value(contact, records[1], "last_name"), "Bo van|Dyk");
    EXPECT_EQ(value(contact, records[2], "first_name") + "|" + value(contact, records[2], "last_name"), "NULL|Cher");
}

TEST_F(PipedriveRecords, ProductsHaveAPriceInTheOrgsCurrency) {
    const auto product = object_of("product", {"family", "price", "currency", "is_active", "modified_at"});
    lists["/api/v2/productFields"] = {
        {{"field_code", "category"}, {"field_name", "Category"}, {"options", {{{"id", 3}, {"label", "Hardware"}}}}}};
    const json prices = {{{"price", 10}, {"currency", "USD"}}, {{"price", 9}, {"currency", "EUR"}}};
    lists["/api/v2/products"] = {
        {{"id", 1}, {"category", 3}, {"prices", prices}, {"is_linkable", true}, {"update_time", "2026-05-01T00:00:00Z"}},
        {{"id", 2}, {"category", nullptr}, {"prices", json::array()}, {"update_time", "2026-05-01T00:00:00Z"}}};
    settings.currency = "EUR";
    std::string state;
    auto records = sync_all(product, state);
    EXPECT_EQ(records[0].values, (std::vector<sync::Value>{"Hardware", "9", "EUR", "true", "2026-05-01 00:00:00.000000+00"}));
    EXPECT_EQ(value(product, records[1], "price"), "NULL");
    settings.currency = "GBP";
    connector.reset();
    state.clear();
    EXPECT_EQ(value(product, sync_all(product, state)[0], "currency"), "USD");
}

TEST_F(PipedriveRecords, AListThatRefusesUpdatedSinceIsReadFromTheNewestOn) {
    page_size = 1;
    const auto product = object_of("product", {"name", "modified_at"});
    const auto list = [&](const httplib::Request &in, httplib::Response &out) {
        const bool refused = in.has_param("updated_since") || in.has_param("updated_until");
        const auto [status, body] = refused ? std::pair<int, json>{400, fault_body("not allowed")} : cursor_page(in);
        out.status = status;
        out.set_content(body.dump(), "application/json");
    };
    for (int i = 1; i <= 4; ++i)
        lists["/api/v2/products"].push_back({{"id", i}, {"update_time", "2026-06-01T11:5" + std::to_string(2 * i) + ":00Z"}});
    lists["/api/v2/products"].resize(3);
    special["/api/v2/products"] = list;
    std::string state;
    EXPECT_EQ(ids(sync_all(product, state)).size(), 3u);
    EXPECT_EQ(ids(sync_all(product, state)), (std::set<std::string>{"2", "3"}));
    // A dead cursor there means from the beginning.
    const auto first = fetch(product, "");
    cursors.clear();
    EXPECT_EQ(ids(fetch(product, first.next_state).records), std::set<std::string>{"3"});
}

TEST_F(PipedriveRecords, ActivitiesAndNotes) {
    const auto activity =
        object_of("activity", {"kind", "contact_id", "occurred_at", "duration", "is_closed", "modified_at", "deleted_at"});
    const auto row = [](int id, const char *type, json more = json::object()) {
        more.update({{"id", id}, {"type", type}, {"done", id == 1}, {"update_time", "2026-05-01T00:00:00Z"}});
        return more;
    };
    lists["/api/v2/activities"] = {row(1, "call",
                                       {{"due_date", "2026-05-03"},
                                        {"due_time", "10:30"},
                                        {"duration", "01:15"},
                                        {"participants", {{{"person_id", 8}, {"primary", true}}}}}),
                                   row(2, "lunch", {{"due_date", "2026-05-03"}, {"due_time", nullptr}, {"duration", ""}}),
                                   row(3, "demo"), row(4, "unheard")};
    lists["/api/v1/activityTypes"] = {{{"key_string", "demo"}, {"icon_key", "meeting"}}};
    lists["/api/v1/notes"] = {{{"id", 1},
                               {"content", "<p>x</p>"},
                               {"active_flag", true},
                               {"add_time", "2026-05-02 00:00:00"},
                               {"update_time", "2026-05-02 00:00:00"}},
                              {{"id", 2}, {"content", ""}, {"active_flag", false}, {"update_time", "2026-05-02 00:00:00"}}};
    std::string state;
    const auto records = sync_all(activity, state);
    ASSERT_GE(records.size(), 6u);
    EXPECT_EQ(records[0].values, (std::vector<sync::Value>{"call", "8", "2026-05-03 10:30:00.000000+00", "4500", "true",
                                                           "2026-05-01 00:00:00.000000+00", std::nullopt}));
    EXPECT_EQ(value(activity, records[1], "occurred_at"), "2026-05-03 00:00:00.000000+00");
    const char *kinds[] = {"call", "meeting", "meeting", "task", "note", "note"};
    for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(value(activity, records[i], "kind"), kinds[i]);
    EXPECT_EQ(records[4].crm_id, "note-1");  // 1 is an activity
    EXPECT_EQ(value(activity, records[4], "deleted_at"), "NULL");
    EXPECT_EQ(value(activity, records[5], "deleted_at"), "2026-05-02 00:00:00.000000+00");
    const auto again = connector->replay(activity, {records[4].raw, records[0].raw});
    EXPECT_EQ(again.records[0].crm_id, "note-1");
    EXPECT_EQ(again.records[1].crm_id, "1");
}

TEST_F(PipedriveRecords, ErrorsHaveTheirMeanings) {
    const std::string body = fault_body("nope").dump();
    for (const auto &[status, kind] : std::map<int, Fault>{{400, Fault::object},
                                                           {401, Fault::org},
                                                           {402, Fault::org},
                                                           {403, Fault::object},
                                                           {404, Fault::object},
                                                           {410, Fault::object},
                                                           {415, Fault::object},
                                                           {422, Fault::object},
                                                           {500, Fault::transient},
                                                           {503, Fault::transient}})
        EXPECT_EQ(fault_of(status, body).fault, kind) << status;
    EXPECT_NE(std::string(fault_of(415, body).what()).find("nope (see the documentation); the feature is not enabled"),
              std::string::npos);
    EXPECT_EQ(fault_of(503, "<html>", {{"Retry-After", "Mon, 01 Jun 2026 12:00:30 GMT"}}).wait, 30);
    EXPECT_EQ(fault_of(429, body, {{"x-ratelimit-remaining", "0"}, {"x-ratelimit-reset", "2"}}).wait, 2);
    EXPECT_EQ(fault_of(429, body).fault, Fault::transient);
    EXPECT_EQ(fault_of(429, body, {{"x-ratelimit-remaining", "17"}}).fault, Fault::quota);
    EXPECT_EQ(fault_of(429, body, {{"x-daily-ratelimit-token-remaining", "0"}}).fault, Fault::quota);
    EXPECT_EQ(fault_of(200, body).fault, Fault::transient);
    EXPECT_EQ(fault_of(200, R"({"success":false,"error":"scope","errorCode":403})").fault, Fault::object);
    for (const char *half : {R"({"success":true,"data":[{"id":1)", "<html>maintenance</html>", "", R"({"success":true})",
                             R"({"success":true,"data":{}})", "[]"})
        EXPECT_EQ(fault_of(200, half).fault, Fault::transient) << half;
    EXPECT_EQ(fault_of(200, "\x1f\x8b\x08junk", {{"Content-Encoding", "gzip"}}).fault, Fault::transient);
    special[organizations] = [](const httplib::Request &, httplib::Response &out) {
        out.set_content(R"({"success":true,"data":null})", "application/json");
    };
    EXPECT_TRUE(fetch(account, "").done);
}

TEST_F(PipedriveRecords, CloudflareHoldsBackEveryObject) {
    const auto error = fault_of(403, "<!DOCTYPE html><title>Attention Required! | Cloudflare</title>");
    EXPECT_EQ(error.fault, Fault::transient);
    EXPECT_EQ(error.wait, 900);
    const std::size_t before = asked.size();
    const auto other = fault(user);
    EXPECT_EQ(other.fault, Fault::transient);
    EXPECT_GT(other.wait, 890);
    EXPECT_EQ(asked.size(), before);
}

TEST_F(PipedriveRecords, CallsArePaidForAndTheDayIsShared) {
    const auto host = std::make_shared<FakeHost>();
    settings.host = host;
    settings.set("plan", "growth");
    for (const char *path : {"/api/v2/deals", "/api/v2/deals/archived", "/api/v1/leads", "/api/v1/leads/archived"})
        lists[path] = {};
    std::string state;
    sync_all(deal, state);
    EXPECT_EQ(host->costs,
              (std::vector<double>{2, 10, 20, 10, 20}));  // whose time is it; then both lists, and again what changed
    EXPECT_EQ(host->burst, 40);
    EXPECT_EQ(host->rate, 20);
    host->costs.clear(), state.clear();
    sync_all(lead, state);
    EXPECT_EQ(host->costs, (std::vector<double>{2, 20, 40, 20, 40}));
    headers = {{"x-daily-ratelimit-token-limit", "150000"}, {"x-daily-ratelimit-token-remaining", "29999"}};
    const auto error = fault(deal);
    EXPECT_EQ(error.fault, Fault::quota);
    EXPECT_EQ(host->quota, (std::pair<double, double>{120001, 150000}));
    headers["x-daily-ratelimit-token-remaining"] = "149000";  // the next day
    EXPECT_NO_THROW(fetch(deal, ""));
}

TEST_F(PipedriveRecords, RefreshTokensRotate) {
    const auto host = std::make_shared<FakeHost>();
    std::vector<std::string> forms;
    std::string basic, domain = "https://company.pipedrive.com.evil.example";
    web.server.Post("/oauth/token", [&](const httplib::Request &in, httplib::Response &out) {
        forms.push_back(in.body), basic = in.get_header_value("Authorization");
        access = "a" + std::to_string(forms.size());
        if (in.body.find("dead") != std::string::npos) {
            out.status = 400;
            out.set_content(R"({"error":"invalid_grant"})", "application/json");
            return;
        }
        out.set_content(json{{"access_token", access},
                             {"refresh_token", "r" + std::to_string(forms.size())},
                             {"expires_in", 3599},
                             {"api_domain", domain}}
                            .dump(),
                        "application/json");
    });
    settings = {};
    settings.host = host;
    settings.set("auth", "oauth");
    settings.set("base_url", web.url());
    settings.set("auth_url", web.url());
    settings.set("client_id", "id");
    settings.set("client_secret", "se:cret", true);
    settings.set("refresh_token", "first", true);
    lists[organizations] = {};
    fetch(account, "");
    EXPECT_EQ(basic, "Basic aWQ6c2U6Y3JldA==");
    ASSERT_TRUE(host->kept);
    EXPECT_TRUE(host->kept->kept);
    EXPECT_EQ(host->kept->refresh, "r1");
    EXPECT_EQ(host->kept->base_url, web.url());  // that domain is not Pipedrive's
    EXPECT_EQ(host->kept->expires_at, now + 3599'000'000);
    EXPECT_EQ(host->burst, 80);
    access = "expired";
    fetch(account, "");
    EXPECT_EQ(forms, (std::vector<std::string>{"grant_type=refresh_token&refresh_token=first",
                                               "grant_type=refresh_token&refresh_token=r1"}));
    // The kept one died. The configured one, which it replaced, is not tried: a vendor may take that for theft.
    host->kept->refresh = "dead", access = "expired";
    EXPECT_EQ(fault().fault, Fault::org);
    EXPECT_EQ(forms.back(), "grant_type=refresh_token&refresh_token=dead");
    settings.set("refresh_token", "dead", true);
    host->kept.reset(), connector.reset();
    EXPECT_EQ(fault().fault, Fault::org);
}

TEST_F(PipedriveRecords, VersionOneMayLiveElsewhere) {
    lists["/v1/users"] = {{{"id", 1}, {"modified", "2026-05-15 10:16:44"}}};
    std::string state;
    EXPECT_EQ(sync_all(user, state).size(), 1u);
    asked.clear();
    fetch(user, state);
    for (const auto &one : asked) EXPECT_TRUE(one.path.starts_with("/v1/")) << one.path;
}

TEST_F(PipedriveRecords, CheckNamesWhatIsWrong) {
    settings.attributes["account"] = {"Segmnt", "name", "address.locality"};
    settings.objects = {"account", "crm_user"};
    lists[organizations] = {};
    connector = connectors::make_pipedrive(settings);
    const auto findings = connector->check();
    ASSERT_EQ(findings.size(), 5u);
    EXPECT_EQ(findings[0].text, "logged in");
    EXPECT_EQ(
        findings[1].text,
        "users -> crm_user cannot be read: users: 404: unknown (see the documentation); an OAuth app needs the scope users:read");
    EXPECT_EQ(findings[2].text, "organizations -> account can be read");
    EXPECT_EQ(findings[3].text, "organizations -> account: there is no field 'Segmnt'; did you mean 'Segment'?");
    settings.set("token", "wrong", true);
    connector = connectors::make_pipedrive(settings);
    EXPECT_EQ(connector->check()[0].level, sync::Finding::Level::error);
}

TEST_F(PipedriveRecords, ProblemsInTheSettings) {
    settings.set("plan", "gold");
    settings.set("quota_percent", "200");
    settings.set("tokn", "x");
    try {
        connectors::make_pipedrive(settings);
        FAIL();
    } catch (const connectors::SettingsError &error) {
        EXPECT_EQ(error.problems.size(), 3u);
    }
}

}  // namespace
