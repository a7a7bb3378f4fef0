// CALL xsell.train: plan, read, boost, calibrate, publish. Every phase commits, so that others see how far it is and a failure
// leaves a record; what it learned becomes visible in one transaction at the end.
#include "border/border.hpp"
#include "border/datum.hpp"
#include "core/error.hpp"
#include "core/scoring/model.hpp"
#include "core/training/calibration.hpp"
#include "core/training/fit.hpp"
#include "core/training/inspection.hpp"
#include "core/training/xgboost.hpp"
#include "training/reader.hpp"
#include "training/run.hpp"
#include "training/statement.hpp"
#include "training/transaction.hpp"

#include <chrono>

namespace core = xsell::core;
using namespace xsell::pg;

namespace {

struct Request {
    std::string model;
    std::optional<Interval> horizon;
    core::Parameters parameters;
};

struct Setup {
    Interval look_ahead;
    std::int64_t expected_rows = 0;
    std::size_t memory = 0;
    int threads = 1;
    std::vector<std::string> features;
};

void require_own_transactions(FunctionCallInfo fcinfo) {
    if (fcinfo->context != nullptr && IsA(fcinfo->context, CallContext) && !castNode(CallContext, fcinfo->context)->atomic) {
        return;
    }
    pg([]() noexcept {
        ereport(
            ERROR,
            (errcode(ERRCODE_ACTIVE_SQL_TRANSACTION), errmsg("xsell.train cannot run inside a transaction block"),
             errdetail("It commits its progress as it goes."),
             errhint("Call it as a statement of its own, or queue it for xselld: SELECT xsell.request_training('cross_sell');")));
    });
}

Request collect(FunctionCallInfo fcinfo) {
    if (PG_ARGISNULL(0)) {
        throw core::Error(core::Kind::bad_argument, "model must not be null");
    }
    Request request;
    request.model = text_view(PG_GETARG_DATUM(0));
    if (!PG_ARGISNULL(2)) {
        request.horizon = *PG_GETARG_INTERVAL_P(2);
    }
    const char *parameters = PG_ARGISNULL(3) ? "{}" : pg([&]() noexcept {
        Jsonb *given = PG_GETARG_JSONB_P(3);
        return JsonbToCString(nullptr, &given->root, static_cast<int>(VARSIZE(given)));
    });
    request.parameters = core::parse_parameters(parameters);
    request.parameters.seed = static_cast<std::uint64_t>(PG_ARGISNULL(4) ? 42 : PG_GETARG_INT64(4));
    return request;
}

// What the row of xsell_internal.training_setup says, as plain data that survives it.
struct SetupRow {
    Interval look_ahead;
    std::int64_t expected_rows;
    std::int32_t memory_mb, threads;
    int features;
    char **feature;
};

void read_setup_row(HeapTuple row, TupleDesc shape, void *target) noexcept {
    auto *setup = static_cast<SetupRow *>(target);
    bool null = false;
    setup->look_ahead = *DatumGetIntervalP(SPI_getbinval(row, shape, 1, &null));
    setup->expected_rows = DatumGetInt64(SPI_getbinval(row, shape, 2, &null));
    if (null) {
        setup->expected_rows = 0;
    }
    const Datum names = SPI_getbinval(row, shape, 3, &null);
    if (null) {
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("the feature set of the model does not exist")));
    }
    Datum *elements = nullptr;
    deconstruct_array(DatumGetArrayTypeP(names), TEXTOID, -1, false, TYPALIGN_INT, &elements, nullptr, &setup->features);
    setup->feature = static_cast<char **>(palloc(sizeof(char *) * static_cast<std::size_t>(setup->features + 1)));
    for (int i = 0; i < setup->features; ++i) {
        setup->feature[i] = TextDatumGetCString(elements[i]);
    }
    setup->memory_mb = DatumGetInt32(SPI_getbinval(row, shape, 4, &null));
    setup->threads = DatumGetInt32(SPI_getbinval(row, shape, 5, &null));
}

Setup read_setup(const Request &request) {
    SetupRow row{};
    Interval horizon = request.horizon.value_or(Interval{});
    guarded([&] {
        execute(
            "SELECT s.look_ahead, s.expected_rows, s.feature, s.memory_mb, s.threads FROM xsell_internal.training_setup($1, $2, "
            "$3, $4) s",
            {argument(request.model),
             {INTERVALOID, IntervalPGetDatum(&horizon), !request.horizon},
             argument(request.parameters.snapshots),
             argument(static_cast<std::int64_t>(request.parameters.max_rows))},
            read_setup_row, &row);
    });
    return {row.look_ahead,
            row.expected_rows,
            static_cast<std::size_t>(row.memory_mb) << 20,
            row.threads,
            {row.feature, row.feature + row.features}};
}

void warn_of_leaks(const core::Matrix &train, const std::vector<std::string> &features) {
    for (const core::Suspect &suspect : core::suspected_leaks(train, features)) {
        const char *name = suspect.feature.c_str();
        const double auc = suspect.auc;
        pg([&]() noexcept {
            char area[32];
            pg_snprintf(area, sizeof area, "%.3f", auc);
            ereport(WARNING, (errmsg("feature \"%s\" alone tells wins apart with an AUC of %s", name, area),
                              errhint("It may look ahead: see what it is computed from before you trust the metrics.")));
        });
    }
}

