-- Insight: which features a version lives by, what would change a score, and views that show features and scores by name.

CREATE TABLE xsell_internal.model_importance (
    model   text NOT NULL,
    version integer NOT NULL,
    member  text NOT NULL,
    feature text NOT NULL,
    gain    double precision NOT NULL,
    PRIMARY KEY (model, version, member, feature),
    FOREIGN KEY (model, version) REFERENCES xsell_internal.model_version ON DELETE CASCADE
);
COMMENT ON TABLE xsell_internal.model_importance IS
'Share of each feature in the gain of the splits of a member, as its training reported it; features without a split, and members without trees, have no rows.';

CREATE FUNCTION xsell_internal.permutation_increase(model text, version integer, x real[], label boolean[], seed bigint)
RETURNS TABLE ("position" integer, increase double precision)
LANGUAGE c STABLE STRICT PARALLEL SAFE COST 1000000 ROWS 30
AS 'MODULE_PATHNAME', 'xsell_permutation_increase';
COMMENT ON FUNCTION xsell_internal.permutation_increase(text, integer, real[], boolean[], bigint) IS
'How much the log-loss of a version grows over rows (a real[][]) when the values of one feature are dealt out among them: the mean of three shuffles that the seed decides.';

CREATE FUNCTION xsell_internal.validation_rows(model text, version integer)
RETURNS TABLE (entity_id bigint, product_id bigint, x real[], y integer)
LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 100000
BEGIN ATOMIC
    SELECT r.entity_id, r.product_id, r.x, r.y
    FROM xsell_internal.model_version v CROSS JOIN LATERAL xsell_internal.training_rows(v.model, v.plan, '{validate}') r
    WHERE v.model = validation_rows.model AND v.version = validation_rows.version AND v.plan <> '{}';
END;
COMMENT ON FUNCTION xsell_internal.validation_rows(text, integer) IS 'The rows that a version was validated on: of other entities than it was trained on, and later where there are times.';

CREATE FUNCTION xsell.importance(model text, version integer DEFAULT NULL, "rows" integer DEFAULT 2000)
RETURNS TABLE (feature text, gain double precision, mean_abs_shap double precision, permutation double precision, rank integer)
LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 30
SET jit = off
BEGIN ATOMIC
    WITH target AS MATERIALIZED (
        SELECT v.version, v.feature, v.member, v.member_weight
        FROM xsell_internal.model_version v
        WHERE v.model = importance.model AND v.version = xsell_internal.existing_version(importance.model, importance.version)
    ), sample AS MATERIALIZED (
        SELECT r.x, r.y, pg_catalog.row_number() OVER () AS place
        FROM (SELECT s.x, s.y FROM target t CROSS JOIN LATERAL xsell_internal.validation_rows(importance.model, t.version) s
              ORDER BY pg_catalog.hashint8extended(COALESCE(s.product_id, 0), pg_catalog.hashint8extended(s.entity_id, 42)), s.entity_id, s.product_id
              LIMIT importance.rows) r
    ), split AS (
        SELECT i.feature, i.gain / NULLIF(pg_catalog.sum(i.gain) OVER (), 0) AS gain
        FROM (SELECT g.feature, pg_catalog.sum(g.gain * t.member_weight[pg_catalog.array_position(t.member, g.member)]) AS gain
              FROM target t JOIN xsell_internal.model_importance g ON g.model = importance.model AND g.version = t.version
              GROUP BY g.feature) i
    ), shap AS (
        SELECT e.feature, pg_catalog.avg(pg_catalog.abs(e.contribution)) AS mean
        FROM target t CROSS JOIN sample s CROSS JOIN LATERAL xsell_internal.explain_values(importance.model, t.version, s.x, NULL) e
        GROUP BY e.feature
    ), permuted AS (
        SELECT p."position", p.increase
        FROM target t
        CROSS JOIN (SELECT pg_catalog.array_agg(s.x ORDER BY s.place) AS x, pg_catalog.array_agg(s.y = 1 ORDER BY s.place) AS label FROM sample s) a
        CROSS JOIN LATERAL xsell_internal.permutation_increase(importance.model, t.version, a.x, a.label, 42) p
    )
    SELECT f.name, g.gain, h.mean, p.increase,
           pg_catalog.row_number() OVER (ORDER BY h.mean DESC NULLS LAST, g.gain DESC NULLS LAST, p.increase DESC NULLS LAST, f.place)::integer
    FROM target t
    CROSS JOIN LATERAL pg_catalog.unnest(t.feature) WITH ORDINALITY AS f(name, place)
    LEFT JOIN split g ON g.feature = f.name
    LEFT JOIN shap h ON h.feature = f.name
    LEFT JOIN permuted p ON p."position" = f.place
    ORDER BY 5;
