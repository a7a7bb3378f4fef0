#include "connectors/zoho/connector.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "connectors/parts.hpp"
#include "connectors/zoho/api.hpp"
#include "connectors/zoho/login.hpp"
#include "connectors/zoho/org.hpp"
#include "connectors/zoho/part.hpp"
#include "connectors/zoho/state.hpp"
#include "connectors/zoho/walk.hpp"
#include "sync/convert.hpp"

namespace xsell::connectors {
namespace {

using namespace zoho;
using sync::Fault;
using sync::Finding;
using sync::SyncError;

constexpr std::int64_t second = 1'000'000;

class Zoho final : public sync::Connector {
  public:
    explicit Zoho(const Settings &settings);

    std::vector<std::string> objects() const override { return objects_; }
    sync::Page fetch(const sync::Object &object, const std::string &text) override;
    std::optional<std::int64_t> count(const sync::Object &object) override;
    std::optional<std::string> since(const sync::Object &object, std::int64_t micros) override;
    sync::Page replay(const sync::Object &object, const std::vector<std::string> &payloads) override;
    std::vector<Finding> check() override;
    std::int64_t map_hash(const sync::Object &object) const override;

  private:
    std::vector<Part *> parts(const std::string &object);
    Scan begin(Part &part, const State &state);
    void start_walk(const State &state, Scan &scan) const;
    std::string path(const Part &part, const Scan &scan) const;
    bool read_users(const sync::Object &object, const Part &part, Scan &scan, sync::Page &page);
    bool read_live(const sync::Object &object, Part &part, Scan &scan, sync::Page &page);
    bool read_deleted(const sync::Object &object, const Part &part, const State &state, Scan &scan, sync::Page &page);
    void map_rows(const sync::Object &object, const Part &part, const List &list, sync::Page &page);
    void apply_stages(const sync::Object &object, sync::Page &page);
    void map_deleted(const sync::Object &object, const Part &part, const List &list, sync::Page &page);
    bool step(const sync::Object &object, Part &part, const State &state, Scan &scan, sync::Page &page);
    void finish(const sync::Object &object, State &state, sync::Page &page);

