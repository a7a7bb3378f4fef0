// Values numbered in the order in which they first appear: a hash table with open addressing, whose memory is counted.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace xsell::core {

// What several tables may take together.
class MemoryBudget {
  public:
    MemoryBudget(std::size_t limit, const char *setting) : limit_(limit), setting_(setting) {}

    void take(std::size_t bytes) {
        used_ += bytes;
        if (used_ > limit_) {
            throw Error(Kind::out_of_memory_limit,
                        std::string(setting_) + " allows " + std::to_string(limit_ >> 20) + " MB, and more is needed",
                        std::string("Raise ") + setting_ + ", or take fewer keys at a time.");
        }
    }

  private:
    std::size_t limit_;
    const char *setting_;
    std::size_t used_ = 0;
};

template <class Key>  // std::int64_t, or std::string_view: its bytes are kept
class Codes {
  public:
    std::uint32_t of(Key key, MemoryBudget &budget) {
        if (values_.size() * 2 >= places_.size()) {
            grow(budget);
        }
        std::size_t i = place(key);
        for (; places_[i].number != 0; i = (i + 1) & (places_.size() - 1)) {
            if (places_[i].key == key) {
                return places_[i].number - 1;
            }
        }
        values_.push_back(kept(key, budget));
        places_[i] = {values_.back(), static_cast<std::uint32_t>(values_.size())};
        return places_[i].number - 1;
    }

    // Has the memory that of() will look at on its way while other things are done.
    void expect(Key key) const {
        if (!places_.empty()) {
            __builtin_prefetch(&places_[place(key)]);
        }
    }

    std::size_t size() const { return values_.size(); }
    Key operator[](std::size_t code) const { return values_[code]; }

  private:
    struct Place {
        Key key;
        std::uint32_t number;  // code + 1; 0: free
    };
    static constexpr std::size_t block_bytes = 1 << 16;

    std::size_t place(std::int64_t key) const {
        return static_cast<std::uint64_t>(key) * 0x9E3779B97F4A7C15 >> (64 - std::countr_zero(places_.size()));
    }
    std::size_t place(std::string_view key) const { return std::hash<std::string_view>{}(key) & (places_.size() - 1); }

    std::int64_t kept(std::int64_t key, MemoryBudget &) { return key; }
    std::string_view kept(std::string_view key, MemoryBudget &budget) {
        if (key.size() > free_) {
            free_ = key.size() > block_bytes ? key.size() : block_bytes;
            budget.take(free_);
            blocks_.push_back(std::make_unique<char[]>(free_));
            next_ = blocks_.back().get();
        }
        char *to = next_;
        if (!key.empty()) {
            std::memcpy(to, key.data(), key.size());
        }
        next_ += key.size();
        free_ -= key.size();
        return {to, key.size()};
    }

    void grow(MemoryBudget &budget) {
        const std::size_t size = places_.empty() ? 64 : places_.size() * 2;
        if (size > std::size_t{1} << 31) {
            throw Error(Kind::out_of_memory_limit, "more than a billion values to tell apart", "Take fewer at a time.");
        }
        // Counted as if the old ones stayed: while they are copied they do.
        budget.take(size * sizeof(Place) + size / 2 * sizeof(Key));
        values_.reserve(size / 2);
        places_.assign(size, Place{});
        for (std::size_t code = 0; code < values_.size(); ++code) {
            std::size_t i = place(values_[code]);
            while (places_[i].number != 0) {
                i = (i + 1) & (size - 1);
            }
            places_[i] = {values_[code], static_cast<std::uint32_t>(code + 1)};
        }
    }

    std::vector<Key> values_;
    std::vector<Place> places_;
    std::vector<std::unique_ptr<char[]>> blocks_;
    char *next_ = nullptr;
    std::size_t free_ = 0;
};

}  // namespace xsell::core
