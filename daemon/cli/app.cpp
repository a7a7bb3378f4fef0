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
  xselld init csv > xselld.toml            a commented configuration; xselld connectors names the others
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
    DeadLetterArguments letters;
    std::int64_t letter = 0;
    bool purge = false, watch = false;
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
    sync->add_flag("--full", a.sync.full, "Read everything again, from the beginning");
    sync->add_option("--since", a.sync.since, "Read what changed since then: \"2026-05-01 12:00\" (UTC), or 24h, 7d ago");
    sync->add_flag("--dry-run", a.sync.dry_run, "Show the plan and counts; write nothing");
    sync->callback([&a] { a.command = [&a] { return sync_command(a.config, a.sync); }; });
    auto *run = app.add_subcommand("run", "Sync as scheduled, refresh recommendations, train what was asked for");
    run->callback([&a] { a.command = [&a] { return run_command(a.config); }; });
    auto *status = app.add_subcommand("status", "Show how fresh and complete everything is, and what is wrong");
    status->add_flag("--watch", a.watch, "Draw the readings under way anew each second, until Ctrl-C");
    status->callback([&a] { a.command = [&a] { return a.watch ? watch_command(a.config) : status_command(a.config); }; });
    auto *retry = app.add_subcommand("retry", "Put failed pages back into the queue, then read what changed");
    retry->add_option("--org", a.sync.orgs, "Only this org; may be repeated");
    retry->callback([&a] { a.command = [&a] { return retry_command(a.config, a.sync.orgs); }; });
    auto *reconcile = app.add_subcommand(
        "reconcile", "Read everything from the sources and compare ids and counts with what is stored; write nothing");
    reconcile->add_option("--org", a.sync.orgs, "Only this org; may be repeated");
    reconcile->add_option("--object", a.sync.objects, "Only this object; may be repeated");
    reconcile->callback([&a] { a.command = [&a] { return reconcile_command(a.config, a.sync); }; });
    auto *connectors =
        app.add_subcommand("connectors", "List the connectors: objects, paging, how changes and deletes are found");
    connectors->callback([&a] { a.command = [] { return connectors_command(); }; });
    auto *states = app.add_subcommand("states", "Print the states of a sync process and what may follow what");
    states->callback([&a] { a.command = [&a] { return states_command(a.config); }; });
}

void add_org_commands(CLI::App &app, Arguments &a) {
    auto *org = app.add_subcommand("org", "List, add, pause, resume and remove orgs");
    org->require_subcommand(1);
    auto *list = org->add_subcommand("list", "The orgs, in the configuration and in the database");
    list->callback([&a] { a.command = [&a] { return org_list_command(a.config); }; });
    auto *add = org->add_subcommand("add", "Append a commented section for a new org to the configuration");
    add->add_option("name", a.org, "Name of the org")->required();
    add->add_option("connector", a.connector, "Its connector; xselld connectors lists them")->required();
    add->callback([&a] { a.command = [&a] { return org_add_command(a.config, a.org, a.connector); }; });
    for (const bool paused : {true, false}) {
        auto *command =
            org->add_subcommand(paused ? "pause" : "resume", paused ? "Read nothing of it for the time being" : "Read it again");
        command->add_option("name", a.org, "Name of the org")->required();
        command->callback([&a, paused] { a.command = [&a, paused] { return org_pause_command(a.config, a.org, paused); }; });
    }
    auto *remove = org->add_subcommand("remove", "Stop reading it; its rows stay unless --purge is given");
    remove->add_option("name", a.org, "Name of the org")->required();
    remove->add_flag("--purge", a.purge, "Delete all its rows, and name the models that may have learnt from them");
    remove->callback([&a] { a.command = [&a] { return org_remove_command(a.config, a.org, a.purge); }; });
}

void add_dead_letter_commands(CLI::App &app, Arguments &a) {
    auto *letters = app.add_subcommand("dead-letter", "Records that were put aside because they could not be stored");
    letters->require_subcommand(1);
    const auto choice = [&a](CLI::App *command) {
        command->add_option("--org", a.letters.orgs, "Only this org; may be repeated");
        command->add_option("--object", a.letters.objects, "Only this object; may be repeated");
        return command;
    };
    auto *list = choice(letters->add_subcommand("list", "The latest of them, with the reasons"));
    list->add_option("--limit", a.letters.limit, "How many")->check(CLI::Range(1, 1000000))->capture_default_str();
    list->callback([&a] { a.command = [&a] { return dead_letter_list_command(a.config, a.letters); }; });
    auto *show = letters->add_subcommand("show", "One of them, with its text");
    show->add_option("id", a.letter, "Its id")->required();
    show->callback([&a] { a.command = [&a] { return dead_letter_show_command(a.config, a.letter); }; });
    auto *retry = choice(letters->add_subcommand("retry", "Try to store them again, after the field map or the data was mended"));
    retry->add_option("id", a.letters.ids, "Only these");
    retry->callback([&a] { a.command = [&a] { return dead_letter_retry_command(a.config, a.letters); }; });
    auto *discard = choice(letters->add_subcommand("discard", "Forget them"));
    discard->add_option("id", a.letters.ids, "These");
    discard->add_flag("--all", a.letters.all, "All of them");
    discard->callback([&a] { a.command = [&a] { return dead_letter_discard_command(a.config, a.letters); }; });
}

void add_key_commands(CLI::App &app, Arguments &a) {
    auto *key = app.add_subcommand("key", "The key that seals the tokens which vendors issue");
    key->require_subcommand(1);
    auto *fresh = key->add_subcommand("new", "Make a key in a new file that nobody else can read");
    fresh->add_option("file", a.output, "The file")->required();
    fresh->callback([&a] { a.command = [&a] { return key_new_command(a.output); }; });
    auto *rotate = key->add_subcommand("rotate", "Change the key, and seal every token anew; daemons may go on");
    rotate->callback([&a] { a.command = [&a] { return key_rotate_command(a.config); }; });
    auto *forget = key->add_subcommand("forget", "Forget the token of an org: the next login takes what the configuration says");
    forget->add_option("--org", a.org, "The org")->required();
    forget->callback([&a] { a.command = [&a] { return key_forget_command(a.config, a.org); }; });
}

void add_other_commands(CLI::App &app, Arguments &a) {
    auto *init = app.add_subcommand("init", "Print a commented configuration for a connector");
    init->add_option("connector", a.connector, "Its name; xselld connectors lists them")->required();
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
        sync::on_token([](const std::string &token) { hide_token(token); });
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
    add_org_commands(app, arguments);
    add_dead_letter_commands(app, arguments);
    add_key_commands(app, arguments);
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
