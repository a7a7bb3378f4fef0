// Features, scores and ranks in one pass over the entities: only what is kept of each leaves it.
#include "core/error.hpp"
#include "core/features/cross_sell.hpp"
#include "core/recommend/exclusions.hpp"
#include "core/recommend/patch.hpp"
#include "core/recommend/selection.hpp"

#include "border/datum.hpp"
#include "model_cache.hpp"
#include "row_array.hpp"
#include "world_arrays.hpp"

namespace xsell::pg {
namespace {

// Arguments of xsell_internal.rank_candidates, in order.
enum Argument {
    arg_world,
    arg_changes,
    arg_only,
    arg_older_days,
    arg_limit,
    arg_keep,
    arg_model,
    arg_barred_entity,
    arg_barred_product,
    arg_barred_org,
    arg_seller_product,
    arg_seller_org,
    arg_explained
};

constexpr int world_arrays = arg_candidates;
constexpr std::size_t batch_entities = 8;  // of 200 candidates each: whole blocks for the kernels
constexpr std::size_t evidence = 3;        // lookalikes named for a row
constexpr std::int64_t everything = 0;     // in place of an id, where a rule holds for all

// The arrays of a row of xsell_internal.stored_world, as a call that collect() understands.
FunctionCallInfo world_call(Datum row) {
    return pg([&]() noexcept {
        HeapTupleHeader header = DatumGetHeapTupleHeader(row);
        TupleDesc shape = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header), HeapTupleHeaderGetTypMod(header));
        HeapTupleData tuple = {};
        tuple.t_len = HeapTupleHeaderGetDatumLength(header);
        tuple.t_data = header;
        auto *values = static_cast<Datum *>(palloc(sizeof(Datum) * static_cast<std::size_t>(shape->natts)));
        auto *nulls = static_cast<bool *>(palloc(sizeof(bool) * static_cast<std::size_t>(shape->natts)));
        heap_deform_tuple(&tuple, shape, values, nulls);
        auto *call = static_cast<FunctionCallInfo>(palloc0(SizeForFunctionCallInfo(world_arrays)));
        for (int i = 0; i < world_arrays; ++i) {
            if (nulls[i]) {
                ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
                        errmsg("the world must not have a null in %s", NameStr(TupleDescAttr(shape, i)->attname)));
            }
            call->args[i].value = values[i];
        }
        ReleaseTupleDesc(shape);
        return call;
    });
}

core::KnownWorld known_world(FunctionCallInfo call) {
    const auto entities = elements<std::int64_t>(call, arg_entity);
    return {collect(call, entities, elements<std::int64_t>(call, arg_product)), {entities.begin(), entities.end()}};
}

std::optional<std::uint32_t> position(std::span<const std::int64_t> ids, std::int64_t id) {
    const auto found = std::lower_bound(ids.begin(), ids.end(), id);
    if (found == ids.end() || *found != id) {
        return std::nullopt;
    }
    return static_cast<std::uint32_t>(found - ids.begin());
}

// Rules about entities or products that the world does not know say nothing here.
std::vector<core::Exclusion> exclusions(FunctionCallInfo fcinfo, std::span<const std::int64_t> entities,
                                        std::span<const std::int64_t> products) {
    const auto entity = elements<std::int64_t>(fcinfo, arg_barred_entity);
    const auto product = elements<std::int64_t>(fcinfo, arg_barred_product);
    const auto org = elements<std::int64_t>(fcinfo, arg_barred_org);
    require(entity.size() == product.size() && entity.size() == org.size(), "the arrays of a rule must have the same length");
    std::vector<core::Exclusion> rules;
    rules.reserve(entity.size());
    for (std::size_t i = 0; i < entity.size(); ++i) {
        const auto e = entity[i] == everything ? core::every : position(entities, entity[i]);
        const auto p = product[i] == everything ? core::every : position(products, product[i]);
        if (e && p) {
            rules.push_back({*e, *p, org[i] == everything ? core::every : static_cast<std::uint32_t>(org[i])});
        }
    }
    return rules;
}

