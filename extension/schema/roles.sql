\echo Use "CREATE EXTENSION xsell" to load this file. \quit

-- Roles are shared by the cluster: created if absent, without login, never dropped with the extension.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['xsell_reader', 'xsell_analyst', 'xsell_trainer', 'xsell_sync', 'xsell_admin', 'xsell_health'] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted) THEN
            EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', wanted);
        END IF;
    END LOOP;
END
$$;

CREATE SCHEMA xsell;
COMMENT ON SCHEMA xsell IS 'Cross-sell intelligence: what people and BI tools read and call.';
CREATE SCHEMA xsell_internal;
COMMENT ON SCHEMA xsell_internal IS 'The machinery of xsell: stored records, registry, functions that the public ones are made of.';
