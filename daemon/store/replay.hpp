// Stores records that were put aside before, outside the queue: after a field map or the data was mended.
#pragma once
#include "store/database.hpp"
#include "sync/store.hpp"

namespace xsell::store {

// One transaction. Dead letters whose records fit now are forgotten; those that still do not are counted as rejected.
sync::MergeCounts replay(Database &database, const std::string &org, const sync::Object &object, std::int64_t map_hash,
                         const sync::Page &page);

}  // namespace xsell::store
