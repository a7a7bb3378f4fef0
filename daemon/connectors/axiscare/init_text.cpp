#include "connectors/axiscare/connector.hpp"

namespace xsell::connectors {

const char *const axiscare_init_text = R"toml(# An AxisCare site.
#
# What to make in AxisCare, once:
#   1. An API token with permission to read clients, caregivers, leads and visits. Social security numbers are never asked for.
#   2. Copy the token. Secrets are named here, never written: env:NAME or file:PATH.
#
# Health data, and every field that may hold some, is kept apart in xsell_internal.health_record, which only members of the role
# xsell_health can read. What is kept of a record is a fixed list of names, addresses, telephone numbers, dates and ids; columns
# and attributes can be filled from nothing else.
[[org]]
id = "care"
connector = "axiscare"

site = "12345"                          # https://12345.axiscare.com
token = "env:AXISCARE_TOKEN"
# base_url = "https://12345.axiscare.com"
# api_version = "2023-10-01"
# region = "US"                         # country of telephone numbers that name none

# history = "1095d"                     # how far back visits are read at first
# ahead = "28d"                         # and how far into the future
# reread = "14d"                        # visits of so many days are read again by date: some changes are not reported
# lookback = "10m"
# objects = ["crm_user", "account", "contact", "lead", "product", "activity"]

# Clients are accounts (type client) and contacts of the same id; caregivers and the office's administrators ("admin-25") are
# users; services that visits name are products; modified_at is when a change was first seen: AxisCare states no such time.
# [org.attributes]
# account = ["startDate", "effectiveEndDate"]
)toml";

const Traits axiscare_traits = {
    "AxisCare",
    "crm_user, account, contact, lead, product, activity",
    "next page by address; visits by windows of dates, newest first",
    "visits by updatedSinceDate and again by date; everything else each time",
    "visits by their flag; others missing from a complete sweep",
};

}  // namespace xsell::connectors
