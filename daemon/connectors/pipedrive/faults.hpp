// What Pipedrive's refusals mean.
#pragma once
#include <string>

#include <nlohmann/json.hpp>

#include "http/client.hpp"

namespace xsell::connectors::pipedrive {

inline constexpr double blocked_wait = 900;  // seconds: Cloudflare stands between us and Pipedrive

// Throws SyncError unless the status is 200.
void require_good(const http::Response &response, const std::string &what);
// The same for a body that says "success": false although the status is 200.
void require_success(const nlohmann::json &body, const std::string &what);
// A page of HTML where JSON was asked for: the address we call from is blocked, for every object of the org.
bool is_blocked(const http::Response &response);
// What a header holds, where it is a number.
std::optional<double> number_header(const http::Response &response, const char *name);

}  // namespace xsell::connectors::pipedrive
