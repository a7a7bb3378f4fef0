#include "store/object.hpp"

#include <map>

#include "sync/error.hpp"

namespace xsell::store {

sync::Object object_columns(Database &database, const std::string &name) {
    static const std::map<std::string, sync::ColumnType> types = {{"numeric", sync::ColumnType::number},
                                                                  {"bigint", sync::ColumnType::integer},
                                                                  {"boolean", sync::ColumnType::boolean},
                                                                  {"timestamp with time zone", sync::ColumnType::timestamp},
                                                                  {"jsonb", sync::ColumnType::json}};
    sync::Object object{name, {}};
    for (const auto &row : database.query("SELECT name, type FROM xsell_internal.sync_columns($1)", {name}).rows) {
        const auto type = types.find(row.at(1).value_or(""));
        object.columns.push_back({row.at(0).value_or(""), type == types.end() ? sync::ColumnType::text : type->second});
    }
    if (object.columns.empty()) throw sync::SyncError(sync::Fault::object, "the extension knows no object '" + name + "'");
    return object;
}

}  // namespace xsell::store
