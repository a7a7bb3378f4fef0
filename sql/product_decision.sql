-- What people decide about products: mapped by hand, told apart, taken back; and the queue of those that may be one.
\set SHOW_CONTEXT never
\set home :DBNAME
SET client_min_messages = warning;
DROP DATABASE IF EXISTS xsell_products;
CREATE DATABASE xsell_products;
\c xsell_products
CREATE EXTENSION xsell;
SET client_min_messages = warning;
SET timezone = 'UTC';
SET xsell.now = '2024-01-01 00:00+00';
INSERT INTO xsell.org (org_id, name, connector) SELECT o, o, 'csv' FROM unnest(ARRAY['pa', 'pb', 'pc']) AS o;
INSERT INTO xsell.product (org_id, crm_id, name, code, family, modified_at) VALUES
    ('pa', '1', 'Industrial Compressor', 'IC-200', 'Air', '2024-01-01'), ('pb', '1', 'Industrial Compressors', NULL, 'Air', '2024-01-01'),  -- nearly one name
    ('pa', '2', 'Pump', 'PU.77', NULL, '2024-01-01'), ('pb', '2', 'Centrifugal device', 'PU-77', NULL, '2024-01-01'),                       -- one code but for punctuation
    ('pa', '3', 'Server 2019', NULL, NULL, '2024-01-01'), ('pb', '3', 'Server 2022', NULL, NULL, '2024-01-01'),                             -- two years are two products
    ('pa', '4', 'Valve', 'V-1', 'Flow', '2024-01-01'), ('pb', '4', 'Valve', 'V-1', 'Flow', '2024-01-01'),                                   -- one by the rule
    ('pa', '5', 'Hose', NULL, NULL, '2024-01-01'), ('pa', '6', 'Hoses', NULL, NULL, '2024-01-01'),                                          -- an org keeps its own apart
    ('pc', '1', 'Industrial Compressor X', NULL, NULL, '2024-01-01'), ('pc', '4', 'Valve', NULL, NULL, '2024-01-01');
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'xsell_product_one') THEN
        CREATE ROLE xsell_product_one;
        CREATE ROLE xsell_product_two;
        CREATE ROLE xsell_product_reader;
    END IF;
END $$;
GRANT xsell_analyst TO xsell_product_one, xsell_product_two;
GRANT xsell_reader TO xsell_product_reader;
INSERT INTO xsell.org_grant VALUES ('pa', 'xsell_product_one'), ('pa', 'xsell_product_two'), ('pb', 'xsell_product_two'), ('pa', 'xsell_product_reader');
SELECT xsell_internal.resolve_products() AS products;
CREATE VIEW mapped AS SELECT string_agg(m.org_id || ':' || m.product_crm_id, ' ' ORDER BY m.org_id, m.product_crm_id) AS products FROM xsell_internal.product_map m GROUP BY m.product_id;
SELECT * FROM mapped ORDER BY 1;

-- The queue, beside a look at every pair; and by those who see both sides.
SELECT org_a, product_a, name_a, org_b, product_b, name_b, round(score::numeric, 2) AS score, reason, product_id_a <> product_id_b AS apart FROM xsell.product_review ORDER BY 1, 2, 4, 5;
SELECT count(*) AS missed FROM xsell.product_map a JOIN xsell.product_map b ON a.org_id < b.org_id AND a.product_id <> b.product_id
WHERE xsell.name_similarity(a.product_name, b.product_name) >= .9 AND regexp_replace(a.product_name || b.product_name, '\D', '', 'g') = '' AND NOT EXISTS (SELECT FROM xsell.product_review r
    WHERE (least(r.product_id_a, r.product_id_b), greatest(r.product_id_a, r.product_id_b)) = (least(a.product_id, b.product_id), greatest(a.product_id, b.product_id)));
SET ROLE xsell_product_one;
SELECT count(*) FROM xsell.product_review;
SET ROLE xsell_product_two;
SELECT org_a, product_a, org_b, product_b FROM xsell.product_review ORDER BY 1, 2, 3, 4;

