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

-- Amounts in several currencies, at the rate of their day: stated, and of a price alone. No rate: no amount, and it is said.
BEGIN;
SET LOCAL timezone = 'UTC';
SET LOCAL xsell.now = '2024-07-01 00:00+00';
INSERT INTO xsell.org (org_id, name, connector, currency) VALUES ('ma', 'A', 'csv', 'USD');
INSERT INTO xsell.stage_map VALUES ('ma', '', 'Won', true, true, true);
INSERT INTO xsell.account (org_id, crm_id, name, modified_at) VALUES ('ma', 'a1', 'Money Test', '2024-01-01');
INSERT INTO xsell.product (org_id, crm_id, name, modified_at) SELECT 'ma', p, 'Money ' || p, '2024-01-01' FROM unnest(ARRAY['eur', 'usd', 'none', 'jpy', 'stated']) p;
INSERT INTO xsell.currency_rate VALUES ('USD', '2024-01-01', 0.5), ('USD', '2024-03-01', 0.8), ('JPY', '2024-03-01', 0.01);
INSERT INTO xsell.opportunity (org_id, crm_id, account_id, stage, closed_at, modified_at) VALUES
    ('ma', 'o1', 'a1', 'Won', '2024-02-01', '2024-02-01'), ('ma', 'o2', 'a1', 'Won', '2024-04-01', '2024-04-01');
INSERT INTO xsell.opportunity_line (org_id, crm_id, opportunity_id, product_id, quantity, unit_price, amount, currency, modified_at)
SELECT 'ma', v.product || '-' || o, o, v.product, 2, 100, CASE v.product WHEN 'stated' THEN 300 END, v.currency, '2024-01-01'
FROM (VALUES ('eur', 'EUR'), ('usd', 'USD'), ('none', NULL), ('jpy', 'JPY'), ('stated', 'JPY')) AS v(product, currency), unnest(ARRAY['o1', 'o2']) o;
SELECT xsell_internal.refresh_base_amounts(), xsell_internal.resolve_entities() > 0 AS entities, xsell_internal.resolve_products() > 0 AS products, xsell_internal.refresh_holdings();
CREATE VIEW priced AS SELECT record_id, round(amount_base, 2) AS amount_base FROM xsell_internal.purchase WHERE org_id = 'ma' ORDER BY 1;
SELECT * FROM priced;  -- none: the currency of the org; the yen has no rate in February
SELECT crm_id, problem, detail FROM xsell_internal.data_quality WHERE org_id = 'ma' ORDER BY 1;
SELECT product_name, first_at, last_at, purchases, round(amount_base, 2) AS amount_base FROM xsell.holding WHERE org_id = 'ma' ORDER BY 1;
INSERT INTO xsell.currency_rate VALUES ('JPY', '2024-01-01', 0.02);
UPDATE xsell.currency_rate SET rate = 0.6 WHERE currency = 'USD' AND valid_from = '2024-01-01';
SELECT xsell_internal.refresh_base_amounts(), xsell_internal.refresh_holdings();
SELECT * FROM priced;
SELECT count(*) AS doubts FROM xsell_internal.data_quality WHERE org_id = 'ma';
SELECT xsell_internal.refresh_holdings() AS nothing_new;
ROLLBACK;

-- From when on a deal is known: its creation; without one a closed deal from its end, an open one from the earliest date about it, and
-- now at the latest.
BEGIN;
SET LOCAL timezone = 'UTC';
SET LOCAL datestyle = 'ISO';
SET LOCAL xsell.now = '2024-07-01 00:00+00';
INSERT INTO xsell.opportunity (org_id, crm_id, is_closed, is_won, closed_at, created_at, modified_at) VALUES
    ('ka', 'created', false, NULL, '2024-09-01', '2024-02-01', '2024-05-01'), ('ka', 'closed', true, true, '2024-04-01', NULL, '2024-05-01'),
    ('ka', 'open', false, NULL, '2024-09-01', NULL, '2024-05-01'), ('ka', 'overdue', false, NULL, '2024-03-01', NULL, '2024-05-01'),
    ('ka', 'with a line', NULL, NULL, NULL, NULL, '2024-05-01'), ('ka', 'read later', NULL, NULL, NULL, NULL, '2026-01-01');
INSERT INTO xsell.opportunity_line (org_id, crm_id, opportunity_id, created_at, modified_at) VALUES ('ka', '1', 'with a line', '2024-03-03', '2024-05-01'), ('ka', '2', 'with a line', NULL, '2024-05-01');
SELECT opportunity_id, closed, known_at FROM xsell_internal.deal WHERE org_id = 'ka' ORDER BY known_at;
ROLLBACK;

