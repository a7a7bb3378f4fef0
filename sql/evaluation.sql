-- Evaluation: metrics against hand values, then every number of xsell.evaluate against the same number in plain SQL.
SET client_min_messages = warning;

-- Entity 1 hits at ranks 1 and 3 of 4, and bought a third product that is no candidate; entity 2 hits at rank 2 by the tie rule;
-- entity 3 bought nothing; entity 4 bought two products and has no candidates.
CREATE TEMPORARY TABLE hand AS
SELECT * FROM xsell_internal.ranking_metrics(
    '{1,1,1,1,2,2,3,3}', '{10,11,12,13,10,11,10,11}', '{t,f,t,f,f,t,f,f}', '{.9,.8,.7,.6,.5,.5,.1,.2}', '{1,2,4}', '{3,1,2}', true);
SELECT h.metric, abs(h.value - w.value) < 1e-12 AS agrees
FROM hand h JOIN (VALUES
    ('precision@5', (2 / 5.0 + 1 / 5.0 + 0) / 3), ('recall@5', (2 / 3.0 + 1 + 0) / 3), ('hit_rate@5', 2 / 3.0),
    ('map@5', ((1 + 2 / 3.0) / 3 + 1 / 2.0 + 0) / 3),
    ('ndcg@5', ((1 + 1 / 2.0) / (1 + ln(2) / ln(3) + 1 / 2.0) + ln(2) / ln(3) + 0) / 3),
    ('coverage@5', 1), ('candidate_recall', (2 / 3.0 + 1 + 0) / 3), ('entities', 3),
    ('auc', 11.5 / 15), ('pr_auc', (1 + 2 / 3.0 + 3 / 6.0) / 3),
    ('brier', (.01 + .64 + .09 + .36 + .25 + .25 + .01 + .04) / 8),
    ('log_loss', -(ln(.9) + ln(.2) + ln(.7) + ln(.4) + ln(.5) + ln(.5) + ln(.9) + ln(.8)) / 8),
    ('ece', (.1 + .8 + .3 + .6 + .5 + .5 + .1 + .2) / 8)) AS w(metric, value) USING (metric) ORDER BY h.metric;
SELECT count(*) AS metrics, count(*) FILTER (WHERE value BETWEEN low AND high) AS inside FROM hand WHERE low IS NOT NULL;
SELECT count(*) AS same_again FROM hand h JOIN xsell_internal.ranking_metrics(
    '{3,3,2,2,1,1,1,1}', '{11,10,11,10,13,12,11,10}', '{f,f,t,f,f,t,f,t}', '{.2,.1,.5,.5,.6,.7,.8,.9}', '{4,2,1}', '{2,1,3}', true) r
    USING (metric) WHERE (h.value, h.low, h.high) IS NOT DISTINCT FROM (r.value, r.low, r.high);
SELECT metric, value FROM xsell_internal.ranking_metrics('{}', '{}', '{}', '{}', '{}', '{}') WHERE metric IN ('auc', 'entities', 'ndcg@10') ORDER BY metric;
SELECT count(*) FROM xsell_internal.ranking_metrics(NULL, NULL, NULL, NULL, NULL, NULL);
SELECT * FROM xsell_internal.calibration_bins('{t,f,t,f}', '{.75,.25,.5,.125}');
\set VERBOSITY terse
SELECT * FROM xsell_internal.ranking_metrics('{1}', '{1,2}', '{t}', '{1}', '{}', '{}');
SELECT * FROM xsell_internal.ranking_metrics('{1,NULL}', '{1,2}', '{t,f}', '{1,1}', '{}', '{}');
SELECT * FROM xsell_internal.ranking_metrics('{1}', '{1}', '{t}', '{NaN}', '{}', '{}');
SELECT * FROM xsell_internal.ranking_metrics('{1}', '{1}', '{t}', '{1}', '{1}', '{}');

