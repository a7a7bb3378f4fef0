// Texts on their way between the server and the core, which knows UTF-8 alone.
#pragma once
#include <string>

#include "border/border.hpp"

namespace xsell::pg {

// In a database of another encoding the text is converted on the way.
inline std::string utf8(Datum datum) {
    char *data = nullptr;
    int length = 0;
    pg([&]() noexcept {
        const text *value = DatumGetTextPP(datum);
        length = static_cast<int>(VARSIZE_ANY_EXHDR(value));
        char *stored = const_cast<char *>(VARDATA_ANY(value));
        data = pg_server_to_any(stored, length, PG_UTF8);
        if (data != stored) {
            length = static_cast<int>(strlen(data));
        }
    });
    return std::string(data, static_cast<std::size_t>(length));
}

inline Datum text_of(const std::string &value) {
    return pg([&]() noexcept {
        const int length = static_cast<int>(value.size());
        const char *stored = pg_any_to_server(value.data(), length, PG_UTF8);
        return PointerGetDatum(stored == value.data() ? cstring_to_text_with_len(stored, length) : cstring_to_text(stored));
    });
}

}  // namespace xsell::pg
