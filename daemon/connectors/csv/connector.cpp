#include "connectors/csv/connector.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "connectors/csv/cursor.hpp"
#include "connectors/csv/file.hpp"
#include "connectors/csv/mapping.hpp"
#include "sync/error.hpp"

namespace xsell::connectors {
namespace {

using namespace csv;
using nlohmann::json;
using Sources = std::vector<Source>;

constexpr std::size_t page_rows = 5000;
const std::vector<std::string> reading_order = {"crm_user",    "account",          "contact", "lead",    "product",
                                                "opportunity", "opportunity_line", "asset",   "activity"};

// Where reading one file stands. A file of the same identity that is done is not opened again.
struct Progress {
    Identity identity;
    std::int64_t map = 0, time = 0, rows = 0;
    std::uint64_t offset = 0;
    bool done = false;

    static Progress from(const json &state) {
        Progress p;
        p.identity = {state.value("size", std::int64_t{-1}), state.value("mtime", std::int64_t{0})};
        p.map = state.value("map", std::int64_t{0});
        p.time = state.value("time", std::int64_t{0});
        p.rows = state.value("rows", std::int64_t{0});
        p.offset = state.value("offset", std::uint64_t{0});
        p.done = state.value("done", false);
        return p;
    }
    json to_json() const {
        return {{"size", identity.size}, {"mtime", identity.mtime}, {"map", map},  {"time", time},
                {"rows", rows},          {"offset", offset},        {"done", done}};
    }
};

json parse_state(const std::string &text) {
    json state = text.empty() ? json::object() : json::parse(text, nullptr, false);
    if (!state.is_object()) state = json::object();
    if (!state.contains("files") || !state["files"].is_object()) state["files"] = json::object();
    return state;
}

class CsvConnector : public sync::Connector {
  public:
    CsvConnector(const Settings &settings, std::vector<File> files, bool full)
        : files_(std::move(files)), attributes_(settings.attributes), full_(full) {
        for (const auto &file : files_) {
            if (file.object.empty()) continue;
            if (file.object == invoice_line) {
                sources_["opportunity"].push_back({&file, Kind::invoices});
                sources_["opportunity_line"].push_back({&file, Kind::line_items});
            } else {
                sources_[file.object].push_back({&file, Kind::rows});
            }
        }
        derive("account", Kind::customers);
        derive("product", Kind::articles);
        std::vector<std::string> offered;
        for (const auto &name : reading_order) {
            if (sources_.contains(name)) offered.push_back(name);
        }
        objects_ = settings.chosen(offered);
    }

    std::vector<std::string> objects() const override { return objects_; }
    sync::Page fetch(const sync::Object &object, const std::string &state) override;
    std::optional<std::int64_t> count(const sync::Object &object) override;
    std::vector<sync::Finding> check() override;
    std::int64_t map_hash(const sync::Object &object) const override {
        if (reading_ && reading_->context.object.name == object.name) return hash(*reading_->source.file, object.name);
        return hash(*sources_.at(object.name).front().file, object.name);
    }

  private:
    // A cursor is kept from page to page as long as the state says that it stands where reading goes on.
    struct Reading {
        Context context;
        Source source;
        Progress progress;
        std::unique_ptr<Cursor> cursor;
    };

    void derive(const std::string &object, Kind kind) {
        if (sources_.contains(object)) return;
        for (const auto &file : files_) {
            if (file.object == invoice_line) sources_[object].push_back({&file, kind});
        }
    }
    const std::vector<std::string> &attributes(const std::string &object) const {
        static const std::vector<std::string> none;
        const auto found = attributes_.find(object);
        return found == attributes_.end() ? none : found->second;
    }
    std::int64_t hash(const File &file, const std::string &object) const { return file.map_hash(attributes(object)); }
    std::string unread(const File &file) const;
    Progress begin(const Source &source, const sync::Object &object, const json &stored, sync::Page &page) const;
    void read_page(const Source &source, const sync::Object &object, Progress &progress, sync::Page &page);
    void finish(const sync::Object &object, json &state, sync::Page &page) const;

