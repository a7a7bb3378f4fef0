-- Customers :first to :last of a company that sells 1000 products: about ten purchases each, by taste, in two years. All of it follows
-- from the numbers, so that two runs load the same.
SET client_min_messages = warning;
INSERT INTO xsell.org (org_id, name, connector) VALUES ('one', 'One', 'csv') ON CONFLICT DO NOTHING;
INSERT INTO xsell.stage_map (org_id, stage, closed, won, is_purchase) VALUES ('one', 'Won', true, true, true) ON CONFLICT DO NOTHING;
INSERT INTO xsell.crm_user (org_id, crm_id, name, email, team, modified_at)
SELECT 'one', 'u' || u, 'Seller ' || u, 'u' || u || '@one.com', 'Team ' || u % 10, '2021-12-01' FROM generate_series(0, 99) u ON CONFLICT DO NOTHING;
INSERT INTO xsell.product (org_id, crm_id, name, code, family, is_active, created_at, modified_at)
SELECT 'one', 'p' || p, 'Product ' || p, 'P-' || p, 'Family ' || p % 25, true, '2021-12-01', '2021-12-01' FROM generate_series(1, 1000) p ON CONFLICT DO NOTHING;
INSERT INTO xsell.account (org_id, crm_id, name, domain, industry, country, employees, annual_revenue, annual_revenue_base, owner_id, created_at, modified_at)
SELECT 'one', 'a' || e, 'Firm ' || md5(e::text), 'firm' || e || '.com', 'Industry ' || e % 20, (ARRAY['FR', 'DE', 'GB', 'US', 'ES', 'IT', 'NL', 'PL', 'SE', 'CH'])[1 + (e / 20) % 10],
       5 + abs(hashint4(e)) % 5000, 1000.0 * (abs(hashint4(e)) % 90000), 1000.0 * (abs(hashint4(e)) % 90000), 'u' || e % 100,
       timestamptz '2021-01-01 00:00+00' + interval '1 day' * (abs(hashint4(e + 7)) % 350), '2021-12-01'
FROM generate_series(:first, :last) e;
INSERT INTO xsell.contact (org_id, crm_id, account_id, first_name, last_name, title, email, modified_at)
SELECT 'one', 'c' || e, 'a' || e, 'Buyer', 'Of ' || e, 'Head of Purchasing', 'x@firm' || e || '.com', '2021-12-01' FROM generate_series(:first, :last) e;
-- Half of what a customer buys is of its own taste (one of 40), half is what sells.
CREATE TEMPORARY TABLE sale AS
SELECT DISTINCT ON (e, p) e, p, n, timestamptz '2022-01-02 00:00+00' + interval '1 hour' * (abs(hashint4(e * 31 + n * 7)) % 17520) AS at
FROM (SELECT e, n, 1 + CASE WHEN n % 2 = 0 THEN (e % 40 * 25 + floor(25 * power((abs(hashint4(e * 17 + n)) % 10000) / 10000.0, 2))::integer) % 1000
                            ELSE floor(1000 * power((abs(hashint4(e * 13 + n * 1009)) % 10000) / 10000.0, 2.5))::integer END AS p
      FROM generate_series(:first, :last) e, generate_series(1, 11) n) s
ORDER BY e, p, n;
INSERT INTO xsell.opportunity (org_id, crm_id, account_id, name, stage, amount, amount_base, created_at, closed_at, modified_at)
SELECT 'one', 'o' || e || '-' || p, 'a' || e, 'Deal', 'Won', 100 + p, 100 + p, at - interval '30 days', at, at FROM sale;
INSERT INTO xsell.opportunity_line (org_id, crm_id, opportunity_id, product_id, quantity, amount, amount_base, created_at, modified_at)
SELECT 'one', 'l' || e || '-' || p, 'o' || e || '-' || p, 'p' || p, 1, 100 + p, 100 + p, at - interval '30 days', at FROM sale;
DROP TABLE sale;
