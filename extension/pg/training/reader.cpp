#include "training/reader.hpp"

#include "border/datum.hpp"
#include "core/error.hpp"
#include "training/statement.hpp"

namespace xsell::pg {
namespace {

constexpr long batch_rows = 10000;
constexpr std::size_t megabyte = std::size_t{1} << 20;

Portal open_cursor(const TrainingQuery &query) {
    Oid types[] = {TEXTOID, INTERVALOID, INT4OID, INT8OID};
    Interval look_ahead = query.look_ahead;
    Datum values[] = {argument(query.model).value, IntervalPGetDatum(&look_ahead), Int32GetDatum(query.snapshots),
                      Int64GetDatum(query.max_rows)};
    // Rows in the order of their key: the same data then give the same bytes.
    return pg([&]() noexcept {
        return SPI_cursor_open_with_args(nullptr,
                                         "SELECT t.entity_id, t.product_id, t.as_of, t.x, t.y, t.weight, t.slice"
                                         " FROM xsell.training_set($1, NULL, $2, $3, $4, false) t"
                                         " ORDER BY t.as_of, t.entity_id, t.product_id",
                                         4, types, values, nullptr, false, CURSOR_OPT_NO_SCROLL);
    });
}

struct Row {
    std::int64_t entity;
    std::int64_t product;
    TimestampTz as_of;
    Datum x;
    std::int32_t label;
    float weight;
    bool train;
};

Row read_row(HeapTuple tuple, TupleDesc shape) {
    return pg([&]() noexcept {
        bool null[7];
        Datum field[7];
        for (int i = 0; i < 7; ++i) {
            field[i] = SPI_getbinval(tuple, shape, i + 1, &null[i]);
            if (null[i]) {
                elog(ERROR, "xsell.training_set returned a null in column %d", i + 1);
            }
        }
        const text *slice = DatumGetTextPP(field[6]);
        return Row{DatumGetInt64(field[0]),
                   DatumGetInt64(field[1]),
                   DatumGetTimestampTz(field[2]),
                   PointerGetDatum(PG_DETOAST_DATUM(field[3])),
                   DatumGetInt32(field[4]),
                   DatumGetFloat4(field[5]),
                   VARSIZE_ANY_EXHDR(slice) > 0 && *VARDATA_ANY(slice) == 't'};
    });
}

[[noreturn]] void refuse_infinity(const Row &row, const std::string &feature) {
    const char *when = pg([&]() noexcept { return timestamptz_to_str(row.as_of); });
    throw core::Error(core::Kind::bad_argument,
                      "feature \"" + feature + "\" is infinite for entity " + std::to_string(row.entity) + " and product " +
                          std::to_string(row.product) + " as of " + when,
                      "Missing values are NULL; mend the feature set so that it gives finite numbers.");
}

void append(TrainingRows &rows, const Row &row, const std::vector<std::string> &features) {
    const RealArray x(row.x);
    if (x.size() != features.size()) {
        throw core::Error(core::Kind::bad_argument, "a row of features has " + std::to_string(x.size()) +
                                                        " values, the feature set names " + std::to_string(features.size()));
    }
    core::Matrix &matrix = row.train ? rows.train : rows.calibrate;
    const std::size_t begin = matrix.values.size();
    matrix.values.resize(begin + features.size());
    x.copy_to(matrix.values.data() + begin);
    for (std::size_t i = 0; i < features.size(); ++i) {
        if (std::isinf(matrix.values[begin + i])) {
            refuse_infinity(row, features[i]);
        }
    }
    matrix.label.push_back(row.label != 0 ? 1.0f : 0.0f);
    matrix.weight.push_back(row.weight);
    if (rows.snapshots.empty() || rows.snapshots.back() != row.as_of) {
        rows.snapshots.push_back(row.as_of);
    }
}

}  // namespace

void refuse_memory(std::size_t needed, std::size_t allowed) {
    throw core::Error(core::Kind::out_of_memory_limit,
                      "the training would take about " + std::to_string(needed / megabyte + 1) +
                          " MB, xsell.max_training_memory allows " + std::to_string(allowed / megabyte) + " MB",
                      "Raise xsell.max_training_memory, or keep fewer rows: parameters => '{\"max_rows\": 100000}'.");
}

TrainingRows read_training_rows(const TrainingQuery &query, const std::vector<std::string> &features, std::size_t memory) {
    TrainingRows rows;
    rows.train.features = rows.calibrate.features = features.size();
    Portal cursor = open_cursor(query);
    MemoryContext caller = CurrentMemoryContext;
    MemoryContext batch =
        pg([]() noexcept { return AllocSetContextCreate(CurrentMemoryContext, "xsell batch", ALLOCSET_DEFAULT_SIZES); });
    for (;;) {
        check_for_interrupts();
        pg([&]() noexcept { SPI_cursor_fetch(cursor, true, batch_rows); });
        SPITupleTable *table = SPI_tuptable;
        const std::uint64_t count = SPI_processed;
        if (count == 0) {
            break;
        }
        MemoryContextSwitchTo(batch);
        for (std::uint64_t i = 0; i < count; ++i) {
            append(rows, read_row(table->vals[i], table->tupdesc), features);
        }
        MemoryContextSwitchTo(caller);
        pg([&]() noexcept {
            MemoryContextReset(batch);
            SPI_freetuptable(table);
        });
        const std::size_t needed = core::training_memory(static_cast<std::size_t>(rows.count()), features.size());
        if (needed > memory) {
            refuse_memory(needed, memory);
        }
    }
    pg([&]() noexcept {
        SPI_cursor_close(cursor);
        MemoryContextDelete(batch);
    });
    return rows;
}

}  // namespace xsell::pg
