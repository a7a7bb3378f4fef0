// AxisCare: clients, caregivers, leads and visits of a home-care agency. What is or may be health data never leaves this folder
// but in Page::asides.
#pragma once
#include <memory>

#include "connectors/registry.hpp"
#include "connectors/settings.hpp"
#include "sync/connector.hpp"

namespace xsell::connectors {

std::unique_ptr<sync::Connector> make_axiscare(const Settings &settings);  // throws SettingsError
extern const char *const axiscare_init_text;
extern const Traits axiscare_traits;

}  // namespace xsell::connectors
