-- Who may do what: rules that every object keeps, and a reader of one org who must find nothing of another.
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
-- House rules; each query names the objects that break one.
SELECT c.oid::regclass AS without_row_security FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname IN ('org_id', 'entity_id', 'recommendation_id')
WHERE c.relnamespace IN ('xsell'::regnamespace, 'xsell_internal'::regnamespace) AND c.relkind IN ('r', 'p') AND NOT c.relrowsecurity ORDER BY 1;
SELECT c.oid::regclass AS with_row_security_and_no_policy FROM pg_class c
WHERE c.relnamespace IN ('xsell'::regnamespace, 'xsell_internal'::regnamespace) AND c.relrowsecurity
  AND (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid AND p.polpermissive) < 2 ORDER BY 1;
SELECT c.oid::regclass AS not_security_invoker FROM pg_class c
WHERE c.relnamespace IN ('xsell'::regnamespace, 'xsell_internal'::regnamespace) AND c.relkind = 'v'
  AND NOT COALESCE((SELECT o.option_value::boolean FROM pg_options_to_table(c.reloptions) o WHERE o.option_name = 'security_invoker'), false) ORDER BY 1;
SELECT c.oid::regclass AS materialized FROM pg_class c WHERE c.relnamespace IN ('xsell'::regnamespace, 'xsell_internal'::regnamespace) AND c.relkind = 'm';
SELECT p.oid::regprocedure AS without_comment FROM pg_proc p
WHERE p.pronamespace IN ('xsell'::regnamespace, 'xsell_internal'::regnamespace) AND obj_description(p.oid, 'pg_proc') IS NULL ORDER BY 1;
SELECT c.oid::regclass AS without_comment FROM pg_class c
WHERE c.relnamespace IN ('xsell'::regnamespace, 'xsell_internal'::regnamespace) AND c.relkind IN ('r', 'p', 'v') AND obj_description(c.oid, 'pg_class') IS NULL ORDER BY 1;
SELECT c.oid::regclass AS relation, a.attname AS without_comment FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'xsell'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND col_description(c.oid, a.attnum) IS NULL ORDER BY 1, 2;
SELECT p.oid::regprocedure AS definer_with_loose_path FROM pg_proc p
WHERE p.pronamespace IN ('xsell'::regnamespace, 'xsell_internal'::regnamespace) AND p.prosecdef
  AND NOT COALESCE('search_path=pg_catalog, pg_temp' = ANY (p.proconfig), false) ORDER BY 1;
SELECT p.oid::regprocedure AS definer FROM pg_proc p WHERE p.pronamespace IN ('xsell'::regnamespace, 'xsell_internal'::regnamespace) AND p.prosecdef ORDER BY 1;
SELECT p.oid::regprocedure AS plpgsql_with_loose_path FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
WHERE p.pronamespace IN ('xsell'::regnamespace, 'xsell_internal'::regnamespace) AND l.lanname IN ('sql', 'plpgsql') AND p.prosqlbody IS NULL
  AND p.prokind <> 'p'  -- a procedure that commits may carry no setting
  AND NOT COALESCE(array_to_string(p.proconfig, ' ') LIKE '%search_path=%', false)
ORDER BY 1;
SELECT p.oid::regprocedure AS open_to_public FROM pg_proc p
WHERE p.pronamespace IN ('xsell'::regnamespace, 'xsell_internal'::regnamespace) AND p.prorettype <> 'trigger'::regtype
  AND EXISTS (SELECT FROM aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) x WHERE x.grantee = 0) ORDER BY 1;
SELECT c.oid::regclass AS not_dumped FROM pg_class c
WHERE c.relnamespace IN ('xsell'::regnamespace, 'xsell_internal'::regnamespace) AND c.relkind IN ('r', 'p', 'S')
  AND NOT c.oid = ANY ((SELECT e.extconfig FROM pg_extension e WHERE e.extname = 'xsell')::oid[])
  AND c.oid <> ALL (ARRAY['xsell_internal.sync_object', 'xsell_internal.match_account', 'xsell_internal.match_account_node_seq', 'xsell_internal.match_key', 'xsell_internal.match_queue', 'xsell_internal.match_state', 'xsell_internal.free_mail_domain']::regclass[]::oid[]) ORDER BY 1;

-- What readers must not do.
CREATE ROLE xsell_test_reader;
GRANT xsell_reader TO xsell_test_reader;
SET ROLE xsell_test_reader;
SELECT raw FROM xsell_internal.source_record;
SELECT xsell_internal.refresh_recommendations();
SELECT xsell.set_status(1, 'won');
SELECT xsell.deploy('cross_sell', 1);
CALL xsell.train('cross_sell');
SELECT xsell_internal.sees_entity(1);
SELECT xsell_internal.sees_product(1);
UPDATE xsell.account SET name = 'x';
INSERT INTO xsell.org_grant VALUES ('north', 'xsell_test_reader');
INSERT INTO xsell_internal.model_version SELECT * FROM xsell_internal.model_version;
RESET ROLE;
CREATE ROLE xsell_test_stranger;
SET ROLE xsell_test_stranger;
SELECT * FROM xsell.org;
RESET ROLE;

