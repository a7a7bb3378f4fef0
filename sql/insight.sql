-- Insight: importance, what if, and views that show features and scores by name, for a model of one's own whose names are awkward.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
\set home :DBNAME
DROP DATABASE IF EXISTS xsell_insight;
CREATE DATABASE xsell_insight;
\c xsell_insight
SET client_min_messages = warning;
CREATE EXTENSION xsell;
\set VERBOSITY terse

SELECT xsell_internal.edit_distance(a, b) FROM (VALUES ('', ''), ('abc', 'abc'), ('kitten', 'sitting'), ('été', 'ete'), (repeat('a', 300), repeat('b', 300)), (repeat('é', 200), 'é')) AS v(a, b);

-- A subscriber leaves when a is high; b matters less, c and the rest not at all. 85 features.
CREATE TABLE subscriber (id bigint PRIMARY KEY, a real, b real, c real, plan text, gone boolean);
INSERT INTO subscriber
SELECT i, u[1], u[2], u[3], (ARRAY['gold', 'silver', 'tin'])[1 + i % 3], u[4] < 1 / (1 + exp(-(4 * u[1] + 1.5 * u[2] - 3)))
FROM generate_series(1, 4000) i, LATERAL (SELECT array_agg((hashint8extended(i, j) & 1048575) / 1048576.0 ORDER BY j) AS u FROM generate_series(1, 4) j) r;
SELECT xsell.create_feature_set('subscriber', 'SELECT id AS entity_id, a AS "Größe ""a""", b AS "select", c AS "probability", plan, '
    || (SELECT string_agg(format('c * %s AS f%s', i, i), ', ' ORDER BY i) FROM generate_series(5, 85) i) || ' FROM public.subscriber') AS version;
SELECT xsell.create_model('churn', 'subscriber', 'SELECT id AS entity_id, gone AS y FROM public.subscriber');
CALL xsell.train('churn', parameters => '{"members": ["xgboost"], "rounds": 30, "max_depth": 3}');

-- Importance: the features that matter, each by its own measure; the same every time.
CREATE TABLE imp AS SELECT * FROM xsell.importance('churn', 1);
SELECT rank, feature, mean_abs_shap > 0.1 AS shap, permutation > 0.001 AS permutation FROM imp WHERE rank <= 2 ORDER BY rank;
SELECT count(*) AS features, max(permutation) FILTER (WHERE rank > 2) < 0.01 AS others, (SELECT feature FROM imp ORDER BY permutation DESC LIMIT 1) AS by_permutation,
       (SELECT feature FROM imp ORDER BY gain DESC NULLS LAST LIMIT 1) AS by_gain, abs(sum(gain) - 1) < 1e-6 AS gains_add_up FROM imp;
SELECT count(*) AS differ FROM (SELECT * FROM imp EXCEPT SELECT * FROM xsell.importance('churn')) d;
-- The same mean in SQL, over all validation rows.
SELECT count(*) AS differ
FROM xsell.importance('churn', 1, NULL) i
LEFT JOIN (SELECT e.feature, avg(abs(e.contribution)) AS mean
           FROM xsell.training_set('churn') t, xsell_internal.explain_values('churn', 1, t.x, NULL) e WHERE t.slice = 'validate' GROUP BY e.feature) s USING (feature)
