// What one org's section of the configuration says to its connector: typed, checked, secrets already resolved.
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "sync/host.hpp"

namespace xsell::connectors {

// Everything that is wrong with an org's settings, all at once.
struct SettingsError : std::runtime_error {
    explicit SettingsError(std::vector<std::string> list);
    std::vector<std::string> problems;
};

// Nothing for https and for plain http to a loopback address; else what is wrong with the address.
std::optional<std::string> url_problem(std::string_view url);

// The nearest of `known` to a mistyped word, or nothing when none is near.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string> &known);

// One [[org.file]] of a csv org.
struct FileSettings {
    std::string name;                            // file name inside the org's folder
    std::string object;                          // what its rows are; empty: guessed from the name
    std::map<std::string, std::string> columns;  // our column -> header in the file
    std::string where;                           // "xselld.toml:41", for messages
};

// One [[org.query]] of a sql org.
struct QuerySettings {
    std::string object;                          // what its rows are
    std::string query;                           // SELECT; the administrator's own words
    std::string id, cursor, deleted;             // its columns; cursor and deleted may be empty
    std::map<std::string, std::string> columns;  // our column -> column of the query
    std::string where;                           // "xselld.toml:41", for messages
};

// A connector's factory reads its options through the getters, then calls finish(). Getters never throw: they note the problem
// and return the fallback, so that finish() can report every problem in one go (and every option that nobody asked for).
class Settings {
  public:
    // Set by the configuration.
    std::string org;                                             // org_id
    std::string connector;                                       // "salesforce", "hubspot", "csv"
    std::string currency;                                        // of amounts that name none; may be empty
    std::string where;                                           // "xselld.toml:12", for messages
    std::filesystem::path folder;                                // of the configuration file: relative paths start there
    std::vector<std::string> objects;                            // which objects to sync; empty: all that the connector offers
    std::map<std::string, std::vector<std::string>> attributes;  // object -> source fields to keep in attributes
    std::map<std::string, std::map<std::string, std::string>>
        columns;                         // object -> our column -> source field (overrides the field map)
    std::vector<FileSettings> files;     // csv alone
    std::vector<QuerySettings> queries;  // sql alone
    std::string database_url;            // where xselld keeps its own tables; empty: libpq's defaults
    std::shared_ptr<sync::Host> host;    // set by the daemon; none: no limits but the vendor's, tokens live with the connector

    // value: scalars as text ("true", "300", "abc"); lists joined by newlines. secret: it came from env: or file:.
    void set(const std::string &key, std::string value, bool secret = false);

    bool has(const std::string &key) const;
    std::string text(const std::string &key, const std::string &fallback = "") const;
    std::string required(const std::string &key) const;
    // The value behind env:NAME or file:PATH (trailing newline removed). A secret written into the file itself is a problem.
    std::string secret(const std::string &key, bool is_required = true) const;
    std::int64_t integer(const std::string &key, std::int64_t fallback, std::int64_t low, std::int64_t high) const;
    bool flag(const std::string &key, bool fallback) const;
    // "90s", "10m", "24h", "7d" or a plain number of seconds.
    std::int64_t seconds(const std::string &key, std::int64_t fallback) const;
    // https, or http to a loopback address; without a trailing slash.
    std::string url(const std::string &key, const std::string &fallback = "") const;
    // One of `allowed`; the first one is the default.
    std::string choice(const std::string &key, const std::vector<std::string> &allowed) const;
    std::vector<std::string> list(const std::string &key) const;
    std::filesystem::path path(const std::string &key, const std::string &fallback = "") const;

    // Objects to sync: `offered` in its order, narrowed by `objects`. One that is not offered is a problem.
    std::vector<std::string> chosen(const std::vector<std::string> &offered) const;

    void problem(const std::string &text) const;  // notes a problem: "base_url: ..."
    // Throws SettingsError when anything was noted, or an option was never asked for.
    void finish() const;

  private:
    struct Option {
        std::string value;
        bool secret = false;
    };
    std::map<std::string, Option> options_;
    mutable std::set<std::string> asked_;
    mutable std::vector<std::string> problems_;
    const Option *find(const std::string &key) const;
};

}  // namespace xsell::connectors
