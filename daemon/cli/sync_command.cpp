#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>

#include "cli/commands.hpp"
#include "cli/log.hpp"
#include "cli/reading.hpp"
#include "cli/table.hpp"

namespace xsell::cli {
namespace {

constexpr double idle_wait = 1;  // seconds

void print_plan(const config::Config &config, const SyncArguments &arguments, bool &wrong) {
    const auto database = connect(config, "xselld plan");
    const Orgs orgs = chosen_orgs(config, arguments.orgs);
    const auto store = make_store(config);
    const Plan plan = make_plan(config, arguments, orgs, *store);
    Table table({"org", "object", "in the source>", "stored>", "next reading"});
    const auto row = [&](const sync::Opening &opening, const std::string &object, const std::optional<std::int64_t> &count) {
        const auto found = database->query(
            "SELECT (SELECT pg_catalog.count(*) FROM xsell_internal.source_record WHERE org_id = $1 AND object = $2 AND NOT "
            "deleted),"
            " EXISTS (SELECT FROM xsell_internal.sync_state WHERE org_id = $1 AND object = $2 AND state <> '')",
            {opening.org, object});
        const bool begun = found.rows.at(0).at(1) == "t" && !opening.full;
        const std::string next = !opening.states.empty() ? "since " + arguments.since
                                 : begun                 ? "what changed"
                                                         : "from the beginning";
        table.add({opening.org, object, count ? std::to_string(*count) : "unknown", std::to_string(found.number(0, 0)), next});
    };
    for (const auto &opening : plan.openings) {
        try {
            const auto *org = chosen_orgs(config, {opening.org}).front();
            const auto connector = make_connector(config, *org);
            for (const auto &object : opening.objects) row(opening, object, connector->count(store->object(object)));
        } catch (const std::exception &error) {
            spdlog::error("{}: {}", opening.org, error.what());
            wrong = true;
        }
    }
    for (const auto &[org, reason] : plan.refused) spdlog::error("{}: {}", org, reason);
    wrong |= !plan.refused.empty();
    std::printf("%s\nNothing was written.\n", hidden(table.text()).c_str());
}

std::int64_t sum(const std::vector<sync::RunReport> &reports, std::int64_t sync::MergeCounts::*count) {
    std::int64_t total = 0;
    for (const auto &report : reports) total += report.object.empty() ? 0 : report.counts.*count;
    return total;
}

}  // namespace

bool Synced::failed() const {
    const auto bad = [](const sync::RunReport &report) { return report.object.empty() && report.state != "COMPLETED"; };
    return !refused.empty() || std::any_of(reports.begin(), reports.end(), bad);
}
std::int64_t Synced::changed() const { return sum(reports, &sync::MergeCounts::changed); }
std::int64_t Synced::rejected() const { return sum(reports, &sync::MergeCounts::rejected); }

Synced sync_once(const config::Config &config, const SyncArguments &arguments) {
    Orgs orgs = chosen_orgs(config, arguments.orgs);
    connect(config, "xselld");  // a wrong address is said at once; what was there a moment ago is waited for
    const auto patience = static_cast<double>(config.patience);
    std::set<std::string> paused;
    patiently(patience, [&] { paused = prepare(config, orgs, *connect(config, "xselld")); });
    std::erase_if(orgs, [&](const config::Org *org) {
        if (!paused.contains(org->id)) return false;
        spdlog::info("{}: paused (xselld org resume {}), left alone", org->id, org->id);
        return true;
    });
    Plan plan;
    std::unique_ptr<sync::Store> store;
    std::vector<std::int64_t> processes;
    patiently(patience, [&] {
        store = make_store(config);
        plan = make_plan(config, arguments, orgs, *store);
        processes = open_all(plan, *store);
    });
    for (const auto &[org, reason] : plan.refused) spdlog::error("{}", reason);
    Synced synced{{}, plan.refused};
    if (processes.empty()) return synced;
    {
        const auto engine = start_engine(config, orgs, idle_wait);
        synced.reports = engine->finish(processes, patience);
    }
    try {
        synced.reports = store->report(processes);  // the workers have gone: these figures are the last
    } catch (const std::exception &error) {
        spdlog::debug("the last figures are a moment old: {}", error.what());
    }
    synced.reports = latest(synced.reports);
    log_reports(synced.reports);
    return synced;
}

std::string summary(const Synced &synced) {
    Table table({"org", "object", "read>", "changed>", "deleted>", "rejected>", "outcome"});
    for (const auto &report : synced.reports) {
        if (report.object.empty()) continue;
        const auto &c = report.counts;
        table.add({report.org, report.object, std::to_string(c.fetched), std::to_string(c.changed), std::to_string(c.deleted),
                   std::to_string(c.rejected), !report.finished() ? "stopped" : report.error.value_or("done")});
    }
    for (const auto &[org, reason] : synced.refused) table.add({org, "", "", "", "", "", reason});
    return table.text();
}

int sync_command(const std::filesystem::path &file, const SyncArguments &arguments) {
    const config::Config config = load_config(file, Needs::orgs);
    require_objects(arguments.objects);
    if (arguments.dry_run) {
        bool wrong = false;
        print_plan(config, arguments, wrong);
        return wrong ? 1 : 0;
    }
    Signals::listen();
    const Synced synced = sync_once(config, arguments);
    std::printf("%s", hidden(summary(synced)).c_str());
    if (const std::int64_t rejected = synced.rejected(); rejected > 0)
        std::printf("\n%lld records were put aside: SELECT * FROM xsell.rejected_record;\n", static_cast<long long>(rejected));
    try {
        if (!Signals::stop) prune(config, *connect(config, "xselld"));
    } catch (const std::exception &error) {
        spdlog::warn("old pages, errors and processes were not pruned: {}", error.what());
    }
    return synced.failed() ? 1 : 0;
}

}  // namespace xsell::cli
