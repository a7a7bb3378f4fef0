#include "store/vault.hpp"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace xsell::store {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t nonce_size = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t tag_size = crypto_aead_xchacha20poly1305_ietf_ABYTES;
static_assert(Key::size == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);

void start_sodium() {
    static const int ready = sodium_init();
    if (ready < 0) throw KeyError("libsodium cannot be initialised");
}

unsigned char *bytes(std::string &text) { return reinterpret_cast<unsigned char *>(text.data()); }
const unsigned char *bytes(const std::string &text) { return reinterpret_cast<const unsigned char *>(text.data()); }

std::string context(const std::string &org, const std::string &key_id) {
    std::string text = "xsell token";
    for (const auto *part : {&org, &key_id}) text += '\0' + *part;
    return text;
}

[[noreturn]] void refuse(const fs::path &file, const std::string &why) {
    throw KeyError("the token key " + file.string() + " " + why);
}
[[noreturn]] void refuse_by_errno(const fs::path &file, const std::string &why) {
    refuse(file, why + ": " + std::string(std::strerror(errno)));
}

struct Descriptor {
    int number;
    ~Descriptor() {
        if (number >= 0) ::close(number);
    }
};

void check_safe(const fs::path &file, const struct stat &info) {
    if (!S_ISREG(info.st_mode)) refuse(file, "is no regular file");
    if (info.st_uid != ::geteuid() && info.st_uid != 0)
        refuse(file, "belongs to another user; run: chown " + std::to_string(::geteuid()) + " " + file.string());
    if (info.st_mode & ~static_cast<mode_t>(S_IFMT | S_IRUSR | S_IWUSR))
        refuse(file, "is open to others; run: chmod 600 " + file.string());
}

// A rename or a link is there after a power failure, too.
void sync_folder(const fs::path &file) {
    const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
    const Descriptor opened{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (opened.number >= 0) ::fsync(opened.number);
}

}  // namespace

Key::Key() : bytes_{} { start_sodium(); }
Key::~Key() { sodium_memzero(bytes_.data(), bytes_.size()); }

void Key::name() {
    std::string text = "xsell key id";
    text.append(reinterpret_cast<const char *>(bytes_.data()), size);
    constexpr std::size_t digits = 16;
    id_ = digest(text).substr(0, digits);
    sodium_memzero(text.data(), text.size());
}

Key Key::random() {
    Key key;
    randombytes_buf(key.bytes_.data(), size);
    key.name();
    return key;
}

std::optional<Key> Key::parse(std::string_view text) {
    Key key;
    std::size_t length = 0;
    bool good = text.size() == 2 * size &&
                sodium_hex2bin(key.bytes_.data(), size, text.data(), text.size(), nullptr, &length, nullptr) == 0 &&
                length == size;
    for (const int variant : {sodium_base64_VARIANT_ORIGINAL, sodium_base64_VARIANT_ORIGINAL_NO_PADDING,
                              sodium_base64_VARIANT_URLSAFE, sodium_base64_VARIANT_URLSAFE_NO_PADDING}) {
        const char *end = nullptr;
        good =
            good || (sodium_base642bin(key.bytes_.data(), size, text.data(), text.size(), nullptr, &length, &end, variant) == 0 &&
                     length == size && end == text.data() + text.size());
    }
    if (!good || sodium_is_zero(key.bytes_.data(), size)) return std::nullopt;
    key.name();
    return key;
}

std::string Key::text() const {
    std::string out(sodium_base64_ENCODED_LEN(size, sodium_base64_VARIANT_ORIGINAL), '\0');
    sodium_bin2base64(out.data(), out.size(), bytes_.data(), size, sodium_base64_VARIANT_ORIGINAL);
    out.pop_back();  // the terminator
    return out;
}

Sealed Key::seal(const std::string &org, const std::string &plain) const {
    Sealed sealed{id_, std::string(nonce_size, '\0'), std::string(plain.size() + tag_size, '\0')};
    randombytes_buf(sealed.nonce.data(), nonce_size);
    const std::string known = context(org, id_);
    crypto_aead_xchacha20poly1305_ietf_encrypt(bytes(sealed.bytes), nullptr, bytes(plain), plain.size(), bytes(known),
                                               known.size(), nullptr, bytes(sealed.nonce), bytes_.data());
    return sealed;
}

