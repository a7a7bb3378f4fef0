#include "connectors/zoho/field_map.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "connectors/parts.hpp"

namespace xsell::connectors::zoho {
namespace {

using enum Rule;

constexpr Field user[] = {
    {"name", "full_name"},
    {"name", "first_name", join, "last_name"},
    {"name", "last_name"},
    {"email", "email", email},
    {"is_active", "status", choose, "active=true;*=false"},
    {"team", "role.name"},
    {"manager", "Reporting_To.name"},
    {"territory", "territories.0.name"},
    {"time_zone", "time_zone"},
    {"created_at", "created_time"},
    {"modified_at", "Modified_Time"},
    {"modified_at", "created_time"},
};

constexpr Field account[] = {
    {"name", "Account_Name"},
    {"type", "Account_Type"},
    {"parent_id", "Parent_Account.id"},
    {"industry", "Industry"},
    {"website", "Website"},
    {"domain", "Website", domain},
    {"phone", "Phone", phone},
    {"street", "Billing_Street"},
    {"city", "Billing_City"},
    {"state", "Billing_State"},
    {"postal_code", "Billing_Code"},
    {"country", "Billing_Country"},
    {"annual_revenue", "Annual_Revenue"},
    {"currency", "Currency"},
    {"employees", "Employees"},
    {"source", "Lead_Source"},
    {"rating", "Rating"},
    {"description", "Description"},
    {"owner_id", "Owner.id"},
    {"last_activity_at", "Last_Activity_Time"},
    {"created_at", "Created_Time"},
    {"modified_at", "Modified_Time"},
};

constexpr Field contact[] = {
    {"account_id", "Account_Name.id"},
    {"first_name", "First_Name"},
    {"last_name", "Last_Name"},
    {"title", "Title"},
    {"department", "Department"},
    {"email", "Email", email},
    {"email", "Secondary_Email", email},
    {"phone", "Phone", phone},
    {"phone", "Other_Phone", phone},
    {"mobile", "Mobile", phone},
    {"country", "Mailing_Country"},
    {"do_not_contact", "Email_Opt_Out"},
    {"owner_id", "Owner.id"},
    {"created_at", "Created_Time"},
    {"modified_at", "Modified_Time"},
};

// What became of a lead stands in $converted_detail, in newer orgs in lookups too.
constexpr Field lead[] = {
    {"company", "Company"},
    {"first_name", "First_Name"},
    {"last_name", "Last_Name"},
    {"title", "Designation"},
    {"email", "Email", email},
    {"phone", "Phone", phone},
    {"phone", "Mobile", phone},
    {"website", "Website"},
    {"domain", "Website", domain},
    {"domain", "Email", domain},
    {"industry", "Industry"},
    {"country", "Country"},
    {"employees", "No_of_Employees"},
    {"annual_revenue", "Annual_Revenue"},
    {"currency", "Currency"},
    {"status", "Lead_Status"},
    {"source", "Lead_Source"},
    {"converted_at", "$converted_detail.convert_date"},
    {"converted_at", "Converted_Date_Time"},
    {"converted_account_id", "$converted_detail.account.id"},
    {"converted_account_id", "$converted_detail.account"},
    {"converted_account_id", "Converted_Account.id"},
    {"converted_contact_id", "$converted_detail.contact.id"},
    {"converted_contact_id", "$converted_detail.contact"},
    {"converted_contact_id", "Converted_Contact.id"},
    {"converted_opportunity_id", "$converted_detail.deal.id"},
    {"converted_opportunity_id", "$converted_detail.deal"},
    {"converted_opportunity_id", "Converted_Deal.id"},
    {"owner_id", "Owner.id"},
    {"created_at", "Created_Time"},
    {"modified_at", "Modified_Time"},
};

constexpr Field product[] = {
    {"name", "Product_Name"},        {"code", "Product_Code"},       {"family", "Product_Category"},
    {"description", "Description"},  {"price", "Unit_Price"},        {"currency", "Currency"},
    {"is_active", "Product_Active"}, {"created_at", "Created_Time"}, {"modified_at", "Modified_Time"},
};

constexpr Field deal[] = {
    {"account_id", "Account_Name.id"},
    {"name", "Deal_Name"},
    {"pipeline", "Pipeline.name"},
    {"pipeline", "Pipeline"},
    {"pipeline", "", constant, ""},
    {"stage", "Stage"},
    {"type", "Type"},
    {"amount", "Amount"},
    {"currency", "Currency"},
    {"probability", "Probability"},
    {"source", "Lead_Source"},
    {"closed_at", "Closing_Date"},
    {"owner_id", "Owner.id"},
    {"created_at", "Created_Time"},
    {"modified_at", "Modified_Time"},
};

// Entries without a column are asked for, for with_links to read.
constexpr Field call[] = {
    {"kind", "", constant, "call"},
    {"account_id", "$what.Accounts"},
    {"opportunity_id", "$what.Deals"},
    {"lead_id", "$what.Leads"},
    {"contact_id", "Who_Id.id"},
    {"subject", "Subject"},
    {"occurred_at", "Call_Start_Time"},
    {"duration", "Call_Duration_in_seconds"},
    {"duration", "$seconds"},
    {"", "Call_Duration"},
    {"", "What_Id"},
    {"direction", "Call_Type", choose, "Inbound=inbound;Missed=inbound;Outbound=outbound"},
    {"status", "Call_Status"},
    {"status", "Call_Result"},
    {"owner_id", "Owner.id"},
    {"created_at", "Created_Time"},
    {"modified_at", "Modified_Time"},
};

constexpr Field event[] = {
    {"kind", "", constant, "meeting"},
    {"account_id", "$what.Accounts"},
    {"opportunity_id", "$what.Deals"},
    {"lead_id", "$what.Leads"},
    {"contact_id", "Who_Id.id"},
    {"subject", "Event_Title"},
    {"occurred_at", "Start_DateTime"},
    {"duration", "End_DateTime", span, "Start_DateTime"},
    {"", "What_Id"},
    {"owner_id", "Owner.id"},
    {"created_at", "Created_Time"},
    {"modified_at", "Modified_Time"},
};

constexpr Field task[] = {
    {"kind", "", constant, "task"},
    {"account_id", "$what.Accounts"},
    {"opportunity_id", "$what.Deals"},
    {"lead_id", "$what.Leads"},
    {"contact_id", "Who_Id.id"},
    {"subject", "Subject"},
    {"occurred_at", "Closed_Time"},
    {"occurred_at", "Due_Date"},
    {"status", "Status"},
    {"is_closed", "Status", choose, "Completed=true;*=false"},
    {"", "What_Id"},
    {"owner_id", "Owner.id"},
    {"created_at", "Created_Time"},
    {"modified_at", "Modified_Time"},
};

constexpr Field note[] = {
    {"kind", "", constant, "note"}, {"account_id", "$what.Accounts"}, {"opportunity_id", "$what.Deals"},
    {"lead_id", "$what.Leads"},     {"contact_id", "$what.Contacts"}, {"subject", "Note_Title"},
    {"subject", "Note_Content"},    {"occurred_at", "Created_Time"},  {"owner_id", "Owner.id"},
    {"created_at", "Created_Time"}, {"modified_at", "Modified_Time"}, {"", "Parent_Id"},
};

constexpr Field deleted[] = {
    {"pipeline", "", constant, ""},
    {"modified_at", "deleted_time"},
    {"deleted_at", "deleted_time"},
};

constexpr std::array table = {
    Source{"crm_user", "users", "", user},
    Source{"account", "Accounts", "", account},
    Source{"contact", "Contacts", "", contact},
    Source{"lead", "Leads", "", lead, "&converted=both"},
    Source{"product", "Products", "", product},
    Source{"opportunity", "Deals", "", deal},
    Source{"activity", "Calls", "\"Call_Start_Time\"", call},
    Source{"activity", "Events", "\"Start_DateTime\"", event},
    Source{"activity", "Tasks", "\"Due_Date\"", task},
    Source{"activity", "Notes", "\"Note_Content\"", note, "", true},
};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string module_of(std::string_view record, const char *lookup) {
    if (auto module = text_at(record, "$se_module"); module && !module->empty()) return *module;
    return text_at(record, std::string(lookup) + ".module.api_name").value_or("");
}

}  // namespace

std::span<const Source> sources() { return table; }
std::span<const Field> tombstone() { return deleted; }

bool is_field(const std::string &name) {
    if (name.empty() || name.size() > 200) return false;
    bool start = true;
    for (const char c : name) {
        if (start ? !(is_letter(c) || c == '$' || is_digit(c)) : !(is_letter(c) || is_digit(c) || c == '_' || c == '.'))
            return false;
        start = c == '.';
    }
    return !start && !is_digit(name.front());
}

bool is_id(const std::string &text) {
    return !text.empty() && text.size() <= 19 && std::all_of(text.begin(), text.end(), is_digit);
}

std::string with_links(std::string_view record) {
    nlohmann::json what = nlohmann::json::object();
    for (const char *lookup : {"What_Id", "Parent_Id"}) {
        const auto id = text_at(record, std::string(lookup) + ".id");
        const std::string module = module_of(record, lookup);
        if (id && !module.empty()) what[module] = *id;
    }
    int minutes = 0, seconds = 0;
    const auto duration = text_at(record, "Call_Duration");
    const bool timed =
        duration && std::sscanf(duration->c_str(), "%d:%d", &minutes, &seconds) == 2 && minutes >= 0 && seconds >= 0;
    std::string json(record);
    if (!what.empty()) json = with_member(json, "$what", what.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    if (timed) json = with_member(json, "$seconds", std::to_string(minutes * 60LL + seconds));
    return json;
}

}  // namespace xsell::connectors::zoho
