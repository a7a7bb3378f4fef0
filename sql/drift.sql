-- Drift: bins and what is computed from them against closed forms, then a version that meets data it was not made for, and what
-- follows. In a database of its own, because training commits.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
\set home :DBNAME
DROP DATABASE IF EXISTS xsell_drift;
CREATE DATABASE xsell_drift;
\c xsell_drift
SET client_min_messages = warning;
SET datestyle = 'ISO';
CREATE EXTENSION xsell;
\set VERBOSITY terse

-- Bins: twenty quantiles of many values, one bin for each of few, strangers apart, missing first.
CREATE TABLE sample AS SELECT ARRAY[i, i % 3, CASE WHEN i % 4 > 0 THEN 7 END, NULL]::real[] AS x, i / 1000.0 AS score FROM generate_series(1, 1000) i;
CREATE TABLE bins AS SELECT xsell_internal.bin_cuts(x, score) AS cuts FROM sample;
SELECT array_dims(cuts), ARRAY(SELECT c FROM unnest(cuts[1:1]) c WHERE c <> 'NaN') AS quantiles, ARRAY(SELECT c FROM unnest(cuts[2:2]) c WHERE c <> 'NaN') AS few,
       ARRAY(SELECT c FROM unnest(cuts[4:4]) c WHERE c <> 'NaN') AS none FROM bins;
SELECT xsell_internal.counts_at(c, 1, 21) AS quantiles, xsell_internal.counts_at(c, 2, 6) AS few, xsell_internal.counts_at(c, 3, 4) AS mostly, xsell_internal.counts_at(c, 4, 2) AS none,
       xsell_internal.counts_at(c, 5, 21) AS score
FROM (SELECT xsell_internal.bin_counts(x, score, cuts) AS c FROM sample, bins) n;
SELECT xsell_internal.counts_at(xsell_internal.bin_counts(x, NULL, cuts), 2, 6) AS strangers, xsell_internal.counts_at(xsell_internal.bin_counts(x, NULL, cuts), 5, 3) AS no_score
FROM bins, (VALUES ('{0,-1,0,0}'::real[]), ('{0,0.5,0,0}'), ('{0,Infinity,0,0}'), ('{0,NaN,0,0}'), (NULL)) AS v(x);
SELECT xsell_internal.bin_cuts(NULL, 1) IS NULL AS no_cuts, xsell_internal.bin_counts(NULL, 1, cuts) IS NULL AS no_counts FROM bins GROUP BY cuts;
SELECT xsell_internal.bin_counts('{1,2}', 1, cuts) FROM bins;
SELECT xsell_internal.bin_cuts(x, 1) FROM (VALUES ('{1}'::real[]), ('{1,2}')) AS v(x);
SELECT xsell_internal.bin_cuts('{}', 1);
SELECT xsell_internal.bin_cuts('{{1},{2}}', 1);
-- More rows than the sample holds are cut by a sample, the same one each time.
SELECT xsell_internal.bin_cuts(ARRAY[i::real], 0) = xsell_internal.bin_cuts(ARRAY[i::real], 0) AS repeats,
       (SELECT max(abs(c / (5000 * n) - 1)) FROM unnest((xsell_internal.bin_cuts(ARRAY[i::real], 0))[1:1]) WITH ORDINALITY AS u(c, n) WHERE c <> 'NaN') < 0.05 AS near
FROM generate_series(1, 100000) i;

-- The indices, in closed form.
CREATE FUNCTION pg_temp.psi(expected bigint[], now bigint[]) RETURNS float8 LANGUAGE sql AS $$
    SELECT sum((q - p) * ln(q / p))
    FROM (SELECT (e + 0.5) / (sum(e) OVER () + 0.5 * count(*) OVER ()) AS p, (a + 0.5) / (sum(a) OVER () + 0.5 * count(*) OVER ()) AS q
          FROM (SELECT e::float8, a::float8 FROM unnest(expected, now) AS u(e, a) WHERE e + a > 0) u) s $$;
CREATE FUNCTION pg_temp.jsd(expected bigint[], now bigint[]) RETURNS float8 LANGUAGE sql AS $$
    SELECT sum(COALESCE(p * ln(NULLIF(p, 0) / ((p + q) / 2)), 0) + COALESCE(q * ln(NULLIF(q, 0) / ((p + q) / 2)), 0)) / 2 / ln(2)
    FROM (SELECT e / sum(e) OVER () AS p, a / sum(a) OVER () AS q FROM (SELECT e::float8, a::float8 FROM unnest(expected, now) AS u(e, a) WHERE e + a > 0) u) s $$;
