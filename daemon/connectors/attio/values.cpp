#include "connectors/attio/values.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "sync/convert.hpp"

namespace xsell::connectors::attio {
namespace {

using nlohmann::json;

// Where the text of a value is found, by its attribute_type, and what it is as JSON.
struct Kind {
    std::string_view type, text;
    const char *shape = "string";
};
constexpr std::array kinds = {
    Kind{"text", "value"},
    Kind{"number", "value", "number"},
    Kind{"rating", "value", "number"},
    Kind{"checkbox", "value", "boolean"},
    Kind{"date", "value"},
    Kind{"timestamp", "value"},
    Kind{"currency", "currency_value", "number"},
    Kind{"personal-name", "full_name"},
    Kind{"email-address", "email_address"},
    Kind{"phone-number", "phone_number"},
    Kind{"domain", "domain"},
    Kind{"record-reference", "target_record_id"},
    Kind{"actor-reference", "referenced_actor_id"},
    Kind{"select", "option.title"},
    Kind{"status", "status.title"},
    Kind{"interaction", "interacted_at"},
};
constexpr const char *location_parts[] = {"line_1",   "line_2",   "line_3", "line_4",
                                          "postcode", "locality", "region", "country_code"};
constexpr Kind location = {"location", ""}, unknown = {"", "value"};

const Kind &kind_of(const json &value) {
    const auto type = value.find("attribute_type");
    if (type == value.end() || !type->is_string()) return unknown;
    const auto &name = type->get_ref<const std::string &>();
    if (name == location.type) return location;
    const auto found = std::find_if(kinds.begin(), kinds.end(), [&](const Kind &kind) { return kind.type == name; });
    return found == kinds.end() ? unknown : *found;
}

json location_text(const json &value) {
    std::string text;
    for (const char *part : location_parts) {
        const auto found = value.find(part);
        if (found != value.end() && found->is_string() && !found->get_ref<const std::string &>().empty())
            text += (text.empty() ? "" : ", ") + found->get<std::string>();
    }
    return text.empty() ? json() : json(text);
}

// The scalar that a value stands for; null when it has none.
json scalar_of(const json &value) {
    const Kind &kind = kind_of(value);
    if (&kind == &location) return location_text(value);
    const json *at = &value;
    for (std::string_view rest = kind.text; !rest.empty() && at->is_object();) {
        const std::size_t dot = std::min(rest.find('.'), rest.size());
        const auto next = at->find(std::string(rest.substr(0, dot)));
        if (next == at->end()) return {};
        at = &*next;
        rest.remove_prefix(std::min(dot + 1, rest.size()));
    }
    return at->is_structured() ? json() : *at;
}

// Interactions move with every e-mail, and so does what Attio derives from them.
bool moves_by_itself(const std::string &slug, const json &value) {
    return kind_of(value).type == "interaction" || slug.starts_with("strongest_connection");
}

bool is_active(const json &value) {
    if (!value.is_object()) return false;
    const auto until = value.find("active_until");
    return until == value.end() || until->is_null();
}

json active_values(const json &values) {
    json active = json::array();
    if (is_active(values)) active.push_back(values);
    if (!values.is_array()) return active;
    for (const auto &value : values) {
        if (is_active(value)) active.push_back(value);
    }
    return active;
}

std::optional<std::int64_t> micros_of(const json &object, const char *name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? sync::to_micros(found->get_ref<const std::string &>()) : std::nullopt;
}

void spread(const std::string &slug, const json &active, json &flat) {
    json texts = json::array();
    for (const auto &value : active) {
        if (json scalar = scalar_of(value); !scalar.is_null()) texts.push_back(std::move(scalar));
    }
    flat["part"][slug] = active.front();
    if (texts.empty()) return;
    flat["one"][slug] = texts.front();
    flat["all"][slug] = texts.size() == 1 ? texts.front() : texts;
}

}  // namespace

Taken take_record(const json &record, const std::set<std::string> &wanted) {
    Taken taken{record, record};
    taken.source["values"] = json::object();
    taken.flat.erase("values");
    for (const char *folder : {"one", "all", "part"}) taken.flat[folder] = json::object();
    auto changed = micros_of(record, "created_at");
    const auto values = record.find("values");
    if (values != record.end() && values->is_object()) {
        for (const auto &[slug, list] : values->items()) {
            const json active = active_values(list);
            if (active.empty()) continue;
            const bool moving = moves_by_itself(slug, active.front());
            if (moving && !wanted.contains(slug)) continue;
            for (const auto &value : active) {
                if (const auto from = micros_of(value, "active_from"); from && !moving) changed = std::max(changed, from);
            }
            spread(slug, active, taken.flat);
            taken.source["values"][slug] = active;
        }
    }
    if (changed) taken.flat["changed_at"] = sync::from_micros(*changed);
    return taken;
}

void note_fields(const json &record, std::map<std::string, sync::SourceField> &fields, bool first) {
    const auto values = record.find("values");
    if (values == record.end() || !values->is_object()) return;
    for (auto &[slug, field] : fields) field.always = field.always && values->contains(slug);
    for (const auto &[slug, list] : values->items()) {
        auto &field = fields.try_emplace(slug, sync::SourceField{"", first}).first->second;
        const json active = active_values(list);
        if (field.type.empty() && !active.empty()) field.type = kind_of(active.front()).shape;
    }
}

}  // namespace xsell::connectors::attio
