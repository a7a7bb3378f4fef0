#include <cstdio>

#include "cli/commands.hpp"
#include "cli/log.hpp"
#include "cli/table.hpp"

namespace xsell::cli {
namespace {

void print(store::Database &database, std::vector<std::string> columns, const std::string &sql, const char *none) {
    Table table(std::move(columns));
    for (const auto &row : database.query(sql).rows) {
        std::vector<std::string> cells;
        for (const auto &value : row) cells.push_back(value.value_or(""));
        table.add(cells);
    }
    std::printf("%s\n", table.empty() ? none : hidden(table.text()).c_str());
}

}  // namespace

int status_command(const std::filesystem::path &file) {
    const config::Config config = load_config(file, Needs::database);
    const auto database = connect(config, "xselld status");
    print(*database, {"org", "object", "last success (UTC)", "lag", "in source>", "stored>", "rejected>", "state", "error"},
          "SELECT org_id, object, pg_catalog.to_char(last_success_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'),"
          " pg_catalog.date_trunc('second', lag), source_count, stored_count, rejected_count, last_state, last_error"
          " FROM xsell.sync_status s LEFT JOIN xsell_internal.sync_object o USING (object) ORDER BY org_id, o.position",
          "Nothing has been synced yet: xselld sync --once\n");
    print(*database, {"model", "role", "version>", "since (UTC)"},
          "SELECT model, role, version, pg_catalog.to_char(deployed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') FROM "
          "xsell.deployment ORDER BY 1, 2",
          "No model is deployed: recommendations come from the heuristic. xselld train\n");
    print(*database, {"subject", "problem", "mend it with"}, "SELECT subject, problem, command FROM xsell.health ORDER BY 1, 2",
          "Everything is in order.");
    return 0;
}

}  // namespace xsell::cli
