#include "registry.hpp"

#include "core/error.hpp"

namespace xsell::pg {
namespace {

std::uint64_t generation = 1;
std::uint64_t changes_of_relations = 1;
Oid deployment_oid = InvalidOid;

void deployment_invalidated(Datum, Oid relation) {
    ++changes_of_relations;
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

// Statements of the registry that no score waits for; operators are named in full because the caller's search_path is not ours.
struct Statement {
    const char *text;
    int arguments;
    SPIPlanPtr plan;
};
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

// A table of the registry, read by its primary key under the active snapshot and with the caller's privileges: what a SELECT
// would do, without the parsing and planning that would be most of a session's first score. Everything here may raise a backend
// error.
class KeyedTable {
  public:
    explicit KeyedTable(const char *name) noexcept {
        if (!ActiveSnapshotSet()) {
            elog(ERROR, "models can be used inside a statement only");
        }
        const Oid schema = LookupExplicitNamespace("xsell_internal", false);
        const Oid oid = get_relname_relid(name, schema);
        if (oid == InvalidOid) {
            elog(ERROR, "table xsell_internal.%s does not exist", name);
        }
        const AclResult allowed = pg_class_aclcheck(oid, GetUserId(), ACL_SELECT);
        if (allowed != ACLCHECK_OK) {
            aclcheck_error(allowed, OBJECT_TABLE, name);
        }
        table_ = table_open(oid, AccessShareLock);
    }

    KeyedTable &where(const char *column, RegProcedure equal, Datum value) noexcept {
        ScanKeyEntryInitialize(&keys_[key_count_++], 0, static_cast<AttrNumber>(number(column)), BTEqualStrategyNumber,
                               InvalidOid, equal == F_TEXTEQ ? DEFAULT_COLLATION_OID : InvalidOid, equal, value);
        return *this;
    }
    KeyedTable &where(const char *column, const char *value) noexcept {
        return where(column, F_TEXTEQ, CStringGetTextDatum(value));
    }
    KeyedTable &where(const char *column, int value) noexcept { return where(column, F_INT4EQ, Int32GetDatum(value)); }

    bool next() noexcept {
        if (scan_ == nullptr) {
#if PG_VERSION_NUM >= 180000
            const Oid key = RelationGetPrimaryKeyIndex(table_, false);
#else
            const Oid key = RelationGetPrimaryKeyIndex(table_);
#endif
            scan_ = systable_beginscan(table_, key, key != InvalidOid, GetActiveSnapshot(), key_count_, keys_);
        }
        row_ = systable_getnext(scan_);
        return HeapTupleIsValid(row_);
    }
    Datum field(const char *column) noexcept {
        bool null;
        return heap_getattr(row_, number(column), RelationGetDescr(table_), &null);
    }
    // The lock stays until the transaction ends, as after a SELECT.
    void close() noexcept {
        systable_endscan(scan_);
        table_close(table_, NoLock);
    }

  private:
    int number(const char *column) noexcept {
        const int found = SPI_fnumber(RelationGetDescr(table_), column);
        if (found <= 0) {
            elog(ERROR, "table xsell_internal.%s has no column %s", RelationGetRelationName(table_), column);
        }
        return found;
    }

    Relation table_ = nullptr;
    SysScanDesc scan_ = nullptr;
    HeapTuple row_ = nullptr;
    ScanKeyData keys_[3];
    int key_count_ = 0;
};

bool read_version(const char *model, int version, Arm *arm) noexcept {
    KeyedTable versions("model_version");
    versions.where("model", model).where("version", version);
    const bool found = versions.next();
    if (found) {
        arm->version = version;
        arm->until = buckets;
        copy_text(arm->sha256, sizeof arm->sha256, versions.field("blob_sha256"));
    }
    versions.close();
    return found;
}

// Where the arms' shares, added up in the order of their versions, end.
void share_out(Arm *arms, Datum *shares, std::size_t count) noexcept {
    for (std::size_t i = 1; i < count; ++i) {
        for (std::size_t j = i; j > 0 && arms[j].version < arms[j - 1].version; --j) {
            std::swap(arms[j], arms[j - 1]);
            std::swap(shares[j], shares[j - 1]);
        }
    }
    const Datum whole = NumericGetDatum(int64_to_numeric(buckets));
    Datum sum = NumericGetDatum(int64_to_numeric(0));
    for (std::size_t i = 0; i < count; ++i) {
        sum = DirectFunctionCall2(numeric_add, sum, shares[i]);
        const Datum end = DirectFunctionCall1(numeric_ceil, DirectFunctionCall2(numeric_mul, sum, whole));
        arms[i].until = DatumGetUInt32(DirectFunctionCall1(numeric_int4, end));
    }
}

}  // namespace

std::uint64_t deployment_generation() { return generation; }

std::uint64_t relation_changes() { return changes_of_relations; }

// An unknown model and one that only lacks a deployment are different mistakes with different remedies.
void raise_not_deployed(const char *model) {
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
                          "See xsell.model for the known models.");
    }
    if (newest[0] == '\0') {
        throw core::Error(core::Kind::not_trained, "no version of model \"" + name + "\" is deployed",
                          "Train one with CALL xsell.train('" + name +
                              "', version => NULL), then deploy it with SELECT xsell.deploy('" + name + "', 1).");
    }
    throw core::Error(core::Kind::not_trained, "no version of model \"" + name + "\" is deployed",
                      "Deploy one with SELECT xsell.deploy('" + name + "', " + newest + ").");
}

