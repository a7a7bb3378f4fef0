// Synthetic records: stable pages, changes, damaged answers.
#include "connectors/scaling_test/connector.hpp"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "connectors/scaling_test/records.hpp"
#include "http_server.hpp"
#include "sync/error.hpp"

namespace xsell::connectors {
namespace {

using nlohmann::json;
using scaling::Feed;
using scaling::Kind;

constexpr std::int64_t later = 1780300000;  // 2026-06-01

sync::Object contact() {
    return {"contact", {{"account_id"}, {"first_name"}, {"email"}, {"modified_at", sync::ColumnType::timestamp}}};
}

using Rows = std::map<std::string, std::vector<sync::Value>>;

void keep(const sync::Page &page, Rows &rows) {
    EXPECT_TRUE(page.rejects.empty());
    EXPECT_TRUE(page.done);
    for (const auto &record : page.records) EXPECT_TRUE(rows.emplace(record.crm_id, record.values).second) << record.crm_id;
}

struct Reading {
    Rows rows;
    sync::Page first;
};

// The further pages last first: they may come in any order.
Reading read(sync::Connector &connector, const std::string &state = "") {
    Reading out;
    out.first = connector.fetch(contact(), state);
    keep(out.first, out.rows);
    for (std::size_t i = out.first.fan_out.size(); i-- > 0;) keep(connector.fetch(contact(), out.first.fan_out[i]), out.rows);
    return out;
}

Settings settings(const std::map<std::string, std::string> &options) {
    Settings out;
    out.org = "load", out.connector = "scaling_test";
    for (const auto &[key, value] : options) out.set(key, value);
    return out;
}

TEST(ScalingFeed, SameSeedSameBytes) {
    const Feed one(7, 1000), same(7, 1000), other(8, 1000);
    for (const Kind kind : {Kind::account, Kind::contact, Kind::opportunity}) {
        const scaling::Query query{2, 10, 0, {}};
        EXPECT_EQ(one.body(kind, query), same.body(kind, query));
        EXPECT_NE(one.body(kind, query), other.body(kind, query));
        EXPECT_TRUE(json::accept(one.body(kind, query)));
        const double size = static_cast<double>(one.body(kind, {1, 100, 0, {}}).size()) / 100;
        EXPECT_GT(size, 900);
        EXPECT_LT(size, 1200);
    }
    EXPECT_EQ(one.count(Kind::account), 200u);
    EXPECT_EQ(one.count(Kind::contact), 300u);
    EXPECT_EQ(one.count(Kind::opportunity), 500u);
}

TEST(ScalingFeed, ChangesOverlapAndOlderRevisionsStay) {
    Feed feed(1, 1000);
    const std::string before = feed.body(Kind::contact, {1, 300, 0, {}});
    for (int i = 0; i < 40; ++i) feed.change(100 + static_cast<std::uint64_t>(i), later + i);
    const json all = json::parse(feed.body(Kind::contact, {1, 300, 0, {}}));
    EXPECT_EQ(all.at("data").size(), 300u);
    EXPECT_EQ(all.at("revision"), 40);
    std::map<std::string, std::string> stamps;
    for (const auto &record : all.at("data")) stamps[record.at("Id")] = record.at("SystemModstamp");
    EXPECT_EQ(stamps.size(), 300u);  // none is lost, none comes twice
    const json fresh = json::parse(feed.body(Kind::contact, {1, 300, later + 39, {}}));
    EXPECT_EQ(fresh.at("total"), 42);  // 139 of 1000: 41.7 of 300
    EXPECT_EQ(fresh.at("has_more"), false);
    for (const auto &record : fresh.at("data")) EXPECT_EQ(stamps.at(record.at("Id")), record.at("SystemModstamp"));
    const std::string old = feed.body(Kind::contact, {1, 300, 0, 0});
    EXPECT_EQ(old, before);
}

TEST(ScalingTest, InProcessPagesInAnyOrder) {
    // 300 contacts: the last page is full; 299 would leave it short.
    for (const char *size : {"100", "299", "300", "7"}) {
        const auto connector = make_scaling_test(settings({{"records", "1000"}, {"page_size", size}}));
        const Reading all = read(*connector);
        EXPECT_EQ(all.rows.size(), 300u) << size;
        EXPECT_EQ(all.first.total, 300);
        EXPECT_EQ(all.first.source_count, 300);
    }
    const auto connector = make_scaling_test(settings({{"records", "1000"}}));
    EXPECT_EQ(connector->objects(), (std::vector<std::string>{"account", "contact", "opportunity"}));
    EXPECT_EQ(connector->count({"opportunity", {}}), 500);
    const Reading again = read(*connector, connector->fetch(contact(), "").next_state);
    EXPECT_TRUE(again.rows.empty());  // nothing changes in the process
    EXPECT_FALSE(again.first.source_count);
    const std::string empty = make_scaling_test(settings({{"records", "0"}}))->fetch(contact(), "").next_state;
    EXPECT_FALSE(empty.empty());
}

TEST(ScalingTest, DamagedStates) {
    const auto connector = make_scaling_test(settings({}));
    for (const char *state : {"[", "[]", R"({"page":2})", R"({"page":0,"size":5})", R"({"since":"x"})"})
        EXPECT_THROW(connector->fetch(contact(), state), sync::SyncError) << state;
}

class ScalingServer : public testing::Test {
  protected:
    ScalingServer() : feed_(3, 1000) {
        server_.server.Get("/scaling/v1/contact", [this](const httplib::Request &req, httplib::Response &res) {
            ++requests_;
            last_since_ = req.get_param_value("modified_since");
            scaling::Query query{std::stoull(req.get_param_value("page")), std::stoull(req.get_param_value("per_page")), 0, {}};
            if (!last_since_.empty()) query.since = last_since_ <= "2026-01-01T00:00:00Z" ? 0 : later;
            if (req.has_param("revision")) query.revision = std::stoull(req.get_param_value("revision"));
            if (change_after_ && requests_ == 2) feed_.change(500, later);
            std::string body = answer_.empty() ? feed_.body(Kind::contact, query) : answer_;
            if (half_) body.resize(body.size() / 2);
            res.status = status_;
            if (!date_.empty()) res.set_header("Date", date_);
            res.set_content(body, "application/json;charset=UTF-8");
        });
        server_.start();
    }
    std::unique_ptr<sync::Connector> connector() {
        return make_scaling_test(settings({{"base_url", server_.url()}, {"page_size", "40"}}));
    }
    sync::Fault fault() {
        try {
            connector()->fetch(contact(), "");
        } catch (const sync::SyncError &error) {
            return error.fault;
        }
        ADD_FAILURE() << "nothing was thrown";
        return sync::Fault::lost;
    }

