#include "config/config.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <sstream>
#include <stdexcept>

#include "config/duration.hpp"
#include "config/rates.hpp"
#include "connectors/registry.hpp"

namespace xsell::config {
namespace {

using Keys = std::vector<std::string>;

// A scalar as text; nothing for tables and arrays.
std::optional<std::string> scalar(const toml::node &node) {
    if (const auto *text = node.as_string()) return text->get();
    if (const auto *number = node.as_integer()) return std::to_string(number->get());
    if (const auto *flag = node.as_boolean()) return std::string(flag->get() ? "true" : "false");
    if (const auto *number = node.as_floating_point()) {
        char out[64];
        return std::string(out, std::to_chars(out, out + sizeof out, number->get()).ptr);
    }
    std::ostringstream out;
    if (const auto *date = node.as_date()) return out << date->get(), out.str();
    if (const auto *moment = node.as_date_time()) return out << moment->get(), out.str();
    return std::nullopt;
}

std::optional<std::vector<std::string>> scalars(const toml::node &node) {
    const auto *array = node.as_array();
    if (!array) return std::nullopt;
    std::vector<std::string> items;
    for (const auto &item : *array) {
        const auto text = scalar(item);
        if (!text) return std::nullopt;
        items.push_back(*text);
    }
    return items;
}

bool is_currency(const std::string &text) {
    return text.size() == 3 && std::all_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool is_org_id(const std::string &text) {
    const auto fine = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
    };
    return !text.empty() && text.size() <= 63 && std::all_of(text.begin(), text.end(), fine);
}

class Loader {
  public:
    explicit Loader(const std::filesystem::path &file) : folder_(std::filesystem::absolute(file).parent_path()) {
        config_.file = file;
    }

    Config load() {
        toml::table root;
        if (std::error_code ignored; std::filesystem::is_directory(config_.file, ignored))
            throw std::runtime_error("the configuration " + config_.file.string() + " is a folder");
        try {
            root = toml::parse_file(config_.file.string());
        } catch (const toml::parse_error &error) {
            std::error_code ignored;
            if (!std::filesystem::exists(config_.file, ignored)) {
                throw std::runtime_error("the configuration " + config_.file.string() +
                                         " does not exist; write one with: xselld init csv > " + config_.file.string() +
                                         ", or name another with --config");
            }
            throw std::runtime_error(place(error.source()) + ": " + std::string(error.description()));
        }
        known(root, "", {"database", "sync", "learning", "money", "org"});
        database(root);
        sync(root);
        learning(root);
        money(root);
        orgs(root);
        return std::move(config_);
    }

  private:
    std::string place(const toml::source_region &region) const {
        return config_.file.filename().string() + ":" + std::to_string(region.begin.line);
    }
    void problem(const toml::node &node, const std::string &text) {
        config_.problems.push_back(place(node.source()) + ": " + text);
    }

    void known(const toml::table &table, const std::string &name, const Keys &keys) {
        for (const auto &[key, node] : table) {
            const std::string text(key.str());
            if (std::find(keys.begin(), keys.end(), text) != keys.end()) continue;
            const auto guess = connectors::nearest(text, keys);
            problem(node, (name.empty() ? "" : name + ".") + text + ": unknown key" +
                              (guess ? "; did you mean '" + *guess + "'?" : ""));
        }
    }

    // A table of the root; nothing, and a problem, when it is something else.
    const toml::table *section(const toml::table &root, const char *name) {
        const toml::node *node = root.get(name);
        if (node && !node->is_table()) problem(*node, std::string(name) + ": is not a table; write [" + name + "]");
        return node ? node->as_table() : nullptr;
    }

    std::string text(const toml::table &table, const char *key, const std::string &fallback = "") {
        const toml::node *node = table.get(key);
        if (!node) return fallback;
        const auto value = scalar(*node);
        if (!value) problem(*node, std::string(key) + ": is not a single value");
        return value.value_or(fallback);
    }

    // The text with env: and file: resolved; `secret` says whether it was.
    std::string resolved(const toml::node &node, const std::string &key, const std::string &value, bool &secret) {
        try {
            const auto found = resolve_reference(value, folder_);
            secret = found.has_value() || value.starts_with("env:") || value.starts_with("file:");
            if (!found) return value;
            config_.secrets.push_back(*found);
            return *found;
        } catch (const std::exception &error) {
            problem(node, key + ": " + error.what());
            secret = true;
            return "";
        }
    }

