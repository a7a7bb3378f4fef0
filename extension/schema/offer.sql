-- Offers: from every eligible pair of an entity and a product to the best few per entity, with who sells, to whom, and for how much.

CREATE FUNCTION xsell_internal.return_rate(as_of timestamptz) RETURNS double precision
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT (count(*) FILTER (WHERE EXISTS (SELECT FROM xsell_internal.purchase n
                                           WHERE n.entity_id = p.entity_id AND n.product_id = p.product_id AND n.won_at > p.ends_at AND n.won_at <= return_rate.as_of
                                             AND COALESCE(n.deleted_at, 'infinity') > return_rate.as_of)) + 1.0) / (count(*) + 10.0)
    FROM xsell_internal.purchase p
    WHERE p.ends_at <= return_rate.as_of AND p.won_at <= return_rate.as_of AND COALESCE(p.deleted_at, 'infinity') > return_rate.as_of
$$;
COMMENT ON FUNCTION xsell_internal.return_rate(timestamptz) IS 'Share of the purchases that have ended that were followed by another of the same product.';

-- Products that ended and were not bought again: measured rate of return, halved for each year since.
CREATE FUNCTION xsell_internal.winback_scores(as_of timestamptz, only_entities bigint[] DEFAULT NULL)
RETURNS TABLE (entity_id bigint, product_id bigint, org_id text, ended_at timestamptz, probability double precision)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = on  -- whatever offers does to its own plan
SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH known AS MATERIALIZED (
        SELECT p.entity_id, p.product_id, p.org_id, p.ends_at, COALESCE(p.ends_at, 'infinity') > winback_scores.as_of AS held
        FROM xsell_internal.purchase p
        WHERE p.won_at <= winback_scores.as_of AND COALESCE(p.deleted_at, 'infinity') > winback_scores.as_of
          AND (only_entities IS NULL OR p.entity_id = ANY (only_entities))
          AND (p.entity_id, p.product_id) IN (SELECT n.entity_id, n.product_id FROM xsell_internal.purchase n WHERE n.ends_at <= winback_scores.as_of
                                                AND (only_entities IS NULL OR n.entity_id = ANY (only_entities)))
    ), rate AS (
        SELECT xsell_internal.return_rate(winback_scores.as_of) AS returned
    )
    SELECT k.entity_id, k.product_id, (array_agg(k.org_id ORDER BY k.ends_at DESC, k.org_id))[1], max(k.ends_at),
           r.returned * power(.5, extract(epoch FROM winback_scores.as_of - max(k.ends_at))::double precision / 31557600)
    FROM known k CROSS JOIN rate r
    GROUP BY k.entity_id, k.product_id, r.returned
    HAVING NOT bool_or(k.held);
END
$$;
COMMENT ON FUNCTION xsell_internal.winback_scores(timestamptz, bigint[]) IS
'Pairs whose last purchase has ended: the org that sold it last, when it ended, and the rule''s probability.';

CREATE FUNCTION xsell_internal.median(numbers double precision[]) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'xsell_median';
COMMENT ON FUNCTION xsell_internal.median(double precision[]) IS
'The same as percentile_cont(.5), of an array: without a sort for each of many small groups. NULL of none; no element may be NULL.';

