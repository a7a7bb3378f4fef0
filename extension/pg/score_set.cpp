// xsell.score_set: runs the caller's query into a receiver that scores blocks of rows. The executor does the reading, so that
// privileges and row security hold.
#include "border/datum.hpp"
#include "core/error.hpp"
#include "model_cache.hpp"
#include "row_reader.hpp"

extern "C" {
#include "nodes/parsenodes.h"
#include "utils/plancache.h"
}

namespace core = xsell::core;
using namespace xsell::pg;

namespace {

constexpr std::size_t block_rows = core::block_rows;

class BlockReceiver {
  public:
    BlockReceiver(const ModelHandle &handle, const core::Model &model, const ReturnSetInfo *result, Oid id_type);

    DestReceiver *destination() { return &link_.receiver; }
    void flush();

  private:
    struct Link {
        DestReceiver receiver;  // first: the server knows us by its address
        BlockReceiver *self;
    };
    static bool receive(TupleTableSlot *slot, DestReceiver *receiver);
    void add(TupleTableSlot *slot);
    Datum id_text(Datum id) noexcept;

    Link link_ = {};
    const ModelHandle &handle_;
    const core::Model &model_;
    const ReturnSetInfo *result_;
    Oid id_type_;
    FmgrInfo id_output_ = {};
    MemoryContext block_;
    std::size_t rows_ = 0;
    std::vector<float> x_;
    double probability_[block_rows];
    Datum id_[block_rows];
    bool id_null_[block_rows];
    bool x_null_[block_rows];
};

BlockReceiver::BlockReceiver(const ModelHandle &handle, const core::Model &model, const ReturnSetInfo *result, Oid id_type)
    : handle_(handle), model_(model), result_(result), id_type_(id_type), x_(block_rows * model.features()) {
    link_.self = this;
    link_.receiver.receiveSlot = receive;
    link_.receiver.rStartup = [](DestReceiver *, int, TupleDesc) {};
    link_.receiver.rShutdown = [](DestReceiver *) {};
    link_.receiver.rDestroy = [](DestReceiver *) {};
    link_.receiver.mydest = DestNone;
    block_ = pg([&]() noexcept {
        Oid output;
        bool varlena;
        getTypeOutputInfo(id_type, &output, &varlena);
        fmgr_info(output, &id_output_);
        return AllocSetContextCreate(CurrentMemoryContext, "xsell block", ALLOCSET_DEFAULT_SIZES);
    });
}

bool BlockReceiver::receive(TupleTableSlot *slot, DestReceiver *receiver) {
    return DatumGetBool(enter([&] {
        reinterpret_cast<Link *>(receiver)->self->add(slot);
        return BoolGetDatum(true);
    }));
}

// An id as text, in the block's memory context. Texts pass as they are and integers need no output function.
Datum BlockReceiver::id_text(Datum id) noexcept {
    switch (id_type_) {
        case TEXTOID:
        case VARCHAROID: return PointerGetDatum(PG_DETOAST_DATUM_COPY(id));
        case INT4OID:
        case INT8OID: {
            auto *text_id = static_cast<text *>(palloc(VARHDRSZ + MAXINT8LEN + 1));
            const std::int64_t number = id_type_ == INT4OID ? DatumGetInt32(id) : DatumGetInt64(id);
            SET_VARSIZE(text_id, VARHDRSZ + pg_lltoa(number, VARDATA(text_id)));
            return PointerGetDatum(text_id);
        }
        default: return CStringGetTextDatum(OutputFunctionCall(&id_output_, id));
    }
}

void BlockReceiver::add(TupleTableSlot *slot) {
    const std::size_t r = rows_;
    pg([&]() noexcept {
        slot_getsomeattrs(slot, 2);
        id_null_[r] = slot->tts_isnull[0];
        if (!id_null_[r]) {
            MemoryContext caller = MemoryContextSwitchTo(block_);
            id_[r] = id_text(slot->tts_values[0]);
            MemoryContextSwitchTo(caller);
        }
    });
    float *to = x_.data() + r * model_.features();
    x_null_[r] = slot->tts_isnull[1];
    if (x_null_[r]) {
        std::fill_n(to, model_.features(), 0.0f);
    } else {
        MemoryContext caller = MemoryContextSwitchTo(block_);  // a row that must be unpacked goes with its block
        const RealArray row(slot->tts_values[1]);
        MemoryContextSwitchTo(caller);
        require_length(handle_, model_, row);
        row.copy_to(to);
    }
    if (++rows_ == block_rows) {
        flush();
    }
}

void BlockReceiver::flush() {
    if (rows_ == 0) {
        return;
    }
    model_.probabilities(x_.data(), model_.features(), rows_, probability_);
    pg([&]() noexcept {
        CHECK_FOR_INTERRUPTS();
        for (std::size_t r = 0; r < rows_; ++r) {
            Datum values[2] = {id_[r], Float8GetDatum(probability_[r])};
            bool nulls[2] = {id_null_[r], x_null_[r]};
            tuplestore_putvalues(result_->setResult, result_->setDesc, values, nulls);
        }
        MemoryContextReset(block_);
    });
    rows_ = 0;
}

[[noreturn]] void refuse(const std::string &what) {
    throw core::Error(core::Kind::bad_argument, what,
                      "Write it as SELECT id, x FROM ..., where x is a real[] in the order of the model's features.");
}

// Throws unless the plan is one SELECT of an id and a real[]; returns the type of the id.
Oid checked_id_type(SPIPlanPtr plan) {
    List *sources = SPI_plan_get_plan_sources(plan);
    if (list_length(sources) != 1) {
        refuse("the query must be one statement");
    }
    auto *source = static_cast<CachedPlanSource *>(linitial(sources));
    if (source->resultDesc == nullptr || ChoosePortalStrategy(source->query_list) != PORTAL_ONE_SELECT) {
        refuse("the query must be a SELECT that changes nothing");
    }
    TupleDesc shape = source->resultDesc;
    if (shape->natts != 2) {
        refuse("the query must have two columns, not " + std::to_string(shape->natts));
    }
    const Oid type = TupleDescAttr(shape, 1)->atttypid;
    if (pg([&]() noexcept { return getBaseType(type); }) != FLOAT4ARRAYOID) {
        const char *spelled = pg([&]() noexcept { return format_type_be(type); });
        refuse(std::string("the second column of the query is of type ") + spelled + ", not real[]");
    }
    return pg([&]() noexcept { return getBaseType(TupleDescAttr(shape, 0)->atttypid); });
}

SPIPlanPtr prepare(const char *query) {
    return pg([&]() noexcept {
        SPI_connect();
        SPIPlanPtr plan = SPI_prepare_cursor(query, 0, nullptr, CURSOR_OPT_PARALLEL_OK);
        if (plan == nullptr) {
            elog(ERROR, "could not prepare the query: %s", SPI_result_code_string(SPI_result));
        }
        return plan;
    });
}

void run(SPIPlanPtr plan, BlockReceiver &receiver) {
    DestReceiver *destination = receiver.destination();
    pg([&]() noexcept {
        SPIExecuteOptions options = {};
        options.read_only = true;  // the statement's own snapshot, under which the version was resolved too
        options.must_return_tuples = true;
        options.dest = destination;
        const int result = SPI_execute_plan_extended(plan, &options);
        if (result < 0) {
            elog(ERROR, "could not run the query: %s", SPI_result_code_string(result));
        }
    });
    receiver.flush();
}

}  // namespace

extern "C" {
PG_FUNCTION_INFO_V1(xsell_score_set);

Datum xsell_score_set(PG_FUNCTION_ARGS) {
    return enter([&] {
        auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
        const char *query = pg([&]() noexcept {
            InitMaterializedSRF(fcinfo, 0);
            return text_to_cstring(PG_GETARG_TEXT_PP(1));
        });
        ModelHandle &handle = ModelHandle::of(fcinfo);
        const core::Model &model = handle.use(text_view(PG_GETARG_DATUM(0)));
        SPIPlanPtr plan = prepare(query);
        {
            BlockReceiver receiver(handle, model, result, checked_id_type(plan));
            run(plan, receiver);
        }
        pg([]() noexcept { SPI_finish(); });
        return Datum{0};
    });
}
}
