// Salesforce as a CRM: REST queries, incremental by SystemModstamp, deletes and merges through queryAll.
#pragma once
#include <memory>

#include "connectors/registry.hpp"
#include "connectors/settings.hpp"
#include "sync/connector.hpp"

namespace xsell::connectors {

std::unique_ptr<sync::Connector> make_salesforce(const Settings &settings);  // throws SettingsError
extern const char *const salesforce_init_text;
extern const Traits salesforce_traits;

}  // namespace xsell::connectors
