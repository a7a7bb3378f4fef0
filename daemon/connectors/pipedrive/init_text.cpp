#include "connectors/pipedrive/connector.hpp"

namespace xsell::connectors {

const char *const pipedrive_init_text = R"toml(# A Pipedrive company.
#
# What to do in Pipedrive, once:
#   1. A user for xsell whose permission set and visibility groups let it see all deals, leads, organizations, people, products
#      and activities: what it may not see does not exist for xsell.
#   2. As that user: Personal preferences, API: copy the personal API token (an administrator must have allowed it in the
#      permission set). Secrets are named here, never written: env:NAME or file:PATH.
#   An app works too: auth = "oauth" with client_id, client_secret and the refresh token of an installation, with the scopes
#        deals:read  contacts:read  products:read  activities:read  leads:read  users:read
#   Its refresh token changes with every use: xselld keeps the newest one (encrypted) in the database.
[[org]]
id = "emea"
connector = "pipedrive"
# currency = "EUR"                      # of amounts that name none; a product's price in it is preferred

auth = "token"                          # or "oauth"
token = "env:PIPEDRIVE_TOKEN"
# client_id = "..."                             # oauth
# client_secret = "env:PIPEDRIVE_CLIENT_SECRET" # oauth
# refresh_token = "env:PIPEDRIVE_REFRESH_TOKEN" # oauth
# auth_url = "https://oauth.pipedrive.com"      # oauth
# base_url = "https://api.pipedrive.com"        # or https://COMPANY.pipedrive.com

# plan = "lite"                         # lite, growth, premium, ultimate: how many API tokens two seconds allow
# burst = 20                            # the same as a number, where Pipedrive tells you another one
# quota_percent = 80                    # stop when so much of the company's API tokens of the day is used up
# lookback = "5m"                       # a change may take that long to become visible
# full_every = "7d"                     # read everything again: most deletes show in no other way; 0 never does
# objects = ["crm_user", "account", "contact", "lead", "product", "opportunity", "opportunity_line", "activity"]

# Fields to keep in the column attributes, and fields to use in place of the usual ones: by the name that people see, or by the
# field's API key (40 digits). Options come as their labels.
# [org.attributes]
# account = ["Segment"]
# [org.columns.opportunity]
# product_name = "Main product"
)toml";

const Traits pipedrive_traits = {
    "Pipedrive API v2 (v1 for users, leads and notes)",
    "crm_user, account, contact, lead, product, opportunity, opportunity_line, activity",
    "cursors by update time, restarted from the last record when they die; v1 by position from the newest on",
    "update_time with lookback; lines with every deal that changed",
    "deleted deals of 30 days; everything else by a whole reading each full_every",
};

}  // namespace xsell::connectors
