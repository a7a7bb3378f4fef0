#include "store/setup.hpp"

#include <algorithm>

namespace xsell::store {
namespace {

bool save_orgs(Database &database, const std::vector<OrgRow> &orgs) {
    bool currency_changed = false;
    for (const auto &org : orgs) {
        const Value currency = org.currency.empty() ? Value() : Value(org.currency);
        const Rows known =
            database.query("SELECT currency IS NOT DISTINCT FROM $2 FROM xsell.org WHERE org_id = $1", {org.id, currency});
        currency_changed |= !known.rows.empty() && known.rows[0].at(0) != "t";
        database.query(
            "INSERT INTO xsell.org AS o (org_id, name, connector, currency) VALUES ($1, $2, $3, $4)"
            " ON CONFLICT (org_id) DO UPDATE SET name = excluded.name, connector = excluded.connector, currency = "
            "excluded.currency"
            " WHERE (o.name, o.connector, o.currency) IS DISTINCT FROM (excluded.name, excluded.connector, excluded.currency)",
            {org.id, org.name, org.connector, currency});
    }
    return currency_changed;
}

bool save_base_currency(Database &database, const std::string &currency) {
    const Rows changed = database.query(
        "INSERT INTO xsell_internal.setting AS s (name, value) VALUES ('base_currency', $1)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE s.value <> excluded.value RETURNING 1",
        {currency});
    return !changed.rows.empty();
}

// The table holds exactly the given rates afterwards; true when that changed anything.
bool save_rates(Database &database, const std::vector<Rate> &rates) {
    std::vector<Value> currencies, days, values;
    for (const auto &rate : rates) {
        currencies.push_back(rate.currency);
        days.push_back(rate.valid_from);
        values.push_back(rate.rate);
    }
    const std::string given =
        "(SELECT u.c, u.d, u.r FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::date[]), "
        "pg_catalog.unnest($3::numeric[])) AS u(c, d, r))";
    const std::vector<Value> parameters = {array(currencies), array(days), array(values)};
    const Rows gone = database.query("DELETE FROM xsell.currency_rate k WHERE NOT EXISTS (SELECT FROM " + given +
                                         " g WHERE (g.c, g.d, g.r) = (k.currency, k.valid_from, k.rate)) RETURNING 1",
                                     parameters);
    const Rows added = database.query("INSERT INTO xsell.currency_rate (currency, valid_from, rate) SELECT * FROM " + given +
                                          " g ON CONFLICT DO NOTHING RETURNING 1",
                                      parameters);
    return !gone.rows.empty() || !added.rows.empty();
}

}  // namespace

void require_contract(Database &database) {
    std::int64_t version = 0;
    try {
        version = database.execute("SELECT xsell.contract_version()").number(0, 0);
    } catch (const SqlError &error) {
        if (error.sqlstate == "3F000" || error.sqlstate == "42883") {
            throw std::runtime_error("the extension xsell is not in this database; run: CREATE EXTENSION xsell;");
        }
        if (error.sqlstate == "42501")
            throw std::runtime_error(std::string(error.what()) + "; run: GRANT xsell_sync TO CURRENT_USER; as a superuser");
        throw;
    }
    if (version == contract_version) return;
    const std::string both = "the extension speaks contract version " + std::to_string(version) + ", this xselld knows " +
                             std::to_string(contract_version);
    throw std::runtime_error(both + (version < contract_version
                                         ? "; run: ALTER EXTENSION xsell UPDATE;"
                                         : "; install the xselld that came with the extension: make install"));
}

std::optional<std::string> prepare(Database &database, const std::vector<OrgRow> &orgs, const Money &money) {
    Transaction transaction(database);
    // One xselld at a time: two that add the same rows would wait for each other in no fixed order.
    database.query("SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('xsell.setup', 0))");
    bool moved = save_orgs(database, orgs);
    if (money.base_currency) moved |= save_base_currency(database, *money.base_currency);
    if (money.rates) moved |= save_rates(database, *money.rates);
    std::optional<std::string> done;
    if (moved) {
        const std::int64_t amounts = database.query("SELECT xsell_internal.refresh_base_amounts()").number(0, 0);
        if (amounts > 0)
            done = "currencies or rates changed: " + std::to_string(amounts) + " amounts recomputed in the base currency";
    }
    transaction.commit();
    return done;
}

std::vector<std::string> paused_orgs(Database &database) {
    std::vector<std::string> paused;
    for (const auto &row : database.query("SELECT org_id FROM xsell.org WHERE paused").rows)
        paused.push_back(row.at(0).value_or(""));
    return paused;
}

}  // namespace xsell::store
