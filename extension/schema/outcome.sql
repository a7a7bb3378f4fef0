-- Outcomes: what became of recommendations, and what would have happened without.

CREATE FUNCTION xsell_internal.in_holdout(entity bigint) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN false;
COMMENT ON FUNCTION xsell_internal.in_holdout(bigint) IS 'Whether recommendations of an entity are kept from everybody, to measure what happens without.';
