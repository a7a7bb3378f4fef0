// An AxisCare site that answers as the real one does; the tests of the connector talk to it.
#pragma once
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "connectors/axiscare/connector.hpp"
#include "connectors/axiscare/health.hpp"
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
                            {"type", ColumnType::text},
                            {"phone", ColumnType::text},
                            {"street", ColumnType::text},
                            {"city", ColumnType::text},
                            {"state", ColumnType::text},
                            {"owner_id", ColumnType::text},
                            {"created_at", ColumnType::timestamp},
                            {"modified_at", ColumnType::timestamp},
                            {"deleted_at", ColumnType::timestamp},
                            {"attributes", ColumnType::json}}};
const sync::Object contact{"contact",
                           {{"account_id", ColumnType::text},
                            {"first_name", ColumnType::text},
                            {"email", ColumnType::text},
                            {"mobile", ColumnType::text},
                            {"modified_at", ColumnType::timestamp}}};
const sync::Object user{"crm_user",
                        {{"name", ColumnType::text},
                         {"username", ColumnType::text},
                         {"is_active", ColumnType::boolean},
                         {"modified_at", ColumnType::timestamp}}};
const sync::Object lead{"lead",
                        {{"last_name", ColumnType::text}, {"status", ColumnType::text}, {"modified_at", ColumnType::timestamp}}};
const sync::Object product{"product",
                           {{"name", ColumnType::text}, {"code", ColumnType::text}, {"modified_at", ColumnType::timestamp}}};
const sync::Object activity{"activity",
                            {{"kind", ColumnType::text},
                             {"account_id", ColumnType::text},
                             {"subject", ColumnType::text},
                             {"occurred_at", ColumnType::timestamp},
                             {"duration", ColumnType::number},
                             {"is_closed", ColumnType::boolean},
                             {"owner_id", ColumnType::text},
                             {"modified_at", ColumnType::timestamp},
                             {"deleted_at", ColumnType::timestamp}}};

const std::string mark = "PLANTED-DIAGNOSIS-";

json client(int id) {
    return {{"id", id},
            {"firstName", "John"},
            {"lastName", "Lakeman" + std::to_string(id)},
            {"status", {{"active", true}, {"label", mark + "label"}}},
            {"createdDate", "2023-01-18"},
            {"administrators", {{{"id", 25}, {"name", "Leslie Claret"}, {"username", "lgclaret"}}}},
            {"residentialAddress",
             {{"name", "Home"},
              {"streetAddress1", "123 Main St"},
              {"locality", "Milwaukee"},
              {"region", "WI"},
              {"postalCode", "53201"}}},
            {"personalEmail", "J@cia.gov"},
            {"homePhone", "414-567-8901"},
            {"mobilePhone", "+1 414-567-8902"}};
}

json visit(const std::string &id, const std::string &start) {
    return {{"id", id},
            {"client", {{"id", 1}, {"firstName", "John"}}},
            {"caregiver", {{"id", 4}}},
            {"startDate", start + "T16:00:00Z"},
            {"endDate", start + "T18:00:00Z"},
            {"service", {{"id", 1}, {"code", "HOMEMAKING"}, {"description", "Homemaking"}, {"procedureCode", "S5130"}}},
            {"verified", true}};
}

// An AxisCare site that answers as the real one does, page by page.
class AxisCare : public testing::Test {
  protected:
    void SetUp() override {
        web.server.set_post_routing_handler(
            [this](const httplib::Request &, httplib::Response &out) { out.set_header("Date", clock); });
        for (const std::string list : {"clients", "caregivers", "leads"}) {
            web.server.Get("/api/" + list, [this, list](const httplib::Request &in, httplib::Response &out) {
                answer(in, out, [&] { return rows(in, list); });
            });
        }
        web.server.Get("/api/visits", [this](const httplib::Request &in, httplib::Response &out) {
            answer(in, out, [&] { return visits(in, out); });
        });
        web.start();
        settings.connector = "axiscare";
        settings.set("base_url", web.url());
        settings.set("token", "axis-secret", true);
    }

