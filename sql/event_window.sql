\set SHOW_CONTEXT never
SET timezone = 'UTC';
SELECT n.position, n.name FROM unnest(xsell.event_window_names()) WITH ORDINALITY AS n(name, position) ORDER BY 1;

-- By hand: 10, 40, 100 and 400 days before; what lies after is not seen.
SELECT n.name, round(v.value::numeric, 6) AS value
FROM (SELECT xsell.event_window(timestamptz '2024-07-01' - d * interval '24 hours', v, '2024-07-01') AS x
      FROM (VALUES (10, 5), (40, 7), (100, 1), (400, 100), (-1, 1000)) AS e(d, v)) w,
     ROWS FROM (unnest(xsell.event_window_names()), unnest(w.x)) WITH ORDINALITY AS v(name, value, position),
     LATERAL (SELECT v.name) n ORDER BY v.position;

-- No row, no event, nowhere to look from.
SELECT xsell.event_window(at, 1, '2024-07-01') FROM (SELECT timestamptz '2024-01-01' AS at WHERE false) e;
SELECT xsell.event_window(NULL, 1, '2024-07-01'), xsell.event_window('2024-06-30', 1, NULL), xsell.event_window('2024-06-30', 1, 'infinity');
-- Times at infinity are no events; values that are no numbers add nothing; sums stay within a real.
SELECT (xsell.event_window(at, v, '2024-07-01'))[1:7]
FROM (VALUES (timestamptz '-infinity', 1::float8), ('infinity', 1), ('2024-06-30', 'NaN'), ('2024-06-30', 'infinity'), ('2024-06-30', NULL), ('4713-01-01 BC', 3)) AS e(at, v);
SELECT (xsell.event_window('2024-06-30', v, '2024-07-01'))[1:2] FROM (VALUES (1e308::float8), (1e308), (1e308)) AS e(v);
SELECT xsell.event_window('2024-06-30', 1, as_of) FROM (VALUES (timestamptz '2024-07-01'), ('2024-07-02')) AS e(as_of);

-- The same as plain SQL, whatever the plan.
CREATE TABLE event AS
SELECT g % 97 AS who, timestamptz '2024-07-10' - (g * 7919 % 50000) * interval '16 minutes' AS at, CASE WHEN g % 11 > 0 THEN g % 100 END AS value
FROM generate_series(1, 20000) g;
INSERT INTO event VALUES (1000, '2024-06-01', 1), (1001, '2025-01-01', 1), (1002, '2020-01-01', 1), (1002, '2020-01-01', 1), (1003, '2024-06-01', 1), (1003, '2024-06-01', 1);
CREATE VIEW in_plain_sql AS
SELECT who, ARRAY[count(*) FILTER (WHERE at > t - interval '30 days'), COALESCE(sum(value) FILTER (WHERE at > t - interval '30 days'), 0),
    count(*) FILTER (WHERE at > t - interval '90 days'), COALESCE(sum(value) FILTER (WHERE at > t - interval '90 days'), 0),
    count(*) FILTER (WHERE at > t - interval '365 days'), COALESCE(sum(value) FILTER (WHERE at > t - interval '365 days'), 0), count(*),
    extract(epoch FROM t - max(at))::float8 / 86400, extract(epoch FROM max(at) - min(at))::float8 / 86400 / NULLIF(count(*) - 1, 0),
    (extract(epoch FROM t - max(at))::float8 / 86400) / NULLIF(extract(epoch FROM max(at) - min(at))::float8 / 86400 / NULLIF(count(*) - 1, 0), 0),
    CASE WHEN count(*) FILTER (WHERE at > t - interval '365 days') > 0 THEN
        ln((count(*) FILTER (WHERE at > t - interval '90 days') + 0.5::float8) / 90
           / ((count(*) FILTER (WHERE at > t - interval '365 days' AND at <= t - interval '90 days') + 0.5::float8) / 275)) END]::real[] AS x
FROM event, (SELECT timestamptz '2024-07-01') AS c(t) WHERE at <= t GROUP BY who, t;
CREATE VIEW in_one_pass AS SELECT who, xsell.event_window(at, value, '2024-07-01') AS x FROM event GROUP BY who;
SELECT count(*) AS compared, count(*) FILTER (WHERE p.x IS DISTINCT FROM o.x) AS differ FROM in_plain_sql p JOIN in_one_pass o USING (who);
SELECT * FROM in_one_pass WHERE who >= 1000 ORDER BY who;

CREATE TEMPORARY TABLE serial AS SELECT * FROM in_one_pass;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 3;
SET enable_hashagg = off;
EXPLAIN (COSTS OFF) SELECT * FROM in_one_pass;
SELECT count(*) AS differ FROM ((TABLE serial EXCEPT TABLE in_one_pass) UNION ALL (TABLE in_one_pass EXCEPT TABLE serial)) d;
SET parallel_leader_participation = off;
SELECT (SELECT x FROM serial WHERE who = 1000) = xsell.event_window(at, value, '2024-07-01') AS same FROM event WHERE who = 1000;
-- As columns, of the same names, in a feature set.
SELECT array_agg(p.name ORDER BY p.position) FILTER (WHERE p.mode = 't') = xsell.event_window_names() AS same_names
FROM pg_proc f, unnest(f.proargnames, f.proargmodes) WITH ORDINALITY AS p(name, mode, position) WHERE f.oid = 'xsell.event_window_columns'::regproc;
SET xsell.now = '2024-07-01';
SELECT xsell.create_feature_set('events', 'SELECT w.who AS entity_id, c.* FROM (SELECT who, xsell.event_window(at, value, $1) AS x FROM public.event GROUP BY who) w, xsell.event_window_columns(w.x) c');
SELECT count(*) AS rows, count(*) FILTER (WHERE f.x IS DISTINCT FROM s.x) AS differ FROM xsell_internal.features_of('events', 1, '2024-07-01') f JOIN serial s ON s.who = f.entity_id;
SELECT xsell.drop_feature_set('events');
DROP TABLE event CASCADE;
