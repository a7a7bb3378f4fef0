-- The calendar: fiscal years, quarters, months and weeks, one row a day.

CREATE FUNCTION xsell.fiscal_year_start() RETURNS integer
LANGUAGE sql STABLE PARALLEL SAFE
RETURN COALESCE((SELECT s.value::integer FROM xsell_internal.setting s WHERE s.name = 'fiscal_year_start'), 1);
COMMENT ON FUNCTION xsell.fiscal_year_start() IS 'First month of the fiscal year, 1 to 12; 1 unless xsell.set_fiscal_year_start said otherwise.';

CREATE FUNCTION xsell.set_fiscal_year_start(month integer) RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF month IS NULL OR month NOT BETWEEN 1 AND 12 THEN
        RAISE EXCEPTION 'month % is not valid', COALESCE(month::text, 'NULL') USING ERRCODE = 'invalid_parameter_value',
            HINT = 'The fiscal year starts in a month from 1 (January) to 12.';
    END IF;
    INSERT INTO xsell_internal.setting AS s (name, value) VALUES ('fiscal_year_start', month::text)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE s.value <> excluded.value;
    RETURN xsell.fiscal_year_start();
END
$$;
COMMENT ON FUNCTION xsell.set_fiscal_year_start(integer) IS 'Sets the first month of the fiscal year for everybody; returns it.';

CREATE VIEW xsell.calendar WITH (security_invoker = true) AS
SELECT d.day, d.year, (d.month + 2) / 3 AS quarter, d.month, pg_catalog.date_part('week', d.day)::integer AS iso_week,
       pg_catalog.date_part('isoyear', d.day)::integer AS iso_year, pg_catalog.to_char(d.day, 'IYYY-"W"IW') AS iso_week_label,
       pg_catalog.date_part('isodow', d.day)::integer AS iso_weekday, d.day - (pg_catalog.date_part('isodow', d.day)::integer - 1) AS week_start,
       pg_catalog.make_date(d.year, d.month, 1) AS month_start, d.fiscal_year, (d.fiscal_month + 2) / 3 AS fiscal_quarter, d.fiscal_month,
       'FY' || d.fiscal_year AS fiscal_year_label, 'FY' || d.fiscal_year || ' Q' || (d.fiscal_month + 2) / 3 AS fiscal_quarter_label,
       'FY' || d.fiscal_year || ' M' || pg_catalog.lpad(d.fiscal_month::text, 2, '0') AS fiscal_month_label,
       (pg_catalog.make_date(d.year, d.month, 1) - pg_catalog.make_interval(months => (d.fiscal_month - 1) % 3))::date AS fiscal_quarter_start,
       (pg_catalog.make_date(d.year, d.month, 1) - pg_catalog.make_interval(months => d.fiscal_month - 1))::date AS fiscal_year_start
FROM (SELECT c.day, c.year, c.month, (c.month - f.first + 12) % 12 + 1 AS fiscal_month, c.year + (f.first > 1 AND c.month >= f.first)::integer AS fiscal_year
      FROM (SELECT n.day, pg_catalog.date_part('year', n.day)::integer AS year, pg_catalog.date_part('month', n.day)::integer AS month
            FROM (SELECT date '1970-01-01' + g.number AS day
                  FROM pg_catalog.generate_series(0, pg_catalog.make_date(
                      (SELECT pg_catalog.date_part('year', xsell.clock() AT TIME ZONE 'UTC')::integer) + 5, 12, 31) - date '1970-01-01') AS g(number)) n) c
      CROSS JOIN (SELECT xsell.fiscal_year_start() AS first OFFSET 0) f) d;
COMMENT ON VIEW xsell.calendar IS
'One row a day from 1970 to the end of the fifth year from now. A fiscal year is named by the year in which it ends; the first month is set by xsell.set_fiscal_year_start.';
COMMENT ON COLUMN xsell.calendar.day IS 'The day (UTC).';
COMMENT ON COLUMN xsell.calendar.year IS 'Calendar year.';
COMMENT ON COLUMN xsell.calendar.quarter IS 'Calendar quarter, 1 to 4.';
COMMENT ON COLUMN xsell.calendar.month IS 'Month, 1 to 12.';
COMMENT ON COLUMN xsell.calendar.iso_week IS 'ISO week, 1 to 53.';
COMMENT ON COLUMN xsell.calendar.iso_year IS 'Year that the ISO week belongs to.';
COMMENT ON COLUMN xsell.calendar.iso_week_label IS 'The ISO week, as in 2024-W05.';
COMMENT ON COLUMN xsell.calendar.iso_weekday IS 'Day of the week: 1 is Monday, 7 is Sunday.';
COMMENT ON COLUMN xsell.calendar.week_start IS 'Monday of the week.';
COMMENT ON COLUMN xsell.calendar.month_start IS 'First day of the month.';
COMMENT ON COLUMN xsell.calendar.fiscal_year IS 'Fiscal year: the calendar year in which it ends.';
COMMENT ON COLUMN xsell.calendar.fiscal_quarter IS 'Quarter of the fiscal year, 1 to 4.';
COMMENT ON COLUMN xsell.calendar.fiscal_month IS 'Month of the fiscal year, 1 to 12.';
COMMENT ON COLUMN xsell.calendar.fiscal_year_label IS 'The fiscal year, as in FY2024.';
COMMENT ON COLUMN xsell.calendar.fiscal_quarter_label IS 'The fiscal quarter, as in FY2024 Q1.';
COMMENT ON COLUMN xsell.calendar.fiscal_month_label IS 'The fiscal month, as in FY2024 M01.';
COMMENT ON COLUMN xsell.calendar.fiscal_quarter_start IS 'First day of the fiscal quarter.';
COMMENT ON COLUMN xsell.calendar.fiscal_year_start IS 'First day of the fiscal year.';
