#include "service.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace xsell::simulator {
namespace {

constexpr std::size_t most_cursors = 60;

HttpError limit_error(const Crm &crm, const Fault &fault, httplib::Response &res) {
    res.set_header("Retry-After", std::to_string(fault.retry_after));
    if (!crm.hubspot())
        return salesforce_error(429, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded.");
    return {429, R"({"status":"error","message":"You have reached your ten_secondly_rolling limit.","errorType":"RATE_LIMIT",)"
                 R"("policyName":"TEN_SECONDLY_ROLLING","correlationId":"c0ffee00-0000-4000-8000-000000000000"})"};
}

HttpError quota_error(const Crm &crm) {
    if (!crm.hubspot()) return salesforce_error(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.");
    return {429,
            R"({"status":"error","message":"You have reached your daily limit.","errorType":"RATE_LIMIT","policyName":"DAILY"})"};
}

void break_body(const Fault &fault, httplib::Response &res) {
    const std::size_t half = res.body.size() / 2;
    if (fault.kind == "truncate") {
        res.body.resize(half);
        return;
    }
    auto body = std::make_shared<std::string>(std::move(res.body));
    res.body.clear();
    res.set_content_provider(body->size(), "application/json", [body, half](std::size_t, std::size_t, httplib::DataSink &sink) {
        sink.write(body->data(), half);
        return false;  // httplib closes the connection although more was promised
    });
}

}  // namespace

void json(httplib::Response &res, std::string body, int status) {
    res.status = status;
    res.body = std::move(body);
    res.set_header("Content-Type", "application/json;charset=UTF-8");
}

HttpError salesforce_error(int status, const char *code, const std::string &message) {
    std::string body = R"([{"message":)";
    append_json(body, message);
    return {status, body + fmt::format(R"(,"errorCode":"{}"}}])", code)};
}

HttpError hubspot_error(int status, const char *category, const std::string &message) {
    std::string body = R"({"status":"error","message":)";
    append_json(body, message);
    return {status, body + fmt::format(R"(,"correlationId":"c0ffee00-0000-4000-8000-000000000000","category":"{}"}})", category)};
}

httplib::Server::Handler Service::api(bool hubspot, Handler handler) { return route(hubspot, true, std::move(handler)); }
httplib::Server::Handler Service::open(bool hubspot, Handler handler) { return route(hubspot, false, std::move(handler)); }

httplib::Server::Handler Service::route(bool hubspot, bool guarded, Handler handler) {
    return [this, hubspot, guarded, handler = std::move(handler)](const httplib::Request &req, httplib::Response &res) {
        stats.count(req.method, req.path);
        const auto org = simulation.org_named(split(req.path, '/').at(1));
        if (!org || simulation.crm(*org).hubspot() != hubspot) {
            json(res, R"({"status":"error","message":"no such org, or not of this vendor"})", 404);
            return;
        }
        const Crm &crm = simulation.crm(*org);
        try {
            serve(req, res, crm, guarded, handler);
        } catch (const HttpError &error) {
            json(res, error.body, error.status);
        } catch (const std::exception &error) {
            const HttpError answer = hubspot ? hubspot_error(400, "VALIDATION_ERROR", error.what())
                                             : salesforce_error(400, "JSON_PARSER_ERROR", error.what());
            json(res, answer.body, answer.status);
        }
        if (!hubspot && guarded) res.set_header("Sforce-Limit-Info", "api-usage=924/1000000");
    };
}

void Service::serve(const httplib::Request &req, httplib::Response &res, const Crm &crm, bool guarded, const Handler &handler) {
    std::optional<Fault> fault;
    if (guarded) {
        fault = faults.strike(crm.name());
        if (fault && fault->kind == "429") throw limit_error(crm, *fault, res);
        if (fault && fault->kind == "quota") throw quota_error(crm);
        if (fault && fault->kind == "500") {
            res.status = 500;
            res.set_content("<html><body><h1>Internal Server Error</h1></body></html>", "text/html");
            return;
        }
        if (fault && fault->kind == "expired_token") {
            revoke_tokens(crm);
            throw crm.hubspot() ? hubspot_error(401, "EXPIRED_AUTHENTICATION", "The OAuth token used to make this call expired.")
                                : salesforce_error(401, "INVALID_SESSION_ID", "Session expired or invalid");
        }
        if (fault && fault->kind == "expired_locator") drop_cursors();
        authorize(req, crm);
    }
    {
        const std::shared_lock lock(simulation.mutex);
        handler(req, res, crm, simulation.now());
    }
    if (fault && (fault->kind == "cut" || fault->kind == "truncate")) break_body(*fault, res);
}

void Service::authorize(const httplib::Request &req, const Crm &crm) {
    const std::string header = req.get_header_value("Authorization");
    const std::string token = header.starts_with("Bearer ")  ? header.substr(7)
                              : header.starts_with("OAuth ") ? header.substr(6)
                                                             : "";
    const std::lock_guard lock(mutex_);
    if (crm.hubspot() && token == options.hubspot_token) return;
    if (tokens_[crm.name()].contains(token)) return;
    throw crm.hubspot() ? hubspot_error(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.")
                        : salesforce_error(401, "INVALID_SESSION_ID", "Session expired or invalid");
}

std::string Service::issue_token(const Crm &crm) {
    const std::lock_guard lock(mutex_);
    Rng rng(++issued_);
    const std::string token =
        fmt::format("{}{:016x}{:016x}", crm.hubspot() ? "CJ" : "00D1x0000000Sim!AQ", rng.next(), rng.next());
    tokens_[crm.name()].insert(token);
    return token;
}

void Service::revoke_tokens(const Crm &crm) {
    const std::lock_guard lock(mutex_);
    tokens_[crm.name()].clear();
}

std::string Service::keep(Cursor cursor) {
    const std::lock_guard lock(mutex_);
    std::string name = fmt::format("0r8xx{:010}AAA", ++issued_);
    cursors_[name] = std::make_shared<const Cursor>(std::move(cursor));
    cursor_order_.push_back(name);
    if (cursor_order_.size() > most_cursors) {
        cursors_.erase(cursor_order_.front());
        cursor_order_.erase(cursor_order_.begin());
    }
    return name;
}

std::shared_ptr<const Service::Cursor> Service::cursor(const std::string &name) {
    const std::lock_guard lock(mutex_);
    const auto found = cursors_.find(name);
    return found == cursors_.end() ? nullptr : found->second;
}

void Service::drop_cursors() {
    const std::lock_guard lock(mutex_);
    cursors_.clear();
    cursor_order_.clear();
}

}  // namespace xsell::simulator
