-- Models of one's own: labels and features from any table, trained, measured, deployed, reproduced and scored like cross_sell.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
\set home :DBNAME
DROP DATABASE IF EXISTS xsell_own_model;
CREATE DATABASE xsell_own_model;
\c xsell_own_model
SET client_min_messages = warning;
CREATE EXTENSION xsell;
SET timezone = 'UTC';
SET xsell.now = '2026-01-01 00:00+00';
\set VERBOSITY terse
\set one '{"rounds": 40, "members": ["xgboost"], "folds": 2}'

-- A table whose chance of y is known: log-odds are 1.5 a - 1.5, less 1.5 where the colour is red.
CREATE TABLE t AS
SELECT id, a, b, colour, id % 4 <> 0 AS is_train, (1 / (1 + exp(1.5 - 1.5 * a + CASE colour WHEN 'red' THEN 1.5 ELSE 0 END)) > u)::integer AS y
FROM (SELECT id, (hashint8(id) & 65535) / 16384.0 - 2 AS a, (hashint8(id + 1000000) & 65535) / 65536.0 AS b, (ARRAY['red', 'green', 'blue'])[1 + id % 3] AS colour,
             (hashint8(id + 3000000) & 65535) / 65536.0 AS u FROM generate_series(1, 4000) id) g;
SELECT xsell.create_feature_set('thing', 'SELECT id AS entity_id, a, b, colour FROM public.t');
SELECT xsell.create_model('thing', 'thing', 'SELECT id AS entity_id, y FROM public.t WHERE is_train', description => 'Whether a thing turns out well');
CALL xsell.train('thing', NULL, parameters => :'one');
SELECT rows, rows = (SELECT count(*) FROM t WHERE is_train AND xsell_internal.slice_of(id) <> 'validate') AS all_rows,
       positives = (SELECT sum(y) FROM t WHERE is_train AND xsell_internal.slice_of(id) <> 'validate') AS all_wins, horizon, cardinality(snapshots) AS times,
       feature, feature_set_version FROM xsell_internal.model_version;
SELECT slice, metric, ranker, value IS NOT NULL AS value, low <= value AND value <= high OR metric = 'ece' OR slice <> 'validate' AS inside FROM xsell.model_metric ORDER BY 1, 2, 3;
SELECT sum(rows) = (SELECT count(*) FROM t WHERE is_train AND xsell_internal.slice_of(id) = 'validate') AS bins_hold_every_row FROM xsell.calibration_bin;
SELECT what, same FROM xsell.reproduce('thing', 1);

-- On rows of one's own: with features at hand, or with features of the model; the same numbers, and those of SQL.
CREATE TABLE measured AS SELECT * FROM xsell.evaluate('thing', query => 'SELECT y, f.x, entity_id FROM xsell.features(''thing'') f JOIN t ON t.id = f.entity_id WHERE NOT is_train');
SELECT count(*), count(*) FILTER (WHERE (m.value, m.low, m.high) IS DISTINCT FROM (e.value, e.low, e.high)) AS differ
FROM measured m FULL JOIN xsell.evaluate('thing', 1, 'SELECT id AS entity_id, y FROM t WHERE NOT is_train;') e USING (slice, metric, ranker);
CREATE TABLE scored AS SELECT t.id, t.y, xsell_internal.predict_version('thing', 1, f.x) AS p FROM xsell.features('thing') f JOIN t ON t.id = f.entity_id WHERE NOT is_train;
SELECT m.metric, abs(m.value - w.value) < 1e-9 AS agrees FROM measured m JOIN (
    SELECT 'auc' AS metric, (sum(place) FILTER (WHERE y = 1) - sum(y) * (sum(y) + 1) / 2.0) / (sum(y) * sum(1 - y)) AS value
    FROM (SELECT y, rank() OVER (ORDER BY p) + (count(*) OVER (PARTITION BY p) - 1) / 2.0 AS place FROM scored) r
    UNION ALL SELECT 'brier', avg((p - y) ^ 2) FROM scored
    UNION ALL SELECT 'log_loss', -avg(CASE y WHEN 1 THEN ln(p) ELSE ln(1 - p) END) FROM scored) w USING (metric) WHERE m.ranker = 'model' ORDER BY 1;
