// Normal forms of what people type: registrable domain, telephone number, e-mail address.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace xsell::connectors {

// "https://www.Acme.co.uk/x" or "Kim@mail.acme.co.uk" -> "acme.co.uk" by the public suffix list; nothing for a bare suffix or an
// address in numbers.
std::optional<std::string> registrable_domain(std::string_view website_or_email);

// Digits with a leading + where the source has one ("00" counts as +); nothing with fewer than five digits.
std::optional<std::string> phone(std::string_view text);

// Lower case; nothing when it has no @.
std::optional<std::string> email(std::string_view text);

}  // namespace xsell::connectors