SELECT v.*, abs(c.psi - pg_temp.psi(e, a)) < 1e-12 AS psi, abs(c.jsd - pg_temp.jsd(e, a)) < 1e-12 AS jsd, round(c.noise::numeric, 6) AS noise, c.level
FROM (VALUES ('{10,200,300,490}'::bigint[], '{60,100,240,100}'::bigint[]), ('{0,500,500}', '{0,500,500}'), ('{0,5000,5000}', '{0,3300,6700}'), ('{0,1000,0,0}', '{0,0,1000,0}'),
             ('{0,5,5}', '{0,1,9}')) AS v(e, a), xsell_internal.compare_bins(e, a) c;
SELECT * FROM xsell_internal.compare_bins('{0,0}', '{1,2}');
SELECT * FROM xsell_internal.compare_bins('{}', '{}');
SELECT * FROM xsell_internal.compare_bins('{1}', '{1,2}');

-- Parallel workers count the same.
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE sample SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT xsell_internal.bin_counts(x, score, (SELECT cuts FROM bins)) FROM sample;
CREATE TABLE counted AS SELECT xsell_internal.bin_counts(x, score, (SELECT cuts FROM bins)) AS counts FROM sample;
SET max_parallel_workers_per_gather = 0;
SELECT counts = (SELECT xsell_internal.bin_counts(x, score, (SELECT cuts FROM bins)) FROM sample) AS same FROM counted;
RESET max_parallel_workers_per_gather;

-- Before there is anything to compare with.
SELECT * FROM xsell.drift('nonsense');
SELECT * FROM xsell.drift('cross_sell');
SELECT * FROM xsell.drift('cross_sell', 3);
SELECT xsell.check_drift('cross_sell');
SELECT * FROM xsell.retrain_rule;

-- A version made in autumn 2023.
\getenv abs_srcdir PG_ABS_SRCDIR
\set world :abs_srcdir '/sql/include/planted_world.sql'
\set ECHO none
\i :world
\set ECHO all
SET xsell.now = '2023-09-01 00:00+00';
CALL xsell.train('cross_sell', NULL, '120 days', '{"members": ["xgboost"], "rounds": 20}');
SELECT count(*) = (SELECT features FROM xsell.model_version) + 1 AS features_and_score, count(*) FILTER (WHERE position = 0 AND feature IS NULL) AS scores,
       bool_and((SELECT sum(e) FROM unnest(expected) e) = (SELECT count(*) FROM xsell.features('cross_sell'))) AS every_row FROM xsell_internal.model_baseline;
-- That day nothing has moved.
SELECT kind, count(*), max(psi) AS psi, max(jsd) AS jsd, min(level) AS level, max(level) AS level FROM xsell.drift('cross_sell') GROUP BY kind ORDER BY kind;
SELECT count(*) FROM xsell.drift('cross_sell') WHERE missing_now <> missing_expected;
SELECT count(*) FROM xsell.deploy('cross_sell', 1);
SELECT xsell.check_drift('cross_sell') AS due;
SELECT version, due, reason, checked_at IS NOT NULL AS checked, command FROM xsell.retrain_rule;

-- Rows of a query: one feature moved, one gone. The caller's own search path holds.
CREATE TABLE now AS SELECT * FROM xsell.features('cross_sell');
SELECT feature, level, missing_now, psi > 0 AS moved, kind FROM xsell.drift('cross_sell', query => 'SELECT x[1:2] || x[3] + 1 || NULL::real || x[5:] AS x FROM now')
WHERE psi > 0 AND kind = 'feature';
SELECT count(*) AS differ FROM (SELECT feature, psi, rows FROM xsell.drift('cross_sell', query => 'SELECT entity_id, x::float8[] AS x FROM now -- all') WHERE psi <> 0 OR rows <> (SELECT count(*) FROM now)) d;
SELECT count(*), count(psi) AS known, max(rows) AS rows, count(level) AS levels FROM xsell.drift('cross_sell', query => 'SELECT x FROM now WHERE false');
-- The same numbers by hand, over a tenth of the customers.
CREATE TABLE tenth AS SELECT x, xsell_internal.predict_version('cross_sell', 1, x)::real AS score FROM now WHERE entity_id % 10 = 0;
CREATE TABLE by_hand AS
SELECT COALESCE(b.feature, 'score') AS feature, b.expected, (
    SELECT array_agg(n.rows ORDER BY n.bin)
    FROM (SELECT bin, (SELECT count(*) FROM tenth t, LATERAL (SELECT CASE b.position WHEN 0 THEN t.score ELSE t.x[b.position] END AS value) v
                       WHERE CASE WHEN bin = 0 OR v.value IS NULL THEN bin = 0 AND v.value IS NULL
                                  ELSE (bin = 1 OR v.value > b.cut[bin - 1]) AND (bin > cardinality(b.cut) OR v.value <= b.cut[bin]) END) AS rows
          FROM generate_series(0, cardinality(b.cut) + 1) bin) n) AS now
