#include "connectors/axiscare/connector.hpp"

#include <algorithm>
#include <set>

#include "connectors/axiscare/faults.hpp"
#include "connectors/axiscare/field_map.hpp"
#include "connectors/axiscare/state.hpp"
#include "connectors/rest.hpp"
#include "http/address.hpp"
#include "sync/convert.hpp"
#include "sync/text.hpp"

namespace xsell::connectors {
namespace {

using namespace axiscare;
using nlohmann::json;
using sync::Fault;
using sync::Finding;
using sync::SyncError;

constexpr sync::Budget requests{"axiscare requests", 2, 2};  // AxisCare's limits are not published
constexpr std::int64_t second = 1'000'000, window_days = 28;
constexpr const char *page_limit = "500";  // with fewer, lists have been seen to come back as null
constexpr int most_restarts = 5;
constexpr const char *replaced = "\xEF\xBF\xBD";

struct Part {
    const Source *source;
    Mapper mapper;
};

std::string day_text(std::int64_t day) { return sync::from_micros(day * day_micros).substr(0, 10); }
std::int64_t day_of(std::int64_t micros) { return micros / day_micros; }

// "2023-12-01T00:00:00Z"
std::string utc_text(std::int64_t micros) {
    std::string text = sync::from_micros(micros).substr(0, 19);
    text[10] = 'T';
    return text + "Z";
}

class AxisCare final : public sync::Connector {
  public:
    explicit AxisCare(const Settings &settings);
    std::vector<std::string> objects() const override { return objects_; }
    sync::Page fetch(const sync::Object &object, const std::string &text) override;
    std::optional<std::int64_t> count(const sync::Object &) override { return std::nullopt; }  // AxisCare counts nothing
    std::optional<std::string> since(const sync::Object &object, std::int64_t micros) override;
    std::vector<Finding> check() override;
    std::int64_t map_hash(const sync::Object &object) const override;

  private:
    void add_part(const Source &source, const Settings &settings);
    std::vector<Part *> parts(const std::string &object);
    std::int64_t now() const;
    Scan begin_visits(const State &state);
    std::string first_path(const Source &source, const State &state, const Scan &scan) const;
    json ask(const Source &source, const State &state, Scan &scan);
    std::string path_of(const std::string &next_page, const std::string &what) const;
    std::optional<std::vector<json>> rows_of(const json &results, const Source &source) const;
    void map(const sync::Object &object, const Part &part, const std::vector<json> &rows, std::int64_t stamp, sync::Page &page);
    bool move_on(const Source &source, const json &results, const std::vector<json> &rows, Scan &scan) const;

