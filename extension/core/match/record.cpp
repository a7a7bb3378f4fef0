#include "core/match/record.hpp"

#include <algorithm>
#include <charconv>
#include <unordered_set>

#include "core/match/address.hpp"
#include "core/match/country.hpp"
#include "core/match/name.hpp"

namespace xsell::core {
namespace {

const std::unordered_set<std::string_view> placeholders{
    "unknown",      "none",           "na",        "n a",      "nil",        "null",    "test",    "not available",
    "not provided", "not applicable", "account",   "customer", "tbd",        "tba",     "no name", "xxx",
    "new account",  "company",        "unbekannt", "inconnu",  "individual", "private", "self",    "anonymous"};

const std::unordered_set<std::string_view> titles{"mr",   "mrs", "ms",  "miss", "dr", "prof",   "herr",
                                                  "frau", "mme", "sir", "jr",   "sr", "family", "familie"};

// Words that half of all companies have: they tell no two apart.
const std::unordered_set<std::string_view> common_words{"and",
                                                        "the",
                                                        "of",
                                                        "for",
                                                        "in",
                                                        "at",
                                                        "de",
                                                        "la",
                                                        "international",
                                                        "national",
                                                        "global",
                                                        "american",
                                                        "technology",
                                                        "systems",
                                                        "services",
                                                        "solutions",
                                                        "manufacturing",
                                                        "management",
                                                        "associates",
                                                        "industries",
                                                        "consulting",
                                                        "engineering",
                                                        "laboratories",
                                                        "communications",
                                                        "distribution",
                                                        "insurance",
                                                        "financial",
                                                        "finance",
                                                        "logistics",
                                                        "development",
                                                        "products",
                                                        "partners",
                                                        "enterprises",
                                                        "center",
                                                        "group",
                                                        "company",
                                                        "school",
                                                        "church",
                                                        "college",
                                                        "university",
                                                        "hospital",
                                                        "clinic",
                                                        "medical",
                                                        "health",
                                                        "healthcare",
                                                        "care",
                                                        "child",
                                                        "children",
                                                        "childcare",
                                                        "day",
                                                        "daycare",
                                                        "learning",
                                                        "academy",
                                                        "preschool",
                                                        "education",
                                                        "educational",
                                                        "community",
                                                        "public",
                                                        "club",
                                                        "house",
                                                        "home",
                                                        "foundation",
                                                        "association",
                                                        "society",
                                                        "institute",
                                                        "bank",
                                                        "capital",
                                                        "trading",
                                                        "trade",
                                                        "import",
                                                        "export",
                                                        "marketing",
                                                        "media",
                                                        "digital",
                                                        "software",
                                                        "data",
                                                        "design",
                                                        "studio",
                                                        "energy",
                                                        "power",
                                                        "electric",
                                                        "construction",
                                                        "building",
                                                        "real",
                                                        "estate",
                                                        "properties",
                                                        "property",
                                                        "hotel",
                                                        "restaurant",
                                                        "travel",
                                                        "transport",
                                                        "transportation",
                                                        "auto",
                                                        "motors",
                                                        "foods",
                                                        "food",
                                                        "retail",
                                                        "store",
                                                        "shop",
                                                        "city",
                                                        "north",
                                                        "south",
                                                        "east",
                                                        "west",
                                                        "central",
                                                        "usa",
                                                        "us",
                                                        "uk",
                                                        "europe",
                                                        "america",
                                                        "first",
                                                        "united",
                                                        "general",
                                                        "advanced",
                                                        "early",
                                                        "program",
                                                        "site",
                                                        "main",
                                                        "family",
                                                        "department",
                                                        "office",
                                                        "agency",
                                                        "law",
                                                        "legal",
                                                        "holdings",
                                                        "ventures",
                                                        "investments",
                                                        "security",
                                                        "supply",
                                                        "equipment",
                                                        "tools",
                                                        "works",
                                                        "werke",
                                                        "inc",
                                                        "llc",
                                                        "nursery",
                                                        "kids",
                                                        "youth",
                                                        "head",
                                                        "start",
                                                        "infant",
                                                        "toddler",
                                                        "elementary",
                                                        "high"};

double word_weight(const std::string &word) {
    if (common_words.contains(word)) {
        return 0.3;
    }
    return word.size() <= 2 ? 0.5 : 1;
}

std::string person_name(const std::string &name) {
    std::vector<std::string> words = split_words(name);
    std::erase_if(words, [](const std::string &word) { return titles.contains(word); });
    return join_words(words);
}

// Digits that may identify somebody: not too few, not 0000000 and the like, without a leading 00 or 0.
std::string phone_digits(const std::string &phone) {
    std::string digits;
    for (const char c : phone) {
        if (c >= '0' && c <= '9') {
            digits += c;
        }
    }
    digits.erase(0, digits.find_first_not_of('0'));
    const bool varied = digits.size() >= 7 && digits.find_first_not_of(digits.back(), digits.size() - 7) != std::string::npos;
    return varied && !digits.ends_with("1234567") && !digits.ends_with("7654321") ? digits : std::string();
}

std::string site_of(const std::string &domain) { return domain.substr(0, domain.find('.')); }

std::string compact(const std::string &text) {
    std::string letters;
    std::copy_if(text.begin(), text.end(), std::back_inserter(letters), [](char c) { return c != ' '; });
    return letters;
}

// The consonants, doubles once: what typing errors in vowels leave alone.
std::string skeleton(const std::string &text) {
    std::string bones;
    for (const char c : text) {
        if (c == ' ' || std::string_view("aeiouy").find(c) != std::string_view::npos || (!bones.empty() && bones.back() == c)) {
            continue;
        }
        bones += c == 'z' ? 's' : c == 'c' || c == 'q' ? 'k' : c == 'w' ? 'v' : c;
    }
    return bones;
}

class Keys {
  public:
    explicit Keys(const Record &record) : kind_(record.text[kind]) {}

