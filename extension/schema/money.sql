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

CREATE FUNCTION xsell.to_base(amount numeric, currency text, at timestamptz) RETURNS numeric
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE
    WHEN currency IS NULL OR currency = xsell.base_currency() THEN amount
    ELSE amount * (SELECT r.rate FROM xsell.currency_rate r
                   WHERE r.currency = to_base.currency
                     AND r.valid_from <= (COALESCE(at, xsell.clock()) AT TIME ZONE 'UTC')::date
                   ORDER BY r.valid_from DESC LIMIT 1)
END;
COMMENT ON FUNCTION xsell.to_base(numeric, text, timestamptz) IS
'An amount in the base currency, at the rate of its day (UTC). A NULL currency means the base currency; no rate for that day gives NULL.';

SELECT pg_catalog.pg_extension_config_dump('xsell_internal.setting', '');
SELECT pg_catalog.pg_extension_config_dump('xsell.currency_rate', '');