    std::vector<File> files_;
    std::map<std::string, std::vector<std::string>> attributes_;
    bool full_;
    std::map<std::string, Sources> sources_;
    std::vector<std::string> objects_;
    std::unique_ptr<Reading> reading_;
};

// Where to go on in a file; at its beginning when it is not the one that was read before.
Progress CsvConnector::begin(const Source &source, const sync::Object &object, const json &stored, sync::Page &page) const {
    const Progress old = Progress::from(stored);
    const Identity identity = source.file->identity();
    const std::int64_t map = hash(*source.file, object.name);
    if (old.identity == identity && old.map == map) return old;
    Progress fresh;
    fresh.identity = identity;
    fresh.map = map;
    fresh.time = identity.mtime / 1000;
    // An older copy put in place of a newer one is what counts now: its rows must not lose against the newer file's.
    if (old.identity.size >= 0 && !(old.identity == identity))
        fresh.time = std::max(fresh.time, old.time + 1);
    else
        fresh.time = std::max(fresh.time, old.time);
    if (source.kind == Kind::rows || source.kind == Kind::line_items) page.forget_rejects = source.file->name + ":";
    return fresh;
}

void CsvConnector::read_page(const Source &source, const sync::Object &object, Progress &progress, sync::Page &page) {
    const bool goes_on = reading_ && reading_->context.object.name == object.name && reading_->source.file == source.file &&
                         reading_->progress.identity == progress.identity && reading_->progress.map == progress.map &&
                         reading_->progress.offset == progress.offset && progress.offset != 0;
    if (!goes_on) {
        reading_ =
            std::make_unique<Reading>(Reading{{object, attributes(object.name), progress.time}, source, progress, nullptr});
        reading_->cursor = open_cursor(source, reading_->context, progress.offset);
    }
    progress.done = !reading_->cursor->read(page, page_rows);
    progress.offset = reading_->cursor->offset();
    progress.rows = reading_->cursor->rows();
    reading_->progress = progress;
    if (!(source.file->identity() == progress.identity)) {
        reading_.reset();
        throw sync::SyncError(sync::Fault::transient, source.file->name + ": changed while it was read");
    }
}

sync::Page CsvConnector::fetch(const sync::Object &object, const std::string &text) {
    json state = parse_state(text);
    sync::Page page;
    for (const auto &source : sources_.at(object.name)) {
        const File &file = *source.file;
        if (!file.problems.empty()) throw sync::SyncError(sync::Fault::object, file.name + ": " + file.problems.front());
        Progress progress = begin(source, object, state["files"].value(file.name, json::object()), page);
        if (progress.done) continue;
        read_page(source, object, progress, page);
        state["files"][file.name] = progress.to_json();
        page.next_state = state.dump();
        return page;
    }
    finish(object, state, page);
    return page;
}

// Everything is read: counts, and what is to be swept away.
void CsvConnector::finish(const sync::Object &object, json &state, sync::Page &page) const {
    const Sources &sources = sources_.at(object.name);
    json kept = json::object();
    std::int64_t rows = 0, newest = 0;
    for (const auto &source : sources) {
        const Progress progress = Progress::from(state["files"].value(source.file->name, json::object()));
        kept[source.file->name] = progress.to_json();
        rows += progress.rows;
        newest = std::max(newest, progress.time);
    }
    const std::string set = std::to_string(std::hash<std::string>{}(kept.dump()));
    page.done = true;
    page.source_count = rows;
    if (full_ && state.value("swept", "") != set) {
        auto &ids = page.live_ids.emplace();
        for (const auto &source : sources) {
            const Context context{object, {}, newest};
            const auto cursor = open_cursor(source, context, 0);
            for (bool more = true; more;) {
                sync::Page part;
                more = cursor->read(part, page_rows);
                for (auto &record : part.records) ids.push_back(std::move(record.crm_id));
                for (auto &reject : part.rejects) {
                    if (!reject.crm_id.empty()) ids.push_back(std::move(reject.crm_id));
                }
            }
            // Half of a file that is being replaced must not sweep away the other half.
            const Progress read = Progress::from(kept.at(source.file->name));
            if (!(source.file->identity() == read.identity))
                throw sync::SyncError(sync::Fault::transient, source.file->name + ": changed while it was read");
        }
        page.sweep_at = sync::from_micros(newest);
        state["swept"] = set;
    }
    state["files"] = kept;
    page.next_state = state.dump();
}

std::optional<std::int64_t> CsvConnector::count(const sync::Object &object) {
    std::int64_t rows = 0;
    for (const auto &source : sources_.at(object.name)) {
        if (!source.file->problems.empty()) return std::nullopt;
        const Context context{object, {}, 0};
        const auto cursor = open_cursor(source, context, 0);
        for (bool more = true; more;) {
            sync::Page part;
            more = cursor->read(part, page_rows);
        }
        rows += cursor->rows();
    }
    return rows;
}

// What a guess passed over is worth knowing: the product of a deal may be among it.
std::string CsvConnector::unread(const File &file) const {
    const auto &kept = attributes(file.object);
    std::string names;
    for (std::size_t i = 0; i < file.header.size(); ++i) {
        const bool used =
            std::any_of(file.columns.begin(), file.columns.end(), [&](const auto &entry) { return entry.second == i; });
        if (used || std::find(kept.begin(), kept.end(), file.header[i]) != kept.end()) continue;
        names += (names.empty() ? "" : ", ") + file.header[i];
    }
    return names.empty() ? "" : "; not read: " + names;
}

std::vector<sync::Finding> CsvConnector::check() {
    using Level = sync::Finding::Level;
    std::vector<sync::Finding> findings;
    for (const auto &file : files_) {
        if (file.object.empty()) {
            findings.push_back(
                {Level::warning,
                 file.name + ": not recognised, skipped (an [[org.file]] with name and object would say what it is)"});
            continue;
        }
        for (const auto &problem : file.problems) findings.push_back({Level::error, file.name + ": " + problem});
        if (!file.problems.empty()) continue;
        std::string columns;
        for (const auto &[column, position] : file.columns)
            columns += (columns.empty() ? "" : ", ") + column + " <- " + file.header[position];
        findings.push_back({Level::ok, file.name + ": " + file.object + " (" + columns + ")" + unread(file)});
        for (const auto &name : attributes(file.object)) {
            if (std::find(file.header.begin(), file.header.end(), name) != file.header.end()) continue;
            const auto guess = nearest(name, file.header);
            findings.push_back({Level::warning, file.name + ": there is no header '" + name + "' for the attributes" +
                                                    (guess ? "; did you mean '" + *guess + "'?" : "")});
        }
    }
    if (sources_.contains("opportunity") && !sources_.contains("account"))
        findings.push_back(
            {Level::warning, "no file lists accounts: without them the deals belong to nobody and nothing can be recommended"});
    if (objects_.empty())
        findings.push_back({Level::error, "no file of the folder was recognised; describe them with [[org.file]]"});
    return findings;
}

void check_files(const Settings &settings, const std::vector<File> &files) {
    std::vector<std::string> names, objects = known_objects();
    for (const auto &file : files) names.push_back(file.name);
    for (const auto &file : settings.files) {
        if (std::find(names.begin(), names.end(), file.name) == names.end()) {
            const auto guess = nearest(file.name, names);
            settings.problem("file '" + file.name + "' is not in the folder" + (guess ? "; did you mean '" + *guess + "'?" : ""));
        }
        if (file.object.empty() || file.object == "none" ||
            std::find(objects.begin(), objects.end(), file.object) != objects.end())
            continue;
        const auto guess = nearest(file.object, objects);
        settings.problem("file '" + file.name + "': unknown object '" + file.object + "'" +
                         (guess ? "; did you mean '" + *guess + "'?" : ""));
    }
}

}  // namespace

std::unique_ptr<sync::Connector> make_csv(const Settings &settings) {
    const bool full = settings.flag("full", false);
    const std::string delimiter = settings.text("delimiter");
    if (delimiter.size() > 1 && delimiter != "tab")
        settings.problem("delimiter: '" + delimiter + "' is not one character or \"tab\"");
    settings.required("path");
    std::vector<File> files;
    if (!settings.path("path").empty()) files = scan_folder(settings.path("path"), settings);
    check_files(settings, files);
    auto connector = std::make_unique<CsvConnector>(settings, std::move(files), full);
    settings.finish();
    return connector;
}

}  // namespace xsell::connectors
