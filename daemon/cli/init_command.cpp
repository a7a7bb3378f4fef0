#include <cstdio>
#include <fstream>

#include "cli/commands.hpp"
#include "connectors/registry.hpp"

namespace xsell::cli {
namespace {

constexpr const char *common_text =
    R"(# Configuration of xselld. Secrets are never written here: "env:NAME" takes them from the environment, "file:PATH" from a file that
# only its owner may read (chmod 600). Relative paths start at the folder of this file. `xselld check` reports every mistake at once.

[database]
url = "dbname=xsell"           # a libpq connection string or postgresql:// address; its role needs xsell_sync

[sync]
schedule = "hourly"            # hourly, daily, weekly, "every 15m" or a cron expression in UTC: "0 6 * * mon-fri"
workers = 4                    # pages read at the same time; an org's own share is its concurrency (4)
# token_key = "xselld.key"     # keeps the tokens that vendors issue, encrypted: xselld key new xselld.key

[learning]
retrain = false                # true: xselld run trains a model anew when xsell.retrain_rule says so; false: only says so

[money]
base_currency = "EUR"          # all amounts are also kept in it
# rates = "rates.csv"          # currency,valid_from,rate: units of the base currency for one unit, from that day on
# [[money.rate]]
# currency = "USD"
# valid_from = 2024-01-01
# rate = 0.92

)";

}  // namespace

int init_command(const std::string &connector, const std::string &output) {
    const connectors::Entry *entry = connectors::find_connector(connector);
    if (!entry) {
        std::vector<std::string> names;
        std::string all;
        for (const auto &known : connectors::registry()) {
            names.emplace_back(known.name);
            all += (all.empty() ? "" : ", ") + names.back();
        }
        throw Refused("there is no connector '" + connector + "'; known are " + all);
    }
    const std::string text = std::string(common_text) + *entry->init_text;
    if (output.empty()) {
        std::fputs(text.c_str(), stdout);
        return 0;
    }
    if (std::filesystem::exists(output)) throw Refused(output + " exists already; it is left as it is");
    std::ofstream out(output);
    out << text;
    out.close();
    if (!out) throw std::runtime_error(output + " cannot be written");
    std::printf("%s is written; fill it in, then run: xselld --config %s check\n", output.c_str(), output.c_str());
    return 0;
}

}  // namespace xsell::cli
