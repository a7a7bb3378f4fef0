#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>

#include "cli/commands.hpp"
#include "cli/log.hpp"
#include "cli/table.hpp"
#include "connectors/registry.hpp"
#include "store/page_store.hpp"
#include "store/setup.hpp"

namespace xsell::cli {
namespace {

using Orgs = std::vector<const config::Org *>;

Orgs chosen_orgs(const config::Config &config, const std::vector<std::string> &names) {
    Orgs orgs;
    std::vector<std::string> known;
    for (const auto &org : config.orgs) {
        known.push_back(org.id);
        if (names.empty() || std::find(names.begin(), names.end(), org.id) != names.end()) orgs.push_back(&org);
    }
    for (const auto &name : names) {
        if (std::find(known.begin(), known.end(), name) != known.end()) continue;
        const auto guess = connectors::nearest(name, known);
        throw Refused("the configuration has no org '" + name + "'" + (guess ? "; did you mean '" + *guess + "'?" : ""));
    }
    if (orgs.empty()) throw Refused("the configuration has no org; xselld init csv shows how one is written");
    return orgs;
}

std::unique_ptr<sync::Connector> make_connector(const config::Org &org) {
    try {
        return connectors::find_connector(org.connector)->make(org.settings);
    } catch (const connectors::SettingsError &error) {
        std::string all = org.settings.where + ": org " + org.id;
        for (const auto &problem : error.problems) all += (error.problems.size() == 1 ? ": " : "\n  ") + problem;
        throw std::runtime_error(all);
    }
}

store::Money money(const config::Config &config) {
    store::Money money{config.base_currency, std::nullopt};
    if (!config.rates) return money;
    money.rates.emplace();
    for (const auto &rate : *config.rates) money.rates->push_back({rate.currency, rate.valid_from, rate.rate});
    return money;
}

void require_objects(const std::vector<std::string> &names) {
    static const std::vector<std::string> known = {"crm_user",    "account",          "contact", "lead",    "product",
                                                   "opportunity", "opportunity_line", "asset",   "activity"};
    for (const auto &name : names) {
        if (std::find(known.begin(), known.end(), name) != known.end()) continue;
        const auto guess = connectors::nearest(name, known);
        throw Refused("there is no object '" + name + "'" + (guess ? "; did you mean '" + *guess + "'?" : ""));
    }
}

// A page that waits for somebody's lock must not hold up a stop; an ordinary one is let through.
class StoppablePageStore : public store::PageStore {
  public:
    explicit StoppablePageStore(const std::string &url)
        : PageStore(url), cancelling_(database(), std::chrono::milliseconds(800)) {}

