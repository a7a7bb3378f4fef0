-- Time, and the contract between the extension and the daemon.

CREATE FUNCTION xsell.clock() RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
RETURN COALESCE(NULLIF(pg_catalog.current_setting('xsell.now', true), '')::timestamptz, pg_catalog.now());
COMMENT ON FUNCTION xsell.clock() IS
'The time xsell works at: now(), unless the setting xsell.now says otherwise (old data, tests, demonstrations).';

CREATE FUNCTION xsell.contract_version() RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 2;
COMMENT ON FUNCTION xsell.contract_version() IS
'Version of the tables and functions that the daemon relies on; xselld refuses one that it does not know.';
