-- Backtests: history replayed as it was known; nothing of what came later, and nothing of the replay itself, is left behind.
SET client_min_messages = warning;
\set home :DBNAME
DROP DATABASE IF EXISTS xsell_backtest;
CREATE DATABASE xsell_backtest;
\c xsell_backtest
SET client_min_messages = warning;
CREATE EXTENSION xsell;
\getenv abs_srcdir PG_ABS_SRCDIR
\set world :abs_srcdir '/sql/include/planted_world.sql'
\set ECHO none
\i :world
\set ECHO all
\set VERBOSITY terse
\set quick '{"rounds": 20, "members": ["xgboost"], "folds": 0}'
SET timezone = 'UTC';
DROP ROLE IF EXISTS backtest_trainer;
CREATE ROLE backtest_trainer IN ROLE xsell_trainer;

-- Refused, with what to do.
CALL xsell.backtest('2023-03-01', '2022-03-01');
CALL xsell.backtest('2022-03-01', '2023-03-01', every => '3');
CALL xsell.backtest('1022-03-01', '2023-03-01', every => '1 day');
CALL xsell.backtest('2022-03-01', '2023-03-01', horizon => '1 second');
\set VERBOSITY default
\set SHOW_CONTEXT never
CALL xsell.backtest('2023-12-01', '2024-03-01', horizon => '90 days');
CALL xsell.backtest('2023-03-01', '2023-03-01', parameters => '{"round": 20}');
BEGIN;
CALL xsell.backtest('2023-03-01', '2023-03-01');
ROLLBACK;
\set VERBOSITY terse
SELECT count(*) FROM xsell.backtest_run;

-- The heuristic where history is too short, a version where it is not, a reason where the outcome is not known yet.
SET ROLE backtest_trainer;
CALL xsell.backtest('2022-03-01', '2024-06-01', '9 months', '90 days', parameters => :'quick', run_id => 0) \gset
RESET ROLE;
SELECT at, score_source, note, candidates > 1000 AS candidates, entities > 100 AS entities, wins > 100 AS wins, trained_until <= at AS trained_before, training_rows > 1000 AS rows,
       positives > 100 AS positives
FROM xsell.backtest_period WHERE run_id = :run_id ORDER BY at;
SELECT state, from_time, to_time, every, horizon, periods, measured, seed, parameters, started_by, finished_at > started_at AS ended FROM xsell.backtest_run;
SELECT m.at, string_agg(DISTINCT ranker, ', ' ORDER BY ranker) AS rankers, count(DISTINCT metric) AS metrics, bool_and(value BETWEEN low AND high) AS inside,
       count(*) FILTER (WHERE value IS NULL) AS missing
FROM xsell.backtest_metric m WHERE run_id = :run_id GROUP BY m.at ORDER BY m.at;
SELECT metric FROM xsell.backtest_metric WHERE run_id = :run_id AND ranker = 'model' AND metric !~ '@(5|20)$' GROUP BY metric ORDER BY metric;
-- The planted rule is found: what follows a product comes first for those who hold it.
SELECT at, max(value) FILTER (WHERE ranker = 'model') > 1.5 * max(value) FILTER (WHERE ranker = 'random') AS beats_chance,
       max(value) FILTER (WHERE ranker = 'model') > 1.5 * max(value) FILTER (WHERE ranker = 'popularity') AS beats_popularity
FROM xsell.backtest_metric WHERE run_id = :run_id AND metric = 'ndcg@10' AND at > '2022-06-01' GROUP BY at ORDER BY at;
-- No version is left, no training run, nothing deployed.
SELECT (SELECT count(*) FROM xsell.model_version) AS versions, (SELECT count(*) FROM xsell_internal.model_blob) AS blobs, (SELECT count(*) FROM xsell.training_run) AS trainings,
       (SELECT count(*) FROM xsell.deployment) AS deployed;

-- The same figures in SQL.
CREATE TEMPORARY TABLE ranked AS
SELECT h.entity_id, h.product_id, t.entity_id IS NOT NULL AS won, COALESCE(t.amount, 0) AS amount,
       row_number() OVER (PARTITION BY h.entity_id ORDER BY h.probability DESC, h.product_id) AS place