WHERE abs(i.mean_abs_shap - s.mean) > 1e-9 OR s.mean IS NULL;
SELECT count(*), count(mean_abs_shap), count(permutation) FROM xsell.importance('churn', rows => 0);
-- Gains count by the weights of the members; what has no split has none.
BEGIN;
DELETE FROM xsell_internal.model_importance;
INSERT INTO xsell_internal.model_importance VALUES ('churn', 1, 'xgboost', 'select', 30), ('churn', 1, 'xgboost', 'plan', 90);
SELECT feature, gain FROM xsell.importance('churn', rows => 0) WHERE gain IS NOT NULL;
ROLLBACK;
SELECT count(*) FROM xsell.importance('churn', rows => -1);
SELECT * FROM xsell.importance('churn', 2);
SELECT * FROM xsell.importance('nonsense');
-- The shuffles: a feature that the model does not use changes nothing, one that is constant neither.
SELECT p.position, p.increase = 0 AS nothing
FROM (SELECT array_agg(CASE WHEN x[1] > 0 THEN ARRAY[x[1], 0.5] || x[3:] END) AS x, array_agg(y = 1) AS label FROM xsell.training_set('churn') WHERE slice = 'validate') a,
     xsell_internal.permutation_increase('churn', 1, a.x, a.label, 7) p WHERE p.position <= 2;
SELECT count(*) FROM xsell_internal.permutation_increase('churn', 1, '{}', '{}', 7);
SELECT * FROM xsell_internal.permutation_increase('churn', 1, '{{1,2}}', '{t}', 7);
SELECT * FROM xsell_internal.permutation_increase('churn', 1, '{1,2}', '{t}', 7);
SELECT * FROM xsell_internal.permutation_increase('churn', 1, (SELECT array_agg(x) FROM xsell.features('churn') WHERE entity_id < 3), '{t}', 7);

-- What if.
SELECT * FROM xsell.what_if('churn', '{1}', '{}');
CREATE TABLE one AS SELECT x FROM xsell.features('churn') WHERE entity_id = 42;
SELECT w.probability_before = xsell_internal.predict_version('churn', 1, x) AS before,
       w.probability_after = xsell_internal.predict_version('churn', 1, ARRAY[0.99, NULL]::real[] || x[3:]) AS after,
       w.change = w.probability_after - w.probability_before AS change, w.version_used
FROM one, xsell.what_if('churn', x, '{"Größe \"a\"": 0.99, "select": null}') w;
SELECT w.change FROM one, xsell.what_if('churn', x, '{}') w;
SELECT xsell_internal.overridden('churn', 1, x, '{"plan": "gold", "select": true, "probability": 1e-3}') = x[1:1] || 1::real || 0.001::real || g.code::real || x[5:] AS category_by_text,
       (xsell_internal.overridden('churn', 1, x, '{"plan": "platinum"}'))[4] AS unseen
FROM one, xsell.feature_category g WHERE g.feature_set = 'subscriber' AND g.feature = 'plan' AND g.value = 'gold';
SELECT w.position, w.feature, w.value_after, abs(w.change - (w.contribution_after - w.contribution_before)) < 1e-12 AS change
FROM one, xsell.what_if_reasons('churn', x, '{"Größe \"a\"": 0.25}', top_k => 1) w;
SELECT abs(sum(w.contribution_after - w.contribution_before) - max(s.after - s.before)) < 1e-4 AS adds_up, count(*)
FROM one, xsell.what_if_reasons('churn', x, '{"Größe \"a\"": 0.25, "select": null}', top_k => NULL) w,
     LATERAL (SELECT ln(b.raw / (1 - b.raw)) AS before, ln(a.raw / (1 - a.raw)) AS after
              FROM xsell_internal.score_version('churn', 1, x) b, xsell_internal.score_version('churn', 1, ARRAY[0.25, NULL]::real[] || x[3:]) a) s;
SELECT count(*) FROM one, xsell.what_if('churn', NULL, '{"select": 1}');
SELECT count(*) FROM one, xsell.what_if('churn', x, NULL);
\set VERBOSITY default
SELECT * FROM one, xsell.what_if('churn', x, '{"selct": 1}') w;
\set VERBOSITY terse
SELECT * FROM one, xsell.what_if('churn', x, '{"select": "much"}') w;
SELECT * FROM one, xsell.what_if('churn', x, '{"select": [1]}') w;
SELECT * FROM one, xsell.what_if('churn', x, '{"select": 1e39}') w;
SELECT * FROM one, xsell.what_if('churn', x, '[1]') w;
SELECT * FROM one, xsell.what_if('churn', x, '{}', 7) w;

