#include "connectors/json_map.hpp"

#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "connectors/normal.hpp"
#include "connectors/standard.hpp"
#include "sync/convert.hpp"
#include "sync/error.hpp"
#include "sync/text.hpp"

namespace xsell::connectors {
namespace {

constexpr std::string_view code_version = "3";  // a change of what the rules do changes it
using Text = std::optional<std::string>;
using simdjson::dom::element;

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    for (std::size_t from = 0; from <= text.size();) {
        const std::size_t to = std::min(text.find(separator, from), text.size());
        parts.emplace_back(text.substr(from, to - from));
        from = to + 1;
    }
    return parts;
}

std::optional<element> at(element value, const std::vector<std::string> &path) {
    for (const auto &step : path) {
        simdjson::dom::array array;
        element next;
        if (value.get(array) == simdjson::SUCCESS) {
            std::size_t index = 0;
            const auto [end, error] = std::from_chars(step.data(), step.data() + step.size(), index);
            if (error != std::errc() || end != step.data() + step.size() || array.at(index).get(next) != simdjson::SUCCESS)
                return std::nullopt;
        } else if (value.at_key(step).get(next) != simdjson::SUCCESS) {
            return std::nullopt;
        }
        value = next;
    }
    if (value.is_null()) return std::nullopt;
    return value;
}

bool is_structure(element value) { return value.is_object() || value.is_array(); }

// Where a scalar is wanted: an object says its `value` or, a reference, its `member` ("id", "name"); a list says what its entries
// say. nullopt where that is nothing.
Text text_of(element value, const char *member) {
    switch (value.type()) {
        case simdjson::dom::element_type::OBJECT: {
            for (const char *name : {"value", member}) {
                element inner;
                if (value.at_key(name).get(inner) == simdjson::SUCCESS && !is_structure(inner) && !inner.is_null())
                    return text_of(inner, member);
            }
            return std::nullopt;
        }
        case simdjson::dom::element_type::ARRAY: {
            std::string list;
            for (const element item : simdjson::dom::array(value)) {
                const Text text = item.is_array() ? std::nullopt : text_of(item, member);
                if (text && !text->empty()) list += (list.empty() ? "" : ", ") + *text;
            }
            return list.empty() ? std::nullopt : Text(list);
        }
        case simdjson::dom::element_type::STRING: return std::string(std::string_view(value));
        case simdjson::dom::element_type::BOOL: return bool(value) ? "true" : "false";
        case simdjson::dom::element_type::INT64: return std::to_string(std::int64_t(value));
        case simdjson::dom::element_type::UINT64: return std::to_string(std::uint64_t(value));
        case simdjson::dom::element_type::NULL_VALUE: return std::nullopt;
        case simdjson::dom::element_type::DOUBLE: {
            char digits[64];  // the shortest text that reads back as the same number
            const auto end = std::to_chars(digits, digits + sizeof digits, double(value)).ptr;
            return std::string(digits, end);
        }
    }
    return std::nullopt;
}

std::optional<double> number_of(const std::string &text) {
    const auto number = sync::to_number(text);
    double value = 0;
    if (!number || std::from_chars(number->data(), number->data() + number->size(), value).ec != std::errc()) return std::nullopt;
    return value;
}

std::string shortest(double value) {
    char digits[64];
    return std::string(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

// Rounded to nine decimals, so that 0.29 becomes 29 per cent and not 28.999999999999996. A text that is no number is passed on as
// it is: the conversion to the column's type then says what is wrong with it.
std::string scaled(const std::string &text, double factor, double divisor) {
    const auto value = number_of(text);
    return value ? shortest(std::round(*value * factor / divisor * 1e9) / 1e9) : text;
}

Text chosen(const std::string &value, const std::string &argument) {
    for (const auto &pair : split(argument, ';')) {
        const std::size_t equal = pair.find('=');
        if (const std::string_view key = std::string_view(pair).substr(0, equal); key == value || key == "*")
            return pair.substr(equal + 1);
    }
    return std::nullopt;
}

std::uint64_t fnv(std::uint64_t hash, std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
    return (hash ^ 0xff) * 1099511628211u;  // ends the text, so that "ab","c" and "a","bc" differ
}

}  // namespace

// One record while its columns are filled.
class Mapper::Reading {
  public:
    explicit Reading(element root) : root_(root) {}

    Text id(const std::vector<std::string> &path) const {
        const auto found = at(root_, path);
        return found && !is_structure(*found) ? text_of(*found, "id") : std::nullopt;
    }

    Text text(const std::vector<std::string> &path, const char *member = "name") const {
        const auto found = at(root_, path);
        Text text = found ? text_of(*found, member) : std::nullopt;
        if (text && text->empty()) text.reset();  // "" and null both mean empty
        return text;
    }

    Text value(const Entry &entry) const {
        if (entry.rule == Rule::constant) return entry.argument;
        Text found = text(entry.path, entry.column.ends_with("_id") ? "id" : "name");
        if (!found) return found;
        switch (entry.rule) {
            case Rule::email: return email(*found);
            case Rule::domain: return registrable_domain(*found);
            case Rule::lower: return sync::lower_ascii(*found);
            case Rule::percent: return scaled(*found, 100, 1);
            case Rule::millis: return scaled(*found, 1, 1000);
            case Rule::minutes: return scaled(*found, 60, 1);
            case Rule::choose: return chosen(*found, entry.argument);
            case Rule::prefix: return found->starts_with(entry.argument) ? found : std::nullopt;
            default: return paired(entry, std::move(*found));
        }
    }

    std::string attributes(const std::vector<Attribute> &list) const {
        std::string json;
        for (const auto &attribute : list) {
            const auto found = at(root_, attribute.path);
            std::string_view text;
            if (!found || (found->get(text) == simdjson::SUCCESS && text.empty())) continue;
            json += json.empty() ? '{' : ',';
            sync::append_json_string(json, attribute.name);
            json += ':';
            json += simdjson::minify(*found);
        }
        return json.empty() ? json : json + '}';
    }

  private:
    // Rules that look at a second field.
    Text paired(const Entry &entry, std::string found) const {
        if (entry.rule != Rule::when && entry.rule != Rule::join && entry.rule != Rule::span) return found;
        const Text other = text(entry.argument_path);
        if (entry.rule == Rule::when) return other == "true" ? Text(std::move(found)) : std::nullopt;
        if (entry.rule == Rule::join) return other ? found + " " + *other : found;
        const auto end = sync::to_micros(found), start = other ? sync::to_micros(*other) : std::nullopt;
        if (!end || !start || *end < *start) return std::nullopt;
        return scaled(std::to_string(*end - *start), 1, 1e6);
    }

    element root_;
};

namespace {

// The next value of a column that may have one already; false when the text cannot be converted.
bool merge(const sync::Column &column, Rule rule, const std::string &text, sync::Value &value, std::string &reason) {
    sync::Value converted = sync::convert(column, text, reason);
    if (!reason.empty()) return false;
    const bool replace =
        !value || (rule == Rule::latest && converted && *converted > *value) || (rule == Rule::either && converted == "true");
    if (converted && replace) value = std::move(converted);
    return true;
}

}  // namespace

Mapper::Mapper(Shape shape, std::span<const Field> fields, const std::map<std::string, std::string> &overrides,
               const std::vector<std::string> &attributes)
    : shape_(std::move(shape)) {
    id_path_ = path_of(shape_.id);
    for (const auto &[column, source] : overrides) {
        // The standard form of e-mails, numbers and domains stays, whatever field they come from.
        const auto usual =
            std::find_if(fields.begin(), fields.end(), [&name = column](const Field &field) { return name == field.column; });
        const bool keeps =
            usual != fields.end() && (usual->rule == Rule::email || usual->rule == Rule::phone || usual->rule == Rule::domain);
        entries_.push_back(entry_of({column.c_str(), source.c_str(), keeps ? usual->rule : Rule::plain}));
        entries_.back().overridden = true;
    }
    // Constants stay behind an override: columns such as pipeline must never be NULL.
    for (const auto &field : fields) {
        if (!overrides.contains(field.column) || field.rule == Rule::constant) entries_.push_back(entry_of(field));
    }
    for (const auto &name : attributes) attributes_.push_back({name, path_of(name)});
}

std::vector<std::string> Mapper::path_of(const std::string &source) const {
    if (source.starts_with('/')) return split(std::string_view(source).substr(1), '.');
    auto path = split(source, '.');
    if (!shape_.folder.empty()) path.insert(path.begin(), shape_.folder);
    return path;
}

Mapper::Entry Mapper::entry_of(const Field &field) const {
    Entry entry{field.column, field.source, field.argument, field.rule, {}, {}, false};
    if (field.rule != Rule::constant) entry.path = path_of(entry.source);
    if (field.rule == Rule::when || field.rule == Rule::join || field.rule == Rule::span)
        entry.argument_path = path_of(entry.argument);
    return entry;
}

std::vector<std::string> Mapper::sources() const {
    std::vector<std::string> list;
    std::set<std::string> seen;
    const auto add = [&](const std::string &source) {
        if (!source.empty() && !source.starts_with('/') && seen.insert(source).second) list.push_back(source);
    };
    add(shape_.id);
    for (const auto &entry : entries_) {
        add(entry.source);
        if (!entry.argument_path.empty()) add(entry.argument);
    }
    for (const auto &attribute : attributes_) add(attribute.name);
    return list;
}

std::int64_t Mapper::hash() const {
    std::uint64_t hash = fnv(fnv(14695981039346656037u, code_version), shape_.region);
    for (const auto &entry : entries_) {
        hash = fnv(fnv(fnv(hash, entry.column), entry.source), entry.argument);
        hash = fnv(hash, std::to_string(static_cast<int>(entry.rule)));
    }
    for (const auto &attribute : attributes_) hash = fnv(hash, attribute.name);
    return static_cast<std::int64_t>(hash);
}

Mapper::Places Mapper::bind(const sync::Object &object) const {
    Places places;
    places.modified = object.index("modified_at");
    if (!attributes_.empty()) places.attributes = object.index("attributes");
    for (const auto &entry : entries_) {
        const auto found =
            std::find_if(object.columns.begin(), object.columns.end(), [&](const auto &c) { return c.name == entry.column; });
        if (found != object.columns.end()) {
            places.entries.emplace_back(static_cast<std::size_t>(found - object.columns.begin()));
        } else if (entry.overridden) {
            throw sync::SyncError(sync::Fault::object, object.name + " has no column '" + entry.column +
                                                           "', which the configuration fills from '" + entry.source + "'");
        } else {
            places.entries.emplace_back();
        }
    }
    return places;
}

// A value that its column cannot take is left out and noted; but the times decide what a record replaces, and whether it is there
// at all.
std::string Mapper::fill(const sync::Object &object, const Reading &reading, const Places &places, sync::Record &record) const {
    record.crm_id = reading.id(id_path_).value_or("");
    if (record.crm_id.empty()) return "has no id";
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        if (!places.entries[i]) continue;
        const auto text = reading.value(entries_[i]);
        const sync::Column &column = object.columns[*places.entries[i]];
        sync::Value &value = record.values[*places.entries[i]];
        std::string reason;
        if (entries_[i].rule == Rule::constant) {
            if (!value) value = text;  // as it is: "" is a value here
        } else if (!text || merge(column, entries_[i].rule, *text, value, reason)) {
            continue;
        } else if (column.name == "modified_at" || column.name == "deleted_at") {
            return reason;
        } else {
            record.problem += (record.problem.empty() ? "" : "; ") + reason;
        }
    }
    if (places.attributes) {
        if (auto json = reading.attributes(attributes_); !json.empty()) record.values[*places.attributes] = std::move(json);
    }
    return record.values[places.modified] ? "" : "modified_at: is missing";
}

namespace {

// The fields of the first records of a page, with their types: enough to notice that a source's shape has changed.
class Shapes {
  public:
    explicit Shapes(const std::string &folder) : folder_(folder) {}