    Feed feed_;
    test::Server server_;
    int requests_ = 0, status_ = 200;
    bool half_ = false, change_after_ = false;
    std::string answer_, date_ = "Mon, 01 Jun 2026 08:00:00 GMT", last_since_;
};

TEST_F(ScalingServer, AChangeDuringTheReadingShiftsNoPage) {
    change_after_ = true;
    const auto source = connector();
    const Reading all = read(*source);
    EXPECT_EQ(all.rows.size(), 300u);
    EXPECT_EQ(all.first.fan_out.size(), 7u);
    EXPECT_LT(all.first.fan_out.back().size(), 80u);
    EXPECT_EQ(all.first.next_state, R"({"since":1780300200})");  // the server's clock less ten minutes
    const Reading next = read(*source, R"({"since":1780300000})");
    EXPECT_EQ(next.rows.size(), 150u);
    EXPECT_EQ(last_since_, "2026-06-01T07:46:40Z");
    for (const auto &[id, values] : next.rows) EXPECT_NE(all.rows.at(id), values) << id;
}

TEST_F(ScalingServer, AClockSetBackHidesNothing) {
    connector()->fetch(contact(), R"({"since":1780400000})");
    EXPECT_EQ(requests_, 2);
    EXPECT_EQ(last_since_, "2026-06-01T07:50:00Z");
}

TEST_F(ScalingServer, WithoutAClockEverythingIsReadAgain) {
    date_ = "nonsense";
    EXPECT_EQ(connector()->fetch(contact(), "").next_state, R"({"since":0})");
}

TEST_F(ScalingServer, BadAnswersAreTriedAgainOrEndTheObject) {
    half_ = true;
    EXPECT_EQ(fault(), sync::Fault::transient);
    half_ = false, answer_ = "<html>busy</html>";
    EXPECT_EQ(fault(), sync::Fault::transient);
    answer_ = R"({"data":[]})";
    EXPECT_EQ(fault(), sync::Fault::transient);
    answer_ = R"({"data":[],"total":5,"revision":0,"has_more":false})";  // fewer than it says
    EXPECT_EQ(fault(), sync::Fault::transient);
    status_ = 503;
    EXPECT_EQ(fault(), sync::Fault::transient);
    status_ = 404;
    EXPECT_EQ(fault(), sync::Fault::object);
    EXPECT_EQ(connector()->check().front().level, sync::Finding::Level::error);
}

}  // namespace
}  // namespace xsell::connectors
