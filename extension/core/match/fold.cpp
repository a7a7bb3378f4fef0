#include "core/match/fold.hpp"

#include <algorithm>
#include <array>

namespace xsell::core {
namespace {

// U+00C0 to U+017F, one entry a code point; '?' marks what the ligature table below handles, ' ' what is no letter.
constexpr std::string_view latin =
    "aaaaaa?ceeeeiiiidnooooo ouuuuy??"   // C0..DF
    "aaaaaa?ceeeeiiiidnooooo ouuuuy?y"   // E0..FF
    "aaaaaaccccccccddddeeeeeeeeeegggg"   // 100..11F
    "gggghhhhiiiiiiiiii??jjkkklllllll"   // 120..13F
    "lllnnnnnn?nnoooooo??rrrrrrssssss"   // 140..15F
    "ssttttttuuuuuuuuuuuuwwyyyzzzzzzs";  // 160..17F
static_assert(latin.size() == 0x180 - 0xC0);

struct Ligature {
    char32_t code;
    std::u32string_view letters;
};
constexpr std::array ligatures{
    Ligature{0xC6, U"ae"},   Ligature{0xE6, U"ae"},   Ligature{0xDE, U"th"},   Ligature{0xFE, U"th"},  Ligature{0xDF, U"ss"},
    Ligature{0x132, U"ij"},  Ligature{0x133, U"ij"},  Ligature{0x149, U"n"},   Ligature{0x152, U"oe"}, Ligature{0x153, U"oe"},
    Ligature{0x1E9E, U"ss"}, Ligature{0xFB01, U"fi"}, Ligature{0xFB02, U"fl"},
};

// U+1E00 to U+1EF9 come in runs of one base letter.
struct Run {
    char32_t last;
    char letter;
};
constexpr std::array latin_additional{
    Run{0x1E01, 'a'}, Run{0x1E07, 'b'}, Run{0x1E09, 'c'}, Run{0x1E13, 'd'}, Run{0x1E1D, 'e'}, Run{0x1E1F, 'f'},
    Run{0x1E21, 'g'}, Run{0x1E2B, 'h'}, Run{0x1E2F, 'i'}, Run{0x1E35, 'k'}, Run{0x1E3D, 'l'}, Run{0x1E43, 'm'},
    Run{0x1E4B, 'n'}, Run{0x1E53, 'o'}, Run{0x1E57, 'p'}, Run{0x1E5F, 'r'}, Run{0x1E69, 's'}, Run{0x1E71, 't'},
    Run{0x1E7B, 'u'}, Run{0x1E7F, 'v'}, Run{0x1E89, 'w'}, Run{0x1E8D, 'x'}, Run{0x1E8F, 'y'}, Run{0x1E95, 'z'},
    Run{0x1E96, 'h'}, Run{0x1E97, 't'}, Run{0x1E98, 'w'}, Run{0x1E99, 'y'}, Run{0x1E9A, 'a'}, Run{0x1E9F, 's'},
    Run{0x1EB7, 'a'}, Run{0x1EC7, 'e'}, Run{0x1ECB, 'i'}, Run{0x1EE3, 'o'}, Run{0x1EF1, 'u'}, Run{0x1EF9, 'y'},
};

// Lower-case Greek from U+03AC and Cyrillic from U+0430 in Latin letters, one entry a code point, as passports and road signs do.
constexpr std::array<std::u32string_view, 35> greek{U"a",  U"e", U"i", U"i",  U"y",  U"a", U"v", U"g", U"d", U"e", U"z", U"i",
                                                    U"th", U"i", U"k", U"l",  U"m",  U"n", U"x", U"o", U"p", U"r", U"s", U"s",
                                                    U"t",  U"y", U"f", U"ch", U"ps", U"o", U"i", U"y", U"o", U"y", U"o"};
constexpr std::array<std::u32string_view, 48> cyrillic{
    U"a", U"b", U"v",  U"g",  U"d",  U"e",  U"zh", U"z",  U"i",  U"y",    U"k",  U"l", U"m",  U"n", U"o",  U"p",
    U"r", U"s", U"t",  U"u",  U"f",  U"kh", U"ts", U"ch", U"sh", U"shch", U"",   U"y", U"",   U"e", U"yu", U"ya",
    U"e", U"e", U"dj", U"gj", U"ye", U"dz", U"i",  U"yi", U"j",  U"lj",   U"nj", U"c", U"kj", U"i", U"u",  U"dz"};

bool transliterate(char32_t c, std::u32string_view &letters) {
    if (c == 0x386 || (c >= 0x388 && c <= 0x38A)) {
        c = c == 0x386 ? 0x3AC : c + 0x25;  // accented Greek capitals stand apart
    } else if (c == 0x38C || c == 0x38E || c == 0x38F) {
        c = c == 0x38C ? 0x3CC : c + 0x3F;
    } else if ((c >= 0x391 && c <= 0x3AB) || (c >= 0x410 && c <= 0x42F)) {
        c += 0x20;
    } else if (c >= 0x400 && c <= 0x40F) {
        c += 0x50;
    }
    if (c >= 0x3AC && c <= 0x3CE) {
        letters = greek[c - 0x3AC];
    } else if (c >= 0x430 && c <= 0x45F) {
        letters = cyrillic[c - 0x430];
    } else if (c == 0x390 || c == 0x3B0) {
        letters = c == 0x390 ? U"i" : U"y";
    } else if (c == 0x490 || c == 0x491) {
        letters = U"g";
    } else {
        return false;
    }
    return true;
}

char32_t lower_other(char32_t c) {
    if (c >= 0xFF01 && c <= 0xFF5E) {  // full-width forms of ASCII
        const char32_t ascii = c - 0xFEE0;
        return ascii >= 'A' && ascii <= 'Z' ? ascii + 32 : ascii;
    }
    return c;
}

// Length of the UTF-8 sequence at `text`, 0 where there is none; the code point goes to `code`.
std::size_t sequence(std::string_view text, char32_t &code) {
    const auto lead = static_cast<unsigned char>(text[0]);
    const std::size_t length = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
    if (length == 0 || length > text.size()) {
        return 0;
    }
    code = length == 1 ? lead : lead & (0x7Fu >> length);
    for (std::size_t i = 1; i < length; ++i) {
        const auto next = static_cast<unsigned char>(text[i]);
        if (next >> 6 != 2) {
            return 0;
        }
        code = code << 6 | (next & 0x3Fu);
    }
    constexpr char32_t lowest[] = {0, 0, 0x80, 0x800, 0x10000};
    return code < lowest[length] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF) ? 0 : length;
}

}  // namespace

