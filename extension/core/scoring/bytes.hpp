// Little-endian writing and bounds-checked reading of the blobs, the same on every machine.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/error.hpp"

namespace xsell::core {

[[noreturn]] inline void corrupt(const char *what) {
    throw Error(Kind::corrupt_model, std::string("model data is damaged: ") + what,
                "Deploy another version, or train a new one.");
}

class ByteWriter {
  public:
    template <typename T>
    void put(T value) {
        if constexpr (std::is_same_v<T, float>) {
            put(std::bit_cast<std::uint32_t>(value));
        } else if constexpr (std::is_same_v<T, double>) {
            put(std::bit_cast<std::uint64_t>(value));
        } else {
            static_assert(std::is_unsigned_v<T>);
            for (std::size_t i = 0; i < sizeof(T); ++i) bytes_.push_back(static_cast<std::byte>(value >> (8 * i)));
        }
    }
    void put_all(std::span<const std::byte> more) { bytes_.insert(bytes_.end(), more.begin(), more.end()); }
    std::vector<std::byte> take() { return std::move(bytes_); }

  private:
    std::vector<std::byte> bytes_;
};

class ByteReader {
  public:
    explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

    template <typename T>
    T get() {
        if constexpr (std::is_same_v<T, float>) {
            return std::bit_cast<float>(get<std::uint32_t>());
        } else if constexpr (std::is_same_v<T, double>) {
            return std::bit_cast<double>(get<std::uint64_t>());
        } else {
            static_assert(std::is_unsigned_v<T>);
            std::span<const std::byte> from = get_all(sizeof(T));
            T value = 0;
            if constexpr (std::endian::native == std::endian::little) {
                std::memcpy(&value, from.data(), sizeof(T));
            } else {
                for (std::size_t i = 0; i < sizeof(T); ++i)
                    value = static_cast<T>(value | static_cast<T>(static_cast<T>(from[i]) << (8 * i)));
            }
            return value;
        }
    }
    std::span<const std::byte> get_all(std::uint64_t size) {
        if (size > bytes_.size()) corrupt("it ends too early");
        const std::span<const std::byte> found = bytes_.first(static_cast<std::size_t>(size));
        bytes_ = bytes_.subspan(static_cast<std::size_t>(size));
        return found;
    }
    // Call before allocating: what a header promises must be there.
    void expect(std::uint64_t items, std::size_t item_size) const {
        if (items > bytes_.size() / item_size) corrupt("it ends too early");
    }
    void expect_end() const {
        if (!bytes_.empty()) corrupt("there are bytes after its end");
    }

  private:
    std::span<const std::byte> bytes_;
};

}  // namespace xsell::core
