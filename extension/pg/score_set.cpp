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

// The caller's query: id and features, or id, entity and features.
struct Shape {
    Oid id_type;
    Oid entity_type;  // InvalidOid: no entity
};

class BlockReceiver {
  public:
    BlockReceiver(ModelHandle &handle, std::string_view name, const ReturnSetInfo *result, Shape shape);

    DestReceiver *destination() { return &link_.receiver; }
    void flush();

  private:
    struct Link {
        DestReceiver receiver;  // first: the server knows us by its address
        BlockReceiver *self;
    };
    static bool receive(TupleTableSlot *slot, DestReceiver *receiver);
    void add(TupleTableSlot *slot);
    const core::Model &model_for(TupleTableSlot *slot, std::size_t r);
    void score();
    Datum id_text(Datum id) noexcept;

    Link link_ = {};
    ModelHandle &handle_;
    std::string_view name_;
    const ReturnSetInfo *result_;
    Oid id_type_;
    Oid entity_type_;
    bool by_entity_;
    const core::Model *model_ = nullptr;  // the champion, when entities do not decide
    FmgrInfo id_output_ = {};
    MemoryContext block_;
    std::size_t rows_ = 0;
    std::size_t stride_;
    std::vector<float> x_;
    std::vector<float> part_;  // the rows of one arm
    const core::Model *scorer_[block_rows];
    double probability_[block_rows];
    Datum id_[block_rows];
    bool id_null_[block_rows];
    bool x_null_[block_rows];
};

BlockReceiver::BlockReceiver(ModelHandle &handle, std::string_view name, const ReturnSetInfo *result, Shape shape)
    : handle_(handle),
      name_(name),
      result_(result),
      id_type_(shape.id_type),
      entity_type_(shape.entity_type),
      by_entity_(shape.entity_type != InvalidOid) {
    if (!by_entity_) {
        model_ = &handle.use(name);
    }
    stride_ = by_entity_ ? core::max_features : model_->features();
    x_.resize(block_rows * stride_);
    part_.resize(by_entity_ ? x_.size() : 0);
    link_.self = this;
    link_.receiver.receiveSlot = receive;
    link_.receiver.rStartup = [](DestReceiver *, int, TupleDesc) {};
    link_.receiver.rShutdown = [](DestReceiver *) {};
    link_.receiver.rDestroy = [](DestReceiver *) {};
    link_.receiver.mydest = DestNone;
    block_ = pg([&]() noexcept {
        Oid output;
        bool varlena;
        getTypeOutputInfo(id_type_, &output, &varlena);
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

// A row without an entity has no score, like one without features.
const core::Model &BlockReceiver::model_for(TupleTableSlot *slot, std::size_t r) {
    if (!by_entity_) {
        return *model_;
    }
    const Datum entity = slot->tts_isnull[1] ? Datum{0} : slot->tts_values[1];
    x_null_[r] = x_null_[r] || slot->tts_isnull[1];
    return handle_.use_for(name_, entity_type_ == INT4OID ? DatumGetInt32(entity) : DatumGetInt64(entity));
}

void BlockReceiver::add(TupleTableSlot *slot) {
    const std::size_t r = rows_;
    const int features = by_entity_ ? 2 : 1;
    pg([&]() noexcept {
        slot_getsomeattrs(slot, features + 1);
        id_null_[r] = slot->tts_isnull[0];
        if (!id_null_[r]) {
            MemoryContext caller = MemoryContextSwitchTo(block_);
            id_[r] = id_text(slot->tts_values[0]);
            MemoryContextSwitchTo(caller);
        }
    });
    float *to = x_.data() + r * stride_;
    x_null_[r] = slot->tts_isnull[features];
    const core::Model &model = model_for(slot, r);
    scorer_[r] = &model;
    if (x_null_[r]) {
        std::fill_n(to, model.features(), 0.0f);
    } else {
        MemoryContext caller = MemoryContextSwitchTo(block_);  // a row that must be unpacked goes with its block
        const RealArray row(slot->tts_values[features]);
        MemoryContextSwitchTo(caller);
        require_length(handle_, model, row);
        row.copy_to(to);
    }
    if (++rows_ == block_rows) {
        flush();
    }
}

// Scores the block, each arm's rows together.
void BlockReceiver::score() {
    if (!by_entity_) {
        model_->probabilities(x_.data(), stride_, rows_, probability_);
        return;
    }
    std::size_t place[block_rows];
    double probability[block_rows];
    for (std::size_t done = 0; done < rows_;) {
        const core::Model *arm = *std::find_if(scorer_, scorer_ + rows_, [](const core::Model *m) { return m != nullptr; });
        std::size_t count = 0;
        for (std::size_t r = 0; r < rows_; ++r) {
            if (scorer_[r] == arm) {
                std::copy_n(x_.data() + r * stride_, arm->features(), part_.data() + count * arm->features());
                scorer_[r] = nullptr;
                place[count++] = r;
            }
        }
        arm->probabilities(part_.data(), arm->features(), count, probability);
        for (std::size_t i = 0; i < count; ++i) {
            probability_[place[i]] = probability[i];
        }
        done += count;
    }
}

void BlockReceiver::flush() {
    if (rows_ == 0) {
        return;
    }
    score();
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
                      "Write it as SELECT id, x FROM ..., where x is a real[] in the order of the model's features; or as"
                      " SELECT id, entity_id, x FROM ... to have each entity scored by its version in the split.");
}

// The type of a column, which must be one of two.
Oid required_type(TupleDesc shape, int column, Oid wanted, Oid also, const char *explained) {
    const Oid type = TupleDescAttr(shape, column)->atttypid;
    const Oid base = pg([&]() noexcept { return getBaseType(type); });
    if (base != wanted && base != also) {
        const char *spelled = pg([&]() noexcept { return format_type_be(type); });
        const char *place[] = {"first", "second", "third"};
        refuse(std::string("the ") + place[column] + " column of the query is of type " + spelled + ", not " + explained);
    }
    return base;
}

// Throws unless the plan is one SELECT of an id, perhaps an entity, and a real[].
Shape checked_shape(SPIPlanPtr plan) {
    List *sources = SPI_plan_get_plan_sources(plan);
    if (list_length(sources) != 1) {
        refuse("the query must be one statement");
    }
    auto *source = static_cast<CachedPlanSource *>(linitial(sources));
    if (source->resultDesc == nullptr || ChoosePortalStrategy(source->query_list) != PORTAL_ONE_SELECT) {
        refuse("the query must be a SELECT that changes nothing");
    }
    TupleDesc shape = source->resultDesc;
    if (shape->natts != 2 && shape->natts != 3) {
        refuse("the query must have two or three columns, not " + std::to_string(shape->natts));
    }
    const Oid entity = shape->natts == 3 ? required_type(shape, 1, INT8OID, INT4OID, "bigint") : InvalidOid;
    required_type(shape, shape->natts - 1, FLOAT4ARRAYOID, FLOAT4ARRAYOID, "real[]");
    return {pg([&]() noexcept { return getBaseType(TupleDescAttr(shape, 0)->atttypid); }), entity};
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
        const std::string name(text_view(PG_GETARG_DATUM(0)));
        handle.use(name);  // says at once that there is nothing to score with
        SPIPlanPtr plan = prepare(query);
        {
            BlockReceiver receiver(handle, name, result, checked_shape(plan));
            run(plan, receiver);
        }
        pg([]() noexcept { SPI_finish(); });
        return Datum{0};
    });
}
}
