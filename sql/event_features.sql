-- Features of streams of events by key: the same as plain SQL, whatever the types and the plan.
\set SHOW_CONTEXT never
SET timezone = 'UTC';
CREATE TABLE sale AS
SELECT CASE WHEN g % 501 > 0 THEN g % 97 END::bigint AS who, timestamptz '2024-07-10' - (g * 7919 % 50000) * interval '16 minutes' AS made,
       CASE WHEN g % 11 > 0 THEN (g % 100)::float8 / 7 END AS amount, CASE WHEN g % 13 > 0 THEN g % 3 = 0 END AS won,
       timestamptz '2024-07-01' - (g * 104729 % 600) * interval '1 day' AS closed, (g * 31) % 150 AS product, (g % 1000)::numeric / 100 AS price
FROM generate_series(1, 20000) g;
INSERT INTO sale VALUES (1000, '2024-06-01', 1, true, '2024-06-01', 1, 1), (1001, '2025-01-01', 1, true, NULL, 1, 1),
    (1002, '2020-01-01', NULL, NULL, NULL, NULL, NULL), (1003, '-infinity', 1, false, 'infinity', 1, 'NaN'), (1004, '2024-04-02', 'NaN', true, NULL, 1, -12345678901234.5),
    (1004, '2024-04-01 23:59:59.999999', 3, true, NULL, 1, 1e30), (1004, '2024-06-01', 'infinity', NULL, NULL, 2, 0.0001);
CREATE VIEW in_plain_sql AS
SELECT who, count(*) FILTER (WHERE made <= t AND made > '-infinity') AS made_count, count(*) FILTER (WHERE made <= t AND made >= t - interval '30 days') AS made_count_30,
       count(*) FILTER (WHERE made <= t AND made >= t - interval '90 days')::integer AS made_count_90,
       min(made) FILTER (WHERE made <= t AND made > '-infinity') AS made_first, max(made) FILTER (WHERE made <= t AND made > '-infinity') AS made_last,
       extract(epoch FROM t - max(made) FILTER (WHERE made <= t AND made > '-infinity'))::float8 / 86400 AS made_recency,
       sum(amount) FILTER (WHERE made <= t AND made > '-infinity') AS amount_sum, sum(amount) FILTER (WHERE made <= t AND made >= t - interval '90 days') AS amount_sum_90,
       avg(amount) FILTER (WHERE made <= t AND made >= t - interval '365 days') AS amount_mean_365, min(amount) FILTER (WHERE made <= t AND made > '-infinity') AS amount_min,
       max(amount) FILTER (WHERE made <= t AND made >= t - interval '200 days') AS amount_max_200, count(amount) FILTER (WHERE made <= t AND made > '-infinity') AS amount_count,
       count(*) FILTER (WHERE won AND made <= t AND made > '-infinity') AS won_count,
       (count(*) FILTER (WHERE won AND made <= t AND made > '-infinity'))::float8 / NULLIF(count(won) FILTER (WHERE made <= t AND made > '-infinity'), 0) AS won_share,
       count(DISTINCT amount) FILTER (WHERE made <= t AND made > '-infinity') AS amount_distinct,
       count(*) FILTER (WHERE closed <= t AND closed >= t - interval '365 days') AS closed_count_365,
       count(DISTINCT product) FILTER (WHERE closed <= t AND closed > '-infinity') AS product_distinct,
       count(DISTINCT product) FILTER (WHERE closed <= t AND closed >= t - interval '90 days') AS product_distinct_90,
       max(price) FILTER (WHERE closed <= t AND closed > '-infinity')::float8 AS price_max
FROM sale, (SELECT timestamptz '2024-07-01') AS c(t) WHERE who IS NOT NULL GROUP BY who, t;
CREATE VIEW in_one_pass AS
SELECT * FROM xsell.event_features('SELECT who, made, amount, won, closed, product, price FROM sale', '2024-07-01') AS f(who bigint, made_count bigint, made_count_30 bigint,
    made_count_90 integer, made_first timestamptz, made_last timestamptz, made_recency float8, amount_sum float8, amount_sum_90 float8, amount_mean_365 float8,
    amount_min float8, amount_max_200 float8, amount_count bigint, won_count bigint, won_share float8, amount_distinct bigint, closed_count_365 bigint,
    product_distinct bigint, product_distinct_90 bigint, price_max float8);
