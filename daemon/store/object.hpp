// The objects that can be synced, as the database declares them.
#pragma once
#include <string>

#include "store/database.hpp"
#include "sync/record.hpp"

namespace xsell::store {

// Its columns, in the database's order. Throws SyncError (object) for a name that the extension does not know.
sync::Object object_columns(Database &database, const std::string &name);

}  // namespace xsell::store
