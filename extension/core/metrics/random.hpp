// A small seeded generator whose numbers are the same on every platform, which those of <random>'s distributions are not.
#pragma once
#include <cstdint>

namespace xsell::core {

class Random {
  public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next() {  // splitmix64
        state_ += 0x9E3779B97F4A7C15u;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        return z ^ (z >> 31);
    }

    // 0 <= result < bound; the bias of the multiplication is below 2^-32 for the sizes met here.
    std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(((next() >> 32) * bound) >> 32); }

  private:
    std::uint64_t state_;
};

}  // namespace xsell::core
