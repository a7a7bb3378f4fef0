-- Features: what is known about (entity, product) at a time. A feature set is a stored, hashed text; training and scoring run the same.

CREATE TABLE xsell_internal.static_column (
    table_name  text NOT NULL,
    column_name text NOT NULL,
    reason      text NOT NULL,
    PRIMARY KEY (table_name, column_name)
);
COMMENT ON TABLE xsell_internal.static_column IS
'Columns of the CRM tables that features may read although the CRM keeps no history of them. Every other column is a key, an event time, or no feature.';
INSERT INTO xsell_internal.static_column
SELECT v.t, c, v.r
FROM (VALUES
    ('account', ARRAY['industry', 'country', 'employees', 'annual_revenue', 'annual_revenue_base', 'currency'], 'firmographic: changes slowly'),
    ('account', ARRAY['name', 'type', 'domain', 'phone', 'postal_code'], 'identity: says which accounts are one customer'),
    ('product', ARRAY['name', 'code', 'family'], 'identity: says which products are one'),
    ('opportunity', ARRAY['pipeline', 'product_name', 'attributes'], 'what the deal is about'),
    ('opportunity', ARRAY['stage', 'is_closed', 'is_won', 'amount', 'amount_base', 'currency'], 'settled once the deal is closed, and read of closed deals only'),
    ('opportunity_line', ARRAY['quantity', 'unit_price', 'amount', 'amount_base', 'currency'], 'settled once the deal is closed, and read of closed deals only'),
    ('asset', ARRAY['amount', 'amount_base', 'currency'], 'settled by the purchase')) AS v(t, columns, r),
    pg_catalog.unnest(v.columns) AS c;

CREATE FUNCTION xsell_internal.cross_sell_matrix(
    entity bigint[], eligible boolean[], industry integer[], country integer[], log_employees double precision[], age_days double precision[],
    idle_days double precision[], entity_feature real[],
    product bigint[], active boolean[], family integer[], product_feature real[],
    held_entity bigint[], held_product bigint[], covered_entity bigint[], covered_product bigint[],
    serving_entity bigint[], serving_org bigint[], selling_product bigint[], selling_org bigint[], candidates integer)
RETURNS TABLE (entity_id bigint, product_id bigint, x real[])
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 100000
AS 'MODULE_PATHNAME', 'xsell_cross_sell_matrix';
COMMENT ON FUNCTION xsell_internal.cross_sell_matrix(bigint[], boolean[], integer[], integer[], double precision[], double precision[], double precision[], real[],
    bigint[], boolean[], integer[], real[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], integer) IS
'Feature rows of the candidates of every eligible entity: pair features (association, lookalikes, family, org), then the product''s row, then the entity''s. Arrays of entities and products are in ascending order of id; the first four product features are popularity in 7, 30, 60 days and ever.';

-- Everything that was known at a time, as arrays. A win is known from its closing, a deal from its creation, a record until it was deleted.
CREATE FUNCTION xsell_internal.cross_sell_world(as_of timestamptz)
RETURNS TABLE (
    entity bigint[], eligible boolean[], industry integer[], country integer[], log_employees double precision[], age_days double precision[],
    idle_days double precision[], entity_feature real[],
    product bigint[], active boolean[], family integer[], product_feature real[],
    held_entity bigint[], held_product bigint[], covered_entity bigint[], covered_product bigint[],
    serving_entity bigint[], serving_org bigint[], selling_product bigint[], selling_org bigint[])
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 1
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    t constant timestamptz := as_of;
    -- Computed once: an interval taken off in a query is taken off for every row.
    t_7 constant timestamptz := t - interval '7 days';
    t_30 constant timestamptz := t - interval '30 days';
    t_60 constant timestamptz := t - interval '60 days';
    t_90 constant timestamptz := t - interval '90 days';
    day constant double precision := 86400;
