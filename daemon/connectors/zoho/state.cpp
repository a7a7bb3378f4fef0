#include "connectors/zoho/state.hpp"

#include "connectors/state_text.hpp"

namespace xsell::connectors::zoho {

namespace {

constexpr std::array phases = {"live", "deleted"};

// Page tokens go into an address: the characters that Zoho makes them of, and no others.
bool is_token(const std::string &text) {
    return text.size() <= 1000 &&
           std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) <= ' '; });
}

}  // namespace

template <typename Archive>
void fields(Archive &archive, Scan &scan) {
    archive("start", scan.start);
    archive("looked", scan.looked);
    archive("full", scan.full);
    archive("seen", scan.seen);
    archive("part", scan.part);
    archive("phase", scan.phase, phases);
    archive("oldest_first", scan.oldest_first);
    archive("page", scan.page);
    archive("token", scan.token);
    archive("first", scan.first);
    archive("low", scan.low);
    archive("reached", scan.reached);
    archive("until", scan.until);
    archive("disordered", scan.disordered);
    archive("pages", scan.pages);
    archive("walked", scan.walked);
    archive("again", scan.again);
    archive("lost", scan.lost);
    archive("struck", scan.struck);
}

template <typename Archive>
void fields(Archive &archive, State &state) {
    archive("watermark", state.watermark);
    archive("deleted", state.deleted);
    archive("full_at", state.full_at);
    archive("map", state.map);
    archive("scan", state.scan);
}

State read_state(const std::string &text) {
    State state = read_text<State>(text);
    if (state.scan && (state.scan->page < 1 || state.scan->pages < 0 || !is_token(state.scan->token))) refuse_state();
    return state;
}

std::string write_state(const State &state) { return write_text(state); }

}  // namespace xsell::connectors::zoho
