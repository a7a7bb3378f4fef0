// How Pipedrive's files of the simulator look at a row.
#pragma once
#include "pipedrive.hpp"

namespace xsell::simulator::pipedrive {

using Json = nlohmann::json;

inline constexpr const char *currency = "USD", *pipeline_name = "Sales Pipeline";

// Ids of persons are larger than a double can hold; notes and activities count for themselves, so that theirs collide.
class PipedriveIds final : public Ids {
  public:
    std::string make(Source source, std::size_t row) const override {
        if (source == Source::lead) return leads_.make(source, row);
        if (is_note(source, row)) return "note-" + std::to_string(note_base + row);
        return std::to_string(base(source) + step(source) * row);
    }
    std::optional<std::size_t> row(Source source, std::string_view id) const override {
        if (source == Source::lead) return leads_.row(source, id);
        if (id.starts_with("note-")) return std::strtoull(std::string(id.substr(5)).c_str(), nullptr, 10) - note_base;
        const std::uint64_t number = std::strtoull(std::string(id).c_str(), nullptr, 10);
        if (number < base(source) || (number - base(source)) % step(source) != 0) return std::nullopt;
        return (number - base(source)) / step(source);
    }
    static bool is_note(Source source, std::size_t row) { return source == Source::task && row % 7 == 3; }
    static constexpr std::uint64_t note_base = 1;

  private:
    static std::uint64_t step(Source source) { return source == Source::task || source == Source::event ? 2 : 1; }
    static std::uint64_t base(Source source) {
        if (source == Source::contact) return 9007199254740990ULL;
        return source == Source::user ? 11000000 : source == Source::event ? 2 : 1;
    }
    UuidIds leads_;
};
extern const PipedriveIds ids;

// One row of a table, read as JSON values.
struct Reader {
    const Crm &crm;
    Source source;
    std::size_t row;

    std::string text(std::string_view column) const { return std::string(crm.table(source).value(row, column)); }
    Json string(std::string_view column) const { return text(column).empty() ? Json() : Json(text(column)); }
    Json number(std::string_view column) const { return text(column).empty() ? Json() : Json::parse(text(column)); }
    bool flag(std::string_view column) const { return text(column) == "t"; }
    Json reference(std::string_view column) const {
        const std::string native = text(column);
        const auto target = native.empty() ? std::nullopt : crm.table(*referred(column)).find(native);
        return target ? Json(std::stoull(ids.make(*referred(column), *target))) : Json();
    }
    Json id() const { return source == Source::lead ? Json(ids.make(source, row)) : Json(std::stoull(ids.make(source, row))); }
    std::string changed() const { return iso(modified(crm, source, row)); }
    std::string added() const { return text("created_at"); }
};

bool archived(const Crm &crm, Source source, std::size_t row);  // closed deals, some of them; converted leads
std::string product_price(std::size_t row);                     // Salesforce products have none
bool done(const Reader &activity);
std::pair<std::string, std::string> street_of(const std::string &text);  // number and street of "12 Main Street"

}  // namespace xsell::simulator::pipedrive
