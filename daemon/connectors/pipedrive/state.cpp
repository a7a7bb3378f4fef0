#include "connectors/pipedrive/state.hpp"

#include <nlohmann/json.hpp>

#include "connectors/parts.hpp"

namespace xsell::connectors::pipedrive {
namespace {

using Json = nlohmann::json;
using Time = std::optional<std::int64_t>;

Time time_at(const Json &json, const char *name) {
    return json.contains(name) ? Time(json.at(name).get<std::int64_t>()) : std::nullopt;
}

void put(Json &json, const char *name, const Time &time) {
    if (time) json[name] = *time;
}

Scan read_scan(const Json &in) {
    Scan scan;
    scan.start = in.at("start").get<std::int64_t>();
    scan.full = in.at("full").get<bool>();
    scan.begun = in.at("begun").get<bool>();
    scan.part = in.at("part").get<std::size_t>();
    scan.phase = in.at("phase").get<std::string>() == "catch_up" ? Phase::catch_up : Phase::walk;
    scan.newest_first = in.at("newest_first").get<bool>();
    scan.refused = in.value("refused", false);
    scan.ordered = in.value("ordered", true);
    scan.low = time_at(in, "low"), scan.high = time_at(in, "high"), scan.seen = time_at(in, "seen");
    scan.cursor = in.value("cursor", "");
    scan.position = in.value("position", std::int64_t(0));
    return scan;
}

Json write_scan(const Scan &scan) {
    Json out = {{"start", scan.start},
                {"full", scan.full},
                {"begun", scan.begun},
                {"part", scan.part},
                {"phase", scan.phase == Phase::catch_up ? "catch_up" : "walk"},
                {"newest_first", scan.newest_first},
                {"ordered", scan.ordered}};
    put(out, "low", scan.low), put(out, "high", scan.high), put(out, "seen", scan.seen);
    if (scan.refused) out["refused"] = true;
    if (!scan.cursor.empty()) out["cursor"] = scan.cursor;
    if (scan.position > 0) out["position"] = scan.position;
    return out;
}

}  // namespace

State read_state(const std::string &text) {
    State state;
    if (text.empty()) return state;
    try {
        const Json json = Json::parse(text);
        if (!json.is_object()) refuse_state();
        state.watermark = time_at(json, "watermark"), state.full_at = time_at(json, "full_at"), state.map = time_at(json, "map");
        if (json.contains("scan")) state.scan = read_scan(json.at("scan"));
    } catch (const Json::exception &) {
        refuse_state();
    }
    return state;
}

std::string write_state(const State &state) {
    Json json = Json::object();
    put(json, "watermark", state.watermark), put(json, "full_at", state.full_at), put(json, "map", state.map);
    if (state.scan) json["scan"] = write_scan(*state.scan);
    return json.dump();
}

}  // namespace xsell::connectors::pipedrive
