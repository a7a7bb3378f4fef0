-- Why a customer is not offered a product, or where it stands if it is. Answers from what is stored; only one that is neither is scored anew.
CREATE FUNCTION xsell.why_not(entity bigint DEFAULT NULL, product bigint DEFAULT NULL, account text DEFAULT NULL, org text DEFAULT NULL)
RETURNS TABLE (rule text, org_id text, reason text, until timestamptz, rank integer, probability double precision)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    at constant timestamptz := xsell.clock();
    wanted bigint := entity;
    scored record;
BEGIN
    IF (entity IS NULL) = (account IS NULL) THEN
        RAISE EXCEPTION 'name an entity or an account' USING ERRCODE = 'invalid_parameter_value', HINT = 'xsell.why_not(account => ''001...'', org => ''emea'', product => 7)';
    ELSIF account IS NOT NULL THEN
        wanted := xsell_internal.find_entity(account, org);
    ELSIF NOT EXISTS (SELECT FROM xsell_internal.entity_account e WHERE e.entity_id = wanted) THEN
        RAISE EXCEPTION 'entity % does not exist', wanted USING ERRCODE = 'undefined_object', HINT = 'SELECT entity_id, name FROM xsell.entity lists those that you may see.';
    END IF;
    IF product IS NULL OR NOT EXISTS (SELECT FROM xsell_internal.product_map m WHERE m.product_id = product) THEN
        RAISE EXCEPTION 'product % does not exist', COALESCE(product::text, 'NULL') USING ERRCODE = 'undefined_object',
            HINT = 'SELECT product_id, product_name FROM xsell.product_map lists those that you may see.';
    END IF;
    RETURN QUERY
    SELECT w.rule, w.org_id, w.reason, w.until, NULL::integer, NULL::double precision
    FROM (SELECT t.rule, h.org_id, xsell_internal.render_exclusion(t.sentence, h.first_at) AS reason, h.ends_at AS until
          FROM xsell_internal.holding h JOIN xsell.exclusion_rule t ON t.rule = 'held'
          WHERE h.entity_id = wanted AND h.product_id = product AND (h.ends_at IS NULL OR h.ends_at > at)
          UNION ALL
          SELECT t.rule, d.org_id, xsell_internal.render_exclusion(t.sentence, min(NULLIF(d.known_at, '-infinity'))), NULL
          FROM xsell_internal.deal_pair d JOIN xsell.exclusion_rule t ON t.rule = 'open_deal'
          WHERE d.entity_id = wanted AND d.product_id = product AND d.known_at <= at AND (d.deleted_at IS NULL OR d.deleted_at > at)
            AND NOT d.won AND (NOT d.closed OR d.closed_at > at)
          GROUP BY t.rule, t.sentence, d.org_id
          UNION ALL
          SELECT x.rule, COALESCE(x.org_id, x.known_by), x.reason, x.until FROM xsell_internal.exclusions(at, ARRAY[wanted]) x
          WHERE (x.entity_id IS NULL OR x.entity_id = wanted) AND (x.product_id IS NULL OR x.product_id = product)) w
    WHERE why_not.org IS NULL OR w.org_id IS NULL OR w.org_id = why_not.org
    ORDER BY array_position(ARRAY['held', 'open_deal'], w.rule), w.rule, w.org_id, w.reason;
    IF FOUND THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT 'recommended', r.org_id, 'is recommended: ' || r.confidence_level || COALESCE(', ' || r.reason, ''), r.expires_at, r.rank, r.probability
    FROM xsell_internal.recommendation r
    WHERE r.entity_id = wanted AND r.product_id = product AND r.live AND NOT r.held_out AND (why_not.org IS NULL OR r.org_id = why_not.org)
    ORDER BY r.rank, r.org_id;
    IF FOUND THEN
        RETURN;
    END IF;
    -- What would be offered is not told, or it would be offered.
    IF xsell_internal.in_holdout(wanted) OR EXISTS (SELECT FROM xsell_internal.recommendation r WHERE r.entity_id = wanted AND r.live AND r.held_out) THEN
        RETURN QUERY SELECT 'held_out', NULL::text, 'nothing is offered to this customer, to measure what offers bring', NULL::timestamptz, NULL::integer, NULL::double precision;
        RETURN;
    END IF;
    WITH candidate AS MATERIALIZED (
        SELECT c.product_id, c.probability FROM xsell_internal.candidate_scores(at, wanted) c
    )
    SELECT count(*) AS candidates, max(o.probability) AS probability,
           count(*) FILTER (WHERE c.probability > o.probability OR (c.probability = o.probability AND c.product_id <= o.product_id)) AS rank INTO scored
    FROM candidate c LEFT JOIN candidate o ON o.product_id = product;
    IF scored.probability IS NULL THEN
        RETURN QUERY SELECT 'not_a_candidate', NULL::text, CASE
            WHEN scored.candidates = 0 THEN 'nothing is known to go by: the customer has not bought anything yet, or was deleted'
            ELSE 'nothing speaks for it: neither what they have, nor who is like them, nor demand' END, NULL::timestamptz, NULL::integer, NULL::double precision;
    ELSE
        RETURN QUERY SELECT 'below_the_cut', NULL::text, format('ranks %s of %s candidates, and the best only are kept', scored.rank, scored.candidates),
            NULL::timestamptz, scored.rank::integer, scored.probability;
    END IF;
END
$$;
COMMENT ON FUNCTION xsell.why_not(bigint, bigint, text, text) IS
'Why a customer (an entity, or an account) is not offered a product: one row per rule that bars it, or its rank and probability where none does.';
