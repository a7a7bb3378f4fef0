\set SHOW_CONTEXT never
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
-- Versions are immutable; deploying is a row; rolling back walks the history and never returns to what was left.
INSERT INTO xsell_internal.model (model, feature_set, horizon, description) VALUES
    ('reg', 'reg_features', '90 days', 'for this test'), ('reg_empty', 'reg_features', '90 days', NULL);
INSERT INTO xsell_internal.model_version (model, version, feature_set, feature_set_version, algorithm, feature, blob_sha256, trained_by)
SELECT 'reg', v, 'reg_features', 1, 'xgboost', '{a,b,c}', repeat('0', 64), 'somebody' FROM generate_series(1, 5) v;
INSERT INTO xsell_internal.model_blob VALUES ('reg', 1, 'flat', '\x00');

-- What the install script put there.
SELECT model, feature_set, horizon FROM xsell_internal.model WHERE model = 'cross_sell';

-- Immutable.
UPDATE xsell_internal.model_version SET seed = 7 WHERE model = 'reg' AND version = 1;
UPDATE xsell_internal.model_version SET status = 'retired', blob_sha256 = 'x' WHERE model = 'reg' AND version = 1;
UPDATE xsell_internal.model_blob SET data = '\x01';
UPDATE xsell_internal.feature_set SET definition = '';
UPDATE xsell_internal.model_version SET status = 'retired' WHERE model = 'reg' AND version = 5;

-- Deploying.
\set VERBOSITY terse
SELECT * FROM xsell.deploy('nope', 1);
\set VERBOSITY default
SELECT * FROM xsell.deploy('reg', 99);
SELECT * FROM xsell.deploy('reg', 5);
SELECT * FROM xsell.deploy('reg', NULL);
SELECT * FROM xsell.deploy('reg_empty', 1);
SELECT * FROM xsell.rollback('reg');
SELECT role, version, share FROM xsell.deploy('reg', 1);
SELECT role, version, share FROM xsell.deploy('reg', 2);
SELECT role, version, share FROM xsell.deploy('reg', 2);
SELECT role, version, share FROM xsell.deploy('reg', 3, 'shadow');
SELECT role, version, share FROM xsell.deploy('reg', 3, 'Not a role');
SELECT version, deployed_as, status FROM xsell.model_version WHERE model = 'reg' ORDER BY version;
UPDATE xsell_internal.model_version SET status = 'retired' WHERE model = 'reg' AND version = 2;

-- Rolling back: distinct deployments, one after the other, and not past the first.
SELECT role, version, share FROM xsell.deploy('reg', 3);
SELECT role, version FROM xsell.rollback('reg') WHERE role = 'champion';
SELECT role, version FROM xsell.rollback('reg') WHERE role = 'champion';
SELECT * FROM xsell.rollback('reg');
SELECT * FROM xsell.rollback('reg', 0);
-- A new deployment follows what is in force, not what was left behind.
SELECT role, version FROM xsell.deploy('reg', 4) WHERE role = 'champion';
SELECT role, version FROM xsell.rollback('reg') WHERE role = 'champion';
SELECT role, version FROM xsell.deploy('reg', 2) WHERE role = 'champion';
SELECT role, version FROM xsell.deploy('reg', 3) WHERE role = 'champion';
SELECT role, version FROM xsell.rollback('reg', 2) WHERE role = 'champion';

-- An aborted deployment leaves nothing.
BEGIN;
SELECT role, version FROM xsell.deploy('reg', 4) WHERE role = 'champion';
ROLLBACK;
SELECT role, version FROM xsell.deployment WHERE model = 'reg' AND role = 'champion';

-- A trainer deploys, a reader does not.
CREATE ROLE regress_trainer;
CREATE ROLE regress_reader;
GRANT xsell_trainer TO regress_trainer;
GRANT xsell_reader TO regress_reader;
SET ROLE regress_trainer;
SELECT role, version, deployed_by FROM xsell.deploy('reg', 1) WHERE role = 'champion';
SET ROLE regress_reader;
SELECT version FROM xsell.deployment WHERE model = 'reg' AND role = 'champion';
SELECT * FROM xsell.deploy('reg', 2);
UPDATE xsell_internal.deployment SET version = 2 WHERE model = 'reg';
RESET ROLE;
DROP ROLE regress_trainer, regress_reader;

