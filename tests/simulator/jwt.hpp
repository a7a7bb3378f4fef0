// Checks of the JWT bearer grant: structure, claims and, with a public key, the RS256 signature.
#pragma once
#include <string>

namespace xsell::simulator {

// "" when the assertion is good, else what is wrong with it. `public_key` is PEM text; "" skips the signature.
std::string jwt_problem(const std::string &assertion, const std::string &client_id, const std::string &public_key);
std::string base64_decoded(std::string text);  // either alphabet, padding optional; "" when it is malformed

}  // namespace xsell::simulator