    Login login_;
    std::int64_t lookback_, full_every_;
    Stages stages_;
    bool stages_read_ = false;
    std::vector<Part> parts_;
    RateMeaning rate_meaning_ = RateMeaning::per_home;
    std::vector<std::string> objects_;
    Mapper tombstones_;
    std::optional<Api> api_;
};

Zoho::Zoho(const Settings &settings)
    : login_(settings),
      lookback_(settings.seconds("lookback", 300) * second),
      full_every_(settings.seconds("full_every", 30 * 86400) * second),
      stages_(settings),
      parts_(make_parts(settings)),
      tombstones_({"deleted record", "id", ""}, tombstone(), {}, {}) {
    const std::string version = settings.text("api_version", "v8");
    if (version.size() < 2 || version.front() != 'v' || version.find_first_not_of("0123456789.", 1) != std::string::npos)
        settings.problem("api_version: is not of the form v8");
    const std::string rates = settings.choice("exchange_rates", {"per_home", "in_home", "none"});
    rate_meaning_ = rates == "none" ? RateMeaning::none : rates == "in_home" ? RateMeaning::in_home : RateMeaning::per_home;
    std::vector<std::string> offered;
    for (const auto &part : parts_) {
        if (offered.empty() || offered.back() != part.object) offered.push_back(part.object);
    }
    objects_ = settings.chosen(offered);
    settings.finish();
    api_.emplace(login_, "/crm/" + version, settings.host);
}

std::vector<Part *> Zoho::parts(const std::string &object) {
    std::vector<Part *> list;
    for (auto &part : parts_) {
        if (object == part.object) list.push_back(&part);
    }
    if (list.empty()) throw SyncError(Fault::object, "zoho has no object " + object);
    return list;
}

void Zoho::start_walk(const State &state, Scan &scan) const {
    if (!scan.full) scan.low = std::min(*state.watermark, scan.start - lookback_);
}

Scan Zoho::begin(Part &part, const State &state) {
    if (part.users() || part.lines) api_->get("/users?type=CurrentUser", module_subject("users"));  // its date is wanted
    describe(*api_, part);
    Scan scan;
    scan.start = scan.looked = api_->now();
    scan.full = !state.watermark || state.full_at == 0 ||
                (full_every_ > 0 && state.full_at && scan.start - *state.full_at >= full_every_);
    start_walk(state, scan);
    return scan;
}

std::string Zoho::path(const Part &part, const Scan &scan) const {
    std::string path = "/" + part.module + "?fields=" + part.lists.front() +
                       "&per_page=" + std::to_string(part.lines ? lines_page : rows_page) +
                       "&sort_by=Modified_Time&sort_order=" + (scan.oldest_first ? "asc" : "desc") + part.extra;
    return path + (scan.token.empty() ? "&page=" + std::to_string(scan.page) : "&page_token=" + http::encode(scan.token));
}

void Zoho::map_rows(const sync::Object &object, const Part &part, const List &list, sync::Page &page) {
    if (part.lines) return read_lines(*api_, *part.lines, list.listing.records, part.mapper, object, page);
    auto texts = completed(*api_, part.module, part.extra, list.listing.records, part.lists);
    if (part.object == "activity") {
        for (auto &text : texts) text = with_links(text);
    }
    const std::vector<std::string_view> rows(texts.begin(), texts.end());
    part.mapper.map(object, rows, page);
    if (part.object == "opportunity") apply_stages(object, page);
}

void Zoho::apply_stages(const sync::Object &object, sync::Page &page) {
    if (page.records.empty()) return;
    if (!stages_read_) stages_.read(*api_);
    stages_read_ = true;
    stages_.apply(object, page);
}

// Deals take their lines with them; other tombstones are records that say no more than that.
void Zoho::map_deleted(const sync::Object &object, const Part &part, const List &list, sync::Page &page) {
    if (!part.lines) {
        tombstones_.map(object, list.listing.records, page);
        page.fields.clear();  // a tombstone's fields are not the module's
        return;
    }
    sync::Replaced replaced{"opportunity_id", {}, ""};
    for (const auto raw : list.listing.records) {
        const std::string id = text_at(raw, "id").value_or("");
        const auto at = sync::to_timestamp(text_at(raw, "deleted_time").value_or(""));
        if (!is_id(id) || !at) continue;
        replaced.parents.push_back(id);
        replaced.at = std::max(replaced.at, *at);
    }
    if (!replaced.parents.empty()) page.replaced = std::move(replaced);
}

bool Zoho::read_users(const sync::Object &object, const Part &part, Scan &scan, sync::Page &page) {
    const auto list =
        api_->list("/users?type=AllUsers&per_page=" + std::to_string(rows_page) + "&page=" + std::to_string(scan.page), "users",
                   module_subject("users"));
    part.mapper.map(object, list.listing.records, page);
    return !next_number(scan, list, "users");
}

bool Zoho::read_live(const sync::Object &object, Part &part, Scan &scan, sync::Page &page) {
    if (part.users()) return read_users(object, part, scan, page);
    if (part.lists.empty()) describe(*api_, part);
    for (int tries = 0;; ++tries) {
        try {
            if (at_wall(scan)) throw WalkBroken(part.module + ": no more pages by number, and no page token", true);
            const auto list = api_->list(path(part, scan), "data", module_subject(part.module), scan.low);
            map_rows(object, part, list, page);
            return !advance(scan, list, part.module);
        } catch (const WalkBroken &broken) {
            if (tries == 2) throw;
            spdlog::info("zoho: {}; the walk goes on from where it stood", broken.what());
            restart(scan, broken);
        }
    }
}

bool Zoho::read_deleted(const sync::Object &object, const Part &part, const State &state, Scan &scan, sync::Page &page) {
    const std::string module = part.lines ? "Deals" : part.module;
    std::optional<std::int64_t> low = state.deleted;
    if (low) low = std::min(*low, scan.start - lookback_);
    if (scan.again > 0) low = scan.start - lookback_;
    const std::string path = "/" + module + "/deleted?type=all&per_page=" + std::to_string(rows_page);
    try {
        const auto list = api_->list(path + "&page=" + std::to_string(scan.page), "data", module_subject(module), low);
        for (const auto raw : list.listing.records) {
            const auto at = sync::to_micros(text_at(raw, "deleted_time").value_or(""));
            scan.struck = scan.struck || (at && *at >= scan.looked);
        }
        map_deleted(object, part, list, page);
        return !next_number(scan, list, module + "/deleted");
    } catch (const WalkBroken &broken) {
        spdlog::info("zoho: {}; the next sync reads everything again for the sake of deletes", broken.what());
        scan.lost = true;
        return true;
    }
}

// Reads one page; true when the part is over.
bool Zoho::step(const sync::Object &object, Part &part, const State &state, Scan &scan, sync::Page &page) {
    if (scan.phase == Phase::live) {
        if (!read_live(object, part, scan, page)) return false;
        if (part.users()) return true;
        to_deleted(scan);
        return false;
    }
    if (!read_deleted(object, part, state, scan, page)) return false;
    if (!worth_another_walk(scan)) return true;
    walk_again(scan, api_->now());
    start_walk(state, scan);
    return false;
}

void Zoho::finish(const sync::Object &object, State &state, sync::Page &page) {
    const Scan &scan = *state.scan;
    state.watermark = state.deleted = scan.start - lookback_;
    if (scan.full || !state.full_at) state.full_at = scan.start;
    if (scan.lost && !scan.full) state.full_at = 0;
    if (scan.full) page.source_count = count(object);  // each count costs a credit
    state.scan.reset();
    page.done = true;
}

sync::Page Zoho::fetch(const sync::Object &object, const std::string &text) {
    State state = read_state(text);
    const auto list = parts(object.name);
    // Another field map: what was read lacks the new fields, so it is read again from the beginning.
    const std::int64_t map = map_hash(object);
    if (state.map.value_or(map) != map) state = {};
    state.map = map;
    sync::Page page;
    if (!state.scan) {
        state.scan = begin(*list.front(), state);
        stages_read_ = false;
        if (object.name == objects_.front()) page.rates = read_rates(*api_, rate_meaning_);
        if (state.scan->full) page.total = count(object);
    }
    Scan &scan = *state.scan;
    if (scan.part >= list.size() || (!scan.full && !state.watermark)) refuse_state();
    // Zoho remembers deleted records for months only, and deleted users not at all.
    if (scan.full || list.front()->users()) {
        page.sweep = scan.seen ? sync::Sweep::go_on : sync::Sweep::begin;
        page.sweep_at = sync::from_micros(scan.start);
        scan.seen = true;
    }
    if (step(object, *list[scan.part], state, scan, page)) {
        next_part(scan);
        start_walk(state, scan);
        if (scan.part < list.size()) list[scan.part]->lists.clear();  // to be described anew
    }
    if (scan.part == list.size()) finish(object, state, page);
    page.next_state = write_state(state);
    return page;
}

std::optional<std::string> Zoho::since(const sync::Object &object, std::int64_t micros) {
    if (object.name == "crm_user") return std::nullopt;
    State state;
    state.watermark = state.deleted = micros;
    state.map = map_hash(object);
    return write_state(state);
}

sync::Page Zoho::replay(const sync::Object &object, const std::vector<std::string> &payloads) {
    sync::Page page;
    const auto list = parts(object.name);
    for (const auto &payload : payloads) {
        const auto part =
            std::find_if(list.begin(), list.end(), [&](const Part *p) { return payload.find(p->mark) != std::string::npos; });
        const std::string_view rows[] = {payload};
        (part == list.end() ? list.front() : *part)->mapper.map(object, rows, page);
    }
    if (object.name == "opportunity") apply_stages(object, page);
    return page;
}

std::optional<std::int64_t> Zoho::count(const sync::Object &object) {
    std::int64_t total = 0;
    try {
        for (const Part *part : parts(object.name)) {
            if (part->users() || part->lines) return std::nullopt;
            const std::string parameters = part->extra.empty() ? "" : "?" + part->extra.substr(1);
            const auto body = api_->object("/" + part->module + "/actions/count" + parameters, module_subject(part->module));
            const auto found = body.find("count");
            if (found == body.end() || !found->is_number_integer()) return std::nullopt;
            total += found->get<std::int64_t>();
        }
    } catch (const SyncError &error) {
        if (error.fault == Fault::stopped) throw;
        return std::nullopt;
    }
    return total;
}

std::vector<Finding> Zoho::check() {
    std::vector<Finding> findings;
    try {
        api_->log_in();
        findings.push_back({Finding::Level::ok, "logged in"});
    } catch (const std::exception &error) {
        findings.push_back({Finding::Level::error, error.what()});
        return findings;
    }
    for (const auto &part : parts_) {
        if (std::find(objects_.begin(), objects_.end(), part.object) != objects_.end()) zoho::check(*api_, part, findings);
    }
    return findings;
}

std::int64_t Zoho::map_hash(const sync::Object &object) const {
    std::uint64_t hash = object.name == "opportunity" ? stages_.hash() : 0;
    for (const auto &part : parts_) {
        if (object.name != part.object) continue;
        hash = hash * 31 + static_cast<std::uint64_t>(part.mapper.hash());
        for (const char c : part.module) hash = hash * 31 + static_cast<unsigned char>(c);
    }
    return static_cast<std::int64_t>(hash);
}

}  // namespace

std::unique_ptr<sync::Connector> make_zoho(const Settings &settings) { return std::make_unique<Zoho>(settings); }

}  // namespace xsell::connectors
