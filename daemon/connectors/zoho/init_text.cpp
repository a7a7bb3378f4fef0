#include "connectors/zoho/connector.hpp"

namespace xsell::connectors {

const char *const zoho_init_text = R"toml(# A Zoho CRM org.
#
# What to make in Zoho, once:
#   1. https://api-console.zoho.com (the console of your data centre: zoho.eu, zoho.in, ...): a Self Client.
#   2. Its tab "Generate Code", with the scopes
#        ZohoCRM.modules.READ,ZohoCRM.users.READ,ZohoCRM.settings.fields.READ,ZohoCRM.settings.layouts.READ,
#        ZohoCRM.settings.pipeline.READ,ZohoCRM.settings.currencies.READ
#      as a user who may see all records.
#   3. Within its minutes, exchange the code for a refresh token, which stays valid:
#        curl https://accounts.zoho.com/oauth/v2/token -d grant_type=authorization_code -d client_id=... -d client_secret=... -d code=...
#   4. Secrets are named here, never written: env:NAME or file:PATH.
[[org]]
id = "zoho"
connector = "zoho"
# currency = "USD"                      # of amounts that name none

data_centre = "com"                     # com, eu, in, com.au, com.cn, jp or ca: where the org lives
client_id = "1000.XXXX"
client_secret = "env:ZOHO_CLIENT_SECRET"
refresh_token = "env:ZOHO_REFRESH_TOKEN"
# environment = "production"            # or "sandbox", "developer"
# base_url = "https://www.zohoapis.com" # else as the token says
# auth_url = "https://accounts.zoho.com"
# api_version = "v8"

# lines = "deals"                       # where lines of deals are kept: the products of "deals" (no amounts), or the items of
                                        # "quotes", "sales_orders" or "invoices"; each deal read takes a request or more
# won_stages = ["Closed Won"]           # stages of deals; else as Zoho's pipelines say
# lost_stages = ["Closed Lost"]
# activities = ["Calls", "Events", "Tasks"]    # modules; "Notes" too where wanted
# exchange_rates = "per_home"           # rates of Zoho are units for one of the home currency; "in_home": the reverse; "none"
# lookback = "5m"                       # transactions may become visible that much after their own time
# region = "US"                         # country of telephone numbers that name none
# full_every = "30d"                    # read everything again: Zoho forgets deleted records after 60 days; 0 never does
# objects = ["crm_user", "account", "contact", "lead", "product", "opportunity", "opportunity_line", "activity"]

# Fields to keep in the column attributes, and fields to use in place of the usual ones:
# [org.attributes]
# account = ["Segment", "Parent_Account.name"]
# [org.columns.opportunity]
# product_name = "Main_Product"
)toml";

const Traits zoho_traits = {
    "Zoho CRM v8",
    "crm_user, account, contact, lead, product, opportunity, opportunity_line, activity",
    "newest first: ten pages by number, then page tokens; beyond 100,000 records from the oldest, by Modified_Time",
    "If-Modified-Since with lookback; everything again each full_every",
    "/deleted of each module (merges too); sweep with each complete reading",
};

}  // namespace xsell::connectors
