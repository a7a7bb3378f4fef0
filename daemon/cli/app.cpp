#include "cli/app.hpp"

#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>

#include "cli/commands.hpp"
#include "cli/log.hpp"
#include "connectors/settings.hpp"
#include "store/database.hpp"

namespace xsell::cli {
namespace {

constexpr const char *examples = R"(
First steps:
  xselld init csv > xselld.toml            a commented configuration; also: salesforce, hubspot
  xselld check                             every mistake at once: configuration, connections, scopes, unmapped stages
  xselld sync --dry-run                    what would be read; writes nothing
  xselld sync --once                       read what changed in every org
  xselld train                             learn, measure beside the baselines, deploy if not worse
  xselld recommend --limit 10              the best recommendations, with their reasons

As a service:
  xselld run                               syncs as scheduled; SIGTERM stops it cleanly, SIGHUP reloads the configuration
  xselld status                            how fresh and complete each object is, and what is wrong
  xselld sync --once --org emea --object account --object opportunity
)";

struct Arguments {
    std::string config = "xselld.toml", connector, output, org, horizon;
    LogOptions log;
    bool force = false, once = false;
    int limit = 10;
    SyncArguments sync;
    std::function<int()> command;
};

void add_sync_commands(CLI::App &app, Arguments &a) {
    auto *check =
        app.add_subcommand("check", "Check the configuration, the database and every org; report every mistake at once");
    check->callback([&a] { a.command = [&a] { return check_command(a.config); }; });
    auto *sync = app.add_subcommand("sync", "Read what changed in the orgs, once");
    sync->add_flag("--once", a.once, "Read once and end (what it does anyway; xselld run is the service)");
    sync->add_option("--org", a.sync.orgs, "Only this org; may be repeated");
    sync->add_option("--object", a.sync.objects, "Only this object (account, opportunity, ...); may be repeated");
    sync->add_flag("--dry-run", a.sync.dry_run, "Show the plan and counts; write nothing");
    sync->callback([&a] { a.command = [&a] { return sync_command(a.config, a.sync); }; });
    auto *run = app.add_subcommand("run", "Sync as scheduled, refresh recommendations, train what was asked for");
    run->callback([&a] { a.command = [&a] { return run_command(a.config); }; });
    auto *status = app.add_subcommand("status", "Show how fresh and complete everything is, and what is wrong");
    status->callback([&a] { a.command = [&a] { return status_command(a.config); }; });
}

void add_other_commands(CLI::App &app, Arguments &a) {
    auto *init = app.add_subcommand("init", "Print a commented configuration for a connector: csv, hubspot or salesforce");
    init->add_option("connector", a.connector, "csv, hubspot or salesforce")->required();
    init->add_option("-o,--output", a.output, "Write it to a new file");
    init->callback([&a] { a.command = [&a] { return init_command(a.connector, a.output); }; });
    auto *train = app.add_subcommand(
        "train", "Train a version, print its metrics beside the baselines, deploy it if it is not worse than the live one");
    train->add_flag("--force", a.force, "Train even when nothing was synced since the last version");
    train->add_option(
        "--horizon", a.horizon,
        "How far ahead to predict (\"90 days\", or \"longest\" that the history carries); default: the model's own");
    train->callback([&a] { a.command = [&a] { return train_command(a.config, a.force, a.horizon); }; });
    auto *recommend = app.add_subcommand("recommend", "Refresh and print the best recommendations");
    recommend->add_option("--limit", a.limit, "How many")->check(CLI::Range(1, 100000))->capture_default_str();
    recommend->add_option("--org", a.org, "Only what this org would sell");
    recommend->callback([&a] { a.command = [&a] { return recommend_command(a.config, a.limit, a.org); }; });
}

void add_log_options(CLI::App &app, Arguments &a) {
    app.add_option("--log-level", a.log.level, "trace, debug, info, warning or error")
        ->check(CLI::IsMember({"trace", "debug", "info", "warning", "error"}))
        ->capture_default_str();
    app.add_flag_callback(
        "--debug", [&a] { a.log.level = "debug"; }, "The same as --log-level debug");
    app.add_option("--log-format", a.log.format, "human, or json: one object a line")
        ->check(CLI::IsMember({"human", "json"}))
        ->capture_default_str();
    app.add_option("--log-file", a.log.file, "Write the log there instead of to standard error");
    app.add_option("--log-megabytes", a.log.megabytes, "Begin a new file at this size, keeping five old ones; 0: never")
        ->capture_default_str();
}

int guarded(const Arguments &arguments) {
    const auto fail = [](const std::string &text, int status) {
        spdlog::error("{}", text);
        return status;
    };
    try {
        start_logging(arguments.log);
        return arguments.command();
    } catch (const Refused &error) {
        return fail(error.what(), 2);
    } catch (const store::SqlError &error) {
        return fail(error.what() + (error.hint.empty() ? "" : "\n  " + error.hint), Signals::stop ? 130 : 1);
    } catch (const std::exception &error) {
        return fail(error.what(), 1);
    }
}

std::string no_command(const CLI::App &app) {
    std::vector<std::string> known;
    std::string all;
    for (const auto *command : app.get_subcommands({})) {
        known.push_back(command->get_name());
        all += (all.empty() ? "" : ", ") + known.back();
    }
    const std::vector<std::string> rest = app.remaining();
    if (rest.empty()) return "xselld: which command? " + all + "; xselld --help says what each does";
    const auto guess = connectors::nearest(rest.front(), known);
    return std::string("xselld: there is no ") + (rest.front().starts_with('-') ? "option" : "command") + " '" + rest.front() +
           "'" + (guess ? "; did you mean '" + *guess + "'?" : "; commands are " + all);
}

}  // namespace

int main(int argc, char **argv) {
    Arguments arguments;
    CLI::App app{"xselld keeps CRM orgs in step with PostgreSQL and trains and serves cross-sell recommendations there.",
                 "xselld"};
    app.set_version_flag("--version", "xselld " XSELL_VERSION);
    app.add_option("--config", arguments.config, "Configuration file")->envname("XSELLD_CONFIG")->capture_default_str();
    add_log_options(app, arguments);
    app.require_subcommand(1);
    app.fallthrough();
    add_sync_commands(app, arguments);
    add_other_commands(app, arguments);
    app.footer(examples);  // last: subcommands inherit what is there when they are added
    try {
        app.parse(argc, argv);
    } catch (const CLI::RequiredError &error) {
        if (!app.get_subcommands().empty()) return app.exit(error) == 0 ? 0 : 2;
        std::fprintf(stderr, "%s\n", no_command(app).c_str());
        return 2;
    } catch (const CLI::ParseError &error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    return guarded(arguments);
}

}  // namespace xsell::cli
