\set SHOW_CONTEXT never
-- Names: what is the same company, whatever its spelling.
SELECT n AS name, xsell.normalize_name(n) AS normalized
FROM unnest(ARRAY['ACME Intl. Corp.', 'Müller & Söhne GmbH & Co. KG', 'The Ørsted Group A/S', 'Société Générale S.A.', 'Łódź Mfg sp. z o.o.',
                  'O''Brien Tech, L.L.C.', 'Holdings Ltd', 'Ltd', '???', '   ', '株式会社トヨタ', 'ООО РОМАШКА']) AS n;
SELECT length(xsell.normalize_name(repeat('x', 10000000))) AS long_name_is_cut, xsell.normalize_name(NULL) IS NULL AS strict;
SELECT a, b, round(xsell.name_similarity(a, b)::numeric, 3) AS similarity
FROM (VALUES ('Acme Inc', 'ACME GmbH'), ('Acme Robotics', 'Acme'), ('Martha', 'Marhta'), ('IBM', 'International Business Machines'),
             ('Bank of Oslo', 'Oslo, Bank of'), ('Apple', 'Zebra'), ('', 'Zebra')) AS v(a, b);
SELECT xsell_internal.compact_name('GTX Pro') = xsell_internal.compact_name('gtx-PRO') AS same_product,
       xsell_internal.country_key('United States') = xsell_internal.country_key('U.S.A.') AS same_country,
       xsell_internal.country_key('Österreich') AS austria, xsell_internal.country_key('Atlantis') AS atlantis;
SELECT * FROM xsell_internal.connected_components('{1,5,9,2}', '{2,9,7,3}') ORDER BY node;
SELECT * FROM xsell_internal.connected_components('{1}', '{2,3}');
SELECT * FROM xsell_internal.connected_components('{1,NULL}', '{2,3}');

