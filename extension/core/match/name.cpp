#include "core/match/name.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/match/fold.hpp"

namespace xsell::core {
namespace {

constexpr std::size_t longest_name = 1024;     // code points that take part; the rest of a longer text says nothing more
constexpr std::size_t longest_compared = 256;  // Jaro-Winkler is quadratic

// Legal forms, and words that companies add and drop at will; taken off the end only.
const std::unordered_set<std::string_view> legal_forms{
    "inc",          "incorporated", "corp",   "corporation", "co",      "company",   "companies", "llc",
    "llp",          "lllp",         "lp",     "pllc",        "pc",      "ltd",       "limited",   "plc",
    "cic",          "pty",          "pte",    "pvt",         "private", "unlimited", "ulc",       "gmbh",
    "mbh",          "ggmbh",        "ag",     "kg",          "kgaa",    "ohg",       "gbr",       "ug",
    "se",           "ev",           "eg",     "sa",          "sas",     "sasu",      "sarl",      "eurl",
    "snc",          "sci",          "nv",     "bv",          "cv",      "vof",       "bvba",      "cvba",
    "srl",          "spa",          "sl",     "slu",         "sau",     "lda",       "ltda",      "eireli",
    "oy",           "oyj",          "ab",     "hb",          "as",      "asa",       "aps",       "ks",
    "ans",          "ehf",          "hf",     "sp",          "zoo",     "spzoo",     "sro",       "doo",
    "dd",           "dooel",        "kft",    "zrt",         "nyrt",    "bt",        "ooo",       "oao",
    "zao",          "pao",          "ao",     "ood",         "ead",     "eood",      "ad",        "uab",
    "sia",          "ou",           "jsc",    "pjsc",        "ojsc",    "cjsc",      "kk",        "gk",
    "bhd",          "sdn",          "berhad", "tbk",         "pt",      "psc",       "fze",       "fzco",
    "fzc",          "wll",          "saoc",   "sab",         "scrl",    "sca",       "scs",       "kb",
    "group",        "gruppe",       "groupe", "grupo",       "gruppo",  "holding",   "holdings",  "aktiengesellschaft",
    "gesellschaft", "gesmbh",       "ltee",   "cia",         "eirl",    "spol",      "asbl",      "vzw",
    "aisbl",        "stiftung",     "coop",   "sirketi",     "anonim",  "sti",       "epe",       "tov"};

// Where a language puts the form first: OOO Romashka, PT Astra, SIA Latvija.
const std::unordered_set<std::string_view> leading_forms{"ooo", "oao", "zao", "pao", "tov", "pt", "sia", "uab"};

const std::unordered_map<std::string_view, std::string_view> full_words{{"intl", "international"},
                                                                        {"natl", "national"},
                                                                        {"tech", "technology"},
                                                                        {"techs", "technology"},
                                                                        {"technologies", "technology"},
                                                                        {"sys", "systems"},
                                                                        {"system", "systems"},
                                                                        {"svc", "services"},
                                                                        {"svcs", "services"},
                                                                        {"service", "services"},
                                                                        {"mfg", "manufacturing"},
                                                                        {"mgmt", "management"},
                                                                        {"mgt", "management"},
                                                                        {"assoc", "associates"},
                                                                        {"assocs", "associates"},
                                                                        {"bros", "brothers"},
                                                                        {"ind", "industries"},
                                                                        {"inds", "industries"},
                                                                        {"industry", "industries"},
                                                                        {"solution", "solutions"},
                                                                        {"soln", "solutions"},
                                                                        {"solns", "solutions"},
                                                                        {"univ", "university"},
                                                                        {"engg", "engineering"},
                                                                        {"engr", "engineering"},
                                                                        {"labs", "laboratories"},
                                                                        {"lab", "laboratories"},
                                                                        {"comm", "communications"},
                                                                        {"comms", "communications"},
                                                                        {"telecom", "telecommunications"},
                                                                        {"pharma", "pharmaceuticals"},
                                                                        {"pharm", "pharmaceuticals"},
                                                                        {"dist", "distribution"},
                                                                        {"ins", "insurance"},
                                                                        {"fin", "financial"},
                                                                        {"logistic", "logistics"},
                                                                        {"consult", "consulting"},
                                                                        {"dev", "development"},
                                                                        {"prod", "products"},
                                                                        {"product", "products"},
                                                                        {"partner", "partners"},
                                                                        {"enterprise", "enterprises"},
                                                                        {"ctr", "center"},
                                                                        {"centre", "center"},
                                                                        {"grp", "group"},
                                                                        {"und", "and"},
                                                                        {"et", "and"}};

bool is_apostrophe(char32_t c) { return c == '\'' || c == '`' || c == 0x2018 || c == 0x2019 || c == 0xB4 || c == 0x2BC; }

bool is_single_letter(const std::string &word) {
    return !word.empty() &&
           (word.size() == 1 || (static_cast<unsigned char>(word[0]) >= 0x80 && decode_utf8(word, 2).size() == 1));
}

}  // namespace

std::vector<std::string> split_words(std::string_view name) {
    std::vector<std::string> words;
    std::string word;
    const auto end_word = [&] {
        if (!word.empty()) {
            words.push_back(std::move(word));
            word.clear();
        }
    };
    char32_t buffer[1];
    for (const char32_t code : decode_utf8(name, longest_name)) {
        if (is_apostrophe(code)) {
            continue;
        }
        if (code == '&' || code == 0xFF06) {
            end_word();
            words.emplace_back("and");
            continue;
        }
        for (const char32_t letter : fold(code, buffer)) {
            if (is_letter_or_digit(letter)) {
                append_utf8(word, letter);
            } else {
                end_word();
            }
        }
    }
    end_word();
    return words;
}

std::string join_words(const std::vector<std::string> &words) {
    std::string text;
    for (const std::string &word : words) {
        if (!text.empty()) {
            text += ' ';
        }
        text += word;
    }
    return text;
}

namespace {

// 'S.A.', 'S A' and 'A/S' are one word each: neighbouring single letters belong together.
std::vector<std::string> join_initials(const std::vector<std::string> &words) {
    std::vector<std::string> joined;
    bool after_initial = false;
    for (const std::string &word : words) {
        const bool initial = is_single_letter(word);
        if (initial && after_initial) {
            joined.back() += word;
        } else {
            joined.push_back(word);
        }
        after_initial = initial;
    }
    return joined;
}

// What is left when a name has no letter at all: the text itself in lower case, blanks off its ends.
std::string lower_trimmed(std::string_view name) {
    std::string text;
    char32_t buffer[1];
    for (const char32_t code : decode_utf8(name, longest_name)) {
        for (const char32_t letter : fold(code, buffer)) {
            append_utf8(text, letter);
        }
    }
    const auto first = text.find_first_not_of(" \t\r\n\v\f");
    return first == std::string::npos ? std::string() : text.substr(first, text.find_last_not_of(" \t\r\n\v\f") - first + 1);
}

std::vector<std::string> name_words(std::string_view name) {
    std::vector<std::string> words = join_initials(split_words(name));
    for (std::string &word : words) {
        if (const auto full = full_words.find(word); full != full_words.end()) {
            word = full->second;
        }
    }
    std::size_t kept = words.size();
    while (kept > 0 && (legal_forms.contains(words[kept - 1]) || (kept < words.size() && words[kept - 1] == "and"))) {
        --kept;
    }
    if (kept > 0) {
        words.resize(kept);
    }
    if (words.size() > 1 && (words.front() == "the" || leading_forms.contains(words.front()))) {
        words.erase(words.begin());
    }
    return words;
}

double jaro(const std::vector<char32_t> &a, const std::vector<char32_t> &b) {
    const std::size_t reach = std::max<std::size_t>(std::max(a.size(), b.size()) / 2, 1) - 1;
    std::vector<bool> used(b.size());
    std::vector<char32_t> matched;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const std::size_t end = std::min(i + reach + 1, b.size());
        for (std::size_t j = i > reach ? i - reach : 0; j < end; ++j) {
            if (!used[j] && a[i] == b[j]) {
                used[j] = true;
                matched.push_back(a[i]);
                break;
            }
        }
    }
    if (matched.empty()) {
        return 0;
    }
    std::size_t moved = 0;
    for (std::size_t j = 0, k = 0; j < b.size(); ++j) {
        if (used[j]) {
            moved += b[j] != matched[k++];
        }
    }
    const auto m = static_cast<double>(matched.size());
    return (m / static_cast<double>(a.size()) + m / static_cast<double>(b.size()) + (m - static_cast<double>(moved) / 2) / m) / 3;
}

bool continues(const std::vector<std::string> &shorter, const std::vector<std::string> &longer) {
    return shorter.size() < longer.size() && shorter.front().size() > 2 &&
           std::equal(shorter.begin(), shorter.end(), longer.begin());
}

bool is_initials_of(const std::vector<std::string> &shorter, const std::vector<std::string> &longer) {
    if (shorter.size() != 1 || longer.size() < 3 || shorter.front().size() != longer.size()) {
        return false;
    }
    for (std::size_t i = 0; i < longer.size(); ++i) {
        if (shorter.front()[i] != longer[i].front()) {
            return false;
        }
    }
    return true;
}

}  // namespace

