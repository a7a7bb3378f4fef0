// An account as matching sees it: what it says of itself, brought to comparable form once, so that pairs cost little.
#pragma once
#include <array>
#include <string>
#include <vector>

namespace xsell::core {

// What is said, and where it stands in a prepared record.
enum RecordField {
    kind,
    name,
    domain,
    phone,
    house_number,
    street,
    postal,
    city,
    country,
    birth_date,
    registration,
    industry,
    employees,
    record_fields
};

// A prepared record as text, to be kept; empty where nothing is known.
using RecordTexts = std::array<std::string, record_fields>;

struct RecordInput {  // as the CRM has it; a free-mail domain is left out by the caller
    std::string kind, name, domain, phone, street, postal, city, country, birth_date, registration, industry;
    double employees = 0;
};

RecordTexts prepare(const RecordInput &input);

struct Record {
    RecordTexts text;
    std::vector<std::string> words;  // of the name
    std::vector<double> weight;      // of each word: how much it says
    double total_weight = 0;
    std::string site;  // the domain without its endings: acme of acme.co.uk
    double employees = 0;
    bool company = true;
};

Record parse_record(RecordTexts texts);

// Hashes under which records that may be one are found; equal records have equal keys, kinds never share any. A record that says
// nothing has none. An odd key is strong (one domain, one phone, one name in one place), an even one casts wider and is worth
// less.
std::vector<std::int64_t> blocking_keys(const Record &record);

}  // namespace xsell::core
