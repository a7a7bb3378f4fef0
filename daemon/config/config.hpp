// The configuration file (TOML), read and checked as a whole: every mistake is reported at once, with its line.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "config/schedule.hpp"
#include "connectors/settings.hpp"

namespace xsell::config {

struct Rate {
    std::string currency, valid_from, rate;
};

struct Org {
    std::string id, name, connector, currency;
    std::int64_t concurrency = 4;  // pages of it that are read at the same time, by all daemons together
    connectors::Settings settings;
};

// How long what the machinery writes down is kept, in seconds.
struct Retention {
    std::int64_t pages = 7 * 86400;     // pages that were read
    std::int64_t errors = 30 * 86400;   // errors of processes, alerts that were cleared
    std::int64_t history = 90 * 86400;  // processes that have finished
};

struct Config {
    std::filesystem::path file;
    std::string database_url;  // empty: libpq's own defaults
    std::string schedule_text = "hourly";
    std::int64_t workers = 4;
    std::int64_t patience = 60;       // seconds that sync waits for a database that went away
    std::filesystem::path token_key;  // of the key that seals stored tokens; empty: none are stored
    Retention retention;
    bool retrain = false;  // a training that xsell.retrain_rule calls due is begun, not only told
    std::optional<std::string> base_currency;
    std::optional<std::vector<Rate>> rates;
    std::vector<Org> orgs;
    std::vector<std::string> problems;  // "xselld.toml:12: ..."
    bool database_known = true;         // false: the url itself is among the problems
    std::vector<std::string> secrets;   // what logs must never show
};

// Throws std::runtime_error when the file cannot be read or is no TOML; everything else goes to problems.
Config load(const std::filesystem::path &file);

// "env:NAME" or "file:PATH" -> the secret; throws std::runtime_error. Anything else: nothing.
std::optional<std::string> resolve_reference(const std::string &value, const std::filesystem::path &folder);

// Values behind keys such as client_secret or token, for error messages that may quote them.
std::string redacted(std::string text, const std::vector<std::string> &secrets);

}  // namespace xsell::config
