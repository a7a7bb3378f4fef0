// xsell_internal.evaluation_rows: labels of a caller's query, with its rows of features where it brings them.
#include "border/datum.hpp"
#include "caller_query.hpp"
#include "core/error.hpp"

extern "C" {
#include "utils/plancache.h"
}

namespace core = xsell::core;
using namespace xsell::pg;

namespace {

struct Column {
    const char *name;
    const char *given;   // what is selected where the query returns the column
    const char *absent;  // and where it does not
};

// In the order of the result.
constexpr Column columns[] = {{"entity_id", "q.entity_id::pg_catalog.int8", "pg_catalog.row_number() OVER ()"},
                              {"product_id", "q.product_id::pg_catalog.int8", "NULL::pg_catalog.int8"},
                              {"as_of", "q.as_of::pg_catalog.timestamptz", "NULL::pg_catalog.timestamptz"},
                              {"y", "q.y::pg_catalog.int4", nullptr},
                              {"x", "q.x::pg_catalog.float4[]", "NULL::pg_catalog.float4[]"}};

std::vector<std::string> names_of(const std::string &query) {
    const char *text = query.c_str();
    TupleDesc shape = pg([&]() noexcept -> TupleDesc {
        SPIPlanPtr plan = SPI_prepare(text, 0, nullptr);
        if (plan == nullptr) {
            elog(ERROR, "could not prepare the query: %s", SPI_result_code_string(SPI_result));
        }
        List *sources = SPI_plan_get_plan_sources(plan);
        auto *source = list_length(sources) == 1 ? static_cast<CachedPlanSource *>(linitial(sources)) : nullptr;
        const bool selects = source != nullptr && list_length(source->query_list) == 1 &&
                             linitial_node(Query, source->query_list)->commandType == CMD_SELECT;
        return selects ? source->resultDesc : nullptr;
    });
    if (shape == nullptr) {
        throw core::Error(core::Kind::bad_argument, "the query must be one SELECT that changes nothing");
    }
    std::vector<std::string> names;
    for (int i = 0; i < shape->natts; ++i) {
        names.emplace_back(NameStr(TupleDescAttr(shape, i)->attname));
    }
    return names;
}

std::string statement(const std::string &query) {
    const std::vector<std::string> names = names_of(query);
    auto has = [&](const char *name) { return std::find(names.begin(), names.end(), name) != names.end(); };
    if (!has("y") || (!has("x") && !has("entity_id"))) {
        throw core::Error(core::Kind::bad_argument, "the query must return a column \"y\", and \"x\" or \"entity_id\"",
                          "SELECT y, x FROM ..., where x is a row of features (real[]); or SELECT entity_id, y FROM ..., whose "
                          "features are computed as of as_of, or now.");
    }
    std::string list;
    for (const Column &column : columns) {
        list += (list.empty() ? "" : ", ") + std::string(has(column.name) ? column.given : column.absent);
    }
    return "SELECT " + list + " FROM (" + query + "\n) q";
}

void evaluation_rows(FunctionCallInfo fcinfo) {
    pg([&]() noexcept {
        InitMaterializedSRF(fcinfo, 0);
        SPI_connect();
    });
    const std::string sql = statement(without_semicolon(text_view(PG_GETARG_DATUM(0))));
    const char *text = sql.c_str();
    const bool any = pg([&]() noexcept {
        SPIExecuteOptions options = {};
        options.read_only = true;
        options.must_return_tuples = true;
        options.dest = result_receiver(fcinfo);
        const int status = SPI_execute_extended(text, &options);
        if (status < 0) {
            elog(ERROR, "could not run the query: %s", SPI_result_code_string(status));
        }
        const bool found = SPI_processed > 0;
        SPI_finish();
        return found;
    });
    if (!any) {
        throw core::Error(core::Kind::no_data, "the query returns no rows to evaluate");
    }
}

}  // namespace

extern "C" {
PG_FUNCTION_INFO_V1(xsell_evaluation_rows);

Datum xsell_evaluation_rows(PG_FUNCTION_ARGS) {
    return enter([&] {
        evaluation_rows(fcinfo);
        return Datum{0};
    });
}
}
