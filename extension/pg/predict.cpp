// xsell.predict and xsell.score: one row in, one probability out.
#include "border/datum.hpp"
#include "core/error.hpp"
#include "model_cache.hpp"
#include "row_reader.hpp"

namespace core = xsell::core;
using namespace xsell::pg;

namespace {

double predict_array(ModelHandle &handle, const core::Model &model, Datum x) {
    const RealArray row(x);
    require_length(handle, model, row);
    if (!row.has_null()) {
        return model.probability(row.data());
    }
    float values[core::max_features];
    row.copy_to(values);
    return model.probability(values);
}

// Result of xsell.score; the tuple descriptor is looked up once.
Datum score_tuple(FunctionCallInfo fcinfo, ModelHandle &handle, const core::Score &score) {
    auto *shape = static_cast<TupleDesc>(handle.extra);
    if (shape == nullptr) {
        shape = pg([&]() noexcept {
            MemoryContext caller = MemoryContextSwitchTo(handle.context());
            TupleDesc found = nullptr;
            if (get_call_result_type(fcinfo, nullptr, &found) != TYPEFUNC_COMPOSITE) {
                elog(ERROR, "xsell_score must return a row");
            }
            found = BlessTupleDesc(CreateTupleDescCopy(found));
            MemoryContextSwitchTo(caller);
            return found;
        });
        handle.extra = shape;
    }
    const double raw = core::Calibration{}.probability(score.margin);
    return pg([&]() noexcept {
        Datum values[] = {Float8GetDatum(score.probability),
                          Float8GetDatum(score.low),
                          Float8GetDatum(score.high),
                          Float8GetDatum(raw),
                          Float8GetDatum(raw),
                          Int32GetDatum(handle.version()),
                          CStringGetTextDatum("champion")};
        bool nulls[lengthof(values)] = {};
        return HeapTupleGetDatum(heap_form_tuple(shape, values, nulls));
    });
}

}  // namespace

extern "C" {
PG_FUNCTION_INFO_V1(xsell_predict);
PG_FUNCTION_INFO_V1(xsell_predict_version);
PG_FUNCTION_INFO_V1(xsell_predict_record);
PG_FUNCTION_INFO_V1(xsell_score);

Datum xsell_predict(PG_FUNCTION_ARGS) {
    return enter([&] {
        ModelHandle &handle = ModelHandle::of(fcinfo);
        const core::Model &model = handle.use(text_view(PG_GETARG_DATUM(0)));
        return Float8GetDatum(predict_array(handle, model, PG_GETARG_DATUM(1)));
    });
}

Datum xsell_predict_version(PG_FUNCTION_ARGS) {
    return enter([&] {
        ModelHandle &handle = ModelHandle::of(fcinfo);
        const core::Model &model = handle.use(text_view(PG_GETARG_DATUM(0)), require_version(PG_GETARG_INT32(1)));
        return Float8GetDatum(predict_array(handle, model, PG_GETARG_DATUM(2)));
    });
}

Datum xsell_predict_record(PG_FUNCTION_ARGS) {
    return enter([&] {
        ModelHandle &handle = ModelHandle::of(fcinfo);
        const core::Model &model = handle.use(text_view(PG_GETARG_DATUM(0)));
        float values[core::max_features];
        read_record(handle, model, PG_GETARG_DATUM(1), values);
        return Float8GetDatum(model.probability(values));
    });
}

Datum xsell_score(PG_FUNCTION_ARGS) {
    return enter([&] {
        ModelHandle &handle = ModelHandle::of(fcinfo);
        const core::Model &model = handle.use(text_view(PG_GETARG_DATUM(0)));
        const RealArray row(PG_GETARG_DATUM(1));
        require_length(handle, model, row);
        float values[core::max_features];
        row.copy_to(values);
        return score_tuple(fcinfo, handle, model.score(values));
    });
}
}
