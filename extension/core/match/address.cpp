#include "core/match/address.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/match/name.hpp"

namespace xsell::core {
namespace {

// Kinds of street, directions and particles: people write, shorten and leave them out at will.
const std::unordered_set<std::string_view> street_noise{
    "street",   "st",      "str",    "avenue",  "ave",     "av",        "boulevard", "blvd",      "bd",        "road",
    "rd",       "drive",   "dr",     "lane",    "ln",      "court",     "ct",        "place",     "pl",        "square",
    "sq",       "highway", "hwy",    "parkway", "pkwy",    "terrace",   "ter",       "terr",      "circle",    "cir",
    "crescent", "cres",    "close",  "way",     "wy",      "alley",     "strasse",   "gasse",     "weg",       "platz",
    "allee",    "ring",    "rue",    "chemin",  "impasse", "quai",      "calle",     "avenida",   "avda",      "paseo",
    "plaza",    "carrer",  "rua",    "praca",   "via",     "viale",     "corso",     "piazza",    "largo",     "straat",
    "laan",     "plein",   "vej",    "gade",    "vei",     "gate",      "gatan",     "vagen",     "katu",      "tie",
    "ul",       "ulica",   "ulitsa", "al",      "aleja",   "ulice",     "utca",      "ut",        "strada",    "sokak",
    "cad",      "caddesi", "site",   "north",   "south",   "east",      "west",      "n",         "s",         "e",
    "w",        "ne",      "nw",     "se",      "sw",      "northeast", "northwest", "southeast", "southwest", "de",
    "la",       "le",      "les",    "du",      "des",     "del",       "der",       "den",       "dem",       "das",
    "di",       "da",      "do",     "dos",     "van",     "the",       "of",        "am",        "an",        "zur",
    "zum",      "im",      "in",     "no",      "nr"};

const std::unordered_set<std::string_view> units{"suite", "ste", "unit", "apt",      "apartment", "room",  "rm",    "floor",
                                                 "fl",    "flr", "bldg", "building", "etage",     "stock", "level", "dept"};

const std::unordered_map<std::string_view, std::string_view> ordinals{
    {"first", "1"},   {"second", "2"}, {"third", "3"}, {"fourth", "4"}, {"fifth", "5"},  {"sixth", "6"},
    {"seventh", "7"}, {"eighth", "8"}, {"ninth", "9"}, {"tenth", "10"}, {"mount", "mt"}, {"mlk", "martin"}};

bool starts_with_digit(const std::string &word) { return !word.empty() && word[0] >= '0' && word[0] <= '9'; }

bool all_digits(const std::string &word) {
    return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// '51st' is a street by its number, not a house.
bool is_ordinal(const std::string &word) {
    if (word.size() < 3 || !starts_with_digit(word)) {
        return false;
    }
    const std::string_view end = std::string_view(word).substr(word.size() - 2);
    return (end == "st" || end == "nd" || end == "rd" || end == "th") && all_digits(word.substr(0, word.size() - 2));
}

bool is_number(const std::string &word) { return starts_with_digit(word) && !is_ordinal(word) && word.size() <= 7; }

void drop_units(std::vector<std::string> &words) {
    for (std::size_t i = 1; i < words.size();) {
        const bool known = units.contains(words[i]);
        const bool numbered = known && i + 1 < words.size() && (starts_with_digit(words[i + 1]) || words[i + 1].size() <= 2);
        if (known && (numbered || i + 1 == words.size())) {
            words.erase(words.begin() + static_cast<std::ptrdiff_t>(i),
                        words.begin() + static_cast<std::ptrdiff_t>(i + 1 + numbered));
        } else {
            ++i;
        }
    }
}

std::string take_number(std::vector<std::string> &words) {
    const auto at = std::find_if(words.begin(), words.end(), is_number);
    if (at == words.end()) {
        return {};
    }
    std::string number = *at;
    auto end = at + 1;
    // 'Hauptstr. 12 a', but '12 E Main Street'.
    if (at != words.begin() && end != words.end() && end->size() == 1 && (*end)[0] >= 'a' && (*end)[0] <= 'z') {
        number += *end++;
    }
    words.erase(at, end);
    return number;
}

// Hauptstr, Hauptstrasse and Hauptstraße; Dorpsstraat.
std::string without_ending(std::string word) {
    for (const std::string_view ending : {"strasse", "straat", "gasse", "gatan", "vagen", "weg", "vej", "str"}) {
        if (word.size() > ending.size() + 3 && word.ends_with(ending)) {
            word.resize(word.size() - ending.size());
            break;
        }
    }
    return word;
}

std::string street_word(std::string word) {
    if (is_ordinal(word)) {
        word.resize(word.size() - 2);
    }
    if (const auto known = ordinals.find(word); known != ordinals.end()) {
        return std::string(known->second);
    }
    return without_ending(std::move(word));
}

}  // namespace

Address parse_address(std::string_view text) {
    Address address;
    std::vector<std::string> words = split_words(text);
    drop_units(words);
    if (words.size() > 2 && words.back().size() == 5 && all_digits(words.back())) {
        address.postal = words.back();
        words.pop_back();
    }
    address.number = take_number(words);
    std::vector<std::string> street;
    for (std::string &word : words) {
        if (!street_noise.contains(word)) {
            street.push_back(street_word(std::move(word)));
        }
    }
    if (street.empty() && !words.empty()) {
        street.push_back(words.front());
    }
    address.street = join_words(street);
    return address;
}

std::string postal_key(std::string_view postal) {
    std::string key;
    for (const std::string &word : split_words(postal)) {
        key += word;
    }
    if (key.size() == 9 && all_digits(key)) {
        key.resize(5);
    }
    return key;
}

}  // namespace xsell::core