core::Csr sellers(FunctionCallInfo fcinfo, std::span<const std::int64_t> products) {
    const auto product = elements<std::int64_t>(fcinfo, arg_seller_product);
    const auto org = elements<std::int64_t>(fcinfo, arg_seller_org);
    require(product.size() == org.size(), "the arrays of sellers must have the same length");
    std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
    for (std::size_t i = 0; i < product.size(); ++i) {
        if (const auto p = position(products, product[i])) {
            require(org[i] > 0 && org[i] <= static_cast<std::int64_t>(product.size()), "orgs of sellers are numbered from 1");
            pairs.emplace_back(*p, static_cast<std::uint32_t>(org[i]));
        }
    }
    return core::make_csr(products.size(), std::move(pairs));
}

// Candidates of one entity that wait for their scores; its rows stand in the batch.
struct Waiting {
    std::uint32_t entity;
    std::size_t first;
    std::vector<std::uint32_t> products;
    std::vector<core::Lookalike> lookalikes;
};

struct Batch {
    std::vector<float> values;
    std::vector<Waiting> waiting{batch_entities};
    std::size_t entities = 0;
    std::size_t rows = 0;
};

class Ranker {
  public:
    Ranker(FunctionCallInfo fcinfo, const core::KnownWorld &known, std::span<const std::int64_t> products);

    void rank(std::uint32_t entity);
    void finish();

  private:
    void flush(int place);
    void put(const core::Model &model, int version, const Batch &batch, const Waiting &of);
    void put_row(const core::Model &model, int version, const Batch &batch, const Waiting &of, std::uint32_t row);
    std::size_t find_evidence(const Waiting &of, std::uint32_t product, Datum *ids, Datum *similarities) const;

    const core::KnownWorld &known_;
    std::span<const std::int64_t> products_;
    core::CrossSell cross_sell_;
    core::Csr sellers_;
    core::Exclusions exclusions_;
    std::size_t keep_;
    bool explained_;  // whether somebody will ask why, and needs the features
    ModelHandle &handle_;
    std::string model_;
    const ReturnSetInfo *result_;
    MemoryContext scratch_;
    RowArray array_;
    std::array<Batch, max_arms> batches_;
    std::vector<float> margin_;
    std::vector<double> probability_;
    std::vector<std::uint8_t> barred_;
    core::Selection selection_;
};

core::CandidateLimits limits(FunctionCallInfo fcinfo) {
    core::CandidateLimits limits;
    limits.total = static_cast<std::size_t>(std::max(DatumGetInt32(fcinfo->args[arg_limit].value), 1));
    return limits;
}

Ranker::Ranker(FunctionCallInfo fcinfo, const core::KnownWorld &known, std::span<const std::int64_t> products)
    : known_(known),
      products_(products),
      cross_sell_(known.world, limits(fcinfo), check_for_interrupts),
      sellers_(sellers(fcinfo, products)),
      exclusions_(known.entities.size(), sellers_, exclusions(fcinfo, known.entities, products)),
      keep_(static_cast<std::size_t>(std::max(DatumGetInt32(fcinfo->args[arg_keep].value), 0))),
      explained_(DatumGetBool(fcinfo->args[arg_explained].value)),
      handle_(ModelHandle::of(fcinfo)),
      model_(text_view(fcinfo->args[arg_model].value)),
      result_(reinterpret_cast<const ReturnSetInfo *>(fcinfo->resultinfo)),
      scratch_(pg([]() noexcept { return AllocSetContextCreate(CurrentMemoryContext, "xsell rows", ALLOCSET_DEFAULT_SIZES); })),
      array_(cross_sell_.width()) {}

