// Makes what sources send into text that PostgreSQL's text and jsonb can hold.
#pragma once
#include <string>
#include <string_view>

namespace xsell::sync {

inline constexpr std::size_t payload_limit = 65536;  // bytes of a rejected record that are kept

struct Cleaned {
    std::string text;
    bool repaired = false;  // something was replaced by U+FFFD
};

bool is_utf8(std::string_view bytes);  // valid UTF-8 (a NUL byte counts as valid here)

// NUL bytes and invalid UTF-8 become U+FFFD.
Cleaned clean_text(std::string_view bytes);

// The same for a JSON text, plus \u0000 escapes and lone surrogates, which jsonb refuses. Structure is left untouched.
Cleaned clean_json(std::string_view json);

// At most `limit` bytes, never cutting a character in two.
std::string cut(std::string_view utf8, std::size_t limit);

// For dead letters: cleaned, then cut at 64 KB.
std::string payload(std::string_view bytes);

std::string latin1_to_utf8(std::string_view bytes);

// Appends the text as a JSON string, quotes included. The text must be clean.
void append_json_string(std::string &out, std::string_view text);

std::string lower_ascii(std::string_view text);
std::string_view trim(std::string_view text);  // ASCII white space at both ends

}  // namespace xsell::sync
