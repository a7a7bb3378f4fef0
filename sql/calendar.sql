-- The calendar: weeks that cross years, fiscal years that do.
\set SHOW_CONTEXT never
SET timezone = 'UTC';
SET xsell.now = '2024-05-01 00:00+00';
SELECT count(*) = max(day) - min(day) + 1 AS complete, min(day), max(day), count(*) = count(DISTINCT day) AS once FROM xsell.calendar;
SELECT day, quarter, iso_week_label, iso_weekday, week_start, month_start FROM xsell.calendar WHERE day IN ('2020-12-31', '2021-01-03', '2021-01-04', '2024-02-29') ORDER BY day;
SELECT xsell.fiscal_year_start();
SELECT DISTINCT fiscal_year_label, fiscal_quarter_label, fiscal_quarter_start, fiscal_year_start FROM xsell.calendar WHERE year = 2024 ORDER BY fiscal_quarter_start;
BEGIN;
SELECT xsell.set_fiscal_year_start(4);
SELECT DISTINCT fiscal_year, fiscal_quarter_label, fiscal_quarter_start, fiscal_year_start FROM xsell.calendar WHERE year = 2024 ORDER BY fiscal_quarter_start;
SELECT xsell.set_fiscal_year_start(12);
SELECT day, fiscal_year, fiscal_quarter, fiscal_month_label, fiscal_quarter_start FROM xsell.calendar WHERE day IN ('2023-11-30', '2023-12-01', '2024-02-29', '2024-03-01') ORDER BY day;
-- Whatever the first month: every quarter has three months, every year twelve, and they start where they should.
DO $$
DECLARE
    breaches bigint;
BEGIN
    FOR m IN 1 .. 12 LOOP
        PERFORM xsell.set_fiscal_year_start(m);
        breaches := (SELECT count(*) FROM xsell.calendar c WHERE c.year IN (2023, 2024) AND (
            extract(month FROM c.fiscal_year_start) <> m OR c.day < c.fiscal_quarter_start OR c.day >= c.fiscal_quarter_start + interval '3 months'
            OR c.fiscal_year <> extract(year FROM c.fiscal_year_start + interval '11 months')));
        RAISE NOTICE 'first month %: % breaches', m, breaches;
    END LOOP;
END
$$;
ROLLBACK;
SELECT xsell.set_fiscal_year_start(0);
SELECT xsell.set_fiscal_year_start(13);
SELECT xsell.set_fiscal_year_start(NULL);
SELECT xsell.fiscal_year_start();
