#include "connectors/pipedrive/dictionary.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "sync/text.hpp"

namespace xsell::connectors::pipedrive {
namespace {

using nlohmann::json;

const json &at(const json &value, const char *name) {
    static const json nothing;
    if (!value.is_object()) return nothing;
    const auto found = value.find(name);
    return found == value.end() ? nothing : *found;
}

std::string first_of(const json &value, const char *name, const char *older) {
    const std::string text = scalar(at(value, name));
    return text.empty() ? scalar(at(value, older)) : text;
}

// v2 says field_code and field_name, v1 key and name.
FieldInfo read_field(const json &record) {
    FieldInfo field{first_of(record, "field_code", "key"), first_of(record, "field_name", "name"), false, {}};
    field.custom = field.code.size() == 40 && field.code.find_first_not_of("0123456789abcdef") == std::string::npos;
    for (const auto &option : at(record, "options")) {
        const std::string id = scalar(at(option, "id"));
        if (!id.empty()) field.options[id] = scalar(at(option, "label"));
    }
    return field;
}

std::vector<std::string> split(const std::string &text) {
    std::vector<std::string> parts;
    for (std::size_t from = 0; from <= text.size();) {
        const std::size_t to = std::min(text.find(',', from), text.size());
        parts.emplace_back(sync::trim(std::string_view(text).substr(from, to - from)));
        from = to + 1;
    }
    return parts;
}

}  // namespace

std::string scalar(const json &value) {
    if (value.is_string()) return value.get<std::string>();
    return value.is_number() ? value.dump() : "";
}

void Dictionary::forget() {
    has_stages_ = false;
    stages_.clear(), pipelines_.clear(), icons_.reset(), fields_.clear();
}

void Dictionary::need_stages() {
    if (has_stages_) return;
    for (const auto &pipeline : api_.all(endpoint::pipelines))
        pipelines_[scalar(at(pipeline, "id"))] = scalar(at(pipeline, "name"));
    for (const auto &stage : api_.all(endpoint::stages))
        stages_[scalar(at(stage, "id"))] = {scalar(at(stage, "name")), scalar(at(stage, "pipeline_id"))};
    has_stages_ = true;
}

const Stage *Dictionary::stage(const std::string &id) {
    need_stages();
    const auto found = stages_.find(id);
    return found == stages_.end() ? nullptr : &found->second;
}

const std::string *Dictionary::pipeline(const std::string &id) {
    need_stages();
    const auto found = pipelines_.find(id);
    return found == pipelines_.end() ? nullptr : &found->second;
}

// Records can be read without it: where it is refused for good, they are read with fewer names.
std::vector<json> Dictionary::optional_list(const Endpoint &endpoint) {
    try {
        return api_.all(endpoint);
    } catch (const sync::SyncError &error) {
        if (error.fault != sync::Fault::object) throw;
        spdlog::warn("pipedrive: {}; its names stay unknown", error.what());
        return {};
    }
}

std::string Dictionary::icon(const std::string &type) {
    if (!icons_) {
        icons_.emplace();
        for (const auto &item : optional_list(endpoint::activity_types))
            (*icons_)[scalar(at(item, "key_string"))] = scalar(at(item, "icon_key"));
    }
    const auto found = icons_->find(type);
    return found == icons_->end() ? "" : found->second;
}

const std::vector<FieldInfo> &Dictionary::fields(const Endpoint &endpoint) {
    const auto known = fields_.find(endpoint.path);
    if (known != fields_.end()) return known->second;
    std::vector<FieldInfo> list;
    for (const auto &record : optional_list(endpoint)) list.push_back(read_field(record));
    return fields_[endpoint.path] = std::move(list);
}

const FieldInfo *Dictionary::field(const Endpoint &endpoint, const std::string &name) {
    const auto &list = fields(endpoint);
    auto found = std::find_if(list.begin(), list.end(), [&](const FieldInfo &f) { return f.code == name; });
    if (found == list.end()) found = std::find_if(list.begin(), list.end(), [&](const FieldInfo &f) { return f.name == name; });
    return found == list.end() ? nullptr : &*found;
}

std::vector<std::string> Dictionary::field_names(const Endpoint &endpoint) {
    std::vector<std::string> names;
    for (const auto &field : fields(endpoint)) names.push_back(field.name), names.push_back(field.code);
    return names;
}

std::optional<json> Dictionary::label(const Endpoint &endpoint, const std::string &code, const json &value) {
    const FieldInfo *info = field(endpoint, code);
    if (!info || info->options.empty()) return std::nullopt;
    const auto one = [&](const std::string &id) {
        const auto option = info->options.find(id);
        return option == info->options.end() ? json(id) : json(option->second);
    };
    if (value.is_array()) {
        json labels = json::array();
        for (const auto &item : value) labels.push_back(one(item.is_object() ? scalar(at(item, "id")) : scalar(item)));
        return labels;
    }
    const std::string text = value.is_object() ? scalar(at(value, "id")) : scalar(value);
    if (text.empty()) return std::nullopt;
    if (text.find(',') == std::string::npos) return one(text);
    json labels = json::array();  // v1 writes a set as "11,12"
    for (const auto &id : split(text)) labels.push_back(one(id));
    return labels;
}

}  // namespace xsell::connectors::pipedrive
