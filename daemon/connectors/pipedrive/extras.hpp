// What is added to a record before it is mapped, so that its stored text changes when it does: names for ids, the primary ones of
// several, parts of what Pipedrive writes as one.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/pipedrive/dictionary.hpp"
#include "sync/record.hpp"

namespace xsell::connectors::pipedrive {

// Fills `extra` for a record.
using Enrich = void (*)(const nlohmann::json &record, Dictionary &dictionary, nlohmann::json &extra);

void enrich_account(const nlohmann::json &record, Dictionary &dictionary, nlohmann::json &extra);
void enrich_contact(const nlohmann::json &record, Dictionary &dictionary, nlohmann::json &extra);
void enrich_product(const nlohmann::json &record, Dictionary &dictionary, nlohmann::json &extra);
void enrich_deal(const nlohmann::json &record, Dictionary &dictionary, nlohmann::json &extra);
void enrich_activity(const nlohmann::json &record, Dictionary &dictionary, nlohmann::json &extra);
void enrich_note(const nlohmann::json &record, Dictionary &dictionary, nlohmann::json &extra);

// Fields that the configuration names, by their place in the record, their 40 digits or the name that people see.
struct Wanted {
    std::map<std::string, std::string> columns;  // our column -> field
    std::vector<std::string> attributes;
    const Endpoint *fields = nullptr;  // that describes them; none: only places in the record are understood
};
// Columns go to "resolved", where the mapper looks for them; attributes that are custom fields to their own names.
void enrich_wanted(const Wanted &wanted, const nlohmann::json &record, Dictionary &dictionary, nlohmann::json &extra);
// Does anything answer to the name?
bool is_known(const std::string &name, const Endpoint *fields, Dictionary &dictionary);

// Which fields the record has, and of which type: those of v2's folder of custom fields with its name in front.
void note_fields(const nlohmann::json &record, std::map<std::string, sync::SourceField> &fields);

// The record's JSON with the extra members behind its own.
std::string with_extras(std::string_view record, const nlohmann::json &extra);

}  // namespace xsell::connectors::pipedrive
