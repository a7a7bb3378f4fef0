// xsell.event_features: runs the caller's query into a receiver that gathers what is asked for by key. The executor does the
// reading, so that privileges and row security hold.
#include "core/features/event_features.hpp"

#include "border/datum.hpp"
#include "numeric_double.hpp"
#include "settings.hpp"

extern "C" {
#include "nodes/parsenodes.h"
#include "utils/plancache.h"
#include "utils/uuid.h"
}

namespace core = xsell::core;
using namespace xsell::pg;

namespace {

constexpr const char *how_to_write =
    "Write it as SELECT key, at, value, ... FROM ...: a key (bigint, integer, text or uuid), then columns of times "
    "(timestamptz), each"
    " followed by what is said of its events (numbers, booleans, labels).";

[[noreturn]] void refuse(const std::string &what, const char *hint = how_to_write) {
    throw core::Error(core::Kind::bad_argument, what, hint);
}

std::string type_name(Oid type) {
    return pg([&]() noexcept { return format_type_be(type); });
}

Oid base_type(TupleDesc shape, int column) {
    return pg([&]() noexcept { return getBaseType(TupleDescAttr(shape, column)->atttypid); });
}

core::EventColumnKind kind_of(Oid type, const char *name) {
    switch (type) {
        case TIMESTAMPTZOID: return core::EventColumnKind::time;
        case INT2OID:
        case INT4OID:
        case INT8OID:
        case FLOAT4OID:
        case FLOAT8OID:
        case NUMERICOID: return core::EventColumnKind::number;
        case BOOLOID: return core::EventColumnKind::flag;
        case TEXTOID:
        case VARCHAROID:
        case UUIDOID: return core::EventColumnKind::label;
        default:
            refuse("column \"" + std::string(name) + "\" of the query is of type " + type_name(type),
                   "Cast it to timestamptz, a number, boolean, text or uuid.");
    }
}

struct EventQuery {
    SPIPlanPtr plan;
    TupleDesc shape;
};

EventQuery prepare(const char *text) {
    SPIPlanPtr plan = pg([&]() noexcept {
        SPI_connect();
        SPIPlanPtr prepared = SPI_prepare_cursor(text, 0, nullptr, CURSOR_OPT_PARALLEL_OK);
        if (prepared == nullptr) {
            elog(ERROR, "could not prepare the query: %s", SPI_result_code_string(SPI_result));
        }
        return prepared;
    });
    List *sources = SPI_plan_get_plan_sources(plan);
    if (list_length(sources) != 1) {
        refuse("the query must be one statement");
    }
    auto *source = static_cast<CachedPlanSource *>(linitial(sources));
    if (source->resultDesc == nullptr || ChoosePortalStrategy(source->query_list) != PORTAL_ONE_SELECT) {
        refuse("the query must be a SELECT that changes nothing");
    }
    if (source->resultDesc->natts < 2) {
        refuse("the query must have a key and at least one other column");
    }
    return {plan, source->resultDesc};
}

class EventReceiver {
  public:
    EventReceiver(TupleDesc shape, TupleDesc wanted, TimestampTz as_of);

    DestReceiver *destination() { return &link_.receiver; }
    void flush();
    void emit(const ReturnSetInfo *result);

  private:
    struct Link {
        DestReceiver receiver;  // first: the server knows us by its address
        EventReceiver *self;
    };
    static bool receive(TupleTableSlot *slot, DestReceiver *receiver);
    static std::vector<core::EventColumn> columns_of(TupleDesc shape);
    std::vector<core::EventFeature> features_of(TupleDesc wanted) const;
    void add(TupleTableSlot *slot);
    bool integer_key() const { return key_type_ == INT8OID || key_type_ == INT4OID; }
    std::size_t other_key(Datum value);
    void read(std::size_t column, Datum value, core::EventValue &to);
    Datum key_datum(std::size_t key) noexcept;

