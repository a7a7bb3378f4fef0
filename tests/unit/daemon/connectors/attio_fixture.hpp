// An Attio workspace that answers as the real one does; the tests of the connector talk to it.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "connectors/attio/connector.hpp"
#include "http_server.hpp"
#include "sync/convert.hpp"
#include "sync/error.hpp"

namespace {

using namespace xsell;
using nlohmann::json;
using sync::ColumnType;
using sync::Fault;
using sync::Sweep;
using sync::SyncError;

const sync::Object account{"account",
                           {{"name", ColumnType::text},
                            {"domain", ColumnType::text},
                            {"city", ColumnType::text},
                            {"country", ColumnType::text},
                            {"employees", ColumnType::integer},
                            {"last_activity_at", ColumnType::timestamp},
                            {"created_at", ColumnType::timestamp},
                            {"modified_at", ColumnType::timestamp},
                            {"attributes", ColumnType::json}}};
const sync::Object contact{"contact",
                           {{"account_id", ColumnType::text},
                            {"first_name", ColumnType::text},
                            {"last_name", ColumnType::text},
                            {"email", ColumnType::text},
                            {"phone", ColumnType::text},
                            {"modified_at", ColumnType::timestamp}}};
const sync::Object deal{"opportunity",
                        {{"account_id", ColumnType::text},
                         {"pipeline", ColumnType::text},
                         {"stage", ColumnType::text},
                         {"amount", ColumnType::number},
                         {"currency", ColumnType::text},
                         {"is_closed", ColumnType::boolean},
                         {"is_won", ColumnType::boolean},
                         {"closed_at", ColumnType::timestamp},
                         {"owner_id", ColumnType::text},
                         {"modified_at", ColumnType::timestamp}}};
const sync::Object user{"crm_user",
                        {{"name", ColumnType::text},
                         {"email", ColumnType::text},
                         {"is_active", ColumnType::boolean},
                         {"modified_at", ColumnType::timestamp}}};
const sync::Object product{"product",
                           {{"name", ColumnType::text},
                            {"code", ColumnType::text},
                            {"price", ColumnType::number},
                            {"currency", ColumnType::text},
                            {"modified_at", ColumnType::timestamp}}};
const sync::Object activity{"activity",
                            {{"kind", ColumnType::text},
                             {"account_id", ColumnType::text},
                             {"contact_id", ColumnType::text},
                             {"opportunity_id", ColumnType::text},
                             {"subject", ColumnType::text},
                             {"occurred_at", ColumnType::timestamp},
                             {"duration", ColumnType::number},
                             {"is_closed", ColumnType::boolean},
                             {"owner_id", ColumnType::text},
                             {"modified_at", ColumnType::timestamp}}};

const char *const created = "2026-05-15T20:39:15.678000000Z";

json value(const std::string &type, json members, const std::string &from = created) {
    members.update({{"attribute_type", type},
                    {"active_from", from},
                    {"active_until", nullptr},
                    {"created_by_actor", {{"type", "system"}, {"id", nullptr}}}});
    return members;
}
json text(const std::string &content, const std::string &from = created) { return value("text", {{"value", content}}, from); }

json record(const std::string &id, json values = json::object()) {
    return {{"id", {{"workspace_id", "w"}, {"object_id", "o"}, {"record_id", id}}},
            {"created_at", created},
            {"web_url", "https://app.attio.com/x/" + id},
            {"values", std::move(values)}};
}

class Attio : public testing::Test {
  protected:
    void SetUp() override {
        web.server.set_post_routing_handler(
            [this](const httplib::Request &, httplib::Response &out) { out.set_header("Date", clock); });
        web.server.Post(R"(/v2/objects/([a-z_]+)/records/query)", [this](const httplib::Request &in, httplib::Response &out) {
            answer(in, out, [&] {
                const json body = json::parse(in.body);
                EXPECT_EQ(body["sorts"][0]["attribute"], "created_at");
                return rows(in.matches[1], body["offset"], body["limit"]);
            });
        });
        for (const std::string name : {"notes", "tasks"}) {
            web.server.Get("/v2/" + name, [this, name](const httplib::Request &in, httplib::Response &out) {
                answer(in, out, [&] {
                    return rows(name, std::stoul(in.get_param_value("offset")), std::stoul(in.get_param_value("limit")));
                });
            });
        }
        web.server.Get("/v2/meetings", [this](const httplib::Request &in, httplib::Response &out) {
            answer(in, out, [&] { return meetings_page(in.get_param_value("cursor")); });
        });
        web.server.Get("/v2/workspace_members", [this](const httplib::Request &in, httplib::Response &out) {
            answer(in, out, [&] { return json{{"data", lists["members"]}}; });
        });
        web.server.Get("/v2/objects", [this](const httplib::Request &in, httplib::Response &out) {
            answer(in, out, [&] { return json{{"data", {{{"id", {{"object_id", "97052eb9"}}}, {"api_slug", "people"}}}}}; });
        });
        web.server.Get("/v2/self", [this](const httplib::Request &in, httplib::Response &out) {
            answer(in, out, [&] { return json{{"active", active}, {"workspace_name", "Acme"}}; });
        });
        web.server.Get(R"(/v2/objects/([a-z_]+)/attributes)", [this](const httplib::Request &in, httplib::Response &out) {
            answer(in, out, [&] { return json{{"data", {{{"api_slug", "name"}}}}}; });
        });
        web.start();
        settings.connector = "attio";
        settings.set("base_url", web.url());
        settings.set("token", "attio-secret", true);
    }

