-- Which entities something was written about since somebody last looked.
TRUNCATE xsell_internal.entity_change, xsell_internal.entity_change_mark;
SET timezone = 'UTC';
SET xsell.now = '2024-07-01 00:00+00';
INSERT INTO xsell.org (org_id, name, connector) VALUES ('ca', 'A', 'csv'), ('cb', 'B', 'csv');
INSERT INTO xsell.stage_map VALUES ('ca', '', 'Won', true, true, true);
INSERT INTO xsell.account (org_id, crm_id, name, modified_at) SELECT 'ca', 'a' || n, 'Change ' || md5(n::text), '2024-01-01' FROM generate_series(1, 12) n;
INSERT INTO xsell.opportunity (org_id, crm_id, account_id, stage, closed_at, modified_at) SELECT 'ca', 'o' || n, 'a' || n, 'Open', NULL, '2024-01-01' FROM generate_series(1, 12) n;
INSERT INTO xsell.opportunity_line (org_id, crm_id, opportunity_id, product_id, modified_at) SELECT 'ca', 'l' || n, 'o' || n, 'p', '2024-01-01' FROM generate_series(1, 12) n;
INSERT INTO xsell.contact (org_id, crm_id, account_id, modified_at) SELECT 'ca', 'c' || n, 'a' || n, '2024-01-01' FROM generate_series(1, 12) n;
INSERT INTO xsell.activity (org_id, crm_id, contact_id, modified_at) SELECT 'ca', 'v' || n, 'c' || n, '2024-01-01' FROM generate_series(1, 12) n;
SELECT xsell_internal.resolve_entities() > 0 AS resolved;
-- By the account that leads to the entity; '-' where none does any more.
CREATE FUNCTION pg_temp.named(entities bigint[]) RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN entities IS NULL THEN 'all' ELSE COALESCE(string_agg(COALESCE(e.account_id, '-'), ' ' ORDER BY substr(e.account_id, 2)::integer), 'none') END
    FROM unnest(entities) AS u(entity_id) LEFT JOIN xsell_internal.entity_account e USING (entity_id) $$;
-- Once nobody else writes: what was written while another transaction was open is seen twice.
CREATE FUNCTION pg_temp.taken(mark text, inputs text DEFAULT NULL, purchases_only boolean DEFAULT false) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    WHILE EXISTS (SELECT FROM pg_snapshot_xip(pg_current_snapshot())) LOOP
        PERFORM pg_sleep(0.01);
    END LOOP;
    RETURN pg_temp.named(xsell_internal.take_touched_entities(mark, inputs, purchases_only));
END $$;
SELECT pg_temp.taken('test') AS first_time;
SELECT pg_temp.taken('test') AS nothing_since;
-- One kind of change a transaction.
UPDATE xsell.account SET name = name || '!' WHERE crm_id = 'a1' AND org_id = 'ca';
SELECT pg_temp.named(ARRAY(SELECT xsell_internal.touched_entities('test'))) AS looked_at, pg_temp.taken('test') AS account;
UPDATE xsell.contact SET title = 'CEO' WHERE crm_id = 'c2' AND org_id = 'ca';
SELECT pg_temp.taken('test') AS contact;
UPDATE xsell.activity SET occurred_at = '2024-01-03' WHERE crm_id = 'v3' AND org_id = 'ca';
SELECT pg_temp.taken('test') AS activity_by_its_contact;
UPDATE xsell.opportunity_line SET amount = 3 WHERE crm_id = 'l4' AND org_id = 'ca';
SELECT pg_temp.taken('test') AS line_by_its_deal;
INSERT INTO xsell.asset (org_id, crm_id, account_id, modified_at) VALUES ('ca', 's5', 'a5', '2024-01-01');
SELECT pg_temp.taken('test') AS asset;
-- What moved is news for both sides, what goes for the one that had it.
UPDATE xsell.opportunity SET account_id = 'a7' WHERE crm_id = 'o6' AND org_id = 'ca';
SELECT pg_temp.taken('test') AS deal_moved;
UPDATE xsell.contact SET account_id = 'a9' WHERE crm_id = 'c8' AND org_id = 'ca';
SELECT pg_temp.taken('test') AS contact_moved;
UPDATE xsell.opportunity_line SET opportunity_id = 'o11' WHERE crm_id = 'l10' AND org_id = 'ca';
SELECT pg_temp.taken('test') AS line_moved;
DELETE FROM xsell.opportunity_line WHERE crm_id = 'l1' AND org_id = 'ca';
DELETE FROM xsell.opportunity WHERE crm_id = 'o2' AND org_id = 'ca';
DELETE FROM xsell.contact WHERE crm_id = 'c3' AND org_id = 'ca';
DELETE FROM xsell.account WHERE crm_id = 'a12' AND org_id = 'ca';
SELECT pg_temp.taken('test') AS erased;
UPDATE xsell_internal.entity_account SET entity_id = (SELECT entity_id FROM xsell_internal.entity_account WHERE account_id = 'a2' AND org_id = 'ca') WHERE account_id = 'a1' AND org_id = 'ca';
SELECT pg_temp.taken('test') AS account_moved;  -- a1 is of a2's entity now; its own has none
-- Fields that say nothing new of where a record belongs are not noted twice.
UPDATE xsell.opportunity SET account_id = account_id, name = 'same' WHERE crm_id = 'o4' AND org_id = 'ca';
SELECT count(*) AS noted FROM xsell_internal.entity_change c JOIN xsell_internal.entity_account e USING (entity_id) WHERE e.account_id = 'a4';
SELECT pg_temp.taken('test') AS deal;
-- Purchases only: accounts, contacts and activities are no news.
SELECT pg_temp.taken('sales', purchases_only => true) AS first_time;
UPDATE xsell.account SET name = name || '!' WHERE crm_id = 'a5' AND org_id = 'ca';
UPDATE xsell.opportunity SET name = 'x' WHERE crm_id = 'o6' AND org_id = 'ca';
SELECT pg_temp.taken('sales', purchases_only => true) AS sales;
-- Other inputs: everything.
SELECT pg_temp.taken('sales', 'other', true) AS other_inputs, pg_temp.taken('sales', 'other', true) AS same_inputs;
-- Within one transaction: what was written before the mark was seen, what comes after it was not. What is rolled back never was.
BEGIN;
UPDATE xsell.account SET name = 'before' WHERE crm_id = 'a4' AND org_id = 'ca';
SELECT pg_temp.taken('test') AS before_the_mark;
UPDATE xsell.account SET name = 'after' WHERE crm_id = 'a5' AND org_id = 'ca';
COMMIT;
SELECT pg_temp.taken('test') AS after_the_mark;
BEGIN;
UPDATE xsell.account SET name = 'never' WHERE crm_id = 'a6' AND org_id = 'ca';
SELECT pg_temp.taken('test') AS seen;
ROLLBACK;
SELECT pg_temp.taken('test') AS rolled_back;
-- A mark from before the ids of transactions came round says nothing.
SELECT xsell_internal.mark_reaches(NULL) AS no_mark, xsell_internal.mark_reaches(pg_snapshot_xmin(pg_current_snapshot())) AS of_now;
SELECT count(*) > 0 AS cleared FROM unnest(ARRAY['ca', 'cb']) AS g, xsell_internal.sync_purge_org(g);
TRUNCATE xsell_internal.entity RESTART IDENTITY;
