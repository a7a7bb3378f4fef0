// One Salesforce object as this org has it: the fields that are asked for, less those that are not there.
#pragma once
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "connectors/json_map.hpp"
#include "connectors/salesforce/api.hpp"
#include "connectors/salesforce/field_map.hpp"
#include "connectors/salesforce/query.hpp"

namespace xsell::connectors::salesforce {

struct Part {
    const Source *source;
    Mapper mapper;
    bool described = false;
    std::optional<Description> description = {};  // nothing: not described, or this user may not have it described
    std::set<std::string> missing = {};           // fields that this user may not see, or that the org does not have
    bool covers = true;                           // it tells up to when its changes are complete
};

std::vector<Part> make_parts(const Settings &settings, bool multi_currency);  // notes problems in the settings

// What can be asked for; the object is described first, once. Throws SyncError.
Scope scope_of(Api &api, Part &part);
// Describes it (again); true when fields turned out to be missing that were not known to be. Throws SyncError.
bool describe(Api &api, Part &part);

}  // namespace xsell::connectors::salesforce