BEGIN
    RETURN QUERY
    WITH bought AS MATERIALIZED (
        SELECT p.entity_id, p.product_id, p.org_id, p.account_id, COALESCE(p.opportunity_id, p.record_id) AS order_id, p.won_at, p.amount_base::float8 AS amount
        FROM xsell_internal.purchase p
        WHERE p.won_at <= t AND (p.deleted_at IS NULL OR p.deleted_at > t)
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
        FROM xsell.account a
        JOIN xsell_internal.entity_account e ON e.org_id = a.org_id AND e.account_id = a.crm_id
        LEFT JOIN buyer b ON b.org_id = a.org_id AND b.account_id = a.crm_id
        WHERE a.created_at IS NULL OR a.created_at <= t OR b.org_id IS NOT NULL
    ), firm AS (
        SELECT a.entity_id, bool_or(a.live) AS live, min(a.created_at) FILTER (WHERE a.created_at <= t) AS created_at,
               min(a.industry) FILTER (WHERE a.live) AS industry, min(a.country) FILTER (WHERE a.live AND a.country <> '') AS country,
               max(a.employees) FILTER (WHERE a.live) AS employees, max(a.revenue) FILTER (WHERE a.live) AS revenue
        FROM known_account a GROUP BY a.entity_id
    ), touch AS (
        SELECT e.entity_id, max(v.occurred_at) AS last_at, count(*) FILTER (WHERE v.occurred_at > t_90) AS last_90
        FROM (SELECT v.org_id, v.occurred_at, COALESCE(v.account_id, o.account_id, c.account_id) AS account_id
              FROM xsell.activity v
              LEFT JOIN xsell.opportunity o ON v.account_id IS NULL AND o.org_id = v.org_id AND o.crm_id = v.opportunity_id
              LEFT JOIN xsell.contact c ON v.account_id IS NULL AND v.opportunity_id IS NULL AND c.org_id = v.org_id AND c.crm_id = v.contact_id
              WHERE v.occurred_at <= t AND (v.created_at IS NULL OR v.created_at <= t) AND (v.deleted_at IS NULL OR v.deleted_at > t)) v
        JOIN xsell_internal.entity_account e ON e.org_id = v.org_id AND e.account_id = v.account_id
        GROUP BY e.entity_id
    ), known_deal AS MATERIALIZED (
        SELECT e.entity_id, d.org_id, d.opportunity_id, d.product_name, d.attributes ->> 'product_family' AS product_family,
               d.closed AND d.closed_at <= t AS closed, d.won
        FROM xsell_internal.deal d
        JOIN xsell_internal.entity_account e ON e.org_id = d.org_id AND e.account_id = d.account_id
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
        FROM held h GROUP BY h.product_id
    ), price AS (
        SELECT b.product_id, percentile_disc(0.5) WITHIN GROUP (ORDER BY b.amount) AS median
        FROM bought b WHERE b.amount > 0 GROUP BY b.product_id
    ), sold AS MATERIALIZED (
        SELECT b.product_id, b.org_id FROM bought b GROUP BY b.product_id, b.org_id
    ), offer AS MATERIALIZED (
        SELECT m.product_id, m.org_id, NULLIF(lower(btrim(p.family)), '') AS family
        FROM xsell_internal.product_map m
        LEFT JOIN xsell.product p ON p.org_id = m.org_id AND p.crm_id = m.product_crm_id
        LEFT JOIN sold s ON s.product_id = m.product_id AND s.org_id = m.org_id
        WHERE (p.deleted_at IS NULL OR p.deleted_at > t) AND (s.org_id IS NOT NULL OR p.crm_id IS NOT NULL AND (p.created_at IS NULL OR p.created_at <= t))
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
    ), org_number AS MATERIALIZED (
        SELECT g.org_id, row_number() OVER (ORDER BY g.org_id) AS number
        FROM (SELECT s.org_id FROM serving s UNION SELECT o.org_id FROM offer o) g
    ), entity_arrays AS (
        SELECT array_agg(c.entity_id) AS entity, array_agg(c.live) AS eligible, array_agg(c.industry) AS industry, array_agg(c.country) AS country,
               array_agg(c.log_employees) AS log_employees, array_agg(c.age_days) AS age_days, array_agg(c.idle_days) AS idle_days, array_agg(c.x) AS x
        FROM (SELECT c.entity_id, c.live, CASE WHEN c.industry IS NULL THEN -1 ELSE dense_rank() OVER (ORDER BY c.industry) END::integer AS industry,
                     CASE WHEN c.country IS NULL THEN -1 ELSE dense_rank() OVER (ORDER BY c.country) END::integer AS country,
                     COALESCE(c.log_employees, 'NaN') AS log_employees, c.age_days, c.idle_days, c.x
              FROM customer c ORDER BY c.entity_id) c
    ), product_arrays AS (
        SELECT array_agg(i.product_id) AS product, array_agg(i.live) AS active, array_agg(i.family) AS family, array_agg(i.x) AS x
        FROM (SELECT i.product_id, i.live, CASE WHEN i.family IS NULL THEN -1 ELSE dense_rank() OVER (ORDER BY i.family) END::integer AS family, i.x
              FROM item i ORDER BY i.product_id) i
    ), held_arrays AS (
        SELECT array_agg(h.entity_id) AS e, array_agg(h.product_id) AS p FROM held h
    ), covered_arrays AS (
        SELECT array_agg(v.entity_id) AS e, array_agg(v.product_id) AS p
        FROM covered v JOIN customer c USING (entity_id) JOIN item i USING (product_id)
    ), serving_arrays AS (
        SELECT array_agg(s.entity_id) AS e, array_agg(g.number) AS o FROM serving s JOIN org_number g USING (org_id)
    ), selling_arrays AS (
        SELECT array_agg(o.product_id) AS p, array_agg(g.number) AS o FROM offer o JOIN org_number g USING (org_id)
    )
    SELECT e.entity, e.eligible, e.industry, e.country, e.log_employees, e.age_days, e.idle_days, e.x,
           p.product, p.active, p.family, p.x, h.e, h.p, COALESCE(c.e, '{}'), COALESCE(c.p, '{}'), COALESCE(s.e, '{}'), COALESCE(s.o, '{}'),
           COALESCE(l.p, '{}'), COALESCE(l.o, '{}')
    FROM entity_arrays e, product_arrays p, held_arrays h, covered_arrays c, serving_arrays s, selling_arrays l
    WHERE e.entity IS NOT NULL AND p.product IS NOT NULL;
