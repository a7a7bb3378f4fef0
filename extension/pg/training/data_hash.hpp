// SHA-256 over training rows, so that the same rows can be told from others later.
#pragma once
#include "border/border.hpp"

extern "C" {
#include "common/cryptohash.h"
#include "common/sha2.h"
}

namespace xsell::pg {

// Belongs to the resource owner it was made under: after an error the server frees it, and the destructor does not.
class DataHash {
  public:
    DataHash();
    ~DataHash();
    DataHash(const DataHash &) = delete;
    DataHash &operator=(const DataHash &) = delete;

    template <class T>
    void add(std::span<const T> values) {
        static_assert(std::is_trivially_copyable_v<T>);
        const auto *bytes = reinterpret_cast<const std::uint8_t *>(values.data());
        waiting_.insert(waiting_.end(), bytes, bytes + values.size_bytes());
        if (waiting_.size() >= chunk) {
            flush();
        }
    }
    template <class T>
    void add(const T &value) {
        add(std::span<const T>(&value, 1));
    }
    std::string hex();  // of everything so far; once

  private:
    static constexpr std::size_t chunk = 64 * 1024;
    void flush();

    std::vector<std::uint8_t> waiting_;
    pg_cryptohash_ctx *context_;
};

}  // namespace xsell::pg
