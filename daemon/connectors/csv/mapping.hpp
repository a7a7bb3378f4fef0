// Which object a CSV file holds and which of its headers fills which column: as configured, else a sensible guess.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xsell::connectors::csv {

// Invoice or order lines are no object of their own: they become won opportunities and their lines.
inline constexpr const char *invoice_line = "invoice_line";

// Not a column of the opportunity, but what its account is called: the accounts of an org that has no file of them.
inline constexpr const char *account_name = "account_name";

struct ColumnGuess {
    const char *column;
    const char *headers;  // normalised, best first, separated by blanks
};

// Columns of an object with the headers they are known by; empty for an unknown object.
const std::vector<ColumnGuess> &column_guesses(const std::string &object);
std::vector<std::string> known_objects();  // with invoice_line

// "Sales-Agent" -> "salesagent", "Ä" -> "ä".
std::string normalised(std::string_view header);

// By the name of the file ("sales-pipeline.csv", "Account.csv", "contacts_2024-05-01.csv").
std::optional<std::string> object_by_name(std::string_view file_name);
// By the headers: invoice lines alone can be told from anything else.
bool looks_like_invoice_lines(const std::vector<std::string> &header);

// column -> position of its header. `configured`: column -> header; an empty header leaves the column out. Problems are appended.
std::map<std::string, std::size_t> map_columns(const std::string &object, const std::vector<std::string> &header,
                                               const std::map<std::string, std::string> &configured,
                                               std::vector<std::string> &problems);

}  // namespace xsell::connectors::csv
