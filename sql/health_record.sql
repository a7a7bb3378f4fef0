-- Health data: written through one function, read by xsell_health alone and org by org, and by nobody else at all.
\set SHOW_CONTEXT never
\set home :DBNAME
SET client_min_messages = warning;
DROP DATABASE IF EXISTS xsell_health_data;
CREATE DATABASE xsell_health_data;
\c xsell_health_data
SET client_min_messages = warning;
CREATE EXTENSION xsell;
INSERT INTO xsell.org (org_id, name, connector) VALUES ('care', 'Care', 'axiscare'), ('other', 'Other', 'axiscare');
CREATE ROLE xsell_test_nurse;
CREATE ROLE xsell_test_sync;
CREATE ROLE xsell_test_admin;
CREATE ROLE xsell_test_reader;
GRANT xsell_health TO xsell_test_nurse;
GRANT xsell_sync TO xsell_test_sync;
GRANT xsell_admin TO xsell_test_admin;
GRANT xsell_reader TO xsell_test_reader;
INSERT INTO xsell.org_grant VALUES ('care', 'xsell_test_nurse'), ('care', 'xsell_test_reader');

-- Who syncs writes, and learns nothing.
SET ROLE xsell_test_sync;
SELECT xsell_internal.sync_asides('care', 'account', ARRAY['1', '2', '1'],
    ARRAY['{"diagnoses": ["first"]}', '{"dateOfBirth": "1941-02-03"}', '{"diagnoses": ["PLANTED-DIAGNOSIS-1"]}']);
SELECT xsell_internal.sync_asides('other', 'account', ARRAY['1'], ARRAY['{"diagnoses": ["PLANTED-DIAGNOSIS-2"]}']);
SELECT xsell_internal.sync_asides('care', 'account', ARRAY['3'], ARRAY[]::text[]);
SELECT xsell_internal.sync_asides('care', 'account', ARRAY['3'], ARRAY['PLANTED-DIAGNOSIS-3']);
SELECT xsell_internal.sync_asides('care', 'account', ARRAY['3'], ARRAY['{"a": "PLANTED-DIAGNOSIS-4 \u0000"}']);
SELECT * FROM xsell_internal.health_record;
SELECT count(*) FROM xsell_internal.health_record;
UPDATE xsell_internal.health_record SET content = '{}' RETURNING content;
DELETE FROM xsell_internal.health_record WHERE content::text LIKE '%DIAGNOSIS%';
INSERT INTO xsell_internal.health_record (org_id, object, crm_id, content) VALUES ('care', 'account', '1', '{}') ON CONFLICT DO NOTHING RETURNING *;
RESET ROLE;

-- Nobody reads it but the members of xsell_health, who see the orgs that they were granted.
SET ROLE xsell_test_admin;
SELECT count(*) FROM xsell_internal.health_record;
RESET ROLE;
SET ROLE xsell_trainer;
SELECT crm_id FROM xsell_internal.health_record;
RESET ROLE;
SET ROLE xsell_test_reader;
SELECT content FROM xsell_internal.health_record;
SELECT xsell_internal.sync_asides('care', 'account', ARRAY['1'], ARRAY['{}']);
RESET ROLE;
SET ROLE xsell_test_nurse;
SELECT org_id, object, crm_id, content FROM xsell_internal.health_record ORDER BY crm_id;
UPDATE xsell_internal.health_record SET content = '{}';
SELECT xsell_internal.sync_asides('care', 'account', ARRAY['1'], ARRAY['{}']);
SELECT name FROM xsell.account;
RESET ROLE;
SELECT r.rolname AS reads_health_data FROM pg_roles r
WHERE r.rolname ~ '^xsell_(reader|analyst|trainer|sync|admin|health)$' AND has_any_column_privilege(r.rolname, 'xsell_internal.health_record', 'SELECT')
ORDER BY 1;
SELECT r.rolname AS writes_health_data FROM pg_roles r
WHERE r.rolname ~ '^xsell_(reader|analyst|trainer|sync|admin|health)$' AND
      has_table_privilege(r.rolname, 'xsell_internal.health_record', 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
ORDER BY 1;

-- What is the same is not written again; what is empty is gone.
SELECT updated_at AS before FROM xsell_internal.health_record WHERE org_id = 'care' AND crm_id = '2' \gset
SET ROLE xsell_sync;
SELECT xsell_internal.sync_asides('care', 'account', ARRAY['1', '2', '4'], ARRAY['{}', '{"dateOfBirth":"1941-02-03"}', '{}']);
RESET ROLE;
SELECT crm_id, content, updated_at = :'before' AS untouched FROM xsell_internal.health_record WHERE org_id = 'care';

-- A purge takes it along; a dump holds it.
SET ROLE xsell_sync;
SELECT relation, removed FROM xsell_internal.sync_purge_org('care');
RESET ROLE;
SELECT org_id FROM xsell_internal.health_record;
SELECT 'xsell_internal.health_record'::regclass = ANY (e.extconfig) AS dumped FROM pg_extension e WHERE e.extname = 'xsell';

\c :home
DROP DATABASE xsell_health_data;
DROP ROLE xsell_test_nurse, xsell_test_sync, xsell_test_admin, xsell_test_reader;
