#include "http/address.hpp"

#include <algorithm>
#include <charconv>

#include "http/error.hpp"

namespace xsell::http {
namespace {

std::string lower(std::string_view text) {
    std::string result(text);
    for (char &c : result) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    }
    return result;
}

// The rest is never shown whole: a query may hold something that does not belong into a log.
[[noreturn]] void refuse(std::string_view url, const char *why) {
    throw Error(Failure::refused, "address '" + std::string(url.substr(0, url.find_first_of("?#"))) + "' " + why);
}

bool ends_with_domain(std::string_view host, std::string_view domain) {
    if (host == domain) return true;
    return host.size() > domain.size() && host.ends_with(domain) && host[host.size() - domain.size() - 1] == '.';
}

int parse_port(std::string_view text, std::string_view url) {
    int port = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || stop != text.data() + text.size() || port < 1 || port > 65535) refuse(url, "has no valid port");
    return port;
}

bool clean_host(std::string_view host, bool bracketed) {
    constexpr std::size_t longest = 253;
    if (host.empty() || host.size() > longest || host.front() == '.' || host.back() == '.' || host.find("..") != host.npos)
        return false;
    return std::all_of(host.begin(), host.end(), [bracketed](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_' || (bracketed && c == ':');
    });
}

}  // namespace

Address parse_address(const std::string &url) {
    const auto bad = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\\' || c == 0x7f; };
    if (std::any_of(url.begin(), url.end(), bad)) refuse(url, "holds a space or a control character");
    Address address;
    std::string_view rest = url;
    const std::size_t colon = rest.find("://");
    if (colon != std::string_view::npos) address.scheme = lower(rest.substr(0, colon));
    if (address.scheme != "http" && address.scheme != "https") refuse(url, "is neither http nor https");
    rest.remove_prefix(colon + 3);
    std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
    rest.remove_prefix(authority.size());
    if (authority.find('@') != std::string_view::npos)
        throw Error(Failure::refused, "an address must not hold a user name or password");
    const bool bracketed = authority.starts_with('[');
    if (bracketed && authority.find(']') == std::string_view::npos) refuse(url, "has no valid host");
    std::string_view host = authority.substr(0, bracketed ? authority.find(']') : authority.find(':'));
    std::string_view after = authority.substr(std::min(authority.size(), host.size() + (bracketed ? 1 : 0)));
    if (bracketed) host.remove_prefix(1);
    address.host = lower(host);
    if (address.host.ends_with('.')) address.host.pop_back();
    if (!clean_host(address.host, bracketed) || (!after.empty() && after[0] != ':')) refuse(url, "has no valid host");
    address.port = after.empty() ? (address.scheme == "https" ? 443 : 80) : parse_port(after.substr(1), url);
    rest = rest.substr(0, rest.find('#'));
    address.target = rest.starts_with('/') ? std::string(rest) : "/" + std::string(rest);
    return address;
}

std::string Address::origin() const {
    const bool six = host.find(':') != std::string::npos;
    return scheme + "://" + (six ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

bool is_loopback(std::string_view host) {
    if (host == "localhost" || host == "::1") return true;
    if (!host.starts_with("127.")) return false;
    return std::count(host.begin(), host.end(), '.') == 3 &&
           std::all_of(host.begin(), host.end(), [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
}

std::string encode(std::string_view text) {
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string result;
    result.reserve(text.size() * 3 / 2);
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                           c == '.' || c == '~';
        if (plain) {
            result += c;
        } else {
            result += {'%', digits[byte >> 4], digits[byte & 15]};
        }
    }
    return result;
}

std::string encode_form(const std::vector<std::pair<std::string, std::string>> &fields) {
    std::string result;
    for (const auto &[name, value] : fields) result += (result.empty() ? "" : "&") + encode(name) + "=" + encode(value);
    return result;
}

std::string encode_base64(std::string_view bytes) {
    static constexpr char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string result;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        unsigned block = 0;
        for (std::size_t j = 0; j < 3; ++j)
            block = block << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0u);
        for (std::size_t j = 0; j < 4; ++j) result += i + j > bytes.size() ? '=' : letters[block >> (18 - 6 * j) & 63];
    }
    return result;
}

void Trust::add(const std::string &url) { origins_.push_back(parse_address(url)); }

void Trust::check(const Address &address) const {
    if (address.scheme == "http" && !is_loopback(address.host)) {
        throw Error(Failure::refused,
                    "plain http to " + address.host + " is refused: it is accepted for loopback addresses only");
    }
    for (const auto &origin : origins_) {
        if (origin.same_origin(address)) return;
    }
    for (const auto &suffix : suffixes_) {
        if (address.scheme == "https" && address.port == 443 && ends_with_domain(address.host, suffix)) return;
    }
    throw Error(Failure::refused,
                "host " + address.host + " is neither configured nor the vendor's: no credentials are sent there");
}

}  // namespace xsell::http
