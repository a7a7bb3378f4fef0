-- Candidates: the score of every eligible pair, by the model in force or by the heuristic.

-- The heuristic orders pairs by affinity_fit (EASE on everything held and on what is fresh, and fresh co-purchases); its level is set so that
-- the odds are, on average, the measured share of open pairs that were first bought within the last 180 days.
CREATE FUNCTION xsell_internal.heuristic_scores(as_of timestamptz)
RETURNS TABLE (entity_id bigint, product_id bigint, x real[], probability double precision)
LANGUAGE plpgsql STABLE ROWS 500000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    stored xsell_internal.feature_set;
    names text[];
    bought double precision;
BEGIN
    SELECT s.* INTO stored FROM xsell_internal.feature_set_of('cross_sell') l JOIN xsell_internal.feature_set s ON s.name = l.feature_set AND s.version = l.version;
    names := stored.feature;
    bought := (SELECT count(*) FROM (SELECT min(h.won_at) AS first_at FROM xsell_internal.purchase h WHERE h.won_at <= heuristic_scores.as_of
                                     GROUP BY h.entity_id, h.product_id) n WHERE n.first_at > heuristic_scores.as_of - interval '180 days');
    RETURN QUERY
    WITH fitted AS (  -- ln(1 + exp(fit)): positive, and linear where the fit is good
        SELECT v.entity_id, v.product_id, v.x, ln(1 + exp(greatest(least(v.x[array_position(names, 'affinity_fit')], 100), -20)::double precision)) AS score
        FROM xsell_internal.features_of(stored.name, stored.version, heuristic_scores.as_of) v
    ), levelled AS (
        SELECT f.entity_id, f.product_id, f.x, f.score * greatest(bought, 1) / (avg(f.score) OVER () * (count(*) OVER () + bought + 1)) AS odds FROM fitted f
    )
    SELECT l.entity_id, l.product_id, l.x, l.odds / (1 + l.odds) FROM levelled l;
END
$$;
COMMENT ON FUNCTION xsell_internal.heuristic_scores(timestamptz) IS
'Every eligible pair at a time with the probability that the heuristic gives it, by affinity_fit alone.';

-- Scores of every eligible pair: of the version that the entity belongs to, or the heuristic's.
CREATE FUNCTION xsell_internal.candidate_scores(as_of timestamptz, only_entity bigint DEFAULT NULL)
RETURNS TABLE (entity_id bigint, product_id bigint, x real[], probability double precision, score_source text, model text, version integer)
LANGUAGE plpgsql STABLE ROWS 500000
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = on  -- whatever offers does to its own plan
SET enable_mergejoin = on
AS $$
BEGIN
    IF xsell_internal.assigned_version('cross_sell', 0) IS NOT NULL THEN
        RETURN QUERY
        SELECT v.entity_id, v.product_id, v.x, xsell.predict('cross_sell', v.x, v.entity_id), 'model'::text, 'cross_sell'::text,
               xsell_internal.assigned_version('cross_sell', v.entity_id)
        FROM xsell.features('cross_sell', candidate_scores.as_of) v
        WHERE only_entity IS NULL OR v.entity_id = only_entity;
    ELSE
        RETURN QUERY
        SELECT h.entity_id, h.product_id, h.x, h.probability, 'heuristic'::text, NULL::text, NULL::integer
        FROM xsell_internal.heuristic_scores(candidate_scores.as_of) h
        WHERE only_entity IS NULL OR h.entity_id = only_entity;
    END IF;
END
$$;
COMMENT ON FUNCTION xsell_internal.candidate_scores(timestamptz, bigint) IS
'Probability of every eligible pair at a time: from the version of cross_sell that the entity belongs to under the split in force, else from the heuristic (affinity_fit).';
