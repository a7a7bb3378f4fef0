#include "hubspot_types.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace xsell::simulator {
namespace {

using P = Property;

std::vector<Property> with_standard(std::vector<Property> properties, const char *modified = "hs_lastmodifieddate") {
    properties.push_back({"hs_object_id", P::number, nullptr, P::object_id});
    properties.push_back({"createdate", P::datetime, "created_at"});
    properties.push_back({"hs_createdate", P::datetime, "created_at"});
    properties.push_back({modified, P::datetime, nullptr, P::modified});
    properties.push_back({"hs_merged_object_ids", P::string, nullptr, P::merged});
    properties.push_back({"hubspot_owner_id", P::string, "owner_id"});
    return properties;
}

std::vector<HubType> make_types() {
    const auto engagement = [](std::vector<Property> properties) {
        properties.push_back({"hs_timestamp", P::datetime, "occurred_at"});
        return with_standard(std::move(properties));
    };
    return {
        {"companies", "company", "0-2", Source::account,
         with_standard({{"name", P::string, "name"},
                        {"domain", P::string, "domain"},
                        {"website", P::string, "website"},
                        {"industry", P::string, "industry"},
                        {"phone", P::string, "phone"},
                        {"address", P::string, "street"},
                        {"city", P::string, "city"},
                        {"state", P::string, nullptr},
                        {"zip", P::string, "postal_code"},
                        {"country", P::string, "country"},
                        {"numberofemployees", P::number, "employees"},
                        {"annualrevenue", P::number, "annual_revenue"},
                        {"lifecyclestage", P::string, "type"},
                        {"description", P::string, "description"},
                        {"hs_parent_company_id", P::string, nullptr}})},
        {"contacts", "contact", "0-1", Source::contact,
         with_standard({{"firstname", P::string, "first_name"},
                        {"lastname", P::string, "last_name"},
                        {"email", P::string, "email"},
                        {"phone", P::string, "phone"},
                        {"mobilephone", P::string, nullptr},
                        {"jobtitle", P::string, "title"},
                        {"company", P::string, nullptr, P::company_name},
                        {"lifecyclestage", P::string, nullptr},
                        {"hs_lead_status", P::string, nullptr},
                        {"associatedcompanyid", P::string, "account_id"},
                        {"country", P::string, nullptr},
                        {"hs_email_optout", P::boolean, "do_not_contact"}},
                       "lastmodifieddate")},
        {"deals", "deal", "0-3", Source::opportunity,
         with_standard({{"dealname", P::string, "name"},
                        {"amount", P::number, "amount"},
                        {"deal_currency_code", P::string, "currency"},
                        {"dealstage", P::string, "stage"},
                        {"pipeline", P::string, "pipeline"},
                        {"closedate", P::datetime, "closed_at"},
                        {"dealtype", P::string, "type"},
                        {"hs_is_closed", P::boolean, "is_closed"},
                        {"hs_is_closed_won", P::boolean, "is_won"},
                        {"hs_deal_stage_probability", P::number, nullptr, P::percent},
                        {"description", P::string, nullptr}})},
        {"line_items", "line_item", "0-8", Source::line,
         with_standard({{"name", P::string, "name"},
                        {"quantity", P::number, "quantity"},
                        {"price", P::number, "unit_price"},
                        {"amount", P::number, "amount"},
                        {"hs_product_id", P::string, "product_id"},
                        {"hs_sku", P::string, nullptr, P::sku},
                        {"hs_line_item_currency_code", P::string, "currency"},
                        {"discount", P::number, nullptr},
                        {"hs_recurring_billing_period", P::string, nullptr}})},
        {"products", "product", "0-7", Source::product,
         with_standard({{"name", P::string, "name"},
                        {"price", P::number, "price"},
                        {"hs_sku", P::string, "code"},
                        {"description", P::string, "description"},
                        {"hs_cost_of_goods_sold", P::number, nullptr},
                        {"recurringbillingfrequency", P::string, nullptr}})},
        {"tasks", "task", "0-27", Source::task,
         engagement({{"hs_task_subject", P::string, "subject"},
                     {"hs_task_body", P::string, nullptr},
                     {"hs_task_status", P::string, "status"},
                     {"hs_task_priority", P::string, nullptr},
                     {"hs_task_type", P::string, nullptr}})},
        {"calls", "call", "0-48", Source::call,
         engagement({{"hs_call_title", P::string, "subject"},
                     {"hs_call_direction", P::string, nullptr, P::direction},
                     {"hs_call_duration", P::number, nullptr, P::millis},
                     {"hs_call_status", P::string, "status"},
                     {"hs_call_disposition", P::string, nullptr}})},
        {"emails", "email", "0-49", Source::email,
         engagement({{"hs_email_subject", P::string, "subject"}, {"hs_email_direction", P::string, nullptr, P::direction}})},
        {"meetings", "meeting", "0-47", Source::meeting,
         engagement({{"hs_meeting_title", P::string, "subject"},
                     {"hs_meeting_start_time", P::datetime, "occurred_at"},
                     {"hs_meeting_end_time", P::datetime, nullptr, P::end},
                     {"hs_meeting_outcome", P::string, "status"}})},
        {"notes", "note", "0-46", Source::note, engagement({{"hs_note_body", P::string, "subject"}})},
        {"leads", "lead", "0-136", {}, with_standard({{"hs_lead_name", P::string, nullptr}})},
        {"tickets", "ticket", "0-5", {}, with_standard({{"subject", P::string, nullptr}})},
    };
}

long number_of(std::string_view text) { return text.empty() ? 0 : std::stol(std::string(text)); }

void append_property(std::string &out, const Crm &crm, const HubType &type, const Property &property, std::size_t row) {
    const std::string text = property_text(crm, type, property, row);
    out.append(",\"").append(property.name).append("\":");
    // Both forms of nothing are on the wire.
    if (text.empty())
        out += row % 2 ? "\"\"" : "null";
    else if (property.type == P::boolean)
        out += text == "t" ? "\"true\"" : "\"false\"";
    else if (property.type == P::datetime)
        out.append("\"").append(text, 0, 19).append(".000Z\"");
    else
        append_json(out, text);
}

}  // namespace

