-- What people decide about customers: reviewed, joined, parted, taken back; and what follows a customer that becomes another.
\set SHOW_CONTEXT never
\set home :DBNAME
SET client_min_messages = warning;
DROP DATABASE IF EXISTS xsell_match;
CREATE DATABASE xsell_match;
\c xsell_match
CREATE EXTENSION xsell;
SET client_min_messages = warning;
SET timezone = 'UTC';
SET xsell.now = '2024-01-01 00:00+00';
INSERT INTO xsell.org (org_id, name, connector) SELECT o, o, 'csv' FROM unnest(ARRAY['ma', 'mb', 'mc']) AS o;
INSERT INTO xsell.account (org_id, crm_id, name, domain, country, modified_at) VALUES
    ('ma', 'a1', 'Northwind Traders', 'northwind.com', 'US', '2024-01-01'), ('mb', 'b1', 'Zephyr Logistics', 'zephyr.io', 'US', '2024-01-01'), ('ma', 'z1', 'Zephyr Logistics', 'zephyr.io', 'US', '2024-01-01'),
    ('ma', 'a2', 'Contoso', 'contoso.com', 'DE', '2024-01-01'), ('mb', 'b2', 'Contoso', 'contoso.com', 'DE', '2024-01-01'), ('mc', 'c2', 'Contoso', 'contoso.com', 'DE', '2024-01-01'),
    ('ma', 'a3', 'Fabrikam', 'fabrikam.com', 'FR', '2024-01-01'), ('mc', 'c3', 'Tailspin Toys', 'tailspin.com', 'FR', '2024-01-01');
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'xsell_match_one') THEN
        CREATE ROLE xsell_match_one;
        CREATE ROLE xsell_match_two;
    END IF;
END $$;
GRANT xsell_analyst TO xsell_match_one, xsell_match_two;
INSERT INTO xsell.org_grant VALUES ('ma', 'xsell_match_one'), ('ma', 'xsell_match_two'), ('mb', 'xsell_match_two');
SELECT xsell_internal.resolve_entities() AS accounts;
CREATE VIEW who AS SELECT string_agg(e.org_id || ':' || e.account_id, ' ' ORDER BY e.org_id, e.account_id) AS accounts FROM xsell_internal.entity_account e GROUP BY e.entity_id;
SELECT * FROM who ORDER BY 1;

-- The queue: pairs to be looked at, by those who see both sides.
INSERT INTO xsell_internal.match_pair (org_a, account_a, org_b, account_b, score, band, reason) VALUES
    ('ma', 'a1', 'mb', 'b1', 0.7, 'review', 'same phone'), ('ma', 'a3', 'mc', 'c3', 0.6, 'review', 'same address'), ('ma', 'a2', 'mb', 'b2', 0.99, 'match', 'same domain')
ON CONFLICT ON CONSTRAINT match_pair_pkey DO UPDATE SET score = excluded.score, band = excluded.band, reason = excluded.reason;
SELECT org_a, account_a, name_a, domain_a, country_a, org_b, account_b, name_b, score, reason, entity_a <> entity_b AS apart FROM xsell.match_review ORDER BY 1, 2, 5, 6;
SET ROLE xsell_match_one;
SELECT count(*) FROM xsell.match_review;
SELECT xsell.accept_match('ma', 'a1', 'mb', 'b1');
SELECT xsell.split_account('ma', 'a2');
INSERT INTO xsell_internal.match_decision (org_a, account_a, org_b, account_b, same) VALUES ('ma', 'a1', 'mb', 'b1', true);
SET ROLE xsell_match_two;
SELECT org_a, account_a, org_b, account_b FROM xsell.match_review ORDER BY 1, 2;
SELECT xsell.accept_match('mb', 'b1', 'ma', 'a1', 'one building') AS accepted \gset
SELECT xsell.accept_match('ma', 'a1', 'mb', 'b1', 'one building') AS decided_so_already;
SELECT count(*) FROM xsell.match_review;
SELECT org_a, account_a, name_a, org_b, account_b, name_b, same, note, decided_by FROM xsell.match_decision;
RESET ROLE;
SELECT * FROM who ORDER BY 1;
SELECT action, orgs, subject, old_value, new_value, note, changed_by FROM xsell.change_history WHERE change_id = :accepted;

-- Taken back, and the taking back too.
SET ROLE xsell_match_one;
SELECT xsell.undo(:accepted);
SET ROLE xsell_match_two;
SELECT xsell.undo(:accepted) AS undone \gset
SELECT count(*) FROM xsell.match_review;
SELECT xsell.undo(:accepted);
SELECT xsell.undo(:undone) IS NOT NULL AS redone;
RESET ROLE;
SELECT * FROM who WHERE accounts LIKE '%b1%';
SELECT xsell.undo((SELECT max(change_id) FROM xsell.change_history)) IS NOT NULL AS undone;
SELECT * FROM who WHERE accounts LIKE '%b1%';

