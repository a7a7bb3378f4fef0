#include "connectors/hubspot/field_map.hpp"

#include <array>

namespace xsell::connectors::hubspot {
namespace {

using enum Rule;

constexpr Field owner[] = {
    {"name", "firstName", join, "lastName"},
    {"name", "lastName"},
    {"name", "email"},
    {"email", "email", email},
    {"is_active", "archived", choose, "false=true;true=false"},
    {"team", "teams.0.name"},
    {"created_at", "createdAt"},
    {"modified_at", "updatedAt"},
    {"modified_at", "createdAt"},
};

// What every object has. Being archived is no change of the record: one that is restored comes back with its old date.
constexpr Field common[] = {
    {"created_at", "createdate"},          {"created_at", "hs_createdate"},
    {"created_at", "/createdAt"},          {"modified_at", "hs_lastmodifieddate", latest},
    {"modified_at", "/updatedAt", latest}, {"deleted_at", "/archivedAt"},
    {"owner_id", "hubspot_owner_id"},
};

// Associations: the first id is the primary one where HubSpot names one; lists of archived records write them differently.
constexpr Field activity[] = {
    {"account_id", "/associations.companies.0"}, {"account_id", "/associations.companies.results.0.id"},
    {"contact_id", "/associations.contacts.0"},  {"contact_id", "/associations.contacts.results.0.id"},
    {"opportunity_id", "/associations.deals.0"}, {"opportunity_id", "/associations.deals.results.0.id"},
};

constexpr Field company[] = {
    {"name", "name"},
    {"type", "type"},
    {"type", "lifecyclestage"},
    {"parent_id", "hs_parent_company_id"},
    {"industry", "industry"},
    {"website", "website"},
    {"website", "domain"},
    {"domain", "domain", domain},
    {"domain", "website", domain},
    {"phone", "phone", phone},
    {"street", "address"},
    {"city", "city"},
    {"state", "state"},
    {"postal_code", "zip"},
    {"country", "country"},
    {"annual_revenue", "annualrevenue"},
    {"currency", "hs_annual_revenue_currency_code"},
    {"employees", "numberofemployees"},
    {"source", "hs_analytics_source"},
    {"description", "description"},
    {"last_activity_at", "notes_last_updated"},
};

constexpr Field contact[] = {
    {"account_id", "associatedcompanyid"},
    {"account_id", "/associations.companies.0"},
    {"account_id", "/associations.companies.results.0.id"},
    {"first_name", "firstname"},
    {"last_name", "lastname"},
    {"title", "jobtitle"},
    {"email", "email", email},
    {"phone", "phone", phone},
    {"mobile", "mobilephone", phone},
    {"country", "country"},
    {"do_not_contact", "hs_email_optout"},
    {"modified_at", "lastmodifieddate", latest},
};

// HubSpot copies there what the contact and the company say that the lead is about.
constexpr Field lead[] = {
    {"company", "hs_associated_company_name"},
    {"first_name", "hs_associated_contact_firstname"},
    {"last_name", "hs_associated_contact_lastname"},
    {"last_name", "hs_lead_name"},
    {"email", "hs_associated_contact_email", email},
    {"domain", "hs_associated_company_domain", domain},
    {"domain", "hs_associated_contact_email", domain},
    {"status", "hs_pipeline_stage"},
    {"source", "hs_lead_source"},
    {"source", "hs_lead_type"},
};

constexpr Field product[] = {
    {"name", "name"},
    {"code", "hs_sku"},
    {"description", "description"},
    {"price", "price"},
};

constexpr Field deal[] = {
    {"account_id", "/associations.companies.0"},
    {"account_id", "/associations.companies.results.0.id"},
    {"name", "dealname"},
    {"pipeline", "pipeline"},
    {"pipeline", "", constant, ""},
    {"stage", "dealstage"},
    {"type", "dealtype"},
    {"amount", "amount"},
    {"currency", "deal_currency_code"},
    {"probability", "hs_deal_stage_probability", percent},
    {"source", "hs_analytics_source"},
    {"is_closed", "hs_is_closed"},
    {"is_won", "hs_is_closed_won"},
    {"closed_at", "closedate"},
};

constexpr Field line_item[] = {
    {"opportunity_id", "/associations.deals.0"},
    {"opportunity_id", "/associations.deals.results.0.id"},
    {"product_id", "hs_product_id"},
    {"name", "name"},
    {"quantity", "quantity"},
    {"unit_price", "price"},
    {"amount", "amount"},
    {"currency", "hs_line_item_currency_code"},
    {"service_date", "hs_recurring_billing_start_date"},
};

constexpr Field call[] = {
    {"kind", "", constant, "call"},
    {"subject", "hs_call_title"},
    {"occurred_at", "hs_timestamp"},
    {"duration", "hs_call_duration", millis},
    {"direction", "hs_call_direction", lower},
    {"status", "hs_call_status"},
};

constexpr Field mail[] = {
    {"kind", "", constant, "email"},
    {"subject", "hs_email_subject"},
    {"occurred_at", "hs_timestamp"},
    {"direction", "hs_email_direction", choose, "INCOMING_EMAIL=inbound;EMAIL=outbound;FORWARDED_EMAIL=outbound"},
    {"status", "hs_email_status"},
};

constexpr Field meeting[] = {
    {"kind", "", constant, "meeting"},
    {"subject", "hs_meeting_title"},
    {"occurred_at", "hs_meeting_start_time"},
    {"occurred_at", "hs_timestamp"},
    {"duration", "hs_meeting_end_time", span, "hs_meeting_start_time"},
    {"status", "hs_meeting_outcome"},
};

constexpr Field task[] = {
    {"kind", "", constant, "task"},
    {"subject", "hs_task_subject"},
    {"occurred_at", "hs_timestamp"},
    {"status", "hs_task_status"},
    {"is_closed", "hs_task_status", choose, "COMPLETED=true;*=false"},
};

constexpr Field note[] = {
    {"kind", "", constant, "note"},
    {"subject", "hs_note_body"},
    {"occurred_at", "hs_timestamp"},
};

constexpr const char *to_companies[] = {"companies"};
constexpr const char *to_deals[] = {"deals"};
constexpr const char *to_all[] = {"companies", "contacts", "deals"};

constexpr const char *usual = "hs_lastmodifieddate";
constexpr const char *contacts_read = "crm.objects.contacts.read";  // activities need no scope beyond it

constexpr std::array table = {
    Source{"crm_user", "owners", "", "crm.objects.owners.read", {owner}, {}},
    Source{"account", "companies", usual, "crm.objects.companies.read", {company, common}, {}},
    Source{"contact", "contacts", "lastmodifieddate", contacts_read, {contact, common}, to_companies},
    Source{"lead", "0-136", usual, "crm.objects.leads.read", {lead, common}, {}, true},
    Source{"product", "products", usual, "e-commerce", {product, common}, {}},
    Source{"opportunity", "deals", usual, "crm.objects.deals.read", {deal, common}, to_companies},
    Source{"opportunity_line", "line_items", usual, "crm.objects.line_items.read", {line_item, common}, to_deals},
    Source{"activity", "calls", usual, contacts_read, {call, activity, common}, to_all},
    Source{"activity", "emails", usual, "sales-email-read", {mail, activity, common}, to_all},
    Source{"activity", "meetings", usual, contacts_read, {meeting, activity, common}, to_all},
    Source{"activity", "tasks", usual, contacts_read, {task, activity, common}, to_all},
    Source{"activity", "notes", usual, contacts_read, {note, activity, common}, to_all},
};

}  // namespace

std::span<const Source> sources() { return table; }

}  // namespace xsell::connectors::hubspot
