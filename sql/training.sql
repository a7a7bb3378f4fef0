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
       parameters #>> '{xgboost,max_depth}' AS depth, library_version ~ '^XGBoost \d+\.\d+\.\d+, glibc \d+\.\d+, (no )?FMA$' AS library FROM xsell.model_version;
SELECT member <@ '{xgboost,random_forest,gradient_boosting,neural_network}' AND cardinality(member) > 1 AS members, cardinality(member) = cardinality(member_weight) AS weighed,
       (SELECT bool_and(w > 0) FROM unnest(member_weight) w) AS weights, blend, calibration, data_sha256 ~ '^[0-9a-f]{64}$' AS data, feature_set_sha256 = s.sha256 AS features,
       data_from = snapshots[1] AS data_from, data_until = snapshots[cardinality(snapshots)] AS data_until, training_query ~ '^SELECT \* FROM xsell_internal.training_rows' AS query
FROM xsell_internal.model_version v JOIN xsell_internal.feature_set s ON s.name = v.feature_set AND s.version = v.feature_set_version;
-- The stored query gives the rows that were trained on.
SELECT training_query AS query FROM xsell_internal.model_version \gset
SELECT count(*) = (SELECT rows FROM xsell_internal.model_version) AS same_rows, sum(y) = (SELECT positives FROM xsell_internal.model_version) AS same_wins FROM (:query) r;
SELECT state, phase, round > 0 AS rounds, version, error, pid = pg_backend_pid() AS here FROM xsell.training_run;
SELECT b.kind = 'flat' AS flat, bool_and(encode(sha256(b.data), 'hex') = v.blob_sha256) AS hash_of_flat, bool_and(length(b.data) > 1000) AS filled,
       bool_and(b.kind = 'flat' OR b.kind = ANY (v.member)) AS of_members, count(*) = CASE WHEN b.kind = 'flat' THEN 1 ELSE min(cardinality(v.member)) END AS complete
FROM xsell_internal.model_blob b JOIN xsell_internal.model_version v USING (model, version) GROUP BY 1 ORDER BY 1;
-- The blend beside its members: out of fold for all that were tried, on later data for those that it is made of.
SELECT metric, count(*) AS rankers, min(value) FILTER (WHERE ranker = 'blend') <= min(value) + 1e-9 AS blend_is_least FROM xsell.model_metric
WHERE slice = 'out_of_fold' AND metric = 'log_loss' GROUP BY metric;
SELECT v.member <@ array_agg(m.ranker) AS members_measured FROM xsell.model_metric m JOIN xsell_internal.model_version v USING (model, version)
WHERE slice = 'validate' AND metric IN ('auc', 'log_loss', 'ece') GROUP BY v.member;
SELECT cardinality(snapshots) AS snapshots, snapshots[cardinality(snapshots)] + interval '5760 hours' = (SELECT max(won_at) FROM xsell_internal.purchase) AS latest
FROM xsell_internal.model_version;
SELECT count(*) > 50 AS metrics, count(*) FILTER (WHERE value IS NULL) AS missing FROM xsell.model_metric WHERE version = 1;
SELECT count(*) AS bins, sum(rows) = (SELECT count(*) FROM row_of WHERE slice = 'validate') AS whole FROM xsell.calibration_bin;
SELECT count(*) AS deployed FROM xsell.deployment;

-- The same seed gives the same bytes, another one others.
\set small '{"rounds": 20, "members": ["xgboost", "random_forest"], "weights": {"xgboost": 0.6, "random_forest": 0.4}, "random_forest": {"trees": 20}, "folds": 2}'
CALL xsell.train('cross_sell', NULL, '120 days', :'small', seed => 42);
CALL xsell.train('cross_sell', NULL, '120 days', :'small', seed => 42);
CALL xsell.train('cross_sell', NULL, '120 days', :'small', seed => 43);
SELECT count(DISTINCT data) FILTER (WHERE version < 4) AS same_seed, count(DISTINCT data) AS other_seed, kind FROM xsell_internal.model_blob WHERE version > 1 GROUP BY kind ORDER BY kind;
SELECT member, member_weight FROM xsell_internal.model_version WHERE version = 2;
-- Parameters and sampling reach the model.
CALL xsell.train('cross_sell', NULL, '120 days', '{"rounds": 3, "max_depth": 2, "max_rows": 20000, "snapshots": 2, "members": ["xgboost"]}');
SELECT v.algorithm, r.round BETWEEN 1 AND 3 AS round, v.parameters #>> '{xgboost,max_depth}' AS depth, v.rows < 30000 AS sampled FROM xsell.model_version v JOIN xsell.training_run r USING (run_id) WHERE v.version = 5;
SELECT cardinality(snapshots) FROM xsell_internal.model_version WHERE version = 5;
-- The older platform's hyper-parameters, fewer of each.
CALL xsell.train('cross_sell', NULL, '120 days', '{"max_rows": 5000, "xgboost": {"rounds": 3}, "random_forest": {"trees": 3}, "gradient_boosting": {"rounds": 3}, "neural_network": {"epochs": 2}}', preset => 'classic');
SELECT member, member_weight, blend, parameters #>> '{xgboost,max_depth}' AS depth, parameters #>> '{random_forest,max_depth}' AS forest_depth FROM xsell_internal.model_version WHERE version = 6;

