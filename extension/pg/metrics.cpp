// xsell_internal.ranking_metrics and calibration_bins: metrics over columns that a query has gathered in arrays.
#include "border/border.hpp"
#include "core/error.hpp"
#include "core/metrics/binary.hpp"
#include "core/metrics/report.hpp"

namespace core = xsell::core;
using namespace xsell::pg;

namespace {

// An array without NULLs, as a span over its own bytes; a NULL or empty array is no elements.
template <class T>
std::span<const T> column(FunctionCallInfo fcinfo, int argument) {
    if (PG_ARGISNULL(argument)) {
        return {};
    }
    ArrayType *array = pg([&]() noexcept {
        ArrayType *given = PG_GETARG_ARRAYTYPE_P(argument);
        if (array_contains_nulls(given) || ARR_NDIM(given) > 1) {
            ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
                            errmsg("a column of a ranking must be a plain array without nulls")));
        }
        return given;
    });
    const std::size_t size = ARR_NDIM(array) == 0 ? 0 : static_cast<std::size_t>(ARR_DIMS(array)[0]);
    return {reinterpret_cast<const T *>(ARR_DATA_PTR(array)), size};
}

Datum number(double value, bool &null) {
    null = std::isnan(value);
    return null ? Datum{0} : pg([&]() noexcept { return Float8GetDatum(value); });
}

void put(FunctionCallInfo fcinfo, Datum *values, bool *nulls) {
    auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
    pg([&]() noexcept { tuplestore_putvalues(result->setResult, result->setDesc, values, nulls); });
}

void ranking_metrics(FunctionCallInfo fcinfo) {
    const core::RankingRows rows{column<std::int64_t>(fcinfo, 0), column<std::int64_t>(fcinfo, 1),
                                 column<std::uint8_t>(fcinfo, 2), column<double>(fcinfo, 3)};
    const auto entity = column<std::int64_t>(fcinfo, 4);
    const auto count = column<std::int32_t>(fcinfo, 5);
    if (entity.size() != count.size()) {
        throw core::Error(core::Kind::bad_argument, "targets: entities and counts differ in number");
    }
    std::vector<core::Target> targets;
    for (std::size_t i = 0; i < entity.size(); ++i) {
        targets.push_back({entity[i], count[i]});
    }
    core::ReportOptions options;
    options.probability = !PG_ARGISNULL(6) && PG_GETARG_BOOL(6);
    options.replicates = PG_ARGISNULL(7) ? 0 : std::clamp(PG_GETARG_INT32(7), 0, 10000);
    options.checkpoint = check_for_interrupts;
    for (const core::Metric &metric : core::report(rows, targets, options)) {
        bool nulls[4] = {};
        const char *name = metric.name.c_str();
        Datum values[4] = {pg([&]() noexcept { return CStringGetTextDatum(name); }), number(metric.value, nulls[1]),
                           number(metric.low, nulls[2]), number(metric.high, nulls[3])};
        put(fcinfo, values, nulls);
    }
}

void calibration_bins(FunctionCallInfo fcinfo) {
    const core::ScoredRows rows(column<double>(fcinfo, 1), column<std::uint8_t>(fcinfo, 0));
    int number_of_bin = 0;
    for (const core::CalibrationBin &bin : rows.bins()) {
        bool nulls[4] = {};
        Datum values[4] = {Int32GetDatum(++number_of_bin), number(bin.predicted, nulls[1]), number(bin.observed, nulls[2]),
                           Int64GetDatum(static_cast<std::int64_t>(bin.rows))};
        put(fcinfo, values, nulls);
    }
}

template <class Body>
Datum table(FunctionCallInfo fcinfo, Body body) {
    return enter([&] {
        pg([&]() noexcept { InitMaterializedSRF(fcinfo, 0); });
        body(fcinfo);
        return Datum{0};
    });
}

}  // namespace

extern "C" {
PG_FUNCTION_INFO_V1(xsell_ranking_metrics);
PG_FUNCTION_INFO_V1(xsell_calibration_bins);

Datum xsell_ranking_metrics(PG_FUNCTION_ARGS) { return table(fcinfo, ranking_metrics); }

Datum xsell_calibration_bins(PG_FUNCTION_ARGS) { return table(fcinfo, calibration_bins); }
}
