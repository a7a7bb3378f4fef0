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
CREATE TEMPORARY VIEW wrong AS SELECT subject, problem, command FROM xsell.health ORDER BY 1, 2, 3;
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

-- Why a list is empty.
UPDATE xsell_internal.recommendation SET live = false;
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