-- Incremental is full: whatever is changed, by whichever way and in however many transactions, nothing is left for a full reading.
CREATE PROCEDURE pg_temp.change(dice integer[]) LANGUAGE plpgsql AS $$
DECLARE
    a text := 'a' || 1 + dice[2] % 40;
    o text := 'o' || dice[3] % 60;
    l text := 'l' || dice[2] % 150;
    p text := 'p' || 1 + dice[4] % 6;
    g text := (ARRAY['qa', 'qb', 'qc'])[1 + dice[5] % 3];
    day timestamptz := timestamptz '2024-01-01' + dice[4] % 300 * interval '1 day';
BEGIN
    CASE dice[1] % 17
        WHEN 0 THEN INSERT INTO xsell.opportunity_line (org_id, crm_id, opportunity_id, product_id, quantity, unit_price, currency, modified_at)
                    SELECT g, l, o, p, 1, dice[4] % 9, (ARRAY['EUR', 'USD', 'JPY'])[1 + dice[3] % 3], day WHERE g <> 'qc'
                    ON CONFLICT (org_id, crm_id) DO UPDATE SET opportunity_id = excluded.opportunity_id, product_id = excluded.product_id;
        WHEN 1 THEN UPDATE xsell.opportunity_line SET amount = dice[4] % 100, amount_base = dice[4] % 100 WHERE org_id = g AND crm_id = l;
        WHEN 2 THEN UPDATE xsell.opportunity_line SET deleted_at = CASE WHEN deleted_at IS NULL THEN day END WHERE org_id = g AND crm_id = l;
        WHEN 3 THEN DELETE FROM xsell.opportunity_line WHERE org_id = g AND crm_id = l;
        WHEN 4 THEN INSERT INTO xsell.opportunity (org_id, crm_id, account_id, stage, closed_at, created_at, product_name, amount_base, modified_at)
                    VALUES (g, o, a, 'Won', day, '2024-01-01', 'Prop ' || p, 5, day)
                    ON CONFLICT (org_id, crm_id) DO UPDATE SET account_id = excluded.account_id, closed_at = excluded.closed_at, stage = excluded.stage;
        WHEN 5 THEN UPDATE xsell.opportunity SET stage = CASE stage WHEN 'Won' THEN 'Open' ELSE 'Won' END WHERE org_id = g AND crm_id = o;
        WHEN 6 THEN DELETE FROM xsell.opportunity WHERE org_id = g AND crm_id = o;
        WHEN 7 THEN INSERT INTO xsell.asset (org_id, crm_id, account_id, product_id, purchased_at, ends_at, amount_base, modified_at)
                    VALUES (g, 's' || dice[3] % 30, a, p, day, day + interval '90 days', 3, day)
                    ON CONFLICT (org_id, crm_id) DO UPDATE SET account_id = excluded.account_id, ends_at = excluded.ends_at;
        WHEN 8 THEN DELETE FROM xsell.asset WHERE org_id = g AND crm_id = 's' || dice[3] % 30;
        WHEN 9 THEN UPDATE xsell_internal.entity_account SET entity_id = (SELECT e.entity_id FROM xsell_internal.entity_account e WHERE e.org_id = 'qa' AND e.account_id = a)
                    WHERE org_id = g AND account_id = 'a' || 1 + dice[3] % 40 AND EXISTS (SELECT FROM xsell_internal.entity_account e WHERE e.org_id = 'qa' AND e.account_id = a);
        WHEN 10 THEN DELETE FROM xsell_internal.entity_account WHERE org_id = g AND account_id = a AND dice[3] % 3 = 0;
        WHEN 11 THEN INSERT INTO xsell_internal.entity_account (org_id, account_id, entity_id, match_confidence, match_reason)
                     SELECT g, a, e.entity_id, 1, 'test' FROM xsell_internal.entity e ORDER BY e.entity_id DESC LIMIT 1 ON CONFLICT DO NOTHING;
        WHEN 12 THEN UPDATE xsell_internal.product_map SET product_id = (SELECT m.product_id FROM xsell_internal.product_map m WHERE m.org_id = 'qa' AND m.product_crm_id = p)
                     WHERE org_id = g AND product_crm_id = 'p' || 1 + dice[3] % 6 AND dice[2] % 5 = 0;
        WHEN 13 THEN UPDATE xsell.stage_map SET is_purchase = NOT is_purchase WHERE org_id = g AND stage = 'Won' AND dice[2] % 5 = 0;
        WHEN 14 THEN INSERT INTO xsell.currency_rate SELECT 'USD', '2024-01-01', 1 + dice[3] % 7 WHERE dice[2] % 5 = 0 ON CONFLICT (currency, valid_from) DO UPDATE SET rate = excluded.rate;
        WHEN 15 THEN PERFORM set_config('xsell.now', day::text, false);
        ELSE DELETE FROM xsell.opportunity_line WHERE org_id = g AND dice[2] % 7 = 0 AND g = 'qb';
    END CASE;