END
$$;
COMMENT ON FUNCTION xsell_internal.cross_sell_world(timestamptz) IS
'What was known at a time, as the arrays that cross_sell_matrix takes: one row, or none where nobody had bought anything.';

CREATE FUNCTION xsell_internal.cross_sell_features(as_of timestamptz)
RETURNS TABLE (entity_id bigint, product_id bigint, as_of timestamptz, x real[])
LANGUAGE sql STABLE PARALLEL SAFE ROWS 100000
BEGIN ATOMIC
    SELECT m.entity_id, m.product_id, $1, m.x
    FROM xsell_internal.cross_sell_world($1) w,
         LATERAL xsell_internal.cross_sell_matrix(w.entity, w.eligible, w.industry, w.country, w.log_employees, w.age_days, w.idle_days, w.entity_feature,
             w.product, w.active, w.family, w.product_feature, w.held_entity, w.held_product, w.covered_entity, w.covered_product,
             w.serving_entity, w.serving_org, w.selling_product, w.selling_org,
             COALESCE(NULLIF(pg_catalog.current_setting('xsell.candidates', true), ''), '200')::integer) m;
END;
COMMENT ON FUNCTION xsell_internal.cross_sell_features(timestamptz) IS
'Version 1 of the feature set cross_sell: pairs of a customer and a product that it did not hold and no open deal covered at that time.';

CREATE TRIGGER refuse_change BEFORE UPDATE ON xsell_internal.feature_set
    FOR EACH STATEMENT EXECUTE FUNCTION xsell_internal.refuse_change();
CREATE TRIGGER refuse_change BEFORE UPDATE ON xsell_internal.category
    FOR EACH STATEMENT EXECUTE FUNCTION xsell_internal.refuse_change();