-- What a win of a product is worth: median of the org's won amounts, of the product and of the entity's industry, each pulled
-- towards the level above it as if that level had been seen five times.
CREATE FUNCTION xsell_internal.amounts_if_won(as_of timestamptz)
RETURNS TABLE (org_id text, product_id bigint, industry text, amount numeric)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH won AS MATERIALIZED (
        SELECT p.org_id, p.product_id, a.industry, sum(p.amount_base)::double precision AS amount
        FROM xsell_internal.purchase p
        LEFT JOIN (SELECT a.org_id, a.crm_id, lower(a.industry) AS industry FROM xsell.account a OFFSET 0) a  -- once an account, not once a purchase
               ON a.org_id = p.org_id AND a.crm_id = p.account_id
        WHERE p.won_at <= amounts_if_won.as_of AND COALESCE(p.deleted_at, 'infinity') > amounts_if_won.as_of AND p.amount_base IS NOT NULL
        GROUP BY p.org_id, p.product_id, a.industry, COALESCE(p.opportunity_id, p.record_id)
    ), whole AS (
        SELECT w.org_id, xsell_internal.median(array_agg(w.amount)) AS amount FROM won w GROUP BY 1
    ), product AS (
        SELECT w.org_id, w.product_id, (w.wins * w.median + 5 * o.amount) / (w.wins + 5) AS amount
        FROM (SELECT w.org_id, w.product_id, count(*) AS wins, xsell_internal.median(array_agg(w.amount)) AS median FROM won w GROUP BY 1, 2) w
        JOIN whole o USING (org_id)
    ), segment AS (
        SELECT w.org_id, w.product_id, w.industry, (w.wins * w.median + 5 * p.amount) / (w.wins + 5) AS amount
        FROM (SELECT w.org_id, w.product_id, w.industry, count(*) AS wins, xsell_internal.median(array_agg(w.amount)) AS median
              FROM won w WHERE w.industry IS NOT NULL GROUP BY 1, 2, 3 HAVING count(*) >= 5) w
        JOIN product p USING (org_id, product_id)
    )
    SELECT s.org_id, s.product_id, s.industry, round(s.amount::numeric, 2) FROM segment s
    UNION ALL SELECT p.org_id, p.product_id, NULL, round(p.amount::numeric, 2) FROM product p
    UNION ALL SELECT o.org_id, NULL, NULL, round(o.amount::numeric, 2) FROM whole o
$$;
COMMENT ON FUNCTION xsell_internal.amounts_if_won(timestamptz) IS
'Expected amount of a win by org, product and industry (lower case); NULL industry: the product; NULL product: the org. Base currency.';

-- Amounts of the last full refresh: what changes for some entities is valued by them.
CREATE TABLE xsell_internal.stored_amount (
    org_id     text NOT NULL,
    product_id bigint,
    industry   text,
    amount     numeric NOT NULL,
    UNIQUE NULLS NOT DISTINCT (org_id, product_id, industry)
);
COMMENT ON TABLE xsell_internal.stored_amount IS 'amounts_if_won as of the last full refresh.';

-- Whom an org may sell to, and by which of its accounts: the one that bought most. One that must not be contacted bars its org.
CREATE FUNCTION xsell_internal.served_entities(as_of timestamptz, only_entities bigint[] DEFAULT NULL)
RETURNS TABLE (entity_id bigint, org_id text, account_id text, owner_id text, industry text, purchases bigint)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10000
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = on  -- whatever offers does to its own plan
SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH volume AS (
        SELECT p.org_id, p.account_id, count(*) AS purchases FROM xsell_internal.purchase p
        WHERE p.won_at <= served_entities.as_of AND COALESCE(p.deleted_at, 'infinity') > served_entities.as_of
          AND (only_entities IS NULL OR p.entity_id = ANY (only_entities)) GROUP BY p.org_id, p.account_id
    ), known AS MATERIALIZED (
        SELECT e.entity_id, e.org_id, e.account_id, a.owner_id, lower(a.industry) AS industry, COALESCE(a.do_not_contact, false) AS refused,
               COALESCE(a.deleted_at, 'infinity') > served_entities.as_of AS live
        FROM xsell_internal.entity_account e
        JOIN xsell.account a ON a.org_id = e.org_id AND a.crm_id = e.account_id
        WHERE only_entities IS NULL OR e.entity_id = ANY (only_entities)
    )
    SELECT DISTINCT ON (e.entity_id, e.org_id) e.entity_id, e.org_id, e.account_id, e.owner_id, e.industry, COALESCE(v.purchases, 0)
    FROM known e
    LEFT JOIN volume v ON v.org_id = e.org_id AND v.account_id = e.account_id
    WHERE e.live AND (e.entity_id, e.org_id) NOT IN (SELECT r.entity_id, r.org_id FROM known r WHERE r.refused)
    ORDER BY e.entity_id, e.org_id, v.purchases DESC NULLS LAST, e.account_id;
