#include "connectors/csv/connector.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "connectors/csv/cursor.hpp"
#include "connectors/csv/file.hpp"
#include "connectors/csv/folder.hpp"
#include "connectors/csv/mapping.hpp"
#include "sync/error.hpp"

namespace xsell::connectors {
namespace {

using namespace csv;
using nlohmann::json;
constexpr std::size_t page_rows = 5000;

// Where reading one file stands. A file of the same identity that is done is not opened again.
struct Progress {
    Identity identity;
    std::int64_t map = 0, time = 0;
    Place place;
    bool done = false;

    static Progress from(const json &state) {
        Progress p;
        p.identity = {state.value("size", std::int64_t{-1}), state.value("mtime", std::int64_t{0})};
        p.map = state.value("map", std::int64_t{0});
        p.time = state.value("time", std::int64_t{0});
        p.place = {state.value("offset", std::uint64_t{0}), state.value("line", std::int64_t{0}),
                   state.value("rows", std::int64_t{0})};
        p.done = state.value("done", false);
        return p;
    }
    json to_json() const {
        return {{"size", identity.size}, {"mtime", identity.mtime}, {"map", map},         {"time", time},
                {"rows", place.rows},    {"offset", place.offset},  {"line", place.line}, {"done", done}};
    }
};

// What a full reading of complete files is to end with: every record that it did not show is gone.
struct State {
    std::map<std::string, Progress> files;
    std::string swept;     // the set of files that the last complete sweep went through
    std::string sweeping;  // the set that is being swept; empty: none, or a file changed meanwhile

    static State from(const std::string &text) {
        State state;
        if (text.empty()) return state;
        try {
            const json in = json::parse(text);
            for (const auto &[name, progress] : in.at("files").items()) state.files[name] = Progress::from(progress);
            state.swept = in.value("swept", "");
            state.sweeping = in.value("sweeping", "");
        } catch (const json::exception &) {
            throw sync::SyncError(sync::Fault::object, "the stored state is damaged; sync with --full");
        }
        return state;
    }
    std::string text() const {
        json out = {{"files", json::object()}};
        for (const auto &[name, progress] : files) out["files"][name] = progress.to_json();
        if (!swept.empty()) out["swept"] = swept;
        if (!sweeping.empty()) out["sweeping"] = sweeping;
        return out.dump();
    }
};

class CsvConnector : public sync::Connector {
  public:
    CsvConnector(const Settings &settings, std::unique_ptr<Folder> folder, bool full)
        : settings_(settings), folder_(std::move(folder)), full_(full), objects_(settings.chosen(folder_->objects())) {}

    std::vector<std::string> objects() const override { return objects_; }
    sync::Page fetch(const sync::Object &object, const std::string &state) override;
    std::optional<std::int64_t> count(const sync::Object &object) override;
    std::vector<sync::Finding> check() override;
    std::int64_t map_hash(const sync::Object &object) const override {
        if (reading_ && reading_->context.object.name == object.name) return hash(*reading_->source.file, object.name);
        const Sources *sources = folder_->sources(object.name);
        return sources ? hash(*sources->front().file, object.name) : 0;
    }

  private:
    // A cursor is kept from page to page as long as the state says that it stands where reading goes on.
    struct Reading {
        Context context;
        Source source;
        Progress progress;
        std::unique_ptr<Cursor> cursor;
    };

    const std::vector<std::string> &attributes(const std::string &object) const {
        static const std::vector<std::string> none;
        const auto found = settings_.attributes.find(object);
        return found == settings_.attributes.end() ? none : found->second;
    }
    std::int64_t hash(const File &file, const std::string &object) const { return file.map_hash(attributes(object)); }
    Context context(const sync::Object &object, std::int64_t time) const {
        return {object, attributes(object.name), time, settings_.host};
    }
    const Sources &sources(const sync::Object &object);
    std::string unread(const File &file) const;
    Progress fresh(const Source &source, const sync::Object &object, const Progress &old) const;
    std::string set_of(const Sources &sources, const sync::Object &object) const;
    void start_sweep(const Sources &sources, const sync::Object &object, State &state, sync::Page &page) const;
    void read_page(const Source &source, const sync::Object &object, Progress &progress, sync::Page &page);
    void finish(const Sources &sources, State &state, sync::Page &page) const;