CREATE TRIGGER refuse_change BEFORE UPDATE ON xsell_internal.feature_snapshot
    FOR EACH STATEMENT EXECUTE FUNCTION xsell_internal.refuse_change();
CREATE TRIGGER guard_owner BEFORE INSERT OR UPDATE ON xsell_internal.model
    FOR EACH ROW EXECUTE FUNCTION xsell_internal.guard_owner('label_query', 'label_owner');

INSERT INTO xsell_internal.feature_set (name, version, feature, definition, sha256)
SELECT 'cross_sell', 1, s.feature, s.definition,
       pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.array_to_string(s.feature, ',') || E'\n' || s.definition, 'UTF8')), 'hex')
FROM (SELECT ARRAY[
        'association_score', 'association_lift_max', 'association_confidence_max', 'lookalike_share', 'lookalike_industry', 'lookalike_size',
        'lookalike_geography', 'lookalike_complementarity', 'lookalike_maturity', 'lookalike_activity', 'family_share', 'same_org_sells',
        'popularity_7', 'popularity_30', 'popularity_60', 'popularity_all', 'product_price_log', 'product_age_days',
        'revenue_log', 'employees_log', 'is_enterprise', 'revenue_per_employee', 'recency_days', 'activity_recency', 'activities_90', 'purchases_90',
        'won_amount_log', 'win_rate', 'open_deals', 'holdings_count', 'tenure_days', 'orgs_serving'] AS feature,
    'SELECT * FROM xsell_internal.cross_sell_features($1)' AS definition) s;

CREATE FUNCTION xsell_internal.features_of(feature_set text, version integer, at timestamptz)
RETURNS TABLE (entity_id bigint, product_id bigint, as_of timestamptz, x real[])
LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 100000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    stored xsell_internal.feature_set;
    dictionary record;
BEGIN
    IF at IS NULL OR NOT isfinite(at) THEN
        RAISE EXCEPTION 'as_of must be a point in time' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT * INTO stored FROM xsell_internal.feature_set s WHERE s.name = features_of.feature_set AND s.version = features_of.version;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'feature set "%" has no version %', feature_set, version
            USING ERRCODE = 'undefined_object', HINT = 'xsell.feature_set lists them.';
    ELSIF stored.kind IS NULL THEN
        RETURN QUERY EXECUTE stored.definition USING at;
        RETURN;
    END IF;
    SELECT COALESCE(array_agg(c.feature), '{}') AS feature, COALESCE(array_agg(c.sha256), '{}') AS sha256,
           COALESCE(array_agg(c.code), '{}') AS code
    INTO dictionary FROM xsell_internal.category c WHERE c.feature_set = features_of.feature_set AND c.version = features_of.version;
    RETURN QUERY SELECT f.entity_id, f.product_id, f.as_of, f.x
        FROM xsell_internal.stored_features(stored.owner, stored.definition, at, stored.feature, stored.kind,
                                            dictionary.feature, dictionary.sha256, dictionary.code) f;
END
$$;
COMMENT ON FUNCTION xsell_internal.features_of(text, integer, timestamptz) IS
'Feature rows by one version of a feature set. The built-in definition runs as the caller, so that row security holds; see run_query for the others.';

CREATE FUNCTION xsell_internal.feature_set_of(model text, OUT feature_set text, OUT version integer)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    SELECT s.name, s.version INTO feature_set, version
    FROM xsell_internal.model m JOIN xsell_internal.feature_set s ON s.name = m.feature_set
    WHERE m.model = feature_set_of.model ORDER BY s.version DESC LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such model: "%"', COALESCE(model, 'NULL')
            USING ERRCODE = 'undefined_object', HINT = 'xsell.model lists the models.';
    END IF;
END
$$;
COMMENT ON FUNCTION xsell_internal.feature_set_of(text) IS 'The feature set that a model takes, in its latest version.';

