-- Products of several orgs become canonical products.
BEGIN;
ALTER SEQUENCE xsell_internal.canonical_product_product_id_seq RESTART;
INSERT INTO xsell.org (org_id, name, connector) SELECT o, o, 'csv' FROM unnest(ARRAY['ra', 'rb', 'rc']) AS o;
INSERT INTO xsell.product (org_id, crm_id, name, code, family, is_active, deleted_at, modified_at) VALUES
    ('ra', 'p1', 'GTX Pro', 'G-1', 'GTX', true, NULL, '2024-01-01'),
    ('rb', 'x1', 'Graphics Professional', 'g-1', NULL, true, NULL, '2024-01-01'),   -- same code
    ('rb', 'x2', 'MG Special', NULL, 'MG', true, NULL, '2024-01-01'),
    ('ra', 'p2', 'MGSpecial', 'M-7', NULL, false, NULL, '2024-01-01'),              -- same name but for the blank; retired here
    ('ra', 'p3', 'Bolt', 'B-1', NULL, true, NULL, '2024-01-01'),
    ('ra', 'p4', 'Bolt', 'B-2', NULL, true, NULL, '2024-01-01'),                    -- one org keeps the two apart
    ('rb', 'x3', 'Bolt', NULL, NULL, true, NULL, '2024-01-01'),                     -- so nobody knows which one this is
    ('rb', 'x4', '', '', NULL, NULL, NULL, '2024-01-01'),
    ('rb', 'x5', NULL, NULL, NULL, NULL, '2024-01-02', '2024-01-02');
INSERT INTO xsell.opportunity (org_id, crm_id, product_name, attributes, modified_at) VALUES
    ('ra', 'o1', 'GTXPro', NULL, '2024-01-01'), ('ra', 'o2', 'GTX  pro', NULL, '2024-01-01'), ('ra', 'o3', 'mg-special', NULL, '2024-01-01'),
    ('rc', 'o1', 'GTX Pro', NULL, '2024-01-01'), ('rc', 'o2', 'Something New', NULL, '2024-01-01'),
    ('rc', 'o3', NULL, '{"product_family": "MG"}', '2024-01-01'), ('rb', 'o1', 'Not Listed', NULL, '2024-01-01');
INSERT INTO xsell.opportunity_line (org_id, crm_id, opportunity_id, product_id, modified_at) VALUES ('rb', 'l1', 'o1', 'x1', '2024-01-01');
SELECT xsell_internal.resolve_products();
SELECT product_id, org_id, product_crm_id, product_name, family, is_active, method FROM xsell.product_map WHERE org_id IN ('ra', 'rb', 'rc') ORDER BY 1, 2, 3;
SELECT product_id, name, family, is_active, orgs, selling_orgs FROM xsell.canonical_product WHERE orgs && '{ra,rb,rc}' ORDER BY 1;
SELECT d.* FROM xsell_internal.deal_product d WHERE org_id IN ('ra', 'rb', 'rc') ORDER BY 1, 2, 3;
SELECT match_key FROM xsell_internal.canonical_product c WHERE EXISTS (SELECT FROM xsell_internal.product_map m WHERE m.product_id = c.product_id AND m.org_id IN ('ra', 'rb', 'rc')) ORDER BY 1;
SELECT xsell_internal.resolve_products() AS nothing_new;

-- What somebody mapped by hand stays, and new products follow it.
UPDATE xsell_internal.product_map SET product_id = (SELECT product_id FROM xsell_internal.product_map WHERE org_id = 'ra' AND product_crm_id = 'p4'), method = 'manual'
WHERE org_id = 'rb' AND product_crm_id = 'x3';
SELECT xsell_internal.resolve_products() AS manual_kept;
SELECT (SELECT product_id FROM xsell_internal.product_map WHERE org_id = 'rb' AND product_crm_id = 'x3')
     = (SELECT product_id FROM xsell_internal.product_map WHERE org_id = 'ra' AND product_crm_id = 'p4') AS manual_kept;
-- A product keeps its id when its name and code change.
CREATE TEMPORARY TABLE before AS SELECT * FROM xsell_internal.product_map;
UPDATE xsell.product SET name = 'GTX Ultra', code = 'G-9' WHERE org_id = 'ra' AND crm_id = 'p1';
INSERT INTO xsell.product (org_id, crm_id, name, code, modified_at) VALUES ('rc', 'n1', 'Brand New', 'M-7', '2024-01-01'), ('rc', 'n2', 'GTX', 'G-1', '2024-01-01');
SELECT xsell_internal.resolve_products() > 0 AS changed;
SELECT count(DISTINCT a.product_id) FILTER (WHERE a.product_id <> b.product_id) AS moved_to
FROM before b JOIN xsell_internal.product_map a USING (org_id, product_crm_id) WHERE a.org_id IN ('ra', 'rb') AND a.product_crm_id NOT LIKE 'deal:%';
SELECT (SELECT product_id FROM xsell_internal.product_map WHERE org_id = 'rc' AND product_crm_id = 'n1')
     = (SELECT product_id FROM before WHERE org_id = 'ra' AND product_crm_id = 'p2') AS new_joins_by_code;
ROLLBACK;
