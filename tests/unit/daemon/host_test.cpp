// The host as far as it goes without a database; tests/integration/tokens.test has the rest.
#include <gtest/gtest.h>

#include <chrono>
#include <atomic>
#include <filesystem>
#include <thread>

#include "cli/log.hpp"
#include "connectors/rest.hpp"
#include "http_server.hpp"
#include "store/host.hpp"
#include "store/host_budget.hpp"
#include "sync/error.hpp"

namespace {

using namespace xsell;
using sync::Fault;
using sync::SyncError;
constexpr const char *nowhere = "host=/nowhere dbname=nothing";

template <typename Function>
SyncError fault_of(const Function &function) {
    try {
        function();
    } catch (const SyncError &error) {
        return error;
    }
    ADD_FAILURE() << "no error";
    return {Fault::lost, ""};
}

TEST(Bucket, GivesABurstAndThenARate) {
    store::Bucket bucket;
    const sync::Budget budget{"requests", 2, 3};
    for (int i = 0; i < 3; ++i) EXPECT_EQ(bucket.take(budget, 1, 30, 100), 0);
    EXPECT_DOUBLE_EQ(bucket.take(budget, 1, 30, 100), 0.5);  // promised to this one
    EXPECT_DOUBLE_EQ(bucket.take(budget, 1, 30, 100), 1.0);
    EXPECT_DOUBLE_EQ(bucket.take(budget, 1, 30, 101), 0.5);
    EXPECT_EQ(bucket.take(budget, 3, 30, 200), 0);  // never more than the burst, however long it rested
    EXPECT_DOUBLE_EQ(bucket.take(budget, 1, 30, 200), 0.5);
}

TEST(Bucket, GainsNothingByAClockSetBack) {
    store::Bucket bucket;
    const sync::Budget budget{"requests", 1, 1};
    EXPECT_EQ(bucket.take(budget, 1, 30, 5000), 0);
    EXPECT_DOUBLE_EQ(bucket.take(budget, 1, 30, 1400), 1);
    EXPECT_DOUBLE_EQ(bucket.take(budget, 1, 30, 1401), 1);
}

TEST(Bucket, TakesNothingForAWaitThatIsTooLong) {
    store::Bucket bucket;
    const sync::Budget budget{"requests", 1, 10};
    EXPECT_EQ(bucket.take(budget, 10, 5, 0), 0);
    EXPECT_DOUBLE_EQ(bucket.take(budget, 6, 5, 0), 6);
    EXPECT_DOUBLE_EQ(bucket.take(budget, 5, 5, 0), 5);
    // More than the bucket ever holds is given when it is full: later would be no better.
    EXPECT_DOUBLE_EQ(bucket.take(budget, 100, 5, 1000), 90);
    EXPECT_DOUBLE_EQ(bucket.take(budget, 1, 5, 1000), 91);
}

TEST(Host, IsOneForAnOrg) {
    const auto one = store::make_host(nowhere, "one", std::nullopt, nullptr);
    EXPECT_EQ(one, store::make_host(nowhere, "one", std::nullopt, nullptr));
    EXPECT_NE(one, store::make_host(nowhere, "two", std::nullopt, nullptr));
    EXPECT_NE(one, store::make_host("host=/elsewhere", "one", std::nullopt, nullptr));
    EXPECT_FALSE(one->keeps());
    store::make_host(nowhere, "one", "/some/key", nullptr);
    EXPECT_TRUE(one->keeps());
    store::make_host(nowhere, "one", std::filesystem::path(), nullptr);
    EXPECT_FALSE(one->keeps());
}

TEST(Host, LimitsInMemoryWhileTheDatabaseIsAway) {
    const auto host = store::make_host(nowhere, "away", std::nullopt, nullptr);
    const sync::Budget budget{"requests", 1, 2};
    EXPECT_EQ(host->take(budget, 2), 0);
    EXPECT_NEAR(host->take(budget, 20), 20, 1);
    const auto fault = fault_of([&] { host->take(budget, 20); });
    EXPECT_EQ(fault.fault, Fault::transient);
    EXPECT_NEAR(fault.wait, 40, 1);
    EXPECT_NE(std::string(fault.what()).find("away"), std::string::npos);
    EXPECT_EQ(host->take({"search", 1, 2}, 1), 0);  // another bucket
    EXPECT_NO_THROW(host->used("daily", 1, 2));
}

TEST(Host, AsksNobodyForTokensWithoutDatabaseOrKey) {
    int asked = 0;
    const auto renew = [&](const std::optional<sync::Token> &) {
        ++asked;
        return sync::Token{"access", "refresh", "", 0, true};
    };
    const auto host = store::make_host(nowhere, "asks", std::nullopt, nullptr);
    EXPECT_FALSE(host->token());
    EXPECT_EQ(fault_of([&] { host->renewed("", renew); }).fault, Fault::transient);
    store::make_host(nowhere, "asks", "/nowhere/key", nullptr);
    const auto fault = fault_of([&] { host->renewed("", renew); });
    EXPECT_EQ(fault.fault, Fault::org);
    EXPECT_NE(std::string(fault.what()).find("org asks: the token key /nowhere/key does not exist"), std::string::npos);
    EXPECT_EQ(asked, 0);
}

TEST(Host, StopsWaiting) {
    std::atomic<bool> stop{false};
    const auto host = store::make_host(nowhere, "stops", std::nullopt, &stop);
    host->pause(0);
    host->pause(-1);
    const auto start = std::chrono::steady_clock::now();
    host->pause(0.05);
    EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(50));
    std::thread stopper([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        stop = true;
    });
    EXPECT_EQ(fault_of([&] { host->pause(20); }).fault, Fault::stopped);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
    stopper.join();
    EXPECT_EQ(fault_of([&] { host->pause(0); }).fault, Fault::stopped);
    EXPECT_EQ(fault_of([&] { host->renewed("", nullptr); }).fault, Fault::stopped);
    store::make_host(nowhere, "stops", std::nullopt, nullptr);
    EXPECT_NO_THROW(host->pause(0));
}

TEST(Redaction, HidesTokensFromTheMomentTheyAreKnown) {
    std::vector<std::string> told;
    sync::on_token([&](const std::string &token) {
        told.push_back(token);
        cli::hide({token});
    });
    test::Server vendor;
    vendor.server.Get("/echo", [](const httplib::Request &in, httplib::Response &out) {
        out.set_content(in.get_header_value("Authorization"), "text/plain");
    });
    vendor.start();
    http::Trust trust;
    trust.add(vendor.url());
    connectors::Session session(
        trust,
        [&](connectors::Session &, const std::string &) {
            return connectors::Grant{"planted-access-token", vendor.url(), "planted-refresh-token"};
        },
        nullptr);
    const std::string echoed = session.get("/echo").body;
    sync::on_token(nullptr);
    EXPECT_EQ(told, (std::vector<std::string>{"planted-access-token", "planted-refresh-token"}));
    EXPECT_EQ(echoed, "Bearer planted-access-token");
    EXPECT_EQ(cli::hidden(echoed + " and planted-refresh-token"), "Bearer *** and ***");
}

}  // namespace
