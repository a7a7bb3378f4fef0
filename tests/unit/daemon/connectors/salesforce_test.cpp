#include "salesforce_fixture.hpp"

namespace {

TEST_F(Salesforce, LogsInWithClientCredentials) {
    std::string state;
    const auto page = read_all(account, state);
    EXPECT_EQ(form, "grant_type=client_credentials");
    EXPECT_EQ(basic, "Basic aWQ6c2U6Y3JldA==");
    EXPECT_EQ(page.source_count, 42);
}

TEST_F(Salesforce, FollowsPagesThenWatchesFromTheScansStart) {
    answer = [&](const std::string &query, httplib::Response &) {
        if (query.starts_with("/")) return page({{1, "2026-05-01T00:00:00.000+0000"}}, "");
        if (query.find("DESC") == std::string::npos) return page({}, "");
        return page({{3, "2026-05-02T00:00:00.000+0000"}, {2, "2026-05-01T00:00:00.000+0000"}},
                    "/services/data/v60.0/query/01g-2");
    };
    const auto first = fetch(account, "");
    EXPECT_FALSE(first.done);
    ASSERT_EQ(first.records.size(), 2u);
    EXPECT_EQ(first.records[1].crm_id, id_of(2));
    EXPECT_EQ(first.sweep, sync::Sweep::begin);
    EXPECT_EQ(first.sweep_at, "2026-06-01 12:00:00.000000+00");
    EXPECT_NE(soql[0].find("WHERE SystemModstamp <= 2026-06-01T12:00:00Z ORDER BY SystemModstamp DESC, Id DESC"),
              std::string::npos)
        << soql[0];
    const auto again = fetch(account, "");  // the same state gives the same records
    EXPECT_EQ(again.records[0].raw, first.records[0].raw);
    const auto second = fetch(account, first.next_state);
    EXPECT_EQ(soql[2], "/services/data/v60.0/query/01g-2");
    EXPECT_FALSE(second.done);
    EXPECT_EQ(second.sweep, sync::Sweep::go_on);
    const auto third = fetch(account, second.next_state);  // what was modified meanwhile
    EXPECT_TRUE(third.done);
    EXPECT_NE(soql[3].find("WHERE SystemModstamp >= 2026-06-01T12:00:00Z ORDER BY SystemModstamp, Id"), std::string::npos)
        << soql[3];
    EXPECT_EQ(json::parse(third.next_state),
              (json{{"watermark", now - 10 * minute}, {"full_at", now}, {"map", connector->map_hash(account)}}));
    const auto later = fetch(account, third.next_state);
    EXPECT_EQ(later.sweep, sync::Sweep::none);
    EXPECT_TRUE(later.done);
    EXPECT_NE(soql[5].find("WHERE SystemModstamp >= 2026-06-01T11:50:00Z ORDER BY SystemModstamp, Id"), std::string::npos)
        << soql[5];
    // What was read with another field map is read again from the beginning.
    fetch(account, json{{"watermark", now - 10 * minute}, {"map", 1}}.dump());
    EXPECT_NE(soql[6].find("DESC"), std::string::npos) << soql[6];
}

TEST_F(Salesforce, LostLocatorGoesOnBehindTheLastRecordEvenAmongEqualTimes) {
    const std::string second =
        "(SystemModstamp < 2026-05-01T00:00:00Z OR (SystemModstamp = 2026-05-01T00:00:00Z AND Id < '" + id_of(2) + "'))";
    answer = [&](const std::string &query, httplib::Response &out) -> std::string {
        if (!query.starts_with("SELECT")) {
            out.status = 400;
            return R"([{"message":"invalid query locator","errorCode":"INVALID_QUERY_LOCATOR"}])";
        }
        if (query.find(second) != std::string::npos) return page({{1, "2026-05-01T00:00:00.000+0000"}}, "");
        return page({{3, "2026-05-01T00:00:00.000+0000"}, {2, "2026-05-01T00:00:00.000+0000"}},
                    "/services/data/v60.0/query/01g-2");
    };
    const auto first = fetch(account, "");
    const auto page = fetch(account, first.next_state);
    ASSERT_EQ(page.records.size(), 1u) << soql.back();
    EXPECT_EQ(page.records[0].crm_id, id_of(1));
    EXPECT_EQ(soql.size(), 3u);
}

TEST_F(Salesforce, DeletesAndMergesBecomeTombstones) {
    answer = [&](const std::string &, httplib::Response &) {
        return R"({"done":true,"records":[{"Id":"001000000000001AAA","SystemModstamp":"2026-05-01T00:00:00.000+0000","IsDeleted":true,"MasterRecordId":"001000000000002AAA","Name":"x"},
                  {"Id":"001000000000002AAA","SystemModstamp":"2026-05-01T00:00:00.000+0000","IsDeleted":false,"MasterRecordId":null,"Website":"http://www.acme.co.uk/"}]})";
    };
    const auto page = fetch(account, "");
    ASSERT_EQ(page.records.size(), 2u);
    EXPECT_EQ(page.records[0].values[account.index("deleted_at")], "2026-05-01 00:00:00.000000+00");
    EXPECT_EQ(page.records[0].values[account.index("merged_into")], "001000000000002AAA");
    EXPECT_EQ(page.records[1].values[account.index("deleted_at")], std::nullopt);
    EXPECT_EQ(page.records[1].values[account.index("domain")], "acme.co.uk");
    fetch(account, page.next_state);
    EXPECT_EQ(soql.back(), "SELECT COUNT() FROM Account WHERE IsDeleted = false");
}

