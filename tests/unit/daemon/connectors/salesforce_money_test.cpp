// Prices, exchange rates, watermarks, rotated tokens: what a reading brings beside its records.
#include "salesforce_fixture.hpp"

namespace {

const sync::Object product{"product",
                           {{"name", ColumnType::text},
                            {"price", ColumnType::number},
                            {"currency", ColumnType::text},
                            {"modified_at", ColumnType::timestamp}}};

class SalesforceMoney : public Salesforce {};

// Remembers the token; no limits.
class KeepingHost final : public sync::Host {
  public:
    double take(const sync::Budget &, double) override { return 0; }
    void used(const std::string &, double all, double of) override { usage = all / of; }
    std::optional<sync::Token> token() override { return kept; }
    sync::Token renewed(const std::string &stale,
                        const std::function<sync::Token(const std::optional<sync::Token> &)> &renew) override {
        if (!kept || kept->access == stale) kept = renew(kept);
        return *kept;
    }
    void pause(double) override {}
    std::optional<sync::Token> kept;
    double usage = 0;
};

TEST_F(SalesforceMoney, OpenTransactionsHoldTheWatermarkBack) {
    covered = "2026-06-01T11:40:00.000+0000";
    std::string state;
    read_all(account, state);
    EXPECT_EQ(json::parse(state)["watermark"], now - 30 * minute);
    covered = "2026-06-01T13:00:00.000+0000";
    read_all(account, state);
    EXPECT_EQ(json::parse(state)["watermark"], now - 10 * minute);
}

TEST_F(SalesforceMoney, WhatIsCutIsAskedAgain) {
    describe = R"({"fields":[{"name":"Id"})";
    EXPECT_EQ(fault()->fault, Fault::transient);
    describe = "{}", covered = "2026-06-01T11:40:00.000+0000";
    connector.reset();
    cut_covered = true;
    EXPECT_EQ(fault()->fault, Fault::transient);
}

TEST_F(SalesforceMoney, AClockSetBackLosesNothing) {
    const std::int64_t watermark = now + 50 * minute;  // by a clock that ran an hour ahead
    connector = connectors::make_salesforce(settings);
    const auto page =
        fetch(account, json{{"watermark", watermark}, {"full_at", now}, {"map", connector->map_hash(account)}}.dump());
    EXPECT_TRUE(soql[0].ends_with("WHERE SystemModstamp >= 2026-06-01T11:50:00Z ORDER BY SystemModstamp, Id")) << soql[0];
    EXPECT_EQ(json::parse(page.next_state)["watermark"], now - 10 * minute);
}

TEST_F(SalesforceMoney, EverythingIsReadAgainOnceInAWhile) {
    std::string state;
    read_all(account, state);
    EXPECT_EQ(read_all(account, state).sweep, sync::Sweep::none);
    json old = json::parse(state);
    old["full_at"] = now - 30 * 24 * 60 * minute;
    state = old.dump();
    EXPECT_EQ(read_all(account, state).sweep, sync::Sweep::go_on);
    EXPECT_EQ(json::parse(state)["full_at"], now);
    // What is read since a time is no full reading, and the next full one is due as usual.
    state = *connector->since(account, now - 60 * 24 * 60 * minute);
    EXPECT_EQ(read_all(account, state).sweep, sync::Sweep::none);
    EXPECT_EQ(json::parse(state)["full_at"], now);
}

TEST_F(SalesforceMoney, QuietOngoingReadingsDoNotCount) {
    std::string state;
    EXPECT_EQ(read_all(account, state).source_count, 42);
    EXPECT_EQ(read_all(account, state).source_count, std::nullopt);
}

TEST_F(SalesforceMoney, ProductsHaveTheirStandardPrice) {
    std::string price = "12.5";
    answer = [&](const std::string &query, httplib::Response &) -> std::string {
        const bool prices = query.find("FROM PricebookEntry") != std::string::npos,
                   wanted = query.find(" IN ('" + id_of(1) + "'") != std::string::npos;
        if (prices && wanted)
            return R"({"done":true,"records":[{"Product2Id":")" + id_of(1) +
                   R"(","UnitPrice":99,"IsActive":false,"CurrencyIsoCode":"AED"},
                {"Product2Id":")" +
                   id_of(1) + R"(","UnitPrice":)" + price + R"(,"IsActive":true,"CurrencyIsoCode":"EUR"}]})";
        if (prices) {
            json body = json::parse(page({{7, "2026-06-01T11:59:00Z"}}, ""));
            body["records"][0]["Product2Id"] = id_of(1);
            return body.dump();
        }
        return wanted || query.find("DESC") != std::string::npos ? page({{1, "2026-05-01T00:00:00Z"}}, "") : page({}, "");
    };
    std::string state;
    auto all = read_all(product, state);
    ASSERT_EQ(all.records.size(), 1u);
    EXPECT_EQ(all.records[0].values[1], "12.5");
    EXPECT_EQ(all.records[0].values[2], "EUR");
    EXPECT_EQ(json::parse(all.records[0].raw)["PricebookEntry"]["UnitPrice"], 12.5);
    // A price that changes does not touch the product: the entry leads to it.
    price = "13";
    all = read_all(product, state);
    ASSERT_EQ(all.records.size(), 1u);
    EXPECT_EQ(all.records[0].values[1], "13");
}

