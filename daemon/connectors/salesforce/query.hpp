// Where reading an object stands, and the SOQL that goes on from there.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace xsell::connectors::salesforce {

// What one pass over an object reads. Microseconds since 1970 throughout, all bounds inclusive.
struct Window {
    std::optional<std::int64_t> low;  // nothing: from the very first record
    // Newest first: the newest that is read. Else only a guess of where it ends, for what is modified meanwhile is read too (and
    // so is what carries a later time than the server's, whose clock was set back).
    std::int64_t high = 0;
    bool down = false;                // newest first
    std::optional<std::int64_t> cut;  // reading goes as far as here first, when the whole window takes too long
    std::optional<std::int64_t> at;   // the last record read: its SystemModstamp
    std::string id;                   // and its Id
    std::string next;                 // path of the next page, while the server keeps it
};

// A query job of the Bulk API. It is gone on with in the version that it was made with.
struct Job {
    std::string id, version;
    std::string locator;      // of the next results; empty: the first
    bool complete = false;    // its results are ready
    std::int64_t made = 0;    // server's time
    std::int64_t looked = 0;  // when its state was last stored
};

enum class Way { undecided, rest, bulk };  // the size of the first page's query decides

struct Reading {
    std::int64_t start = 0;  // server's time when it began
    std::int64_t safe = 0;   // what became visible later may be stamped from here on: start, or that of the oldest transaction
    bool full = false;       // everything, not only what was modified
    std::size_t part = 0;    // which source of the object: activities are tasks, then events
    bool tail = false;       // of the part: what was modified while everything was read
    Window window;
    Way way = Way::undecided;
    std::optional<Job> job;
    int jobs = 0;            // so many were made for this part
    std::string spent;       // path of a job that is to be deleted
    std::int64_t total = 0;  // records that it brings, as far as is known
};

struct State {
    std::optional<std::int64_t> watermark;  // everything before it has been read
    std::optional<std::int64_t> full_at;    // when everything was last begun to be read
    std::optional<Reading> reading;         // nothing: the last sync was completed
    std::optional<std::int64_t> map;        // hash of the field map that all of it was read with
};

// Throws SyncError (object) when the text is not what write_state made.
State read_state(const std::string &text);
std::string write_state(const State &state);

struct Scope {
    std::string object;
    std::vector<std::string> fields;
    std::string filter = "";  // a condition in SOQL
};

// SELECT ... WHERE within the window and after its last record ORDER BY SystemModstamp, Id (both descending: newest first).
std::string select(const Scope &scope, const Window &window);
// The whole window in no order, which is what the Bulk API can cut into chunks.
std::string select_all(const Scope &scope, const Window &window);

// Makes the next query smaller, from where the window stands; false when it is down to a minute.
bool narrow(Window &window);
// After the last page of a query: false when that was the whole window, else the next piece is begun, a wider one.
bool advance(Window &window);

std::string literal(std::int64_t micros);  // 2026-05-01T00:00:00Z
bool is_field(const std::string &name);    // Name, Manager.Name, Custom__c
bool is_id(const std::string &text);       // 15 or 18 letters and digits

}  // namespace xsell::connectors::salesforce
