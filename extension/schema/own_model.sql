-- Models of one's own: labels from any query, features from any feature set, trained and scored like cross_sell.

CREATE FUNCTION xsell_internal.check_label_query(query text, owner name) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wrong record;
BEGIN
    SELECT COALESCE(c.name, k.name) AS name, c.type, k.name IS NOT NULL AS known, k.types INTO wrong
    FROM xsell_internal.query_columns(query, owner) c
    FULL JOIN (VALUES ('entity_id', true, ARRAY['bigint', 'integer']), ('y', true, ARRAY['integer', 'boolean', 'smallint', 'bigint']),
                      ('product_id', false, ARRAY['bigint', 'integer']), ('as_of', false, ARRAY['timestamp with time zone']),
                      ('weight', false, ARRAY['real', 'double precision', 'numeric', 'integer', 'bigint']),
                      ('slice', false, ARRAY['text', 'character varying'])) AS k(name, required, types) USING (name)
    WHERE k.name IS NULL OR c.name IS NULL AND k.required OR c.type::text <> ALL (k.types)
    ORDER BY c.name IS NOT NULL, k.name IS NOT NULL, 1 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = CASE WHEN wrong.type IS NULL THEN format('the label query returns no column "%s"', wrong.name)
                           WHEN NOT wrong.known THEN format('the label query returns a column "%s" that labels do not have', wrong.name)
                           ELSE format('column "%s" of the label query is of type %s, not %s', wrong.name, wrong.type, array_to_string(wrong.types, ' or ')) END,
            HINT = 'It returns entity_id and y (0 or 1, or boolean) and, where they apply, product_id, as_of (timestamptz), weight and slice (train, calibrate or validate).';
    END IF;
END
$$;
COMMENT ON FUNCTION xsell_internal.check_label_query(text, name) IS 'Refuses a query that does not return labels: wrong, missing or unknown columns.';