-- Rejected: off the queue, and apart whatever the rule says.
SELECT xsell.reject_match('ma', 'a3', 'mc', 'c3') IS NOT NULL AS rejected;
SELECT xsell.reject_match(ARRAY['ma', 'mb'], ARRAY['a2', 'b2'], ARRAY['mb', 'mc'], ARRAY['b2', 'c2'], 'three firms') AS batch \gset
SELECT xsell_internal.resolve_entities() IS NOT NULL AS resolved;
SELECT count(*) AS parts_that_cross FROM xsell_internal.match_decision d JOIN xsell_internal.entity_account x ON (x.org_id, x.account_id) = (d.org_a, d.account_a)
JOIN xsell_internal.entity_account y ON (y.org_id, y.account_id) = (d.org_b, d.account_b) WHERE NOT d.same AND x.entity_id = y.entity_id;
SELECT xsell.undo_batch(:batch);
SELECT * FROM who WHERE accounts LIKE '%2';
SELECT xsell.split_account('mb', 'b2', 'a namesake') AS split \gset
SELECT * FROM who WHERE accounts LIKE '%2' ORDER BY 1;
SELECT org_a, account_a, org_b, account_b, same FROM xsell.match_decision WHERE note = 'a namesake' ORDER BY 1, 2, 3, 4;
SELECT xsell.accept_match('ma', 'a2', 'mb', 'b2');
SELECT xsell.split_account('mb', 'b2');
SELECT xsell.undo_batch(:split);
SELECT * FROM who WHERE accounts LIKE '%2';

-- What makes no sense is refused.
SELECT xsell.accept_match('ma', 'a1', 'ma', 'a1');
SELECT xsell.accept_match('ma', 'a1', 'mb', NULL);
SELECT xsell.accept_match('ma', 'a1', 'nowhere', 'x');
SELECT xsell.accept_match(ARRAY['ma'], ARRAY['a1', 'a2'], ARRAY['mb'], ARRAY['b1']);
SELECT xsell.accept_match('{}'::text[], '{}', '{}', '{}') AS nothing;
SELECT xsell.merge_entities(1, 1);
SELECT xsell.merge_entities(0, 1);
SELECT xsell.split_account('ma', 'nobody');

-- What is said of a customer follows it into another. Of two recommendations of one product the further one stays.
SELECT min(entity_id) FILTER (WHERE account_id = 'a1') AS one, min(entity_id) FILTER (WHERE account_id = 'b1') AS two FROM xsell_internal.entity_account \gset
SELECT least(:one, :two) AS kept, greatest(:one, :two) AS gone \gset
INSERT INTO xsell_internal.recommendation (entity_id, product_id, org_id, route, account_id, product_crm_id, probability, rank, confidence_level, next_action, status, first_seen,
    last_seen, expires_at, score_source)
SELECT v.e, v.p, v.o, v.r, v.a, 'p', .1, 1, 'Low', v.mark, v.s, v.f, '2024-01-01', '2024-02-01', 'rule'
FROM (VALUES (:one, 1, 'ma', 'same_org', 'a1', 'A new', 'new', timestamptz '2023-01-01'), (:two, 1, 'ma', 'same_org', 'z1', 'B dismissed', 'dismissed', '2023-06-01'),
             (:one, 2, 'ma', 'same_org', 'a1', 'A accepted', 'accepted', '2023-06-01'), (:two, 2, 'ma', 'same_org', 'z1', 'B new', 'new', '2023-01-01'),
             (:one, 3, 'ma', 'same_org', 'a1', 'A alone', 'new', '2023-06-01'), (:two, 4, 'mb', 'same_org', 'b1', 'B alone', 'accepted', '2023-01-01'),
             (:one, 5, 'mb', 'cross_org', NULL, 'A introduces', 'new', '2023-01-01')) AS v(e, p, o, r, a, mark, s, f);
INSERT INTO xsell_internal.introduction (recommendation_id, org_id, account_id) SELECT recommendation_id, 'ma', 'a1' FROM xsell_internal.recommendation WHERE next_action = 'A introduces';
SELECT xsell.suppress(:one, note => 'of one') IS NOT NULL AS one, xsell.suppress(:two, until => '2024-06-01', note => 'of two') IS NOT NULL AS two,
       xsell.suppress(:two, org => 'mb', note => 'of mb') IS NOT NULL AS three;
