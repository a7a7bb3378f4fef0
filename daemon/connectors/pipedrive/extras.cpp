#include "connectors/pipedrive/extras.hpp"

#include <algorithm>
#include <charconv>

#include "sync/text.hpp"

namespace xsell::connectors::pipedrive {
namespace {

using nlohmann::json;

const json &at(const json &value, std::string_view name) {
    static const json nothing;
    if (!value.is_object()) return nothing;
    const auto found = value.find(name);
    return found == value.end() ? nothing : *found;
}

const json &at_path(const json &record, const std::string &path) {
    const json *value = &record;
    for (std::size_t from = 0; from <= path.size();) {
        const std::size_t to = std::min(path.find('.', from), path.size());
        value = &at(*value, std::string_view(path).substr(from, to - from));
        from = to + 1;
    }
    return *value;
}

// Of [{value, primary, label}] the value of the primary one, else of the first; "" for an empty list.
std::string primary_of(const json &list) {
    std::string first;
    if (!list.is_array()) return first;
    for (const auto &item : list) {
        const std::string value = scalar(at(item, "value"));
        const json &primary = at(item, "primary");
        if (primary.is_boolean() && primary.get<bool>() && !value.empty()) return value;
        if (first.empty()) first = value;
    }
    return first;
}

std::string labelled(const json &list, const char *label) {
    if (!list.is_array()) return "";
    for (const auto &item : list) {
        if (sync::lower_ascii(member(item, "label")) == label) return scalar(at(item, "value"));
    }
    return "";
}

void put(json &extra, const char *name, const std::string &text) {
    if (!text.empty()) extra[name] = text;
}

// The name of an option; a value that is a text already is its own name.
void put_label(json &extra, const char *name, const Endpoint &fields, const char *code, const json &record,
               Dictionary &dictionary) {
    const json &value = at(record, code);
    if (scalar(value).empty() && !value.is_object()) return;
    const auto label = dictionary.label(fields, code, value);
    if (label && label->is_string())
        extra[name] = *label;
    else if (value.is_string())
        extra[name] = value;
}

// "01:30" and "01:30:00" in seconds; nothing for anything else.
std::optional<std::int64_t> clock_seconds(const std::string &text) {
    std::int64_t total = 0, parts = 0;
    for (std::size_t from = 0; from <= text.size(); ++parts) {
        const std::size_t to = std::min(text.find(':', from), text.size());
        std::int64_t value = 0;
        const auto [end, error] = std::from_chars(text.data() + from, text.data() + to, value);
        if (error != std::errc() || end != text.data() + to || value < 0 || value > 10'000) return std::nullopt;
        total = total * 60 + value;
        from = to + 1;
    }
    if (parts < 2 || parts > 3) return std::nullopt;
    return parts == 2 ? total * 60 : total;
}

// What a custom field says, in the words of its options.
json told(const json &value, const std::string &code, const Endpoint &fields, Dictionary &dictionary) {
    const auto label = dictionary.label(fields, code, value);
    return label ? *label : value;
}

// For a column: amounts and the like are objects whose value counts, several options become one text.
json flat(const json &value) {
    if (value.is_object()) return at(value, "value");
    if (!value.is_array()) return value;
    std::string text;
    for (const auto &item : value) text += (text.empty() ? "" : ", ") + scalar(item);
    return text.empty() ? json() : json(text);
}

bool is_hash(const std::string &name) {
    return name.size() == 40 && name.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// The code of the custom field that a configured name means; "" when it means a place in the record.
std::string custom_code(const std::string &name, const json &record, const Endpoint *fields, Dictionary &dictionary) {
    if (is_hash(name)) return name;
    if (!fields || at(record, name.substr(0, name.find('.'))) != json()) return "";
    const FieldInfo *info = dictionary.field(*fields, name);
    return info && info->custom ? info->code : "";
}

// v2 keeps custom fields in a folder, v1 (leads) beside the others.
const json &custom_value(const json &record, const std::string &code) {
    const json &inside = at(at(record, "custom_fields"), code);
    return inside.is_null() ? at(record, code) : inside;
}

}  // namespace

void enrich_account(const json &record, Dictionary &dictionary, json &extra) {
    put_label(extra, "industry_name", endpoint::organization_fields, "industry", record, dictionary);
}

void enrich_contact(const json &record, Dictionary &, json &extra) {
    const auto list = [&](const char *name, const char *older) -> const json & {  // v1 says email and phone
        const json &here = at(record, name);
        return here.is_null() ? at(record, older) : here;
    };
    put(extra, "primary_email", primary_of(list("emails", "email")));
    put(extra, "primary_phone", primary_of(list("phones", "phone")));
    put(extra, "mobile_phone", labelled(list("phones", "phone"), "mobile"));
    const std::string name = member(record, "name");
    if (name.empty() || at(record, "first_name").is_string() || at(record, "last_name").is_string()) return;
    const std::size_t space = name.rfind(' ');
    if (space != std::string::npos) put(extra, "name_before", name.substr(0, space));
    put(extra, "name_after", space == std::string::npos ? name : name.substr(space + 1));
}

// A product has a price in each of several currencies: the org's own counts, else the first.
void enrich_product(const json &record, Dictionary &dictionary, json &extra) {
    put_label(extra, "category_name", endpoint::product_fields, "category", record, dictionary);
    const json &prices = at(record, "prices");
    if (!prices.is_array() || prices.empty()) return;
    const auto own = std::find_if(prices.begin(), prices.end(),
                                  [&](const json &price) { return member(price, "currency") == dictionary.currency(); });
    if (own != prices.end() && own != prices.begin()) extra["own_price"] = *own;
}

// A stage does not tell whether a deal is closed, its status does: won and lost deals stand in stages of their own.
void enrich_deal(const json &record, Dictionary &dictionary, json &extra) {
    put_label(extra, "channel_name", endpoint::deal_fields, "channel", record, dictionary);
    const std::string status = member(record, "status"), stage_id = scalar(at(record, "stage_id"));
    if (status == "deleted") extra["gone"] = true;
    const Stage *stage = stage_id.empty() ? nullptr : dictionary.stage(stage_id);
    std::string pipeline_id = scalar(at(record, "pipeline_id"));
    if (pipeline_id.empty() && stage) pipeline_id = stage->pipeline;
    const std::string *pipeline = pipeline_id.empty() ? nullptr : dictionary.pipeline(pipeline_id);
    put(extra, "pipeline_name", pipeline ? *pipeline : pipeline_id);
    // Of a deleted deal nobody knows whether it was closed: it must not teach what its stage means.
    if (status == "won" || status == "lost") {
        extra["stage_name"] = status == "won" ? "Won" : "Lost";
    } else if (status != "deleted") {
        std::string name = stage ? stage->name : stage_id;
        if (name == "Won" || name == "Lost") name += " (open)";
        put(extra, "stage_name", name);
    }
}

void enrich_activity(const json &record, Dictionary &dictionary, json &extra) {
    static constexpr const char *usual[] = {"call", "meeting", "task", "deadline", "email", "lunch"};
    const std::string type = member(record, "type");
    if (!type.empty() && std::find(std::begin(usual), std::end(usual), type) == std::end(usual))
        put(extra, "type_icon", dictionary.icon(type));
    if (const auto seconds = clock_seconds(member(record, "duration"))) extra["duration_seconds"] = *seconds;
}

void enrich_note(const json &record, Dictionary &, json &extra) {
    const json &active = at(record, "active_flag");
    if (active.is_boolean() && !active.get<bool>()) extra["gone"] = true;
}

void enrich_wanted(const Wanted &wanted, const json &record, Dictionary &dictionary, json &extra) {
    for (const auto &[column, name] : wanted.columns) {
        const std::string code = custom_code(name, record, wanted.fields, dictionary);
        const json &value = code.empty() ? at_path(record, name) : custom_value(record, code);
        if (value.is_null()) continue;
        extra["resolved"][column] = flat(code.empty() || !wanted.fields ? value : told(value, code, *wanted.fields, dictionary));
    }
    for (const auto &name : wanted.attributes) {
        const std::string code = custom_code(name, record, wanted.fields, dictionary);
        if (code.empty()) continue;
        const json &value = custom_value(record, code);
        if (value.is_null()) continue;
        json *place = &extra;
        for (std::size_t from = 0; from <= name.size();) {  // as the mapper will look for it
            const std::size_t to = std::min(name.find('.', from), name.size());
            place = &(*place)[name.substr(from, to - from)];
            from = to + 1;
        }
        *place = wanted.fields ? told(value, code, *wanted.fields, dictionary) : value;
    }
}

bool is_known(const std::string &name, const Endpoint *fields, Dictionary &dictionary) {
    if (!fields || dictionary.field_names(*fields).empty()) return true;  // nothing to compare with
    return dictionary.field(*fields, name) || dictionary.field(*fields, name.substr(0, name.find('.'))) ||
           name.starts_with("custom_fields.");
}

void note_fields(const json &record, std::map<std::string, sync::SourceField> &fields) {
    std::map<std::string, const json *> own;
    for (const auto &[name, value] : record.items()) own[name] = &value;
    for (const auto &[name, value] : at(record, "custom_fields").items()) own["custom_fields." + name] = &value;
    const bool first = fields.empty();
    for (auto &[name, field] : fields) field.always = field.always && own.contains(name);
    for (const auto &[name, value] : own) {
        auto &field = fields.try_emplace(name, sync::SourceField{"", first}).first->second;
        if (field.type.empty() && !value->is_null()) field.type = value->type_name();
    }
}

std::string with_extras(std::string_view record, const json &extra) {
    if (extra.empty()) return std::string(record);
    std::string text(record.substr(0, record.rfind('}')));
    const std::string members = extra.dump(-1, ' ', false, json::error_handler_t::replace);
    text += sync::trim(text).ends_with('{') ? "" : ",";
    return text + members.substr(1);
}

}  // namespace xsell::connectors::pipedrive
