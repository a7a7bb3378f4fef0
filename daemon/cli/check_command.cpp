#include <algorithm>
#include <cstdio>

#include "cli/commands.hpp"
#include "cli/log.hpp"
#include "connectors/registry.hpp"
#include "store/setup.hpp"
#include "store/vault.hpp"

namespace xsell::cli {
namespace {

// Prints findings as they come and counts the errors.
class Report {
  public:
    void ok(const std::string &text) { line("ok     ", text); }
    void warning(const std::string &text) { line("warning", text), ++warnings_; }
    void error(const std::string &text) { line("error  ", text), ++errors_; }
    void finding(const std::string &subject, const sync::Finding &finding) {
        const std::string text = subject + ": " + finding.text;
        if (finding.level == sync::Finding::Level::ok)
            ok(text);
        else if (finding.level == sync::Finding::Level::warning)
            warning(text);
        else
            error(text);
    }
    int finish() const {
        std::printf("%d error%s, %d warning%s\n", errors_, errors_ == 1 ? "" : "s", warnings_, warnings_ == 1 ? "" : "s");
        return errors_ == 0 ? 0 : 1;
    }

  private:
    static void line(const char *level, const std::string &text) {
        std::printf("%s  %s\n", level, hidden(text).c_str());
        std::fflush(stdout);
    }
    int errors_ = 0, warnings_ = 0;
};

void check_database(const config::Config &config, Report &report) {
    if (!config.database_known) return;
    try {
        const auto database = connect(config, "xselld check");
        const auto about =
            database->query("SELECT pg_catalog.current_database(), pg_catalog.current_setting('server_version')").rows.at(0);
        report.ok("database " + about.at(0).value_or("") + ": PostgreSQL " + about.at(1).value_or("") + ", contract version " +
                  std::to_string(store::contract_version));
        for (const auto &row :
             database->query("SELECT org_id, pipeline, stage FROM xsell.stage_map WHERE closed IS NULL ORDER BY 1, 2, 3").rows) {
            const std::string pipeline = row.at(1).value_or("");
            report.warning("org " + row.at(0).value_or("") + ": stage '" + row.at(2).value_or("") + "'" +
                           (pipeline.empty() ? "" : " of pipeline '" + pipeline + "'") +
                           " has no meaning yet; its deals count as open. UPDATE xsell.stage_map SET closed = ..., won = ..., "
                           "is_purchase = ...");
        }
    } catch (const std::exception &error) {
        report.error(std::string("database: ") + error.what());
    }
}

void check_key(const config::Config &config, Report &report) {
    if (config.token_key.empty()) return;
    try {
        report.ok("token_key: key " + store::read_key(config.token_key).id());
    } catch (const std::exception &error) {
        report.error(std::string("token_key: ") + error.what());
    }
}

// Amounts of a currency that no rate turns into the base currency are NULL there, and so is the expected revenue.
void check_money(const config::Config &config, const config::Org &org, Report &report) {
    if (org.currency.empty() || !config.base_currency || org.currency == *config.base_currency) return;
    const auto same = [&org](const config::Rate &rate) { return rate.currency == org.currency; };
    if (config.rates && std::any_of(config.rates->begin(), config.rates->end(), same)) return;
    report.warning("org " + org.id + ": its amounts are in " + org.currency + ", and [money] has no rate that turns them into " +
                   *config.base_currency + "; add [[money.rate]] currency = \"" + org.currency +
                   "\", or fill xsell.currency_rate yourself");
}

void check_org(const config::Org &org, Report &report) {
    const connectors::Entry *entry = connectors::find_connector(org.connector);
    if (!entry) return;  // the configuration's own check has said so
    const std::string subject = "org " + org.id;
    try {
        const auto connector = entry->make(org.settings);
        for (const auto &finding : connector->check()) report.finding(subject, finding);
    } catch (const connectors::SettingsError &error) {
        for (const auto &problem : error.problems) report.error(org.settings.where + ": " + subject + ": " + problem);
    } catch (const std::exception &error) {
        report.error(subject + ": " + error.what());
    }
}

}  // namespace

int check_command(const std::filesystem::path &file) {
    const config::Config config = config::load(file);
    hide(config.secrets);
    Report report;
    for (const auto &problem : config.problems) report.error(problem);
    if (config.problems.empty())
        report.ok("configuration " + file.string() + ": " + std::to_string(config.orgs.size()) +
                  (config.orgs.size() == 1 ? " org" : " orgs") + ", schedule " + config.schedule_text);
    if (config.orgs.empty()) report.error("the configuration has no [[org]]");
    check_database(config, report);
    check_key(config, report);
    for (const auto &org : config.orgs) {
        check_money(config, org, report);
        check_org(org, report);
    }
    return report.finish();
}

}  // namespace xsell::cli
