// Zoho CRM (API v8): lists by Modified_Time in 50-field batches, deletes by their own feed, tokens of the data centre's own
// hosts.
#pragma once
#include <memory>

#include "connectors/registry.hpp"
#include "connectors/settings.hpp"
#include "sync/connector.hpp"

namespace xsell::connectors {

std::unique_ptr<sync::Connector> make_zoho(const Settings &settings);  // throws SettingsError
extern const char *const zoho_init_text;
extern const Traits zoho_traits;

}  // namespace xsell::connectors
