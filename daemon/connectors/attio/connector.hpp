// Attio: companies, people, deals, workspace members, notes, tasks, meetings and custom objects; a full sweep each time.
#pragma once
#include <memory>

#include "connectors/registry.hpp"
#include "connectors/settings.hpp"
#include "sync/connector.hpp"

namespace xsell::connectors {

std::unique_ptr<sync::Connector> make_attio(const Settings &settings);  // throws SettingsError
extern const char *const attio_init_text;
extern const Traits attio_traits;

}  // namespace xsell::connectors
