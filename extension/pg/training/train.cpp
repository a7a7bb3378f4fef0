// CALL xsell.train: plan, read, search, learn, publish. Every phase commits, so that others see how far it is and a failure
// leaves a record; what it learned becomes visible in one transaction at the end.
#include "border/border.hpp"
#include "border/datum.hpp"
#include "core/error.hpp"
#include "core/training/learner.hpp"
#include "core/training/target_encoding.hpp"
#include "training/progress.hpp"
#include "training/publish.hpp"
#include "training/reader.hpp"
#include "training/run.hpp"
#include "training/search.hpp"
#include "training/statement.hpp"
#include "training/transaction.hpp"

namespace core = xsell::core;
using namespace xsell::pg;

namespace {

struct Request {
    std::string model;
    Wish wish;
    std::uint64_t seed = 42;
    core::Parameters parameters;
    std::optional<core::SearchOptions> search;
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

std::string json_argument(FunctionCallInfo fcinfo, int number) {
    return pg([&]() noexcept {
        Jsonb *given = PG_GETARG_JSONB_P(number);
        return JsonbToCString(nullptr, &given->root, static_cast<int>(VARSIZE(given)));
    });
}

void parse(Request &request) {
    request.parameters = core::parse_parameters(request.wish.parameters, request.wish.preset);
    request.parameters.seed = request.seed;
    request.search.reset();
    if (request.wish.search) {
        request.search = core::parse_search(*request.wish.search);
    }
}

enum Given { given_model, given_version, given_horizon, given_parameters, given_seed, given_preset, given_search };

Request collect(FunctionCallInfo fcinfo) {
    if (PG_ARGISNULL(given_model)) {
        throw core::Error(core::Kind::bad_argument, "model must not be null");
    }
    Request request;
    request.model = text_view(PG_GETARG_DATUM(given_model));
    if (!PG_ARGISNULL(given_horizon)) {
        request.wish.horizon =
            pg([&]() noexcept { return DatumGetCString(DirectFunctionCall1(interval_out, PG_GETARG_DATUM(given_horizon))); });
    }
    if (!PG_ARGISNULL(given_parameters)) {
        request.wish.parameters = json_argument(fcinfo, given_parameters);
    }
    if (!PG_ARGISNULL(given_seed)) {
        request.seed = static_cast<std::uint64_t>(PG_GETARG_INT64(given_seed));
    }
    if (!PG_ARGISNULL(given_preset)) {
        request.wish.preset = text_view(PG_GETARG_DATUM(given_preset));
    }
    if (!PG_ARGISNULL(given_search)) {
        request.wish.search = json_argument(fcinfo, given_search);
    }
    parse(request);
    return request;
}

// What the row of xsell_internal.training_setup says, as plain data that survives it.
struct SetupRow {
    char *plan;
    std::int64_t expected_rows;
    std::int32_t feature_set_version, memory_mb, threads;
    TextList features, categories;
};

void read_setup_row(HeapTuple row, TupleDesc shape, void *target) noexcept {
    auto *setup = static_cast<SetupRow *>(target);
    bool null = false;
    setup->plan = SPI_getvalue(row, shape, 1);
    setup->expected_rows = DatumGetInt64(SPI_getbinval(row, shape, 2, &null));
    if (null) {
        setup->expected_rows = 0;
    }
    setup->memory_mb = DatumGetInt32(SPI_getbinval(row, shape, 3, &null));
    setup->threads = DatumGetInt32(SPI_getbinval(row, shape, 4, &null));
    setup->feature_set_version = DatumGetInt32(SPI_getbinval(row, shape, 5, &null));
    setup->features = read_texts(row, shape, 6);
    setup->categories = read_texts(row, shape, 7);
}

Setup read_setup(const Request &request) {
    SetupRow row{};
    guarded([&] {
        execute(
            "SELECT s.plan, s.expected_rows, s.memory_mb, s.threads, s.feature_set_version, s.feature, s.category"
            " FROM xsell_internal.training_setup($1, $2::pg_catalog.interval, $3, $4) s",
            {argument(request.model), request.wish.horizon ? argument(*request.wish.horizon) : null_argument(TEXTOID),
             argument(request.parameters.snapshots), argument(static_cast<std::int64_t>(request.parameters.max_rows))},
            read_setup_row, &row);
    });
    return {row.plan,
            row.expected_rows,
            row.feature_set_version,
            row.features.strings(),
            row.categories.strings(),
            static_cast<std::size_t>(row.memory_mb) << 20,
            row.threads};
}

// Below about so many, folds and intervals say little.
void warn_of_few(const core::Matrix &train) {
    constexpr std::size_t enough = 50;
    const std::size_t positives = train.positives();
    if (positives >= enough) {
        return;
    }
    const auto rows = static_cast<unsigned long>(train.rows());
    pg([&]() noexcept {
        ereport(WARNING,
                (errmsg("only %lu of %lu training rows have the label 1", static_cast<unsigned long>(positives), rows),
                 errhint("Take the version's figures with care, and compare it with the baselines before deploying it.")));
    });
}

void warn_of_leaks(const std::vector<core::Suspect> &suspects) {
    constexpr std::size_t most = 5;  // all of them are in xsell.model_metric
    for (std::size_t i = 0; i < std::min(most, suspects.size()); ++i) {
        const char *name = suspects[i].feature.c_str();
        const double auc = suspects[i].auc;
        pg([&]() noexcept {
            char area[32];
            pg_snprintf(area, sizeof area, "%.3f", auc);
            ereport(WARNING, (errmsg("feature \"%s\" alone tells wins apart with an AUC of %s", name, area),
                              errhint("It may look ahead: see what it is computed from before you trust the metrics.")));
        });
    }
    if (suspects.size() > most) {
        pg([&]() noexcept {
            ereport(WARNING, (errmsg("so do %zu more features", suspects.size() - most),
                              errhint("xsell.model_metric lists them as single_feature_auc.")));
        });
    }
}

std::size_t memory_needed(const Request &request, std::int64_t rows, std::size_t features) {
    const auto count = static_cast<std::size_t>(rows);
    return core::training_memory(count, features) + core::network_memory(features, request.parameters) +
           (request.search ? core::search_memory(count, features, core::search_folds(request.parameters)) : 0);
}

TrainingRows read_rows(Run &run, const Request &request, const Setup &setup) {
    auto require_memory = [&](std::int64_t rows) {
        const std::size_t needed = memory_needed(request, rows, setup.features.size());
        if (needed > setup.memory) {
            refuse_memory(needed, setup.memory);
        }
    };
    require_memory(setup.expected_rows);
    ProgressWriter(run, request.parameters, 0).phase("reading");
    TrainingRows rows;
    guarded([&] { rows = read_training_rows(request.model, setup.plan, setup.features, setup.memory); });
    if (rows.count() == 0) {
        throw core::Error(core::Kind::no_data, "there are no training rows",
                          "Nobody has features at the times of the labels; look at xsell.training_set.");
    }
    require_memory(rows.count());
    core::require_trainable(rows.train, rows.calibrate);
    return rows;
}

int rounds_of(const core::EnsembleFit &fit) {
    int rounds = 0;
    for (const core::MemberFit &member : fit.members) {
        rounds += member.rounds;
    }
    return rounds;
}

int train(Run &run, Request &request) {
    if (run.wish() != request.wish) {
        request.wish = run.wish();
        parse(request);
    }
    const Setup setup = read_setup(request);
    request.parameters.threads = setup.threads;
    const auto encoded = core::columns_to_encode(request.parameters, setup.features, setup.categories);
    TrainingRows rows = read_rows(run, request, setup);
    rows.train.categories = encoded;
    const std::vector<core::Suspect> suspects = core::suspected_leaks(rows.train, setup.features, check_for_interrupts);
    warn_of_leaks(suspects);
    warn_of_few(rows.train);
    if (request.search) {
        const SearchTask task{request.model, *request.search, rows.sha256, rows.count()};
        request.parameters = run_search(run, task, rows.train, request.parameters);
    }
    ProgressWriter progress(run, request.parameters, rows.count());
    const Learned learned = learn(rows, request.parameters, progress.hooks());
    progress.phase("measuring", rounds_of(learned.fit));
    int version = 0;
    guarded([&] { version = publish(run, {request.model, request.parameters, setup, rows, learned, suspects}); });
    commit();
    return version;
}

int run_training(Request &request) {
    Run run(request.model, request.wish);
    int version = 0;
    try {
        version = train(run, request);
    } catch (const PgError &error) {
        run.fail(report_of(error));
        throw;
    } catch (...) {
        run.fail(describe(std::current_exception()));
        throw;
    }
    run.release();  // whatever comes now, the run has not failed
    return version;
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
