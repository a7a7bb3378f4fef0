// What Attio's error responses mean for a sync.
#pragma once
#include <string>

#include "http/client.hpp"

namespace xsell::connectors::attio {

// Throws SyncError unless the status is 200. `scopes`: what the key needs to read it, for the message.
void require_good(const http::Response &response, const std::string &what, const std::string &scopes);

}  // namespace xsell::connectors::attio
