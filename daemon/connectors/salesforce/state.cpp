#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "connectors/parts.hpp"
#include "connectors/salesforce/query.hpp"

namespace xsell::connectors::salesforce {
namespace {

using Json = nlohmann::json;

constexpr std::pair<const char *, Way> ways[] = {{"undecided", Way::undecided}, {"rest", Way::rest}, {"bulk", Way::bulk}};

template <typename Value>
void take(const Json &json, const char *name, Value &value) {
    if (json.contains(name)) value = json.at(name).get<Value>();
}

void take(const Json &json, const char *name, std::optional<std::int64_t> &value) {
    if (json.contains(name)) value = json.at(name).get<std::int64_t>();
}

template <typename Value>
void put(Json &json, const char *name, const std::optional<Value> &value) {
    if (value) json[name] = *value;
}

void put(Json &json, const char *name, const std::string &value) {
    if (!value.empty()) json[name] = value;
}

// What goes into a path or a query must be what it claims to be.
void check_path(const std::string &path) {
    if (!path.empty() && !path.starts_with("/services/data/")) refuse_state();
}

Window read_window(const Json &json) {
    Window window;
    take(json, "low", window.low);
    window.high = json.at("high").get<std::int64_t>();
    take(json, "down", window.down);
    take(json, "cut", window.cut);
    take(json, "at", window.at);
    take(json, "id", window.id);
    take(json, "next", window.next);
    if (window.at && !is_id(window.id)) refuse_state();
    check_path(window.next);
    return window;
}

Json written(const Window &window) {
    Json json = {{"high", window.high}};
    put(json, "low", window.low);
    if (window.down) json["down"] = true;
    put(json, "cut", window.cut);
    if (window.at) json["at"] = *window.at, json["id"] = window.id;
    put(json, "next", window.next);
    return json;
}

Job read_job(const Json &json) {
    Job job{json.at("id").get<std::string>(), json.at("version").get<std::string>(), "", false, 0, 0};
    take(json, "locator", job.locator);
    take(json, "complete", job.complete);
    take(json, "made", job.made);
    take(json, "looked", job.looked);
    const bool version = job.version.starts_with('v') && job.version.find_first_not_of("0123456789.", 1) == std::string::npos;
    if (!is_id(job.id) || !version) refuse_state();
    return job;
}

Json written(const Job &job) {
    Json json = {{"id", job.id}, {"version", job.version}, {"made", job.made}, {"looked", job.looked}};
    put(json, "locator", job.locator);
    if (job.complete) json["complete"] = true;
    return json;
}

Reading read_reading(const Json &json) {
    Reading reading;
    reading.start = json.at("start").get<std::int64_t>();
    reading.safe = json.at("safe").get<std::int64_t>();
    reading.part = json.at("part").get<std::size_t>();
    take(json, "full", reading.full);
    take(json, "tail", reading.tail);
    reading.window = read_window(json.at("window"));
    std::string name = ways[0].first;
    take(json, "way", name);
    const auto way = std::find_if(std::begin(ways), std::end(ways), [&](const auto &known) { return name == known.first; });
    if (way == std::end(ways)) refuse_state();
    reading.way = way->second;
    if (json.contains("job")) reading.job = read_job(json.at("job"));
    take(json, "jobs", reading.jobs);
    take(json, "spent", reading.spent);
    take(json, "total", reading.total);
    check_path(reading.spent);
    return reading;
}

Json written(const Reading &reading) {
    Json json = {{"start", reading.start}, {"safe", reading.safe}, {"part", reading.part}, {"window", written(reading.window)}};
    json["way"] =
        std::find_if(std::begin(ways), std::end(ways), [&](const auto &way) { return reading.way == way.second; })->first;
    if (reading.full) json["full"] = true;
    if (reading.tail) json["tail"] = true;
    if (reading.job) json["job"] = written(*reading.job);
    if (reading.jobs > 0) json["jobs"] = reading.jobs;
    put(json, "spent", reading.spent);
    if (reading.total > 0) json["total"] = reading.total;
    return json;
}

}  // namespace

State read_state(const std::string &text) {
    State state;
    if (text.empty()) return state;
    try {
        const Json json = Json::parse(text);
        if (!json.is_object()) refuse_state();
        take(json, "watermark", state.watermark);
        take(json, "full_at", state.full_at);
        take(json, "map", state.map);
        if (json.contains("reading")) state.reading = read_reading(json.at("reading"));
    } catch (const Json::exception &) {
        refuse_state();
    }
    return state;
}

std::string write_state(const State &state) {
    Json json = Json::object();
    put(json, "watermark", state.watermark);
    put(json, "full_at", state.full_at);
    put(json, "map", state.map);
    if (state.reading) json["reading"] = written(*state.reading);
    return json.dump();
}

}  // namespace xsell::connectors::salesforce
