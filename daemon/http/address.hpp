// Web addresses: taking them apart, and which of them may be sent credentials.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace xsell::http {

struct Address {
    std::string scheme;          // http or https
    std::string host;            // lower case, without brackets and trailing dot
    int port = 0;                // the scheme's own where the text names none
    std::string target;          // path and query, at least "/"
    std::string origin() const;  // "https://host:443"
    std::string url() const { return origin() + target; }
    bool same_origin(const Address &other) const { return scheme == other.scheme && host == other.host && port == other.port; }
};

// Throws Error (refused) for anything but a clean http or https address; user names in it are refused too.
Address parse_address(const std::string &url);

// 127.0.0.0/8, ::1 and localhost.
bool is_loopback(std::string_view host);

// Percent-encodes everything but unreserved characters.
std::string encode(std::string_view text);
// a=1&b=2, encoded.
std::string encode_form(const std::vector<std::pair<std::string, std::string>> &fields);
std::string encode_base64(std::string_view bytes);

// Where requests, which all carry credentials, may go: configured origins, and https hosts under the vendor's own domains.
class Trust {
  public:
    Trust() = default;
    explicit Trust(std::vector<std::string> vendor_suffixes) : suffixes_(std::move(vendor_suffixes)) {}
    void add(const std::string &url);
    // Throws Error (refused) when the address is not trusted, or is plain http to something else than loopback.
    void check(const Address &address) const;

  private:
    std::vector<Address> origins_;
    std::vector<std::string> suffixes_;
};

}  // namespace xsell::http
