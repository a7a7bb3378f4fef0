#include "connectors/zoho/state.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "connectors/parts.hpp"

namespace xsell::connectors::zoho {
namespace {

using Json = nlohmann::json;
using Time = std::optional<std::int64_t>;

void read(const Json &json, const char *name, Time &value) {
    if (json.contains(name)) value = json.at(name).get<std::int64_t>();
}

void write(Json &json, const char *name, const Time &value) {
    if (value) json[name] = *value;
}

// Page tokens go into an address: the characters that Zoho makes them of, and no others.
bool is_token(const std::string &text) {
    return text.size() <= 1000 &&
           std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) <= ' '; });
}

Scan read_scan(const Json &in) {
    Scan scan;
    scan.start = in.at("start").get<std::int64_t>();
    scan.looked = in.at("looked").get<std::int64_t>();
    scan.full = in.at("full").get<bool>();
    scan.seen = in.at("seen").get<bool>();
    scan.part = in.at("part").get<std::size_t>();
    const auto phase = in.at("phase").get<std::string>();
    if (phase != "live" && phase != "deleted") refuse_state();
    scan.phase = phase == "deleted" ? Phase::deleted : Phase::live;
    scan.oldest_first = in.at("oldest_first").get<bool>();
    scan.page = in.at("page").get<std::int64_t>();
    scan.token = in.value("token", "");
    scan.first = in.value("first", "");
    read(in, "low", scan.low);
    read(in, "reached", scan.reached);
    read(in, "until", scan.until);
    scan.disordered = in.at("disordered").get<bool>();
    scan.pages = in.at("pages").get<std::int64_t>();
    scan.walked = in.at("walked").get<std::int64_t>();
    scan.again = in.at("again").get<std::int64_t>();
    scan.lost = in.at("lost").get<bool>();
    scan.struck = in.at("struck").get<bool>();
    if (scan.page < 1 || scan.pages < 0 || !is_token(scan.token)) refuse_state();
    return scan;
}

Json write_scan(const Scan &scan) {
    Json out = {{"start", scan.start},
                {"looked", scan.looked},
                {"full", scan.full},
                {"seen", scan.seen},
                {"part", scan.part},
                {"phase", scan.phase == Phase::deleted ? "deleted" : "live"},
                {"oldest_first", scan.oldest_first},
                {"page", scan.page},
                {"disordered", scan.disordered},
                {"pages", scan.pages},
                {"walked", scan.walked},
                {"again", scan.again},
                {"lost", scan.lost},
                {"struck", scan.struck}};
    if (!scan.token.empty()) out["token"] = scan.token;
    if (!scan.first.empty()) out["first"] = scan.first;
    write(out, "low", scan.low);
    write(out, "reached", scan.reached);
    write(out, "until", scan.until);
    return out;
}

}  // namespace

State read_state(const std::string &text) {
    State state;
    if (text.empty()) return state;
    try {
        const Json json = Json::parse(text);
        if (!json.is_object()) refuse_state();
        read(json, "watermark", state.watermark);
        read(json, "deleted", state.deleted);
        read(json, "full_at", state.full_at);
        read(json, "map", state.map);
        if (json.contains("scan")) state.scan = read_scan(json.at("scan"));
    } catch (const Json::exception &) {
        refuse_state();
    }
    return state;
}

std::string write_state(const State &state) {
    Json json = Json::object();
    write(json, "watermark", state.watermark);
    write(json, "deleted", state.deleted);
    write(json, "full_at", state.full_at);
    write(json, "map", state.map);
    if (state.scan) json["scan"] = write_scan(*state.scan);
    return json.dump();
}

}  // namespace xsell::connectors::zoho
