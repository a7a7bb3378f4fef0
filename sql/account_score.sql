-- Account scores by hand, summaries, insight figures; who sees them.
\set SHOW_CONTEXT never
\set VERBOSITY terse
\set home :DBNAME
SET client_min_messages = warning;
DROP DATABASE IF EXISTS xsell_score;
CREATE DATABASE xsell_score;
\c xsell_score
SET client_min_messages = warning;
CREATE EXTENSION xsell;
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET xsell.now = '2024-01-01 00:00+00';
SELECT xsell.account_summary('a', 'nobody') = '' AND xsell.account_summary(NULL, NULL) = '' AS nothing, (SELECT count(*) FROM xsell.account_score) AS scores;
SELECT xsell.refresh_account_scores();
SELECT * FROM xsell.insight_summary;
SELECT position, text FROM xsell.insight_text ORDER BY 1;

-- One org of six accounts, and one account in another.
INSERT INTO xsell.org (org_id, name, connector) VALUES ('a', 'Org A', 'csv'), ('b', 'Org B', 'csv');
INSERT INTO xsell.stage_map (org_id, stage, closed, won, is_purchase) SELECT o, s, s <> 'Open', s = 'Won', s = 'Won' FROM unnest(ARRAY['a', 'b']) o, unnest(ARRAY['Won', 'Lost', 'Open']) s;
INSERT INTO xsell.account (org_id, crm_id, name, industry, country, employees, description, do_not_contact, last_activity_at, created_at, modified_at, deleted_at) VALUES
    ('a', 'busy', 'Busy Bees', 'Retail', 'FR', 1200, E'Makes  honey,\n wax and other things for everybody who likes them, in eleven countries and on the moon.', false, NULL, '2023-01-01', '2023-01-01', NULL),
    ('a', 'quiet', 'Quiet Meadow', NULL, 'DE', 1, NULL, NULL, '2023-12-02', '2023-01-01', '2023-01-01', NULL),
    ('a', 'shy', 'Shy Ltd', 'Energy', NULL, NULL, '', true, NULL, '2023-01-01', '2023-01-01', NULL),
    ('a', 'none', NULL, NULL, NULL, NULL, NULL, NULL, '2025-01-01', '2023-01-01', '2023-01-01', NULL),
    ('a', 'half', '   ', ' ', '', 0, repeat('long ', 5000), NULL, NULL, '2023-01-01', '2023-01-01', NULL),
    ('a', 'gone', 'Gone', NULL, NULL, NULL, NULL, NULL, NULL, '2023-01-01', '2023-01-01', '2023-06-01'),
    ('b', 'alone', E'日本の会社 "; DROP TABLE x; --', NULL, NULL, NULL, NULL, NULL, NULL, '2023-01-01', '2023-01-01', NULL);
INSERT INTO xsell.contact (org_id, crm_id, account_id, title, modified_at, deleted_at) VALUES
    ('a', 'c1', 'busy', 'Head of Purchasing', '2023-01-01', NULL), ('a', 'c2', 'busy', 'Buyer', '2023-01-01', NULL), ('a', 'c3', 'busy', 'Zoologist', '2023-01-01', NULL),
    ('a', 'c4', 'busy', 'Accountant', '2023-01-01', '2023-02-01'), ('a', 'c5', 'shy', '', '2023-01-01', NULL);
INSERT INTO xsell.product (org_id, crm_id, name, code, is_active, modified_at) SELECT 'a', 'p' || p, 'Product ' || p, 'P-' || p, true, '2023-01-01' FROM generate_series(1, 5) p;
-- busy: 3 won, 1 lost, one open of 500; shy: 1 won, open 100; half: 1 lost.
INSERT INTO xsell.opportunity (org_id, crm_id, account_id, stage, amount_base, created_at, closed_at, modified_at) VALUES
    ('a', 'o1', 'busy', 'Won', 100, '2023-03-01', '2023-03-01', '2023-12-01'), ('a', 'o2', 'busy', 'Won', 200, '2023-04-01', '2023-04-01', '2023-12-01'),
    ('a', 'o3', 'busy', 'Won', 300, '2022-06-01', '2022-06-01', '2023-12-01'), ('a', 'o4', 'busy', 'Lost', 300, '2022-06-01', '2022-06-01', '2023-12-01'),
    ('a', 'o5', 'busy', 'Open', 500, '2023-11-02', '2024-06-01', '2023-12-01'), ('a', 'o6', 'shy', 'Won', 50, '2023-05-01', '2023-05-01', '2023-12-01'),
    ('a', 'o7', 'shy', 'Open', 100, '2023-05-01', '2024-05-01', '2023-12-01'), ('a', 'o8', 'half', 'Lost', 100, '2023-05-01', '2023-05-01', '2023-12-01');
