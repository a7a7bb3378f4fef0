// What Salesforce's error responses mean for a sync.
#pragma once
#include <optional>
#include <string>

#include "http/client.hpp"

namespace xsell::connectors::salesforce {

// errorCode of an error response; empty when it has none.
std::string error_code(const http::Response &response);
// Throws SyncError unless the status says success.
void require_good(const http::Response &response, const std::string &what);
// A refused session that no new token mends: the user may not use this API.
bool is_for_good(const http::Response &response);

struct Usage {
    double used = 0, limit = 0;
};
// How many of the day's requests are used up (header Sforce-Limit-Info): the org's, or this app's own when fewer of those are
// left.
std::optional<Usage> usage_of(const http::Response &response);

}  // namespace xsell::connectors::salesforce
