#include "connectors/axiscare/field_map.hpp"

#include <array>

namespace xsell::connectors::axiscare {
namespace {

using enum Rule;
using nlohmann::json;

// Labels of statuses, classes, referrers, communities and notes are typed by the agency and tell of hospitals, hospices and
// dementia; dates of birth and assessments are health data by themselves. None of them is here.
constexpr Kept client_kept[] = {
    {"id", Content::id},
    {"firstName", Content::text},
    {"lastName", Content::text},
    {"status.active", Content::flag},
    {"createdDate", Content::date},
    {"conversionDate", Content::date},
    {"startDate", Content::date},
    {"effectiveEndDate", Content::date},
    {"region.id", Content::id},
    {"region.name", Content::text},
    {"administrators.*.id", Content::id},
    {"administrators.*.name", Content::text},
    {"administrators.*.username", Content::text},
    {"residentialAddress.streetAddress1", Content::text},
    {"residentialAddress.streetAddress2", Content::text},
    {"residentialAddress.locality", Content::text},
    {"residentialAddress.city", Content::text},
    {"residentialAddress.region", Content::text},
    {"residentialAddress.state", Content::text},
    {"residentialAddress.postalCode", Content::text},
    {"personalEmail", Content::email},
    {"billingEmail", Content::email},
    {"homePhone", Content::phone},
    {"mobilePhone", Content::phone},
    {"otherPhone", Content::phone},
};

constexpr Kept caregiver_kept[] = {
    {"id", Content::id},
    {"firstName", Content::text},
    {"lastName", Content::text},
    {"status.active", Content::flag},
    {"applicationDate", Content::date},
    {"hireDate", Content::date},
    {"startDate", Content::date},
    {"terminationDate", Content::date},
    {"region.id", Content::id},
    {"region.name", Content::text},
    {"personalEmail", Content::email},
    {"homePhone", Content::phone},
    {"mobilePhone", Content::phone},
};

constexpr Kept administrator_kept[] = {
    {"id", Content::id},
    {"name", Content::text},
    {"username", Content::text},
};

// What is done at a visit, where and why is the client's matter; that there was one, with whom and for how long, is kept. The
// service is kept by its id alone: what it is called stands among the products, which name no client.
constexpr Kept visit_kept[] = {
    {"id", Content::id},
    {"client.id", Content::id},
    {"caregiver.id", Content::id},
    {"startDate", Content::date},
    {"endDate", Content::date},
    {"scheduledStartDate", Content::date},
    {"scheduledEndDate", Content::date},
    {"scheduledStart", Content::date},
    {"scheduledEnd", Content::date},
    {"clockIn.time", Content::date},
    {"clockOut.time", Content::date},
    {"service.id", Content::id},
    {"verified", Content::flag},
    {"removed", Content::flag},
};

constexpr Kept service_kept[] = {
    {"id", Content::id},
    {"code", Content::text},
    {"description", Content::text},
};

// AxisCare does not say when a record was changed: modified_at is set by the connector.
constexpr const char *unset = "1970-01-01 00:00:00+00";

constexpr Field account[] = {
    {"name", "firstName", join, "lastName"},
    {"name", "lastName"},
    {"type", "", constant, "client"},
    {"phone", "homePhone", phone},
    {"phone", "mobilePhone", phone},
    {"phone", "otherPhone", phone},
    {"street", "residentialAddress.streetAddress1"},
    {"city", "residentialAddress.locality"},
    {"city", "residentialAddress.city"},
    {"state", "residentialAddress.region"},
    {"state", "residentialAddress.state"},
    {"postal_code", "residentialAddress.postalCode"},
    {"owner_id", "administrators.0.id"},
    {"created_at", "createdDate"},
    {"modified_at", "", constant, unset},
};

constexpr Field contact[] = {
    {"account_id", "id"},
    {"first_name", "firstName"},
    {"last_name", "lastName"},
    {"email", "personalEmail", email},
    {"email", "billingEmail", email},
    {"phone", "homePhone", phone},
    {"phone", "otherPhone", phone},
    {"mobile", "mobilePhone", phone},
    {"owner_id", "administrators.0.id"},
    {"created_at", "createdDate"},
    {"modified_at", "", constant, unset},
};

constexpr Field lead[] = {
    {"first_name", "firstName"},
    {"last_name", "lastName"},
    {"email", "personalEmail", email},
    {"phone", "homePhone", phone},
    {"phone", "mobilePhone", phone},
    {"phone", "otherPhone", phone},
    {"status", "status.active", choose, "true=Active;false=Inactive"},
    {"converted_at", "conversionDate"},
    {"owner_id", "administrators.0.id"},
    {"created_at", "createdDate"},
    {"modified_at", "", constant, unset},
};

constexpr Field caregiver[] = {
    {"name", "firstName", join, "lastName"},
    {"name", "lastName"},
    {"email", "personalEmail", email},
    {"is_active", "status.active"},
    {"team", "region.name"},
    {"created_at", "applicationDate"},
    {"created_at", "hireDate"},
    {"modified_at", "", constant, unset},
};

constexpr Field administrator[] = {
    {"name", "name"},
    {"username", "username"},
    {"modified_at", "", constant, unset},
};

constexpr Field service[] = {
    {"name", "description"},
    {"name", "code"},
    {"code", "code"},
    {"modified_at", "", constant, unset},
};

constexpr Field visit[] = {
    {"kind", "", constant, "visit"},
    {"account_id", "client.id"},
    {"contact_id", "client.id"},
    {"occurred_at", "startDate"},
    {"occurred_at", "scheduledStartDate"},
    {"occurred_at", "scheduledStart"},
    {"duration", "endDate", span, "startDate"},
    {"duration", "clockOut.time", span, "clockIn.time"},
    {"duration", "scheduledEndDate", span, "scheduledStartDate"},
    {"duration", "scheduledEnd", span, "scheduledStart"},
    {"is_closed", "verified"},
    {"owner_id", "caregiver.id"},
    {"modified_at", "", constant, unset},
};

std::string id_text(const json &id) { return id.is_string() ? id.get<std::string>() : id.dump(); }

std::vector<json> administrators(const json &client) {
    std::vector<json> found;
    const auto list = client.find("administrators");
    if (list == client.end() || !list->is_array()) return found;
    for (json administrator : *list) {
        if (!administrator.is_object() || !administrator.contains("id")) continue;
        administrator["id"] = administrator_prefix + id_text(administrator["id"]);
        found.push_back(std::move(administrator));
    }
    return found;
}

std::vector<json> services(const json &visit) {
    const auto found = visit.find("service");
    if (found == visit.end() || !found->is_object() || !found->contains("id")) return {};
    return {*found};
}

constexpr std::array table = {
    Source{"crm_user", "caregivers", "caregiver", nullptr, caregiver_kept, caregiver, true},
    Source{"crm_user", "clients", "administrator", administrators, administrator_kept, administrator},
    Source{"account", "clients", "client", nullptr, client_kept, account, true},
    Source{"contact", "clients", "client", nullptr, client_kept, contact},
    Source{"lead", "leads", "lead", nullptr, client_kept, lead, true},
    Source{"product", "visits", "service", services, service_kept, service},
    Source{"activity", "visits", "visit", nullptr, visit_kept, visit, true},
};

}  // namespace

std::span<const Source> sources() { return table; }

}  // namespace xsell::connectors::axiscare
