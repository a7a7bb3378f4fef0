// SQL functions of entity and product matching: names, countries, connected components.
#include "core/match/components.hpp"
#include "core/match/country.hpp"
#include "core/match/name.hpp"

#include "border/border.hpp"

namespace xsell::pg {
namespace {

// Text as UTF-8; in a database of another encoding it is converted on the way.
std::string utf8(Datum datum) {
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

Datum text_of(const std::string &value) {
    return pg([&]() noexcept {
        const int length = static_cast<int>(value.size());
        const char *stored = pg_any_to_server(value.data(), length, PG_UTF8);
        return PointerGetDatum(stored == value.data() ? cstring_to_text_with_len(stored, length) : cstring_to_text(stored));
    });
}

std::span<const std::int64_t> bigints(Datum datum) {
    return pg([&]() noexcept -> std::span<const std::int64_t> {
        ArrayType *array = DatumGetArrayTypeP(datum);
        if (ARR_HASNULL(array) && array_contains_nulls(array)) {
            ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("arrays of node numbers must not contain nulls"));
        }
        const int count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
        return {reinterpret_cast<const std::int64_t *>(ARR_DATA_PTR(array)), static_cast<std::size_t>(count)};
    });
}

}  // namespace
}  // namespace xsell::pg

using namespace xsell;

extern "C" {

PG_FUNCTION_INFO_V1(xsell_normalize_name);
Datum xsell_normalize_name(PG_FUNCTION_ARGS) {
    return pg::enter([&] { return pg::text_of(core::normalize_name(pg::utf8(PG_GETARG_DATUM(0)))); });
}

PG_FUNCTION_INFO_V1(xsell_compact_name);
Datum xsell_compact_name(PG_FUNCTION_ARGS) {
    return pg::enter([&] { return pg::text_of(core::compact_name(pg::utf8(PG_GETARG_DATUM(0)))); });
}

PG_FUNCTION_INFO_V1(xsell_country_key);
Datum xsell_country_key(PG_FUNCTION_ARGS) {
    return pg::enter([&] { return pg::text_of(core::country_key(pg::utf8(PG_GETARG_DATUM(0)))); });
}

PG_FUNCTION_INFO_V1(xsell_name_similarity);
Datum xsell_name_similarity(PG_FUNCTION_ARGS) {
    return pg::enter(
        [&] { return Float8GetDatum(core::name_similarity(pg::utf8(PG_GETARG_DATUM(0)), pg::utf8(PG_GETARG_DATUM(1)))); });
}

PG_FUNCTION_INFO_V1(xsell_connected_components);
Datum xsell_connected_components(PG_FUNCTION_ARGS) {
    return pg::enter([&]() -> Datum {
        const auto left = pg::bigints(PG_GETARG_DATUM(0));
        const auto right = pg::bigints(PG_GETARG_DATUM(1));
        const std::vector<core::Component> found = core::connected_components(left, right, pg::check_for_interrupts);
        pg::pg([&]() noexcept {
            InitMaterializedSRF(fcinfo, 0);
            auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
            bool nulls[2] = {false, false};
            for (const core::Component &component : found) {
                Datum values[2] = {Int64GetDatum(component.node), Int64GetDatum(component.component)};
                tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
            }
        });
        return Datum(0);
    });
}
}
