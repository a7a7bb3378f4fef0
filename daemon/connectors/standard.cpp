#include "connectors/standard.hpp"

#include <phonenumbers/phonenumberutil.h>
#include <unicode/locid.h>
#include <unicode/timezone.h>
#include <unicode/ucurr.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <unordered_map>

#include "connectors/normal.hpp"
#include "sync/text.hpp"

namespace xsell::connectors {
namespace {

constexpr const char *languages[] = {"en", "de", "fr", "es", "it", "nl", "pt", "pl", "sv", "da", "fi", "cs"};

// What people type beside the proper names.
constexpr std::pair<const char *, const char *> nicknames[] = {
    {"usa", "US"},
    {"u.s.a.", "US"},
    {"u.s.", "US"},
    {"united states of america", "US"},
    {"america", "US"},
    {"uk", "GB"},
    {"u.k.", "GB"},
    {"great britain", "GB"},
    {"england", "GB"},
    {"scotland", "GB"},
    {"wales", "GB"},
    {"the netherlands", "NL"},
    {"holland", "NL"},
    {"korea", "KR"},
    {"south korea", "KR"},
    {"republic of ireland", "IE"},
    {"brd", "DE"},
    {"czech republic", "CZ"},
    {"russian federation", "RU"},
    {"turkey", "TR"},
    {"uae", "AE"},
    {"hong kong", "HK"},
    {"macau", "MO"},
    {"viet nam", "VN"},
};

std::string folded(std::string_view text) {
    auto unicode = icu::UnicodeString::fromUTF8({text.data(), static_cast<int>(text.size())});
    std::string out;
    unicode.trim().foldCase().toUTF8String(out);
    return out;
}

std::unordered_map<std::string, std::string> country_names() {
    std::unordered_map<std::string, std::string> names;
    for (const char *const *code = icu::Locale::getISOCountries(); *code; ++code) {
        const icu::Locale region("", *code);
        names.emplace(sync::lower_ascii(*code), *code);
        names.emplace(sync::lower_ascii(region.getISO3Country()), *code);
        for (const char *language : languages) {
            icu::UnicodeString name;
            std::string text;
            region.getDisplayCountry(icu::Locale(language), name).toUTF8String(text);
            names.emplace(folded(text), *code);
        }
    }
    for (const auto &[name, code] : nicknames) names[name] = code;
    return names;
}

// Country codes behind which a number is what it is, unless it begins with one of these digits: a trunk prefix that does not
// belong there.
constexpr std::pair<std::string_view, std::string_view> plain_codes[] = {
    {"1", "01"}, {"31", "0"}, {"32", "0"}, {"33", "0"}, {"34", "0"}, {"41", "0"}, {"43", "0"}, {"44", "0"},
    {"45", "0"}, {"46", "0"}, {"47", "0"}, {"48", "0"}, {"49", "0"}, {"61", "0"}, {"65", "0"}, {"91", "0"},
};

// Numbers with a country code of this kind are E.164 once blanks and the like are gone, valid or not: no need for the library,
// which takes ten times as long as everything else that is done with a record.
std::optional<std::string> plain_e164(std::string_view text) {
    if (!text.starts_with('+')) return std::nullopt;
    std::string digits;
    for (const char c : text.substr(1)) {
        if (c >= '0' && c <= '9')
            digits += c;
        else if (c != ' ' && c != '-' && c != '.' && c != '(' && c != ')')
            return std::nullopt;
    }
    if (digits.size() < 8 || digits.size() > 15 || text.find("(0)") != std::string_view::npos) return std::nullopt;
    for (const auto &[code, trunk] : plain_codes) {
        if (digits.starts_with(code))
            return trunk.find(digits[code.size()]) == std::string_view::npos ? std::optional("+" + digits) : std::nullopt;
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::string> country(std::string_view text) {
    static const auto names = country_names();
    // A source has few spellings and many records.
    constexpr std::size_t most = 1000;
    thread_local std::unordered_map<std::string, std::optional<std::string>> known;
    std::string key(text);
    if (const auto seen = known.find(key); seen != known.end()) return seen->second;
    const auto found = names.find(folded(text));
    const auto code = found == names.end() ? std::nullopt : std::optional(found->second);
    if (known.size() < most) known.emplace(std::move(key), code);
    return code;
}

std::optional<std::string> time_zone(std::string_view text) {
    const auto name = icu::UnicodeString::fromUTF8({text.data(), static_cast<int>(text.size())});
    UErrorCode error = U_ZERO_ERROR;
    icu::UnicodeString iana, canonical;
    if (icu::TimeZone::getIDForWindowsID(name, nullptr, iana, error); U_FAILURE(error) || iana.isEmpty()) iana = name;
    error = U_ZERO_ERROR;
    icu::TimeZone::getCanonicalID(iana, canonical, error);
    if (U_FAILURE(error)) return std::nullopt;
    std::string out;
    iana.toUTF8String(out);
    return out;
}

std::optional<std::string> currency(std::string_view text) {
    text = sync::trim(text);
    if (text.size() != 3) return std::nullopt;
    std::string code;
    for (const char c : text) code += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    static const auto known = [] {
        std::unordered_map<std::string, bool> all;
        UErrorCode error = U_ZERO_ERROR;
        UEnumeration *list = ucurr_openISOCurrencies(UCURR_ALL, &error);
        while (const char *each = uenum_next(list, nullptr, &error)) all.emplace(each, true);
        uenum_close(list);
        return all;
    }();
    return known.contains(code) ? std::optional(code) : std::nullopt;
}

std::optional<std::string> phone_number(std::string_view text, const std::string &region) {
    using i18n::phonenumbers::PhoneNumber;
    using i18n::phonenumbers::PhoneNumberUtil;
    text = sync::trim(text);
    if (auto plain = plain_e164(text)) return plain;
    static const PhoneNumberUtil &util = *PhoneNumberUtil::GetInstance();
    thread_local PhoneNumber number;
    const bool read = text.size() <= 64 &&
                      util.Parse(std::string(text), region.empty() ? "ZZ" : region, &number) == PhoneNumberUtil::NO_PARSING_ERROR;
    if (!read || !util.IsValidNumber(number)) return phone(text);
    std::string out;
    util.Format(number, PhoneNumberUtil::E164, &out);
    return out;
}

struct Standard::Step {
    const char *column;
    sync::Value (*form)(const std::string &text, const std::string &region);
};

const std::vector<Standard::Step> &Standard::steps() {
    // The country comes first: it decides how telephone numbers are read.
    static const std::vector<Step> all = {
        {"country", [](const std::string &text, const std::string &) -> sync::Value { return country(text).value_or(text); }},
        {"industry", [](const std::string &text, const std::string &) -> sync::Value { return industry(text); }},
        {"time_zone", [](const std::string &text, const std::string &) -> sync::Value { return time_zone(text).value_or(text); }},
        {"currency", [](const std::string &text, const std::string &) -> sync::Value { return currency(text).value_or(text); }},
        {"phone", [](const std::string &text, const std::string &region) -> sync::Value { return phone_number(text, region); }},
        {"mobile", [](const std::string &text, const std::string &region) -> sync::Value { return phone_number(text, region); }},
        {"email", [](const std::string &text, const std::string &) -> sync::Value { return email(text); }},
    };
    return all;
}

Standard::Standard(const sync::Object &object, std::string region) : region_(std::move(region)) {
    for (const Step &step : steps()) {
        const auto found = std::find_if(object.columns.begin(), object.columns.end(),
                                        [&](const sync::Column &column) { return column.name == step.column; });
        if (found == object.columns.end()) continue;
        bound_.push_back({&step, static_cast<std::size_t>(found - object.columns.begin())});
        if (found->name == "country") country_ = bound_.back().column;
    }
}

void Standard::apply(sync::Record &record) const {
    const std::string *region = &region_;
    for (const auto &[step, column] : bound_) {
        sync::Value &value = record.values[column];
        if (!value) continue;
        value = step->form(*value, *region);
        if (column == country_ && value && value->size() == 2) region = &*value;
    }
}

}  // namespace xsell::connectors
