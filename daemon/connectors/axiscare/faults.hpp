// What AxisCare's error responses mean for a sync. Their texts are shown nowhere: they may quote a record.
#pragma once
#include <string>

#include <nlohmann/json.hpp>

#include "http/client.hpp"

namespace xsell::connectors::axiscare {

// The member `results` of a response, an empty array where it says that nothing was found. Throws SyncError for everything else.
nlohmann::json results_of(const http::Response &response, const std::string &what);

// The server does not take the page's address any more: its list must be read again from its beginning.
bool is_stale(const http::Response &response);

}  // namespace xsell::connectors::axiscare
