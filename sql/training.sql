-- Training: what it learns from, what it leaves behind when it succeeds and when it does not. In a database of its own, because
-- procedures that commit cannot be rolled back.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
\set home :DBNAME
DROP DATABASE IF EXISTS xsell_training;
CREATE DATABASE xsell_training;
\c xsell_training
SET client_min_messages = notice;
CREATE EXTENSION xsell;
\getenv abs_srcdir PG_ABS_SRCDIR
\set world :abs_srcdir '/sql/include/planted_world.sql'
\set ECHO none
\i :world
\set ECHO all
\set VERBOSITY terse

-- What it learns from.
CREATE TABLE row_of AS SELECT * FROM xsell.training_set('cross_sell', horizon => '120 days');
SELECT slice, count(*) > 1000 AS many, sum(y) > 20 AS wins, min(weight), max(weight), count(DISTINCT as_of) AS snapshots FROM row_of GROUP BY slice ORDER BY slice;
SELECT count(*) AS entities_in_two_slices FROM (SELECT entity_id FROM row_of GROUP BY entity_id HAVING count(DISTINCT slice) > 1) e;
SELECT max(as_of) FILTER (WHERE slice = 'train') + interval '2880 hours' <= min(as_of) FILTER (WHERE slice = 'validate') AS labels_end_before_validation,
       max(as_of) FILTER (WHERE slice = 'validate') + interval '2880 hours' <= (SELECT max(won_at) FROM xsell_internal.purchase) AS labels_complete,
       max(as_of) FILTER (WHERE slice = 'train') = min(as_of) FILTER (WHERE slice = 'calibrate') AS calibrates_on_the_latest FROM row_of;
SELECT count(*) AS wrong_labels FROM row_of r
WHERE (y = 1) <> EXISTS (SELECT FROM xsell_internal.purchase p WHERE p.entity_id = r.entity_id AND p.product_id = r.product_id
                         AND p.won_at > r.as_of AND p.won_at <= r.as_of + interval '2880 hours');
SELECT count(*) AS held_already FROM row_of r
WHERE EXISTS (SELECT FROM xsell_internal.purchase p WHERE p.entity_id = r.entity_id AND p.product_id = r.product_id AND p.won_at <= r.as_of);
SELECT count(*) AS duplicates FROM (SELECT FROM row_of GROUP BY entity_id, product_id, as_of HAVING count(*) > 1) d;
-- Sampling keeps every win, is the same each time, keeps the validation rows and weighs what it keeps.
CREATE TABLE sampled AS SELECT * FROM xsell.training_set('cross_sell', horizon => '120 days', max_rows => 20000);
SELECT (SELECT count(*) FROM sampled) < (SELECT count(*) FROM row_of) AS fewer,
       (SELECT sum(y) FROM sampled) = (SELECT sum(y) FROM row_of) AS every_win,
       (SELECT count(*) FROM sampled WHERE slice = 'validate' AND weight <> 1) AS validation_rows_weighed,
       (SELECT count(*) FROM sampled WHERE slice = 'validate') = (SELECT count(*) FROM row_of WHERE slice = 'validate') AS validation_whole,
       (SELECT abs(sum(weight) / (SELECT count(*) FROM row_of WHERE slice = 'train') - 1) < 0.03 FROM sampled WHERE slice = 'train') AS mass_kept;
SELECT count(*) AS differ FROM (SELECT * FROM sampled EXCEPT SELECT * FROM xsell.training_set('cross_sell', horizon => '120 days', max_rows => 20000)) d;
SELECT max(snapshots) AS snapshots FROM (SELECT count(DISTINCT as_of) AS snapshots FROM xsell.training_set('cross_sell', horizon => '120 days', snapshots => 2, with_validation => false)) n;
SELECT min(as_of) >= '2023-03-01 00:00+00' AS no_snapshot_before FROM xsell.training_set('cross_sell', '2023-03-01 00:00+00', '120 days', with_validation => false);