END;
COMMENT ON FUNCTION xsell.importance(text, integer, integer) IS
'What a version (by default the champion) lives by, the most important feature first. gain: share of the improvement that its splits brought in training, by the weights of the members that have trees; mean_abs_shap: mean size of its contribution to the log-odds; permutation: growth of the log-loss when its values are shuffled. The last two over so many of the validation rows, the same ones each time; NULL where there are none.';

CREATE VIEW xsell.model_importance WITH (security_invoker = true) AS
SELECT s.model, s.version, s.feature, s.gain / NULLIF(pg_catalog.sum(s.gain) OVER w, 0) AS gain, pg_catalog.rank() OVER (PARTITION BY s.model, s.version ORDER BY s.gain DESC) AS rank
FROM (SELECT g.model, g.version, g.feature, pg_catalog.sum(g.gain * v.member_weight[pg_catalog.array_position(v.member, g.member)]) AS gain
      FROM xsell_internal.model_importance g JOIN xsell_internal.model_version v ON v.model = g.model AND v.version = g.version
      GROUP BY g.model, g.version, g.feature) s
WINDOW w AS (PARTITION BY s.model, s.version);
COMMENT ON VIEW xsell.model_importance IS 'What each version lives by, as its training measured it: read at once; xsell.importance() measures more.';
COMMENT ON COLUMN xsell.model_importance.model IS 'The model.';
COMMENT ON COLUMN xsell.model_importance.version IS 'Its version.';
COMMENT ON COLUMN xsell.model_importance.feature IS 'The feature.';
COMMENT ON COLUMN xsell.model_importance.gain IS 'Share of the improvement that its splits brought, by the weights of the members that have trees.';
COMMENT ON COLUMN xsell.model_importance.rank IS '1 is the most important.';

-- What if.

CREATE FUNCTION xsell_internal.edit_distance(a text, b text) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'xsell_edit_distance';
COMMENT ON FUNCTION xsell_internal.edit_distance(text, text) IS 'Letters to insert, delete or replace to make one text of the other.';