FROM xsell_internal.heuristic_scores('2022-12-01') h LEFT JOIN xsell_internal.target_pairs('2022-12-01', '90 days') t USING (entity_id, product_id);
CREATE TEMPORARY TABLE target AS SELECT entity_id, count(*) AS targets, sum(amount) AS amount FROM xsell_internal.target_pairs('2022-12-01', '90 days') GROUP BY 1;
SELECT w.metric, abs(w.value - m.value) < 1e-9 AS agrees
FROM (SELECT 'precision@10' AS metric, sum(hits) / 10.0 / count(*) AS value FROM target LEFT JOIN (SELECT entity_id, count(*) AS hits FROM ranked WHERE won AND place <= 10 GROUP BY 1) h USING (entity_id)
      UNION ALL SELECT 'value_captured@10', (SELECT sum(amount) FROM ranked WHERE place <= 10) / (SELECT sum(amount) FROM target)) w
JOIN xsell.backtest_metric m ON m.run_id = :run_id AND m.at = '2022-12-01' AND m.ranker = 'heuristic' AND m.metric = w.metric ORDER BY 1;
SELECT abs(l.value - m.value / r.value) < 1e-12 AS lift FROM xsell.backtest_metric l JOIN xsell.backtest_metric m USING (run_id, at, ranker) JOIN xsell.backtest_metric r USING (run_id, at)
WHERE run_id = :run_id AND at = '2022-12-01' AND l.ranker = 'model' AND l.metric = 'lift_over_random@10' AND m.metric = 'precision@10' AND r.ranker = 'random' AND r.metric = 'precision@10';
-- What chance reaches, beside the mean of a hundred draws.
CREATE TEMPORARY TABLE drawn AS
SELECT m.metric, avg(m.value) AS value
FROM generate_series(1, 100) k
CROSS JOIN LATERAL (SELECT array_agg(entity_id) AS e, array_agg(product_id) AS p, array_agg(won) AS w,
                           array_agg(hashint8extended(entity_id * 1000 + product_id, k)::double precision) AS s FROM ranked) r
CROSS JOIN (SELECT array_agg(entity_id) AS e, array_agg(targets::integer) AS n FROM target) t
CROSS JOIN LATERAL xsell_internal.ranking_metrics(r.e, r.p, r.w, r.s, t.e, t.n, false, 0) m GROUP BY m.metric;
SELECT metric, abs(d.value - m.value) < 0.015 AS near FROM drawn d JOIN xsell.backtest_metric m USING (metric) WHERE m.run_id = :run_id AND m.at = '2022-12-01' AND m.ranker = 'random' ORDER BY 1;

SELECT abs(d.value - m.value) < 0.03 AS near
FROM (SELECT (sum(amount) FILTER (WHERE place <= 10) / 20 / (SELECT sum(amount) FROM target))::double precision AS value
      FROM (SELECT k, amount, row_number() OVER (PARTITION BY k, entity_id ORDER BY hashint8extended(entity_id * 1000 + product_id, k)) AS place FROM ranked, generate_series(1, 20) k) o) d,
     xsell.backtest_metric m WHERE m.run_id = :run_id AND m.at = '2022-12-01' AND m.ranker = 'random' AND m.metric = 'value_captured@10';

