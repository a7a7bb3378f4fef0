-- Holdings: per org from the first source that has any row.
BEGIN;
SET LOCAL timezone = 'UTC';
SET LOCAL datestyle = 'ISO';
SET LOCAL xsell.now = '2024-07-01 00:00+00';
INSERT INTO xsell.org (org_id, name, connector) SELECT o, o, 'csv' FROM unnest(ARRAY['ra', 'rb', 'rc', 'rd']) AS o;
INSERT INTO xsell.account (org_id, crm_id, name, modified_at)
SELECT o, a, 'Holding Test ' || a, '2024-01-01' FROM unnest(ARRAY['ra', 'rb', 'rc', 'rd']) AS o, unnest(ARRAY['a1', 'a2']) AS a;
INSERT INTO xsell.product (org_id, crm_id, name, code, modified_at)
SELECT o, p, 'Holding ' || p, 'H-' || p, '2024-01-01' FROM unnest(ARRAY['ra', 'rb', 'rc']) AS o, unnest(ARRAY['p1', 'p2', 'p3']) AS p;
INSERT INTO xsell.stage_map VALUES ('ra', '', 'Won', true, true, true, 'source'), ('ra', '', 'Renewed', true, true, false, 'kim'),
    ('ra', '', 'Lost', true, false, false, 'source'), ('ra', '', 'Odd', NULL, NULL, NULL, 'name'), ('rc', '', 'Won', true, true, true, 'source'), ('rd', '', 'Won', true, true, true, 'source');
INSERT INTO xsell.opportunity (org_id, crm_id, account_id, stage, is_closed, is_won, closed_at, created_at, deleted_at, product_name, amount_base, attributes, modified_at) VALUES
    ('ra', 'o1', 'a1', 'Won', true, true, '2024-02-01', '2024-01-01', NULL, NULL, 100, NULL, '2024-02-01'),
    ('ra', 'o2', 'a1', 'Lost', true, false, '2024-02-02', '2024-01-01', NULL, NULL, 100, NULL, '2024-02-01'),
    ('ra', 'o3', 'a1', 'Renewed', true, true, '2024-02-03', '2024-01-01', NULL, NULL, 100, NULL, '2024-02-01'),
    ('ra', 'o4', 'a1', 'Odd', true, true, '2024-02-04', '2024-01-01', NULL, NULL, 100, NULL, '2024-02-01'),
    ('ra', 'o5', 'a1', NULL, true, true, '2024-03-05', '2024-01-01', NULL, NULL, 100, NULL, '2024-02-01'),
    ('ra', 'o6', 'a1', 'Won', true, true, '2024-02-06', '2024-01-01', '2024-05-01', NULL, 100, NULL, '2024-05-01'),
    ('ra', 'o7', 'a1', 'Won', true, true, '2024-09-01', '2024-01-01', NULL, NULL, 100, NULL, '2024-02-01'),
    ('ra', 'o8', NULL, 'Won', true, true, '2024-02-08', '2024-01-01', NULL, NULL, 100, NULL, '2024-02-01'),
    ('rc', 'o1', 'a1', 'Won', true, true, '2024-02-01', '2024-01-01', NULL, 'holding-P1', 70, NULL, '2024-02-01'),
    ('rc', 'o2', 'a1', 'Won', true, true, '2024-02-02', '2024-01-01', NULL, 'Unlisted', 80, NULL, '2024-02-01'),
    ('rd', 'o1', 'a2', 'Won', true, true, '2024-02-02', '2024-01-01', NULL, NULL, 90, '{"product_family": "Fam"}', '2024-02-01');
INSERT INTO xsell.opportunity_line (org_id, crm_id, opportunity_id, product_id, quantity, unit_price, amount, amount_base, deleted_at, modified_at) VALUES
    ('ra', 'l1', 'o1', 'p1', 2, 5, 10, 10, NULL, '2024-01-01'), ('ra', 'l2', 'o1', 'p2', 2, 7, NULL, NULL, NULL, '2024-01-01'),
    ('ra', 'l3', 'o1', 'p3', 1, 1, 1, 1, '2024-03-01', '2024-01-01'), ('ra', 'l4', 'o2', 'p3', 1, 1, 1, 1, NULL, '2024-01-01'),
    ('ra', 'l5', 'o3', 'p3', 1, 1, 1, 1, NULL, '2024-01-01'), ('ra', 'l6', 'o4', 'p3', 1, 1, 1, 1, NULL, '2024-01-01'),
    ('ra', 'l7', 'o5', 'p1', 1, 1, 1, 1, NULL, '2024-01-01'), ('ra', 'l8', 'o6', 'p3', 1, 1, 1, 1, NULL, '2024-01-01'),
    ('ra', 'l9', 'o7', 'p3', 1, 1, 1, 1, NULL, '2024-01-01'), ('ra', 'l10', 'o8', 'p3', 1, 1, 1, 1, NULL, '2024-01-01');
INSERT INTO xsell.asset (org_id, crm_id, account_id, product_id, purchased_at, installed_at, created_at, ends_at, amount_base, modified_at) VALUES
    ('ra', 's1', 'a1', 'p1', '2024-01-01', NULL, NULL, '2025-01-01', 1, '2024-01-01'),      -- lines come first; it still says until when
    ('rb', 's1', 'a1', 'p1', NULL, '2024-01-05', '2024-06-01', '2024-06-30', 30, '2024-01-01'),
    ('rb', 's2', 'a2', 'p2', NULL, NULL, NULL, NULL, 30, '2024-01-01');                     -- bought nobody knows when
SELECT xsell_internal.resolve_entities() > 0 AS entities, xsell_internal.resolve_products() > 0 AS products, xsell_internal.refresh_holdings() AS written;
SELECT org_id, source, record_id, account_id, won_at, ends_at, deleted_at, amount_base FROM xsell_internal.purchase
WHERE org_id IN ('ra', 'rb', 'rc', 'rd') ORDER BY 1, 2, 3;
SELECT product_name, org_id, first_at, last_at, ends_at, purchases, amount_base, source FROM xsell.holding WHERE org_id IN ('ra', 'rb', 'rc', 'rd') ORDER BY 1, 2;
SELECT count(DISTINCT entity_id) AS customers FROM xsell.holding WHERE org_id IN ('ra', 'rb', 'rc', 'rd');
SELECT xsell_internal.refresh_holdings() AS nothing_new;
-- News are followed: a deal reopened, an amount mended, a line that the CRM deleted.
UPDATE xsell.opportunity SET stage = 'Negotiation', is_closed = false, is_won = false WHERE org_id = 'rc' AND crm_id = 'o1';
UPDATE xsell.opportunity_line SET amount = 20, amount_base = 20 WHERE org_id = 'ra' AND crm_id = 'l1';
UPDATE xsell.opportunity_line SET deleted_at = '2024-06-01' WHERE org_id = 'ra' AND crm_id = 'l2';
SELECT xsell_internal.refresh_holdings() AS written;
SELECT product_name, org_id, purchases, amount_base FROM xsell.holding WHERE org_id IN ('ra', 'rc') ORDER BY 1, 2;
ROLLBACK;
