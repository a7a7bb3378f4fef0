-- Outcomes: what became of recommendations, who was held out, and what recommending brought.
SET client_min_messages = warning;
\set home :DBNAME
DROP DATABASE IF EXISTS xsell_outcome;
CREATE DATABASE xsell_outcome;
\c xsell_outcome
SET client_min_messages = warning;
CREATE EXTENSION xsell;
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET xsell.now = '2024-06-01';
DROP ROLE IF EXISTS outcome_reader, outcome_trainer;
CREATE ROLE outcome_reader IN ROLE xsell_reader;
CREATE ROLE outcome_trainer IN ROLE xsell_trainer;
INSERT INTO xsell.org (org_id, name, connector) VALUES ('north', 'North', 'csv'), ('south', 'South', 'csv');
INSERT INTO xsell.org_grant VALUES ('north', 'outcome_reader');

-- A share of the customers, the same ones every time; a larger share keeps those of a smaller one.
SELECT count(*) FILTER (WHERE xsell_internal.in_holdout(e)) AS held FROM generate_series(1, 1000) e;
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT xsell.set_holdout(0.6);
SELECT xsell.set_holdout(NULL);
\set VERBOSITY terse
SET ROLE outcome_reader;
SELECT xsell.set_holdout(0.1);
RESET ROLE;
SET ROLE outcome_trainer;
SELECT xsell.set_holdout(0);
SELECT xsell.set_holdout(0.1);
SELECT xsell.set_holdout(0.1);
RESET ROLE;
CREATE TEMPORARY TABLE tenth AS SELECT e FROM generate_series(1, 20000) e WHERE xsell_internal.in_holdout(e);
SELECT count(*) BETWEEN 1800 AND 2200 AS a_tenth FROM tenth;
SELECT xsell.set_holdout(0.3);
SELECT count(*) AS lost FROM tenth WHERE NOT xsell_internal.in_holdout(e);
SELECT xsell.set_holdout(0.1, 7);
SELECT count(*) < 300 AS others FROM tenth WHERE xsell_internal.in_holdout(e);
SELECT since, share, seed, set_by FROM xsell_internal.holdout ORDER BY holdout_id;

-- Three months of recommendations to 400 customers; one in four is held out.
TRUNCATE xsell_internal.holdout;
SET xsell.now = '2023-01-01';
SELECT xsell.set_holdout(0.25, 20);
SET xsell.now = '2024-06-01';
INSERT INTO xsell.account (org_id, crm_id, name, created_at, modified_at) SELECT 'north', 'a' || a, 'A' || a, '2022-01-01', '2022-01-01' FROM generate_series(1, 400) a;
INSERT INTO xsell_internal.entity (entity_id) SELECT a FROM generate_series(1, 400) a;
INSERT INTO xsell_internal.entity_account (org_id, account_id, entity_id, match_confidence, match_reason) SELECT 'north', 'a' || a, a, 1, 'alone' FROM generate_series(1, 400) a;
INSERT INTO xsell_internal.canonical_product (product_id, match_key) SELECT p, 'p' || p FROM generate_series(1, 6) p;
INSERT INTO xsell_internal.product_map (org_id, product_crm_id, product_id, method) SELECT o, 'p' || p, p, 'code' FROM generate_series(1, 6) p, unnest('{north,south}'::text[]) o;
INSERT INTO xsell_internal.recommendation (entity_id, product_id, org_id, route, account_id, product_crm_id, probability, rank, confidence_level, next_action, first_seen, last_seen, expires_at, score_source, held_out)
SELECT a, p, 'north', 'same_org', 'a' || a, 'p' || p, .1, p, 'Low', 'Call', timestamptz '2023-09-10' + interval '1 month' * ((p - 1) / 2), '2023-12-01', '2023-12-31', 'heuristic', xsell_internal.in_holdout(a)
FROM generate_series(1, 400) a, generate_series(1, 6) p;
-- One in five buys where it was shown, one in ten where it was not; some too late, some took it back, some from an org that not everybody sees.
INSERT INTO xsell_internal.purchase (org_id, source, record_id, entity_id, product_id, account_id, won_at, deleted_at, amount_base)
SELECT CASE WHEN entity_id % 3 = 0 AND product_id = 6 THEN 'south' ELSE 'north' END, 'line', 'l' || recommendation_id, entity_id, product_id, 'x',
       first_seen + CASE WHEN product_id = 1 AND entity_id % 40 = 0 THEN interval '181 days' ELSE interval '20 days' END,
       CASE WHEN product_id = 2 AND entity_id % 40 = 0 THEN timestamptz '2024-01-05' END, 100 * product_id
