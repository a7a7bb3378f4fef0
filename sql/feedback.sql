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
SELECT count(*) FILTER (WHERE org_id = 'north') AS after_refresh, count(*) > 0 AS of_other_orgs FROM xsell.recommendation WHERE entity_id = :customer;
SET ROLE xsell_test_north;
SET timezone = 'Asia/Kolkata';  -- not where it was suppressed
SELECT xsell.undo(:of_all) IS NOT NULL AS undone;
RESET timezone;
RESET ROLE;
SELECT xsell_internal.refresh_recommendations() > 0 AS live;
SELECT count(*) > 0 AS some, count(*) FILTER (WHERE product_id = :product) AS of_the_product FROM xsell.recommendation WHERE entity_id = :customer;
SELECT xsell.suppress(:customer, :product, until => '2024-01-10', org => 'north') IS NOT NULL AS shortened;
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
SET timezone = 'UTC';

-- In bulk: all or none, one batch, taken back together but for what was changed since.
SELECT xsell_internal.refresh_recommendations() > 0 AS live;
SELECT array_agg(recommendation_id ORDER BY recommendation_id) AS three, min(recommendation_id) AS one
FROM (SELECT recommendation_id FROM xsell.recommendation WHERE org_id = 'north' AND route = 'same_org' AND status = 'new' AND entity_id <> :customer ORDER BY 1 LIMIT 3) r \gset
SET ROLE xsell_test_north;
SELECT xsell.set_status(:'three'::bigint[] || 0::bigint, 'accepted');
SELECT xsell.set_status(NULL::bigint[], 'accepted');
SELECT xsell.set_status('{}'::bigint[], 'accepted');
SELECT set_config('test.foreign', (:'three'::bigint[] || :foreign::bigint)::text, false) IS NOT NULL AS set;
DO $$ BEGIN PERFORM xsell.set_status(current_setting('test.foreign')::bigint[], 'won'); EXCEPTION WHEN undefined_object THEN RAISE WARNING 'no such recommendation'; END $$;
SELECT xsell.set_status(:'three'::bigint[], 'accepted', 'the fair') AS batch \gset
SELECT xsell.set_status(:'three'::bigint[], 'accepted', 'the fair') AS nothing_new;
SELECT count(*), count(DISTINCT batch_id) AS batches, min(new_value) AS new_value, min(note) AS note, min(changed_by) AS changed_by, min(orgs) AS orgs
FROM xsell.change_history WHERE batch_id = :batch;
SELECT xsell.set_status(:one, 'won') IS NOT NULL AS changed_since;
SET client_min_messages = notice;
SELECT xsell.undo_batch(:batch);
SELECT xsell.undo_batch(:batch);
RESET client_min_messages;
SELECT xsell.undo_batch(0);
SELECT recommendation_id = :one AS the_one, status FROM xsell_internal.recommendation WHERE recommendation_id = ANY (:'three') ORDER BY recommendation_id;
SELECT count(*) AS taken_back FROM xsell.change_history WHERE batch_id = :batch AND undone_by IS NOT NULL;
SELECT xsell.dismiss(:'three'::bigint[], 'not for them') AS batch \gset
SELECT xsell.undo_batch(:batch);
-- A plain statement is a batch too.
UPDATE xsell_internal.recommendation SET status = 'in_progress' WHERE recommendation_id = ANY (:'three');
SELECT count(*) FROM xsell.change_history WHERE batch_id = (SELECT max(batch_id) FROM xsell.change_history);
-- Nobody joins the batch of another.
BEGIN;
SELECT set_config('xsell_internal.batch', '1', true), set_config('xsell_internal.undoes', 'batch 1', true);
UPDATE xsell_internal.recommendation SET status_note = 'mine' WHERE recommendation_id = :one;
SELECT batch_id = change_id AS its_own, undoes FROM xsell.change_history ORDER BY change_id DESC LIMIT 1;
ROLLBACK;
UPDATE xsell_internal.change_log SET changed_by = 'somebody else';
DELETE FROM xsell_internal.change_log;
TRUNCATE xsell_internal.change_log;

