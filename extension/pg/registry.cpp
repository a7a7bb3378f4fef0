#include "registry.hpp"

#include "core/error.hpp"

namespace xsell::pg {
namespace {

std::uint64_t generation = 1;
Oid deployment_oid = InvalidOid;

void deployment_invalidated(Datum, Oid relation) {
    if (relation == InvalidOid || relation == deployment_oid) {
        ++generation;
    }
}

void watch_deployment() {
    static bool watching = false;
    if (!watching) {
        CacheRegisterRelcacheCallback(deployment_invalidated, 0);
        watching = true;
    }
    deployment_oid = get_relname_relid("deployment", get_namespace_oid("xsell_internal", true));
}

// Statements of the registry; operators are named in full because the caller's search_path is not ours.
struct Statement {
    const char *text;
    int arguments;
    SPIPlanPtr plan;
};
Statement find_deployed{
    "SELECT d.version, v.blob_sha256 FROM xsell_internal.deployment d JOIN xsell_internal.model_version v"
    " ON v.model OPERATOR(pg_catalog.=) d.model AND v.version OPERATOR(pg_catalog.=) d.version"
    " WHERE d.model OPERATOR(pg_catalog.=) $1 AND d.role OPERATOR(pg_catalog.=) 'champion'",
    1, nullptr};
Statement find_version{
    "SELECT v.version, v.blob_sha256 FROM xsell_internal.model_version v"
    " WHERE v.model OPERATOR(pg_catalog.=) $1 AND v.version OPERATOR(pg_catalog.=) $2",
    2, nullptr};
Statement find_blob{
    "SELECT b.data, pg_catalog.encode(pg_catalog.sha256(b.data), 'hex') FROM xsell_internal.model_blob b"
    " WHERE b.model OPERATOR(pg_catalog.=) $1 AND b.version OPERATOR(pg_catalog.=) $2 AND b.kind OPERATOR(pg_catalog.=) 'flat'",
    2, nullptr};
Statement find_features{
    "SELECT pg_catalog.unnest(v.feature) FROM xsell_internal.model_version v"
    " WHERE v.model OPERATOR(pg_catalog.=) $1 AND v.version OPERATOR(pg_catalog.=) $2",
    2, nullptr};
Statement find_model{
    "SELECT 1, (SELECT pg_catalog.max(v.version)::pg_catalog.text FROM xsell_internal.model_version v"
    " WHERE v.model OPERATOR(pg_catalog.=) m.model AND v.status OPERATOR(pg_catalog.=) 'ready')"
    " FROM xsell_internal.model m WHERE m.model OPERATOR(pg_catalog.=) $1",
    1, nullptr};

// Runs one; returns the number of rows, which stay until SPI_finish.
std::uint64_t run(Statement &statement, const char *model, int version) noexcept {
    if (!ActiveSnapshotSet()) {
        elog(ERROR, "models can be used inside a statement only");
    }
    SPI_connect();
    if (statement.plan == nullptr) {
        Oid types[2] = {TEXTOID, INT4OID};
        SPIPlanPtr plan = SPI_prepare(statement.text, statement.arguments, types);
        if (plan == nullptr || SPI_keepplan(plan) != 0) {
            elog(ERROR, "could not prepare: %s", SPI_result_code_string(SPI_result));
        }
        statement.plan = plan;
    }
    Datum values[2] = {CStringGetTextDatum(model), Int32GetDatum(version)};
    if (SPI_execute_plan(statement.plan, values, nullptr, true, 0) != SPI_OK_SELECT) {
        elog(ERROR, "could not read the registry: %s", SPI_result_code_string(SPI_result));
    }
    return SPI_processed;
}

Datum field(std::uint64_t row, int column, bool *null) noexcept {
    return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, null);
}

void copy_text(char *to, std::size_t size, Datum value) noexcept {
    char *source = TextDatumGetCString(value);
    strlcpy(to, source, size);
    pfree(source);
}

// An unknown model and one that only lacks a deployment are different mistakes with different remedies.
[[noreturn]] void raise_not_deployed(const char *model) {
    char newest[16] = "";
    const bool known = pg([&]() noexcept {
        const bool found = run(find_model, model, 0) > 0;
        bool null = true;
        const Datum ready = found ? field(0, 2, &null) : Datum{0};
        if (!null) {
            copy_text(newest, sizeof newest, ready);
        }
        SPI_finish();
        return found;
    });
    const std::string name = model;
    if (!known) {
        throw core::Error(core::Kind::no_such_model, "model \"" + name + "\" does not exist",
                          "See xsell_internal.model for the known models.");
    }
    if (newest[0] == '\0') {
        throw core::Error(core::Kind::not_trained, "no version of model \"" + name + "\" is deployed",
                          "Train one with CALL xsell.train('" + name +
                              "', version => NULL), then deploy it with SELECT xsell.deploy('" + name + "', 1).");
    }
    throw core::Error(core::Kind::not_trained, "no version of model \"" + name + "\" is deployed",
                      "Deploy one with SELECT xsell.deploy('" + name + "', " + newest + ").");
}

bool read_version(Statement &statement, const char *model, int version, VersionRow &row) {
    return pg([&]() noexcept {
        watch_deployment();
        const bool found = run(statement, model, version) > 0;
        if (found) {
            bool null;
            row.version = DatumGetInt32(field(0, 1, &null));
            copy_text(row.sha256, sizeof row.sha256, field(0, 2, &null));
        }
        SPI_finish();
        return found;
    });
}

}  // namespace

