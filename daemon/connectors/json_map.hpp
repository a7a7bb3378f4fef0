// Field maps as data: which field of a source's JSON becomes which column, and by which rule. Shared by connectors that read
// JSON.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "sync/record.hpp"

namespace xsell::connectors {

enum class Rule {
    plain,     // converted to the column's type
    email,     // lower case
    phone,     // a telephone number (its column is put into standard form)
    domain,    // registrable domain of a web address or e-mail
    lower,     // lower case
    percent,   // a fraction of one becomes per cent
    millis,    // milliseconds become seconds
    minutes,   // minutes become seconds
    choose,    // argument "Call=call;Email=email;*=task": what the value becomes; no match is NULL
    prefix,    // the value, when it begins with the argument
    when,      // the value, when the field named by the argument is true
    constant,  // the argument, whatever the record holds
    latest,    // the latest of all entries of this column
    either,    // true when one of the entries of this column is true
    join,      // the value, a space, the value of the field named by the argument
    span,      // seconds from the field named by the argument to this one
};

// Several entries of one column: the first that gives a value wins (but see latest and either). A source is a dotted path
// ("Manager.Name", digits index arrays); a leading '/' means the top of the record rather than its folder of properties.
struct Field {
    const char *column;
    const char *source;
    Rule rule = Rule::plain;
    const char *argument = "";
};

struct Shape {
    std::string place;        // how messages name the source object: "Account"
    std::string id;           // source of crm_id, written as in Field
    std::string folder;       // where fields live inside a record: "" or "properties"
    std::string region = "";  // of telephone numbers that name no country: ISO 3166
};

class Mapper {
  public:
    // overrides: our column -> source field, in place of the table's entries; attributes: fields kept under their own names.
    Mapper(Shape shape, std::span<const Field> fields, const std::map<std::string, std::string> &overrides,
           const std::vector<std::string> &attributes);

    // Fields to ask the source for, each once (those that begin with '/' come by themselves and are left out).
    std::vector<std::string> sources() const;
    // Of the table, the overrides, the attributes and the version of this code.
    std::int64_t hash() const;
    // Appends a record, or a reject, for each JSON text. A value that its column cannot take is NULL and named in the record's
    // `problem`; a record is rejected for want of its id or its times alone. Throws SyncError (object) when an override names a
    // column that is not there.
    void map(const sync::Object &object, std::span<const std::string_view> raws, sync::Page &page) const;

  private:
    struct Entry {
        std::string column, source, argument;
        Rule rule;
        std::vector<std::string> path, argument_path;
        bool overridden = false;
    };
    struct Attribute {
        std::string name;
        std::vector<std::string> path;
    };
    struct Places {  // where entries go in a record's values
        std::vector<std::optional<std::size_t>> entries;
        std::size_t modified = 0;
        std::optional<std::size_t> attributes;
    };
    class Reading;
    std::vector<std::string> path_of(const std::string &source) const;
    Entry entry_of(const Field &field) const;
    Places bind(const sync::Object &object) const;
    std::string fill(const sync::Object &object, const Reading &reading, const Places &places, sync::Record &record) const;

    Shape shape_;
    std::vector<std::string> id_path_;
    std::vector<Entry> entries_;
    std::vector<Attribute> attributes_;
};

// A page of a list API, cut into its records without touching their text.
struct Listing {
    std::string text;                       // owns what `records` point into
    std::vector<std::string_view> records;  // the elements of the array
    nlohmann::json rest;                    // everything else
    bool found = false;                     // the array is there; an answer without it is no empty list
};

// Throws SyncError (transient) when the text is no JSON object: it was cut, or a proxy answered.
Listing read_listing(std::string body, std::string_view array_key);

// Numbers beyond 64 bits, which jsonb holds and simdjson does not take, become texts.
std::string with_long_numbers_quoted(std::string_view json);

// The text at a dotted path of a JSON text; nullopt when it is missing, null or no scalar. What no parser takes elsewhere in the
// text (a lone surrogate, a number beyond 64 bits) is stepped over.
std::optional<std::string> text_at(std::string_view json, const std::string &path);
std::optional<std::string> text_at(std::string_view json, const std::vector<std::string> &path);

}  // namespace xsell::connectors
