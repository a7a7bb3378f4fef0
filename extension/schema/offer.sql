-- Offers: from every eligible pair of an entity and a product to the best few per entity, with who sells, to whom, and for how much.

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

-- Products that ended and were not bought again: measured rate of return, halved for each year since.
CREATE FUNCTION xsell_internal.winback_scores(as_of timestamptz, only_entity bigint DEFAULT NULL)
RETURNS TABLE (entity_id bigint, product_id bigint, org_id text, ended_at timestamptz, probability double precision)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH known AS MATERIALIZED (
        SELECT p.entity_id, p.product_id, p.org_id, p.won_at, p.ends_at, COALESCE(p.ends_at, 'infinity') > winback_scores.as_of AS held,
               lead(p.won_at) OVER (PARTITION BY p.entity_id, p.product_id ORDER BY p.won_at, p.ends_at) AS next_at
        FROM xsell_internal.purchase p
        WHERE p.won_at <= winback_scores.as_of AND COALESCE(p.deleted_at, 'infinity') > winback_scores.as_of
    ), rate AS (
        SELECT (count(*) FILTER (WHERE k.next_at > k.ends_at) + 1.0) / (count(*) + 10.0) AS returned FROM known k WHERE NOT k.held
    )
    SELECT k.entity_id, k.product_id, (array_agg(k.org_id ORDER BY k.ends_at DESC, k.org_id))[1], max(k.ends_at),
           r.returned * power(.5, extract(epoch FROM winback_scores.as_of - max(k.ends_at)) / 31557600)
    FROM known k CROSS JOIN rate r
    WHERE winback_scores.only_entity IS NULL OR k.entity_id = winback_scores.only_entity
    GROUP BY k.entity_id, k.product_id, r.returned
    HAVING NOT bool_or(k.held)
$$;
COMMENT ON FUNCTION xsell_internal.winback_scores(timestamptz, bigint) IS
'Pairs whose last purchase has ended: the org that sold it last, when it ended, and the rule''s probability.';

-- What a win of a product is worth: median of the org's won amounts, of the product and of the entity's industry, each pulled
-- towards the level above it as if that level had been seen five times.
CREATE FUNCTION xsell_internal.amounts_if_won(as_of timestamptz)
RETURNS TABLE (org_id text, product_id bigint, industry text, amount numeric)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH won AS MATERIALIZED (
        SELECT p.org_id, p.product_id, lower(a.industry) AS industry, sum(p.amount_base)::double precision AS amount
        FROM xsell_internal.purchase p
        LEFT JOIN xsell.account a ON a.org_id = p.org_id AND a.crm_id = p.account_id
        WHERE p.won_at <= amounts_if_won.as_of AND COALESCE(p.deleted_at, 'infinity') > amounts_if_won.as_of AND p.amount_base IS NOT NULL
        GROUP BY p.org_id, p.product_id, lower(a.industry), COALESCE(p.opportunity_id, p.record_id)
    ), whole AS (
        SELECT w.org_id, percentile_cont(.5) WITHIN GROUP (ORDER BY w.amount) AS amount FROM won w GROUP BY 1
    ), product AS (
        SELECT w.org_id, w.product_id, (count(*) * percentile_cont(.5) WITHIN GROUP (ORDER BY w.amount) + 5 * o.amount) / (count(*) + 5) AS amount
        FROM won w JOIN whole o USING (org_id) GROUP BY 1, 2, o.amount
    ), segment AS (
        SELECT w.org_id, w.product_id, w.industry,
               (count(*) * percentile_cont(.5) WITHIN GROUP (ORDER BY w.amount) + 5 * p.amount) / (count(*) + 5) AS amount
        FROM won w JOIN product p USING (org_id, product_id) WHERE w.industry IS NOT NULL GROUP BY 1, 2, 3, p.amount HAVING count(*) >= 5
    )
    SELECT s.org_id, s.product_id, s.industry, round(s.amount::numeric, 2) FROM segment s
    UNION ALL SELECT p.org_id, p.product_id, NULL, round(p.amount::numeric, 2) FROM product p
    UNION ALL SELECT o.org_id, NULL, NULL, round(o.amount::numeric, 2) FROM whole o
$$;
COMMENT ON FUNCTION xsell_internal.amounts_if_won(timestamptz) IS
'Expected amount of a win by org, product and industry (lower case); NULL industry: the product; NULL product: the org. Base currency.';

