#include "core/match/pair_features.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/match/fold.hpp"
#include "core/match/name.hpp"

namespace xsell::core {
namespace {

constexpr std::size_t longest_compared = 128;

constexpr std::array<std::string_view, pair_features> feature_names{
    "domain_exact_match", "domain_similarity", "name_exact_match", "name_jaro_winkler",  "name_levenshtein",
    "name_jaccard",       "same_country",      "same_industry",    "size_ratio",         "name_trigram",
    "name_overlap",       "name_dice",         "name_common",      "name_initials",      "address_trigram",
    "same_street",        "same_house_number", "same_postal_code", "near_postal_code",   "same_city",
    "same_phone",         "same_birth_date",   "near_birth_date",  "same_registration",  "same_site",
    "site_in_name",       "other_domain",      "other_phone",      "other_house_number", "other_postal_code",
    "other_city",         "other_country",     "other_birth_date", "other_registration", "name_evidence",
    "name_and_address",   "name_and_phone"};
static_assert(!feature_names.back().empty());

std::vector<std::uint32_t> trigrams(std::string_view text) {
    std::vector<std::uint32_t> all;
    text = text.substr(0, 4 * longest_compared);
    std::size_t begin = 0;
    while (begin < text.size()) {
        std::size_t end = std::min(text.find(' ', begin), text.size());
        std::uint32_t gram = ' ' << 8 | ' ';
        for (std::size_t i = begin; i <= end; ++i) {
            gram = (gram << 8 | (i < end ? static_cast<unsigned char>(text[i]) : ' ')) & 0xFFFFFF;
            all.push_back(gram);
        }
        begin = end + 1;
    }
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
}

struct Overlap {
    double common = 0;   // weight of the words that both have, spelling errors forgiven
    double smaller = 0;  // weight of the shorter name
    double both = 0;
    double jaccard = 0;
};

bool numbered(const std::string &word) {
    return std::any_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Store 101 is not store 102, however alike they look: both names have words with digits, and none of them is the same.
bool other_numbers(const Record &a, const Record &b) {
    const auto in = [](const Record &record, const std::string &word) {
        return std::find(record.words.begin(), record.words.end(), word) != record.words.end();
    };
    return std::any_of(a.words.begin(), a.words.end(), numbered) && std::any_of(b.words.begin(), b.words.end(), numbered) &&
           std::none_of(a.words.begin(), a.words.end(), [&](const auto &word) { return numbered(word) && in(b, word); });
}

bool alike(const std::string &a, const std::string &b, bool company) {
    if (a == b) {
        return true;
    }
    if (numbered(a) || numbered(b)) {
        return false;
    }
    const std::size_t shorter = std::min(a.size(), b.size());
    if (!company) {
        return (shorter == 1 && a[0] == b[0]) || (shorter >= 3 && jaro_winkler(a, b) >= 0.85);
    }
    return shorter >= 4 && a[0] == b[0] && jaro_winkler(a, b) >= 0.9;
}

Overlap overlap(const Record &a, const Record &b) {
    Overlap found;
    std::vector<bool> used(b.words.size());
    const auto pass = [&](bool exact, std::vector<bool> &done) {
        for (std::size_t i = 0; i < a.words.size(); ++i) {
            for (std::size_t j = 0; j < b.words.size() && !done[i]; ++j) {
                if (!used[j] && (exact ? a.words[i] == b.words[j] : alike(a.words[i], b.words[j], a.company))) {
                    used[j] = done[i] = true;
                    found.common += std::min(a.weight[i], b.weight[j]) * (exact ? 1 : 0.9);
                }
            }
        }
    };
    std::vector<bool> done(a.words.size());
    pass(true, done);
    pass(false, done);
    found.smaller = std::min(a.total_weight, b.total_weight);
    found.both = a.total_weight + b.total_weight;
    return found;
}

// Over words of more than two letters, as the older platform has it; 0 where neither has any.
double jaccard(const Record &a, const Record &b) {
    const auto long_words = [](const Record &record) {
        std::vector<std::string> words;
        std::copy_if(record.words.begin(), record.words.end(), std::back_inserter(words),
                     [](const auto &w) { return w.size() > 2; });
        std::sort(words.begin(), words.end());
        words.erase(std::unique(words.begin(), words.end()), words.end());
        return words;
    };
    const auto x = long_words(a);
    const auto y = long_words(b);
    std::vector<std::string> common;
    std::set_intersection(x.begin(), x.end(), y.begin(), y.end(), std::back_inserter(common));
    const std::size_t all = x.size() + y.size() - common.size();
    return all == 0 ? 0 : static_cast<double>(common.size()) / static_cast<double>(all);
}

bool initials_of(const Record &shorter, const Record &longer) {
    if (shorter.words.size() != 1 || longer.words.size() < 3) {
        return false;
    }
    std::string all;
    std::string telling;  // IBM leaves no word out, USDA the 'of'
    for (const std::string &word : longer.words) {
        all += word[0];
        if (word != "of" && word != "and" && word != "the" && word != "for") {
            telling += word[0];
        }
    }
    return shorter.words[0] == all || shorter.words[0] == telling;
}

std::string compact(const std::string &text) {
    std::string letters;
    std::copy_if(text.begin(), text.end(), std::back_inserter(letters), [](char c) { return c != ' ' && c != '-'; });
    return letters;
}

bool names_site(const Record &a, const Record &b) {
    const std::string site = compact(a.site);
    return site.size() >= 4 &&
           (compact(b.text[name]) == site || (b.words.size() > 0 && b.words[0].size() >= 5 && b.words[0] == site));
}

double same(const std::string &a, const std::string &b) { return !a.empty() && a == b; }
double other(const std::string &a, const std::string &b) { return !a.empty() && !b.empty() && a != b; }

// A number without its area code agrees with the one that has it.
double phone_agreement(const std::string &a, const std::string &b) {
    const std::size_t shorter = std::min(a.size(), b.size());
    if (shorter < 7) {
        return 0;
    }
    std::size_t common = 0;
    while (common < shorter && a[a.size() - 1 - common] == b[b.size() - 1 - common]) {
        ++common;
    }
    return common >= 9 || common == shorter ? 1 : 0;
}

// One sign of two codes differs, or all the signs are there in another order.
double near_code(const std::string &a, const std::string &b) {
    if (a.size() != b.size() || a.size() < 4 || a == b) {
        return 0;
    }
    std::size_t differ = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        differ += a[i] != b[i];
    }
    std::string x = a;
    std::string y = b;
    std::sort(x.begin(), x.end());
    std::sort(y.begin(), y.end());
    return differ == 1 || (x == y && differ <= 4) ? 1 : 0;
}

double street_similarity(const std::string &a, const std::string &b) {
    if (a.empty() || b.empty()) {
        return 0;
    }
    if (a == b) {
        return 1;
    }
    const std::string_view first = std::string_view(a).substr(0, a.find(' '));
    const std::string_view second = std::string_view(b).substr(0, b.find(' '));
    const bool begin_alike = first == second && (a.size() == first.size() || b.size() == second.size());
    const double close = std::max(jaro_winkler(a, b), levenshtein_similarity(compact(a), compact(b)));
    const bool digits = first[0] <= '9' || second[0] <= '9';  // 51st is not 57th
    if (digits && first != second) {
        return 0;
    }
    if (begin_alike) {
        return std::max(0.95, close);
    }
    // A kind of street that is misspelt stays behind as a word.
    const std::size_t shorter = std::min(a.size(), b.size());
    const bool continued =
        shorter >= 6 && levenshtein_similarity(compact(a).substr(0, shorter), compact(b).substr(0, shorter)) >= 0.85;
    return continued ? std::max(0.9, close) : close;
}

void compare_names(const Record &a, const Record &b, PairFeatures &f) {
    const std::string &x = a.text[name];
    const std::string &y = b.text[name];
    if (x.empty() || y.empty()) {
        return;
    }
    f[name_exact_match] = x == y;
    f[name_jaro_winkler] = jaro_winkler(x, y);
    f[name_levenshtein] = levenshtein_similarity(x, y);
    f[name_jaccard] = jaccard(a, b);
    f[name_trigram] = trigram_similarity(x, y);
    const Overlap words = overlap(a, b);
    f[name_overlap] = words.smaller > 0 ? words.common / words.smaller : 0;
    f[name_dice] = words.both > 0 ? 2 * words.common / words.both : 0;
    f[name_common] = std::min(words.common, 3.0) / 3;
    f[name_initials] = initials_of(a, b) || initials_of(b, a);
    const double together = compact(x) == compact(y) ? 1 : levenshtein_similarity(compact(x), compact(y));
    // What is all of the shorter name counts by how much of it there is.
    const double telling = std::min(1.0, words.common / 2);
    double evidence = std::max({f[name_dice], together >= 0.8 ? together : 0, 0.5 * f[name_trigram] + 0.5 * f[name_dice]});
    evidence = std::max(evidence, f[name_overlap] * (0.6 + 0.3 * telling));
    evidence = std::max(evidence, 0.85 * f[name_initials]);
    f[name_evidence] = other_numbers(a, b) ? std::min(evidence, 0.4) : std::min(evidence, 1.0);
}

void compare_places(const Record &a, const Record &b, PairFeatures &f) {
    const RecordTexts &x = a.text;
    const RecordTexts &y = b.text;
    f[same_street] = street_similarity(x[street], y[street]);
    f[same_house_number] = same(x[house_number], y[house_number]);
    f[other_house_number] = other(x[house_number], y[house_number]);
    const std::string here = x[house_number] + ' ' + x[street];
    const std::string there = y[house_number] + ' ' + y[street];
    f[address_trigram] = x[street].empty() || y[street].empty() ? 0 : trigram_similarity(here, there);
    f[same_postal_code] = same(x[postal], y[postal]);
    f[near_postal_code] = near_code(x[postal], y[postal]);
    f[other_postal_code] = other(x[postal], y[postal]) > 0 && f[near_postal_code] == 0;
    f[same_city] = x[city].empty() || y[city].empty() ? 0 : jaro_winkler(x[city], y[city]) >= 0.9;
    f[other_city] = other(x[city], y[city]) > 0 && f[same_city] == 0;
    f[same_country] = same(x[country], y[country]);
    f[other_country] = other(x[country], y[country]);
}

void compare_ids(const Record &a, const Record &b, PairFeatures &f) {
    const RecordTexts &x = a.text;
    const RecordTexts &y = b.text;
    f[domain_exact_match] = same(x[domain], y[domain]);
    f[domain_similarity] = x[domain].empty() || y[domain].empty() ? 0 : jaro_winkler(x[domain], y[domain]);
    f[same_site] = a.site.size() >= 3 && a.site == b.site;
    f[other_domain] = other(x[domain], y[domain]) > 0 && f[same_site] == 0;
    f[site_in_name] = (x[domain].empty() || y[domain].empty()) && (names_site(a, b) || names_site(b, a));
    f[same_phone] = phone_agreement(x[phone], y[phone]);
    f[other_phone] = other(x[phone], y[phone]) > 0 && f[same_phone] == 0;
    f[same_industry] = same(x[industry], y[industry]);
    f[size_ratio] =
        a.employees > 0 && b.employees > 0 ? std::min(a.employees, b.employees) / std::max(a.employees, b.employees) : 0;
    f[same_registration] = same(x[registration], y[registration]);
    f[other_registration] = other(x[registration], y[registration]);
    f[same_birth_date] = same(x[birth_date], y[birth_date]);
    f[near_birth_date] = near_code(x[birth_date], y[birth_date]);
    f[other_birth_date] = other(x[birth_date], y[birth_date]) > 0 && f[near_birth_date] == 0;
}

}  // namespace

std::string_view pair_feature_name(std::size_t feature) { return feature_names.at(feature); }

double trigram_similarity(std::string_view a, std::string_view b) {
    const auto x = trigrams(a);
    const auto y = trigrams(b);
    std::size_t common = 0;
    for (auto i = x.begin(), j = y.begin(); i != x.end() && j != y.end();) {
        if (*i == *j) {
            ++common;
            ++i;
            ++j;
        } else {
            *i < *j ? ++i : ++j;
        }
    }
    const std::size_t all = x.size() + y.size() - common;
    return all == 0 ? 0 : static_cast<double>(common) / static_cast<double>(all);
}

double levenshtein_similarity(std::string_view a, std::string_view b) {
    const auto x = decode_utf8(a, longest_compared);
    const auto y = decode_utf8(b, longest_compared);
    if (x.empty() || y.empty()) {
        return 0;
    }
    std::array<std::uint16_t, longest_compared + 1> row;
    for (std::size_t j = 0; j <= y.size(); ++j) {
        row[j] = static_cast<std::uint16_t>(j);
    }
    for (std::size_t i = 1; i <= x.size(); ++i) {
        std::uint16_t diagonal = row[0];
        row[0] = static_cast<std::uint16_t>(i);
        for (std::size_t j = 1; j <= y.size(); ++j) {
            const std::uint16_t above = row[j];
            const int cheaper = std::min(row[j], row[j - 1]) + 1;
            row[j] = static_cast<std::uint16_t>(std::min(cheaper, diagonal + (x[i - 1] != y[j - 1])));
            diagonal = above;
        }
    }
    return 1 - static_cast<double>(row[y.size()]) / static_cast<double>(std::max(x.size(), y.size()));
}

PairFeatures compare(const Record &a, const Record &b) {
    if (b.text < a.text) {
        return compare(b, a);  // Jaro and the choice among equal words depend on the order
    }
    PairFeatures f{};
    compare_names(a, b, f);
    compare_places(a, b, f);
    compare_ids(a, b, f);
    f[name_and_address] = f[name_evidence] * f[same_street] * f[same_house_number];
    f[name_and_phone] = f[name_evidence] * f[same_phone];
    return f;
}

}  // namespace xsell::core
