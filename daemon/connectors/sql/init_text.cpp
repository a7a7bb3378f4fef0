#include "connectors/sql/connector.hpp"

namespace xsell::connectors {

const char *const sql_init_text =
    R"toml(# Tables that Airbyte, Fivetran or an application of your own keeps in a PostgreSQL database: a query for each object.
# Queries run read-only, as the role that xselld (or url) logs in with: it needs SELECT on what they name.
[[org]]
id = "warehouse"
connector = "sql"
# url = "env:WAREHOUSE_URL"    # postgresql://reader@host/database; default: the database that xselld writes to
# currency = "EUR"             # of amounts that name none
# timeout = "5m"               # of one statement
# page_size = 5000             # rows read at a time; an index on (cursor, id) makes pages cheap
# lookback = "10m"             # cursors that are times: as long as writing a batch takes
# overlap = 1000               # cursors that are numbers
# full_every = "7d"            # read everything again, which finds rows that are gone; 0 never does

# id: one row for each; a query over a history shows the newest alone (SELECT DISTINCT ON (id) ... ORDER BY id, updated_at DESC).
# cursor: a time or number that grows whenever a row is written here, so that only changes are read: _airbyte_extracted_at,
# _fivetran_synced, _sdc_batched_at, or updated_at where the table belongs to its own application. Without it all rows are read each
# time, and those that are gone are deleted. Columns with our names (name, industry, amount, ...) need no entry in columns.
[[org.query]]
object = "account"             # account, contact, lead, product, opportunity, opportunity_line, asset, activity, crm_user
query = "SELECT * FROM salesforce.account"
id = "id"
cursor = "_airbyte_extracted_at"
# deleted = "_ab_cdc_deleted_at"   # a time, or a flag such as _fivetran_deleted
columns = { domain = "website", modified_at = "systemmodstamp", city = "billing_address.city" }   # our column = "theirs"; dots go into JSON

# Fields to keep as custom fields in the column attributes:
# [org.attributes]
# account = ["segment", "tier"]
)toml";

const Traits sql_traits = {
    "tables in a PostgreSQL database",
    "all that queries are configured for",
    "keyset by id, changes by (cursor, id)",
    "a cursor column with lookback, behind open transactions; without one everything",
    "a deleted column; rows missing from a full reading",
};

}  // namespace xsell::connectors
