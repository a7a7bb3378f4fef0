// Unicode text brought down to comparable letters: what every name comparison starts from.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace xsell::core {

// Code points of a UTF-8 text; each byte that is no UTF-8 becomes U+FFFD. Reads at most `limit` code points: names are short,
// hostile input is not.
std::vector<char32_t> decode_utf8(std::string_view text, std::size_t limit);
void append_utf8(std::string &to, char32_t code);

// One code point in lower case and without accents, Greek and Cyrillic in Latin letters: nothing for a combining mark, several
// letters where one stands for them.
std::u32string_view fold(char32_t code, char32_t (&buffer)[1]);

bool is_letter_or_digit(char32_t folded);

}  // namespace xsell::core
