// What connectors have in common that feed each of our objects from one or several objects of the source.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/rest.hpp"
#include "connectors/settings.hpp"

namespace xsell::connectors {

// What the configuration changes in the field map of one of our objects.
struct Choices {
    std::map<std::string, std::string> columns;  // our column -> source field
    std::vector<std::string> attributes;         // source fields to keep under their own names
};
Choices choices_of(const Settings &settings, const std::string &object);
// ISO 3166 code of the org's telephone numbers that name no country (setting "region"); empty: they stay as they are.
std::string region_of(const Settings &settings);

// A Part has a `source` (whose `object` is ours) and a `mapper`. Throws SyncError (object) when none feeds the object.
template <typename Part>
std::vector<Part *> parts_of(std::vector<Part> &parts, const std::string &object) {
    std::vector<Part *> list;
    for (auto &part : parts) {
        if (object == part.source->object) list.push_back(&part);
    }
    if (list.empty()) throw sync::SyncError(sync::Fault::object, "the source has no object " + object);
    return list;
}

// Of the field maps of all parts of an object.
template <typename Part>
std::int64_t hash_of(const std::vector<Part> &parts, const std::string &object, std::uint64_t hash = 0) {
    for (const auto &part : parts) {
        if (object == part.source->object) hash = hash * 31 + static_cast<std::uint64_t>(part.mapper.hash());
    }
    return static_cast<std::int64_t>(hash);
}

// The server's clock, in microseconds since 1970. Throws SyncError (transient) where it does not state it.
std::int64_t require_time(const Session &session);

// A stored state that write_state did not make. Throws SyncError (object).
[[noreturn]] void refuse_state();

// The text of a JSON object with one more member, so that the stored text changes when the member does.
std::string with_member(std::string_view record, std::string_view name, std::string_view json);

}  // namespace xsell::connectors
