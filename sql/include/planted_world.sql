-- A small world with a planted rule: customers who buy product 1, 3, 5, ... mostly buy the next number within the hundred days after.
INSERT INTO xsell.org (org_id, name, connector) VALUES ('acme', 'Acme', 'csv');
INSERT INTO xsell.stage_map (org_id, pipeline, stage, closed, won, is_purchase) VALUES ('acme', '', 'Won', true, true, true);
INSERT INTO xsell.account (org_id, crm_id, name, industry, country, employees, created_at, modified_at)
SELECT 'acme', 'a' || a, md5(a::text), (ARRAY['Retail', 'Banking', 'Energy'])[1 + a % 3], (ARRAY['FR', 'DE'])[1 + a % 2], 10 + a * 7 % 900,
       '2021-12-01 00:00+00', '2021-12-01 00:00+00'
FROM generate_series(1, 800) a;
INSERT INTO xsell.product (org_id, crm_id, name, code, family, created_at, modified_at)
SELECT 'acme', 'p' || p, 'Product ' || p, 'P-' || p, 'Family ' || p % 4, '2021-12-01 00:00+00', '2021-12-01 00:00+00' FROM generate_series(1, 30) p;
CREATE TEMPORARY TABLE sale AS
WITH chance AS (
    SELECT a, k, abs(hashint4(a * 31 + k)) % 15 AS pick, abs(hashint4(a * 101 + k * 7)) % 17000 AS hour, abs(hashint4(a * 13 + k * 3)) % 90 AS pause,
           abs(hashint4(a * 7 + k)) % 10 AS luck
    FROM generate_series(1, 800) a, generate_series(1, 3) k
), first AS (
    SELECT a, 1 + 2 * pick AS p, timestamptz '2022-01-01 00:00+00' + interval '1 hour' * hour AS at, pause, luck FROM chance
)
SELECT a, p, at FROM first
UNION ALL
SELECT a, p + 1, at + interval '1 day' * (10 + pause) FROM first WHERE luck < 7;
INSERT INTO xsell.opportunity (org_id, crm_id, account_id, name, stage, is_closed, is_won, amount, amount_base, created_at, closed_at, modified_at)
SELECT 'acme', 'o' || a || '-' || p || '-' || n, 'a' || a, 'Deal', 'Won', true, true, 1000 + p, 1000 + p, at, at, at
FROM (SELECT *, row_number() OVER (PARTITION BY a, p ORDER BY at) AS n FROM sale) s WHERE at < '2024-01-01 00:00+00';
INSERT INTO xsell.opportunity_line (org_id, crm_id, opportunity_id, product_id, quantity, amount, amount_base, created_at, modified_at)
SELECT 'acme', 'l' || a || '-' || p || '-' || n, 'o' || a || '-' || p || '-' || n, 'p' || p, 1, 1000 + p, 1000 + p, at, at
FROM (SELECT *, row_number() OVER (PARTITION BY a, p ORDER BY at) AS n FROM sale) s WHERE at < '2024-01-01 00:00+00';
DROP TABLE sale;
SET xsell.now = '2024-01-01 00:00+00';
SELECT xsell_internal.resolve_entities() > 0 AS entities, xsell_internal.resolve_products() > 0 AS products, xsell_internal.refresh_holdings() > 0 AS holdings;
