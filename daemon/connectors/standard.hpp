// Standard forms of what CRMs store as people typed it, by column, whatever source it came from. The source record keeps the
// original.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sync/record.hpp"

namespace xsell::connectors {

// ISO 3166 alpha-2 of a country's name in any of the larger European languages, or of its two- or three-letter code; nothing for
// what is none.
std::optional<std::string> country(std::string_view text);

// One name for an industry, whatever list it was chosen from ("COMPUTER_SOFTWARE", "Software" -> "Technology"); what is on no
// list stays as it is, tidied.
std::string industry(std::string_view text);

// An IANA time zone: itself, or the one that a Windows name means; nothing for what is neither.
std::optional<std::string> time_zone(std::string_view text);

// ISO 4217, upper case; nothing for what is none.
std::optional<std::string> currency(std::string_view text);

// E.164 when the number is valid, read as from `region` (ISO 3166) where it names no country itself; else its digits, with a
// leading + where it has one; nothing with fewer than five digits.
std::optional<std::string> phone_number(std::string_view text, const std::string &region);

// Applies them to the columns of one kind of object: country, industry, time_zone, currency, phone, mobile, email. A number
// without a country code is read as from the record's own country, else from the org's region.
class Standard {
  public:
    Standard(const sync::Object &object, std::string region);
    void apply(sync::Record &record) const;

  private:
    struct Step;
    static const std::vector<Step> &steps();
    struct Bound {
        const Step *step;
        std::size_t column;
    };
    std::vector<Bound> bound_;
    std::optional<std::size_t> country_;
    std::string region_;
};

}  // namespace xsell::connectors
