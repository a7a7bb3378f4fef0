#include "training/statement.hpp"

namespace xsell::pg {

Argument argument(std::string_view text) {
    return {TEXTOID,
            pg([&]() noexcept { return PointerGetDatum(cstring_to_text_with_len(text.data(), static_cast<int>(text.size()))); })};
}

Argument argument(std::int64_t number) { return {INT8OID, Int64GetDatum(number)}; }

Argument argument(std::int32_t number) { return {INT4OID, Int32GetDatum(number)}; }

Argument jsonb_argument(const std::string &json) {
    const char *text = json.c_str();
    return {JSONBOID, pg([&]() noexcept { return DirectFunctionCall1(jsonb_in, CStringGetDatum(text)); })};
}

Argument bytea_argument(std::span<const std::byte> bytes) {
    return {BYTEAOID, pg([&]() noexcept {
                auto *copy = static_cast<bytea *>(palloc(VARHDRSZ + bytes.size()));
                SET_VARSIZE(copy, VARHDRSZ + bytes.size());
                memcpy(VARDATA(copy), bytes.data(), bytes.size());
                return PointerGetDatum(copy);
            })};
}

Argument real_argument(double number) { return {FLOAT4OID, Float4GetDatum(static_cast<float>(number))}; }

namespace {

Argument array(std::vector<Datum> &elements, bool *nulls, Oid type, Oid array_type) {
    Datum *data = elements.data();
    int dimensions[] = {static_cast<int>(elements.size())};
    int lower[] = {1};
    return {array_type, pg([&]() noexcept {
                int16 length;
                bool by_value;
                char align;
                get_typlenbyvalalign(type, &length, &by_value, &align);
                return PointerGetDatum(construct_md_array(data, nulls, dimensions[0] == 0 ? 0 : 1, dimensions, lower, type,
                                                          length, by_value, align));
            })};
}

}  // namespace

Argument text_array(const std::vector<std::string> &texts) {
    std::vector<Datum> elements;
    for (const std::string &text : texts) {
        elements.push_back(argument(text).value);
    }
    return array(elements, nullptr, TEXTOID, TEXTARRAYOID);
}

Argument number_array(const std::vector<double> &numbers) {
    std::vector<Datum> elements;
    const auto nulls = std::make_unique<bool[]>(numbers.size());
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        elements.push_back(Float8GetDatum(numbers[i]));
        nulls[i] = std::isnan(numbers[i]);
    }
    return array(elements, nulls.get(), FLOAT8OID, FLOAT8ARRAYOID);
}

Argument time_array(const std::vector<TimestampTz> &times) {
    std::vector<Datum> elements;
    for (const TimestampTz time : times) {
        elements.push_back(TimestampTzGetDatum(time));
    }
    return array(elements, nullptr, TIMESTAMPTZOID, TIMESTAMPTZARRAYOID);
}

TextList read_texts(HeapTuple row, TupleDesc shape, int column) noexcept {
    TextList list;
    bool null = false;
    const Datum array = SPI_getbinval(row, shape, column, &null);
    if (null) {
        return list;
    }
    Datum *elements = nullptr;
    deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &elements, nullptr, &list.length);
    list.text = static_cast<char **>(palloc(sizeof(char *) * static_cast<std::size_t>(list.length + 1)));
    for (int i = 0; i < list.length; ++i) {
        list.text[i] = TextDatumGetCString(elements[i]);
    }
    return list;
}

void execute(const char *sql, std::initializer_list<Argument> arguments, RowReader read, void *target) {
    constexpr std::size_t most = 20;
    Oid types[most];
    Datum values[most];
    char nulls[most];
    int count = 0;
    for (const Argument &given : arguments) {
        types[count] = given.type;
        values[count] = given.value;
        nulls[count++] = given.null ? 'n' : ' ';
    }
    pg([&]() noexcept {
        const int result = SPI_execute_with_args(sql, count, types, values, nulls, false, 0);
        if (result < 0) {
            elog(ERROR, "could not run \"%s\": %s", sql, SPI_result_code_string(result));
        }
        if (read != nullptr && SPI_tuptable != nullptr && SPI_processed > 0) {
            read(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, target);
        }
        SPI_freetuptable(SPI_tuptable);
    });
}

}  // namespace xsell::pg
