// xsell_internal.run_query and query_columns. The rules that PostgreSQL itself has for functions of others (index expressions,
// maintenance) hold here: the owner's rights, a restricted context, a pinned search_path; a read-only transaction on top.
#include "stored_query.hpp"

#include "caller_query.hpp"
#include "core/error.hpp"

extern "C" {
#include "nodes/nodeFuncs.h"
}

namespace core = xsell::core;

namespace xsell::pg {

Confinement::Confinement() : writable_(!XactReadOnly), settings_(NewGUCNestLevel()) {
    GetUserIdAndSecContext(&caller_, &context_);
    // As BEGIN READ ONLY does; the setting itself cannot be had for a part of a transaction since version 16.
    XactReadOnly = true;
    pg([]() noexcept {
        set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
    });
}

Confinement::~Confinement() {
    AtEOXact_GUC(false, settings_);
    XactReadOnly = !writable_;
    SetUserIdAndSecContext(caller_, context_);
}

void Confinement::become(Oid user) {
    SetUserIdAndSecContext(user, context_ | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
}

namespace {

constexpr const char *find_definition =
    "SELECT FROM xsell_internal.feature_set s WHERE s.owner = $1 AND s.definition = $2 "
    "UNION ALL SELECT FROM xsell_internal.model m WHERE m.label_owner = $1 AND m.label_query = $2 LIMIT 1";

// Only those who have a role can store a query under it, so what is found was put there by somebody entitled to.
bool is_stored(const char *owner, const char *query) {
    SPI_connect();
    Oid types[] = {NAMEOID, TEXTOID};
    Datum values[] = {DirectFunctionCall1(namein, CStringGetDatum(owner)), CStringGetTextDatum(query)};
    const int result = SPI_execute_with_args(find_definition, 2, types, values, nullptr, true, 1);
    if (result != SPI_OK_SELECT) {
        elog(ERROR, "could not look for a stored query: %s", SPI_result_code_string(result));
    }
    const bool found = SPI_processed > 0;
    SPI_finish();
    return found;
}

bool sees_every_org(Oid role) {
    for (const char *service : {"xsell_trainer", "xsell_sync"}) {
        const Oid member_of = get_role_oid(service, true);
        if (OidIsValid(member_of) && has_privs_of_role(role, member_of)) {
            return true;
        }
    }
    return false;
}

}  // namespace

Oid acting_role(const char *owner, const char *query) {
    return pg([&]() noexcept {
        const Oid caller = GetUserId();
        if (owner == nullptr) {
            return caller;
        }
        const Oid role = get_role_oid(owner, true);
        if (!OidIsValid(role)) {
            ereport(ERROR,
                    (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("role \"%s\", which the query runs as, does not exist", owner),
                     errhint("Store the query again as a role that exists, or create the role and grant it what it reads.")));
        }
        if (has_privs_of_role(caller, role)) {
            return role;
        }
        if (!is_stored(owner, query)) {
            ereport(ERROR,
                    (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("permission denied to run a query as role \"%s\"", owner),
                     errhint("Others run the queries that \"%s\" has stored, and no other.", owner)));
        }
        if (!sees_every_org(caller)) {
            return caller;
        }
        return role;
    });
}

namespace {

[[noreturn]] void refuse(const char *what) {
    throw core::Error(core::Kind::bad_argument, what,
                      "Write one SELECT of named columns; $1 is the time (timestamptz) that it looks from.");
}

// What would write or lock, or would read what only this session has, anywhere in the query; nullptr if nothing.
struct Offence {
    const char *what;
};

using Walker = bool (*)();  // as the server declares it up to version 15; later it casts by itself

bool find_offence(Node *node, void *context) {
    // Through void (*)(), which compilers accept as a function of any type.
    const auto walker = reinterpret_cast<Walker>(reinterpret_cast<void (*)()>(find_offence));
    if (node == nullptr) {
        return false;
    }
    if (!IsA(node, Query)) {
        return expression_tree_walker(node, walker, context);
    }
    const auto *query = reinterpret_cast<Query *>(node);
    auto *offence = static_cast<Offence *>(context);
    if (query->commandType != CMD_SELECT || query->utilityStmt != nullptr) {
        offence->what = "the query must be a SELECT that changes nothing";
    } else if (query->hasModifyingCTE) {
        offence->what = "the query must not change data in its WITH clause";
    } else if (query->rowMarks != NIL) {
        offence->what = "the query must not lock rows (FOR UPDATE, FOR SHARE)";
    }
    ListCell *cell;
    foreach (cell, query->rtable) {
        const auto *entry = lfirst_node(RangeTblEntry, cell);
        if (entry->rtekind == RTE_RELATION && get_rel_persistence(entry->relid) == RELPERSISTENCE_TEMP) {
            offence->what = "the query must not read temporary tables";
        }
    }
    return offence->what != nullptr || query_tree_walker(const_cast<Query *>(query), walker, context, 0);
}

// Those who write a query know the tables by their bare names.
[[noreturn]] void rethrow_with_hint(const PgError &error) {
    if (error.data->hint == nullptr &&
        (error.data->sqlerrcode == ERRCODE_UNDEFINED_TABLE || error.data->sqlerrcode == ERRCODE_UNDEFINED_FUNCTION)) {
        error.data->hint = pg([]() noexcept {
            return pstrdup("Names outside pg_catalog must be written with their schema: public.customer, not customer.");
        });
    }
    throw error;
}

}  // namespace

StoredQuery::StoredQuery(const char *query) {
    try {
        pg([&]() noexcept {
            SPI_connect();
            Oid type = TIMESTAMPTZOID;
            plan_ = SPI_prepare_cursor(query, 1, &type, CURSOR_OPT_PARALLEL_OK);
            if (plan_ == nullptr) {
                elog(ERROR, "could not prepare the query: %s", SPI_result_code_string(SPI_result));
            }
        });
    } catch (const PgError &error) {
        rethrow_with_hint(error);
    }
    List *sources = SPI_plan_get_plan_sources(plan_);
    if (list_length(sources) != 1) {
        refuse("the query must be one statement");
    }
    source_ = static_cast<CachedPlanSource *>(linitial(sources));
    Offence offence{nullptr};
    if (source_->resultDesc == nullptr || list_length(source_->query_list) != 1) {
        refuse("the query must be a SELECT that changes nothing");
    }
    pg([&]() noexcept { find_offence(static_cast<Node *>(linitial(source_->query_list)), &offence); });
    if (offence.what != nullptr) {
        refuse(offence.what);
    }
}

StoredQuery::~StoredQuery() {
    if (std::uncaught_exceptions() == 0) {  // after an error the transaction's end cleans up
        SPI_finish();
    }
}

void StoredQuery::run(Datum at, bool at_null, DestReceiver *destination) {
    pg([&]() noexcept {
        ParamListInfo parameters = makeParamList(1);
        parameters->params[0] = {at, at_null, PARAM_FLAG_CONST, TIMESTAMPTZOID};
        SPIExecuteOptions options = {};
        options.params = parameters;
        options.read_only = true;  // the statement's own snapshot
        options.must_return_tuples = true;
        options.dest = destination;
        const int result = SPI_execute_plan_extended(plan_, &options);
        if (result < 0) {
            elog(ERROR, "could not run the query: %s", SPI_result_code_string(result));
        }
    });
}

const char *feature_kind(Oid type) {
    return pg([&]() noexcept -> const char * {
        switch (const Oid base = getBaseType(type)) {
            case INT2OID:
            case INT4OID:
            case INT8OID:
            case FLOAT4OID:
            case FLOAT8OID:
            case NUMERICOID: return "number";
            case BOOLOID: return "boolean";
            case DATEOID:
            case TIMESTAMPOID:
            case TIMESTAMPTZOID: return "time";
            case TEXTOID:
            case VARCHAROID: return "category";
            default: return type_is_enum(base) ? "category" : nullptr;
        }
    });
}

namespace {

// What the query returns must be what the statement around it was told, to the letter: it was planned with that.
void require_columns(TupleDesc actual, TupleDesc expected) {
    pg([&]() noexcept {
        const char *hint = "xsell_internal.query_columns(query) tells what a query returns.";
        if (actual->natts != expected->natts) {
            ereport(ERROR,
                    (errcode(ERRCODE_DATATYPE_MISMATCH),
                     errmsg("the query returns %d columns, the column definition list has %d", actual->natts, expected->natts),
                     errhint("%s", hint)));
        }
        for (int i = 0; i < actual->natts; ++i) {
            const Form_pg_attribute is = TupleDescAttr(actual, i);
            const Form_pg_attribute said = TupleDescAttr(expected, i);
            if (is->atttypid != said->atttypid || std::strcmp(NameStr(is->attname), NameStr(said->attname)) != 0) {
                ereport(ERROR,
                        (errcode(ERRCODE_DATATYPE_MISMATCH),
                         errmsg("column %d of the query is \"%s\" of type %s, the column definition list says \"%s\" of type %s",
                                i + 1, NameStr(is->attname), format_type_be(is->atttypid), NameStr(said->attname),
                                format_type_be(said->atttypid)),
                         errhint("%s", hint)));
            }
        }
    });
}

char *query_argument(FunctionCallInfo fcinfo, int argument) {
    return pg([&]() noexcept {
        if (PG_ARGISNULL(argument)) {
            ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("query must not be NULL")));
        }
        return text_to_cstring(PG_GETARG_TEXT_PP(argument));
    });
}

const char *owner_argument(FunctionCallInfo fcinfo, int argument) {
    return PG_ARGISNULL(argument) ? nullptr : NameStr(*PG_GETARG_NAME(argument));
}

void run_query(FunctionCallInfo fcinfo) {
    auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
    pg([&]() noexcept { InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC); });
    const char *text = query_argument(fcinfo, 1);
    Confinement confinement;
    confinement.become(acting_role(owner_argument(fcinfo, 0), text));
    StoredQuery query(text);
    require_columns(query.columns(), result->setDesc);
    DestReceiver *destination = pg([&]() noexcept { return result_receiver(fcinfo); });
    query.run(PG_GETARG_DATUM(2), PG_ARGISNULL(2), destination);
}

