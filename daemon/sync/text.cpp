#include "sync/text.hpp"

#include <simdjson.h>

#include <cstdint>
#include <cstring>

namespace xsell::sync {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

// Length of the valid UTF-8 character at the start of `text` (not empty), or 0.
std::size_t character(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xC2 && first <= 0xDF   ? 2
                               : (first & 0xF0) == 0xE0         ? 3
                               : first >= 0xF0 && first <= 0xF4 ? 4
                                                                : 0;
    if (length == 0 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0) != 0x80) return 0;
    }
    // Overlong forms, UTF-16 surrogates and what lies beyond U+10FFFF.
    if ((first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) > 0x9F)) return 0;
    if ((first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) > 0x8F)) return 0;
    return length;
}

// The value of the \uXXXX escape at the start of `text`, or -1.
int escape(std::string_view text) {
    if (text.size() < 6 || text[0] != '\\' || text[1] != 'u') return -1;
    int value = 0;
    for (std::size_t i = 2; i < 6; ++i) {
        const char c = text[i];
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;
        if (digit < 0) return -1;
        value = value * 16 + digit;
    }
    return value;
}

// Copies the escape sequence at the start of `json`, mended; returns how many bytes it took.
std::size_t copy_escape(std::string_view json, Cleaned &out) {
    const int value = escape(json);
    if (value < 0) {  // an escape of one character; the character itself may still be part of broken UTF-8
        const bool plain =
            json.size() > 1 && static_cast<unsigned char>(json[1]) >= 0x20 && static_cast<unsigned char>(json[1]) < 0x80;
        out.text.append(json.substr(0, plain ? 2 : 1));
        return plain ? 2 : 1;
    }
    const bool high = value >= 0xD800 && value <= 0xDBFF, low = value >= 0xDC00 && value <= 0xDFFF;
    if (high) {
        const int next = escape(json.substr(6));
        if (next >= 0xDC00 && next <= 0xDFFF) {
            out.text.append(json.substr(0, 12));
            return 12;
        }
    }
    if (value == 0 || high || low) {
        out.text += "\\ufffd";
        out.repaired = true;
    } else {
        out.text.append(json.substr(0, 6));
    }
    return 6;
}

}  // namespace

bool is_utf8(std::string_view bytes) { return simdjson::validate_utf8(bytes.data(), bytes.size()); }

Cleaned clean_text(std::string_view bytes) {
    Cleaned out;
    if (is_utf8(bytes) && bytes.find('\0') == std::string_view::npos) {
        out.text = bytes;
        return out;
    }
    out.repaired = true;
    out.text.reserve(bytes.size() + 16);
    for (std::size_t i = 0; i < bytes.size();) {
        const std::size_t length = bytes[i] == '\0' ? 0 : character(bytes.substr(i));
        out.text.append(length ? bytes.substr(i, length) : replacement);
        i += length ? length : 1;
    }
    return out;
}

Cleaned clean_json(std::string_view json) {
    Cleaned out;
    const bool clean = is_utf8(json) && json.find('\0') == std::string_view::npos;
    if (clean && json.find("\\u") == std::string_view::npos) {
        out.text = json;
        return out;
    }
    const Cleaned bytes = clean ? Cleaned{std::string(json), false} : clean_text(json);
    const std::string_view text = bytes.text;
    out.repaired = bytes.repaired;
    out.text.reserve(text.size() + 16);
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t stop = std::min(text.find('\\', i), text.size());
        out.text.append(text.substr(i, stop - i));
        i = stop;
        if (i < text.size()) i += copy_escape(text.substr(i), out);
    }
    return out;
}

std::string cut(std::string_view utf8, std::size_t limit) {
    if (utf8.size() <= limit) return std::string(utf8);
    std::size_t end = limit;
    while (end > 0 && (static_cast<unsigned char>(utf8[end]) & 0xC0) == 0x80) --end;
    return std::string(utf8.substr(0, end));
}

std::string payload(std::string_view bytes) { return cut(clean_text(bytes.substr(0, payload_limit)).text, payload_limit); }

std::string latin1_to_utf8(std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size() + bytes.size() / 8);
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x80) {
            out += c;
        } else {
            out += static_cast<char>(0xC0 | (byte >> 6));
            out += static_cast<char>(0x80 | (byte & 0x3F));
        }
    }
    return out;
}

void append_json_string(std::string &out, std::string_view text) {
    static constexpr char hex[] = "0123456789abcdef";
    out += '"';
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte >= 0x20) {
            out += c;
        } else if (c == '\n') {
            out += "\\n";
        } else if (c == '\r') {
            out += "\\r";
        } else if (c == '\t') {
            out += "\\t";
        } else {
            out += "\\u00";
            out += hex[byte >> 4];
            out += hex[byte & 15];
        }
    }
    out += '"';
}

std::string lower_ascii(std::string_view text) {
    std::string out(text);
    for (char &c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    }
    return out;
}

std::string_view trim(std::string_view text) {
    constexpr std::string_view space = " \t\r\n\f\v";
    const std::size_t from = text.find_first_not_of(space);
    if (from == std::string_view::npos) return {};
    return text.substr(from, text.find_last_not_of(space) - from + 1);
}

}  // namespace xsell::sync
