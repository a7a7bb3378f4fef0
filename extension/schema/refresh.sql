-- Recommending: the refresh that stores offers as recommendations, of all entities or of those that changed.

-- The temporary tables of a refresh, by their names in pg_temp: xsell_scope, the entities that it is about (only where it is not about
-- all); xsell_offer, what is to be recommended; xsell_excluded, what would be but for a rule, for whoever writes the whitespace.

CREATE FUNCTION xsell_internal.write_recommendations(as_of timestamptz, cuts double precision[], "full" boolean) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET jit = off
AS $$
DECLARE
    touched bigint;
    total bigint := 0;
BEGIN
    DROP TABLE IF EXISTS pg_temp.xsell_kept;
    CREATE TEMPORARY TABLE xsell_kept ON COMMIT DROP AS
    SELECT o.entity_id, o.product_id, o.org_id, o.route, o.account_id, o.product_crm_id, o.probability, o.low AS probability_low, o.high AS probability_high,
           o.amount_if_won, round(o.probability::numeric * o.amount_if_won, 2) AS expected_revenue, o.rank,
           CASE WHEN o.route = 'winback' THEN 'Low' ELSE xsell_internal.confidence_level(o.probability, (o.high - o.low) / 2, cuts) END AS confidence_level,
           xsell_internal.next_action(o.route, o.probability, cuts) AS next_action,
           o.owner_id, o.contact_id, as_of AS last_seen, as_of + interval '30 days' AS expires_at, o.score_source, o.model, o.version,
           h.held_out, o.recommendation_type, COALESCE(cardinality(o.lookalike), 0) AS lookalikes, r.recommendation_id,
           r.recommendation_id IS NULL OR (r.probability, r.score_source, r.model, r.version) IS DISTINCT FROM (o.probability, o.score_source, o.model, o.version)
               OR o.rank <= 3 AND r.rank > 3 AS rescored,
           r.recommendation_id IS NULL OR (r.account_id, r.product_crm_id, r.probability, r.probability_low, r.probability_high, r.amount_if_won, r.rank, r.owner_id,
               r.contact_id, r.last_seen, r.score_source, r.model, r.version, r.live, r.held_out, r.recommendation_type, r.lookalikes)
           IS DISTINCT FROM (o.account_id, o.product_crm_id, o.probability, o.low, o.high, o.amount_if_won, o.rank, o.owner_id,
               o.contact_id, as_of, o.score_source, o.model, o.version, true, h.held_out, o.recommendation_type, COALESCE(cardinality(o.lookalike), 0)) AS differs,
           r.confidence_level AS old_confidence_level, r.next_action AS old_next_action, r.status
    FROM pg_temp.xsell_offer o
    JOIN (SELECT e.entity_id, xsell_internal.in_holdout(e.entity_id) AS held_out FROM (SELECT DISTINCT f.entity_id FROM pg_temp.xsell_offer f) e) h
      ON h.entity_id = o.entity_id
    LEFT JOIN xsell_internal.recommendation r ON r.entity_id = o.entity_id AND r.product_id = o.product_id AND r.org_id = o.org_id AND r.route = o.route;
    ANALYZE pg_temp.xsell_kept (recommendation_id, entity_id, product_id, org_id, route, status);  -- the others would cost, and join nothing

    UPDATE xsell_internal.recommendation r
    SET account_id = k.account_id, product_crm_id = k.product_crm_id, probability = k.probability, probability_low = k.probability_low,
        probability_high = k.probability_high, amount_if_won = k.amount_if_won, expected_revenue = k.expected_revenue, rank = k.rank,
        confidence_level = k.confidence_level, next_action = k.next_action, owner_id = k.owner_id, contact_id = k.contact_id,
        last_seen = k.last_seen, expires_at = k.expires_at, score_source = k.score_source, model = k.model, version = k.version, live = true,
        held_out = k.held_out, recommendation_type = k.recommendation_type, lookalikes = k.lookalikes
    FROM pg_temp.xsell_kept k
    WHERE r.recommendation_id = k.recommendation_id
      AND (k.differs OR k.confidence_level <> k.old_confidence_level OR k.next_action <> k.old_next_action);
    GET DIAGNOSTICS touched = ROW_COUNT;
    total := total + touched;
    UPDATE xsell_internal.recommendation r SET status = 'new'  -- closed long ago, and worth another look
    FROM pg_temp.xsell_kept k
    WHERE r.recommendation_id = k.recommendation_id AND k.status IN ('lost', 'expired');
    GET DIAGNOSTICS touched = ROW_COUNT;
    total := total + touched;
    UPDATE xsell_internal.recommendation r SET live = false
    WHERE r.live AND r.recommendation_id IN (
          SELECT l.recommendation_id FROM xsell_internal.recommendation l WHERE write_recommendations."full" AND l.live
          UNION ALL
          SELECT l.recommendation_id FROM pg_temp.xsell_scope c JOIN xsell_internal.recommendation l USING (entity_id)
          WHERE NOT write_recommendations."full" AND l.live)
      AND NOT EXISTS (SELECT FROM pg_temp.xsell_kept k WHERE k.recommendation_id = r.recommendation_id)
      -- What somebody is working on stays on the list until it is bought.
      AND (r.status NOT IN ('accepted', 'in_progress')
           OR EXISTS (SELECT FROM xsell_internal.holding h WHERE h.entity_id = r.entity_id AND h.product_id = r.product_id
                        AND (h.ends_at IS NULL OR h.ends_at > write_recommendations.as_of)));
    GET DIAGNOSTICS touched = ROW_COUNT;
    total := total + touched;
    INSERT INTO xsell_internal.recommendation AS r (entity_id, product_id, org_id, route, account_id, product_crm_id, probability, probability_low,
        probability_high, amount_if_won, expected_revenue, rank, confidence_level, next_action, owner_id, contact_id, first_seen, last_seen, expires_at,
        score_source, model, version, held_out, recommendation_type, lookalikes)
    SELECT k.entity_id, k.product_id, k.org_id, k.route, k.account_id, k.product_crm_id, k.probability, k.probability_low,
           k.probability_high, k.amount_if_won, k.expected_revenue, k.rank, k.confidence_level, k.next_action, k.owner_id, k.contact_id, as_of, k.last_seen,
           k.expires_at, k.score_source, k.model, k.version, k.held_out, k.recommendation_type, k.lookalikes
    FROM pg_temp.xsell_kept k
    WHERE k.recommendation_id IS NULL
    ORDER BY k.entity_id, k.product_id;
    GET DIAGNOSTICS touched = ROW_COUNT;
    total := total + touched;
    RETURN total + xsell_internal.write_introductions("full");
