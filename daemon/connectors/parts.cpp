#include "connectors/parts.hpp"

#include <algorithm>

#include "sync/text.hpp"

namespace xsell::connectors {

Choices choices_of(const Settings &settings, const std::string &object) {
    Choices choices;
    if (const auto found = settings.columns.find(object); found != settings.columns.end()) choices.columns = found->second;
    if (const auto found = settings.attributes.find(object); found != settings.attributes.end())
        choices.attributes = found->second;
    return choices;
}

std::string region_of(const Settings &settings) {
    const std::string region = settings.text("region");
    const bool good = region.empty() || (region.size() == 2 &&
                                         std::all_of(region.begin(), region.end(), [](char c) { return c >= 'A' && c <= 'Z'; }));
    if (!good) settings.problem("region: '" + region + "' is no country code such as DE or US");
    return region;
}

std::int64_t require_time(const Session &session) {
    if (const auto now = session.server_time()) return *now;
    throw sync::SyncError(sync::Fault::transient, "the server does not state its time");
}

void refuse_state() { throw sync::SyncError(sync::Fault::object, "the stored state is damaged; sync the object with --full"); }

std::string with_member(std::string_view record, std::string_view name, std::string_view json) {
    std::string out(sync::trim(record.substr(0, record.rfind('}'))));
    if (!out.ends_with('{')) out += ',';
    sync::append_json_string(out, name);
    out += ':';
    return out.append(json) + '}';
}

}  // namespace xsell::connectors