-- Trained again, a version has the same bytes, although later data have come.
INSERT INTO xsell_internal.purchase SELECT (jsonb_populate_record(p, jsonb_build_object('record_id', 'later' || p.record_id, 'won_at', '2023-12-31 23:00+00'))).* FROM xsell_internal.purchase p WHERE p.won_at < '2022-02-01';
SELECT what, same FROM xsell.reproduce('cross_sell', 1) WHERE what IN ('feature set', 'training rows', 'library', 'flat');
SET xsell.candidates = 10;
SELECT what, same FROM xsell.reproduce('cross_sell', 2);
RESET xsell.candidates;
DELETE FROM xsell_internal.purchase WHERE record_id LIKE 'later%';
-- Where the rows are others it says so and trains nothing.
BEGIN;
DELETE FROM xsell_internal.purchase WHERE entity_id % 50 = 0;
SELECT what, same, detail ~ 'rows then, \d+ now: the tables do not hold the same data' AS why FROM xsell.reproduce('cross_sell', 2) WHERE what = 'training rows';
SELECT count(*) FROM xsell.reproduce('cross_sell', 2);
ROLLBACK;
SELECT * FROM xsell.reproduce('cross_sell', 99);
SELECT * FROM xsell.reproduce('nonsense', 1);
SELECT * FROM xsell.reproduce(NULL, 1);
SELECT count(*) AS versions FROM xsell.model_version;

-- A search commits every trial, and the next one of its kind goes on.
CALL xsell.train('cross_sell', NULL, '120 days', '{"rounds": 10, "members": ["xgboost"], "max_rows": 5000, "folds": 2}', search => '{"trials": 2}');
CALL xsell.train('cross_sell', NULL, '120 days', '{"rounds": 10, "members": ["xgboost"], "max_rows": 5000, "folds": 2}', search => '{"trials": 3}');
SELECT r.run_id - min(r.run_id) OVER () AS run, count(t.number) AS trials_made, r.trial, r.trials FROM xsell_internal.training_run r LEFT JOIN xsell.trial t USING (run_id)
WHERE r.search IS NOT NULL GROUP BY r.run_id ORDER BY 1;
SELECT (v.parameters -> 'xgboost') @> t.parameters AS trained_with_the_best FROM xsell.trial t, xsell.model_version v WHERE t.best AND v.version = 8;

-- What cannot be trained says why.
CALL xsell.train('nonsense');
CALL xsell.train(NULL);
CALL xsell.train('cross_sell', parameters => '{"depth": 3}');
CALL xsell.train('cross_sell', parameters => '{"max_depth": 7}');
CALL xsell.train('cross_sell', preset => 'clasic');
CALL xsell.train('cross_sell', search => '{"trial": 3}');
CALL xsell.train('cross_sell', horizon => '-1 day');
CALL xsell.train('cross_sell', horizon => '100000 years');
\set VERBOSITY default
CALL xsell.train('cross_sell', horizon => '400 days');
\set VERBOSITY terse
BEGIN;
CALL xsell.train('cross_sell');
ROLLBACK;
\set VERBOSITY sqlstate
SET xsell.max_training_memory = '16MB';
CALL xsell.train('cross_sell', horizon => '120 days');
RESET xsell.max_training_memory;
\set VERBOSITY terse
SELECT phase, version, sqlstate, regexp_replace(error, 'about \d+ MB', 'about ... MB') AS error FROM xsell.training_run WHERE state = 'failed' ORDER BY run_id;

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
CALL xsell.train('leaky', NULL, parameters => '{"rounds": 2, "members": ["xgboost"], "folds": 2}');
SELECT slice, metric, ranker, value > 0.99 AS area FROM xsell.model_metric WHERE model = 'leaky' AND metric = 'single_feature_auc';
CALL xsell.train('infinite', NULL);
CALL xsell.train('constant', NULL);
CALL xsell.train('nobody', NULL);
CALL xsell.train('losers', NULL);
CALL xsell.train('narrow', NULL);
-- A constant or an empty column beside a good one does no harm.
CALL xsell.train('partly', NULL, parameters => '{"rounds": 2, "members": ["xgboost"], "folds": 2}');
SELECT DISTINCT slice, ranker FROM xsell.model_metric WHERE model = 'partly' ORDER BY slice, ranker;

