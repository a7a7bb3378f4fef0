-- What people decide: status, dismissal, suppression; logged, undone, and only for rows that they may see.
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
SELECT count(*) FROM xsell.refresh();
SELECT min(recommendation_id) FILTER (WHERE org_id = 'north') AS mine, min(recommendation_id) FILTER (WHERE org_id = 'south') AS foreign
FROM xsell.recommendation WHERE route = 'same_org' \gset
SELECT entity_id AS customer, product_id AS product FROM xsell.recommendation WHERE recommendation_id = :mine \gset
SELECT min(e.entity_id) AS stranger FROM xsell_internal.entity e
WHERE NOT EXISTS (SELECT FROM xsell_internal.entity_account a WHERE a.entity_id = e.entity_id AND a.org_id = 'north') \gset
SET ROLE xsell_test_north;
SELECT xsell.set_status(:mine, 'accepted', 'call on Monday');
SELECT status FROM xsell.recommendation WHERE recommendation_id = :mine;
SELECT xsell.dismiss(:mine, 'they went bankrupt');
SELECT count(*) AS on_the_work_list FROM xsell.recommendation WHERE recommendation_id = :mine;
SELECT change_id, old_status, new_status, note, changed_by, undoes FROM xsell.recommendation_history ORDER BY change_id;

-- Undone in any order that leaves no change half in force; an undo can be undone.
SELECT xsell.undo(1);
SELECT xsell.undo(2);
SELECT status FROM xsell.recommendation WHERE recommendation_id = :mine;
SELECT xsell.undo(2);
SELECT xsell.undo(3);
SELECT xsell.undo(4);
SELECT xsell.undo(1);
SELECT status, status_note FROM xsell_internal.recommendation WHERE recommendation_id = :mine;
SELECT xsell.undo(99);
SELECT change_id, old_status, new_status, undoes FROM xsell.recommendation_history ORDER BY change_id;

-- What is not there, and what is there for others only, look alike.
SELECT xsell.set_status(:mine, 'sold');
SELECT xsell.set_status(:mine, NULL);
SELECT xsell.set_status(0, 'won');
SELECT set_config('test.foreign', :'foreign', false) IS NOT NULL AS set;
DO $$ BEGIN PERFORM xsell.set_status(current_setting('test.foreign')::bigint, 'won'); EXCEPTION WHEN undefined_object THEN RAISE WARNING 'no such recommendation'; END $$;
SELECT xsell.suppress(0, NULL, NULL);
SELECT set_config('test.stranger', :'stranger', false) IS NOT NULL AS set;
DO $$ BEGIN PERFORM xsell.suppress(current_setting('test.stranger')::bigint); EXCEPTION WHEN undefined_object THEN RAISE WARNING 'no such entity'; END $$;
INSERT INTO xsell_internal.change_log (action, entity_id, changed_by, changed_at) VALUES ('status', 1, 'somebody else', now());
UPDATE xsell_internal.recommendation SET probability = 1;
DELETE FROM xsell_internal.recommendation;

-- Even a plain UPDATE leaves its trace.
UPDATE xsell_internal.recommendation SET status = 'accepted' WHERE recommendation_id = :mine;
SELECT new_status, changed_by FROM xsell.recommendation_history ORDER BY change_id DESC LIMIT 1;

-- No setting makes a change pass for the undoing of another.
SELECT max(change_id) AS last FROM xsell.recommendation_history \gset
SET xsell_internal.undoes = :last;
UPDATE xsell_internal.recommendation SET status_note = 'forged' WHERE recommendation_id = :mine;
RESET xsell_internal.undoes;
SELECT note, undoes FROM xsell.recommendation_history ORDER BY change_id DESC LIMIT 1;

-- Suppression of a product, of everything, for a while; until it is taken back.
SELECT xsell.suppress(:customer, :product) AS of_product \gset
SELECT count(*) AS left_of_it FROM xsell.recommendation WHERE entity_id = :customer AND product_id = :product;
SELECT count(*) > 0 AS others_stay FROM xsell.recommendation WHERE entity_id = :customer;
SELECT xsell.suppress(:customer, until => '2024-02-01') AS of_all \gset
SELECT count(*) AS left_of_all FROM xsell.recommendation WHERE entity_id = :customer;
SELECT xsell.suppress(:customer, -1);
RESET ROLE;
SELECT xsell_internal.refresh_recommendations() > 0 AS live;
SELECT count(*) AS after_refresh FROM xsell.recommendation WHERE entity_id = :customer;
SET ROLE xsell_test_north;
SET timezone = 'Asia/Kolkata';  -- not where it was suppressed
SELECT xsell.undo(:of_all) IS NOT NULL AS undone;
RESET timezone;
RESET ROLE;
SELECT xsell_internal.refresh_recommendations() > 0 AS live;
SELECT count(*) > 0 AS some, count(*) FILTER (WHERE product_id = :product) AS of_the_product FROM xsell.recommendation WHERE entity_id = :customer;
SELECT xsell.suppress(:customer, :product, until => '2024-01-10') IS NOT NULL AS shortened;
SET xsell.now = '2024-01-11 00:00+00';
SELECT xsell_internal.refresh_recommendations() > 0 AS live;
SELECT recommendation_id = :mine AS the_same_row, status FROM xsell.recommendation WHERE entity_id = :customer AND product_id = :product;

-- Dismissed stays dismissed; lost comes back after half a year.
SELECT xsell.dismiss(:mine) IS NOT NULL AS dismissed;
SELECT xsell_internal.refresh_recommendations() > 0 AS live;
SELECT count(*) FROM xsell.recommendation WHERE recommendation_id = :mine;
SELECT xsell.set_status(:mine, 'lost', 'too dear') IS NOT NULL AS lost;
SELECT xsell_internal.refresh_recommendations() > 0 AS live;
SELECT count(*) FROM xsell.recommendation WHERE recommendation_id = :mine;
SET xsell.now = '2024-07-20 00:00+00';
SELECT xsell_internal.refresh_recommendations(per_entity => 12) > 0 AS live;
SELECT status FROM xsell.recommendation WHERE recommendation_id = :mine;
\c :home
DROP DATABASE xsell_sales;
