// What must be true of a database before anything is synced: a known contract version, the orgs' rows, the rates.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "store/database.hpp"

namespace xsell::store {

inline constexpr int contract_version = 2;

struct OrgRow {
    std::string id, name, connector, currency;  // currency may be empty
};

struct Rate {
    std::string currency, valid_from, rate;  // as PostgreSQL reads them
};

struct Money {
    std::optional<std::string> base_currency;  // nothing: what the database says stays
    std::optional<std::vector<Rate>> rates;    // nothing: what the database says stays
};

// Throws std::runtime_error with the command to run when the extension is missing or of an unknown contract version.
void require_contract(Database &database);

// Adds and updates the orgs' rows; replaces the rates; recomputes base amounts when anything of it moved. Returns a sentence on
// what was recomputed, or nothing.
std::optional<std::string> prepare(Database &database, const std::vector<OrgRow> &orgs, const Money &money);

// Orgs that xsell.org says to leave alone.
std::vector<std::string> paused_orgs(Database &database);

}  // namespace xsell::store
