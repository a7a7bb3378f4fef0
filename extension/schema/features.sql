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
    held_entity bigint[], held_product bigint[], held_days real[], held_first real[], covered_entity bigint[], covered_product bigint[],
    lost_entity bigint[], lost_product bigint[], lost_days real[], serving_entity bigint[], serving_org bigint[], known_entity bigint[], known_org bigint[], selling_product bigint[], selling_org bigint[], candidates integer)
RETURNS TABLE (entity_id bigint, product_id bigint, x real[])
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 100000
AS 'MODULE_PATHNAME', 'xsell_cross_sell_matrix';
COMMENT ON FUNCTION xsell_internal.cross_sell_matrix(bigint[], boolean[], integer[], integer[], double precision[], double precision[], double precision[], real[],
    bigint[], boolean[], integer[], real[], bigint[], bigint[], real[], real[], bigint[], bigint[], bigint[], bigint[], real[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], integer) IS
'Feature rows of the candidates of every eligible entity: pair features (association, lookalikes, family, org, EASE and what is fresh), then the product''s row, then the entity''s. Arrays of entities and products are in ascending order of id; the first four product features are popularity in 7, 30, 60 days and ever. held_days, held_first: days since the entity last, and first, bought the product.';

CREATE FUNCTION xsell_internal.cross_sell_features(as_of timestamptz)
RETURNS TABLE (entity_id bigint, product_id bigint, as_of timestamptz, x real[])
LANGUAGE sql STABLE PARALLEL SAFE ROWS 100000
BEGIN ATOMIC
    SELECT m.entity_id, m.product_id, $1, m.x
    FROM xsell_internal.cross_sell_world($1) w,
         LATERAL xsell_internal.cross_sell_matrix(w.entity, w.eligible, w.industry, w.country, w.log_employees, w.age_days, w.idle_days, w.entity_feature,
             w.product, w.active, w.family, w.product_feature, w.held_entity, w.held_product, w.held_days, w.held_first, w.covered_entity, w.covered_product,
             w.lost_entity, w.lost_product, w.lost_days, w.serving_entity, w.serving_org, w.known_entity, w.known_org, w.selling_product, w.selling_org,
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
        'ease_score', 'ease_recent', 'ease_recent_z', 'ease_share', 'cosine_recent', 'demand_recent', 'affinity_fit', 'affinity_rank',
        'follow_up', 'industry_lift', 'size_lift', 'country_lift', 'demand_share', 'known_org_sells', 'lost_days', 'choice_share',
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
