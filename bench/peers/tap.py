#!/usr/bin/python3
"""A Python tap as such taps are usually written well: one session that is kept alive, one transaction for each page, upserts of a
thousand rows by execute_values. Usage: tap.py URL DSN RECORDS; prints records per second."""
import sys
import time

import psycopg2
import requests
from psycopg2.extras import Json, execute_values

PER_PAGE = 2000

# Column, its type, the source's field.
STREAMS = {
    "account": [
        ("id", "text", "Id"), ("name", "text", "Name"), ("type", "text", "Type"), ("industry", "text", "Industry"),
        ("website", "text", "Website"), ("phone", "text", "Phone"), ("city", "text", "BillingCity"), ("country", "text", "BillingCountry"),
        ("annual_revenue", "numeric", "AnnualRevenue"), ("employees", "bigint", "NumberOfEmployees"),
        ("created_at", "timestamptz", "CreatedDate"), ("modified_at", "timestamptz", "SystemModstamp"),
    ],
    "contact": [
        ("id", "text", "Id"), ("account_id", "text", "AccountId"), ("first_name", "text", "FirstName"), ("last_name", "text", "LastName"),
        ("title", "text", "Title"), ("department", "text", "Department"), ("email", "text", "Email"), ("phone", "text", "Phone"),
        ("mobile", "text", "MobilePhone"), ("country", "text", "MailingCountry"),
        ("created_at", "timestamptz", "CreatedDate"), ("modified_at", "timestamptz", "SystemModstamp"),
    ],
    "opportunity": [
        ("id", "text", "Id"), ("account_id", "text", "AccountId"), ("name", "text", "Name"), ("stage", "text", "StageName"),
        ("type", "text", "Type"), ("amount", "numeric", "Amount"), ("probability", "numeric", "Probability"), ("source", "text", "LeadSource"),
        ("closed_at", "timestamptz", "CloseDate"), ("owner_id", "text", "OwnerId"),
        ("created_at", "timestamptz", "CreatedDate"), ("modified_at", "timestamptz", "SystemModstamp"),
    ],
}


def create(cursor, stream, columns):
    types = ", ".join(f"{name} {kind}" for name, kind, _ in columns)
    cursor.execute(f"CREATE TABLE IF NOT EXISTS tap.{stream} ({types}, raw jsonb, PRIMARY KEY (id))")


def pages(session, url, stream):
    page = 1
    while True:
        response = session.get(f"{url}/scaling/v1/{stream}", params={"page": page, "per_page": PER_PAGE}, timeout=60)
        response.raise_for_status()
        body = response.json()
        yield body["data"]
        if not body["has_more"]:
            return
        page += 1


def load(session, connection, url, stream, columns):
    names = [name for name, _, _ in columns] + ["raw"]
    updates = ", ".join(f"{name} = EXCLUDED.{name}" for name in names[1:])
    statement = f"INSERT INTO tap.{stream} ({', '.join(names)}) VALUES %s ON CONFLICT (id) DO UPDATE SET {updates}"
    fields = [field for _, _, field in columns]
    count = 0
    for records in pages(session, url, stream):
        rows = [tuple(record[field] for field in fields) + (Json(record),) for record in records]
        with connection, connection.cursor() as cursor:
            execute_values(cursor, statement, rows, page_size=1000)
        count += len(rows)
    return count


def main():
    url, dsn, expected = sys.argv[1], sys.argv[2], int(sys.argv[3])
    connection = psycopg2.connect(dsn)
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA IF NOT EXISTS tap")
        for stream, columns in STREAMS.items():
            create(cursor, stream, columns)
    session = requests.Session()
    begun = time.monotonic()
    count = sum(load(session, connection, url, stream, columns) for stream, columns in STREAMS.items())
    seconds = time.monotonic() - begun
    if count != expected:
        sys.exit(f"tap.py: {count} records instead of {expected}")
    print(count / seconds)


if __name__ == "__main__":
    main()
