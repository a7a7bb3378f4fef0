// HubSpot's view of the tables: object types, their properties, and records as v3 JSON.
#pragma once
#include "crm.hpp"

namespace xsell::simulator {

struct Property {
    enum Type { string, number, boolean, datetime, special_text };
    const char *name;
    Type type;
    const char *column;  // nullptr where `special` says what it is, or for ever empty
    enum Special { none, object_id, modified, merged, company_name, percent, millis, direction, end, sku } special = none;
    int index = -1;  // of the column, found once
};

struct HubType {
    const char *name, *singular, *type_id;
    std::optional<Source> source;  // none: a type the portal has, without records
    std::vector<Property> properties;
    const Property *property(std::string_view name) const;
};

const std::vector<HubType> &hub_types();
const HubType *hub_type(std::string_view name);  // plural, singular or type id

std::string property_text(const Crm &crm, const HubType &type, const Property &property,
                          std::size_t row);  // canonical; empty is null
// One record; `properties` are those asked for: unknown ones are left out, the standard ones are always there.
void append_hub_record(std::string &out, const Crm &crm, const HubType &type, const std::vector<std::string> &properties,
                       std::size_t row, const std::string &associations);

struct Relation {
    std::uint32_t row;
    bool primary;
};

// Related records of `to` for one record of `from`. Built once per state of the world.
class HubRelations {
  public:
    std::vector<Relation> of(const Crm &crm, const HubType &from, const HubType &to, std::size_t row, Time now);

  private:
    struct Links {
        Time built = 0;
        std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;  // (parent, child), sorted
    };
    std::map<std::pair<Source, Source>, Links> links_;
};

}  // namespace xsell::simulator
