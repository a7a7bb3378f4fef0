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
    connectors::Settings settings;
};

struct Config {
    std::filesystem::path file;
    std::string database_url;  // empty: libpq's own defaults
    std::string schedule_text = "hourly";
    std::int64_t workers = 4;
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
