#include "connectors/salesforce/money.hpp"

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>
#include <tuple>

#include <spdlog/spdlog.h>

#include "connectors/json_map.hpp"
#include "connectors/parts.hpp"
#include "connectors/salesforce/query.hpp"

namespace xsell::connectors::salesforce {
namespace {

using nlohmann::json;
using sync::Fault;
using sync::SyncError;

constexpr std::size_t ids_in_query = 400;
constexpr const char *always = "1970-01-01";

// Salesforce says how many units one unit of the home currency is worth.
void add_rate(std::vector<sync::Rate> &rates, const std::string &home, const json &row, const std::string &from) {
    const std::string currency = member(row, "IsoCode");
    const json units = row.value("ConversionRate", json());
    if (currency.empty() || currency == home || !units.is_number() || units.get<double>() <= 0) return;
    char text[40];
    std::snprintf(text, sizeof text, "%.12g", 1 / units.get<double>());
    rates.push_back({home, currency, from, text});
}

// A small question that not every user may ask, and not every org can answer.
json rows_or_none(Api &api, const std::string &soql, const std::string &what) {
    try {
        return api.rows(soql, what);
    } catch (const SyncError &error) {
        if (error.fault != Fault::object) throw;
        spdlog::debug("salesforce: {}", error.what());
        return json::array();
    }
}

// Sorts before another entry of the same product when it is the better one.
auto rank(const json &entry) {
    const json currency = entry.value("CurrencyIsoCode", json());
    return std::make_tuple(entry.value("IsActive", json()) != true, currency.is_string() ? currency.get<std::string>() : "");
}

}  // namespace

std::vector<sync::Rate> read_rates(Api &api) {
    std::vector<sync::Rate> rates;
    const json types = rows_or_none(api, "SELECT IsoCode, ConversionRate, IsCorporate FROM CurrencyType", "CurrencyType");
    std::string home;
    for (const auto &type : types) {
        if (type.value("IsCorporate", json()) == true) home = member(type, "IsoCode");
    }
    if (home.empty()) return rates;
    const json dated =
        rows_or_none(api, "SELECT IsoCode, StartDate, ConversionRate FROM DatedConversionRate", "DatedConversionRate");
    std::set<std::string> known;
    for (const auto &row : dated) {
        const std::string start = member(row, "StartDate").substr(0, 10);
        known.insert(member(row, "IsoCode"));
        add_rate(rates, home, row, start < always ? always : start);
    }
    for (const auto &type : types) {
        if (!known.contains(member(type, "IsoCode"))) add_rate(rates, home, type, always);
    }
    return rates;
}

std::string take_ids(const std::string &field, std::vector<std::string> &ids) {
    std::string list;
    for (std::size_t i = 0; i < ids_in_query && !ids.empty(); ++i) {
        list += (list.empty() ? "'" : ", '") + ids.back() + "'";
        ids.pop_back();
    }
    return field + " IN (" + list + ")";
}

std::vector<std::string> with_prices(Api &api, std::span<const std::string_view> products, bool multi_currency) {
    std::vector<std::string> ids, records;
    for (const auto product : products) {
        if (auto id = text_at(product, "Id"); id && is_id(*id)) ids.push_back(*id);
    }
    const std::string select = std::string("SELECT Product2Id, UnitPrice, IsActive") +
                               (multi_currency ? ", CurrencyIsoCode" : "") +
                               " FROM PricebookEntry WHERE Pricebook2.IsStandard = true AND ";
    std::map<std::string, json> entries;
    while (!ids.empty()) {
        for (auto entry : api.rows(select + take_ids("Product2Id", ids), "PricebookEntry")) {
            entry.erase("attributes");
            json &best = entries[member(entry, "Product2Id")];
            if (best.is_null() || rank(entry) < rank(best)) best = std::move(entry);
        }
    }
    for (const auto product : products) {
        const auto entry = entries.find(text_at(product, "Id").value_or(""));
        records.push_back(entry == entries.end() ? std::string(product)
                                                 : with_member(product, "PricebookEntry", entry->second.dump()));
    }
    return records;
}

}  // namespace xsell::connectors::salesforce