CREATE FUNCTION xsell_internal.live_feature_set(model text, OUT feature_set text, OUT version integer)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT COALESCE(live.feature_set, s.feature_set), COALESCE(live.feature_set_version, s.version)
    FROM xsell_internal.feature_set_of(live_feature_set.model) s
    LEFT JOIN (SELECT v.feature_set, v.feature_set_version
               FROM xsell_internal.deployment d JOIN xsell_internal.model_version v ON v.model = d.model AND v.version = d.version
               WHERE d.model = live_feature_set.model AND d.role = 'champion') live ON true;
END;
COMMENT ON FUNCTION xsell_internal.live_feature_set(text) IS
'The feature set in the version that the champion of a model was trained on, so that it is scored by the text that it learned from; without a champion, in its latest version.';

CREATE FUNCTION xsell_internal.run_features(model text, at timestamptz)
RETURNS TABLE (entity_id bigint, product_id bigint, as_of timestamptz, x real[])
LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 100000
BEGIN ATOMIC
    SELECT f.entity_id, f.product_id, f.as_of, f.x
    FROM xsell_internal.live_feature_set($1) s, LATERAL xsell_internal.features_of(s.feature_set, s.version, $2) f;
END;
COMMENT ON FUNCTION xsell_internal.run_features(text, timestamptz) IS 'Feature rows of a model, as its champion takes them.';

CREATE FUNCTION xsell.features(model text, as_of timestamptz DEFAULT xsell.clock())
RETURNS TABLE (entity_id bigint, product_id bigint, as_of timestamptz, x real[])
LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 100000
BEGIN ATOMIC
    SELECT r.entity_id, r.product_id, r.as_of, r.x FROM xsell_internal.run_features($1, $2) r;
END;
COMMENT ON FUNCTION xsell.features(text, timestamptz) IS
'Feature rows of a model at a time, computed from what was known then. For cross_sell: one for each pair of a customer and a product that it did not hold and no open deal covered. x is in the order of the feature set, in the version that the champion was trained on (without a champion, the latest); NULL means unknown.';

CREATE FUNCTION xsell.snapshot_features(model text, as_of timestamptz DEFAULT xsell.clock()) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    definition record;
    written bigint;
BEGIN
    SELECT * INTO definition FROM xsell_internal.live_feature_set(model);
    PERFORM pg_advisory_xact_lock(hashtextextended(format('xsell.snapshot %s %s %s', definition.feature_set, definition.version, extract(epoch FROM as_of)), 0));
    IF EXISTS (SELECT FROM xsell_internal.feature_snapshot n WHERE n.feature_set = definition.feature_set AND n.version = definition.version
                 AND n.as_of = snapshot_features.as_of) THEN
        RETURN 0;
    END IF;
    INSERT INTO xsell_internal.feature_snapshot (feature_set, version, as_of, entity_id, product_id, x)
    SELECT definition.feature_set, definition.version, f.as_of, f.entity_id, f.product_id, f.x
    FROM xsell_internal.features_of(definition.feature_set, definition.version, snapshot_features.as_of) f;
    GET DIAGNOSTICS written = ROW_COUNT;
    RETURN written;
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION 'feature set "%" returns an entity more than once', definition.feature_set USING ERRCODE = 'cardinality_violation',
        HINT = 'One row for each entity_id, or for each pair with a product_id, as of any time.';
END
$$;
COMMENT ON FUNCTION xsell.snapshot_features(text, timestamptz) IS
'Keeps the feature rows of a model as of a time, once, for analysis and drift. Returns the rows written: 0 when they are there already. See xsell.feature_snapshot.';

CREATE FUNCTION xsell.drop_snapshots(before timestamptz) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    dropped bigint;
BEGIN
    DELETE FROM xsell_internal.feature_snapshot n WHERE n.as_of < before;
    GET DIAGNOSTICS dropped = ROW_COUNT;
    RETURN dropped;
END
$$;
COMMENT ON FUNCTION xsell.drop_snapshots(timestamptz) IS 'Drops kept feature rows that look from before a time. Returns their number.';

SELECT pg_catalog.pg_extension_config_dump('xsell_internal.static_column', 'WHERE false');
