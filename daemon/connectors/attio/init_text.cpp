#include "connectors/attio/connector.hpp"

namespace xsell::connectors {

const char *const attio_init_text = R"toml(# An Attio workspace.
#
# What to make in Attio, once:
#   1. Workspace settings, Developers: an access token with the scopes, all of them to read,
#        Records, Object configuration, User management, Notes, Tasks, Meetings
#   2. Copy the token. Secrets are named here, never written: env:NAME or file:PATH.
#   The token of an OAuth app works too.
[[org]]
id = "attio"
connector = "attio"
# currency = "USD"                      # of amounts that name none

token = "env:ATTIO_TOKEN"
# base_url = "https://api.attio.com"
# region = "US"                         # country of telephone numbers that name none

# product_object = "products"           # custom objects, by their API slugs; without them there are
# line_object = "deal_products"         # no products and no lines
# activities = ["notes", "tasks", "meetings"]

# won_stages = ["Won 🎉"]               # titles of deal stages that mean won and lost. With either of them every other stage is
# lost_stages = ["Lost"]                # open; without them the usual titles are known. closed_at is when such a stage was entered
# query_score = 3000                    # points that queries may cost in ten seconds, of the workspace's budget; 0: do not count
# page_size = 500                       # records a page, at most
# objects = ["crm_user", "account", "contact", "product", "opportunity", "opportunity_line", "activity"]

# Attio does not say when a record was changed. Everything is read each time; modified_at is when the newest value was set, or, where
# that was before the last sync, the time of that sync (a value that is removed leaves no date); of activities it is created_at.
# First, last and next interactions change with every e-mail: they are left out unless they are named here.
# Attributes to keep in the column attributes, and attributes to use in place of the usual ones, by their API slugs; a part of a
# value is named after a dot:
# [org.attributes]
# account = ["tier", "funding_raised_usd"]
# [org.columns.account]
# last_activity_at = "last_interaction"
# employees = "employee_count"
# [org.columns.opportunity]
# product_name = "main_product"
# currency = "price.currency_code"
)toml";

const Traits attio_traits = {
    "Attio REST v2",
    "crm_user, account, contact, product, opportunity, opportunity_line, activity",
    "offset with overlap, by created_at; meetings by cursor",
    "everything each time; unchanged records are recognised by their text",
    "missing from a complete sweep",
};

}  // namespace xsell::connectors