    void database(const toml::table &root) {
        const toml::table *table = section(root, "database");
        if (!table) return;
        known(*table, "database", {"url"});
        const toml::node *url = table->get("url");
        if (!url) return;
        bool secret = false;
        const std::size_t before = config_.problems.size();
        config_.database_url = resolved(*url, "database.url", text(*table, "url"), secret);
        config_.database_known = config_.problems.size() == before;
        // A password in the address is no good style, but it must not reach the logs either.
        const std::string &address = config_.database_url;
        if (const std::size_t at = address.find("password="); at != std::string::npos) {
            config_.secrets.push_back(address.substr(at + 9, address.find_first_of(" &", at) - at - 9));
        }
        const std::size_t scheme = address.find("://"), host = address.find('@');
        const std::size_t colon = scheme == std::string::npos ? scheme : address.find(':', scheme + 3);
        if (colon != std::string::npos && host != std::string::npos && colon < host)
            config_.secrets.push_back(address.substr(colon + 1, host - colon - 1));
    }

    void sync(const toml::table &root) {
        const toml::table *table = section(root, "sync");
        if (!table) return;
        known(*table, "sync", {"schedule", "workers", "patience", "token_key", "keep_pages", "keep_errors", "keep_history"});
        config_.schedule_text = text(*table, "schedule", config_.schedule_text);
        try {
            static_cast<void>(Schedule::parse(config_.schedule_text).next(0));  // throws when there is no such day
        } catch (const std::exception &error) {
            problem(*table->get("schedule"), std::string("sync.schedule: ") + error.what());
        }
        whole_number(*table, "sync.", "workers", config_.workers);
        seconds(*table, "patience", config_.patience);
        seconds(*table, "keep_pages", config_.retention.pages);
        seconds(*table, "keep_errors", config_.retention.errors);
        seconds(*table, "keep_history", config_.retention.history);
        if (const std::string key = text(*table, "token_key"); !key.empty()) config_.token_key = folder_ / key;
    }

    void whole_number(const toml::table &table, const std::string &section, const char *key, std::int64_t &value) {
        const toml::node *node = table.get(key);
        if (!node) return;
        value = node->is_integer() ? node->value_or(std::int64_t{0}) : 0;
        if (value < 1 || value > 64) problem(*node, section + key + ": is not a number from 1 to 64");
    }

    void seconds(const toml::table &table, const char *key, std::int64_t &value) {
        if (!table.get(key)) return;
        const std::string given = text(table, key);
        if (const auto parsed = duration(given))
            value = *parsed;
        else
            problem(*table.get(key),
                    std::string("sync.") + key + ": '" + given + "' is not a duration such as 90s, 10m, 24h or 7d");
    }

    void learning(const toml::table &root) {
        const toml::table *table = section(root, "learning");
        if (!table) return;
        known(*table, "learning", {"retrain"});
        const toml::node *retrain = table->get("retrain");
        if (!retrain) return;
        if (!retrain->is_boolean()) return problem(*retrain, "learning.retrain: is neither true nor false");
        config_.retrain = retrain->value_or(false);
    }

    void money(const toml::table &root) {
        const toml::table *table = section(root, "money");
        if (!table) return;
        known(*table, "money", {"base_currency", "rates", "rate"});
        if (const toml::node *base = table->get("base_currency")) {
            config_.base_currency = text(*table, "base_currency");
            if (!is_currency(*config_.base_currency))
                problem(*base, "money.base_currency: '" + *config_.base_currency + "' is not a currency such as EUR");
        }
        if (const toml::node *file = table->get("rates")) {
            std::vector<std::string> wrong;
            config_.rates = read_rates(folder_ / text(*table, "rates"), wrong);
            for (const auto &line : wrong) problem(*file, "money.rates: " + line);
        }
        const toml::node *list = table->get("rate");
        const toml::array *rates = list ? list->as_array() : nullptr;
        if (list && !rates) problem(*list, "money.rate: write [[money.rate]]");
        if (!rates) return;
        if (!config_.rates) config_.rates.emplace();
        for (const auto &node : *rates) rate(node);
    }

    void rate(const toml::node &node) {
        const toml::table *table = node.as_table();
        if (!table) return problem(node, "money.rate: write [[money.rate]]");
        known(*table, "money.rate", {"currency", "valid_from", "rate"});
        const Rate rate{text(*table, "currency"), text(*table, "valid_from", "1970-01-01"), text(*table, "rate")};
        if (const std::string wrong = rate_problem(rate); !wrong.empty())
            problem(node, "money.rate: " + wrong);
        else
            config_.rates->push_back(rate);
    }

    void orgs(const toml::table &root) {
        const toml::node *list = root.get("org");
        if (!list) return;
        const toml::array *array = list->as_array();
        if (!array) return problem(*list, "org: write [[org]]");
        for (const auto &node : *array) {
            if (const toml::table *table = node.as_table())
                org(*table);
            else
                problem(node, "org: write [[org]]");
        }
    }

