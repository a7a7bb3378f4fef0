-- Whitespace: entity x product, stored and sparse: what each customer has, is being sold, said no to, is recommended or must not be offered.

-- Narrow, with one index: millions of rows are written at once. What many rows share, names above all, is beside it, once each.
CREATE TABLE xsell_internal.whitespace (
    entity_id         bigint NOT NULL,
    product_id        bigint NOT NULL,
    org_id            text NOT NULL,
    state             text NOT NULL CHECK (state IN ('held', 'open', 'lost', 'recommended', 'excluded')),
    customer_id       bigint,
    recommendation_id bigint,
    probability       double precision,
    since             timestamptz,
    at                timestamptz,
    until             timestamptz,
    amount            numeric,
    expected_revenue  numeric,
    rule              text,
    reason            text,
    route             text,
    PRIMARY KEY (entity_id, product_id, org_id)
) WITH (fillfactor = 90);
COMMENT ON TABLE xsell_internal.whitespace IS
'One row per entity, product and org whose records say so; written by write_whitespace. What no row says is neither had nor worth offering.';

CREATE TABLE xsell_internal.whitespace_customer (
    customer_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entity_id    bigint NOT NULL,
    org_id       text NOT NULL,
    account_id   text NOT NULL DEFAULT '',
    owner_id     text NOT NULL DEFAULT '',
    entity_name  text,
    segment      text,
    industry     text,
    country      text,
    owner_name   text,
    owner_email  text,
    team         text,
    territory    text,
    UNIQUE (entity_id, org_id, account_id, owner_id)
);
COMMENT ON TABLE xsell_internal.whitespace_customer IS
'Customers as an org names them, one row for each account and owner that its whitespace is about; empty: none is known.';

CREATE TABLE xsell_internal.whitespace_product (
    product_id     bigint NOT NULL,
    org_id         text NOT NULL,
    product_name   text,
    product_family text,
    PRIMARY KEY (product_id, org_id)
);
COMMENT ON TABLE xsell_internal.whitespace_product IS 'Products as an org names them.';