\set home :DBNAME
DROP DATABASE IF EXISTS xsell_evaluation;
CREATE DATABASE xsell_evaluation;
\c xsell_evaluation
SET client_min_messages = warning;
CREATE EXTENSION xsell;
\getenv abs_srcdir PG_ABS_SRCDIR
\set world :abs_srcdir '/sql/include/planted_world.sql'
\set ECHO none
\i :world
\set ECHO all
\set VERBOSITY terse
SELECT * FROM xsell.evaluate('nonsense');
SELECT * FROM xsell.evaluate('cross_sell');
CALL xsell.train('cross_sell', NULL, '120 days', '{"rounds": 60, "members": ["xgboost", "random_forest"], "random_forest": {"trees": 30}, "folds": 2}');
SELECT * FROM xsell.evaluate('cross_sell', 99);

-- What training stored is what evaluate measures, to the last bit; the champion is measured when no version is named.
CREATE TABLE measured AS SELECT * FROM xsell.evaluate('cross_sell', 1);
SELECT count(*) > 50 AS stored, count(*) FILTER (WHERE (m.value, m.low, m.high) IS DISTINCT FROM (e.value, e.low, e.high)) AS differ
FROM (SELECT * FROM xsell.model_metric WHERE slice = 'validate') m FULL JOIN measured e USING (slice, metric, ranker);
SELECT slice, metric, ranker FROM xsell.model_metric WHERE slice <> 'validate' ORDER BY 1, 2, 3;
SELECT ranker, count(*) FROM measured GROUP BY ranker ORDER BY ranker;
SELECT metric, count(*) AS rankers FROM measured GROUP BY metric ORDER BY metric;
SELECT count(*) AS differ FROM (SELECT * FROM xsell.evaluate('cross_sell') EXCEPT SELECT * FROM measured) d;

-- The same numbers in SQL. Validation rows by the slice that anybody can read.
CREATE TABLE ranked AS
WITH scored AS (
    SELECT v.entity_id, v.product_id, v.y, r.ranker, CASE WHEN r.ranker = 'model' THEN xsell_internal.predict_version('cross_sell', 1, v.x) WHEN r.member IS NOT NULL THEN (xsell_internal.member_scores('cross_sell', 1, v.x))[r.member]
                ELSE COALESCE(v.x[r.place], '-infinity') END AS score
    FROM xsell.training_set('cross_sell', horizon => '120 days') v,
         (SELECT r.ranker, array_position(m.feature, r.feature) AS place, r.member FROM xsell_internal.model_version m,
          (VALUES ('model', NULL, NULL), ('xgboost', NULL, 2), ('random_forest', NULL, 3), ('association', 'association_score', NULL),
                  ('lookalike', 'lookalike_share', NULL), ('popularity_7', 'popularity_7', NULL), ('popularity_30', 'popularity_30', NULL),
                  ('popularity_60', 'popularity_60', NULL), ('popularity_all', 'popularity_all', NULL)) AS r(ranker, feature, member)) r
    WHERE v.slice = 'validate'
)
SELECT *, row_number() OVER (PARTITION BY ranker, entity_id ORDER BY score DESC, product_id) AS place FROM scored;
CREATE TABLE target AS
SELECT p.entity_id, count(DISTINCT p.product_id) AS n
FROM xsell_internal.purchase p, (SELECT max(won_at) - interval '2880 hours' AS t FROM xsell_internal.purchase) v
WHERE p.won_at > v.t AND xsell_internal.slice_of(p.entity_id) = 'validate'
  AND EXISTS (SELECT FROM xsell_internal.purchase h WHERE h.entity_id = p.entity_id AND h.won_at <= v.t)
  AND NOT EXISTS (SELECT FROM xsell_internal.purchase h WHERE h.entity_id = p.entity_id AND h.product_id = p.product_id AND h.won_at <= v.t)
