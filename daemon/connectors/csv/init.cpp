#include "connectors/csv/connector.hpp"

namespace xsell::connectors {

const char *const csv_init_text =
    R"(# An org whose records come as exports, CSV or JSON lines: one folder, one file for each kind of record.
[[org]]
id = "retail"                  # letters, digits, _ . -; it names the org everywhere
name = "Retail exports"        # shown to people
connector = "csv"
path = "exports/retail"        # folder with *.csv, *.tsv, *.jsonl or *.ndjson files, relative to this file; new and changed ones are read
currency = "GBP"               # of amounts whose row names none
# full = true                  # the files are complete: a row that vanished is deleted (default: it stays)
# encoding = "latin1"          # default: utf8
# delimiter = ";"              # default: found by looking at the header line (, ; tab |)
# decimal = ","                # of numbers like 1.234,50; default: "."
# dates = "dmy"                # of dates like 22.10.2020; default: iso (2020-10-22), "mdy" for 10/22/2020
# objects = ["account", "product", "opportunity", "opportunity_line"]   # default: all that the files hold

# Files are recognised by their names (accounts.csv, products.csv, sales_pipeline.csv, sales_teams.csv, invoice_lines.csv, contacts.csv, ...)
# and columns by their headers; `xselld check` shows what it made of them. Where the guess is wrong, say so:
# [[org.file]]
# name = "kunden.csv"
# object = "account"           # account, contact, lead, product, opportunity, opportunity_line, asset, activity, crm_user, invoice_line, none
# columns = { crm_id = "Kundennummer", name = "Firma", country = "Land" }   # our column = "header of the file"; "" leaves it out
#
# Invoice lines (object invoice_line: invoice, date, account_id, product_id, quantity, unit_price or amount) become won opportunities
# by invoice number, and their lines. Where no file lists the accounts, they are taken from the invoice lines or the deals.
#
# JSON lines: each line an object; columns are the names of its members, of nested ones with dots ("billing.country").

# Headers to keep as custom fields in the column attributes:
# [org.attributes]
# account = ["Segment", "Tier"]
)";

const Traits csv_traits = {
    "CSV exports and JSON lines in a folder",
    "all that the files hold",
    "lines of files, in order",
    "files whose content changed",
    "lines that are no longer in the folder",
};

}  // namespace xsell::connectors