-- What the service roles must be able to do.
SET ROLE xsell_sync;
SELECT step, rows > 0 AS some FROM xsell.refresh();
SELECT xsell.refresh_pairs() > 0 AS pairs, xsell.refresh_account_scores() > 0 AS scores;
RESET ROLE;
CREATE ROLE xsell_test_trainer;
GRANT xsell_trainer TO xsell_test_trainer;
SET ROLE xsell_test_trainer;
CALL xsell.train('cross_sell', NULL, horizon => '90 days');
SELECT count(*) FROM xsell.deploy('cross_sell', 1);
SELECT count(*) FROM xsell.refresh();
RESET ROLE;

-- Things that know more than one org, for the reader below to stumble over.
SELECT xsell.dismiss(min(recommendation_id), 'SECRET_B note') IS NOT NULL AS dismissed FROM xsell.recommendation WHERE org_id = 'south';
INSERT INTO xsell_internal.sync_state (org_id, object, last_success_at) VALUES ('south', 'account', now());
INSERT INTO xsell_internal.sync_run (org_id, object, error) VALUES ('south', 'account', 'SECRET_B error');
INSERT INTO xsell_internal.dead_letter (org_id, object, place, reason, payload, run_id) VALUES ('south', 'account', 'SECRET_B.csv:1', 'SECRET_B reason', 'SECRET_B 777777.77', 1);
INSERT INTO xsell_internal.data_quality (org_id, object, crm_id, problem, detail) VALUES ('south', 'account', 'SECRET_B', 'no exchange rate', 'SECRET_B');
INSERT INTO xsell_internal.source_record (org_id, object, crm_id, modified_at, deleted, content, repaired, run_id, raw)
VALUES ('south', 'account', 's1', now(), false, 1, false, 1, '{"name": "SECRET_B"}');

-- Texts that functions run with the caller's rights are nobody's but the admin's.
SELECT role, relation FROM unnest(ARRAY['xsell_reader', 'xsell_analyst', 'xsell_trainer', 'xsell_sync']) AS role,
    unnest(ARRAY['xsell_internal.feature_set', 'xsell_internal.sync_object']) AS relation
WHERE has_table_privilege(role, relation, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER');

-- Counts, for each view and table that the role may read, rows that carry the mark, the amount, or the name of another org.
CREATE FUNCTION pg_temp.leaks(OUT read bigint, OUT relation text, OUT leaking bigint) RETURNS SETOF record LANGUAGE plpgsql AS $$
BEGIN
    FOR relation IN
        SELECT c.oid::regclass::text FROM pg_class c
        WHERE c.relnamespace IN ('xsell'::regnamespace, 'xsell_internal'::regnamespace) AND c.relkind IN ('r', 'p', 'v') AND has_table_privilege(c.oid, 'SELECT')
        ORDER BY 1
    LOOP
        EXECUTE format('SELECT count(*), count(*) FILTER (WHERE t::text ~ ''SECRET_B|777777[.]7|[(,{" ](south|east)[ ,)}"]'') FROM %s t', relation) INTO read, leaking;
        RETURN NEXT;
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION pg_temp.leaks TO PUBLIC;
SELECT count(*) > 20 AS the_owner_sees_them FROM pg_temp.leaks() WHERE leaking > 0;
SET ROLE xsell_test_north;
SELECT count(*) > 30 AS looked_at, count(*) FILTER (WHERE read > 0) > 15 AS had_rows FROM pg_temp.leaks();
SELECT * FROM pg_temp.leaks() WHERE leaking > 0;
SELECT count(*) > 100 AS some, count(*) FILTER (WHERE r::text ~ 'SECRET_B|777777[.]7|south|east') AS leaking FROM xsell.recommend(top_n => 1000) r;
SELECT count(*) > 100 AS some, count(*) FILTER (WHERE r::text ~ 'SECRET_B|777777[.]7|south|east') AS leaking FROM xsell.recommend(top_n => 1000, as_of => xsell.clock()) r;
SELECT DISTINCT org_id, count(*) > 0 AS some FROM xsell.recommendation GROUP BY 1;
SELECT route, count(*) > 0 AS some, bool_or(introducer_name IS NOT NULL OR entity_name IS NOT NULL OR contact_name IS NOT NULL) AS names
FROM xsell.recommendation WHERE route = 'cross_org' GROUP BY 1;
SELECT * FROM xsell.recommend('s5');
SELECT * FROM xsell.recommend('s5', org => 'south');
SELECT count(*) AS foreign_entities FROM xsell.features('cross_sell', xsell.clock()) v
WHERE NOT EXISTS (SELECT FROM xsell_internal.entity_account a WHERE a.entity_id = v.entity_id AND a.org_id = 'north');
-- No setting opens it.
SET row_security = off;
SELECT count(*) FROM xsell.account;
RESET row_security;
SELECT count(DISTINCT org_id) FROM xsell.account;
RESET ROLE;

-- Who may see all orgs sees the introducer; who has no grant sees nothing.
SET ROLE xsell_test_group;
SELECT bool_and(introducer_name IS NOT NULL AND entity_name IS NOT NULL) AS introduced, count(*) > 0 AS some FROM xsell.recommendation WHERE route = 'cross_org';
SET ROLE xsell_test_reader;
SELECT count(*) FROM xsell.recommendation;
SELECT count(*) FROM xsell.entity;
RESET ROLE;
DROP ROLE xsell_test_reader, xsell_test_stranger, xsell_test_trainer;
\c :home
DROP DATABASE xsell_sales;
