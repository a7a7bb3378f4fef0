// HubSpot as a CRM: search by id within what was modified, archived records by scan, associations in batches.
#pragma once
#include <memory>

#include "connectors/registry.hpp"
#include "connectors/settings.hpp"
#include "sync/connector.hpp"

namespace xsell::connectors {

std::unique_ptr<sync::Connector> make_hubspot(const Settings &settings);  // throws SettingsError
extern const char *const hubspot_init_text;
extern const Traits hubspot_traits;

}  // namespace xsell::connectors
