#include "connectors/axiscare/state.hpp"

#include <nlohmann/json.hpp>

#include "sync/error.hpp"

namespace xsell::connectors::axiscare {

using nlohmann::json;

State read_state(const std::string &text) {
    State state;
    if (text.empty()) return state;
    try {
        const json in = json::parse(text);
        if (in.contains("watermark")) state.watermark = in.at("watermark").get<std::int64_t>();
        state.stamp = in.value("stamp", std::int64_t{0});
        if (!in.contains("scan")) return state;
        const json &scan = in.at("scan");
        state.scan =
            Scan{scan.at("start").get<std::int64_t>(), scan.at("part").get<std::size_t>(), scan.at("updated").get<bool>(),
                 scan.at("to").get<std::int64_t>(),    scan.at("low").get<std::int64_t>(), scan.at("next").get<std::string>(),
                 scan.at("last").get<std::string>(),   scan.at("seen").get<std::int64_t>()};
    } catch (const json::exception &) {
        throw sync::SyncError(sync::Fault::object, "the stored state is damaged");
    }
    if (!state.scan->next.empty() && !state.scan->next.starts_with('/'))
        throw sync::SyncError(sync::Fault::object, "the stored state is damaged");
    return state;
}

std::string write_state(const State &state) {
    json out = {{"stamp", state.stamp}};
    if (state.watermark) out["watermark"] = *state.watermark;
    if (state.scan) {
        const Scan &scan = *state.scan;
        out["scan"] = {{"start", scan.start}, {"part", scan.part}, {"updated", scan.updated},
                       {"to", scan.to},       {"low", scan.low},   {"next", scan.next},
                       {"last", scan.last},   {"seen", scan.seen}, {"restarts", scan.restarts}};
    }
    return out.dump();
}

}  // namespace xsell::connectors::axiscare
