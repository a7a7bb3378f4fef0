#include <cstdio>

#include "cli/commands.hpp"
#include "cli/table.hpp"

namespace xsell::cli {

int states_command(const std::filesystem::path &file) {
    const config::Config config = load_config(file, Needs::database);
    const auto database = connect(config, "xselld states");
    Table table({"state", "may become", "when"});
    std::string before;
    for (const auto &row :
         database->query("SELECT from_state, to_state, meaning FROM xsell.sync_state_machine ORDER BY position").rows) {
        const std::string state = row.at(0).value_or("");
        table.add({state == before ? "" : state, row.at(1).value_or(""), row.at(2).value_or("")});
        before = state;
    }
    std::printf("%s", table.text().c_str());
    return 0;
}

// Failed pages go back into the queue, and the orgs may be asked again at once; then the queue is worked off.
int retry_command(const std::filesystem::path &file, const std::vector<std::string> &orgs) {
    const config::Config config = load_config(file, Needs::orgs);
    std::vector<std::string> names;
    for (const auto *org : chosen_orgs(config, orgs)) names.push_back(org->id);
    std::int64_t pages = 0;
    {
        const auto database = connect(config, "xselld retry");
        for (const auto &org : names) {
            const std::int64_t queued = database->query("SELECT xsell_internal.sync_retry($1::text)", {org}).number(0, 0);
            if (queued > 0) std::printf("%s: %lld pages are tried again\n", org.c_str(), static_cast<long long>(queued));
            if (queued == 0) std::printf("%s: no page has failed\n", org.c_str());
            pages += queued;
        }
    }
    if (pages == 0) return 0;
    SyncArguments arguments;
    arguments.orgs = orgs;
    return sync_command(file, arguments);
}

}  // namespace xsell::cli