END
$$;
COMMENT ON FUNCTION xsell_internal.write_recommendations(timestamptz, double precision[], boolean) IS
'Brings the stored recommendations (all, or those of the entities in scope) in line with this session''s offers: updates what differs, takes off, inserts; returns the rows written.';

CREATE FUNCTION xsell_internal.write_introductions("full" boolean) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET jit = off
AS $$
DECLARE
    touched bigint;
    total bigint;
BEGIN
    DELETE FROM xsell_internal.introduction i USING xsell_internal.recommendation r
    WHERE r.recommendation_id = i.recommendation_id AND NOT r.live
      AND (write_introductions."full" OR r.entity_id IN (SELECT c.entity_id FROM pg_temp.xsell_scope c));
    GET DIAGNOSTICS total = ROW_COUNT;
    INSERT INTO xsell_internal.introduction AS i (recommendation_id, org_id, account_id, user_id, contact_id)
    SELECT r.recommendation_id, o.from_org, o.from_account, o.from_user, o.from_contact
    FROM pg_temp.xsell_offer o JOIN xsell_internal.recommendation r USING (entity_id, product_id, org_id, route)
    WHERE o.from_org IS NOT NULL
    ON CONFLICT (recommendation_id) DO UPDATE
    SET org_id = excluded.org_id, account_id = excluded.account_id, user_id = excluded.user_id, contact_id = excluded.contact_id
    WHERE (i.org_id, i.account_id, i.user_id, i.contact_id) IS DISTINCT FROM (excluded.org_id, excluded.account_id, excluded.user_id, excluded.contact_id);
    GET DIAGNOSTICS touched = ROW_COUNT;
    RETURN total + touched;