std::vector<char32_t> decode_utf8(std::string_view text, std::size_t limit) {
    std::vector<char32_t> codes;
    codes.reserve(std::min(text.size(), limit));
    while (!text.empty() && codes.size() < limit) {
        char32_t code = 0xFFFD;
        const std::size_t length = sequence(text, code);
        codes.push_back(length == 0 ? 0xFFFD : code);
        text.remove_prefix(length == 0 ? 1 : length);
    }
    return codes;
}

void append_utf8(std::string &to, char32_t code) {
    if (code < 0x80) {
        to += static_cast<char>(code);
        return;
    }
    const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    constexpr unsigned char leads[] = {0, 0xC0, 0xE0, 0xF0};
    to += static_cast<char>(leads[more] | (code >> (6 * more)));
    for (int i = more - 1; i >= 0; --i) {
        to += static_cast<char>(0x80 | ((code >> (6 * i)) & 0x3F));
    }
}

std::u32string_view fold(char32_t code, char32_t (&buffer)[1]) {
    if (code >= 0x300 && code <= 0x36F) {
        return {};
    }
    buffer[0] = code;
    if (code < 0x80) {
        buffer[0] = code >= 'A' && code <= 'Z' ? code + 32 : code;
    } else {
        std::u32string_view letters;
        if (transliterate(code, letters)) {
            return letters;
        }
        for (const Ligature &ligature : ligatures) {
            if (ligature.code == code) {
                return ligature.letters;
            }
        }
        if (code >= 0xC0 && code < 0x180) {
            buffer[0] = static_cast<char32_t>(latin[code - 0xC0]);
        } else if (code >= 0x1E00 && code <= 0x1EF9) {
            for (const Run &run : latin_additional) {
                if (code <= run.last) {
                    buffer[0] = static_cast<char32_t>(run.letter);
                    break;
                }
            }
        } else {
            buffer[0] = lower_other(code);
        }
    }
    return {buffer, 1};
}

bool is_letter_or_digit(char32_t c) {
    if (c < 0x80) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    }
    // Beyond ASCII everything that is not known punctuation, blank or mark counts as a letter: scripts are many, signs are few.
    return c != 0xFFFD && c >= 0xAA && c != 0xAB && c != 0xAC && c != 0xAD && c != 0xAE && c != 0xAF &&
           !(c >= 0xB0 && c <= 0xB4) && !(c >= 0xB6 && c <= 0xB9) && !(c >= 0xBB && c <= 0xBF) && c != 0xD7 && c != 0xF7 &&
           !(c >= 0x2000 && c <= 0x206F) && !(c >= 0x20A0 && c <= 0x2BFF) && !(c >= 0x3000 && c <= 0x3004) &&
           !(c >= 0x3008 && c <= 0x3020) && c != 0x30FB && c != 0xFEFF && !(c >= 0xFF01 && c <= 0xFF0F) &&
           !(c >= 0xE000 && c <= 0xF8FF);
}

}  // namespace xsell::core
