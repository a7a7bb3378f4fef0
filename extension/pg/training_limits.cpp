// What the settings allow a training. The training module calls it through SQL: the settings are defined where this is loaded.
#include "border/border.hpp"
#include "settings.hpp"

using namespace xsell::pg;

extern "C" {
PG_FUNCTION_INFO_V1(xsell_training_limits);

Datum xsell_training_limits(PG_FUNCTION_ARGS) {
    return enter([&] {
        return pg([&]() noexcept {
            TupleDesc shape = nullptr;
            if (get_call_result_type(fcinfo, nullptr, &shape) != TYPEFUNC_COMPOSITE) {
                elog(ERROR, "xsell_training_limits must return a row");
            }
            Datum values[] = {Int32GetDatum(settings.max_training_memory), Int32GetDatum(settings.training_threads)};
            bool nulls[2] = {false, false};
            return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(shape), values, nulls));
        });
    });
}
}
