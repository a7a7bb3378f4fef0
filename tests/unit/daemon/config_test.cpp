// The configuration: what it accepts, and that every mistake is named with its place, at once.
#include "config/config.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "config/duration.hpp"

namespace xsell::config {
namespace {

class ConfigFile : public testing::Test {
  protected:
    ConfigFile() {
        char name[] = "/tmp/xsell_config_XXXXXX";
        folder_ = mkdtemp(name);
    }
    ~ConfigFile() override { std::filesystem::remove_all(folder_); }
    Config read(const std::string &text) {
        std::ofstream(folder_ / "x.toml") << text;
        return load(folder_ / "x.toml");
    }
    // All problems in one text.
    std::string problems(const std::string &text) {
        std::string all;
        for (const auto &problem : read(text).problems) all += problem + "\n";
        return all;
    }
    void write(const std::string &name, const std::string &text, int mode) {
        std::ofstream(folder_ / name) << text;
        std::filesystem::permissions(folder_ / name, static_cast<std::filesystem::perms>(mode));
    }
    std::filesystem::path folder_;
};

TEST_F(ConfigFile, ReadsEverything) {
    setenv("XSELL_TEST_TOKEN", "token-1234", 1);
    write("key", "key-5678\n", 0600);
    write("rates.csv", "currency,valid_from,rate\nUSD,2024-01-01,0.9\n", 0644);
    const Config config = read(R"(
[database]
url = "postgresql://kim:hunter22@localhost/xsell"
[sync]
schedule = "*/5 * * * *"
workers = 2
patience = "5m"
token_key = "keys/tokens"
keep_pages = "2d"
keep_errors = 3600
keep_history = "8w"
[learning]
retrain = true
[money]
base_currency = "EUR"
rates = "rates.csv"
[[money.rate]]
currency = "GBP"
valid_from = 2024-02-01
rate = 1.17
[[org]]
id = "emea"
connector = "hubspot"
currency = "USD"
concurrency = 2
token = "env:XSELL_TEST_TOKEN"
private_key = "file:key"
page_size = 100
full = true
objects = ["account", "contact"]
attributes = { account = ["tier__c"] }
columns = { account = { industry = "Sector" } }
[[org]]
id = "files"
connector = "csv"
path = "exports"
[[org.file]]
name = "kunden.csv"
object = "account"
columns = { crm_id = "Nr" }
)");
    EXPECT_TRUE(config.problems.empty()) << config.problems.front();
    EXPECT_EQ(config.workers, 2);
    EXPECT_EQ(config.patience, 300);
    EXPECT_EQ(config.token_key, folder_ / "keys/tokens");
    EXPECT_EQ(config.retention.pages, 2 * 86400);
    EXPECT_TRUE(config.retrain);
    EXPECT_EQ(config.retention.errors, 3600);
    EXPECT_EQ(config.retention.history, 56 * 86400);
    ASSERT_EQ(config.rates->size(), 2u);
    EXPECT_EQ(config.rates->at(1).rate, "1.17");
    EXPECT_EQ(config.rates->at(1).valid_from, "2024-02-01");
    const auto &emea = config.orgs.at(0);
    EXPECT_EQ(emea.name, "emea");
    EXPECT_EQ(emea.concurrency, 2);
    EXPECT_EQ(config.orgs.at(1).concurrency, 4);
    EXPECT_EQ(emea.settings.secret("token"), "token-1234");
    EXPECT_EQ(emea.settings.secret("private_key"), "key-5678");
    EXPECT_EQ(emea.settings.integer("page_size", 0, 1, 1000), 100);
    EXPECT_TRUE(emea.settings.flag("full", false));
    EXPECT_EQ(emea.settings.attributes.at("account"), std::vector<std::string>{"tier__c"});
    EXPECT_EQ(emea.settings.columns.at("account").at("industry"), "Sector");
    EXPECT_EQ(config.orgs.at(1).settings.path("path"), folder_ / "exports");
    EXPECT_EQ(config.orgs.at(1).settings.files.at(0).columns.at("crm_id"), "Nr");
    EXPECT_EQ(redacted("hunter22 token-1234 key-5678 fine", config.secrets), "*** *** *** fine");
}

TEST_F(ConfigFile, NamesEveryMistakeAtOnce) {
    const std::string all = problems(R"([sync]
schedul = "hourly"
schedule = "sometimes"
workers = 0
patience = "soon"
keep_pages = "-1d"
keep_page = "1d"
[money]
base_currency = "Euro"
[[money.rate]]
currency = "USD"
rate = -1
[[org]]
id = "not valid"
connector = "salesforcee"
token = "env:XSELL_TEST_UNSET"
[[org]]
id = "two"
connector = "csv"
concurrency = "four"
[[org]]
id = "two"
connector = "csv"
concurrency = 65
[[org.file]]
nam = "x.csv"
[dtabase]
url = "x"
[learning]
retrain = "yes"
retain = true
)");
    for (const char *expected : {"x.toml:2: sync.schedul: unknown key; did you mean 'schedule'?",
                                 "x.toml:3: sync.schedule: 'sometimes'",
                                 "x.toml:4: sync.workers",
                                 "x.toml:5: sync.patience: 'soon' is not a duration",
                                 "x.toml:6: sync.keep_pages: '-1d'",
                                 "x.toml:7: sync.keep_page: unknown key; did you mean 'keep_pages'?",
                                 "x.toml:20: org.two.concurrency: is not a number",
                                 "x.toml:24: org.two.concurrency: is not a number",
                                 "x.toml:9: money.base_currency: 'Euro'",
                                 "money.rate: rate: '-1' is not above zero",
                                 "'not valid' is not made of",
                                 "'salesforcee' is none of",
                                 "did you mean 'salesforce'?",
                                 "XSELL_TEST_UNSET is not set",
                                 "'two' is there twice",
                                 "nam: unknown key; did you mean 'name'?",
                                 "org.file: name is missing",
                                 "dtabase: unknown key; did you mean 'database'?",
                                 "x.toml:30: learning.retrain: is neither true nor false",
                                 "x.toml:31: learning.retain: unknown key; did you mean 'retrain'?"}) {
        EXPECT_NE(all.find(expected), std::string::npos) << expected << "\n--\n" << all;
    }
}

TEST_F(ConfigFile, SecretsMustBeClosedToOthers) {
    write("open", "secret", 0644);
    EXPECT_NE(
        problems("[[org]]\nid = \"a\"\nconnector = \"csv\"\ntoken = \"file:open\"\n").find("is open to others; run: chmod 600"),
        std::string::npos);
    EXPECT_NE(problems("[[org]]\nid = \"a\"\nconnector = \"csv\"\ntoken = \"file:none\"\n").find("cannot be read"),
              std::string::npos);
    const Config config = read("[[org]]\nid = \"a\"\nconnector = \"csv\"\ntoken = \"written-down\"\n");
    EXPECT_EQ(config.orgs.at(0).settings.secret("token"), "");
    EXPECT_THROW(config.orgs.at(0).settings.finish(), connectors::SettingsError);
}

TEST_F(ConfigFile, AnUnreadableFileIsOneError) {
    EXPECT_THROW(load(folder_ / "none.toml"), std::runtime_error);
    EXPECT_THROW(read("[database\nurl = 1"), std::runtime_error);
}

TEST_F(ConfigFile, AConfigurationOfThePastReadsAsItDid) {
    const Config config = read("[sync]\nschedule = \"daily\"\n[[org]]\nid = \"a\"\nconnector = \"csv\"\npath = \"x\"\n");
    EXPECT_TRUE(config.problems.empty());
    EXPECT_EQ(config.workers, 4);
    EXPECT_EQ(config.patience, 60);
    EXPECT_FALSE(config.retrain);
    EXPECT_TRUE(config.token_key.empty());
    EXPECT_EQ(config.retention.pages, 7 * 86400);
    EXPECT_EQ(config.orgs.at(0).concurrency, 4);
}

TEST(Duration, UnitsAndNonsense) {
    const std::pair<const char *, std::int64_t> good[] = {
        {"0", 0}, {"90", 90}, {"90s", 90}, {"10m", 600}, {"24h", 86400}, {"7d", 604800}, {"4w", 2419200}, {"36500d", 3153600000}};
    for (const auto &[text, seconds] : good) EXPECT_EQ(duration(text), seconds) << text;
    for (const char *bad : {"", "d", "-1d", "1.5h", "1 d", "1y", "36501d", "99999999999999999999", "9223372036854775807d"})
        EXPECT_FALSE(duration(bad)) << bad;
}

TEST(Settings, Addresses) {
    using connectors::url_problem;
    for (const char *good :
         {"https://x.my.salesforce.com", "http://127.0.0.1:8080/emea", "http://localhost:1", "http://[::1]:80/x"}) {
        EXPECT_FALSE(url_problem(good)) << good;
    }
    for (const char *bad : {"http://crm.example.com", "http://127.0.0.1.evil.com", "http://localhost@evil.com", "ftp://x",
                            "https://", "https://a b", "http://127.0.0.1\\@evil.com", "https://user:word@host"}) {
        EXPECT_TRUE(url_problem(bad)) << bad;
    }
}

TEST(Settings, DurationsAndChoices) {
    connectors::Settings settings;
    settings.set("lookback", "10m");
    settings.set("bad", "soon");
    EXPECT_EQ(settings.seconds("lookback", 0), 600);
    EXPECT_EQ(settings.seconds("absent", 5), 5);
    EXPECT_EQ(settings.seconds("bad", 7), 7);
    EXPECT_EQ(settings.choice("auth", {"jwt", "client_credentials"}), "jwt");
    EXPECT_THROW(settings.finish(), connectors::SettingsError);
}

}  // namespace
}  // namespace xsell::config
