#include "training/run.hpp"

#include "training/statement.hpp"
#include "training/transaction.hpp"

namespace xsell::pg {

namespace {

struct Begun {
    std::int64_t id;
    char *parameters, *preset, *search, *horizon;
};

std::optional<std::string> text_of(const char *value) {
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

Argument optional_text(std::string_view text) { return text.empty() ? null_argument(TEXTOID) : argument(text); }

Argument optional_count(int value, int of) { return of == 0 ? null_argument(INT4OID) : argument(value); }

}  // namespace

Run::Run(const std::string &model, const Wish &wish) {
    Begun begun{};
    guarded([&] {
        execute(
            "SELECT b.run_id, b.parameters, b.preset, b.search, b.horizon"
            " FROM xsell_internal.begin_training($1, $2, $3, $4, $5::pg_catalog.interval) b",
            {argument(model), jsonb_argument(wish.parameters), argument(wish.preset),
             wish.search ? jsonb_argument(*wish.search) : null_argument(JSONBOID), optional_text(wish.horizon.value_or(""))},
            [](HeapTuple row, TupleDesc shape, void *target) noexcept {
                bool null = false;
                *static_cast<Begun *>(target) = {DatumGetInt64(SPI_getbinval(row, shape, 1, &null)), SPI_getvalue(row, shape, 2),
                                                 SPI_getvalue(row, shape, 3), SPI_getvalue(row, shape, 4),
                                                 SPI_getvalue(row, shape, 5)};
            },
            &begun);
    });
    id_ = begun.id;
    wish_ = {begun.parameters, begun.preset, text_of(begun.search), text_of(begun.horizon)};
    commit();
}

void Run::progress(const Standing &standing) {
    guarded([&] {
        execute("SELECT xsell_internal.training_progress($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                {argument(id_), argument(standing.phase), optional_text(standing.member),
                 optional_count(standing.round, standing.rounds), optional_count(standing.rounds, standing.rounds),
                 optional_count(standing.trial, standing.trials), optional_count(standing.trials, standing.trials),
                 real_argument(standing.percent), argument(standing.rows)});
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