END
$$;
COMMENT ON FUNCTION xsell_internal.write_introductions(boolean) IS 'Who can introduce, for what write_recommendations has just written; returns the rows written.';

CREATE FUNCTION xsell_internal.write_lookalikes() RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET jit = off
AS $$
DECLARE
    touched bigint;
    total bigint;
BEGIN
    DROP TABLE IF EXISTS pg_temp.xsell_lookalike;
    CREATE TEMPORARY TABLE xsell_lookalike ON COMMIT DROP AS
    SELECT r.recommendation_id, l.position::integer AS position, l.entity_id, l.similarity
    FROM pg_temp.xsell_offer o JOIN xsell_internal.recommendation r USING (entity_id, product_id, org_id, route)
    CROSS JOIN LATERAL unnest(o.lookalike, o.similarity) WITH ORDINALITY AS l(entity_id, similarity, position);
    ANALYZE pg_temp.xsell_lookalike;
    DELETE FROM xsell_internal.recommendation_lookalike t USING pg_temp.xsell_offer o JOIN xsell_internal.recommendation r USING (entity_id, product_id, org_id, route)
    WHERE t.recommendation_id = r.recommendation_id
      AND NOT EXISTS (SELECT FROM pg_temp.xsell_lookalike l
                      WHERE l.recommendation_id = t.recommendation_id AND l.position = t.position AND l.entity_id = t.entity_id AND l.similarity = t.similarity);
    GET DIAGNOSTICS total = ROW_COUNT;
    INSERT INTO xsell_internal.recommendation_lookalike (recommendation_id, position, entity_id, similarity)
    SELECT l.recommendation_id, l.position, l.entity_id, l.similarity FROM pg_temp.xsell_lookalike l
    WHERE NOT EXISTS (SELECT FROM xsell_internal.recommendation_lookalike t WHERE t.recommendation_id = l.recommendation_id AND t.position = l.position)
    ORDER BY l.recommendation_id, l.position;
    GET DIAGNOSTICS touched = ROW_COUNT;
    DROP TABLE pg_temp.xsell_lookalike;
    RETURN total + touched;
END
$$;
COMMENT ON FUNCTION xsell_internal.write_lookalikes() IS 'Stores which similar customers hold what is recommended, for what write_recommendations has just written; returns the rows written.';

-- What everything depends on: who scores, what the products and the stages are, how much is kept.
CREATE FUNCTION xsell_internal.refresh_inputs(per_entity integer) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT pg_catalog.md5(pg_catalog.concat_ws(E'\n', per_entity, pg_catalog.current_setting('xsell.candidates', true),
        (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(' ', d.role, d.version, d.share), ',' ORDER BY d.role) FROM xsell_internal.deployment d
         WHERE d.model = 'cross_sell'),
        (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(' ', m.org_id, m.product_crm_id, m.product_id), ',' ORDER BY m.org_id, m.product_crm_id)
         FROM xsell_internal.product_map m),
        (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(' ', p.org_id, p.crm_id, p.is_active, p.family, p.created_at, p.deleted_at), ',' ORDER BY p.org_id, p.crm_id)
         FROM xsell.product p),
        (SELECT pg_catalog.string_agg(m::text, ',' ORDER BY m.org_id, m.pipeline, m.stage) FROM xsell.stage_map m),
        (SELECT pg_catalog.string_agg(x::text, ',' ORDER BY x.rule) FROM xsell.exclusion_rule x),
        (SELECT pg_catalog.string_agg(x::text, ',' ORDER BY x.org_id, x.product_crm_id, x.country) FROM xsell.product_region x),
        (SELECT pg_catalog.string_agg(s::text, ',' ORDER BY s.name) FROM xsell_internal.setting s WHERE s.name = 'base_currency' OR s.name LIKE 'holdout%')));
