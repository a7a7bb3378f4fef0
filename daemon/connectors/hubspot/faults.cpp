#include "connectors/hubspot/faults.hpp"

#include <algorithm>
#include <charconv>

#include "connectors/rest.hpp"

namespace xsell::connectors::hubspot {
namespace {

using sync::Fault;
using sync::SyncError;

constexpr double second_wait = 1, interval_wait = 10, locked_wait = 2, longest_wait = 3600;

// Seconds until requests are welcome again. HubSpot often leaves Retry-After out.
double wait_of(const http::Response &response, const std::string &policy) {
    if (const auto told = response.retry_after()) return *told;
    if (const auto interval = response.header("x-hubspot-ratelimit-interval-milliseconds"); interval && policy != "SECONDLY") {
        double millis = 0;
        const auto error = std::from_chars(interval->data(), interval->data() + interval->size(), millis).ec;
        if (error == std::errc() && millis > 0) return std::min(millis / 1000, longest_wait);
    }
    return policy.find("TEN_SECONDLY") != std::string::npos ? interval_wait : second_wait;
}

}  // namespace

void require_good(const http::Response &response, const std::string &what) {
    const int status = response.status;
    if (status == 200 || status == 207) return;
    const auto body = json_body(response);
    const std::string category = member(body, "category"), message = member(body, "message"), policy = member(body, "policyName");
    const std::string text = what + ": " + std::to_string(status) + (category.empty() ? "" : " " + brief(category)) +
                             (message.empty() ? "" : ": " + brief(message));
    if (status == 429 && policy == "DAILY") throw SyncError(Fault::quota, text);
    if (status == 429) throw SyncError(Fault::transient, text, wait_of(response, policy));
    if (status == 401 || status == 530) throw SyncError(Fault::org, text);  // 530: the token has not even the form of one
    if (status == 423) throw SyncError(Fault::transient, text, response.retry_after().value_or(locked_wait));
    if (status == 477 || is_transient(status)) throw transient_fault(response, text);
    throw SyncError(Fault::object, text);
}

}  // namespace xsell::connectors::hubspot
