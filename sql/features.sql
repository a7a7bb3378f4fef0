\set SHOW_CONTEXT never
-- What the install script registered.
SELECT name, version, cardinality(feature) AS features, definition,
       sha256 = encode(sha256(convert_to(array_to_string(feature, ',') || E'\n' || definition, 'UTF8')), 'hex') AS hash_holds
FROM xsell_internal.feature_set WHERE name = 'cross_sell';
SELECT u.position, u.feature, count(t.*) AS templates
FROM xsell_internal.feature_set s, unnest(s.feature) WITH ORDINALITY AS u(feature, position)
LEFT JOIN xsell_internal.reason_template t USING (feature) WHERE s.name = 'cross_sell' GROUP BY 1, 2 ORDER BY 1;
SELECT * FROM xsell.features('no_such_model');
SELECT * FROM xsell.features('cross_sell', 'infinity');
SELECT * FROM xsell.features('cross_sell', NULL);

-- Values, by hand. Two orgs, three products, as of 2024-07-01.
BEGIN;
SET LOCAL timezone = 'UTC';
SET LOCAL extra_float_digits = 0;
INSERT INTO xsell.org (org_id, name, connector) VALUES ('ra', 'ra', 'csv'), ('rb', 'rb', 'csv');
INSERT INTO xsell.account (org_id, crm_id, name, industry, country, employees, annual_revenue_base, created_at, modified_at) VALUES
    ('ra', 'a', 'Alpha', 'Retail', 'US', 2000, 1000000, '2024-01-01', '2024-01-01'), ('rb', 'a', 'Alpha Inc', NULL, 'USA', NULL, NULL, '2024-01-11', '2024-01-01'),
    ('ra', 'b', 'Beta', 'retail', 'US', 2000, NULL, '2024-01-01', '2024-01-01'), ('ra', 'c', 'Gamma', 'Food', 'DE', 0, -5, '2024-01-01', '2024-01-01'),
    ('ra', 'd', 'Delta', NULL, NULL, NULL, NULL, '2024-01-01', '2024-01-01');
INSERT INTO xsell.product (org_id, crm_id, name, code, family, created_at, modified_at) VALUES
    ('ra', 'p', 'Pump', 'P', 'Wet', '2023-01-01', '2024-01-01'), ('ra', 'q', 'Quill', 'Q', 'Dry', '2023-01-01', '2024-01-01'),
    ('rb', 'r', 'Raft', 'R', 'wet', '2023-01-01', '2024-01-01'), ('rb', 'n', 'Not yet made', 'N', NULL, '2024-08-01', '2024-08-01');
INSERT INTO xsell.stage_map VALUES ('ra', '', 'Won', true, true, true, 'source'), ('ra', '', 'Lost', true, false, false, 'source'),
    ('ra', '', 'Open', false, false, false, 'source'), ('rb', '', 'Won', true, true, true, 'source');
INSERT INTO xsell.opportunity (org_id, crm_id, account_id, stage, closed_at, created_at, modified_at) VALUES
    ('ra', '1', 'a', 'Won', '2024-06-26', '2024-06-01', '2024-06-26'), ('ra', '2', 'a', 'Lost', '2024-03-01', '2024-02-01', '2024-06-26'),
    ('ra', '3', 'b', 'Won', '2024-02-01', '2024-01-15', '2024-06-26'), ('rb', '4', 'a', 'Won', '2024-01-21', '2024-01-15', '2024-06-26'),
    ('ra', '5', 'c', 'Won', '2024-06-01', '2024-05-15', '2024-06-26'), ('ra', '6', 'd', 'Won', '2024-07-02', '2024-05-15', '2024-07-02'),
    ('ra', '7', 'b', 'Open', '2024-09-01', '2024-06-15', '2024-06-26');
INSERT INTO xsell.opportunity_line (org_id, crm_id, opportunity_id, product_id, amount, amount_base, created_at, modified_at) VALUES
    ('ra', '1', '1', 'p', 100, 100, '2024-06-01', '2024-06-01'), ('ra', '3', '3', 'p', 300, 300, '2024-01-15', '2024-01-15'),
    ('ra', '3b', '3', 'q', 50, 50, '2024-01-15', '2024-01-15'), ('rb', '4', '4', 'r', 1000, 1000, '2024-01-15', '2024-01-15'),
    ('ra', '5', '5', 'q', 70, 70, '2024-05-15', '2024-05-15'), ('ra', '6', '6', 'q', 70, 70, '2024-05-15', '2024-05-15'),
    ('ra', '7', '7', 'p', 70, 70, '2024-06-15', '2024-06-15');
