#!/usr/bin/python3
"""An object-relational mapper, a record at a time: session.merge of each, a commit for each page. Usage: orm_merge.py URL DSN RECORDS;
reads so many of the source's records, in its own proportions, and prints records per second."""
import sys
import time
from datetime import datetime

import requests
from sqlalchemy import BigInteger, Column, DateTime, Numeric, Text, create_engine
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import declarative_base, sessionmaker

PER_PAGE = 1000
SHARES = {"account": 0.2, "contact": 0.3, "opportunity": 0.5}
Base = declarative_base()


class Account(Base):
    __tablename__ = "account"
    __table_args__ = {"schema": "orm"}
    id = Column(Text, primary_key=True)
    name, type, industry, website, phone, city, country = (Column(Text) for _ in range(7))
    annual_revenue = Column(Numeric)
    employees = Column(BigInteger)
    created_at, modified_at = Column(DateTime(timezone=True)), Column(DateTime(timezone=True))
    raw = Column(JSONB)


class Contact(Base):
    __tablename__ = "contact"
    __table_args__ = {"schema": "orm"}
    id = Column(Text, primary_key=True)
    account_id, first_name, last_name, title, department, email, phone, mobile, country = (Column(Text) for _ in range(9))
    created_at, modified_at = Column(DateTime(timezone=True)), Column(DateTime(timezone=True))
    raw = Column(JSONB)


class Opportunity(Base):
    __tablename__ = "opportunity"
    __table_args__ = {"schema": "orm"}
    id = Column(Text, primary_key=True)
    account_id, name, stage, type, source, owner_id = (Column(Text) for _ in range(6))
    amount, probability = Column(Numeric), Column(Numeric)
    closed_at, created_at, modified_at = (Column(DateTime(timezone=True)) for _ in range(3))
    raw = Column(JSONB)


def moment(text):
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")


def account(r):
    return Account(id=r["Id"], name=r["Name"], type=r["Type"], industry=r["Industry"], website=r["Website"], phone=r["Phone"],
                   city=r["BillingCity"], country=r["BillingCountry"], annual_revenue=r["AnnualRevenue"], employees=r["NumberOfEmployees"],
                   created_at=moment(r["CreatedDate"]), modified_at=moment(r["SystemModstamp"]), raw=r)


def contact(r):
    return Contact(id=r["Id"], account_id=r["AccountId"], first_name=r["FirstName"], last_name=r["LastName"], title=r["Title"],
                   department=r["Department"], email=r["Email"], phone=r["Phone"], mobile=r["MobilePhone"], country=r["MailingCountry"],
                   created_at=moment(r["CreatedDate"]), modified_at=moment(r["SystemModstamp"]), raw=r)


def opportunity(r):
    return Opportunity(id=r["Id"], account_id=r["AccountId"], name=r["Name"], stage=r["StageName"], type=r["Type"], amount=r["Amount"],
                       probability=r["Probability"], source=r["LeadSource"], owner_id=r["OwnerId"],
                       closed_at=datetime.strptime(r["CloseDate"] + "+0000", "%Y-%m-%d%z"),
                       created_at=moment(r["CreatedDate"]), modified_at=moment(r["SystemModstamp"]), raw=r)


MAKERS = {"account": account, "contact": contact, "opportunity": opportunity}


def load(http, session, url, stream, wanted):
    count, page = 0, 1
    while count < wanted:
        response = http.get(f"{url}/scaling/v1/{stream}", params={"page": page, "per_page": PER_PAGE}, timeout=60)
        response.raise_for_status()
        body = response.json()
        for record in body["data"][: wanted - count]:
            session.merge(MAKERS[stream](record))
            count += 1
        session.commit()
        if not body["has_more"]:
            break
        page += 1
    return count


def main():
    url, dsn, records = sys.argv[1], sys.argv[2], int(sys.argv[3])
    engine = create_engine(dsn)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA IF EXISTS orm CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA orm")
    Base.metadata.create_all(engine)
    http, session = requests.Session(), sessionmaker(bind=engine)()
    begun = time.monotonic()
    count = sum(load(http, session, url, stream, int(records * share)) for stream, share in SHARES.items())
    print(count / (time.monotonic() - begun))


if __name__ == "__main__":
    main()
