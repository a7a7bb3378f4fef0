// Query jobs of the Bulk API 2.0. A job is done when it is looked at for the third time; its results come in pages of CSV behind
// locators, all values quoted, NUL characters as they are.
#include "salesforce_bulk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "soql.hpp"

namespace xsell::simulator {
namespace {

using httplib::Request;
using httplib::Response;
using Json = nlohmann::json;

constexpr int looks_until_done = 3;

struct Job {
    std::size_t org = 0;
    std::string version, operation, object;
    std::vector<const Field *> fields;
    std::vector<std::uint32_t> rows;
    Time created = 0;
    int looks = 0;
    bool failed = false, expired = false;
};

struct Jobs {
    std::mutex mutex;
    std::map<std::string, Job> all;
    std::size_t made = 0;
    // So many times more: refuse to make a job, let one fail, forget one whose results are asked for.
    int refuse = 0, fail = 0, expire = 0;
};

bool take(int &times) { return times > 0 && times-- > 0; }

std::string info(const std::string &id, const Job &job) {
    const char *state = job.looks == 0                 ? "UploadComplete"
                        : job.looks < looks_until_done ? "InProgress"
                        : job.failed                   ? "Failed"
                                                       : "JobComplete";
    const std::string at = iso(job.created).substr(0, 19) + ".000+0000";
    Json json = {{"id", id},
                 {"operation", job.operation},
                 {"object", job.object},
                 {"createdById", "0051x0000000001AAA"},
                 {"createdDate", at},
                 {"systemModstamp", at},
                 {"state", state},
                 {"concurrencyMode", "Parallel"},
                 {"contentType", "CSV"},
                 {"apiVersion", std::stod(job.version.substr(1))},
                 {"lineEnding", "LF"},
                 {"columnDelimiter", "COMMA"}};
    if (job.looks > 0) {
        json["jobType"] = "V2Query";
        json["retries"] = 0;
        json["totalProcessingTime"] = 100 * job.looks;
        json["numberRecordsProcessed"] = job.looks < looks_until_done || job.failed ? 0 : job.rows.size();
    }
    if (job.failed && job.looks >= looks_until_done) json["errorMessage"] = "InternalServerError: the query was not done in time";
    return json.dump();
}

void make(Jobs &jobs, const Request &req, Response &res, const Crm &crm, Time now) {
    const Json order = Json::parse(req.body);
    if (order.value("contentType", "CSV") != "CSV" || order.value("lineEnding", "LF") != "LF")
        throw salesforce_error(400, "INVALIDJOB", "only CSV with LF is offered here");
    Job job;
    job.operation = order.at("operation").get<std::string>();
    if (job.operation != "query" && job.operation != "queryAll") throw salesforce_error(400, "INVALIDOPERATION", job.operation);
    Soql soql;
    try {
        soql = parse_soql(order.at("query").get<std::string>());
    } catch (const SoqlError &error) {
        throw salesforce_error(400, error.code, error.what());
    }
    if (!soql.order.empty() || soql.count)
        throw salesforce_error(400, "INVALIDJOB", "ORDER BY and COUNT end the chunking of a job");
    const std::lock_guard lock(jobs.mutex);
    if (take(jobs.refuse)) {
        throw salesforce_error(400, "INVALIDENTITY",
                               fmt::format("Entity '{}' is not supported by the Bulk API.", soql.object->name));
    }
    job.failed = take(jobs.fail);
    job.org = crm.org(), job.version = req.matches[1], job.object = soql.object->name, job.created = now;
    job.fields = soql.fields;
    job.rows = run_soql(soql, crm, now, job.operation == "queryAll");
    const std::string id = fmt::format("7501x{:010}AAA", ++jobs.made);
    json(res, info(id, jobs.all[id] = std::move(job)));
}

// Throws where it is not there, or was made with another version.
Job &find(Jobs &jobs, const Request &req, const Crm &crm) {
    const auto found = jobs.all.find(req.matches[2].str());
    if (found == jobs.all.end() || found->second.org != crm.org())
        throw salesforce_error(404, "NOT_FOUND", "The requested resource does not exist");
    if (found->second.version != req.matches[1].str())
        throw salesforce_error(409, "API_ERROR", "The job was made with another version of the API");
    return found->second;
}

std::string cell(FieldType type, std::string text) {
    if (text.empty()) return "";
    if (type == FieldType::boolean) return text == "t" ? "true" : "false";
    if (type == FieldType::number && text.find('.') == std::string::npos) return text + ".0";
    if (type == FieldType::datetime) return text.substr(0, 19) + ".000Z";
    return type == FieldType::date ? text.substr(0, 10) : text;
}

void append_cell(std::string &csv, const std::string &text, bool first) {
    csv += first ? "\"" : ",\"";
    csv += replaced(text, "\"", "\"\"");
    csv += '"';
}

void results(Jobs &jobs, const Request &req, Response &res, const Crm &crm, Time now) {
    const std::lock_guard lock(jobs.mutex);
    Job &job = find(jobs, req, crm);
    if (take(jobs.expire)) {
        jobs.all.erase(req.matches[2].str());
        throw salesforce_error(404, "NOT_FOUND", "The results have expired");
    }
    if (job.failed || job.looks < looks_until_done) throw salesforce_error(400, "INVALIDJOBSTATE", "the job is not complete");
    const std::string locator = req.get_param_value("locator");
    const std::size_t from = locator.empty() ? 0 : std::stoul(locator.substr(1)),
                      most = req.has_param("maxRecords") ? std::stoul(req.get_param_value("maxRecords")) : job.rows.size(),
                      to = std::min(job.rows.size(), from + std::max<std::size_t>(most, 1));
    const SObject &object = *sobject_named(job.object);
    std::string csv;
    for (std::size_t i = 0; i < job.fields.size(); i++) append_cell(csv, job.fields[i]->name, i == 0);
    csv += '\n';
    for (std::size_t at = from; at < to; at++) {
        for (std::size_t i = 0; i < job.fields.size(); i++) {
            const Field &field = *job.fields[i];
            append_cell(csv, cell(field.type, field_text(crm, object, field, job.rows[at], now)), i == 0);
        }
        csv += '\n';
    }
    res.body = std::move(csv);
    res.set_header("Content-Type", "text/csv; charset=UTF-8");
    res.set_header("Sforce-NumberOfRecords", std::to_string(to - from));
    res.set_header("Sforce-Locator", to < job.rows.size() ? fmt::format("M{}", to) : "null");
}

}  // namespace

void mount_bulk(httplib::Server &server, Service &service) {
    const auto jobs = std::make_shared<Jobs>();
    const std::string root = R"(/[a-z]+/services/data/(v\d+\.0)/jobs/query)", one = root + "/(750[A-Za-z0-9]+)";
    server.Post(root + "/?", service.api(false, [jobs](const Request &req, Response &res, const Crm &crm, Time now) {
        make(*jobs, req, res, crm, now);
    }));
    server.Get(one + "/results/?", service.api(false, [jobs](const Request &req, Response &res, const Crm &crm, Time now) {
        results(*jobs, req, res, crm, now);
    }));
    server.Get(one, service.api(false, [jobs](const Request &req, Response &res, const Crm &crm, Time) {
        const std::lock_guard lock(jobs->mutex);
        Job &job = find(*jobs, req, crm);
        job.looks++;
        json(res, info(req.matches[2], job));
    }));
    server.Delete(one, service.api(false, [jobs](const Request &req, Response &res, const Crm &crm, Time) {
        const std::lock_guard lock(jobs->mutex);
        find(*jobs, req, crm);
        jobs->all.erase(req.matches[2].str());
        res.status = 204;
    }));
    server.Post("/_sim/bulk", [jobs](const Request &req, Response &res) {
        const Json wanted = Json::parse(req.body, nullptr, false);
        const std::lock_guard lock(jobs->mutex);
        if (wanted.is_object())
            jobs->refuse = wanted.value("refuse", 0), jobs->fail = wanted.value("fail", 0),
            jobs->expire = wanted.value("expire", 0);
        json(res, Json{{"jobs", jobs->all.size()}, {"made", jobs->made}}.dump(), wanted.is_object() ? 200 : 400);
    });
}

}  // namespace xsell::simulator
