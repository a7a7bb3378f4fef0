// SQL functions that prepare accounts, find what they share, score pairs and learn to score them.
#include "border/border.hpp"
#include "core/error.hpp"
#include "core/match/matcher.hpp"
#include "core/match/record.hpp"
#include "core/match/rule.hpp"
#include "text.hpp"

namespace xsell::pg {
namespace {

std::string text_argument(FunctionCallInfo fcinfo, int argument) {
    return PG_ARGISNULL(argument) ? std::string() : utf8(PG_GETARG_DATUM(argument));
}

core::Record record_of(Datum profile) {
    Datum *elements = nullptr;
    int count = 0;
    pg([&]() noexcept {
        ArrayType *array = DatumGetArrayTypeP(profile);
        if (array_contains_nulls(array)) {
            ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("a prepared account must not contain nulls")));
        }
        deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, nullptr, &count);
    });
    if (count != core::record_fields) {
        throw core::Error(core::Kind::bad_argument, "a prepared account has " + std::to_string(core::record_fields) +
                                                        " fields, not " + std::to_string(count));
    }
    core::RecordTexts texts;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        texts[i] = utf8(elements[i]);
    }
    pg([&]() noexcept { pfree(elements); });
    return core::parse_record(std::move(texts));
}

std::span<const double> doubles(Datum datum) {
    return pg([&]() noexcept -> std::span<const double> {
        ArrayType *array = DatumGetArrayTypeP(datum);
        if (array_contains_nulls(array)) {
            ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("numbers of a matcher must not be null")));
        }
        const int count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
        return {reinterpret_cast<const double *>(ARR_DATA_PTR(array)), static_cast<std::size_t>(count)};
    });
}

template <class T, class Make>
Datum array_of(const std::vector<T> &values, Oid type, Make make) {
    return pg([&]() noexcept {
        auto *elements = static_cast<Datum *>(palloc(sizeof(Datum) * (values.size() + 1)));
        for (std::size_t i = 0; i < values.size(); ++i) {
            elements[i] = make(values[i]);
        }
        return PointerGetDatum(
            construct_array(elements, static_cast<int>(values.size()), type, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
    });
}

Datum bigint_array(const std::vector<std::int64_t> &values) {
    return array_of(values, INT8OID, [](std::int64_t value) noexcept { return Int64GetDatum(value); });
}

Datum double_array(const std::vector<double> &values) {
    return array_of(values, FLOAT8OID, [](double value) noexcept { return Float8GetDatum(value); });
}

Datum prepare_account(FunctionCallInfo fcinfo) {
    const auto given = [&](int argument) { return text_argument(fcinfo, argument); };
    const core::RecordInput input{given(0), given(1), given(2),  given(3),
                                  given(4), given(5), given(6),  given(7),
                                  given(8), given(9), given(10), PG_ARGISNULL(11) ? 0 : static_cast<double>(PG_GETARG_INT64(11))};
    const core::RecordTexts texts = core::prepare(input);
    Datum elements[core::record_fields];
    for (std::size_t i = 0; i < texts.size(); ++i) {
        elements[i] = text_of(texts[i]);
    }
    return pg([&]() noexcept {
        return PointerGetDatum(construct_array(elements, core::record_fields, TEXTOID, -1, false, TYPALIGN_INT));
    });
}

// Flattened inputs, what they are, and the group of each pair.
std::vector<core::LabelledPair> labelled_pairs(FunctionCallInfo fcinfo) {
    const std::span<const double> inputs = doubles(PG_GETARG_DATUM(0));
    const auto [same, group, pairs] = pg([&]() noexcept {
        ArrayType *labels = PG_GETARG_ARRAYTYPE_P(1);
        ArrayType *groups = PG_GETARG_ARRAYTYPE_P(2);
        if (array_contains_nulls(labels) || array_contains_nulls(groups)) {
            ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("labels and groups of pairs must not be null")));
        }
        const int count = ArrayGetNItems(ARR_NDIM(labels), ARR_DIMS(labels));
        const bool even = count == ArrayGetNItems(ARR_NDIM(groups), ARR_DIMS(groups));
        return std::tuple(reinterpret_cast<const bool *>(ARR_DATA_PTR(labels)),
                          reinterpret_cast<const std::int64_t *>(ARR_DATA_PTR(groups)),
                          even ? static_cast<std::size_t>(count) : std::size_t{0});
    });
    if (inputs.size() != pairs * core::matcher_inputs) {
        throw core::Error(core::Kind::bad_argument, "inputs, labels and groups of pairs differ in number");
    }
    std::vector<core::LabelledPair> all(pairs);
    for (std::size_t i = 0; i < pairs; ++i) {
        std::copy_n(inputs.begin() + static_cast<std::ptrdiff_t>(i * core::matcher_inputs), core::matcher_inputs,
                    all[i].inputs.begin());
        all[i].same = same[i];
        all[i].group = group[i];
    }
    return all;
}

