#include <spdlog/spdlog.h>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>

#include "cli/commands.hpp"
#include "cli/log.hpp"
#include "cli/table.hpp"
#include "connectors/settings.hpp"
#include "store/setup.hpp"

namespace xsell::cli {
namespace {

// Says what a training is doing while CALL keeps its own connection busy.
class ProgressWatch {
  public:
    ProgressWatch(const config::Config &config, std::string model)
        : model_(std::move(model)), thread_([this, url = config.database_url] { watch(url); }) {}
    ~ProgressWatch() {
        {
            const std::lock_guard guard(mutex_);
            done_ = true;
        }
        over_.notify_all();
        thread_.join();
    }

  private:
    void watch(const std::string &url) {
        try {
            store::Database database(url, "xselld progress");
            std::string last;
            std::unique_lock lock(mutex_);
            while (!over_.wait_for(lock, std::chrono::seconds(2), [&] { return done_; })) {
                const auto run = database.query(
                    "SELECT phase, round, rounds, rows FROM xsell.training_run WHERE model = $1 AND state = 'running' ORDER BY "
                    "run_id DESC LIMIT 1",
                    {model_});
                if (run.rows.empty()) continue;
                const auto &row = run.rows[0];
                std::string text = row.at(0).value_or("");
                if (row.at(3)) text += ", " + *row.at(3) + " rows";
                if (row.at(1) && row.at(2)) text += ", round " + *row.at(1) + " of at most " + *row.at(2);
                if (text != last) spdlog::info("training {}: {}", model_, text);
                last = text;
            }
        } catch (const std::exception &error) {
            spdlog::debug("no progress of the training: {}", error.what());
        }
    }