CREATE FUNCTION xsell.create_model(model text, feature_set text, label_query text, horizon interval DEFAULT NULL, description text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF model IS NULL OR feature_set IS NULL OR label_query IS NULL THEN
        RAISE EXCEPTION 'model, feature_set and label_query must not be null' USING ERRCODE = 'null_value_not_allowed';
    ELSIF model !~ '^[A-Za-z_][A-Za-z0-9_.-]{0,62}$' THEN
        RAISE EXCEPTION '"%" cannot name a model', model USING ERRCODE = 'invalid_name',
            HINT = 'A name begins with a letter or _ and goes on with letters, digits, _ . and -, 63 at most.';
    ELSIF EXISTS (SELECT FROM xsell_internal.model m WHERE m.model = create_model.model) THEN
        RAISE EXCEPTION 'model "%" exists already', model USING ERRCODE = 'duplicate_object';
    ELSIF NOT EXISTS (SELECT FROM xsell_internal.feature_set s WHERE s.name = create_model.feature_set) THEN
        RAISE EXCEPTION 'feature set "%" does not exist', feature_set USING ERRCODE = 'undefined_object',
            HINT = format('Create one with xsell.create_feature_set; there are: %s.',
                          (SELECT string_agg(DISTINCT quote_ident(s.name), ', ' ORDER BY quote_ident(s.name)) FROM xsell_internal.feature_set s));
    ELSIF horizon <= interval '0' THEN
        RAISE EXCEPTION 'horizon must be longer than zero' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM xsell_internal.check_label_query(label_query, CURRENT_USER);
    INSERT INTO xsell_internal.model (model, feature_set, horizon, label_query, label_owner, description)
    VALUES (create_model.model, create_model.feature_set, create_model.horizon, create_model.label_query, CURRENT_USER, create_model.description);
END
$$;
COMMENT ON FUNCTION xsell.create_model(text, text, text, interval, text) IS
'Registers a model of one''s own. label_query returns entity_id and y (0 or 1, or boolean) and, where they apply, product_id, as_of (timestamptz; without it, now), weight and slice (train, calibrate or validate; without it, by a hash of the entity and, where as_of varies, in order of time). $1 in it is the time of the training. It runs as its owner, restricted to reading, and spells tables with their schema. Then: CALL xsell.train(model).';

CREATE FUNCTION xsell.drop_model(model text, force boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    own boolean;
BEGIN
    PERFORM xsell_internal.require_model(model);
    SELECT m.label_query IS NOT NULL INTO own FROM xsell_internal.model m WHERE m.model = drop_model.model FOR UPDATE;
    IF NOT own THEN
        RAISE EXCEPTION 'model "%" is built in', model USING ERRCODE = 'reserved_name';
    END IF;
    IF force IS NOT TRUE AND EXISTS (SELECT FROM xsell_internal.model_version v WHERE v.model = drop_model.model AND v.status <> 'dropped') THEN
        RAISE EXCEPTION 'model "%" still has versions', model USING ERRCODE = 'object_in_use',
            HINT = format('To drop it with all of them, what is deployed too: SELECT xsell.drop_model(%L, force => true).', model);
    END IF;
    DELETE FROM xsell_internal.training_run r WHERE r.model = drop_model.model AND r.state = 'queued';
    DELETE FROM xsell_internal.training_trial t WHERE t.model = drop_model.model;
    DELETE FROM xsell_internal.deployment d WHERE d.model = drop_model.model;
    DELETE FROM xsell_internal.model_version v WHERE v.model = drop_model.model;
    DELETE FROM xsell_internal.model m WHERE m.model = drop_model.model;
END
$$;
COMMENT ON FUNCTION xsell.drop_model(text, boolean) IS
'Drops a model of one''s own and all that is known of it but its history of trainings and deployments. Refused while it has versions that are not dropped, unless forced.';

CREATE FUNCTION xsell_internal.labels(model text, at timestamptz)
RETURNS TABLE (entity_id bigint, product_id bigint, as_of timestamptz, y integer, weight real, slice text)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 100000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    m xsell_internal.model;
    has text[];
    types text;
BEGIN
    SELECT * INTO m FROM xsell_internal.model k WHERE k.model = labels.model;
    IF m.label_query IS NULL OR at IS NULL THEN
        RETURN;
    END IF;
    PERFORM xsell_internal.check_label_query(m.label_query, m.label_owner);
    SELECT array_agg(c.name), string_agg(format('%I %s', c.name, c.type), ', ') INTO has, types FROM xsell_internal.query_columns(m.label_query, m.label_owner) c;
    RETURN QUERY EXECUTE format('SELECT q.entity_id::bigint, %s, %s, q.y::integer, %s, %s FROM xsell_internal.run_query(%L, %L, $1) AS q(%s)',
        CASE WHEN 'product_id' = ANY (has) THEN 'q.product_id::bigint' ELSE 'NULL::bigint' END,
        CASE WHEN 'as_of' = ANY (has) THEN 'COALESCE(q.as_of, $1)' ELSE '$1' END,
        CASE WHEN 'weight' = ANY (has) THEN 'COALESCE(q.weight::real, 1)' ELSE '1::real' END,
        CASE WHEN 'slice' = ANY (has) THEN 'q.slice::text' ELSE 'NULL::text' END,
        m.label_owner, m.label_query, types) USING at;
END
$$;
COMMENT ON FUNCTION xsell_internal.labels(text, timestamptz) IS
'Labels of a model of one''s own, as its label query gives them at a time; none for a model that learns from wins of products.';

-- What is wrong with a label, in words; NULL: nothing.
CREATE FUNCTION xsell_internal.label_fault(entity_id bigint, as_of timestamptz, y integer, weight real, slice text, at timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN entity_id IS NULL THEN 'entity_id is NULL'
            WHEN y IS NULL THEN pg_catalog.format('y of entity %s is NULL', entity_id)
            WHEN y NOT IN (0, 1) THEN pg_catalog.format('y of entity %s is %s', entity_id, y)
            WHEN NOT pg_catalog.isfinite(as_of) OR as_of > at THEN pg_catalog.format('as_of of entity %s is %s, not a time up to %s', entity_id, as_of, at)
            WHEN NOT (weight > 0 AND weight < 'infinity') THEN pg_catalog.format('weight of entity %s is %s', entity_id, weight)
            WHEN slice NOT IN ('train', 'calibrate', 'validate') THEN pg_catalog.format('slice of entity %s is "%s"', entity_id, slice) END;
COMMENT ON FUNCTION xsell_internal.label_fault(bigint, timestamptz, integer, real, text, timestamptz) IS 'What is wrong with a label; NULL: nothing.';