TEST_F(Salesforce, ActivitiesAreTasksThenEvents) {
    answer = [&](const std::string &query, httplib::Response &) -> std::string {
        if (query.find(" FROM Task ") != std::string::npos) {
            return R"({"done":true,"records":[{"Id":"00T000000000001AAA","SystemModstamp":"2026-05-01T00:00:00Z","WhatId":"006000000000001AAA","WhoId":"00Q000000000001AAA",
                      "AccountId":"001000000000009AAA","TaskSubtype":"Call","CallDurationInSeconds":61}]})";
        }
        return R"({"done":true,"records":[{"Id":"00U000000000001AAA","SystemModstamp":"2026-05-01T00:00:00Z","WhatId":"001000000000001AAA","WhoId":"003000000000001AAA","DurationInMinutes":30}]})";
    };
    std::string state;
    const auto all = read_all(activity, state);
    ASSERT_EQ(all.records.size(), 4u);  // each once more: as if modified meanwhile
    EXPECT_EQ(all.source_count, 84);
    const std::vector<sync::Value> task = {
        "call", "001000000000009AAA",           std::nullopt, "00Q000000000001AAA", "006000000000001AAA",
        "61",   "2026-05-01 00:00:00.000000+00"};
    const std::vector<sync::Value> event = {
        "meeting", "001000000000001AAA",           "003000000000001AAA", std::nullopt, std::nullopt,
        "1800",    "2026-05-01 00:00:00.000000+00"};
    EXPECT_EQ(all.records.at(0).values, task);
    EXPECT_EQ(all.records.at(2).values, event);
}

TEST_F(Salesforce, ExpiredSessionIsRenewedOnce) {
    fetch(account, "");
    EXPECT_EQ(logins, 1);
    valid_token = 2;
    fetch(account, "");
    EXPECT_EQ(logins, 2);
    valid_token = 99;
    const auto error = fault();
    ASSERT_TRUE(error);
    EXPECT_EQ(error->fault, Fault::org);
    EXPECT_EQ(logins, 3);
    EXPECT_EQ(std::string(error->what()).find("t3"), std::string::npos);
}

TEST_F(Salesforce, RevokedGrantStopsTheOrg) {
    login_status = 400;
    const auto error = fault();
    ASSERT_TRUE(error);
    EXPECT_EQ(error->fault, Fault::org);
    EXPECT_NE(std::string(error->what()).find("invalid_grant, user is gone"), std::string::npos);
    login_status = 503;
    EXPECT_EQ(fault()->fault, Fault::org);  // the body still says invalid_grant
}

TEST_F(Salesforce, TokensGoToSalesforceAlone) {
    settings = {};
    settings.set("auth_url", web.url());
    settings.set("client_id", "id");
    settings.set("client_secret", "s", true);
    for (const char *foreign : {"https://evil.example.com", "https://salesforce.com.example.org", "http://my.salesforce.com"}) {
        instance = foreign;
        connector.reset();
        const auto error = fault();
        ASSERT_TRUE(error) << foreign;
        EXPECT_EQ(error->fault, Fault::org) << error->what();
    }
}

