#include "connectors/hubspot/rates.hpp"

#include "connectors/hubspot/faults.hpp"
#include "http/address.hpp"

namespace xsell::connectors::hubspot {
namespace {

using nlohmann::json;
using sync::Fault;
using sync::SyncError;

constexpr int most_pages = 1000;

void add_rate(std::vector<sync::Rate> &rates, const json &row) {
    const std::string home = member(row, "toCurrencyCode"), currency = member(row, "fromCurrencyCode"),
                      from = member(row, "effectiveAt").substr(0, 10);
    const json rate = row.is_object() ? row.value("conversionRate", json()) : json();
    if (home.empty() || currency.empty() || home == currency || from.size() != 10) return;
    if (rate.is_number() && rate.get<double>() > 0) rates.push_back({home, currency, from, rate.dump()});
}

}  // namespace

std::vector<sync::Rate> read_rates(Session &session) {
    std::vector<sync::Rate> rates;
    std::string after;
    for (int page = 0; page < most_pages; ++page) {
        const auto response = session.get("/settings/v3/currencies/exchange-rates?limit=100" +
                                          (after.empty() ? "" : "&after=" + http::encode(after)));
        if (response.status == 403 || response.status == 404) return {};
        require_good(response, "exchange rates");
        const auto body = json_body(response);
        if (!body.is_object()) throw SyncError(Fault::transient, "exchange rates: the response is no complete JSON");
        for (const auto &row : body.value("results", json::array())) add_rate(rates, row);
        const auto next = body.value("/paging/next/after"_json_pointer, json());
        if (!next.is_string()) return rates;
        if (next == after) break;
        after = next.get<std::string>();
    }
    throw SyncError(Fault::object, "exchange rates: the pages have no end");
}

}  // namespace xsell::connectors::hubspot
