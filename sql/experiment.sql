\set SHOW_CONTEXT never
SET datestyle = 'ISO';
SET timezone = 'UTC';
SET extra_float_digits = 0;
SET xsell.now = '2024-03-01 12:00:00+00';
-- What versions of a split showed, what came of it, and what that says.

-- Tails: figures of scipy.stats.norm.sf and scipy.stats.chi2.sf.
SELECT z, abs(xsell_internal.normal_tail(z) / p - 1) < 1e-9 AS right
FROM (VALUES (0, 0.5), (1.959963984540054, 0.025), (-1, 0.8413447460685429), (5, 2.866515718791933e-07), (30, 4.906713927147908e-198)) AS v(z, p);
SELECT x, degrees, abs(xsell_internal.chi_square_tail(x, degrees) / p - 1) < 1e-9 AS right
FROM (VALUES (3.841458820694124, 1, 0.05), (5.991464547107979, 2, 0.05), (7.3, 3, 0.06292623645904312), (0.5, 4, 0.9735009788392561), (20, 5, 0.0012497305630313773),
             (100, 6, 2.509303552201055e-19), (14.067140449340169, 7, 0.05), (0, 3, 1)) AS v(x, degrees, p);
SELECT xsell_internal.chi_square_tail(1, 0);
SELECT xsell_internal.chi_square_tail('Infinity', 3) AS at_infinity, xsell_internal.chi_square_tail('NaN', 3) AS of_nan, xsell_internal.normal_tail(NULL) AS of_null;
-- Wilson: scipy.stats.binomtest(...).proportion_ci(method='wilson').
SELECT successes, trials, abs(i.low - v.low) < 1e-9 AND abs(i.high - v.high) < 1e-9 AS right
FROM (VALUES (30, 200, 0.10713593562241996, 0.20605579284166664), (0, 10, 0, 0.27753279986288926), (10, 10, 1 - 0.27753279986288926, 1)) AS v(successes, trials, low, high),
     xsell_internal.wilson_interval(successes, trials) i;
SELECT * FROM xsell_internal.wilson_interval(0, 0);
-- Two rates: scipy.stats.contingency.relative_risk, and chi2_contingency(correction=False), whose statistic is the square of z.
SELECT lift, abs(low - 0.015223749937738784) < 1e-9 AS low, abs(high - 1.2162602087845036) < 1e-9 AS high, abs(p_value - 0.04017387028851206) < 1e-12 AS p_value
FROM xsell_internal.compare_rates(60, 1000, 40, 1000, 0.2);
-- Always valid: the formula of the comment. Simulated, 200 looks at arms without a difference raise a false alarm in 0.5 to 2.5 % of
-- experiments (the z test in 40 %), and a true lift of 20 % on 5 % is found in 95 % of them within 20,000 entities an arm.
SELECT abs(c.always_valid_p - least(1, 1 / (sqrt(s2 / (s2 + t2)) * exp(t2 * d ^ 2 / (2 * s2 * (s2 + t2)))))) < 1e-12 AS right, round(c.always_valid_p::numeric, 6) AS p
FROM (VALUES (60, 1000, 40, 1000), (90, 1000, 40, 1000), (50, 1000, 40, 1000), (500, 9000, 300, 9000)) AS v(a, n, c, m),
     LATERAL (SELECT ln((a / n::float8) / (c / m::float8)) AS d, (1 - a / n::float8) / a + (1 - c / m::float8) / c AS s2, ln(1.2) ^ 2 AS t2) s,
     xsell_internal.compare_rates(a, n, c, m, 0.2) c;
-- Nothing, next to nothing, everything, and so much that a probability is too small to be told.
SELECT * FROM (VALUES (1, 0, 0, 0, 0), (2, 0, 10, 0, 10), (3, 10, 10, 10, 10), (4, 5, 10, 0, 10), (5, 9, 100, 20, 100), (6, 900000, 1000000, 100000, 1000000),
               (7, NULL, NULL, 1, 2)) AS v(no, a, n, c, m), xsell_internal.compare_rates(a, n, c, m, 0.2) ORDER BY no;
-- Sample size: simulated, 8158 find a fifth more than 5 % in 80.0 % of experiments, 388 a fifth more than half in 79.5 %.
SELECT xsell_internal.needed_sample(0.05, 0.2) AS five_percent, xsell_internal.needed_sample(0.5, 0.2) AS half, xsell_internal.needed_sample(0.9, 0.2) AS above_one, xsell_internal.needed_sample(0, 0.2) AS zero;