    Settings settings_;
    std::unique_ptr<Folder> folder_;
    bool full_;
    std::vector<std::string> objects_;
    std::unique_ptr<Reading> reading_;
};

// As the folder is now: files come, go and change while a daemon runs.
const Sources &CsvConnector::sources(const sync::Object &object) {
    if (!folder_->current()) {
        reading_.reset();
        folder_ = std::make_unique<Folder>(settings_);
    }
    const Sources *found = folder_->sources(object.name);
    if (!found) throw sync::SyncError(sync::Fault::object, object.name + ": no file of the folder holds such records any more");
    return *found;
}

// A file at its beginning.
Progress CsvConnector::fresh(const Source &source, const sync::Object &object, const Progress &old) const {
    Progress out;
    out.identity = source.file->identity();
    out.map = hash(*source.file, object.name);
    out.time = out.identity.mtime / 1000;
    // An older copy put in place of a newer one is what counts now: its rows must not lose against the newer file's.
    const bool replaced = old.identity.size >= 0 && !(old.identity == out.identity);
    out.time = std::max(out.time, old.time + (replaced ? 1 : 0));
    return out;
}

// Names the files and what they hold: two sets with the same name have the same records.
std::string CsvConnector::set_of(const Sources &sources, const sync::Object &object) const {
    std::string all;
    for (const auto &source : sources) {
        const Identity identity = source.file->identity();
        all += source.file->name + '\n' + std::to_string(identity.size) + ' ' + std::to_string(identity.mtime) + ' ' +
               std::to_string(hash(*source.file, object.name)) + '\n';
    }
    return std::to_string(std::hash<std::string>{}(all));
}

// Complete files of which one has changed are all read again: only then it is known what is gone.
void CsvConnector::start_sweep(const Sources &sources, const sync::Object &object, State &state, sync::Page &page) const {
    state.sweeping = set_of(sources, object);
    std::int64_t newest = 0;
    for (const auto &source : sources) {
        Progress &progress = state.files[source.file->name];
        progress = fresh(source, object, progress);
        newest = std::max(newest, progress.time);
    }
    page.sweep = sync::Sweep::begin;
    page.sweep_at = sync::from_micros(newest);
}

void CsvConnector::read_page(const Source &source, const sync::Object &object, Progress &progress, sync::Page &page) {
    const bool goes_on = reading_ && reading_->context.object.name == object.name && reading_->source.file == source.file &&
                         reading_->source.kind == source.kind && reading_->progress.identity == progress.identity &&
                         reading_->progress.map == progress.map && reading_->progress.place.offset == progress.place.offset &&
                         progress.place.offset != 0;
    if (!goes_on) {
        reading_ = std::make_unique<Reading>(Reading{context(object, progress.time), source, progress, nullptr});
        reading_->cursor = open_cursor(source, reading_->context, progress.place);
    }
    // The rejects of a file belong to those who read its rows, not to what is made of them.
    const bool rows = source.kind == Kind::rows || source.kind == Kind::line_items;
    if (rows && progress.place.offset == 0) page.forget_rejects = source.file->name + ":";
    progress.done = !reading_->cursor->read(page, page_rows);
    progress.place = reading_->cursor->place();
    reading_->progress = progress;
    if (!(source.file->identity() == progress.identity)) {
        reading_.reset();
        throw sync::SyncError(sync::Fault::transient, source.file->name + ": changed while it was read");
    }
}

sync::Page CsvConnector::fetch(const sync::Object &object, const std::string &text) {
    State state = State::from(text);
    const Sources &sources = this->sources(object);
    for (const auto &source : sources) {
        if (!source.file->problems.empty())
            throw sync::SyncError(sync::Fault::object, source.file->name + ": " + source.file->problems.front());
    }
    sync::Page page;
    if (!state.sweeping.empty())
        page.sweep = sync::Sweep::go_on;
    else if (full_ && state.swept != set_of(sources, object))
        start_sweep(sources, object, state, page);
    for (const auto &source : sources) {
        Progress &progress = state.files[source.file->name];
        if (!(progress.identity == source.file->identity()) || progress.map != hash(*source.file, object.name)) {
            progress = fresh(source, object, progress);
            // Rows of the file as it was have been shown: this sweep would let them stay. The next reading sweeps anew.
            if (page.sweep == sync::Sweep::go_on) state.sweeping = "changed";
        }
        if (progress.done) continue;
        read_page(source, object, progress, page);
        page.next_state = state.text();
        return page;
    }
    finish(sources, state, page);
    return page;
}

// Everything is read.
void CsvConnector::finish(const Sources &sources, State &state, sync::Page &page) const {
    std::map<std::string, Progress> kept;  // files that are gone are forgotten
    std::int64_t rows = 0;
    for (const auto &source : sources) {
        kept[source.file->name] = state.files[source.file->name];
        rows += kept[source.file->name].place.rows;
    }
    state.files = std::move(kept);
    if (!state.sweeping.empty()) state.swept = std::exchange(state.sweeping, "");
    page.done = true;
    page.source_count = rows;
    page.next_state = state.text();
}

std::optional<std::int64_t> CsvConnector::count(const sync::Object &object) {
    std::int64_t rows = 0;
    for (const auto &source : sources(object)) {
        if (!source.file->problems.empty()) return std::nullopt;
        const Context where = context(object, 0);
        const auto cursor = open_cursor(source, where, {});
        for (bool more = true; more;) {
            sync::Page part;
            more = cursor->read(part, page_rows);
        }
        rows += cursor->place().rows;
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
    for (const auto &file : folder_->files()) {
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
    if (folder_->sources("opportunity") && !folder_->sources("account"))
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
    auto folder = std::make_unique<Folder>(settings);
    check_files(settings, folder->files());
    auto connector = std::make_unique<CsvConnector>(settings, std::move(folder), full);
    settings.finish();
    return connector;
}

}  // namespace xsell::connectors
