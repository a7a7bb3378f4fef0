#include "connectors/salesforce/field_map.hpp"

#include <array>

namespace xsell::connectors::salesforce {
namespace {

using enum Rule;

constexpr const char *tombstone = "IsDeleted";

constexpr Field user[] = {
    {"name", "Name"},
    {"email", "Email", email},
    {"username", "Username"},
    {"is_active", "IsActive"},
    {"team", "UserRole.Name"},
    {"manager", "Manager.Name"},
    {"time_zone", "TimeZoneSidKey"},
    {"created_at", "CreatedDate"},
    {"modified_at", "SystemModstamp"},
};

constexpr Field account[] = {
    {"name", "Name"},
    {"type", "Type"},
    {"parent_id", "ParentId"},
    {"industry", "Industry"},
    {"website", "Website"},
    {"domain", "Website", domain},
    {"phone", "Phone", phone},
    {"street", "BillingStreet"},
    {"city", "BillingCity"},
    {"state", "BillingState"},
    {"postal_code", "BillingPostalCode"},
    {"country", "BillingCountry"},
    {"annual_revenue", "AnnualRevenue"},
    {"employees", "NumberOfEmployees"},
    {"source", "AccountSource"},
    {"rating", "Rating"},
    {"description", "Description"},
    {"owner_id", "OwnerId"},
    {"last_activity_at", "LastActivityDate"},
    {"created_at", "CreatedDate"},
    {"modified_at", "SystemModstamp"},
    {"deleted_at", "SystemModstamp", when, tombstone},
    {"merged_into", "MasterRecordId"},
};

constexpr Field contact[] = {
    {"account_id", "AccountId"},
    {"first_name", "FirstName"},
    {"last_name", "LastName"},
    {"title", "Title"},
    {"department", "Department"},
    {"email", "Email", email},
    {"phone", "Phone", phone},
    {"mobile", "MobilePhone", phone},
    {"country", "MailingCountry"},
    {"do_not_contact", "HasOptedOutOfEmail", either},
    {"do_not_contact", "DoNotCall", either},
    {"owner_id", "OwnerId"},
    {"created_at", "CreatedDate"},
    {"modified_at", "SystemModstamp"},
    {"deleted_at", "SystemModstamp", when, tombstone},
    {"merged_into", "MasterRecordId"},
};

constexpr Field lead[] = {
    {"company", "Company"},
    {"first_name", "FirstName"},
    {"last_name", "LastName"},
    {"title", "Title"},
    {"email", "Email", email},
    {"phone", "Phone", phone},
    {"phone", "MobilePhone", phone},
    {"website", "Website"},
    {"domain", "Website", domain},
    {"domain", "Email", domain},
    {"industry", "Industry"},
    {"country", "Country"},
    {"employees", "NumberOfEmployees"},
    {"annual_revenue", "AnnualRevenue"},
    {"status", "Status"},
    {"source", "LeadSource"},
    {"owner_id", "OwnerId"},
    {"converted_at", "ConvertedDate"},
    {"converted_account_id", "ConvertedAccountId"},
    {"converted_contact_id", "ConvertedContactId"},
    {"converted_opportunity_id", "ConvertedOpportunityId"},
    {"created_at", "CreatedDate"},
    {"modified_at", "SystemModstamp"},
    {"deleted_at", "SystemModstamp", when, tombstone},
    {"merged_into", "MasterRecordId"},
};

constexpr Field product[] = {
    {"name", "Name"},
    {"code", "ProductCode"},
    {"code", "StockKeepingUnit"},
    {"family", "Family"},
    {"description", "Description"},
    {"is_active", "IsActive"},
    {"price", "/PricebookEntry.UnitPrice"},  // added to the record from the standard price book
    {"currency", "/PricebookEntry.CurrencyIsoCode"},
    {"created_at", "CreatedDate"},
    {"modified_at", "SystemModstamp"},
    {"deleted_at", "SystemModstamp", when, tombstone},
};

constexpr Field price[] = {{"modified_at", "SystemModstamp"}};

constexpr Field opportunity[] = {
    {"account_id", "AccountId"},
    {"name", "Name"},
    {"pipeline", "", constant, ""},
    {"stage", "StageName"},
    {"type", "Type"},
    {"amount", "Amount"},
    {"probability", "Probability"},
    {"source", "LeadSource"},
    {"is_closed", "IsClosed"},
    {"is_won", "IsWon"},
    {"closed_at", "CloseDate"},
    {"owner_id", "OwnerId"},
    {"created_at", "CreatedDate"},
    {"modified_at", "SystemModstamp"},
    {"deleted_at", "SystemModstamp", when, tombstone},
};

constexpr Field opportunity_line[] = {
    {"opportunity_id", "OpportunityId"},
    {"product_id", "Product2Id"},
    {"name", "Name"},
    {"quantity", "Quantity"},
    {"unit_price", "UnitPrice"},
    {"amount", "TotalPrice"},
    {"service_date", "ServiceDate"},
    {"created_at", "CreatedDate"},
    {"modified_at", "SystemModstamp"},
    {"deleted_at", "SystemModstamp", when, tombstone},
};

constexpr Field asset[] = {
    {"account_id", "AccountId"},
    {"contact_id", "ContactId"},
    {"product_id", "Product2Id"},
    {"name", "Name"},
    {"status", "Status"},
    {"quantity", "Quantity"},
    {"amount", "Price"},
    {"purchased_at", "PurchaseDate"},
    {"installed_at", "InstallDate"},
    {"ends_at", "UsageEndDate"},
    {"created_at", "CreatedDate"},
    {"modified_at", "SystemModstamp"},
    {"deleted_at", "SystemModstamp", when, tombstone},
};

// WhatId and WhoId point at several objects; the first three characters of an id tell which.
constexpr Field task[] = {
    {"kind", "TaskSubtype", choose, "Call=call;Email=email;ListEmail=email;*=task"},
    {"kind", "", constant, "task"},
    {"account_id", "WhatId", prefix, "001"},
    {"account_id", "AccountId"},
    {"contact_id", "WhoId", prefix, "003"},
    {"lead_id", "WhoId", prefix, "00Q"},
    {"opportunity_id", "WhatId", prefix, "006"},
    {"subject", "Subject"},
    {"occurred_at", "CompletedDateTime"},
    {"occurred_at", "ActivityDate"},
    {"duration", "CallDurationInSeconds"},
    {"direction", "CallType", choose, "Inbound=inbound;Outbound=outbound"},
    {"status", "Status"},
    {"is_closed", "IsClosed"},
    {"owner_id", "OwnerId"},
    {"created_at", "CreatedDate"},
    {"modified_at", "SystemModstamp"},
    {"deleted_at", "SystemModstamp", when, tombstone},
};

constexpr Field event[] = {
    {"kind", "", constant, "meeting"},
    {"account_id", "WhatId", prefix, "001"},
    {"account_id", "AccountId"},
    {"contact_id", "WhoId", prefix, "003"},
    {"lead_id", "WhoId", prefix, "00Q"},
    {"opportunity_id", "WhatId", prefix, "006"},
    {"subject", "Subject"},
    {"occurred_at", "StartDateTime"},
    {"occurred_at", "ActivityDateTime"},
    {"duration", "DurationInMinutes", minutes},
    {"owner_id", "OwnerId"},
    {"created_at", "CreatedDate"},
    {"modified_at", "SystemModstamp"},
    {"deleted_at", "SystemModstamp", when, tombstone},
};

constexpr std::array table = {
    Source{"crm_user", "User", user, false, false},
    Source{"account", "Account", account, true, true},
    Source{"contact", "Contact", contact, true, false},
    Source{"lead", "Lead", lead, true, true},
    Source{"product", "Product2", product, true, true},
    Source{"product", "PricebookEntry", price, true, false, "Product2Id", "Pricebook2.IsStandard = true"},
    Source{"opportunity", "Opportunity", opportunity, true, true},
    Source{"opportunity_line", "OpportunityLineItem", opportunity_line, true, true},
    Source{"asset", "Asset", asset, true, true},
    Source{"activity", "Task", task, true, false},
    Source{"activity", "Event", event, true, false},
};

}  // namespace

std::span<const Source> sources() { return table; }

}  // namespace xsell::connectors::salesforce
