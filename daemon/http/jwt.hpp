// Signed assertions (JWT, RS256) for OAuth's JWT bearer flow.
#pragma once
#include <string>
#include <string_view>

namespace xsell::http {

// Base64 in the alphabet of URLs, without padding.
std::string encode_base64url(std::string_view bytes);

// header.claims.signature. `private_key_pem` is an unencrypted RSA key. Throws std::runtime_error, never naming the key's text.
std::string sign_jwt(const std::string &claims_json, const std::string &private_key_pem);

}  // namespace xsell::http
