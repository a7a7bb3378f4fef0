// Counting what features and scores look like: the aggregates xsell_internal.bin_cuts and bin_counts, compare_bins over their
// counts, and query_rows, which runs a caller's query for them.
#include "border/datum.hpp"
#include "caller_query.hpp"
#include "core/error.hpp"
#include "core/metrics/drift.hpp"
#include "core/metrics/random.hpp"
#include "core/scoring/blob.hpp"

extern "C" {
#include "nodes/parsenodes.h"
#include "utils/plancache.h"
}

namespace core = xsell::core;
using namespace xsell::pg;

namespace {

constexpr std::size_t sample_rows = 65536;
constexpr std::size_t sample_values = 16 << 20;  // 64 MB

// The features of a row and its score, which is counted like one more feature.
std::size_t read_row(Datum x, bool no_score, double score, float *out) {
    const RealArray row(x);
    const std::size_t features = row.size();
    if (features == 0 || features > core::max_features) {
        throw core::Error(core::Kind::bad_argument,
                          "x must be a plain real[] of 1 to " + std::to_string(core::max_features) + " elements");
    }
    row.copy_to(out);
    out[features] = no_score ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(score);
    return features + 1;
}

MemoryContext aggregate_context(FunctionCallInfo fcinfo) {
    return pg([&]() noexcept {
        MemoryContext context;
        if (!AggCheckCallContext(fcinfo, &context)) {
            elog(ERROR, "called outside an aggregate");
        }
        return context;
    });
}

// Rows to cut by: all of them up to a limit, from then on a random sample (reservoir), the same for the same rows in the same
// order.
struct Sample {
    std::size_t columns, room, limit;
    std::uint64_t seen;
    core::Random random;
    float *values;  // row by row

