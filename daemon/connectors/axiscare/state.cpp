#include "connectors/axiscare/state.hpp"

#include "connectors/state_text.hpp"

namespace xsell::connectors::axiscare {

template <typename Archive>
void fields(Archive &archive, Scan &scan) {
    archive("start", scan.start);
    archive("part", scan.part);
    archive("updated", scan.updated);
    archive("to", scan.to);
    archive("low", scan.low);
    archive("next", scan.next);
    archive("last", scan.last);
    archive("seen", scan.seen);
    archive("restarts", scan.restarts);
}

template <typename Archive>
void fields(Archive &archive, State &state) {
    archive("watermark", state.watermark);
    archive("stamp", state.stamp);
    archive("scan", state.scan);
}

State read_state(const std::string &text) {
    State state = read_text<State>(text);
    if (state.scan && !state.scan->next.empty() && !state.scan->next.starts_with('/')) refuse_state();
    return state;
}

std::string write_state(const State &state) { return write_text(state); }

}  // namespace xsell::connectors::axiscare