Arm champion(const char *model) {
    Arm arm{};
    const bool found = pg([&]() noexcept {
        watch_deployment();
        KeyedTable deployment("deployment");
        deployment.where("model", model).where("role", "champion");
        const bool deployed = deployment.next();
        const int version = deployed ? DatumGetInt32(deployment.field("version")) : 0;
        deployment.close();
        strlcpy(arm.role, "champion", sizeof arm.role);
        return deployed && read_version(model, version, &arm);
    });
    if (!found) {
        raise_not_deployed(model);
    }
    return arm;
}

Arm stored_version(const char *model, int version) {
    Arm arm{};
    const bool found = pg([&]() noexcept {
        watch_deployment();
        return read_version(model, version, &arm);
    });
    if (!found) {
        throw core::Error(core::Kind::no_such_model,
                          "version " + std::to_string(version) + " of model \"" + model + "\" does not exist",
                          "See xsell.model_version for the versions there are.");
    }
    return arm;
}

std::size_t arms_in_force(const char *model, Arm (&arms)[max_arms]) {
    return pg([&]() noexcept {
        watch_deployment();
        Datum shares[max_arms];
        std::size_t count = 0;
        const Datum zero = NumericGetDatum(int64_to_numeric(0));
        KeyedTable deployment("deployment");
        deployment.where("model", model);
        while (deployment.next()) {
            const Datum share = deployment.field("share");
            if (!DatumGetBool(DirectFunctionCall2(numeric_gt, share, zero))) {
                continue;
            }
            if (count == max_arms) {
                elog(ERROR, "model \"%s\" is split among more than %zu versions", model, max_arms);
            }
            arms[count].version = DatumGetInt32(deployment.field("version"));
            copy_text(arms[count].role, sizeof arms[count].role, deployment.field("role"));
            shares[count++] = datumCopy(share, false, -1);
        }
        deployment.close();
        for (std::size_t i = 0; i < count; ++i) {
            if (!read_version(model, arms[i].version, &arms[i])) {
                elog(ERROR, "version %d of model \"%s\" is deployed but not known", arms[i].version, model);
            }
        }
        share_out(arms, shares, count);
        return count;
    });
}

bytea *version_blob(const char *model, const Arm &arm) {
    bool intact = false;
    bytea *blob = pg([&]() noexcept {
        bytea *copy = nullptr;
        KeyedTable blobs("model_blob");
        blobs.where("model", model).where("version", arm.version).where("kind", "flat");
        if (blobs.next()) {
            copy = DatumGetByteaPCopy(blobs.field("data"));
            const bytea *hash = DatumGetByteaPP(DirectFunctionCall1(sha256_bytea, PointerGetDatum(copy)));
            char sha256[65] = "";
            hex_encode(VARDATA_ANY(hash), VARSIZE_ANY_EXHDR(hash), sha256);
            intact = strcmp(sha256, arm.sha256) == 0;
        }
        blobs.close();
        return copy;
    });
    if (blob == nullptr || !intact) {
        throw core::Error(core::Kind::corrupt_model,
                          "version " + std::to_string(arm.version) + " of model \"" + model + "\" cannot be loaded: " +
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
