#include <algorithm>

#include "connectors/salesforce/query.hpp"
#include "connectors/state_text.hpp"

namespace xsell::connectors::salesforce {

namespace {

constexpr std::array ways = {"undecided", "rest", "bulk"};

// What goes into a path or a query must be what it claims to be.
bool is_path(const std::string &path) { return path.empty() || path.starts_with("/services/data/"); }

bool is_version(const std::string &version) {
    return version.starts_with('v') && version.find_first_not_of("0123456789.", 1) == std::string::npos;
}

bool is_sound(const Reading &reading) {
    const Window &window = reading.window;
    return is_path(reading.spent) && is_path(window.next) && (!window.at || is_id(window.id)) &&
           (!reading.job || (is_id(reading.job->id) && is_version(reading.job->version)));
}

}  // namespace

template <typename Archive>
void fields(Archive &archive, Window &window) {
    archive("low", window.low);
    archive("high", window.high);
    archive("down", window.down);
    archive("cut", window.cut);
    archive("at", window.at);
    archive("id", window.id);
    archive("next", window.next);
}

template <typename Archive>
void fields(Archive &archive, Job &job) {
    archive("id", job.id);
    archive("version", job.version);
    archive("locator", job.locator);
    archive("complete", job.complete);
    archive("made", job.made);
    archive("looked", job.looked);
}

template <typename Archive>
void fields(Archive &archive, Reading &reading) {
    archive("start", reading.start);
    archive("safe", reading.safe);
    archive("full", reading.full);
    archive("part", reading.part);
    archive("tail", reading.tail);
    archive("window", reading.window);
    archive("way", reading.way, ways);
    archive("job", reading.job);
    archive("jobs", reading.jobs);
    archive("spent", reading.spent);
    archive("total", reading.total);
}

template <typename Archive>
void fields(Archive &archive, State &state) {
    archive("watermark", state.watermark);
    archive("full_at", state.full_at);
    archive("map", state.map);
    archive("reading", state.reading);
}

State read_state(const std::string &text) {
    State state = read_text<State>(text);
    if (state.reading && !is_sound(*state.reading)) refuse_state();
    return state;
}

std::string write_state(const State &state) { return write_text(state); }

}  // namespace xsell::connectors::salesforce
