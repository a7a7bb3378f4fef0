-- Three orgs that share customers: 90 companies, 12 products, two years of won deals, some assets that end. South keeps secrets:
-- unmistakable names and amounts that nobody without a grant on it may ever read.
SET client_min_messages = warning;
SET timezone = 'UTC';
SET xsell.now = '2024-01-01 00:00+00';
INSERT INTO xsell.org (org_id, name, connector) VALUES ('north', 'North', 'csv'), ('south', 'SECRET_B', 'csv'), ('east', 'East', 'csv');
INSERT INTO xsell.stage_map (org_id, stage, closed, won, is_purchase) SELECT o, 'Won', true, true, true FROM unnest(ARRAY['north', 'south', 'east']) o;
CREATE TEMPORARY TABLE known AS
SELECT o, e, CASE o WHEN 'south' THEN 'SECRET_B ' ELSE '' END AS mark FROM generate_series(1, 90) e, unnest(ARRAY['north', 'south', 'east']) o
WHERE o = 'north' AND e % 3 <> 0 OR o = 'south' AND e % 3 <> 1 OR o = 'east' AND e % 4 = 0;
INSERT INTO xsell.account (org_id, crm_id, name, domain, industry, country, employees, annual_revenue, annual_revenue_base, owner_id, created_at, modified_at)
SELECT o, left(o, 1) || e, mark || 'Firm ' || md5(e::text), 'firm' || e || '.com', (ARRAY['Retail', 'Energy'])[1 + e % 2], 'FR', 10 + e,
       CASE o WHEN 'south' THEN 777777.77 ELSE e * 1000 END, CASE o WHEN 'south' THEN 777777.77 ELSE e * 1000 END, 'u' || e % 2, '2021-12-01', '2021-12-01'
FROM known;
INSERT INTO xsell.crm_user (org_id, crm_id, name, email, team, modified_at)
SELECT o, 'u' || u, CASE o WHEN 'south' THEN 'SECRET_B seller ' ELSE 'Seller ' END || u, 'u' || u || '@' || o || '.com', o, '2021-12-01'
FROM unnest(ARRAY['north', 'south', 'east']) o, generate_series(0, 1) u;
INSERT INTO xsell.contact (org_id, crm_id, account_id, first_name, last_name, title, email, modified_at)
SELECT o, t || e, left(o, 1) || e, mark || t, 'Person', t, 'x@firm.com', '2021-12-01' FROM known, unnest(ARRAY['Intern', 'Head of Purchasing']) t;
INSERT INTO xsell.product (org_id, crm_id, name, code, family, is_active, created_at, modified_at)
SELECT o, 'p' || p, CASE o WHEN 'south' THEN 'SECRET_B product ' ELSE 'Product ' END || p, 'P-' || p, 'Family ' || p % 2, p <> 6, '2021-12-01', '2021-12-01'
FROM generate_series(1, 12) p, unnest(ARRAY['north', 'south', 'east']) o
WHERE o = 'north' AND p <= 6 OR o = 'south' AND p BETWEEN 5 AND 10 OR o = 'east' AND p >= 10;
CREATE TEMPORARY TABLE sale AS
SELECT o, e, p, left(o, 1) || e || '-' || p AS id, CASE o WHEN 'south' THEN 777777.77 ELSE p * 100 + e END AS amount,
       timestamptz '2022-01-05 00:00+00' + interval '1 day' * (abs(hashint4(e * 31 + p * 7)) % 700) AS at
FROM known JOIN (SELECT org_id, right(crm_id, -1)::integer AS p FROM xsell.product) q ON q.org_id = o
WHERE (e % 5 + p) % 3 = 0 OR abs(hashint4(e + p * 101)) % 6 = 0;
INSERT INTO xsell.opportunity (org_id, crm_id, account_id, name, stage, amount, amount_base, created_at, closed_at, modified_at)
SELECT o, 'o' || id, left(o, 1) || e, 'Deal', 'Won', amount, amount, at, at, at FROM sale;
INSERT INTO xsell.opportunity_line (org_id, crm_id, opportunity_id, product_id, quantity, amount, amount_base, created_at, modified_at)
SELECT o, 'l' || id, 'o' || id, 'p' || p, 1, amount, amount, at, at FROM sale;
INSERT INTO xsell.asset (org_id, crm_id, account_id, product_id, purchased_at, ends_at, modified_at)
SELECT o, 's' || id, left(o, 1) || e, 'p' || p, at, '2023-10-01', at FROM sale WHERE p = 2 AND e % 2 = 0 AND at < '2023-06-01';
UPDATE xsell.account SET do_not_contact = true WHERE (org_id, crm_id) IN (('north', 'n1'), ('south', 's2'));
DROP TABLE known, sale;
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'xsell_test_north') THEN
        CREATE ROLE xsell_test_north;
        CREATE ROLE xsell_test_group;
    END IF;
END $$;
GRANT xsell_analyst TO xsell_test_north, xsell_test_group;
INSERT INTO xsell.org_grant VALUES ('north', 'xsell_test_north'), ('north', 'xsell_test_group'), ('south', 'xsell_test_group'), ('east', 'xsell_test_group'),
    ('south', 'a_role_that_does_not_exist');
