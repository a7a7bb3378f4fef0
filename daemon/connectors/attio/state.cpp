#include "connectors/attio/state.hpp"

#include <nlohmann/json.hpp>

#include "sync/error.hpp"

namespace xsell::connectors::attio {

using nlohmann::json;

namespace {

Scan read_scan(const json &in) {
    Scan scan;
    scan.start = in.at("start").get<std::int64_t>();
    scan.part = in.at("part").get<std::size_t>();
    scan.parts = in.at("parts").get<std::int64_t>();
    scan.cursor = in.at("cursor").get<std::string>();
    const json &walk = in.at("walk");
    scan.walk = {walk.at("offset").get<std::int64_t>(),
                 walk.at("full").get<std::int64_t>(),
                 walk.at("seen").get<std::int64_t>(),
                 walk.at("doubted").get<bool>(),
                 walk.at("went_back").get<bool>(),
                 walk.at("backs").get<int>(),
                 walk.at("tail").get<std::vector<std::string>>()};
    if (scan.walk.offset < 0 || scan.walk.full < 0) throw sync::SyncError(sync::Fault::object, "the stored state is damaged");
    return scan;
}

json write_scan(const Scan &scan) {
    const Walk &walk = scan.walk;
    return {{"start", scan.start},
            {"part", scan.part},
            {"parts", scan.parts},
            {"cursor", scan.cursor},
            {"walk",
             {{"offset", walk.offset},
              {"full", walk.full},
              {"seen", walk.seen},
              {"doubted", walk.doubted},
              {"went_back", walk.went_back},
              {"backs", walk.backs},
              {"tail", walk.tail}}}};
}

}  // namespace

State read_state(const std::string &text) {
    State state;
    if (text.empty()) return state;
    try {
        const json in = json::parse(text);
        state.floor = in.at("floor").get<std::int64_t>();
        if (in.contains("scan")) state.scan = read_scan(in.at("scan"));
    } catch (const json::exception &) {
        throw sync::SyncError(sync::Fault::object, "the stored state is damaged");
    }
    return state;
}

std::string write_state(const State &state) {
    json out = {{"floor", state.floor}};
    if (state.scan) out["scan"] = write_scan(*state.scan);
    return out.dump();
}

}  // namespace xsell::connectors::attio