-- Splitting traffic.
SELECT role, version, share FROM xsell.split_traffic('reg', '{"2": 0.25, "1": 0.75}');
SELECT role, version, share FROM xsell.deploy('reg', 4, 'challenger');
SELECT * FROM xsell.split_traffic('reg', '{"1": 0.5, "2": 0.4}');
SELECT * FROM xsell.split_traffic('reg', '{"1": "much"}');
SELECT * FROM xsell.split_traffic('reg', '{"one": 1}');
SELECT * FROM xsell.split_traffic('reg', '[1]');
SELECT * FROM xsell.split_traffic('reg', '{"1": 0.5, "99": 0.5}');
SELECT version, round(count(*) / 10000.0, 1) AS share
FROM (SELECT xsell_internal.assigned_version('reg', e) AS version FROM generate_series(1, 10000) e) s GROUP BY version ORDER BY version;
-- An entity stays where it is while a share only grows at the other end.
CREATE TEMPORARY TABLE before AS SELECT e, xsell_internal.assigned_version('reg', e) AS version FROM generate_series(1, 1000) e;
SELECT role, version, share FROM xsell.split_traffic('reg', '{"2": 0.1, "1": 0.9}') WHERE share > 0;
SELECT count(*) AS moved_away_from_the_champion FROM before b WHERE b.version = 1 AND xsell_internal.assigned_version('reg', b.e) <> 1;
SELECT role, version, share FROM xsell.deploy('reg', 4) WHERE share > 0;
SELECT role, version, share FROM xsell.rollback('reg') WHERE share > 0;
SELECT role, version, share FROM xsell.rollback('reg') WHERE share > 0;
SELECT xsell_internal.assigned_version('reg_empty', 1) IS NULL AS nothing_deployed;

-- The history is only added to.
SELECT action, role, versions, shares, restored_id IS NOT NULL AS restored
FROM xsell_internal.deployment_history WHERE model = 'reg' ORDER BY history_id;
UPDATE xsell_internal.deployment_history SET action = 'deploy';
DELETE FROM xsell_internal.deployment_history;

-- What would be worse beyond doubt does not become champion unless forced: disjoint intervals, of the same horizon.
SELECT version FROM xsell.deploy('reg', 1);
INSERT INTO xsell_internal.model_metric (model, version, slice, metric, ranker, value, low, high) VALUES
    ('reg', 1, 'validate', 'ndcg@10', 'model', 0.5, 0.45, 0.55), ('reg', 1, 'validate', 'auc', 'model', 0.8, 0.75, 0.85), ('reg', 1, 'validate', 'log_loss', 'model', 0.3, 0.25, 0.35),
    ('reg', 2, 'validate', 'ndcg@10', 'model', 0.4, 0.35, 0.4499), ('reg', 2, 'validate', 'log_loss', 'model', 0.4, 0.36, 0.45), ('reg', 2, 'validate', 'auc', 'popularity', 0.1, 0.1, 0.1),
    ('reg', 4, 'validate', 'ndcg@10', 'model', 0.4, 0.35, 0.4501), ('reg', 4, 'validate', 'auc', 'model', 0.9, 0.86, 0.95), ('reg', 4, 'validate', 'precision@5', 'model', 0, 0, 0),
    ('reg', 4, 'cross', 'auc', 'model', 0.1, 0.1, 0.1);
INSERT INTO xsell_internal.model_version (model, version, feature_set, feature_set_version, algorithm, feature, blob_sha256, trained_by, horizon)
VALUES ('reg', 6, 'reg_features', 1, 'xgboost', '{a,b,c}', repeat('0', 64), 'somebody', '30 days');
INSERT INTO xsell_internal.model_metric (model, version, slice, metric, ranker, value, low, high) VALUES ('reg', 6, 'validate', 'auc', 'model', 0.1, 0.1, 0.1);
SELECT version FROM xsell.deploy('reg', 2);
SELECT role, version FROM xsell.deploy('reg', 2, 'shadow') WHERE role = 'shadow';
SELECT version FROM xsell.deploy('reg', 2, force => true) WHERE role = 'champion';
SELECT version FROM xsell.rollback('reg') WHERE role = 'champion';
SELECT version FROM xsell.deploy('reg', 1) WHERE role = 'champion';
SELECT version FROM xsell.deploy('reg', 4) WHERE role = 'champion';
SELECT version FROM xsell.deploy('reg', 6) WHERE role = 'champion';
SELECT version FROM xsell.deploy('reg', 5, force => true) WHERE role = 'champion';
-- A role that only watches can be emptied; what scores cannot.
SELECT model, champion, ready_versions, label_query FROM xsell.model WHERE model = 'reg';
SELECT role, version FROM xsell.undeploy('reg', 'shadow') WHERE role = 'shadow';
SELECT xsell.undeploy('reg', 'shadow');
SELECT xsell.undeploy('reg', 'champion');
SELECT action, role, versions FROM xsell_internal.deployment_history WHERE model = 'reg' ORDER BY history_id DESC LIMIT 1;
-- An older version may take older features, but the arms of a split score the same rows.
INSERT INTO xsell_internal.model_version (model, version, feature_set, feature_set_version, algorithm, feature, blob_sha256, trained_by)
VALUES ('reg', 7, 'reg_features', 2, 'xgboost', '{a,b}', repeat('0', 64), 'somebody');
SELECT version FROM xsell.deploy('reg', 7) WHERE role = 'champion';
SELECT version FROM xsell.split_traffic('reg', '{"7": 0.5, "1": 0.5}');
SELECT version FROM xsell.deploy('reg', 1, force => true) WHERE role = 'champion';