END
$$;
SET timezone = 'UTC';
SET xsell.now = '2024-07-01 00:00+00';
INSERT INTO xsell.org (org_id, name, connector) SELECT g, g, 'csv' FROM unnest(ARRAY['qa', 'qb', 'qc']) AS g;
INSERT INTO xsell.stage_map SELECT g, '', 'Won', true, true, true FROM unnest(ARRAY['qa', 'qb', 'qc']) AS g;
INSERT INTO xsell.account (org_id, crm_id, name, modified_at)
SELECT g, 'a' || a, md5(a::text), '2024-01-01' FROM unnest(ARRAY['qa', 'qb', 'qc']) AS g, generate_series(1, 40) a;
INSERT INTO xsell.product (org_id, crm_id, name, modified_at)
SELECT g, 'p' || p, 'Prop p' || p, '2024-01-01' FROM unnest(ARRAY['qa', 'qb', 'qc']) AS g, generate_series(1, 6) p;
SELECT xsell_internal.resolve_entities() > 0 AS entities, xsell_internal.resolve_products() > 0 AS products, xsell_internal.refresh_holdings() AS written;
INSERT INTO xsell.opportunity (org_id, crm_id, account_id, stage, closed_at, product_name, amount_base, modified_at)
SELECT g, 'o' || n, 'a' || 1 + n % 40, 'Won', timestamptz '2024-01-01' + n * interval '4 days', 'Prop p' || 1 + n % 6, 5, '2024-01-01'
FROM unnest(ARRAY['qa', 'qb', 'qc']) AS g, generate_series(0, 59) n;
INSERT INTO xsell.opportunity_line (org_id, crm_id, opportunity_id, product_id, quantity, unit_price, modified_at)
SELECT g, 'l' || n, 'o' || n % 60, 'p' || 1 + n % 6, 1, n, '2024-01-01' FROM unnest(ARRAY['qa', 'qb']) AS g, generate_series(0, 149) n;
INSERT INTO xsell.asset (org_id, crm_id, account_id, product_id, purchased_at, ends_at, modified_at)
SELECT g, 's' || n, 'a' || 1 + n, 'p' || 1 + n % 6, '2024-01-01', '2024-09-01', '2024-01-01' FROM unnest(ARRAY['qa', 'qb', 'qc']) AS g, generate_series(0, 29) n;
CREATE TEMPORARY TABLE property (round integer, written bigint, left_over bigint, sources text);
DO $$
DECLARE
    written bigint;
    left_over bigint;
    dice integer[];
BEGIN
    FOR round IN 1 .. 100 LOOP
        FOR change IN 1 .. 1 + round % 4 LOOP
            dice := ARRAY(SELECT abs(hashint4(round * 1000 + change * 10 + d)) FROM generate_series(1, 5) d);
            CALL pg_temp.change(dice);
        END LOOP;
        IF round % 3 = 0 THEN
            COMMIT;
        END IF;
        written := xsell_internal.refresh_holdings();
        IF round % 5 = 0 THEN
            COMMIT;
        END IF;
        BEGIN
            left_over := xsell_internal.refresh_holdings(full => true);
            RAISE EXCEPTION 'looked';
        EXCEPTION WHEN raise_exception THEN
        END;
        INSERT INTO property VALUES (round, written, left_over, (SELECT string_agg(org_id || source, ' ' ORDER BY org_id) FROM xsell_internal.purchase_sources() WHERE org_id LIKE 'q_'));
    END LOOP;
END
$$;
SELECT count(*) AS rounds, count(*) FILTER (WHERE written > 0) > 50 AS most_wrote, count(*) FILTER (WHERE left_over <> 0) AS wrong FROM property;
SELECT round, written, left_over FROM property WHERE left_over <> 0 ORDER BY round LIMIT 5;
SELECT count(DISTINCT sources) > 3 AS sources_changed FROM property;
-- An org that goes takes its purchases with it.
SELECT count(*) > 0 AS purged FROM xsell_internal.sync_purge_org('qb');
SELECT xsell_internal.refresh_holdings() >= 0 AS after_purge, xsell_internal.refresh_holdings(full => true) AS left_over;
SELECT count(*) AS of_the_purged FROM xsell_internal.purchase WHERE org_id = 'qb';
SELECT count(*) > 0 AS cleared FROM unnest(ARRAY['qa', 'qc']) AS g, xsell_internal.sync_purge_org(g);
TRUNCATE xsell_internal.entity, xsell_internal.canonical_product, xsell.currency_rate RESTART IDENTITY;
