#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>
#include <fstream>

#include "cli/commands.hpp"
#include "cli/log.hpp"
#include "cli/table.hpp"
#include "connectors/registry.hpp"

namespace xsell::cli {
namespace {

void require_org(store::Database &database, const std::string &org) {
    if (!database.query("SELECT FROM xsell.org WHERE org_id = $1", {org}).rows.empty()) return;
    std::vector<std::string> known;
    for (const auto &row : database.query("SELECT org_id FROM xsell.org").rows) known.push_back(row.at(0).value_or(""));
    const auto guess = connectors::nearest(org, known);
    throw Refused("the database has no org '" + org + "'" + (guess ? "; did you mean '" + *guess + "'?" : ""));
}

const config::Org *configured(const config::Config &config, const std::string &org) {
    const auto found = std::find_if(config.orgs.begin(), config.orgs.end(), [&](const auto &o) { return o.id == org; });
    return found == config.orgs.end() ? nullptr : &*found;
}

}  // namespace

int org_list_command(const std::filesystem::path &file) {
    const config::Config config = load_config(file, Needs::database);
    const auto database = connect(config, "xselld org");
    Table table({"org", "name", "connector", "state", "objects>", "records>", "last success (UTC)"});
    std::vector<std::string> stored;
    const auto found = database->query(
        "SELECT o.org_id, o.name, o.connector, o.paused, pg_catalog.count(s.object), COALESCE(pg_catalog.sum(s.stored_count), 0),"
        " pg_catalog.to_char(pg_catalog.min(s.last_success_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')"
        " FROM xsell.org o LEFT JOIN xsell.sync_status s USING (org_id) GROUP BY 1, 2, 3, 4 ORDER BY 1");
    for (const auto &row : found.rows) {
        const std::string id = row.at(0).value_or("");
        const char *state = row.at(3) == "t" ? "paused" : configured(config, id) ? "active" : "not in the configuration";
        stored.push_back(id);
        table.add({id, row.at(1).value_or(""), row.at(2).value_or(""), state, row.at(4).value_or(""), row.at(5).value_or(""),
                   row.at(6).value_or("never")});
    }
    for (const auto &org : config.orgs) {
        if (std::find(stored.begin(), stored.end(), org.id) == stored.end())
            table.add({org.id, org.name, org.connector, "not synced yet", "0", "0", "never"});
    }
    std::printf("%s", table.empty() ? "There is no org yet: xselld org add NAME CONNECTOR\n" : table.text().c_str());
    return 0;
}

// Adds a commented section to the configuration file; whoever runs it fills in where the credentials are.
int org_add_command(const std::filesystem::path &file, const std::string &org, const std::string &connector) {
    const connectors::Entry *entry = connectors::find_connector(connector);
    if (!entry) throw Refused("there is no connector '" + connector + "'; xselld connectors lists them");
    const bool good =
        !org.empty() && org.size() <= 63 &&
        org.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-") == std::string::npos;
    if (!good) throw Refused("'" + org + "' is no name for an org: letters, digits, _ . and - make one");
    if (!std::filesystem::exists(file))
        throw Refused(file.string() + " does not exist yet: xselld init " + connector + " -o " + file.string());
    if (configured(config::load(file), org)) throw Refused(file.string() + " has an org '" + org + "' already");
    std::string text = *entry->init_text;
    const std::size_t at = text.find("\nid = \"");
    const std::size_t end = at == std::string::npos ? at : text.find('"', at + 7);
    if (end == std::string::npos) throw std::logic_error("the template of " + connector + " has no id");
    text.replace(at + 7, end - at - 7, org);
    std::ofstream out(file, std::ios::app);
    out << "\n" << text;
    out.close();
    if (!out) throw std::runtime_error(file.string() + " cannot be written");
    std::printf("%s: org %s was added at the end. Fill in its credentials, then: xselld check\n", file.c_str(), org.c_str());
    return 0;
}

int org_pause_command(const std::filesystem::path &file, const std::string &org, bool paused) {
    const config::Config config = load_config(file, Needs::database);
    const auto database = connect(config, "xselld org");
    require_org(*database, org);
    database->query("UPDATE xsell.org SET paused = $2 WHERE org_id = $1", {org, paused ? "true" : "false"});
    std::printf(paused ? "%s is paused: nothing of it is read until xselld org resume %s\n" : "%s is read again\n", org.c_str(),
                org.c_str());
    return 0;
}

int org_remove_command(const std::filesystem::path &file, const std::string &org, bool purge) {
    const config::Config config = load_config(file, Needs::database);
    const auto database = connect(config, "xselld org");
    require_org(*database, org);
    const bool listed = configured(config, org) != nullptr;
    if (!purge) {
        database->query("UPDATE xsell.org SET paused = true WHERE org_id = $1", {org});
        std::printf("%s is not read any more; its rows stay. xselld org remove %s --purge deletes them.\n", org.c_str(),
                    org.c_str());
        if (listed) std::printf("Its section is still in %s: delete it there.\n", file.c_str());
        return 0;
    }
    const auto models = database->query("SELECT model, version, trained_at::date, roles FROM xsell.org_models($1)", {org});
    Table removed({"table", "rows removed>"});
    {
        store::Transaction transaction(*database);
        for (const auto &row : database->query("SELECT relation, removed FROM xsell_internal.sync_purge_org($1)", {org}).rows)
            removed.add({row.at(0).value_or(""), row.at(1).value_or("")});
        transaction.commit();
    }
    std::printf("%s", removed.text().c_str());
    if (!models.rows.empty()) {
        Table table({"model", "version>", "trained", "deployed as"});
        for (const auto &row : models.rows)
            table.add({row.at(0).value_or(""), row.at(1).value_or(""), row.at(2).value_or(""), row.at(3).value_or("")});
        std::printf("\nThese versions may have learnt from it; train anew where they must forget:\n%s", table.text().c_str());
    }
    if (listed) std::printf("\nIts section is still in %s: delete it there, or the next sync reads it again.\n", file.c_str());
    refresh(*database);
    return 0;
}

}  // namespace xsell::cli
