#include "connectors/salesforce/connector.hpp"

#include <algorithm>
#include <charconv>

#include "connectors/parts.hpp"
#include "connectors/salesforce/faults.hpp"
#include "connectors/salesforce/login.hpp"
#include "connectors/salesforce/money.hpp"
#include "connectors/salesforce/passes.hpp"
#include "sync/convert.hpp"

namespace xsell::connectors {
namespace {

using namespace salesforce;
using sync::Fault;
using sync::Finding;
using sync::SyncError;

constexpr std::int64_t second = 1'000'000;
constexpr std::int64_t usual_bulk = 50'000;

std::optional<std::int64_t> bulk_from(const Settings &settings) {
    const std::string text = settings.text("bulk_from", std::to_string(usual_bulk));
    if (text == "never") return std::nullopt;
    if (text == "always") return 0;
    std::int64_t records = usual_bulk;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), records);
    if (error != std::errc() || end != text.data() + text.size() || records < 0)
        settings.problem("bulk_from: '" + text + "' is neither a number of records nor \"always\" nor \"never\"");
    return records;
}

class Salesforce final : public sync::Connector {
  public:
    explicit Salesforce(const Settings &settings);
    std::vector<std::string> objects() const override { return objects_; }
    sync::Page fetch(const sync::Object &object, const std::string &text) override;
    std::optional<std::int64_t> count(const sync::Object &object) override;
    std::optional<std::string> since(const sync::Object &object, std::int64_t micros) override;
    sync::Page replay(const sync::Object &object, const std::vector<std::string> &payloads) override;
    std::vector<Finding> check() override;
    std::int64_t map_hash(const sync::Object &object) const override { return hash_of(parts_, object.name); }

  private:
    using List = std::vector<Part *>;
    Reading begin(State &state, const List &list);
    Window window_of(const State &state, const Reading &reading) const;
    void next_pass(const State &state, const List &list, Reading &reading);
    void check_part(Part &part, std::vector<Finding> &findings);

    Login login_;
    Api api_;
    std::int64_t lookback_, full_every_;
    bool multi_currency_;
    std::vector<Part> parts_;
    Passes passes_;
    std::vector<std::string> objects_;
    std::string rates_with_;  // the object whose reading brings the exchange rates
};

Salesforce::Salesforce(const Settings &settings)
    : login_(settings),
      api_(settings),
      lookback_(settings.seconds("lookback", 600) * second),
      full_every_(settings.seconds("full_every", 30 * 86400) * second),
      multi_currency_(settings.flag("multi_currency", false)),
      parts_(make_parts(settings, multi_currency_)),
      passes_(api_, bulk_from(settings), multi_currency_) {
    region_of(settings);
    std::vector<std::string> offered;
    for (const auto &part : parts_) {
        if (offered.empty() || offered.back() != part.source->object) offered.emplace_back(part.source->object);
    }
    objects_ = settings.chosen(offered);
    for (const auto &part : parts_) {
        const bool chosen = std::find(objects_.begin(), objects_.end(), part.source->object) != objects_.end();
        if (multi_currency_ && rates_with_.empty() && chosen && part.source->currency) rates_with_ = part.source->object;
    }
    settings.finish();
    api_.connect(login_.trust(), login_, settings.host);
}

Window Salesforce::window_of(const State &state, const Reading &reading) const {
    Window window;
    window.high = reading.start;
    window.down = reading.full;
    if (reading.full) return window;
    // A clock that was set back: what is changed by it is stamped before the watermark.
    window.low = std::min(*state.watermark, reading.start - lookback_);
    return window;
}

Reading Salesforce::begin(State &state, const List &list) {
    Reading reading;
    reading.start = reading.safe = api_.now();
    if (!state.full_at && state.watermark) state.full_at = reading.start;
    reading.full = !state.watermark || (full_every_ > 0 && reading.start - *state.full_at >= full_every_);
    for (Part *part : list) {
        if (reading.full && part->source->leads_to) continue;
        if (!part->described || reading.full) describe(api_, *part);
        if (!part->covers || (part->description && !part->description->replicateable)) continue;
        const auto covered = api_.covered(part->source->name, reading.start);
        part->covers = covered.has_value();
        if (covered) reading.safe = std::min(reading.safe, *covered);
    }
    reading.window = window_of(state, reading);
    return reading;
}

