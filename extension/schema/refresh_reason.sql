-- Why each recommendation was made, and what of it may be told to whom.

CREATE FUNCTION xsell_internal.heuristic_reasons(names text[], x real[])
RETURNS TABLE ("position" integer, feature text, value double precision, contribution double precision, code text, sentence text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 3
BEGIN ATOMIC
    SELECT pg_catalog.row_number() OVER (ORDER BY w.weight * w.value DESC, w.feature)::integer, w.feature, w.value, w.weight * w.value, t.code, t.sentence
    FROM (SELECT n.feature, n.weight, heuristic_reasons.x[pg_catalog.array_position(names, n.feature)]::double precision AS value
          FROM (VALUES ('ease_score', .4), ('ease_share', .4), ('cosine_recent', .2)) AS n(feature, weight)) w
    CROSS JOIN LATERAL xsell_internal.render_reason(w.feature, w.value::real, w.weight) t
    WHERE w.value > 0;
END;
COMMENT ON FUNCTION xsell_internal.heuristic_reasons(text[], real[]) IS 'Why the heuristic ranked a pair where it did: its three inputs, the heaviest first.';

-- An org must not learn of another by what is said about an entity that both know. 'safe': the feature's value may be told; 'silent':
-- its sentence names no value, so it may be told even where the value may not. 'vague': it sums others up, which say it more plainly.
CREATE FUNCTION xsell_internal.reason_limits(feature text, contribution double precision, entity_alone boolean, product_alone boolean)
RETURNS TABLE (safe boolean, silent boolean, vague boolean)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
    SELECT reason_limits.feature ~ '^(association|lookalike|popularity|same_org|ended_at)'
           OR (entity_alone AND (product_alone OR reason_limits.feature !~ '^product_')),
           COALESCE((SELECT t.sentence !~ '\{(value|rounded|percent)\}' FROM xsell_internal.reason_template t
                     WHERE t.feature = reason_limits.feature AND t.direction = CASE WHEN contribution < 0 THEN 'down' ELSE 'up' END AND t.language = 'en'), false),
           reason_limits.feature ~ '^(choice_share|affinity_)';
END;
COMMENT ON FUNCTION xsell_internal.reason_limits(text, double precision, boolean, boolean) IS
'What of a reason may be told to the org that sells: its value and its sentence (safe), its sentence alone (silent), or neither; vague: only where nothing plainer can be told.';

CREATE FUNCTION xsell_internal.write_reasons() RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET jit = off
AS $$
DECLARE
    names text[] := (SELECT s.feature FROM xsell_internal.feature_set s WHERE s.name = 'cross_sell' ORDER BY s.version DESC LIMIT 1);
    touched bigint;
    total bigint;
BEGIN
    -- Only what was scored anew has new reasons.
    DROP TABLE IF EXISTS pg_temp.xsell_why, pg_temp.xsell_explained;
    CREATE TEMPORARY TABLE xsell_explained ON COMMIT DROP AS
    SELECT o.*, r.recommendation_id
    FROM pg_temp.xsell_offer o
    JOIN pg_temp.xsell_kept k USING (entity_id, product_id, org_id, route)
    JOIN xsell_internal.recommendation r USING (entity_id, product_id, org_id, route)
    WHERE k.rescored OR NOT EXISTS (SELECT FROM xsell_internal.recommendation_reason w WHERE w.recommendation_id = r.recommendation_id);
    ANALYZE pg_temp.xsell_explained (recommendation_id, score_source, version);
    CREATE TEMPORARY TABLE xsell_why ON COMMIT DROP AS
    WITH told AS MATERIALIZED (  -- of each feature once, not of each row
        SELECT f.feature, s.speaks_for, e.alone AS entity_alone, p.alone AS product_alone, l.safe, l.silent, l.vague
        FROM (SELECT DISTINCT unnest(v.feature) AS feature FROM (SELECT DISTINCT o.model, o.version FROM pg_temp.xsell_explained o WHERE o.score_source = 'model') o
              JOIN xsell_internal.model_version v ON v.model = o.model AND v.version = o.version) f
        CROSS JOIN (VALUES (true), (false)) s(speaks_for) CROSS JOIN (VALUES (true), (false)) e(alone) CROSS JOIN (VALUES (true), (false)) p(alone)
        CROSS JOIN LATERAL xsell_internal.reason_limits(f.feature, CASE WHEN s.speaks_for THEN 1 ELSE -1 END, e.alone, p.alone) l
    )
    SELECT w.recommendation_id, w.position, w.feature, w.contribution, w.code,
           CASE WHEN w.safe THEN w.value END AS value, CASE WHEN w.safe OR w.silent THEN w.sentence END AS sentence
    FROM (SELECT o.recommendation_id, o.place AS position, o.feature, o.value::double precision, o.contribution, t.code, t.sentence,
                 o.safe, o.silent
          FROM (SELECT m.recommendation_id, e.feature, e.value, e.contribution, l.safe, l.silent,
                       row_number() OVER (PARTITION BY m.recommendation_id
                                          ORDER BY NOT (l.safe OR l.silent), e.contribution <= 0, l.vague, e.position)::integer AS place
                FROM (SELECT * FROM pg_temp.xsell_explained s WHERE s.score_source = 'model' ORDER BY s.version) m  -- each version is resolved once
                CROSS JOIN LATERAL xsell_internal.explain_values(m.model, m.version, m.x, 12, m.rank <= 3) e
                JOIN told l ON l.feature = e.feature AND l.speaks_for = (e.contribution >= 0) AND l.entity_alone = m.entity_alone
                           AND l.product_alone = m.product_alone) o
          CROSS JOIN LATERAL xsell_internal.render_reason(o.feature, o.value, o.contribution) t
          WHERE o.place <= 3
          UNION ALL
          SELECT o.recommendation_id, h.position, h.feature, h.value, h.contribution, h.code, h.sentence, true, true
          FROM pg_temp.xsell_explained o CROSS JOIN LATERAL xsell_internal.heuristic_reasons(names, o.x) h WHERE o.score_source = 'heuristic'
          UNION ALL
          SELECT o.recommendation_id, 1, 'ended_at', extract(epoch FROM o.ended_at)::double precision, o.probability, 'ended',
                 'had it before; it ended on ' || to_char(o.ended_at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), true, true
          FROM pg_temp.xsell_explained o WHERE o.score_source = 'rule') w;
    ANALYZE pg_temp.xsell_why (recommendation_id, position);

    DELETE FROM xsell_internal.recommendation_reason t USING pg_temp.xsell_explained o
    WHERE t.recommendation_id = o.recommendation_id
      AND NOT EXISTS (SELECT FROM pg_temp.xsell_why w WHERE w.recommendation_id = t.recommendation_id AND w.position = t.position);
    GET DIAGNOSTICS total = ROW_COUNT;
    INSERT INTO xsell_internal.recommendation_reason AS t (recommendation_id, position, feature, value, contribution, code, sentence)
    SELECT w.recommendation_id, w.position, w.feature, w.value, w.contribution, w.code, w.sentence FROM pg_temp.xsell_why w
    ON CONFLICT (recommendation_id, position) DO UPDATE
    SET feature = excluded.feature, value = excluded.value, contribution = excluded.contribution, code = excluded.code, sentence = excluded.sentence
    WHERE (t.feature, t.value, t.contribution, t.code, t.sentence)
          IS DISTINCT FROM (excluded.feature, excluded.value, excluded.contribution, excluded.code, excluded.sentence);
    GET DIAGNOSTICS touched = ROW_COUNT;
    total := total + touched;
    UPDATE xsell_internal.recommendation r SET reason = n.sentence
    FROM (SELECT DISTINCT ON (w.recommendation_id) w.recommendation_id, w.sentence FROM pg_temp.xsell_why w
          ORDER BY w.recommendation_id, w.sentence IS NULL, w.contribution <= 0, w.position) n
    WHERE r.recommendation_id = n.recommendation_id AND r.reason IS DISTINCT FROM n.sentence;
    GET DIAGNOSTICS touched = ROW_COUNT;
    DROP TABLE pg_temp.xsell_why, pg_temp.xsell_explained;
    RETURN total + touched;
END
$$;
COMMENT ON FUNCTION xsell_internal.write_reasons() IS
'Stores the three strongest reasons that may be told for each of this session''s offers (against, where none speaks for it): what a feature says about an entity that another org knows too is left out. The three best of an entity are explained exactly, the others by their way through the trees.';