END;
COMMENT ON FUNCTION xsell_internal.refresh_inputs(integer) IS
'A hash of what concerns every recommendation: deployments, product map, products, stages, exclusion rules. A refresh of some entities is one of all when it has changed.';

-- What touched_entities does not see: decisions about what to offer, and times that have come.
CREATE FUNCTION xsell_internal.decided_entities(since xid8, last_as_of timestamptz, as_of timestamptz) RETURNS SETOF bigint
LANGUAGE plpgsql STABLE ROWS 1000
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    reach constant integer := age(since::xid);
BEGIN
    RETURN QUERY
    SELECT e.entity_id FROM xsell_internal.entity e WHERE age(e.xmin) <= reach
    UNION SELECT l.entity_id FROM xsell_internal.change_log l WHERE age(l.xmin) <= reach
    UNION SELECT s.entity_id FROM xsell_internal.suppression s WHERE s.until > last_as_of AND s.until <= decided_entities.as_of
    UNION SELECT p.entity_id FROM xsell_internal.purchase p
          WHERE p.ends_at > last_as_of AND p.ends_at <= decided_entities.as_of OR p.won_at > last_as_of AND p.won_at <= decided_entities.as_of
    UNION SELECT r.entity_id FROM xsell_internal.recommendation r
          WHERE r.status = 'lost' AND r.status_at > last_as_of - interval '180 days' AND r.status_at <= decided_entities.as_of - interval '180 days';
END
$$;
COMMENT ON FUNCTION xsell_internal.decided_entities(xid8, timestamptz, timestamptz) IS
'Entities about which something was decided since a transaction (status, suppression, match), and those for whom a time has come since: of a suppression, a loss, an end.';

-- The entities that a refresh is about: NULL for all.
CREATE FUNCTION xsell_internal.refresh_scope(as_of timestamptz, per_entity integer, "full" boolean) RETURNS bigint[]
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    stored_at constant timestamptz := (SELECT w.as_of FROM xsell_internal.stored_world w);
    before constant xsell_internal.entity_change_mark := (SELECT m FROM xsell_internal.entity_change_mark m WHERE m.name = 'recommendations');
    scope bigint[] := xsell_internal.take_touched_entities('recommendations', xsell_internal.refresh_inputs(per_entity));
BEGIN
    IF refresh_scope."full" OR scope IS NULL OR stored_at IS NULL OR refresh_scope.as_of < before.at
       OR refresh_scope.as_of > stored_at + interval '1 day' OR NOT xsell_internal.ranks_in_one_pass('cross_sell') THEN
        RETURN NULL;
    END IF;
    scope := ARRAY(SELECT s FROM unnest(scope) s UNION SELECT d FROM xsell_internal.decided_entities(before.oldest, before.at, refresh_scope.as_of) d ORDER BY 1);
    -- Beyond that one pass over all is as cheap, and its neighbours are new.
    IF "full" IS NULL AND cardinality(scope) > (SELECT cardinality(w.entity) FROM xsell_internal.stored_world w) * 0.2 THEN
        RETURN NULL;
    END IF;
    RETURN scope;
END
$$;
COMMENT ON FUNCTION xsell_internal.refresh_scope(timestamptz, integer, boolean) IS
'The entities whose inputs have changed since the last refresh; NULL where everything must be done anew: asked for, none before, other deployments, products or stages, more than a day since, or (NULL: by its own choice) more than a fifth changed. The next call looks from here on.';