-- A model of somebody's own: no product, outcomes are recorded.
INSERT INTO xsell_internal.model (model, feature_set, horizon, label_query, label_owner) VALUES ('exp', 'exp', '30 days', 'SELECT', CURRENT_USER);
INSERT INTO xsell_internal.model_version (model, version, feature_set, feature_set_version, algorithm, feature, blob_sha256)
SELECT 'exp', v, 'exp', 1, 'xgboost', '{a}', repeat('0', 64) FROM generate_series(1, 3) v;
SELECT * FROM xsell.experiment('nope');
SELECT * FROM xsell.experiment('exp');
SELECT xsell.log_exposure('exp', 1);
SELECT xsell.log_exposure('nope', 1);
SELECT role, version, share FROM xsell.split_traffic('exp', '{"1": 0.8, "2": 0.2}');
-- The same split again begins no new experiment.
SELECT max(deployed_at) AS began FROM xsell.deployment WHERE model = 'exp' \gset
SELECT count(*) AS versions, max(deployed_at) = :'began' AS goes_on FROM xsell.split_traffic('exp', '{"1": 0.8, "2": 0.2}');
SELECT arm, version, exposures, entities, outcomes, rate, low, high, lift, p_value, always_valid_p, sample_ratio_p, needed, decision FROM xsell.experiment('exp');
SELECT * FROM xsell.experiment('exp', effect => 0);
SELECT count(xsell.log_exposure('exp', e, shown_at => '2024-02-01')) AS first_time FROM generate_series(1, 6000) e;
SELECT count(xsell.log_exposure('exp', e, shown_at => '2024-02-01 23:59:59+00')) AS same_day FROM generate_series(1, 6000) e;
SELECT count(xsell.log_exposure('exp', e, shown_at => '2024-02-02')) AS next_day FROM generate_series(1, 100) e;
SELECT xsell.log_exposure('exp', NULL);
SELECT count(*) AS exposures, count(*) FILTER (WHERE version = xsell_internal.assigned_version('exp', entity_id) AND arm = CASE version WHEN 1 THEN 'champion' ELSE 'challenger' END) AS by_the_split
FROM xsell_internal.exposure WHERE model = 'exp';
SELECT arm, version, exposures, outcomes, rate, lift, p_value, always_valid_p, needed, decision, sample_ratio_p > 0.001 AS shares_hold FROM xsell.experiment('exp');
-- One in ten for the champion, one in five for the challenger; too early, too late, another kind, another entity: none of these counts.
CREATE TEMPORARY TABLE part AS
SELECT e, xsell_internal.assigned_version('exp', e) AS version, row_number() OVER (PARTITION BY xsell_internal.assigned_version('exp', e) ORDER BY e) AS n FROM generate_series(1, 6000) e;
SELECT count(xsell.record_outcome('exp', e, at => '2024-02-10')) > 0 AS recorded FROM part WHERE n % CASE version WHEN 1 THEN 10 ELSE 5 END = 0;
SELECT xsell.record_outcome('exp', e, at => '2024-02-11', value => 5) IS NOT NULL AS again FROM part WHERE version = 2 AND n = 5;
SELECT xsell.record_outcome('exp', e, kind => k, at => at::timestamptz) IS NOT NULL AS besides
FROM part, (VALUES ('won', '2024-01-31 23:59:59+00'), ('won', '2024-03-04'), ('clicked', '2024-02-10')) AS v(k, at) WHERE part.version = 2 AND part.n = 1;
SELECT xsell.record_outcome('exp', 70000) IS NOT NULL AS never_shown;
SELECT xsell.record_outcome('exp', 1, kind => 'Not a kind');
SELECT xsell.record_outcome('exp', NULL);
SELECT xsell.record_outcome('nope', 1);
WITH figure AS (SELECT * FROM xsell.experiment('exp')), a AS (SELECT * FROM figure WHERE arm = 'champion'), b AS (SELECT * FROM figure WHERE arm = 'challenger')
SELECT a.entities = (SELECT count(*) FROM part WHERE version = 1) AND b.entities = (SELECT count(*) FROM part WHERE version = 2) AS entities,
       a.exposures + b.exposures AS exposures, a.outcomes = a.entities / 10 AND b.outcomes = b.entities / 5 AS outcomes,
       a.rate = a.outcomes / a.entities::float8 AS rate, b.lift = b.rate / a.rate - 1 AS lift, a.lift IS NULL AND a.p_value IS NULL AS reference,
       (b.lift, b.lift_low, b.lift_high, b.p_value, b.always_valid_p) = (c.lift, c.low, c.high, c.p_value, c.always_valid_p) AS compared,
       abs(b.sample_ratio_p - xsell_internal.chi_square_tail((a.entities - 4800) ^ 2 / 4800.0 + (b.entities - 1200) ^ 2 / 1200.0, 1)) < 1e-12 AS ratio_test,
       b.needed = xsell_internal.needed_sample(a.rate, 0.2) AS needed, b.decision
