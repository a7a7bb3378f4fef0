#include "connectors/hubspot/connector.hpp"

namespace xsell::connectors {

const char *const hubspot_init_text = R"toml(# A HubSpot account.
#
# What to make in HubSpot, once:
#   1. Settings, Integrations: a private app (or, where those can no longer be made, a service key) with the scopes
#        crm.objects.companies.read  crm.objects.contacts.read  crm.objects.deals.read  crm.objects.line_items.read
#        crm.objects.owners.read     e-commerce (products)      sales-email-read (e-mails)
#      and crm.objects.leads.read with leads = true.
#   2. Copy its access token. Secrets are named here, never written: env:NAME or file:PATH.
#   A public app works too: auth = "oauth" with client_id, client_secret and the refresh token of an installation.
[[org]]
id = "apac"
connector = "hubspot"
# currency = "USD"                      # of amounts that name none

auth = "token"                          # or "oauth"
token = "env:HUBSPOT_TOKEN"
# client_id = "env:HUBSPOT_CLIENT_ID"           # oauth
# client_secret = "env:HUBSPOT_CLIENT_SECRET"   # oauth
# refresh_token = "env:HUBSPOT_REFRESH_TOKEN"   # oauth
# base_url = "https://api.hubapi.com"
# auth_url = "https://api.hubapi.com"
# objects_path = "/crm/v3/objects"      # or a dated version: "/crm/objects/2026-03"

# stage_labels = false                  # true: stages and pipelines by their labels, not their ids
# leads = false                         # true where the account has the leads object
# lookback = "10m"                      # a change may take that long to become searchable
# full_every = "7d"                     # read everything again: changed associations do not mark their records as modified; 0 never does
# objects = ["crm_user", "account", "contact", "product", "opportunity", "opportunity_line", "activity"]

# Properties to keep in the column attributes, and properties to use in place of the usual ones:
# [org.attributes]
# account = ["segment"]
# [org.columns.opportunity]
# product_name = "main_product"
)toml";

const Traits hubspot_traits = {
    "HubSpot CRM v3",
    "crm_user, account, contact, lead, product, opportunity, opportunity_line, activity",
    "keyset by hs_object_id inside the search",
    "modified date with lookback; everything again each full_every",
    "archived scan; merges by hs_merged_object_ids",
};

}  // namespace xsell::connectors