TEST_F(Salesforce, NextPagesAreStaysOnTheHost) {
    answer = [&](const std::string &, httplib::Response &) {
        return page({{1, "2026-05-01T00:00:00Z"}}, "@evil.example.com/services/data/");
    };
    const auto first = fetch(account, "");
    EXPECT_EQ(fault(first.next_state)->fault, Fault::object);
}

TEST_F(Salesforce, ErrorsHaveTheirMeanings) {
    struct Case {
        int status;
        const char *body;
        Fault fault;
    };
    const Case cases[] = {
        {403, R"([{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}])", Fault::quota},
        {403,
         R"([{"message":"ConcurrentRequests (Concurrent API Requests) Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}])",
         Fault::transient},
        {403, R"([{"message":"m","errorCode":"INSUFFICIENT_ACCESS"}])", Fault::object},
        {400, R"([{"message":"m","errorCode":"MALFORMED_QUERY"}])", Fault::object},
        {400, R"([{"message":"m","errorCode":"INVALID_TYPE"}])", Fault::object},
        {400, R"([{"message":"m","errorCode":"UNABLE_TO_LOCK_ROW"}])", Fault::transient},
        {503, "<html>down</html>", Fault::transient},
        {500, "", Fault::transient},
        {406, "", Fault::transient},
        {200, "<html>maintenance</html>", Fault::transient},
        {200, R"({"done":true,"records":[{"Id":"00)", Fault::transient},
        {200, R"({"records":[]})", Fault::transient},
    };
    for (const auto &[status, body, expected] : cases) {
        const auto error = fault_of(status, body);
        ASSERT_TRUE(error) << body;
        EXPECT_EQ(error->fault, expected) << body;
    }
}

TEST_F(Salesforce, WaitsAsLongAsTheServerAsks) {
    EXPECT_EQ(fault_of(429, "", {{"Retry-After", "17"}})->wait, 17);
    EXPECT_EQ(fault_of(429, "", {{"Retry-After", "Mon, 01 Jun 2026 12:00:30 GMT"}})->wait, 30);
    EXPECT_EQ(fault_of(429, "", {{"Retry-After", "90000"}})->wait, 3600);
    EXPECT_EQ(fault_of(503, "")->wait, 0);
}

TEST_F(Salesforce, QuotaStopsBeforeItIsUsedUp) {
    int pages = 0;
    answer = [&](const std::string &, httplib::Response &out) {
        out.set_header("Sforce-Limit-Info", "api-usage=24/15000; per-app-api-usage=200/250(appName=x)");
        return page({{1, "2026-05-01T00:00:00Z"}}, "/services/data/v60.0/query/x-" + std::to_string(++pages));
    };
    const auto first = fetch(account, "");
    EXPECT_EQ(first.records.size(), 1u);
    EXPECT_EQ(fault(first.next_state)->fault, Fault::quota);
    EXPECT_FALSE(fault(first.next_state));  // the next schedule asks how things stand
    EXPECT_EQ(fault(first.next_state)->fault, Fault::quota);
}

TEST_F(Salesforce, FieldsThatAreNotThereAreLeftOut) {
    json fields = json::array();
    for (const char *name : {"Id", "SystemModstamp", "Name", "IsDeleted"}) fields.push_back({{"name", name}});
    describe = json{{"fields", fields}}.dump();
    answer = [&](const std::string &query, httplib::Response &out) -> std::string {
        if (query.find("Website") == std::string::npos) return page({{1, "2026-05-01T00:00:00Z"}}, "");
        out.status = 400;
        return R"([{"message":"No such column 'Website'","errorCode":"INVALID_FIELD"}])";
    };
    EXPECT_EQ(fetch(account, "").records.size(), 1u);
    EXPECT_TRUE(soql[0].starts_with("SELECT Id, Name, SystemModstamp, IsDeleted FROM Account WHERE")) << soql[0];
}

