#include "connectors/attio/connector.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "connectors/attio/activity.hpp"
#include "connectors/attio/faults.hpp"
#include "connectors/attio/field_map.hpp"
#include "connectors/attio/stages.hpp"
#include "connectors/attio/state.hpp"
#include "connectors/attio/values.hpp"
#include "connectors/json_map.hpp"
#include "connectors/rest.hpp"
#include "http/address.hpp"
#include "sync/convert.hpp"
#include "sync/text.hpp"

namespace xsell::connectors {
namespace {

using namespace attio;
using nlohmann::json;
using sync::Fault;
using sync::Finding;
using sync::SyncError;

// Attio lets through 100 reads a second for the whole workspace (notes: 10); some are left for others.
constexpr sync::Budget reads{"attio reads", 60, 60}, notes{"attio notes", 8, 8};
constexpr double usual_score = 125, score_window = 10;
constexpr std::int64_t code_version = 1;  // a change of how values become text changes it

struct Part {
    const Source *source;
    std::string name, path;
    std::int64_t limit;
    std::set<std::string> wanted;  // attributes that the configuration names
    Mapper mapper;
    bool is_record() const { return source->paging == Paging::query; }
};

// What came of one request.
struct Rows {
    std::vector<std::string_view> raws;
    std::string next;  // cursor of the next page
    Listing listing;   // owns what raws point into
};

class Attio final : public sync::Connector {
  public:
    explicit Attio(const Settings &settings)
        : base_url_(settings.url("base_url", "https://api.attio.com")),
          token_(settings.secret("token")),
          stages_(settings),
          score_limit_(static_cast<double>(settings.integer("query_score", 3000, 0, 1'000'000))) {
        std::vector<std::string> offered;
        for (const auto &source : sources()) {
            if (!is_chosen(source, settings)) continue;
            if (offered.empty() || offered.back() != source.object) offered.emplace_back(source.object);
            add_part(source, settings);
        }
        objects_ = settings.chosen(offered);
        settings.finish();
        http::Trust trust({"attio.com"});
        trust.add(base_url_);
        session_.emplace(
            trust,
            [this](Session &, const std::string &) {
                return Grant{token_, base_url_};
            },
            settings.host);
        session_->budget(reads);
    }

    std::vector<std::string> objects() const override { return objects_; }
    sync::Page fetch(const sync::Object &object, const std::string &text) override;
    std::optional<std::int64_t> count(const sync::Object &) override { return std::nullopt; }  // Attio counts nothing
    std::vector<Finding> check() override;
    std::int64_t map_hash(const sync::Object &object) const override;

  private:
    static bool is_chosen(const Source &source, const Settings &settings);
    void add_part(const Source &source, const Settings &settings);
    std::vector<Part *> parts(const std::string &object);
    http::Response ask(const Part &part, std::int64_t limit, std::int64_t offset, const std::string &cursor);
    std::optional<Rows> read(const Part &part, const Scan &scan);
    std::string slug_of(const std::string &object_id);
    void map(const sync::Object &object, const Part &part, const Rows &rows, std::int64_t floor, sync::Page &page);
    bool move_on(const Part &part, const Rows &rows, const std::vector<std::string> &ids, Scan &scan);
    void check_part(const Part &part, std::vector<Finding> &findings);