GROUP BY p.entity_id;
CREATE TABLE by_hand AS
SELECT r.ranker, avg(r.dcg / i.idcg) AS ndcg, avg(r.hits / 10.0) AS precision, avg(r.hits / least(n, 10)) AS recall
FROM (SELECT k.ranker, t.entity_id, t.n, sum(CASE WHEN k.y = 1 AND k.place <= 10 THEN ln(2) / ln(k.place + 1) ELSE 0 END) AS dcg,
             count(*) FILTER (WHERE k.y = 1 AND k.place <= 10) AS hits
      FROM target t JOIN ranked k USING (entity_id) GROUP BY k.ranker, t.entity_id, t.n) r,
     LATERAL (SELECT sum(ln(2) / ln(j + 1)) AS idcg FROM generate_series(1, least(n, 10)) j) i
GROUP BY r.ranker;
SELECT m.ranker, abs(m.value - h.ndcg) < 1e-9 AS ndcg FROM measured m JOIN by_hand h USING (ranker) WHERE m.metric = 'ndcg@10' ORDER BY 1;
SELECT m.ranker, abs(m.value - h.precision) < 1e-9 AS precision FROM measured m JOIN by_hand h USING (ranker) WHERE m.metric = 'precision@10' ORDER BY 1;
SELECT m.value = (SELECT count(*) FROM target) AS entities FROM measured m WHERE m.metric = 'entities' AND m.ranker = 'model';
-- The popularity shown is one of the four windows.
SELECT count(*) AS windows_that_agree FROM by_hand h JOIN measured m ON m.metric = 'ndcg@10' AND m.ranker = 'popularity' AND abs(m.value - h.ndcg) < 1e-9
WHERE h.ranker LIKE 'popularity\_%';
-- AUC as the share of pairs in order, by mean ranks.
SELECT m.ranker, abs(m.value - a.auc) < 1e-9 AS auc
FROM measured m JOIN (
    SELECT ranker, (sum(place) FILTER (WHERE y = 1) - sum(y) * (sum(y) + 1) / 2.0) / (sum(y) * sum(1 - y)) AS auc
    FROM (SELECT ranker, y, rank() OVER w + (count(*) OVER (PARTITION BY ranker, score) - 1) / 2.0 AS place FROM ranked
          WINDOW w AS (PARTITION BY ranker ORDER BY score)) r GROUP BY ranker) a USING (ranker) WHERE m.metric = 'auc' ORDER BY 1;
SELECT abs(m.value - b.brier) < 1e-9 AS brier FROM measured m, (SELECT avg((score - y) ^ 2) AS brier FROM ranked WHERE ranker = 'model') b
WHERE m.metric = 'brier' AND m.ranker = 'model';
SELECT abs(m.value - e.ece) < 1e-9 AS ece
FROM measured m, (SELECT sum(rows * abs(predicted - observed)) / sum(rows) AS ece FROM xsell.calibration_bin) e WHERE m.metric = 'ece' AND m.ranker = 'model';

-- The planted rule is found: wins are told apart better than by any baseline, and probabilities mean what they say.
SELECT b.ranker, b.metric, m.value > b.value AS model_is_better FROM measured b JOIN measured m ON m.ranker = 'model' AND m.metric = b.metric
WHERE b.ranker IN ('association', 'lookalike', 'popularity') AND (b.metric IN ('auc', 'pr_auc') OR b.metric = 'ndcg@10' AND b.ranker <> 'association') ORDER BY 1, 2;
SELECT value < 0.03 AS calibrated FROM measured WHERE metric = 'ece' AND ranker = 'model';

-- Without a version named, the champion is measured, not the newest.
SELECT count(*) > 0 AS champion FROM xsell.deploy('cross_sell', 1);
CALL xsell.train('cross_sell', NULL, '120 days', '{"rounds": 1, "members": ["xgboost"], "folds": 0, "weights": {"xgboost": 1}}');
SELECT count(*) AS differ FROM (SELECT * FROM xsell.evaluate('cross_sell') EXCEPT SELECT * FROM measured) d;
SET ROLE xsell_trainer;
SELECT count(*) > 50 AS trainer_may FROM xsell.evaluate('cross_sell', 2);
\c :home
DROP DATABASE xsell_evaluation;
