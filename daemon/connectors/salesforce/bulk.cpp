#include "connectors/salesforce/bulk.hpp"

#include <algorithm>
#include <charconv>

#include <spdlog/spdlog.h>

#include "connectors/salesforce/faults.hpp"
#include "http/address.hpp"
#include "sync/text.hpp"

namespace xsell::connectors::salesforce {
namespace {

using nlohmann::json;
using sync::Fault;
using sync::SyncError;

constexpr int page_rows = 5000;
constexpr std::int64_t second = 1'000'000;

std::string jobs_path(const std::string &version) { return "/services/data/" + version + "/jobs/query"; }

std::int64_t number_header(const http::Response &response, const char *name, std::int64_t fallback) {
    const auto text = response.header(name);
    std::int64_t value = fallback;
    if (text) std::from_chars(text->data(), text->data() + text->size(), value);
    return value;
}

// UTF-8 without NUL bytes, whatever the server chose.
std::string text_of(http::Response &response, bool &repaired) {
    const std::string type = sync::lower_ascii(response.header("content-type").value_or(""));
    for (const char *latin : {"iso-8859-1", "iso8859-1", "latin1"}) {
        if (type.find(latin) != std::string::npos) response.body = sync::latin1_to_utf8(response.body);
    }
    if (response.body.find('\0') == std::string::npos && sync::is_utf8(response.body)) return std::move(response.body);
    repaired = true;
    return sync::clean_text(response.body).text;
}

}  // namespace

std::string path_of(const Job &job) { return jobs_path(job.version) + "/" + job.id; }

std::optional<Job> make_job(Api &api, const std::string &soql) {
    const json order = {
        {"operation", "queryAll"}, {"query", soql}, {"contentType", "CSV"}, {"columnDelimiter", "COMMA"}, {"lineEnding", "LF"}};
    const auto response =
        api.send({"POST", "", {{"Accept", "application/json"}, {"Content-Type", "application/json"}}, order.dump()},
                 jobs_path(api.version()));
    // The number of jobs a day is limited too; REST has a limit of its own.
    if (is_refusal(response) || error_code(response) == "LIMIT_EXCEEDED") {
        spdlog::info("salesforce: no bulk query: {} {}; REST is used", response.status, brief(error_code(response)));
        return std::nullopt;
    }
    require_good(response, "jobs/query");
    Job job{member(json_body(response), "id"), api.version(), "", false, api.session().server_time().value_or(0), 0};
    job.looked = job.made;
    if (!is_id(job.id)) throw SyncError(Fault::transient, "jobs/query: the response names no job");
    return job;
}

Progress look_at(Api &api, const Job &job) {
    const auto response = api.get(path_of(job));
    if (is_refusal(response)) return Progress::gone;
    require_good(response, "jobs/query");
    const auto body = json_body(response);
    const std::string state = member(body, "state");
    if (state == "JobComplete") return Progress::complete;
    if (state == "Failed" || state == "Aborted") {
        spdlog::warn("salesforce: the bulk query {} ended as {}: {}", job.id, state, brief(member(body, "errorMessage")));
        return Progress::failed;
    }
    if (state.empty()) throw SyncError(Fault::transient, "jobs/query: the response names no state");
    return Progress::running;
}

double job_wait(const Job &job, std::int64_t now) {
    return std::clamp(static_cast<double>(now - job.made) / second / 3, 1.0, 30.0);
}

std::optional<Results> read_results(Api &api, const Job &job, const std::string &object,
                                    const std::optional<Description> &description) {
    std::string path = path_of(job) + "/results?maxRecords=" + std::to_string(page_rows);
    if (!job.locator.empty()) path += "&locator=" + http::encode(job.locator);
    auto response = api.send({"GET", "", {{"Accept", "text/csv"}}, ""}, path);
    if (is_refusal(response)) return std::nullopt;
    require_good(response, object);
    Results results;
    results.locator = response.header("sforce-locator").value_or("null");
    if (results.locator == "null") results.locator.clear();
    if (!results.locator.empty() && results.locator == job.locator)
        throw SyncError(Fault::object, object + ": the next results are the same results");
    const std::int64_t expected = number_header(response, "sforce-numberofrecords", -1);
    results.records = read_csv(text_of(response, results.repaired), object, description);
    if (expected >= 0 && expected != static_cast<std::int64_t>(results.records.size()))
        throw SyncError(Fault::transient, object + ": the results hold " + std::to_string(results.records.size()) +
                                              " records, not the " + std::to_string(expected) + " that were announced");
    return results;
}

void drop_job(Api &api, const std::string &path) {
    try {
        api.send({"DELETE", "", {{"Accept", "application/json"}}, ""}, path);
    } catch (const SyncError &error) {
        if (error.fault == Fault::stopped) throw;
    }
}

}  // namespace xsell::connectors::salesforce
