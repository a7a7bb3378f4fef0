#include "training/data_hash.hpp"

namespace xsell::pg {
namespace {

void require(bool done) noexcept {
    if (!done) {
        elog(ERROR, "could not compute a SHA-256 hash");
    }
}

}  // namespace

DataHash::DataHash() {
    context_ = pg([]() noexcept {
        pg_cryptohash_ctx *made = pg_cryptohash_create(PG_SHA256);
        require(made != nullptr && pg_cryptohash_init(made) == 0);
        return made;
    });
}

DataHash::~DataHash() {
    if (std::uncaught_exceptions() == 0) {
        pg_cryptohash_free(context_);
    }
}

void DataHash::flush() {
    pg([&]() noexcept { require(pg_cryptohash_update(context_, waiting_.data(), waiting_.size()) == 0); });
    waiting_.clear();
}

std::string DataHash::hex() {
    flush();
    std::uint8_t digest[PG_SHA256_DIGEST_LENGTH];
    pg([&]() noexcept { require(pg_cryptohash_final(context_, digest, sizeof digest) == 0); });
    std::string text;
    for (const std::uint8_t byte : digest) {
        constexpr const char *digits = "0123456789abcdef";
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

}  // namespace xsell::pg