void Ranker::rank(std::uint32_t entity) {
    if (!known_.world.eligible[entity]) {
        return;
    }
    const core::CrossSell::Rows rows = cross_sell_.rows(entity);
    if (rows.products.empty()) {
        return;
    }
    const int place = handle_.assign(model_, known_.entities[entity]);
    if (place < 0) {
        raise_not_deployed(model_.c_str());
    }
    Batch &batch = batches_[static_cast<std::size_t>(place)];
    Waiting &of = batch.waiting[batch.entities++];
    of.entity = entity;
    of.first = batch.rows;
    of.products.assign(rows.products.begin(), rows.products.end());
    of.lookalikes.assign(cross_sell_.lookalikes().begin(), cross_sell_.lookalikes().end());
    const std::size_t offset = batch.rows * cross_sell_.width();
    if (batch.values.size() < offset + rows.values.size()) {
        batch.values.resize(offset + rows.values.size());
    }
    std::copy(rows.values.begin(), rows.values.end(), batch.values.begin() + static_cast<std::ptrdiff_t>(offset));
    batch.rows += rows.products.size();
    if (batch.entities == batch_entities) {
        flush(place);
    }
}

void Ranker::finish() {
    for (std::size_t place = 0; place < batches_.size(); ++place) {
        if (batches_[place].entities > 0) {
            flush(static_cast<int>(place));
        }
    }
}

void Ranker::flush(int place) {
    check_for_interrupts();
    Batch &batch = batches_[static_cast<std::size_t>(place)];
    const core::Model &model = handle_.load(place);
    if (model.features() != cross_sell_.width()) {
        throw core::Error(core::Kind::bad_argument, "version " + std::to_string(handle_.arm(place).version) + " of model \"" +
                                                        model_ + "\" takes other features than the built-in set has");
    }
    margin_.resize(batch.rows);
    probability_.resize(batch.rows);
    model.margins(batch.values.data(), cross_sell_.width(), batch.rows, margin_.data());
    std::transform(margin_.begin(), margin_.end(), probability_.begin(),
                   [&](float margin) { return model.calibration().probability(margin); });
    for (std::size_t i = 0; i < batch.entities; ++i) {
        put(model, handle_.arm(place).version, batch, batch.waiting[i]);
    }
    batch.entities = 0;
    batch.rows = 0;
}

void Ranker::put(const core::Model &model, int version, const Batch &batch, const Waiting &of) {
    exclusions_.mark(of.entity, of.products, barred_);
    core::select_best({probability_.data() + of.first, of.products.size()}, barred_, keep_, selection_);
    for (const std::uint32_t row : selection_.kept) {
        put_row(model, version, batch, of, row);
    }
    pg([&]() noexcept {
        for (const std::uint32_t row : selection_.barred) {
            Datum values[11] = {Int64GetDatum(known_.entities[of.entity]),
                                Int64GetDatum(products_[of.products[row]]),
                                Float8GetDatum(probability_[of.first + row]),
                                0,
                                0,
                                Int32GetDatum(version),
                                0,
                                BoolGetDatum(true)};
            bool nulls[11] = {false, false, false, true, true, false, true, false, true, true, true};
            tuplestore_putvalues(result_->setResult, result_->setDesc, values, nulls);
        }
        MemoryContextReset(scratch_);
    });
}

// The nearest that hold the product.
std::size_t Ranker::find_evidence(const Waiting &of, std::uint32_t product, Datum *ids, Datum *similarities) const {
    std::size_t found = 0;
    for (const core::Lookalike &other : of.lookalikes) {
        const auto held = known_.world.held.row(other.entity);
        if (std::binary_search(held.begin(), held.end(), product)) {
            ids[found] = Int64GetDatum(known_.entities[other.entity]);
            similarities[found] = Float4GetDatum(other.weight);
            if (++found == evidence) {
                break;
            }
        }
    }
    return found;
}

