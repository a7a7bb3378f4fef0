#include "connectors/sql/connector.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <map>

#include "connectors/sql/database.hpp"
#include "connectors/sql/state.hpp"
#include "connectors/sql/table.hpp"
#include "sync/convert.hpp"
#include "sync/error.hpp"

namespace xsell::connectors {
namespace {

using namespace sql;
using sync::Fault;
using sync::Finding;
using sync::SyncError;

const std::vector<std::string> reading_order = {"crm_user",    "account",          "contact", "lead",    "product",
                                                "opportunity", "opportunity_line", "asset",   "activity"};

// Times in a row were written before this, or belong to transactions that are still under way: what those write is not visible
// yet, and may bear the time at which they began. Other users' transactions are seen by members of pg_read_all_stats alone.
constexpr const char *horizon_sql =
    "SELECT least(statement_timestamp(), min(xact_start)), extract(epoch FROM statement_timestamp())::bigint * 1000000 "
    "FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend' AND datname = current_database()";

constexpr std::int64_t second = 1'000'000;  // in microseconds

class Sql : public sync::Connector {
  public:
    explicit Sql(const Settings &settings)
        : database_(settings.has("url") ? settings.secret("url") : settings.database_url, settings.seconds("timeout", 300),
                    settings.host),
          page_size_(settings.integer("page_size", 5000, 1, 100000)),
          lookback_(settings.seconds("lookback", 600)),
          overlap_(settings.integer("overlap", 1000, 0, 1'000'000'000)),
          full_every_(settings.seconds("full_every", 7 * 86400)) {
        std::vector<std::string> offered;
        for (const auto &name : reading_order) {
            const auto found =
                std::find_if(settings.queries.begin(), settings.queries.end(), [&](const auto &q) { return q.object == name; });
            if (found == settings.queries.end()) continue;
            offered.push_back(name);
            add(settings, *found);
        }
        for (const auto &query : settings.queries) check_query(settings, query);
        if (settings.queries.empty()) settings.problem("there is no [[org.query]]: nothing to read");
        objects_ = settings.chosen(offered);
        settings.finish();
    }

    std::vector<std::string> objects() const override { return objects_; }
    sync::Page fetch(const sync::Object &object, const std::string &state) override;
    std::optional<std::int64_t> count(const sync::Object &object) override {
        return database_.query(tables_.at(object.name).overview(false)).number(0, 1);
    }
    std::optional<std::string> since(const sync::Object &object, std::int64_t micros) override {
        if (kind(object.name) != CursorKind::time) return std::nullopt;
        State state;
        state.watermark = sync::from_micros(micros);
        return write_state(state);
    }
    sync::Page replay(const sync::Object &object, const std::vector<std::string> &payloads) override {
        sync::Page page;
        map(object, std::vector<std::string_view>(payloads.begin(), payloads.end()), sync::from_micros(times().horizon), page);
        return page;
    }
    std::vector<Finding> check() override;
    std::int64_t map_hash(const sync::Object &object) const override { return tables_.at(object.name).hash(object); }

  private:
    void add(const Settings &settings, const QuerySettings &query);
    static void check_query(const Settings &settings, const QuerySettings &query);
    CursorKind kind(const std::string &object);
    struct Times {
        std::int64_t horizon, now;
    };
    Times times();
    Value settled(CursorKind kind, const Value &highest, std::int64_t horizon) const;
    Scan begin(const Table &table, const State &state, sync::Page &page);
    bool read(const sync::Object &object, Scan &scan, sync::Page &page);
    void map(const sync::Object &object, const std::vector<std::string_view> &rows, const std::string &at, sync::Page &page);
    Finding check_table(const Table &table);

    Database database_;
    std::int64_t page_size_, lookback_, overlap_, full_every_;
    std::vector<std::string> objects_;
    std::map<std::string, Table> tables_;
    std::map<std::string, CursorKind> kinds_;  // of queries that were looked at
};

void Sql::add(const Settings &settings, const QuerySettings &query) {
    Table table{query, {}, {}};
    if (const auto found = settings.columns.find(query.object); found != settings.columns.end()) table.columns = found->second;
    for (const auto &[column, source] : query.columns) table.columns[column] = source;
    if (const auto found = settings.attributes.find(query.object); found != settings.attributes.end())
        table.attributes = found->second;
    tables_.emplace(query.object, std::move(table));
}

void Sql::check_query(const Settings &settings, const QuerySettings &query) {
    const std::string where = query.where + ": org.query: ";
    if (std::find(reading_order.begin(), reading_order.end(), query.object) == reading_order.end()) {
        const auto guess = nearest(query.object, reading_order);
        settings.problem(where + "there is no object '" + query.object + "'" + (guess ? "; did you mean '" + *guess + "'?" : ""));
    }
    if (std::count_if(settings.queries.begin(), settings.queries.end(), [&](const auto &q) { return q.object == query.object; }) >
        1)
        settings.problem(where + "the object '" + query.object + "' is there twice; join the queries by UNION ALL");
    if (query.id.empty()) settings.problem(where + "id is missing");
}

CursorKind Sql::kind(const std::string &object) {
    const auto known = kinds_.find(object);
    if (known != kinds_.end()) return known->second;
    const Table &table = tables_.at(object);
    return kinds_[object] = table.check(database_.describe(table.describe()));
}

// The time up to which everything can be seen, and the source's clock; microseconds.
Sql::Times Sql::times() {
    const Result result = database_.query(horizon_sql);
    const auto horizon = sync::to_micros(result.text(0, 0).value_or(""));
    if (!horizon) throw SyncError(Fault::transient, "the source database did not say what time it is");
    return {*horizon, result.number(0, 1)};
}

// The cursor below which nothing will appear any more, given the highest one there is: rows become visible later than it says.
Value Sql::settled(CursorKind kind, const Value &highest, std::int64_t horizon) const {
    if (!highest) return std::nullopt;
    if (kind == CursorKind::time) {
        const std::int64_t micros = sync::to_micros(*highest).value_or(horizon);  // not a time: "infinity"
        return sync::from_micros(std::min(micros, horizon) - lookback_ * second);
    }
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(highest->data(), highest->data() + highest->size(), number);
    if (error != std::errc()) throw SyncError(Fault::object, "the cursor '" + *highest + "' is beyond 64 bits");
    return std::to_string(number - overlap_);
}

Scan Sql::begin(const Table &table, const State &state, sync::Page &page) {
    const CursorKind cursor = kind(table.settings.object);
    const auto [horizon, now] = times();
    const bool due = full_every_ > 0 && state.full_at && now - *state.full_at >= full_every_ * second;
    Scan scan;
    scan.at = sync::from_micros(horizon);
    scan.full = cursor == CursorKind::none || !state.watermark || due;
    scan.phase = scan.full ? Phase::all : Phase::dated;
    if (!scan.full) {
        scan.from = *state.watermark;
        // A clock that was set back must not hide what changed since.
        if (cursor == CursorKind::time) scan.from = std::min(scan.from, sync::from_micros(horizon - lookback_ * second));
    }
    const Result overview =
        database_.query(table.overview(!scan.full), scan.full ? std::vector<Value>{} : std::vector<Value>{scan.from});
    scan.next = settled(cursor, overview.text(0, 3), horizon);
    if (!scan.next && !scan.full) scan.next = state.watermark;
    page.total = overview.number(0, 0);
    if (!scan.full) return scan;
    scan.live = overview.number(0, 1);
    page.forget_rejects = table.settings.object + " without ";
    if (const auto nameless = overview.number(0, 2); nameless > 0)
        page.rejects.push_back({"", table.settings.object + " without " + table.settings.id,
                                std::to_string(nameless) + " rows have no " + table.settings.id, "{}"});
    return scan;
}

void Sql::map(const sync::Object &object, const std::vector<std::string_view> &rows, const std::string &at, sync::Page &page) {
    const Table &table = tables_.at(object.name);
    sync::Page part;
    table.mapper(object, at, kind(object.name)).map(object, rows, part);
    table.mark_deleted(object, part);
    page.records = std::move(part.records);
    page.fields = std::move(part.fields);
    std::move(part.rejects.begin(), part.rejects.end(), std::back_inserter(page.rejects));
}

// Reads the next rows of the scan's phase; true when there are no more.
bool Sql::read(const sync::Object &object, Scan &scan, sync::Page &page) {
    std::vector<Value> bounds;
    if (scan.phase == Phase::dated) bounds.emplace_back(scan.id ? scan.cursor : scan.from);
    if (scan.id) bounds.emplace_back(scan.id);
    const Result result = database_.query(tables_.at(object.name).page(scan.phase, scan.id.has_value(), page_size_), bounds);
    std::vector<std::string_view> rows;
    for (std::size_t i = 0; i < result.rows(); ++i) rows.push_back(result.view(i, 2).value_or("{}"));
    map(object, rows, scan.at, page);
    if (result.rows() < static_cast<std::size_t>(page_size_)) return true;
    const std::size_t last = result.rows() - 1;
    scan.id = result.text(last, 0);
    scan.cursor = result.text(last, 1).value_or("");
    return false;
}

sync::Page Sql::fetch(const sync::Object &object, const std::string &text) {
    State state = read_state(text);
    const Table &table = tables_.at(object.name);
    // Another query or another field map: what was read lacks the new columns, so it is read again from the beginning.
    const std::int64_t map = table.hash(object);
    if (state.map.value_or(map) != map) state = {};
    state.map = map;
    sync::Page page;
    const bool first = !state.scan;
    if (first) state.scan = begin(table, state, page);
    Scan &scan = *state.scan;
    if (scan.full) {
        page.sweep = first ? sync::Sweep::begin : sync::Sweep::go_on;
        if (first) page.sweep_at = scan.at;
    }
    if (read(object, scan, page)) {
        if (scan.phase == Phase::dated) {
            scan.phase = Phase::undated;
            scan.id.reset();
        } else {
            state.watermark = scan.next;
            if (scan.full) state.full_at = sync::to_micros(scan.at), page.source_count = scan.live;
            state.scan.reset();
            page.done = true;
        }
    }
    page.next_state = write_state(state);
    return page;
}

Finding Sql::check_table(const Table &table) {
    const std::string name = table.settings.object;
    try {
        kind(name);
        const Result overview = database_.query(table.overview(false));
        const std::string rows = std::to_string(overview.number(0, 0)) + " rows";
        if (overview.number(0, 2) > 0)
            return {Finding::Level::warning,
                    name + ": " + rows + ", " + std::to_string(overview.number(0, 2)) + " of them without " + table.settings.id};
        if (const auto several = database_.query(table.duplicates()).number(0, 0); several > 0)
            return {Finding::Level::warning, name + ": " + rows + ", but " + std::to_string(several) + " values of " +
                                                 table.settings.id +
                                                 " come more than once; show one row each (SELECT DISTINCT ON)"};
        return {Finding::Level::ok, name + ": " + rows};
    } catch (const std::exception &error) {
        return {Finding::Level::error, name + " cannot be read: " + error.what()};
    }
}

std::vector<Finding> Sql::check() {
    std::vector<Finding> findings;
    for (const auto &name : objects_) findings.push_back(check_table(tables_.at(name)));
    return findings;
}

}  // namespace

std::unique_ptr<sync::Connector> make_sql(const Settings &settings) { return std::make_unique<Sql>(settings); }

}  // namespace xsell::connectors
