#include "store/replay.hpp"

#include "store/page_loader.hpp"

namespace xsell::store {

sync::MergeCounts replay(Database &database, const std::string &org, const sync::Object &object, std::int64_t map_hash,
                         const sync::Page &page) {
    const MergePlan plan = merge_plan(database, object);
    sync::Claim claim;
    claim.org = org;
    claim.object = object.name;
    Transaction transaction(database);
    claim.run =
        database
            .query("SELECT COALESCE(pg_catalog.max(run_id), 0) FROM xsell_internal.sync_run WHERE org_id = $1 AND object = $2",
                   {org, object.name})
            .number(0, 0);
    PageLoader loader(database, plan, claim, object);
    loader.load_carefully(page.records, distinct_entries(object, page.records, map_hash));
    loader.reject(page.rejects);
    loader.reject(unfit(object, page.records));
    transaction.commit();
    return {static_cast<std::int64_t>(page.records.size() + page.rejects.size()), loader.changed, loader.deleted,
            loader.rejected};
}

}  // namespace xsell::store
