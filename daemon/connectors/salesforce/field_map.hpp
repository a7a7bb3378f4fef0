// Which Salesforce objects feed which of our objects, and which field becomes which column.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "connectors/json_map.hpp"

namespace xsell::connectors::salesforce {

struct Source {
    const char *object;  // ours
    const char *name;    // Salesforce's
    std::span<const Field> fields;
    bool deletes;   // has IsDeleted
    bool currency;  // has CurrencyIsoCode in an org with several currencies
    // Its records are no records of ours: a change of one is a change of the record that this field names, which the first source
    // of the object reads. Not needed when everything is read.
    const char *leads_to = nullptr;
    const char *filter = "";  // a condition in SOQL
};

// In the order in which they are read: users and accounts before what points at them.
std::span<const Source> sources();

}  // namespace xsell::connectors::salesforce
