-- Exclusions: what must not be offered, by which rule, why and until when.

CREATE FUNCTION xsell_internal.excluded_pairs(as_of timestamptz, only_entities bigint[] DEFAULT NULL)
RETURNS TABLE (entity_id bigint, product_id bigint, org_id text, rule text, reason text, until timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10000
BEGIN ATOMIC
    SELECT NULL::bigint, NULL::bigint, NULL::text, NULL::text, NULL::text, NULL::timestamptz WHERE false;
END;
COMMENT ON FUNCTION xsell_internal.excluded_pairs(timestamptz, bigint[]) IS
'What is excluded at a time, by rule. A NULL entity, product or org stands for every one; only_entities NULL: of every entity.';