    std::string base_url_, token_;
    Stages stages_;
    double score_limit_, score_ = usual_score;
    std::vector<std::string> objects_;
    std::vector<Part> parts_;
    std::optional<Session> session_;
    std::optional<std::map<std::string, std::string>> slugs_;  // object id -> slug, read when first needed
};

std::string custom_object(const Source &source, const Settings &settings) {
    return settings.text(std::string(source.object) == "product" ? "product_object" : "line_object");
}

bool Attio::is_chosen(const Source &source, const Settings &settings) {
    if (!*source.name) return !custom_object(source, settings).empty();
    if (std::string(source.object) != "activity" || !settings.has("activities")) return true;
    static const std::vector<std::string> known = {"notes", "tasks", "meetings"};
    const auto list = settings.list("activities");
    for (const auto &name : list) {
        if (source.name == known.front() && std::find(known.begin(), known.end(), name) == known.end())
            settings.problem("activities: '" + name + "' is none of notes, tasks, meetings");
    }
    return std::find(list.begin(), list.end(), source.name) != list.end();
}

// "slug" is an attribute's text, "slug.part" a member of its value. Lists that are no records have no such folders.
std::string source_of(const std::string &slug, bool is_record) {
    if (!is_record) return slug;
    return (slug.find('.') == std::string::npos ? "/one." : "/part.") + slug;
}

void Attio::add_part(const Source &source, const Settings &settings) {
    const bool is_record = source.paging == Paging::query;
    const std::string name = *source.name ? source.name : custom_object(source, settings);
    std::map<std::string, std::string> overrides;
    std::vector<std::string> attributes;
    std::set<std::string> wanted;
    if (const auto found = settings.columns.find(source.object); found != settings.columns.end()) {
        for (const auto &[column, slug] : found->second) {
            overrides[column] = source_of(slug, is_record);
            wanted.insert(slug.substr(0, slug.find('.')));
        }
    }
    if (const auto found = settings.attributes.find(source.object); found != settings.attributes.end())
        attributes = found->second;
    wanted.insert(attributes.begin(), attributes.end());
    std::vector<Field> fields;
    for (const auto shared : source.fields) fields.insert(fields.end(), shared.begin(), shared.end());
    const Shape shape{name, std::string(is_record ? "/" : "") + "id." + source.id, is_record ? "all" : "",
                      settings.text("region")};
    const std::int64_t limit = std::min(source.limit, settings.integer("page_size", 500, 2, 500));
    parts_.push_back({&source, name, *source.path ? source.path : "/v2/objects/" + http::encode(name) + "/records/query", limit,
                      std::move(wanted), Mapper(shape, fields, overrides, attributes)});
}

std::vector<Part *> Attio::parts(const std::string &object) {
    std::vector<Part *> list;
    for (auto &part : parts_) {
        if (object == part.source->object) list.push_back(&part);
    }
    if (list.empty()) throw SyncError(Fault::object, "attio has no object " + object);
    return list;
}

http::Response Attio::ask(const Part &part, std::int64_t limit, std::int64_t offset, const std::string &cursor) {
    const std::string window = "?limit=" + std::to_string(limit);
    switch (part.source->paging) {
        case Paging::whole: return session_->get(part.path);
        case Paging::cursor: return session_->get(part.path + window + (cursor.empty() ? "" : "&cursor=" + http::encode(cursor)));
        case Paging::offset: {
            const bool slow = part.name == "notes";
            const std::string sort = slow ? "" : "&sort=created_at%3Aasc";
            return session_->get(part.path + window + "&offset=" + std::to_string(offset) + sort,
                                 {{}, 1, slow ? &notes : nullptr});
        }
        default: break;
    }
    // Queries cost points as well, of a budget that all who ask share; what they cost is known afterwards.
    if (auto *host = session_->host(); host && score_limit_ > 0) {
        const sync::Budget scores{"attio query score", score_limit_ / score_window, score_limit_};
        if (const double wait = host->take(scores, std::min(score_, score_limit_)); wait > 0) host->pause(wait);
    }
    const json sorts = json::array({{{"attribute", "created_at"}, {"field", "value"}, {"direction", "asc"}}});
    auto response = session_->post(part.path, {{"sorts", sorts}, {"limit", limit}, {"offset", offset}});
    if (const auto told = response.header("x-attio-record-query-score")) {
        if (const auto score = sync::to_number(*told)) score_ = std::max(1.0, std::strtod(score->c_str(), nullptr));
    }
    return response;
}

// Nothing when the workspace does without the object.
std::optional<Rows> Attio::read(const Part &part, const Scan &scan) {
    auto response = ask(part, part.limit, scan.walk.offset, scan.cursor);
    if (response.status == 404 && part.source->may_be_off) return std::nullopt;
    require_good(response, part.name, part.source->scopes);
    Rows rows;
    rows.listing = read_listing(std::move(response.body), "data");
    rows.raws = rows.listing.records;
    // A response without a list must not pass for an empty one: the sweep would delete everything.
    if (!rows.listing.found) throw SyncError(Fault::transient, part.name + ": the response holds no list");
    const auto paging = rows.listing.rest.find("pagination");
    if (paging != rows.listing.rest.end()) rows.next = member(*paging, "next_cursor");
    return rows;
}

std::string Attio::slug_of(const std::string &object_id) {
    if (!slugs_) {
        const auto response = session_->get("/v2/objects");
        require_good(response, "objects", "object_configuration:read");
        const auto body = json_body(response);
        if (!body.is_object() || !body.contains("data") || !body["data"].is_array())
            throw SyncError(Fault::transient, "objects: the response holds no list");
        slugs_.emplace();
        for (const auto &object : body["data"]) {
            if (object.is_object() && object.contains("id"))
                (*slugs_)[member(object["id"], "object_id")] = member(object, "api_slug");
        }
    }
    const auto found = slugs_->find(object_id);
    return found == slugs_->end() ? "" : found->second;
}

// A record whose text has changed was changed after the last sweep, though it may show no date of it.
void raise(const sync::Object &object, std::int64_t floor, sync::Page &page) {
    const std::string least = sync::from_micros(floor);
    const std::size_t modified = object.index("modified_at");
    for (auto &record : page.records) {
        auto &value = record.values[modified];
        if (floor > 0 && value && *value < least) value = least;
    }
}

void Attio::map(const sync::Object &object, const Part &part, const Rows &rows, std::int64_t floor, sync::Page &page) {
    struct Text {
        std::string flat, source;
        bool repaired;
    };
    std::vector<Text> texts;
    std::vector<std::string_view> flats;
    std::map<std::string, sync::SourceField> fields;
    texts.reserve(rows.raws.size());
    for (const auto raw : rows.raws) {
        auto cleaned = sync::clean_json(raw);
        const json record = parse_json(cleaned.text);
        Text text{cleaned.text, cleaned.text, cleaned.repaired};
        if (record.is_object()) {
            Taken taken = part.is_record() ? take_record(record, part.wanted)
                                           : Taken{record, take_activity(record, [this](const auto &id) { return slug_of(id); })};
            if (part.name == "deals") stages_.add(taken.flat);
            if (part.is_record()) note_fields(record, fields, texts.empty());
            text.flat = taken.flat.dump(), text.source = taken.source.dump();
        }
        texts.push_back(std::move(text));
        flats.emplace_back(texts.back().flat);
    }
    part.mapper.map(object, flats, page);
    if (part.is_record()) page.fields = std::move(fields);
    // What is stored is the source's own record. Records and rejects come in the order of the texts.
    std::size_t record = 0, reject = 0;
    for (auto &text : texts) {
        if (record < page.records.size() && page.records[record].raw == text.flat) {
            page.records[record].repaired |= text.repaired;
            page.records[record++].raw = std::move(text.source);
        } else {
            page.rejects[reject++].payload = sync::payload(text.source);
        }
    }
    if (part.is_record()) raise(object, floor, page);
}

// True when the source has been read to its end.
bool Attio::move_on(const Part &part, const Rows &rows, const std::vector<std::string> &ids, Scan &scan) {
    if (part.source->paging == Paging::query || part.source->paging == Paging::offset)
        return advance(scan.walk, ids, part.limit, part.name);
    scan.walk.seen += static_cast<std::int64_t>(ids.size());
    if (!rows.next.empty() && rows.next == scan.cursor)
        throw SyncError(Fault::object, part.name + ": the next page is the same page");
    scan.cursor = rows.next;
    return part.source->paging == Paging::whole || rows.next.empty();
}

sync::Page Attio::fetch(const sync::Object &object, const std::string &text) {
    State state = read_state(text);
    const auto list = parts(object.name);
    const bool begins = !state.scan;
    Scan scan = state.scan.value_or(Scan{});
    if (scan.part >= list.size()) throw SyncError(Fault::object, "the stored state is damaged");
    if (begins) slugs_.reset();
    const Part &part = *list[scan.part];
    const auto rows = read(part, scan);
    const auto now = session_->server_time();
    if (!now) throw SyncError(Fault::transient, "the server does not state its time");
    if (begins) scan.start = *now;

    sync::Page page;
    bool over = true;
    if (rows) {
        std::vector<std::string> ids;
        for (const auto raw : rows->raws) ids.push_back(text_at(raw, std::string("id.") + part.source->id).value_or(""));
        map(object, part, *rows, state.floor, page);
        page.sweep = begins ? sync::Sweep::begin : sync::Sweep::go_on;
        page.sweep_at = sync::from_micros(scan.start);
        over = move_on(part, *rows, ids, scan);
    } else {
        spdlog::warn("attio: the object {} is not enabled in this workspace; it is skipped, and what is stored of it stays",
                     part.name);
    }
    if (over) scan = Scan{scan.start, scan.part + 1, scan.parts + scan.walk.seen, {}, ""};
    page.done = over && scan.part == list.size();
    if (page.done && rows) page.source_count = scan.parts;
    state.scan = page.done ? std::nullopt : std::optional<Scan>(std::move(scan));
    if (page.done) state.floor = std::max(state.floor, *now);
    page.next_state = write_state(state);
    return page;
}

void Attio::check_part(const Part &part, std::vector<Finding> &findings) {
    const std::string name = part.name + " -> " + part.source->object;
    try {
        const auto response = ask(part, 1, 0, "");
        if (response.status == 404 && part.source->may_be_off) {
            findings.push_back({Finding::Level::warning, name + ": not enabled in this workspace; it is skipped"});
            return;
        }
        require_good(response, part.name, part.source->scopes);
        findings.push_back({Finding::Level::ok, name + " can be read"});
        if (!part.is_record() || part.wanted.empty()) return;
        const auto body = json_body(session_->get("/v2/objects/" + http::encode(part.name) + "/attributes?limit=500"));
        if (!body.is_object() || !body.contains("data") || !body["data"].is_array()) return;
        std::set<std::string> known;
        for (const auto &attribute : body["data"]) known.insert(member(attribute, "api_slug"));
        for (const auto &slug : part.wanted) {
            if (!known.contains(slug))
                findings.push_back({Finding::Level::error, name + ": there is no attribute '" + slug + "'"});
        }
    } catch (const std::exception &error) {
        findings.push_back({Finding::Level::error, name + " cannot be read: " + error.what()});
    }
}

std::vector<Finding> Attio::check() {
    std::vector<Finding> findings;
    try {
        const auto response = session_->get("/v2/self");
        require_good(response, "self", "of any kind");
        const auto body = json_body(response);  // a key that is no longer valid is answered 200 with active: false
        if (body.is_object() && body.value("active", json()) == false)
            throw SyncError(Fault::org, "the token is not valid any more");
        findings.push_back({Finding::Level::ok, "logged in to workspace " + brief(member(body, "workspace_name"))});
    } catch (const std::exception &error) {
        findings.push_back({Finding::Level::error, error.what()});
        return findings;
    }
    for (const auto &part : parts_) {
        if (std::find(objects_.begin(), objects_.end(), part.source->object) != objects_.end()) check_part(part, findings);
    }
    return findings;
}

std::int64_t Attio::map_hash(const sync::Object &object) const {
    auto hash = static_cast<std::uint64_t>(code_version);
    for (const auto &part : parts_) {
        if (object.name != part.source->object) continue;
        hash = hash * 31 + static_cast<std::uint64_t>(part.mapper.hash());
        for (const char c : part.name + (part.name == "deals" ? stages_.key() : ""))
            hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
    }
    return static_cast<std::int64_t>(hash);
}

}  // namespace

std::unique_ptr<sync::Connector> make_attio(const Settings &settings) { return std::make_unique<Attio>(settings); }

}  // namespace xsell::connectors
