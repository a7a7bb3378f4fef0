#include "sobject.hpp"

#include <fmt/format.h>

namespace xsell::simulator {
namespace {

using enum FieldType;

std::vector<Field> with_audit(std::vector<Field> fields, bool recycled = true) {
    std::vector<Field> all = {{"Id", id, nullptr, Field::record_id}};
    if (recycled) all.push_back({"IsDeleted", boolean, nullptr, Field::deleted});
    all.insert(all.end(), fields.begin(), fields.end());
    all.push_back({"CreatedDate", datetime, "created_at"});
    all.push_back({"LastModifiedDate", datetime, nullptr, Field::stamp});
    all.push_back({"SystemModstamp", datetime, nullptr, Field::stamp});
    return all;
}

Field always_null(const char *name, FieldType type = string) { return {name, type, nullptr, Field::nothing}; }

SObject account() {
    return {"Account", Source::account,
            with_audit({{"MasterRecordId", reference, nullptr, Field::master},
                        {"Name", string, "name"},
                        {"Type", string, "type"},
                        always_null("ParentId", reference),
                        {"BillingStreet", string, "street"},
                        {"BillingCity", string, "city"},
                        always_null("BillingState"),
                        {"BillingPostalCode", string, "postal_code"},
                        {"BillingCountry", string, "country"},
                        {"Phone", string, "phone"},
                        {"Website", string, "website"},
                        {"Industry", string, "industry"},
                        {"AnnualRevenue", number, "annual_revenue"},
                        {"NumberOfEmployees", integer, "employees"},
                        always_null("Rating"),
                        always_null("AccountSource"),
                        {"Description", string, "description"},
                        {"OwnerId", reference, "owner_id"},
                        always_null("LastActivityDate", date)})};
}

SObject contact() {
    return {"Contact", Source::contact,
            with_audit({{"MasterRecordId", reference, nullptr, Field::master},
                        {"AccountId", reference, "account_id"},
                        {"LastName", string, "last_name"},
                        {"FirstName", string, "first_name"},
                        {"Title", string, "title"},
                        always_null("Department"),
                        {"Email", string, "email"},
                        {"Phone", string, "phone"},
                        always_null("MobilePhone"),
                        always_null("MailingCountry"),
                        {"HasOptedOutOfEmail", boolean, "do_not_contact"},
                        {"DoNotCall", boolean, "do_not_contact"},
                        always_null("LeadSource"),
                        {"OwnerId", reference, "owner_id"}})};
}

SObject lead() {
    return {"Lead", Source::lead,
            with_audit({{"MasterRecordId", reference, nullptr, Field::master},
                        {"Company", string, "company"},
                        {"LastName", string, "last_name"},
                        {"FirstName", string, "first_name"},
                        {"Title", string, "title"},
                        {"Email", string, "email"},
                        {"Phone", string, "phone"},
                        always_null("MobilePhone"),
                        {"Website", string, "website"},
                        {"Industry", string, "industry"},
                        always_null("AnnualRevenue", number),
                        {"NumberOfEmployees", integer, "employees"},
                        {"Country", string, "country"},
                        {"Status", string, "status"},
                        {"LeadSource", string, "source"},
                        always_null("Rating"),
                        {"IsConverted", boolean, nullptr, Field::converted},
                        {"ConvertedDate", date, "converted_at"},
                        {"ConvertedAccountId", reference, "converted_account_id"},
                        always_null("ConvertedContactId", reference),
                        always_null("ConvertedOpportunityId", reference),
                        {"OwnerId", reference, "owner_id"}})};
}

SObject opportunity() {
    return {"Opportunity", Source::opportunity,
            with_audit({{"AccountId", reference, "account_id"},
                        {"Name", string, "name"},
                        {"StageName", string, "stage"},
                        {"Type", string, "type"},
                        {"Amount", number, "amount"},
                        {"Probability", number, "probability"},
                        {"CloseDate", date, "closed_at"},
                        {"IsClosed", boolean, "is_closed"},
                        {"IsWon", boolean, "is_won"},
                        always_null("LeadSource"),
                        always_null("NextStep"),
                        {"HasOpportunityLineItem", boolean, nullptr, Field::truth},
                        {"OwnerId", reference, "owner_id"}})};
}

SObject line() {
    return {"OpportunityLineItem", Source::line,
            with_audit({{"OpportunityId", reference, "opportunity_id"},
                        {"Product2Id", reference, "product_id"},
                        {"Name", string, "name"},
                        {"Quantity", number, "quantity"},
                        {"UnitPrice", number, "unit_price"},
                        {"ListPrice", number, "unit_price"},
                        {"TotalPrice", number, "amount"},
                        always_null("Discount", number),
                        always_null("ServiceDate", date),
                        always_null("Description")})};
}

SObject product() {
    return {"Product2", Source::product,
            with_audit({{"Name", string, "name"},
                        {"ProductCode", string, "code"},
                        {"Family", string, "family"},
                        {"Description", string, "description"},
                        {"IsActive", boolean, "is_active"},
                        always_null("StockKeepingUnit"),
                        always_null("QuantityUnitOfMeasure")})};
}

SObject asset() {
    return {"Asset", Source::asset,
            with_audit({{"AccountId", reference, "account_id"},
                        {"ContactId", reference, "contact_id"},
                        {"Product2Id", reference, "product_id"},
                        {"Name", string, "name"},
                        {"Status", string, "status"},
                        {"Quantity", number, "quantity"},
                        {"Price", number, "amount"},
                        {"PurchaseDate", date, "purchased_at"},
                        {"InstallDate", date, "installed_at"},
                        {"UsageEndDate", date, "ends_at"},
                        always_null("SerialNumber")})};
}

SObject task() {
    return {"Task", Source::task,
            with_audit({{"WhoId", reference, nullptr, Field::who},
                        {"WhatId", reference, nullptr, Field::what},
                        {"AccountId", reference, "account_id"},
                        {"Subject", string, "subject"},
                        {"ActivityDate", date, "occurred_at"},
                        {"Status", string, "status"},
                        always_null("Priority"),
                        {"IsClosed", boolean, "is_closed"},
                        {"IsArchived", boolean, nullptr, Field::archived},
                        {"TaskSubtype", string, nullptr, Field::subtype},
                        {"CallType", string, nullptr, Field::call_type},
                        {"CallDurationInSeconds", integer, "duration"},
                        always_null("CallDisposition"),
                        {"CompletedDateTime", datetime, nullptr, Field::completed},
                        always_null("Description"),
                        {"OwnerId", reference, "owner_id"}})};
}

SObject event() {
    return {"Event", Source::event,
            with_audit({{"WhoId", reference, nullptr, Field::who},
                        {"WhatId", reference, nullptr, Field::what},
                        {"AccountId", reference, "account_id"},
                        {"Subject", string, "subject"},
                        {"StartDateTime", datetime, "occurred_at"},
                        {"ActivityDateTime", datetime, "occurred_at"},
                        {"EndDateTime", datetime, nullptr, Field::end},
                        {"DurationInMinutes", integer, nullptr, Field::minutes},
                        always_null("Location"),
                        {"EventSubtype", string, nullptr, Field::subtype},
                        {"IsArchived", boolean, nullptr, Field::archived},
                        always_null("Description"),
                        {"OwnerId", reference, "owner_id"}})};
}

SObject user() {
    return {"User", Source::user,
            with_audit({{"Name", string, "name"},
                        {"Email", string, "email"},
                        {"Username", string, "username"},
                        {"IsActive", boolean, "is_active"},
                        {"TimeZoneSidKey", string, "time_zone"},
                        always_null("Title"),
                        always_null("Department"),
                        always_null("Division"),
                        {"UserRole.Name", string, "team"},
                        {"Manager.Name", string, "manager"},
                        always_null("ManagerId", reference),
                        always_null("UserRoleId", reference)},
                       false)};
}

std::string_view column_text(const Table &table, const Field &field, std::size_t row) { return table.value(row, field.index); }

std::string special_text(const Table &table, const Field &field, std::size_t row, Time now) {
    const Row &r = table.row(row);
    switch (field.special) {
        case Field::record_id: return table.id(row);
        case Field::deleted: return simulator::boolean(r.deleted != 0);
        case Field::master: return r.merged_into ? table.id(r.merged_into - 1) : "";
        case Field::stamp: return iso(r.modified);
        case Field::who: return std::string(table.value(row, "contact_id"));
        case Field::what: {
            const auto deal = table.value(row, "opportunity_id");
            return std::string(deal.empty() ? table.value(row, "account_id") : deal);
        }
        case Field::subtype: {
            const auto kind = table.value(row, "kind");
            return kind == "call" ? "Call" : kind == "email" ? "Email" : kind == "meeting" ? "Event" : "Task";
        }
        case Field::call_type: {
            const auto direction = table.value(row, "direction");
            return direction.empty() ? "" : direction == "inbound" ? "Inbound" : "Outbound";
        }
        case Field::archived: return simulator::boolean(parse_time(table.value(row, "occurred_at")) < now - year);
        case Field::completed: return table.value(row, "is_closed") == "t" ? std::string(table.value(row, "occurred_at")) : "";
        case Field::end:
            return iso(parse_time(table.value(row, "occurred_at")) + std::stol("0" + std::string(table.value(row, "duration"))));
        case Field::minutes: return std::to_string(std::stol("0" + std::string(table.value(row, "duration"))) / 60);
        case Field::truth: return "t";
        case Field::converted: return simulator::boolean(!table.value(row, "converted_at").empty());
        default: return "";
    }
}

void append_value(std::string &out, FieldType type, std::string_view text) {
    if (text.empty()) {
        out += "null";
        return;
    }
    switch (type) {
        case boolean: out += text == "t" ? "true" : "false"; break;
        case integer: out += text; break;
        case number:
            out += text;
            if (text.find('.') == std::string_view::npos) out += ".0";
            break;
        case datetime: out.append("\"").append(text.substr(0, 19)).append(".000+0000\""); break;
        case date: out.append("\"").append(text.substr(0, 10)).append("\""); break;
        default: append_json(out, text);
    }
}

// A field of a parent record arrives in an object of its own; no parent is null.
void append_parent(std::string &out, std::string_view parent, std::string_view name, std::string_view value) {
    out.append(",\"").append(parent).append("\":");
    if (value.empty()) {
        out += "null";
        return;
    }
    out.append(R"({"attributes":{"type":")")
        .append(parent == "Manager" ? "User" : parent)
        .append(R"("},")")
        .append(name)
        .append("\":");
    append_json(out, value);
    out += '}';
}

}  // namespace

