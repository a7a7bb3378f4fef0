// Attio's attribute values: every attribute of a record is an array of values, each with its own shape by type.
#pragma once
#include <map>
#include <set>
#include <string>

#include <nlohmann/json.hpp>

#include "sync/record.hpp"

namespace xsell::connectors::attio {

// A record taken apart for the field map. Its own text keeps what is active and does not move by itself; attributes without a
// value are left out, so that the text of an unchanged record is always the same.
struct Taken {
    nlohmann::json source;  // what is stored as the source record
    // What fields are read from: the members of the source record and
    //   one   slug -> the first active value as a scalar          all   the same, an array where there are several
    //   part  slug -> the first active value with all its members  changed_at   the latest active_from
    nlohmann::json flat;
};

// Of /objects/{slug}/records/query. Interactions (last e-mail, next meeting) and what Attio computes from them change all the
// time: they are dropped unless `wanted` names them.
Taken take_record(const nlohmann::json &record, const std::set<std::string> &wanted);

// Adds what a record shows of the attributes' types; `first`: it is the first one of its page.
void note_fields(const nlohmann::json &record, std::map<std::string, sync::SourceField> &fields, bool first);

}  // namespace xsell::connectors::attio
