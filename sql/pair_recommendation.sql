-- Pairs of accounts that look alike: formulas, words, people's changes, who sees them, and a model of them.
\set SHOW_CONTEXT never
\set VERBOSITY terse
\set home :DBNAME
SET client_min_messages = warning;
DROP DATABASE IF EXISTS xsell_pair;
CREATE DATABASE xsell_pair;
\c xsell_pair
SET client_min_messages = warning;
CREATE EXTENSION xsell;
SET timezone = 'UTC';
SET xsell.now = '2024-01-01 00:00+00';

-- The six formulas, then what NULL, zero and the future make of them.
SELECT xsell_internal.pair_similarity(true, false, ln(100), ln(10), 200, 50, 30, 60, 1, 3) = ARRAY[1, 1 / (1 + ln(10)), .3, 3.0 / 5, 50.0 / 200, 2 / (2 + 1.0 + 2)]::real[] AS formulas,
       xsell_internal.pair_similarity(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) AS unknown,
       xsell_internal.pair_similarity(false, true, 0, 0, 0, 0, 0, 0, 2, 0) AS zero,
       xsell_internal.pair_similarity(false, true, 'NaN', 'Infinity', -5, 3, -5, 'NaN', -1, -1) AS odd;
SELECT d, xsell_internal.pair_confidence(.81, d), xsell_internal.pair_confidence(.8, d), xsell_internal.pair_confidence(.7, d), xsell_internal.pair_confidence(.6, d)
FROM unnest(ARRAY[.09, .1, .14, .15, NULL]) AS d;