INSERT INTO xsell.activity (org_id, crm_id, kind, account_id, opportunity_id, occurred_at, created_at, modified_at) VALUES
    ('ra', '1', 'call', 'a', NULL, '2024-06-01', '2024-06-01', '2024-06-01'), ('rb', '2', 'email', NULL, '4', '2024-01-01', '2024-01-01', '2024-06-01'),
    ('ra', '3', 'task', 'a', NULL, '2024-06-20', '2024-07-05', '2024-07-05');
SELECT xsell_internal.resolve_entities() > 0 AS a, xsell_internal.resolve_products() > 0 AS b, xsell_internal.refresh_holdings() > 0 AS c;
CREATE TEMPORARY TABLE by_hand AS
SELECT e.name AS entity, p.name AS product, f.x FROM xsell.features('cross_sell', '2024-07-01 00:00+00') f
JOIN xsell.entity e USING (entity_id) JOIN xsell.canonical_product p USING (product_id);
-- Alpha holds Pump and Raft, Beta Pump and Quill, Gamma Quill; Delta bought later and Raft is the only product that Beta and Gamma lack
-- besides Pump; what is made later is offered to nobody.
SELECT entity, product, array_position(x, 'infinity') IS NULL AND array_position(x, '-infinity') IS NULL AS finite FROM by_hand ORDER BY 1, 2;
SELECT s.feature, h.x[s.position] AS value
FROM by_hand h, (SELECT u.* FROM xsell_internal.feature_set f, unnest(f.feature) WITH ORDINALITY AS u(feature, position) WHERE f.name = 'cross_sell') s
WHERE h.entity LIKE 'Alpha%' AND h.product = 'Quill' ORDER BY s.position;
SELECT h.entity, h.product, s.feature, h.x[s.position] AS value
FROM by_hand h, (SELECT u.* FROM xsell_internal.feature_set f, unnest(f.feature) WITH ORDINALITY AS u(feature, position) WHERE f.name = 'cross_sell') s
WHERE s.feature IN ('open_deals', 'same_org_sells', 'family_share', 'revenue_log', 'employees_log', 'win_rate') AND h.entity = 'Gamma' ORDER BY h.product, s.position;
-- Nothing was bought before the first purchase.
SELECT count(*) FROM xsell.features('cross_sell', '2024-01-20 00:00+00') f JOIN xsell.entity USING (entity_id) WHERE orgs && '{ra,rb}';
ROLLBACK;

-- No look-ahead. A generated world of three orgs; features as of t; then what happened after t is undone and every column without
-- history is overwritten; the features as of t must not notice.
BEGIN;
SET LOCAL timezone = 'UTC';
CREATE FUNCTION pg_temp.dice(key text, sides integer) RETURNS integer LANGUAGE sql IMMUTABLE
RETURN ('x' || substr(md5(key), 1, 7))::bit(28)::integer % sides;
CREATE FUNCTION pg_temp.day_of(key text) RETURNS timestamptz LANGUAGE sql IMMUTABLE
RETURN timestamptz '2023-07-01 00:00+00' + pg_temp.dice(key, 730) * interval '1 day';
INSERT INTO xsell.org (org_id, name, connector) SELECT o, o, 'csv' FROM unnest(ARRAY['wa', 'wb', 'wc']) AS o;
INSERT INTO xsell.stage_map SELECT o, '', s, c, w, w, 'source' FROM unnest(ARRAY['wa', 'wb', 'wc']) AS o,
    (VALUES ('Won', true, true), ('Lost', true, false), ('Open', false, false)) AS v(s, c, w);
INSERT INTO xsell.account (org_id, crm_id, name, domain, industry, country, employees, annual_revenue, annual_revenue_base, owner_id, created_at, deleted_at, modified_at)
SELECT o, 'a' || i, 'Company ' || md5(i::text), 'c' || i || '.com', (ARRAY['Retail', 'Food', 'Steel', NULL])[1 + pg_temp.dice('i' || i, 4)],
       (ARRAY['US', 'DE', NULL])[1 + pg_temp.dice('c' || i, 3)], NULLIF(pg_temp.dice('e' || o || i, 3000), 0), 1000.0 * pg_temp.dice('r' || i, 100000),
       1000.0 * pg_temp.dice('r' || i, 100000), 'u' || pg_temp.dice('u' || i, 5), pg_temp.day_of('ac' || o || i),
       CASE WHEN pg_temp.dice('ad' || o || i, 12) = 0 THEN pg_temp.day_of('ac' || o || i) + interval '300 days' END, '2025-06-30'
