#include "connectors/rest.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include "http_server.hpp"

namespace {

using namespace xsell;
using connectors::Grant;
using connectors::Session;
using sync::Fault;
using sync::SyncError;
using sync::Token;

// Keeps a token for several sessions, as the store's does.
class MemoryHost : public sync::Host {
  public:
    double take(const sync::Budget &budget, double cost) override { return taken += cost, budget.burst < taken ? 0.25 : 0; }
    void used(const std::string &, double, double) override {}
    std::optional<Token> token() override { return kept; }
    Token renewed(const std::string &stale, const std::function<Token(const std::optional<Token> &)> &renew) override {
        const std::lock_guard guard(mutex);
        if (kept && kept->access != stale) return *kept;
        ++renewals;
        kept = renew(kept);
        return *kept;
    }
    bool keeps() const override { return keeping; }
    void pause(double seconds) override { paused += seconds; }
    std::mutex mutex;
    std::optional<Token> kept;
    bool keeping = true;
    int renewals = 0;
    double taken = 0, paused = 0;
};

// A vendor whose tokens a test decides.
class Rest : public testing::Test {
  protected:
    void SetUp() override {
        web.server.Get("/data", [this](const httplib::Request &in, httplib::Response &out) {
            ++requests;
            const std::lock_guard guard(mutex);
            if (in.get_header_value("Authorization") == "Bearer " + good) return out.set_content("{}", "application/json");
            out.status = 401;
            out.set_content("<html>no</html>", "text/html");
        });
        web.server.Post("/token", [](const httplib::Request &, httplib::Response &out) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1300));
            out.set_content(R"({"access_token":"once"})", "application/json");
        });
        web.start();
        trust.add(web.url());
    }
    Session session(std::shared_ptr<sync::Host> used) {
        return Session(
            trust,
            [this](Session &, const std::string &rotated) {
                const std::lock_guard guard(mutex);
                sent.push_back(rotated);
                const int number = ++logins;
                if (number > 1 || good.empty()) good = accepted ? "t" + std::to_string(number) : "never";
                return Grant{"t" + std::to_string(number), web.url(), refresh, 0, true, same ? refresh : ""};
            },
            std::move(used));
    }
    SyncError fault(Session &of) {
        try {
            of.get("/data");
        } catch (const SyncError &error) {
            return error;
        }
        ADD_FAILURE() << "no error";
        return {Fault::lost, ""};
    }
    test::Server web;
    http::Trust trust;
    std::shared_ptr<MemoryHost> host = std::make_shared<MemoryHost>();
    std::mutex mutex;
    std::string good, refresh;
    std::vector<std::string> sent;
    bool accepted = true, same = false;
    int logins = 0;
    std::atomic<int> requests{0};
};

TEST_F(Rest, TwoWorkersWithOneExpiredTokenRenewItOnce) {
    auto one = session(host), two = session(host);
    EXPECT_EQ(one.get("/data").status, 200);
    EXPECT_EQ(two.get("/data").status, 200);
    EXPECT_EQ(logins, 1);
    {
        const std::lock_guard guard(mutex);
        good = "expired";
    }
    std::thread other([&] { EXPECT_EQ(one.get("/data").status, 200); });
    EXPECT_EQ(two.get("/data").status, 200);
    other.join();
    EXPECT_EQ(logins, 2);
    EXPECT_EQ(host->renewals, 2);
}

TEST_F(Rest, ASecond401IsForTheCaller) {
    accepted = false;
    auto one = session(host);
    EXPECT_EQ(one.get("/data").status, 401);
    EXPECT_EQ(logins, 2);
    EXPECT_EQ(requests, 2);
}

TEST_F(Rest, AKeptTokenThatExpiredMeanwhileIsRenewedToo) {
    auto one = session(host);
    EXPECT_EQ(one.get("/data").status, 200);
    host->kept->access = "of another daemon";  // which has renewed since, long ago
    good = "expired";
    EXPECT_EQ(one.get("/data").status, 200);
    EXPECT_EQ(logins, 2);
}

TEST_F(Rest, RefreshTokensArePassedOn) {
    auto one = session(host);
    refresh = "r1";
    one.get("/data");
    EXPECT_EQ(host->kept->refresh, "r1");
    refresh = "";  // the vendor does not give one each time
    good = "expired";
    one.get("/data");
    EXPECT_EQ(host->kept->refresh, "r1");
    refresh = "r2";
    good = "expired";
    one.get("/data");
    EXPECT_EQ(host->kept->refresh, "r2");
    EXPECT_EQ(sent, (std::vector<std::string>{"", "r1", "r1"}));
}

TEST_F(Rest, TheSameRefreshTokenIsNoNewOne) {
    auto one = session(host);
    refresh = "configured", same = true;
    one.get("/data");
    EXPECT_EQ(host->kept->refresh, "");
}

TEST_F(Rest, WithoutAHostTheSessionRemembers) {
    auto one = session(nullptr);
    refresh = "r1";
    one.get("/data");
    good = "expired";
    EXPECT_EQ(one.get("/data").status, 200);
    EXPECT_EQ(sent, (std::vector<std::string>{"", "r1"}));
}