-- An owner given by hand stays over refreshes, as do status, note and the day it was first seen.
SELECT owner_email FROM xsell.recommendation WHERE recommendation_id = :one \gset
SELECT 'u1' AS other, :'owner_email' LIKE 'u1@%' AS is_u1 \gset
\if :is_u1
\set other u0
\endif
SELECT xsell.assign(:one, upper(:'other' || '@north.com'), 'speaks Dutch') AS given \gset
SELECT xsell.assign(:one, :'other') AS nothing_new;
SELECT xsell.assign(:one, 'u1@south.com');
SELECT xsell.assign(0, 'u1');
SELECT split_part(owner_email, '@', 1) = :'other' AS given, first_seen FROM xsell.recommendation WHERE recommendation_id = :one;
SELECT action, old_value, new_value = :'other' AS new_value, note, changed_by FROM xsell.change_history WHERE change_id = :given;
SELECT xsell.set_status(:one, 'in_progress', 'met') IS NOT NULL AS status;
RESET ROLE;
SET xsell.now = '2024-07-21 00:00+00';
SELECT count(*) AS steps FROM xsell.refresh();
SET ROLE xsell_test_north;
SELECT r.status, i.status_note, split_part(r.owner_email, '@', 1) = :'other' AS given, r.first_seen, r.last_seen
FROM xsell.recommendation r JOIN xsell_internal.recommendation i USING (recommendation_id) WHERE r.recommendation_id = :one;
SELECT xsell.assign(ARRAY[:one]::bigint[], NULL) IS NOT NULL AS back_to_the_owner;
SELECT owner_email = :'owner_email' AS the_owner FROM xsell.recommendation WHERE recommendation_id = :one;

-- What one org's analyst suppresses of a shared customer holds for that org; who sees all of it, suppresses for all.
RESET ROLE;
SELECT min(r.entity_id) AS shared FROM xsell.recommendation r
WHERE EXISTS (SELECT FROM xsell.recommendation n WHERE n.entity_id = r.entity_id AND n.org_id = 'north' AND n.route = 'same_org')
  AND r.org_id = 'south' AND r.route = 'same_org' AND NOT EXISTS (SELECT FROM xsell.suppression s WHERE s.entity_id = r.entity_id) \gset
SELECT min(e.entity_id) AS own FROM xsell_internal.entity_account e
WHERE e.org_id = 'north' AND NOT EXISTS (SELECT FROM xsell_internal.entity_account o WHERE o.entity_id = e.entity_id AND o.org_id <> 'north') \gset
SET ROLE xsell_test_north;
SELECT xsell.suppress(:shared, until => '2024-07-20');
SELECT xsell.suppress(:shared, org => 'south');
SELECT xsell.suppress(:shared, note => 'merger') AS of_north \gset
INSERT INTO xsell_internal.suppression (entity_id, org_id) VALUES (:shared, NULL);
INSERT INTO xsell_internal.suppression (entity_id, org_id) VALUES (:shared, 'south');
SELECT org_id, until, note, created_by, in_force, product_id FROM xsell.suppression WHERE entity_id = :shared;
SELECT xsell.suppress(:own, until => '2025-01-01', note => 'asked for it') IS NOT NULL AS of_their_own;
SELECT org_id, until, note FROM xsell.suppression WHERE entity_id = :own;
SELECT xsell.unsuppress(:own, note => 'changed their mind') AS lifted \gset
SELECT action, orgs, old_value, new_value, note FROM xsell.change_history WHERE change_id = :lifted;
SELECT xsell.undo(:lifted) IS NOT NULL AS again;
SELECT org_id, until, note FROM xsell.suppression WHERE entity_id = :own;
SELECT xsell.unsuppress(:own, :product);
RESET ROLE;
SELECT org_id, count(*) > 0 AS some FROM xsell.recommendation WHERE entity_id = :shared AND org_id IN ('north', 'south') GROUP BY 1 ORDER BY 1;
SET ROLE xsell_test_group;
SELECT xsell.suppress(ARRAY[:shared]::bigint[], note => 'insolvent') AS of_all \gset
SELECT count(*) FROM xsell.recommendation WHERE entity_id = :shared;
SELECT org_id, note FROM xsell.suppression WHERE entity_id = :shared ORDER BY org_id;
SET ROLE xsell_test_north;
SELECT org_id, note FROM xsell.suppression WHERE entity_id = :shared ORDER BY org_id;
SELECT xsell.undo(:of_all);
SELECT xsell.unsuppress(:shared) IS NOT NULL AS lifts_its_own;
SELECT set_config('test.shared', :'shared', false) IS NOT NULL AS set;
DO $$ BEGIN PERFORM xsell.unsuppress(current_setting('test.shared')::bigint); EXCEPTION WHEN insufficient_privilege THEN RAISE WARNING 'it holds for every org'; END $$;
DELETE FROM xsell_internal.suppression WHERE entity_id = :shared;
UPDATE xsell_internal.suppression SET until = '2024-07-30' WHERE entity_id = :shared;
RESET ROLE;
SELECT org_id, until, note FROM xsell.suppression WHERE entity_id = :shared ORDER BY org_id;
SET ROLE xsell_test_group;
SELECT xsell.unsuppress(:shared) IS NOT NULL AS lifted;
SELECT count(*) > 0 AS some FROM xsell.recommendation WHERE entity_id = :shared;