FROM unnest(ARRAY['wa', 'wb', 'wc']) AS o, generate_series(1, 60) i WHERE pg_temp.dice('in' || o || i, 3) > 0;
INSERT INTO xsell.product (org_id, crm_id, name, code, family, is_active, price, created_at, deleted_at, modified_at)
SELECT o, 'p' || i, 'Product ' || i, 'W-' || i, 'Family ' || i % 4, true, i, CASE WHEN i > 15 THEN timestamptz '2024-08-01 00:00+00' ELSE '2023-06-01 00:00+00' END,
       CASE WHEN pg_temp.dice('pd' || o || i, 8) = 0 THEN pg_temp.day_of('pd' || o || i) END, '2025-06-30'
FROM unnest(ARRAY['wa', 'wb', 'wc']) AS o, generate_series(1, 20) i;
INSERT INTO xsell.opportunity (org_id, crm_id, account_id, name, stage, product_name, amount, amount_base, probability, is_closed, is_won, closed_at, created_at, deleted_at, owner_id, modified_at)
SELECT a.org_id, a.crm_id || '-' || k, a.crm_id, 'Deal', s.stage, 'Product ' || 1 + pg_temp.dice('op' || d.key, CASE WHEN d.day > '2024-08-01' THEN 20 ELSE 15 END), 100 + pg_temp.dice('oa' || d.key, 900),
       100 + pg_temp.dice('oa' || d.key, 900), 50, s.stage <> 'Open', s.stage = 'Won',
       d.day + (1 + pg_temp.dice('ol' || d.key, 120)) * interval '1 day', d.day,
       CASE WHEN pg_temp.dice('od' || d.key, 15) = 0 THEN d.day + pg_temp.dice('oe' || d.key, 300) * interval '1 day' END, 'u1', '2025-06-30'
FROM xsell.account a, generate_series(1, 8) k,
     LATERAL (SELECT a.org_id || a.crm_id || k AS key, GREATEST(a.created_at, pg_temp.day_of('o' || a.org_id || a.crm_id || k)) AS day) d,
     LATERAL (SELECT (ARRAY['Won', 'Won', 'Won', 'Lost', 'Open'])[1 + pg_temp.dice('os' || d.key, 5)] AS stage) s
WHERE a.org_id IN ('wa', 'wb', 'wc');
INSERT INTO xsell.opportunity_line (org_id, crm_id, opportunity_id, product_id, quantity, unit_price, amount, amount_base, created_at, deleted_at, modified_at)
SELECT o.org_id, o.crm_id || '-' || k, o.crm_id, 'p' || 1 + pg_temp.dice('lp' || o.org_id || o.crm_id || k, CASE WHEN o.created_at > '2024-08-01' THEN 20 ELSE 15 END), 1, 10, 10 + pg_temp.dice('la' || o.org_id || o.crm_id || k, 90),
       10 + pg_temp.dice('la' || o.org_id || o.crm_id || k, 90), o.created_at, CASE WHEN pg_temp.dice('ld' || o.org_id || o.crm_id || k, 20) = 0 THEN o.created_at + interval '200 days' END, '2025-06-30'
FROM xsell.opportunity o, generate_series(1, 2) k WHERE o.org_id IN ('wa', 'wb');   -- wc keeps no lines: its deals name their product
INSERT INTO xsell.activity (org_id, crm_id, kind, account_id, opportunity_id, subject, occurred_at, created_at, deleted_at, modified_at)
SELECT o.org_id, o.crm_id || '-' || k, 'call', CASE WHEN k = 1 THEN o.account_id END, o.crm_id, 'Call', v.day, v.day - interval '3 days',
       CASE WHEN pg_temp.dice('vd' || o.org_id || o.crm_id || k, 10) = 0 THEN v.day + interval '100 days' END, '2025-06-30'
FROM xsell.opportunity o, generate_series(1, 2) k, LATERAL (SELECT o.created_at + pg_temp.dice('v' || o.org_id || o.crm_id || k, 200) * interval '1 day' AS day) v
WHERE o.org_id IN ('wa', 'wb', 'wc');

CREATE FUNCTION pg_temp.refreshed() RETURNS boolean LANGUAGE sql VOLATILE AS $$
    SELECT xsell_internal.resolve_entities() IS NOT NULL;
    SELECT xsell_internal.resolve_products() IS NOT NULL;
    SELECT xsell_internal.refresh_holdings() IS NOT NULL;
