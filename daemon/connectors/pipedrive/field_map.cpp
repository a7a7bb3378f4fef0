#include "connectors/pipedrive/field_map.hpp"

namespace xsell::connectors::pipedrive {
namespace {

using enum Rule;

constexpr Field user[] = {
    {"name", "name"},
    {"email", "email", email},
    {"username", "email", email},
    {"is_active", "active_flag"},
    {"time_zone", "timezone_name"},
    {"created_at", "created"},
    {"modified_at", "modified"},
    {"modified_at", "created"},
};

constexpr Field organization[] = {
    {"name", "name"},
    {"industry", "industry_name"},
    {"website", "website"},
    {"domain", "website", domain},
    {"street", "address.route", join, "address.street_number"},
    {"street", "address"},
    {"city", "address.locality"},
    {"state", "address.admin_area_level_1"},
    {"postal_code", "address.postal_code"},
    {"country", "address.country"},
    {"country", "country_code"},
    {"annual_revenue", "annual_revenue"},
    {"employees", "employee_count"},
    {"owner_id", "owner_id"},
    {"created_at", "add_time"},
    {"modified_at", "update_time"},
    {"modified_at", "add_time"},
    {"deleted_at", "update_time", when, "is_deleted"},
};

constexpr Field person[] = {
    {"account_id", "org_id"},
    {"first_name", "first_name"},
    {"first_name", "name_before"},
    {"last_name", "last_name"},
    {"last_name", "name_after"},
    {"title", "job_title"},
    {"email", "primary_email", email},
    {"phone", "primary_phone", phone},
    {"mobile", "mobile_phone", phone},
    {"country", "postal_address.country"},
    {"do_not_contact", "marketing_status", choose, "unsubscribed=true;subscribed=false"},
    {"owner_id", "owner_id"},
    {"created_at", "add_time"},
    {"modified_at", "update_time"},
    {"modified_at", "add_time"},
    {"deleted_at", "update_time", when, "is_deleted"},
};

// A lead is a title with an amount; who it is about are a person and an organization of their own.
constexpr Field lead[] = {
    {"last_name", "title"},         {"status", "is_archived", choose, "true=archived;false=open"},
    {"source", "source_name"},      {"source", "origin"},
    {"currency", "value.currency"}, {"owner_id", "owner_id"},
    {"created_at", "add_time"},     {"modified_at", "update_time"},
    {"modified_at", "add_time"},
};

constexpr Field product[] = {
    {"name", "name"},
    {"code", "code"},
    {"family", "category_name"},
    {"description", "description"},
    {"price", "own_price.price"},
    {"price", "prices.0.price"},
    {"currency", "own_price.currency"},
    {"currency", "prices.0.currency"},
    {"is_active", "is_linkable"},
    {"is_active", "selectable"},
    {"created_at", "add_time"},
    {"modified_at", "update_time"},
    {"modified_at", "add_time"},
    {"deleted_at", "update_time", when, "is_deleted"},
};

constexpr Field deal[] = {
    {"account_id", "org_id"},
    {"name", "title"},
    {"pipeline", "pipeline_name"},
    {"pipeline", "", constant, ""},
    {"stage", "stage_name"},
    {"amount", "value"},
    {"currency", "currency"},
    {"probability", "probability"},
    {"source", "channel_name"},
    {"source", "origin"},
    {"is_closed", "status", choose, "open=false;won=true;lost=true"},
    {"is_won", "status", choose, "open=false;won=true;lost=false"},
    {"closed_at", "close_time"},
    {"closed_at", "won_time"},
    {"closed_at", "lost_time"},
    {"closed_at", "expected_close_date"},
    {"owner_id", "owner_id"},
    {"owner_id", "user_id"},
    {"created_at", "add_time"},
    {"modified_at", "update_time"},
    {"modified_at", "add_time"},
    {"deleted_at", "update_time", when, "is_deleted"},
    {"deleted_at", "update_time", when, "gone"},
    {"deleted_at", "add_time", when, "gone"},
};

constexpr Field deal_product[] = {
    {"opportunity_id", "deal_id"},
    {"product_id", "product_id"},
    {"name", "name"},
    {"quantity", "quantity"},
    {"unit_price", "item_price"},
    {"amount", "sum"},
    {"currency", "currency"},
    {"service_date", "billing_start_date"},
    {"created_at", "add_time"},
    {"modified_at", "update_time"},
    {"modified_at", "add_time"},
};

// Types of the company's own are known by their icon.
constexpr const char *kinds = "call=call;meeting=meeting;lunch=meeting;email=email;task=task;deadline=task";

constexpr Field activity[] = {
    {"kind", "type", choose, kinds},
    {"kind", "type_icon", choose, kinds},
    {"kind", "", constant, "task"},
    {"account_id", "org_id"},
    {"contact_id", "person_id"},
    {"contact_id", "participants.0.person_id"},
    {"lead_id", "lead_id"},
    {"opportunity_id", "deal_id"},
    {"subject", "subject"},
    {"occurred_at", "due_date", join, "due_time"},
    {"occurred_at", "marked_as_done_time"},
    {"duration", "duration_seconds"},
    {"status", "done", choose, "true=done;false=open"},
    {"is_closed", "done"},
    {"owner_id", "owner_id"},
    {"owner_id", "user_id"},
    {"created_at", "add_time"},
    {"modified_at", "update_time"},
    {"modified_at", "add_time"},
    {"deleted_at", "update_time", when, "is_deleted"},
};

constexpr Field note[] = {
    {"kind", "", constant, "note"},
    {"account_id", "org_id"},
    {"contact_id", "person_id"},
    {"lead_id", "lead_id"},
    {"opportunity_id", "deal_id"},
    {"subject", "content"},
    {"occurred_at", "add_time"},
    {"owner_id", "user_id"},
    {"created_at", "add_time"},
    {"modified_at", "update_time"},
    {"modified_at", "add_time"},
    {"deleted_at", "update_time", when, "gone"},
    {"deleted_at", "add_time", when, "gone"},
};

constexpr const char *all_states = "&status=open,won,lost,deleted";
constexpr const Endpoint *no_fields = nullptr;

using enum Changes;
namespace ep = endpoint;

constexpr std::array table = {
    Source{"crm_user", "users", ep::users, none, "", no_fields, "", nullptr, false, "users:read", user},
    Source{"account", "organizations", ep::organizations, filter, "", &ep::organization_fields, "", enrich_account, false,
           "contacts:read", organization},
    Source{"contact", "persons", ep::persons, filter, "", &ep::person_fields, "", enrich_contact, false, "contacts:read", person},
    Source{"lead", "leads", ep::leads, filter, "", &ep::deal_fields, "", nullptr, false, "leads:read", lead},
    Source{"lead", "archived leads", ep::archived_leads, order, "", &ep::deal_fields, "", nullptr, false, "leads:read", lead},
    Source{"product", "products", ep::products, filter, "", &ep::product_fields, "", enrich_product, false, "products:read",
           product},
    Source{"opportunity", "deals", ep::deals, filter, all_states, &ep::deal_fields, "", enrich_deal, false, "deals:read", deal},
    Source{"opportunity", "archived deals", ep::archived_deals, filter, all_states, &ep::deal_fields, "", enrich_deal, false,
           "deals:read", deal},
    Source{"opportunity_line", "deals with products", ep::deals, filter, all_states, no_fields, "", nullptr, true, "deals:read",
           deal_product},
    Source{"opportunity_line", "archived deals with products", ep::archived_deals, filter, all_states, no_fields, "", nullptr,
           true, "deals:read", deal_product},
    Source{"activity", "activities", ep::activities, filter, "", &ep::activity_fields, "", enrich_activity, false,
           "activities:read", activity},
    Source{"activity", "notes", ep::notes, filter, "", no_fields, "note-", enrich_note, false, "deals:read", note},
};

}  // namespace

std::span<const Source> sources() { return table; }

}  // namespace xsell::connectors::pipedrive