-- Training.
CALL xsell.train('cross_sell', version => NULL, horizon => '120 days');
SELECT model, version, status, deployed_as, algorithm, features > 20 AS features, horizon, rows > 10000 AS rows, positives > 100 AS positives, seed,
       parameters ->> 'max_depth' AS depth, library_version ~ '^XGBoost \d+\.\d+\.\d+$' AS library FROM xsell.model_version;
SELECT state, phase, round > 0 AS rounds, version, error, pid = pg_backend_pid() AS here FROM xsell.training_run;
SELECT b.kind, encode(sha256(b.data), 'hex') = v.blob_sha256 AS hash_of_flat, length(b.data) > 1000 AS filled
FROM xsell_internal.model_blob b JOIN xsell_internal.model_version v USING (model, version) ORDER BY b.kind;
SELECT cardinality(snapshots) AS snapshots, snapshots[cardinality(snapshots)] + interval '5760 hours' = (SELECT max(won_at) FROM xsell_internal.purchase) AS latest
FROM xsell_internal.model_version;
SELECT count(*) > 50 AS metrics, count(*) FILTER (WHERE value IS NULL) AS missing FROM xsell.model_metric WHERE version = 1;
SELECT count(*) AS bins, sum(rows) = (SELECT count(*) FROM row_of WHERE slice = 'validate') AS whole FROM xsell.calibration_bin;
SELECT count(*) AS deployed FROM xsell.deployment;

-- The same seed gives the same bytes, another one others.
CALL xsell.train('cross_sell', NULL, '120 days', seed => 42);
CALL xsell.train('cross_sell', NULL, '120 days', seed => 43);
SELECT count(DISTINCT data) FILTER (WHERE version < 3) AS same_seed, count(DISTINCT data) AS other_seed, kind FROM xsell_internal.model_blob GROUP BY kind ORDER BY kind;
-- Parameters and sampling reach the model.
CALL xsell.train('cross_sell', NULL, '120 days', '{"rounds": 3, "max_depth": 2, "max_rows": 20000, "snapshots": 2}');
SELECT r.round, r.rounds, v.parameters ->> 'max_depth' AS depth, v.rows < 30000 AS sampled FROM xsell.model_version v JOIN xsell.training_run r USING (run_id) WHERE v.version = 4;
SELECT cardinality(snapshots) FROM xsell_internal.model_version WHERE version = 4;

-- What cannot be trained says why.
CALL xsell.train('nonsense');
CALL xsell.train(NULL);
CALL xsell.train('cross_sell', parameters => '{"depth": 3}');
CALL xsell.train('cross_sell', parameters => '{"max_depth": 7}');
CALL xsell.train('cross_sell', horizon => '-1 day');
\set VERBOSITY default
CALL xsell.train('cross_sell', horizon => '400 days');
\set VERBOSITY terse
BEGIN;
CALL xsell.train('cross_sell');
ROLLBACK;
SET xsell.max_training_memory = '16MB';
CALL xsell.train('cross_sell', horizon => '120 days');
RESET xsell.max_training_memory;
SELECT phase, version, sqlstate, error FROM xsell.training_run WHERE state = 'failed' ORDER BY run_id;

-- Feature sets that give nothing to learn from, or too much.
CREATE FUNCTION as_features(x text, filter text DEFAULT 'true') RETURNS text LANGUAGE sql AS $$
    SELECT format('SELECT e.entity_id, p.product_id, $1, ARRAY[%s]::real[] FROM xsell_internal.entity e, xsell_internal.canonical_product p WHERE %s', x, filter) $$;
