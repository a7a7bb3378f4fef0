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

void put(const ReturnSetInfo *result, int position, Datum name, float value, double contribution, double base) {
    pg([&]() noexcept {
        Datum values[] = {Int32GetDatum(position), name, Float4GetDatum(value), Float8GetDatum(contribution),
                          Float8GetDatum(base)};
        bool nulls[lengthof(values)] = {false, false, std::isnan(value), false, false};
        tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
    });
}

}  // namespace

extern "C" {
PG_FUNCTION_INFO_V1(xsell_explain);

Datum xsell_explain(PG_FUNCTION_ARGS) {
    return enter([&] {
        auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
        pg([&]() noexcept { InitMaterializedSRF(fcinfo, 0); });
        if (PG_ARGISNULL(0) || PG_ARGISNULL(2)) {
            return Datum{0};
        }
        ModelHandle &handle = ModelHandle::of(fcinfo);
        const int version = PG_ARGISNULL(1) ? 0 : require_version(PG_GETARG_INT32(1));
        const core::Model &model = handle.use(text_view(PG_GETARG_DATUM(0)), version);
        const RealArray row(PG_GETARG_DATUM(2));
        require_length(handle, model, row);
        const std::size_t wanted = PG_ARGISNULL(3) ? model.features() : static_cast<std::size_t>(std::max(PG_GETARG_INT32(3), 0));

        std::vector<float> x(model.features());
        row.copy_to(x.data());
        const core::Explanation explanation = model.explain(x.data());
        const Datum *names = feature_names(handle, x.size());
        const std::vector<std::size_t> order = by_size(explanation.contributions);
        for (std::size_t i = 0; i < std::min(wanted, order.size()); ++i) {
            const std::size_t j = order[i];
            put(result, static_cast<int>(i) + 1, names[j], x[j], explanation.contributions[j], explanation.base);
        }
        return Datum{0};
    });
}
}
