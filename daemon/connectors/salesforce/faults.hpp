// What Salesforce's error responses mean for a sync.
#pragma once
#include <string>

#include "http/client.hpp"

namespace xsell::connectors::salesforce {

// errorCode of an error response; empty when it has none.
std::string error_code(const http::Response &response);
// Throws SyncError unless the status is 200.
void require_good(const http::Response &response, const std::string &what);
// The share of the org's daily requests that is used up, in per cent (header Sforce-Limit-Info); 0 when it is not stated.
double used_percent(const http::Response &response);

}  // namespace xsell::connectors::salesforce