  private:
    Cancelling cancelling_;
};

sync::Options engine_options(const config::Config &config, const SyncArguments &arguments) {
    sync::Options options;
    options.workers = static_cast<std::size_t>(config.workers);
    options.objects = arguments.objects;
    options.stop = &Signals::stop;
    options.note = [](const std::string &text) { spdlog::warn("{}", text); };
    options.progress = [](const sync::Progress &p) {
        const auto level = p.page % 10 == 0 ? spdlog::level::info : spdlog::level::debug;
        spdlog::log(level, "{} {}: page {}, {} read, {} changed, {} rejected", p.org, p.object, p.page, p.total.fetched,
                    p.total.changed, p.total.rejected);
    };
    return options;
}

void report(const sync::OrgResult &result) {
    for (const auto &object : result.objects) {
        const auto &c = object.counts;
        if (object.busy)
            spdlog::info("{} {}: another xselld is reading it, left alone", result.org, object.object);
        else if (object.error && Signals::stop)
            spdlog::info("{} {}: {} after {} pages", result.org, object.object, *object.error, object.pages);
        else if (object.error)
            spdlog::error("{} {}: {}", result.org, object.object, *object.error);
        else
            spdlog::info("{} {}: {} read, {} changed, {} deleted, {} rejected", result.org, object.object, c.fetched, c.changed,
                         c.deleted, c.rejected);
    }
    const bool told = !result.objects.empty() && result.objects.back().error == result.error;
    if (result.error && !told) spdlog::error("{}: {}", result.org, *result.error);
}

void print_plan(const config::Config &config, const SyncArguments &arguments, bool &wrong) {
    const auto database = connect(config, "xselld plan");
    store::PageStore store(config.database_url);
    Table table({"org", "object", "in the source>", "stored>", "next reading"});
    for (const auto *org : chosen_orgs(config, arguments.orgs)) {
        try {
            const auto connector = make_connector(*org);
            for (const auto &name : connector->objects()) {
                if (!arguments.objects.empty() &&
                    std::find(arguments.objects.begin(), arguments.objects.end(), name) == arguments.objects.end())
                    continue;
                const auto count = connector->count(store.object(name));
                const auto stored = database->query(
                    "SELECT pg_catalog.count(*) FROM xsell_internal.source_record WHERE org_id = $1 AND object = $2 AND NOT "
                    "deleted",
                    {org->id, name});
                table.add({org->id, name, count ? std::to_string(*count) : "unknown", std::to_string(stored.number(0, 0)),
                           store.state(org->id, name).empty() ? "from the beginning" : "what changed"});
            }
        } catch (const std::exception &error) {
            spdlog::error("{}: {}", org->id, error.what());
            wrong = true;
        }
    }
    std::printf("%s\nNothing was written.\n", hidden(table.text()).c_str());
}

}  // namespace

std::vector<sync::OrgResult> sync_once(const config::Config &config, const SyncArguments &arguments) {
    const Orgs orgs = chosen_orgs(config, arguments.orgs);
    std::vector<std::string> paused;
    {
        const auto database = connect(config, "xselld");
        const Cancelling cancelling(*database);
        std::vector<store::OrgRow> rows;
        for (const auto *org : orgs) rows.push_back({org->id, org->name, org->connector, org->currency});
        if (const auto done = store::prepare(*database, rows, money(config))) spdlog::info("{}", *done);
        paused = store::paused_orgs(*database);
    }
    std::vector<sync::OrgJob> jobs;
    for (const auto *org : orgs) {
        if (std::find(paused.begin(), paused.end(), org->id) != paused.end()) {
            spdlog::info("{}: paused (xsell.org), left alone", org->id);
            continue;
        }
        jobs.push_back({org->id, [org] { return make_connector(*org); },
                        [&config] { return std::make_unique<StoppablePageStore>(config.database_url); }});
    }
    auto results = sync::sync_orgs(jobs, engine_options(config, arguments));
    for (const auto &result : results) report(result);
    return results;
}

std::string summary(const std::vector<sync::OrgResult> &results) {
    Table table({"org", "object", "read>", "changed>", "deleted>", "rejected>", "outcome"});
    for (const auto &result : results) {
        for (const auto &object : result.objects) {
            const auto &c = object.counts;
            table.add({result.org, object.object, std::to_string(c.fetched), std::to_string(c.changed), std::to_string(c.deleted),
                       std::to_string(c.rejected),
                       object.busy    ? "busy"
                       : object.error ? *object.error
                                      : "done"});
        }
        if (result.objects.empty() && result.error) table.add({result.org, "", "", "", "", "", *result.error});
    }
    return table.text();
}

bool failed(const std::vector<sync::OrgResult> &results) {
    return std::any_of(results.begin(), results.end(), [](const sync::OrgResult &result) { return result.failed(); });
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
    const auto results = sync_once(config, arguments);
    std::printf("%s", hidden(summary(results)).c_str());
    std::int64_t rejected = 0;
    for (const auto &result : results) {
        for (const auto &object : result.objects) rejected += object.counts.rejected;
    }
    if (rejected > 0)
        std::printf("\n%lld records were put aside: SELECT * FROM xsell.rejected_record;\n", static_cast<long long>(rejected));
    return failed(results) ? 1 : 0;
}

}  // namespace xsell::cli