CREATE FUNCTION xsell_internal.store_world(as_of timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM xsell_internal.stored_world;
    INSERT INTO xsell_internal.stored_world SELECT * FROM xsell_internal.cross_sell_world(store_world.as_of);
    DELETE FROM xsell_internal.stored_amount;
    INSERT INTO xsell_internal.stored_amount (org_id, product_id, industry, amount)
    SELECT a.org_id, a.product_id, a.industry, a.amount FROM xsell_internal.amounts_if_won(store_world.as_of) a WHERE a.amount IS NOT NULL;
END
$$;
COMMENT ON FUNCTION xsell_internal.store_world(timestamptz) IS 'Keeps what a full refresh knows, for the incremental ones after it.';

CREATE FUNCTION xsell_internal.collect_offers(as_of timestamptz, per_entity integer, scope bigint[], from_stored boolean, explained boolean) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
BEGIN
    DROP TABLE IF EXISTS pg_temp.xsell_scope, pg_temp.xsell_offer, pg_temp.xsell_excluded;
    CREATE TEMPORARY TABLE xsell_scope ON COMMIT DROP AS SELECT s AS entity_id FROM unnest(scope) s;
    CREATE TEMPORARY TABLE xsell_offer ON COMMIT DROP AS
    WITH partner AS MATERIALIZED (
        SELECT DISTINCT e.entity_id FROM xsell.account a JOIN xsell_internal.entity_account e ON e.org_id = a.org_id AND e.account_id = a.crm_id
        WHERE a.type = 'Partner'
    )
    SELECT o.*, CASE WHEN o.score_source = 'rule' OR o.rule IS NOT NULL THEN NULL WHEN o.same_industry THEN 'Industry Expansion'
                     WHEN o.entity_id IN (SELECT p.entity_id FROM partner p) OR o.lookalike[1] IN (SELECT p.entity_id FROM partner p) THEN 'Partner Referral'
                     ELSE 'Market Development' END AS recommendation_type
    FROM xsell_internal.offers(as_of, per_entity, scope, from_stored, explained) o;
    CREATE TEMPORARY TABLE xsell_excluded ON COMMIT DROP AS
    SELECT o.entity_id, o.product_id, o.rule_org AS org_id, o.rule, o.rule_reason AS reason, o.rule_until AS until, o.probability
    FROM pg_temp.xsell_offer o WHERE o.rule IS NOT NULL;
    DELETE FROM pg_temp.xsell_offer o WHERE o.rule IS NOT NULL;
    ANALYZE pg_temp.xsell_scope;
    ANALYZE pg_temp.xsell_offer (entity_id, product_id, org_id, route, score_source, from_org);
    ANALYZE pg_temp.xsell_excluded;
END
$$;
COMMENT ON FUNCTION xsell_internal.collect_offers(timestamptz, integer, bigint[], boolean, boolean) IS 'The offers (explained: with their features) and exclusions of a refresh, in this session''s temporary tables.';

CREATE FUNCTION xsell_internal.refresh_run(as_of timestamptz, per_entity integer, "full" boolean, reasons boolean DEFAULT true,
    OUT rows bigint, OUT kind text, OUT written bigint)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET client_min_messages = error  -- who is not the owner may refresh, not analyze: no reason to warn
SET jit = off  -- plans of many small steps: compiling them takes longer than running them
AS $$
#variable_conflict use_column
DECLARE
    at constant timestamptz := COALESCE(as_of, xsell.clock());
    last_run xsell_internal.recommendation_run;
    scope bigint[];
    one_pass constant boolean := xsell_internal.ranks_in_one_pass('cross_sell');
    limits double precision[];
BEGIN
    IF per_entity IS NULL OR per_entity < 1 THEN
        RAISE EXCEPTION 'per_entity must be at least 1' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM pg_advisory_xact_lock(2020828524, 0);  -- one refresh at a time; readers are not held up
    SELECT * INTO last_run FROM xsell_internal.recommendation_run r ORDER BY r.run_id DESC LIMIT 1;
    scope := xsell_internal.refresh_scope(at, per_entity, refresh_run."full");
    kind := CASE WHEN scope IS NULL THEN 'full' ELSE 'incremental' END;
    IF scope IS NULL THEN
        -- The tables grow within the transaction: statistics lag behind, and a nested loop would be ruinous.
        PERFORM set_config('enable_nestloop', 'off', true);
        DELETE FROM xsell_internal.stored_world WHERE NOT one_pass;
        PERFORM xsell_internal.store_world(at) WHERE one_pass;
    END IF;
    PERFORM xsell_internal.collect_offers(at, per_entity, scope, one_pass, reasons);
    limits := CASE WHEN scope IS NULL THEN
        (SELECT percentile_cont(ARRAY[.6, .7, .8]) WITHIN GROUP (ORDER BY o.probability) FROM pg_temp.xsell_offer o WHERE o.route <> 'winback')
        ELSE last_run.cuts END;
    written := xsell_internal.write_recommendations(at, COALESCE(limits, ARRAY[.6, .7, .8]), scope IS NULL);
    IF reasons THEN
        written := written + xsell_internal.write_lookalikes() + xsell_internal.write_reasons();
        PERFORM xsell_internal.write_whitespace(at, scope);
    END IF;
    PERFORM xsell_internal.close_mark('recommendations');
    rows := (SELECT count(*) FROM xsell_internal.recommendation r WHERE r.live);
    INSERT INTO xsell_internal.recommendation_run (as_of, started_at, finished_at, score_source, model, version, kept, cuts, kind, entities, written)
    SELECT at, now(), clock_timestamp(), COALESCE(o.score_source, l.score_source), COALESCE(o.model, l.model), COALESCE(o.version, l.version), rows, limits,
           kind, cardinality(scope), written
    FROM (VALUES (1)) v
    LEFT JOIN (SELECT s.score_source, s.model, s.version FROM pg_temp.xsell_offer s
               LEFT JOIN xsell_internal.deployment d ON d.model = s.model AND d.version = s.version AND d.role = 'champion'
               WHERE s.score_source <> 'rule' GROUP BY s.score_source, s.model, s.version, d.role ORDER BY d.role IS NULL, s.version LIMIT 1) o ON true
    LEFT JOIN (SELECT last_run.score_source, last_run.model, last_run.version WHERE scope IS NOT NULL) l ON true;
    DROP TABLE pg_temp.xsell_scope, pg_temp.xsell_offer, pg_temp.xsell_excluded, pg_temp.xsell_kept;
    IF scope IS NULL AND written > 0 THEN
        ANALYZE xsell_internal.recommendation;
        ANALYZE xsell_internal.recommendation_reason;
    END IF;
END
$$;
COMMENT ON FUNCTION xsell_internal.refresh_run(timestamptz, integer, boolean, boolean) IS
'Scores eligible pairs at a time (NULL: now) and keeps the best per entity: of every entity, or (full false: where it can; NULL: where it is worth it) of those whose inputs changed. Returns how many recommendations are live, what kind of refresh it was, and the rows written. Readers see the old ones until commit. reasons false: the recommendations alone, without what is told beside them (reasons, lookalikes, whitespace), for measuring.';

CREATE FUNCTION xsell_internal.refresh_recommendations(as_of timestamptz DEFAULT NULL, per_entity integer DEFAULT 10) RETURNS bigint
LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT r.rows FROM xsell_internal.refresh_run(as_of, per_entity, true) r;
END;
COMMENT ON FUNCTION xsell_internal.refresh_recommendations(timestamptz, integer) IS
'Scores every eligible pair at a time (NULL: now) and keeps the best per entity; returns how many recommendations are live.';

CREATE FUNCTION xsell.refresh("full" boolean DEFAULT NULL) RETURNS TABLE (step text, rows bigint, kind text)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT 'entities', xsell_internal.resolve_entities(COALESCE(refresh."full", false)), NULL::text;
    RETURN QUERY SELECT 'products', xsell_internal.resolve_products(), NULL::text;
    RETURN QUERY SELECT 'holdings', xsell_internal.refresh_holdings(), NULL::text;
    RETURN QUERY SELECT 'recommendations', r.rows, r.kind FROM xsell_internal.refresh_run(NULL, 10, refresh."full") r;
END
$$;
COMMENT ON FUNCTION xsell.refresh(boolean) IS
'Entities, products, holdings and recommendations brought up to date, in one transaction that readers never notice; returns the rows of each step, and whether the recommendations of all entities were computed (full) or of those whose inputs have changed (incremental). full => true does all; by itself it does so when there is no refresh to build on, when the deployment, the products or the stages changed, when more than a fifth of the customers did, and once a day.';
