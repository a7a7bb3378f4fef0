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

core::Score score_array(ModelHandle &handle, const core::Model &model, Datum x) {
    const RealArray row(x);
    require_length(handle, model, row);
    float values[core::max_features];
    row.copy_to(values);
    return model.score(values);
}

// Population standard deviation of the members' scores.
double disagreement(const core::Score &score) {
    double count = 0;
    double sum = 0;
    double squares = 0;
    for (const double member : score.member) {
        if (!std::isnan(member)) {
            count += 1;
            sum += member;
        }
    }
    for (const double member : score.member) {
        if (!std::isnan(member)) {
            squares += (member - sum / count) * (member - sum / count);
        }
    }
    return std::sqrt(squares / count);
}

// The first level whose bars are both cleared; the bars are those of the platform before this one.
const char *confidence_level(double probability, double disagreement) {
    constexpr struct {
        const char *name;
        double above;
        double disagreement_below;
    } levels[] = {{"Very High", 0.8, 0.1}, {"High", 0.7, 0.15}, {"Medium", 0.6, std::numeric_limits<double>::infinity()}};
    for (const auto &level : levels) {
        if (probability > level.above && disagreement < level.disagreement_below) {
            return level.name;
        }
    }
    return "Low";
}

// The shape of the result; looked up once.
TupleDesc result_shape(FunctionCallInfo fcinfo, ModelHandle &handle) {
    if (handle.extra == nullptr) {
        handle.extra = pg([&]() noexcept {
            MemoryContext caller = MemoryContextSwitchTo(handle.context());
            TupleDesc found = nullptr;
            if (get_call_result_type(fcinfo, nullptr, &found) != TYPEFUNC_COMPOSITE) {
                elog(ERROR, "xsell_score must return a row");
            }
            found = BlessTupleDesc(CreateTupleDescCopy(found));
            MemoryContextSwitchTo(caller);
            return found;
        });
    }
    return static_cast<TupleDesc>(handle.extra);
}

Datum score_tuple(FunctionCallInfo fcinfo, ModelHandle &handle, const core::Score &score) {
    TupleDesc shape = result_shape(fcinfo, handle);
    const double spread = disagreement(score);
    const char *level = confidence_level(score.probability, spread);
    return pg([&]() noexcept {
        Datum values[12] = {Float8GetDatum(score.probability), Float8GetDatum(score.low), Float8GetDatum(score.high),
                            Float8GetDatum(score.raw)};
        bool nulls[lengthof(values)] = {};
        int next = 4;
        for (const double member : score.member) {
            nulls[next] = std::isnan(member);
            values[next++] = Float8GetDatum(member);
        }
        values[next++] = Int32GetDatum(handle.version());
        nulls[next] = handle.role()[0] == '\0';
        values[next++] = CStringGetTextDatum(handle.role());
        values[next++] = CStringGetTextDatum(level);
        values[next++] = Float8GetDatum(spread);
        return HeapTupleGetDatum(heap_form_tuple(shape, values, nulls));
    });
}

}  // namespace

extern "C" {
PG_FUNCTION_INFO_V1(xsell_predict);
PG_FUNCTION_INFO_V1(xsell_predict_entity);
PG_FUNCTION_INFO_V1(xsell_predict_version);
PG_FUNCTION_INFO_V1(xsell_predict_record);
PG_FUNCTION_INFO_V1(xsell_score);
PG_FUNCTION_INFO_V1(xsell_score_entity);
PG_FUNCTION_INFO_V1(xsell_score_version);
PG_FUNCTION_INFO_V1(xsell_assigned_version);

Datum xsell_predict(PG_FUNCTION_ARGS) {
    return enter([&] {
        ModelHandle &handle = ModelHandle::of(fcinfo);
        const core::Model &model = handle.use(text_view(PG_GETARG_DATUM(0)));
        return Float8GetDatum(predict_array(handle, model, PG_GETARG_DATUM(1)));
    });
}

Datum xsell_predict_entity(PG_FUNCTION_ARGS) {
    return enter([&] {
        ModelHandle &handle = ModelHandle::of(fcinfo);
        const core::Model &model = handle.use_for(text_view(PG_GETARG_DATUM(0)), PG_GETARG_INT64(2));
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
        return score_tuple(fcinfo, handle, score_array(handle, model, PG_GETARG_DATUM(1)));
    });
}

Datum xsell_score_entity(PG_FUNCTION_ARGS) {
    return enter([&] {
        ModelHandle &handle = ModelHandle::of(fcinfo);
        const core::Model &model = handle.use_for(text_view(PG_GETARG_DATUM(0)), PG_GETARG_INT64(2));
        return score_tuple(fcinfo, handle, score_array(handle, model, PG_GETARG_DATUM(1)));
    });
}

Datum xsell_score_version(PG_FUNCTION_ARGS) {
    return enter([&] {
        ModelHandle &handle = ModelHandle::of(fcinfo);
        const core::Model &model = handle.use(text_view(PG_GETARG_DATUM(0)), require_version(PG_GETARG_INT32(1)));
        return score_tuple(fcinfo, handle, score_array(handle, model, PG_GETARG_DATUM(2)));
    });
}

Datum xsell_assigned_version(PG_FUNCTION_ARGS) {
    return enter([&] {
        ModelHandle &handle = ModelHandle::of(fcinfo);
        const int place = handle.assign(text_view(PG_GETARG_DATUM(0)), PG_GETARG_INT64(1));
        fcinfo->isnull = place < 0;
        return place < 0 ? Datum{0} : Int32GetDatum(handle.arm(place).version);
    });
}
}