-- Mapped by hand, told what follows, and taken back.
SELECT product_id_a AS compressor, product_id_b AS compressors FROM xsell.product_review WHERE product_a = '1' \gset
SET client_min_messages = notice;
SELECT xsell.map_product('pb', '1', :compressor, 'one catalogue') AS mapping \gset
SET client_min_messages = warning;
SELECT xsell.map_product('pb', '1', :compressor, 'one catalogue') AS so_already;
SELECT org_id, product_crm_id, product_name, method, decided_by FROM xsell.product_map WHERE product_id = :compressor ORDER BY 1;
SELECT count(*) FROM xsell.product_review WHERE product_a = '1';
SELECT action, orgs, subject, old_value = format('product %s by rule', :compressors) AS old_value, new_value = format('product %s by hand', :compressor) AS new_value, note, changed_by
FROM xsell.change_history WHERE change_id = :mapping;
SELECT xsell.undo(:mapping) AS undone \gset
SELECT product_id = :compressors AS as_before, method, decided_by FROM xsell.product_map WHERE org_id = 'pb' AND product_crm_id = '1';
SELECT xsell.undo(:undone) IS NOT NULL AS redone;
SELECT xsell.unmap_product('pb', '1', 'after all') IS NOT NULL AS unmapped;
SELECT product_id = :compressors AS as_before, method FROM xsell.product_map WHERE org_id = 'pb' AND product_crm_id = '1';
SELECT xsell.unmap_product('pb', '1');
SELECT xsell.map_product(ARRAY['pb', 'pa'], ARRAY['3', '3'], :compressor, 'in bulk') AS batch \gset
SELECT count(*) FROM xsell.product_map WHERE product_id = :compressor;
SELECT xsell.undo_batch(:batch);
SELECT count(*) FROM xsell.product_map WHERE product_id = :compressor;

-- Told apart: off the queue, and apart whatever the rule says, now and when names change.
SELECT xsell.reject_product_match('pb', '2', 'pa', '2', 'not ours') AS rejected \gset
SELECT count(*) FROM xsell.product_review WHERE product_a = '2';
RESET ROLE;
UPDATE xsell.product SET name = 'Pump', code = 'PU.77' WHERE org_id = 'pb' AND crm_id = '2';
SELECT xsell_internal.resolve_products() IS NOT NULL AS resolved;
SELECT * FROM mapped WHERE products LIKE '%:2%' ORDER BY 1;
SELECT xsell.undo(:rejected) IS NOT NULL AS undone;
SELECT * FROM mapped WHERE products LIKE '%:2%' ORDER BY 1;
SET ROLE xsell_product_two;
SELECT product_id AS valve FROM xsell.product_map WHERE org_id = 'pa' AND product_crm_id = '4' \gset
SELECT xsell.reject_product_match('pa', '4', 'pb', '4') AS rejected \gset
RESET ROLE;
SELECT * FROM mapped WHERE products LIKE '%:4%' ORDER BY 1;
SELECT product_id = :valve AS first_keeps_its_number FROM xsell_internal.product_map WHERE org_id = 'pa' AND product_crm_id = '4';
SELECT xsell_internal.resolve_products() AS nothing_new;
SELECT xsell.undo(:rejected) IS NOT NULL AS undone;
SELECT * FROM mapped WHERE products LIKE '%:4%' ORDER BY 1;

-- What is said of the one product holds for the other: recommendations go along, suppressions hold for both.
SELECT m.product_id AS server FROM xsell_internal.product_map m WHERE m.org_id = 'pb' AND m.product_crm_id = '3' \gset
INSERT INTO xsell_internal.recommendation (entity_id, product_id, org_id, route, product_crm_id, probability, rank, confidence_level, next_action, status, first_seen, last_seen, expires_at, score_source)
VALUES (1, :server, 'pb', 'same_org', '3', .1, 1, 'Low', '', 'accepted', '2024-01-01', '2024-01-01', '2024-02-01', 'rule');
INSERT INTO xsell_internal.suppression (entity_id, product_id, until) VALUES (2, :server, '2025-01-01');
SELECT xsell.map_product('pb', '3', :valve) AS mapping \gset
SELECT product_id = :valve AS of_the_valve, status FROM xsell_internal.recommendation;
SELECT product_id = :valve AS of_the_valve, until FROM xsell_internal.suppression ORDER BY 1;
SELECT xsell.undo(:mapping) IS NOT NULL AS undone;
SELECT product_id = :server AS of_the_server, status FROM xsell_internal.recommendation;