    template <typename Make>
    void answer(const httplib::Request &in, httplib::Response &out, Make make) {
        asked.push_back(in.target);
        EXPECT_EQ(in.get_header_value("Authorization"), "Bearer axis-secret");
        EXPECT_EQ(in.get_header_value("X-AxisCare-Api-Version"), "2023-10-01");
        EXPECT_EQ(in.target.find("requestedSensitiveFields"), std::string::npos);
        if (fault_status) {
            out.status = fault_status;
            for (const auto &[name, content] : fault_headers) out.set_header(name.c_str(), content);
            out.set_content(fault_body, "application/json");
            return;
        }
        const json body = make();
        out.set_content(body.dump(), "application/json");
    }

    static json good(const std::string &list, json rows, json next) {
        return {{"results", {{list, std::move(rows)}, {"nextPage", std::move(next)}}}, {"errors", nullptr}, {"success", true}};
    }

    json rows(const httplib::Request &in, const std::string &list) {
        const int after = in.has_param("startAfterId") ? std::stoi(in.get_param_value("startAfterId")) : 0;
        json page = json::array(), next;
        int last = 0;
        for (const auto &row : lists[list]) {
            const int id = row.is_object() && row["id"].is_number() ? row["id"].get<int>() : 999999;
            if (id <= after) continue;
            if (page.size() == page_size) {
                next = (host.empty() ? web.url() : host) + "/api/" + list +
                       "?limit=500&startAfterId=" + std::to_string(stuck ? after : last);
                break;
            }
            page.push_back(row), last = id;
        }
        if (list != "caregivers") return good(list, page, next);
        json keyed = json::object();
        for (const auto &row : page) keyed[row["id"].dump()] = row;
        return good(list, keyed, next);
    }

    json visits(const httplib::Request &in, httplib::Response &out) {
        json page = json::array();
        for (const auto &one : lists["visits"]) {
            const std::string day = one["startDate"].get<std::string>().substr(0, 10);
            if (in.has_param("updatedSinceDate") ? one.contains("changed")
                                                 : day >= in.get_param_value("startDate") && day <= in.get_param_value("endDate"))
                page.push_back(one);
        }
        EXPECT_TRUE(in.has_param("updatedSinceDate") || (in.has_param("startDate") && in.has_param("endDate")) ||
                    in.has_param("pageToken"));
        if (in.has_param("pageToken")) {
            if (stale) {
                stale = false, out.status = 422;
                return {{"errors", {"page token expired"}}};
            }
            page = json::array({second});
            return good("visits", page, nullptr);
        }
        if (page.empty()) {
            out.status = 404;
            return {{"results", nullptr}, {"errors", {"No visits found"}}, {"success", false}};
        }
        return good("visits", page, second.is_null() ? json() : json(web.url() + "/api/visits?pageToken=12345"));
    }

    sync::Page fetch(const sync::Object &object, const std::string &state) {
        if (!connector) connector = connectors::make_axiscare(settings);
        return connector->fetch(object, state);
    }

    // Everything of one scan in one page; the state is left at its end. A new connector each time: nothing but the state may
    // count.
    sync::Page scan(const sync::Object &object, std::string &state) {
        sync::Page all;
        for (int pages = 0; pages < 1000; ++pages) {
            connector.reset();
            auto page = fetch(object, state);
            all.records.insert(all.records.end(), page.records.begin(), page.records.end());
            all.rejects.insert(all.rejects.end(), page.rejects.begin(), page.rejects.end());
            all.asides.insert(all.asides.end(), page.asides.begin(), page.asides.end());
            sweeps.push_back(page.sweep);
            all.source_count = page.source_count;
            state = page.next_state;
            if (page.done) return all;
        }
        ADD_FAILURE() << "no end";
        return all;
    }

    std::string get(const sync::Object &object, const sync::Record &one, const std::string &column) {
        return one.values[object.index(column)].value_or("-");
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

    test::Server web;
    connectors::Settings settings;
    std::unique_ptr<sync::Connector> connector;
    std::map<std::string, std::vector<json>> lists;
    std::vector<std::string> asked;
    std::vector<Sweep> sweeps;
    json second;  // the visit on the second page
    std::string clock = "Mon, 01 Jun 2026 12:00:00 GMT", fault_body, host;
    std::vector<std::pair<std::string, std::string>> fault_headers;
    std::size_t page_size = 500;
    int fault_status = 0;
    bool stuck = false, stale = false;
};

}  // namespace
