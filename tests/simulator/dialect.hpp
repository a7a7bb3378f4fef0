// A CRM of the world spoken in another vendor's words: the rows of an existing org under other ids, at a path of its own.
//
// A vendor's file fills a Vendor (how its API refuses), an Ids (how its ids look) and a Dialect (what of the rows its wire
// shows), and mounts its routes with service.api(vendor, handler). Late commits happen here too (up to ten minutes): tests set
// lookback = "15m".
#pragma once
#include <httplib.h>

#include "faults.hpp"
#include "simulation.hpp"

namespace xsell::simulator {

// An answer other than success; the status and the finished body.
struct HttpError {
    int status;
    std::string body;
};

// How a vendor's API is asked and how it says no.
struct Vendor {
    const char *name;           // of the vendor, and of the org path where it is a dialect: "/zoho"
    const char *header;         // that carries the token: "Authorization", "x-api-token"
    const char *prefix;         // before the token: "Bearer ", "Zoho-oauthtoken ", ""
    const char *token;          // that is always good; "" where tokens must be issued
    const char *issued_prefix;  // of issued tokens
    HttpError (*unauthorized)(bool expired);
    HttpError (*limited)(const Fault &fault, httplib::Response &res);  // too many requests just now
    HttpError (*quota)(httplib::Response &res);                        // too many for the day
    HttpError (*invalid)(const std::string &message);                  // 400
    void (*finish)(httplib::Response &res);                            // headers of every answer; may be nullptr
};

// How a vendor's ids look. Rows are positions in the tables of the org.
class Ids {
  public:
    virtual ~Ids() = default;
    virtual std::string make(Source source, std::size_t row) const = 0;
    virtual std::optional<std::size_t> row(Source source, std::string_view id) const = 0;  // whether or not there is such a row
};

// first(source) + step * row.
class NumberIds final : public Ids {
  public:
    // shared: all kinds of records draw from one sequence (Zoho); else each kind counts for itself (Pipedrive).
    NumberIds(std::uint64_t base, std::uint64_t step, bool shared) : base_(base), step_(step), shared_(shared) {}
    std::string make(Source source, std::size_t row) const override;
    std::optional<std::size_t> row(Source source, std::string_view id) const override;

  private:
    std::uint64_t first(Source source) const;
    std::uint64_t base_, step_;
    bool shared_;
};

class UuidIds final : public Ids {
  public:
    std::string make(Source source, std::size_t row) const override;
    std::optional<std::size_t> row(Source source, std::string_view id) const override;
};

struct Dialect {
    const Vendor *vendor;
    std::size_t org;  // whose rows are shown: 0 emea, 1 amer, 2 apac
    const Ids *ids;
    bool (*shows)(Source source);  // does the wire have such records?
    // What the truth says of a column instead of the row's own value (after ids were translated); nullopt: nothing else.
    // "" where the wire has no such thing. Also asked for merged_into, modified_at and deleted_at.
    std::optional<std::string> (*column)(const Crm &crm, Source source, std::size_t row, std::string_view column);
};

// The kind of record that a column of that name refers to (account_id, owner_id, ...).
std::optional<Source> referred(std::string_view column);
// A reference in the dialect's ids; "" for "".
std::string translated(const Dialect &dialect, const Crm &crm, std::string_view column, std::string_view native);

const std::vector<const Dialect *> &dialects();  // all there are: the line to add is in dialect.cpp
const Dialect *dialect_named(std::string_view name);

}  // namespace xsell::simulator