-- Scoring views.
SELECT xsell.create_scoring_view('churn');
SELECT * FROM churn_scores LIMIT 1;
SELECT count(*) FROM xsell.deploy('churn', 1);
SELECT count(*), count("Größe ""a""") AS a, count("select") AS b, count(feature_3) AS c, count(plan) AS plan, count(f85) AS last,
       bool_and(probability BETWEEN 0 AND 1) AS probability FROM churn_scores;
SELECT count(*) AS differ FROM churn_scores v JOIN xsell.features('churn') f USING (entity_id)
WHERE v.probability <> xsell.predict('churn', f.x) OR v."select" IS DISTINCT FROM f.x[2] OR v.f85 IS DISTINCT FROM f.x[85];
SELECT count(*) AS columns, count(col_description(attrelid, attnum)) AS commented, obj_description(attrelid) AS comment, (SELECT reloptions FROM pg_class WHERE oid = attrelid) AS options
FROM pg_attribute WHERE attrelid = 'churn_scores'::regclass AND attnum > 0 GROUP BY attrelid;
SELECT attname, col_description(attrelid, attnum) FROM pg_attribute WHERE attrelid = 'churn_scores'::regclass AND attnum BETWEEN 1 AND 7 ORDER BY attnum;
-- Again, elsewhere, over something else, and over a feature set that has changed.
GRANT SELECT ON churn_scores TO xsell_reader;
SELECT xsell.create_scoring_view('churn');
SELECT has_table_privilege('xsell_reader', 'churn_scores', 'SELECT') AS grant_kept;
CREATE SCHEMA "Büro";
SELECT xsell.create_scoring_view('churn', 'Wer geht?', 'Büro');
SELECT count(*) FROM "Büro"."Wer geht?";
CREATE VIEW foreign_view AS SELECT 1 AS a;
SELECT xsell.create_scoring_view('churn', 'foreign_view');
SELECT xsell.create_scoring_view('churn', 'subscriber');
SELECT xsell.create_scoring_view('churn', schema => 'nowhere');
SELECT xsell.create_scoring_view('churn', '');
SELECT xsell.create_scoring_view('nonsense');
SELECT * FROM xsell_internal.scoring_columns(ARRAY['a', 'a', '', 'entity_id', 'feature_7', repeat('ü', 32), 'feature_9', 'x"y', 'feature_9']);
SET search_path = '';
SELECT xsell.create_scoring_view('churn');
RESET search_path;
-- A new version of the features changes nothing while the champion takes the old one. Without it, other features under the old names
-- are an error, not numbers in the wrong column.
BEGIN;
SELECT xsell.create_feature_set('subscriber', 'SELECT id AS entity_id, b AS "select", a FROM public.subscriber') AS version;
SELECT count(*) FROM churn_scores;
DELETE FROM xsell_internal.deployment WHERE model = 'churn';
SAVEPOINT changed;
\set VERBOSITY default
SELECT count(*) FROM churn_scores;
ROLLBACK TO changed;
SELECT xsell.create_scoring_view('churn');
\set VERBOSITY terse
ROLLBACK;
SELECT count(*) FROM churn_scores;
-- Readers make their own where they may, and see what they may see of it.
CREATE ROLE xsell_test_bi;
GRANT xsell_reader TO xsell_test_bi;
SET ROLE xsell_test_bi;
SELECT xsell.create_scoring_view('churn');
RESET ROLE;
CREATE SCHEMA bi AUTHORIZATION xsell_test_bi;
SET ROLE xsell_test_bi;
SELECT xsell.create_scoring_view('cross_sell', schema => 'bi');
SELECT xsell.create_scoring_view('churn', schema => 'bi');
SELECT count(*) FROM bi.churn_scores;
RESET ROLE;
DROP SCHEMA bi CASCADE;
DROP ROLE xsell_test_bi;
\c :home
DROP DATABASE xsell_insight;