$$;
SELECT pg_temp.refreshed();
\set t '''2024-07-01 00:00+00'''
CREATE TEMPORARY TABLE before AS SELECT * FROM xsell.features('cross_sell', :t);
CREATE TEMPORARY TABLE before_later AS SELECT * FROM xsell.features('cross_sell', '2025-06-01 00:00+00');
SELECT count(*) > 300 AS enough, count(DISTINCT entity_id) > 20 AS entities, count(*) FILTER (WHERE x[45] > 0) > 0 AS open_deals, count(DISTINCT x[48]) > 1 AS orgs FROM before;

-- What happened after t is undone: created later, gone; deleted later, back; closed later, open.
DO $$
DECLARE
    t constant timestamptz := '2024-07-01 00:00+00';
    object text;
BEGIN
    DELETE FROM xsell.activity WHERE occurred_at > t;
    DELETE FROM xsell.opportunity_line l USING xsell.opportunity o WHERE o.org_id = l.org_id AND o.crm_id = l.opportunity_id AND o.created_at > t;
    FOREACH object IN ARRAY ARRAY['account', 'product', 'opportunity', 'opportunity_line', 'activity'] LOOP
        EXECUTE format('DELETE FROM xsell.%I WHERE created_at > %L', object, t);
        EXECUTE format('UPDATE xsell.%I SET deleted_at = NULL WHERE deleted_at > %L', object, t);
    END LOOP;
    UPDATE xsell.opportunity SET stage = 'Open', is_closed = false, is_won = false, closed_at = closed_at + interval '90 days' WHERE closed_at > t;
END
$$;
-- Every other column that is no key, no event time and not declared static is overwritten; what is settled at closing, of open deals only.
DO $$
DECLARE
    c record;
BEGIN
    FOR c IN
        SELECT k.table_name, k.column_name, k.data_type, s.reason
        FROM information_schema.columns k LEFT JOIN xsell_internal.static_column s USING (table_name, column_name)
        WHERE k.table_schema = 'xsell' AND k.table_name IN ('account', 'product', 'opportunity', 'opportunity_line', 'activity')
          AND k.column_name NOT IN ('org_id', 'crm_id', 'account_id', 'contact_id', 'lead_id', 'opportunity_id', 'product_id', 'merged_into')
          AND k.column_name NOT IN ('created_at', 'closed_at', 'deleted_at', 'occurred_at')
          AND (s.reason IS NULL OR k.table_name = 'opportunity' AND s.reason LIKE 'settled%' AND k.column_name NOT IN ('stage', 'is_closed', 'is_won'))
    LOOP
        EXECUTE format('UPDATE xsell.%I SET %I = %s %s', c.table_name, c.column_name,
            CASE c.data_type WHEN 'boolean' THEN format('NOT COALESCE(%I, false)', c.column_name) WHEN 'jsonb' THEN '''{"product_family": "x"}'''
                WHEN 'timestamp with time zone' THEN '''2030-01-01''' WHEN 'text' THEN '''overwritten''' ELSE '4711' END,
            CASE WHEN c.reason IS NOT NULL THEN 'WHERE stage = ''Open''' END);
    END LOOP;
END
$$;
SELECT pg_temp.refreshed();
CREATE TEMPORARY TABLE after AS SELECT * FROM xsell.features('cross_sell', :t);
SELECT count(*) AS differences FROM ((TABLE before EXCEPT TABLE after) UNION ALL (TABLE after EXCEPT TABLE before)) d;
SELECT (SELECT count(*) FROM before) = (SELECT count(*) FROM after) AS same_rows;
-- The undoing was real: later features did change.
SELECT count(*) > 100 AS later_differs FROM (TABLE before_later EXCEPT SELECT * FROM xsell.features('cross_sell', '2025-06-01 00:00+00')) d;
ROLLBACK;

-- Numbers that cannot be are refused.
SELECT * FROM xsell_internal.cross_sell_matrix('{1}', '{t}', '{1}', '{1}', '{1}', '{1}', '{1}', '{1}', '{1,2}', '{t,t}', '{2147483647,1}',
    '{1,1,1,1,1,1,1,1}', '{1}', '{1}', '{1}', '{1}', '{}', '{}', '{}', '{}', '{}', '{1}', '{1}', '{1}', '{1}', '{2}', '{1}', 10);
