-- Territories and teams: the owner's own first, then the map's first row that matches.
\set SHOW_CONTEXT never
BEGIN;
SET LOCAL client_min_messages = warning;
INSERT INTO xsell.org (org_id, name, connector) VALUES ('north', 'North', 'csv'), ('south', 'South', 'csv');
INSERT INTO xsell.crm_user (org_id, crm_id, name, email, team, territory, modified_at) VALUES
    ('north', 'u1', 'Kim', 'kim@north.com', 'Key', 'Home', '2023-01-01'), ('north', 'u2', 'Lee', 'lee@north.com', '', NULL, '2023-01-01');
INSERT INTO xsell.account (org_id, crm_id, name, country, state, postal_code, industry, employees, owner_id, modified_at) VALUES
    ('north', 'a1', 'Own', 'DE', 'Bayern', '80331', 'Retail', 10, 'u1', '2023-01-01'), ('north', 'a2', 'Munich', 'Germany', 'bayern ', '80 331', 'Retail', 10, 'u2', '2023-01-01'),
    ('north', 'a3', 'Large', 'DE', NULL, '10115', 'energy', 5000, NULL, '2023-01-01'), ('north', 'a4', 'Nothing known', NULL, NULL, NULL, NULL, NULL, NULL, '2023-01-01'),
    ('south', 'b1', 'Other org', 'DE', 'Bayern', '80331', 'Retail', 10, NULL, '2023-01-01');
CREATE TEMPORARY VIEW shown AS SELECT org_id, account_id, owner_name, team, territory FROM xsell.account_territory;
GRANT SELECT ON shown TO PUBLIC;
SELECT * FROM shown ORDER BY 1, 2;
SELECT count(xsell.map_territory('north', 'Germany', country => 'Germany')) AS mapped;
SELECT count(xsell.map_territory('north', 'Bavaria', country => 'DE', state => 'Bayern', priority => 10)) AS mapped;
SELECT count(xsell.map_territory('north', NULL, team => 'Enterprise', employees_from => 1000, priority => 20)) AS mapped;
SELECT * FROM shown ORDER BY 1, 2;
SELECT count(xsell.map_territory('north', 'Centre', postal_prefix => '803', priority => 5)) AS mapped;
SELECT count(xsell.map_territory('north', 'Power', industry => 'Energy', employees_to => 9999, priority => 5)) AS mapped;
SELECT count(xsell.map_territory('north', team => 'Rest', owner_id => 'u2')) AS mapped;
SELECT * FROM shown ORDER BY 1, 2;
-- The same conditions again replace what was said; a row can go.
SELECT count(DISTINCT m) = 1 AS same_row FROM (SELECT xsell.map_territory('north', t, postal_prefix => '803', priority => 5) AS m FROM unnest(ARRAY['Inner city', 'City']) t) w;
SELECT territory, count(*) FROM xsell.territory_map WHERE postal_prefix = '803' GROUP BY 1;
SELECT count(xsell.unmap_territory(map_id)) AS removed FROM xsell.territory_map WHERE postal_prefix = '803';
SELECT * FROM shown WHERE account_id = 'a2';
SAVEPOINT s;
SELECT xsell.unmap_territory(-1);
ROLLBACK TO s;
SELECT xsell.map_territory('north', '');
ROLLBACK TO s;
SELECT xsell.map_territory('west', 'West');
ROLLBACK TO s;
SELECT xsell.map_territory('north', 'X', employees_from => 9, employees_to => 1);
ROLLBACK TO s;
-- A reader of one org.
CREATE ROLE xsell_test_territory;
GRANT xsell_reader TO xsell_test_territory;
INSERT INTO xsell.org_grant VALUES ('south', 'xsell_test_territory');
SET LOCAL ROLE xsell_test_territory;
SELECT * FROM shown ORDER BY 1, 2;
SELECT count(*) FROM xsell.territory_map;
ROLLBACK;
