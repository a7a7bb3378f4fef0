// What HubSpot's error responses mean for a sync.
#pragma once
#include <string>

#include "http/client.hpp"

namespace xsell::connectors::hubspot {

// Throws SyncError unless the status is 200, or 207 (some of a batch had nothing to give).
void require_good(const http::Response &response, const std::string &what);

}  // namespace xsell::connectors::hubspot
