#include "connectors/axiscare/health.hpp"

#include <algorithm>
#include <string_view>

#include "sync/convert.hpp"
#include "sync/text.hpp"

namespace xsell::connectors::axiscare {
namespace {

using nlohmann::json;

constexpr std::size_t longest_text = 100, longest_id = 64, longest_phone = 40, longest_email = 254;
constexpr std::size_t fewest_digits = 5;

bool all_of(std::string_view text, std::string_view set) { return text.find_first_not_of(set) == std::string_view::npos; }

bool fits_id(std::string_view text) {  // 17, s=1:d=2023-10-01
    return !text.empty() && text.size() <= longest_id && all_of(text, "0123456789abcdefghijklmnopqrstuvwxyz=:-");
}

bool fits_text(std::string_view text) {
    return text.size() <= longest_text && std::none_of(text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; });
}

bool fits_email(std::string_view text) {
    return text.size() <= longest_email && std::count(text.begin(), text.end(), '@') == 1 &&
           text.find_first_of(" \t\r\n,;") == std::string_view::npos;
}

bool fits_phone(std::string_view text) {
    const auto digits = std::count_if(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    return text.size() <= longest_phone && static_cast<std::size_t>(digits) >= fewest_digits &&
           all_of(text, "0123456789+-./() x");
}

bool fits(const json &value, Content content) {
    if (content == Content::flag) return value.is_boolean();
    if (content == Content::id && value.is_number_integer()) return true;
    if (!value.is_string()) return false;
    const auto &text = value.get_ref<const std::string &>();
    switch (content) {
        case Content::id: return fits_id(text);
        case Content::text: return fits_text(text);
        case Content::date: return sync::to_micros(text).has_value();
        case Content::email: return fits_email(text);
        default: return fits_phone(text);
    }
}

// Moves what fits from `rest` to `kept`.
void move_kept(json &rest, json &kept, std::string_view path, Content content) {
    if (path.empty()) {
        if (fits(rest, content)) kept = std::exchange(rest, nullptr);
        return;
    }
    const std::size_t dot = std::min(path.find('.'), path.size());
    const std::string step(path.substr(0, dot));
    path.remove_prefix(std::min(dot + 1, path.size()));
    if (step == "*" && rest.is_array()) {
        if (!kept.is_array()) kept = json::array();
        while (kept.size() < rest.size()) kept.push_back(nullptr);
        for (std::size_t i = 0; i < rest.size(); ++i) move_kept(rest[i], kept[i], path, content);
    } else if (step != "*" && rest.is_object() && rest.contains(step)) {
        move_kept(rest[step], kept[step], path, content);
    }
}

// Nulls, empty objects and empty arrays are left out.
void prune(json &value) {
    if (value.is_object()) {
        for (auto item = value.begin(); item != value.end();) {
            prune(*item);
            item = item->is_null() ? value.erase(item) : std::next(item);
        }
    } else if (value.is_array()) {
        for (auto &item : value) prune(item);
        value.erase(std::remove(value.begin(), value.end(), json()), value.end());
    }
    if (value.is_structured() && value.empty()) value = nullptr;
}

bool is_social_security(const std::string &name) {
    const std::string word = sync::lower_ascii(name);
    return word.find("ssn") != std::string::npos || word.find("socialsecurity") != std::string::npos;
}

// They are asked for nowhere; if they come all the same, nobody is to have them.
void drop_social_security(json &value) {
    if (value.is_object()) {
        for (auto item = value.begin(); item != value.end();) {
            item = is_social_security(item.key()) ? value.erase(item) : (drop_social_security(*item), std::next(item));
        }
    } else if (value.is_array()) {
        for (auto &item : value) drop_social_security(item);
    }
}

}  // namespace

Parted part_health(json record, std::span<const Kept> kept) {
    Parted parted{nullptr, std::move(record)};
    drop_social_security(parted.aside);
    for (const auto &field : kept) move_kept(parted.aside, parted.kept, field.path, field.content);
    prune(parted.kept);
    prune(parted.aside);
    return parted;
}

}  // namespace xsell::connectors::axiscare
