// The exchange rates of an account with several currencies.
#pragma once
#include <vector>

#include "connectors/rest.hpp"
#include "sync/record.hpp"

namespace xsell::connectors::hubspot {

// Nothing where the account has one currency, or the token may not read them. Throws SyncError.
std::vector<sync::Rate> read_rates(Session &session);

}  // namespace xsell::connectors::hubspot
