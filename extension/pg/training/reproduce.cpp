// xsell.reproduce: trains a version again from what is kept of it, and compares.
#include "border/border.hpp"
#include "border/datum.hpp"
#include "core/error.hpp"
#include "core/training/target_encoding.hpp"
#include "training/data_hash.hpp"
#include "training/publish.hpp"
#include "training/reader.hpp"
#include "training/statement.hpp"

namespace core = xsell::core;
using namespace xsell::pg;

namespace {

// What is kept of a version.
struct Kept {
    Setup setup;
    std::string parameters, sha256, library, changed;
    std::uint64_t seed = 0;
    std::int64_t rows = 0;
    std::vector<std::string> kind, kind_sha256;
};

struct KeptRow {
    char *text[5];  // parameters, plan, sha256, library, changed
    std::int64_t seed, rows;
    std::int32_t memory_mb, threads;
    TextList features, categories, kind, sha256;
};

constexpr const char *find_kept =
    "SELECT r.parameters, r.plan, r.data_sha256, r.library, r.feature_set_changed, r.seed, r.rows, r.memory_mb, r.threads,"
    " r.feature, r.category, r.kind, r.sha256 FROM xsell_internal.reproduction($1, $2) r";

void read_kept_row(HeapTuple row, TupleDesc shape, void *target) noexcept {
    auto *kept = static_cast<KeptRow *>(target);
    bool null = false;
    for (int i = 0; i < 5; ++i) {
        kept->text[i] = SPI_getvalue(row, shape, i + 1);
    }
    kept->seed = DatumGetInt64(SPI_getbinval(row, shape, 6, &null));
    kept->rows = DatumGetInt64(SPI_getbinval(row, shape, 7, &null));
    kept->memory_mb = DatumGetInt32(SPI_getbinval(row, shape, 8, &null));
    kept->threads = DatumGetInt32(SPI_getbinval(row, shape, 9, &null));
    int column = 10;
    for (TextList *list : {&kept->features, &kept->categories, &kept->kind, &kept->sha256}) {
        *list = read_texts(row, shape, column++);
    }
}

Kept find(const std::string &model, int version) {
    KeptRow row{};
    execute(find_kept, {argument(model), argument(version)}, read_kept_row, &row);
    auto text = [&](int i) { return row.text[i] == nullptr ? std::string() : std::string(row.text[i]); };
    Kept kept;
    kept.parameters = text(0);
    kept.setup.plan = text(1);
    kept.sha256 = text(2);
    kept.library = text(3);
    kept.changed = text(4);
    kept.seed = static_cast<std::uint64_t>(row.seed);
    kept.rows = row.rows;
    kept.setup.memory = static_cast<std::size_t>(row.memory_mb) << 20;
    kept.setup.threads = row.threads;
    kept.setup.features = row.features.strings();
    kept.setup.categories = row.categories.strings();
    kept.kind = row.kind.strings();
    kept.kind_sha256 = row.sha256.strings();
    return kept;
}

struct Finding {
    std::string what;
    bool same;
    std::string detail;
};

std::string hash(std::span<const std::byte> bytes) {
    DataHash hash;
    hash.add(bytes);
    return hash.hex();
}

// The hash of every artefact that the version should have, as it has come out now; empty where none has.
std::string hash_of(const Learned &learned, const std::string &kind) {
    if (kind == "flat") {
        return hash(learned.flat);
    }
    for (const core::Artefact &artefact : learned.fit.artefacts) {
        if (core::name_of(artefact.kind) == kind) {
            return hash(std::as_bytes(std::span(artefact.bytes)));
        }
    }
    return {};
}

void compare(const Kept &kept, TrainingRows &rows, std::vector<Finding> &findings) {
    core::Parameters parameters = core::parse_parameters(kept.parameters);
    parameters.seed = kept.seed;
    parameters.threads = kept.setup.threads;
    rows.train.categories = core::columns_to_encode(parameters, kept.setup.features, kept.setup.categories);
    const Learned learned = learn(rows, parameters, {check_for_interrupts, [](const core::Progress &) {}});
    for (std::size_t i = 0; i < kept.kind.size(); ++i) {
        const std::string now = hash_of(learned, kept.kind[i]);
        const bool same = now == kept.kind_sha256[i];
        findings.push_back({kept.kind[i], same,
                            same          ? "sha256 " + now
                            : now.empty() ? "this member has no place in the blend now"
                                          : "sha256 then " + kept.kind_sha256[i] + ", now " + now});
    }
}

std::vector<Finding> reproduce(const std::string &model, int version) {
    const Kept kept = find(model, version);
    std::vector<Finding> findings;
    findings.push_back({"feature set", kept.changed.empty(), kept.changed.empty() ? "the same definition" : kept.changed});
    if (!kept.changed.empty()) {
        return findings;
    }
    TrainingRows rows = read_training_rows(model, kept.setup.plan, kept.setup.features, kept.setup.memory);
    const bool same_rows = rows.sha256 == kept.sha256;
    findings.push_back({"training rows", same_rows,
                        std::to_string(kept.rows) + " rows then, " + std::to_string(rows.count()) + " now" +
                            (same_rows ? "" : ": the tables do not hold the same data any more")});
    const std::string now = library();
    findings.push_back({"library", now == kept.library, now == kept.library ? now : kept.library + " then, " + now + " now"});
    if (same_rows) {
        compare(kept, rows, findings);
    }
    return findings;
}

void put(FunctionCallInfo fcinfo, const Finding &finding) {
    auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
    const std::string_view what = finding.what, detail = finding.detail;
    pg([&]() noexcept {
        Datum values[] = {PointerGetDatum(cstring_to_text_with_len(what.data(), static_cast<int>(what.size()))),
                          BoolGetDatum(finding.same),
                          PointerGetDatum(cstring_to_text_with_len(detail.data(), static_cast<int>(detail.size())))};
        bool nulls[] = {false, false, false};
        tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
    });
}

}  // namespace

extern "C" {
PG_FUNCTION_INFO_V1(xsell_reproduce);

Datum xsell_reproduce(PG_FUNCTION_ARGS) {
    return enter([&] {
        if (PG_ARGISNULL(0) || PG_ARGISNULL(1)) {
            throw core::Error(core::Kind::bad_argument, "model and version must not be null");
        }
        const std::string model(text_view(PG_GETARG_DATUM(0)));
        pg([&]() noexcept {
            InitMaterializedSRF(fcinfo, 0);
            SPI_connect();
        });
        const std::vector<Finding> findings = reproduce(model, PG_GETARG_INT32(1));
        pg([]() noexcept { SPI_finish(); });
        for (const Finding &finding : findings) {
            put(fcinfo, finding);
        }
        return Datum{0};
    });
}
}
