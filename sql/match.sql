\set SHOW_CONTEXT never
-- What is compared: prepared accounts, their keys, scores and reasons.
CREATE FUNCTION pg_temp.prepared(name text, domain text DEFAULT NULL, phone text DEFAULT NULL, street text DEFAULT NULL, postal text DEFAULT NULL, country text DEFAULT NULL,
                                 kind text DEFAULT 'company', birth text DEFAULT NULL, registration text DEFAULT NULL) RETURNS text[]
LANGUAGE sql RETURN xsell_internal.match_profile(kind, name, domain, phone, street, postal, NULL, country, birth, registration, NULL, NULL);
SELECT street, (p)[5] AS house, (p)[6] AS street_key, (p)[7] AS postal
FROM (SELECT street, pg_temp.prepared('x', street => street) AS p
      FROM unnest(ARRAY['221 E. 51st St., Suite 3', '221 East 51 Street', 'Hauptstr. 12a', 'Hauptstraße 12A', '12, rue de la Paix', '27 Washington Oak Park IL 60302', 'Ленина ул. 5', '', '???']) AS street) s;
SELECT pg_temp.prepared('Ελληνική Εταιρεία Α.Ε.') AS greek, pg_temp.prepared('n/a', phone => '000-0000') AS nothing, xsell_internal.match_keys(pg_temp.prepared(NULL)) AS no_keys;
SELECT a, b, round(xsell_internal.match_score(x, y, '{}')::numeric, 2) AS score, xsell_internal.match_reason(x, y) AS reason,
       xsell_internal.match_score(x, y, '{}') = xsell_internal.match_score(y, x, '{}') AS symmetric,
       xsell_internal.match_keys(x) && xsell_internal.match_keys(y) AS found
FROM (VALUES ('one domain', pg_temp.prepared('Acme Robotics Inc', 'acme.com'), 'other legal form', pg_temp.prepared('ACME Robotics GmbH', 'acme.com')),
             ('one domain', pg_temp.prepared('Globex', 'acme.com'), 'other name', pg_temp.prepared('Initech', 'acme.com')),
             ('no website', pg_temp.prepared('Acme Robotics', phone => '+13125550143', country => 'US'), 'same phone', pg_temp.prepared('Acme Robotic', phone => '312 555 0143')),
             ('one name', pg_temp.prepared('Summit Foods', 'summit.com'), 'two domains', pg_temp.prepared('Summit Foods', 'summit-foods.org')),
             ('acme.co.uk', pg_temp.prepared('Acme Robotics', 'acme.co.uk'), 'initech.co.uk', pg_temp.prepared('Initech Robotics', 'initech.co.uk')),
             ('no name', pg_temp.prepared(''), 'no name', pg_temp.prepared('')),
             ('one house', pg_temp.prepared('Carole Robertson Center For Learning', street => '3701 W Ogden Ave', country => 'US'), 'shared words', pg_temp.prepared('Carole Robertson Jubilee', street => '3701 W. Ogden', country => 'US')),
             ('one house', pg_temp.prepared('Smith Consulting', street => '350 Fifth Ave'), 'nothing else', pg_temp.prepared('Zebra Foods', street => '350 5th Avenue')),
             ('VAT', pg_temp.prepared('Acme', registration => 'DE 123456789'), 'VAT', pg_temp.prepared('Robotics', registration => 'DE123456789')),
             ('person', pg_temp.prepared('Jane Miller', kind => 'person', birth => '1980-02-03', postal => '10115'), 'maiden name', pg_temp.prepared('Jane Smith', kind => 'person', birth => '1980-02-03', postal => '10115')),
             ('person', pg_temp.prepared('Jane Miller', kind => 'person', street => 'Main St 5', postal => '10115'), 'her son', pg_temp.prepared('Tom Miller', kind => 'person', street => 'Main St 5', postal => '10115')),
             ('person', pg_temp.prepared('Jane Miller', kind => 'person'), 'company', pg_temp.prepared('Jane Miller'))) AS v(a, x, b, y);
SELECT xsell_internal.match_score('{a}', '{b}', '{}');
SELECT xsell_internal.match_score(pg_temp.prepared('a'), pg_temp.prepared('b'), '{1,2}');

