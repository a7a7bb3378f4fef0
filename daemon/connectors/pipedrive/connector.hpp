// Pipedrive as a CRM: API v2 with cursors, v1 where v2 has no such list, by update time; whole readings find what was deleted.
#pragma once
#include <memory>

#include "connectors/registry.hpp"
#include "connectors/settings.hpp"
#include "sync/connector.hpp"

namespace xsell::connectors {

std::unique_ptr<sync::Connector> make_pipedrive(const Settings &settings);  // throws SettingsError
extern const char *const pipedrive_init_text;
extern const Traits pipedrive_traits;

}  // namespace xsell::connectors
