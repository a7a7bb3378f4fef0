#include "jwt.hpp"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>

#include "base.hpp"

namespace xsell::simulator {
namespace {

bool signature_good(const std::string &signed_text, const std::string &signature, const std::string &public_key) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new_mem_buf(public_key.data(), static_cast<int>(public_key.size())),
                                                        BIO_free);
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr),
                                                                  EVP_PKEY_free);
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    if (!key || EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1) return false;
    return EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char *>(signature.data()), signature.size(),
                            reinterpret_cast<const unsigned char *>(signed_text.data()), signed_text.size()) == 1;
}

}  // namespace

std::string base64_decoded(std::string text) {
    text = replaced(replaced(text, "-", "+"), "_", "/");
    while (!text.empty() && text.back() == '=') text.pop_back();
    const std::size_t size = text.size() * 3 / 4;
    while (text.size() % 4 != 0) text += '=';
    std::string out(text.size(), '\0');
    const int length = EVP_DecodeBlock(reinterpret_cast<unsigned char *>(out.data()),
                                       reinterpret_cast<const unsigned char *>(text.data()), static_cast<int>(text.size()));
    if (length < 0) return "";
    out.resize(size);
    return out;
}

std::string jwt_problem(const std::string &assertion, const std::string &client_id, const std::string &public_key) {
    const auto parts = split(assertion, '.');
    if (parts.size() != 3) return "invalid assertion";
    const auto header = nlohmann::json::parse(base64_decoded(parts[0]), nullptr, false);
    const auto claims = nlohmann::json::parse(base64_decoded(parts[1]), nullptr, false);
    if (!header.is_object() || header.value("alg", "") != "RS256" || !claims.is_object()) return "invalid assertion";
    if (!claims.contains("exp") || !claims["exp"].is_number() || claims.value("sub", "").empty() ||
        claims.value("aud", "").empty())
        return "invalid assertion";
    if (claims.value("iss", "") != client_id) return "client identifier invalid";
    const auto now =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
    const double expires = claims["exp"].get<double>() - static_cast<double>(now);
    if (expires < 0 || expires > 330) return "expired authorization code";
    if (!public_key.empty() && !signature_good(parts[0] + "." + parts[1], base64_decoded(parts[2]), public_key))
        return "invalid assertion signature";
    return "";
}

}  // namespace xsell::simulator
