#include "service.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace xsell::simulator {
namespace {

constexpr std::size_t most_cursors = 60;

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

namespace {

HttpError salesforce_unauthorized(bool) { return salesforce_error(401, "INVALID_SESSION_ID", "Session expired or invalid"); }
HttpError salesforce_limited(const Fault &fault, httplib::Response &res) {
    res.set_header("Retry-After", std::to_string(fault.retry_after));
    return salesforce_error(429, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded.");
}
HttpError salesforce_quota(httplib::Response &) {
    return salesforce_error(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.");
}
HttpError salesforce_invalid(const std::string &message) { return salesforce_error(400, "JSON_PARSER_ERROR", message); }
void salesforce_finish(httplib::Response &res) { res.set_header("Sforce-Limit-Info", "api-usage=924/1000000"); }

HttpError hubspot_unauthorized(bool expired) {
    return expired ? hubspot_error(401, "EXPIRED_AUTHENTICATION", "The OAuth token used to make this call expired.")
                   : hubspot_error(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.");
}
HttpError hubspot_limited(const Fault &fault, httplib::Response &res) {
    res.set_header("Retry-After", std::to_string(fault.retry_after));
    return {429, R"({"status":"error","message":"You have reached your ten_secondly_rolling limit.","errorType":"RATE_LIMIT",)"
                 R"("policyName":"TEN_SECONDLY_ROLLING","correlationId":"c0ffee00-0000-4000-8000-000000000000"})"};
}
HttpError hubspot_quota(httplib::Response &) {
    return {429,
            R"({"status":"error","message":"You have reached your daily limit.","errorType":"RATE_LIMIT","policyName":"DAILY"})"};
}
HttpError hubspot_invalid(const std::string &message) { return hubspot_error(400, "VALIDATION_ERROR", message); }

constexpr Vendor salesforce = {"salesforce",         "Authorization",         "Bearer ",          "",
                               "00D1x0000000Sim!AQ", salesforce_unauthorized, salesforce_limited, salesforce_quota,
                               salesforce_invalid,   salesforce_finish};
constexpr Vendor hubspot = {"hubspot",       "Authorization", "Bearer ",       "",     "CJ", hubspot_unauthorized,
                            hubspot_limited, hubspot_quota,   hubspot_invalid, nullptr};

}  // namespace

httplib::Server::Handler Service::api(const Vendor &vendor, Handler handler) { return route(vendor, true, std::move(handler)); }
httplib::Server::Handler Service::open(const Vendor &vendor, Handler handler) { return route(vendor, false, std::move(handler)); }
httplib::Server::Handler Service::api(bool hub, Handler handler) { return api(hub ? hubspot : salesforce, std::move(handler)); }
httplib::Server::Handler Service::open(bool hub, Handler handler) { return open(hub ? hubspot : salesforce, std::move(handler)); }

std::optional<std::size_t> Service::org_of(const Vendor &vendor, const std::string &path) const {
    if (const Dialect *dialect = dialect_named(path))
        return dialect->vendor == &vendor ? std::optional(dialect->org) : std::nullopt;
    if (path == vendor.name) return 0;  // a world of its own
    const auto org = simulation.org_named(path);
    if (!org || simulation.crm(*org).hubspot() != (&vendor == &hubspot)) return std::nullopt;
    return &vendor == &hubspot || &vendor == &salesforce ? org : std::nullopt;
}

httplib::Server::Handler Service::route(const Vendor &vendor, bool guarded, Handler handler) {
    return [this, &vendor, guarded, handler = std::move(handler)](const httplib::Request &req, httplib::Response &res) {
        stats.count(req.method, req.path);
        const std::string path = split(req.path, '/').at(1);
        const auto org = org_of(vendor, path);
        if (!org) {
            json(res, R"({"status":"error","message":"no such org, or not of this vendor"})", 404);
            return;
        }
        try {
            serve(req, res, {vendor, simulation.crm(*org), path}, guarded, handler);
        } catch (const HttpError &error) {
            json(res, error.body, error.status);
        } catch (const std::exception &error) {
            const HttpError answer = vendor.invalid(error.what());
            json(res, answer.body, answer.status);
        }
        if (vendor.finish && guarded) vendor.finish(res);
    };
}

void Service::serve(const httplib::Request &req, httplib::Response &res, const Asked &asked, bool guarded,
                    const Handler &handler) {
    std::optional<Fault> fault;
    if (guarded) {
        fault = faults.strike(asked.path);
        if (fault && fault->kind == "429") throw asked.vendor.limited(*fault, res);
        if (fault && fault->kind == "quota") throw asked.vendor.quota(res);
        if (fault && fault->kind == "500") {
            res.status = 500;
            res.set_content("<html><body><h1>Internal Server Error</h1></body></html>", "text/html");
            return;
        }
        if (fault && fault->kind == "expired_token") {
            revoke_tokens(asked.path);
            throw asked.vendor.unauthorized(true);
        }
        if (fault && fault->kind == "expired_locator") drop_cursors();
        authorize(req, asked);
    }
    {
        const std::shared_lock lock(simulation.mutex);
        handler(req, res, asked.crm, simulation.now());
    }
    if (fault && (fault->kind == "cut" || fault->kind == "truncate")) break_body(*fault, res);
}

void Service::authorize(const httplib::Request &req, const Asked &asked) {
    std::string token = req.get_header_value(asked.vendor.header);
    const std::string prefix = asked.vendor.prefix;
    if (token.starts_with(prefix)) {
        token.erase(0, prefix.size());
    } else if (&asked.vendor == &salesforce && token.starts_with("OAuth ")) {
        token.erase(0, 6);
    } else {
        token.clear();
    }
    const std::lock_guard lock(mutex_);
    if (!token.empty() && token == asked.vendor.token) return;
    if (&asked.vendor == &hubspot && token == options.hubspot_token) return;
    if (!tokens_[asked.path].contains(token)) throw asked.vendor.unauthorized(false);
}

std::string Service::issue_token(const Vendor &vendor, const std::string &path) {
    const std::lock_guard lock(mutex_);
    Rng rng(++issued_);
    const std::string token = fmt::format("{}{:016x}{:016x}", vendor.issued_prefix, rng.next(), rng.next());
    tokens_[path].insert(token);
    return token;
}

std::string Service::issue_token(const Crm &crm) { return issue_token(crm.hubspot() ? hubspot : salesforce, crm.name()); }

void Service::revoke_tokens(const std::string &path) {
    const std::lock_guard lock(mutex_);
    tokens_[path].clear();
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
