// The CRMs that xselld knows: one line each, from the name in the configuration to the connector.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "connectors/settings.hpp"
#include "sync/connector.hpp"

namespace xsell::connectors {

struct Entry {
    const char *name;
    std::unique_ptr<sync::Connector> (*make)(const Settings &);  // throws SettingsError
    const char *const *init_text;                                // commented TOML that xselld init prints
};

const std::vector<Entry> &registry();
const Entry *find_connector(const std::string &name);  // nullptr when there is none of that name

}  // namespace xsell::connectors
