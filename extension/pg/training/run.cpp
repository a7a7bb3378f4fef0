#include "training/run.hpp"

#include "training/statement.hpp"
#include "training/transaction.hpp"

namespace xsell::pg {

Run::Run(const std::string &model, const std::string &parameters) {
    guarded([&] {
        execute(
            "SELECT xsell_internal.begin_training($1, $2)", {argument(model), jsonb_argument(parameters)},
            [](HeapTuple row, TupleDesc shape, void *id) noexcept {
                bool null = false;
                *static_cast<std::int64_t *>(id) = DatumGetInt64(SPI_getbinval(row, shape, 1, &null));
            },
            &id_);
    });
    commit();
}

void Run::progress(const char *phase, int round, int rounds, std::int64_t rows) {
    guarded([&] {
        execute("SELECT xsell_internal.training_progress($1, $2, $3, $4, $5)",
                {argument(id_), argument(std::string_view(phase)), argument(round), argument(rounds), argument(rows)});
    });
    commit();
}

void Run::fail(const Report &why) noexcept {
    try {
        rollback();
        guarded([&] {
            execute("SELECT xsell_internal.fail_training($1, $2, $3)",
                    {argument(id_), argument(std::string_view(unpack_sql_state(why.sqlstate))),
                     argument(std::string_view(why.text))});
        });
        commit();
        release();
    } catch (...) {
        // guarded() has undone what failed; the caller raises the first error.
    }
}

void Run::release() {
    guarded([&] { execute("SELECT pg_catalog.pg_advisory_unlock(2020828524, $1)", {argument(static_cast<std::int32_t>(id_))}); });
}

Report report_of(const PgError &error) noexcept {
    Report report{error.data->sqlerrcode, "", ""};
    strlcpy(report.text, error.data->message ? error.data->message : "unknown error", sizeof report.text);
    report.text[pg_mbcliplen(report.text, static_cast<int>(strlen(report.text)), sizeof report.text - 1)] = '\0';
    return report;
}

}  // namespace xsell::pg