-- Retention: what is deployed, and the last three distinct deployments, stay.
INSERT INTO xsell_internal.model (model, feature_set, description) VALUES ('ret', 'ret_features', 'for this test');
INSERT INTO xsell_internal.model_version (model, version, feature_set, feature_set_version, algorithm, feature, blob_sha256, trained_by)
SELECT 'ret', v, 'ret_features', 1, 'xgboost', '{a,b,c}', repeat('0', 64), 'somebody' FROM generate_series(1, 9) v;
INSERT INTO xsell_internal.model_blob SELECT 'ret', v, k, '\x0011' FROM generate_series(1, 9) v, unnest('{flat,xgboost}'::text[]) k;
SELECT count(*) FROM xsell.deploy('ret', 1);
SELECT count(*) FROM xsell.deploy('ret', 2);
SELECT count(*) FROM xsell.deploy('ret', 3);
SELECT count(*) FROM xsell.deploy('ret', 3);
SELECT count(*) FROM xsell.split_traffic('ret', '{"3": 0.5, "4": 0.5}');
SELECT count(*) FROM xsell.deploy('ret', 5, 'shadow');
SELECT k FROM xsell_internal.kept_versions('ret') k ORDER BY k;
SELECT xsell.drop_version('ret', 5);
SELECT xsell.drop_version('ret', 2);
SELECT xsell.drop_version('ret', 99);
SELECT xsell.drop_version('nope', 1);
SELECT xsell.drop_version('ret', 1) AS bytes, xsell.drop_version('ret', 1) AS again;
SELECT xsell.retire_version('ret', 4);
SELECT xsell.retire_version('ret', 6);
SELECT * FROM xsell.deploy('ret', 6);
SELECT * FROM xsell.deploy('ret', 1);
UPDATE xsell_internal.model_version SET status = 'ready' WHERE model = 'ret' AND version = 1;
SELECT * FROM xsell.prune_versions('ret', -1);
SELECT * FROM xsell.prune_versions('ret');
SELECT * FROM xsell.prune_versions('ret', 1) ORDER BY version;
SELECT v.version, v.status, v.deployed_as, (SELECT count(*) FROM xsell_internal.model_blob b WHERE b.model = v.model AND b.version = v.version) AS blobs, v.algorithm, v.member, v.blend
FROM xsell.model_version v WHERE model = 'ret' ORDER BY version;
-- A rollback still finds what it goes back to.
SELECT role, version FROM xsell.rollback('ret', 2) WHERE share > 0;
SELECT k FROM xsell_internal.kept_versions('ret') k ORDER BY k;
DELETE FROM xsell_internal.deployment WHERE model = 'ret';
DELETE FROM xsell_internal.model_version WHERE model = 'ret';
DELETE FROM xsell_internal.model WHERE model = 'ret';

-- A run whose session is gone is lost; one whose session holds its lock is running.
INSERT INTO xsell_internal.training_run (model, state) VALUES ('reg', 'running'), ('reg', 'running'), ('reg', 'queued');
SELECT pg_advisory_lock(2020828524, min(run_id)::integer) IS NOT NULL AS locked FROM xsell_internal.training_run WHERE model = 'reg';
SELECT state FROM xsell.training_run WHERE model = 'reg' ORDER BY run_id;
SELECT pg_advisory_unlock_all() IS NOT NULL AS unlocked;
SELECT state FROM xsell.training_run WHERE model = 'reg' ORDER BY run_id;

-- Versions of a model go with what was measured on them, but not while deployed.
DELETE FROM xsell_internal.model_metric WHERE model = 'reg';
INSERT INTO xsell_internal.model_metric VALUES ('reg', 3, 'validation', 'auc', 'model', 0.75, 0.7, 0.8);
SELECT version, metric, value FROM xsell.model_metric WHERE model = 'reg';
DELETE FROM xsell_internal.model_version WHERE model = 'reg' AND version = 1;
DELETE FROM xsell_internal.deployment WHERE model = 'reg';
DELETE FROM xsell_internal.training_run WHERE model = 'reg';
DELETE FROM xsell_internal.model_version WHERE model = 'reg';
SELECT count(*) FROM xsell.model_metric WHERE model = 'reg';
DELETE FROM xsell_internal.model WHERE model LIKE 'reg%';

-- Settings.
SHOW xsell.candidates;
SET xsell.now = 'half past never';
SET xsell.now = '2024-02-30';
SET xsell.now = 'infinity';
SET xsell.now = '2024-02-29 12:00:00+00';
SELECT xsell.clock() AT TIME ZONE 'UTC' AS clock;
SET xsell.now = '';
SELECT xsell.clock() = now() AS real_time;
SET xsell.candidates = 1;
SET xsell.unheard_of = 1;
