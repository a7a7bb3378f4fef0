// Zoho's tokens, hosts and errors.
#include "connectors/registry.hpp"
#include "connectors/zoho/login.hpp"
#include "zoho_fixture.hpp"

namespace {

class ZohoApi : public Zoho {};

TEST_F(ZohoApi, ExpiredTokenIsRenewedOnce) {
    fetch(zoho_account, "");
    good_token = 2;
    fetch(zoho_account, "");
    EXPECT_EQ(logins, 2);
    good_token = 99;
    const auto error = fault();
    ASSERT_TRUE(error);
    EXPECT_EQ(error->fault, Fault::org);
    EXPECT_EQ(logins, 3);
    EXPECT_EQ(std::string(error->what()).find("1000.3"), std::string::npos);
}

TEST_F(ZohoApi, MissingScopeIsNoExpiredToken) {
    answer = [](const Request &request, httplib::Response &out) {
        if (request.path != "/Accounts") return false;
        refuse(out, 401, "OAUTH_SCOPE_MISMATCH");
        return true;
    };
    const auto error = fault();
    ASSERT_TRUE(error);
    EXPECT_EQ(error->fault, Fault::object);
    EXPECT_EQ(logins, 1);  // ten tokens in ten minutes are all there are
    EXPECT_NE(std::string(error->what()).find("ZohoCRM.modules.accounts.READ"), std::string::npos) << error->what();
}

TEST_F(ZohoApi, TokenErrorsComeWithStatus200) {
    struct Case {
        int status;
        const char *body;
        Fault fault;
        double wait;
    };
    const Case cases[] = {
        {200, R"({"error":"invalid_code"})", Fault::org, 0},
        {200, R"({"error":"invalid_client"})", Fault::org, 0},
        {400, R"({"error":"invalid_client"})", Fault::org, 0},
        {400,
         R"({"error":"Access Denied","error_description":"You have made too many requests continuously. Please try again after some time.","status":"failure"})",
         Fault::transient, 600},
        {503, "<html>down</html>", Fault::transient, 0},
        {200, "<html>maintenance</html>", Fault::transient, 0},
        {200, R"({"access_token":)", Fault::transient, 0},
        {200, R"({"access_token":null})", Fault::transient, 0},
    };
    for (const auto &[status, body, expected, wait] : cases) {
        login_status = status, login_body = body;
        made.reset();
        const auto error = fault();
        ASSERT_TRUE(error) << body;
        EXPECT_EQ(error->fault, expected) << body;
        EXPECT_EQ(error->wait, wait) << body;
    }
}

TEST_F(ZohoApi, ErrorsHaveTheirMeanings) {
    struct Case {
        int status;
        const char *code;
        Fault fault;
        const char *says;
    };
    const Case cases[] = {
        {400, "NO_PERMISSION", Fault::object, "permission to read Accounts"},
        {403, "NO_PERMISSION", Fault::object, "permission to read Accounts"},
        {400, "FEATURE_NOT_ENABLED", Fault::object, "does not offer Accounts"},
        {400, "INVALID_MODULE", Fault::object, "does not offer Accounts"},
        {200, "INVALID_MODULE", Fault::object, "does not offer Accounts"},
        {400, "INVALID_QUERY", Fault::object, "INVALID_QUERY"},
        {400, "LIMIT_EXCEEDED", Fault::object, "LIMIT_EXCEEDED"},
        {429, "TOO_MANY_REQUESTS", Fault::transient, "TOO_MANY_REQUESTS"},
        {500, "INTERNAL_ERROR", Fault::transient, "INTERNAL_ERROR"},
    };
    for (const auto &[status, code, expected, says] : cases) {
        answer_list(status, json{{"code", code}, {"details", json::object()}, {"message", "m"}, {"status", "error"}}.dump());
        const auto error = fault();
        ASSERT_TRUE(error) << code;
        EXPECT_EQ(error->fault, expected) << code;
        EXPECT_NE(std::string(error->what()).find(says), std::string::npos) << error->what();
    }
    answer_list(400,
                R"({"data":[{"code":"INVALID_MODULE","message":"m","status":"error","details":{"resource_path_index":0}}]})");
    EXPECT_NE(std::string(fault()->what()).find("does not offer"), std::string::npos);
}

TEST_F(ZohoApi, BrokenBodiesAreTriedAgain) {
    for (const char *body : {"<html>maintenance</html>", R"({"data":[{"id":"73)", R"({"data":[]})", "[]", "",
                             R"({"data":[],"info":{"more_records":"maybe"}})", R"({"data":[],"info":null})"}) {
        answer_list(200, body);
        const auto error = fault();
        ASSERT_TRUE(error) << body;
        EXPECT_EQ(error->fault, Fault::transient) << body;
    }
    answer_list(502, "<html>bad gateway</html>");
    EXPECT_EQ(fault()->fault, Fault::transient);
}

