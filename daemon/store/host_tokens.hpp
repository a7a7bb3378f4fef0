// Tokens in the database, sealed; the locks that make a renewal happen once; the change of the key.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "store/database.hpp"
#include "store/vault.hpp"
#include "sync/host.hpp"

namespace xsell::store {

struct KeptToken {
    sync::Token token;
    std::string nonce;  // differs with every renewal
};

// Seals and unseals with the key of a file, which is read anew each time: it may be changed meanwhile.
class TokenBox {
  public:
    TokenBox(std::string org, std::filesystem::path key_file, const std::string &login)
        : org_(std::move(org)), key_file_(std::move(key_file)), login_(digest(login)) {}
    // Throws SyncError (org) for a key that is missing, unsafe or another one; nothing for a token of another login.
    std::optional<KeptToken> unseal(const Rows &row) const;
    Sealed seal(const sync::Token &token) const;
    void save(Database &database, const Sealed &sealed) const;  // committed, and on disk, when it returns
    void check_key() const;                                     // throws as unseal does

    static const char *const select;  // of the row, by org

  private:
    std::string org_;
    std::filesystem::path key_file_;
    std::string login_;
};

// bytea as text, and back.
std::string to_bytea(const std::string &bytes);
std::string from_bytea(const std::string &text);

// Names of the session advisory locks: all renewals hold key_lock shared, a change of the key holds it alone.
std::string token_lock(const std::string &org);
inline constexpr const char *key_lock = "xsell.token_key";

struct Rotation {
    std::int64_t tokens = 0;  // sealed anew
    std::string old_id, new_id;
};
// Makes a new key and seals every token with it. Killed anywhere, it leaves every token readable and goes on when it is called
// again. Throws KeyError, naming the orgs whose tokens cannot be opened.
Rotation rotate_key(Database &database, const std::filesystem::path &key_file);

// Whether there was one.
bool forget_token(Database &database, const std::string &org);

}  // namespace xsell::store
