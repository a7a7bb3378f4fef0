-- What is wrong is named, with the command that mends it.
\set SHOW_CONTEXT never
\set home :DBNAME
SET client_min_messages = warning;
DROP DATABASE IF EXISTS xsell_sales;
CREATE DATABASE xsell_sales;
\c xsell_sales
CREATE EXTENSION xsell;
\getenv abs_srcdir PG_ABS_SRCDIR
\set world :abs_srcdir '/sql/include/sales_world.sql'
\set ECHO none
\i :world
\set ECHO all
CREATE TEMPORARY VIEW wrong AS SELECT subject, problem, command FROM xsell.health WHERE subject <> 'whitespace' ORDER BY 1, 2, 3;
SELECT * FROM wrong;
SELECT count(*) FROM xsell.refresh();
INSERT INTO xsell_internal.sync_state (org_id, object, last_success_at)
SELECT org_id, 'account', CASE org_id WHEN 'east' THEN now() - interval '3 days' ELSE now() END FROM xsell.org;
SELECT * FROM wrong;

INSERT INTO xsell_internal.sync_run (org_id, object, state, changed, started_at, finished_at, error) VALUES
    ('north', 'account', 'ERROR', 0, now(), now(), 'connection refused'), ('south', 'account', 'COMPLETED', 5, clock_timestamp(), clock_timestamp() + interval '1 minute', NULL);
INSERT INTO xsell_internal.dead_letter (org_id, object, place, reason, run_id) VALUES ('north', 'account', 'account.csv:7', 'amount is not a number', 1);
INSERT INTO xsell.stage_map (org_id, stage) VALUES ('north', 'Quoi?');
INSERT INTO xsell_internal.data_quality (org_id, object, crm_id, problem, detail) VALUES ('north', 'opportunity', 'x', 'no exchange rate', 'USD');
INSERT INTO xsell_internal.training_run (model, state, error) VALUES ('cross_sell', 'failed', 'no positives');
SELECT * FROM wrong;
SELECT subject, detail FROM xsell.health WHERE problem IN ('the last sync failed', 'records were rejected', 'amounts have no exchange rate', 'the last training failed') ORDER BY 1;
SET xsell.now = '2024-03-01 00:00+00';
SELECT problem FROM wrong WHERE subject = 'recommendations';

-- One wrong secret fails every object, and is one row.
INSERT INTO xsell_internal.sync_run (org_id, object, state, changed, started_at, finished_at, error)
SELECT 'south', o, 'ERROR', 0, now() + interval '1 hour', now() + interval '1 hour', 'invalid_client: authentication failure' FROM unnest('{account,contact,opportunity}'::text[]) o;
INSERT INTO xsell_internal.sync_state (org_id, object) SELECT 'south', o FROM unnest('{contact,opportunity}'::text[]) o;
SELECT subject, problem, detail, command FROM xsell.health WHERE subject LIKE 'sync south%';

-- Queues, and what was synced after the refresh.
INSERT INTO xsell.account (org_id, crm_id, name, modified_at) VALUES ('north', 'new', 'New', now());
INSERT INTO xsell.product (org_id, crm_id, name, modified_at) VALUES ('north', 'new', 'Never seen before', now());
INSERT INTO xsell_internal.match_pair (org_a, account_a, org_b, account_b, score, band, reason)
SELECT a.org_id, a.account_id, b.org_id, b.account_id, .5, 'review', 'alike' FROM xsell_internal.entity_account a
JOIN xsell_internal.entity_account b ON (a.org_id, a.account_id) < (b.org_id, b.account_id) AND a.entity_id <> b.entity_id ORDER BY 1, 2, 3, 4 LIMIT 25;
SELECT subject, problem, detail, command FROM xsell.health WHERE subject = 'matching' OR problem = 'products are not mapped yet' ORDER BY 1, 2;