    void org(const toml::table &table) {
        Org org;
        org.id = text(table, "id");
        org.name = text(table, "name", org.id);
        org.connector = text(table, "connector");
        org.currency = text(table, "currency");
        if (!is_org_id(org.id)) problem(table, "org.id: '" + org.id + "' is not made of 1 to 63 letters, digits, _ . -");
        for (const auto &other : config_.orgs) {
            if (other.id == org.id) problem(table, "org.id: '" + org.id + "' is there twice");
        }
        if (!org.currency.empty() && !is_currency(org.currency))
            problem(table, "org.currency: '" + org.currency + "' is not a currency such as EUR");
        whole_number(table, "org." + org.id + ".", "concurrency", org.concurrency);
        org.settings.org = org.id;
        org.settings.connector = org.connector;
        org.settings.currency = org.currency;
        org.settings.folder = folder_;
        org.settings.database_url = config_.database_url;
        org.settings.where = place(table.source());
        for (const auto &[key, node] : table) option(org.settings, std::string(key.str()), node);
        check_connector(table, org);
        config_.orgs.push_back(std::move(org));
    }

    void check_connector(const toml::table &table, const Org &org) {
        if (connectors::find_connector(org.connector)) return;
        Keys names;
        std::string all;
        for (const auto &entry : connectors::registry()) {
            names.emplace_back(entry.name);
            all += (all.empty() ? "" : ", ") + names.back();
        }
        const auto guess = connectors::nearest(org.connector, names);
        problem(table, "org." + org.id + ".connector: '" + org.connector + "' is none of " + all +
                           (guess ? "; did you mean '" + *guess + "'?" : ""));
    }

    void option(connectors::Settings &settings, const std::string &key, const toml::node &node) {
        static const Keys ours = {"id", "name", "connector", "currency", "concurrency"};
        if (std::find(ours.begin(), ours.end(), key) != ours.end()) return;
        if (key == "objects") {
            if (const auto list = scalars(node))
                settings.objects = *list;
            else
                problem(node, "objects: is not a list of names");
        } else if (key == "attributes") {
            attributes(settings, node);
        } else if (key == "columns") {
            if (const toml::table *table = node.as_table()) {
                for (const auto &[object, columns] : *table)
                    settings.columns[std::string(object.str())] = words(columns, "columns");
            } else {
                problem(node, "columns: is not a table of objects");
            }
        } else if (key == "file" && node.is_array_of_tables()) {
            for (const auto &file : *node.as_array()) csv_file(settings, *file.as_table());
        } else if (key == "query" && node.is_array_of_tables()) {
            for (const auto &query : *node.as_array()) sql_query(settings, *query.as_table());
        } else if (const auto value = scalar(node)) {
            bool secret = false;
            const std::string text = resolved(node, key, *value, secret);
            settings.set(key, text, secret);
        } else if (const auto list = scalars(node)) {
            std::string lines;
            for (const auto &item : *list) lines += (lines.empty() ? "" : "\n") + item;
            settings.set(key, lines);
        } else {
            problem(node, "org." + settings.org + "." + key + ": is not a value or a list of values");
        }
    }

    void attributes(connectors::Settings &settings, const toml::node &node) {
        const toml::table *table = node.as_table();
        if (!table) return problem(node, "attributes: is not a table of objects");
        for (const auto &[object, fields] : *table) {
            if (const auto list = scalars(fields))
                settings.attributes[std::string(object.str())] = *list;
            else
                problem(fields, "attributes." + std::string(object.str()) + ": is not a list of fields");
        }
    }

    std::map<std::string, std::string> words(const toml::node &node, const std::string &name) {
        std::map<std::string, std::string> out;
        const toml::table *table = node.as_table();
        if (!table) problem(node, name + ": is not a table");
        if (!table) return out;
        for (const auto &[key, value] : *table) {
            if (const auto *text = value.as_string())
                out[std::string(key.str())] = text->get();
            else
                problem(value, name + "." + std::string(key.str()) + ": is not a text");
        }
        return out;
    }

    void csv_file(connectors::Settings &settings, const toml::table &table) {
        known(table, "org.file", {"name", "object", "columns"});
        connectors::FileSettings file;
        file.name = text(table, "name");
        file.object = text(table, "object");
        file.where = place(table.source());
        if (const toml::node *columns = table.get("columns")) file.columns = words(*columns, "columns");
        if (file.name.empty()) problem(table, "org.file: name is missing");
        settings.files.push_back(std::move(file));
    }

    void sql_query(connectors::Settings &settings, const toml::table &table) {
        known(table, "org.query", {"object", "query", "id", "cursor", "deleted", "columns"});
        connectors::QuerySettings query{text(table, "object"), text(table, "query"),   text(table, "id", "id"),
                                        text(table, "cursor"), text(table, "deleted"), {},
                                        place(table.source())};
        if (const toml::node *columns = table.get("columns")) query.columns = words(*columns, "columns");
        for (const char *key : {"object", "query"}) {
            if (text(table, key).empty()) problem(table, std::string("org.query: ") + key + " is missing");
        }
        settings.queries.push_back(std::move(query));
    }

    std::filesystem::path folder_;
    Config config_;
};

}  // namespace

Config load(const std::filesystem::path &file) { return Loader(file).load(); }

}  // namespace xsell::config