std::uint64_t deployment_generation() { return generation; }

VersionRow deployed_version(const char *model) {
    VersionRow row;
    if (!read_version(find_deployed, model, 0, row)) {
        raise_not_deployed(model);
    }
    return row;
}

VersionRow stored_version(const char *model, int version) {
    VersionRow row;
    if (!read_version(find_version, model, version, row)) {
        throw core::Error(core::Kind::no_such_model,
                          "version " + std::to_string(version) + " of model \"" + model + "\" does not exist",
                          "See xsell.model_version for the versions there are.");
    }
    return row;
}

bytea *version_blob(const char *model, const VersionRow &row) {
    bool intact = false;
    bytea *blob = pg([&]() noexcept {
        MemoryContext caller = CurrentMemoryContext;
        bytea *copy = nullptr;
        if (run(find_blob, model, row.version) > 0) {
            bool null;
            char sha256[65];
            copy_text(sha256, sizeof sha256, field(0, 2, &null));
            intact = strcmp(sha256, row.sha256) == 0;
            const Datum data = field(0, 1, &null);
            MemoryContext spi = MemoryContextSwitchTo(caller);
            copy = DatumGetByteaPCopy(data);
            MemoryContextSwitchTo(spi);
        }
        SPI_finish();
        return copy;
    });
    if (blob == nullptr || !intact) {
        throw core::Error(core::Kind::corrupt_model,
                          "version " + std::to_string(row.version) + " of model \"" + model + "\" cannot be loaded: " +
                              (blob == nullptr ? "its blob is missing" : "its blob does not match its hash"),
                          "Restore it from a backup, or deploy another version.");
    }
    return blob;
}

std::vector<std::string> version_features(const char *model, int version) {
    MemoryContext caller = CurrentMemoryContext;
    std::uint64_t count = 0;
    char **names = pg([&]() noexcept {
        count = run(find_features, model, version);
        char **list = static_cast<char **>(MemoryContextAlloc(caller, (count + 1) * sizeof(char *)));
        for (std::uint64_t i = 0; i < count; ++i) {
            bool null;
            list[i] = MemoryContextStrdup(caller, TextDatumGetCString(field(i, 1, &null)));
        }
        SPI_finish();
        return list;
    });
    return {names, names + count};
}

}  // namespace xsell::pg

using namespace xsell::pg;

extern "C" {
PG_FUNCTION_INFO_V1(xsell_deployment_changed);

Datum xsell_deployment_changed(PG_FUNCTION_ARGS) {
    return enter([&] {
        pg([&]() noexcept {
            if (!CALLED_AS_TRIGGER(fcinfo)) {
                elog(ERROR, "xsell_deployment_changed is a trigger");
            }
            auto *trigger = reinterpret_cast<TriggerData *>(fcinfo->context);
            CacheInvalidateRelcacheByRelid(RelationGetRelid(trigger->tg_relation));
        });
        return PointerGetDatum(nullptr);
    });
}
}
