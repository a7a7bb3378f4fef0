#include "connectors/hubspot/state.hpp"

#include <charconv>
#include <numeric>

#include "connectors/state_text.hpp"

namespace xsell::connectors::hubspot {

namespace {

constexpr std::array phases = {"live", "archived"};

// Ids lie close together: their distances are shorter than they are.
void to_distances(Archived &ids) { std::adjacent_difference(ids.begin(), ids.end(), ids.begin()); }
void to_ids(Archived &distances) { std::partial_sum(distances.begin(), distances.end(), distances.begin()); }

}  // namespace

template <typename Archive>
void fields(Archive &archive, Scan &scan) {
    archive("start", scan.start);
    archive("full", scan.full);
    archive("part", scan.part);
    archive("phase", scan.phase, phases);
    archive("after", scan.after);
    archive("last", scan.last);
    archive("total", scan.total);
}

template <typename Archive>
void fields(Archive &archive, State &state) {
    archive("watermark", state.watermark);
    archive("full_at", state.full_at);
    archive("map", state.map);
    archive("archived", state.archived);
    archive("scan", state.scan);
}

State read_state(const std::string &text) {
    State state = read_text<State>(text);
    for (auto &[type, ids] : state.archived) to_ids(ids);
    return state;
}

std::string write_state(const State &state) {
    State stored = state;
    std::erase_if(stored.archived, [](const auto &list) { return list.second.empty(); });
    for (auto &[type, ids] : stored.archived) to_distances(ids);
    return write_text(std::move(stored));
}

std::uint64_t number(const std::string &id) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), value);
    return error == std::errc() && end == id.data() + id.size() ? value : 0;
}

}  // namespace xsell::connectors::hubspot
