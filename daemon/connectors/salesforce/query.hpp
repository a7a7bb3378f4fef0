// Where reading an object stands, and the SOQL that goes on from there.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace xsell::connectors::salesforce {

// Microseconds since 1970 throughout.
struct Window {
    std::optional<std::int64_t> low;  // inclusive; nothing: from the very first record
    std::int64_t end = 0;             // inclusive: the server's time when the scan began
    std::int64_t slice = 0;           // inclusive: reading goes up to here first, when the whole window takes too long
    std::size_t part = 0;             // which source of the object: activities are tasks, then events
    std::optional<std::int64_t> at;   // the last record read: its SystemModstamp
    std::string id;                   // and its Id
    std::string next;                 // path of the next page, while the server keeps it
};

struct State {
    std::optional<std::int64_t> watermark;  // everything before it has been read
    std::optional<Window> window;           // nothing: the last sync was completed
    std::optional<std::int64_t> map;        // hash of the field map that all of it was read with
};

// Throws SyncError (object) when the text is not what write_state made.
State read_state(const std::string &text);
std::string write_state(const State &state);

struct Scope {
    std::string object;
    std::vector<std::string> fields;
};

// SELECT ... WHERE within the window and after its last record ORDER BY SystemModstamp, Id.
std::string select(const Scope &scope, const Window &window);

std::string literal(std::int64_t micros);  // 2026-05-01T00:00:00Z
bool is_field(const std::string &name);    // Name, Manager.Name, Custom__c
bool is_id(const std::string &text);       // 15 or 18 letters and digits

}  // namespace xsell::connectors::salesforce