    std::size_t rows() const { return static_cast<std::size_t>(std::min<std::uint64_t>(seen, limit)); }
};

Sample *new_sample(MemoryContext context, std::size_t columns) {
    const std::size_t limit = std::min(sample_rows, sample_values / columns), room = std::min<std::size_t>(limit, 1024);
    return pg([&]() noexcept {
        auto *values = static_cast<float *>(MemoryContextAllocHuge(context, room * columns * sizeof(float)));
        return new (MemoryContextAlloc(context, sizeof(Sample))) Sample{columns, room, limit, 0, core::Random(0), values};
    });
}

void keep(Sample &sample, const float *row) {
    std::size_t place = static_cast<std::size_t>(sample.seen);
    if (sample.seen >= sample.limit) {
        const auto bound = std::min<std::uint64_t>(sample.seen + 1, std::numeric_limits<std::uint32_t>::max());
        place = sample.random.below(static_cast<std::uint32_t>(bound));
    } else if (place == sample.room) {
        sample.room = std::min(sample.room * 2, sample.limit);
        sample.values = pg([&]() noexcept {
            return static_cast<float *>(repalloc_huge(sample.values, sample.room * sample.columns * sizeof(float)));
        });
    }
    ++sample.seen;
    if (place < sample.limit) {
        std::copy_n(row, sample.columns, sample.values + place * sample.columns);
    }
}

// A matrix of an element type that is passed by value in its own size, filled with zero bytes.
ArrayType *new_matrix(Oid type, std::size_t width, std::size_t rows, std::size_t columns) {
    return pg([&]() noexcept {
        const std::size_t bytes = ARR_OVERHEAD_NONULLS(2) + rows * columns * width;
        auto *array = static_cast<ArrayType *>(palloc0(bytes));
        SET_VARSIZE(array, bytes);
        array->ndim = 2;
        array->elemtype = type;
        ARR_DIMS(array)[0] = static_cast<int>(rows);
        ARR_DIMS(array)[1] = static_cast<int>(columns);
        ARR_LBOUND(array)[0] = ARR_LBOUND(array)[1] = 1;
        return array;
    });
}

// The elements of an array without NULLs that has the given shape; a NULL pointer otherwise.
template <class T>
T *matrix(ArrayType *array, std::size_t rows, std::size_t columns) {
    const bool fits = ARR_NDIM(array) == 2 && !ARR_HASNULL(array) && static_cast<std::size_t>(ARR_DIMS(array)[0]) == rows &&
                      static_cast<std::size_t>(ARR_DIMS(array)[1]) == columns;
    return fits ? reinterpret_cast<T *>(ARR_DATA_PTR(array)) : nullptr;
}

ArrayType *array_argument(FunctionCallInfo fcinfo, int argument) {
    return pg([&]() noexcept { return PG_GETARG_ARRAYTYPE_P(argument); });
}

std::span<const std::int64_t> counts(FunctionCallInfo fcinfo, int argument) {
    ArrayType *array = array_argument(fcinfo, argument);
    if (ARR_NDIM(array) > 1 || ARR_HASNULL(array)) {
        throw core::Error(core::Kind::bad_argument, "counts must be a plain bigint[] without nulls");
    }
    const std::size_t size = ARR_NDIM(array) == 0 ? 0 : static_cast<std::size_t>(ARR_DIMS(array)[0]);
    return {reinterpret_cast<const std::int64_t *>(ARR_DATA_PTR(array)), size};
}

Datum cut_state(FunctionCallInfo fcinfo) {
    MemoryContext context = aggregate_context(fcinfo);
    auto *sample = PG_ARGISNULL(0) ? nullptr : reinterpret_cast<Sample *>(PG_GETARG_POINTER(0));
    if (!PG_ARGISNULL(1)) {
        float row[core::max_features + 1];
        const std::size_t columns = read_row(PG_GETARG_DATUM(1), PG_ARGISNULL(2), PG_ARGISNULL(2) ? 0 : PG_GETARG_FLOAT8(2), row);
        if (sample == nullptr) {
            sample = new_sample(context, columns);
        } else if (sample->columns != columns) {
            throw core::Error(core::Kind::bad_argument, "rows differ in length");
        }
        keep(*sample, row);
    }
    fcinfo->isnull = sample == nullptr;
    return PointerGetDatum(sample);
}

Datum cuts_of(FunctionCallInfo fcinfo) {
    if (PG_ARGISNULL(0)) {
        fcinfo->isnull = true;
        return Datum{0};
    }
    const auto *sample = reinterpret_cast<const Sample *>(PG_GETARG_POINTER(0));
    ArrayType *array = new_matrix(FLOAT4OID, sizeof(float), sample->columns, core::cut_room);
    float *out = reinterpret_cast<float *>(ARR_DATA_PTR(array));
    std::fill_n(out, sample->columns * core::cut_room, std::numeric_limits<float>::quiet_NaN());
    std::vector<float> column;
    for (std::size_t j = 0; j < sample->columns; ++j) {
        check_for_interrupts();
        column.resize(sample->rows());
        for (std::size_t r = 0; r < column.size(); ++r) {
            column[r] = sample->values[r * sample->columns + j];
        }
        const std::vector<float> cuts = core::bin_cuts(column);
        std::copy(cuts.begin(), cuts.end(), out + j * core::cut_room);
    }
    return PointerGetDatum(array);
}

// The state is the result, an array that is counted up in place: inside an aggregate it is nobody else's.
Datum count_state(FunctionCallInfo fcinfo) {
    aggregate_context(fcinfo);
    if (PG_ARGISNULL(1) || PG_ARGISNULL(3)) {
        fcinfo->isnull = PG_ARGISNULL(0);
        return PG_GETARG_DATUM(0);
    }
    float row[core::max_features + 1];
    const std::size_t columns = read_row(PG_GETARG_DATUM(1), PG_ARGISNULL(2), PG_ARGISNULL(2) ? 0 : PG_GETARG_FLOAT8(2), row);
    const float *cuts = matrix<const float>(array_argument(fcinfo, 3), columns, core::cut_room);
    if (cuts == nullptr) {
        throw core::Error(core::Kind::bad_argument,
                          "x has " + std::to_string(columns - 1) + " elements, the bins are of another number of features");
    }
    ArrayType *state =
        PG_ARGISNULL(0) ? new_matrix(INT8OID, sizeof(std::int64_t), columns, core::bin_room) : array_argument(fcinfo, 0);
    auto *counted = matrix<std::int64_t>(state, columns, core::bin_room);
    if (counted == nullptr) {
        throw core::Error(core::Kind::bad_argument, "rows differ in length");
    }
    core::count_bins({row, columns}, cuts, counted);
    return PointerGetDatum(state);
}

Datum combine_counts(FunctionCallInfo fcinfo) {
    aggregate_context(fcinfo);
    ArrayType *state = array_argument(fcinfo, 0);
    // Of any shape: users may build aggregates of their own on this.
    const std::size_t columns = ARR_NDIM(state) == 2 ? static_cast<std::size_t>(ARR_DIMS(state)[0]) : 0;
    auto *to = matrix<std::int64_t>(state, columns, core::bin_room);
    const auto *from = matrix<const std::int64_t>(array_argument(fcinfo, 1), columns, core::bin_room);
    if (to == nullptr || from == nullptr) {
        throw core::Error(core::Kind::bad_argument, "rows differ in length");
    }
    std::transform(from, from + columns * core::bin_room, to, to, std::plus<>());
    return PointerGetDatum(state);
}

Datum compared(FunctionCallInfo fcinfo) {
    static constexpr const char *level_name[] = {"stable", "moderate", "major"};
    const core::Drift drift = core::compare_bins(counts(fcinfo, 0), counts(fcinfo, 1));
    return pg([&]() noexcept {
        TupleDesc shape;
        if (get_call_result_type(fcinfo, nullptr, &shape) != TYPEFUNC_COMPOSITE) {
            elog(ERROR, "compare_bins must return a row");
        }
        const bool none = std::isnan(drift.psi);
        Datum values[] = {Float8GetDatum(drift.psi), Float8GetDatum(drift.jsd), Float8GetDatum(drift.noise),
                          CStringGetTextDatum(level_name[static_cast<int>(drift.level)])};
        bool nulls[] = {none, none, none, none};
        return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(shape), values, nulls));
    });
}

