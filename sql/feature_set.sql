\set SHOW_CONTEXT never
SET timezone = 'UTC';
SET xsell.now = '2024-02-01 00:00+00';
CREATE SCHEMA shop;
CREATE TYPE shop.size AS ENUM ('small', 'large', 'huge');
CREATE DOMAIN shop.score AS numeric CHECK (VALUE < 1000);
CREATE TABLE shop.customer (id bigint, visits integer, spent numeric, score shop.score, vip boolean, born date, seen timestamp, paid timestamptz, city text, size shop.size, note jsonb);
INSERT INTO shop.customer VALUES
    (1, 3, 10.5, 1.5, true, '2024-01-01', '2024-01-10', '2024-01-20', 'Rome', 'small', '{}'),
    (2, 0, NULL, 2, false, '2024-01-02', '2024-01-11 12:00', '2024-01-21', 'Oslo', 'large', NULL),
    (3, 7, 'NaN', 3, NULL, 'infinity', '-infinity', 'infinity', 'Oslo', 'large', NULL),
    (4, 1, 2, NULL, true, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO shop.customer (id, city) SELECT 100 + g, 'Town ' || lpad(g::text, 3, '0') FROM generate_series(1, 300) g;

-- A query stored for later: one SELECT, told its time, that finds its tables by their schema and changes nothing.
SELECT * FROM xsell_internal.run_query(NULL, 'SELECT id, $1 - paid AS ago FROM shop.customer WHERE id < 3 ORDER BY id', '2024-02-01') AS q(id bigint, ago interval);
SELECT * FROM xsell_internal.run_query(NULL, 'VALUES (1, ''one'')', NULL) AS q(column1 integer, column2 text);
SELECT * FROM xsell_internal.query_columns('SELECT id, spent, score, vip, born, city, size, note FROM shop.customer;');
SELECT * FROM xsell_internal.run_query(NULL, 'SELECT id, city FROM shop.customer', now()) AS q(id bigint);
SELECT * FROM xsell_internal.run_query(NULL, 'SELECT id, city FROM shop.customer', now()) AS q(id integer, city text);
SELECT * FROM xsell_internal.run_query(NULL, 'SELECT id, city FROM shop.customer', now()) AS q(id bigint, town text);
SELECT xsell_internal.run_query(NULL, 'SELECT 1 AS a', now());
SELECT * FROM xsell_internal.run_query(NULL, NULL, now()) AS q(id bigint);
SELECT * FROM xsell_internal.query_columns(NULL);
SET search_path = shop, public;
SELECT * FROM xsell_internal.query_columns('SELECT id FROM customer');
SELECT * FROM xsell_internal.query_columns('SELECT nothing_of_the_kind(id) FROM shop.customer');
RESET search_path;
CREATE TEMPORARY TABLE planted AS SELECT 1 AS id;
CREATE TEMPORARY VIEW planted_view AS SELECT 1 AS id;
CREATE VIEW shop.locking AS SELECT id FROM shop.customer FOR UPDATE;
CREATE FUNCTION pg_temp.refusal(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
BEGIN
    PERFORM * FROM xsell_internal.query_columns(query);
    RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT;
    RETURN message;
END
$$;
SELECT query, pg_temp.refusal(query) FROM unnest(ARRAY['', 'SELECT 1; SELECT 2', 'SELECT 1 AS a INTO b', 'CREATE TABLE b AS SELECT 1', 'EXPLAIN SELECT 1', 'SHOW all',
    'DELETE FROM shop.customer', 'INSERT INTO shop.customer (id) VALUES (1) RETURNING id', 'WITH d AS (DELETE FROM shop.customer RETURNING id) SELECT * FROM d',
    'SELECT id FROM shop.customer FOR UPDATE', 'SELECT * FROM (SELECT id FROM shop.customer FOR SHARE) s', 'SELECT EXISTS (SELECT FROM shop.customer FOR UPDATE)',
    'WITH s AS MATERIALIZED (SELECT id FROM shop.customer FOR KEY SHARE) SELECT * FROM s', 'SELECT * FROM shop.locking', 'SELECT * FROM planted', 'SELECT (SELECT id FROM planted)',
    'SELECT * FROM pg_temp.planted_view p JOIN planted q USING (id)', 'SELECT $2', 'COMMIT', 'DO $a$ BEGIN END $a$', 'SELECT 1 AS a UNION ALL SELECT 2']) WITH ORDINALITY AS u(query, position) ORDER BY position;

-- A feature set of one's own.
\set mine '''SELECT id AS entity_id, visits, spent, score, vip, born, seen, paid, city, size FROM shop.customer WHERE paid <= $1 OR paid IS NULL OR paid = ''''infinity'''''''
SELECT xsell.create_feature_set('shop', :mine, 'Customers of the shop');
SELECT xsell.create_feature_set('shop', :mine) AS the_same;
SELECT position, feature, kind, categories, owner = CURRENT_USER AS mine, description, length(sha256) FROM xsell.feature_set WHERE feature_set = 'shop' AND version = 1 ORDER BY position;
SELECT feature, code, value FROM xsell.feature_category WHERE feature_set = 'shop' AND version = 1 AND (code <= 3 OR code = 254) ORDER BY feature, code;
SELECT entity_id, product_id, as_of, x FROM xsell_internal.features_of('shop', 1, '2024-02-01') WHERE entity_id < 10 ORDER BY 1;
-- In another zone they are the same; seen from earlier the days are fewer and later payers are not there.
SET timezone = 'Asia/Tokyo';
SELECT entity_id, x FROM xsell_internal.features_of('shop', 1, '2024-02-01 00:00+00') WHERE entity_id = 2;
SET timezone = 'UTC';
SELECT entity_id, x FROM xsell_internal.features_of('shop', 1, '2024-01-20 12:00') WHERE entity_id < 10 ORDER BY 1;
-- The most frequent 254 have codes, the others are 0.
SELECT x[8] > 0 AS coded, count(*) FROM xsell_internal.features_of('shop', 1, '2024-02-01') WHERE entity_id > 100 GROUP BY 1 ORDER BY 1;
-- Dictionaries are frozen: what comes later is 0 too, until they are made anew.
INSERT INTO shop.customer (id, city, size) SELECT 1000 + g, 'Bonn', 'huge' FROM generate_series(1, 5) g;
SELECT x[8] AS city, x[9] AS size, count(*) FROM xsell_internal.features_of('shop', 1, '2024-02-01') WHERE entity_id > 1000 GROUP BY 1, 2;
SELECT xsell.create_feature_set('shop', :mine) AS the_same, xsell.create_feature_set('shop', :mine, refresh => true) AS refreshed;
SELECT x[8] AS city, x[9] AS size, count(*) FROM xsell_internal.features_of('shop', 2, '2024-02-01') WHERE entity_id > 1000 GROUP BY 1, 2;
SELECT count(DISTINCT sha256) AS texts, count(DISTINCT version) AS versions FROM xsell.feature_set WHERE feature_set = 'shop';
SELECT xsell.create_feature_set('shop', 'SELECT id AS entity_id, visits FROM shop.customer') AS another;
UPDATE xsell_internal.category SET code = 1;

-- Every width of number.
SELECT xsell.create_feature_set('widths', 'SELECT 7 AS entity_id, 9::smallint AS product_id, (-1)::smallint AS a, 2147483647 AS b, (-9e18)::bigint AS c, 0.1::real AS d, 1e300::float8 AS e, 1e-400::numeric AS f, ''infinity''::float8 AS g,
    ''abc''::varchar(10) AS h, ''abc''::varchar(10) AS "H", repeat(''x'', 1001) AS "Größe ''in \ "" Zeichen"');
SELECT * FROM xsell_internal.features_of('widths', 1, '2024-02-01');
SELECT feature, code, value FROM xsell.feature_category WHERE feature_set = 'widths' ORDER BY feature COLLATE "C";

-- What cannot be a feature set.
CREATE FUNCTION pg_temp.refused(name text, query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    help text;
BEGIN
    RETURN 'version ' || xsell.create_feature_set(name, query);
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, help = PG_EXCEPTION_HINT;
    RETURN message || ' | ' || help;
END
$$;
SELECT pg_temp.refused(name, query) FROM (VALUES
    (1, 'shop', 'SELECT 1 AS visits'), (2, 'shop', 'SELECT 1 AS entity_id'), (3, 'shop', 'SELECT id AS entity_id, note FROM shop.customer'),
    (4, 'shop', 'SELECT 1 AS entity_id, 1 AS a, 2 AS a'), (5, 'shop', 'SELECT 1 AS entity_id, 1 + 1'), (6, 'shop', 'SELECT ''a'' AS entity_id, 1 AS a'),
    (7, 'shop', 'SELECT 1 AS entity_id, 1 AS a, $1 AS as_of'), (8, 'shop', 'SELECT 1 AS entity_id, interval ''1 day'' AS gap'), (9, 'shop', 'SELECT 1 AS entity_id, 1.5 AS product_id, 1 AS a'),
    (10, 'cross_sell', 'SELECT 1 AS entity_id, 1 AS a'), (11, '', 'SELECT 1 AS entity_id, 1 AS a'), (12, 'ünïcode', 'SELECT 1 AS entity_id, 1 AS a'), (13, 'shop', NULL), (14, 'shop', 'DROP TABLE shop.customer'),
    (15, 'shop', 'SELECT 1 AS entity_id, 1 / 0 AS a, ''x''::text AS b'), (16, 'shop', 'SELECT 1 AS entity_id, ARRAY[1] AS a'), (17, 'shop', 'SELECT 1 AS entity_id, gen_random_uuid() AS a'),
    (18, 'shop', 'SELECT 1 AS entity_id, (1 / (1 - 1)) + x AS a FROM (VALUES (1)) v(x)')) AS v(position, name, query) ORDER BY position;
SELECT xsell.create_feature_set('nobody', 'SELECT NULL::bigint AS entity_id, 1 AS a');
SELECT xsell.create_feature_set('twice', 'SELECT 1 AS entity_id, a FROM (VALUES (1), (2)) AS v(a)');
SELECT xsell.create_feature_set('twice', 'SELECT 1 AS entity_id, a AS product_id, a FROM (VALUES (1), (2), (NULL)) AS v(a)') AS pairs;
SELECT xsell.create_feature_set('empty', 'SELECT 1 AS entity_id, ''a'' AS a WHERE false') AS nobody_yet;
SELECT * FROM xsell_internal.features_of('empty', 1, '2024-02-01');
SELECT * FROM xsell_internal.features_of('shop', 9, '2024-02-01');
SELECT * FROM xsell_internal.features_of('shop', 1, 'infinity');

-- The tables beneath change: columns that move or come do no harm, one that goes or turns into something else is named.
SELECT xsell.create_feature_set('star', 'SELECT c.id AS entity_id, c.* FROM (SELECT id, visits, spent FROM shop.customer WHERE id = 1) c');
CREATE TABLE shop.wide AS SELECT 1 AS entity_id, 2 AS a, 'x' AS b;
SELECT xsell.create_feature_set('wide', 'SELECT * FROM shop.wide');
ALTER TABLE shop.wide DROP COLUMN a, ADD COLUMN new date, ADD COLUMN a real DEFAULT 2.5;
SELECT * FROM xsell_internal.features_of('wide', 1, '2024-02-01');
ALTER TABLE shop.wide ALTER COLUMN a TYPE text;
SELECT * FROM xsell_internal.features_of('wide', 1, '2024-02-01');
ALTER TABLE shop.wide DROP COLUMN a;
SELECT * FROM xsell_internal.features_of('wide', 1, '2024-02-01');
DROP TABLE shop.wide;
SELECT * FROM xsell_internal.features_of('wide', 1, '2024-02-01');

-- A model takes the latest version; what a model takes is not dropped.
INSERT INTO xsell_internal.model (model, feature_set) VALUES ('churn', 'shop');
SELECT count(*), max(cardinality(x)) AS width, count(product_id) AS products FROM xsell.features('churn', '2024-02-01');
SELECT xsell.drop_feature_set('shop');
SELECT xsell.drop_feature_set('shop', 3);
SELECT xsell.drop_feature_set('shop', 2);
INSERT INTO xsell_internal.model_version (model, version, feature_set, feature_set_version, algorithm, feature, blob_sha256) VALUES ('churn', 1, 'shop', 1, 'none', '{a}', '');
SELECT xsell.drop_feature_set('shop', 1);
SELECT xsell.drop_feature_set('shop', 2);
SELECT xsell.drop_feature_set('cross_sell');
SELECT xsell.drop_feature_set('no_such_set');

-- Snapshots.
SELECT xsell.snapshot_features('churn', '2024-02-01') AS written, xsell.snapshot_features('churn', '2024-02-01') AS again, xsell.snapshot_features('churn') AS the_same_time,
       xsell.snapshot_features('churn', '2024-01-20') AS another_time;
SELECT * FROM xsell.feature_snapshot WHERE entity_id < 4 ORDER BY as_of, entity_id;
SELECT xsell.snapshot_features('no_such_model');
UPDATE xsell_internal.feature_snapshot SET x = '{}';
SELECT xsell.drop_snapshots('2024-02-01') AS dropped, (SELECT count(*) FROM xsell_internal.feature_snapshot) AS were_there;
SELECT xsell.create_feature_set('later_twice', 'SELECT 1 AS entity_id, a FROM (VALUES (1), (2)) AS v(a) WHERE a = 1 OR $1 > ''2024-02-02''') AS once;
INSERT INTO xsell_internal.model (model, feature_set) VALUES ('twice', 'later_twice');
SELECT xsell.snapshot_features('twice', '2024-02-03');

-- Who may do what.
CREATE ROLE xsell_test_maker IN ROLE xsell_admin;
CREATE ROLE xsell_test_learner IN ROLE xsell_trainer;
CREATE ROLE xsell_test_looker IN ROLE xsell_reader;
CREATE ROLE xsell_test_gone;
GRANT USAGE ON SCHEMA shop TO xsell_test_maker;
GRANT SELECT ON shop.customer TO xsell_test_maker;
GRANT CREATE ON SCHEMA shop TO xsell_test_maker;
SET ROLE xsell_test_looker;
SELECT xsell.create_feature_set('theirs', 'SELECT 1 AS entity_id, 1 AS a');
INSERT INTO xsell_internal.feature_set (name, version, feature, definition, sha256, owner) VALUES ('theirs', 1, '{a}', '', '', CURRENT_USER);
SELECT * FROM xsell_internal.run_query('postgres', 'SELECT 1 AS a', now()) AS q(a integer);
SELECT * FROM xsell_internal.query_columns('SELECT 1 AS a', 'postgres');
SELECT xsell.snapshot_features('churn');
SET ROLE xsell_test_learner;
SELECT xsell.create_feature_set('theirs', 'SELECT 1 AS entity_id, 1 AS a');
SELECT xsell.drop_feature_set('shop');
SELECT * FROM xsell_internal.run_query('postgres', 'SELECT 1 AS a', now()) AS q(a integer);
SET ROLE xsell_test_maker;
UPDATE xsell_internal.model SET label_query = 'SELECT 1', label_owner = 'postgres' WHERE model = 'churn';
UPDATE xsell_internal.model SET label_query = 'SELECT 1' WHERE model = 'churn';
INSERT INTO xsell_internal.feature_set (name, version, feature, definition, sha256, kind, owner) VALUES ('forged', 1, '{a}', 'SELECT 1 AS entity_id, 1 AS a', '', '{number}', 'postgres');
INSERT INTO xsell_internal.feature_set (name, version, feature, definition, sha256) VALUES ('forged', 1, '{a}', 'SELECT 1, 1, $1, ARRAY[1]', '');
-- What runs as whoever asks for it is nobody's: a superuser would run it with all rights.
\set VERBOSITY terse
INSERT INTO xsell_internal.feature_set (name, version, feature, definition, sha256, owner) VALUES ('forged', 1, '{a}', 'SELECT 1, 1, $1, ARRAY[1]', '', CURRENT_USER);
\set VERBOSITY default
SELECT xsell.create_feature_set('theirs', 'SELECT id AS entity_id, visits FROM shop.customer WHERE id < 3');
INSERT INTO xsell_internal.model (model, feature_set) VALUES ('theirs', 'theirs');
CREATE TRIGGER lurking BEFORE INSERT ON xsell_internal.feature_set FOR EACH ROW EXECUTE FUNCTION pg_catalog.suppress_redundant_updates_trigger();
-- Those who see every org run it as its maker; others as themselves, with their own rights.
SET ROLE xsell_test_learner;
SELECT * FROM xsell.features('theirs') ORDER BY 1;
SELECT xsell.snapshot_features('theirs');
SET ROLE xsell_test_looker;
SELECT * FROM xsell.features('theirs');
RESET ROLE;
GRANT USAGE ON SCHEMA shop TO xsell_test_looker;
GRANT SELECT ON shop.customer TO xsell_test_looker;
ALTER TABLE shop.customer ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_of_it ON shop.customer TO xsell_test_maker USING (true);
CREATE POLICY part ON shop.customer TO xsell_test_looker USING (id <> 2);
SET ROLE xsell_test_maker;
SELECT xsell.create_feature_set('theirs', 'SELECT id AS entity_id, visits, city FROM shop.customer WHERE id < 3') AS with_cities;
SET ROLE xsell_test_learner;
SELECT * FROM xsell.features('theirs') ORDER BY 1;
SET ROLE xsell_test_looker;
SELECT * FROM xsell.features('theirs');
-- Codes by a dictionary whose values they do not see.
SELECT feature, code, length(sha256) FROM xsell_internal.category WHERE feature_set = 'theirs' AND version = 2 ORDER BY code;
SELECT * FROM xsell.feature_category;
-- Kept rows sum up what every org knows.
SELECT * FROM xsell.feature_snapshot;
RESET ROLE;
SELECT bool_and(sha256(convert_to(value, 'UTF8')) = sha256) AS hashes_hold FROM xsell_internal.category;

-- What somebody stores to catch a superuser with: it runs, as its maker, and gets nowhere.
SET ROLE xsell_test_maker;
CREATE FUNCTION shop.trap(what text) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
    CASE COALESCE(what, '')
        WHEN '' THEN NULL;
        WHEN 'who' THEN RAISE NOTICE 'current_user %, superuser %, path %, read-only %', CURRENT_USER, (SELECT rolsuper FROM pg_roles WHERE rolname = CURRENT_USER), current_setting('search_path'), current_setting('transaction_read_only');
        WHEN 'role' THEN SET ROLE postgres;
        WHEN 'reset' THEN RESET ROLE;
        WHEN 'session' THEN SET SESSION AUTHORIZATION postgres;
        WHEN 'config' THEN PERFORM set_config('role', 'postgres', false);
        WHEN 'writable' THEN PERFORM set_config('transaction_read_only', 'off', false);
        WHEN 'temporary' THEN CREATE TEMPORARY TABLE trap (a integer);
        WHEN 'table' THEN CREATE TABLE shop.trap (a integer);
        WHEN 'index' THEN CREATE INDEX ON shop.bait ((shop.bite(a)));
        WHEN 'insert' THEN INSERT INTO shop.bait VALUES (1);
        WHEN 'grant' THEN GRANT postgres TO xsell_test_maker;
        WHEN 'alter' THEN ALTER ROLE xsell_test_maker SUPERUSER;
        WHEN 'later' THEN EXECUTE 'DECLARE trap CURSOR WITH HOLD FOR SELECT shop.bite(1)';
        WHEN 'prepare' THEN EXECUTE 'PREPARE trap AS SELECT shop.bite(1)'; DEALLOCATE trap;
        WHEN 'nested' THEN PERFORM * FROM xsell_internal.run_query('postgres', 'SELECT 1 AS a', now()) AS q(a integer);
        WHEN 'borrowed' THEN PERFORM * FROM xsell_internal.run_query('postgres', (SELECT definition FROM xsell_internal.feature_set WHERE name = 'shop' AND version = 1), now())
            AS q(entity_id bigint, visits integer, spent numeric, score shop.score, vip boolean, born date, seen timestamp, paid timestamptz, city text, size shop.size);
    END CASE;
    RETURN 1;
END
$$;
CREATE TABLE shop.bait (a integer);
CREATE FUNCTION shop.bite(a integer) RETURNS integer IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'bite as %', CURRENT_USER; RETURN a; END $$;
CREATE INDEX ON shop.bait ((shop.bite(a)));
SELECT xsell.create_feature_set('trap', 'SELECT g AS entity_id, shop.trap(pg_catalog.current_setting(''trap.what'', true)) AS a FROM pg_catalog.generate_series(1, 1) g');
CREATE FUNCTION shop."trap"(a shop.customer) RETURNS integer LANGUAGE sql AS 'SELECT 1';
RESET ROLE;
CREATE FUNCTION pg_temp.spring(what text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('trap.what', what, true);
    PERFORM * FROM xsell_internal.features_of('trap', 1, '2024-02-01');
    RETURN 'ran';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLERRM;
END
$$;
SELECT what, pg_temp.spring(what) FROM unnest(ARRAY['who', 'role', 'reset', 'session', 'config', 'writable', 'temporary', 'table', 'index', 'insert', 'grant', 'alter', 'later', 'prepare', 'nested', 'borrowed']) AS what;
SELECT CURRENT_USER = SESSION_USER AS myself, current_setting('transaction_read_only') AS read_only, current_setting('search_path') AS path,
       (SELECT rolsuper FROM pg_roles WHERE rolname = 'xsell_test_maker') AS escalated, to_regclass('shop.trap') AS made, (SELECT count(*) FROM shop.bait) AS bait;
-- An error within puts everything back, in a block too.
BEGIN;
SAVEPOINT s;
SELECT * FROM xsell_internal.run_query('xsell_test_maker', 'SELECT 1 / 0 AS a', now()) AS q(a integer);
ROLLBACK TO s;
SELECT CURRENT_USER = SESSION_USER AS myself, current_setting('transaction_read_only') AS read_only, current_setting('search_path') AS path;
CREATE TABLE shop.still_writable (a integer);
COMMIT;
BEGIN READ ONLY;
SELECT count(*) FROM xsell_internal.features_of('widths', 1, '2024-02-01');
CREATE TABLE shop.not_writable (a integer);
ROLLBACK;
-- Rows are stored while they come out of a query that may store none.
CREATE TABLE shop.kept AS SELECT entity_id, x FROM xsell_internal.features_of('widths', 1, '2024-02-01');
-- A cursor that outlives the call.
BEGIN;
DECLARE rows CURSOR FOR SELECT q.id FROM xsell_internal.run_query(NULL, 'SELECT g AS id FROM pg_catalog.generate_series(1, 3) g', now()) AS q(id integer);
FETCH 1 FROM rows;
INSERT INTO shop.kept VALUES (1, '{}');
FETCH ALL FROM rows;
COMMIT;

-- Cut short, too.
SET statement_timeout = '50ms';
SELECT * FROM xsell_internal.run_query('xsell_test_maker', 'SELECT pg_catalog.pg_sleep(60) IS NULL AS a', now()) AS q(a boolean);
RESET statement_timeout;
SELECT CURRENT_USER = SESSION_USER AS myself, current_setting('transaction_read_only') AS read_only, current_setting('search_path') AS path;

-- The maker is gone: who looks is told what to do.
INSERT INTO xsell_internal.feature_set (name, version, feature, definition, sha256, kind, owner) VALUES ('orphan', 1, '{a}', 'SELECT 1 AS entity_id, 1 AS a', '', '{number}', 'xsell_test_gone');
SELECT * FROM xsell_internal.features_of('orphan', 1, '2024-02-01');
DROP ROLE xsell_test_gone;
SELECT * FROM xsell_internal.features_of('orphan', 1, '2024-02-01');
SELECT xsell.create_feature_set('orphan', 'SELECT 1 AS entity_id, 1 AS a') AS anew;
SELECT * FROM xsell_internal.features_of('orphan', 2, '2024-02-01');

-- Called by hand, with dictionaries that do not fit.
SELECT FROM xsell_internal.stored_features(NULL, 'SELECT', now(), '{a,b}', '{category}', '{}', '{}', '{}');
SELECT FROM xsell_internal.stored_features(NULL, 'SELECT', now(), '{a}', '{category}', '{a}', '{\\x00}', '{NULL}');
SELECT FROM xsell_internal.stored_features(NULL, 'SELECT', now(), '{a}', '{category}', '{b}', '{\\x00}', '{1}');

-- What a dump keeps: everything but what the extension itself brings.
SELECT c.oid::regclass AS relation, e.condition
FROM pg_extension x, unnest(x.extconfig, x.extcondition) AS e(relation, condition) JOIN pg_class c ON c.oid = e.relation
WHERE x.extname = 'xsell' AND c.relname IN ('feature_set', 'category', 'feature_snapshot') ORDER BY 1::text;

DELETE FROM xsell_internal.model_version WHERE model = 'churn';
DELETE FROM xsell_internal.model WHERE model IN ('churn', 'theirs', 'twice');
SELECT count(xsell.drop_feature_set(s.feature_set)) FROM (SELECT DISTINCT feature_set FROM xsell.feature_set WHERE feature_set <> 'cross_sell') s;
SELECT (SELECT count(*) FROM xsell_internal.category) AS categories, (SELECT count(*) FROM xsell_internal.feature_snapshot) AS snapshots;
SET client_min_messages = warning;
DROP SCHEMA shop CASCADE;
DROP OWNED BY xsell_test_maker, xsell_test_looker;
DROP ROLE xsell_test_maker, xsell_test_learner, xsell_test_looker;
