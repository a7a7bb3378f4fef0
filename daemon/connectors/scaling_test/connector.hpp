// Synthetic records of any number as a CRM: made in the process, or read over HTTP from the simulator. For load tests.
#pragma once
#include <memory>

#include "connectors/registry.hpp"
#include "connectors/settings.hpp"
#include "sync/connector.hpp"

namespace xsell::connectors {

std::unique_ptr<sync::Connector> make_scaling_test(const Settings &settings);  // throws SettingsError
extern const char *const scaling_test_init_text;
extern const Traits scaling_test_traits;

}  // namespace xsell::connectors
