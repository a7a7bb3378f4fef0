#include "connectors/zoho/faults.hpp"

#include <algorithm>

namespace xsell::connectors::zoho {
namespace {

using sync::Fault;
using sync::SyncError;

enum class Meaning { busy, again, scope, permission, module, token, walk, limit, gone };

struct Code {
    const char *code;
    Meaning meaning;
};
constexpr Code codes[] = {
    {"TOO_MANY_REQUESTS", Meaning::busy},
    {"INTERNAL_ERROR", Meaning::again},
    {"INVALID_TOKEN", Meaning::token},
    {"AUTHENTICATION_FAILURE", Meaning::token},
    {"OAUTH_SCOPE_MISMATCH", Meaning::scope},
    {"NO_PERMISSION", Meaning::permission},
    {"AUTHORIZATION_FAILED", Meaning::permission},
    {"FEATURE_NOT_ENABLED", Meaning::module},
    {"NOT_SUPPORTED", Meaning::module},
    {"INVALID_MODULE", Meaning::module},
    {"CURRENCIES_NOT_ENABLED", Meaning::module},
    {"TOKEN_BOUND_DATA_MISMATCH", Meaning::walk},
    {"EXPIRED_VALUE", Meaning::walk},
    {"DISCRETE_PAGINATION_LIMIT_EXCEEDED", Meaning::limit},
    {"PAGINATION_LIMIT_EXCEEDED", Meaning::limit},
    {"RECORD_NOT_FOUND", Meaning::gone},
};
constexpr double busy_wait = 60;          // seconds; Zoho often leaves Retry-After out
constexpr std::size_t error_size = 8192;  // a longer body with status 200 is no error

// An object, or an array of them in "data".
nlohmann::json first_error(const http::Response &response) {
    auto body = json_body(response);
    if (!body.is_object()) return {};
    const auto data = body.find("data");
    if (data != body.end() && data->is_array() && !data->empty() && !body.contains("info")) return (*data)[0];
    return body;
}

bool is_error(const http::Response &response) {
    if (response.status == 204 || response.status == 304) return false;
    if (response.status != 200) return true;
    return response.body.size() < error_size && member(first_error(response), "status") == "error";
}

// INVALID_DATA that points into the path: the id there is none.
bool names_path(const nlohmann::json &error) {
    const auto details = error.is_object() ? error.find("details") : error.end();
    return member(error, "code") == "INVALID_DATA" && details != error.end() && details->is_object() &&
           details->contains("resource_path_index");
}

std::string advice(Meaning meaning, const Subject &subject) {
    switch (meaning) {
        case Meaning::scope: return "; the refresh token needs the scope " + subject.scope;
        case Meaning::permission:
            return "; the user of the refresh token needs permission to read " + subject.name + ", and the token the scope " +
                   subject.scope;
        case Meaning::module: return "; this Zoho org or edition does not offer " + subject.name;
        default: return "";
    }
}

[[noreturn]] void raise(Meaning meaning, const http::Response &response, const std::string &text) {
    switch (meaning) {
        case Meaning::busy: throw SyncError(Fault::transient, text, response.retry_after().value_or(busy_wait));
        case Meaning::again: throw transient_fault(response, text);
        case Meaning::token: throw SyncError(Fault::org, text);
        case Meaning::walk: throw WalkBroken(text, false);
        case Meaning::limit: throw WalkBroken(text, true);
        case Meaning::gone: throw Gone(text);
        default: throw SyncError(Fault::object, text);
    }
}

}  // namespace

std::string error_code(const http::Response &response) { return member(first_error(response), "code"); }

void require_good(const http::Response &response, const Subject &subject) {
    if (!is_error(response)) return;
    const auto error = first_error(response);
    const std::string code = member(error, "code"), message = member(error, "message");
    const std::string text = subject.name + ": " + std::to_string(response.status) + (code.empty() ? "" : " " + brief(code)) +
                             (message.empty() ? "" : ": " + brief(message));
    const auto known = std::find_if(std::begin(codes), std::end(codes), [&](const Code &c) { return code == c.code; });
    if (known != std::end(codes)) raise(known->meaning, response, text + advice(known->meaning, subject));
    if (names_path(error)) raise(Meaning::gone, response, text);
    if (response.status == 429) raise(Meaning::busy, response, text);
    if (response.status == 401) raise(Meaning::token, response, text);
    if (is_transient(response.status)) raise(Meaning::again, response, text);
    throw SyncError(Fault::object, text + (response.status == 403 ? advice(Meaning::permission, subject) : ""));
}

}  // namespace xsell::connectors::zoho
