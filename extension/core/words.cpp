#include "core/words.hpp"

#include <algorithm>

namespace xsell::core {

std::string first_words(std::string_view text, std::size_t count) {
    constexpr std::string_view space = " \t\n\r\f\v";
    std::string words;
    std::size_t taken = 0;
    for (std::size_t at = text.find_first_not_of(space); at != std::string_view::npos; at = text.find_first_not_of(space, at)) {
        if (taken == count) {
            return words + "...";
        }
        const std::size_t end = std::min(text.find_first_of(space, at), text.size());
        if (taken++ > 0) {
            words += ' ';
        }
        words += text.substr(at, end - at);
        at = end;
    }
    return words;
}

}  // namespace xsell::core