std::string normalize_name(std::string_view name) {
    std::string text = join_words(name_words(name));
    return text.empty() ? lower_trimmed(name) : text;
}

std::string compact_name(std::string_view name) {
    std::string text;
    for (const std::string &word : split_words(name)) {
        text += word;
    }
    return text.empty() ? lower_trimmed(name) : text;
}

double jaro_winkler(std::string_view first, std::string_view second) {
    const std::vector<char32_t> a = decode_utf8(first, longest_compared);
    const std::vector<char32_t> b = decode_utf8(second, longest_compared);
    if (a.empty() || b.empty()) {
        return 0;
    }
    const double similarity = jaro(a, b);
    if (similarity <= 0.7) {
        return similarity;  // Winkler: a common beginning says something only about names that are close already
    }
    std::size_t prefix = 0;
    while (prefix < 4 && prefix < a.size() && prefix < b.size() && a[prefix] == b[prefix]) {
        ++prefix;
    }
    return similarity + static_cast<double>(prefix) * 0.1 * (1 - similarity);
}

double name_similarity(std::string_view first, std::string_view second) {
    std::vector<std::string> a = name_words(first);
    std::vector<std::string> b = name_words(second);
    if (a.empty() || b.empty()) {
        return a.empty() && b.empty() ? jaro_winkler(lower_trimmed(first), lower_trimmed(second)) : 0;
    }
    double similarity = jaro_winkler(join_words(a), join_words(b));
    if (continues(a, b) || continues(b, a)) {
        similarity = std::max(similarity, 0.9);
    }
    if (is_initials_of(a, b) || is_initials_of(b, a)) {
        similarity = std::max(similarity, 0.85);
    }
    std::sort(a.begin(), a.end());
    std::sort(b.begin(), b.end());
    return a == b ? std::max(similarity, 0.95) : similarity;
}

}  // namespace xsell::core
