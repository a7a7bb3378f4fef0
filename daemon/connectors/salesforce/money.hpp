// What Salesforce knows of prices and of exchange rates.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/salesforce/api.hpp"
#include "sync/record.hpp"

namespace xsell::connectors::salesforce {

// Dated rates where the org keeps them, else those of today as if they had always held; nothing in an org of one currency.
std::vector<sync::Rate> read_rates(Api &api);

// Each product's JSON with its entry of the standard price book as "PricebookEntry"; unchanged where there is none. Of several
// active ones the first by its currency's code is taken. Throws SyncError.
std::vector<std::string> with_prices(Api &api, std::span<const std::string_view> products, bool multi_currency);

// A condition that the field is one of these ids, for as many of them as fit into one query; they are taken off the list.
std::string take_ids(const std::string &field, std::vector<std::string> &ids);

}  // namespace xsell::connectors::salesforce