-- A feature set that gives far more rows than was planned for is stopped while it is read.
INSERT INTO xsell_internal.feature_set (name, version, feature, definition, sha256)
VALUES ('flood', 1, ARRAY['noise'], 'SELECT e.entity_id, p.product_id, $1, ARRAY[n]::real[] FROM xsell_internal.entity e, xsell_internal.canonical_product p, generate_series(1, 30) n', ''),
       ('sleepy', 1, ARRAY['noise'], 'SELECT e.entity_id, p.product_id, $1, ARRAY[e.entity_id % 7]::real[] FROM xsell_internal.entity e, xsell_internal.canonical_product p, (SELECT pg_sleep(20)) s', ''),
       ('late', 1, ARRAY['noise'], 'SELECT e.entity_id, p.product_id, $1, ARRAY[e.entity_id % 7]::real[] FROM xsell_internal.entity e, xsell_internal.canonical_product p, (SELECT pg_sleep(CASE WHEN $1 > ''2023-08-01'' THEN 20 ELSE 0 END)) s', '');
INSERT INTO xsell_internal.model (model, feature_set, horizon) VALUES ('flood', 'flood', '120 days'), ('sleepy', 'sleepy', '120 days'), ('late', 'late', '120 days');
\set VERBOSITY sqlstate
SET xsell.max_training_memory = '120MB';
CALL xsell.train('flood', NULL);
RESET xsell.max_training_memory;
\set VERBOSITY terse
SELECT phase, sqlstate, error ~ '^the training would take about 1\d\d MB, xsell.max_training_memory allows 120 MB$' AS error FROM xsell.training_run ORDER BY run_id DESC LIMIT 1;

-- A cancel ends it within a round in every phase, the run says so, and the session goes on.
SET statement_timeout = '3s';
CALL xsell.train('sleepy', NULL);
CALL xsell.train('partly', NULL, '120 days', '{"rounds": 5000, "early_stopping": 5000, "eta": 0.001, "members": ["xgboost"], "folds": 2}');
CALL xsell.train('partly', NULL, '120 days', '{"rounds": 5000, "early_stopping": 5000, "eta": 0.001, "members": ["xgboost"], "folds": 0, "weights": {"xgboost": 1}}');
CALL xsell.train('partly', NULL, '120 days', '{"members": ["neural_network"], "folds": 0, "weights": {"neural_network": 1}, "neural_network": {"epochs": 1000, "early_stopping": 1000}}');
CALL xsell.train('partly', NULL, '120 days', '{"members": ["xgboost"]}', search => '{"trials": 1000}');
CALL xsell.train('late', NULL, parameters => '{"rounds": 1, "members": ["xgboost"], "folds": 0, "weights": {"xgboost": 1}}');
RESET statement_timeout;
SELECT state, phase, member, version, sqlstate, error FROM (SELECT run_id, r.member FROM xsell_internal.training_run r ORDER BY run_id DESC LIMIT 6) m
JOIN xsell.training_run USING (run_id) ORDER BY run_id;
SELECT count(*) AS locks_held FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();
SELECT count(*) AS running FROM xsell.train_progress;
-- What others see of a run while its session lives.
INSERT INTO xsell_internal.training_run (model, state, phase, member, round, rounds, percent, started_at, updated_at)
VALUES ('cross_sell', 'running', 'boosting', 'xgboost', 5, 10, 25, clock_timestamp() - interval '10 minutes', clock_timestamp()) RETURNING run_id AS seen \gset
SELECT pg_advisory_lock(2020828524, :seen);
SELECT phase, member, round, rounds, percent, elapsed BETWEEN '10 min' AND '11 min' AS elapsed, remaining BETWEEN '28 min' AND '30 min' AS remaining FROM xsell.train_progress;
SELECT pg_advisory_unlock(2020828524, :seen);
SELECT count(*) AS running FROM xsell.train_progress;
-- A run whose session is gone is lost.
INSERT INTO xsell_internal.training_run (model, state, phase) VALUES ('cross_sell', 'running', 'boosting');
SELECT state FROM xsell.training_run ORDER BY run_id DESC LIMIT 1;

-- From a block of its own it may be called, under an exception handler it cannot commit.
DO $$ DECLARE v integer; BEGIN CALL xsell.train('partly', v, parameters => '{"rounds": 1, "members": ["xgboost"], "folds": 2}'); END $$;
DO $$ DECLARE v integer; BEGIN CALL xsell.train('partly', v); EXCEPTION WHEN no_data_found THEN NULL; END $$;

