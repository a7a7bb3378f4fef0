// Words of a text, for summaries.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace xsell::core {

// The first words, one space apart, with dots where more follow. Any encoding in which white space is that of ASCII.
std::string first_words(std::string_view text, std::size_t count);

}  // namespace xsell::core
