// CSV exports as a CRM: a folder of files, each read as one object.
#pragma once
#include <memory>

#include "connectors/registry.hpp"
#include "connectors/settings.hpp"
#include "sync/connector.hpp"

namespace xsell::connectors {

std::unique_ptr<sync::Connector> make_csv(const Settings &settings);
extern const char *const csv_init_text;
extern const Traits csv_traits;

}  // namespace xsell::connectors
