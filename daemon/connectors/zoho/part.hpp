// A module of Zoho that feeds one of our objects: what is asked of it, and how its rows become records.
#pragma once
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "connectors/settings.hpp"
#include "connectors/zoho/api.hpp"
#include "connectors/zoho/field_map.hpp"
#include "connectors/zoho/lines.hpp"
#include "sync/connector.hpp"

namespace xsell::connectors::zoho {

struct Part {
    std::string object, module, mark, extra;
    Mapper mapper;
    const LineSource *lines;           // for lines of deals, whose module is what carries them
    std::set<std::string> asked;       // fields that the configuration names
    std::vector<std::string> lists{};  // of fields, as requests ask for them; empty: not described yet
    bool users() const { return module == "users"; }
};

// The parts of all objects, in the order of reading; notes problems in the settings (lines, activities, fields).
std::vector<Part> make_parts(const Settings &settings);

// Asks which of the map's fields the module has. Throws SyncError.
void describe(Api &api, Part &part);

// Tries to read it; never throws.
void check(Api &api, const Part &part, std::vector<sync::Finding> &findings);

}  // namespace xsell::connectors::zoho