BEGIN;
SELECT set_config('xsell.now', '2024-06-01', true) \g /dev/null
CREATE FUNCTION pg_temp.customers(accounts text[]) RETURNS bigint LANGUAGE sql
RETURN (SELECT count(DISTINCT e.entity_id) FROM unnest(accounts) a JOIN xsell_internal.entity_account e ON e.org_id || e.account_id = a);
-- Decisions: kept whatever the scores say, and taken back.
INSERT INTO xsell.account (org_id, crm_id, name, domain, country, type, modified_at) VALUES
    ('ra', '1', 'Acme Robotics', 'acme.com', 'US', NULL, '2024-01-01'), ('rb', '1', 'Acme Robotics', 'acme.com', 'US', NULL, '2024-01-01'),
    ('rc', '1', 'ACME Robotics Inc', 'acme.com', 'US', NULL, '2024-01-01'), ('ra', '2', 'Wayne', 'wayne.com', NULL, NULL, '2024-01-01'),
    ('rb', '2', 'Bruce', 'bruce.com', NULL, NULL, '2024-01-01'), ('rc', '2', 'Jane Miller', NULL, 'US', 'Household', '2024-01-01'),
    ('rb', '3', 'Jane Miller', NULL, 'US', NULL, '2024-01-01'), ('ra', '4', 'Globex', 'acme.com', 'US', NULL, '2024-01-01');
SELECT xsell_internal.resolve_entities() AS resolved, pg_temp.customers('{ra1,rb1,rc1}') AS acme, pg_temp.customers('{rc2,rb3}') AS kinds_apart;
SELECT org_a, account_a, org_b, account_b, round(score::numeric, 2) AS score, band, reason FROM xsell_internal.match_pair ORDER BY 1, 2, 3, 4;
INSERT INTO xsell_internal.match_decision (org_a, account_a, org_b, account_b, same, decided_by) VALUES
    ('ra', '1', 'rb', '1', false, 'kim'), ('ra', '2', 'rb', '2', true, 'kim'), ('rb', '3', 'rc', '2', true, 'kim');
SELECT xsell_internal.resolve_entities() AS moved, pg_temp.customers('{ra1,rb1}') AS acme, pg_temp.customers('{ra1,rb1,rc1}') AS never_three,
       pg_temp.customers('{ra2,rb2}') AS wayne, pg_temp.customers('{rc2,rb3}') AS kinds_apart;
SELECT org_id, account_id, round(match_confidence::numeric, 2) AS confidence, match_reason FROM xsell_internal.entity_account WHERE account_id = '2' AND org_id <> 'rc' ORDER BY 1;
DELETE FROM xsell_internal.match_decision;
SELECT xsell_internal.resolve_entities() AS moved, pg_temp.customers('{ra1,rb1,rc1}') AS acme, pg_temp.customers('{ra2,rb2}') AS wayne;
SELECT xsell_internal.resolve_entities() AS nothing_new;
-- A contradiction: A is B, B is C, A is not C.
INSERT INTO xsell_internal.match_decision (org_a, account_a, org_b, account_b, same) VALUES ('ra', '2', 'rb', '2', true), ('ra', '4', 'rb', '2', true), ('ra', '2', 'ra', '4', false);
SELECT xsell_internal.resolve_entities() > 0 AS moved, pg_temp.customers('{ra2,ra4}') AS apart;
-- What is erased takes its decisions and pairs along.
DELETE FROM xsell.account WHERE org_id = 'ra' AND crm_id IN ('2', '4');
SELECT xsell_internal.resolve_entities() IS NOT NULL AS resolved;
SELECT (SELECT count(*) FROM xsell_internal.match_decision) AS decisions,
       (SELECT count(*) FROM xsell_internal.match_pair WHERE account_a = '4') AS pairs, (SELECT count(*) FROM xsell_internal.match_account WHERE org_id = 'ra') AS prepared;
ROLLBACK;

-- Whatever changes, what the neighbourhood costs gives what all accounts would.
BEGIN;
CREATE TEMPORARY TABLE word AS SELECT i, (ARRAY['bar','cor','dal','fen','gol','har','jun','kel','lor','mar'])[1 + i % 10] || (ARRAY['ana','eko','iri','oba','umi'])[1 + i / 10 % 5] || (ARRAY['','x','nt'])[1 + i / 50] AS w
FROM generate_series(0, 149) i;
CREATE FUNCTION pg_temp.some_account(seed integer) RETURNS xsell.account LANGUAGE sql AS $$
SELECT a FROM (SELECT 'r' || (seed % 3) AS org_id, seed::text AS crm_id,
        initcap((SELECT w FROM word WHERE i = abs(hashint4(seed / 3)) % 150)) || ' ' || initcap((SELECT w FROM word WHERE i = abs(hashint4(seed / 3 + 7)) % 150)) || CASE WHEN seed % 5 = 0 THEN ' Ltd' ELSE '' END AS name,
        CASE WHEN abs(hashint4(seed)) % 3 > 0 THEN 'site' || abs(hashint4(seed / 3)) % 400 || '.com' END AS domain,
        CASE WHEN abs(hashint4(seed)) % 4 = 0 THEN '+1312555' || (1000 + abs(hashint4(seed / 3)) % 900) END AS phone,
        (1 + abs(hashint4(seed / 6)) % 90) || ' Main Street' AS street, (60000 + abs(hashint4(seed / 6)) % 40)::text AS postal_code, 'US' AS country, '2024-01-01'::timestamptz AS modified_at) v,
    LATERAL jsonb_populate_record(NULL::xsell.account, to_jsonb(v) || '{"synced_at": "2024-01-01"}') a $$;