void Ranker::put_row(const core::Model &model, int version, const Batch &batch, const Waiting &of, std::uint32_t row) {
    const float *x = batch.values.data() + (of.first + row) * cross_sell_.width();
    const float margin = margin_[of.first + row];
    Datum ids[evidence];
    Datum similarities[evidence];
    const std::size_t found = find_evidence(of, of.products[row], ids, similarities);
    const auto industry = [&](std::uint32_t entity) { return known_.world.profiles[entity].industry; };
    bool same_industry = false;
    if (found > 0) {
        const auto best = position(known_.entities, DatumGetInt64(ids[0]));
        same_industry = industry(of.entity) >= 0 && industry(of.entity) == industry(*best);
    }
    pg([&]() noexcept {
        MemoryContext caller = MemoryContextSwitchTo(scratch_);
        Datum values[11] = {
            Int64GetDatum(known_.entities[of.entity]),
            Int64GetDatum(products_[of.products[row]]),
            Float8GetDatum(probability_[of.first + row]),
            Float8GetDatum(model.calibration().low(margin)),
            Float8GetDatum(model.calibration().high(margin)),
            Int32GetDatum(version),
            explained_ ? array_.fill(x) : Datum{0},
            BoolGetDatum(false),
            BoolGetDatum(same_industry),
            PointerGetDatum(construct_array(ids, static_cast<int>(found), INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE)),
            PointerGetDatum(construct_array(similarities, static_cast<int>(found), FLOAT4OID, 4, true, TYPALIGN_INT))};
        bool nulls[11] = {false, false, false, false, false, false, !explained_};
        MemoryContextSwitchTo(caller);
        tuplestore_putvalues(result_->setResult, result_->setDesc, values, nulls);
    });
}

// The world as it was stored, with the entities that have changed since as they are now.
core::KnownWorld present_world(FunctionCallInfo fcinfo, FunctionCallInfo base_call, std::span<const std::int64_t> only) {
    core::KnownWorld base = known_world(base_call);
    if (fcinfo->args[arg_changes].isnull) {
        return base;
    }
    FunctionCallInfo call = world_call(fcinfo->args[arg_changes].value);
    for (const int shared : {arg_product, arg_active, arg_family, arg_product_feature, arg_selling_product, arg_selling_org}) {
        call->args[shared] = base_call->args[shared];
    }
    return core::patched(base, known_world(call), only, DatumGetFloat8(fcinfo->args[arg_older_days].value));
}

void rank_all(FunctionCallInfo fcinfo) {
    for (int i = 0; i <= arg_explained; ++i) {
        require(i == arg_changes || i == arg_only || !fcinfo->args[i].isnull, "only the changes and the entities may be null");
    }
    FunctionCallInfo base_call = world_call(fcinfo->args[arg_world].value);
    const bool some = !fcinfo->args[arg_only].isnull;
    const auto only = some ? elements<std::int64_t>(fcinfo, arg_only) : std::span<const std::int64_t>{};
    require(std::is_sorted(only.begin(), only.end()), "entities must be ascending");
    const core::KnownWorld known = present_world(fcinfo, base_call, only);
    const auto products = elements<std::int64_t>(base_call, arg_product);
    pg([&]() noexcept { InitMaterializedSRF(fcinfo, 0); });
    Ranker ranker(fcinfo, known, products);
    if (some) {
        for (const std::int64_t id : only) {
            if (const auto entity = position(known.entities, id)) {
                ranker.rank(*entity);
            }
        }
    } else {
        for (std::uint32_t entity = 0; entity < known.entities.size(); ++entity) {
            ranker.rank(entity);
        }
    }
    ranker.finish();
}

}  // namespace
}  // namespace xsell::pg

extern "C" {
PG_FUNCTION_INFO_V1(xsell_rank_candidates);

Datum xsell_rank_candidates(PG_FUNCTION_ARGS) {
    return xsell::pg::enter([&] {
        xsell::pg::rank_all(fcinfo);
        return Datum{0};
    });
}
}
