-- Exclusions: every rule, what it bars, for whom, until when; and who may read which.
\set SHOW_CONTEXT never
\set home :DBNAME
SET client_min_messages = warning;
DROP DATABASE IF EXISTS xsell_excluded;
CREATE DATABASE xsell_excluded;
\c xsell_excluded
CREATE EXTENSION xsell;
SET timezone = 'UTC';
SET xsell.now = '2024-01-01 00:00+00';
-- Nothing there: nothing excluded.
SELECT count(*) FROM xsell_internal.excluded_pairs(xsell.clock());
SELECT count(*) FROM xsell_internal.excluded_pairs(xsell.clock(), '{}');
SELECT rule, enabled, period, attribute, operator, built_in FROM xsell.exclusion_rule ORDER BY rule;

INSERT INTO xsell.org (org_id, name, connector) VALUES ('north', 'North', 'csv'), ('south', 'South', 'csv');
INSERT INTO xsell.stage_map (org_id, stage, closed, won, is_purchase) SELECT o, s, s <> 'Talks', s = 'Won', s = 'Won'
FROM unnest(ARRAY['north', 'south']) o, unnest(ARRAY['Won', 'Lost', 'Talks']) s;
INSERT INTO xsell.account (org_id, crm_id, name, domain, country, employees, attributes, do_not_contact, modified_at) VALUES
    ('north', 'n1', 'Alpha', 'alpha.com', 'France', 10, NULL, NULL, '2023-01-01'),
    ('north', 'n2', 'Beta', 'beta.com', 'DE', 500, '{"credit_hold": true, "tier": "Gold"}', NULL, '2023-01-01'),
    ('north', 'n3', 'Gamma', 'gamma.com', NULL, NULL, '{"credit_hold": "no", "churn_notice": "Yes"}', true, '2023-01-01'),
    ('south', 's1', 'Alpha', 'alpha.com', NULL, 10, NULL, NULL, '2023-01-01'),
    ('south', 's4', 'Delta', 'delta.com', 'CH', 7, '{"credit_hold": null}', NULL, '2023-01-01');
INSERT INTO xsell.product (org_id, crm_id, name, code, family, is_active, deleted_at, modified_at) VALUES
    ('north', 'p1', 'One', 'P-1', 'Tools', true, NULL, '2023-01-01'), ('south', 'q1', 'Eins', 'P-1', 'Tools', false, NULL, '2023-01-01'),
    ('north', 'p2', 'Two', 'P-2', 'Care', NULL, NULL, '2023-01-01'), ('north', 'p3', 'Three', 'P-3', 'Care', true, '2023-12-01', '2023-12-01'),
    ('south', 'q4', 'Vier', 'P-4', NULL, true, NULL, '2023-01-01');
INSERT INTO xsell.opportunity (org_id, crm_id, account_id, stage, product_name, amount_base, created_at, closed_at, deleted_at, modified_at) VALUES
    ('north', 'lost', 'n1', 'Lost', NULL, 100, '2023-08-01', '2023-09-01', NULL, '2023-09-01'),
    ('north', 'lost long ago', 'n2', 'Lost', NULL, 100, '2023-01-01', '2023-02-01', NULL, '2023-02-01'),
    ('north', 'lost, deleted', 'n2', 'Lost', NULL, 100, '2023-11-01', '2023-12-01', '2023-12-02', '2023-12-02'),
    ('north', 'open', 'n2', 'Talks', NULL, 100, '2023-11-01', '2024-02-01', NULL, '2023-12-02'),
    ('south', 'named', 's4', 'Lost', 'Vier', 100, '2023-11-01', '2023-12-31', NULL, '2023-12-31');