CREATE FUNCTION xsell_internal.overridden(model text, version integer, x real[], overrides jsonb) RETURNS real[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v record;
    feature text[];
    changed record;
    place integer;
    near text;
    kind text;
    code real;
BEGIN
    SELECT k.feature, k.feature_set, k.feature_set_version, s.kind INTO STRICT v
    FROM xsell_internal.model_version k
    LEFT JOIN xsell_internal.feature_set s ON s.name = k.feature_set AND s.version = k.feature_set_version
    WHERE k.model = overridden.model AND k.version = overridden.version;
    feature := v.feature;
    IF x IS NULL OR cardinality(x) <> cardinality(feature) THEN
        RAISE EXCEPTION 'x has % elements, the model has % features', COALESCE(cardinality(x), 0), cardinality(feature) USING ERRCODE = 'invalid_parameter_value';
    ELSIF jsonb_typeof(overrides) <> 'object' THEN
        RAISE EXCEPTION 'overrides must be an object of features and values, such as %', jsonb_build_object(feature[1], 1) USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOR changed IN SELECT o.key AS name, o.value FROM jsonb_each(overrides) o LOOP
        place := array_position(feature, changed.name);
        kind := jsonb_typeof(changed.value);
        IF place IS NULL THEN
            SELECT string_agg(quote_ident(n.name), ', ' ORDER BY n.distance, n.name) INTO near
            FROM (SELECT f.name, xsell_internal.edit_distance(lower(f.name), lower(changed.name)) AS distance
                  FROM unnest(feature) AS f(name) ORDER BY 2, 1 LIMIT 3) n;
            RAISE EXCEPTION 'the model has no feature "%"', changed.name USING ERRCODE = 'undefined_column', HINT = format('The nearest are: %s.', near);
        ELSIF kind IN ('array', 'object') OR kind = 'string' AND v.kind[place] IS DISTINCT FROM 'category' THEN
            RAISE EXCEPTION 'the value of feature "%" must be a number, true, false or null, not %', changed.name, changed.value
                USING ERRCODE = 'invalid_parameter_value';
        ELSIF kind = 'string' THEN  -- a value that is in no dictionary has the code 0
            SELECT COALESCE(max(c.code), 0) INTO code FROM xsell_internal.category c
            WHERE c.feature_set = v.feature_set AND c.version = v.feature_set_version AND c.feature = changed.name
              AND c.sha256 = sha256(convert_to(changed.value #>> '{}', 'UTF8'));
        ELSE
            code := CASE kind WHEN 'number' THEN changed.value::real WHEN 'boolean' THEN changed.value::boolean::integer END;
        END IF;
        x[place - 1 + array_lower(x, 1)] := code;
    END LOOP;
    RETURN x;
END
$$;
COMMENT ON FUNCTION xsell_internal.overridden(text, integer, real[], jsonb) IS
'A row with the values of some features, named in an object, replaced; null is missing, a categorical takes its text. An unknown name is an error that lists the nearest.';

CREATE FUNCTION xsell.what_if(model text, x real[], overrides jsonb, version integer DEFAULT NULL)
RETURNS TABLE (probability_before double precision, probability_after double precision, change double precision, version_used integer)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
    SELECT s.before, s.after, s.after - s.before, s.version
    FROM (SELECT v.version, xsell_internal.predict_version(v.model, v.version, what_if.x) AS before,
                 xsell_internal.predict_version(v.model, v.version, xsell_internal.overridden(v.model, v.version, what_if.x, what_if.overrides)) AS after
          FROM xsell_internal.model_version v
          WHERE v.model = what_if.model AND v.version = xsell_internal.existing_version(what_if.model, what_if.version)
            AND what_if.x IS NOT NULL AND what_if.overrides IS NOT NULL
          OFFSET 0) s;
END;
COMMENT ON FUNCTION xsell.what_if(text, real[], jsonb, integer) IS
'The probability of a row of features, and what it would be with other values: xsell.what_if(''cross_sell'', f.x, ''{"recency_days": 10, "win_rate": null}''); null is missing. Which contributions change: xsell.what_if_reasons. Without a version the champion answers, or else the newest.';

CREATE FUNCTION xsell.what_if_reasons(model text, x real[], overrides jsonb, version integer DEFAULT NULL, top_k integer DEFAULT 5)
RETURNS TABLE ("position" integer, feature text, value_before real, value_after real,
               contribution_before double precision, contribution_after double precision, change double precision)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 5
BEGIN ATOMIC
    SELECT c.place::integer, c.feature, c.value_before, c.value_after, c.before, c.after, c.after - c.before
    FROM (SELECT b.feature, b.value AS value_before, a.value AS value_after, b.contribution AS before, a.contribution AS after,
                 pg_catalog.row_number() OVER (ORDER BY pg_catalog.abs(a.contribution - b.contribution) DESC, b.feature) AS place
          FROM xsell_internal.model_version v
          CROSS JOIN LATERAL xsell_internal.explain_values(v.model, v.version, what_if_reasons.x, NULL) b
          JOIN LATERAL xsell_internal.explain_values(v.model, v.version,
                   xsell_internal.overridden(v.model, v.version, what_if_reasons.x, what_if_reasons.overrides), NULL) a ON a.feature = b.feature
          WHERE v.model = what_if_reasons.model AND v.version = xsell_internal.existing_version(what_if_reasons.model, what_if_reasons.version)
            AND what_if_reasons.x IS NOT NULL AND what_if_reasons.overrides IS NOT NULL) c
    WHERE c.place <= COALESCE(what_if_reasons.top_k, c.place)
    ORDER BY c.place;
END;
COMMENT ON FUNCTION xsell.what_if_reasons(text, real[], jsonb, integer, integer) IS
'The features whose contributions to the log-odds change most between a row and the same row with other values (see xsell.what_if), overridden or not.';

-- Scoring views.

CREATE FUNCTION xsell_internal.scoring_columns(feature text[]) RETURNS TABLE (place integer, name text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT f.place::integer,
           CASE WHEN f.name = '' OR pg_catalog.octet_length(f.name) > 63 OR f.name IN ('entity_id', 'product_id', 'as_of', 'probability')
                     OR pg_catalog.array_position(scoring_columns.feature, f.name) < f.place
                     OR f.name ~ '^feature_\d+$' AND f.name <> 'feature_' || f.place THEN 'feature_' || f.place ELSE f.name END
    FROM pg_catalog.unnest(scoring_columns.feature) WITH ORDINALITY AS f(name, place) ORDER BY f.place;
END;
COMMENT ON FUNCTION xsell_internal.scoring_columns(text[]) IS
'Names of features as columns of a view: their own, or feature_ and the place where that is taken, empty or too long for an identifier.';

CREATE FUNCTION xsell_internal.features_sha256(feature text[]) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(feature::text, 'UTF8')), 'hex');
COMMENT ON FUNCTION xsell_internal.features_sha256(text[]) IS 'Hash (hex) of an ordered list of names.';

CREATE FUNCTION xsell_internal.require_features(model text, sha256 text) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (
        SELECT FROM xsell_internal.live_feature_set(model) k
        JOIN xsell_internal.feature_set s ON s.name = k.feature_set AND s.version = k.version
        WHERE xsell_internal.features_sha256(s.feature) <> require_features.sha256
        UNION ALL
        SELECT FROM xsell_internal.deployment d JOIN xsell_internal.model_version v ON v.model = d.model AND v.version = d.version
        WHERE d.model = require_features.model AND d.role = 'champion' AND xsell_internal.features_sha256(v.feature) <> require_features.sha256) THEN
        RAISE EXCEPTION 'the features of model "%" are not those that this view names', model USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = 'Train and deploy a version that takes the present features, then drop the view and call xsell.create_scoring_view again.';
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION xsell_internal.require_features(text, text) IS
'True while a model''s features and those of its champion are the ones with this hash; else an error: a scoring view would show values under other names.';

CREATE FUNCTION xsell.create_scoring_view(model text, name text DEFAULT NULL, schema text DEFAULT pg_catalog.current_schema()) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    view_name text := COALESCE(name, model || '_scores');
    full_name text;
    mark text := format('Features and scores of model %s, by name.', model);
    features text[];
    existing oid;
    item record;
BEGIN
    SELECT s.feature INTO features
    FROM xsell_internal.live_feature_set(model) k
    JOIN xsell_internal.feature_set s ON s.name = k.feature_set AND s.version = k.version;
    IF schema IS NULL OR NOT EXISTS (SELECT FROM pg_namespace n WHERE n.nspname = schema) THEN
        RAISE EXCEPTION USING MESSAGE = COALESCE('schema "' || schema || '" does not exist', 'there is no schema to create the view in'),
            ERRCODE = 'invalid_schema_name',
            HINT = 'Name one that you may create a view in: xsell.create_scoring_view(model, schema => ...).';
    ELSIF view_name = '' OR octet_length(view_name) > 63 THEN
        RAISE EXCEPTION 'name of the view must have 1 to 63 bytes' USING ERRCODE = 'invalid_name';
    END IF;
    full_name := format('%I.%I', schema, view_name);
    SELECT c.oid INTO existing FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = schema AND c.relname = view_name;
    IF existing IS NOT NULL AND obj_description(existing, 'pg_class') IS DISTINCT FROM mark THEN
        RAISE EXCEPTION 'relation % exists and is not a scoring view of model "%"', full_name, model USING ERRCODE = 'duplicate_table',
            HINT = 'Name another: xsell.create_scoring_view(model, name => ...).';
    END IF;
    BEGIN
        EXECUTE format('CREATE OR REPLACE VIEW %1$s WITH (security_invoker = true) AS SELECT f.entity_id, f.product_id, f.as_of, %2$s, '
                       || 'xsell.predict(%3$L, f.x) AS probability FROM xsell.features(%3$L, xsell.clock()) f '
                       || 'WHERE xsell_internal.require_features(%3$L, %4$L)', full_name,
            (SELECT string_agg(format('f.x[%s] AS %I', c.place, c.name), ', ' ORDER BY c.place) FROM xsell_internal.scoring_columns(features) c), model,
            xsell_internal.features_sha256(features));
    EXCEPTION WHEN invalid_table_definition THEN
        RAISE EXCEPTION 'the columns of % would change', full_name USING ERRCODE = 'invalid_table_definition',
            HINT = format('Drop it first, and grant it anew: DROP VIEW %s.', full_name);
    END;
    EXECUTE format('COMMENT ON VIEW %s IS %L', full_name, mark);
    FOR item IN
        SELECT v.name, v.text FROM (VALUES ('entity_id', 'The customer; see xsell.entity.'), ('product_id', 'The product.'),
            ('as_of', 'When the features are of.'), ('probability', format('Calibrated probability by the champion of model %s.', model))) AS v(name, text)
        UNION ALL
        SELECT c.name, format('Feature %s of model %s; NULL: unknown.', features[c.place], model) FROM xsell_internal.scoring_columns(features) c
    LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', full_name, item.name, item.text);
    END LOOP;
    RETURN full_name;
END
$$;
COMMENT ON FUNCTION xsell.create_scoring_view(text, text, text) IS
'Makes a view of a model''s features now, a column for each under its name, with the probability, for BI tools: by default model_scores in your own schema. Who reads it needs xsell_reader and sees what row security leaves. Calling it again replaces the view while its columns stay the same. Returns the name.';

SELECT pg_catalog.pg_extension_config_dump('xsell_internal.model_importance', '');
