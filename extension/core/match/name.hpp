// Company and product names in a form in which two spellings of one name are equal or close.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace xsell::core {

// The words of a text: lower case, accents off, apostrophes dropped, '&' spelt out, split where no letter or digit stands.
std::vector<std::string> split_words(std::string_view text);
std::string join_words(const std::vector<std::string> &words);

// Lower case, accents off, punctuation to blanks, '&' spelt out, abbreviations expanded, legal forms off the end. Never empty
// unless the name holds nothing but blanks: a name made of legal forms alone keeps them.
std::string normalize_name(std::string_view name);

// Letters and digits alone, lower case, accents off: 'GTX Pro' and 'GTXPro' are one product.
std::string compact_name(std::string_view name);

// Jaro-Winkler over code points, 0 to 1; two empty texts are not alike.
double jaro_winkler(std::string_view a, std::string_view b);

// How alike two company names are, 0 to 1: Jaro-Winkler of the normalised names, lifted where the words are the same in another
// order, one name continues the other, or one is the initials of the other.
double name_similarity(std::string_view a, std::string_view b);

}  // namespace xsell::core
