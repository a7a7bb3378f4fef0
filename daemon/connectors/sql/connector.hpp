// Tables that somebody else keeps in a PostgreSQL database (Airbyte, Fivetran, an application of one's own) as a CRM: a query for
// each object.
#pragma once
#include <memory>

#include "connectors/registry.hpp"
#include "connectors/settings.hpp"
#include "sync/connector.hpp"

namespace xsell::connectors {

std::unique_ptr<sync::Connector> make_sql(const Settings &settings);  // throws SettingsError
extern const char *const sql_init_text;
extern const Traits sql_traits;

}  // namespace xsell::connectors
