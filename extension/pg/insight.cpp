// xsell_internal.permutation_increase and edit_distance: what xsell.importance and xsell.what_if need beyond SQL.
#include "border/datum.hpp"
#include "core/error.hpp"
#include "core/metrics/permutation.hpp"
#include "model_cache.hpp"
#include "row_reader.hpp"

extern "C" {
#include "utils/varlena.h"
}

namespace core = xsell::core;
using namespace xsell::pg;

namespace {

struct Shape {
    std::size_t rows, columns;
};

Shape shape_of(const ArrayType *array) {
    if (ARR_NDIM(array) == 0) {
        return {0, 0};
    }
    if (ARR_NDIM(array) != 2) {
        throw core::Error(core::Kind::bad_argument, "the rows must be a real[][]");
    }
    return {static_cast<std::size_t>(ARR_DIMS(array)[0]), static_cast<std::size_t>(ARR_DIMS(array)[1])};
}

// Row by row, missing values as NaN.
std::vector<float> values_of(ArrayType *array, std::size_t size) {
    std::vector<float> values(size, std::numeric_limits<float>::quiet_NaN());
    const bits8 *present = ARR_NULLBITMAP(array);
    const auto *next = reinterpret_cast<const float *>(ARR_DATA_PTR(array));
    for (std::size_t i = 0; i < size; ++i) {
        if (present == nullptr || (present[i / 8] >> (i % 8) & 1) != 0) {
            values[i] = *next++;
        }
    }
    return values;
}

std::span<const std::uint8_t> labels_of(const ArrayType *array) {
    if (ARR_NDIM(array) > 1 || ARR_HASNULL(array)) {
        throw core::Error(core::Kind::bad_argument, "labels must be a plain boolean[] without nulls");
    }
    return {reinterpret_cast<const std::uint8_t *>(ARR_DATA_PTR(array)),
            ARR_NDIM(array) == 0 ? 0 : static_cast<std::size_t>(ARR_DIMS(array)[0])};
}

void permutation_increase(FunctionCallInfo fcinfo) {
    const auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
    struct Arguments {
        ArrayType *x, *label;
    };
    const Arguments given = pg([&]() noexcept {
        InitMaterializedSRF(fcinfo, 0);
        return Arguments{PG_GETARG_ARRAYTYPE_P(2), PG_GETARG_ARRAYTYPE_P(3)};
    });
    const Shape shape = shape_of(given.x);
    ModelHandle &handle = ModelHandle::of(fcinfo);
    const core::Model &model = handle.use(text_view(PG_GETARG_DATUM(0)), require_version(PG_GETARG_INT32(1)));
    if (shape.rows > 0 && shape.columns != model.features()) {
        throw core::Error(core::Kind::bad_argument, "the rows have " + std::to_string(shape.columns) + " elements, version " +
                                                        std::to_string(handle.version()) + " has " +
                                                        std::to_string(model.features()) + " features");
    }
    const std::vector<float> x = values_of(given.x, shape.rows * shape.columns);
    const auto predict = [&](const float *rows, std::size_t count, double *out) {
        model.probabilities(rows, model.features(), count, out);
    };
    const std::vector<double> increase =
        core::permutation_importance({x, labels_of(given.label), model.features()}, predict,
                                     static_cast<std::uint64_t>(PG_GETARG_INT64(4)), check_for_interrupts);
    for (std::size_t j = 0; j < increase.size(); ++j) {
        pg([&]() noexcept {
            Datum values[] = {Int32GetDatum(static_cast<int>(j) + 1), Float8GetDatum(increase[j])};
            bool nulls[] = {false, false};
            tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
        });
    }
}

constexpr std::size_t compared_bytes = 255;  // what the server's function takes

}  // namespace

extern "C" {
PG_FUNCTION_INFO_V1(xsell_permutation_increase);
PG_FUNCTION_INFO_V1(xsell_edit_distance);

Datum xsell_permutation_increase(PG_FUNCTION_ARGS) {
    return enter([&] {
        permutation_increase(fcinfo);
        return Datum{0};
    });
}

Datum xsell_edit_distance(PG_FUNCTION_ARGS) {
    return enter([&] {
        const std::string_view a = text_view(PG_GETARG_DATUM(0)), b = text_view(PG_GETARG_DATUM(1));
        return pg([&]() noexcept {
            const auto clipped = [](std::string_view text) noexcept {
                return pg_mbcliplen(text.data(), static_cast<int>(text.size()), static_cast<int>(compared_bytes));
            };
            return Int32GetDatum(varstr_levenshtein(a.data(), clipped(a), b.data(), clipped(b), 1, 1, 1, false));
        });
    });
}
}
