// A Salesforce org that answers queries from a table of replies; the tests of the connector talk to it.
#pragma once
#include <gtest/gtest.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <nlohmann/json.hpp>

#include "connectors/salesforce/connector.hpp"
#include "connectors/salesforce/query.hpp"
#include "http/jwt.hpp"
#include "http_server.hpp"
#include "sync/convert.hpp"
#include "sync/error.hpp"

namespace {

using namespace xsell;
using nlohmann::json;
using sync::ColumnType;
using sync::Fault;
using sync::SyncError;

constexpr const char *now_text = "Mon, 01 Jun 2026 12:00:00 GMT";
const std::int64_t now = *sync::to_micros("2026-06-01T12:00:00Z");
constexpr std::int64_t minute = 60'000'000;

const sync::Object account{"account",
                           {{"name", ColumnType::text},
                            {"domain", ColumnType::text},
                            {"annual_revenue", ColumnType::number},
                            {"currency", ColumnType::text},
                            {"modified_at", ColumnType::timestamp},
                            {"deleted_at", ColumnType::timestamp},
                            {"merged_into", ColumnType::text},
                            {"attributes", ColumnType::json}}};
const sync::Object activity{"activity",
                            {{"kind", ColumnType::text},
                             {"account_id", ColumnType::text},
                             {"contact_id", ColumnType::text},
                             {"lead_id", ColumnType::text},
                             {"opportunity_id", ColumnType::text},
                             {"duration", ColumnType::number},
                             {"modified_at", ColumnType::timestamp}}};

std::string id_of(int number) {
    return "001" + std::string(12 - std::to_string(number).size(), '0') + std::to_string(number) + "AAA";
}

// A Salesforce org whose records, pages and faults a test decides.
class Salesforce : public testing::Test {
  protected:
    void SetUp() override {
        web.server.set_post_routing_handler(
            [](const httplib::Request &, httplib::Response &out) { out.set_header("Date", now_text); });
        web.server.Post("/services/oauth2/token", [this](const httplib::Request &in, httplib::Response &out) {
            ++logins;
            form = in.body;
            basic = in.get_header_value("Authorization");
            out.status = login_status;
            json grant = {{"access_token", "t" + std::to_string(logins)},
                          {"instance_url", instance.empty() ? web.url() : instance}};
            if (!rotated.empty()) grant["refresh_token"] = rotated;
            out.set_content(
                login_status == 200 ? grant.dump() : R"({"error":"invalid_grant","error_description":"user is gone"})",
                "application/json");
        });
        web.server.Get("/services/data/v60.0/limits",
                       [this](const httplib::Request &in, httplib::Response &out) { api(in, out, "{}"); });
        web.server.Get("/services/data/v60.0/sobjects/.*/describe",
                       [this](const httplib::Request &in, httplib::Response &out) { api(in, out, describe); });
        web.server.Get("/services/data/v60.0/query.*", [this](const httplib::Request &in, httplib::Response &out) {
            if (in.has_param("q"))
                soql.push_back(in.get_param_value("q"));
            else
                soql.push_back(in.path);
            if (soql.back().starts_with("SELECT COUNT()")) return api(in, out, R"({"totalSize":42,"done":true,"records":[]})");
            api(in, out, answer ? answer(soql.back(), out) : page({}, ""));
        });
        web.server.Get("/services/data/v60.0/sobjects/.*/updated/", [this](const httplib::Request &in, httplib::Response &out) {
            if (covered.empty())
                out.status = 404;
            else
                api(in, out, cut_covered ? "{\"ids\":[" : json{{"ids", json::array()}, {"latestDateCovered", covered}}.dump());
        });
        web.server.Post("/services/data/v60.0/composite/batch", [this](const httplib::Request &in, httplib::Response &out) {
            batches.push_back(json::parse(in.body));
            api(in, out,
                json{{"hasErrors", false}, {"results", {{{"statusCode", 200}, {"result", json::parse(page({}, ""))}}}}}.dump());
        });
        serve_jobs();
        web.start();
        settings.connector = "salesforce";
        settings.set("base_url", web.url());
        settings.set("client_id", "id");
        settings.set("client_secret", "se:cret", true);
    }

