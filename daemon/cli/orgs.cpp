// Orgs, objects and connectors, as the configuration and the command line name them.
#include <algorithm>
#include <stdexcept>

#include "cli/commands.hpp"
#include "connectors/registry.hpp"
#include "store/host.hpp"

namespace xsell::cli {
namespace {

bool contains(const std::vector<std::string> &list, const std::string &item) {
    return std::find(list.begin(), list.end(), item) != list.end();
}

std::string guess(const std::string &name, const std::vector<std::string> &known) {
    const auto found = connectors::nearest(name, known);
    return found ? "; did you mean '" + *found + "'?" : "";
}

// Who logs in, and where: a token that was kept for another login is not used.
std::string login_of(const config::Org &org) {
    const connectors::Settings settings = org.settings;  // a copy: what is asked here has not been asked by the connector
    std::string login = org.connector;
    for (const char *key :
         {"auth", "auth_url", "base_url", "client_id", "data_centre", "environment", "refresh_token", "site", "username"})
        login += "\n" + settings.text(key);
    return login;
}

}  // namespace

Orgs chosen_orgs(const config::Config &config, const std::vector<std::string> &names) {
    Orgs orgs;
    std::vector<std::string> known;
    for (const auto &org : config.orgs) {
        known.push_back(org.id);
        if (names.empty() || contains(names, org.id)) orgs.push_back(&org);
    }
    for (const auto &name : names) {
        if (!contains(known, name)) throw Refused("the configuration has no org '" + name + "'" + guess(name, known));
    }
    if (orgs.empty()) throw Refused("the configuration has no org; xselld init csv shows how one is written");
    return orgs;
}

bool wanted(const SyncArguments &arguments, const std::string &object) {
    return arguments.objects.empty() || contains(arguments.objects, object);
}

void require_objects(const std::vector<std::string> &names) {
    static const std::vector<std::string> known = {"crm_user",    "account",          "contact", "lead",    "product",
                                                   "opportunity", "opportunity_line", "asset",   "activity"};
    for (const auto &name : names) {
        if (!contains(known, name)) throw Refused("there is no object '" + name + "'" + guess(name, known));
    }
}

std::unique_ptr<sync::Connector> make_connector(const config::Config &config, const config::Org &org) {
    connectors::Settings settings = org.settings;
    std::optional<std::filesystem::path> key;
    if (!config.token_key.empty()) key = config.token_key;
    settings.host = store::make_host(config.database_url, org.id, key, &Signals::stop, login_of(org));
    try {
        return connectors::find_connector(org.connector)->make(settings);
    } catch (const connectors::SettingsError &error) {
        std::string all = settings.where + ": org " + org.id;
        for (const auto &problem : error.problems) all += (error.problems.size() == 1 ? ": " : "\n  ") + problem;
        throw std::runtime_error(all);
    }
}

}  // namespace xsell::cli