    std::string site_, base_url_, token_, version_;
    http::Address base_;
    std::int64_t lookback_, history_, ahead_, reread_;
    std::vector<std::string> objects_;
    std::vector<Part> parts_;
    std::optional<Session> session_;
};

AxisCare::AxisCare(const Settings &settings)
    : site_(settings.text("site")),
      base_url_(settings.url("base_url", site_.empty() ? "" : "https://" + site_ + ".axiscare.com")),
      token_(settings.secret("token")),
      version_(settings.text("api_version", "2023-10-01")),
      lookback_(settings.seconds("lookback", 600) * second),
      history_(settings.seconds("history", 1095 * 86400) / 86400),
      ahead_(settings.seconds("ahead", 28 * 86400) / 86400),
      reread_(settings.seconds("reread", 14 * 86400) / 86400) {
    if (base_url_.empty()) settings.problem("site: is missing; it is the number in the address of your AxisCare");
    if (!std::all_of(site_.begin(), site_.end(), [](char c) { return c == '-' || std::isalnum(static_cast<unsigned char>(c)); }))
        settings.problem("site: '" + site_ + "' is not a site number");
    std::vector<std::string> offered;
    for (const auto &source : sources()) {
        if (offered.empty() || offered.back() != source.object) offered.emplace_back(source.object);
        add_part(source, settings);
    }
    objects_ = settings.chosen(offered);
    settings.finish();
    base_ = http::parse_address(base_url_);
    http::Trust trust;  // no other site is trusted with the token
    trust.add(base_url_);
    session_.emplace(
        trust,
        [this](Session &, const std::string &) {
            return Grant{token_, base_url_};
        },
        settings.host);
    session_->budget(requests);
    session_->headers({{"X-AxisCare-Api-Version", version_}});
}

void require_kept(const Source &source, const Settings &settings, const std::string &table, const std::string &field) {
    const auto is_it = [&](const Kept &kept) { return field == kept.path; };
    if (source.inside || std::any_of(source.kept.begin(), source.kept.end(), is_it)) return;
    settings.problem(table + "." + source.object + ": '" + field + "' may hold health data and is not to be had outside " +
                     "xsell_internal.health_record");
}

void AxisCare::add_part(const Source &source, const Settings &settings) {
    std::map<std::string, std::string> overrides;
    std::vector<std::string> attributes;
    if (const auto found = settings.columns.find(source.object); found != settings.columns.end()) overrides = found->second;
    if (const auto found = settings.attributes.find(source.object); found != settings.attributes.end())
        attributes = found->second;
    for (const auto &[column, field] : overrides) require_kept(source, settings, "columns", field);
    for (const auto &field : attributes) require_kept(source, settings, "attributes", field);
    parts_.push_back(
        {&source, Mapper({source.place, "id", "", settings.text("region", "US")}, source.fields, overrides, attributes)});
}

std::vector<Part *> AxisCare::parts(const std::string &object) {
    std::vector<Part *> list;
    for (auto &part : parts_) {
        if (object == part.source->object) list.push_back(&part);
    }
    if (list.empty()) throw SyncError(Fault::object, "axiscare has no object " + object);
    return list;
}

std::optional<std::string> AxisCare::since(const sync::Object &object, std::int64_t micros) {
    if (!parts(object.name).front()->source->by_date()) return std::nullopt;
    State state;
    state.watermark = micros;
    return write_state(state);
}

std::int64_t AxisCare::now() const {
    const auto now = session_->server_time();
    if (!now) throw SyncError(Fault::transient, "the server does not state its time");
    return *now;
}

// Visits are read by date first, newest first; afterwards those that were changed, and by date those of the last days again.
Scan AxisCare::begin_visits(const State &state) {
    session_->get("/api/clients?limit=1");  // the date of the response is wanted alone
    Scan scan;
    scan.start = now();
    scan.updated = state.watermark.has_value();
    scan.to = day_of(scan.start) + ahead_;
    scan.low = day_of(scan.start) - (scan.updated ? reread_ : history_);
    return scan;
}

std::string AxisCare::first_path(const Source &source, const State &state, const Scan &scan) const {
    const std::string path = std::string("/api/") + source.list;
    if (!source.by_date()) return path + "?limit=" + page_limit;
    // A clock that was set back must not hide changes from us.
    if (scan.updated) {
        const std::int64_t low = std::min(state.watermark.value_or(0), scan.start - lookback_);
        return path + "?updatedSinceDate=" + http::encode(utc_text(std::max<std::int64_t>(low, 0)));
    }
    const std::int64_t from = std::max(scan.low, scan.to - window_days + 1);
    return path + "?startDate=" + day_text(from) + "&endDate=" + day_text(scan.to);
}

json AxisCare::ask(const Source &source, const State &state, Scan &scan) {
    if (!scan.next.empty()) {
        const auto response = session_->get(scan.next);
        if (!is_stale(response) || ++scan.restarts > most_restarts) return results_of(response, source.list);
        scan.next.clear(), scan.last.clear();
    }
    return results_of(session_->get(first_path(source, state, scan)), source.list);
}

// Only a page of the site that the token belongs to is followed, and only by its path.
std::string AxisCare::path_of(const std::string &next_page, const std::string &what) const {
    std::string target = next_page;
    if (!next_page.starts_with('/') || next_page.starts_with("//")) {
        http::Address address;
        try {
            address = http::parse_address(next_page);
        } catch (const http::Error &) {
            throw SyncError(Fault::object, what + ": the next page has no valid address");
        }
        if (address.host != base_.host)
            throw SyncError(Fault::object,
                            what + ": the next page is on another host, " + address.host + "; the token stays here");
        target = address.target;
    }
    if (base_.target != "/" && target.starts_with(base_.target + "/")) target.erase(0, base_.target.size());
    return target;
}

// Lists come as arrays or as objects keyed by id, under their own name or as `data`; nothing when there is none.
std::optional<std::vector<json>> AxisCare::rows_of(const json &results, const Source &source) const {
    if (results.is_array()) return std::vector<json>{};  // nothing was found
    for (const char *name : {source.list, "data"}) {
        const auto list = results.find(name);
        if (list == results.end() || !list->is_structured()) continue;
        std::vector<json> rows;
        for (const auto &row : *list) rows.push_back(row);
        return rows;
    }
    if (results.contains(source.list)) return std::nullopt;
    throw SyncError(Fault::transient, std::string(source.list) + ": the response holds no list");
}

std::string id_of(const json &record) {
    const auto id = record.is_object() ? record.find("id") : record.end();
    if (!record.is_object() || id == record.end()) return "";
    return id->is_string() ? id->get<std::string>() : id->is_number_integer() ? id->dump() : "";
}

// What AxisCare does not say itself.
void complete(const sync::Object &object, const Source &source, const std::string &stamp, sync::Record &record) {
    const auto column = [&](std::string_view name) -> sync::Value * {
        const auto found =
            std::find_if(object.columns.begin(), object.columns.end(), [&](const auto &c) { return c.name == name; });
        return found == object.columns.end() ? nullptr : &record.values[static_cast<std::size_t>(found - object.columns.begin())];
    };
    *column("modified_at") = stamp;
    auto *deleted = column("deleted_at"), *owner = column("owner_id");
    if (deleted && text_at(record.raw, "removed") == "true") *deleted = stamp;
    if (owner && *owner && !source.by_date()) *owner = administrator_prefix + **owner;
}

void AxisCare::map(const sync::Object &object, const Part &part, const std::vector<json> &rows, std::int64_t stamp,
                   sync::Page &page) {
    std::vector<std::string> texts;
    std::set<std::string> ids;
    const auto take = [&](const json &row) {
        Parted parted = part_health(row, part.source->kept);
        const std::string id = id_of(parted.kept);
        if (id.empty()) {
            page.rejects.push_back({"", part.source->place, "has no id that can be used",
                                    parted.kept.is_null() ? "" : sync::payload(parted.kept.dump())});
        } else if (ids.insert(id).second || !part.source->inside) {
            texts.push_back(parted.kept.dump());
            if (part.source->asides) page.asides.push_back({id, parted.aside.is_null() ? "{}" : parted.aside.dump()});
        }
    };
    for (const auto &row : rows) {
        if (!part.source->inside)
            take(row);
        else if (row.is_object())
            for (const auto &item : part.source->inside(row)) take(item);
    }
    const std::vector<std::string_view> raws(texts.begin(), texts.end());
    part.mapper.map(object, raws, page);
    const std::string at = sync::from_micros(stamp);
    for (auto &record : page.records) {
        complete(object, *part.source, at, record);
        record.repaired |= record.raw.find(replaced) != std::string::npos;
    }
}

// True when the part has been read to its end.
bool AxisCare::move_on(const Source &source, const json &results, const std::vector<json> &rows, Scan &scan) const {
    const std::string next_page = results.is_object() ? member(results, "nextPage") : "";
    const std::string last = rows.empty() ? "" : id_of(rows.back());
    if (!next_page.empty()) {
        const std::string next = path_of(next_page, source.list);
        if (next == scan.next || (!last.empty() && last == scan.last))
            throw SyncError(Fault::object, std::string(source.list) + ": the next page is the same page");
        scan.next = next, scan.last = last;
        return false;
    }
    scan.next.clear(), scan.last.clear();
    if (!source.by_date()) return true;
    if (scan.updated)
        scan.updated = false;
    else
        scan.to -= window_days;
    return scan.to < scan.low;
}

sync::Page AxisCare::fetch(const sync::Object &object, const std::string &text) {
    State state = read_state(text);
    const auto list = parts(object.name);
    const bool begins = !state.scan;
    Scan scan = state.scan.value_or(Scan{});
    if (scan.part >= list.size()) throw SyncError(Fault::object, "the stored state is damaged");
    const Part &part = *list[scan.part];
    const Source &source = *part.source;
    if (begins && source.by_date()) scan = begin_visits(state);
    const json results = ask(source, state, scan);
    if (begins && !source.by_date()) scan.start = now();
    const auto rows = rows_of(results, source);
    // A list that is not there instead of empty ends a sweep that has not begun: nothing is taken for deleted.
    if (!rows && !source.by_date() && !begins)
        throw SyncError(Fault::transient, std::string(source.list) + ": the list ended without its last page");

    sync::Page page;
    const std::int64_t stamp = std::max(state.stamp, scan.start);
    map(object, part, rows.value_or(std::vector<json>{}), stamp, page);
    if (!source.by_date() && rows) {
        page.sweep = begins ? sync::Sweep::begin : sync::Sweep::go_on;
        page.sweep_at = sync::from_micros(stamp);
    }
    scan.seen += static_cast<std::int64_t>(page.records.size() + page.rejects.size());
    bool over = move_on(source, results, rows.value_or(std::vector<json>{}), scan);
    if (over) ++scan.part;
    page.done = over && (scan.part == list.size() || page.sweep == sync::Sweep::none);
    if (page.done) {
        if (page.sweep != sync::Sweep::none && list.size() == 1) page.source_count = scan.seen;
        if (source.by_date()) state.watermark = scan.start - lookback_;
        state.stamp = stamp;
        state.scan.reset();
    } else {
        state.scan = std::move(scan);
    }
    page.next_state = write_state(state);
    return page;
}

std::vector<Finding> AxisCare::check() {
    std::vector<Finding> findings;
    std::set<std::string> seen;
    for (const auto &part : parts_) {
        const Source &source = *part.source;
        if (std::find(objects_.begin(), objects_.end(), source.object) == objects_.end() || !seen.insert(source.list).second)
            continue;
        try {
            Scan scan = source.by_date() ? begin_visits({}) : Scan{};
            scan.low = scan.to;
            rows_of(ask(source, {}, scan), source);
            findings.push_back({Finding::Level::ok, std::string(source.list) + " can be read"});
        } catch (const std::exception &error) {
            findings.push_back({Finding::Level::error, std::string(source.list) + " cannot be read: " + error.what()});
        }
    }
    return findings;
}

std::int64_t AxisCare::map_hash(const sync::Object &object) const {
    std::uint64_t hash = 1;  // a change of what is kept changes the records' texts by itself
    for (const auto &part : parts_) {
        if (object.name == part.source->object) hash = hash * 31 + static_cast<std::uint64_t>(part.mapper.hash());
    }
    return static_cast<std::int64_t>(hash);
}

}  // namespace

std::unique_ptr<sync::Connector> make_axiscare(const Settings &settings) { return std::make_unique<AxisCare>(settings); }

}  // namespace xsell::connectors