INSERT INTO xsell.opportunity_line (org_id, crm_id, opportunity_id, product_id, amount, amount_base, modified_at)
SELECT 'a', 'l' || n, 'o' || n, 'p' || n, n * 100, n * 100, timestamptz '2023-12-01' FROM generate_series(1, 3) n UNION ALL SELECT 'a', 'l6', 'o6', 'p1', 50, 50, '2023-12-01' UNION ALL SELECT 'a', 'l4', 'o1', 'p5', 0, 0, '2023-12-01';
-- Activities by account, by deal and by contact; none of tomorrow, none that was deleted.
INSERT INTO xsell.activity (org_id, crm_id, kind, account_id, opportunity_id, contact_id, occurred_at, modified_at, deleted_at) VALUES
    ('a', 'v1', 'call', 'busy', NULL, NULL, '2023-12-02', '2023-12-02', NULL), ('a', 'v2', 'email', NULL, 'o1', NULL, '2023-12-01', '2023-12-02', NULL),
    ('a', 'v3', 'email', NULL, NULL, 'c5', '2023-12-17', '2023-12-02', NULL), ('a', 'v4', 'call', 'busy', NULL, NULL, '2024-12-17', '2023-12-02', NULL),
    ('a', 'v5', 'call', 'busy', NULL, NULL, '2023-12-31', '2023-12-02', '2023-12-31'), ('a', 'v6', 'call', 'busy', NULL, NULL, '2023-01-31', '2023-12-02', NULL);
SELECT step, rows FROM xsell.refresh() WHERE step IN ('entities', 'holdings');
DELETE FROM xsell_internal.recommendation;
SELECT xsell.refresh_account_scores();
-- No recommendation: priority is (.3 engagement + .35 budget) / .65.
-- busy: 30 days ago, 3 interactions in 90 days (2 activities, 1 new deal), the most; the highest pipeline and spend; 3 of 4 won, 4 of 6 in the org.
SELECT round(100 * (.6 / 2 + .4 * 1)) AS engagement, round(100 * (.4 + .3 + .3 * (3 + 2 * 4.0 / 6) / (4 + 2))) AS budget,
       round(100 * (.3 * .7 + .35 * (.7 + .3 * (3 + 2 * 4.0 / 6) / 6)) / .65) AS priority;
-- shy: 15 days ago, one in 90 days, half of them have no more; the same of pipeline and spend; 1 of 1 won.
SELECT round(100 * (.6 / 1.5 + .4 / 2)) AS engagement, round(100 * (.4 / 2 + .3 / 2 + .3 * (1 + 2 * 4.0 / 6) / (1 + 2))) AS budget, 0 AS priority;
-- quiet: 30 days ago by the CRM's own word. half: 245 days ago, none of one won.
SELECT round(100 * .6 / 2) AS engagement, round(100 * .3 * .6 / 2 / .65) AS priority, round(100 * .6 / (1 + 245 / 30.0)) AS half_engagement, round(100 * .3 * (2 * 4.0 / 6) / 3) AS half_budget;
SELECT account_id, engagement_score, budget_likelihood, priority_score, tier, temperature, interactions_90, open_deals, open_amount, closed_deals, won_deals, spend_365, last_interaction_date::date AS last FROM xsell.account_score ORDER BY 1;
SELECT account_id, reasoning, recommended_action, key_signals FROM xsell.account_score ORDER BY 1;
SELECT account_id, summary FROM xsell.account_score ORDER BY 1;
SELECT bool_and(summary = xsell.account_summary(org_id, account_id)) AS the_same_now, max(cardinality(regexp_split_to_array(summary, '\s+'))) <= 60 AS short FROM xsell.account_score;
SELECT xsell_internal.tier(n), min(n), max(n) FROM generate_series(0, 100) n GROUP BY 1 ORDER BY 1;
SELECT xsell_internal.first_words(v, 2), xsell_internal.first_words(v, 60) = v AS whole FROM (VALUES ('a b'), ('a b c'), (''), (NULL), ('  a  '), (E'a\n\tb')) t(v);

