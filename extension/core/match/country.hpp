// Countries as people type them, brought to one key each.
#pragma once
#include <string>
#include <string_view>

namespace xsell::core {

// ISO 3166 alpha-2 in lower case where the spelling is known, else the folded text itself.
std::string country_key(std::string_view country);

}  // namespace xsell::core