-- It finds about what can be known: the chances themselves rank little better.
SELECT m.slice, m.value > 0.7 AS tells_apart, m.value > o.value - 0.03 AS about_all FROM measured m, (
    SELECT (sum(place) FILTER (WHERE y = 1) - sum(y) * (sum(y) + 1) / 2.0) / (sum(y) * sum(1 - y)) AS value
    FROM (SELECT y, rank() OVER (ORDER BY 1.5 * a - CASE colour WHEN 'red' THEN 1.5 ELSE 0 END) AS place FROM t WHERE NOT is_train) r) o
WHERE m.metric = 'auc' AND m.ranker = 'model';
SELECT count(*) FROM xsell.deploy('thing', 1);
SELECT max(abs(xsell.predict('thing', f.x) - s.p)) AS differs FROM xsell.features('thing') f JOIN scored s ON s.id = f.entity_id;
SELECT * FROM xsell.evaluate('thing', query => 'SELECT y FROM t');
SELECT * FROM xsell.evaluate('thing', query => 'SELECT id AS entity_id, y FROM t WHERE false');
SELECT * FROM xsell.evaluate('thing', query => 'SELECT -id AS entity_id, y FROM t');
SELECT * FROM xsell.evaluate('thing', query => 'SELECT id AS entity_id, NULL::integer AS y FROM t');
SELECT * FROM xsell.evaluate('thing', query => 'SELECT 2 AS y, ''{1,2,3}''::real[] AS x');
SELECT * FROM xsell.evaluate('thing', query => 'SELECT 1 AS y, ''{1,2}''::real[] AS x');
SELECT * FROM xsell.evaluate('thing', query => 'DELETE FROM t RETURNING y, id AS entity_id');
SELECT metric, value FROM xsell.evaluate('thing', query => 'SELECT 1 AS y, ''{1,0.5,2}''::real[] AS x') WHERE metric IN ('auc', 'pr_auc') ORDER BY 1;

-- Labels with times: what validates is later than what trains, by the horizon; labels may weigh, and name their slice.
CREATE TABLE visit AS SELECT id AS entity_id, timestamptz '2023-01-01 00:00+00' + interval '30 days' * month AS as_of, (id + month) % 5 AS x1, ((id + month) % 5 > 2) <> (hashint4(id * 7 + month) % 4 = 0) AS y
FROM generate_series(1, 500) id, generate_series(0, 11) month;
SELECT xsell.create_feature_set('visit', 'SELECT entity_id, x1, as_of AS seen FROM public.visit WHERE as_of = $1');
SELECT xsell.create_model('visit', 'visit', 'SELECT entity_id, as_of, y, 2 AS weight FROM public.visit', horizon => '60 days');
CALL xsell.train('visit', NULL, parameters => :'one');
SELECT slice, count(*), min(as_of)::date AS since, max(as_of)::date AS until, count(DISTINCT as_of) AS times, min(weight), max(weight), bool_and(x[1] = (entity_id + extract(days FROM as_of - timestamptz '2023-01-01 00:00+00') / 30)::integer % 5) AS features_of_their_time
FROM xsell.training_set('visit') GROUP BY slice ORDER BY min(as_of), slice;
SELECT cardinality(snapshots) AS times, data_from::date, data_until::date, horizon FROM xsell_internal.model_version WHERE model = 'visit';
-- New labels and a new version of the features: the old version still comes out the same.
INSERT INTO visit SELECT entity_id, as_of + interval '360 days', x1, y FROM visit;
SELECT xsell.create_feature_set('visit', 'SELECT entity_id, -x1 AS x1, as_of AS seen FROM public.visit WHERE as_of = $1');
SELECT what, same FROM xsell.reproduce('visit', 1);
UPDATE visit SET y = NOT y WHERE entity_id = 7;
SELECT what, same FROM xsell.reproduce('visit', 1);
CALL xsell.train('visit', NULL, horizon => '700 days');
SELECT xsell.create_model('sliced', 'thing', 'SELECT id AS entity_id, y, CASE WHEN id % 10 < 8 THEN ''train'' ELSE ''calibrate'' END AS slice FROM public.t WHERE is_train');
CALL xsell.train('sliced', NULL, parameters => :'one');
SELECT rows = (SELECT count(*) FROM t WHERE is_train) AS every_row, (SELECT count(*) FROM xsell.model_metric WHERE model = 'sliced' AND slice = 'validate') AS validated
FROM xsell_internal.model_version WHERE model = 'sliced';
-- Pairs of entity and product are ranked too.
CREATE TABLE pair AS SELECT e AS entity_id, p AS product_id, (e * p) % 7 AS x1, ((e * p) % 7 > 4) <> (hashint4(e * 31 + p) % 5 = 0) AS y FROM generate_series(1, 300) e, generate_series(1, 10) p;
SELECT xsell.create_feature_set('pair', 'SELECT entity_id, product_id, x1 FROM public.pair');
SELECT xsell.create_model('pair', 'pair', 'SELECT entity_id, product_id, y FROM public.pair');
CALL xsell.train('pair', NULL, parameters => :'one');
SELECT metric, value > 0.5 AS good FROM xsell.model_metric WHERE model = 'pair' AND slice = 'validate' AND metric IN ('auc', 'ndcg@5') ORDER BY 1;
SELECT weight > 1 AS negatives_weigh_more, y, count(*) < 2000 AS fewer FROM xsell.training_set('pair', max_rows => 1000, with_validation => false) GROUP BY 1, 2, weight ORDER BY y;