TEST_F(Salesforce, SlowQueriesAreCutIntoSlices) {
    std::vector<std::string> good;
    settings.set("bulk_from", "never");
    answer = [&](const std::string &query, httplib::Response &out) -> std::string {
        if (query.find("<= 2026-06-01T12:00:00Z") != std::string::npos && query.find(">= 2026") == std::string::npos) {
            out.status = 400;
            return R"([{"message":"too long","errorCode":"QUERY_TIMEOUT"}])";
        }
        good.push_back(query);
        return page({}, "");
    };
    std::string state;
    read_all(account, state);
    EXPECT_EQ(json::parse(state)["watermark"], now - 10 * minute);
    ASSERT_GE(good.size(), 4u);
    // Each piece begins where the one before it ended.
    for (std::size_t i = 0; i + 2 < good.size(); ++i) {
        const auto from = good[i].find(">= "), to = good[i + 1].find("<= ");
        ASSERT_NE(from, std::string::npos) << good[i];
        EXPECT_EQ(good[i].substr(from + 3, 20), good[i + 1].substr(to + 3, 20));
    }
    EXPECT_EQ(good[good.size() - 2].find(">= "), std::string::npos) << good[good.size() - 2];
}

TEST_F(Salesforce, DamagedStateIsNoWayIntoAQuery) {
    for (const char *state :
         {"x", "[]", R"({"watermark":"2020"})", R"({"reading":{}})",
          R"({"reading":{"start":1,"safe":1,"part":0,"window":{"high":1,"at":1,"id":"' OR Id != '"}}})",
          R"({"reading":{"start":1,"safe":1,"part":9,"window":{"high":1}}})",
          R"({"reading":{"start":1,"safe":1,"part":0,"way":"walk","window":{"high":1}}})",
          R"({"reading":{"start":1,"safe":1,"part":0,"window":{"high":1},"spent":"//evil.example.com/"}})",
          R"({"reading":{"start":1,"safe":1,"part":0,"window":{"high":1},"job":{"id":"../x","version":"v60.0"}}})",
          R"({"reading":{"start":1,"safe":1,"part":0,"window":{"high":1},"job":{"id":"750000000000001AAA","version":"../60"}}})",
          R"({"reading":{"start":1,"safe":1,"part":0,"window":{"high":1,"next":"//evil.example.com/"}}})"}) {
        EXPECT_EQ(fault(state)->fault, Fault::object) << state;
    }
}

TEST_F(Salesforce, SettingsAreCheckedTogether) {
    settings.attributes["account"] = {"Fine__c", "Bad Field"};
    settings.columns["account"] = {{"name", "1;DROP"}};
    settings.set("api_version", "latest");
    settings.set("typo", "1");
    settings.objects = {"account", "contracts"};
    try {
        connectors::make_salesforce(settings);
        FAIL();
    } catch (const connectors::SettingsError &error) {
        EXPECT_EQ(error.problems.size(), 5u) << error.what();
    }
    connectors::Settings none;
    none.set("client_id", "id");
    none.set("client_secret", "s", true);
    EXPECT_THROW(connectors::make_salesforce(none), connectors::SettingsError);  // client credentials need the My Domain address
}

TEST_F(Salesforce, AttributesAndCurrencyAreSelected) {
    settings.attributes["account"] = {"Segment__c", "Parent.Name"};
    settings.set("multi_currency", "true");
    answer = [](const std::string &, httplib::Response &) {
        return R"({"done":true,"records":[{"Id":"001000000000001AAA","SystemModstamp":"2026-05-01T00:00:00Z","CurrencyIsoCode":"EUR","AnnualRevenue":1.5e6,
                  "Segment__c":"A","Parent":{"attributes":{},"Name":"P"}}]})";
    };
    const auto page = fetch(account, "");
    EXPECT_NE(soql.back().find(", CurrencyIsoCode, Segment__c, Parent.Name FROM Account"), std::string::npos) << soql.back();
    ASSERT_EQ(page.records.size(), 1u);
    EXPECT_EQ(page.records[0].values[account.index("attributes")], R"({"Segment__c":"A","Parent.Name":"P"})");
    EXPECT_EQ(page.records[0].values[account.index("currency")], "EUR");
    EXPECT_EQ(page.records[0].values[account.index("annual_revenue")], "1500000");
}