TEST_F(SalesforceMoney, ProductsDoWithoutAPriceBook) {
    answer = [&](const std::string &query, httplib::Response &out) -> std::string {
        if (query.find("FROM PricebookEntry") == std::string::npos) return page({{1, "2026-05-01T00:00:00Z"}}, "");
        out.status = 400;
        return R"([{"message":"sObject type 'PricebookEntry' is not supported.","errorCode":"INVALID_TYPE"}])";
    };
    std::string state;
    EXPECT_FALSE(read_all(product, state).records.empty());
    const auto all = read_all(product, state);
    ASSERT_FALSE(all.records.empty());
    EXPECT_EQ(all.records[0].values[1], std::nullopt);
}

TEST_F(SalesforceMoney, RatesAreHomeUnitsPerUnit) {
    settings.set("multi_currency", "true");
    bool dated = true;
    answer = [&](const std::string &query, httplib::Response &out) -> std::string {
        if (query.find("FROM CurrencyType") != std::string::npos)
            return R"({"done":true,"records":[{"IsoCode":"EUR","ConversionRate":1.0,"IsCorporate":true},{"IsoCode":"USD","ConversionRate":1.25,"IsCorporate":false},
                {"IsoCode":"JPY","ConversionRate":160,"IsCorporate":false},{"IsoCode":"XTS","ConversionRate":0,"IsCorporate":false}]})";
        if (query.find("FROM DatedConversionRate") == std::string::npos) return page({}, "");
        if (dated) return R"({"done":true,"records":[{"IsoCode":"USD","StartDate":"2026-01-01","ConversionRate":1.6}]})";
        out.status = 400;
        return R"([{"message":"sObject type 'DatedConversionRate' is not supported.","errorCode":"INVALID_TYPE"}])";
    };
    const auto rates = [&] {
        std::vector<std::string> list;
        for (const auto &rate : fetch(account, "").rates)
            list.push_back(rate.home + rate.currency + rate.valid_from + "=" + rate.rate);
        return list;
    };
    EXPECT_EQ(rates(), (std::vector<std::string>{"EURUSD2026-01-01=0.625", "EURJPY1970-01-01=0.00625"}));
    dated = false;
    EXPECT_EQ(rates(), (std::vector<std::string>{"EURUSD1970-01-01=0.8", "EURJPY1970-01-01=0.00625"}));
    EXPECT_TRUE(fetch(activity, "").rates.empty());
}

TEST_F(SalesforceMoney, LongQueriesTravelInABody) {
    for (int i = 0; i < 900; ++i) settings.attributes["account"].push_back("Field_Number_" + std::to_string(i) + "__c");
    EXPECT_EQ(fetch(account, "").records.size(), 0u);
    ASSERT_EQ(batches.size(), 1u);
    const std::string url = batches[0]["batchRequests"][0]["url"];
    EXPECT_TRUE(url.starts_with("v60.0/queryAll?q=SELECT%20Id")) << url.substr(0, 50);
    EXPECT_TRUE(soql.empty());
}

TEST_F(SalesforceMoney, RotatedRefreshTokensAreKeptAndUsed) {
    const auto host = std::make_shared<KeepingHost>();
    settings.set("auth", "refresh_token");
    settings.set("refresh_token", "first", true);
    settings.host = host;
    rotated = "second";
    fetch(account, "");
    EXPECT_EQ(form, "grant_type=refresh_token&client_id=id&client_secret=se%3Acret&refresh_token=first");
    ASSERT_TRUE(host->kept);
    EXPECT_TRUE(host->kept->kept);
    EXPECT_EQ(host->kept->refresh, "second");
    rotated.clear();
    valid_token = 2;
    fetch(account, "");
    EXPECT_TRUE(form.ends_with("&refresh_token=second")) << form;
    EXPECT_EQ(host->kept->refresh, "second");
    // The one that it was rotated from is not tried again: a new one in the configuration is another login to the host.
    login_status = 400, valid_token = 99;
    EXPECT_EQ(fault()->fault, Fault::org);
    EXPECT_TRUE(form.ends_with("&refresh_token=second")) << form;
}

TEST_F(SalesforceMoney, ASessionThatMayNotUseTheApiIsNotRenewed) {
    answer = [](const std::string &, httplib::Response &out) {
        out.status = 401;
        return R"([{"message":"This session is not valid for use with the REST API","errorCode":"INVALID_SESSION_ID"}])";
    };
    EXPECT_EQ(fault()->fault, Fault::org);
    EXPECT_EQ(logins, 1);
}

TEST_F(SalesforceMoney, UsageIsToldToTheHost) {
    const auto host = std::make_shared<KeepingHost>();
    settings.host = host;
    answer = [](const std::string &, httplib::Response &out) {
        out.set_header("Sforce-Limit-Info", "api-usage=3000/15000");
        return page({}, "");
    };
    fetch(account, "");
    EXPECT_EQ(host->usage, 0.2);
}

TEST_F(SalesforceMoney, DeadLettersAreReplayedByTheirType) {
    connector = connectors::make_salesforce(settings);
    const auto page = connector->replay(
        activity,
        {R"({"attributes":{"type":"Event"},"Id":"00U000000000001AAA","SystemModstamp":"2026-05-01T00:00:00Z","DurationInMinutes":2})",
         R"({"attributes":{"type":"Task"},"Id":"00T000000000001AAA","SystemModstamp":"never","CallDurationInSeconds":1})",
         R"({"attributes":{"type":"Task"},"Id":"00T00)"});
    ASSERT_EQ(page.records.size(), 1u);
    EXPECT_EQ(page.records[0].values[0], "meeting");
    EXPECT_EQ(page.rejects.size(), 2u);
}

}  // namespace
