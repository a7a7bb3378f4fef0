-- Recommending: the refresh that stores offers as recommendations with their reasons, and recommend(), which answers from them or anew.

CREATE FUNCTION xsell_internal.write_recommendations(as_of timestamptz, cuts double precision[]) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off  -- the tables grow within the transaction: statistics lag behind, and a nested loop would be ruinous
SET jit = off
AS $$
BEGIN
    CREATE TEMPORARY TABLE xsell_kept ON COMMIT DROP AS
    SELECT o.entity_id, o.product_id, o.org_id, o.route, o.account_id, o.product_crm_id, o.probability, s.low AS probability_low, s.high AS probability_high,
           o.amount_if_won, round(o.probability::numeric * o.amount_if_won, 2) AS expected_revenue, o.rank,
           CASE WHEN o.route = 'winback' THEN 'Low' ELSE xsell_internal.confidence_level(o.probability, (s.high - s.low) / 2, cuts) END AS confidence_level,
           xsell_internal.next_action(o.route, o.probability, cuts) AS next_action,
           o.owner_id, o.contact_id, as_of AS last_seen, as_of + interval '30 days' AS expires_at, o.score_source, o.model, o.version
    FROM pg_temp.xsell_offer o
    LEFT JOIN (SELECT m.entity_id, m.product_id, v.low, v.high FROM (SELECT * FROM pg_temp.xsell_offer f WHERE f.score_source = 'model' ORDER BY f.version) m
               CROSS JOIN LATERAL xsell_internal.score_version(m.model, m.version, m.x) v) s ON s.entity_id = o.entity_id AND s.product_id = o.product_id AND o.score_source = 'model';
    ANALYZE pg_temp.xsell_kept;

    UPDATE xsell_internal.recommendation r
    SET account_id = k.account_id, product_crm_id = k.product_crm_id, probability = k.probability, probability_low = k.probability_low,
        probability_high = k.probability_high, amount_if_won = k.amount_if_won, expected_revenue = k.expected_revenue, rank = k.rank,
        confidence_level = k.confidence_level, next_action = k.next_action, owner_id = k.owner_id, contact_id = k.contact_id,
        last_seen = k.last_seen, expires_at = k.expires_at, score_source = k.score_source, model = k.model, version = k.version, live = true
    FROM pg_temp.xsell_kept k
    WHERE (r.entity_id, r.product_id, r.org_id, r.route) = (k.entity_id, k.product_id, k.org_id, k.route)
      AND (r.account_id, r.product_crm_id, r.probability, r.probability_low, r.probability_high, r.amount_if_won, r.rank, r.confidence_level,
           r.next_action, r.owner_id, r.contact_id, r.last_seen, r.score_source, r.model, r.version, r.live)
          IS DISTINCT FROM (k.account_id, k.product_crm_id, k.probability, k.probability_low, k.probability_high, k.amount_if_won, k.rank,
           k.confidence_level, k.next_action, k.owner_id, k.contact_id, k.last_seen, k.score_source, k.model, k.version, true);
    UPDATE xsell_internal.recommendation r SET status = 'new'  -- closed long ago, and worth another look
    FROM pg_temp.xsell_kept k
    WHERE (r.entity_id, r.product_id, r.org_id, r.route) = (k.entity_id, k.product_id, k.org_id, k.route) AND r.status IN ('lost', 'expired');
    UPDATE xsell_internal.recommendation r SET live = false
    WHERE r.live AND NOT EXISTS (SELECT FROM pg_temp.xsell_kept k
                                 WHERE (k.entity_id, k.product_id, k.org_id, k.route) = (r.entity_id, r.product_id, r.org_id, r.route))
      -- What somebody is working on stays on the list until it is bought.
      AND (r.status NOT IN ('accepted', 'in_progress')
           OR EXISTS (SELECT FROM xsell_internal.holding h WHERE h.entity_id = r.entity_id AND h.product_id = r.product_id
                        AND (h.ends_at IS NULL OR h.ends_at > write_recommendations.as_of)));
    INSERT INTO xsell_internal.recommendation (entity_id, product_id, org_id, route, account_id, product_crm_id, probability, probability_low,
        probability_high, amount_if_won, expected_revenue, rank, confidence_level, next_action, owner_id, contact_id, first_seen, last_seen, expires_at,
        score_source, model, version)
    SELECT k.entity_id, k.product_id, k.org_id, k.route, k.account_id, k.product_crm_id, k.probability, k.probability_low,
           k.probability_high, k.amount_if_won, k.expected_revenue, k.rank, k.confidence_level, k.next_action, k.owner_id, k.contact_id, as_of, k.last_seen,
           k.expires_at, k.score_source, k.model, k.version
    FROM pg_temp.xsell_kept k
    WHERE NOT EXISTS (SELECT FROM xsell_internal.recommendation r
                      WHERE (r.entity_id, r.product_id, r.org_id, r.route) = (k.entity_id, k.product_id, k.org_id, k.route))
    ORDER BY k.entity_id, k.product_id;

    DELETE FROM xsell_internal.introduction i USING xsell_internal.recommendation r
    WHERE r.recommendation_id = i.recommendation_id AND NOT r.live;
    INSERT INTO xsell_internal.introduction AS i (recommendation_id, org_id, account_id, user_id, contact_id)
    SELECT r.recommendation_id, o.from_org, o.from_account, o.from_user, o.from_contact
    FROM pg_temp.xsell_offer o JOIN xsell_internal.recommendation r USING (entity_id, product_id, org_id, route)
    WHERE o.from_org IS NOT NULL
    ON CONFLICT (recommendation_id) DO UPDATE
    SET org_id = excluded.org_id, account_id = excluded.account_id, user_id = excluded.user_id, contact_id = excluded.contact_id
    WHERE (i.org_id, i.account_id, i.user_id, i.contact_id) IS DISTINCT FROM (excluded.org_id, excluded.account_id, excluded.user_id, excluded.contact_id);
    DROP TABLE pg_temp.xsell_kept;
    RETURN (SELECT count(*) FROM xsell_internal.recommendation r WHERE r.live);
