-- Whitespace: entity x product, stored and sparse.

CREATE FUNCTION xsell_internal.write_whitespace(as_of timestamptz, only_entities bigint[] DEFAULT NULL) RETURNS bigint
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$ SELECT 0::bigint $$;
COMMENT ON FUNCTION xsell_internal.write_whitespace(timestamptz, bigint[]) IS 'Brings the stored whitespace in step with holdings, deals, exclusions and recommendations; returns the rows written.';
