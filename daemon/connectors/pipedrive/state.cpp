#include "connectors/pipedrive/state.hpp"

#include "connectors/state_text.hpp"

namespace xsell::connectors::pipedrive {

namespace {
constexpr std::array phases = {"walk", "catch_up"};
}

template <typename Archive>
void fields(Archive &archive, Scan &scan) {
    archive("start", scan.start);
    archive("full", scan.full);
    archive("begun", scan.begun);
    archive("part", scan.part);
    archive("phase", scan.phase, phases);
    archive("newest_first", scan.newest_first);
    archive("refused", scan.refused);
    archive("low", scan.low);
    archive("high", scan.high);
    archive("cursor", scan.cursor);
    archive("position", scan.position);
    archive("seen", scan.seen);
    archive("ordered", scan.ordered);
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

}  // namespace xsell::connectors::pipedrive
