-- Ranked offers: which entity, which product, sold by which org, for how much, and why. Written by one refresh in one
-- transaction; a row keeps its identity over refreshes, and what is not recommended any more is expired, never deleted.

CREATE TABLE xsell_internal.recommendation (
    recommendation_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entity_id         bigint NOT NULL,
    product_id        bigint NOT NULL,
    org_id            text NOT NULL,
    route             text NOT NULL CHECK (route IN ('same_org', 'cross_org', 'winback')),
    account_id        text,
    product_crm_id    text NOT NULL,
    probability       double precision NOT NULL CHECK (probability BETWEEN 0 AND 1),
    probability_low   double precision,
    probability_high  double precision,
    amount_if_won     numeric,
    expected_revenue  numeric,
    rank              integer NOT NULL,
    confidence_level  text NOT NULL,
    next_action       text NOT NULL,
    reason            text,
    owner_id          text,
    contact_id        text,
    status            text NOT NULL DEFAULT 'new'
                      CHECK (status IN ('new', 'accepted', 'in_progress', 'won', 'lost', 'dismissed', 'expired')),
    status_note       text,
    status_at         timestamptz,
    first_seen        timestamptz NOT NULL,
    last_seen         timestamptz NOT NULL,
    expires_at        timestamptz NOT NULL,
    score_source      text NOT NULL CHECK (score_source IN ('model', 'heuristic', 'rule')),
    model             text,
    version           integer,
    live              boolean NOT NULL DEFAULT true,
    UNIQUE (entity_id, product_id, org_id, route)
);
CREATE INDEX ON xsell_internal.recommendation (org_id, owner_id) WHERE live;
CREATE INDEX ON xsell_internal.recommendation (expected_revenue DESC NULLS LAST, probability DESC) WHERE live;
COMMENT ON TABLE xsell_internal.recommendation IS 'Every recommendation ever made. org_id is the selling org; live: recommended by the last refresh and not closed by hand.';

-- Who can introduce is another org's knowledge, so it has its own rows under that org's policy.
CREATE TABLE xsell_internal.introduction (
    recommendation_id bigint PRIMARY KEY REFERENCES xsell_internal.recommendation ON DELETE CASCADE,
    org_id            text NOT NULL,
    account_id        text NOT NULL,
    user_id           text,
    contact_id        text
);
COMMENT ON TABLE xsell_internal.introduction IS 'For a cross_org recommendation: the org that serves the entity, its account there, that account''s owner and contact.';

CREATE TABLE xsell_internal.recommendation_reason (
    recommendation_id bigint NOT NULL REFERENCES xsell_internal.recommendation ON DELETE CASCADE,
    position          integer NOT NULL,
    feature           text NOT NULL,
    value             double precision,
    contribution      double precision NOT NULL,
    code              text,
    sentence          text,
    PRIMARY KEY (recommendation_id, position)
);
COMMENT ON TABLE xsell_internal.recommendation_reason IS 'Why: the strongest features. The value is left out where it could tell one org about another.';

CREATE TABLE xsell_internal.recommendation_run (
    run_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    as_of        timestamptz NOT NULL,
    started_at   timestamptz NOT NULL,
    finished_at  timestamptz,
    score_source text,
    model        text,
    version      integer,
    kept         bigint,
    cuts         double precision[]
);
COMMENT ON TABLE xsell_internal.recommendation_run IS 'One row per refresh. cuts: the 60th, 70th and 80th percentile of the kept probabilities, which confidence levels and next actions go by.';

CREATE TABLE xsell_internal.suppression (
    suppression_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entity_id      bigint NOT NULL,
    product_id     bigint,
    until          timestamptz,
    created_by     text NOT NULL DEFAULT CURRENT_USER,
    created_at     timestamptz NOT NULL DEFAULT pg_catalog.now(),
    UNIQUE NULLS NOT DISTINCT (entity_id, product_id)
);
COMMENT ON TABLE xsell_internal.suppression IS 'Pairs that must not be recommended; product_id NULL: nothing may be, until NULL: ever.';

