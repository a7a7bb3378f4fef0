-- The world as it was known at a time: what the features of every pair are computed from.

-- One row: the world of the last full refresh. What has changed since is computed anew, what has not is taken from here; so are the
-- figures of products. Nobody but the refresh reads it.
CREATE TABLE xsell_internal.stored_world (
    entity          bigint[],
    eligible        boolean[],
    industry        integer[],
    country         integer[],
    log_employees   double precision[],
    age_days        double precision[],
    idle_days       double precision[],
    entity_feature  real[],
    product         bigint[],
    active          boolean[],
    family          integer[],
    product_feature real[],
    held_entity     bigint[],
    held_product    bigint[],
    held_days       real[],
    held_first      real[],
    covered_entity  bigint[],
    covered_product bigint[],
    lost_entity     bigint[],
    lost_product    bigint[],
    lost_days       real[],
    serving_entity  bigint[],
    serving_org     bigint[],
    known_entity    bigint[],
    known_org       bigint[],
    selling_product bigint[],
    selling_org     bigint[],
    industries      text[],
    countries       text[],
    orgs            text[],
    as_of           timestamptz
);
COMMENT ON TABLE xsell_internal.stored_world IS 'The arrays of cross_sell_world at the last full refresh: what is known of every entity and product. industries, countries, orgs: what the numbers stand for.';
DO $$
DECLARE
    item text;
BEGIN
    FOR item IN SELECT a.attname FROM pg_catalog.pg_attribute a
                WHERE a.attrelid = 'xsell_internal.stored_world'::pg_catalog.regclass AND a.attnum > 0 AND a.attlen = -1 LOOP
        -- Compressing numbers takes longer than it saves.
        EXECUTE pg_catalog.format('ALTER TABLE xsell_internal.stored_world ALTER COLUMN %I SET STORAGE EXTERNAL', item);
    END LOOP;
END
$$;

-- Everything that was known at a time, as arrays. A win is known from its closing, a deal from its creation, a record until it was deleted.
-- For some entities only: what is known of them, numbered as in the lists that are given, and nothing of products.
CREATE FUNCTION xsell_internal.cross_sell_world(as_of timestamptz, only_entities bigint[] DEFAULT NULL, known_products bigint[] DEFAULT NULL,
    known_industries text[] DEFAULT '{}', known_countries text[] DEFAULT '{}', known_orgs text[] DEFAULT '{}')
RETURNS SETOF xsell_internal.stored_world
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 1
SET search_path = pg_catalog, pg_temp
SET jit = off
SET plan_cache_mode = force_custom_plan  -- for a few entities another plan than for all
AS $$
#variable_conflict use_column
DECLARE
    t constant timestamptz := as_of;
    whole constant boolean := only_entities IS NULL;
    -- Computed once: an interval taken off in a query is taken off for every row.
    t_7 constant timestamptz := t - interval '7 days';
    t_30 constant timestamptz := t - interval '30 days';
    t_60 constant timestamptz := t - interval '60 days';
    t_90 constant timestamptz := t - interval '90 days';
    day constant double precision := 86400;
