#include "connectors/sql/state.hpp"

#include "connectors/state_text.hpp"

namespace xsell::connectors::sql {

namespace {
constexpr std::array phases = {"all", "dated", "undated"};
}

template <typename Archive>
void fields(Archive &archive, Scan &scan) {
    archive("full", scan.full);
    archive("phase", scan.phase, phases);
    archive("from", scan.from);
    archive("next", scan.next);
    archive("at", scan.at);
    archive("id", scan.id);
    archive("cursor", scan.cursor);
    archive("live", scan.live);
}

template <typename Archive>
void fields(Archive &archive, State &state) {
    archive("watermark", state.watermark);
    archive("full_at", state.full_at);
    archive("map", state.map);
    archive("scan", state.scan);
}

State read_state(const std::string &text) { return read_text<State>(text); }

std::string write_state(const State &state) { return write_text(state); }

}  // namespace xsell::connectors::sql
