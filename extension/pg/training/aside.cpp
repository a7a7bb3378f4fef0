// xsell_internal.learn_aside: trains by a plan and hands the bytes back. Nothing is stored and nothing committed, so that a
// backtest can train as often as it likes and leave no version behind.
#include "border/border.hpp"
#include "border/datum.hpp"
#include "core/error.hpp"
#include "core/training/inspection.hpp"
#include "core/training/learner.hpp"
#include "core/training/target_encoding.hpp"
#include "training/publish.hpp"
#include "training/reader.hpp"
#include "training/statement.hpp"

namespace core = xsell::core;
using namespace xsell::pg;

namespace {

struct SetupRow {
    std::int32_t memory_mb, threads;
    TextList features, categories;
};

Setup read_setup(const std::string &plan) {
    SetupRow row{};
    execute(
        "SELECT l.memory_mb, l.threads, s.feature, xsell_internal.categorical(s.feature, s.kind)"
        " FROM xsell_internal.feature_set s CROSS JOIN xsell_internal.training_limits() l"
        " WHERE s.name = $1 ->> 'feature_set' AND s.version = ($1 ->> 'feature_set_version')::integer",
        {jsonb_argument(plan)},
        [](HeapTuple found, TupleDesc shape, void *target) noexcept {
            auto *setup = static_cast<SetupRow *>(target);
            bool null = false;
            setup->memory_mb = DatumGetInt32(SPI_getbinval(found, shape, 1, &null));
            setup->threads = DatumGetInt32(SPI_getbinval(found, shape, 2, &null));
            setup->features = read_texts(found, shape, 3);
            setup->categories = read_texts(found, shape, 4);
        },
        &row);
    Setup setup;
    setup.plan = plan;
    setup.features = row.features.strings();
    setup.categories = row.categories.strings();
    setup.memory = static_cast<std::size_t>(row.memory_mb) << 20;
    setup.threads = row.threads;
    if (setup.features.empty()) {
        throw core::Error(core::Kind::bad_argument, "the plan names no feature set that exists");
    }
    return setup;
}

struct Aside {
    std::vector<std::byte> flat;
    std::vector<std::string> members;
    std::vector<double> weights;
    std::int64_t rows = 0, positives = 0;
};

Aside learn_aside(const std::string &model, const std::string &plan, core::Parameters parameters) {
    const Setup setup = read_setup(plan);
    parameters.threads = setup.threads;
    TrainingRows rows = read_training_rows(model, plan, setup.features, setup.memory);
    core::require_trainable(rows.train, rows.calibrate);
    const std::size_t needed = core::training_memory(static_cast<std::size_t>(rows.count()), setup.features.size()) +
                               core::network_memory(setup.features.size(), parameters);
    if (needed > setup.memory) {
        refuse_memory(needed, setup.memory);
    }
    rows.train.categories = core::columns_to_encode(parameters, setup.features, setup.categories);
    Learned learned = learn(rows, parameters, {check_for_interrupts, [](const core::Progress &) {}});
    Aside aside{std::move(learned.flat), {}, {}, rows.count(), rows.positives()};
    for (const core::Member &member : learned.fit.model.members) {
        aside.members.emplace_back(core::name_of(member.kind));
        aside.weights.push_back(member.weight);
    }
    return aside;
}

std::string json_text(FunctionCallInfo fcinfo, int number) {
    return pg([&]() noexcept {
        Jsonb *given = PG_GETARG_JSONB_P(number);
        return JsonbToCString(nullptr, &given->root, static_cast<int>(VARSIZE(given)));
    });
}

Datum row_of(FunctionCallInfo fcinfo, const Aside &aside) {
    Datum values[] = {bytea_argument(aside.flat).value, text_array(aside.members).value, number_array(aside.weights).value,
                      argument(aside.rows).value, argument(aside.positives).value};
    return pg([&]() noexcept {
        TupleDesc shape = nullptr;
        if (get_call_result_type(fcinfo, nullptr, &shape) != TYPEFUNC_COMPOSITE) {
            elog(ERROR, "xsell_learn_aside must return a row");
        }
        bool nulls[] = {false, false, false, false, false};
        return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(shape), values, nulls));
    });
}

Datum null_row(FunctionCallInfo fcinfo) {
    fcinfo->isnull = true;
    return Datum{0};
}

}  // namespace

extern "C" {
PG_FUNCTION_INFO_V1(xsell_learn_aside);

Datum xsell_learn_aside(PG_FUNCTION_ARGS) {
    return enter([&] {
        if (PG_ARGISNULL(0) || PG_ARGISNULL(2) || PG_ARGISNULL(3)) {
            throw core::Error(core::Kind::bad_argument, "model, parameters and seed must not be null");
        }
        const std::string model(text_view(PG_GETARG_DATUM(0)));
        core::Parameters parameters = core::parse_parameters(json_text(fcinfo, 2));
        if (PG_ARGISNULL(1)) {
            return null_row(fcinfo);
        }
        const std::string plan = json_text(fcinfo, 1);
        parameters.seed = static_cast<std::uint64_t>(PG_GETARG_INT64(3));
        pg([]() noexcept { SPI_connect(); });
        const Aside aside = learn_aside(model, plan, parameters);
        pg([]() noexcept { SPI_finish(); });
        return row_of(fcinfo, aside);
    });
}
}