-- The older platform cut raw scores at .6, .7 and .8. Calibrated probabilities of rare wins never get there, so the same cuts
-- are made in the ranking of what is recommended, and the width of the interval stands for the models' disagreement.
CREATE FUNCTION xsell_internal.confidence_level(probability double precision, half_width double precision, cuts double precision[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN probability > cuts[3] AND half_width < .1 THEN 'Very High'
    WHEN probability > cuts[2] AND half_width < .15 THEN 'High'
    WHEN probability > cuts[1] THEN 'Medium'
    ELSE 'Low'
END;
COMMENT ON FUNCTION xsell_internal.confidence_level(double precision, double precision, double precision[]) IS
'Very High, High, Medium or Low: standing among the recommendations of a run (its cuts) and width of the interval; without an interval at most Medium.';

CREATE FUNCTION xsell_internal.next_action(route text, probability double precision, cuts double precision[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN route = 'winback' THEN 'Ask why it ended and offer to return'
    WHEN probability > cuts[3] THEN 'Schedule executive introduction call immediately'
    WHEN probability > cuts[2] THEN 'Prepare joint value proposition and reach out'
    WHEN probability > cuts[1] THEN 'Add to nurture campaign and monitor engagement'
    ELSE 'Review quarterly for status changes'
END;
COMMENT ON FUNCTION xsell_internal.next_action(text, double precision, double precision[]) IS 'What to do next, by the same cuts as the confidence level.';

-- Scores of every eligible pair: the deployed champion's, or the heuristic's. Heuristic weights order pairs; their level is set
-- so that the mean is the measured share of open pairs that were first bought within the last 180 days.
CREATE FUNCTION xsell_internal.candidate_scores(as_of timestamptz, only_entity bigint DEFAULT NULL)
RETURNS TABLE (entity_id bigint, product_id bigint, x real[], probability double precision, score_source text, model text, version integer)
LANGUAGE plpgsql STABLE ROWS 500000
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = on  -- whatever offers does to its own plan
SET enable_mergejoin = on
AS $$
DECLARE
    champion integer := (SELECT d.version FROM xsell_internal.deployment d WHERE d.model = 'cross_sell' AND d.role = 'champion');
    names text[];
    bought double precision;
BEGIN
    IF champion IS NOT NULL THEN
        RETURN QUERY
        SELECT v.entity_id, v.product_id, v.x, xsell.predict('cross_sell', v.x), 'model'::text, 'cross_sell'::text, champion
        FROM xsell.features('cross_sell', candidate_scores.as_of) v
        WHERE only_entity IS NULL OR v.entity_id = only_entity;
        RETURN;
    END IF;
    names := (SELECT s.feature FROM xsell_internal.feature_set s WHERE s.name = 'cross_sell' ORDER BY s.version DESC LIMIT 1);
    bought := (SELECT count(*) FROM (SELECT min(h.won_at) AS first_at FROM xsell_internal.purchase h WHERE h.won_at <= candidate_scores.as_of
                                     GROUP BY h.entity_id, h.product_id) n WHERE n.first_at > candidate_scores.as_of - interval '180 days');
    RETURN QUERY
    WITH raw AS (
        SELECT v.entity_id, v.product_id, v.x,
               greatest(COALESCE(v.x[array_position(names, 'association_score')], 0), 0)::double precision AS association,
               greatest(COALESCE(v.x[array_position(names, 'lookalike_share')], 0), 0)::double precision AS lookalike,
               greatest(COALESCE(v.x[array_position(names, 'popularity_30')], 0), 0)::double precision AS popularity
        FROM xsell.features('cross_sell', candidate_scores.as_of) v
    ), mixed AS (
        SELECT r.entity_id, r.product_id, r.x,
               .01 + .40 * COALESCE(r.association / NULLIF(max(r.association) OVER (), 0), 0)
                   + .35 * COALESCE(r.lookalike / NULLIF(max(r.lookalike) OVER (), 0), 0)
                   + .24 * COALESCE(r.popularity / NULLIF(max(r.popularity) OVER (), 0), 0) AS score
        FROM raw r
    ), levelled AS (
        SELECT m.entity_id, m.product_id, m.x, m.score, avg(m.score) OVER () AS mean, greatest(bought, 1) / (count(*) OVER () + bought + 1) AS share
        FROM mixed m
    )
    SELECT l.entity_id, l.product_id, l.x, least(.99, l.score * l.share / l.mean), 'heuristic'::text, NULL::text, NULL::integer
    FROM levelled l
    WHERE only_entity IS NULL OR l.entity_id = only_entity;
END
$$;
COMMENT ON FUNCTION xsell_internal.candidate_scores(timestamptz, bigint) IS
'Probability of every eligible pair at a time: from the deployed champion of cross_sell, else from the heuristic (association, lookalikes, recent popularity).';

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
    score_source text, model text, version integer, ended_at timestamptz, x real[])
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
    )
    SELECT k.entity_id, k.product_id, k.org_id,
           CASE WHEN k.last_org IS NOT NULL THEN 'winback' WHEN k.account_id IS NULL THEN 'cross_org' ELSE 'same_org' END,
           k.account_id, k.product_crm_id, k.probability, COALESCE(ws.amount, wp.amount, wo.amount), k.final::integer, k.owner_id, c.contact_id,
           b.org_id, b.account_id, b.owner_id, bc.contact_id, k.score_source, k.model, k.version, k.ended_at, k.x
    FROM kept k
    LEFT JOIN bridge b ON k.account_id IS NULL AND b.entity_id = k.entity_id
    LEFT JOIN person c ON c.org_id = k.org_id AND c.account_id = k.account_id
    LEFT JOIN person bc ON bc.org_id = b.org_id AND bc.account_id = b.account_id
    LEFT JOIN worth ws ON ws.org_id = k.org_id AND ws.product_id = k.product_id AND ws.industry = k.industry
    LEFT JOIN worth wp ON wp.org_id = k.org_id AND wp.product_id = k.product_id AND wp.industry IS NULL
    LEFT JOIN worth wo ON wo.org_id = k.org_id AND wo.product_id IS NULL
$$;
COMMENT ON FUNCTION xsell_internal.offers(timestamptz, integer, bigint) IS
'The best offers per entity at a time, after exclusions (suppressed, closed by hand, do not contact, retired or bought products), with seller, contact, introducer and amount.';

CREATE FUNCTION xsell_internal.write_recommendations(as_of timestamptz, cuts double precision[]) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off  -- the tables grow within the transaction: statistics lag behind, and a nested loop would be ruinous
SET jit = off
AS $$
BEGIN
    CREATE TEMPORARY TABLE kept ON COMMIT DROP AS
    SELECT o.entity_id, o.product_id, o.org_id, o.route, o.account_id, o.product_crm_id, o.probability, s.low AS probability_low, s.high AS probability_high,
           o.amount_if_won, round(o.probability::numeric * o.amount_if_won, 2) AS expected_revenue, o.rank,
           CASE WHEN o.route = 'winback' THEN 'Low' ELSE xsell_internal.confidence_level(o.probability, (s.high - s.low) / 2, cuts) END AS confidence_level,
           xsell_internal.next_action(o.route, o.probability, cuts) AS next_action,
           o.owner_id, o.contact_id, as_of AS last_seen, as_of + interval '30 days' AS expires_at, o.score_source, o.model, o.version
    FROM pg_temp.offer o
    LEFT JOIN (SELECT m.entity_id, m.product_id, v.low, v.high FROM pg_temp.offer m CROSS JOIN LATERAL xsell.score(m.model, m.x) v
               WHERE m.score_source = 'model') s ON s.entity_id = o.entity_id AND s.product_id = o.product_id AND o.score_source = 'model';
    ANALYZE pg_temp.kept;

    UPDATE xsell_internal.recommendation r
    SET account_id = k.account_id, product_crm_id = k.product_crm_id, probability = k.probability, probability_low = k.probability_low,
        probability_high = k.probability_high, amount_if_won = k.amount_if_won, expected_revenue = k.expected_revenue, rank = k.rank,
        confidence_level = k.confidence_level, next_action = k.next_action, owner_id = k.owner_id, contact_id = k.contact_id,
        last_seen = k.last_seen, expires_at = k.expires_at, score_source = k.score_source, model = k.model, version = k.version, live = true
    FROM pg_temp.kept k
    WHERE (r.entity_id, r.product_id, r.org_id, r.route) = (k.entity_id, k.product_id, k.org_id, k.route)
      AND (r.account_id, r.product_crm_id, r.probability, r.probability_low, r.probability_high, r.amount_if_won, r.rank, r.confidence_level,
           r.next_action, r.owner_id, r.contact_id, r.last_seen, r.score_source, r.model, r.version, r.live)
          IS DISTINCT FROM (k.account_id, k.product_crm_id, k.probability, k.probability_low, k.probability_high, k.amount_if_won, k.rank,
           k.confidence_level, k.next_action, k.owner_id, k.contact_id, k.last_seen, k.score_source, k.model, k.version, true);
    UPDATE xsell_internal.recommendation r SET status = 'new'  -- closed long ago, and worth another look
    FROM pg_temp.kept k
    WHERE (r.entity_id, r.product_id, r.org_id, r.route) = (k.entity_id, k.product_id, k.org_id, k.route) AND r.status IN ('lost', 'expired');
    UPDATE xsell_internal.recommendation r SET live = false
    WHERE r.live AND NOT EXISTS (SELECT FROM pg_temp.kept k
                                 WHERE (k.entity_id, k.product_id, k.org_id, k.route) = (r.entity_id, r.product_id, r.org_id, r.route));
    INSERT INTO xsell_internal.recommendation (entity_id, product_id, org_id, route, account_id, product_crm_id, probability, probability_low,
        probability_high, amount_if_won, expected_revenue, rank, confidence_level, next_action, owner_id, contact_id, first_seen, last_seen, expires_at,
        score_source, model, version)
    SELECT k.entity_id, k.product_id, k.org_id, k.route, k.account_id, k.product_crm_id, k.probability, k.probability_low,
           k.probability_high, k.amount_if_won, k.expected_revenue, k.rank, k.confidence_level, k.next_action, k.owner_id, k.contact_id, as_of, k.last_seen,
           k.expires_at, k.score_source, k.model, k.version
    FROM pg_temp.kept k
    WHERE NOT EXISTS (SELECT FROM xsell_internal.recommendation r
                      WHERE (r.entity_id, r.product_id, r.org_id, r.route) = (k.entity_id, k.product_id, k.org_id, k.route))
    ORDER BY k.entity_id, k.product_id;

    DELETE FROM xsell_internal.introduction i USING xsell_internal.recommendation r
    WHERE r.recommendation_id = i.recommendation_id AND NOT r.live;
    INSERT INTO xsell_internal.introduction AS i (recommendation_id, org_id, account_id, user_id, contact_id)
    SELECT r.recommendation_id, o.from_org, o.from_account, o.from_user, o.from_contact
    FROM pg_temp.offer o JOIN xsell_internal.recommendation r USING (entity_id, product_id, org_id, route)
    WHERE o.from_org IS NOT NULL
    ON CONFLICT (recommendation_id) DO UPDATE
    SET org_id = excluded.org_id, account_id = excluded.account_id, user_id = excluded.user_id, contact_id = excluded.contact_id
    WHERE (i.org_id, i.account_id, i.user_id, i.contact_id) IS DISTINCT FROM (excluded.org_id, excluded.account_id, excluded.user_id, excluded.contact_id);
    DROP TABLE pg_temp.kept;
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

CREATE FUNCTION xsell_internal.write_reasons() RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off  -- the tables grow within the transaction: statistics lag behind, and a nested loop would be ruinous
SET jit = off
AS $$
DECLARE
    names text[] := (SELECT s.feature FROM xsell_internal.feature_set s WHERE s.name = 'cross_sell' ORDER BY s.version DESC LIMIT 1);
BEGIN
    CREATE TEMPORARY TABLE why ON COMMIT DROP AS
    SELECT r.recommendation_id, w.position, w.feature, w.contribution, w.code,
           CASE WHEN s.safe THEN w.value END AS value, CASE WHEN s.safe OR w.sentence = w.plain THEN w.sentence END AS sentence
    FROM (SELECT o.entity_id, o.product_id, o.org_id, o.route, o.place AS position, o.feature, o.value::double precision, o.contribution, t.code, t.sentence,
                 n.sentence AS plain
          FROM (SELECT m.entity_id, m.product_id, m.org_id, m.route, e.feature, e.value, e.contribution,
                       row_number() OVER (PARTITION BY m.entity_id, m.product_id, m.org_id, m.route ORDER BY e.contribution <= 0, e.position)::integer AS place
                FROM pg_temp.offer m CROSS JOIN LATERAL xsell_internal.explain_values(m.model, NULL, m.x, 8) e WHERE m.score_source = 'model') o
          CROSS JOIN LATERAL xsell_internal.render_reason(o.feature, o.value, o.contribution) t
          CROSS JOIN LATERAL xsell_internal.render_reason(o.feature, NULL, o.contribution) n
          WHERE o.place <= 3
          UNION ALL
          SELECT o.entity_id, o.product_id, o.org_id, o.route, h.position, h.feature, h.value, h.contribution, h.code, h.sentence, NULL
          FROM pg_temp.offer o CROSS JOIN LATERAL xsell_internal.heuristic_reasons(names, o.x) h WHERE o.score_source = 'heuristic'
          UNION ALL
          SELECT o.entity_id, o.product_id, o.org_id, o.route, 1, 'ended_at', extract(epoch FROM o.ended_at)::double precision, o.probability, 'ended',
                 'had it before; it ended on ' || to_char(o.ended_at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), NULL
          FROM pg_temp.offer o WHERE o.score_source = 'rule') w
    JOIN xsell_internal.recommendation r USING (entity_id, product_id, org_id, route)
    LEFT JOIN (SELECT a.entity_id, min(a.org_id) AS org_id FROM xsell_internal.entity_account a GROUP BY 1 HAVING count(DISTINCT a.org_id) = 1) e
           ON e.entity_id = w.entity_id AND e.org_id = w.org_id
    LEFT JOIN (SELECT m.product_id FROM xsell_internal.product_map m GROUP BY 1 HAVING count(DISTINCT m.org_id) = 1) p ON p.product_id = w.product_id
    CROSS JOIN LATERAL (SELECT w.feature ~ '^(association|lookalike|popularity|family_share|same_org|ended_at)'
                            OR (e.entity_id IS NOT NULL AND (p.product_id IS NOT NULL OR w.feature !~ '^product_')) AS safe) s;
    ANALYZE pg_temp.why;

    DELETE FROM xsell_internal.recommendation_reason t USING pg_temp.offer o JOIN xsell_internal.recommendation r USING (entity_id, product_id, org_id, route)
    WHERE t.recommendation_id = r.recommendation_id
      AND NOT EXISTS (SELECT FROM pg_temp.why w WHERE w.recommendation_id = t.recommendation_id AND w.position = t.position);
    INSERT INTO xsell_internal.recommendation_reason AS t (recommendation_id, position, feature, value, contribution, code, sentence)
    SELECT w.recommendation_id, w.position, w.feature, w.value, w.contribution, w.code, w.sentence FROM pg_temp.why w
    ON CONFLICT (recommendation_id, position) DO UPDATE
    SET feature = excluded.feature, value = excluded.value, contribution = excluded.contribution, code = excluded.code, sentence = excluded.sentence
    WHERE (t.feature, t.value, t.contribution, t.code, t.sentence)
          IS DISTINCT FROM (excluded.feature, excluded.value, excluded.contribution, excluded.code, excluded.sentence);
    UPDATE xsell_internal.recommendation r SET reason = n.sentence
    FROM (SELECT DISTINCT ON (w.recommendation_id) w.recommendation_id, w.sentence FROM pg_temp.why w
          ORDER BY w.recommendation_id, w.sentence IS NULL, w.contribution <= 0, w.position) n
    WHERE r.recommendation_id = n.recommendation_id AND r.reason IS DISTINCT FROM n.sentence;
    DROP TABLE pg_temp.why;
END
$$;
COMMENT ON FUNCTION xsell_internal.write_reasons() IS
'Stores the three strongest reasons for each of this session''s offers (against, where none speaks for it). What a feature says about an entity that another org knows too is left out.';

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
    DROP TABLE IF EXISTS pg_temp.offer;
    CREATE TEMPORARY TABLE offer ON COMMIT DROP AS SELECT * FROM xsell_internal.offers(at, per_entity);
    ANALYZE pg_temp.offer;
    limits := (SELECT percentile_cont(ARRAY[.6, .7, .8]) WITHIN GROUP (ORDER BY o.probability) FROM pg_temp.offer o WHERE o.route <> 'winback');
    live_rows := xsell_internal.write_recommendations(at, COALESCE(limits, ARRAY[.6, .7, .8]));
    PERFORM xsell_internal.write_reasons();
    INSERT INTO xsell_internal.recommendation_run (as_of, started_at, finished_at, score_source, model, version, kept, cuts)
    SELECT at, now(), clock_timestamp(), o.score_source, o.model, o.version, live_rows, limits
    FROM (SELECT * FROM pg_temp.offer WHERE score_source <> 'rule' LIMIT 1) o RIGHT JOIN (VALUES (1)) v ON true;
    DROP TABLE pg_temp.offer;
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

-- What people read. Names come through joins under the reader's own row security, so an org that may not be seen leaves NULL.

CREATE VIEW xsell.recommendation WITH (security_invoker = true) AS
SELECT r.recommendation_id, r.entity_id, COALESCE(a.name, ia.name) AS entity_name, r.org_id, r.account_id, r.product_id,
       COALESCE(p.name, pg_catalog.regexp_replace(r.product_crm_id, '^(deal|family):', '')) AS product_name, p.family AS product_family,
       r.route, r.probability, r.probability_low, r.probability_high, r.amount_if_won, r.expected_revenue,
       (SELECT xsell.base_currency()) AS currency, r.rank, r.confidence_level, r.next_action, r.reason,
       u.name AS owner_name, u.email AS owner_email, u.team, u.territory, iu.name AS introducer_name,
       NULLIF(pg_catalog.concat_ws(' ', c.first_name, c.last_name), '') AS contact_name,
       r.status, r.first_seen, r.last_seen, r.expires_at, r.score_source, r.model, r.version
FROM xsell_internal.recommendation r
LEFT JOIN xsell.account a ON a.org_id = r.org_id AND a.crm_id = r.account_id
LEFT JOIN xsell.product p ON p.org_id = r.org_id AND p.crm_id = r.product_crm_id
LEFT JOIN xsell.crm_user u ON u.org_id = r.org_id AND u.crm_id = r.owner_id
LEFT JOIN xsell_internal.introduction i ON i.recommendation_id = r.recommendation_id
LEFT JOIN xsell.account ia ON ia.org_id = i.org_id AND ia.crm_id = i.account_id
LEFT JOIN xsell.crm_user iu ON iu.org_id = i.org_id AND iu.crm_id = i.user_id
LEFT JOIN xsell.contact c ON c.org_id = COALESCE(i.org_id, r.org_id) AND c.crm_id = COALESCE(i.contact_id, r.contact_id)
WHERE r.live;
COMMENT ON VIEW xsell.recommendation IS 'The work list: what to offer whom, through which org, why and for how much. One row per entity, product, selling org and route.';
COMMENT ON COLUMN xsell.recommendation.recommendation_id IS 'Stays the same over refreshes.';
COMMENT ON COLUMN xsell.recommendation.entity_id IS 'The customer; see xsell.entity.';
COMMENT ON COLUMN xsell.recommendation.entity_name IS 'Its name, from an account that you may see.';
COMMENT ON COLUMN xsell.recommendation.org_id IS 'The org that would sell.';
COMMENT ON COLUMN xsell.recommendation.account_id IS 'The customer''s account in that org; NULL for cross_org.';
COMMENT ON COLUMN xsell.recommendation.product_id IS 'The product, the same over all orgs.';
COMMENT ON COLUMN xsell.recommendation.product_name IS 'Its name in the selling org.';
COMMENT ON COLUMN xsell.recommendation.product_family IS 'Its family in the selling org.';
COMMENT ON COLUMN xsell.recommendation.route IS 'same_org: the selling org knows the customer; cross_org: another org can introduce; winback: had it before.';
COMMENT ON COLUMN xsell.recommendation.probability IS 'Probability of a win within the model''s horizon; see score_source.';
COMMENT ON COLUMN xsell.recommendation.probability_low IS 'Lower end of its interval.';
COMMENT ON COLUMN xsell.recommendation.probability_high IS 'Upper end of its interval.';
COMMENT ON COLUMN xsell.recommendation.amount_if_won IS 'Median won amount of the product in the selling org, pulled towards the org''s median where wins are few.';
COMMENT ON COLUMN xsell.recommendation.expected_revenue IS 'probability x amount_if_won.';
COMMENT ON COLUMN xsell.recommendation.currency IS 'Currency of the amounts: the base currency.';
COMMENT ON COLUMN xsell.recommendation.rank IS '1 is the customer''s best; winback rows are ranked apart.';
COMMENT ON COLUMN xsell.recommendation.confidence_level IS 'Very High, High, Medium or Low: standing among all recommendations, and width of the interval.';
COMMENT ON COLUMN xsell.recommendation.next_action IS 'What to do next.';
COMMENT ON COLUMN xsell.recommendation.reason IS 'The strongest reason in a sentence; more in xsell.recommendation_reason.';
COMMENT ON COLUMN xsell.recommendation.owner_name IS 'Owner of the account in the selling org.';
COMMENT ON COLUMN xsell.recommendation.owner_email IS 'E-mail of the owner.';
COMMENT ON COLUMN xsell.recommendation.team IS 'Team of the owner.';
COMMENT ON COLUMN xsell.recommendation.territory IS 'Territory of the owner.';
COMMENT ON COLUMN xsell.recommendation.introducer_name IS 'For cross_org: who knows the customer, if you may see that org.';
COMMENT ON COLUMN xsell.recommendation.contact_name IS 'Whom to talk to.';
COMMENT ON COLUMN xsell.recommendation.status IS 'new, accepted, in_progress, ...; set by xsell.set_status.';
COMMENT ON COLUMN xsell.recommendation.first_seen IS 'First refresh that recommended it.';
COMMENT ON COLUMN xsell.recommendation.last_seen IS 'Last refresh that recommended it.';
COMMENT ON COLUMN xsell.recommendation.expires_at IS 'Not to be trusted after this without another refresh.';
COMMENT ON COLUMN xsell.recommendation.score_source IS 'model, heuristic (nothing deployed: ranks by association, lookalikes and demand) or rule (winback).';
COMMENT ON COLUMN xsell.recommendation.model IS 'The model, for score_source model.';
COMMENT ON COLUMN xsell.recommendation.version IS 'Its version.';

CREATE VIEW xsell.recommendation_reason WITH (security_invoker = true) AS
SELECT w.recommendation_id, w.position, w.feature, w.value, w.contribution, w.code, w.sentence
FROM xsell_internal.recommendation_reason w
JOIN xsell_internal.recommendation r USING (recommendation_id)
WHERE r.live;
COMMENT ON VIEW xsell.recommendation_reason IS 'Why each live recommendation was made: its strongest features.';
COMMENT ON COLUMN xsell.recommendation_reason.recommendation_id IS 'The recommendation.';
COMMENT ON COLUMN xsell.recommendation_reason.position IS '1 is the strongest; what speaks for it comes first.';
COMMENT ON COLUMN xsell.recommendation_reason.feature IS 'The feature.';
COMMENT ON COLUMN xsell.recommendation_reason.value IS 'Its value; NULL where it could tell one org about another.';
COMMENT ON COLUMN xsell.recommendation_reason.contribution IS 'What it adds: in log-odds for a model, to the score for the heuristic.';
COMMENT ON COLUMN xsell.recommendation_reason.code IS 'The kind of reason.';
COMMENT ON COLUMN xsell.recommendation_reason.sentence IS 'The reason in words.';

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

CREATE FUNCTION xsell_internal.recommend_at(entity bigint, top_n integer, as_of timestamptz) RETURNS SETOF xsell.recommendation
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
    WITH offer AS MATERIALIZED (
        SELECT * FROM xsell_internal.offers(as_of, top_n, entity) o ORDER BY o.route = 'winback', o.probability DESC, o.product_id LIMIT top_n
    )
    SELECT NULL::bigint, o.entity_id, COALESCE(a.name, ia.name), o.org_id, o.account_id, o.product_id,
           COALESCE(p.name, regexp_replace(o.product_crm_id, '^(deal|family):', '')), p.family, o.route, o.probability, s.low, s.high,
           o.amount_if_won, round(o.probability::numeric * o.amount_if_won, 2), xsell.base_currency(), o.rank,
           CASE WHEN o.route = 'winback' THEN 'Low' ELSE xsell_internal.confidence_level(o.probability, (s.high - s.low) / 2, l.cuts) END,
           xsell_internal.next_action(o.route, o.probability, l.cuts), w.sentence, u.name, u.email, u.team, u.territory, iu.name,
           NULLIF(concat_ws(' ', c.first_name, c.last_name), ''), 'new', as_of, as_of, as_of + interval '30 days', o.score_source, o.model, o.version
    FROM offer o
    LEFT JOIN (SELECT r.cuts FROM xsell_internal.recommendation_run r ORDER BY r.run_id DESC LIMIT 1) l ON true
    LEFT JOIN (SELECT m.entity_id, m.product_id, v.low, v.high FROM offer m CROSS JOIN LATERAL xsell.score(m.model, m.x) v
               WHERE m.score_source = 'model') s ON s.entity_id = o.entity_id AND s.product_id = o.product_id AND o.score_source = 'model'
    LEFT JOIN (SELECT DISTINCT ON (m.entity_id, m.product_id) m.entity_id, m.product_id, e.sentence
               FROM offer m CROSS JOIN LATERAL xsell.explain(m.model, m.x, top_k => 8) e
               WHERE m.score_source = 'model' ORDER BY m.entity_id, m.product_id, e.contribution <= 0, e.position) w
           ON w.entity_id = o.entity_id AND w.product_id = o.product_id AND o.score_source = 'model'
    LEFT JOIN xsell.account a ON a.org_id = o.org_id AND a.crm_id = o.account_id
    LEFT JOIN xsell.product p ON p.org_id = o.org_id AND p.crm_id = o.product_crm_id
    LEFT JOIN xsell.crm_user u ON u.org_id = o.org_id AND u.crm_id = o.owner_id
    LEFT JOIN xsell.account ia ON ia.org_id = o.from_org AND ia.crm_id = o.from_account
    LEFT JOIN xsell.crm_user iu ON iu.org_id = o.from_org AND iu.crm_id = o.from_user
    LEFT JOIN xsell.contact c ON c.org_id = COALESCE(o.from_org, o.org_id) AND c.crm_id = COALESCE(o.from_contact, o.contact_id)
    ORDER BY o.route = 'winback', o.probability DESC, o.product_id
$$;
COMMENT ON FUNCTION xsell_internal.recommend_at(bigint, integer, timestamptz) IS
'Recommendations computed anew from what was known at a time (entity NULL: for every entity), in the shape of xsell.recommendation; nothing is stored.';

CREATE FUNCTION xsell.recommend(account text DEFAULT NULL, org text DEFAULT NULL, entity bigint DEFAULT NULL, top_n integer DEFAULT 10,
    as_of timestamptz DEFAULT NULL) RETURNS SETOF xsell.recommendation
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted bigint := entity;
BEGIN
    IF top_n IS NULL OR top_n < 1 THEN
        RAISE EXCEPTION 'top_n must be at least 1' USING ERRCODE = 'invalid_parameter_value';
    ELSIF account IS NOT NULL AND entity IS NOT NULL THEN
        RAISE EXCEPTION 'give an account or an entity, not both' USING ERRCODE = 'invalid_parameter_value';
    ELSIF account IS NOT NULL THEN
        wanted := xsell_internal.find_entity(account, org);
    END IF;
    IF as_of IS NOT NULL THEN
        RETURN QUERY SELECT r.* FROM xsell_internal.recommend_at(wanted, top_n, as_of) r
                     WHERE recommend.account IS NOT NULL OR recommend.org IS NULL OR r.org_id = recommend.org;
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

DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['recommendation', 'recommendation_recommendation_id_seq', 'introduction', 'recommendation_reason', 'recommendation_run',
                                'recommendation_run_run_id_seq', 'suppression', 'suppression_suppression_id_seq'] LOOP
        PERFORM pg_catalog.pg_extension_config_dump(('xsell_internal.' || kept)::pg_catalog.regclass, '');
    END LOOP;
END
$$;