INSERT INTO xsell_internal.feature_set (name, version, feature, definition, sha256)
SELECT v.name, 1, v.feature, as_features(v.x, v.filter), '' FROM (VALUES
    ('leaky', ARRAY['noise', 'tomorrow'], 'e.entity_id % 7, (SELECT count(*) FROM xsell_internal.purchase w WHERE w.entity_id = e.entity_id AND w.product_id = p.product_id AND w.won_at > $1 AND w.won_at <= $1 + interval ''2880 hours'')', 'true'),
    ('infinite', ARRAY['noise', 'ratio'], 'e.entity_id % 7, CASE WHEN e.entity_id = 5 THEN ''infinity''::real ELSE 1 END', 'true'),
    ('constant', ARRAY['one', 'nothing'], '1, NULL', 'true'),
    ('nobody', ARRAY['noise'], 'e.entity_id % 7', 'false'),
    ('losers', ARRAY['noise'], 'e.entity_id % 7', 'NOT EXISTS (SELECT FROM xsell_internal.purchase w WHERE w.entity_id = e.entity_id AND w.product_id = p.product_id)'),
    ('narrow', ARRAY['noise', 'missing'], 'e.entity_id % 7', 'true'),
    ('partly', ARRAY['popularity_all', 'nothing', 'one'], 'p.product_id * 7 % 11, NULL, 1', 'true')) AS v(name, feature, x, filter);
INSERT INTO xsell_internal.model (model, feature_set, horizon) SELECT name, name, '120 days' FROM xsell_internal.feature_set WHERE name <> 'cross_sell';
CALL xsell.train('leaky', NULL, parameters => '{"rounds": 2}');
CALL xsell.train('infinite', NULL);
CALL xsell.train('constant', NULL);
CALL xsell.train('nobody', NULL);
CALL xsell.train('losers', NULL);
CALL xsell.train('narrow', NULL);
-- A constant or an empty column beside a good one does no harm.
CALL xsell.train('partly', NULL, parameters => '{"rounds": 2}');
SELECT DISTINCT ranker FROM xsell.model_metric WHERE model = 'partly' ORDER BY ranker;

-- A cancel ends it within a round, the run says so, and the session goes on.
SET statement_timeout = '1s';
CALL xsell.train('cross_sell', NULL, '120 days', '{"rounds": 5000, "early_stopping": 5000, "eta": 0.001}');
RESET statement_timeout;
SELECT state, version, sqlstate, error FROM xsell.training_run ORDER BY run_id DESC LIMIT 1;
SELECT count(*) AS locks_held FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();
-- A run whose session is gone is lost.
INSERT INTO xsell_internal.training_run (model, state, phase) VALUES ('cross_sell', 'running', 'boosting');
SELECT state FROM xsell.training_run ORDER BY run_id DESC LIMIT 1;

-- From a block of its own it may be called, under an exception handler it cannot commit.
DO $$ DECLARE v integer; BEGIN CALL xsell.train('partly', v, parameters => '{"rounds": 1}'); END $$;
DO $$ DECLARE v integer; BEGIN CALL xsell.train('partly', v); EXCEPTION WHEN no_data_found THEN NULL; END $$;

-- Asked for from inside a transaction: xselld finds it, and the next training of the model answers it.
BEGIN;
SELECT xsell.request_training('cross_sell') = xsell.request_training('cross_sell') AS waits_once;
COMMIT;
SELECT xsell.request_training('nonsense');
SELECT model FROM xsell_internal.next_requested_training();
CALL xsell.train('cross_sell', NULL, '120 days', '{"rounds": 1}');
SELECT count(*) AS waiting FROM xsell_internal.next_requested_training();
SELECT state, version FROM xsell.training_run ORDER BY run_id DESC LIMIT 1;

-- A trainer may, a reader may not.
SET ROLE xsell_trainer;
CALL xsell.train('cross_sell', NULL, '120 days', '{"rounds": 1}');
SET ROLE xsell_reader;
CALL xsell.train('cross_sell', NULL, '120 days', '{"rounds": 1}');
SELECT xsell.request_training('cross_sell');
RESET ROLE;
SELECT version, trained_by = 'xsell_trainer' AS by_trainer FROM xsell.model_version WHERE model = 'cross_sell' ORDER BY version DESC LIMIT 1;

-- No history at all.
DELETE FROM xsell_internal.purchase;
\set VERBOSITY default
CALL xsell.train('cross_sell');
\c :home
DROP DATABASE xsell_training;