INSERT INTO xsell.opportunity_line (org_id, crm_id, opportunity_id, product_id, modified_at)
SELECT 'north', o || ' ' || p, o, p, '2023-01-01' FROM (VALUES ('lost', 'p2'), ('lost', 'p1'), ('lost long ago', 'p1'), ('lost, deleted', 'p1'), ('open', 'p1')) AS v(o, p);
UPDATE xsell.opportunity_line SET deleted_at = '2023-08-15' WHERE crm_id = 'lost p1';
SELECT xsell_internal.resolve_entities() > 0 AS entities, xsell_internal.resolve_products() > 0 AS products, xsell_internal.refresh_holdings() = 0 AS holdings;
-- Numbers of entities and products are given out; names say who is meant.
CREATE TEMPORARY VIEW shown AS
SELECT rule, COALESCE(entity_name, CASE WHEN entity_id IS NULL THEN '(any)' END) AS entity, COALESCE(product_name, CASE WHEN product_id IS NULL THEN '(any)' END) AS product,
       COALESCE(org_id, '(any)') AS org, reason, until FROM xsell.exclusion;
GRANT SELECT ON shown TO PUBLIC;
SELECT * FROM shown ORDER BY rule, entity, product, org;

-- By hand: dismissed, won, lost, suppressed.
INSERT INTO xsell_internal.recommendation (entity_id, product_id, org_id, route, product_crm_id, probability, rank, confidence_level, next_action, first_seen, last_seen, expires_at, score_source, live)
SELECT e.entity_id, m.product_id, 'north', 'same_org', m.product_crm_id, .1, 1, 'Low', 'Call', xsell.clock(), xsell.clock(), xsell.clock(), 'heuristic', true
FROM xsell_internal.entity_account e, xsell_internal.product_map m
WHERE e.org_id = 'north' AND m.org_id = 'north' AND (e.account_id, m.product_crm_id) IN (('n2', 'p2'), ('n2', 'p1'), ('n1', 'p1'), ('n3', 'p1'));
SELECT count(xsell.set_status(r.recommendation_id, w.status, w.note)) AS changed
FROM (VALUES ('n2', 'p2', 'dismissed', 'no budget'), ('n2', 'p1', 'lost', NULL), ('n1', 'p1', 'won', NULL), ('n3', 'p1', 'accepted', NULL)) AS w(account, product, status, note)
JOIN xsell_internal.entity_account e ON e.org_id = 'north' AND e.account_id = w.account
JOIN xsell_internal.recommendation r ON r.entity_id = e.entity_id AND r.product_crm_id = w.product;
SELECT count(xsell.suppress(e.entity_id, NULL, '2024-03-01 00:00+00')) AS suppressed FROM xsell_internal.entity_account e WHERE e.account_id = 's4';
INSERT INTO xsell_internal.suppression (entity_id, product_id, until)
SELECT e.entity_id, m.product_id, '2023-12-31 00:00+00' FROM xsell_internal.entity_account e, xsell_internal.product_map m
WHERE e.account_id = 's4' AND m.product_crm_id = 'q1';
SELECT * FROM shown WHERE rule IN ('dismissed', 'won', 'recently_lost', 'suppressed') ORDER BY rule, entity, product, org;
-- What was known then: neither the loss nor the custom fields' day is known, but the deal was not yet lost.
SELECT count(*) FROM xsell_internal.excluded_pairs('2023-08-15') WHERE rule = 'recently_lost' AND until < '2024-03-01';

-- Where products are sold: allowed countries, countries that are not, no country known, another org's country.
INSERT INTO xsell.product_region (org_id, product_crm_id, country, allowed) VALUES ('north', 'p1', 'FR', true), ('north', 'p2', 'Germany', false), ('south', 'q4', 'ch', true);
SELECT * FROM shown WHERE rule = 'region' ORDER BY rule, org, product, entity;
-- Only some customers, the same answer.
SELECT count(*) AS differ FROM xsell_internal.entity e CROSS JOIN LATERAL (
    (SELECT * FROM xsell_internal.excluded_pairs(xsell.clock()) x WHERE x.entity_id IS NULL OR x.entity_id = e.entity_id
     EXCEPT ALL SELECT * FROM xsell_internal.excluded_pairs(xsell.clock(), ARRAY[e.entity_id]))
    UNION ALL (SELECT * FROM xsell_internal.excluded_pairs(xsell.clock(), ARRAY[e.entity_id])
     EXCEPT ALL SELECT * FROM xsell_internal.excluded_pairs(xsell.clock()) x WHERE x.entity_id IS NULL OR x.entity_id = e.entity_id)) d;
SELECT count(*) AS doubled FROM (SELECT FROM xsell.exclusion GROUP BY entity_id, product_id, org_id, rule, reason HAVING count(*) > 1) d;