INSERT INTO xsell.account SELECT a.* FROM generate_series(1, 1000) i, LATERAL pg_temp.some_account(i) a;
SELECT xsell_internal.resolve_entities() AS first_time;
SELECT count(DISTINCT entity_id) BETWEEN 250 AND 450 AS clustered FROM xsell_internal.entity_account;
CREATE TEMPORARY TABLE round_result (round integer, moved boolean, by_all bigint);
DO $$
DECLARE
    moved bigint;
BEGIN
    FOR round IN 1..4 LOOP
        INSERT INTO xsell.account SELECT a.* FROM generate_series(1500 + 20 * round, 1500 + 20 * round + 12) i, LATERAL pg_temp.some_account(i) a;
        UPDATE xsell.account SET domain = 'site' || (abs(hashtext(crm_id || round)) % 400) || '.com' WHERE abs(hashtext(crm_id || round)) % 100 = 0;
        UPDATE xsell.account SET name = 'Corana Lorobax' WHERE abs(hashtext(crm_id || round)) % 150 = 1;
        DELETE FROM xsell.account WHERE abs(hashtext(crm_id || round)) % 200 = 2;
        INSERT INTO xsell_internal.match_decision (org_a, account_a, org_b, account_b, same)
        SELECT org_a, account_a, org_b, account_b, abs(hashtext(account_a || round)) % 2 = 0 FROM xsell_internal.match_pair WHERE abs(hashtext(account_a || account_b || round)) % 40 = 0
        ON CONFLICT DO NOTHING;
        DELETE FROM xsell_internal.match_decision WHERE abs(hashtext(account_a || round)) % 10 = 0;
        moved := xsell_internal.resolve_entities();
        INSERT INTO round_result SELECT round, moved > 0, xsell_internal.resolve_entities(true);
    END LOOP;
END
$$;
SELECT * FROM round_result ORDER BY round;
SELECT count(*) AS crossed FROM xsell_internal.match_decision d JOIN xsell_internal.entity_account a ON (a.org_id, a.account_id) = (d.org_a, d.account_a)
JOIN xsell_internal.entity_account b ON (b.org_id, b.account_id) = (d.org_b, d.account_b) WHERE NOT d.same AND a.entity_id = b.entity_id;
SELECT count(*) AS wrong_band FROM xsell_internal.match_pair p JOIN xsell_internal.entity_account a ON (a.org_id, a.account_id) = (p.org_a, p.account_a)
JOIN xsell_internal.entity_account b ON (b.org_id, b.account_id) = (p.org_b, p.account_b) WHERE (p.band = 'match') <> (a.entity_id = b.entity_id);
-- From nothing, the same customers.
CREATE TEMPORARY TABLE former AS SELECT org_id, account_id, min(org_id || account_id) OVER (PARTITION BY entity_id) AS customer FROM xsell_internal.entity_account;
DELETE FROM xsell_internal.match_account;
SELECT (SELECT count(*) FROM xsell_internal.match_key) AS keys, (SELECT count(*) FROM xsell_internal.match_pair) AS pairs;
DELETE FROM xsell_internal.entity_account;
SELECT xsell_internal.resolve_entities() > 1000 AS again;
SELECT count(*) AS other_customer FROM former f
JOIN (SELECT org_id, account_id, min(org_id || account_id) OVER (PARTITION BY entity_id) AS customer FROM xsell_internal.entity_account) e USING (org_id, account_id)
WHERE f.customer <> e.customer;
-- One account more reads no table from end to end.
ANALYZE xsell_internal.match_key, xsell_internal.match_account, xsell_internal.match_pair, xsell_internal.entity_account, xsell.account;
INSERT INTO xsell.account (org_id, crm_id, name, domain, country, modified_at) VALUES ('r1', 'new', 'Quite New Name', 'site5.com', 'US', '2024-01-01');
SET LOCAL jit = off;
SET LOCAL enable_seqscan = off;  -- small as it is, the planner would scan; the point is that it need not
CREATE TEMPORARY TABLE scans AS SELECT c.oid, c.relname, pg_stat_get_xact_numscans(c.oid) AS before FROM pg_class c
WHERE c.oid IN ('xsell_internal.match_key'::regclass, 'xsell_internal.match_account'::regclass, 'xsell_internal.match_pair'::regclass, 'xsell_internal.entity_account'::regclass,
                'xsell.account'::regclass, 'xsell_internal.match_key_pkey'::regclass);
