#include "http/jwt.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>
#include <stdexcept>

#include "http/address.hpp"

namespace xsell::http {
namespace {

template <auto Free>
struct Deleter {
    template <typename T>
    void operator()(T *pointer) const {
        Free(pointer);
    }
};
using Bio = std::unique_ptr<BIO, Deleter<&BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, Deleter<&EVP_PKEY_free>>;
using Digest = std::unique_ptr<EVP_MD_CTX, Deleter<&EVP_MD_CTX_free>>;

// Without this callback OpenSSL would ask for the pass phrase on the terminal.
int no_passphrase(char *, int, int, void *) { return -1; }

Key read_key(const std::string &pem) {
    const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    Key key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr) : nullptr);
    ERR_clear_error();
    if (!key) throw std::runtime_error("private key: is no unencrypted PEM key");
    if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) throw std::runtime_error("private key: is no RSA key");
    return key;
}

}  // namespace

std::string encode_base64url(std::string_view bytes) {
    std::string text = encode_base64(bytes);
    while (text.ends_with('=')) text.pop_back();
    for (char &c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
    return text;
}

std::string sign_jwt(const std::string &claims_json, const std::string &private_key_pem) {
    const Key key = read_key(private_key_pem);
    const std::string signed_part = encode_base64url(R"({"alg":"RS256","typ":"JWT"})") + "." + encode_base64url(claims_json);
    const Digest digest(EVP_MD_CTX_new());
    std::size_t size = 0;
    const auto *data = reinterpret_cast<const unsigned char *>(signed_part.data());
    bool good = digest && EVP_DigestSignInit(digest.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1 &&
                EVP_DigestSign(digest.get(), nullptr, &size, data, signed_part.size()) == 1;
    std::string signature(size, '\0');
    good = good && EVP_DigestSign(digest.get(), reinterpret_cast<unsigned char *>(signature.data()), &size, data,
                                  signed_part.size()) == 1;
    ERR_clear_error();
    if (!good) throw std::runtime_error("private key: cannot sign with it");
    signature.resize(size);
    return signed_part + "." + encode_base64url(signature);
}

}  // namespace xsell::http