    void serve_jobs() {
        const std::string jobs = R"(/services/data/v\d+\.0/jobs/query)", one = jobs + "/(750[A-Za-z0-9]+)";
        web.server.Post(jobs, [this](const httplib::Request &in, httplib::Response &out) {
            orders.push_back(json::parse(in.body));
            job_answer(out, in, job_made.empty() ? json{{"id", job}, {"state", "UploadComplete"}}.dump() : job_made,
                       job_made.empty() ? 200 : 400);
        });
        web.server.Get(one, [this](const httplib::Request &in, httplib::Response &out) {
            job_paths.push_back(in.path);
            job_answer(out, in, json{{"id", job}, {"state", job_state}}.dump(), job_state == "Gone" ? 404 : 200);
        });
        web.server.Get(one + "/results", [this](const httplib::Request &in, httplib::Response &out) {
            locators.push_back(in.get_param_value("locator"));
            if (!results) return static_cast<void>(out.status = 404);
            api(in, out, "");
            results(in.get_param_value("locator"), out);
        });
        web.server.Delete(one, [this](const httplib::Request &in, httplib::Response &out) {
            deleted.push_back(in.path);
            out.status = 204;
        });
    }
    void job_answer(httplib::Response &out, const httplib::Request &in, const std::string &body, int status) {
        api(in, out, body);
        if (out.status == -1 || out.status == 200) out.status = status;
    }

    void api(const httplib::Request &in, httplib::Response &out, const std::string &body) {
        if (in.get_header_value("Authorization") != "Bearer t" + std::to_string(valid_token ? valid_token : logins)) {
            out.status = 401;
            out.set_content(R"([{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}])", "application/json");
            return;
        }
        out.set_content(body, "application/json");
    }

    static std::string page(const std::vector<std::pair<int, std::string>> &records, const std::string &next) {
        json body = {{"done", next.empty()}, {"records", json::array()}};
        if (!next.empty()) body["nextRecordsUrl"] = next;
        for (const auto &[number, stamp] : records) {
            body["records"].push_back({{"attributes", {{"type", "Account"}}},
                                       {"Id", id_of(number)},
                                       {"Name", "N" + std::to_string(number)},
                                       {"SystemModstamp", stamp}});
        }
        return body.dump();
    }

    sync::Page fetch(const sync::Object &object, const std::string &state) {
        if (!connector) connector = connectors::make_salesforce(settings);
        return connector->fetch(object, state);
    }
    // Every page of one reading, as one; the state is left at its end.
    sync::Page read_all(const sync::Object &object, std::string &state) {
        sync::Page all;
        for (int pages = 0; pages < 100 && !all.done; ++pages) {
            auto page = fetch(object, state);
            EXPECT_TRUE(page.rejects.empty());
            EXPECT_EQ(page.sweep == sync::Sweep::begin, pages == 0 && page.sweep != sync::Sweep::none);
            std::move(page.records.begin(), page.records.end(), std::back_inserter(all.records));
            all.rates.insert(all.rates.end(), page.rates.begin(), page.rates.end());
            if (page.source_count) all.source_count = page.source_count;
            if (page.total) all.total = page.total;
            all.done = page.done, all.sweep = page.sweep;
            state = page.next_state;
        }
        EXPECT_TRUE(all.done);
        return all;
    }
    std::optional<SyncError> fault(const std::string &state = "") {
        try {
            fetch(account, state);
        } catch (const SyncError &error) {
            return error;
        }
        return std::nullopt;
    }
    std::optional<SyncError> fault_of(int status, const std::string &body,
                                      std::vector<std::pair<std::string, std::string>> headers = {}) {
        answer = [=](const std::string &, httplib::Response &out) {
            out.status = status;
            for (const auto &[name, value] : headers) out.set_header(name.c_str(), value);
            return body;
        };
        return fault();
    }

    test::Server web;
    connectors::Settings settings;
    std::unique_ptr<sync::Connector> connector;
    std::vector<std::string> soql;
    std::function<std::string(const std::string &, httplib::Response &)> answer;
    std::string describe = "{}", form, basic, instance, covered;
    std::vector<json> batches, orders;
    std::vector<std::string> job_paths, locators, deleted;
    std::string job = "750000000000001AAA", job_made, job_state = "JobComplete";
    std::function<void(const std::string &locator, httplib::Response &)> results;
    std::string rotated;
    bool cut_covered = false;
    int logins = 0, valid_token = 0, login_status = 200;
};

}  // namespace
