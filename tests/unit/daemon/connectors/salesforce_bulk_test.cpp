// Query jobs of the Bulk API 2.0.
#include "connectors/salesforce/bulk.hpp"
#include "salesforce_fixture.hpp"

namespace {

constexpr const char *stamp = "2026-05-01T00:00:00.000Z";

// A reading that goes by jobs from the first page on, and a server with three records in two pages.
class SalesforceBulk : public Salesforce {
  protected:
    void SetUp() override {
        Salesforce::SetUp();
        settings.set("bulk_from", "always");
        results = [this](const std::string &locator, httplib::Response &out) {
            const std::string head = "\"Id\",\"Name\",\"SystemModstamp\"\n";
            out.set_header("Sforce-Locator", locator.empty() ? "MjAwMA" : "null");
            out.set_header("Sforce-NumberOfRecords", locator.empty() ? "2" : "1");
            out.set_content(locator.empty() ? head + row(1) + row(2) : head + row(3), "text/csv; charset=UTF-8");
        };
    }
    static std::string row(int number) { return "\"" + id_of(number) + "\",\"N\",\"" + stamp + "\"\n"; }
};

TEST_F(SalesforceBulk, JobsArePolledAndTheirResultsFollowedByLocator) {
    job_state = "InProgress";
    const auto made = fetch(account, "");
    EXPECT_TRUE(made.records.empty());
    EXPECT_EQ(made.sweep, sync::Sweep::begin);
    ASSERT_EQ(orders.size(), 1u);
    EXPECT_EQ(orders[0]["operation"], "queryAll");
    EXPECT_EQ(orders[0]["contentType"], "CSV");
    EXPECT_EQ(orders[0]["lineEnding"], "LF");
    const std::string query = orders[0]["query"];
    EXPECT_TRUE(query.ends_with("FROM Account WHERE SystemModstamp <= 2026-06-01T12:00:00Z")) << query;
    const auto waiting = fault(made.next_state);
    ASSERT_TRUE(waiting);
    EXPECT_EQ(waiting->fault, Fault::transient);
    EXPECT_EQ(waiting->wait, 1);
    job_state = "JobComplete";
    std::string state = made.next_state;
    std::vector<std::string> ids;
    bool done = false;
    for (int pages = 0; pages < 5 && !done; ++pages) {
        const auto page = fetch(account, state);
        for (const auto &record : page.records) ids.push_back(record.crm_id);
        state = page.next_state, done = page.done;
    }
    EXPECT_TRUE(done);
    EXPECT_EQ(ids, (std::vector<std::string>{id_of(1), id_of(2), id_of(3)}));
    EXPECT_EQ(locators, (std::vector<std::string>{"", "MjAwMA"}));
    EXPECT_EQ(deleted, std::vector<std::string>{"/services/data/v60.0/jobs/query/750000000000001AAA"});
    EXPECT_EQ(orders.size(), 1u);
    EXPECT_EQ(json::parse(state)["watermark"], now - 10 * minute);
}

TEST_F(SalesforceBulk, TheOlderAJobTheLongerTheWait) {
    using connectors::salesforce::Job, connectors::salesforce::job_wait;
    Job job;
    EXPECT_EQ(job_wait(job, 0), 1);
    EXPECT_EQ(job_wait(job, 30'000'000), 10);
    EXPECT_EQ(job_wait(job, 60 * minute), 30);
    EXPECT_EQ(job_wait(job, -minute), 1);
}

TEST_F(SalesforceBulk, AJobGoesOnInItsOwnVersion) {
    const auto made = fetch(account, "");
    settings.set("api_version", "v62.0");
    connector.reset();
    fetch(account, made.next_state);
    EXPECT_EQ(job_paths.back(), "/services/data/v60.0/jobs/query/750000000000001AAA");
}

TEST_F(SalesforceBulk, SizeDecides) {
    settings.set("bulk_from", "3");
    std::int64_t size = 3;
    answer = [&](const std::string &query, httplib::Response &) {
        if (query.find("DESC") == std::string::npos) return page({}, "");
        json body = json::parse(page({{9, "2026-05-03T00:00:00Z"}, {8, "2026-05-02T00:00:00Z"}}, "/services/data/v60.0/query/x"));
        body["totalSize"] = size;
        return body.dump();
    };
    const auto first = fetch(account, "");
    EXPECT_EQ(first.records.size(), 2u);  // the newest ones come at once
    EXPECT_EQ(first.total, 3);
    fetch(account, first.next_state);
    ASSERT_EQ(orders.size(), 1u);
    const std::string query = orders[0]["query"];
    EXPECT_TRUE(query.ends_with("WHERE SystemModstamp <= 2026-05-02T00:00:00Z")) << query;
    size = 2;
    const auto small = fetch(account, "");
    fetch(account, small.next_state);
    EXPECT_EQ(orders.size(), 1u);
    EXPECT_EQ(soql.back(), "/services/data/v60.0/query/x");
}

TEST_F(SalesforceBulk, WhatJobsCannotDoIsReadOverRest) {
    answer = [&](const std::string &query, httplib::Response &) {
        return query.find("DESC") == std::string::npos ? page({}, "") : page({{1, stamp}}, "");
    };
    job_made = R"([{"message":"Entity 'Account' is not supported by the Bulk API.","errorCode":"INVALIDENTITY"}])";
    std::string state;
    EXPECT_EQ(read_all(account, state).records.size(), 1u);
    job_made.clear(), orders.clear();
    for (const char *ended : {"Failed", "Aborted"}) {
        job_state = ended, state.clear();
        EXPECT_EQ(read_all(account, state).records.size(), 1u) << ended;
    }
    EXPECT_EQ(orders.size(), 2u);
    EXPECT_EQ(deleted.size(), 2u);
    // Results that expire again and again; jobs that are gone.
    for (const char *ended : {"JobComplete", "Gone"}) {
        job_state = ended, state.clear(), orders.clear(), results = nullptr;
        EXPECT_EQ(read_all(account, state).records.size(), 1u) << ended;
        EXPECT_EQ(orders.size(), 3u);
    }
}

TEST_F(SalesforceBulk, DamagedResultsAreReadAgain) {
    const auto made = fetch(account, "");
    struct Case {
        const char *body, *records, *locator;
        Fault fault;
    };
    const Case cases[] = {
        {"<html>maintenance</html>", nullptr, "null", Fault::transient},
        {"\"Id\",\"Name\"\n\"001000000000001AAA\",\"cut", nullptr, "null", Fault::transient},
        {"\"Id\",\"Name\"\n\"001000000000001AAA\"\n", nullptr, "null", Fault::transient},
        {"\"Id\",\"SystemModstamp\"\n\"001000000000001AAA\",\"2026-05-01T00:00:00Z\"\n", "2", "null", Fault::transient},
    };
    for (const auto &[body, records, locator, expected] : cases) {
        results = [=](const std::string &, httplib::Response &out) {
            out.set_content(body, "text/csv");
            out.set_header("Sforce-Locator", locator);
            if (records) out.set_header("Sforce-NumberOfRecords", records);
        };
        const auto error = fault(made.next_state);
        ASSERT_TRUE(error) << body;
        EXPECT_EQ(error->fault, expected) << body;
    }
    results = [](const std::string &, httplib::Response &out) {
        out.set_content("\"Id\",\"SystemModstamp\"\n", "text/csv");
        out.set_header("Sforce-Locator", "again");
    };
    const auto page = fetch(account, made.next_state);
    EXPECT_EQ(fault(page.next_state)->fault, Fault::object);  // the same locator for ever
}

TEST_F(SalesforceBulk, TextsComeInTheCharsetOfTheHeader) {
    const auto made = fetch(account, "");
    const auto name = [&](const std::string &bytes, const char *type) {
        results = [=](const std::string &, httplib::Response &out) {
            out.set_content("\"Id\",\"Name\",\"SystemModstamp\"\n\"" + id_of(1) + "\",\"" + bytes + "\",\"" + stamp + "\"\n",
                            type);
        };
        const auto page = fetch(account, made.next_state);
        return page.records.at(0).values[account.index("name")].value_or("") + (page.records[0].repaired ? " repaired" : "");
    };
    EXPECT_EQ(name("M\xFCller", "text/csv; charset=ISO-8859-1"), "M\u00FCller");
    EXPECT_EQ(name("M\u00FCller", "text/csv; charset=UTF-8"), "M\u00FCller");
    EXPECT_EQ(name(std::string("a\0b", 3), "text/csv"), "a\uFFFDb repaired");
    EXPECT_EQ(name("a\n\"\"b\"\", c", "text/csv"), "a\n\"b\", c");
}

TEST(SalesforceCsv, RowsBecomeRecordsLikeThoseOfRest) {
    using namespace connectors::salesforce;
    Description description;
    description.types = {{"Id", "id"},
                         {"Name", "string"},
                         {"NumberOfEmployees", "int"},
                         {"AnnualRevenue", "currency"},
                         {"IsDeleted", "boolean"},
                         {"Manager", "relation"}};
    const auto records = read_csv(
        "\"Name\",\"Manager.Profile.Name\",\"Id\",\"NumberOfEmployees\",\"AnnualRevenue\",\"IsDeleted\",\"Manager.Name\","
        "\"Phone\"\n"
        "\"12\",\"\",\"001000000000001AAA\",\"120.0\",\"3.5E8\",\"false\",\"Kim\",\"\"\n"
        "\"\",\"\",\"001000000000002AAA\",\"few\",\"1,5\",\"true\",\"\",\"012\"\n",
        "Account", description);
    ASSERT_EQ(records.size(), 2u);
    EXPECT_EQ(json::parse(records[0]), json::parse(R"({"attributes":{"type":"Account"},"Id":"001000000000001AAA","Name":"12",
        "NumberOfEmployees":120,"AnnualRevenue":3.5E8,"IsDeleted":false,"Manager":{"Name":"Kim","Profile":{"Name":null}},"Phone":null})"));
    EXPECT_EQ(json::parse(records[1]), json::parse(R"({"attributes":{"type":"Account"},"Id":"001000000000002AAA","Name":null,
        "NumberOfEmployees":"few","AnnualRevenue":"1,5","IsDeleted":true,"Manager":{"Name":null,"Profile":{"Name":null}},"Phone":"012"})"));
    EXPECT_TRUE(read_csv("", "Account", {}).empty());
    EXPECT_TRUE(read_csv("\"Id\"\n", "Account", {}).empty());
}

}  // namespace
