// Salesforce's view of the tables: sObjects, their fields, and records as REST JSON.
#pragma once
#include "crm.hpp"

namespace xsell::simulator {

enum class FieldType { id, reference, string, number, integer, boolean, datetime, date };

struct Field {
    const char *name;
    FieldType type;
    const char *column;  // of the table; nullptr where `special` says what it is
    enum Special {
        none,
        record_id,
        deleted,
        master,
        stamp,
        who,
        what,
        subtype,
        call_type,
        archived,
        completed,
        end,
        minutes,
        nothing,
        truth,
        converted
    } special = none;
    int index = -1;  // of the column, found once
};

struct SObject {
    const char *name;
    Source source;
    std::vector<Field> fields;
    const Field *field(std::string_view name) const;  // case does not matter, as in SOQL
};

const std::vector<SObject> &sobjects();
const SObject *sobject_named(std::string_view name);

// A field of a record as canonical text; empty is null.
std::string field_text(const Crm &crm, const SObject &object, const Field &field, std::size_t row, Time now);
void append_record(std::string &out, const Crm &crm, const SObject &object, const std::vector<const Field *> &fields,
                   std::size_t row, Time now, std::string_view version);
std::string describe(const SObject &object);
const char *field_type_name(FieldType type);

}  // namespace xsell::simulator
