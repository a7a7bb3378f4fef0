// Orgs, objects and connectors, as the configuration and the command line name them.
#include <algorithm>
#include <stdexcept>

#include "cli/commands.hpp"
#include "connectors/registry.hpp"
#include "store/host.hpp"
#include "store/page_store.hpp"

namespace xsell::cli {
namespace {

bool contains(const std::vector<std::string> &list, const std::string &item) {
    return std::find(list.begin(), list.end(), item) != list.end();
}

std::string guess(const std::string &name, const std::vector<std::string> &known) {
    const auto found = connectors::nearest(name, known);
    return found ? "; did you mean '" + *found + "'?" : "";
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
    settings.host = store::make_host(config.database_url, org.id, config.token_key, &Signals::stop);
    try {
        return connectors::find_connector(org.connector)->make(settings);
    } catch (const connectors::SettingsError &error) {
        std::string all = settings.where + ": org " + org.id;
        for (const auto &problem : error.problems) all += (error.problems.size() == 1 ? ": " : "\n  ") + problem;
        throw std::runtime_error(all);
    }
}

}  // namespace xsell::cli