    template <typename Make>
    void answer(const httplib::Request &in, httplib::Response &out, Make make) {
        ++requests;
        EXPECT_EQ(in.get_header_value("Authorization"), "Bearer attio-secret");
        if (fault_status != 200 || !fault_body.empty()) {
            out.status = fault_status;
            for (const auto &[name, content] : fault_headers) out.set_header(name.c_str(), content);
            out.set_content(fault_body, "application/json");
            return;
        }
        out.set_content(make().dump(), "application/json");
        if (after) after();
    }

    json rows(const std::string &name, std::size_t offset, std::size_t limit) {
        asked.push_back(name + " " + std::to_string(offset) + "+" + std::to_string(limit));
        const auto &all = lists[name];
        if (clamp) limit = std::min(limit, clamp);
        if (deaf) offset = 0;
        json page = json::array();
        for (std::size_t i = offset; i < std::min(all.size(), offset + limit); ++i) page.push_back(all[i]);
        return {{"data", page}};
    }

    json meetings_page(const std::string &cursor) {
        const std::size_t at = cursor.empty() ? 0 : std::stoul(cursor);
        json page = {{"data", json::array()}, {"pagination", {{"next_cursor", nullptr}}}};
        if (at < lists["meetings"].size()) page["data"].push_back(lists["meetings"][at]);
        if (at + 1 < lists["meetings"].size()) page["pagination"]["next_cursor"] = std::to_string(deaf ? 1 : at + 1);
        return page;
    }

    void fill(const std::string &name, int count, int from = 0) {
        for (int i = from; i < from + count; ++i)
            lists[name].push_back(record("r" + std::to_string(i), {{"name", {text("Company " + std::to_string(i))}}}));
    }

    sync::Page fetch(const sync::Object &object, const std::string &state) {
        if (!connector) connector = connectors::make_attio(settings);
        return connector->fetch(object, state);
    }

    // Every page of one sweep; the state is left at its end. A new connector for each page: nothing but the state may count.
    std::vector<sync::Record> sweep(const sync::Object &object, std::string &state) {
        std::vector<sync::Record> records;
        for (int pages = 0; pages < 1000; ++pages) {
            connector.reset();
            auto page = fetch(object, state);
            EXPECT_TRUE(page.rejects.empty());
            EXPECT_EQ(page.sweep, pages == 0 ? Sweep::begin : Sweep::go_on);
            records.insert(records.end(), page.records.begin(), page.records.end());
            state = page.next_state, last = page;
            if (page.done) return records;
        }
        ADD_FAILURE() << "no end";
        return records;
    }

    static std::set<std::string> ids(const std::vector<sync::Record> &records) {
        std::set<std::string> set;
        for (const auto &one : records) set.insert(one.crm_id);
        return set;
    }

    SyncError fault_of(const sync::Object &object, int status, const std::string &body,
                       std::vector<std::pair<std::string, std::string>> headers = {}) {
        fault_status = status, fault_body = body, fault_headers = std::move(headers);
        try {
            fetch(object, "");
        } catch (const SyncError &error) {
            return error;
        }
        ADD_FAILURE() << status << " passed";
        return {Fault::stopped, ""};
    }

    std::string get(const sync::Object &object, const sync::Record &one, const std::string &column) {
        return one.values[object.index(column)].value_or("-");
    }

    test::Server web;
    connectors::Settings settings;
    std::unique_ptr<sync::Connector> connector;
    std::map<std::string, std::vector<json>> lists;
    std::vector<std::string> asked;
    std::function<void()> after;
    sync::Page last;
    std::string clock = "Mon, 01 Jun 2026 12:00:00 GMT", fault_body;
    std::vector<std::pair<std::string, std::string>> fault_headers;
    int fault_status = 200, requests = 0;
    std::size_t clamp = 0;
    bool deaf = false, active = true;
};

}  // namespace