    void look(element root) {
        constexpr int enough = 20;
        if (looked_ == enough) return;
        simdjson::dom::object fields;
        if (folder_.empty() ? root.get(fields) : root.at_key(folder_).get(fields)) return;
        ++looked_;
        for (const auto &[name, value] : fields) {
            Seen &seen = seen_[std::string(name)];
            ++seen.times;
            if (seen.type.empty()) seen.type = type_of(value);
        }
    }

    void report(std::map<std::string, sync::SourceField> &fields) const {
        for (const auto &[name, seen] : seen_) fields[name] = {seen.type, seen.times == looked_};
    }

  private:
    struct Seen {
        int times = 0;
        std::string type;
    };
    static const char *type_of(element value) {
        switch (value.type()) {
            case simdjson::dom::element_type::STRING: return "string";
            case simdjson::dom::element_type::BOOL: return "boolean";
            case simdjson::dom::element_type::OBJECT: return "object";
            case simdjson::dom::element_type::ARRAY: return "array";
            case simdjson::dom::element_type::NULL_VALUE: return "";
            default: return "number";
        }
    }
    const std::string &folder_;
    int looked_ = 0;
    std::map<std::string, Seen> seen_;
};

}  // namespace

void Mapper::map(const sync::Object &object, std::span<const std::string_view> raws, sync::Page &page) const {
    const Places places = bind(object);
    const Standard standard(object, shape_.region);
    simdjson::dom::parser parser;
    Shapes shapes(shape_.folder);
    for (const auto raw : raws) {
        auto cleaned = sync::clean_json(raw);
        sync::Record record{"", std::vector<sync::Value>(object.columns.size()), std::move(cleaned.text), cleaned.repaired};
        element root;
        auto error = parser.parse(record.raw).get(root);
        if (error == simdjson::NUMBER_ERROR) error = parser.parse(with_long_numbers_quoted(record.raw)).get(root);
        const std::string reason = error ? std::string("is no valid JSON: ") + simdjson::error_message(error)
                                         : fill(object, Reading(root), places, record);
        if (error)
            record.crm_id = text_at(record.raw, id_path_).value_or("");
        else
            shapes.look(root);
        if (reason.empty()) {
            standard.apply(record);
            page.records.push_back(std::move(record));
        } else {
            page.rejects.push_back({record.crm_id, shape_.place + " " + record.crm_id, reason, sync::payload(raw)});
        }
    }
    shapes.report(page.fields);
}

}  // namespace xsell::connectors
