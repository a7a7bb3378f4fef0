// Brings the records of one page into the tables, inside the caller's transaction: asks which of them are new or different,
// copies those into the session's staging table, and merges them.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "store/database.hpp"
#include "sync/store.hpp"

namespace xsell::store {

// Where a record stands in its page, and the hash that tells whether what is stored is the same.
struct Entry {
    std::size_t place;
    std::int64_t content;
};

// Each id once (the newest modified_at, then the live one, then the later one), in the order of ids: all workers lock rows in
// that order. The hash covers the raw text, the values made of it and the field map (its seed), and whether the record is
// deleted; not when it was modified, for a file that is copied anew changes that alone.
std::vector<Entry> distinct_entries(const sync::Object &object, const std::vector<sync::Record> &records, std::int64_t map_hash);

// Why text cannot be an id, which many indexes hold; empty when it can.
std::string id_problem(std::string_view id);
// The records with such ids, which are among no entries.
std::vector<sync::Reject> unfit(const sync::Object &object, const std::vector<sync::Record> &records);

// One row of a COPY in text format, newline included.
void append_copy_row(std::string &out, const sync::Record &record, std::int64_t content);

// What one session has prepared to merge an object.
struct MergePlan {
    std::string stage, copy;
    std::map<std::string, std::string> steps;  // of xsell_internal.sync_merge_sql, by name
};
MergePlan merge_plan(Database &database, const sync::Object &object);

bool is_duplicate(const SqlError &error);
// The record itself is at fault: out of range, too long, no valid JSON.
bool is_data_error(const SqlError &error);

class PageLoader {
  public:
    // noted: rejects or doubts about records of the object are stored, and are to be forgotten for those that are mended.
    PageLoader(Database &database, const MergePlan &plan, const sync::Claim &claim, const sync::Object &object, bool noted = true)
        : database_(database), plan_(plan), claim_(claim), object_(object), noted_(noted) {}

    // All at once. Throws SqlError when the server refuses a record; the transaction is of no more use then. all_new: nothing is
    // stored under these ids; refused (is_duplicate) if something is.
    void load(const std::vector<sync::Record> &records, const std::vector<Entry> &entries, bool all_new = false);
    // What the server refuses is found by halving, and put aside as rejects.
    void load_carefully(const std::vector<sync::Record> &records, const std::vector<Entry> &entries);
    void reject(const std::vector<sync::Reject> &rejects);

    std::int64_t changed = 0, deleted = 0, rejected = 0;

  private:
    using Span = std::pair<std::size_t, std::size_t>;
    void load(const std::vector<sync::Record> &records, const std::vector<Entry> &entries, Span span, const char *how);
    void halve(const std::vector<sync::Record> &records, const std::vector<Entry> &entries, Span span,
               std::vector<sync::Reject> &refused);
    void step(const std::string &name);
    void note_problems(const std::vector<sync::Record> &records, const std::vector<Entry> &entries, Span span);

    Database &database_;
    const MergePlan &plan_;
    const sync::Claim &claim_;
    const sync::Object &object_;
    const bool noted_;
};

}  // namespace xsell::store
