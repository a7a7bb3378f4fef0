// Sealing of tokens: XChaCha20-Poly1305 (libsodium) with a key that lies in a file of this machine and nowhere else.
#pragma once
#include <array>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace xsell::store {

// The key file is missing, open to others or no key, or something cannot be unsealed. Names the file, never the key.
struct KeyError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct Sealed {
    std::string key_id, nonce, bytes;
};

class Key {
  public:
    static constexpr std::size_t size = 32;
    static Key random();
    // Hex or base64 of 32 bytes; nothing for another text.
    static std::optional<Key> parse(std::string_view text);
    Key(const Key &) = default;
    Key &operator=(const Key &) = default;
    ~Key();

    const std::string &id() const { return id_; }  // a short hash: 16 hexadecimal digits
    std::string text() const;                      // base64
    // Org and key id are authenticated with the text: sealed bytes moved to another org do not open.
    Sealed seal(const std::string &org, const std::string &plain) const;
    std::optional<std::string> open(const std::string &org,
                                    const Sealed &sealed) const;  // nothing when it is not ours or damaged

  private:
    Key();
    void name();
    std::array<unsigned char, size> bytes_;
    std::string id_;
};

// The key of a file: a regular file of ours or of root, closed to others (0600 or stricter), one line. Throws KeyError.
Key read_key(const std::filesystem::path &file);
// Makes the file (0600), whole or not at all. Throws KeyError, also when it is there already. `like`: gets that file's owner.
void write_key(const std::filesystem::path &file, const Key &key, const std::optional<std::filesystem::path> &like = {});

// A key file and what lies beside it while a rotation is under way: FILE.new, which becomes FILE, and FILE.old, which FILE was.
struct KeyRing {
    explicit KeyRing(std::filesystem::path path);  // throws KeyError for the file itself
    const Key &current() const { return keys.front(); }
    const Key *find(const std::string &id) const;
    std::filesystem::path file;
    std::vector<Key> keys;
};
// A hash, in hexadecimal.
std::string digest(const std::string &text);
std::filesystem::path beside(const std::filesystem::path &file, const char *suffix);

// FILE.new becomes FILE, and FILE becomes FILE.old, so that at no moment a key is missing. Throws KeyError.
void swap_keys(const std::filesystem::path &file);
void drop_old_key(const std::filesystem::path &file);

}  // namespace xsell::store