-- A stage that somebody changes is logged, whoever does it how.
RESET ROLE;
UPDATE xsell.stage_map SET is_purchase = false WHERE org_id = 'north' AND stage = 'Won';
SELECT action, orgs, subject, old_value, new_value, changed_by FROM xsell.change_history ORDER BY change_id DESC LIMIT 1;
SELECT xsell.undo((SELECT max(change_id) FROM xsell.change_history)) IS NOT NULL AS undone;
SELECT is_purchase FROM xsell.stage_map WHERE org_id = 'north' AND stage = 'Won';

-- What was refused within the horizon weighs double where a model learns, and once where its probabilities are set.
SET xsell.now = '2024-01-01 00:00+00';
SELECT count(*) AS rows, count(*) FILTER (WHERE weight <> 1) AS heavy FROM xsell.training_set('cross_sell', horizon => '90 days', snapshots => 1) \gset before_
SELECT :before_rows > 0 AS some, :before_heavy AS heavy;
CREATE TEMPORARY TABLE labelled AS SELECT * FROM xsell.training_set('cross_sell', horizon => '90 days', snapshots => 1) WHERE y = 0;
SET xsell.now = '2023-07-15 00:00+00';
INSERT INTO xsell_internal.recommendation (entity_id, product_id, org_id, route, product_crm_id, probability, rank, confidence_level, next_action, first_seen, last_seen,
    expires_at, score_source, live)
SELECT DISTINCT ON (slice) entity_id, product_id, 'asked', 'same_org', 'p', .1, 1, 'Low', '', xsell.clock(), xsell.clock(), xsell.clock(), 'rule', false
FROM labelled ORDER BY slice, entity_id, product_id;
SELECT as_of < xsell.clock() AND as_of + interval '90 days' > xsell.clock() AS within, slice FROM (SELECT DISTINCT as_of, slice FROM labelled) s ORDER BY slice;
SELECT xsell.dismiss(array_agg(recommendation_id), 'not interested') AS batch FROM xsell_internal.recommendation WHERE org_id = 'asked' \gset
SET xsell.now = '2024-01-01 00:00+00';
SELECT t.slice, t.weight, count(*) FROM xsell.training_set('cross_sell', horizon => '90 days', snapshots => 1) t
JOIN xsell_internal.recommendation r ON r.org_id = 'asked' AND (r.entity_id, r.product_id) = (t.entity_id, t.product_id) GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(*) = :before_rows AS as_many, count(*) FILTER (WHERE weight <> 1) AS heavy FROM xsell.training_set('cross_sell', horizon => '90 days', snapshots => 1);
-- Where negatives are sampled it is kept, for itself alone.
SELECT t.slice, t.weight FROM xsell.training_set('cross_sell', horizon => '90 days', snapshots => 1, max_rows => 20, with_validation => false) t
JOIN xsell_internal.recommendation r ON r.org_id = 'asked' AND (r.entity_id, r.product_id) = (t.entity_id, t.product_id) ORDER BY 1;
SET xsell.now = '2023-07-16 00:00+00';
SELECT xsell.undo_batch(:batch);
SET xsell.now = '2024-01-01 00:00+00';
SELECT count(*) FILTER (WHERE weight <> 1) AS heavy FROM xsell.training_set('cross_sell', horizon => '90 days', snapshots => 1);

-- Readers read.
CREATE ROLE xsell_test_onlooker;
GRANT xsell_reader TO xsell_test_onlooker;
INSERT INTO xsell.org_grant VALUES ('north', 'xsell_test_onlooker');
SET ROLE xsell_test_onlooker;
SELECT count(*) > 0 AS reads FROM xsell.change_history;
SELECT count(*) AS of_others FROM xsell.change_history WHERE orgs LIKE '%south%' OR orgs LIKE '%asked%' OR concat(entity_name, product_name, note, subject) LIKE '%SECRET%';
SELECT xsell.set_status(:one, 'won');
SELECT xsell.undo(1);
UPDATE xsell_internal.recommendation SET assigned_to = 'u0';
RESET ROLE;
DELETE FROM xsell.org_grant WHERE role = 'xsell_test_onlooker';
\c :home
DROP DATABASE xsell_sales;
DROP ROLE xsell_test_onlooker;
