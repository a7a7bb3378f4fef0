// Rates, limits on requests, rotated tokens, dead letters: what a HubSpot reading brings beside its records.
#include "connectors/hubspot/archived.hpp"
#include "hubspot_fixture.hpp"

namespace {

class HubSpotLimits : public HubSpot {};

TEST_F(HubSpotLimits, RatesComeWithTheDeals) {
    rates[""] =
        R"({"results":[{"fromCurrencyCode":"EUR","toCurrencyCode":"USD","conversionRate":1.36,"effectiveAt":"2026-01-02T00:00:00Z"},
        {"fromCurrencyCode":"USD","toCurrencyCode":"USD","conversionRate":1,"effectiveAt":"2026-01-02T00:00:00Z"}],"paging":{"next":{"after":"b"}}})";
    rates["b"] =
        R"({"results":[{"fromCurrencyCode":"GBP","toCurrencyCode":"USD","conversionRate":2,"effectiveAt":"2026-03-02T00:00:00Z"},{"x":null}]})";
    const auto page = fetch(deal, "");
    ASSERT_EQ(page.rates.size(), 2u);
    EXPECT_EQ(page.rates[0].home + page.rates[0].currency + page.rates[0].valid_from + page.rates[0].rate,
              "USDEUR2026-01-021.36");
    EXPECT_EQ(page.rates[1].currency, "GBP");
    EXPECT_TRUE(fetch(account, "").rates.empty());
    rates[""] = rates["b"] = R"({"results":[],"paging":{"next":{"after":"b"}}})";
    EXPECT_THROW(fetch(deal, ""), SyncError);
    rates.clear();  // not allowed to read them
    EXPECT_TRUE(fetch(deal, "").rates.empty());
}

// Says what was asked of it.
class CountingHost final : public sync::Host {
  public:
    double take(const sync::Budget &budget, double) override {
        ++taken[budget.name];
        rate[budget.name] = budget.per_second;
        return 0.5;
    }
    void used(const std::string &, double all, double of) override { usage = all / of; }
    std::optional<sync::Token> token() override { return kept; }
    sync::Token renewed(const std::string &,
                        const std::function<sync::Token(const std::optional<sync::Token> &)> &renew) override {
        return *(kept = renew(kept));
    }
    void pause(double seconds) override { paused += seconds; }
    std::map<std::string, int> taken;
    std::map<std::string, double> rate;
    std::optional<sync::Token> kept;
    double usage = 0, paused = 0;
};

TEST_F(HubSpotLimits, RequestsStayWithinTheLimits) {
    const auto host = std::make_shared<CountingHost>();
    settings.host = host;
    headers = {{"X-HubSpot-RateLimit-Max", "190"},
               {"X-HubSpot-RateLimit-Interval-Milliseconds", "10000"},
               {"X-HubSpot-RateLimit-Daily", "1000"},
               {"X-HubSpot-RateLimit-Daily-Remaining", "900"}};
    std::string state;
    sync_all(account, state);
    EXPECT_EQ(host->taken["search"], 2);  // a page and the count
    EXPECT_LT(host->rate["search"], 5);
    EXPECT_EQ(host->taken["requests"], 2);
    EXPECT_NEAR(host->rate["requests"], 17.1, 1e-6);
    EXPECT_EQ(host->paused, 2);
    EXPECT_EQ(host->usage, 0.1);
    headers.back().second = "200";  // 80 per cent are used
    EXPECT_NO_THROW(fetch(account, ""));
    try {
        fetch(account, "");
        FAIL();
    } catch (const SyncError &error) {
        EXPECT_EQ(error.fault, Fault::quota);
    }
}

TEST_F(HubSpotLimits, RotatedTokensAreKept) {
    const auto host = std::make_shared<CountingHost>();
    settings = {};
    settings.set("auth", "oauth");
    settings.set("base_url", web.url());
    settings.set("client_id", "id");
    settings.set("client_secret", "s", true);
    settings.set("refresh_token", "refresh", true);
    settings.host = host;
    host->kept = sync::Token{"stale", "rotated", web.url(), 0, true};
    token = "access1";
    fetch(account, "");
    EXPECT_TRUE(form.ends_with("refresh_token=rotated")) << form;
    EXPECT_EQ(host->kept->access, "access1");
    EXPECT_EQ(host->kept->refresh, "rotated");
    EXPECT_EQ(host->kept->expires_at, now + 30 * minute);
    EXPECT_TRUE(host->kept->kept);
}

TEST_F(HubSpotLimits, DeadLettersAreReplayedByTheirProperties) {
    connector = connectors::make_hubspot(settings);
    const auto page = connector->replay(
        activity,
        {R"({"id":"1","properties":{"hs_meeting_title":null,"hs_meeting_start_time":"2026-05-01T10:00:00Z","hs_meeting_end_time":"2026-05-01T10:01:00Z","hs_meeting_outcome":null,"hs_timestamp":null,"hs_lastmodifieddate":"2026-05-01T00:00:00Z"}})",
         R"({"id":"2","properties":{"hs_call_title":null,"hs_call_duration":"many","hs_call_direction":null,"hs_call_status":null,"hs_timestamp":null,"hs_lastmodifieddate":"never"}})"});
    ASSERT_EQ(page.records.size(), 1u);
    EXPECT_EQ(page.records[0].values[0], "meeting");
    EXPECT_EQ(page.records[0].values[4], "60");
    EXPECT_EQ(page.rejects.size(), 1u);
}

TEST(HubSpotArchived, KeepsAsManyAsThereIsRoomFor) {
    using connectors::hubspot::replace;
    connectors::hubspot::Archived known{2, 5, 9, 20};
    EXPECT_EQ(replace(known, 0, {2, 9}, false), std::vector<std::string>{"5"});
    EXPECT_EQ(known, (connectors::hubspot::Archived{2, 9, 20}));
    EXPECT_EQ(replace(known, 9, {}, true), std::vector<std::string>{"20"});
    EXPECT_EQ(known, (connectors::hubspot::Archived{2, 9}));
    EXPECT_TRUE(replace(known, 0, {9, 2}, true).empty());  // another order tells nothing
    EXPECT_EQ(known.size(), 2u);
    std::vector<std::uint64_t> many(5000);
    for (std::size_t i = 0; i < many.size(); ++i) many[i] = 10 + i;
    EXPECT_TRUE(replace(known, 9, many, true).empty());
    EXPECT_EQ(known.size(), 3000u);
    many.erase(many.begin());
    EXPECT_EQ(replace(known, 9, many, true), std::vector<std::string>{"10"});
}

}  // namespace
