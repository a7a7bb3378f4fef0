// Values of SQL seen from C++, without copies where their form allows.
#pragma once
#include "border/border.hpp"

namespace xsell::pg {

// A text argument; valid as long as the argument is.
inline std::string_view text_view(Datum value) {
    auto *raw = reinterpret_cast<struct varlena *>(DatumGetPointer(value));
    if (VARATT_IS_EXTERNAL(raw) || VARATT_IS_COMPRESSED(raw)) {
        raw = pg([&]() noexcept { return pg_detoast_datum_packed(raw); });
    }
    return {VARDATA_ANY(raw), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(raw))};
}

// A real[] argument. Never null-terminated, may hold NULL elements.
class RealArray {
  public:
    explicit RealArray(Datum value) {
        auto *raw = reinterpret_cast<struct varlena *>(DatumGetPointer(value));
        if (VARATT_IS_EXTENDED(raw)) {
            raw = pg([&]() noexcept { return pg_detoast_datum(raw); });
        }
        array_ = reinterpret_cast<ArrayType *>(raw);
    }

    int dimensions() const { return ARR_NDIM(array_); }
    std::size_t size() const { return ARR_NDIM(array_) == 1 ? static_cast<std::size_t>(ARR_DIMS(array_)[0]) : 0; }
    bool has_null() const { return ARR_HASNULL(array_); }
    // Its values in place; only without NULLs.
    const float *data() const { return reinterpret_cast<const float *>(ARR_DATA_PTR(array_)); }

    // NULL becomes NaN: missing.
    void copy_to(float *out) const {
        const std::size_t n = size();
        if (!has_null()) {
            std::memcpy(out, data(), n * sizeof(float));
            return;
        }
        const bits8 *present = ARR_NULLBITMAP(array_);
        const float *next = data();
        for (std::size_t i = 0; i < n; ++i) {
            out[i] = (present[i / 8] >> (i % 8) & 1) != 0 ? *next++ : std::numeric_limits<float>::quiet_NaN();
        }
    }

  private:
    ArrayType *array_;
};

inline Datum text_datum(std::string_view text) {
    return pg([&]() noexcept { return PointerGetDatum(cstring_to_text_with_len(text.data(), static_cast<int>(text.size()))); });
}

}  // namespace xsell::pg
