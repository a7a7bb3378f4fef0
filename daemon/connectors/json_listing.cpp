// Pages of list APIs, and single values of a text that need not be valid throughout.
#include <simdjson.h>

#include "connectors/json_map.hpp"
#include "connectors/rest.hpp"
#include "sync/error.hpp"
#include "sync/text.hpp"

namespace xsell::connectors {
namespace {

namespace od = simdjson::ondemand;

// The value's own text; the parser is left behind it.
std::string_view span_of(od::value value) {
    switch (value.type().value()) {
        case od::json_type::object: {
            od::object object = value.get_object();
            return object.raw_json();
        }
        case od::json_type::array: {
            od::array array = value.get_array();
            return array.raw_json();
        }
        default: return value.raw_json_token();
    }
}

void read_fields(Listing &listing, std::string_view array_key) {
    od::parser parser;
    auto document =
        parser.iterate(simdjson::padded_string_view(listing.text.data(), listing.text.size(), listing.text.capacity()));
    od::object root = document.get_object();
    for (auto field : root) {
        const std::string key(std::string_view(field.unescaped_key()));
        od::value value = field.value();
        if (key == array_key && value.type() == od::json_type::array) {
            listing.found = true;
            for (od::value item : value.get_array()) listing.records.push_back(sync::trim(span_of(item)));
        } else {
            auto &part = listing.rest[key] = parse_json(span_of(value));
            if (part.is_discarded()) throw sync::SyncError(sync::Fault::transient, "the response is no complete JSON");
        }
    }
}

}  // namespace

std::string with_long_numbers_quoted(std::string_view json) {
    constexpr std::size_t longest = 18;  // characters that always fit
    constexpr std::string_view of_numbers = "+-.0123456789eE";
    std::string out;
    bool in_text = false;
    for (std::size_t i = 0; i < json.size();) {
        const std::size_t end = in_text ? i : std::min(json.find_first_not_of(of_numbers, i), json.size());
        if (const auto token = json.substr(i, end - i); !token.empty()) {
            out += token.size() > longest ? '"' + std::string(token) + '"' : std::string(token);
            i = end;
            continue;
        }
        if (json[i] == '"') in_text = !in_text;
        if (in_text && json[i] == '\\' && i + 1 < json.size()) out += json[i++];
        out += json[i++];
    }
    return out;
}

Listing read_listing(std::string body, std::string_view array_key) {
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    if (body.starts_with(byte_order_mark)) body.erase(0, byte_order_mark.size());
    if (!sync::is_utf8(body)) body = sync::clean_text(body).text;
    Listing listing;
    listing.text = std::move(body);
    listing.text.reserve(listing.text.size() + simdjson::SIMDJSON_PADDING);
    listing.rest = nlohmann::json::object();
    try {
        read_fields(listing, array_key);
    } catch (const simdjson::simdjson_error &error) {
        throw sync::SyncError(sync::Fault::transient, std::string("the response is no complete JSON: ") + error.what());
    }
    return listing;
}

std::optional<std::string> text_at(std::string_view json, const std::vector<std::string> &path) {
    const simdjson::padded_string text(json);
    simdjson::ondemand::parser parser;
    try {
        simdjson::ondemand::document document = parser.iterate(text);
        simdjson::ondemand::value value = document.find_field_unordered(path.front());
        for (std::size_t i = 1; i < path.size(); ++i) value = simdjson::ondemand::value(value.find_field_unordered(path[i]));
        switch (value.type().value()) {
            case simdjson::ondemand::json_type::string: return std::string(std::string_view(value.get_string()));
            case simdjson::ondemand::json_type::number: [[fallthrough]];
            case simdjson::ondemand::json_type::boolean: return std::string(sync::trim(value.raw_json_token()));
            default: return std::nullopt;
        }
    } catch (const simdjson::simdjson_error &) {
        return std::nullopt;  // not there, or no JSON at all
    }
}

std::optional<std::string> text_at(std::string_view json, const std::string &path) {
    std::vector<std::string> steps;
    for (std::size_t from = 0; from <= path.size();) {
        const std::size_t to = std::min(path.find('.', from), path.size());
        steps.push_back(path.substr(from, to - from));
        from = to + 1;
    }
    return text_at(json, steps);
}

}  // namespace xsell::connectors