const Property *HubType::property(std::string_view wanted) const {
    for (const Property &property : properties) {
        if (wanted == property.name) return &property;
    }
    return nullptr;
}

const std::vector<HubType> &hub_types() {
    static const std::vector<HubType> all = [] {
        std::vector<HubType> made = make_types();
        for (HubType &type : made) {
            for (Property &property : type.properties) {
                if (type.source && property.column) property.index = object_of(*type.source).column(property.column);
            }
        }
        return made;
    }();
    return all;
}

const HubType *hub_type(std::string_view name) {
    for (const HubType &type : hub_types()) {
        if (name == type.name || name == type.singular || name == type.type_id) return &type;
    }
    return nullptr;
}

std::string property_text(const Crm &crm, const HubType &type, const Property &property, std::size_t row) {
    const Table &table = crm.table(*type.source);
    if (property.column) return std::string(table.value(row, property.index));
    switch (property.special) {
        case P::object_id: return table.id(row);
        case P::modified: return iso(table.row(row).modified);
        case P::merged: {
            std::string ids;
            for (const std::uint32_t loser : crm.losers(*type.source, row)) ids += (ids.empty() ? "" : ";") + table.id(loser);
            return ids;
        }
        case P::company_name: {
            const Table &accounts = crm.table(Source::account);
            const auto account = accounts.find(table.value(row, "account_id"));
            return account ? std::string(accounts.value(*account, "name")) : "";
        }
        case P::percent: return plain(static_cast<double>(number_of(table.value(row, "probability"))) / 100);
        case P::millis: return table.value(row, "duration").empty() ? "" : std::string(table.value(row, "duration")) + "000";
        case P::direction: {
            const auto direction = table.value(row, "direction");
            if (type.source == Source::email) return direction == "inbound" ? "INCOMING_EMAIL" : direction.empty() ? "" : "EMAIL";
            return upper(direction);
        }
        case P::end: return iso(parse_time(table.value(row, "occurred_at")) + number_of(table.value(row, "duration")));
        case P::sku: {
            const Table &products = crm.table(Source::product);
            const auto product = products.find(table.value(row, "product_id"));
            return product ? std::string(products.value(*product, "code")) : "";
        }
        default: return "";
    }
}