// At most one committed row of progress a second.
core::Hooks hooks(Run &run, std::int64_t rows) {
    using clock = std::chrono::steady_clock;
    auto last = std::make_shared<clock::time_point>(clock::now());
    return {check_for_interrupts, [&run, rows, last](const core::Progress &progress) {
                if (clock::now() - *last >= std::chrono::seconds(1)) {
                    run.progress("boosting", progress.round, progress.rounds, rows);
                    *last = clock::now();
                }
            }};
}

core::Calibration calibrate(const core::Fit &fit, const core::Matrix &rows) {
    const core::Platt platt = core::fit_platt(fit.watch_margin, rows.label, rows.weight);
    core::Calibration calibration;
    calibration.slope = platt.slope;
    calibration.intercept = platt.intercept;
    calibration.interval_half_width = core::interval_half_width(fit.watch_margin, rows.label, rows.weight, platt);
    return calibration;
}

Argument text_array(const std::vector<std::string> &texts) {
    std::vector<Datum> elements;
    for (const std::string &text : texts) {
        elements.push_back(argument(text).value);
    }
    Datum *data = elements.data();
    const int count = static_cast<int>(elements.size());
    return {TEXTARRAYOID,
            pg([&]() noexcept { return PointerGetDatum(construct_array(data, count, TEXTOID, -1, false, TYPALIGN_INT)); })};
}

Argument time_array(const std::vector<TimestampTz> &times) {
    std::vector<Datum> elements;
    for (const TimestampTz time : times) {
        elements.push_back(TimestampTzGetDatum(time));
    }
    Datum *data = elements.data();
    const int count = static_cast<int>(elements.size());
    return {TIMESTAMPTZARRAYOID, pg([&]() noexcept {
                return PointerGetDatum(construct_array(data, count, TIMESTAMPTZOID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
            })};
}

int publish(const Run &run, const Request &request, const Setup &setup, const TrainingRows &rows, const core::Fit &fit) {
    const std::vector<std::byte> blob = core::pack(fit.ensemble, calibrate(fit, rows.calibrate));
    const auto *ubj = reinterpret_cast<const std::byte *>(fit.ubj.data());
    Interval look_ahead = setup.look_ahead;
    std::int32_t version = 0;
    guarded([&] {
        execute(
            "SELECT xsell_internal.publish_version($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            {argument(run.id()),
             argument(request.model),
             text_array(setup.features),
             jsonb_argument(core::to_json(request.parameters)),
             argument(static_cast<std::int64_t>(request.parameters.seed)),
             {INTERVALOID, IntervalPGetDatum(&look_ahead)},
             time_array(rows.snapshots),
             argument(rows.count()),
             argument(static_cast<std::int64_t>(rows.train.positives() + rows.calibrate.positives())),
             argument("XGBoost " + core::xgboost::version()),
             bytea_argument(blob),
             bytea_argument({ubj, fit.ubj.size()})},
            [](HeapTuple row, TupleDesc shape, void *target) noexcept {
                bool null = false;
                *static_cast<std::int32_t *>(target) = DatumGetInt32(SPI_getbinval(row, shape, 1, &null));
            },
            &version);
    });
    commit();
    return version;
}

int train(Run &run, Request &request) {
    const Setup setup = read_setup(request);
    request.parameters.threads = setup.threads;
    const std::size_t estimate = core::training_memory(static_cast<std::size_t>(setup.expected_rows), setup.features.size());
    if (estimate > setup.memory) {
        refuse_memory(estimate, setup.memory);
    }
    run.progress("reading", 0, request.parameters.rounds, 0);
    TrainingRows rows;
    guarded([&] {
        rows = read_training_rows({request.model, setup.look_ahead, request.parameters.snapshots, request.parameters.max_rows},
                                  setup.features, setup.memory);
    });
    core::require_trainable(rows.train, rows.calibrate);
    warn_of_leaks(rows.train, setup.features);
    run.progress("boosting", 0, request.parameters.rounds, rows.count());
    const core::Fit fit = core::fit(rows.train, rows.calibrate, request.parameters, hooks(run, rows.count()));
    run.progress("measuring", fit.rounds, request.parameters.rounds, rows.count());
    return publish(run, request, setup, rows, fit);
}

int run_training(Request &request) {
    Run run(request.model, core::to_json(request.parameters));
    try {
        const int version = train(run, request);
        run.release();
        return version;
    } catch (const PgError &error) {
        run.fail(report_of(error));
        throw;
    } catch (...) {
        run.fail(describe(std::current_exception()));
        throw;
    }
}

Datum result_row(FunctionCallInfo fcinfo, const std::string &model, int version) {
    const char *name = model.c_str();
    return pg([&]() noexcept {
        ereport(NOTICE, (errmsg("trained version %d of model \"%s\", deploy it by: SELECT xsell.deploy(%s, %d);", version, name,
                                quote_literal_cstr(name), version)));
        TupleDesc shape = nullptr;
        if (get_call_result_type(fcinfo, nullptr, &shape) != TYPEFUNC_COMPOSITE) {
            elog(ERROR, "xsell_train must return a row");
        }
        Datum value = Int32GetDatum(version);
        bool null = false;
        return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(shape), &value, &null));
    });
}

}  // namespace

extern "C" {
PG_FUNCTION_INFO_V1(xsell_train);

Datum xsell_train(PG_FUNCTION_ARGS) {
    return enter([&] {
        require_own_transactions(fcinfo);
        Request request = collect(fcinfo);
        pg([]() noexcept { SPI_connect_ext(SPI_OPT_NONATOMIC); });
        const int version = run_training(request);
        pg([]() noexcept { SPI_finish(); });
        return result_row(fcinfo, request.model, version);
    });
}
}
