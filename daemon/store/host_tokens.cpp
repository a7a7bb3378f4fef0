#include "store/host_tokens.hpp"

#include <nlohmann/json.hpp>

#include "sync/error.hpp"

namespace xsell::store {
namespace {

using sync::Fault;
using sync::SyncError;

Sealed sealed_of(const std::vector<Value> &row, std::size_t first) {
    return {row.at(first).value_or(""), from_bytea(row.at(first + 1).value_or("")), from_bytea(row.at(first + 2).value_or(""))};
}

// The text of what was sealed. A key that is not in the ring may have come while the ring was read: once more, then.
std::optional<std::string> opened(const std::filesystem::path &key_file, const std::string &org, const Sealed &sealed,
                                  std::string &problem) {
    for (int attempt = 0; attempt < 2; ++attempt) {
        const KeyRing ring(key_file);
        const Key *key = ring.find(sealed.key_id);
        if (!key) {
            problem = "its token is sealed with the key " + sealed.key_id + ", but " + key_file.string() + " holds the key " +
                      ring.current().id();
            continue;
        }
        auto plain = key->open(org, sealed);
        if (!plain) problem = "its token is damaged";
        return plain;
    }
    return std::nullopt;
}

constexpr const char *remedy = "; bring that key back, or forget the token and log in anew: xselld key forget --org ";

}  // namespace

const char *const TokenBox::select = "SELECT key_id, nonce, sealed FROM xsell_internal.sync_token WHERE org_id = $1";
void TokenBox::check_key() const {
    try {
        const KeyRing ring(key_file_);
    } catch (const KeyError &error) {
        throw SyncError(Fault::org, "org " + org_ + ": " + error.what());
    }
}

std::optional<KeptToken> TokenBox::unseal(const Rows &rows) const {
    if (rows.rows.empty()) return std::nullopt;
    const Sealed sealed = sealed_of(rows.rows[0], 0);
    try {
        std::string problem;
        const auto plain = opened(key_file_, org_, sealed, problem);
        if (!plain) throw KeyError(problem + remedy + org_);
        const auto json = nlohmann::json::parse(*plain);
        if (json.at("login") != login_) return std::nullopt;
        sync::Token token{json.at("access"), json.at("refresh"), json.at("base_url"), json.at("expires_at"), true};
        sync::tell_token(token);
        return KeptToken{std::move(token), sealed.nonce};
    } catch (const KeyError &error) {
        throw SyncError(Fault::org, "org " + org_ + ": " + error.what());
    } catch (const nlohmann::json::exception &) {
        throw SyncError(Fault::org, "org " + org_ + ": its token is of no known form" + remedy + org_);
    }
}

Sealed TokenBox::seal(const sync::Token &token) const {
    try {
        const Key key = KeyRing(key_file_).current();
        const nlohmann::json json = {{"access", token.access},
                                     {"refresh", token.refresh},
                                     {"base_url", token.base_url},
                                     {"expires_at", token.expires_at},
                                     {"login", login_}};
        return key.seal(org_, json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    } catch (const KeyError &error) {
        throw SyncError(Fault::org, "org " + org_ + ": " + error.what());
    }
}

void TokenBox::save(Database &database, const Sealed &sealed) const {
    database.execute("SET synchronous_commit = on");
    database.query(
        "INSERT INTO xsell_internal.sync_token AS t (org_id, key_id, nonce, sealed) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (org_id) DO UPDATE SET key_id = excluded.key_id, nonce = excluded.nonce, sealed = excluded.sealed,"
        " renewed_at = excluded.renewed_at",
        {org_, sealed.key_id, to_bytea(sealed.nonce), to_bytea(sealed.bytes)});
}

std::string to_bytea(const std::string &bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text = "\\x";
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        text += {digits[byte >> 4], digits[byte & 15]};
    }
    return text;
}

std::string from_bytea(const std::string &text) {
    const auto digit = [](char c) { return c <= '9' ? c - '0' : (c | 32) - 'a' + 10; };
    std::string bytes;
    for (std::size_t i = 2; i + 1 < text.size(); i += 2) bytes += static_cast<char>(digit(text[i]) << 4 | digit(text[i + 1]));
    return bytes;
}

std::string token_lock(const std::string &org) { return "xsell.token:" + org; }

namespace {

// Seals every token with the new key, in one transaction.
std::int64_t seal_anew(Database &database, const std::filesystem::path &key_file, const Key &fresh) {
    Transaction transaction(database);
    database.execute("SET LOCAL synchronous_commit = on");
    const Rows rows =
        database.query("SELECT org_id, key_id, nonce, sealed FROM xsell_internal.sync_token ORDER BY org_id FOR UPDATE");
    std::string problems;
    for (const auto &row : rows.rows) {
        const std::string org = row.at(0).value_or("");
        std::string problem;
        const auto plain = opened(key_file, org, sealed_of(row, 1), problem);
        if (!plain) problems += "\n  org " + org + ": " + problem + remedy + org;
        if (!plain) continue;
        const Sealed sealed = fresh.seal(org, *plain);
        database.query("UPDATE xsell_internal.sync_token SET key_id = $2, nonce = $3, sealed = $4 WHERE org_id = $1",
                       {org, sealed.key_id, to_bytea(sealed.nonce), to_bytea(sealed.bytes)});
    }
    if (!problems.empty()) throw KeyError("the token key stays as it is:" + problems);
    transaction.commit();
    return static_cast<std::int64_t>(rows.rows.size());
}

}  // namespace

Rotation rotate_key(Database &database, const std::filesystem::path &key_file) {
    database.query("SELECT pg_catalog.pg_advisory_lock(pg_catalog.hashtextextended($1, 0))", {key_lock});
    const std::filesystem::path fresh_file = beside(key_file, ".new");
    const std::string old_id = read_key(key_file).id();
    // One that is there was left by a rotation that was killed: tokens may be sealed with it already.
    if (!std::filesystem::exists(fresh_file)) write_key(fresh_file, Key::random(), key_file);
    const Key fresh = read_key(fresh_file);
    const Rotation done{seal_anew(database, key_file, fresh), old_id, fresh.id()};
    swap_keys(key_file);
    drop_old_key(key_file);
    database.query("SELECT pg_catalog.pg_advisory_unlock(pg_catalog.hashtextextended($1, 0))", {key_lock});
    return done;
}

bool forget_token(Database &database, const std::string &org) {
    return !database.query("DELETE FROM xsell_internal.sync_token WHERE org_id = $1 RETURNING org_id", {org}).rows.empty();
}

}  // namespace xsell::store