-- What cannot be.
SELECT xsell.create_model('thing', 'thing', 'SELECT 1');
SELECT xsell.create_model('no good', 'thing', 'SELECT 1');
SELECT xsell.create_model('größe', 'thing', 'SELECT 1');
SELECT xsell.create_model('new', 'nothing', 'SELECT id AS entity_id, y FROM public.t');
SELECT xsell.create_model('new', 'thing', NULL);
SELECT xsell.create_model('new', 'thing', 'SELECT id AS entity_id, y FROM public.t', horizon => '-1 day');
SELECT xsell.create_model('new', 'thing', 'SELECT id AS entity_id FROM public.t');
SELECT xsell.create_model('new', 'thing', 'SELECT id AS entity_id, a::text AS y FROM public.t');
SELECT xsell.create_model('new', 'thing', 'SELECT id AS entity_id, y, now() AS asof FROM public.t');
SELECT xsell.create_model('new', 'thing', 'SELECT id AS entity_id, y, current_date AS as_of FROM public.t');
SELECT xsell.create_model('new', 'thing', 'SELECT id AS entity_id, y FROM t');
SELECT xsell.create_model('new', 'thing', 'SELEC');
SELECT xsell.create_model('new', 'thing', 'DELETE FROM public.t RETURNING id AS entity_id, y');
CREATE TABLE label (entity_id bigint, y integer, as_of timestamptz, weight real, slice text);
SELECT xsell.create_model('new', 'thing', 'TABLE public.label');
CALL xsell.train('new');
INSERT INTO label SELECT id, 0 FROM t;
CALL xsell.train('new');
UPDATE label SET y = 1;
CALL xsell.train('new');
UPDATE label SET y = entity_id % 2;
UPDATE label SET y = 2 WHERE entity_id = 3;
CALL xsell.train('new');
UPDATE label SET y = NULL WHERE entity_id = 3;
CALL xsell.train('new');
UPDATE label SET y = entity_id % 2, as_of = '2999-01-01 00:00+00' WHERE entity_id = 3;
CALL xsell.train('new');
UPDATE label SET as_of = NULL, weight = 'infinity' WHERE entity_id = 3;
CALL xsell.train('new');
UPDATE label SET weight = 0 WHERE entity_id = 3;
CALL xsell.train('new');
UPDATE label SET weight = NULL, slice = 'test' WHERE entity_id = 3;
CALL xsell.train('new');
UPDATE label SET slice = NULL, entity_id = NULL WHERE entity_id = 3;
CALL xsell.train('new');
DELETE FROM label WHERE entity_id IS NULL;
UPDATE label SET as_of = timestamptz '2020-01-01 00:00+00' + interval '1 minute' * entity_id;
CALL xsell.train('new');
UPDATE label SET as_of = NULL, entity_id = -entity_id;
CALL xsell.train('new');
UPDATE label SET entity_id = -entity_id;
UPDATE t SET a = 'infinity' WHERE id = 4;
CALL xsell.train('new');
SELECT count(*) > 10 AS kept, count(*) FILTER (WHERE error IS NULL OR sqlstate IS NULL) AS without_a_reason FROM xsell.training_run WHERE model = 'new' AND state = 'failed';
SELECT count(*) FROM xsell.model_version WHERE model = 'new';
CALL xsell.train('new', parameters => '{"max_rows": 1000}', horizon => '0 days');

