#include "connectors/salesforce/part.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "connectors/parts.hpp"

namespace xsell::connectors::salesforce {
namespace {

using sync::Fault;
using sync::SyncError;

Part make_part(const Source &source, const Settings &settings, bool multi_currency) {
    const Choices choices = source.leads_to ? Choices{} : choices_of(settings, source.object);
    const auto check = [&](const std::string &what, const std::string &field) {
        if (!is_field(field)) settings.problem(source.object + what + ": '" + field + "' is no Salesforce field name");
    };
    for (const auto &[column, field] : choices.columns) check("." + column, field);
    for (const auto &field : choices.attributes) check(" attributes", field);
    std::vector<Field> fields(source.fields.begin(), source.fields.end());
    if (multi_currency && source.currency) fields.push_back({"currency", "CurrencyIsoCode"});
    return {&source, Mapper({source.name, "Id", "", settings.text("region")}, fields, choices.columns, choices.attributes)};
}

}  // namespace

std::vector<Part> make_parts(const Settings &settings, bool multi_currency) {
    std::vector<Part> parts;
    for (const auto &source : sources()) parts.push_back(make_part(source, settings, multi_currency));
    return parts;
}

Scope scope_of(Api &api, Part &part) {
    if (!part.described) describe(api, part);
    Scope scope{part.source->name, part.mapper.sources(), part.source->filter};
    if (part.source->leads_to) scope.fields.emplace_back(part.source->leads_to);
    std::erase_if(scope.fields, [&part](const std::string &field) { return part.missing.contains(field); });
    return scope;
}

bool describe(Api &api, Part &part) {
    part.description = api.describe(part.source->name);
    part.described = true;
    if (!part.description) return false;
    const std::set<std::string> before = std::exchange(part.missing, {});
    std::string news;
    for (const auto &field : part.mapper.sources()) {
        if (part.description->has(field)) continue;
        if (field == "Id" || field == "SystemModstamp")
            throw SyncError(Fault::object, std::string(part.source->name) + " has no field " + field);
        part.missing.insert(field);
        if (!before.contains(field)) news += (news.empty() ? "" : ", ") + field;
    }
    if (!news.empty())
        spdlog::info("salesforce: {} has no fields {}, or this user may not see them; they stay empty", part.source->name, news);
    return !news.empty();
}

}  // namespace xsell::connectors::salesforce