-- Two orgs of three accounts; the third of each is one company. 'big' and 'small' differ in everything.
INSERT INTO xsell.org (org_id, name, connector) VALUES ('a', 'Org A', 'csv'), ('b', 'Org B', 'csv'), ('empty', 'Nobody', 'csv');
INSERT INTO xsell.stage_map (org_id, stage, closed, won, is_purchase) VALUES ('a', 'Won', true, true, true), ('b', 'Won', true, true, true);
INSERT INTO xsell.account (org_id, crm_id, name, domain, type, industry, country, employees, annual_revenue_base, created_at, modified_at) VALUES
    ('a', 'big', 'Anvil Works', 'anvil.example', 'Customer', 'Retail', 'FR', 1000, 3000000, '2023-01-01', '2023-01-01'),
    ('a', 'bare', 'Quiet Meadow', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2023-01-01'),
    ('a', 'same', 'Twin Towers Masonry', 'twin.example', NULL, 'Energy', 'DE', 50, 100, '2023-01-01', '2023-01-01'),
    ('b', 'small', 'Zebra Foods', 'zebra.example', 'PARTNER', 'Retail ', 'France', 10, 1000000, '2023-07-02', '2023-07-02'),
    ('b', 'other', 'Umbrella Makers', 'umbrella.example', 'Partner', 'Energy', 'US', 0, 0, '2023-12-31', '2023-12-31'),
    ('b', 'same', 'Twin Towers Masonry', 'twin.example', NULL, 'Energy', 'DE', 50, 100, '2023-01-01', '2023-01-01'),
    ('b', 'gone', 'Deleted Ltd', 'gone.example', NULL, 'Retail', 'FR', 1000, 9e9, '2023-01-01', '2023-01-01'),
    ('b', 'later', 'Not Yet Ltd', 'later.example', NULL, 'Retail', 'FR', 1000, 9e9, '2024-02-01', '2024-02-01');
UPDATE xsell.account SET deleted_at = '2023-06-01' WHERE crm_id = 'gone';
INSERT INTO xsell.product (org_id, crm_id, name, code, is_active, modified_at) SELECT o, 'p' || p, 'Product ' || p, 'P-' || p, true, '2023-01-01' FROM unnest(ARRAY['a', 'b']) o, generate_series(1, 3) p;
INSERT INTO xsell.opportunity (org_id, crm_id, account_id, stage, created_at, closed_at, modified_at)
SELECT o, a || p, a, 'Won', '2023-10-01', '2023-10-03', '2023-10-03' FROM (VALUES ('a', 'big', 1), ('a', 'big', 2), ('b', 'small', 2), ('b', 'small', 3)) v(o, a, p);
INSERT INTO xsell.opportunity_line (org_id, crm_id, opportunity_id, product_id, amount_base, modified_at)
SELECT o, 'l' || a || p, a || p, 'p' || p, 10, '2023-10-03' FROM (VALUES ('a', 'big', 1), ('a', 'big', 2), ('b', 'small', 2), ('b', 'small', 3)) v(o, a, p);
INSERT INTO xsell.activity (org_id, crm_id, kind, account_id, occurred_at, modified_at) VALUES ('a', 'v1', 'call', 'big', '2023-12-02', '2023-12-02'), ('a', 'v2', 'call', 'big', '2024-12-02', '2023-12-02');
SELECT xsell.refresh_pairs() AS without_customers;
SELECT count(*) FROM xsell.refresh();
SELECT xsell.refresh_pairs(0);
-- big and small: same industry and country, sizes 1000 and 10, one product in common and two apart, 365 and 183 days old, 30 and 90 days idle.
SELECT account1_id, account2_id, rank, recommendation_type, confidence_level, next_best_action, estimated_value, score_source, score_xgboost, status,
       industry_match AS ind, round(size_compatibility::numeric, 5) AS size, geographic_proximity AS geo, product_complementarity AS compl, round(customer_maturity::numeric, 5) AS mature,
       round(activity_alignment::numeric, 5) AS active, round(score::numeric, 5) AS score
FROM xsell.pair_recommendation ORDER BY rank;
SELECT round((.3 + .25 / (1 + ln(100.0)) + .2 + .15 * 2 / 4 + .05 * 183 / 365 + .05 * 2 / (2 + 1 + 3))::numeric, 5) AS by_hand;
SELECT feature_values ->> 'product_complementarity' AS json, account1_name, account1_org, org1_id, org1_industry, account2_name, account2_org, org2_id, currency FROM xsell.pair_recommendation WHERE rank = 1;
SELECT org1_id, account1_name, org2_id, account2_id, match_confidence > .5 AS sure FROM xsell.shared_customer;

-- A refresh again changes nothing; a smaller one keeps the accounts with the highest revenue.
CREATE TEMPORARY TABLE once AS SELECT xmin::text AS row_version, * FROM xsell_internal.pair;
SELECT xsell.refresh_pairs(0);
SELECT count(*) AS changed FROM xsell_internal.pair p LEFT JOIN once o USING (pair_id) WHERE o.row_version IS DISTINCT FROM p.xmin::text;
SELECT xsell.refresh_pairs(0, 1);
SELECT account1_id, account2_id FROM xsell.pair_recommendation;
SELECT xsell.refresh_pairs(0);

-- By hand: what somebody did outlives scores and can be taken back.
SELECT xsell.set_pair_status(id, 'in_progress', 'call them', 'kim') - min(id) OVER () < 1000 AS changed FROM xsell.pair_recommendation WHERE account1_id = 'big' AND account2_id = 'other';
SET xsell.now = '2024-01-05';
SELECT xsell.refresh_pairs(.5);
SELECT account1_id, account2_id, rank, status, notes, assigned_to, created_at, updated_at, actioned_at FROM xsell.pair_recommendation ORDER BY rank NULLS LAST;
SELECT xsell.set_pair_status(id, 'converted', assigned_to => '') IS NOT NULL AS changed FROM xsell.pair_recommendation WHERE account1_id = 'big' AND account2_id = 'other';
SELECT action, orgs, subject = 'pair ' || (SELECT id FROM xsell.pair_recommendation WHERE account1_id = 'big' AND account2_id = 'other') AS subject, old_value, new_value, undoes IS NOT NULL AS undo FROM xsell.change_history ORDER BY change_id;
SELECT status, assigned_to, actioned_at FROM xsell.pair_recommendation WHERE account1_id = 'big' AND account2_id = 'other';
SELECT xsell.undo(min(change_id)) FROM xsell.change_history;
SELECT xsell.undo(max(change_id)) IS NOT NULL AS undone FROM xsell.change_history;
SELECT status, assigned_to, notes, actioned_at FROM xsell.pair_recommendation WHERE account1_id = 'big' AND account2_id = 'other';
SELECT xsell.undo(max(undoes)) FROM xsell.change_history;
SELECT xsell.set_pair_status(-1, 'new');
SELECT xsell.set_pair_status(NULL);
SELECT xsell.set_pair_status(1, 'won');
SELECT xsell.undo(-1);
SELECT xsell.refresh_pairs(2);
SELECT xsell.refresh_pairs(NULL);
SELECT xsell.refresh_pairs(0.5, 0);
SELECT xsell.create_pair_model('-1 day');
SELECT DISTINCT relation FROM xsell_internal.sync_purge_org('b') WHERE relation ~ 'pair';
SELECT count(*) FROM xsell_internal.pair;

-- The sales world: only who sees both orgs sees a pair, or changes it.
\c :home
DROP DATABASE xsell_pair;
SET client_min_messages = warning;
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
SELECT xsell.refresh_pairs() > 100 AS some;
RESET ROLE;
SELECT xsell.set_pair_status(min(id), 'dismissed', 'SECRET_B note') IS NOT NULL AS dismissed FROM xsell.pair_recommendation WHERE org2_id = 'south';
SET ROLE xsell_test_north;
SELECT count(*) FROM xsell.pair_recommendation;
SELECT count(*) FROM xsell.change_history;
SELECT count(*) FROM xsell.shared_customer;
SELECT xsell.set_pair_status(1, 'converted');
SELECT xsell.refresh_pairs();
SET ROLE xsell_test_group;
SELECT count(DISTINCT (org1_id, org2_id)) AS org_pairs, bool_and(account1_name IS NOT NULL AND account2_name IS NOT NULL) AS named FROM xsell.pair_recommendation;
SELECT xsell.set_pair_status(min(id), 'in_progress') IS NOT NULL AS changed FROM xsell.pair_recommendation;
UPDATE xsell_internal.pair SET score = 1;
RESET ROLE;
SELECT count(*) AS one_customer FROM xsell_internal.pair p JOIN xsell_internal.entity_account a ON (a.org_id, a.account_id) = (p.org1_id, p.account1_id)
JOIN xsell_internal.entity_account b ON (b.org_id, b.account_id) = (p.org2_id, p.account2_id) WHERE a.entity_id = b.entity_id;

-- A model of pairs. Its label: one bought, within the horizon and for the first time, what the other had; counted here pair by pair.
SELECT xsell.create_pair_model('90 days');
CREATE TEMPORARY TABLE first_bought AS SELECT org_id, account_id, product_id, min(won_at) AS at FROM xsell_internal.purchase GROUP BY 1, 2, 3;
CREATE TEMPORARY TABLE label AS SELECT * FROM xsell_internal.pair_labels(xsell.clock(), '90 days');
CREATE TEMPORARY TABLE by_hand AS
SELECT t, xsell_internal.pair_number(c.org1_id, c.account1_id, c.org2_id, c.account2_id) AS pair, EXISTS (
    SELECT FROM first_bought b JOIN first_bought o USING (product_id)
    WHERE (b.org_id, b.account_id, o.org_id, o.account_id) IN ((c.org1_id, c.account1_id, c.org2_id, c.account2_id), (c.org2_id, c.account2_id, c.org1_id, c.account1_id))
      AND o.at <= t AND b.at > t AND b.at <= t + interval '90 days')::integer AS y
FROM (SELECT xsell.clock() - interval '180 days' AS t) t, xsell_internal.pair_candidates(t, 30) c;
SELECT count(*) > 500 AS many, count(*) FILTER (WHERE l.y <> h.y) AS differ, sum(l.y) > 10 AS positives FROM label l JOIN by_hand h ON h.pair = l.product_id AND h.t = l.as_of;
CALL xsell.train('pair', NULL, preset => 'classic', parameters => '{"rounds": 10, "random_forest": {"trees": 10}, "neural_network": {"epochs": 5}}');
SELECT count(*) FROM xsell.deploy('pair', 1);
SET client_min_messages = notice;
SELECT xsell.refresh_pairs(.99);
SET client_min_messages = warning;
SELECT xsell.refresh_pairs(0) > 1000 AS some;
SELECT score_source, version, max(abs(score - (.3 * score_neural_net + .3 * score_xgboost + .2 * score_random_forest + .2 * score_gradient_boost))) < 1e-6 AS blend,
       bool_and(probability BETWEEN 0 AND 1) AS probability, count(*) FILTER (WHERE score <= 0) AS breaches,
       bool_and(confidence_level = xsell_internal.pair_confidence(score, d)) AS levels
FROM xsell.pair_recommendation, LATERAL (SELECT stddev_pop(s) AS d FROM unnest(ARRAY[score_neural_net, score_xgboost, score_random_forest, score_gradient_boost]) s) d WHERE rank IS NOT NULL GROUP BY 1, 2;
\c :home
DROP DATABASE xsell_sales;
