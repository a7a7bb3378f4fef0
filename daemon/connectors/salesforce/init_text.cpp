#include "connectors/salesforce/connector.hpp"

namespace xsell::connectors {

const char *const salesforce_init_text = R"toml(# A Salesforce org.
#
# What to make in Salesforce (Setup), once:
#   1. External Client App Manager (or App Manager): a new app with OAuth enabled and the scope
#      "Manage user data via APIs (api)". Add "Perform requests at any time (refresh_token)" for auth = "jwt" and "refresh_token".
#   2. A permission set for an integration user: API Enabled, and Read and View All on Account, Contact, Lead, Opportunity,
#      Product, Asset, Task, Event (Activities) and User. Fields that the user may not see stay empty; `xselld check` lists them.
#   3. Either auth = "client_credentials": enable the Client Credentials Flow in the app and choose that user as "Run As".
#      Or auth = "jwt": upload a certificate in the app, pre-authorise the permission set ("Admin approved users"):
#        openssl req -x509 -newkey rsa:2048 -nodes -days 730 -subj /CN=xselld -keyout salesforce.key -out salesforce.crt
#        chmod 600 salesforce.key
#      Or auth = "refresh_token": the token that somebody's consent gave. A rotated one is kept in the database, encrypted.
#   4. Copy consumer key and consumer secret. Secrets are named here, never written: env:NAME or file:PATH.
[[org]]
id = "emea"
connector = "salesforce"
# currency = "EUR"                      # of amounts that name none

auth = "client_credentials"             # or "jwt", "refresh_token"
auth_url = "https://NAME.my.salesforce.com"    # your My Domain; for jwt https://login.salesforce.com (sandbox: https://test.salesforce.com)
client_id = "env:SALESFORCE_CLIENT_ID"
client_secret = "env:SALESFORCE_CLIENT_SECRET"
# refresh_token = "env:SALESFORCE_REFRESH_TOKEN"    # refresh_token
# username = "integration@example.com"  # jwt
# private_key = "file:salesforce.key"   # jwt
# audience = "https://login.salesforce.com"    # jwt; follows from auth_url
# base_url = "https://NAME.my.salesforce.com"  # where data is read; else as the token says

# api_version = "v60.0"
# multi_currency = false                # true where records have CurrencyIsoCode: reads it, and the exchange rates
# lookback = "10m"                      # transactions may become visible that much after their own time
# full_every = "30d"                    # read everything again, to find what was deleted for good; 0 never does
# bulk_from = 50000                     # so many records go by a job of the Bulk API; or "always", "never"
# quota_percent = 80                    # stop when so much of the org's daily API requests is used up,
# run_percent = 25                      # or so much of them by one worker in a day
# region = "DE"                         # of telephone numbers that name no country
# objects = ["crm_user", "account", "contact", "lead", "product", "opportunity", "opportunity_line", "asset", "activity"]

# Custom fields to keep in the column attributes, and fields to use in place of the usual ones:
# [org.attributes]
# account = ["Segment__c", "Parent.Name"]
# [org.columns.opportunity]
# product_name = "Main_Product__c"
)toml";

const Traits salesforce_traits = {
    "Salesforce REST and Bulk API 2.0",
    "crm_user, account, contact, lead, product, opportunity, opportunity_line, asset, activity",
    "query locators, restartable by (SystemModstamp, Id), newest first; big ones by bulk query jobs",
    "SystemModstamp with lookback, held back by open transactions",
    "IsDeleted of queryAll; merges by MasterRecordId; everything again each full_every for what left the recycle bin",
};

}  // namespace xsell::connectors