SELECT xsell_internal.resolve_entities() IS NOT NULL AS resolved;
SELECT relname, CASE WHEN relname = 'match_key_pkey' THEN pg_stat_get_xact_numscans(oid) > before END AS index_used, CASE WHEN relname <> 'match_key_pkey' THEN pg_stat_get_xact_numscans(oid) - before END AS whole_scans
FROM scans ORDER BY relname;
ROLLBACK;


-- People, activities and parents.
BEGIN;
INSERT INTO xsell.account (org_id, crm_id, name, domain, phone, parent_id, modified_at) VALUES
    ('ra', '1', 'Acme', 'acme.com', '+13125550143', NULL, '2024-01-01'), ('rb', '1', 'Acme Inc', 'acme.com', NULL, NULL, '2024-01-01'),
    ('ra', '2', 'Acme Foods', 'acmefoods.com', NULL, '1', '2024-01-01'), ('ra', '3', 'Acme Foods Asia', 'acmefoods.sg', NULL, '2', '2024-01-01'),
    ('ra', '4', 'Ying', 'ying.com', NULL, '5', '2024-01-01'), ('ra', '5', 'Yang', 'yang.com', NULL, '4', '2024-01-01'), ('ra', '6', 'Child of a circle', 'child.com', NULL, '4', '2024-01-01'),
    ('rb', '7', 'Mailer', 'gmail.com', NULL, '7', '2024-01-01');
INSERT INTO xsell.contact (org_id, crm_id, account_id, email, phone, modified_at) VALUES
    ('ra', 'c1', '1', 'kim@home.org', NULL, '2024-01-01'), ('rb', 'c2', NULL, 'kim@home.org', NULL, '2024-01-01'), ('rb', 'c3', NULL, 'lee@sales.acme.com', NULL, '2024-01-01'),
    ('rb', 'c4', 'gone', NULL, '+13125550143', '2024-01-01'), ('rb', 'c5', NULL, 'x@gmail.com', NULL, '2024-01-01'), ('rb', 'c6', NULL, NULL, NULL, '2024-01-01');
INSERT INTO xsell.lead (org_id, crm_id, email, converted_account_id, modified_at) VALUES ('ra', 'l1', 'new@ying.com', NULL, '2024-01-01'), ('ra', 'l2', NULL, '5', '2024-01-01');
INSERT INTO xsell.opportunity (org_id, crm_id, account_id, modified_at) VALUES ('ra', 'o1', '2', '2024-01-01');
INSERT INTO xsell.activity (org_id, crm_id, account_id, contact_id, lead_id, opportunity_id, modified_at) VALUES
    ('ra', 'a1', '1', NULL, NULL, NULL, '2024-01-01'), ('rb', 'a2', NULL, 'c3', NULL, NULL, '2024-01-01'), ('ra', 'a3', NULL, NULL, 'l1', NULL, '2024-01-01'),
    ('ra', 'a4', NULL, NULL, 'l2', NULL, '2024-01-01'), ('ra', 'a5', NULL, NULL, NULL, 'o1', '2024-01-01'), ('ra', 'a6', NULL, NULL, NULL, NULL, '2024-01-01'), ('ra', 'a7', NULL, 'c1', NULL, NULL, '2024-01-01');
SELECT xsell_internal.resolve_entities() AS resolved;
CREATE TEMPORARY VIEW customer AS SELECT entity_id, min(org_id || account_id) AS first_account FROM xsell_internal.entity_account GROUP BY 1;
SELECT contact_id, first_account, reason FROM xsell.entity_contact JOIN customer USING (entity_id) ORDER BY 1;
SELECT activity_id, first_account, reason FROM xsell.entity_activity JOIN customer USING (entity_id) ORDER BY 1;
SELECT c.first_account, p.first_account AS parent, u.first_account AS ultimate, h.depth FROM xsell.entity_hierarchy h JOIN customer c USING (entity_id)
LEFT JOIN customer p ON p.entity_id = h.parent_entity_id LEFT JOIN customer u ON u.entity_id = h.ultimate_parent_entity_id ORDER BY 1;
-- Who may not see an org learns nothing of its people.
CREATE ROLE xsell_match_reader;
GRANT xsell_reader TO xsell_match_reader;
INSERT INTO xsell.org (org_id, name, connector) VALUES ('rb', 'B', 'csv');
INSERT INTO xsell.org_grant VALUES ('rb', 'xsell_match_reader');
SET LOCAL ROLE xsell_match_reader;
SELECT contact_id, reason FROM xsell.entity_contact ORDER BY 1;
SELECT count(*) AS hierarchy, count(*) FILTER (WHERE depth > 0) AS with_parent FROM xsell.entity_hierarchy;
SELECT count(*) FILTER (WHERE org_id <> 'rb') AS other_orgs, count(*) AS prepared FROM xsell_internal.match_account;
SELECT count(*) FROM xsell_internal.match_key;
ROLLBACK;