-- Asked for from inside a transaction: xselld finds it, and the next training of the model answers it.
BEGIN;
SELECT xsell.request_training('cross_sell') = xsell.request_training('cross_sell') AS waits_once;
COMMIT;
SELECT xsell.request_training('nonsense');
SELECT xsell.request_training('cross_sell', '[]');
SELECT xsell.request_training('cross_sell', search => '30');
SELECT xsell.request_training('cross_sell', preset => 'nonsense');
SELECT xsell.request_training('cross_sell', horizon => '-1 day');
SELECT model FROM xsell_internal.next_requested_training();
SELECT xsell.cancel_training(run_id) AS taken_back, xsell.cancel_training(run_id) AS again FROM xsell_internal.next_requested_training();
SELECT count(*) AS waiting FROM xsell_internal.next_requested_training();
SELECT xsell.request_training('cross_sell') > 0 AS asked_again;
\set quick '{"rounds": 1, "members": ["xgboost"], "folds": 0, "weights": {"xgboost": 1}}'
CALL xsell.train('cross_sell', NULL, '120 days', :'quick');
SELECT count(*) AS waiting FROM xsell_internal.next_requested_training();
SELECT state, version IS NOT NULL AS version FROM xsell.training_run ORDER BY run_id DESC LIMIT 1;
-- Asked for with parameters of its own: whoever wants others leaves it, whoever wants nothing in particular takes it over.
SELECT xsell.request_training('cross_sell', '{"rounds": 2, "members": ["xgboost"], "folds": 0, "weights": {"xgboost": 1}}', horizon => '120 days') AS first \gset
SELECT xsell.request_training('cross_sell', '{"wrong": 1}') > :first AS another;
CALL xsell.train('cross_sell', NULL, '120 days', :'quick');
SELECT run_id = :first AS still_waiting FROM xsell_internal.next_requested_training();
CALL xsell.train('cross_sell');
SELECT r.state, v.parameters #>> '{xgboost,rounds}' AS rounds, v.horizon FROM xsell.training_run r JOIN xsell.model_version v USING (run_id) WHERE run_id = :first;
CALL xsell.train('cross_sell');
SELECT state, error FROM xsell.training_run WHERE run_id > :first ORDER BY run_id LIMIT 1;

-- A trainer may, a reader may not.
SET ROLE xsell_trainer;
CALL xsell.train('cross_sell', NULL, '120 days', :'quick');
SET ROLE xsell_reader;
CALL xsell.train('cross_sell', NULL, '120 days', :'quick');
SELECT xsell.request_training('cross_sell');
RESET ROLE;
SELECT version, trained_by = 'xsell_trainer' AS by_trainer FROM xsell.model_version WHERE model = 'cross_sell' ORDER BY version DESC LIMIT 1;

-- A version is measured beside the champion on its own rows, and refused for what these say: what the champion was measured on is
-- of another time.
SELECT version FROM xsell.deploy('cross_sell', 1);
SET xsell.now = '2023-12-01 00:00+00';
CALL xsell.train('cross_sell', NULL, '120 days', '{"rounds": 1, "max_depth": 1, "members": ["xgboost"], "folds": 0, "weights": {"xgboost": 1}}') \gset
RESET xsell.now;
SELECT n.ranker, n.metric, n.value <> o.value AS on_other_rows, n.low < n.value AND n.value < n.high AS interval
FROM xsell.model_metric n JOIN xsell.model_metric o ON (o.model, o.version, o.ranker, o.slice, o.metric) = (n.model, 1, 'model', n.slice, n.metric)
WHERE n.model = 'cross_sell' AND n.version = :version AND n.ranker = 'champion' AND n.metric IN ('auc', 'log_loss', 'ndcg@10') ORDER BY metric;
SELECT count(*) = 1 AS refused, bool_and(d LIKE '%than the ' || (
    SELECT round(m.value::numeric, 4) FROM xsell.model_metric m WHERE m.model = 'cross_sell' AND m.version = :version AND m.ranker = 'champion' AND m.metric = 'auc') || ' (%') AS by_it
FROM xsell_internal.promotion_doubts('cross_sell', :version) d WHERE d LIKE 'its auc%';
-- What was dropped cannot be measured, nor made again.
SELECT xsell.drop_version('cross_sell', 5) > 0 AS dropped;
SELECT * FROM xsell.evaluate('cross_sell', 5);
SELECT * FROM xsell.importance('cross_sell', 5);
SELECT * FROM xsell.drift('cross_sell', 5);
SELECT * FROM xsell.reproduce('cross_sell', 5);

-- No history at all.
DELETE FROM xsell_internal.purchase;
\set VERBOSITY default
CALL xsell.train('cross_sell');
\c :home
DROP DATABASE xsell_training;