END
$$;
COMMENT ON FUNCTION xsell_internal.served_entities(timestamptz, bigint[]) IS 'The orgs that know each entity and may contact it, with the account to go by.';

CREATE FUNCTION xsell_internal.sold_products(as_of timestamptz)
RETURNS TABLE (product_id bigint, org_id text, product_crm_id text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10000
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT DISTINCT ON (m.product_id, m.org_id) m.product_id, m.org_id, m.product_crm_id
    FROM xsell_internal.product_map m
    LEFT JOIN xsell.product p ON p.org_id = m.org_id AND p.crm_id = m.product_crm_id
    WHERE p.crm_id IS NULL OR (p.is_active IS NOT FALSE AND COALESCE(p.deleted_at, 'infinity') > sold_products.as_of)
    ORDER BY m.product_id, m.org_id, m.product_crm_id
$$;
COMMENT ON FUNCTION xsell_internal.sold_products(timestamptz) IS 'The orgs that sell each product, with its id there; retired products are not sold.';

CREATE FUNCTION xsell_internal.best_contacts(as_of timestamptz, only_entities bigint[] DEFAULT NULL)
RETURNS TABLE (org_id text, account_id text, contact_id text)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10000
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = on  -- whatever offers does to its own plan
SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH reached AS MATERIALIZED (
        SELECT e.org_id, e.account_id FROM xsell_internal.entity_account e WHERE e.entity_id = ANY (only_entities)
    ), person AS (
        SELECT c.* FROM xsell.contact c WHERE only_entities IS NULL AND c.account_id IS NOT NULL
        UNION ALL
        SELECT c.* FROM reached r JOIN xsell.contact c ON c.org_id = r.org_id AND c.account_id = r.account_id WHERE only_entities IS NOT NULL
    )
    SELECT DISTINCT ON (c.org_id, c.account_id) c.org_id, c.account_id, c.crm_id
    FROM person c
    WHERE c.do_not_contact IS NOT TRUE AND COALESCE(c.deleted_at, 'infinity') > best_contacts.as_of
    ORDER BY c.org_id, c.account_id, (c.title ~* '\m(purchas|procure|buy|chief|c[efiot]o\M|president|owner|vp\M|head|director)') DESC NULLS LAST,
             (c.title ~* '\mmanager') DESC NULLS LAST, (c.email IS NOT NULL) DESC, c.crm_id;
END
$$;
COMMENT ON FUNCTION xsell_internal.best_contacts(timestamptz, bigint[]) IS 'Whom to talk to at each account: who decides or buys, by title, and can be reached.';

-- Whether the version that scores was trained on the built-in features in their built-in form: then features, scores and ranks are
-- one pass in C++.
CREATE FUNCTION xsell_internal.ranks_in_one_pass(model text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT xsell_internal.assigned_version(ranks_in_one_pass.model, 0) IS NOT NULL
           AND (SELECT f.kind IS NULL AND f.definition = 'SELECT * FROM xsell_internal.cross_sell_features($1)'
                FROM xsell_internal.live_feature_set(ranks_in_one_pass.model) s
                JOIN xsell_internal.feature_set f ON f.name = s.feature_set AND f.version = s.version);
END;
COMMENT ON FUNCTION xsell_internal.ranks_in_one_pass(text) IS 'Whether a model is deployed that takes the built-in features.';

CREATE FUNCTION xsell_internal.rank_candidates(world xsell_internal.stored_world, changes xsell_internal.stored_world, only_entities bigint[],
    older_days double precision, candidates integer, per_entity integer, model text, barred_entity bigint[], barred_product bigint[], barred_org bigint[],
    seller_product bigint[], seller_org bigint[], explained boolean DEFAULT true)
RETURNS TABLE (entity_id bigint, product_id bigint, probability double precision, low double precision, high double precision, version integer, x real[],
    barred boolean, same_industry boolean, lookalike bigint[], similarity real[])
LANGUAGE c STABLE PARALLEL SAFE ROWS 500000
AS 'MODULE_PATHNAME', 'xsell_rank_candidates';
COMMENT ON FUNCTION xsell_internal.rank_candidates(xsell_internal.stored_world, xsell_internal.stored_world, bigint[], double precision, integer, integer, text,
    bigint[], bigint[], bigint[], bigint[], bigint[], boolean) IS
'The best few candidates of each entity (NULL: of every one; else in ascending order), scored by the version that the entity belongs to, with the interval, the features (where explained) and the nearest lookalikes that hold the product; and the barred ones that would be among them. changes: those entities as they are now, where the world is older_days old. A rule''s 0 stands for every entity, product or org; orgs are numbered from 1, and a product without a seller is barred.';

-- The best candidates of each entity, and those that a rule keeps from being among them.
CREATE FUNCTION xsell_internal.ranked_candidates(as_of timestamptz, per_entity integer, only_entities bigint[], from_stored boolean,
    barred_entity bigint[], barred_product bigint[], barred_org bigint[], seller_product bigint[], seller_org bigint[], explained boolean)
RETURNS TABLE (entity_id bigint, product_id bigint, probability double precision, low double precision, high double precision, version integer, x real[],
    barred boolean, same_industry boolean, lookalike bigint[], similarity real[], score_source text, model text)
LANGUAGE plpgsql STABLE ROWS 500000
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    world xsell_internal.stored_world;
    changes xsell_internal.stored_world;
    candidates constant integer := COALESCE(NULLIF(current_setting('xsell.candidates', true), ''), '200')::integer;
BEGIN
    IF NOT xsell_internal.ranks_in_one_pass('cross_sell') THEN
        RETURN QUERY
        WITH rule AS MATERIALIZED (
            SELECT NULLIF(b.e, 0) AS entity_id, NULLIF(b.p, 0) AS product_id FROM unnest(barred_entity, barred_product, barred_org) AS b(e, p, o) WHERE b.o = 0
        ), scored AS (
            SELECT c.*, c.product_id NOT IN (SELECT s.p FROM unnest(seller_product) AS s(p))
                        OR EXISTS (SELECT FROM rule r WHERE r.entity_id = c.entity_id AND r.product_id = c.product_id)
                        OR EXISTS (SELECT FROM rule r WHERE r.entity_id = c.entity_id AND r.product_id IS NULL)
                        OR EXISTS (SELECT FROM rule r WHERE r.entity_id IS NULL AND r.product_id = c.product_id) AS barred
            FROM xsell_internal.candidate_scores(ranked_candidates.as_of, CASE WHEN cardinality(only_entities) = 1 THEN only_entities[1] END) c
            WHERE only_entities IS NULL OR c.entity_id = ANY (only_entities)
        ), placed AS (
            SELECT s.*, count(*) FILTER (WHERE NOT s.barred) OVER w AS free, count(*) FILTER (WHERE s.barred) OVER w AS kept_out
            FROM scored s WINDOW w AS (PARTITION BY s.entity_id ORDER BY s.probability DESC, s.product_id)
        )  -- a few more than asked for: an org that may not sell falls out later
        SELECT p.entity_id, p.product_id, p.probability, i.low, i.high, p.version, p.x, p.barred, NULL::boolean, NULL::bigint[], NULL::real[], p.score_source, p.model
        FROM placed p
        LEFT JOIN LATERAL (SELECT v.low, v.high FROM xsell_internal.score_version(p.model, p.version, p.x) v
                           WHERE p.score_source = 'model' AND NOT p.barred) i ON true
        WHERE CASE WHEN p.barred THEN p.free < per_entity AND p.kept_out <= per_entity ELSE p.free <= 2::bigint * per_entity + 10 END;
        RETURN;
    END IF;
    IF from_stored THEN
        SELECT * INTO world FROM xsell_internal.stored_world;
    ELSE
        SELECT * INTO world FROM xsell_internal.cross_sell_world(ranked_candidates.as_of);
    END IF;
    IF world.entity IS NULL THEN
        RETURN;
    END IF;
    IF from_stored AND only_entities IS NOT NULL THEN
        SELECT * INTO changes FROM xsell_internal.cross_sell_world(ranked_candidates.as_of, only_entities, world.product, world.industries, world.countries, world.orgs);
    END IF;
    RETURN QUERY
    SELECT c.*, 'model'::text, 'cross_sell'::text
    FROM xsell_internal.rank_candidates(world, CASE WHEN changes.entity IS NOT NULL THEN changes END, only_entities,
        extract(epoch FROM ranked_candidates.as_of - world.as_of)::double precision / 86400, candidates, per_entity, 'cross_sell',
        barred_entity, barred_product, barred_org, seller_product, seller_org, explained) c;
END
$$;
COMMENT ON FUNCTION xsell_internal.ranked_candidates(timestamptz, integer, bigint[], boolean, bigint[], bigint[], bigint[], bigint[], bigint[], boolean) IS
'The best candidates of each entity (NULL: of every one) at a time, scored by what is deployed or by the heuristic, and the barred ones that would be among them. from_stored: by the figures of the last full refresh, and what has changed of the entities named.';

CREATE FUNCTION xsell_internal.offers(as_of timestamptz, per_entity integer, only_entities bigint[] DEFAULT NULL, from_stored boolean DEFAULT false,
    explained boolean DEFAULT true)
RETURNS TABLE (entity_id bigint, product_id bigint, org_id text, route text, account_id text, product_crm_id text, probability double precision,
    low double precision, high double precision, amount_if_won numeric, rank integer, owner_id text, contact_id text,
    from_org text, from_account text, from_user text, from_contact text,
    score_source text, model text, version integer, ended_at timestamptz, x real[], entity_alone boolean, product_alone boolean,
    same_industry boolean, lookalike bigint[], similarity real[], rule text, rule_org text, rule_reason text, rule_until timestamptz)
LANGUAGE plpgsql STABLE ROWS 30000
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off  -- nothing here has statistics: a hash join is never far off, the others can be by thousands
SET enable_mergejoin = off
SET plan_cache_mode = force_custom_plan
SET jit = off
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH served AS MATERIALIZED (
        SELECT * FROM xsell_internal.served_entities(offers.as_of, offers.only_entities)
    ), sold AS MATERIALIZED (
        SELECT s.*, dense_rank() OVER (ORDER BY s.org_id) AS org_number FROM xsell_internal.sold_products(offers.as_of) s
    ), excluded AS MATERIALIZED (
        SELECT * FROM xsell_internal.excluded_pairs(offers.as_of, offers.only_entities)
    ), rules AS (
        SELECT COALESCE(array_agg(COALESCE(x.entity_id, 0)), '{}') AS entity, COALESCE(array_agg(COALESCE(x.product_id, 0)), '{}') AS product,
               COALESCE(array_agg(COALESCE(o.org_number, 0)), '{}') AS org
        FROM excluded x LEFT JOIN (SELECT DISTINCT s.org_id, s.org_number FROM sold s) o ON o.org_id = x.org_id
        WHERE x.org_id IS NULL OR o.org_id IS NOT NULL
    ), sellers AS (
        SELECT COALESCE(array_agg(s.product_id), '{}') AS product, COALESCE(array_agg(s.org_number), '{}') AS org FROM sold s
    ), ranked AS MATERIALIZED (
        SELECT c.* FROM rules r, sellers s,
            LATERAL xsell_internal.ranked_candidates(offers.as_of, offers.per_entity, offers.only_entities, offers.from_stored,
                                                     r.entity, r.product, r.org, s.product, s.org, offers.explained) c
        WHERE c.entity_id IN (SELECT v.entity_id FROM served v)
    ), ended AS MATERIALIZED (
        SELECT w.* FROM xsell_internal.winback_scores(offers.as_of, offers.only_entities) w
        WHERE w.product_id IN (SELECT o.product_id FROM sold o) AND w.entity_id IN (SELECT v.entity_id FROM served v)
    ), shortlist AS (
        SELECT c.entity_id, c.product_id, NULL::text AS last_org, c.probability, c.low, c.high, c.score_source, c.model, c.version, NULL::timestamptz AS ended_at,
               c.x, c.same_industry, c.lookalike, c.similarity
        FROM ranked c WHERE NOT c.barred
        UNION ALL
        SELECT w.entity_id, w.product_id, w.org_id, w.probability, NULL, NULL, 'rule', NULL, NULL, w.ended_at, NULL, NULL, NULL, NULL
        FROM ended w
        WHERE NOT EXISTS (SELECT FROM excluded x WHERE x.org_id IS NULL AND x.entity_id = w.entity_id AND x.product_id = w.product_id)
          AND NOT EXISTS (SELECT FROM excluded x WHERE x.org_id IS NULL AND x.entity_id = w.entity_id AND x.product_id IS NULL)
          AND NOT EXISTS (SELECT FROM excluded x WHERE x.org_id IS NULL AND x.entity_id IS NULL AND x.product_id = w.product_id)
    ), seller AS (  -- the org that already serves the entity, most purchases first, else any org that sells the product
        SELECT DISTINCT ON (l.entity_id, l.product_id) l.*, o.org_id, o.product_crm_id, v.account_id, v.owner_id, v.industry
        FROM shortlist l
        JOIN sold o ON o.product_id = l.product_id
        LEFT JOIN served v ON v.entity_id = l.entity_id AND v.org_id = o.org_id
        WHERE NOT EXISTS (SELECT FROM excluded x WHERE x.product_id IS NULL AND x.entity_id = l.entity_id AND x.org_id = o.org_id)
          AND NOT EXISTS (SELECT FROM excluded x WHERE x.entity_id = l.entity_id AND x.product_id = l.product_id AND x.org_id = o.org_id)
          AND NOT EXISTS (SELECT FROM excluded x WHERE x.entity_id IS NULL AND x.product_id = l.product_id AND x.org_id = o.org_id)
          AND NOT EXISTS (SELECT FROM excluded x WHERE x.entity_id IS NULL AND x.product_id IS NULL AND x.org_id = o.org_id)
          AND (l.last_org IS NULL OR v.account_id IS NOT NULL)
        ORDER BY l.entity_id, l.product_id, (o.org_id = l.last_org) DESC NULLS LAST, v.purchases DESC NULLS LAST, o.org_id
    ), kept AS (
        SELECT * FROM (SELECT s.*, row_number() OVER (PARTITION BY s.entity_id, s.score_source ORDER BY s.probability DESC, s.product_id) AS final
                       FROM seller s) n
        WHERE n.final <= offers.per_entity
    ), bridge AS (  -- who can introduce: the org that sold the entity most
        SELECT DISTINCT ON (v.entity_id) v.* FROM served v ORDER BY v.entity_id, v.purchases DESC, v.org_id
    ), person AS MATERIALIZED (
        SELECT * FROM xsell_internal.best_contacts(offers.as_of, offers.only_entities)
    ), worth AS MATERIALIZED (
        SELECT a.org_id, a.product_id, a.industry, a.amount FROM xsell_internal.stored_amount a WHERE offers.from_stored
        UNION ALL SELECT a.org_id, a.product_id, a.industry, a.amount FROM xsell_internal.amounts_if_won(offers.as_of) a WHERE NOT offers.from_stored
    ), lone_entity AS MATERIALIZED (  -- known to no other org, so that what is said of it tells no org about another
        SELECT a.entity_id, min(a.org_id) AS org_id FROM xsell_internal.entity_account a
        WHERE offers.only_entities IS NULL OR a.entity_id = ANY (offers.only_entities) GROUP BY 1 HAVING count(DISTINCT a.org_id) = 1
    ), lone_product AS MATERIALIZED (
        SELECT m.product_id FROM xsell_internal.product_map m GROUP BY 1 HAVING count(DISTINCT m.org_id) = 1
    ), barred AS (
        SELECT n.* FROM ranked n WHERE n.barred
    ), named AS (  -- the rule that keeps it away: the most particular one
        SELECT DISTINCT ON (b.entity_id, b.product_id) b.*
        FROM (SELECT b.entity_id, b.product_id, b.probability, b.score_source, b.model, b.version, x.rule, x.org_id, x.reason, x.until, 1 AS reach
              FROM barred b JOIN excluded x ON x.entity_id = b.entity_id AND x.product_id = b.product_id
              UNION ALL
              SELECT b.entity_id, b.product_id, b.probability, b.score_source, b.model, b.version, x.rule, x.org_id, x.reason, x.until, 2
              FROM barred b JOIN excluded x ON x.entity_id = b.entity_id WHERE x.product_id IS NULL
              UNION ALL
              SELECT b.entity_id, b.product_id, b.probability, b.score_source, b.model, b.version, x.rule, x.org_id, x.reason, x.until, 3
              FROM barred b JOIN excluded x ON x.product_id = b.product_id WHERE x.entity_id IS NULL) b
        ORDER BY b.entity_id, b.product_id, b.reach, b.rule, b.org_id NULLS FIRST
    )
    SELECT k.entity_id, k.product_id, k.org_id,
           CASE WHEN k.last_org IS NOT NULL THEN 'winback' WHEN k.account_id IS NULL THEN 'cross_org' ELSE 'same_org' END,
           k.account_id, k.product_crm_id, k.probability, k.low, k.high, COALESCE(ws.amount, wp.amount, wo.amount), k.final::integer, k.owner_id, c.contact_id,
           b.org_id, b.account_id, b.owner_id, bc.contact_id, k.score_source, k.model, k.version, k.ended_at, k.x,
           le.entity_id IS NOT NULL, lp.product_id IS NOT NULL, k.same_industry, k.lookalike, k.similarity,
           NULL::text, NULL::text, NULL::text, NULL::timestamptz
    FROM kept k
    LEFT JOIN bridge b ON k.account_id IS NULL AND b.entity_id = k.entity_id
    LEFT JOIN person c ON c.org_id = k.org_id AND c.account_id = k.account_id
    LEFT JOIN person bc ON bc.org_id = b.org_id AND bc.account_id = b.account_id
    LEFT JOIN worth ws ON ws.org_id = k.org_id AND ws.product_id = k.product_id AND ws.industry = k.industry
    LEFT JOIN worth wp ON wp.org_id = k.org_id AND wp.product_id = k.product_id AND wp.industry IS NULL
    LEFT JOIN worth wo ON wo.org_id = k.org_id AND wo.product_id IS NULL
    LEFT JOIN lone_entity le ON le.entity_id = k.entity_id AND le.org_id = k.org_id
    LEFT JOIN lone_product lp ON lp.product_id = k.product_id
    UNION ALL
    SELECT n.entity_id, n.product_id, NULL, NULL, NULL, NULL, n.probability, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
           n.score_source, n.model, n.version, NULL, NULL, NULL, NULL, NULL, NULL, NULL, n.rule, n.org_id, n.reason, n.until
    FROM named n;
END
$$;
COMMENT ON FUNCTION xsell_internal.offers(timestamptz, integer, bigint[], boolean, boolean) IS
'The best offers per entity (NULL: of every one) at a time, after exclusions, with seller, contact, introducer and amount; and, with a rule, those that would be among them but for it. entity_alone, product_alone: no other org knows the entity, or sells the product. from_stored: by the figures of products of the last full refresh. explained: with the features, for whoever says why.';

SELECT pg_catalog.pg_extension_config_dump('xsell_internal.stored_amount', 'WHERE false');
