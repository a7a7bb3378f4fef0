// The CRMs that xselld knows: one line each, from the name in the configuration to the connector.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "connectors/settings.hpp"
#include "sync/connector.hpp"

namespace xsell::connectors {

// What xselld connectors prints.
struct Traits {
    const char *source;   // "Salesforce REST and Bulk API 2.0"
    const char *objects;  // ours, comma-separated
    const char *paging;   // how a reading walks: "keyset windows by SystemModstamp"
    const char *changes;  // how changes are found
    const char *deletes;  // how deletes are found
};

struct Entry {
    const char *name;
    std::unique_ptr<sync::Connector> (*make)(const Settings &);  // throws SettingsError
    const char *const *init_text;                                // commented TOML that xselld init prints
    const Traits *traits;
};

const std::vector<Entry> &registry();
const Entry *find_connector(const std::string &name);  // nullptr when there is none of that name

}  // namespace xsell::connectors
