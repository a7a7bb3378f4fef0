#include "connectors/attio/state.hpp"

#include "connectors/state_text.hpp"

namespace xsell::connectors::attio {

template <typename Archive>
void fields(Archive &archive, Walk &walk) {
    archive("offset", walk.offset);
    archive("full", walk.full);
    archive("seen", walk.seen);
    archive("doubted", walk.doubted);
    archive("went_back", walk.went_back);
    archive("backs", walk.backs);
    archive("tail", walk.tail);
}

template <typename Archive>
void fields(Archive &archive, Scan &scan) {
    archive("start", scan.start);
    archive("part", scan.part);
    archive("parts", scan.parts);
    archive("cursor", scan.cursor);
    archive("walk", scan.walk);
}

template <typename Archive>
void fields(Archive &archive, State &state) {
    archive("floor", state.floor);
    archive("scan", state.scan);
}

State read_state(const std::string &text) {
    State state = read_text<State>(text);
    if (state.scan && (state.scan->walk.offset < 0 || state.scan->walk.full < 0)) refuse_state();
    return state;
}

std::string write_state(const State &state) { return write_text(state); }

}  // namespace xsell::connectors::attio