    void add(char what, std::initializer_list<std::string_view> parts) {
        std::uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
        const auto mix = [&](std::string_view text) {
            for (const char c : text) {
                hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
            }
            hash = (hash ^ 0x1Fu) * 0x100000001b3u;
        };
        mix(kind_);
        mix({&what, 1});
        for (const std::string_view part : parts) {
            if (part.empty()) {
                return;
            }
            mix(part);
        }
        hash ^= hash >> 32;
        const bool strong = std::string_view("NMPHgdbB").find(what) != std::string_view::npos;
        keys_.push_back(static_cast<std::int64_t>((hash & ~std::uint64_t{1}) | strong));
    }

    std::vector<std::int64_t> take() {
        std::sort(keys_.begin(), keys_.end());
        keys_.erase(std::unique(keys_.begin(), keys_.end()), keys_.end());
        return std::move(keys_);
    }

  private:
    const std::string &kind_;
    std::vector<std::int64_t> keys_;
};

std::string sorted_name(const Record &record) {
    std::vector<std::string> words = record.words;
    std::sort(words.begin(), words.end());
    return join_words(words);
}

void name_keys(const Record &record, Keys &keys) {
    const RecordTexts &t = record.text;
    const std::string together = compact(t[name]);
    if (together.empty()) {
        return;
    }
    const std::string area = t[postal].substr(0, 3);
    const std::string bones = skeleton(t[name]);
    keys.add('n', {sorted_name(record)});
    keys.add('N', {sorted_name(record), t[country]});
    keys.add('M', {sorted_name(record), t[city].empty() ? t[postal] : t[city]});
    keys.add('c', {together.substr(0, 10)});
    keys.add('s', {bones.size() < 4 ? std::string() : bones.substr(0, 9)});
    keys.add('z', {t[postal], together.substr(0, 3)});
    keys.add('a', {record.words.front().substr(0, 4), t[house_number], t[street].substr(0, 3)});
    std::size_t told = 0;
    for (std::size_t i = 0; i < record.words.size() && told < 4; ++i) {
        if (record.weight[i] >= 1 && record.words[i].size() >= 4) {
            keys.add('t', {record.words[i]});
            keys.add('T', {record.words[i], area});
            keys.add('V', {record.words[i], t[city]});
            ++told;
        }
    }
    if (together == record.site || record.words.front().size() >= 4) {
        keys.add('D', {t[domain], record.words.front().substr(0, 4)});
    }
}

void place_keys(const Record &record, Keys &keys) {
    const RecordTexts &t = record.text;
    const std::string first = t[street].substr(0, t[street].find(' '));
    keys.add('h', {t[house_number], first});
    keys.add('H', {t[house_number], first, t[postal].empty() ? t[city] : t[postal]});
    if (t[phone].size() >= 7) {
        keys.add('p', {std::string_view(t[phone]).substr(t[phone].size() - 7)});
        keys.add('P', {t[phone]});
    }
    keys.add('g', {t[registration]});
    keys.add('d', {t[domain]});
    keys.add('w', {record.site.size() < 4 ? std::string() : record.site});
}

void person_keys(const Record &record, Keys &keys) {
    const RecordTexts &t = record.text;
    keys.add('b', {t[birth_date]});
    keys.add('B', {t[birth_date], t[postal]});
    for (std::size_t i = 0; i < record.words.size() && i < 4; ++i) {
        const std::string bones = record.words[i].substr(0, 1) + skeleton(record.words[i].substr(1));
        keys.add('x', {t[birth_date], bones});
        keys.add('y', {t[postal], bones});
        keys.add('q', {t[house_number], bones});
        for (std::size_t j = i + 1; j < record.words.size() && j < 4; ++j) {
            const std::string other = record.words[j].substr(0, 1) + skeleton(record.words[j].substr(1));
            keys.add('r', {std::min(bones, other), std::max(bones, other)});
        }
    }
}

}  // namespace

RecordTexts prepare(const RecordInput &input) {
    RecordTexts t;
    const bool company = input.kind == "company";
    t[kind] = input.kind;
    t[name] = company ? normalize_name(input.name) : person_name(input.name);
    if (split_words(t[name]).empty() || placeholders.contains(t[name])) {
        t[name].clear();
    }
    t[domain] = company ? input.domain : std::string();
    t[phone] = phone_digits(input.phone);
    Address address = parse_address(input.street);
    t[house_number] = std::move(address.number);
    t[street] = std::move(address.street);
    t[postal] = postal_key(input.postal);
    if (t[postal].empty()) {
        t[postal] = std::move(address.postal);
    }
    t[city] = join_words(split_words(input.city));
    t[country] = country_key(input.country);
    t[birth_date] = compact(join_words(split_words(input.birth_date)));
    t[registration] = compact(join_words(split_words(input.registration)));
    t[industry] = join_words(split_words(input.industry));
    if (input.employees > 0) {
        t[employees] = std::to_string(static_cast<std::int64_t>(std::min(input.employees, 1e15)));
    }
    return t;
}

Record parse_record(RecordTexts texts) {
    Record record;
    record.text = std::move(texts);
    record.company = record.text[kind] == "company";
    record.words = split_words(record.text[name]);
    for (const std::string &word : record.words) {
        const bool place = word == record.text[city] || word == record.text[country];
        record.weight.push_back(place ? 0.3 : record.company ? word_weight(word) : 1);
        record.total_weight += record.weight.back();
    }
    record.site = site_of(record.text[domain]);
    const std::string &staff = record.text[employees];
    std::int64_t count = 0;
    std::from_chars(staff.data(), staff.data() + staff.size(), count);
    record.employees = static_cast<double>(count);
    return record;
}

std::vector<std::int64_t> blocking_keys(const Record &record) {
    Keys keys(record);
    name_keys(record, keys);
    place_keys(record, keys);
    if (!record.company) {
        person_keys(record, keys);
    }
    return keys.take();
}

}  // namespace xsell::core
