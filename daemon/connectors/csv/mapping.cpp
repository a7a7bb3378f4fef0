#include "connectors/csv/mapping.hpp"

#include <algorithm>
#include <sstream>

#include "connectors/settings.hpp"

namespace xsell::connectors::csv {
namespace {

constexpr std::size_t none = static_cast<std::size_t>(-1);

std::size_t position(const std::vector<std::string> &header, const std::string &normal) {
    for (std::size_t i = 0; i < header.size(); ++i) {
        if (normalised(header[i]) == normal) return i;
    }
    return none;
}

std::size_t guessed(const std::vector<std::string> &header, const char *words) {
    std::istringstream list(words);
    for (std::string word; list >> word;) {
        if (const std::size_t found = position(header, word); found != none) return found;
    }
    return none;
}

// What serves as the id where there is none, best first.
const std::map<std::string, std::vector<const char *>> id_substitutes = {
    {"account", {"name"}},  {"product", {"code", "name"}}, {"crm_user", {"email", "name"}},
    {"contact", {"email"}}, {"lead", {"email"}},           {"opportunity", {"name"}},
};

std::string suggestion(const std::string &word, const std::vector<std::string> &known) {
    const auto guess = nearest(word, known);
    return guess ? "; did you mean '" + *guess + "'?" : "";
}

void require_columns(const std::string &object, std::map<std::string, std::size_t> &columns, std::vector<std::string> &problems) {
    const auto has = [&](const char *column) { return columns.contains(column); };
    if (object == invoice_line) {
        for (const char *column : {"invoice", "date", "account_id", "product_id"}) {
            if (!has(column))
                problems.push_back("no header for " + std::string(column) + "; name it: columns = { " + column + " = \"...\" }");
        }
        return;
    }
    if (const auto substitutes = id_substitutes.find(object); !has("crm_id") && substitutes != id_substitutes.end()) {
        for (const char *column : substitutes->second) {
            if (!has("crm_id") && has(column)) columns["crm_id"] = columns[column];
        }
    }
    if (!has("crm_id")) problems.push_back("no header for crm_id; name it: columns = { crm_id = \"...\" }");
}

}  // namespace

std::string normalised(std::string_view header) {
    std::string out;
    unsigned char before = 0;
    for (const char c : header) {
        const auto byte = static_cast<unsigned char>(c);
        if (c >= 'A' && c <= 'Z') out += static_cast<char>(c + 32);
        const bool accented_capital = before == 0xC3 && byte >= 0x80 && byte <= 0x9E;  // the capitals of Latin-1, in UTF-8
        if (byte >= 0x80) out += static_cast<char>(accented_capital ? byte + 32 : byte);
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) out += c;
        before = byte;
    }
    return out;
}

bool looks_like_invoice_lines(const std::vector<std::string> &header) {
    std::vector<std::string> problems;
    const auto columns = map_columns(invoice_line, header, {}, problems);
    return problems.empty() && (columns.contains("quantity") || columns.contains("amount"));
}

std::map<std::string, std::size_t> map_columns(const std::string &object, const std::vector<std::string> &header,
                                               const std::map<std::string, std::string> &configured,
                                               std::vector<std::string> &problems) {
    std::map<std::string, std::size_t> columns;
    std::vector<std::string> known;
    for (const auto &guess : column_guesses(object)) {
        known.emplace_back(guess.column);
        if (configured.contains(guess.column)) continue;
        if (const std::size_t found = guessed(header, guess.headers); found != none) columns[guess.column] = found;
    }
    for (const auto &[column, name] : configured) {
        if (std::find(known.begin(), known.end(), column) == known.end()) {
            problems.push_back("columns: " + object + " has no column '" + column + "'" + suggestion(column, known));
            continue;
        }
        if (name.empty()) continue;
        const auto exact = std::find(header.begin(), header.end(), name);
        const std::size_t found =
            exact != header.end() ? static_cast<std::size_t>(exact - header.begin()) : position(header, normalised(name));
        if (found == none) {
            problems.push_back("columns: the file has no header '" + name + "'" + suggestion(name, header));
        } else {
            columns[column] = found;
        }
    }
    require_columns(object, columns, problems);
    return columns;
}

}  // namespace xsell::connectors::csv
