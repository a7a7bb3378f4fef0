// SQL from the training procedure: typed arguments in, one value out.
#pragma once
#include "border/border.hpp"

namespace xsell::pg {

struct Argument {
    Oid type;
    Datum value;
    bool null = false;
};

Argument argument(std::string_view text);
Argument argument(std::int64_t number);
Argument argument(std::int32_t number);
Argument jsonb_argument(const std::string &json);
Argument bytea_argument(std::span<const std::byte> bytes);
Argument real_argument(double number);
Argument text_array(const std::vector<std::string> &texts);
Argument number_array(const std::vector<double> &numbers);  // NaN becomes NULL
Argument time_array(const std::vector<TimestampTz> &times);
// A text[] of a row, while it is valid; inside pg(), for a RowReader. A null reads as an empty list.
struct TextList {
    char **text = nullptr;
    int length = 0;

    std::vector<std::string> strings() const { return {text, text + length}; }
};
TextList read_texts(HeapTuple row, TupleDesc shape, int column) noexcept;

inline Argument null_argument(Oid type) { return {type, Datum{0}, true}; }

// Runs a statement; `read` sees its first row, while it is valid, or is not called when there is none. It runs inside pg():
// it may raise backend errors and must neither throw nor own anything.
using RowReader = void (*)(HeapTuple row, TupleDesc shape, void *target) noexcept;
void execute(const char *sql, std::initializer_list<Argument> arguments, RowReader read = nullptr, void *target = nullptr);

}  // namespace xsell::pg