TEST_F(Rest, AVendorKnownToRotateIsNotAskedWithoutAKey) {
    host->keeping = false;
    for (const auto &used : {host, std::shared_ptr<MemoryHost>()}) {
        auto one = session(used);
        one.rotates();
        const auto error = fault(one);
        EXPECT_EQ(error.fault, Fault::org);
        EXPECT_NE(std::string(error.what()).find("xselld key new"), std::string::npos);
    }
    EXPECT_EQ(logins, 0);
    host->keeping = true;
    auto one = session(host);
    one.rotates();
    EXPECT_EQ(one.get("/data").status, 200);
}

TEST_F(Rest, ALoginIsNotCutOffByAStop) {
    Session one(
        trust,
        [this](Session &of, const std::string &) {
            return Grant{
                connectors::member(connectors::json_body(of.send({"POST", web.url() + "/token", {}, ""})), "access_token"),
                web.url()};
        },
        host);
    std::thread stopper([] {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        http::stop_transfers();
    });
    EXPECT_EQ(fault(one).fault, Fault::stopped);  // the request after it
    stopper.join();
    http::allow_transfers();
    EXPECT_EQ(host->kept->access, "once");
}

TEST_F(Rest, TakesFromTheBudgetBeforeItSends) {
    auto one = session(host);
    one.budget({"requests", 1, 2});
    one.get("/data");
    connectors::Call dear;
    dear.cost = 5;
    one.get("/data", dear);
    EXPECT_EQ(host->taken, 6);
    EXPECT_EQ(host->paused, 0.25);
}

TEST_F(Rest, PathsStayOnTheHost) {
    auto one = session(host);
    for (const char *path : {"@evil.example.com/", ".evil.example.com/", "", "https://evil.example.com/"}) {
        try {
            one.get(path);
            ADD_FAILURE() << path;
        } catch (const SyncError &error) {
            EXPECT_EQ(error.fault, Fault::object) << path;
        }
    }
    EXPECT_EQ(logins, 0);
}

http::Response response(int status, std::vector<http::Header> headers) {
    http::Response made;
    made.status = status;
    made.headers = std::move(headers);
    return made;
}

TEST(Wait, IsWhatTheServerAsksFor) {
    const http::Header date{"date", "Sun, 06 Nov 1994 08:49:37 GMT"};
    const struct {
        int status;
        std::vector<http::Header> headers;
        double seconds;
    } cases[] = {
        {429, {}, 0},
        {429, {{"retry-after", "7"}}, 7},
        {503, {{"retry-after", "7"}}, 7},
        {429, {date, {"retry-after", "Sun, 06 Nov 1994 08:50:07 GMT"}}, 30},
        {429, {{"retry-after", "soon"}, {"x-ratelimit-reset", "2"}}, 2},
        {429, {{"retry-after", "7"}, {"x-ratelimit-reset", "2"}}, 7},
        {429, {{"x-ratelimit-reset", "-2"}}, 0},
        {429, {{"x-ratelimit-reset", "99999"}}, 3600},
        {429, {{"x-ratelimit-reset", "nan"}}, 0},
        {429, {{"x-ratelimit-reset", "2 s"}}, 0},
        {429, {date, {"x-ratelimit-reset", "784111797"}}, 20},  // a time
        {429, {{"x-ratelimit-reset", "784111797"}}, 0},         // and nobody says what time it is there
        {429, {{"x-hubspot-ratelimit-interval-milliseconds", "10000"}}, 10},
        {200, {{"x-hubspot-ratelimit-interval-milliseconds", "10000"}}, 0},
        {200, {{"x-ratelimit-remaining", "78"}, {"x-ratelimit-reset", "2"}}, 0},
        {200, {{"x-ratelimit-remaining", "0"}, {"x-ratelimit-reset", "2"}}, 2},
        {500, {{"x-ratelimit-remaining", "78"}, {"x-ratelimit-reset", "2"}}, 0},  // an error, no limit: it counts as a try
    };
    for (const auto &c : cases) {
        std::string shown = std::to_string(c.status);
        for (const auto &[name, value] : c.headers) shown += " " + name + ": " + value;
        EXPECT_DOUBLE_EQ(connectors::wait_of(response(c.status, c.headers)), c.seconds) << shown;
        EXPECT_DOUBLE_EQ(connectors::transient_fault(response(c.status, c.headers), "").wait, c.seconds) << shown;
    }
}

TEST(Bodies, AreJsonOrDiscarded) {
    http::Response made;
    for (const char *text : {"<html>502</html>", "{\"half\":", "", "\xFF\xFE"}) {
        made.body = text;
        EXPECT_TRUE(connectors::json_body(made).is_discarded()) << text;
        EXPECT_EQ(connectors::member(connectors::json_body(made), "error"), "") << text;
    }
    // Copying and writing out what nests so deep would use up the stack.
    made.body = std::string(200'000, '[') + std::string(200'000, ']');
    EXPECT_TRUE(connectors::json_body(made).is_discarded());
    made.body = "{\"error\":\"" + std::string(2000, '[') + "\\\"" + std::string(2000, '{') + "\"}";
    EXPECT_EQ(connectors::member(connectors::json_body(made), "error").size(), 4001u);
    made.body = R"({"error":"x","number":1,"null":null})";
    EXPECT_EQ(connectors::member(connectors::json_body(made), "error"), "x");
    EXPECT_EQ(connectors::member(connectors::json_body(made), "number"), "");
    EXPECT_EQ(connectors::member(connectors::json_body(made), "null"), "");
}

}  // namespace