-- What comes later does not count. Within the horizon it changes what is measured against, never what ranks.
CREATE FUNCTION public.known(t timestamptz) RETURNS TABLE (popularity text, heuristic text, model text)
LANGUAGE sql AS $$
SELECT xsell_internal.best_popularity(t, '90 days'), (SELECT md5(string_agg(h::text, ' ' ORDER BY entity_id, product_id)) FROM xsell_internal.heuristic_scores(t) h), md5(l.flat)
FROM xsell_internal.training_plan('cross_sell', NULL, '90 days', 4, 1000000, t) p
CROSS JOIN LATERAL xsell_internal.learn_aside('cross_sell', p.plan, '{"rounds": 5, "members": ["xgboost"], "folds": 0}', 42) l $$;
CREATE TEMPORARY TABLE before AS SELECT * FROM public.known('2022-12-01');
CREATE TEMPORARY TABLE measured AS SELECT at, ranker, metric, value, low, high, rows FROM xsell.backtest_metric WHERE run_id = :run_id AND at = '2022-12-01';
-- After the horizon: everybody buys product 30, old sales are struck out, accounts go, deals are opened, a product appears.
INSERT INTO xsell.opportunity (org_id, crm_id, account_id, name, stage, is_closed, is_won, amount, amount_base, created_at, closed_at, modified_at)
SELECT 'acme', 'late' || a, 'a' || a, 'Late', CASE WHEN a % 3 = 0 THEN 'Open' ELSE 'Won' END, a % 3 <> 0, a % 3 <> 0, 5, 5, '2023-03-05', '2023-03-06', '2023-03-06' FROM generate_series(1, 800) a;
INSERT INTO xsell.opportunity_line (org_id, crm_id, opportunity_id, product_id, quantity, amount, amount_base, created_at, modified_at)
SELECT 'acme', 'late' || a, 'late' || a, 'p30', 1, 5, 5, '2023-03-05', '2023-03-05' FROM generate_series(1, 800) a;
UPDATE xsell.opportunity_line SET deleted_at = '2023-03-07' WHERE hashtext(crm_id) % 3 = 0 AND created_at < '2022-12-01';
UPDATE xsell.account SET deleted_at = '2023-03-08' WHERE hashtext(crm_id) % 5 = 0;
INSERT INTO xsell.product (org_id, crm_id, name, code, created_at, modified_at) VALUES ('acme', 'p31', 'Product 31', 'P-31', '2023-03-05', '2023-03-05');
SELECT xsell_internal.resolve_products() > 0 AS products, xsell_internal.refresh_holdings() > 0 AS holdings;
CALL xsell.backtest('2022-12-01', '2022-12-01', horizon => '90 days', parameters => :'quick', run_id => 0) \gset later_
SELECT count(*) > 50 AS metrics, count(*) FILTER (WHERE (m.value, m.low, m.high, m.rows) IS DISTINCT FROM (b.value, b.low, b.high, b.rows)) AS differ
FROM (SELECT * FROM xsell.backtest_metric WHERE run_id = :later_run_id) m FULL JOIN measured b USING (at, ranker, metric);
SELECT b = k AS same FROM before b, public.known('2022-12-01') k;
-- Within it.
UPDATE xsell.opportunity SET created_at = '2022-12-05', closed_at = '2022-12-06' WHERE crm_id LIKE 'late%';
UPDATE xsell.opportunity_line SET created_at = '2022-12-05' WHERE crm_id LIKE 'late%';
UPDATE xsell.opportunity_line SET deleted_at = '2022-12-07' WHERE deleted_at IS NOT NULL;
SELECT xsell_internal.refresh_holdings() > 0 AS holdings;
SELECT b = k AS same FROM before b, public.known('2022-12-01') k;
-- Before it, it does.
UPDATE xsell.opportunity SET created_at = '2022-11-05', closed_at = '2022-11-06' WHERE crm_id LIKE 'late%';
SELECT xsell_internal.refresh_holdings() > 0 AS holdings;
SELECT b = k AS same FROM before b, public.known('2022-12-01') k;

-- Cancelled, it keeps what it has and leaves nothing else.
SET statement_timeout = '600ms';
CALL xsell.backtest('2022-03-01', '2023-06-01', '1 month', '90 days', parameters => '{"rounds": 400}');
RESET statement_timeout;
SELECT state, measured < periods AS unfinished FROM xsell.backtest_run ORDER BY run_id DESC LIMIT 1;
SELECT count(*) AS versions FROM xsell.model_version;

SET ROLE backtest_trainer;
SELECT count(*) > 0 AS seen FROM xsell.backtest_metric;
RESET ROLE;
DROP ROLE backtest_trainer;
\c :home
DROP DATABASE xsell_backtest;
