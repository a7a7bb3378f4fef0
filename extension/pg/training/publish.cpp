#include "training/publish.hpp"

#include <gnu/libc-version.h>

#include "core/scoring/model.hpp"
#include "core/training/xgboost.hpp"
#include "training/statement.hpp"

namespace xsell::pg {
namespace {

struct Measured {
    std::vector<std::string> slice, metric, ranker;
    std::vector<double> value;

    void add(std::string_view in, std::string_view what, std::string_view of, double is) {
        slice.emplace_back(in);
        metric.emplace_back(what);
        ranker.emplace_back(of);
        value.push_back(is);
    }
};

Measured measured(const Publication &p) {
    Measured all;
    // Where no folds were asked for the members were measured on the rows that calibrate.
    const std::string_view slice = p.learned.fit.folds > 0 ? "out_of_fold" : "calibrate";
    for (const core::MemberFit &member : p.learned.fit.members) {
        all.add(slice, "log_loss", core::name_of(member.kind), member.log_loss);
        all.add(slice, "auc", core::name_of(member.kind), member.auc);
    }
    all.add(slice, "log_loss", "blend", p.learned.fit.log_loss);
    all.add(slice, "auc", "blend", p.learned.fit.auc);
    for (const core::Suspect &suspect : p.suspects) {
        all.add("train", "single_feature_auc", suspect.feature, suspect.auc);
    }
    return all;
}

std::int32_t store_version(const Run &run, const Publication &p) {
    std::vector<std::string> members;
    std::vector<double> weights;
    for (const core::Member &member : p.learned.fit.model.members) {
        members.emplace_back(core::name_of(member.kind));
        weights.push_back(member.weight);
    }
    std::int32_t version = 0;
    execute(
        "SELECT xsell_internal.store_version($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        {argument(run.id()), argument(p.model), argument(p.setup.feature_set_version), text_array(p.setup.features),
         jsonb_argument(core::to_json(p.parameters)), argument(static_cast<std::int64_t>(p.parameters.seed)),
         jsonb_argument(p.setup.plan), time_array(p.rows.snapshots), argument(p.rows.count()), argument(p.rows.positives()),
         argument(library()), argument(p.rows.sha256),
         argument(std::string_view(p.learned.fit.model.blend == core::Blend::log_odds ? "log_odds" : "probability")),
         argument(p.learned.fit.calibration), text_array(members), number_array(weights), bytea_argument(p.learned.flat)},
        [](HeapTuple row, TupleDesc shape, void *target) noexcept {
            bool null = false;
            *static_cast<std::int32_t *>(target) = DatumGetInt32(SPI_getbinval(row, shape, 1, &null));
        },
        &version);
    return version;
}

}  // namespace

Learned learn(const TrainingRows &rows, const core::Parameters &parameters, const core::Hooks &hooks) {
    Learned learned{core::fit_ensemble(rows.train, rows.calibrate, parameters, hooks), {}};
    learned.flat = core::pack(learned.fit.model);
    return learned;
}

std::string library() {
    return "XGBoost " + core::xgboost::version() + ", glibc " + gnu_get_libc_version() +
           (__builtin_cpu_supports("fma") ? ", FMA" : ", no FMA");
}

int publish(const Run &run, const Publication &p) {
    const std::int32_t version = store_version(run, p);
    for (const core::Artefact &artefact : p.learned.fit.artefacts) {
        execute("INSERT INTO xsell_internal.model_blob (model, version, kind, data) VALUES ($1, $2, $3, $4)",
                {argument(p.model), argument(version), argument(core::name_of(artefact.kind)),
                 bytea_argument(std::as_bytes(std::span(artefact.bytes)))});
    }
    for (const core::MemberFit &member : p.learned.fit.members) {
        execute(
            "INSERT INTO xsell_internal.model_importance (model, version, member, feature, gain)"
            " SELECT $1, $2, $3, g.feature, g.gain"
            " FROM ROWS FROM (pg_catalog.unnest($4), pg_catalog.unnest($5)) AS g (feature, gain) WHERE g.gain > 0",
            {argument(p.model), argument(version), argument(core::name_of(member.kind)), text_array(p.setup.features),
             number_array(member.gain)});
    }
    const Measured all = measured(p);
    execute(
        "INSERT INTO xsell_internal.model_metric (model, version, slice, metric, ranker, value)"
        " SELECT $1, $2, m.slice, m.metric, m.ranker, m.value"
        " FROM ROWS FROM (pg_catalog.unnest($3), pg_catalog.unnest($4), pg_catalog.unnest($5), pg_catalog.unnest($6))"
        " AS m (slice, metric, ranker, value)",
        {argument(p.model), argument(version), text_array(all.slice), text_array(all.metric), text_array(all.ranker),
         number_array(all.value)});
    execute("SELECT xsell_internal.publish_version($1, $2, $3)", {argument(run.id()), argument(p.model), argument(version)});
    return version;
}

}  // namespace xsell::pg