CREATE FUNCTION pg_temp.rounded(r jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(v.key || '=' || COALESCE(CASE WHEN v.value ~ '^-?[0-9.]+(e[+-]?[0-9]+)?$' THEN round(v.value::numeric, 6)::text ELSE v.value END, '-'), ' ') FROM jsonb_each_text(r) v $$;
SELECT (SELECT count(*) FROM in_plain_sql) AS keys, count(*) AS same FROM in_plain_sql p JOIN in_one_pass o USING (who) WHERE pg_temp.rounded(to_jsonb(p)) = pg_temp.rounded(to_jsonb(o));
SELECT pg_temp.rounded(to_jsonb(p)) AS wanted, pg_temp.rounded(to_jsonb(o)) AS got
FROM in_plain_sql p JOIN in_one_pass o USING (who) WHERE pg_temp.rounded(to_jsonb(p)) <> pg_temp.rounded(to_jsonb(o)) ORDER BY who LIMIT 3;
SELECT pg_temp.rounded(to_jsonb(o)) AS by_hand FROM in_one_pass o WHERE who >= 1000 ORDER BY who;

-- Rhythm is event_window's.
SELECT count(*) AS keys, count(*) FILTER (WHERE f.made_gap IS NOT DISTINCT FROM w.x[9] AND f.made_gap_ratio IS NOT DISTINCT FROM w.x[10] AND f.made_trend IS NOT DISTINCT FROM w.x[11]) AS same
FROM (SELECT who, xsell.event_window(made - interval '1 s', amount, '2024-07-01') AS x FROM sale WHERE who < 97 GROUP BY who) w
JOIN xsell.event_features('SELECT who, made - interval ''1 s'' AS made FROM sale WHERE who < 97', '2024-07-01') AS f(who bigint, made_gap real, made_gap_ratio real, made_trend real) USING (who);

-- Keys of every type; what is told apart too.
SELECT count(*) AS keys, count(*) FILTER (WHERE i.m_count = b.m_count AND t.m_count = b.m_count AND u.m_count = b.m_count AND t.p_distinct = b.p_distinct AND u.p_distinct = b.p_distinct) AS same
FROM xsell.event_features('SELECT who, made AS m, product AS p FROM sale', '2024-07-01') AS b(k bigint, m_count bigint, p_distinct bigint)
JOIN xsell.event_features('SELECT who::integer, made AS m FROM sale', '2024-07-01') AS i(k integer, m_count bigint) ON i.k = b.k
JOIN xsell.event_features('SELECT ''é'' || who, made AS m, ''product '' || product AS p FROM sale', '2024-07-01') AS t(k text, m_count bigint, p_distinct bigint) ON t.k = 'é' || b.k
JOIN xsell.event_features('SELECT md5(who::text)::uuid, made AS m, md5(product::text)::uuid AS p FROM sale', '2024-07-01') AS u(k uuid, m_count bigint, p_distinct bigint) ON u.k = md5(b.k::text)::uuid;
-- Text that was stored out of line, empty text, a column that begins like another, a column before any time.
CREATE TABLE long_key AS SELECT repeat(md5(n::text), 400) || n AS k FROM generate_series(1, 3) n;
INSERT INTO long_key VALUES (''), (repeat('x', 100000)), (repeat('x', 100000));
SELECT length(k), n_count, a_count, a_b_count, a_b_sum FROM xsell.event_features('SELECT k, 1 AS n, now() - interval ''1 day'' AS a, 2 AS a_b FROM long_key', now())
    AS f(k text, n_count integer, a_count real, a_b_count float8, a_b_sum real) ORDER BY 1, 2;
-- Nothing in, nothing out.
SELECT * FROM xsell.event_features('SELECT who, made FROM sale WHERE false', '2024-07-01') AS f(who bigint, made_count bigint);

-- Row security holds, and the reader's own rights.
CREATE ROLE xsell_test_events;
GRANT xsell_reader TO xsell_test_events;
ALTER TABLE sale ENABLE ROW LEVEL SECURITY;
CREATE POLICY seven ON sale USING (who = 7);
GRANT SELECT ON sale TO xsell_test_events;
SET ROLE xsell_test_events;
SELECT who, made_count > 0 AS some FROM xsell.event_features('SELECT who, made FROM public.sale', '2024-07-01') AS f(who bigint, made_count bigint);
SELECT * FROM xsell.event_features('SELECT length(k), now() FROM public.long_key', '2024-07-01') AS f(who integer, now_count bigint);
SET xsell.max_event_memory = '2GB';
RESET ROLE;

-- What cannot be asked for is said with what can.
SELECT * FROM xsell.event_features('SELECT who, made, amount FROM sale', '2024-07-01') AS f(who bigint, made_sum float8);
SELECT * FROM xsell.event_features('SELECT who, amount FROM sale', '2024-07-01') AS f(who bigint, amount_sum_30 float8);
SELECT * FROM xsell.event_features('SELECT who, made FROM sale', '2024-07-01') AS f(who bigint, made_count_0 bigint);
SELECT * FROM xsell.event_features('SELECT who, made FROM sale', '2024-07-01') AS f(who integer, made_count bigint);
SELECT * FROM xsell.event_features('SELECT who, made FROM sale', '2024-07-01') AS f(who bigint, made_last float8);
SELECT * FROM xsell.event_features('SELECT who, made FROM sale', '2024-07-01') AS f(who bigint, made_recency bigint);
SELECT * FROM xsell.event_features('SELECT who, made::date FROM sale', '2024-07-01') AS f(who bigint, made_count bigint);
SELECT * FROM xsell.event_features('SELECT amount, made FROM sale', '2024-07-01') AS f(who float8, made_count bigint);
SELECT * FROM xsell.event_features('SELECT who FROM sale', '2024-07-01') AS f(who bigint, made_count bigint);
SELECT * FROM xsell.event_features('DELETE FROM sale RETURNING who, made', '2024-07-01') AS f(who bigint, made_count bigint);
SELECT * FROM xsell.event_features('SELECT 1; SELECT 2', '2024-07-01') AS f(who bigint, made_count bigint);
SELECT * FROM xsell.event_features('SELECT who, 1 / (amount - amount) AS x FROM sale', '2024-07-01') AS f(who bigint, x_count bigint);
SELECT * FROM xsell.event_features('SELECT who, made FROM sale', 'infinity') AS f(who bigint, made_count bigint);
SELECT * FROM xsell.event_features('SELECT who, made FROM sale', NULL) AS f(who bigint, made_count bigint);
SET xsell.max_event_memory = '1MB';
SELECT count(*) FROM xsell.event_features('SELECT g::bigint AS k, now() AS at FROM generate_series(1, 100000) g', now()) AS f(k bigint, at_count bigint);
SELECT count(*) FROM xsell.event_features('SELECT g::text || repeat(''x'', 500) AS k, now() AS at FROM generate_series(1, 100000) g', now()) AS f(k text, at_count bigint);
SELECT count(*) FROM xsell.event_features('SELECT 1 AS k, now() AS at, g AS v FROM generate_series(1, 1000000) g', now()) AS f(k integer, v_distinct bigint);
RESET xsell.max_event_memory;
SET statement_timeout = '300ms';
SELECT count(*) FROM xsell.event_features('SELECT 1 AS k, now() AS at FROM generate_series(1, 1000000000) g', now()) AS f(k integer, at_count bigint);
RESET statement_timeout;
DROP VIEW in_plain_sql, in_one_pass;
DROP TABLE sale, long_key;
DROP ROLE xsell_test_events;
