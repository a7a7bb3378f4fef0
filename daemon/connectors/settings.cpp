#include "connectors/settings.hpp"

#include <algorithm>
#include <charconv>

namespace xsell::connectors {
namespace {

std::string joined(const std::vector<std::string> &list) {
    std::string text;
    for (const auto &item : list) text += (text.empty() ? "" : "\n") + item;
    return text;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t above = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
            diagonal = above;
        }
    }
    return row[b.size()];
}

bool is_loopback(std::string_view host) {
    if (host == "localhost" || host == "[::1]") return true;
    if (!host.starts_with("127.")) return false;
    return std::all_of(host.begin(), host.end(), [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
}

}  // namespace

SettingsError::SettingsError(std::vector<std::string> list) : std::runtime_error(joined(list)), problems(std::move(list)) {}

std::optional<std::string> url_problem(std::string_view url) {
    const bool plain = url.starts_with("http://");
    if (!plain && !url.starts_with("https://")) return "is not an https address";
    const std::string_view rest = url.substr(plain ? 7 : 8);
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
    if (authority.find('@') != std::string_view::npos) return "must not hold a user name or password";
    const std::size_t colon = authority.rfind(':');
    const bool port = colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos;
    const std::string_view host = port ? authority.substr(0, colon) : authority;
    const bool clean =
        std::none_of(url.begin(), url.end(), [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\\'; });
    if (host.empty() || !clean) return "is not a valid address";
    if (plain && !is_loopback(host)) return "plain http is accepted for loopback addresses only; use https";
    return std::nullopt;
}

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string> &known) {
    std::optional<std::string> best;
    std::size_t limit = std::max<std::size_t>(2, word.size() / 3);
    for (const auto &candidate : known) {
        const std::size_t distance = edit_distance(word, candidate);
        if (distance > limit || (best && distance == limit)) continue;
        best = candidate, limit = distance;
    }
    return best;
}

void Settings::set(const std::string &key, std::string value, bool secret) { options_[key] = {std::move(value), secret}; }

const Settings::Option *Settings::find(const std::string &key) const {
    asked_.insert(key);
    const auto found = options_.find(key);
    return found == options_.end() ? nullptr : &found->second;
}

void Settings::problem(const std::string &text) const { problems_.push_back(text); }

bool Settings::has(const std::string &key) const { return find(key) != nullptr; }

std::string Settings::text(const std::string &key, const std::string &fallback) const {
    const Option *option = find(key);
    return option ? option->value : fallback;
}

std::string Settings::required(const std::string &key) const {
    const Option *option = find(key);
    if (!option || option->value.empty()) problem(key + ": is missing");
    return option ? option->value : "";
}

std::string Settings::secret(const std::string &key, bool is_required) const {
    const Option *option = find(key);
    if (!option) {
        if (is_required) problem(key + ": is missing; write \"env:NAME\" or \"file:PATH\"");
        return "";
    }
    if (!option->secret) {
        problem(key + ": a secret is not written into the configuration; write \"env:NAME\" or \"file:PATH\"");
        return "";
    }
    std::string value = option->value;
    while (!value.empty() && (value.back() == '\n' || value.back() == '\r')) value.pop_back();
    return value;
}

std::int64_t Settings::integer(const std::string &key, std::int64_t fallback, std::int64_t low, std::int64_t high) const {
    const Option *option = find(key);
    if (!option) return fallback;
    std::int64_t value = 0;
    const char *end = option->value.data() + option->value.size();
    const auto [stop, error] = std::from_chars(option->value.data(), end, value);
    if (error == std::errc() && stop == end && value >= low && value <= high) return value;
    problem(key + ": '" + option->value + "' is not a whole number from " + std::to_string(low) + " to " + std::to_string(high));
    return fallback;
}

bool Settings::flag(const std::string &key, bool fallback) const {
    const Option *option = find(key);
    if (!option) return fallback;
    if (option->value == "true" || option->value == "false") return option->value == "true";
    problem(key + ": '" + option->value + "' is neither true nor false");
    return fallback;
}

std::int64_t Settings::seconds(const std::string &key, std::int64_t fallback) const {
    const Option *option = find(key);
    if (!option) return fallback;
    std::int64_t value = 0;
    const char *end = option->value.data() + option->value.size();
    const auto [stop, error] = std::from_chars(option->value.data(), end, value);
    const std::string_view unit(stop, static_cast<std::size_t>(end - stop));
    const std::int64_t factor = unit.empty() || unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : unit == "d" ? 86400 : 0;
    if (error == std::errc() && factor && value >= 0 && value <= 36500LL * 86400 / factor) return value * factor;
    problem(key + ": '" + option->value + "' is not a duration such as 90s, 10m, 24h or 7d");
    return fallback;
}

std::string Settings::url(const std::string &key, const std::string &fallback) const {
    std::string value = text(key, fallback);
    if (value.empty()) return value;
    if (const auto wrong = url_problem(value)) problem(key + ": '" + value + "' " + *wrong);
    while (value.ends_with('/')) value.pop_back();
    return value;
}

std::string Settings::choice(const std::string &key, const std::vector<std::string> &allowed) const {
    const std::string value = text(key, allowed.front());
    if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) return value;
    std::string names;
    for (const auto &name : allowed) names += (names.empty() ? "" : ", ") + name;
    problem(key + ": '" + value + "' is none of " + names);
    return allowed.front();
}

std::vector<std::string> Settings::list(const std::string &key) const {
    std::vector<std::string> items;
    const std::string value = text(key);
    for (std::size_t from = 0; from < value.size();) {
        const std::size_t to = std::min(value.find('\n', from), value.size());
        items.push_back(value.substr(from, to - from));
        from = to + 1;
    }
    return items;
}

std::filesystem::path Settings::path(const std::string &key, const std::string &fallback) const {
    const std::string value = text(key, fallback);
    return value.empty() ? std::filesystem::path() : folder / value;
}

std::vector<std::string> Settings::chosen(const std::vector<std::string> &offered) const {
    if (objects.empty()) return offered;
    for (const auto &name : objects) {
        if (std::find(offered.begin(), offered.end(), name) != offered.end()) continue;
        const auto guess = nearest(name, offered);
        problem("objects: '" + name + "' is not offered by " + connector + (guess ? "; did you mean '" + *guess + "'?" : ""));
    }
    std::vector<std::string> result;
    for (const auto &name : offered) {
        if (std::find(objects.begin(), objects.end(), name) != objects.end()) result.push_back(name);
    }
    return result;
}

void Settings::finish() const {
    std::vector<std::string> problems = problems_;
    const std::vector<std::string> known(asked_.begin(), asked_.end());
    for (const auto &[key, option] : options_) {
        if (asked_.contains(key)) continue;
        const auto guess = nearest(key, known);
        problems.push_back(key + ": unknown option of connector " + connector +
                           (guess ? "; did you mean '" + *guess + "'?" : ""));
    }
    static const std::vector<std::string> objects_known = {"crm_user", "account",     "contact",          "lead",
                                                           "product",  "opportunity", "opportunity_line", "asset",
                                                           "activity", "invoice_line"};
    const auto object = [&](const char *table, const std::string &name) {
        if (std::find(objects_known.begin(), objects_known.end(), name) != objects_known.end()) return;
        const auto guess = nearest(name, objects_known);
        problems.push_back(std::string(table) + ": there is no object '" + name + "'" +
                           (guess ? "; did you mean '" + *guess + "'?" : ""));
    };
    for (const auto &[name, list] : columns) object("columns", name);
    for (const auto &[name, list] : attributes) object("attributes", name);
    if (!problems.empty()) throw SettingsError(std::move(problems));
}

}  // namespace xsell::connectors