Datum fitted(FunctionCallInfo fcinfo) {
    const core::MatcherFit fit = core::fit_matcher(labelled_pairs(fcinfo), check_for_interrupts);
    const Datum weights = double_array(fit.weights);
    return pg([&]() noexcept {
        TupleDesc row;
        if (get_call_result_type(fcinfo, nullptr, &row) != TYPEFUNC_COMPOSITE) {
            ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("the function returns a row")));
        }
        Datum values[8] = {weights,
                           Int32GetDatum(fit.folds),
                           Float8GetDatum(fit.precision),
                           Float8GetDatum(fit.recall),
                           Float8GetDatum(fit.f1),
                           Float8GetDatum(fit.rule_precision),
                           Float8GetDatum(fit.rule_recall),
                           Float8GetDatum(fit.rule_f1)};
        bool nulls[8] = {};
        return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(row), values, nulls));
    });
}

}  // namespace
}  // namespace xsell::pg

using namespace xsell;

extern "C" {

PG_FUNCTION_INFO_V1(xsell_match_profile);
Datum xsell_match_profile(PG_FUNCTION_ARGS) {
    return pg::enter([&] { return pg::prepare_account(fcinfo); });
}

PG_FUNCTION_INFO_V1(xsell_match_keys);
Datum xsell_match_keys(PG_FUNCTION_ARGS) {
    return pg::enter([&] { return pg::bigint_array(core::blocking_keys(pg::record_of(PG_GETARG_DATUM(0)))); });
}

PG_FUNCTION_INFO_V1(xsell_match_score);
Datum xsell_match_score(PG_FUNCTION_ARGS) {
    return pg::enter([&] {
        const core::Record a = pg::record_of(PG_GETARG_DATUM(0));
        const core::Record b = pg::record_of(PG_GETARG_DATUM(1));
        return Float8GetDatum(core::match_score(a, b, pg::doubles(PG_GETARG_DATUM(2))));
    });
}

PG_FUNCTION_INFO_V1(xsell_match_reason);
Datum xsell_match_reason(PG_FUNCTION_ARGS) {
    return pg::enter([&] {
        const core::Record a = pg::record_of(PG_GETARG_DATUM(0));
        const core::Record b = pg::record_of(PG_GETARG_DATUM(1));
        return pg::text_of(core::match_reason(core::compare(a, b)));
    });
}

PG_FUNCTION_INFO_V1(xsell_match_inputs);
Datum xsell_match_inputs(PG_FUNCTION_ARGS) {
    return pg::enter([&] {
        const core::Record a = pg::record_of(PG_GETARG_DATUM(0));
        const core::Record b = pg::record_of(PG_GETARG_DATUM(1));
        const core::MatcherInputs inputs = core::matcher_inputs_of(a, b);
        return pg::double_array({inputs.begin(), inputs.end()});
    });
}

PG_FUNCTION_INFO_V1(xsell_match_input_name);
Datum xsell_match_input_name(PG_FUNCTION_ARGS) {
    return pg::enter([&] {
        const int position = PG_GETARG_INT32(0);
        const bool known = position >= 1 && position <= static_cast<int>(core::matcher_inputs);
        return pg::text_of(known ? std::string(core::matcher_input_name(static_cast<std::size_t>(position - 1))) : std::string());
    });
}

PG_FUNCTION_INFO_V1(xsell_fit_matcher);
Datum xsell_fit_matcher(PG_FUNCTION_ARGS) {
    return pg::enter([&] { return pg::fitted(fcinfo); });
}
}
