#include "connectors/sql/state.hpp"

#include <array>

#include <nlohmann/json.hpp>

#include "sync/error.hpp"

namespace xsell::connectors::sql {
namespace {

using Json = nlohmann::json;

constexpr std::array<const char *, 3> phases = {"all", "dated", "undated"};

template <class T>
std::optional<T> optional(const Json &json, const char *name) {
    if (!json.contains(name)) return std::nullopt;
    return json.at(name).get<T>();
}

Scan read_scan(const Json &in) {
    Scan scan;
    const auto phase = in.at("phase").get<std::string>();
    const auto found = std::find(phases.begin(), phases.end(), phase);
    if (found == phases.end()) throw sync::SyncError(sync::Fault::object, "the stored state is damaged");
    scan.phase = static_cast<Phase>(found - phases.begin());
    scan.full = in.at("full").get<bool>();
    scan.at = in.at("at").get<std::string>();
    scan.from = in.value("from", "");
    scan.next = optional<std::string>(in, "next");
    scan.id = optional<std::string>(in, "id");
    scan.cursor = in.value("cursor", "");
    scan.live = optional<std::int64_t>(in, "live");
    return scan;
}

}  // namespace

State read_state(const std::string &text) {
    State state;
    if (text.empty()) return state;
    try {
        const Json json = Json::parse(text);
        if (!json.is_object()) throw sync::SyncError(sync::Fault::object, "the stored state is damaged");
        state.watermark = optional<std::string>(json, "watermark");
        state.full_at = optional<std::int64_t>(json, "full_at");
        state.map = optional<std::int64_t>(json, "map");
        if (json.contains("scan")) state.scan = read_scan(json.at("scan"));
    } catch (const Json::exception &) {
        throw sync::SyncError(sync::Fault::object, "the stored state is damaged");
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
        Json out = {{"phase", phases[static_cast<std::size_t>(scan.phase)]}, {"full", scan.full}, {"at", scan.at}};
        if (!scan.from.empty()) out["from"] = scan.from;
        if (scan.next) out["next"] = *scan.next;
        if (scan.id) out["id"] = *scan.id, out["cursor"] = scan.cursor;
        if (scan.live) out["live"] = *scan.live;
        json["scan"] = std::move(out);
    }
    return json.dump();
}

}  // namespace xsell::connectors::sql
