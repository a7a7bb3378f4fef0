#pragma once
#include "border/border.hpp"

namespace xsell::pg {

// One real[] that is rewritten for every row, so that a million rows cost no allocation each.
class RowArray {
  public:
    explicit RowArray(std::size_t width)
        : width_(width),
          data_(ARR_OVERHEAD_WITHNULLS(1, width) / sizeof(std::uint64_t)),
          bytes_(data_ * sizeof(std::uint64_t) + width * sizeof(float)),
          memory_((bytes_ + 7) / 8) {
        SET_VARSIZE(array(), bytes_);
        array()->ndim = 1;
        array()->elemtype = FLOAT4OID;
        ARR_DIMS(array())[0] = static_cast<int>(width);
        ARR_LBOUND(array())[0] = 1;
    }

    Datum fill(const float *values) noexcept {
        auto *header = reinterpret_cast<char *>(array());
        auto *bitmap = reinterpret_cast<bits8 *>(header + sizeof(ArrayType) + 2 * sizeof(int));
        auto *to = reinterpret_cast<float *>(memory_.data() + data_);
        std::memset(bitmap, 0, (width_ + 7) / 8);
        std::size_t kept = 0;
        for (std::size_t i = 0; i < width_; ++i) {
            if (!std::isnan(values[i])) {
                bitmap[i / 8] |= static_cast<bits8>(1u << (i % 8));
                to[kept++] = values[i];
            }
        }
        // Without a null there is no bitmap and the values move up to the header.
        const bool full = kept == width_;
        array()->dataoffset = full ? 0 : static_cast<int32>(data_ * sizeof(std::uint64_t));
        if (full) {
            std::memmove(header + ARR_OVERHEAD_NONULLS(1), to, width_ * sizeof(float));
        }
        SET_VARSIZE(array(), (full ? ARR_OVERHEAD_NONULLS(1) : data_ * sizeof(std::uint64_t)) + kept * sizeof(float));
        return PointerGetDatum(memory_.data());
    }

  private:
    ArrayType *array() noexcept { return reinterpret_cast<ArrayType *>(memory_.data()); }

    std::size_t width_;
    std::size_t data_;  // where values begin when there is a null bitmap, in words
    std::size_t bytes_;
    std::vector<std::uint64_t> memory_;
};

}  // namespace xsell::pg