BEGIN
    RETURN QUERY
    WITH member AS MATERIALIZED (
        SELECT e.entity_id, e.org_id, e.account_id FROM xsell_internal.entity_account e WHERE whole OR e.entity_id = ANY (only_entities)
    ), bought AS MATERIALIZED (
        SELECT p.entity_id, p.product_id, p.org_id, p.account_id, COALESCE(p.opportunity_id, p.record_id) AS order_id, p.won_at, p.amount_base::float8 AS amount
        FROM xsell_internal.purchase p
        WHERE p.won_at <= t AND (p.deleted_at IS NULL OR p.deleted_at > t)
          AND (whole OR p.entity_id = ANY (only_entities) AND p.product_id = ANY (known_products))
    ), held AS MATERIALIZED (
        SELECT b.entity_id, b.product_id, min(b.won_at) AS first_at, max(b.won_at) AS last_at, sum(b.amount) AS amount
        FROM bought b GROUP BY b.entity_id, b.product_id
    ), buyer AS (
        SELECT b.org_id, b.account_id FROM bought b GROUP BY b.org_id, b.account_id
    ), known_account AS MATERIALIZED (
        SELECT e.entity_id, a.org_id, a.crm_id, a.created_at, a.deleted_at IS NULL OR a.deleted_at > t AS live,
               NULLIF(lower(btrim(a.industry)), '') AS industry, xsell_internal.country_key(a.country) AS country,
               CASE WHEN a.employees > 0 THEN a.employees END AS employees,
               CASE WHEN a.annual_revenue_base > 0 THEN LEAST(a.annual_revenue_base, 1e15)::float8 END AS revenue
        FROM member e
        JOIN xsell.account a ON a.org_id = e.org_id AND a.crm_id = e.account_id
        LEFT JOIN buyer b ON b.org_id = a.org_id AND b.account_id = a.crm_id
        WHERE a.created_at IS NULL OR a.created_at <= t OR b.org_id IS NOT NULL
    ), firm AS (
        SELECT a.entity_id, bool_or(a.live) AS live, min(a.created_at) FILTER (WHERE a.created_at <= t) AS created_at,
               min(a.industry) FILTER (WHERE a.live) AS industry, min(a.country) FILTER (WHERE a.live AND a.country <> '') AS country,
               max(a.employees) FILTER (WHERE a.live) AS employees, max(a.revenue) FILTER (WHERE a.live) AS revenue
        FROM known_account a GROUP BY a.entity_id
    ), touched AS (
        SELECT e.entity_id, v.occurred_at, v.created_at, v.deleted_at
        FROM member e JOIN xsell.activity v ON v.org_id = e.org_id AND v.account_id = e.account_id
        UNION ALL
        SELECT e.entity_id, v.occurred_at, v.created_at, v.deleted_at
        FROM member e
        JOIN xsell.opportunity o ON o.org_id = e.org_id AND o.account_id = e.account_id
        JOIN xsell.activity v ON v.org_id = o.org_id AND v.opportunity_id = o.crm_id
        WHERE v.account_id IS NULL
        UNION ALL
        SELECT e.entity_id, v.occurred_at, v.created_at, v.deleted_at
        FROM member e
        JOIN xsell.contact c ON c.org_id = e.org_id AND c.account_id = e.account_id
        JOIN xsell.activity v ON v.org_id = c.org_id AND v.contact_id = c.crm_id
        WHERE v.account_id IS NULL AND v.opportunity_id IS NULL
    ), touch AS (
        SELECT v.entity_id, max(v.occurred_at) AS last_at, count(*) FILTER (WHERE v.occurred_at > t_90) AS last_90
        FROM touched v
        WHERE v.occurred_at <= t AND (v.created_at IS NULL OR v.created_at <= t) AND (v.deleted_at IS NULL OR v.deleted_at > t)
        GROUP BY v.entity_id
    ), known_deal AS MATERIALIZED (
        SELECT e.entity_id, d.org_id, d.opportunity_id, d.product_name, d.attributes ->> 'product_family' AS product_family,
               d.closed AND d.closed_at <= t AS closed, d.won, d.closed_at
        FROM member e
        JOIN xsell_internal.deal d ON d.org_id = e.org_id AND d.account_id = e.account_id
        WHERE d.known_at <= t AND (d.deleted_at IS NULL OR d.deleted_at > t)
    ), pipeline AS (
        SELECT d.entity_id, count(*) FILTER (WHERE d.closed) AS closed, count(*) FILTER (WHERE d.closed AND d.won) AS won,
               count(*) FILTER (WHERE NOT d.closed) AS open
        FROM known_deal d GROUP BY d.entity_id
    ), orders AS (
        SELECT o.entity_id, count(*) AS last_90
        FROM (SELECT b.entity_id FROM bought b WHERE b.won_at > t_90 GROUP BY b.entity_id, b.org_id, b.order_id) o GROUP BY o.entity_id
    ), serving AS MATERIALIZED (
        SELECT b.entity_id, b.org_id FROM bought b GROUP BY b.entity_id, b.org_id
    ), knowing AS MATERIALIZED (
        SELECT a.entity_id, a.org_id FROM known_account a JOIN (SELECT DISTINCT h.entity_id FROM held h) h USING (entity_id) WHERE a.live GROUP BY a.entity_id, a.org_id
    ), basket AS (
        SELECT h.entity_id, count(*) AS products, min(h.first_at) AS first_at, max(h.last_at) AS last_at, sum(h.amount) AS amount
        FROM held h GROUP BY h.entity_id
    ), customer AS MATERIALIZED (
        SELECT b.entity_id, COALESCE(f.live, false) AS live, f.industry, f.country, ln(f.employees::float8) AS log_employees,
               extract(epoch FROM t - LEAST(f.created_at, b.first_at))::float8 / day AS age_days,
               extract(epoch FROM t - GREATEST(v.last_at, b.last_at))::float8 / day AS idle_days,
               ARRAY[ln(1 + f.revenue), ln(1 + f.employees::float8), CASE WHEN f.employees > 1000 THEN 1 WHEN f.employees IS NOT NULL THEN 0 END,
                     f.revenue / f.employees,
                     extract(epoch FROM t - b.last_at)::float8 / day,
                     1 / (1 + extract(epoch FROM t - v.last_at)::float8 / day / 30), COALESCE(v.last_90, 0), COALESCE(o.last_90, 0),
                     ln(1 + LEAST(GREATEST(b.amount, 0), 1e15)), p.won::float8 / NULLIF(p.closed, 0), COALESCE(p.open, 0),
                     b.products, extract(epoch FROM t - LEAST(f.created_at, b.first_at))::float8 / day,
                     COALESCE(s.orgs, 0)]::real[] AS x
        FROM basket b
        LEFT JOIN firm f USING (entity_id)
        LEFT JOIN touch v USING (entity_id)
        LEFT JOIN pipeline p USING (entity_id)
        LEFT JOIN orders o USING (entity_id)
        LEFT JOIN (SELECT s.entity_id, count(*) AS orgs FROM serving s GROUP BY s.entity_id) s USING (entity_id)
    ), demand AS (
        SELECT h.product_id, count(*) FILTER (WHERE h.last_at > t_7) AS d_7, count(*) FILTER (WHERE h.last_at > t_30) AS d_30,
               count(*) FILTER (WHERE h.last_at > t_60) AS d_60, count(*) AS d_all, min(h.first_at) AS first_at
        FROM held h WHERE whole GROUP BY h.product_id
    ), price AS (
        SELECT b.product_id, percentile_disc(0.5) WITHIN GROUP (ORDER BY b.amount) AS median
        FROM bought b WHERE whole AND b.amount > 0 GROUP BY b.product_id
    ), sold AS MATERIALIZED (
        SELECT b.product_id, b.org_id FROM bought b WHERE whole GROUP BY b.product_id, b.org_id
    ), offer AS MATERIALIZED (
        SELECT m.product_id, m.org_id, NULLIF(lower(btrim(p.family)), '') AS family
        FROM xsell_internal.product_map m
        LEFT JOIN xsell.product p ON p.org_id = m.org_id AND p.crm_id = m.product_crm_id
        LEFT JOIN sold s ON s.product_id = m.product_id AND s.org_id = m.org_id
        WHERE whole AND (p.deleted_at IS NULL OR p.deleted_at > t) AND (s.org_id IS NOT NULL OR p.crm_id IS NOT NULL AND (p.created_at IS NULL OR p.created_at <= t))
    ), item AS MATERIALIZED (
        SELECT product_id, o.product_id IS NOT NULL AS live, o.family,
               ARRAY[COALESCE(d.d_7, 0), COALESCE(d.d_30, 0), COALESCE(d.d_60, 0), COALESCE(d.d_all, 0), ln(1 + LEAST(p.median, 1e15)),
                     extract(epoch FROM t - d.first_at)::float8 / day]::real[] AS x
        FROM demand d
        FULL JOIN (SELECT o.product_id, min(o.family) AS family FROM offer o GROUP BY o.product_id) o USING (product_id)
        LEFT JOIN price p USING (product_id)
    ), covered AS (
        SELECT d.entity_id, m.product_id
        FROM known_deal d
        JOIN xsell.opportunity_line l ON l.org_id = d.org_id AND l.opportunity_id = d.opportunity_id
        JOIN xsell_internal.product_map m ON m.org_id = l.org_id AND m.product_crm_id = l.product_id
        WHERE NOT d.closed AND (l.created_at IS NULL OR l.created_at <= t) AND (l.deleted_at IS NULL OR l.deleted_at > t)
        UNION
        SELECT d.entity_id, n.product_id
        FROM known_deal d
        JOIN xsell_internal.deal_product n ON n.org_id = d.org_id AND (n.source, n.name) IN (('deal', d.product_name), ('family', d.product_family))
        WHERE NOT d.closed
    ), refused AS (
        SELECT d.entity_id, m.product_id, d.closed_at
        FROM known_deal d
        JOIN xsell.opportunity_line l ON l.org_id = d.org_id AND l.opportunity_id = d.opportunity_id
        JOIN xsell_internal.product_map m ON m.org_id = l.org_id AND m.product_crm_id = l.product_id
        WHERE d.closed AND NOT d.won AND (l.created_at IS NULL OR l.created_at <= t) AND (l.deleted_at IS NULL OR l.deleted_at > t)
        UNION ALL
        SELECT d.entity_id, n.product_id, d.closed_at
        FROM known_deal d
        JOIN xsell_internal.deal_product n ON n.org_id = d.org_id AND (n.source, n.name) IN (('deal', d.product_name), ('family', d.product_family))
        WHERE d.closed AND NOT d.won
    ), org_number AS MATERIALIZED (
        SELECT k.name AS org_id, k.number FROM unnest(known_orgs) WITH ORDINALITY k(name, number)
        UNION ALL
        SELECT g.org_id, cardinality(known_orgs) + row_number() OVER (ORDER BY g.org_id)
        FROM (SELECT s.org_id FROM serving s UNION SELECT k.org_id FROM knowing k UNION SELECT o.org_id FROM offer o) g WHERE g.org_id <> ALL (known_orgs)
    ), industry_number AS MATERIALIZED (
        SELECT k.name, k.number FROM unnest(known_industries) WITH ORDINALITY k(name, number)
        UNION ALL
        SELECT c.industry, cardinality(known_industries) + row_number() OVER (ORDER BY c.industry)
        FROM (SELECT c.industry FROM customer c WHERE c.industry <> ALL (known_industries) GROUP BY c.industry) c
    ), country_number AS MATERIALIZED (
        SELECT k.name, k.number FROM unnest(known_countries) WITH ORDINALITY k(name, number)
        UNION ALL
        SELECT c.country, cardinality(known_countries) + row_number() OVER (ORDER BY c.country)
        FROM (SELECT c.country FROM customer c WHERE c.country <> ALL (known_countries) GROUP BY c.country) c
    ), entity_arrays AS (
        SELECT array_agg(c.entity_id) AS entity, array_agg(c.live) AS eligible, array_agg(c.industry) AS industry, array_agg(c.country) AS country,
               array_agg(c.log_employees) AS log_employees, array_agg(c.age_days) AS age_days, array_agg(c.idle_days) AS idle_days, array_agg(c.x) AS x
        FROM (SELECT c.entity_id, c.live, COALESCE(i.number, -1)::integer AS industry, COALESCE(n.number, -1)::integer AS country,
                     COALESCE(c.log_employees, 'NaN') AS log_employees, c.age_days, c.idle_days, c.x
              FROM customer c
              LEFT JOIN industry_number i ON i.name = c.industry
              LEFT JOIN country_number n ON n.name = c.country
              ORDER BY c.entity_id) c
    ), product_arrays AS (
        SELECT array_agg(i.product_id) AS product, array_agg(i.live) AS active, array_agg(i.family) AS family, array_agg(i.x) AS x
        FROM (SELECT i.product_id, i.live, CASE WHEN i.family IS NULL THEN -1 ELSE dense_rank() OVER (ORDER BY i.family) END::integer AS family, i.x
              FROM item i ORDER BY i.product_id) i
    ), held_arrays AS (
        SELECT array_agg(h.entity_id) AS e, array_agg(h.product_id) AS p, array_agg((extract(epoch FROM t - h.last_at) / day)::real) AS d,
               array_agg((extract(epoch FROM t - h.first_at) / day)::real) AS f
        FROM held h
    ), covered_arrays AS (
        SELECT array_agg(v.entity_id) AS e, array_agg(v.product_id) AS p
        FROM covered v JOIN customer c USING (entity_id)
        WHERE CASE WHEN whole THEN v.product_id IN (SELECT i.product_id FROM item i) ELSE v.product_id = ANY (known_products) END
    ), lost_arrays AS (
        SELECT array_agg(v.entity_id) AS e, array_agg(v.product_id) AS p, array_agg((extract(epoch FROM t - v.closed_at) / day)::real) AS d
        FROM (SELECT r.entity_id, r.product_id, max(r.closed_at) AS closed_at FROM refused r GROUP BY r.entity_id, r.product_id) v JOIN customer c USING (entity_id)
        WHERE CASE WHEN whole THEN v.product_id IN (SELECT i.product_id FROM item i) ELSE v.product_id = ANY (known_products) END
    ), serving_arrays AS (
        SELECT array_agg(s.entity_id) AS e, array_agg(g.number) AS o FROM serving s JOIN org_number g USING (org_id)
    ), knowing_arrays AS (
        SELECT array_agg(k.entity_id) AS e, array_agg(g.number) AS o FROM knowing k JOIN org_number g USING (org_id)
    ), selling_arrays AS (
        SELECT array_agg(o.product_id) AS p, array_agg(g.number) AS o FROM offer o JOIN org_number g USING (org_id)
    )
    SELECT COALESCE(e.entity, '{}'), COALESCE(e.eligible, '{}'), COALESCE(e.industry, '{}'), COALESCE(e.country, '{}'),
           COALESCE(e.log_employees, '{}'), COALESCE(e.age_days, '{}'), COALESCE(e.idle_days, '{}'), COALESCE(e.x, '{}'),
           COALESCE(p.product, '{}'), COALESCE(p.active, '{}'), COALESCE(p.family, '{}'), COALESCE(p.x, '{}'),
           COALESCE(h.e, '{}'), COALESCE(h.p, '{}'), COALESCE(h.d, '{}'), COALESCE(h.f, '{}'), COALESCE(c.e, '{}'), COALESCE(c.p, '{}'), COALESCE(r.e, '{}'), COALESCE(r.p, '{}'), COALESCE(r.d, '{}'), COALESCE(s.e, '{}'), COALESCE(s.o, '{}'),
           COALESCE(k.e, '{}'), COALESCE(k.o, '{}'), COALESCE(l.p, '{}'), COALESCE(l.o, '{}'),
           COALESCE((SELECT array_agg(i.name ORDER BY i.number) FROM industry_number i), '{}'),
           COALESCE((SELECT array_agg(i.name ORDER BY i.number) FROM country_number i), '{}'),
           COALESCE((SELECT array_agg(i.org_id ORDER BY i.number) FROM org_number i), '{}'), t
    FROM entity_arrays e, product_arrays p, held_arrays h, covered_arrays c, lost_arrays r, serving_arrays s, knowing_arrays k, selling_arrays l
    WHERE NOT whole OR e.entity IS NOT NULL AND p.product IS NOT NULL;
END
$$;
COMMENT ON FUNCTION xsell_internal.cross_sell_world(timestamptz, bigint[], bigint[], text[], text[], text[]) IS
'What was known at a time, as the arrays that cross_sell_matrix takes: one row, or none where nobody had bought anything. For some entities: theirs alone, by the products, industries, countries and orgs of a world that is known.';

SELECT pg_catalog.pg_extension_config_dump('xsell_internal.stored_world', 'WHERE false');