    Link link_ = {};
    std::vector<core::EventColumn> columns_;
    std::vector<Oid> types_;   // of the columns after the key
    std::vector<Oid> wanted_;  // of the features
    Oid key_type_;
    core::MemoryBudget budget_;
    core::EventFeatures features_;
    core::Codes<std::int64_t> integer_keys_;
    core::Codes<std::string_view> other_keys_;
    // Rows wait in blocks for their places in memory: looked up one by one they would wait for each.
    static constexpr std::size_t block_rows = 64;
    std::size_t rows_ = 0;
    std::vector<core::EventValue> block_;
    std::int64_t integer_[block_rows];
    std::size_t key_[block_rows];
};

std::vector<core::EventColumn> EventReceiver::columns_of(TupleDesc shape) {
    std::vector<core::EventColumn> columns;
    for (int i = 1; i < shape->natts; ++i) {
        const char *name = NameStr(TupleDescAttr(shape, i)->attname);
        columns.push_back({name, kind_of(base_type(shape, i), name)});
    }
    return columns;
}

// What the column definition list asks for, in types that can hold it.
std::vector<core::EventFeature> EventReceiver::features_of(TupleDesc wanted) const {
    std::vector<core::EventFeature> features;
    for (int i = 1; i < wanted->natts; ++i) {
        const char *name = NameStr(TupleDescAttr(wanted, i)->attname);
        const core::EventFeature feature = core::event_feature(name, columns_);
        const Oid type = TupleDescAttr(wanted, i)->atttypid;
        const bool time = feature.measure == core::Measure::first || feature.measure == core::Measure::last;
        const bool whole = feature.measure == core::Measure::count || feature.measure == core::Measure::distinct;
        const bool real = type == FLOAT4OID || type == FLOAT8OID;
        if (time ? type != TIMESTAMPTZOID : !real && !(whole && (type == INT4OID || type == INT8OID))) {
            refuse("feature \"" + std::string(name) + "\" cannot be of type " + type_name(type),
                   time    ? "It is a timestamptz."
                   : whole ? "It is a bigint, an integer, a real or a double precision."
                           : "It is a double precision or a real.");
        }
        features.push_back(feature);
    }
    return features;
}

EventReceiver::EventReceiver(TupleDesc shape, TupleDesc wanted, TimestampTz as_of)
    : columns_(columns_of(shape)),
      key_type_(base_type(shape, 0)),
      budget_(static_cast<std::size_t>(settings.max_event_memory) << 20, "xsell.max_event_memory"),
      features_(columns_, features_of(wanted), as_of, budget_),
      block_(block_rows * columns_.size()) {
    if (key_type_ != INT8OID && key_type_ != INT4OID && key_type_ != TEXTOID && key_type_ != VARCHAROID && key_type_ != UUIDOID) {
        refuse("the key of the query is of type " + type_name(key_type_));
    }
    if (base_type(wanted, 0) != key_type_) {
        refuse("the key of the query is of type " + type_name(key_type_) + ", the column definition list says " +
                   type_name(TupleDescAttr(wanted, 0)->atttypid),
               "The first column of the list is the key, the others are features by name.");
    }
    for (int i = 1; i < shape->natts; ++i) {
        types_.push_back(base_type(shape, i));
    }
    for (int i = 1; i < wanted->natts; ++i) {
        wanted_.push_back(TupleDescAttr(wanted, i)->atttypid);
    }
    link_.self = this;
    link_.receiver.receiveSlot = receive;
    link_.receiver.rStartup = [](DestReceiver *, int, TupleDesc) {};
    link_.receiver.rShutdown = [](DestReceiver *) {};
    link_.receiver.rDestroy = [](DestReceiver *) {};
    link_.receiver.mydest = DestNone;
}

bool EventReceiver::receive(TupleTableSlot *slot, DestReceiver *receiver) {
    return DatumGetBool(enter([&] {
        reinterpret_cast<Link *>(receiver)->self->add(slot);
        return BoolGetDatum(true);
    }));
}

std::size_t EventReceiver::other_key(Datum value) {
    if (key_type_ == UUIDOID) {
        return other_keys_.of({reinterpret_cast<const char *>(DatumGetUUIDP(value)->data), UUID_LEN}, budget_);
    }
    return other_keys_.of(text_view(value), budget_);
}

void EventReceiver::read(std::size_t column, Datum value, core::EventValue &to) {
    const bool label = features_.tells_apart(column);
    switch (types_[column]) {
        case TIMESTAMPTZOID:
            to.integer = DatumGetTimestampTz(value);
            to.present = !TIMESTAMP_NOT_FINITE(to.integer);
            return;
        case BOOLOID: to.integer = DatumGetBool(value) ? 1 : 0; break;
        case INT2OID: to.integer = DatumGetInt16(value); break;
        case INT4OID: to.integer = DatumGetInt32(value); break;
        case INT8OID: to.integer = DatumGetInt64(value); break;
        case FLOAT4OID: to.number = static_cast<double>(DatumGetFloat4(value)); break;
        case FLOAT8OID: to.number = DatumGetFloat8(value); break;
        case NUMERICOID: to.number = numeric_double(value); break;
        case UUIDOID:
            if (label) {
                to.code = features_.code(column,
                                         std::string_view(reinterpret_cast<const char *>(DatumGetUUIDP(value)->data), UUID_LEN));
            }
            return;
        default:
            if (label) {
                to.code = features_.code(column, text_view(value));
            }
            return;
    }
    if (types_[column] == INT2OID || types_[column] == INT4OID || types_[column] == INT8OID) {
        to.number = static_cast<double>(to.integer);
    } else if (types_[column] != BOOLOID && label) {
        to.integer = std::bit_cast<std::int64_t>(to.number == 0 ? 0.0 : to.number);  // as SQL has it, there is one zero
    }
    if (label) {
        to.code = features_.code(column, to.integer);
    }
}

void EventReceiver::add(TupleTableSlot *slot) {
    const auto columns = static_cast<AttrNumber>(types_.size() + 1);
    if (slot->tts_nvalid < columns) {
        pg([&]() noexcept { slot_getsomeattrs(slot, columns); });
    }
    if (slot->tts_isnull[0]) {
        return;
    }
    core::EventValue *row = &block_[rows_ * types_.size()];
    for (std::size_t c = 0; c < types_.size(); ++c) {
        row[c].present = !slot->tts_isnull[c + 1];
        if (row[c].present) {
            read(c, slot->tts_values[c + 1], row[c]);
        }
    }
    const Datum key = slot->tts_values[0];
    if (integer_key()) {
        integer_[rows_] = key_type_ == INT8OID ? DatumGetInt64(key) : DatumGetInt32(key);
        integer_keys_.expect(integer_[rows_]);
    } else {
        key_[rows_] = other_key(key);  // its bytes are gone with the row
        features_.expect(key_[rows_]);
    }
    if (++rows_ == block_rows) {
        flush();
    }
}

void EventReceiver::flush() {
    if (integer_key()) {
        for (std::size_t r = 0; r < rows_; ++r) {
            key_[r] = integer_keys_.of(integer_[r], budget_);
            features_.expect(key_[r]);
        }
    }
    for (std::size_t r = 0; r < rows_; ++r) {
        features_.add(key_[r], &block_[r * types_.size()]);
    }
    rows_ = 0;
}

Datum EventReceiver::key_datum(std::size_t key) noexcept {
    switch (key_type_) {
        case INT8OID: return Int64GetDatum(integer_keys_[key]);
        case INT4OID: return Int32GetDatum(static_cast<std::int32_t>(integer_keys_[key]));
        case UUIDOID: return PointerGetDatum(other_keys_[key].data());
        default:
            return PointerGetDatum(cstring_to_text_with_len(other_keys_[key].data(), static_cast<int>(other_keys_[key].size())));
    }
}

Datum as_type(Oid type, const core::EventResult &result) {
    const double number = result.kind == core::EventResult::real ? result.number : static_cast<double>(result.whole);
    switch (type) {
        case INT4OID: return Int32GetDatum(static_cast<std::int32_t>(result.whole));
        case FLOAT4OID: return Float4GetDatum(static_cast<float>(number));
        case FLOAT8OID: return Float8GetDatum(number);
        default: return Int64GetDatum(result.whole);
    }
}

void EventReceiver::emit(const ReturnSetInfo *result) {
    std::vector<Datum> values(wanted_.size() + 1);
    std::unique_ptr<bool[]> nulls(new bool[wanted_.size() + 1]());
    MemoryContext texts =
        pg([]() noexcept { return AllocSetContextCreate(CurrentMemoryContext, "xsell event keys", ALLOCSET_DEFAULT_SIZES); });
    for (std::size_t key = 0; key < features_.keys(); ++key) {
        for (std::size_t f = 0; f < wanted_.size(); ++f) {
            const core::EventResult feature = features_.result(key, f);
            nulls[f + 1] = feature.kind == core::EventResult::missing;
            values[f + 1] = as_type(wanted_[f], feature);
        }
        pg([&]() noexcept {
            CHECK_FOR_INTERRUPTS();
            MemoryContext caller = MemoryContextSwitchTo(texts);
            values[0] = key_datum(key);
            MemoryContextSwitchTo(caller);
            tuplestore_putvalues(result->setResult, result->setDesc, values.data(), nulls.get());
            if (key % 1024 == 0) {
                MemoryContextReset(texts);
            }
        });
    }
}

void run(const EventQuery &query, EventReceiver &receiver) {
    DestReceiver *destination = receiver.destination();
    pg([&]() noexcept {
        SPIExecuteOptions options = {};
        options.read_only = true;  // the statement's own snapshot
        options.must_return_tuples = true;
        options.dest = destination;
        const int result = SPI_execute_plan_extended(query.plan, &options);
        if (result < 0) {
            elog(ERROR, "could not run the query: %s", SPI_result_code_string(result));
        }
    });
}

}  // namespace

extern "C" {
PG_FUNCTION_INFO_V1(xsell_event_features);

Datum xsell_event_features(PG_FUNCTION_ARGS) {
    return enter([&] {
        auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
        const char *query_text = pg([&]() noexcept {
            InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
            return text_to_cstring(PG_GETARG_TEXT_PP(0));
        });
        const TimestampTz as_of = PG_GETARG_TIMESTAMPTZ(1);
        if (TIMESTAMP_NOT_FINITE(as_of)) {
            refuse("as_of must be a time", "Features are seen from a time: xsell.clock(), or '2024-07-01 00:00+00'.");
        }
        {
            const EventQuery query = prepare(query_text);
            EventReceiver receiver(query.shape, result->setDesc, as_of);
            run(query, receiver);
            receiver.flush();
            receiver.emit(result);
        }
        pg([]() noexcept { SPI_finish(); });
        return Datum{0};
    });
}
}