// A full reading of a part ends with what was modified meanwhile: that left its window, and must not count as vanished.
void Salesforce::next_pass(const State &state, const List &list, Reading &reading) {
    const bool tail = !reading.tail && (reading.full || !reading.spent.empty());
    if (tail) {
        reading.window = {};
        reading.window.low = reading.start;
        reading.window.high = std::max(reading.start, api_.session().server_time().value_or(0));
    } else {
        ++reading.part;
        while (reading.full && reading.part < list.size() && list[reading.part]->source->leads_to) ++reading.part;
        reading.window = window_of(state, reading);
    }
    reading.tail = tail;
    reading.way = tail ? Way::rest : Way::undecided;
    reading.jobs = 0;
}

sync::Page Salesforce::fetch(const sync::Object &object, const std::string &text) {
    State state = read_state(text);
    const auto list = parts_of(parts_, object.name);
    // Another field map: what was read lacks the new fields, so it is read again from the beginning.
    const std::int64_t map = map_hash(object);
    if (state.map.value_or(map) != map) state = {};
    state.map = map;
    const bool first = !state.reading;
    if (first) state.reading = begin(state, list);
    Reading &reading = *state.reading;
    if (reading.part >= list.size()) refuse_state();
    sync::Page page;
    if (reading.full) {
        page.sweep = first ? sync::Sweep::begin : sync::Sweep::go_on;
        page.sweep_at = sync::from_micros(reading.start);
    }
    if (first && object.name == rates_with_) page.rates = read_rates(api_);
    if (passes_.step(object, list, reading, page)) next_pass(state, list, reading);
    if (reading.part == list.size()) {
        // Transactions that are still open show up later with an older stamp: the next scan begins a while before this one.
        state.watermark = reading.safe - lookback_;
        if (reading.full) state.full_at = reading.start;
        page.done = true;
        if (reading.full || !first || !page.records.empty()) page.source_count = count(object);
        state.reading.reset();
    }
    page.next_state = write_state(state);
    return page;
}

std::optional<std::int64_t> Salesforce::count(const sync::Object &object) {
    std::int64_t total = 0;
    for (const Part *part : parts_of(parts_, object.name)) {
        if (part->source->leads_to) continue;
        const auto records = api_.count(part->source->name, part->source->deletes);
        if (!records) return std::nullopt;
        total += *records;
    }
    return total;
}

std::optional<std::string> Salesforce::since(const sync::Object &object, std::int64_t micros) {
    State state;
    state.watermark = micros;
    state.map = map_hash(object);
    return write_state(state);
}

sync::Page Salesforce::replay(const sync::Object &object, const std::vector<std::string> &payloads) {
    sync::Page page;
    for (const auto &payload : payloads) {
        const auto list = parts_of(parts_, object.name);
        const auto type = text_at(payload, "attributes.type");
        const auto named = std::find_if(list.begin(), list.end(), [&](const Part *part) { return type == part->source->name; });
        const std::string_view raw = payload;
        (named == list.end() ? list.front() : *named)->mapper.map(object, {&raw, 1}, page);
    }
    return page;
}

void Salesforce::check_part(Part &part, std::vector<Finding> &findings) {
    const std::string name = std::string(part.source->name) + " -> " + part.source->object;
    try {
        const auto ask = [&] {
            Window window;
            window.high = api_.session().server_time().value_or(0);
            window.down = true;
            return api_.query_all(select(scope_of(api_, part), window) + " LIMIT 1");
        };
        auto response = ask();
        if (response.status == 400 && error_code(response) == "INVALID_FIELD" && describe(api_, part)) response = ask();
        require_good(response, part.source->name);
        std::string list;
        for (const auto &field : part.missing) list += (list.empty() ? "" : ", ") + field;
        if (list.empty())
            findings.push_back({Finding::Level::ok, name + " can be read"});
        else
            findings.push_back({Finding::Level::warning, name + " can be read, but not its fields " + list});
    } catch (const std::exception &error) {
        const bool prices = part.source->leads_to != nullptr;  // products go without
        findings.push_back({prices ? Finding::Level::warning : Finding::Level::error, name + " cannot be read: " + error.what()});
    }
}

std::vector<Finding> Salesforce::check() {
    std::vector<Finding> findings;
    try {
        api_.session().log_in();
        findings.push_back({Finding::Level::ok, "logged in"});
        api_.now();
        if (api_.quota_reached()) {
            findings.push_back(
                {Finding::Level::warning, "more of the daily requests is used up than quota_percent allows: syncs wait"});
            return findings;
        }
    } catch (const std::exception &error) {
        findings.push_back({Finding::Level::error, error.what()});
        return findings;
    }
    for (auto &part : parts_) {
        if (std::find(objects_.begin(), objects_.end(), part.source->object) != objects_.end()) check_part(part, findings);
    }
    return findings;
}

}  // namespace

std::unique_ptr<sync::Connector> make_salesforce(const Settings &settings) { return std::make_unique<Salesforce>(settings); }

}  // namespace xsell::connectors
