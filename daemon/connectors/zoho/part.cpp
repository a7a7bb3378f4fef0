#include "connectors/zoho/part.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "connectors/parts.hpp"

namespace xsell::connectors::zoho {
namespace {

using sync::Finding;

Part make_part(const Settings &settings, const Source &source, const LineSource *lines, const std::string &region) {
    const Choices choices = choices_of(settings, source.object);
    Part part{source.object,
              source.module,
              source.mark,
              source.extra,
              Mapper({source.module, lines ? "$line" : "id", "", region}, source.fields, choices.columns, choices.attributes),
              lines,
              {choices.attributes.begin(), choices.attributes.end()}};
    for (const auto &[column, field] : choices.columns) part.asked.insert(field);
    return part;
}

void check_names(const Settings &settings, const std::vector<Part> &parts) {
    std::set<std::string> seen;
    for (const auto &part : parts) {
        for (const auto &field : part.asked) {
            if (!is_field(field) && seen.insert(part.object + field).second)
                settings.problem(part.object + ": '" + field + "' is no Zoho field name");
        }
    }
}

// The modules that are activities here.
std::set<std::string> activities(const Settings &settings) {
    std::set<std::string> offered, usual;
    for (const auto &source : sources()) {
        if (std::string_view(source.object) != "activity") continue;
        offered.insert(source.module);
        if (!source.optional) usual.insert(source.module);
    }
    if (!settings.has("activities")) return usual;
    std::set<std::string> chosen;
    for (const auto &module : settings.list("activities")) {
        if (!offered.contains(module)) settings.problem("activities: '" + module + "' is none of Calls, Events, Tasks, Notes");
        chosen.insert(module);
    }
    return chosen;
}

bool is_known(const std::set<std::string> &known, const std::string &field) {
    const std::string name = field.substr(0, field.find('.'));
    return name == "id" || name.starts_with('$') || known.contains(name);
}

}  // namespace

std::vector<Part> make_parts(const Settings &settings) {
    std::vector<std::string> kinds;
    for (const auto &lines : line_sources()) kinds.emplace_back(lines.setting);
    const std::string kind = settings.choice("lines", kinds);
    const auto lines =
        std::find_if(line_sources().begin(), line_sources().end(), [&](const auto &l) { return kind == l.setting; });
    const auto chosen = activities(settings);
    const std::string region = region_of(settings);
    std::vector<Part> parts;
    for (const auto &source : sources()) {
        const std::string_view object = source.object;
        if (object == "activity" && !chosen.contains(source.module)) continue;
        parts.push_back(make_part(settings, source, nullptr, region));
        if (object == "opportunity")
            parts.push_back(make_part(settings, {"opportunity_line", lines->module, "", lines->fields}, &*lines, region));
    }
    check_names(settings, parts);
    return parts;
}

void describe(Api &api, Part &part) {
    if (part.users()) return;
    if (part.lines) {
        part.lists = {carrier_fields(*part.lines)};
        return;
    }
    auto fields = part.mapper.sources();
    if (const auto known = known_fields(api, part.module)) {
        std::string dropped;
        std::erase_if(fields, [&](const std::string &field) {
            if (is_known(*known, field)) return false;
            if (part.asked.contains(field)) dropped += (dropped.empty() ? "" : ", ") + field;
            return true;
        });
        if (!dropped.empty())
            spdlog::warn("zoho: {} has no fields {}, or this user may not see them; they stay empty", part.module, dropped);
    }
    part.lists = field_lists(fields);
}

void check(Api &api, const Part &part, std::vector<Finding> &findings) {
    const std::string name = part.module + " -> " + part.object;
    const Subject subject = module_subject(part.module);
    try {
        if (part.users()) {
            api.list("/users?type=AllUsers&per_page=1&page=1", "users", subject);
        } else {
            api.list("/" + part.module + "?fields=Modified_Time&per_page=1&page=1", "data", subject);
            api.list("/" + part.module + "/deleted?type=all&per_page=1&page=1", "data", subject);
        }
        findings.push_back({Finding::Level::ok, name + " can be read"});
        if (part.users() || part.lines || part.asked.empty()) return;
        const auto known = known_fields(api, part.module);
        for (const auto &field : part.asked) {
            if (known && !is_known(*known, field))
                findings.push_back({Finding::Level::error, name + ": there is no field '" + field + "'"});
        }
    } catch (const std::exception &error) {
        findings.push_back({Finding::Level::error, name + " cannot be read: " + error.what()});
    }
}

}  // namespace xsell::connectors::zoho
