// Salesforce REST: OAuth, versions, query and queryAll with locators, describe, limits, updated and deleted.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "jwt.hpp"
#include "salesforce_bulk.hpp"
#include "service.hpp"
#include "soql.hpp"

namespace xsell::simulator {
namespace {

using httplib::Request;
using httplib::Response;

// The real versions go on for ever; these are enough to negotiate.
constexpr int oldest_version = 50, newest_version = 66;

HttpError token_error(const char *error, const std::string &description) {
    return {400, fmt::format(R"({{"error":"{}","error_description":"{}"}})", error, description)};
}

void check_client(const Request &req, const ServiceOptions &options) {
    std::string id = req.get_param_value("client_id"), secret = req.get_param_value("client_secret");
    const std::string header = req.get_header_value("Authorization");
    if (header.starts_with("Basic ")) {
        const std::string pair = base64_decoded(header.substr(6));
        id = pair.substr(0, pair.find(':'));
        secret = pair.find(':') == std::string::npos ? "" : pair.substr(pair.find(':') + 1);
    }
    if (id != options.client_id) throw token_error("invalid_client_id", "client identifier invalid");
    if (secret != options.client_secret) throw token_error("invalid_client", "invalid client credentials");
}

void token(Service &service, const Request &req, Response &res, const Crm &crm, Time now) {
    const std::string grant = req.get_param_value("grant_type");
    if (grant == "client_credentials") {
        check_client(req, service.options);
    } else if (grant == "refresh_token") {
        check_client(req, service.options);
        if (req.get_param_value("refresh_token") != service.options.refresh_token)
            throw token_error("invalid_grant", "expired access/refresh token");
    } else if (grant == "urn:ietf:params:oauth:grant-type:jwt-bearer") {
        const std::string problem =
            jwt_problem(req.get_param_value("assertion"), service.options.client_id, service.options.jwt_public_key);
        if (!problem.empty()) throw token_error("invalid_grant", problem);
    } else {
        throw token_error("unsupported_grant_type", "grant type not supported");
    }
    const std::string root = fmt::format("http://127.0.0.1:{}/{}", service.options.port, crm.name());
    json(
        res,
        fmt::format(
            R"({{"id":"{0}/id/00D1x0000000SimEAE/0051x0000000001AAA","issued_at":"{1}","instance_url":"{0}","signature":"c2lnbmF0dXJl",)"
            R"("access_token":"{2}","token_type":"Bearer","scope":"api refresh_token"}})",
            root, now * 1000, service.issue_token(crm)));
}

void versions(Response &res) {
    std::string body = "[";
    for (int v = oldest_version; v <= newest_version; v++) {
        body += fmt::format(R"({}{{"label":"Release {}","url":"/services/data/v{}.0","version":"{}.0"}})",
                            v == oldest_version ? "" : ",", v, v, v);
    }
    json(res, body + "]");
}

// The server may always choose smaller pages than it was asked for, and does so for every third one.
std::size_t page_length(const Service &service, const Request &req, std::size_t offset) {
    std::size_t length = service.options.page_size;
    const std::string hint = req.get_header_value("Sforce-Query-Options");
    if (const std::size_t at = hint.find("batchSize="); at != std::string::npos) {
        length = std::min(length, std::max<std::size_t>(200, std::strtoul(hint.c_str() + at + 10, nullptr, 10)));
    }
    return offset / length % 3 == 1 ? std::max<std::size_t>(1, length / 2) : length;
}

void page(Service &service, const Request &req, Response &res, const Crm &crm, Time now, const Service::Cursor &cursor,
          const std::string &name, std::size_t offset) {
    const SObject &object = *sobject_named(cursor.object_name);
    std::vector<const Field *> fields;
    for (const std::string &field : cursor.fields) fields.push_back(object.field(field));
    const std::size_t end = std::min(cursor.rows.size(), offset + page_length(service, req, offset));
    std::string body = fmt::format(R"({{"totalSize":{},"done":{})", cursor.rows.size(), end == cursor.rows.size());
    if (end < cursor.rows.size())
        body += fmt::format(R"(,"nextRecordsUrl":"/services/data/{}/query/{}-{}")", cursor.version, name, end);
    body += R"(,"records":[)";
    for (std::size_t i = offset; i < end; i++) {
        if (i != offset) body += ',';
        append_record(body, crm, object, fields, cursor.rows[i], now, cursor.version);
    }
    json(res, body + "]}");
}

void query(Service &service, const Request &req, Response &res, const Crm &crm, Time now, bool all_rows) {
    Soql soql;
    try {
        soql = parse_soql(req.get_param_value("q"));
    } catch (const SoqlError &error) {
        throw salesforce_error(400, error.code, error.what());
    }
    Service::Cursor cursor{crm.org(), req.matches[1], soql.object->name, {}, run_soql(soql, crm, now, all_rows), now};
    if (soql.count) return json(res, fmt::format(R"({{"totalSize":{},"done":true,"records":[]}})", cursor.rows.size()));
    for (const Field *field : soql.fields) cursor.fields.emplace_back(field->name);
    if (cursor.rows.size() <= page_length(service, req, 0)) return page(service, req, res, crm, now, cursor, "", 0);
    const std::string name = service.keep(std::move(cursor));
    page(service, req, res, crm, now, *service.cursor(name), name, 0);
}

void more(Service &service, const Request &req, Response &res, const Crm &crm, Time now) {
    const std::string locator = req.matches[2];
    const std::size_t dash = locator.rfind('-');
    const auto cursor = dash == std::string::npos ? nullptr : service.cursor(locator.substr(0, dash));
    const std::size_t offset = cursor ? std::strtoul(locator.c_str() + dash + 1, nullptr, 10) : 0;
    if (!cursor || cursor->org != crm.org() || cursor->version != req.matches[1].str() || now - cursor->created > 2 * day ||
        offset >= cursor->rows.size()) {
        throw salesforce_error(400, "INVALID_QUERY_LOCATOR", "invalid query locator");
    }
    page(service, req, res, crm, now, *cursor, locator.substr(0, dash), offset);
}

const SObject &object_of(const Request &req) {
    const SObject *object = sobject_named(req.matches[2].str());
    if (!object) throw salesforce_error(404, "NOT_FOUND", "The requested resource does not exist");
    return *object;
}

std::string wire_time(Time time) { return iso(time).substr(0, 19) + ".000+0000"; }

// GET sobjects/X/updated and /deleted: ids in a range of at most 30 days.
void changes(const Service &service, const Request &req, Response &res, const Crm &crm, Time now, bool deleted) {
    const auto start = parse_millis(replaced(req.get_param_value("start"), " ", "+")),
               end = parse_millis(replaced(req.get_param_value("end"), " ", "+"));
    if (!start || !end || *end - *start < 60000)
        throw salesforce_error(400, "INVALID_REPLICATION_DATE", "startDate before endDate by a minute");
    if (*start / 1000 < now - 30 * day)
        throw salesforce_error(400, "INVALID_REPLICATION_DATE", "startDate more than 30 days ago");
    const Table &table = crm.table(object_of(req).source);
    std::string list;
    for (const std::uint32_t row : table.by_modified()) {
        const Row &r = table.row(row);
        const std::int64_t at = (deleted ? r.deleted : r.modified) * 1000;
        if (!table.visible(row, now) || at < *start || at >= *end || (r.deleted != 0) != deleted) continue;
        if (!list.empty()) list += ',';
        list += deleted ? fmt::format(R"({{"id":"{}","deletedDate":"{}"}})", table.id(row), wire_time(r.deleted))
                        : fmt::format(R"("{}")", table.id(row));
    }
    const std::string covered = wire_time(std::min(service.simulation.covered(crm.org()), *end / 1000));
    json(res, deleted ? fmt::format(R"({{"deletedRecords":[{}],"earliestDateAvailable":"{}","latestDateCovered":"{}"}})", list,
                                    wire_time(now - 30 * day), covered)
                      : fmt::format(R"({{"ids":[{}],"latestDateCovered":"{}"}})", list, covered));
}

// Without the recycle bin.
void record_counts(const Request &req, Response &res, const Crm &crm, Time now) {
    std::string list;
    for (const std::string &name : split(req.get_param_value("sObjects"), ',')) {
        const SObject *object = sobject_named(name);
        if (!object) continue;
        Soql all;
        all.object = object, all.count = true;
        list += fmt::format(R"({}{{"count":{},"name":"{}"}})", list.empty() ? "" : ",", run_soql(all, crm, now, false).size(),
                            object->name);
    }
    json(res, R"({"sObjects":[)" + list + "]}");
}

void object_list(Response &res) {
    std::string list;
    for (const SObject &object : sobjects()) {
        if (!list.empty()) list += ',';
        list += fmt::format(
            R"({{"name":"{0}","label":"{0}","queryable":true,"retrieveable":true,"replicateable":true,"custom":false}})",
            object.name);
    }
    json(res, R"({"encoding":"UTF-8","maxBatchSize":200,"sobjects":[)" + list + "]}");
}

}  // namespace

void mount_salesforce(httplib::Server &server, Service &service) {
    const std::string root = R"(/[a-z]+/services)", data = root + R"(/data/(v\d+\.0))";
    server.Post(root + "/oauth2/token", service.open(false, [&](const Request &req, Response &res, const Crm &crm, Time now) {
        token(service, req, res, crm, now);
    }));
    server.Get(root + "/data/?", service.open(false, [](const Request &, Response &res, const Crm &, Time) { versions(res); }));
    server.Get(data + "/query/?", service.api(false, [&](const Request &req, Response &res, const Crm &crm, Time now) {
        query(service, req, res, crm, now, false);
    }));
    server.Get(data + "/queryAll/?", service.api(false, [&](const Request &req, Response &res, const Crm &crm, Time now) {
        query(service, req, res, crm, now, true);
    }));
    server.Get(data + "/query(?:All)?/([^/]+)", service.api(false, [&](const Request &req, Response &res, const Crm &crm,
                                                                       Time now) { more(service, req, res, crm, now); }));
    server.Get(data + "/limits/?", service.api(false, [](const Request &, Response &res, const Crm &, Time) {
        json(res,
             R"({"DailyApiRequests":{"Max":1000000,"Remaining":999076},"DailyBulkV2QueryJobs":{"Max":10000,"Remaining":10000}})");
    }));
    server.Get(data + "/limits/recordCount/?", service.api(false, [](const Request &req, Response &res, const Crm &crm,
                                                                     Time now) { record_counts(req, res, crm, now); }));
    mount_bulk(server, service);
    server.Get(data + "/sobjects/?",
               service.api(false, [](const Request &, Response &res, const Crm &, Time) { object_list(res); }));
    server.Get(data + R"(/sobjects/(\w+)/describe/?)", service.api(false, [](const Request &req, Response &res, const Crm &,
                                                                             Time) { json(res, describe(object_of(req))); }));
    server.Get(data + R"(/sobjects/(\w+)/updated/?)",
               service.api(false, [&](const Request &req, Response &res, const Crm &crm, Time now) {
                   changes(service, req, res, crm, now, false);
               }));
    server.Get(data + R"(/sobjects/(\w+)/deleted/?)",
               service.api(false, [&](const Request &req, Response &res, const Crm &crm, Time now) {
                   changes(service, req, res, crm, now, true);
               }));
}

}  // namespace xsell::simulator
