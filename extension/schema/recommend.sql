-- Asking: what is recommended to whom, from what is stored, from what was known at a time, or for a company that is in no CRM.

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
SET enable_hashjoin = on  -- whatever recommend does to its own plan
SET enable_mergejoin = on
AS $$
    WITH offer AS MATERIALIZED (
        SELECT * FROM xsell_internal.offers(as_of, least(top_n, 100000), CASE WHEN entity IS NOT NULL THEN ARRAY[entity] END) o
        WHERE o.rule IS NULL AND (recommend_at.org IS NULL OR o.org_id = recommend_at.org) AND NOT xsell_internal.in_holdout(o.entity_id)
        ORDER BY o.route = 'winback', o.probability DESC, o.product_id LIMIT top_n
    )
    SELECT NULL::bigint, o.entity_id, COALESCE(a.name, ia.name), o.org_id, o.account_id, o.product_id,
           COALESCE(p.name, regexp_replace(o.product_crm_id, '^(deal|family):', '')), p.family, o.route, o.probability, o.low, o.high,
           o.amount_if_won, round(o.probability::numeric * o.amount_if_won, 2), xsell.base_currency(), o.rank,
           CASE WHEN o.route = 'winback' THEN 'Low' ELSE xsell_internal.confidence_level(o.probability, (o.high - o.low) / 2, l.cuts) END,
           xsell_internal.next_action(o.route, o.probability, l.cuts), w.sentence, u.name, u.email,
           COALESCE(NULLIF(u.team, ''), (SELECT m.team FROM xsell.territory_map m WHERE m.org_id = o.org_id AND m.team IS NOT NULL
                                         AND xsell_internal.in_territory(m, a, o.owner_id) ORDER BY m.priority, m.map_id LIMIT 1)),
           COALESCE(NULLIF(u.territory, ''), (SELECT m.territory FROM xsell.territory_map m WHERE m.org_id = o.org_id AND m.territory IS NOT NULL
                                         AND xsell_internal.in_territory(m, a, o.owner_id) ORDER BY m.priority, m.map_id LIMIT 1)),
           iu.name,
           NULLIF(concat_ws(' ', c.first_name, c.last_name), ''), 'new', as_of, as_of, as_of + interval '30 days', o.score_source, o.model, o.version,
           NULL::text, COALESCE(cardinality(o.lookalike), 0)
    FROM offer o
    LEFT JOIN (SELECT r.cuts FROM xsell_internal.recommendation_run r ORDER BY r.run_id DESC LIMIT 1) l ON true
    LEFT JOIN (SELECT DISTINCT ON (m.entity_id, m.product_id) m.entity_id, m.product_id, e.sentence
               FROM offer m CROSS JOIN LATERAL xsell_internal.explain_version(m.model, m.version, m.x, top_k => 12) e
               CROSS JOIN LATERAL xsell_internal.reason_limits(e.feature, e.contribution, m.entity_alone, m.product_alone) l
               WHERE m.score_source = 'model' ORDER BY m.entity_id, m.product_id, NOT (l.safe OR l.silent), e.contribution <= 0, l.vague, e.position) w
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
SET plan_cache_mode = force_generic_plan  -- planning so many joins takes ten times as long as looking the rows up
SET enable_hashjoin = off  -- a few rows: whatever a hash would be made of takes longer to read
SET enable_mergejoin = off
AS $$
DECLARE
    wanted bigint := entity;
    another bigint;
BEGIN
    IF org IS NOT NULL AND account IS NULL AND NOT EXISTS (SELECT FROM xsell.org o WHERE o.org_id = recommend.org) THEN
        RAISE EXCEPTION 'org "%" does not exist', org USING ERRCODE = 'undefined_object',
            HINT = 'SELECT org_id FROM xsell.org lists those that you may see.';
    ELSIF top_n IS NULL OR top_n < 1 THEN
        RAISE EXCEPTION 'top_n must be at least 1' USING ERRCODE = 'invalid_parameter_value';
    ELSIF account IS NOT NULL AND entity IS NOT NULL THEN
        RAISE EXCEPTION 'give an account or an entity, not both' USING ERRCODE = 'invalid_parameter_value';
    ELSIF account IS NOT NULL THEN
        SELECT min(e.entity_id), max(e.entity_id) INTO wanted, another
        FROM xsell.org o JOIN xsell_internal.entity_account e ON e.org_id = o.org_id AND e.account_id = recommend.account
        WHERE recommend.org IS NULL OR o.org_id = recommend.org;
        IF wanted IS NULL OR wanted <> another THEN
            wanted := xsell_internal.find_entity(account, org);  -- says what is wrong
        END IF;
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