TEST_F(Salesforce, CheckNamesWhatCannotBeRead) {
    answer = [&](const std::string &query, httplib::Response &out) -> std::string {
        if (query.find(" FROM Asset ") == std::string::npos) return page({}, "");
        out.status = 400;
        return R"([{"message":"sObject type 'Asset' is not supported","errorCode":"INVALID_TYPE"}])";
    };
    int errors = 0;
    for (const auto &finding : connectors::make_salesforce(settings)->check()) {
        if (finding.level != sync::Finding::Level::error) continue;
        ++errors;
        EXPECT_NE(finding.text.find("Asset -> asset cannot be read: Asset: 400 INVALID_TYPE"), std::string::npos) << finding.text;
    }
    EXPECT_EQ(errors, 1);
}

// A new RSA key: private part as PEM, and the key itself.
std::pair<std::string, std::shared_ptr<EVP_PKEY>> new_key() {
    std::shared_ptr<EVP_PKEY> key(EVP_RSA_gen(2048), EVP_PKEY_free);
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    char *data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string pem(data, static_cast<std::size_t>(size));
    BIO_free_all(bio);
    return {pem, key};
}

std::string from_base64url(std::string text) {
    for (char &c : text) c = c == '-' ? '+' : c == '_' ? '/' : c;
    const std::size_t padding = (4 - text.size() % 4) % 4;
    text.append(padding, '=');
    std::string out(text.size(), '\0');
    const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char *>(out.data()),
                                     reinterpret_cast<const unsigned char *>(text.data()), static_cast<int>(text.size()));
    out.resize(static_cast<std::size_t>(size) - padding);
    return out;
}

bool verifies(EVP_PKEY *key, const std::string &text, const std::string &signature) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const bool good = EVP_DigestVerifyInit(context, nullptr, EVP_sha256(), nullptr, key) == 1 &&
                      EVP_DigestVerify(context, reinterpret_cast<const unsigned char *>(signature.data()), signature.size(),
                                       reinterpret_cast<const unsigned char *>(text.data()), text.size()) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

TEST_F(Salesforce, SignsAssertionsThatThePublicKeyVerifies) {
    const auto [pem, key] = new_key();
    settings = {};
    settings.set("auth", "jwt");
    settings.set("base_url", web.url());
    settings.set("client_id", "consumer");
    settings.set("username", "kim@example.com");
    settings.set("private_key", pem, true);
    fetch(account, "");
    constexpr std::string_view head = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
    ASSERT_TRUE(form.starts_with(head)) << form;
    const std::string assertion = form.substr(head.size());
    const std::size_t first = assertion.find('.'), second = assertion.rfind('.');
    EXPECT_TRUE(verifies(key.get(), assertion.substr(0, second), from_base64url(assertion.substr(second + 1))));
    EXPECT_FALSE(verifies(key.get(), "x" + assertion.substr(1, second - 1), from_base64url(assertion.substr(second + 1))));
    const json claims = json::parse(from_base64url(assertion.substr(first + 1, second - first - 1)));
    EXPECT_EQ(claims, (json{{"iss", "consumer"},
                            {"sub", "kim@example.com"},
                            {"aud", "https://login.salesforce.com"},
                            {"exp", now / 1'000'000 + 150}}));
}

TEST(Jwt, RefusesBadKeysWithoutShowingThem) {
    for (const char *bad : {"", "hunter2", "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n"}) {
        try {
            http::sign_jwt("{}", bad);
            ADD_FAILURE();
        } catch (const std::runtime_error &error) {
            EXPECT_EQ(std::string(error.what()).find("hunter2"), std::string::npos);
        }
    }
}

TEST(Soql, LiteralsAndNames) {
    using namespace connectors::salesforce;
    EXPECT_EQ(literal(now), "2026-06-01T12:00:00Z");
    EXPECT_EQ(literal(now + 1500), "2026-06-01T12:00:00.001Z");
    for (const char *good : {"Name", "Custom__c", "Account__r.Owner.Name"}) EXPECT_TRUE(is_field(good)) << good;
    for (const char *bad : {"", "1a", "a b", "a,b", "a.", ".a", "a..b", "a'", "COUNT()"}) EXPECT_FALSE(is_field(bad)) << bad;
    EXPECT_TRUE(is_id("001000000000001AAA"));
    EXPECT_FALSE(is_id("001000000000001AA'"));
    EXPECT_FALSE(is_id("001"));
}

}  // namespace
