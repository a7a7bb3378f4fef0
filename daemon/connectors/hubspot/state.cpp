#include "connectors/hubspot/state.hpp"

#include <charconv>
#include <numeric>

#include <nlohmann/json.hpp>

#include "connectors/parts.hpp"

namespace xsell::connectors::hubspot {

using Json = nlohmann::json;

namespace {

// Ids lie close together: their distances are shorter than they are.
Json distances(const Archived &ids) {
    Archived steps(ids.size());
    std::adjacent_difference(ids.begin(), ids.end(), steps.begin());
    return steps;
}

Archived ids_of(const Json &json) {
    Archived ids = json.get<Archived>();
    std::partial_sum(ids.begin(), ids.end(), ids.begin());
    return ids;
}

}  // namespace

State read_state(const std::string &text) {
    State state;
    if (text.empty()) return state;
    try {
        const Json json = Json::parse(text);
        if (!json.is_object()) refuse_state();
        if (json.contains("watermark")) state.watermark = json.at("watermark").get<std::int64_t>();
        if (json.contains("full_at")) state.full_at = json.at("full_at").get<std::int64_t>();
        if (json.contains("map")) state.map = json.at("map").get<std::int64_t>();
        if (json.contains("archived")) {
            for (const auto &[type, steps] : json.at("archived").items()) state.archived[type] = ids_of(steps);
        }
        if (!json.contains("scan")) return state;
        const Json &in = json.at("scan");
        state.scan = Scan{in.at("start").get<std::int64_t>(),
                          in.at("full").get<bool>(),
                          in.at("part").get<std::size_t>(),
                          in.at("phase").get<std::string>() == "archived" ? Phase::archived : Phase::live,
                          in.value("after", ""),
                          in.value("last", std::uint64_t{0}),
                          in.value("total", std::int64_t{0})};
    } catch (const Json::exception &) {
        refuse_state();
    }
    return state;
}

std::string write_state(const State &state) {
    Json json = Json::object();
    if (state.watermark) json["watermark"] = *state.watermark;
    if (state.full_at) json["full_at"] = *state.full_at;
    if (state.map) json["map"] = *state.map;
    if (state.scan) {
        const Scan &scan = *state.scan;
        json["scan"] = {{"start", scan.start}, {"full", scan.full},
                        {"part", scan.part},   {"phase", scan.phase == Phase::archived ? "archived" : "live"},
                        {"after", scan.after}, {"last", scan.last},
                        {"total", scan.total}};
    }
    for (const auto &[type, ids] : state.archived) {
        if (!ids.empty()) json["archived"][type] = distances(ids);
    }
    return json.dump();
}

std::uint64_t number(const std::string &id) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), value);
    return error == std::errc() && end == id.data() + id.size() ? value : 0;
}

}  // namespace xsell::connectors::hubspot