FROM xsell_internal.model_baseline b;
SELECT count(*), bool_and(abs(d.psi - pg_temp.psi(h.expected, h.now)) < 1e-12) AS psi, bool_and(abs(d.jsd - pg_temp.jsd(h.expected, h.now)) < 1e-12) AS jsd,
       bool_and(d.rows = (SELECT count(*) FROM tenth)) AS rows, max(d.psi) > 0 AS something
FROM xsell.drift('cross_sell', query => 'SELECT x FROM tenth') d JOIN by_hand h USING (feature);

-- What a query may be.
SELECT * FROM xsell.drift('cross_sell', query => 'SELECT entity_id FROM now');
SELECT * FROM xsell.drift('cross_sell', query => 'SELECT x[1:2] AS x FROM now');
SELECT * FROM xsell.drift('cross_sell', query => 'SELECT ''a'' AS x');
SELECT * FROM xsell.drift('cross_sell', query => 'DELETE FROM now RETURNING x');
SELECT * FROM xsell.drift('cross_sell', query => 'SELECT x FROM now) q; DELETE FROM now; SELECT 1 FROM (SELECT 1');
SELECT * FROM xsell.drift('cross_sell', query => 'WITH gone AS (DELETE FROM now RETURNING x) SELECT x FROM gone');
SELECT * FROM xsell.drift('cross_sell', query => '');
SET statement_timeout = '300ms';
SELECT * FROM xsell.drift('cross_sell', query => 'SELECT ARRAY[i]::real[] AS x FROM generate_series(1, 1000000000) i');
RESET statement_timeout;
SELECT count(*) > 1000 AS untouched FROM now;

-- In January the outcomes of the autumn are known.
SET xsell.now = '2024-01-01 00:00+00';
CREATE TABLE later AS SELECT * FROM xsell.drift('cross_sell');
SELECT d.rows = (SELECT count(*) FROM xsell_internal.purchase WHERE won_at > '2023-09-01 00:00+00') AS newer,
       abs(d.value_now - d.rows / (SELECT count(*) FROM xsell_internal.purchase)::float8) < 1e-12 AS share, d.level
FROM later d WHERE d.kind = 'data';
SELECT d.rows = c.rows AS rows, abs(d.value_now - c.ece) < 1e-3 AS ece_now, d.value_expected = m.value AS ece_then, d.noise > 0 AS noise, d.level IS NOT NULL AS judged
FROM later d, xsell.model_metric m, LATERAL (
    SELECT sum(b.rows) AS rows, sum(b.rows * abs(b.predicted - b.observed)) / sum(b.rows) AS ece
    FROM (SELECT array_agg(l.wins > 0) AS label, array_agg(xsell_internal.predict_version('cross_sell', 1, l.x)) AS score
          FROM (SELECT max(won_at) - interval '2880 hours' AS at FROM xsell_internal.purchase) t, LATERAL (SELECT f.entity_id, f.x, t.at,
                (SELECT count(*) FROM xsell_internal.purchase p WHERE p.entity_id = f.entity_id AND p.product_id = f.product_id AND p.won_at > t.at AND p.won_at <= t.at + interval '2880 hours') AS wins
                FROM xsell.features('cross_sell', t.at) f) l
          WHERE xsell_internal.slice_of(l.entity_id) = 'validate') a, xsell_internal.calibration_bins(a.label, a.score) b) c
WHERE d.kind = 'calibration' AND m.metric = 'ece' AND m.ranker = 'model' AND m.slice = 'validate';
SELECT feature FROM later WHERE feature IN ('tenure_days', 'same_org_sells', 'popularity_all') AND level = 'major' ORDER BY 1;
-- As of a time before the version no outcome is newer.
SELECT DISTINCT kind FROM xsell.drift('cross_sell', as_of => '2023-08-01 00:00+00') ORDER BY 1;

