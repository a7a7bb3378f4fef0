-- Amounts in one currency, by dated rates. No rate: NULL and a row in data_quality, never one to one.

CREATE TABLE xsell_internal.setting (
    name  text PRIMARY KEY,
    value text NOT NULL
);
COMMENT ON TABLE xsell_internal.setting IS 'Facts about the stored data that no session may see differently, such as the base currency.';

CREATE FUNCTION xsell.base_currency() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN COALESCE((SELECT value FROM xsell_internal.setting WHERE name = 'base_currency'), 'EUR');
COMMENT ON FUNCTION xsell.base_currency() IS 'Currency of every *_base column and of expected revenue (ISO 4217).';

CREATE TABLE xsell.currency_rate (
    currency   text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    valid_from date NOT NULL,
    rate       numeric NOT NULL CHECK (rate > 0 AND rate < 'Infinity'),
    PRIMARY KEY (currency, valid_from)
);
COMMENT ON TABLE xsell.currency_rate IS 'Dated exchange rates. xselld fills it from its configuration.';
COMMENT ON COLUMN xsell.currency_rate.currency IS 'Currency (ISO 4217).';
COMMENT ON COLUMN xsell.currency_rate.valid_from IS 'First day of the rate; it holds until the next one.';
COMMENT ON COLUMN xsell.currency_rate.rate IS 'Units of the base currency for one unit of this currency.';

CREATE TABLE xsell_internal.source_rate (
    org_id     text NOT NULL,
    home       text NOT NULL CHECK (home ~ '^[A-Z]{3}$'),
    currency   text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    valid_from date NOT NULL,
    rate       numeric NOT NULL CHECK (rate > 0 AND rate < 'Infinity'),
    PRIMARY KEY (org_id, home, currency, valid_from)
);
CREATE INDEX ON xsell_internal.source_rate (home, currency, valid_from);
COMMENT ON TABLE xsell_internal.source_rate IS
'Dated rates as the CRMs themselves state them: one unit of currency is so many units of home. Used for currencies that xsell.currency_rate says nothing of.';

-- The rate of a day, from currency to home, whichever way round it is stated; the newest, then the first org's.
CREATE FUNCTION xsell_internal.stated_rate(currency text, home text, day date) RETURNS numeric
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT s.rate FROM (
        SELECT r.rate, r.valid_from, r.org_id FROM xsell_internal.source_rate r
        WHERE r.currency = stated_rate.currency AND r.home = stated_rate.home AND r.valid_from <= day
        UNION ALL
        SELECT 1 / r.rate, r.valid_from, r.org_id FROM xsell_internal.source_rate r
        WHERE r.currency = stated_rate.home AND r.home = stated_rate.currency AND r.valid_from <= day
    ) s ORDER BY s.valid_from DESC, s.org_id, s.rate LIMIT 1;
END;
COMMENT ON FUNCTION xsell_internal.stated_rate(text, text, date) IS 'Units of home for one unit of currency on a day, as the CRMs state it; NULL: none does.';

CREATE FUNCTION xsell_internal.configured_rate(currency text, day date) RETURNS numeric
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT r.rate FROM xsell.currency_rate r
    WHERE r.currency = configured_rate.currency AND r.valid_from <= day ORDER BY r.valid_from DESC LIMIT 1;
END;
COMMENT ON FUNCTION xsell_internal.configured_rate(text, date) IS 'Units of the base currency for one unit of a currency on a day, by xsell.currency_rate; NULL: no row holds.';

-- Through the home currency of whoever states a rate of it: directly, or by a rate of that home.
CREATE FUNCTION xsell_internal.source_rate_of(currency text, day date) RETURNS numeric
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT COALESCE(
        xsell_internal.stated_rate(currency, xsell.base_currency(), day),
        (SELECT xsell_internal.stated_rate(source_rate_of.currency, h.home, day) * COALESCE(xsell_internal.configured_rate(h.home, day),
                                                                                          xsell_internal.stated_rate(h.home, xsell.base_currency(), day)) AS rate
         FROM (SELECT DISTINCT r.home FROM xsell_internal.source_rate r WHERE r.currency = source_rate_of.currency) h
         ORDER BY (COALESCE(xsell_internal.configured_rate(h.home, day), xsell_internal.stated_rate(h.home, xsell.base_currency(), day)) IS NULL), h.home LIMIT 1));
END;
COMMENT ON FUNCTION xsell_internal.source_rate_of(text, date) IS 'Units of the base currency for one unit of a currency on a day, by the rates that the CRMs state; NULL: none leads there.';

CREATE FUNCTION xsell.to_base(amount numeric, currency text, at timestamptz) RETURNS numeric
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE
    WHEN currency IS NULL OR currency = xsell.base_currency() THEN amount
    WHEN EXISTS (SELECT FROM xsell.currency_rate r WHERE r.currency = to_base.currency)
        THEN amount * xsell_internal.configured_rate(currency, (COALESCE(at, xsell.clock()) AT TIME ZONE 'UTC')::date)
    ELSE amount * xsell_internal.source_rate_of(currency, (COALESCE(at, xsell.clock()) AT TIME ZONE 'UTC')::date)
END;
COMMENT ON FUNCTION xsell.to_base(numeric, text, timestamptz) IS
'An amount in the base currency, at the rate of its day (UTC): by xsell.currency_rate where it knows the currency, else by the rates that the CRMs state. A NULL currency means the base currency; no rate for that day gives NULL.';

SELECT pg_catalog.pg_extension_config_dump('xsell_internal.setting', '');
SELECT pg_catalog.pg_extension_config_dump('xsell.currency_rate', '');
SELECT pg_catalog.pg_extension_config_dump('xsell_internal.source_rate', '');