void require_one_select(SPIPlanPtr plan) {
    List *sources = SPI_plan_get_plan_sources(plan);
    if (list_length(sources) != 1 ||
        ChoosePortalStrategy(static_cast<CachedPlanSource *>(linitial(sources))->query_list) != PORTAL_ONE_SELECT) {
        throw core::Error(core::Kind::bad_argument, "the query must be one SELECT that changes nothing");
    }
}

// Straight from the executor into the result: with the caller's privileges, under the statement's snapshot.
void run_query(FunctionCallInfo fcinfo) {
    pg([&]() noexcept { InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC); });
    const std::string query = "SELECT q.x::real[] FROM (\n" + without_semicolon(text_view(PG_GETARG_DATUM(0))) + "\n) q";
    const char *text = query.c_str();
    SPIPlanPtr plan = pg([&]() noexcept {
        SPI_connect();
        SPIPlanPtr prepared = SPI_prepare_cursor(text, 0, nullptr, CURSOR_OPT_PARALLEL_OK);
        if (prepared == nullptr) {
            elog(ERROR, "could not prepare the query: %s", SPI_result_code_string(SPI_result));
        }
        return prepared;
    });
    require_one_select(plan);
    pg([&]() noexcept {
        SPIExecuteOptions options = {};
        options.read_only = true;
        options.must_return_tuples = true;
        options.dest = result_receiver(fcinfo);
        const int outcome = SPI_execute_plan_extended(plan, &options);
        if (outcome < 0) {
            elog(ERROR, "could not run the query: %s", SPI_result_code_string(outcome));
        }
        SPI_finish();
    });
}

}  // namespace

extern "C" {
PG_FUNCTION_INFO_V1(xsell_bin_cuts_state);
PG_FUNCTION_INFO_V1(xsell_bin_cuts);
PG_FUNCTION_INFO_V1(xsell_bin_counts_state);
PG_FUNCTION_INFO_V1(xsell_bin_counts_combine);
PG_FUNCTION_INFO_V1(xsell_compare_bins);
PG_FUNCTION_INFO_V1(xsell_query_rows);

Datum xsell_bin_cuts_state(PG_FUNCTION_ARGS) {
    return enter([&] { return cut_state(fcinfo); });
}

Datum xsell_bin_cuts(PG_FUNCTION_ARGS) {
    return enter([&] { return cuts_of(fcinfo); });
}

Datum xsell_bin_counts_state(PG_FUNCTION_ARGS) {
    return enter([&] { return count_state(fcinfo); });
}

Datum xsell_bin_counts_combine(PG_FUNCTION_ARGS) {
    return enter([&] { return combine_counts(fcinfo); });
}

Datum xsell_compare_bins(PG_FUNCTION_ARGS) {
    return enter([&] { return compared(fcinfo); });
}

Datum xsell_query_rows(PG_FUNCTION_ARGS) {
    return enter([&] {
        run_query(fcinfo);
        return Datum{0};
    });
}
}
