#include "connectors/normal.hpp"

#include <libpsl.h>

#include <algorithm>

#include "sync/text.hpp"

namespace xsell::connectors {

std::optional<std::string> registrable_domain(std::string_view website_or_email) {
    std::string_view text = sync::trim(website_or_email);
    if (const std::size_t scheme = text.find("://"); scheme != std::string_view::npos) text.remove_prefix(scheme + 3);
    text = text.substr(0, text.find_first_of("/?# \t"));
    if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) text.remove_prefix(at + 1);
    text = text.substr(0, text.find(':'));
    while (text.ends_with('.')) text.remove_suffix(1);
    if (text.empty() || text.size() > 253) return std::nullopt;
    const bool number = std::all_of(text.begin(), text.end(), [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
    if (number || text.find('.') == std::string_view::npos || text.front() == '[') return std::nullopt;
    const std::string host = sync::lower_ascii(text);
    static const psl_ctx_t *const list = psl_builtin();
    if (!list) return host;
    const char *domain = psl_registrable_domain(list, host.c_str());
    return domain ? std::optional<std::string>(domain) : std::nullopt;
}

std::optional<std::string> phone(std::string_view text) {
    text = sync::trim(text);
    std::string digits;
    for (const char c : text) {
        if (c == 'x' || c == 'X') break;  // an extension
        if (c >= '0' && c <= '9') digits += c;
    }
    if (digits.size() < 5) return std::nullopt;
    if (text.front() == '+') return "+" + digits;
    if (digits.starts_with("00")) return "+" + digits.substr(2);
    return digits;
}

std::optional<std::string> email(std::string_view text) {
    text = sync::trim(text);
    if (text.find('@') == std::string_view::npos) return std::nullopt;
    return sync::lower_ascii(text);
}

}  // namespace xsell::connectors
