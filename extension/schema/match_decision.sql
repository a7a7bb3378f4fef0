-- What people decide about customers: one or not, and what follows from it.

CREATE FUNCTION xsell_internal.follow_survivors() RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$ $$;
COMMENT ON FUNCTION xsell_internal.follow_survivors() IS 'Moves what is said of merged entities to those that survive them.';