-- What somebody who is no customer yet could buy. The stored world is closed to readers, so its owner ranks; what leaves is what may be
-- said of products that the caller names as sold, and the caller names those that the caller may see.
CREATE FUNCTION xsell_internal.rank_new(industry text, country text, employees bigint, annual_revenue numeric, products bigint[], top_n integer,
    seller_product bigint[], seller_org bigint[])
RETURNS TABLE (product_id bigint, probability double precision, low double precision, high double precision, version integer, reason text)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    world xsell_internal.stored_world;
    newcomer xsell_internal.stored_world;
    staff constant double precision := CASE WHEN rank_new.employees > 0 THEN rank_new.employees END;
    revenue constant double precision := CASE WHEN rank_new.annual_revenue > 0 THEN least(rank_new.annual_revenue, 1e15) END;
    held constant bigint[] := ARRAY(SELECT DISTINCT p FROM unnest(rank_new.products) p ORDER BY p);
    -- Whoever calls this by itself could name products of others.
    visible constant bigint[] := ARRAY(SELECT DISTINCT m.product_id FROM xsell_internal.product_map m WHERE m.org_id = ANY (xsell_internal.caller_orgs()));
    sold bigint[];
    sold_by bigint[];
BEGIN
    SELECT * INTO world FROM xsell_internal.stored_world;
    IF world.entity IS NULL OR NOT xsell_internal.ranks_in_one_pass('cross_sell') THEN
        RAISE EXCEPTION 'there is nothing to compare with yet' USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = 'Deploy a version of cross_sell that takes the built-in features, then SELECT * FROM xsell.refresh(full => true).';
    ELSIF NOT (held <@ world.product AND held <@ visible) THEN
        RAISE EXCEPTION 'product % is not known', (SELECT min(p) FROM unnest(held) p WHERE p <> ALL (world.product) OR p <> ALL (visible)) USING ERRCODE = 'undefined_object',
            HINT = 'SELECT product_id, product_name FROM xsell.product_map lists those that you may see.';
    END IF;
    SELECT COALESCE(array_agg(s.product), '{}'), COALESCE(array_agg(s.org), '{}') INTO sold, sold_by
    FROM unnest(seller_product, seller_org) AS s(product, org) WHERE s.product IN (SELECT unnest(visible));
    newcomer.entity := '{-1}';
    newcomer.eligible := '{t}';
    newcomer.industry := ARRAY[COALESCE(array_position(world.industries, lower(btrim(rank_new.industry))), -1)];
    newcomer.country := ARRAY[COALESCE(array_position(world.countries, xsell_internal.country_key(rank_new.country)), -1)];
    newcomer.log_employees := ARRAY[COALESCE(ln(staff), 'NaN')];
    newcomer.age_days := '{0}';
    newcomer.idle_days := '{0}';
    newcomer.entity_feature := ARRAY[ln(1 + revenue), ln(1 + staff), CASE WHEN staff > 1000 THEN 1 WHEN staff IS NOT NULL THEN 0 END, revenue / staff,
                                     NULL, NULL, 0, 0, 0, NULL, 0, cardinality(held), 0, 0]::real[];
    newcomer.product := world.product;
    newcomer.active := world.active;
    newcomer.family := world.family;
    newcomer.product_feature := world.product_feature;
    newcomer.held_entity := array_fill(-1::bigint, ARRAY[cardinality(held)]);
    newcomer.held_product := held;
    newcomer.held_days := array_fill(0::real, ARRAY[cardinality(held)]);
    newcomer.held_first := newcomer.held_days;
    newcomer.lost_entity := '{}';
    newcomer.lost_product := '{}';
    newcomer.lost_days := '{}';
    newcomer.covered_entity := '{}';
    newcomer.covered_product := '{}';
    newcomer.serving_entity := '{}';
    newcomer.serving_org := '{}';
    newcomer.known_entity := array_fill(-1::bigint, ARRAY[cardinality(world.orgs)]);  -- every org that sells may come to know it
    newcomer.known_org := ARRAY(SELECT g FROM generate_series(1, cardinality(world.orgs)) g);
    newcomer.selling_product := world.selling_product;
    newcomer.selling_org := world.selling_org;
    RETURN QUERY
    SELECT c.product_id, c.probability, c.low, c.high, c.version,
           (SELECT e.sentence FROM xsell_internal.explain_version('cross_sell', c.version, c.x, top_k => 12) e
            CROSS JOIN LATERAL xsell_internal.reason_limits(e.feature, e.contribution, true, false) l
            WHERE l.safe OR l.silent ORDER BY e.contribution <= 0, l.vague, e.position LIMIT 1)
    FROM xsell_internal.rank_candidates(world, newcomer, '{-1}', 0, 200, rank_new.top_n, 'cross_sell', '{}', '{}', '{}', sold, sold_by) c
    WHERE NOT c.barred;
