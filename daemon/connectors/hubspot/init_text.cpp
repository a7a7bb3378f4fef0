#include "connectors/hubspot/connector.hpp"

namespace xsell::connectors {

const char *const hubspot_init_text = R"toml(# A HubSpot account.
#
# What to make in HubSpot, once:
#   1. Settings, Integrations: a private app (or, where those can no longer be made, a service key) with the scopes
#        crm.objects.companies.read  crm.objects.contacts.read  crm.objects.deals.read  crm.objects.line_items.read
#        crm.objects.owners.read     e-commerce (products)      sales-email-read (e-mails)
#      and crm.objects.leads.read with leads = true, multi-currency-read in an account of several currencies.
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
# full_every = "7d"                     # read everything again: neither changed associations nor what is gone for good show up
                                        # otherwise (nor what is restored, beyond 3,000 archived records of a type); 0 never does
# requests_per_10s = 100                # at most so many; else as many as HubSpot's headers allow
# quota_percent = 80                    # stop when so much of the daily requests is used up
# region = "US"                         # of telephone numbers that name no country
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
    "archived scan (restored ones by their absence); merges by hs_merged_object_ids; everything again each full_every",
};

}  // namespace xsell::connectors