const Field *SObject::field(std::string_view wanted) const {
    for (const Field &field : fields) {
        if (lower(field.name) == lower(wanted)) return &field;
    }
    return nullptr;
}

const std::vector<SObject> &sobjects() {
    static const std::vector<SObject> all = [] {
        std::vector<SObject> made = {account(), contact(), lead(), opportunity(), line(),
                                     product(), asset(),   task(), event(),       user()};
        for (SObject &object : made) {
            for (Field &field : object.fields) {
                if (field.column) field.index = object_of(object.source).column(field.column);
            }
        }
        return made;
    }();
    return all;
}

const SObject *sobject_named(std::string_view name) {
    for (const SObject &object : sobjects()) {
        if (lower(object.name) == lower(name)) return &object;
    }
    return nullptr;
}

std::string field_text(const Crm &crm, const SObject &object, const Field &field, std::size_t row, Time now) {
    const Table &table = crm.table(object.source);
    return field.column ? std::string(column_text(table, field, row)) : special_text(table, field, row, now);
}

void append_record(std::string &out, const Crm &crm, const SObject &object, const std::vector<const Field *> &fields,
                   std::size_t row, Time now, std::string_view version) {
    const Table &table = crm.table(object.source);
    out.append(R"({"attributes":{"type":")").append(object.name).append(R"(","url":"/services/data/)").append(version);
    out.append("/sobjects/").append(object.name).append("/").append(table.id(row)).append("\"}");
    const std::vector<std::string_view> values = table.values(row);
    for (const Field *field : fields) {
        const std::string_view name = field->name;
        if (const std::size_t dot = name.find('.'); dot != std::string_view::npos) {
            append_parent(out, name.substr(0, dot), name.substr(dot + 1), values[static_cast<std::size_t>(field->index)]);
            continue;
        }
        out.append(",\"").append(name).append("\":");
        if (field->column)
            append_value(out, field->type, values[static_cast<std::size_t>(field->index)]);
        else
            append_value(out, field->type, special_text(table, *field, row, now));
    }
    out += '}';
}

const char *field_type_name(FieldType type) {
    static constexpr const char *names[] = {"id", "reference", "string", "double", "int", "boolean", "datetime", "date"};
    return names[static_cast<std::size_t>(type)];
}

std::string describe(const SObject &object) {
    std::string out = fmt::format(
        R"({{"name":"{}","label":"{}","keyPrefix":null,"queryable":true,"retrieveable":true,"replicateable":true,"fields":[)",
        object.name, object.name);
    for (const Field &field : object.fields) {
        const std::string_view name = field.name;
        if (name.find('.') != std::string_view::npos) continue;
        const bool parent = name == "ManagerId" || name == "UserRoleId";
        if (&field != &object.fields.front()) out += ',';
        out += fmt::format(
            R"({{"name":"{}","label":"{}","type":"{}","nillable":true,"calculated":false,"custom":false,"compoundFieldName":null,)"
            R"("deprecatedAndHidden":false,"filterable":true,"sortable":true,"referenceTo":[],"relationshipName":{}}})",
            name, name, field_type_name(field.type), parent ? fmt::format("\"{}\"", name.substr(0, name.size() - 2)) : "null");
    }
    return out + "]}";
}

}  // namespace xsell::simulator
