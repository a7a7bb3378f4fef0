#include "connectors/zoho/lines.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "connectors/zoho/field_map.hpp"
#include "sync/convert.hpp"
#include "sync/text.hpp"

namespace xsell::connectors::zoho {
namespace {

using nlohmann::json;
using sync::Fault;
using sync::SyncError;

constexpr int most_pages = 100;  // of one carrier's lines; a server that goes in circles must not hold us

// $line, $deal and $modified are put into each line: it is told apart by its deal and its product, or by its own id.
constexpr Field product_of_deal[] = {
    {"opportunity_id", "$deal"},  {"product_id", "id"},     {"name", "Product_Name"},     {"quantity", "Quantity"},
    {"unit_price", "Unit_Price"}, {"currency", "Currency"}, {"modified_at", "$modified"},
};

constexpr Field subform_row[] = {
    {"opportunity_id", "$deal"},        {"product_id", "Product_Name.id"}, {"name", "Product_Name.name"},
    {"quantity", "Quantity"},           {"unit_price", "List_Price"},      {"unit_price", "Unit_Price"},
    {"amount", "Total_After_Discount"}, {"amount", "Net_Total"},           {"amount", "Total"},
    {"currency", "$currency"},          {"created_at", "Created_Time"},    {"modified_at", "$modified"},
};

constexpr std::array table = {
    LineSource{"deals", "Deals", "", "id", product_of_deal},
    LineSource{"quotes", "Quotes", "Quoted_Items", "Deal_Name", subform_row},
    LineSource{"sales_orders", "Sales_Orders", "Ordered_Items", "Deal_Name", subform_row},
    LineSource{"invoices", "Invoices", "Invoiced_Items", "Deal_Name__s", subform_row},
};

class Reader {
  public:
    Reader(Api &api, const LineSource &source, const Mapper &mapper)
        : api_(api), source_(source), subject_(module_subject(source.module)) {
        std::string names;
        for (const auto &field : mapper.sources()) {
            const std::string name = field.substr(0, field.find('.'));
            if (!name.starts_with('$') && name != "id") names += (names.empty() ? "" : ",") + name;
        }
        fields_ = names;
    }

    // false: the deal is gone.
    bool read(const std::string &deal, const std::string &modified) {
        return *source_.subform == '\0' ? read_products(deal, modified) : read_carriers(deal);
    }
    std::vector<std::string> rows;
    std::vector<sync::Reject> rejects;

  private:
    // All pages of a related list.
    template <typename Each>
    bool related(const std::string &deal, const std::string &relation, const std::string &fields, Each each) {
        for (int number = 1; number <= most_pages; ++number) {
            const auto page = try_list("/Deals/" + deal + "/" + relation + "?fields=" + fields +
                                       "&per_page=200&page=" + std::to_string(number));
            if (!page) return false;
            for (const auto raw : page->listing.records) each(raw);
            if (!page->more) return true;
        }
        throw SyncError(Fault::object, relation + " of deal " + deal + ": the pages have no end");
    }

    std::optional<List> try_list(const std::string &path) {
        try {
            return api_.list(path, "data", subject_);
        } catch (const Gone &) {
            return std::nullopt;
        }
    }

    bool read_products(const std::string &deal, const std::string &modified) {
        return related(deal, "Products", fields_, [&](std::string_view raw) {
            const std::string id = text_at(raw, "id").value_or("");
            const json added = {{"$line", id.empty() ? "" : deal + "-" + id}, {"$deal", deal}, {"$modified", modified}};
            std::string text = added.dump();
            text.pop_back();
            rows.push_back(text + (sync::trim(raw.substr(1)).starts_with('}') ? "" : ",") + std::string(raw.substr(1)));
        });
    }

    bool read_carriers(const std::string &deal) {
        std::vector<std::string> ids;
        const bool there =
            related(deal, source_.module, "id", [&](std::string_view raw) { ids.push_back(text_at(raw, "id").value_or("")); });
        for (const auto &id : ids) {
            if (!is_id(id)) continue;
            try {
                read_carrier(deal, id);
            } catch (const Gone &) {
                continue;  // deleted since it was listed
            }
        }
        return there;
    }

    void read_carrier(const std::string &deal, const std::string &id) {
        const auto page = api_.object(std::string("/") + source_.module + "/" + id, subject_);
        const auto data = page.find("data");
        if (data == page.end() || !data->is_array() || data->empty() || !(*data)[0].is_object()) return;
        const json &carrier = (*data)[0];
        const auto lines = carrier.find(source_.subform);
        if (lines == carrier.end() || !lines->is_array()) return;
        for (json line : *lines) {
            if (!line.is_object()) continue;
            line["$line"] = member(line, "id");
            line["$deal"] = deal;
            line["$modified"] = member(carrier, "Modified_Time");
            line["$currency"] = member(carrier, "Currency");
            rows.push_back(line.dump());
        }
        const auto more = carrier.find("$has_more");
        if (more != carrier.end() && more->is_object() && more->value(source_.subform, json()) == json(true))
            rejects.push_back({id, std::string(source_.module) + " " + id, "has more lines than Zoho shows with it", ""});
    }

    Api &api_;
    const LineSource &source_;
    Subject subject_;
    std::string fields_;
};

}  // namespace

std::span<const LineSource> line_sources() { return table; }

std::string carrier_fields(const LineSource &source) {
    return *source.subform == '\0' ? "Modified_Time" : std::string("Modified_Time,") + source.deal;
}

void read_lines(Api &api, const LineSource &source, const std::vector<std::string_view> &carriers, const Mapper &mapper,
                const sync::Object &object, sync::Page &page) {
    Reader reader(api, source, mapper);
    sync::Replaced replaced{"opportunity_id", {}, ""};
    std::set<std::string> seen;
    for (const auto raw : carriers) {
        const auto deal = text_at(raw, *source.subform == '\0' ? "id" : std::string(source.deal) + ".id");
        const std::string modified = text_at(raw, "Modified_Time").value_or("");
        if (const auto at = sync::to_timestamp(modified); at && *at > replaced.at) replaced.at = *at;
        if (deal && is_id(*deal) && seen.insert(*deal).second && reader.read(*deal, modified)) replaced.parents.push_back(*deal);
    }
    const std::vector<std::string_view> rows(reader.rows.begin(), reader.rows.end());
    mapper.map(object, rows, page);
    page.rejects.insert(page.rejects.end(), reader.rejects.begin(), reader.rejects.end());
    if (!replaced.parents.empty()) page.replaced = std::move(replaced);
}

}  // namespace xsell::connectors::zoho