INSERT INTO xsell_internal.model_version (model, version, feature_set, feature_set_version, algorithm, feature, blob_sha256)
VALUES ('cross_sell', 1, 'cross_sell', 1, 'xgboost', '{a}', repeat('0', 64));
INSERT INTO xsell_internal.exposure (model, version, arm, entity_id, product_id, probability, shown_at)
SELECT 'cross_sell', 1, 'champion', v.e, v.p, v.y, v.at
FROM (VALUES (:one, 1, .1, timestamptz '2024-01-01 10:00'), (:two, 1, .2, '2024-01-01 09:00'), (:two, 1, .3, '2024-01-02 09:00'), (:two, NULL, .4, '2024-01-02')) AS v(e, p, y, at);
INSERT INTO xsell_internal.outcome (model, entity_id, kind, at) VALUES ('cross_sell', :two, 'won', '2024-01-01'), ('cross_sell', :one, 'won', '2024-01-01');
CREATE VIEW said AS SELECT next_action, status, (SELECT string_agg(k.account_id, '+' ORDER BY k.account_id) FROM xsell_internal.entity_account k
    WHERE k.entity_id = r.entity_id) AS of, live, product_id FROM xsell_internal.recommendation r;
SELECT xsell.merge_entities(:one, :two, 'a takeover') AS merged \gset
SELECT * FROM said ORDER BY product_id, next_action;
SELECT entity_id = :kept AS kept, org_id, until, note FROM xsell_internal.suppression ORDER BY org_id;
SELECT entity_id = :kept AS kept, product_id, probability FROM xsell_internal.exposure ORDER BY probability;
SELECT count(*) FILTER (WHERE entity_id = :kept) AS kept, count(*) FROM xsell_internal.outcome;
SELECT entity_id = :kept AS kept, new_value, note, undoes FROM xsell.change_history WHERE action = 'suppress' ORDER BY change_id;
-- Nothing is left to follow.
CREATE TEMPORARY TABLE before AS SELECT * FROM xsell_internal.recommendation;
SELECT xsell_internal.follow_survivors();
SELECT count(*) AS changed FROM (SELECT * FROM before EXCEPT SELECT * FROM xsell_internal.recommendation) d;

-- Undone, each has its own again; nobody may offer either of them what was suppressed for both.
SELECT xsell.undo(:merged) IS NOT NULL AS undone;
SELECT * FROM who WHERE accounts LIKE '%1' ORDER BY 1;
SELECT * FROM said ORDER BY product_id, next_action;
SELECT (SELECT string_agg(k.account_id, '+' ORDER BY k.account_id) FROM xsell_internal.entity_account k WHERE k.entity_id = s.entity_id) AS of, org_id, until, note
FROM xsell_internal.suppression s ORDER BY 1, 2;

-- Chains end with the last survivor, circles do no harm.
INSERT INTO xsell_internal.entity (entity_id, merged_into) VALUES (901, 902), (902, 903), (903, NULL), (904, 905), (905, 904);
INSERT INTO xsell_internal.outcome (model, entity_id, kind, at) SELECT 'cross_sell', e, 'chain', '2024-01-01' FROM unnest(ARRAY[901, 902, 904]) e;
SELECT xsell_internal.follow_survivors();
SELECT entity_id, count(*) FROM xsell_internal.outcome WHERE kind = 'chain' GROUP BY 1 ORDER BY 1;
DELETE FROM xsell_internal.entity WHERE entity_id > 900;

-- A plain statement is logged too, and names who made it.
SET ROLE xsell_match_two;
INSERT INTO xsell_internal.match_decision (org_a, account_a, org_b, account_b, same) VALUES ('ma', 'a1', 'mb', 'b1', false);
UPDATE xsell_internal.match_decision SET decided_by = 'somebody else' WHERE account_a = 'a1';
UPDATE xsell_internal.match_decision SET note = 'plain' WHERE account_a = 'a1';
SELECT action, subject, old_value, new_value, note, changed_by FROM xsell.change_history ORDER BY change_id DESC LIMIT 2;
RESET ROLE;
SELECT count(*) AS decided_by_them FROM xsell_internal.match_decision WHERE decided_by = 'xsell_match_two' AND note = 'plain';

-- An org that goes takes what was decided about its accounts and products with it.
SELECT count(*) > 0 AS some FROM xsell_internal.change_log WHERE 'mb' = ANY (orgs);
SELECT count(*) > 0 AS removed FROM xsell_internal.sync_purge_org('mb');
SELECT (SELECT count(*) FROM xsell_internal.change_log WHERE 'mb' = ANY (orgs)) AS changes,
       (SELECT count(*) FROM xsell_internal.match_decision WHERE 'mb' IN (org_a, org_b)) AS decisions, (SELECT count(*) FROM xsell_internal.match_pair WHERE 'mb' IN (org_a, org_b)) AS pairs;
\c :home
DROP DATABASE xsell_match;
DROP ROLE xsell_match_one, xsell_match_two;