-- Two years on, everything that ages has moved: a new training is due, until one was asked for.
SET xsell.now = '2026-01-01 00:00+00';
SELECT xsell.check_drift('cross_sell') AS due;
SELECT due, regexp_replace(reason, 'major drift in \d+ of 48 features, most in [a-z_0-9, ]+', 'major drift in most features') ~ '^major drift in most features; the scores have drifted \(PSI \d+\.\d\d\)' AS reason
FROM xsell.retrain_rule;
SELECT subject, problem, command FROM xsell.health WHERE problem ~ 'anew';
SELECT kind, count(*), count(DISTINCT checked_at) AS checks FROM xsell.drift_check GROUP BY kind ORDER BY kind;
BEGIN;
SELECT xsell.request_training('cross_sell') > 0 AS asked;
SELECT due, reason IS NOT NULL AS reason FROM xsell.retrain_rule;
SELECT count(*) FROM xsell.health WHERE problem ~ 'anew';
INSERT INTO xsell_internal.setting VALUES ('retrain_pause_days', '-1');
SELECT due FROM xsell.retrain_rule;
ROLLBACK;
-- By age alone; settings move the limits.
INSERT INTO xsell_internal.model (model, feature_set, horizon) VALUES ('aged', 'cross_sell', '90 days');
INSERT INTO xsell_internal.model_version (model, version, feature_set, feature_set_version, algorithm, feature, blob_sha256, trained_at)
VALUES ('aged', 1, 'cross_sell', 1, 'xgboost', '{a}', '', now() - interval '100 days');
INSERT INTO xsell_internal.deployment (model, role, version) VALUES ('aged', 'champion', 1);
SELECT * FROM xsell.retrain_rule WHERE model = 'aged';
SELECT xsell.check_drift('aged');
BEGIN;
INSERT INTO xsell_internal.setting VALUES ('retrain_days', '101'), ('retrain_drift_share', '1');
SELECT model, due, reason ~ 'features' AS features FROM xsell.retrain_rule ORDER BY model;
ROLLBACK;
-- What is older than a year is forgotten.
UPDATE xsell_internal.drift_check SET checked_at = checked_at - interval '366 days' WHERE kind = 'data';
SELECT xsell.check_drift('cross_sell') AS due;
SELECT kind, count(DISTINCT checked_at) AS checks FROM xsell.drift_check GROUP BY kind ORDER BY kind;

-- A model of one's own: its labels come in anew, and say the opposite.
SET xsell.now = '2023-09-01 00:00+00';
CREATE TABLE subscriber AS
SELECT i::bigint AS id, (hashint8extended(i, 1) & 1048575) / 1048576.0::real AS a, hashint8extended(i, 2) & 1023 < 1000 * (hashint8extended(i, 1) & 1048575) / 1048576.0 AS gone FROM generate_series(1, 4000) i;
SELECT xsell.create_feature_set('subscriber', 'SELECT id AS entity_id, a FROM public.subscriber') > 0 AS stored;
SELECT xsell.create_model('churn', 'subscriber', 'SELECT id AS entity_id, gone AS y FROM public.subscriber') IS NOT NULL AS stored;
CALL xsell.train('churn', parameters => '{"members": ["xgboost"], "rounds": 10}');
SELECT feature, level, rows, kind FROM xsell.drift('churn') ORDER BY kind;
SET xsell.now = '2023-10-01 00:00+00';
SELECT feature, level, rows = (SELECT count(*) FROM subscriber WHERE xsell_internal.slice_of(id) = 'validate') AS rows, value_now < 0.06 AS good FROM xsell.drift('churn') WHERE kind = 'calibration';
UPDATE subscriber SET gone = NOT gone;
SELECT feature, level, value_now > 0.3 AS bad FROM xsell.drift('churn') WHERE kind = 'calibration';
UPDATE subscriber SET a = NULL WHERE id % 2 = 0;
SELECT feature, level, missing_expected, missing_now FROM xsell.drift('churn') WHERE kind = 'feature';
SET xsell.now = '2026-01-01 00:00+00';

-- What users build of its parts stays within its own arrays.
CREATE AGGREGATE pg_temp.counted(bigint[]) (SFUNC = xsell_internal.bin_counts_combine, STYPE = bigint[], INITCOND = '{}');
SELECT pg_temp.counted(c) FROM (VALUES ('{}'::bigint[])) v(c);
CREATE AGGREGATE pg_temp.counted_missing(bigint[]) (SFUNC = xsell_internal.bin_counts_combine, STYPE = bigint[], INITCOND = '{{1,NULL}}');
SELECT pg_temp.counted_missing(c) FROM (VALUES ('{{1,NULL}}'::bigint[])) v(c);
SELECT count(*) FROM xsell_internal.query_rows('SELECT x FROM public.now ; ');

-- Who may.
SET ROLE xsell_sync;
SELECT xsell.check_drift('cross_sell') AS due;
SET ROLE xsell_reader;
SELECT kind, count(*), max(rows) AS rows FROM xsell.drift('cross_sell') GROUP BY kind ORDER BY kind;
SELECT count(*) FROM xsell.drift('cross_sell', query => 'SELECT x FROM public.now');
SELECT xsell.check_drift('cross_sell');
SELECT count(*) > 0 AS checks FROM xsell.drift_check;
SELECT model, due FROM xsell.retrain_rule ORDER BY model;
RESET ROLE;
\c :home
DROP DATABASE xsell_drift;
