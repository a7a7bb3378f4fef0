#include "connectors/pipedrive/faults.hpp"

#include <algorithm>
#include <charconv>

#include "connectors/rest.hpp"
#include "sync/text.hpp"

namespace xsell::connectors::pipedrive {
namespace {

using sync::Fault;
using sync::SyncError;

constexpr double window = 2, longest_wait = 3600;  // seconds; the burst limit is counted in windows

struct Meaning {
    int status;
    Fault fault;
    const char *advice;
};
constexpr Meaning meanings[] = {
    {401, Fault::org, "; the token is wrong or was revoked: make a new one and change the configuration"},
    {402, Fault::org, "; the Pipedrive account is not open: its subscription has ended or is unpaid"},
    {403, Fault::object, "; the user of the token, or the app's scopes, may not read it"},
    {410, Fault::object, "; it is gone"},
    {415, Fault::object, "; the feature is not enabled in this Pipedrive account: leave it out of objects"},
};

std::string message_of(const nlohmann::json &body) {
    const std::string error = member(body, "error"), info = member(body, "error_info");
    return (error.empty() ? "" : ": " + brief(error)) + (info.empty() ? "" : " (" + brief(info) + ")");
}

// More requests than the window allows pass in seconds. A refusal while the window has room means that the company's tokens of
// the day are used up.
[[noreturn]] void throttled(const http::Response &response, const std::string &text) {
    const auto left = number_header(response, "x-ratelimit-remaining"),
               today = number_header(response, "x-daily-ratelimit-token-remaining");
    if ((left && *left > 0) || (today && *today <= 0))
        throw SyncError(Fault::quota, text + "; the company's API tokens of the day are used up, they return at midnight");
    const double reset = number_header(response, "x-ratelimit-reset").value_or(window);
    throw SyncError(Fault::transient, text, response.retry_after().value_or(std::clamp(reset, 0.0, longest_wait)));
}

void refuse(int status, const std::string &text) {
    const auto known =
        std::find_if(std::begin(meanings), std::end(meanings), [&](const Meaning &m) { return m.status == status; });
    if (known != std::end(meanings)) throw SyncError(known->fault, text + known->advice);
}

}  // namespace

std::optional<double> number_header(const http::Response &response, const char *name) {
    const auto text = response.header(name);
    double value = 0;
    if (!text || std::from_chars(text->data(), text->data() + text->size(), value).ec != std::errc()) return std::nullopt;
    return value;
}

bool is_blocked(const http::Response &response) { return response.status == 403 && !json_body(response).is_object(); }

void require_good(const http::Response &response, const std::string &what) {
    const int status = response.status;
    if (status == 200) return;
    std::string text = what + ": " + std::to_string(status);
    if (is_blocked(response))
        throw SyncError(Fault::transient,
                        text +
                            " in HTML: Pipedrive's Cloudflare blocks this address, as it does after too many refused "
                            "requests; nothing is asked for 15 minutes",
                        std::max(blocked_wait, response.retry_after().value_or(0)));
    text += message_of(json_body(response));
    if (status == 429) throttled(response, text);
    refuse(status, text);
    if (is_transient(status)) throw transient_fault(response, text);
    throw SyncError(Fault::object, text);
}

void require_success(const nlohmann::json &body, const std::string &what) {
    const auto success = body.find("success");
    if (success == body.end() || !success->is_boolean() || success->get<bool>()) return;
    const auto code = body.find("errorCode");
    const int status = code != body.end() && code->is_number_integer() ? code->get<int>() : 0;
    const std::string text = what + ": the answer says that it failed" + message_of(body);
    refuse(status, text);
    throw SyncError(Fault::transient, text);
}

}  // namespace xsell::connectors::pipedrive