FROM xsell_internal.recommendation WHERE (entity_id + product_id * 7) % CASE WHEN xsell_internal.in_holdout(entity_id) THEN 10 ELSE 5 END = 0;
UPDATE xsell_internal.recommendation r SET status = s.status
FROM (VALUES (1, 3, 'won'), (2, 3, 'lost'), (3, 3, 'dismissed'), (4, 3, 'expired'), (9, 3, 'lost')) AS s(entity_id, product_id, status)
WHERE (r.entity_id, r.product_id) = (s.entity_id, s.product_id);
SELECT cohort, outcome, known_from, count(*), count(won_at) AS won, count(won_amount) AS amounts, round(avg(days_to_win)::numeric, 1) AS days
FROM xsell.recommendation_outcome GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
-- The same in SQL.
SELECT count(*) AS differ FROM xsell.recommendation_outcome o
WHERE (COALESCE(o.known_from, '') = 'purchase') IS DISTINCT FROM (EXISTS (SELECT FROM xsell_internal.purchase p WHERE p.entity_id = o.entity_id AND p.product_id = o.product_id AND p.deleted_at IS NULL
                                                    AND p.won_at BETWEEN o.first_seen AND o.first_seen + interval '180 days'));
-- What is kept back is not told of before its window ends; nor is what has not happened yet.
SET xsell.now = '2023-10-01';
SELECT cohort, outcome, count(*) FROM xsell.recommendation_outcome WHERE first_seen <= '2023-10-01' GROUP BY 1, 2 ORDER BY 1, 2;
SET xsell.now = '2024-04-20';
SELECT first_seen::date, cohort, count(*) FROM xsell.recommendation_outcome GROUP BY 1, 2 ORDER BY 1, 2;
SELECT month, cohort FROM xsell.lift_by_month ORDER BY 1, 2;
SET xsell.now = '2024-06-01';

-- Lift, and its error in SQL: over customers.
SELECT month, cohort, customers, pairs, wins, round(rate::numeric, 4) AS rate, amount, round(lift::numeric, 4) AS lift, round(lift_low::numeric, 4) AS low, round(lift_high::numeric, 4) AS high,
       incremental_revenue
FROM xsell.lift_by_month ORDER BY 1, 2;
WITH customer AS (
    SELECT cohort, entity_id, count(*) AS pairs, count(*) FILTER (WHERE known_from = 'purchase') AS wins
    FROM xsell.recommendation_outcome WHERE first_seen = '2023-10-10' GROUP BY 1, 2
), rate AS (
    SELECT cohort, sum(wins) / sum(pairs) AS rate, sum(pairs) AS pairs, count(*) AS n FROM customer GROUP BY 1
), error AS (
    SELECT cohort, min(rate) AS rate, sum((c.wins - r.rate * c.pairs) ^ 2) * min(n) / (min(n) - 1) / min(r.pairs) ^ 2 AS variance FROM customer c JOIN rate r USING (cohort) GROUP BY 1
)
SELECT abs(t.rate - h.rate - l.lift) < 1e-12 AS lift, abs(t.rate - h.rate - 1.959964 * sqrt(t.variance + h.variance) - l.lift_low) < 1e-9 AS low
FROM error t, error h, xsell.lift_by_month l WHERE t.cohort = 'treated' AND h.cohort = 'holdout' AND l.month = '2023-10-01' AND l.cohort = 'treated';

-- A reader sees the wins of orgs that it may see, and no recommendation that is kept back, in any table.
SELECT count(*) AS all_wins FROM xsell.recommendation_outcome WHERE product_id = 6 AND outcome = 'won';
SET ROLE outcome_reader;
SELECT known_from, count(*) FROM xsell.recommendation_outcome WHERE product_id = 6 GROUP BY 1 ORDER BY 1;
SET xsell.now = '2023-10-01';
SELECT count(*) FILTER (WHERE cohort <> 'treated') AS kept_back FROM xsell.recommendation_outcome;
SELECT count(*) AS kept_back FROM xsell_internal.recommendation WHERE held_out;
RESET ROLE;
SET ROLE outcome_trainer;
SELECT count(*) > 0 AS kept_back FROM xsell_internal.recommendation WHERE held_out;
RESET ROLE;
SET xsell.now = '2024-06-01';

-- Without an experiment there is nothing to compare with; one that ended early lets go of those it kept back.
SET xsell.now = '2023-12-01';
SELECT xsell.set_holdout(0);
SET xsell.now = '2024-06-01';
SELECT cohort, count(*) FROM xsell.recommendation_outcome GROUP BY 1 ORDER BY 1;
SELECT month, cohort, lift, incremental_revenue FROM xsell.lift_by_month ORDER BY 1, 2;
TRUNCATE xsell_internal.holdout;
SELECT cohort, count(*) FROM xsell.recommendation_outcome GROUP BY 1 ORDER BY 1;
\c :home
DROP DATABASE xsell_outcome;
DROP ROLE outcome_reader, outcome_trainer;