FROM a, b, xsell_internal.compare_rates(b.outcomes, b.entities, a.outcomes, a.entities, 0.2) c;
SELECT arm, outcomes, decision FROM xsell.experiment('exp', kind => 'clicked');
SELECT arm, entities, decision FROM xsell.experiment('exp', '2024-02-02');
SELECT exposure_id IS NOT NULL AS exposure, kind, outcome_at, value FROM xsell.exposure_outcome o JOIN part ON e = entity_id
WHERE o.model = 'exp' AND part.version = 2 AND part.n IN (1, 5) AND shown_at = '2024-02-01' ORDER BY n, kind;
-- An entity that moved counts for the version it met first; what a version outside the split showed is told, too.
SELECT role, version, share FROM xsell.split_traffic('exp', '{"1": 0.4, "3": 0.6}');
SELECT arm, version, exposures, decision FROM xsell.experiment('exp');
SELECT count(xsell.log_exposure('exp', e, shown_at => '2024-02-03')) AS third_day FROM generate_series(1, 6000) e;
SELECT arm, version, entities > 0 AS met, sample_ratio_p > 0.001 AS shares_hold FROM xsell.experiment('exp');
SELECT sum(entities) AS entities, sum(exposures) > 6000 AS exposures, count(*) FILTER (WHERE arm IS NULL AND share IS NULL AND version = 2) AS former,
       count(*) FILTER (WHERE version = 3 AND entities = 0) AS met_nobody_first FROM xsell.experiment('exp', '-infinity');
-- Entities that do not match the shares.
DELETE FROM xsell_internal.exposure WHERE model = 'exp' AND version = 3 AND entity_id % 3 = 0;
SELECT arm, decision FROM xsell.experiment('exp');
DROP TABLE part;

-- Products: the work list is logged, and purchases are the outcomes.
INSERT INTO xsell_internal.model_version (model, version, feature_set, feature_set_version, algorithm, feature, horizon, blob_sha256)
SELECT 'cross_sell', v, 'cross_sell', 1, 'xgboost', '{a}', '60 days', repeat('0', 64) FROM generate_series(1, 2) v;
SELECT role, version, share FROM xsell.split_traffic('cross_sell', '{"1": 0.5, "2": 0.5}');
INSERT INTO xsell_internal.recommendation (entity_id, product_id, org_id, route, product_crm_id, probability, rank, confidence_level, next_action, first_seen, last_seen, expires_at,
    score_source, model, version, live)
VALUES (11, 1, 'o', 'same_org', 'p', 0.5, 1, 'Low', '', now(), now(), now(), 'model', 'cross_sell', 1, true), (11, 2, 'o', 'same_org', 'p', 0.4, 2, 'Low', '', now(), now(), now(), 'model', 'cross_sell', 1, true),
       (11, 2, 'n', 'cross_org', 'p', 0.4, 3, 'Low', '', now(), now(), now(), 'model', 'cross_sell', 1, true), (12, 1, 'o', 'same_org', 'p', 0.3, 1, 'Low', '', now(), now(), now(), 'model', 'cross_sell', 2, true),
       (13, 1, 'o', 'same_org', 'p', 0.3, 1, 'Low', '', now(), now(), now(), 'model', 'cross_sell', 2, false), (14, 1, 'o', 'winback', 'p', 0.3, 1, 'Low', '', now(), now(), now(), 'rule', NULL, NULL, true);