-- The longest that there can be.
BEGIN;
UPDATE xsell.account SET name = repeat('name ', 99), industry = repeat('trade ', 99), country = repeat('land ', 99), description = repeat('word ', 9999), employees = 1e12 WHERE crm_id = 'busy';
UPDATE xsell.contact SET title = crm_id || repeat(' title', 99);
UPDATE xsell.product SET name = repeat('product ', 99);
UPDATE xsell.opportunity SET amount_base = 1e20;
INSERT INTO xsell_internal.recommendation (entity_id, product_id, org_id, route, product_crm_id, probability, rank, confidence_level, next_action, first_seen, last_seen, expires_at, score_source)
SELECT entity_id, 1, 'a', 'same_org', 'p4', .9, 1, 'Low', 'Call', '2023-12-20', '2024-01-01', '2024-02-01', 'heuristic' FROM xsell_internal.entity_account WHERE account_id = 'busy';
SELECT s, cardinality(string_to_array(s, ' ')) AS words FROM xsell.account_summary('a', 'busy') s;
ROLLBACK;

-- A refresh again changes nothing; an account that went away goes.
CREATE TEMPORARY TABLE once AS SELECT xmin::text AS row_version, * FROM xsell_internal.account_score;
SELECT xsell.refresh_account_scores();
SELECT count(*) AS changed FROM xsell_internal.account_score s JOIN once o USING (org_id, account_id) WHERE o.row_version <> s.xmin::text;
UPDATE xsell.account SET deleted_at = '2023-12-31' WHERE crm_id = 'quiet';
SELECT xsell.refresh_account_scores(), xsell.account_summary('a', 'quiet');

-- With recommendations: 35 for the highest expected revenue, half for the lower of two; the best product is offered.
INSERT INTO xsell_internal.recommendation (entity_id, product_id, org_id, route, account_id, product_crm_id, probability, expected_revenue, rank, confidence_level, next_action,
    first_seen, last_seen, expires_at, score_source, held_out)
SELECT e.entity_id, m.product_id + v.n * 1000, 'a', 'same_org', v.a, v.p, v.q, v.r, v.k, CASE WHEN v.q > .8 THEN 'Very High' ELSE 'Low' END, 'Call', timestamptz '2023-12-20' + v.n * interval '5 days', '2024-01-01', '2024-02-01', 'heuristic', v.h
FROM (VALUES (1, 'busy', 'p4', .9, 1000, 2, false), (2, 'busy', 'p3', .5, 500, 1, false), (2, 'half', 'p4', .1, 10, 1, false), (2, 'none', 'p4', .1, 9000, 1, true)) v(n, a, p, q, r, k, h)
JOIN xsell_internal.entity_account e ON e.org_id = 'a' AND e.account_id = v.a JOIN xsell_internal.product_map m ON m.org_id = 'a' AND m.product_crm_id = v.p;
SELECT xsell.refresh_account_scores();
SELECT round(100 * (.3 * .7 + .35 * (.7 + .3 * (3 + 2 * 4.0 / 6) / 6) + .35)) AS busy, round(100 * (.3 * .6 / (1 + 245 / 30.0) + .35 * .3 * (2 * 4.0 / 6) / 3 + .35 / 2)) AS half;
SELECT account_id, priority_score, tier, recommendations, expected_revenue, top_product, recommended_action FROM xsell.account_score WHERE recommendations > 0 ORDER BY 1;
SELECT entity_name, org_id, account_id, priority_score, tier, summary = xsell.account_summary(org_id, account_id) AS summary FROM xsell.entity_summary ORDER BY account_id;

-- Insights. Nothing is decided: conversion is not known.
SELECT org_id, recommendations, customers, expected_revenue, round(average_probability::numeric, 3) AS mean, round(share_above_80::numeric, 3) AS above, round(share_very_high::numeric, 3) AS very_high,
       discovered, decided, won, conversion_rate, won_deals, average_deal, currency FROM xsell.insights() ORDER BY org_id NULLS FIRST;