-- What one may not see, or what makes no sense, is refused; readers read.
SET ROLE xsell_product_one;
SELECT xsell.map_product('pb', '3', :valve);
SELECT xsell.map_product('pa', '3', 0);
SELECT set_config('test.server', :'server', false) IS NOT NULL AS set;
DO $$ BEGIN PERFORM xsell.map_product('pa', '3', current_setting('test.server')::bigint); EXCEPTION WHEN undefined_object THEN RAISE WARNING 'no such product'; END $$;
UPDATE xsell_internal.product_map SET product_id = current_setting('test.server')::bigint, method = 'manual' WHERE product_crm_id = '3';
UPDATE xsell_internal.product_map SET decided_by = 'somebody else';
UPDATE xsell_internal.product_map SET product_id = :valve WHERE product_crm_id = '3';
DELETE FROM xsell_internal.product_map;
SELECT xsell.reject_product_match('pa', '2', 'pb', '2');
SELECT xsell.reject_product_match('pa', '2', 'pa', '2');
SELECT xsell.reject_product_match(ARRAY['pa'], ARRAY['2'], NULL, NULL);
SELECT xsell.map_product('pa', '3', :valve, 'one of ours') IS NOT NULL AS maps_its_own;
SELECT xsell.reject_product_match('pa', '3', 'pa', '4');
UPDATE xsell_internal.product_map SET method = 'name' WHERE product_crm_id = '3';
SELECT action, subject, split_part(old_value, ' by ', 2) AS old_value, split_part(new_value, ' by ', 2) AS new_value, changed_by FROM xsell.change_history ORDER BY change_id DESC LIMIT 2;
SELECT count(*) AS of_others FROM xsell.change_history WHERE orgs LIKE '%pb%';
SET ROLE xsell_product_reader;
SELECT count(*) > 0 AS reads FROM xsell.change_history;
SELECT xsell.map_product('pa', '3', 1);
SELECT xsell.unmap_product('pa', '3');
UPDATE xsell_internal.product_map SET method = 'manual';
RESET ROLE;
-- Rows that come and go by plain statements are logged, and taken back.
UPDATE xsell_internal.product_map SET method = 'manual' WHERE org_id = 'pa' AND product_crm_id = '5';
DELETE FROM xsell_internal.product_map WHERE org_id = 'pa' AND product_crm_id = '5';
SELECT xsell.undo((SELECT max(change_id) FROM xsell.change_history)) IS NOT NULL AS undone;
SELECT method FROM xsell.product_map WHERE org_id = 'pa' AND product_crm_id = '5';
-- As are territories.
SELECT xsell.map_territory('pa', territory => 'North', country => 'DE') AS territory \gset
SELECT xsell.map_territory('pa', territory => 'South', country => 'DE') = :territory AS the_same_row;
SELECT xsell.unmap_territory(:territory);
SELECT action, orgs, old_value, new_value FROM xsell.change_history WHERE action = 'territory' ORDER BY change_id;
SELECT xsell.undo(max(change_id)) IS NOT NULL AS undone FROM xsell.change_history;
SELECT map_id = :territory AS the_same_row, territory, country FROM xsell.territory_map;
SELECT xsell.undo(max(change_id) - 2) IS NOT NULL AS undone FROM xsell.change_history;
SELECT territory FROM xsell.territory_map;
SET ROLE xsell_admin;
INSERT INTO xsell_internal.change_log (batch_id, action, orgs, target, changed_by, changed_at, clock_at) VALUES (1, 'match', '{}', '{}', 'somebody else', now(), now());
UPDATE xsell_internal.change_log SET changed_by = 'somebody else';
DELETE FROM xsell_internal.change_log;
TRUNCATE xsell_internal.change_log;
RESET ROLE;
\c :home
DROP DATABASE xsell_products;
DROP ROLE xsell_product_one, xsell_product_two, xsell_product_reader;
