#include "connectors/attio/field_map.hpp"

namespace xsell::connectors::attio {
namespace {

using enum Rule;

// Records: see Taken for the folders one and part.
constexpr Field record[] = {
    {"created_at", "/created_at"},
    {"modified_at", "/changed_at"},
    {"modified_at", "/created_at"},
};

constexpr Field company[] = {
    {"name", "/one.name"},
    {"industry", "/one.categories"},
    {"website", "/one.domains"},
    {"domain", "/one.domains", domain},
    {"phone", "/one.phone_numbers", phone},
    {"street", "/part.primary_location.line_1"},
    {"city", "/part.primary_location.locality"},
    {"state", "/part.primary_location.region"},
    {"postal_code", "/part.primary_location.postcode"},
    {"country", "/part.primary_location.country_code"},
    {"description", "/one.description"},
    {"owner_id", "/one.owner"},
};

constexpr Field person[] = {
    {"account_id", "/one.company"},
    {"first_name", "/part.name.first_name"},
    {"last_name", "/part.name.last_name"},
    {"last_name", "/one.name"},
    {"title", "/one.job_title"},
    {"email", "/one.email_addresses", email},
    {"phone", "/one.phone_numbers", phone},
    {"country", "/part.primary_location.country_code"},
    {"owner_id", "/one.owner"},
};

// Attio keeps no date of closing: `stage` puts the time at which a closed stage was entered there.
constexpr Field deal[] = {
    {"name", "/one.name"},
    {"account_id", "/one.associated_company"},
    {"pipeline", "", constant, ""},
    {"stage", "/one.stage"},
    {"amount", "/one.value"},
    {"currency", "/part.value.currency_code"},
    {"is_closed", "/stage.closed"},
    {"is_won", "/stage.won"},
    {"closed_at", "/stage.closed_at"},
    {"owner_id", "/one.owner"},
};

// Custom objects: the slugs that most people would choose; the configuration names others.
constexpr Field product[] = {
    {"name", "/one.name"},
    {"code", "/one.code"},
    {"code", "/one.sku"},
    {"family", "/one.family"},
    {"family", "/one.category"},
    {"description", "/one.description"},
    {"price", "/one.price"},
    {"currency", "/part.price.currency_code"},
    {"is_active", "/one.is_active"},
};

constexpr Field line[] = {
    {"opportunity_id", "/one.deal"},
    {"product_id", "/one.product"},
    {"name", "/one.name"},
    {"quantity", "/one.quantity"},
    {"unit_price", "/one.unit_price"},
    {"amount", "/one.amount"},
    {"currency", "/part.amount.currency_code"},
    {"currency", "/part.unit_price.currency_code"},
};

constexpr Field member[] = {
    {"name", "first_name", join, "last_name"},
    {"name", "last_name"},
    {"name", "email_address"},
    {"email", "email_address", email},
    {"is_active", "access_level", choose, "suspended=false;*=true"},
    {"created_at", "created_at"},
    {"modified_at", "created_at"},
};

// Linked records by their objects, and who did it: put there by take_activity. Changes of an activity leave no date: modified_at
// stays what it was, so that none is taken for older than what is stored.
constexpr Field activity[] = {
    {"account_id", "links.companies"}, {"contact_id", "links.people"}, {"opportunity_id", "links.deals"},
    {"owner_id", "links.member"},      {"created_at", "created_at"},   {"modified_at", "created_at"},
};

constexpr Field note[] = {
    {"kind", "", constant, "note"},
    {"subject", "title"},
    {"occurred_at", "created_at"},
};

constexpr Field task[] = {
    {"kind", "", constant, "task"}, {"subject", "content_plaintext"}, {"occurred_at", "deadline_at"},
    {"occurred_at", "created_at"},  {"is_closed", "is_completed"},
};

constexpr Field meeting[] = {
    {"kind", "", constant, "meeting"},
    {"subject", "title"},
    {"occurred_at", "start.datetime"},
    {"occurred_at", "start.date"},
    {"duration", "end.datetime", span, "start.datetime"},
    {"duration", "end.date", span, "start.date"},
};

constexpr const char *records = "record_permission:read object_configuration:read";

constexpr std::array table = {
    Source{"crm_user",
           "workspace_members",
           "/v2/workspace_members",
           Paging::whole,
           0,
           "workspace_member_id",
           "user_management:read",
           {member}},
    Source{"account", "companies", "", Paging::query, 500, "record_id", records, {company, record}},
    Source{"contact", "people", "", Paging::query, 500, "record_id", records, {person, record}},
    Source{"product", "", "", Paging::query, 500, "record_id", records, {product, record}},
    Source{"opportunity", "deals", "", Paging::query, 500, "record_id", records, {deal, record}, true},
    Source{"opportunity_line", "", "", Paging::query, 500, "record_id", records, {line, record}},
    Source{"activity",
           "notes",
           "/v2/notes",
           Paging::offset,
           50,
           "note_id",
           "note:read object_configuration:read record_permission:read",
           {note, activity}},
    Source{"activity",
           "tasks",
           "/v2/tasks",
           Paging::offset,
           500,
           "task_id",
           "task:read object_configuration:read record_permission:read user_management:read",
           {task, activity}},
    Source{"activity",
           "meetings",
           "/v2/meetings",
           Paging::cursor,
           200,
           "meeting_id",
           "meeting:read record_permission:read",
           {meeting, activity}},
};

}  // namespace

std::span<const Source> sources() { return table; }

}  // namespace xsell::connectors::attio
