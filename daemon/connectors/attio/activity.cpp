#include "connectors/attio/activity.hpp"

#include <array>

#include "connectors/rest.hpp"

namespace xsell::connectors::attio {
namespace {

using nlohmann::json;

constexpr std::array object_names = {"object_slug", "target_object", "target_object_id", "object_id"};
constexpr std::array record_names = {"record_id", "target_record_id"};
constexpr std::array known = {"companies", "people", "deals"};

template <typename Names>
std::string any_member(const json &value, const Names &names) {
    for (const char *name : names) {
        if (auto text = member(value, name); !text.empty()) return text;
    }
    return "";
}

void link(json &links, const std::string &object, const std::string &record, const SlugOf &slug_of) {
    if (object.empty() || record.empty()) return;
    const bool is_slug = std::find(known.begin(), known.end(), object) != known.end();
    const std::string slug = is_slug ? object : slug_of(object);
    if (!slug.empty() && !links.contains(slug)) links[slug] = record;
}

void link_member(json &links, const json &actor, const char *type, const char *id) {
    const std::string member_id = member(actor, id);
    if (member(actor, type) == "workspace-member" && !member_id.empty() && !links.contains("member")) links["member"] = member_id;
}

}  // namespace

json take_activity(const json &record, const SlugOf &slug_of) {
    json links = json::object();
    link(links, member(record, "parent_object"), member(record, "parent_record_id"), slug_of);
    if (const auto list = record.find("linked_records"); list != record.end() && list->is_array()) {
        for (const auto &item : *list) link(links, any_member(item, object_names), any_member(item, record_names), slug_of);
    }
    if (const auto list = record.find("assignees"); list != record.end() && list->is_array()) {
        for (const auto &item : *list) link_member(links, item, "referenced_actor_type", "referenced_actor_id");
    }
    if (const auto actor = record.find("created_by_actor"); actor != record.end()) link_member(links, *actor, "type", "id");
    json flat = record;
    flat["links"] = std::move(links);
    return flat;
}

}  // namespace xsell::connectors::attio
