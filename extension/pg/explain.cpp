// xsell_internal.explain_values: the features that moved a score most; xsell.explain adds the words.
#include <numeric>

#include "border/datum.hpp"
#include "core/error.hpp"
#include "model_cache.hpp"
#include "row_reader.hpp"

namespace core = xsell::core;
using namespace xsell::pg;

namespace {

// Features by the size of their contribution, equal ones in their own order.
std::vector<std::size_t> by_size(const std::vector<double> &contributions) {
    std::vector<std::size_t> order(contributions.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return std::fabs(contributions[a]) > std::fabs(contributions[b]); });
    return order;
}

// Names of the features as texts, kept with the handle: an explanation of many rows asks for them once.
struct FeatureNames {
    MemoryContext context;
    std::uint64_t handle_changes;
    Datum *name;
};

const Datum *feature_names(ModelHandle &handle, std::size_t features) {
    auto *kept = static_cast<FeatureNames *>(handle.extra);
    if (kept != nullptr && kept->handle_changes == handle.changes()) {
        return kept->name;
    }
    const std::vector<std::string> names = version_features(std::string(handle.name()).c_str(), handle.version());
    if (names.size() != features) {
        throw core::Error(core::Kind::corrupt_model,
                          "model \"" + std::string(handle.name()) + "\" names another number of features than it has");
    }
    handle.extra = nullptr;  // an error on the way leaves nothing that is half gone
    handle.extra = pg([&]() noexcept {
        if (kept != nullptr) {
            MemoryContextDelete(kept->context);
        }
        MemoryContext own = AllocSetContextCreate(handle.context(), "xsell feature names", ALLOCSET_SMALL_SIZES);
        MemoryContext caller = MemoryContextSwitchTo(own);
        auto *fresh = static_cast<FeatureNames *>(palloc(sizeof(FeatureNames)));
        *fresh = {own, handle.changes(), static_cast<Datum *>(palloc(sizeof(Datum) * features))};
        for (std::size_t i = 0; i < features; ++i) {
            fresh->name[i] = CStringGetTextDatum(names[i].c_str());
        }
        MemoryContextSwitchTo(caller);
        return fresh;
    });
    return static_cast<FeatureNames *>(handle.extra)->name;
}

// What both functions begin with: the model to explain, the row, how many features are asked for. Null: nothing to explain.
struct Question {
    ModelHandle *handle = nullptr;
    const core::Model *model = nullptr;
    std::vector<float> x;
    std::size_t wanted = 0;
};

Question question(FunctionCallInfo fcinfo, int version, int row_argument, int wanted_argument) {
    Question q;
    pg([&]() noexcept { InitMaterializedSRF(fcinfo, 0); });
    if (PG_ARGISNULL(0) || PG_ARGISNULL(row_argument)) {
        return q;
    }
    q.handle = &ModelHandle::of(fcinfo);
    q.model = &q.handle->use(text_view(PG_GETARG_DATUM(0)), version);
    const RealArray row(PG_GETARG_DATUM(row_argument));
    require_length(*q.handle, *q.model, row);
    q.x.resize(q.model->features());
    row.copy_to(q.x.data());
    q.wanted =
        PG_ARGISNULL(wanted_argument) ? q.x.size() : static_cast<std::size_t>(std::max(PG_GETARG_INT32(wanted_argument), 0));
    return q;
}

struct Column {
    Datum value;
    bool null = false;
};

// One row for each of the features that matter most; columns that all rows share come first.
void put(FunctionCallInfo fcinfo, const Question &q, const core::Explanation &explanation, std::span<const Column> shared) {
    const auto *result = reinterpret_cast<const ReturnSetInfo *>(fcinfo->resultinfo);
    const Datum *names = feature_names(*q.handle, q.x.size());
    const std::vector<std::size_t> order = by_size(explanation.contributions);
    for (std::size_t i = 0; i < std::min(q.wanted, order.size()); ++i) {
        const std::size_t j = order[i];
        const Column own[] = {{Int32GetDatum(static_cast<int>(i) + 1)},
                              {names[j]},
                              {Float4GetDatum(q.x[j]), std::isnan(q.x[j])},
                              {Float8GetDatum(explanation.contributions[j])},
                              {Float8GetDatum(explanation.base)}};
        Datum values[8];
        bool nulls[8];
        std::size_t n = 0;
        for (const auto &columns : {shared, std::span<const Column>(own)}) {
            for (const Column &column : columns) {
                values[n] = column.value;
                nulls[n++] = column.null;
            }
        }
        pg([&]() noexcept { tuplestore_putvalues(result->setResult, result->setDesc, values, nulls); });
    }
}

}  // namespace

extern "C" {
PG_FUNCTION_INFO_V1(xsell_explain);
PG_FUNCTION_INFO_V1(xsell_explain_members);

Datum xsell_explain(PG_FUNCTION_ARGS) {
    return enter([&] {
        const int version = PG_ARGISNULL(1) ? 0 : require_version(PG_GETARG_INT32(1));
        const Question q = question(fcinfo, version, 2, 3);
        if (q.model != nullptr) {
            const bool exact = PG_ARGISNULL(4) || PG_GETARG_BOOL(4);
            const core::Explanation explanation =
                q.model->explain(q.x.data(), exact ? core::Attribution::shapley : core::Attribution::path);
            q.handle->settle();
            put(fcinfo, q, explanation, {});
        }
        return Datum{0};
    });
}

Datum xsell_explain_members(PG_FUNCTION_ARGS) {
    return enter([&] {
        const Question q = question(fcinfo, 0, 1, 2);
        for (std::size_t i = 0; q.model != nullptr && i < q.model->members(); ++i) {
            const core::Explanation explanation = q.model->explain_member(i, q.x.data());
            q.handle->settle();
            const Column shared[] = {{text_datum(core::name_of(q.model->kind(i)))}, {Float8GetDatum(q.model->weight(i))}};
            put(fcinfo, q, explanation, shared);
        }
        return Datum{0};
    });
}
}