CREATE FUNCTION xsell_internal.size_band(employees bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN employees < 1 THEN NULL WHEN employees < 10 THEN '1-9' WHEN employees < 50 THEN '10-49' WHEN employees < 250 THEN '50-249'
            WHEN employees < 1000 THEN '250-999' WHEN employees >= 1000 THEN '1000+' END;
COMMENT ON FUNCTION xsell_internal.size_band(bigint) IS 'Band of a number of employees: 1-9, 10-49, 50-249, 250-999, 1000+; NULL where it is not known.';

CREATE FUNCTION xsell_internal.whitespace_exclusions(as_of timestamptz, only_entities bigint[])
RETURNS TABLE (entity_id bigint, product_id bigint, org_id text, rule text, reason text, until timestamptz, probability double precision)
LANGUAGE plpgsql VOLATILE ROWS 10000
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET work_mem = '256MB'
SET jit = off
AS $$
#variable_conflict use_column
BEGIN
    DROP TABLE IF EXISTS pg_temp.xsell_barred, pg_temp.xsell_would_be;
    CREATE TEMPORARY TABLE xsell_barred ON COMMIT DROP AS SELECT * FROM xsell_internal.exclusions(as_of, only_entities);
    CREATE TEMPORARY TABLE xsell_would_be (entity_id bigint, product_id bigint, probability double precision) ON COMMIT DROP;
    IF to_regclass('pg_temp.xsell_excluded') IS NOT NULL THEN
        INSERT INTO pg_temp.xsell_would_be
        SELECT x.entity_id, x.product_id, max(x.probability) FROM pg_temp.xsell_excluded x
        WHERE only_entities IS NULL OR x.entity_id = ANY (only_entities) GROUP BY x.entity_id, x.product_id;
    END IF;
    ANALYZE pg_temp.xsell_barred;
    ANALYZE pg_temp.xsell_would_be;

    -- What was decided about a pair is kept in any case; what bars a customer, a product or a country, where it would have been offered.
    -- Whoever's records say so has the row; where that is nobody, each org that knows customer and product.
    RETURN QUERY
    WITH pair AS (
        SELECT b.entity_id, b.product_id, COALESCE(b.known_by, b.org_id) AS org_id, b.rule, b.reason, b.until, w.probability
        FROM pg_temp.xsell_barred b LEFT JOIN pg_temp.xsell_would_be w ON w.entity_id = b.entity_id AND w.product_id = b.product_id
        WHERE b.entity_id IS NOT NULL AND b.product_id IS NOT NULL AND (b.rule IN ('recently_lost', 'dismissed', 'won', 'suppressed') OR w.entity_id IS NOT NULL)
        UNION ALL
        SELECT w.entity_id, w.product_id, COALESCE(b.known_by, b.org_id), b.rule, b.reason, b.until, w.probability
        FROM pg_temp.xsell_barred b JOIN pg_temp.xsell_would_be w ON w.entity_id = b.entity_id
        WHERE b.product_id IS NULL
        UNION ALL
        SELECT w.entity_id, w.product_id, COALESCE(b.known_by, b.org_id), b.rule, b.reason, b.until, w.probability
        FROM pg_temp.xsell_barred b JOIN pg_temp.xsell_would_be w ON w.product_id = b.product_id
        WHERE b.entity_id IS NULL
    ), known AS MATERIALIZED (
        SELECT DISTINCT e.entity_id, e.org_id FROM xsell_internal.entity_account e WHERE only_entities IS NULL OR e.entity_id = ANY (only_entities)
    ), sold AS MATERIALIZED (
        SELECT DISTINCT m.product_id, m.org_id FROM xsell_internal.product_map m
    )
    SELECT DISTINCT ON (p.entity_id, p.product_id, s.org_id) p.entity_id, p.product_id, s.org_id, p.rule, p.reason, p.until, p.probability
    FROM pair p
    JOIN sold s ON s.product_id = p.product_id AND (p.org_id IS NULL OR s.org_id = p.org_id)
    JOIN known k ON k.entity_id = p.entity_id AND k.org_id = s.org_id
    ORDER BY p.entity_id, p.product_id, s.org_id, array_position(ARRAY['recently_lost'], p.rule) NULLS FIRST,
             array_position(ARRAY['won', 'dismissed', 'suppressed', 'do_not_contact'], p.rule), p.until DESC, p.rule, p.reason;
    DROP TABLE pg_temp.xsell_barred, pg_temp.xsell_would_be;
END
$$;
COMMENT ON FUNCTION xsell_internal.whitespace_exclusions(timestamptz, bigint[]) IS
'The exclusions that whitespace stores: one row per pair and org, the rule that weighs most; with the probability of what the refresh under way would have offered.';

-- How the org calls the customer, and whose it is. An entity with several accounts in an org goes by its largest live one; a
-- recommendation by its own account, and by whom it is assigned to.
CREATE FUNCTION xsell_internal.describe_whitespace(only_entities bigint[]) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET client_min_messages = error
SET work_mem = '256MB'
SET jit = off
AS $$
DECLARE
    touched bigint;
    total bigint;
BEGIN
    DROP TABLE IF EXISTS pg_temp.xsell_named, pg_temp.xsell_customer, pg_temp.xsell_of_account;
    CREATE TEMPORARY TABLE xsell_named ON COMMIT DROP AS
    WITH main AS MATERIALIZED (
        SELECT DISTINCT ON (e.entity_id, e.org_id) e.entity_id, e.org_id, e.account_id
        FROM xsell_internal.entity_account e JOIN xsell.account a ON a.org_id = e.org_id AND a.crm_id = e.account_id
        WHERE only_entities IS NULL OR e.entity_id = ANY (only_entities)
        ORDER BY e.entity_id, e.org_id, a.deleted_at IS NOT NULL, a.employees DESC NULLS LAST, e.account_id
    ), named AS (
        SELECT m.entity_id, m.org_id, NULL::text AS account_id, NULL::text AS owner_id FROM main m
        UNION
        SELECT r.entity_id, r.org_id, r.account_id, COALESCE(r.assigned_to, r.owner_id) FROM xsell_internal.recommendation r
        WHERE r.live AND NOT r.held_out AND (only_entities IS NULL OR r.entity_id = ANY (only_entities))
    )
    SELECT n.entity_id, n.org_id, COALESCE(n.account_id, '') AS named_account, COALESCE(n.owner_id, '') AS named_owner,
           COALESCE(n.account_id, m.account_id, '') AS account_id, COALESCE(n.owner_id, a.owner_id, '') AS owner_id
    FROM named n
    LEFT JOIN main m ON m.entity_id = n.entity_id AND m.org_id = n.org_id
    LEFT JOIN xsell.account a ON a.org_id = n.org_id AND a.crm_id = COALESCE(n.account_id, m.account_id);
    ANALYZE pg_temp.xsell_named;
    CREATE TEMPORARY TABLE xsell_customer ON COMMIT DROP AS
    SELECT n.entity_id, n.org_id, n.account_id, n.owner_id, a.name AS entity_name, xsell_internal.size_band(a.employees) AS segment, a.industry, a.country,
           u.name AS owner_name, u.email AS owner_email,
           COALESCE(NULLIF(u.team, ''), (SELECT m.team FROM xsell.territory_map m
                                         WHERE m.org_id = a.org_id AND m.team IS NOT NULL AND xsell_internal.in_territory(m, a, NULLIF(n.owner_id, ''))
                                         ORDER BY m.priority, m.map_id LIMIT 1)) AS team,
           COALESCE(NULLIF(u.territory, ''), (SELECT m.territory FROM xsell.territory_map m
                                              WHERE m.org_id = a.org_id AND m.territory IS NOT NULL AND xsell_internal.in_territory(m, a, NULLIF(n.owner_id, ''))
                                              ORDER BY m.priority, m.map_id LIMIT 1)) AS territory
    FROM (SELECT DISTINCT d.entity_id, d.org_id, d.account_id, d.owner_id FROM pg_temp.xsell_named d) n
    LEFT JOIN xsell.account a ON a.org_id = n.org_id AND a.crm_id = n.account_id
    LEFT JOIN xsell.crm_user u ON u.org_id = n.org_id AND u.crm_id = n.owner_id;
    ANALYZE pg_temp.xsell_customer;

    DELETE FROM xsell_internal.whitespace_customer c
    WHERE (only_entities IS NULL OR c.entity_id = ANY (only_entities))
      AND NOT EXISTS (SELECT FROM pg_temp.xsell_customer n
                      WHERE n.entity_id = c.entity_id AND n.org_id = c.org_id AND n.account_id = c.account_id AND n.owner_id = c.owner_id);
    GET DIAGNOSTICS total = ROW_COUNT;
    UPDATE xsell_internal.whitespace_customer c
    SET entity_name = n.entity_name, segment = n.segment, industry = n.industry, country = n.country, owner_name = n.owner_name, owner_email = n.owner_email,
        team = n.team, territory = n.territory
    FROM pg_temp.xsell_customer n
    WHERE n.entity_id = c.entity_id AND n.org_id = c.org_id AND n.account_id = c.account_id AND n.owner_id = c.owner_id
      AND (n.entity_name, n.segment, n.industry, n.country, n.owner_name, n.owner_email, n.team, n.territory)
          IS DISTINCT FROM (c.entity_name, c.segment, c.industry, c.country, c.owner_name, c.owner_email, c.team, c.territory);
    GET DIAGNOSTICS touched = ROW_COUNT;
    total := total + touched;
    INSERT INTO xsell_internal.whitespace_customer (entity_id, org_id, account_id, owner_id, entity_name, segment, industry, country, owner_name, owner_email, team, territory)
    SELECT n.entity_id, n.org_id, n.account_id, n.owner_id, n.entity_name, n.segment, n.industry, n.country, n.owner_name, n.owner_email, n.team, n.territory
    FROM pg_temp.xsell_customer n
    WHERE NOT EXISTS (SELECT FROM xsell_internal.whitespace_customer c
                      WHERE n.entity_id = c.entity_id AND n.org_id = c.org_id AND n.account_id = c.account_id AND n.owner_id = c.owner_id)
    ORDER BY n.entity_id;
    GET DIAGNOSTICS touched = ROW_COUNT;
    total := total + touched;
    CREATE TEMPORARY TABLE xsell_of_account ON COMMIT DROP AS
    SELECT n.entity_id, n.org_id, n.named_account, n.named_owner, c.customer_id
    FROM pg_temp.xsell_named n
    JOIN xsell_internal.whitespace_customer c ON c.entity_id = n.entity_id AND c.org_id = n.org_id AND c.account_id = n.account_id AND c.owner_id = n.owner_id;
    ANALYZE pg_temp.xsell_of_account;
    DROP TABLE pg_temp.xsell_named, pg_temp.xsell_customer;

    WITH named AS (
        SELECT DISTINCT ON (m.product_id, m.org_id) m.product_id, m.org_id, m.product_name, m.family
        FROM xsell.product_map m ORDER BY m.product_id, m.org_id, NOT m.is_active, m.product_name IS NULL, m.product_crm_id
    ), gone AS (
        DELETE FROM xsell_internal.whitespace_product p WHERE NOT EXISTS (SELECT FROM named n WHERE n.product_id = p.product_id AND n.org_id = p.org_id)
    )
    INSERT INTO xsell_internal.whitespace_product AS p (product_id, org_id, product_name, product_family)
    SELECT n.product_id, n.org_id, n.product_name, n.family FROM named n
    LEFT JOIN xsell_internal.whitespace_product o ON o.product_id = n.product_id AND o.org_id = n.org_id
    WHERE o.product_id IS NULL OR (o.product_name, o.product_family) IS DISTINCT FROM (n.product_name, n.family)
    ON CONFLICT (product_id, org_id) DO UPDATE SET product_name = excluded.product_name, product_family = excluded.product_family;
    GET DIAGNOSTICS touched = ROW_COUNT;
    RETURN total + touched;
END
$$;
COMMENT ON FUNCTION xsell_internal.describe_whitespace(bigint[]) IS
'The part of write_whitespace that names customers and products, once each; which customer an account and an owner make is in the temporary table xsell_of_account.';

-- What is said of each pair, by org; the first that holds: held, open, recommended, excluded, lost, ended. What differs from what is
-- stored is kept: a refresh without news leaves no dead rows.
CREATE FUNCTION xsell_internal.collect_whitespace(as_of timestamptz, only_entities bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET client_min_messages = error
SET work_mem = '256MB'
SET jit = off
AS $$
#variable_conflict use_column
BEGIN
    DROP TABLE IF EXISTS pg_temp.xsell_exclusion, pg_temp.xsell_worth, pg_temp.xsell_deal, pg_temp.xsell_space;
    CREATE TEMPORARY TABLE xsell_exclusion ON COMMIT DROP AS SELECT * FROM xsell_internal.whitespace_exclusions(as_of, only_entities);
    CREATE TEMPORARY TABLE xsell_worth (org_id text, product_id bigint, amount numeric) ON COMMIT DROP;
    -- A refresh keeps amounts with its world.
    IF EXISTS (SELECT FROM xsell_internal.stored_world) THEN
        INSERT INTO pg_temp.xsell_worth SELECT a.org_id, a.product_id, a.amount FROM xsell_internal.stored_amount a WHERE a.industry IS NULL;
    ELSIF EXISTS (SELECT FROM pg_temp.xsell_exclusion b WHERE b.probability IS NOT NULL) THEN
        INSERT INTO pg_temp.xsell_worth SELECT a.org_id, a.product_id, a.amount FROM xsell_internal.amounts_if_won(as_of) a WHERE a.industry IS NULL;
    END IF;
    CREATE TEMPORARY TABLE xsell_deal ON COMMIT DROP AS
    SELECT d.entity_id, d.product_id, d.org_id, d.opportunity_id, d.known_at, d.amount_base, CASE WHEN d.closed AND d.closed_at <= as_of THEN d.closed_at END AS lost_at
    FROM xsell_internal.deal_pair d
    WHERE NOT d.won AND d.known_at <= as_of AND (d.deleted_at IS NULL OR d.deleted_at > as_of) AND (d.named_at IS NULL OR d.named_at <= as_of)
      AND (only_entities IS NULL OR d.entity_id = ANY (only_entities));
    ANALYZE pg_temp.xsell_exclusion;
    ANALYZE pg_temp.xsell_worth;
    ANALYZE pg_temp.xsell_deal;
    CREATE TEMPORARY TABLE xsell_space ON COMMIT DROP AS
    WITH pipeline AS (
        SELECT d.entity_id, d.product_id, d.org_id, min(NULLIF(d.known_at, '-infinity')) AS since, min(o.closed_at) AS at, sum(d.amount_base) AS amount,
               avg(o.probability)::double precision / 100 AS probability, sum(d.amount_base * o.probability / 100) AS expected
        FROM pg_temp.xsell_deal d JOIN xsell.opportunity o ON o.org_id = d.org_id AND o.crm_id = d.opportunity_id
        WHERE d.lost_at IS NULL
        GROUP BY d.entity_id, d.product_id, d.org_id
    ), loss AS (
        SELECT DISTINCT ON (d.entity_id, d.product_id, d.org_id) d.entity_id, d.product_id, d.org_id, d.lost_at, d.amount_base
        FROM pg_temp.xsell_deal d WHERE d.lost_at IS NOT NULL
        ORDER BY d.entity_id, d.product_id, d.org_id, d.lost_at DESC, d.opportunity_id
    ), said AS (
        SELECT h.entity_id, h.product_id, h.org_id, CASE WHEN h.ends_at <= as_of THEN 6 ELSE 1 END AS weight, CASE WHEN h.ends_at <= as_of THEN 'lost' ELSE 'held' END AS state,
               NULL::text AS rule, CASE WHEN h.ends_at <= as_of THEN 'it ended' END AS reason, CASE WHEN h.ends_at > as_of THEN h.ends_at END AS until,
               NULL::double precision AS probability, h.amount_base AS amount, NULL::numeric AS expected_revenue, h.first_at AS since,
               CASE WHEN h.ends_at <= as_of THEN h.ends_at ELSE h.last_at END AS at, NULL::text AS route, NULL::bigint AS recommendation_id,
               NULL::text AS account_id, NULL::text AS owner_id
        FROM xsell_internal.holding h
        WHERE h.first_at <= as_of AND (only_entities IS NULL OR h.entity_id = ANY (only_entities))
        UNION ALL
        SELECT p.entity_id, p.product_id, p.org_id, 2, 'open', NULL, NULL, NULL, p.probability, p.amount, round(p.expected, 2), p.since, p.at, NULL, NULL, NULL, NULL
        FROM pipeline p
        UNION ALL
        SELECT r.entity_id, r.product_id, r.org_id, CASE r.route WHEN 'winback' THEN 4 ELSE 3 END, 'recommended', NULL, r.reason, NULL, r.probability, r.amount_if_won,
               r.expected_revenue, r.first_seen, NULL, r.route, r.recommendation_id, r.account_id, COALESCE(r.assigned_to, r.owner_id)
        FROM xsell_internal.recommendation r
        WHERE r.live AND NOT r.held_out AND (only_entities IS NULL OR r.entity_id = ANY (only_entities))
        UNION ALL
        SELECT b.entity_id, b.product_id, b.org_id, 5, CASE WHEN b.rule = 'recently_lost' THEN 'lost' ELSE 'excluded' END,
               b.rule, b.reason, b.until, b.probability, COALESCE(l.amount_base, wp.amount, wo.amount), round(b.probability::numeric * COALESCE(wp.amount, wo.amount), 2),
               l.lost_at, l.lost_at, NULL, NULL, NULL, NULL
        FROM pg_temp.xsell_exclusion b
        LEFT JOIN loss l ON b.rule = 'recently_lost' AND l.entity_id = b.entity_id AND l.product_id = b.product_id AND l.org_id = b.org_id
        LEFT JOIN pg_temp.xsell_worth wp ON b.probability IS NOT NULL AND wp.org_id = b.org_id AND wp.product_id = b.product_id
        LEFT JOIN pg_temp.xsell_worth wo ON b.probability IS NOT NULL AND wo.org_id = b.org_id AND wo.product_id IS NULL
        UNION ALL
        SELECT l.entity_id, l.product_id, l.org_id, 6, 'lost', NULL, 'a deal was lost', NULL, NULL, l.amount_base, NULL, l.lost_at, l.lost_at, NULL, NULL, NULL, NULL
        FROM loss l
    ), first_said AS (
        SELECT DISTINCT ON (s.entity_id, s.product_id, s.org_id) s.*
        FROM said s ORDER BY s.entity_id, s.product_id, s.org_id, s.weight, s.at DESC NULLS LAST, s.route
    ), now_said AS (
        SELECT s.*, a.customer_id
        FROM first_said s
        LEFT JOIN pg_temp.xsell_of_account a ON a.entity_id = s.entity_id AND a.org_id = s.org_id
            AND a.named_account = COALESCE(s.account_id, '') AND a.named_owner = COALESCE(s.owner_id, '')
    ), stored AS (
        SELECT * FROM xsell_internal.whitespace w WHERE only_entities IS NULL OR w.entity_id = ANY (only_entities)
    )
    SELECT COALESCE(n.entity_id, w.entity_id) AS entity_id, COALESCE(n.product_id, w.product_id) AS product_id, COALESCE(n.org_id, w.org_id) AS org_id,
           w.entity_id IS NOT NULL AS is_stored, n.state, n.customer_id, n.recommendation_id, n.probability, n.since, n.at, n.until, n.amount, n.expected_revenue,
           n.rule, n.reason, n.route
    FROM now_said n FULL JOIN stored w ON w.entity_id = n.entity_id AND w.product_id = n.product_id AND w.org_id = n.org_id
    WHERE w.entity_id IS NULL OR n.entity_id IS NULL OR w.state <> n.state
       OR (w.customer_id, w.recommendation_id, w.probability, w.since, w.at, w.until, w.amount, w.expected_revenue, w.rule, w.reason, w.route)
          IS DISTINCT FROM (n.customer_id, n.recommendation_id, n.probability, n.since, n.at, n.until, n.amount, n.expected_revenue, n.rule, n.reason, n.route);
    DROP TABLE pg_temp.xsell_exclusion, pg_temp.xsell_worth, pg_temp.xsell_deal;
    ANALYZE pg_temp.xsell_space;
END
$$;
COMMENT ON FUNCTION xsell_internal.collect_whitespace(timestamptz, bigint[]) IS
'The part of write_whitespace that gathers what holdings, deals, recommendations and exclusions say of each pair, by org: what is not stored like that is in the temporary table xsell_space, without a state where nothing is said any more.';

CREATE FUNCTION xsell_internal.write_whitespace(as_of timestamptz, only_entities bigint[] DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET client_min_messages = error  -- who is not the owner may write, not analyze: no reason to warn
SET enable_nestloop = on
SET random_page_cost = 4
SET jit = off
AS $$
DECLARE
    touched bigint;
    total bigint;
BEGIN
    -- For the whole, an index look-up for each row would be ruinous; for some, everything else would.
    PERFORM set_config('enable_nestloop', (only_entities IS NOT NULL)::text, true),
            set_config('random_page_cost', CASE WHEN only_entities IS NULL THEN '4' ELSE '1.1' END, true);
    total := xsell_internal.describe_whitespace(only_entities);
    PERFORM xsell_internal.collect_whitespace(write_whitespace.as_of, only_entities);

    DELETE FROM xsell_internal.whitespace w USING pg_temp.xsell_space n
    WHERE n.state IS NULL AND n.entity_id = w.entity_id AND n.product_id = w.product_id AND n.org_id = w.org_id;
    GET DIAGNOSTICS touched = ROW_COUNT;
    total := total + touched;
    UPDATE xsell_internal.whitespace w
    SET state = n.state, customer_id = n.customer_id, recommendation_id = n.recommendation_id, probability = n.probability, since = n.since, at = n.at, until = n.until,
        amount = n.amount, expected_revenue = n.expected_revenue, rule = n.rule, reason = n.reason, route = n.route
    FROM pg_temp.xsell_space n
    WHERE n.is_stored AND n.state IS NOT NULL AND n.entity_id = w.entity_id AND n.product_id = w.product_id AND n.org_id = w.org_id;
    GET DIAGNOSTICS touched = ROW_COUNT;
    total := total + touched;
    INSERT INTO xsell_internal.whitespace (entity_id, product_id, org_id, state, customer_id, recommendation_id, probability, since, at, until, amount, expected_revenue,
        rule, reason, route)
    SELECT n.entity_id, n.product_id, n.org_id, n.state, n.customer_id, n.recommendation_id, n.probability, n.since, n.at, n.until, n.amount, n.expected_revenue,
           n.rule, n.reason, n.route
    FROM pg_temp.xsell_space n WHERE NOT n.is_stored;
    GET DIAGNOSTICS touched = ROW_COUNT;
    total := total + touched;
    DROP TABLE pg_temp.xsell_of_account, pg_temp.xsell_space;
    IF only_entities IS NULL AND total > 0 THEN
        ANALYZE xsell_internal.whitespace;
        ANALYZE xsell_internal.whitespace_customer;
    END IF;
    RETURN total;
END
$$;
COMMENT ON FUNCTION xsell_internal.write_whitespace(timestamptz, bigint[]) IS 'Brings the stored whitespace in step with holdings, deals, exclusions and recommendations; returns the rows written or removed.';

-- The name of a customer that the selling org does not know is the introducer's to tell: joined under the reader's rights, and only when asked for.
CREATE VIEW xsell.whitespace WITH (security_invoker = true) AS
SELECT w.entity_id, COALESCE(c.entity_name, ia.name) AS entity_name, w.product_id, p.product_name, p.product_family, w.org_id, w.state, w.rule, w.reason, w.until,
       w.probability, w.amount, w.expected_revenue, w.since, w.at, w.route, NULLIF(c.account_id, '') AS account_id,
       COALESCE(c.segment, xsell_internal.size_band(ia.employees)) AS segment, COALESCE(c.industry, ia.industry) AS industry, COALESCE(c.country, ia.country) AS country,
       c.owner_name, c.owner_email, c.team, c.territory, w.recommendation_id
FROM xsell_internal.whitespace w
LEFT JOIN xsell_internal.whitespace_customer c ON c.customer_id = w.customer_id
LEFT JOIN xsell_internal.whitespace_product p ON p.product_id = w.product_id AND p.org_id = w.org_id
LEFT JOIN xsell_internal.introduction i ON i.recommendation_id = w.recommendation_id
LEFT JOIN xsell.account ia ON ia.org_id = i.org_id AND ia.crm_id = i.account_id;
COMMENT ON VIEW xsell.whitespace IS
'Customer x product, as of the last refresh: what each has (held), is being sold (open), said no to or gave up (lost), is recommended, or must not be offered (excluded). One row per customer, product and org whose records say so.';
COMMENT ON COLUMN xsell.whitespace.entity_id IS 'The customer.';
COMMENT ON COLUMN xsell.whitespace.entity_name IS 'Its name in that org, else in the org that can introduce, if you may see it.';
COMMENT ON COLUMN xsell.whitespace.product_id IS 'The product, the same over all orgs.';
COMMENT ON COLUMN xsell.whitespace.product_name IS 'Its name in that org.';
COMMENT ON COLUMN xsell.whitespace.product_family IS 'Its family in that org.';
COMMENT ON COLUMN xsell.whitespace.org_id IS 'The org whose records say so; for recommended, the org that would sell.';
COMMENT ON COLUMN xsell.whitespace.state IS 'held, open, lost (a deal, or what ended and was not renewed), recommended or excluded; the first of held, open, recommended, excluded, lost that is true.';
COMMENT ON COLUMN xsell.whitespace.rule IS 'For excluded, and for lost while it counts: the rule of xsell.exclusion_rule.';
COMMENT ON COLUMN xsell.whitespace.reason IS 'Why, in words.';
COMMENT ON COLUMN xsell.whitespace.until IS 'held: when use ends; excluded or lost: when the rule lets go. NULL: as long as nothing changes.';
COMMENT ON COLUMN xsell.whitespace.probability IS 'Probability of a win: of the recommendation; of an open deal as the CRM has it; of what is excluded, had it been offered.';
COMMENT ON COLUMN xsell.whitespace.amount IS 'Base currency. held: bought so far; open and lost: of the deals; recommended and excluded: what a win would bring.';
COMMENT ON COLUMN xsell.whitespace.expected_revenue IS 'Probability x amount, for open, recommended and excluded.';
COMMENT ON COLUMN xsell.whitespace.since IS 'held: first bought; open: first deal created; recommended: first recommended; lost: when.';
COMMENT ON COLUMN xsell.whitespace.at IS 'The day that counts: held: last bought; open: first expected closing; lost: when it was lost or ended. NULL for what is recommended: today.';
COMMENT ON COLUMN xsell.whitespace.route IS 'For recommended: same_org, cross_org or winback.';
COMMENT ON COLUMN xsell.whitespace.account_id IS 'The customer''s account in that org.';
COMMENT ON COLUMN xsell.whitespace.segment IS 'Size by number of employees: 1-9, 10-49, 50-249, 250-999, 1000+.';
COMMENT ON COLUMN xsell.whitespace.industry IS 'Industry of the account.';
COMMENT ON COLUMN xsell.whitespace.country IS 'Country of the account.';
COMMENT ON COLUMN xsell.whitespace.owner_name IS 'Owner of the account, or whom the recommendation is assigned to.';
COMMENT ON COLUMN xsell.whitespace.owner_email IS 'E-mail of the owner.';
COMMENT ON COLUMN xsell.whitespace.team IS 'Team of the owner, else by xsell.territory_map.';
COMMENT ON COLUMN xsell.whitespace.territory IS 'Territory of the owner, else by xsell.territory_map.';
COMMENT ON COLUMN xsell.whitespace.recommendation_id IS 'For recommended: the recommendation.';

SELECT pg_catalog.pg_extension_config_dump('xsell_internal.whitespace', '');
SELECT pg_catalog.pg_extension_config_dump('xsell_internal.whitespace_customer', '');
SELECT pg_catalog.pg_extension_config_dump('xsell_internal.whitespace_customer_customer_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('xsell_internal.whitespace_product', '');