END
$$;
COMMENT ON FUNCTION xsell_internal.rank_new(text, text, bigint, numeric, bigint[], integer, bigint[], bigint[]) IS
'The best products, of those that have a seller, for a customer that is described and not stored, by the world of the last full refresh; runs as the owner, and tells nothing of other customers.';

CREATE FUNCTION xsell.recommend_new(industry text DEFAULT NULL, country text DEFAULT NULL, employees bigint DEFAULT NULL, annual_revenue numeric DEFAULT NULL,
    products bigint[] DEFAULT '{}', top_n integer DEFAULT 10)
RETURNS TABLE (product_id bigint, product_name text, org_id text, probability double precision, probability_low double precision, probability_high double precision,
    amount_if_won numeric, expected_revenue numeric, currency text, reason text, model text, version integer)
LANGUAGE plpgsql STABLE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    IF top_n IS NULL OR top_n < 1 THEN
        RAISE EXCEPTION 'top_n must be at least 1' USING ERRCODE = 'invalid_parameter_value';
    ELSIF array_position(products, NULL) IS NOT NULL THEN
        RAISE EXCEPTION 'products must not contain NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    RETURN QUERY
    WITH sold AS MATERIALIZED (
        SELECT s.product_id, s.org_id, s.product_crm_id FROM xsell_internal.sold_products(xsell.clock()) s
    ), sellers AS (
        SELECT COALESCE(array_agg(s.product_id), '{}') AS product, COALESCE(array_agg(1::bigint), '{}') AS org FROM sold s
    ), ranked AS (
        SELECT r.* FROM sellers s, LATERAL xsell_internal.rank_new(recommend_new.industry, recommend_new.country, recommend_new.employees,
            recommend_new.annual_revenue, COALESCE(recommend_new.products, '{}'), top_n, s.product, s.org) r
    )
    SELECT r.product_id, COALESCE(p.name, regexp_replace(s.product_crm_id, '^(deal|family):', '')), s.org_id, r.probability, r.low, r.high, w.amount,
           round(r.probability::numeric * w.amount, 2), xsell.base_currency(), r.reason, 'cross_sell'::text, r.version
    FROM ranked r
    JOIN LATERAL (SELECT o.org_id, o.product_crm_id FROM sold o WHERE o.product_id = r.product_id ORDER BY o.org_id LIMIT 1) s ON true
    LEFT JOIN xsell.product p ON p.org_id = s.org_id AND p.crm_id = s.product_crm_id
    LEFT JOIN LATERAL (SELECT a.amount FROM xsell_internal.stored_amount a
                       WHERE a.org_id = s.org_id AND (a.product_id = r.product_id OR a.product_id IS NULL)
                         AND (a.industry = lower(btrim(recommend_new.industry)) OR a.industry IS NULL)
                       ORDER BY a.product_id IS NULL, a.industry IS NULL LIMIT 1) w ON true
    ORDER BY r.probability DESC, r.product_id;
END
$$;
COMMENT ON FUNCTION xsell.recommend_new(text, text, bigint, numeric, bigint[], integer) IS
'What to offer a company that is in no CRM yet: from its industry, country, employees, revenue (base currency) and the products (product_id) that it has, as far as they are known, compared with the customers of the last full refresh.';