    std::string model_;
    std::mutex mutex_;
    std::condition_variable over_;
    bool done_ = false;
    std::thread thread_;
};

std::string call_train(store::Database &database, const std::string &model, const std::string &horizon) {
    const Cancelling cancelling(database);
    store::Value look_ahead = horizon.empty() ? store::Value() : store::Value(horizon);
    if (horizon == "longest") look_ahead = database.query("SELECT xsell.longest_horizon($1)", {model}).rows.at(0).at(0);
    const auto called = database.execute("CALL xsell.train($1, NULL, $2::interval)", {model, look_ahead});
    return called.rows.empty() ? "" : called.rows[0].at(0).value_or("");
}

// The model beside its baselines, on later data of other customers; everything else is in xsell.model_metric.
void print_metrics(store::Database &database, const std::string &version) {
    Table table({"ranker", "NDCG@10>", "low>", "high>", "recall@10>", "hit rate@10>", "AUC>", "PR-AUC>", "ECE>"});
    const auto found = database.query(
        "SELECT m.ranker, v.ndcg, v.low, v.high, v.recall, v.hit_rate, v.auc, v.pr_auc, v.ece"
        " FROM (SELECT DISTINCT ranker FROM xsell.model_metric WHERE model = $1 AND version = $2 AND slice = 'validate') m,"
        " LATERAL (SELECT round(max(value) FILTER (WHERE metric = 'ndcg@10')::numeric, 3) AS ndcg,"
        " round(max(low) FILTER (WHERE metric = 'ndcg@10')::numeric, 3) AS low,"
        " round(max(high) FILTER (WHERE metric = 'ndcg@10')::numeric, 3) AS high,"
        " round(max(value) FILTER (WHERE metric = 'recall@10')::numeric, 3) AS recall,"
        " round(max(value) FILTER (WHERE metric = 'hit_rate@10')::numeric, 3) AS hit_rate,"
        " round(max(value) FILTER (WHERE metric = 'auc')::numeric, 3) AS auc,"
        " round(max(value) FILTER (WHERE metric = 'pr_auc')::numeric, 3) AS pr_auc,"
        " round(max(value) FILTER (WHERE metric = 'ece')::numeric, 4) AS ece"
        " FROM xsell.model_metric WHERE model = $1 AND version = $2 AND slice = 'validate' AND ranker = m.ranker) v"
        " ORDER BY v.ndcg DESC NULLS LAST, m.ranker",
        {model_name, version});
    for (const auto &row : found.rows) {
        std::vector<std::string> cells;
        for (const auto &value : row) cells.push_back(value.value_or(""));
        table.add(cells);
    }
    std::printf("%s version %s, measured on later data of customers it was not trained on:\n\n%s\n", model_name, version.c_str(),
                table.text().c_str());
}

// NDCG@10 on later data of other customers, for a version or the live one.
store::Rows ranking(store::Database &database, const std::string &version) {
    return database.query(
        "SELECT value, low, pg_catalog.round(value::numeric, 4) FROM xsell.model_metric"
        " WHERE model = $1 AND version = $2 AND ranker = 'model' AND metric = 'ndcg@10' ORDER BY slice DESC LIMIT 1",
        {model_name, version});
}

double number(const store::Value &value) { return value ? std::strtod(value->c_str(), nullptr) : 0; }

// A new version goes live when it could be measured and its NDCG@10 is not below the interval of the live one's.
void deploy_if_good(store::Database &database, const std::string &version) {
    const auto measured = ranking(database, version);
    if (measured.rows.empty() || !measured.rows[0].at(0)) {
        std::printf(
            "Version %s is not deployed: nobody bought anything new in the time it was measured on, so nothing says how good it "
            "is.\n"
            "If the data ended long ago, let xsell work as of its last day: ALTER DATABASE ... SET xsell.now = '...'.\n"
            "To deploy it all the same: SELECT xsell.deploy('%s', %s);\n",
            version.c_str(), model_name, version.c_str());
        return;
    }
    const auto live = database.query("SELECT version FROM xsell.deployment WHERE model = $1 AND role = 'champion'", {model_name});
    if (!live.rows.empty()) {
        const std::string old = live.rows[0].at(0).value_or("");
        const auto ours = ranking(database, version), theirs = ranking(database, old);
        if (!ours.rows.empty() && !theirs.rows.empty()) {
            const double floor = theirs.rows[0].at(1) ? number(theirs.rows[0].at(1)) : number(theirs.rows[0].at(0));
            const std::string values = ours.rows[0].at(2).value_or("") + " against " + theirs.rows[0].at(2).value_or("");
            if (number(ours.rows[0].at(0)) < floor) {
                std::printf("Version %s is not deployed: its NDCG@10 is worse than that of the live version %s (%s).\n",
                            version.c_str(), old.c_str(), values.c_str());
                std::printf("To deploy it all the same: SELECT xsell.deploy('%s', %s);\n", model_name, version.c_str());
                return;
            }
            spdlog::info("NDCG@10 is not worse than that of the live version {} ({})", old, values);
        }
    }
    database.query("SELECT * FROM xsell.deploy($1, $2)", {model_name, version});
    std::printf("Version %s is deployed. To go back: SELECT xsell.rollback('%s');\n", version.c_str(), model_name);
}

// The newest version, when nothing was synced since it was trained: what would be learned is there already.
std::optional<std::string> up_to_date(store::Database &database) {
    const auto found = database.query(
        "SELECT v.version FROM xsell.model_version v WHERE v.model = $1 AND v.status = 'ready'"
        " AND NOT EXISTS (SELECT FROM xsell.sync_run r WHERE r.changed > 0 AND COALESCE(r.finished_at, pg_catalog.now()) > "
        "v.trained_at)"
        " AND EXISTS (SELECT FROM xsell.deployment d WHERE d.model = v.model)"
        " ORDER BY v.version DESC LIMIT 1",
        {model_name});
    return found.rows.empty() ? std::nullopt : found.rows[0].at(0);
}

void require_org(store::Database &database, const std::string &org) {
    std::vector<std::string> known;
    for (const auto &row : database.query("SELECT org_id FROM xsell.org ORDER BY 1").rows)
        known.push_back(row.at(0).value_or(""));
    if (std::find(known.begin(), known.end(), org) != known.end()) return;
    const auto guess = connectors::nearest(org, known);
    throw Refused("the database has no org '" + org + "'" + (guess ? "; did you mean '" + *guess + "'?" : ""));
}

}  // namespace

std::string train_version(const config::Config &config, store::Database &database, const std::string &model,
                          const std::string &horizon) {
    const ProgressWatch watch(config, model);
    return call_train(database, model, horizon);
}

void check_drift(const config::Config &config, store::Database &database) {
    const Cancelling cancelling(database);
    for (const auto &row : database.query("SELECT model FROM xsell.deployment WHERE role = 'champion' ORDER BY model").rows) {
        const std::string model = row.at(0).value_or("");
        try {
            database.query("SELECT xsell.check_drift($1)", {model});
        } catch (const store::SqlError &error) {  // of this model: it has no baseline, its features cannot be computed
            if (Signals::stop) throw;
            spdlog::warn("the drift of {} could not be checked: {}", model, error.what());
        }
    }
    for (const auto &row : database.query("SELECT model, reason FROM xsell.retrain_rule WHERE due ORDER BY model").rows) {
        const std::string model = row.at(0).value_or("");
        spdlog::warn("{} should be trained anew: {}", model, row.at(1).value_or(""));
        if (config.retrain) database.query("SELECT xsell.request_training($1)", {model});
    }
}

void train_requested(const config::Config &config, store::Database &database) {
    for (;;) {
        const auto next = database.query("SELECT run_id, model FROM xsell_internal.next_requested_training()");
        if (next.rows.empty() || Signals::stop) return;
        const std::string model = next.rows[0].at(1).value_or("");
        spdlog::info("training {}, as run {} asks for", model, next.rows[0].at(0).value_or(""));
        spdlog::info("training {}: version {} is ready; it is not deployed", model, train_version(config, database, model));
    }
}

int train_command(const std::filesystem::path &file, bool force, const std::string &horizon) {
    const config::Config config = load_config(file, Needs::database);
    Signals::listen();
    const auto database = connect(config, "xselld train");
    if (!force) {
        if (const auto version = up_to_date(*database)) {
            print_metrics(*database, *version);
            std::printf("Nothing has been synced since version %s was trained; --force trains all the same.\n", version->c_str());
            return 0;
        }
    }
    database->query("SET client_min_messages = warning");  // what to do with the version is said below
    refresh(*database);  // a model learns from holdings, and those are as old as the last refresh
    const std::string version = train_version(config, *database, model_name, horizon);
    print_metrics(*database, version);
    deploy_if_good(*database, version);
    return 0;
}

int recommend_command(const std::filesystem::path &file, int limit, const std::string &org) {
    const config::Config config = load_config(file, Needs::database);
    Signals::listen();
    const auto database = connect(config, "xselld recommend");
    const store::Value only = org.empty() ? store::Value() : store::Value(org);
    if (only) require_org(*database, org);
    refresh(*database);
    const auto found = database->query(
        "SELECT entity_name, product_name, org_id, route, pg_catalog.round(100 * probability::numeric, 1) || ' %',"
        " pg_catalog.round(expected_revenue::numeric, 2), currency, score_source, reason FROM xsell.recommendation"
        " WHERE $2::text IS NULL OR org_id = $2 ORDER BY expected_revenue DESC NULLS LAST, probability DESC, recommendation_id "
        "LIMIT $1",
        {std::to_string(limit), only});
    Table table({"customer", "product", "org", "route", "probability>", "expected>", "", "by", "reason"});
    for (const auto &row : found.rows) {
        std::vector<std::string> cells;
        for (const auto &value : row) cells.push_back(value.value_or(""));
        table.add(cells);
    }
    if (table.empty())
        std::printf("There is no recommendation. SELECT * FROM xsell.health says why.\n");
    else
        std::printf("%s", table.text().c_str());
    return 0;
}

}  // namespace xsell::cli
