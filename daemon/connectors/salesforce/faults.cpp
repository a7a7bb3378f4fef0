#include "connectors/salesforce/faults.hpp"

#include <algorithm>
#include <cstdio>

#include "connectors/rest.hpp"

namespace xsell::connectors::salesforce {
namespace {

using sync::Fault;
using sync::SyncError;

struct Meaning {
    const char *code;
    Fault fault;
};
constexpr Meaning meanings[] = {
    {"REQUEST_LIMIT_EXCEEDED", Fault::quota}, {"INVALID_SESSION_ID", Fault::org},
    {"LIMIT_EXCEEDED", Fault::transient},     {"TXN_SECURITY_METERING_ERROR", Fault::transient},
    {"UNABLE_TO_LOCK_ROW", Fault::transient}, {"SERVER_UNAVAILABLE", Fault::transient},
    {"QUERY_TIMEOUT", Fault::transient},      {"INVALID_QUERY_LOCATOR", Fault::transient},
};
constexpr double concurrent_wait = 5;  // seconds
constexpr const char *for_good[] = {"not valid for use with the REST API", "not attached to Agent"};

// Errors are an array of objects.
nlohmann::json first_error(const http::Response &response) {
    auto body = json_body(response);
    if (body.is_array() && !body.empty()) return body[0];
    return body;
}

}  // namespace

std::string error_code(const http::Response &response) { return member(first_error(response), "errorCode"); }

void require_good(const http::Response &response, const std::string &what) {
    if (response.status >= 200 && response.status < 300) return;
    const auto error = first_error(response);
    const std::string code = member(error, "errorCode"), message = member(error, "message");
    const std::string text = what + ": " + std::to_string(response.status) + (code.empty() ? "" : " " + brief(code)) +
                             (message.empty() ? "" : ": " + brief(message));
    if (response.status == 401) throw SyncError(Fault::org, text);
    // Too many requests at the same time is over in seconds; too many in a day is not.
    if (code == "REQUEST_LIMIT_EXCEEDED" && message.find("oncurrent") != std::string::npos) {
        throw SyncError(Fault::transient, text, response.retry_after().value_or(concurrent_wait));
    }
    const auto known = std::find_if(std::begin(meanings), std::end(meanings), [&](const Meaning &m) { return code == m.code; });
    if (known != std::end(meanings)) throw SyncError(known->fault, text, response.retry_after().value_or(0));
    if (is_transient(response.status) || (response.status == 406 && response.body.empty())) throw transient_fault(response, text);
    throw SyncError(Fault::object, text);
}

bool is_for_good(const http::Response &response) {
    const std::string message = member(first_error(response), "message");
    return std::any_of(std::begin(for_good), std::end(for_good),
                       [&](const char *text) { return message.find(text) != std::string::npos; });
}

std::optional<Usage> usage_of(const http::Response &response) {
    const auto header = response.header("sforce-limit-info");
    std::optional<Usage> tightest;
    for (std::size_t at = 0; header && (at = header->find("api-usage=", at)) != std::string::npos; ++at) {
        Usage usage;
        if (std::sscanf(header->c_str() + at, "api-usage=%lf/%lf", &usage.used, &usage.limit) != 2 || usage.limit <= 0) continue;
        if (!tightest || usage.used * tightest->limit > tightest->used * usage.limit) tightest = usage;
    }
    return tightest;
}

}  // namespace xsell::connectors::salesforce