-- Accounts become entities.
BEGIN;
ALTER SEQUENCE xsell_internal.entity_entity_id_seq RESTART;
INSERT INTO xsell.account (org_id, crm_id, name, domain, country, phone, type, merged_into, deleted_at, employees, modified_at) VALUES
    ('ra', '1', 'Acme Corporation', 'acme.com', 'USA', NULL, NULL, NULL, NULL, 50, '2024-01-01'),
    ('rb', '1', 'ACME Corp.', 'acme.com', 'United States', NULL, NULL, NULL, NULL, 60, '2024-01-01'),
    ('rb', '2', 'Acme Germany', 'acme.com', 'Germany', NULL, NULL, NULL, NULL, NULL, '2024-01-01'),      -- same domain, name continues
    ('rb', '3', 'Globex', 'acme.com', NULL, NULL, NULL, NULL, NULL, NULL, '2024-01-01'),                 -- same domain, other name
    ('ra', '4', 'Initech LLC', NULL, 'US', NULL, NULL, NULL, NULL, NULL, '2024-01-01'),
    ('rb', '4', 'Initech', 'initech.com', NULL, NULL, NULL, NULL, NULL, NULL, '2024-01-01'),             -- same name, nothing against it
    ('ra', '5', 'Summit', 'summit.com', 'US', NULL, NULL, NULL, NULL, NULL, '2024-01-01'),
    ('rb', '5', 'Summit', 'summit-bikes.com', 'US', NULL, NULL, NULL, NULL, NULL, '2024-01-01'),         -- two firms of one name
    ('rb', '6', 'Summit', NULL, 'US', NULL, NULL, NULL, NULL, NULL, '2024-01-01'),                       -- could be either
    ('ra', '7', 'Hooli', 'gmail.com', NULL, NULL, NULL, NULL, NULL, NULL, '2024-01-01'),
    ('rb', '7', 'Pied Piper', 'gmail.com', NULL, NULL, NULL, NULL, NULL, NULL, '2024-01-01'),            -- a mail provider is nobody's domain
    ('ra', '8', 'Umbrella Pharma', NULL, 'US', '+1 555 010 0199', NULL, NULL, NULL, NULL, '2024-01-01'),
    ('rb', '8', 'Umbrela Pharma', NULL, 'Canada', '15550100199', NULL, NULL, NULL, NULL, '2024-01-01'),  -- same phone, typing error
    ('ra', '9', 'Old Name', NULL, NULL, NULL, NULL, '4', '2024-01-01', NULL, '2024-01-01'),              -- merged in the CRM
    ('ra', '10', 'John Smith', NULL, 'US', NULL, 'Person Account', NULL, NULL, NULL, '2024-01-01'),
    ('rb', '10', 'John Smith', NULL, 'US', NULL, 'Individual', NULL, NULL, NULL, '2024-01-01'),          -- a name alone is no person
    ('ra', '11', 'Cyber Dyne', NULL, 'Germany', NULL, NULL, NULL, NULL, NULL, '2024-01-01'),
    ('rb', '11', 'Cyber Dyne', NULL, 'France', NULL, NULL, NULL, NULL, NULL, '2024-01-01'),              -- same name, other country
    ('ra', '13', 'Tyrell', NULL, 'US', '0015551112223', NULL, NULL, NULL, NULL, '2024-01-01'),
    ('rb', '13', 'Tyrell Corp', NULL, 'Mexico', '+1 (555) 111-2223', NULL, NULL, NULL, NULL, '2024-01-01'),  -- same name, other country, but one phone
    ('ra', '12', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2024-01-01'),
    ('rb', '12', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2024-01-01');                          -- nothing is not the same as nothing
SELECT xsell_internal.resolve_entities();
SELECT entity_id, org_id, account_id, account_name, round(match_confidence::numeric, 2) AS confidence, match_reason, decided_by
FROM xsell.entity_account WHERE org_id IN ('ra', 'rb') ORDER BY entity_id, org_id, account_id;
SELECT entity_id, name, kind, country, employees, accounts, orgs FROM xsell.entity WHERE orgs && '{ra,rb}' ORDER BY entity_id LIMIT 3;
SELECT xsell_internal.resolve_entities() AS nothing_new;

-- Ids stay: a new account joins, a merge keeps the lower id, manual decisions hold.
CREATE TEMPORARY TABLE before AS SELECT * FROM xsell_internal.entity_account;
INSERT INTO xsell.account (org_id, crm_id, name, domain, modified_at) VALUES ('aa', '1', 'Acme, Inc.', 'acme.com', '2024-02-01');
SELECT xsell_internal.resolve_entities() AS joined;
SELECT (SELECT entity_id FROM xsell_internal.entity_account WHERE (org_id, account_id) = ('aa', '1'))
     = (SELECT entity_id FROM before WHERE (org_id, account_id) = ('ra', '1')) AS joined_acme,
       (SELECT count(*) FROM before b JOIN xsell_internal.entity_account a USING (org_id, account_id) WHERE a.entity_id <> b.entity_id) AS moved;
UPDATE xsell.account SET domain = 'summit.com' WHERE org_id = 'rb' AND crm_id = '5';
SELECT xsell_internal.resolve_entities() AS merged;
SELECT count(DISTINCT entity_id) AS entities, min(entity_id) = (SELECT min(entity_id) FROM before WHERE (org_id, account_id) IN (('ra', '5'), ('rb', '5'), ('rb', '6'))) AS lower_survives
FROM xsell_internal.entity_account WHERE (org_id, account_id) IN (('ra', '5'), ('rb', '5'), ('rb', '6'));
SELECT count(*) AS absorbed FROM xsell_internal.entity WHERE merged_into IS NOT NULL;
-- Somebody says that Globex is Acme after all, and that the German Acme is not.
UPDATE xsell_internal.entity_account SET entity_id = (SELECT entity_id FROM before WHERE (org_id, account_id) = ('ra', '1')), decided_by = 'kim'
WHERE (org_id, account_id) = ('rb', '3');
INSERT INTO xsell_internal.entity (entity_id) VALUES (999999);
UPDATE xsell_internal.entity_account SET entity_id = 999999, decided_by = 'kim' WHERE (org_id, account_id) = ('rb', '2');
INSERT INTO xsell.account (org_id, crm_id, name, domain, modified_at) VALUES ('aa', '2', 'Acme Deutschland', 'acme.com', '2024-02-01');
SELECT xsell_internal.resolve_entities() > 0 AS resolved;
SELECT org_id, account_id, entity_id = (SELECT entity_id FROM before WHERE (org_id, account_id) = ('ra', '1')) AS is_acme, decided_by
FROM xsell_internal.entity_account WHERE (org_id, account_id) IN (('ra', '1'), ('rb', '1'), ('rb', '2'), ('rb', '3'), ('aa', '2')) ORDER BY 1, 2;
-- Erased accounts are forgotten, deleted ones are not.
DELETE FROM xsell.account WHERE org_id = 'ra' AND crm_id = '7';
UPDATE xsell.account SET deleted_at = '2024-03-01' WHERE org_id = 'rb' AND crm_id = '7';
SELECT xsell_internal.resolve_entities() AS written;
SELECT org_id, account_id FROM xsell_internal.entity_account WHERE account_id = '7' AND org_id IN ('ra', 'rb');
-- A domain that hundreds share says nothing; the block is skipped, not multiplied.
INSERT INTO xsell.account (org_id, crm_id, name, domain, modified_at)
SELECT 'ra', 'h' || i, 'Franchise ' || chr(65 + i % 26) || md5(i::text), 'franchise.com', '2024-01-01' FROM generate_series(1, 300) i;
SELECT xsell_internal.resolve_entities() AS written;
SELECT count(DISTINCT entity_id) AS entities FROM xsell_internal.entity_account WHERE account_id LIKE 'h%' AND org_id = 'ra';
ROLLBACK;