void append_hub_record(std::string &out, const Crm &crm, const HubType &type, const std::vector<std::string> &properties,
                       std::size_t row, const std::string &associations) {
    const Table &table = crm.table(*type.source);
    const Row &r = table.row(row);
    const std::string modified = iso(r.modified).substr(0, 19) + ".000Z";
    const std::string created = std::string(table.value(row, "created_at").substr(0, 19)) + ".000Z";
    out += fmt::format(R"({{"id":"{}","properties":{{"hs_object_id":"{}")", table.id(row), table.id(row));
    const char *stamp = type.source == Source::contact ? "lastmodifieddate" : "hs_lastmodifieddate";
    out += fmt::format(R"(,"createdate":"{}","{}":"{}")", created, stamp, modified);
    for (const std::string &name : properties) {
        const Property *property = type.property(name);
        if (property && name != "hs_object_id" && name != "createdate" && name != stamp)
            append_property(out, crm, type, *property, row);
    }
    out += fmt::format(R"(}},"createdAt":"{}","updatedAt":"{}","archived":{})", created, modified, r.deleted != 0);
    if (r.deleted != 0) out += fmt::format(R"(,"archivedAt":"{}.000Z")", iso(r.deleted).substr(0, 19));
    if (!associations.empty()) out.append(",\"associations\":{").append(associations).append("}");
    out += fmt::format(R"(,"url":"https://app.hubspot.com/contacts/1/record/{}/{}"}})", type.type_id, table.id(row));
}

std::vector<Relation> HubRelations::of(const Crm &crm, const HubType &from, const HubType &to, std::size_t row, Time now) {
    if (!from.source || !to.source) return {};
    const auto link_column = [](const HubType &child, const HubType &parent) -> int {
        const char *column = parent.source == Source::account       ? "account_id"
                             : parent.source == Source::contact     ? "contact_id"
                             : parent.source == Source::opportunity ? "opportunity_id"
                                                                    : nullptr;
        return column ? object_of(*child.source).column(column) : -1;
    };
    const Table &own = crm.table(*from.source), &other = crm.table(*to.source);
    if (const int column = link_column(from, to); column >= 0) {
        const auto parent = other.find(own.value(row, column));
        if (!parent) return {};
        const auto position = static_cast<std::uint32_t>(*parent);
        // Some deals and contacts have a second company, named first; only the label tells which one counts.
        const bool labelled =
            to.source == Source::account && (from.source == Source::opportunity || from.source == Source::contact);
        if (labelled && row % 16 == 5 && position + 1 < other.size() && other.live(position + 1, now))
            return {{position + 1, false}, {position, true}};
        return {{position, labelled}};
    }
    const int column = link_column(to, from);
    if (column < 0) return {};
    Links &links = links_[{*from.source, *to.source}];
    if (links.built != now) {
        links = {now, {}};
        for (std::uint32_t child = 0; child < other.size(); child++) {
            if (!other.live(child, now)) continue;
            if (const auto parent = own.find(other.value(child, column)))
                links.pairs.emplace_back(static_cast<std::uint32_t>(*parent), child);
        }
        std::sort(links.pairs.begin(), links.pairs.end());
    }
    std::vector<Relation> children;
    const auto position = static_cast<std::uint32_t>(row);
    for (auto at = std::lower_bound(links.pairs.begin(), links.pairs.end(), std::pair{position, 0u});
         at != links.pairs.end() && at->first == position; ++at) {
        children.push_back({at->second, false});
    }
    return children;
}

}  // namespace xsell::simulator
