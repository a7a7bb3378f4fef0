// Synthetic CRM records of any number: about 1 KB of Salesforce-like JSON each, the same bytes for the same seed and number. The
// connector makes them itself, the simulator serves them over HTTP; both are meant to cost next to nothing beside what reads
// them.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xsell::scaling {

enum class Kind { account, contact, opportunity };
inline constexpr std::array<const char *, 3> kind_names = {"account", "contact", "opportunity"};
std::optional<Kind> kind_named(std::string_view name);

// What a list request asks for. Pages are numbered from 1.
struct Query {
    std::uint64_t page = 1, per_page = 2000;
    std::int64_t since = 0;                 // seconds since 1970: records modified then or later
    std::optional<std::uint64_t> revision;  // the set as it was at that revision, so that pages do not shift; none: as it is
};

// All records of one seed: a fifth accounts, three tenths contacts, the rest opportunities. Not for use by two threads at once
// while change() runs.
class Feed {
  public:
    Feed(std::uint64_t seed, std::uint64_t records);
    std::uint64_t count(Kind kind) const { return counts_[static_cast<std::size_t>(kind)]; }
    std::uint64_t revision() const { return times_.size() - 1; }
    // Gives about `records` of them new values and that time. The same calls change the same records.
    void change(std::uint64_t records, std::int64_t at);
    // {"total":N,"revision":R,"has_more":bool,"data":[...]}
    std::string body(Kind kind, const Query &query) const;

  private:
    struct Segment {  // neighbours that were changed last by the same revision
        std::uint64_t from, to;
        std::uint64_t revision;
    };
    using Segments = std::vector<Segment>;
    static void paint(Segments &segments, const Segment &fresh);
    void append(std::string &out, Kind kind, std::uint64_t number, std::uint64_t revision) const;

    std::uint64_t seed_;
    std::array<std::uint64_t, 3> counts_;
    std::vector<std::int64_t> times_;               // of each revision; that of revision 0 is when all records were made
    std::vector<std::string> stamps_;               // the same as text
    std::array<std::vector<Segments>, 3> history_;  // by kind and revision: sorted, without gaps
};

}  // namespace xsell::scaling