SELECT xsell.log_exposures('nope');
SELECT xsell.log_exposures('cross_sell', top_n => 1) AS first_of_each;
SELECT xsell.log_exposures('cross_sell') AS the_rest, xsell.log_exposures('cross_sell') AS again;
SELECT xsell.log_exposures('cross_sell', '2024-03-02') AS next_day;
INSERT INTO xsell_internal.purchase (account_id, org_id, source, record_id, entity_id, product_id, won_at, deleted_at, amount_base) VALUES
    ('a', 'o', 'deal', '1', 11, 1, '2024-03-01 12:00:00+00', NULL, 1), ('a', 'o', 'deal', '2', 11, 1, '2024-03-10', NULL, 250), ('a', 'o', 'deal', '3', 11, 1, '2024-03-09', '2024-03-10', 9),
    ('a', 'o', 'deal', '4', 11, 2, '2024-07-10', NULL, 1), ('a', 'o', 'deal', '5', 12, 2, '2024-03-10', NULL, 1);
SELECT version, arm, entity_id, product_id, probability, rank, shown_at, kind, outcome_at, value FROM xsell.exposure_outcome WHERE model = 'cross_sell' ORDER BY shown_at, entity_id, product_id;
SELECT arm, version, exposures, entities, outcomes, rate, decision FROM xsell.experiment('cross_sell');

-- An analyst records outcomes of the customers that it sees; a reader does not write, and counts what it may see.
CREATE ROLE regress_analyst;
CREATE ROLE regress_reader;
GRANT xsell_analyst TO regress_analyst;
GRANT xsell_reader TO regress_reader;
SET ROLE regress_analyst;
SELECT xsell.record_outcome('cross_sell', 11, 1, 'accepted');
RESET ROLE;
INSERT INTO xsell.org (org_id, name, connector) VALUES ('o', 'o', 'csv');
INSERT INTO xsell_internal.entity_account (org_id, account_id, entity_id, match_confidence, match_reason) VALUES ('o', 'a', 11, 1, 'test');
INSERT INTO xsell_internal.product_map (org_id, product_crm_id, product_id, method) VALUES ('o', 'p1', 1, 'code'), ('o', 'p3', 3, 'code');
INSERT INTO xsell.org_grant VALUES ('o', 'regress_analyst');
SET ROLE regress_analyst;
SELECT xsell.record_outcome('cross_sell', 11, 1, 'accepted') IS NOT NULL AS recorded, xsell.log_exposure('cross_sell', 11, 3) IS NOT NULL AS logged;
SELECT xsell.record_outcome('cross_sell', 12, 1, 'accepted');
SELECT xsell.log_exposure('cross_sell', 11, 2);
SELECT DISTINCT entity_id, product_id FROM xsell.exposure_outcome ORDER BY product_id;
SET ROLE regress_reader;
SELECT xsell.record_outcome('cross_sell', 11);
SELECT arm, exposures, decision FROM xsell.experiment('cross_sell');
RESET ROLE;
DROP OWNED BY regress_analyst, regress_reader;
DELETE FROM xsell.org_grant WHERE role = 'regress_analyst';
DROP ROLE regress_analyst, regress_reader;

-- Numbers that cannot be.
SELECT xsell.log_exposure('cross_sell', 11, 1, probability => 1.5);
SELECT xsell.log_exposure('cross_sell', 11, 1, probability => 'NaN');
SELECT xsell.log_exposure('cross_sell', 11, 1, rank => 0);
SELECT xsell.log_exposure('cross_sell', 11, 1, shown_at => 'infinity');
SELECT xsell.record_outcome('cross_sell', 11, 1, at => '-infinity');
SELECT xsell.record_outcome('cross_sell', 11, 1, value => 'NaN');

-- An org that goes takes along what was shown to those that it alone had.
BEGIN;
SELECT relation, removed > 0 AS removed FROM xsell_internal.sync_purge_org('o') WHERE relation IN ('xsell_internal.exposure', 'xsell_internal.outcome');
SELECT bool_or(entity_id = 11 AND model = 'cross_sell') AS its_own, count(*) > 0 AS others FROM xsell_internal.exposure;
ROLLBACK;

DELETE FROM xsell_internal.product_map WHERE org_id = 'o';
DELETE FROM xsell_internal.entity_account WHERE org_id = 'o';
DELETE FROM xsell.org WHERE org_id = 'o';
DELETE FROM xsell_internal.purchase WHERE org_id = 'o';
DELETE FROM xsell_internal.recommendation;
DELETE FROM xsell_internal.outcome;
DELETE FROM xsell_internal.deployment WHERE model IN ('exp', 'cross_sell');
DELETE FROM xsell_internal.model_version WHERE model IN ('exp', 'cross_sell');
SELECT count(*) AS exposures_go_with_their_version FROM xsell_internal.exposure;
DELETE FROM xsell_internal.model WHERE model = 'exp';
