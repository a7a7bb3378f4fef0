#include "training/reader.hpp"

#include "border/datum.hpp"
#include "core/error.hpp"
#include "training/data_hash.hpp"
#include "training/statement.hpp"

namespace xsell::pg {
namespace {

constexpr long batch_rows = 10000;
constexpr std::size_t megabyte = std::size_t{1} << 20;

// While it lives: features have as many candidates as the plan says, whatever the session says now, and nothing is compiled for
// seconds because the planner cannot know how many rows a function returns.
class ReadingSettings {
  public:
    explicit ReadingSettings(const std::string &plan) : level_(NewGUCNestLevel()) {
        char *candidates = nullptr;
        execute(
            "SELECT pg_catalog.jsonb_extract_path_text($1, 'candidates')", {jsonb_argument(plan)},
            [](HeapTuple row, TupleDesc shape, void *target) noexcept {
                *static_cast<char **>(target) = SPI_getvalue(row, shape, 1);
            },
            &candidates);
        set("jit", "off");
        if (candidates != nullptr) {
            set("xsell.candidates", candidates);
        }
    }
    // After an error the end of the transaction puts the settings back.
    ~ReadingSettings() {
        if (std::uncaught_exceptions() == 0) {
            AtEOXact_GUC(false, level_);
        }
    }
    ReadingSettings(const ReadingSettings &) = delete;
    ReadingSettings &operator=(const ReadingSettings &) = delete;

  private:
    static void set(const char *name, const char *value) {
        pg([&]() noexcept { set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false); });
    }

    int level_;
};

Portal open_cursor(const std::string &model, const std::string &plan) {
    Oid types[] = {TEXTOID, JSONBOID};
    Datum values[] = {argument(model).value, jsonb_argument(plan).value};
    // Rows in the order of their key: the same data then give the same bytes.
    return pg([&]() noexcept {
        return SPI_cursor_open_with_args(nullptr,
                                         "SELECT t.entity_id, t.as_of, t.x, t.y, t.weight, t.slice, t.product_id"
                                         " FROM xsell_internal.training_rows($1, $2) t"
                                         " ORDER BY t.as_of, t.entity_id, t.product_id, t.y, t.weight",
                                         2, types, values, nullptr, false, CURSOR_OPT_NO_SCROLL);
    });
}

struct Row {
    std::int64_t entity;
    std::optional<std::int64_t> product;
    TimestampTz as_of;
    Datum x;
    std::int32_t label;
    float weight;
    bool train;
};

Row read_row(HeapTuple tuple, TupleDesc shape) {
    constexpr int product = 6;
    return pg([&]() noexcept {
        bool null[7];
        Datum field[7];
        for (int i = 0; i < 7; ++i) {
            field[i] = SPI_getbinval(tuple, shape, i + 1, &null[i]);
            if (null[i] && i != product) {
                elog(ERROR, "xsell_internal.training_rows returned a null in \"%s\"", SPI_fname(shape, i + 1));
            }
        }
        const text *slice = DatumGetTextPP(field[5]);
        Row row{};
        row.entity = DatumGetInt64(field[0]);
        row.as_of = DatumGetTimestampTz(field[1]);
        row.x = PointerGetDatum(PG_DETOAST_DATUM(field[2]));
        row.label = DatumGetInt32(field[3]);
        row.weight = DatumGetFloat4(field[4]);
        row.train = VARSIZE_ANY_EXHDR(slice) > 0 && *VARDATA_ANY(slice) == 't';
        if (!null[product]) {
            row.product = DatumGetInt64(field[product]);
        }
        return row;
    });
}

[[noreturn]] void refuse_infinity(const Row &row, const std::string &feature) {
    const char *when = pg([&]() noexcept { return timestamptz_to_str(row.as_of); });
    throw core::Error(core::Kind::bad_argument,
                      "feature \"" + feature + "\" is infinite for entity " + std::to_string(row.entity) +
                          (row.product ? " and product " + std::to_string(*row.product) : "") + " as of " + when,
                      "Missing values are NULL; mend the feature set so that it gives finite numbers.");
}

void append(TrainingRows &rows, DataHash &hash, const Row &row, const std::vector<std::string> &features) {
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
    matrix.entity.push_back(row.entity);
    matrix.time.push_back(row.as_of);
    hash.add(row.entity);
    hash.add(row.product.value_or(0));
    hash.add(row.as_of);
    hash.add(std::span<const float>(matrix.values).subspan(begin));
    hash.add(row.label);
    hash.add(row.weight);
    hash.add<std::uint8_t>((row.train ? 1 : 0) | (row.product ? 2 : 0));
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

TrainingRows read_training_rows(const std::string &model, const std::string &plan, const std::vector<std::string> &features,
                                std::size_t memory) {
    TrainingRows rows;
    rows.train.features = rows.calibrate.features = features.size();
    DataHash hash;
    const ReadingSettings settings(plan);
    Portal cursor = open_cursor(model, plan);
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
            append(rows, hash, read_row(table->vals[i], table->tupdesc), features);
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
    rows.sha256 = hash.hex();
    return rows;
}

}  // namespace xsell::pg