END
$$;
COMMENT ON FUNCTION xsell_internal.write_recommendations(timestamptz, double precision[]) IS
'Brings the stored recommendations in line with this session''s offers: updates, expires, inserts; returns how many are live.';

CREATE FUNCTION xsell_internal.heuristic_reasons(names text[], x real[])
RETURNS TABLE ("position" integer, feature text, value double precision, contribution double precision, code text, sentence text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 3
BEGIN ATOMIC
    SELECT pg_catalog.row_number() OVER (ORDER BY w.weight * w.value DESC, w.feature)::integer, w.feature, w.value, w.weight * w.value, t.code, t.sentence
    FROM (SELECT n.feature, n.weight, heuristic_reasons.x[pg_catalog.array_position(names, n.feature)]::double precision AS value
          FROM (VALUES ('association_score', .40), ('lookalike_share', .35), ('popularity_30', .24)) AS n(feature, weight)) w
    CROSS JOIN LATERAL xsell_internal.render_reason(w.feature, w.value::real, w.weight) t
    WHERE w.value > 0;
END;
COMMENT ON FUNCTION xsell_internal.heuristic_reasons(text[], real[]) IS 'Why the heuristic ranked a pair where it did: its three inputs, the heaviest first.';

-- An org must not learn of another by what is said about an entity that both know. 'safe': the feature's value may be told; 'silent':
-- its sentence names no value, so it may be told even where the value may not.
CREATE FUNCTION xsell_internal.reason_limits(feature text, contribution double precision, entity_alone boolean, product_alone boolean)
RETURNS TABLE (safe boolean, silent boolean)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
    SELECT reason_limits.feature ~ '^(association|lookalike|popularity|same_org|ended_at)'
           OR (entity_alone AND (product_alone OR reason_limits.feature !~ '^product_')),
           COALESCE((SELECT t.sentence !~ '\{(value|rounded|percent)\}' FROM xsell_internal.reason_template t
                     WHERE t.feature = reason_limits.feature AND t.direction = CASE WHEN contribution < 0 THEN 'down' ELSE 'up' END AND t.language = 'en'), false);
END;
COMMENT ON FUNCTION xsell_internal.reason_limits(text, double precision, boolean, boolean) IS
'What of a reason may be told to the org that sells: its value and its sentence (safe), its sentence alone (silent), or neither.';

CREATE FUNCTION xsell_internal.write_reasons() RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off  -- the tables grow within the transaction: statistics lag behind, and a nested loop would be ruinous
SET jit = off
AS $$
DECLARE
    names text[] := (SELECT s.feature FROM xsell_internal.feature_set s WHERE s.name = 'cross_sell' ORDER BY s.version DESC LIMIT 1);
BEGIN
    CREATE TEMPORARY TABLE xsell_why ON COMMIT DROP AS
    SELECT r.recommendation_id, w.position, w.feature, w.contribution, w.code,
           CASE WHEN w.safe THEN w.value END AS value, CASE WHEN w.safe OR w.silent THEN w.sentence END AS sentence
    FROM (SELECT o.entity_id, o.product_id, o.org_id, o.route, o.place AS position, o.feature, o.value::double precision, o.contribution, t.code, t.sentence,
                 o.safe, o.silent
          FROM (SELECT m.entity_id, m.product_id, m.org_id, m.route, e.feature, e.value, e.contribution, l.safe, l.silent,
                       row_number() OVER (PARTITION BY m.entity_id, m.product_id, m.org_id, m.route
                                          ORDER BY NOT (l.safe OR l.silent), e.contribution <= 0, e.position)::integer AS place
                FROM (SELECT * FROM pg_temp.xsell_offer s WHERE s.score_source = 'model' ORDER BY s.version) m  -- each version is resolved once
                CROSS JOIN LATERAL xsell_internal.explain_values(m.model, m.version, m.x, 12) e
                CROSS JOIN LATERAL xsell_internal.reason_limits(e.feature, e.contribution, m.entity_alone, m.product_alone) l) o
          CROSS JOIN LATERAL xsell_internal.render_reason(o.feature, o.value, o.contribution) t
          WHERE o.place <= 3
          UNION ALL
          SELECT o.entity_id, o.product_id, o.org_id, o.route, h.position, h.feature, h.value, h.contribution, h.code, h.sentence, true, true
          FROM pg_temp.xsell_offer o CROSS JOIN LATERAL xsell_internal.heuristic_reasons(names, o.x) h WHERE o.score_source = 'heuristic'
          UNION ALL
          SELECT o.entity_id, o.product_id, o.org_id, o.route, 1, 'ended_at', extract(epoch FROM o.ended_at)::double precision, o.probability, 'ended',
                 'had it before; it ended on ' || to_char(o.ended_at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), true, true
          FROM pg_temp.xsell_offer o WHERE o.score_source = 'rule') w
    JOIN xsell_internal.recommendation r USING (entity_id, product_id, org_id, route);
    ANALYZE pg_temp.xsell_why;

    DELETE FROM xsell_internal.recommendation_reason t USING pg_temp.xsell_offer o JOIN xsell_internal.recommendation r USING (entity_id, product_id, org_id, route)
    WHERE t.recommendation_id = r.recommendation_id
      AND NOT EXISTS (SELECT FROM pg_temp.xsell_why w WHERE w.recommendation_id = t.recommendation_id AND w.position = t.position);
    INSERT INTO xsell_internal.recommendation_reason AS t (recommendation_id, position, feature, value, contribution, code, sentence)
    SELECT w.recommendation_id, w.position, w.feature, w.value, w.contribution, w.code, w.sentence FROM pg_temp.xsell_why w
    ON CONFLICT (recommendation_id, position) DO UPDATE
    SET feature = excluded.feature, value = excluded.value, contribution = excluded.contribution, code = excluded.code, sentence = excluded.sentence
    WHERE (t.feature, t.value, t.contribution, t.code, t.sentence)
          IS DISTINCT FROM (excluded.feature, excluded.value, excluded.contribution, excluded.code, excluded.sentence);
    UPDATE xsell_internal.recommendation r SET reason = n.sentence
    FROM (SELECT DISTINCT ON (w.recommendation_id) w.recommendation_id, w.sentence FROM pg_temp.xsell_why w
          ORDER BY w.recommendation_id, w.sentence IS NULL, w.contribution <= 0, w.position) n
    WHERE r.recommendation_id = n.recommendation_id AND r.reason IS DISTINCT FROM n.sentence;
    DROP TABLE pg_temp.xsell_why;
END
$$;
COMMENT ON FUNCTION xsell_internal.write_reasons() IS
'Stores the three strongest reasons that may be told for each of this session''s offers (against, where none speaks for it): what a feature says about an entity that another org knows too is left out.';

CREATE FUNCTION xsell_internal.refresh_recommendations(as_of timestamptz DEFAULT NULL, per_entity integer DEFAULT 10) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET client_min_messages = error  -- who is not the owner may refresh, not analyze: no reason to warn
SET jit = off  -- plans of many small steps: compiling them takes longer than running them
AS $$
DECLARE
    at timestamptz := COALESCE(as_of, xsell.clock());
    run bigint;
    live_rows bigint;
    limits double precision[];
BEGIN
    IF per_entity IS NULL OR per_entity < 1 THEN
        RAISE EXCEPTION 'per_entity must be at least 1' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM pg_advisory_xact_lock(2020828524, 0);  -- one refresh at a time; readers are not held up
    DROP TABLE IF EXISTS pg_temp.xsell_offer;
    CREATE TEMPORARY TABLE xsell_offer ON COMMIT DROP AS SELECT * FROM xsell_internal.offers(at, per_entity);
    ANALYZE pg_temp.xsell_offer;
    limits := (SELECT percentile_cont(ARRAY[.6, .7, .8]) WITHIN GROUP (ORDER BY o.probability) FROM pg_temp.xsell_offer o WHERE o.route <> 'winback');
    live_rows := xsell_internal.write_recommendations(at, COALESCE(limits, ARRAY[.6, .7, .8]));
    PERFORM xsell_internal.write_reasons();
    INSERT INTO xsell_internal.recommendation_run (as_of, started_at, finished_at, score_source, model, version, kept, cuts)
    SELECT at, now(), clock_timestamp(), o.score_source, o.model, o.version, live_rows, limits
    FROM (SELECT * FROM pg_temp.xsell_offer s WHERE s.score_source <> 'rule'
          ORDER BY s.version IS DISTINCT FROM (SELECT d.version FROM xsell_internal.deployment d WHERE d.model = s.model AND d.role = 'champion') LIMIT 1) o
    RIGHT JOIN (VALUES (1)) v ON true;
    DROP TABLE pg_temp.xsell_offer;
    ANALYZE xsell_internal.recommendation;
    ANALYZE xsell_internal.recommendation_reason;
    RETURN live_rows;
END
$$;
COMMENT ON FUNCTION xsell_internal.refresh_recommendations(timestamptz, integer) IS
'Scores every eligible pair at a time (NULL: now) and keeps the best per entity; returns how many recommendations are live. Readers see the old ones until commit.';

CREATE FUNCTION xsell.refresh() RETURNS TABLE (step text, rows bigint)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT 'entities', xsell_internal.resolve_entities();
    RETURN QUERY SELECT 'products', xsell_internal.resolve_products();
    RETURN QUERY SELECT 'holdings', xsell_internal.refresh_holdings();
    RETURN QUERY SELECT 'recommendations', xsell_internal.refresh_recommendations();
END
$$;
COMMENT ON FUNCTION xsell.refresh() IS 'Entities, products, holdings and recommendations anew, in one transaction that readers never notice; returns the rows of each step.';

-- The account or entity that a caller of recommend() means.
CREATE FUNCTION xsell_internal.find_entity(account text, org text) RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    orgs text[];
    entities bigint[];
BEGIN
    SELECT array_agg(e.org_id ORDER BY e.org_id), array_agg(DISTINCT e.entity_id) INTO orgs, entities
    FROM xsell.org o JOIN xsell_internal.entity_account e ON e.org_id = o.org_id AND e.account_id = account
    WHERE org IS NULL OR o.org_id = org;
    IF cardinality(entities) = 1 THEN
        RETURN entities[1];
    ELSIF cardinality(entities) > 1 THEN
        RAISE EXCEPTION 'account "%" exists in several orgs', account USING ERRCODE = 'ambiguous_parameter',
            DETAIL = format('Orgs: %s.', array_to_string(orgs, ', ')),
            HINT = format('Name one: xsell.recommend(account => %L, org => %L).', account, orgs[1]);
    ELSIF org IS NOT NULL AND NOT EXISTS (SELECT FROM xsell.org o WHERE o.org_id = org) THEN
        RAISE EXCEPTION 'org "%" does not exist', org USING ERRCODE = 'undefined_object',
            HINT = 'SELECT org_id FROM xsell.org lists those that you may see.';
    ELSIF EXISTS (SELECT FROM xsell.org o JOIN xsell.account a ON a.org_id = o.org_id AND a.crm_id = account WHERE org IS NULL OR o.org_id = org) THEN
        RAISE EXCEPTION 'account "%" has not been resolved yet', account USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = 'SELECT * FROM xsell.refresh() resolves it.';
    END IF;
    RAISE EXCEPTION 'account "%" does not exist%', account, CASE WHEN org IS NULL THEN '' ELSE format(' in org "%s"', org) END USING ERRCODE = 'undefined_object',
        HINT = 'Accounts are named by their id in the CRM: SELECT org_id, crm_id, name FROM xsell.account.';
END
$$;
COMMENT ON FUNCTION xsell_internal.find_entity(text, text) IS 'The entity of an account; an error where there is none, or where the org must be named.';

CREATE FUNCTION xsell_internal.recommend_at(entity bigint, org text, top_n integer, as_of timestamptz) RETURNS SETOF xsell.recommendation
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
    WITH offer AS MATERIALIZED (
        SELECT * FROM xsell_internal.offers(as_of, least(top_n, 100000), entity) o
        WHERE recommend_at.org IS NULL OR o.org_id = recommend_at.org
        ORDER BY o.route = 'winback', o.probability DESC, o.product_id LIMIT top_n
    )
    SELECT NULL::bigint, o.entity_id, COALESCE(a.name, ia.name), o.org_id, o.account_id, o.product_id,
           COALESCE(p.name, regexp_replace(o.product_crm_id, '^(deal|family):', '')), p.family, o.route, o.probability, s.low, s.high,
           o.amount_if_won, round(o.probability::numeric * o.amount_if_won, 2), xsell.base_currency(), o.rank,
           CASE WHEN o.route = 'winback' THEN 'Low' ELSE xsell_internal.confidence_level(o.probability, (s.high - s.low) / 2, l.cuts) END,
           xsell_internal.next_action(o.route, o.probability, l.cuts), w.sentence, u.name, u.email, u.team, u.territory, iu.name,
           NULLIF(concat_ws(' ', c.first_name, c.last_name), ''), 'new', as_of, as_of, as_of + interval '30 days', o.score_source, o.model, o.version
    FROM offer o
    LEFT JOIN (SELECT r.cuts FROM xsell_internal.recommendation_run r ORDER BY r.run_id DESC LIMIT 1) l ON true
    LEFT JOIN (SELECT m.entity_id, m.product_id, v.low, v.high FROM offer m CROSS JOIN LATERAL xsell.score(m.model, m.x, m.entity_id) v
               WHERE m.score_source = 'model') s ON s.entity_id = o.entity_id AND s.product_id = o.product_id AND o.score_source = 'model'
    LEFT JOIN (SELECT DISTINCT ON (m.entity_id, m.product_id) m.entity_id, m.product_id, e.sentence
               FROM offer m CROSS JOIN LATERAL xsell_internal.explain_version(m.model, m.version, m.x, top_k => 12) e
               CROSS JOIN LATERAL xsell_internal.reason_limits(e.feature, e.contribution, m.entity_alone, m.product_alone) l
               WHERE m.score_source = 'model' ORDER BY m.entity_id, m.product_id, NOT (l.safe OR l.silent), e.contribution <= 0, e.position) w
           ON w.entity_id = o.entity_id AND w.product_id = o.product_id AND o.score_source = 'model'
    LEFT JOIN xsell.account a ON a.org_id = o.org_id AND a.crm_id = o.account_id
    LEFT JOIN xsell.product p ON p.org_id = o.org_id AND p.crm_id = o.product_crm_id
    LEFT JOIN xsell.crm_user u ON u.org_id = o.org_id AND u.crm_id = o.owner_id
    LEFT JOIN xsell.account ia ON ia.org_id = o.from_org AND ia.crm_id = o.from_account
    LEFT JOIN xsell.crm_user iu ON iu.org_id = o.from_org AND iu.crm_id = o.from_user
    LEFT JOIN xsell.contact c ON c.org_id = COALESCE(o.from_org, o.org_id) AND c.crm_id = COALESCE(o.from_contact, o.contact_id)
    ORDER BY o.route = 'winback', o.probability DESC, o.product_id
$$;
COMMENT ON FUNCTION xsell_internal.recommend_at(bigint, text, integer, timestamptz) IS
'Recommendations computed anew from what was known at a time (entity NULL: for every entity; org NULL: of every selling org), in the shape of xsell.recommendation; nothing is stored.';

CREATE FUNCTION xsell.recommend(account text DEFAULT NULL, org text DEFAULT NULL, entity bigint DEFAULT NULL, top_n integer DEFAULT 10,
    as_of timestamptz DEFAULT NULL) RETURNS SETOF xsell.recommendation
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted bigint := entity;
BEGIN
    IF org IS NOT NULL AND account IS NULL AND NOT EXISTS (SELECT FROM xsell.org o WHERE o.org_id = recommend.org) THEN
        RAISE EXCEPTION 'org "%" does not exist', org USING ERRCODE = 'undefined_object',
            HINT = 'SELECT org_id FROM xsell.org lists those that you may see.';
    ELSIF top_n IS NULL OR top_n < 1 THEN
        RAISE EXCEPTION 'top_n must be at least 1' USING ERRCODE = 'invalid_parameter_value';
    ELSIF account IS NOT NULL AND entity IS NOT NULL THEN
        RAISE EXCEPTION 'give an account or an entity, not both' USING ERRCODE = 'invalid_parameter_value';
    ELSIF account IS NOT NULL THEN
        wanted := xsell_internal.find_entity(account, org);
    END IF;
    IF as_of IS NOT NULL THEN
        RETURN QUERY SELECT r.* FROM xsell_internal.recommend_at(wanted, CASE WHEN account IS NULL THEN org END, top_n, as_of) r;
    ELSIF wanted IS NOT NULL THEN
        RETURN QUERY SELECT r.* FROM xsell.recommendation r
                     WHERE r.entity_id = wanted AND (recommend.account IS NOT NULL OR recommend.org IS NULL OR r.org_id = recommend.org)
                     ORDER BY r.route = 'winback', r.probability DESC, r.product_id LIMIT top_n;
    ELSE
        RETURN QUERY SELECT r.* FROM xsell.recommendation r
                     WHERE recommend.org IS NULL OR r.org_id = recommend.org
                     ORDER BY r.expected_revenue DESC NULLS LAST, r.probability DESC LIMIT top_n;
    END IF;
END
$$;
COMMENT ON FUNCTION xsell.recommend(text, text, bigint, integer, timestamptz) IS
'The best recommendations: for an account (org may be left out where its id is unique), for an entity, of an org, or of all by expected revenue. as_of computes them from what was known then; without it they are the stored ones.';