void query_columns(FunctionCallInfo fcinfo) {
    auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
    pg([&]() noexcept { InitMaterializedSRF(fcinfo, 0); });
    const char *text = query_argument(fcinfo, 0);
    Confinement confinement;
    confinement.become(acting_role(owner_argument(fcinfo, 1), text));
    StoredQuery query(text);
    for (int i = 0; i < query.columns()->natts; ++i) {
        const Form_pg_attribute column = TupleDescAttr(query.columns(), i);
        const char *kind = feature_kind(column->atttypid);
        pg([&]() noexcept {
            Datum values[] = {CStringGetTextDatum(NameStr(column->attname)), ObjectIdGetDatum(column->atttypid),
                              kind == nullptr ? Datum{0} : CStringGetTextDatum(kind)};
            bool nulls[] = {false, false, kind == nullptr};
            tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
        });
    }
}

}  // namespace
}  // namespace xsell::pg

using namespace xsell::pg;

extern "C" {
PG_FUNCTION_INFO_V1(xsell_run_query);
PG_FUNCTION_INFO_V1(xsell_query_columns);

Datum xsell_run_query(PG_FUNCTION_ARGS) {
    return enter([&] {
        run_query(fcinfo);
        return Datum{0};
    });
}

Datum xsell_query_columns(PG_FUNCTION_ARGS) {
    return enter([&] {
        query_columns(fcinfo);
        return Datum{0};
    });
}
}