-- Why an owner has nothing to do, and who is in no territory.
TRUNCATE xsell_internal.whitespace, xsell_internal.whitespace_customer;
SELECT subject, problem, command FROM xsell.health WHERE subject IN ('whitespace', 'work list', 'territory');
INSERT INTO xsell_internal.whitespace_customer (customer_id, entity_id, org_id, owner_email, territory) OVERRIDING SYSTEM VALUE
VALUES (-1, 1, 'north', 'kim@north.example', NULL), (-2, 2, 'north', 'lee@north.example', 'West');
INSERT INTO xsell_internal.whitespace (entity_id, product_id, org_id, customer_id, state, rule)
SELECT e, p, 'north', -e, CASE WHEN e = 1 AND p = 1 THEN 'recommended' ELSE 'excluded' END, CASE WHEN p = 3 THEN 'region' ELSE 'do_not_contact' END
FROM generate_series(1, 2) e, generate_series(1, 3) p;
SELECT subject, problem, detail, command FROM xsell.health WHERE subject IN ('whitespace', 'work list', 'territory');
INSERT INTO xsell.territory_map (org_id, country, territory) VALUES ('north', 'FR', 'West');
SELECT subject, problem, detail, command FROM xsell.health WHERE subject = 'territory';

-- An experiment without anybody in it, and a backtest that ended early.
SET xsell.now = '2023-03-01 00:00+00';
SELECT xsell.set_holdout(0.1);
SELECT count(*) FROM xsell.health WHERE subject = 'holdout';
SET xsell.now = '2024-03-01 00:00+00';
SET datestyle = 'ISO';
SET timezone = 'UTC';
SELECT subject, problem, detail, command FROM xsell.health WHERE subject = 'holdout';
UPDATE xsell_internal.recommendation SET held_out = true, first_seen = '2023-04-01' WHERE recommendation_id = (SELECT min(recommendation_id) FROM xsell_internal.recommendation);
SELECT count(*) FROM xsell.health WHERE subject = 'holdout';
INSERT INTO xsell_internal.backtest_run (from_time, to_time, every, horizon, parameters, seed, periods) VALUES ('2023-01-01', '2023-06-01', '1 month', '90 days', '{}', 42, 6);
SELECT subject, problem, detail, command FROM xsell.health WHERE subject = 'backtest';
UPDATE xsell_internal.backtest_run SET finished_at = now();
SELECT count(*) FROM xsell.health WHERE subject = 'backtest';

-- Why a list is empty.
UPDATE xsell_internal.recommendation SET live = false;
SELECT detail, command FROM xsell.health WHERE problem = 'there are none';
TRUNCATE xsell_internal.whitespace;
SELECT detail FROM xsell.health WHERE problem = 'there are none';
UPDATE xsell.product SET is_active = false;
SELECT detail FROM xsell.health WHERE problem = 'there are none';
TRUNCATE xsell_internal.purchase;
SELECT detail FROM xsell.health WHERE problem = 'there are none';
TRUNCATE xsell_internal.recommendation_run;
SELECT detail FROM xsell.health WHERE problem = 'there are none';
UPDATE xsell.stage_map SET is_purchase = false;
TRUNCATE xsell.asset;
SELECT detail FROM xsell.health WHERE problem = 'there are none';
TRUNCATE xsell.account;
SELECT detail FROM xsell.health WHERE problem = 'there are none';

-- A reader without any grant is told so, and nothing about orgs that it may not see.
CREATE ROLE xsell_test_nobody;
GRANT xsell_reader TO xsell_test_nobody;
SET ROLE xsell_test_nobody;
SELECT subject, problem, command FROM xsell.health ORDER BY 1, 2, 3;
RESET ROLE;
DROP ROLE xsell_test_nobody;
\c :home
DROP DATABASE xsell_sales;
-- A misspelt org hides every row without a word.
BEGIN;
INSERT INTO xsell.org_grant VALUES ('no_such_org', 'xsell_reader');
SELECT subject, detail, command FROM xsell.health WHERE problem = 'a grant names an org that does not exist' ORDER BY 1, 2;
ROLLBACK;