SELECT decided, conversion_rate, won_deals, average_deal, discovered FROM xsell.insights(300) WHERE org_id = 'a';
-- One was bought after it was recommended, one was dismissed: half. What is kept back does not count.
INSERT INTO xsell_internal.purchase (org_id, source, record_id, entity_id, product_id, account_id, won_at)
SELECT org_id, 'line', 'x' || recommendation_id, entity_id, product_id, account_id, '2023-12-31' FROM xsell_internal.recommendation WHERE account_id IN ('half', 'none');
SELECT xsell.dismiss(min(recommendation_id), 'no') IS NOT NULL AS dismissed FROM xsell.recommendation WHERE account_id = 'busy' AND product_name = 'Product 3';
SELECT org_id, decided, won, conversion_rate, recommendations FROM xsell.insight_summary WHERE org_id = 'a';
SELECT org_id, industry, recommendations, customers, expected_revenue, decided, won, conversion_rate FROM xsell.insight_industry ORDER BY 1, 2;
SELECT org_id, next_action, recommendations, expected_revenue, share FROM xsell.insight_action ORDER BY 1, 2;
SELECT count(*), count(DISTINCT day), min(day), max(day), sum(discovered) AS discovered, sum(decided) AS decided FROM xsell.insight_trend WHERE org_id = 'a';
SELECT day, discovered, expected_revenue, discovered_7, decided, won FROM xsell.insight_days(8) WHERE org_id = 'a';
SELECT count(*) FROM xsell.insight_days(0) WHERE org_id = 'a';
SELECT position, topic, text FROM xsell.insight_text ORDER BY 1;
\c :home
DROP DATABASE xsell_score;

-- The sales world: a reader of one org.
DROP DATABASE IF EXISTS xsell_sales;
CREATE DATABASE xsell_sales;
\c xsell_sales
CREATE EXTENSION xsell;
\getenv abs_srcdir PG_ABS_SRCDIR
\set world :abs_srcdir '/sql/include/sales_world.sql'
\set ECHO none
\i :world
\set ECHO all
\set VERBOSITY terse
SET ROLE xsell_sync;
SELECT count(*) > 0 AS refreshed FROM xsell.refresh();
SELECT xsell.refresh_account_scores() > 100 AS some;
SET ROLE xsell_test_north;
SELECT DISTINCT org_id FROM xsell.account_score;
SELECT count(*) > 50 AS some, count(*) FILTER (WHERE s::text ~ 'SECRET_B|777777') AS secrets FROM xsell.account_score s;
SELECT count(*) > 50 AS some, count(*) FILTER (WHERE s::text ~ 'SECRET_B|777777') AS secrets FROM xsell.entity_summary s;
SELECT DISTINCT org_id FROM xsell.insight_summary ORDER BY 1;
SELECT DISTINCT org_id FROM xsell.insight_industry UNION SELECT org_id FROM xsell.insight_action UNION SELECT org_id FROM xsell.insight_trend;
SELECT a.recommendations = b.recommendations AS all_is_north FROM xsell.insight_summary a, xsell.insight_summary b WHERE a.org_id IS NULL AND b.org_id = 'north';
SELECT xsell.account_summary('south', 's2') AS hidden, xsell.account_summary('north', 'n2') <> '' AS shown;
SELECT xsell.refresh_account_scores();
RESET ROLE;
-- Nothing that is kept names an account that was erased, before any refresh.
SELECT xsell.refresh_pairs(0) > 0 AS pairs;
DELETE FROM xsell.account WHERE org_id = 'south' AND crm_id = 's5';
SELECT (SELECT count(*) FROM xsell_internal.account_score WHERE org_id = 'south' AND account_id = 's5') AS scores,
       (SELECT count(*) FROM xsell_internal.whitespace_customer WHERE org_id = 'south' AND account_id = 's5') AS customers,
       (SELECT count(*) FROM xsell_internal.pair WHERE (org1_id, account1_id) = ('south', 's5') OR (org2_id, account2_id) = ('south', 's5')) AS pairs;
\c :home
DROP DATABASE xsell_sales;