-- Who may: an admin registers, a trainer trains, and nobody runs what another has not stored.
CREATE ROLE xsell_own_model_admin IN ROLE xsell_admin;
CREATE ROLE xsell_own_model_reader IN ROLE xsell_reader;
UPDATE t SET a = 0 WHERE id = 4;
GRANT SELECT ON t TO xsell_own_model_admin;
SET ROLE xsell_own_model_admin;
SELECT xsell.create_feature_set('mine', 'SELECT id AS entity_id, a FROM public.t');
SELECT xsell.create_model('mine', 'mine', 'SELECT id AS entity_id, y FROM public.t');
UPDATE xsell_internal.model SET label_owner = 'postgres' WHERE model = 'mine';
UPDATE xsell_internal.model SET label_query = 'SELECT 1' WHERE model = 'thing';
SET ROLE xsell_trainer;
SELECT label_owner FROM xsell_internal.model WHERE model = 'mine';
CALL xsell.train('mine', NULL, parameters => :'one');
SELECT what, same FROM xsell.reproduce('mine', 1) WHERE what = 'flat';
SELECT xsell.create_model('other', 'mine', 'SELECT id AS entity_id, y FROM public.t');
UPDATE xsell_internal.model SET label_query = 'SELECT 1' WHERE model = 'mine';
SELECT xsell.drop_model('mine');
SET ROLE xsell_own_model_reader;
SELECT count(*) FROM xsell_internal.labels('mine', now());
SELECT * FROM xsell.evaluate('mine', 1, 'SELECT id AS entity_id, y FROM public.t');
SELECT xsell.create_model('other', 'mine', 'SELECT id AS entity_id, y FROM public.t');
RESET ROLE;
SELECT xsell.drop_model('mine');
SELECT xsell.drop_model('cross_sell');
SELECT xsell.drop_model('nonsense');
SELECT xsell.drop_model('new');
-- Forced, it goes with what is deployed, and a new one of that name does not roll back to it.
SELECT role, version FROM xsell.deploy('mine', 1);
SELECT xsell.request_training('mine') > 0 AS asked;
SELECT xsell.drop_model('mine', force => true);
SELECT (SELECT count(*) FROM xsell_internal.model_blob WHERE model = 'mine') AS blobs, (SELECT count(*) FROM xsell.deployment WHERE model = 'mine') AS deployed,
       (SELECT count(*) FROM xsell.training_run WHERE model = 'mine' AND state = 'queued') AS waiting, (SELECT count(*) > 0 FROM xsell.training_run WHERE model = 'mine') AS runs;
SELECT xsell.create_model('mine', 'thing', 'SELECT id AS entity_id, y FROM public.t');
SELECT * FROM xsell.rollback('mine');
\c :home
DROP DATABASE xsell_own_model;
DROP ROLE xsell_own_model_admin, xsell_own_model_reader;