-- A rule switched off, a shorter period, another wording.
UPDATE xsell.exclusion_rule SET enabled = false WHERE rule IN ('region', 'retired', 'dismissed', 'do_not_contact', 'credit_hold', 'suppressed', 'won');
UPDATE xsell.exclusion_rule SET period = '30 days', sentence = 'lost; ask again after {until}' WHERE rule = 'recently_lost';
SELECT * FROM shown ORDER BY rule, entity, product, org;
SELECT rule FROM xsell.exclusion_rule WHERE NOT built_in ORDER BY rule;
-- One's own rules.
INSERT INTO xsell.exclusion_rule (rule, sentence, attribute, operator, value, product_family) VALUES
    ('gold', 'is {value} already', 'tier', '=', 'gold', 'care'), ('small', 'has {value} people', 'employees', '<', '10', NULL),
    ('near', 'is in {value}', 'country', 'one_of', 'at, CH', NULL), ('odd', 'says {value}', 'credit_hold', '>', '1', NULL),
    ('unknown', '{attribute} is not known', 'employees', 'is_missing', NULL, NULL);
SELECT * FROM shown WHERE rule IN ('gold', 'small', 'near', 'odd', 'unknown') ORDER BY rule, entity, product, org;
DELETE FROM xsell.exclusion_rule WHERE rule IN ('gold', 'small', 'near', 'odd', 'unknown');
UPDATE xsell.exclusion_rule SET enabled = false WHERE rule = 'held';
INSERT INTO xsell.exclusion_rule (rule, sentence) VALUES ('nothing', 'is nothing');
UPDATE xsell.exclusion_rule SET attribute = 'tier', operator = 'is_set' WHERE rule = 'region';
UPDATE xsell.exclusion_rule SET period = NULL WHERE rule = 'recently_lost';
UPDATE xsell.exclusion_rule SET period = '-1 day' WHERE rule = 'recently_lost';
INSERT INTO xsell.exclusion_rule (rule, sentence, attribute, operator, value) VALUES ('words', 'x', 'employees', '<', 'ten');
INSERT INTO xsell.exclusion_rule (rule, sentence, attribute, operator, value) VALUES ('typo', 'x', 'tier', '==', 'gold');
DELETE FROM xsell.exclusion_rule WHERE rule = 'open_deal';
-- A dump holds what was edited; a restore finds the built-in rows there, and replaces them.
CREATE TEMPORARY TABLE own AS SELECT * FROM xsell.exclusion_rule WHERE NOT built_in;
SELECT count(*) AS edited FROM own;
DELETE FROM xsell.exclusion_rule WHERE rule IN (SELECT rule FROM own);
INSERT INTO xsell.exclusion_rule SELECT (jsonb_populate_record(o, '{"built_in": true, "sentence": "as it was"}')).* FROM own o;
ALTER TABLE xsell.exclusion_rule DISABLE TRIGGER own_exclusion_rule;
UPDATE xsell.exclusion_rule SET built_in = true WHERE rule IN (SELECT rule FROM own);
ALTER TABLE xsell.exclusion_rule ENABLE TRIGGER own_exclusion_rule;
INSERT INTO xsell.exclusion_rule SELECT * FROM own;
SELECT count(*) AS differ FROM (TABLE own EXCEPT TABLE xsell.exclusion_rule) d;
UPDATE xsell.exclusion_rule SET enabled = true;

-- A reader of one org: its own records' reasons, and nobody else's.
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'xsell_test_excluded') THEN CREATE ROLE xsell_test_excluded; END IF;
END $$;
GRANT xsell_reader TO xsell_test_excluded;
INSERT INTO xsell.org_grant VALUES ('south', 'xsell_test_excluded');
SET ROLE xsell_test_excluded;
SELECT * FROM shown ORDER BY rule, entity, product, org;
SELECT count(*) FROM xsell.product_region;
UPDATE xsell.exclusion_rule SET enabled = false;
INSERT INTO xsell.product_region VALUES ('south', 'q1', 'FR');
RESET ROLE;
\c :home
DROP DATABASE xsell_excluded;
DROP ROLE xsell_test_excluded;