-- Whom an org may sell to, and by which of its accounts: the one that bought most. One that must not be contacted bars its org.
CREATE FUNCTION xsell_internal.served_entities(as_of timestamptz)
RETURNS TABLE (entity_id bigint, org_id text, account_id text, owner_id text, industry text, purchases bigint)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10000
SET search_path = pg_catalog, pg_temp
AS $$
    WITH volume AS (
        SELECT p.org_id, p.account_id, count(*) AS purchases FROM xsell_internal.purchase p
        WHERE p.won_at <= served_entities.as_of AND COALESCE(p.deleted_at, 'infinity') > served_entities.as_of GROUP BY 1, 2
    ), refused AS MATERIALIZED (
        SELECT DISTINCT e.entity_id, e.org_id FROM xsell_internal.entity_account e
        JOIN xsell.account a ON a.org_id = e.org_id AND a.crm_id = e.account_id WHERE a.do_not_contact
    )
    SELECT DISTINCT ON (e.entity_id, e.org_id) e.entity_id, e.org_id, e.account_id, a.owner_id, lower(a.industry) AS industry,
           COALESCE(v.purchases, 0) AS purchases
    FROM xsell_internal.entity_account e
    JOIN xsell.account a ON a.org_id = e.org_id AND a.crm_id = e.account_id
    LEFT JOIN volume v ON v.org_id = e.org_id AND v.account_id = e.account_id
    WHERE COALESCE(a.deleted_at, 'infinity') > served_entities.as_of
      AND (e.entity_id, e.org_id) NOT IN (SELECT r.entity_id, r.org_id FROM refused r)
    ORDER BY e.entity_id, e.org_id, v.purchases DESC NULLS LAST, e.account_id
$$;
COMMENT ON FUNCTION xsell_internal.served_entities(timestamptz) IS 'The orgs that know each entity and may contact it, with the account to go by.';

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

