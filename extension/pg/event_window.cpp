// The aggregate xsell.event_window. A row costs a few comparisons; nothing is allocated but the state.
#include "core/features/event_window.hpp"

#include "row_array.hpp"

extern "C" {
#include "utils/datum.h"
}

namespace core = xsell::core;
using namespace xsell::pg;

namespace {

struct State {
    TimestampTz as_of;
    core::EventWindow window;
};
static_assert(std::is_trivially_copyable_v<State>);

// In the memory of the aggregate, empty.
State *new_state(FunctionCallInfo fcinfo) {
    return pg([&]() noexcept {
        MemoryContext memory;
        if (AggCheckCallContext(fcinfo, &memory) == 0) {
            ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("a function of an aggregate was called outside it")));
        }
        return static_cast<State *>(MemoryContextAllocZero(memory, sizeof(State)));
    });
}

void require_same(TimestampTz one, TimestampTz other) {
    if (one != other) {
        pg([]() noexcept {
            ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("event_window: as_of differs within a group"),
                            errhint("Group by as_of too.")));
        });
    }
}

State *state_argument(FunctionCallInfo fcinfo, int argument) {
    return PG_ARGISNULL(argument) ? nullptr : reinterpret_cast<State *>(PG_GETARG_POINTER(argument));
}

Datum or_null(FunctionCallInfo fcinfo, const State *state) {
    fcinfo->isnull = state == nullptr;
    return PointerGetDatum(state);
}

}  // namespace

extern "C" {
PG_FUNCTION_INFO_V1(xsell_event_window_add);
PG_FUNCTION_INFO_V1(xsell_event_window_combine);
PG_FUNCTION_INFO_V1(xsell_event_window_serialize);
PG_FUNCTION_INFO_V1(xsell_event_window_deserialize);
PG_FUNCTION_INFO_V1(xsell_event_window_final);
PG_FUNCTION_INFO_V1(xsell_event_window_names);

Datum xsell_event_window_add(PG_FUNCTION_ARGS) {
    return enter([&] {
        State *state = state_argument(fcinfo, 0);
        if (PG_ARGISNULL(3) || TIMESTAMP_NOT_FINITE(PG_GETARG_TIMESTAMPTZ(3))) {
            return or_null(fcinfo, state);  // nowhere to look from
        }
        const TimestampTz as_of = PG_GETARG_TIMESTAMPTZ(3);
        if (state == nullptr) {
            state = new_state(fcinfo);
            state->as_of = as_of;
        }
        require_same(state->as_of, as_of);
        if (!PG_ARGISNULL(1) && !TIMESTAMP_NOT_FINITE(PG_GETARG_TIMESTAMPTZ(1))) {
            state->window.add(PG_GETARG_TIMESTAMPTZ(1), PG_ARGISNULL(2) ? 0 : PG_GETARG_FLOAT8(2), as_of);
        }
        return PointerGetDatum(state);
    });
}

Datum xsell_event_window_combine(PG_FUNCTION_ARGS) {
    return enter([&] {
        State *whole = state_argument(fcinfo, 0);
        const State *part = state_argument(fcinfo, 1);
        if (part == nullptr) {
            return or_null(fcinfo, whole);
        }
        if (whole == nullptr) {
            whole = new_state(fcinfo);
            *whole = *part;
        } else {
            require_same(whole->as_of, part->as_of);
            whole->window.combine(part->window);
        }
        return PointerGetDatum(whole);
    });
}

// Bytes as they lie: workers are of the same server.
Datum xsell_event_window_serialize(PG_FUNCTION_ARGS) {
    return enter([&] {
        const State *state = state_argument(fcinfo, 0);
        return pg([&]() noexcept {
            auto *bytes = static_cast<bytea *>(palloc(VARHDRSZ + sizeof(State)));
            SET_VARSIZE(bytes, VARHDRSZ + sizeof(State));
            std::memcpy(VARDATA(bytes), state, sizeof(State));
            return PointerGetDatum(bytes);
        });
    });
}

Datum xsell_event_window_deserialize(PG_FUNCTION_ARGS) {
    return enter([&] {
        State *state = new_state(fcinfo);
        pg([&]() noexcept {
            const bytea *bytes = PG_GETARG_BYTEA_PP(0);
            if (VARSIZE_ANY_EXHDR(bytes) != sizeof(State)) {
                elog(ERROR, "event_window: a state of %zu bytes", static_cast<std::size_t>(VARSIZE_ANY_EXHDR(bytes)));
            }
            std::memcpy(static_cast<void *>(state), VARDATA_ANY(bytes), sizeof(State));
        });
        return PointerGetDatum(state);
    });
}

Datum xsell_event_window_final(PG_FUNCTION_ARGS) {
    return enter([&] {
        const State *state = state_argument(fcinfo, 0);
        const State empty = {};
        const auto values = (state == nullptr ? empty : *state).window.values(state == nullptr ? 0 : state->as_of);
        RowArray array(values.size());
        const Datum row = array.fill(values.data());
        return pg([&]() noexcept { return datumCopy(row, false, -1); });
    });
}

Datum xsell_event_window_names(PG_FUNCTION_ARGS) {
    return enter([&] {
        return pg([&]() noexcept {
            Datum names[core::event_window_names.size()];
            std::size_t count = 0;
            for (const std::string_view name : core::event_window_names) {
                names[count++] = PointerGetDatum(cstring_to_text_with_len(name.data(), static_cast<int>(name.size())));
            }
            return PointerGetDatum(construct_array(names, static_cast<int>(count), TEXTOID, -1, false, TYPALIGN_INT));
        });
    });
}
}