TEST_F(ZohoApi, WaitsAsLongAsTheServerAsksOrAMinute) {
    answer_list(429, "");
    EXPECT_EQ(fault()->wait, 60);
    answer_list(429, R"({"code":"TOO_MANY_REQUESTS","details":{},"message":"m","status":"error"})", {{"Retry-After", "17"}});
    EXPECT_EQ(fault()->wait, 17);
    answer_list(429, "", {{"Retry-After", "Mon, 01 Jun 2026 12:00:30 GMT"}});
    EXPECT_EQ(fault()->wait, 30);
}

TEST_F(ZohoApi, TheTokenNamesTheHostIfItIsOneOfZohos) {
    const auto host = [&](const char *said, const char *environment, const char *base) {
        connectors::Settings chosen;
        chosen.set("auth_url", web.url());
        chosen.set("client_id", "id");
        chosen.set("client_secret", "s", true);
        chosen.set("refresh_token", "r", true);
        chosen.set("data_centre", "eu");
        chosen.set("environment", environment);
        if (*base) chosen.set("base_url", base);
        api_domain = said;
        const connectors::zoho::Login login(chosen);
        connectors::Session session(login.trust(), login, nullptr);
        const auto grant = login(session, "");
        EXPECT_TRUE(grant.kept);
        EXPECT_EQ(grant.expires_in, 3600);
        return grant.base_url;
    };
    EXPECT_EQ(host("https://www.zohoapis.in", "production", ""), "https://www.zohoapis.in");
    EXPECT_EQ(host("https://www.zohoapis.com.au/", "production", ""), "https://www.zohoapis.com.au");
    EXPECT_EQ(host("https://www.zohoapis.in", "production", "https://crm.example.com"), "https://crm.example.com");
    EXPECT_EQ(host("https://www.zohoapis.in", "sandbox", ""), "https://sandbox.zohoapis.eu");
    for (const char *foreign : {"", "https://evil.example.com", "https://zohoapis.eu.example.org", "http://www.zohoapis.eu",
                                "https://evilzohoapis.eu", "https://x@www.zohoapis.eu", "%%"})
        EXPECT_EQ(host(foreign, "production", ""), "https://www.zohoapis.eu") << foreign;
}

TEST_F(ZohoApi, MissingSettingsScopesStopNothing) {
    answer = [](const Request &request, httplib::Response &out) {
        if (!request.path.starts_with("/settings") && request.path != "/org/currencies") return false;
        refuse(out, 401, "OAUTH_SCOPE_MISMATCH");
        return true;
    };
    settings.objects = {"account", "opportunity"};
    add("Accounts", 1, zoho_now - one_minute);
    add("Deals", 2, zoho_now - one_minute, {{"Stage", "Closed Won"}});
    EXPECT_EQ(fetch(zoho_account, "").records.size(), 1u);
    const auto deals = fetch(zoho_deal, "");
    ASSERT_EQ(deals.records.size(), 1u);
    EXPECT_EQ(value(zoho_deal, deals.records[0], "is_won"), "true");
    EXPECT_EQ(logins, 1);
}

TEST_F(ZohoApi, SettingsAreCheckedTogether) {
    settings.attributes["account"] = {"Fine", "Bad Field"};
    settings.columns["account"] = {{"name", "1;DROP"}};
    settings.set("api_version", "latest");
    settings.set("data_centre", "us");
    settings.set("lines", "orders");
    settings.set("activities", "Calls\nMails");
    settings.set("typo", "1");
    settings.objects = {"account", "contracts"};
    try {
        connectors::make_zoho(settings);
        FAIL();
    } catch (const connectors::SettingsError &error) {
        EXPECT_EQ(error.problems.size(), 8u) << error.what();
    }
}

TEST_F(ZohoApi, CheckNamesWhatCannotBeRead) {
    settings.objects = {"account", "lead"};
    settings.attributes["account"] = {"Segment"};
    fields["Accounts"] = {"Account_Name"};
    answer = [](const Request &request, httplib::Response &out) {
        if (request.path != "/Leads") return false;
        refuse(out, 403, "NO_PERMISSION");
        return true;
    };
    std::string errors;
    for (const auto &finding : connector().check()) {
        if (finding.level == sync::Finding::Level::error) errors += finding.text + "\n";
    }
    EXPECT_NE(errors.find("there is no field 'Segment'"), std::string::npos) << errors;
    EXPECT_NE(errors.find("Leads -> lead cannot be read: Leads: 403 NO_PERMISSION"), std::string::npos) << errors;
}

TEST_F(ZohoApi, IsOffered) {
    const auto *entry = connectors::find_connector("zoho");
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->make, connectors::make_zoho);
}

}  // namespace
