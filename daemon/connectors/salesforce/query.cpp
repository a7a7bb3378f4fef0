#include "connectors/salesforce/query.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "sync/error.hpp"

namespace xsell::connectors::salesforce {
namespace {

using Json = nlohmann::json;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

Window read_window(const Json &json) {
    Window window;
    if (json.contains("low")) window.low = json.at("low").get<std::int64_t>();
    window.end = json.at("end").get<std::int64_t>();
    window.slice = json.at("slice").get<std::int64_t>();
    window.part = json.at("part").get<std::size_t>();
    if (json.contains("at")) {
        window.at = json.at("at").get<std::int64_t>();
        window.id = json.at("id").get<std::string>();
    }
    window.next = json.value("next", "");
    const bool good_next = window.next.empty() || window.next.starts_with("/services/data/");
    if (!good_next || (window.at && !is_id(window.id))) throw sync::SyncError(sync::Fault::object, "the stored state is damaged");
    return window;
}

}  // namespace

State read_state(const std::string &text) {
    State state;
    if (text.empty()) return state;
    try {
        const Json json = Json::parse(text);
        if (!json.is_object()) throw sync::SyncError(sync::Fault::object, "the stored state is damaged");
        if (json.contains("watermark")) state.watermark = json.at("watermark").get<std::int64_t>();
        if (json.contains("window")) state.window = read_window(json.at("window"));
        if (json.contains("map")) state.map = json.at("map").get<std::int64_t>();
    } catch (const Json::exception &) {
        throw sync::SyncError(sync::Fault::object, "the stored state is damaged");
    }
    return state;
}

std::string write_state(const State &state) {
    Json json = Json::object();
    if (state.watermark) json["watermark"] = *state.watermark;
    if (state.window) {
        const Window &window = *state.window;
        Json out = {{"end", window.end}, {"slice", window.slice}, {"part", window.part}};
        if (window.low) out["low"] = *window.low;
        if (window.at) out["at"] = *window.at, out["id"] = window.id;
        if (!window.next.empty()) out["next"] = window.next;
        json["window"] = std::move(out);
    }
    if (state.map) json["map"] = *state.map;
    return json.dump();
}

std::string literal(std::int64_t micros) {
    using namespace std::chrono;
    const sys_time<microseconds> time{microseconds(micros)};
    const auto day = floor<days>(time);
    const year_month_day date(day);
    const hh_mm_ss clock(floor<milliseconds>(time - day));
    char out[64];
    std::snprintf(out, sizeof out, "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                  static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()));
    std::string text = out;
    if (clock.subseconds().count() != 0) {
        std::snprintf(out, sizeof out, ".%03d", static_cast<int>(clock.subseconds().count()));
        text += out;
    }
    return text + "Z";
}

bool is_field(const std::string &name) {
    if (name.empty() || name.size() > 200) return false;
    bool start = true;
    for (const char c : name) {
        if (start ? !is_letter(c) : !(is_letter(c) || is_digit(c) || c == '_' || c == '.')) return false;
        start = c == '.';
    }
    return !start;
}

bool is_id(const std::string &text) {
    return (text.size() == 15 || text.size() == 18) &&
           std::all_of(text.begin(), text.end(), [](char c) { return is_letter(c) || is_digit(c); });
}

std::string select(const Scope &scope, const Window &window) {
    std::string soql = "SELECT ";
    for (const auto &field : scope.fields) soql += (&field == &scope.fields.front() ? "" : ", ") + field;
    soql += " FROM " + scope.object + " WHERE SystemModstamp <= " + literal(window.slice);
    if (window.at) {
        // Many records share a second: the id goes on where a cut page ended.
        const std::string at = literal(*window.at);
        soql += " AND (SystemModstamp > " + at + " OR (SystemModstamp = " + at + " AND Id > '" + window.id + "'))";
    } else if (window.low) {
        soql += " AND SystemModstamp >= " + literal(*window.low);
    }
    return soql + " ORDER BY SystemModstamp, Id";
}

}  // namespace xsell::connectors::salesforce