CREATE FUNCTION xsell_internal.best_contacts(as_of timestamptz)
RETURNS TABLE (org_id text, account_id text, contact_id text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10000
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT DISTINCT ON (c.org_id, c.account_id) c.org_id, c.account_id, c.crm_id
    FROM xsell.contact c
    WHERE c.account_id IS NOT NULL AND c.do_not_contact IS NOT TRUE AND COALESCE(c.deleted_at, 'infinity') > best_contacts.as_of
    ORDER BY c.org_id, c.account_id, (c.title ~* '\m(purchas|procure|buy|chief|c[efiot]o\M|president|owner|vp\M|head|director)') DESC NULLS LAST,
             (c.title ~* '\mmanager') DESC NULLS LAST, (c.email IS NOT NULL) DESC, c.crm_id
$$;
COMMENT ON FUNCTION xsell_internal.best_contacts(timestamptz) IS 'Whom to talk to at each account: who decides or buys, by title, and can be reached.';

CREATE FUNCTION xsell_internal.offers(as_of timestamptz, per_entity integer, only_entity bigint DEFAULT NULL)
RETURNS TABLE (entity_id bigint, product_id bigint, org_id text, route text, account_id text, product_crm_id text, probability double precision,
    amount_if_won numeric, rank integer, owner_id text, contact_id text, from_org text, from_account text, from_user text, from_contact text,
    score_source text, model text, version integer, ended_at timestamptz, x real[], entity_alone boolean, product_alone boolean)
LANGUAGE sql STABLE ROWS 30000
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off  -- nothing here has statistics: a hash join is never far off, the others can be by thousands
SET enable_mergejoin = off
SET jit = off
AS $$
    WITH served AS MATERIALIZED (
        SELECT * FROM xsell_internal.served_entities(offers.as_of)
    ), sold AS MATERIALIZED (
        SELECT * FROM xsell_internal.sold_products(offers.as_of)
    ), refused AS MATERIALIZED (
        SELECT DISTINCT e.entity_id, e.org_id FROM xsell_internal.entity_account e
        JOIN xsell.account a ON a.org_id = e.org_id AND a.crm_id = e.account_id WHERE a.do_not_contact
    ), closed AS MATERIALIZED (  -- said no to: for good where dismissed or won, for half a year where lost
        SELECT DISTINCT r.entity_id, r.product_id FROM xsell_internal.recommendation r
        WHERE r.status IN ('dismissed', 'won') OR (r.status = 'lost' AND r.status_at > offers.as_of - interval '180 days')
        UNION SELECT s.entity_id, s.product_id FROM xsell_internal.suppression s WHERE COALESCE(s.until, 'infinity') > offers.as_of
    ), scored AS (
        SELECT c.entity_id, c.product_id, NULL::text AS last_org, c.probability, c.score_source, c.model, c.version, NULL::timestamptz AS ended_at, c.x
        FROM xsell_internal.candidate_scores(offers.as_of, offers.only_entity) c
        WHERE NOT EXISTS (SELECT FROM xsell_internal.purchase p
                          WHERE p.entity_id = c.entity_id AND p.product_id = c.product_id AND p.won_at <= offers.as_of
                            AND COALESCE(p.deleted_at, 'infinity') > offers.as_of)
        UNION ALL
        SELECT w.entity_id, w.product_id, w.org_id, w.probability, 'rule', NULL, NULL, w.ended_at, NULL
        FROM xsell_internal.winback_scores(offers.as_of, offers.only_entity) w
    ), shortlist AS (  -- a few more than asked for: an org that may not contact the entity falls out below
        SELECT n.* FROM (
            SELECT s.*, row_number() OVER (PARTITION BY s.entity_id, s.score_source ORDER BY s.probability DESC, s.product_id) AS place
            FROM scored s
            WHERE s.product_id IN (SELECT o.product_id FROM sold o) AND s.entity_id IN (SELECT v.entity_id FROM served v)
              AND NOT EXISTS (SELECT FROM closed c WHERE c.entity_id = s.entity_id AND c.product_id = s.product_id)
              AND NOT EXISTS (SELECT FROM closed c WHERE c.entity_id = s.entity_id AND c.product_id IS NULL)) n
        WHERE n.place <= 2 * offers.per_entity + 10
    ), seller AS (  -- the org that already serves the entity, most purchases first, else any org that sells the product
        SELECT DISTINCT ON (l.entity_id, l.product_id) l.*, o.org_id, o.product_crm_id, v.account_id, v.owner_id, v.industry
        FROM shortlist l
        JOIN sold o ON o.product_id = l.product_id
        LEFT JOIN served v ON v.entity_id = l.entity_id AND v.org_id = o.org_id
        WHERE NOT EXISTS (SELECT FROM refused r WHERE r.entity_id = l.entity_id AND r.org_id = o.org_id)
          AND (l.last_org IS NULL OR v.account_id IS NOT NULL)
        ORDER BY l.entity_id, l.product_id, (o.org_id = l.last_org) DESC NULLS LAST, v.purchases DESC NULLS LAST, o.org_id
    ), kept AS (
        SELECT * FROM (SELECT s.*, row_number() OVER (PARTITION BY s.entity_id, s.score_source ORDER BY s.probability DESC, s.product_id) AS final
                       FROM seller s) n
        WHERE n.final <= offers.per_entity
    ), bridge AS (  -- who can introduce: the org that sold the entity most
        SELECT DISTINCT ON (v.entity_id) v.* FROM served v ORDER BY v.entity_id, v.purchases DESC, v.org_id
    ), person AS MATERIALIZED (
        SELECT * FROM xsell_internal.best_contacts(offers.as_of)
    ), worth AS MATERIALIZED (
        SELECT * FROM xsell_internal.amounts_if_won(offers.as_of)
    ), lone_entity AS MATERIALIZED (  -- known to no other org, so that what is said of it tells no org about another
        SELECT a.entity_id, min(a.org_id) AS org_id FROM xsell_internal.entity_account a GROUP BY 1 HAVING count(DISTINCT a.org_id) = 1
    ), lone_product AS MATERIALIZED (
        SELECT m.product_id FROM xsell_internal.product_map m GROUP BY 1 HAVING count(DISTINCT m.org_id) = 1
    )
    SELECT k.entity_id, k.product_id, k.org_id,
           CASE WHEN k.last_org IS NOT NULL THEN 'winback' WHEN k.account_id IS NULL THEN 'cross_org' ELSE 'same_org' END,
           k.account_id, k.product_crm_id, k.probability, COALESCE(ws.amount, wp.amount, wo.amount), k.final::integer, k.owner_id, c.contact_id,
           b.org_id, b.account_id, b.owner_id, bc.contact_id, k.score_source, k.model, k.version, k.ended_at, k.x,
           le.entity_id IS NOT NULL, lp.product_id IS NOT NULL
    FROM kept k
    LEFT JOIN bridge b ON k.account_id IS NULL AND b.entity_id = k.entity_id
    LEFT JOIN person c ON c.org_id = k.org_id AND c.account_id = k.account_id
    LEFT JOIN person bc ON bc.org_id = b.org_id AND bc.account_id = b.account_id
    LEFT JOIN worth ws ON ws.org_id = k.org_id AND ws.product_id = k.product_id AND ws.industry = k.industry
    LEFT JOIN worth wp ON wp.org_id = k.org_id AND wp.product_id = k.product_id AND wp.industry IS NULL
    LEFT JOIN worth wo ON wo.org_id = k.org_id AND wo.product_id IS NULL
    LEFT JOIN lone_entity le ON le.entity_id = k.entity_id AND le.org_id = k.org_id
    LEFT JOIN lone_product lp ON lp.product_id = k.product_id
$$;
COMMENT ON FUNCTION xsell_internal.offers(timestamptz, integer, bigint) IS
'The best offers per entity at a time, after exclusions (suppressed, closed by hand, do not contact, retired or bought products), with seller, contact, introducer and amount. entity_alone, product_alone: no other org knows the entity, or sells the product.';