std::optional<std::string> Key::open(const std::string &org, const Sealed &sealed) const {
    if (sealed.key_id != id_ || sealed.nonce.size() != nonce_size || sealed.bytes.size() < tag_size) return std::nullopt;
    std::string plain(sealed.bytes.size() - tag_size, '\0');
    const std::string known = context(org, id_);
    const int result =
        crypto_aead_xchacha20poly1305_ietf_decrypt(bytes(plain), nullptr, nullptr, bytes(sealed.bytes), sealed.bytes.size(),
                                                   bytes(known), known.size(), bytes(sealed.nonce), bytes_.data());
    return result == 0 ? std::optional(plain) : std::nullopt;
}

Key read_key(const fs::path &file) {
    // Not blocking: opening a pipe would wait for its writer.
    const Descriptor opened{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (opened.number < 0 && errno == ENOENT) refuse(file, "does not exist; make one with: xselld key new " + file.string());
    if (opened.number < 0) refuse_by_errno(file, "cannot be read");
    struct stat info {};
    if (::fstat(opened.number, &info) != 0) refuse_by_errno(file, "cannot be read");
    check_safe(file, info);
    std::string text(256, '\0');
    const ssize_t size = ::read(opened.number, text.data(), text.size());
    if (size < 0) refuse_by_errno(file, "cannot be read");
    std::string_view line(text.data(), static_cast<std::size_t>(size));
    while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
    const auto key = Key::parse(line);
    sodium_memzero(text.data(), text.size());
    if (!key) refuse(file, "is no key: one line with 32 random bytes in base64 or hex is expected, as xselld key new writes it");
    return *key;
}

void write_key(const fs::path &file, const Key &key, const std::optional<fs::path> &like) {
    const fs::path draft = beside(file, ".tmp");
    ::unlink(draft.c_str());  // of somebody who was killed here
    const Descriptor opened{::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR)};
    if (opened.number < 0) refuse_by_errno(file, "cannot be written");
    struct stat info {};
    const bool owner = !like || (::stat(like->c_str(), &info) == 0 &&
                                 (info.st_uid == ::geteuid() || ::fchown(opened.number, info.st_uid, info.st_gid) == 0));
    std::string line = key.text() + "\n";
    const bool written = owner && ::write(opened.number, line.data(), line.size()) == static_cast<ssize_t>(line.size()) &&
                         ::fsync(opened.number) == 0 && ::link(draft.c_str(), file.c_str()) == 0;
    const int error = errno;
    sodium_memzero(line.data(), line.size());
    ::unlink(draft.c_str());
    errno = error;
    if (!written && errno == EEXIST) refuse(file, "exists already and is left as it is: tokens may be sealed with it");
    if (!written) refuse_by_errno(file, "cannot be written");
    sync_folder(file);
}

KeyRing::KeyRing(fs::path path) : file(std::move(path)) {
    keys.push_back(read_key(file));
    for (const char *suffix : {".new", ".old"}) {
        std::error_code ignored;
        // One that vanishes here has become the file itself: whoever misses it reads the ring again.
        if (!fs::exists(beside(file, suffix), ignored)) continue;
        try {
            keys.push_back(read_key(beside(file, suffix)));
        } catch (const KeyError &) {
            if (fs::exists(beside(file, suffix), ignored)) throw;
        }
    }
}

const Key *KeyRing::find(const std::string &id) const {
    for (const auto &key : keys) {
        if (key.id() == id) return &key;
    }
    return nullptr;
}

std::string digest(const std::string &text) {
    start_sodium();
    std::string hex(2 * Key::size + 1, '\0');
    unsigned char out[Key::size];
    crypto_generichash(out, sizeof out, bytes(text), text.size(), nullptr, 0);
    sodium_bin2hex(hex.data(), hex.size(), out, sizeof out);
    hex.pop_back();
    return hex;
}

fs::path beside(const fs::path &file, const char *suffix) { return file.string() + suffix; }

void swap_keys(const fs::path &file) {
    const fs::path old = beside(file, ".old"), fresh = beside(file, ".new");
    ::unlink(old.c_str());
    if (::link(file.c_str(), old.c_str()) != 0) refuse_by_errno(old, "cannot be written");
    sync_folder(file);
    if (::rename(fresh.c_str(), file.c_str()) != 0) refuse_by_errno(file, "cannot be replaced");
    sync_folder(file);
}

void drop_old_key(const fs::path &file) {
    if (::unlink(beside(file, ".old").c_str()) != 0 && errno != ENOENT)
        refuse_by_errno(beside(file, ".old"), "cannot be removed");
    sync_folder(file);
}

}  // namespace xsell::store
