// Which Zoho modules feed which of our objects, and which field becomes which column.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "connectors/json_map.hpp"

namespace xsell::connectors::zoho {

struct Source {
    const char *object;  // ours
    const char *module;  // Zoho's API name
    const char *mark;    // a field that no other module of the object has; "" where there is one module
    std::span<const Field> fields;
    const char *extra = "";  // more parameters of its list
    bool optional = false;   // read only when the configuration asks for it
};

// In the order in which they are read: users and accounts before what points at them. Lines are apart (lines.hpp).
std::span<const Source> sources();

// Of a row of /deleted, whatever the module.
std::span<const Field> tombstone();

// "Account_Name", "Account_Name.name", "$converted_detail.account".
bool is_field(const std::string &name);
// Zoho's ids are numbers of up to 19 digits.
bool is_id(const std::string &text);

// Activities name what they are about by an id and a module; the map reads it as $what.Accounts. Calls of older orgs have their
// duration as "MM:SS" alone: it becomes $seconds.
std::string with_links(std::string_view record);

}  // namespace xsell::connectors::zoho
