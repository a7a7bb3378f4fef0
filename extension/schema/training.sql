-- Training: which rows a model learns from, calibrates with and is validated on.

-- Entities are split by a hash that is the same on every server, so that an entity keeps its slice for ever:
-- six in ten train, the next calibrate, a quarter validates.
CREATE FUNCTION xsell_internal.slice_of(entity bigint) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN pg_catalog.hashint8extended(entity, 20) & 1023 < 614 THEN 'train'
            WHEN pg_catalog.hashint8extended(entity, 20) & 1023 < 768 THEN 'calibrate'
            ELSE 'validate' END;
COMMENT ON FUNCTION xsell_internal.slice_of(bigint) IS
'The slice that an entity belongs to: train (60 %), calibrate (15 %) or validate (25 %). No entity is ever in two.';

-- Training and a later validation take two horizons, and half of one before them to look back at.
CREATE FUNCTION xsell_internal.fitting_days(history_start timestamptz, history_end timestamptz, from_time timestamptz) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN floor(extract(epoch FROM LEAST((history_end - history_start) / 2.5, (history_end - COALESCE(from_time, history_start)) / 2)) / 86400);
COMMENT ON FUNCTION xsell_internal.fitting_days(timestamptz, timestamptz, timestamptz) IS 'Days of the longest horizon that a history carries.';

CREATE FUNCTION xsell.longest_horizon(model text) RETURNS interval
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT LEAST(m.horizon, pg_catalog.make_interval(days => (
        SELECT xsell_internal.fitting_days(min(p.won_at), max(p.won_at), NULL) FROM xsell_internal.purchase p WHERE p.won_at <= xsell.clock())))
    FROM xsell_internal.model m WHERE m.model = longest_horizon.model;
END;
COMMENT ON FUNCTION xsell.longest_horizon(text) IS
'The model''s horizon, or the longest one that the history carries where that is shorter: CALL xsell.train(''cross_sell'', horizon => xsell.longest_horizon(''cross_sell'')).';

-- Whether a negative is kept when only a share of them is: by a hash, so that the same one is kept again.
CREATE FUNCTION xsell_internal.sampled(entity bigint, product bigint, at timestamptz, rate real) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (pg_catalog.hashint8extended(COALESCE(product, 0), pg_catalog.hashint8extended(entity, pg_catalog.date_part('epoch', at)::bigint)) & 1048575) < rate * 1048576;
COMMENT ON FUNCTION xsell_internal.sampled(bigint, bigint, timestamptz, real) IS 'Whether a row without a win stays when only a share of them does.';

CREATE FUNCTION xsell_internal.purchase_plan(model text, from_time timestamptz, horizon interval, snapshots integer, max_rows bigint,
    until timestamptz DEFAULT NULL, OUT plan jsonb, OUT expected_rows bigint)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    look_ahead interval;
    train_at timestamptz[];
    validate_at timestamptz;
    candidates constant integer := COALESCE(NULLIF(current_setting('xsell.candidates', true), '')::integer, 200);
    history_start timestamptz;
    history_end timestamptz;
    earliest timestamptz;
    fitting integer;
    per_entity integer;
BEGIN
    SELECT make_interval(secs => extract(epoch FROM COALESCE(purchase_plan.horizon, m.horizon))) INTO look_ahead
    FROM xsell_internal.model m WHERE m.model = purchase_plan.model;
    IF look_ahead IS NULL THEN
        RAISE EXCEPTION 'model "%" has no horizon', model USING ERRCODE = 'invalid_parameter_value',
            HINT = format('Say how far ahead it shall look: CALL xsell.train(%L, horizon => ''180 days'').', model);
    END IF;
    -- Data end with the last win that is known, not with the clock: a set that stopped in the past has no empty months after it.
    SELECT min(p.won_at), max(p.won_at) INTO history_start, history_end
    FROM xsell_internal.purchase p WHERE p.won_at <= COALESCE(until, xsell.clock());
    IF history_end IS NULL THEN
        RAISE EXCEPTION 'no purchase is known' USING ERRCODE = 'no_data_found',
            HINT = 'Sync an org with won deals, then SELECT * FROM xsell.refresh().';
    END IF;
    -- The first snapshot wants half a horizon of history to look back at.
    earliest := greatest(history_start + look_ahead / 2, from_time);
    validate_at := history_end - look_ahead;
    IF validate_at - look_ahead < earliest THEN
        fitting := xsell_internal.fitting_days(history_start, history_end, from_time);
        RAISE EXCEPTION 'a history of % days is too short for a horizon of % days',
                floor(extract(epoch FROM history_end - greatest(history_start, from_time)) / 86400),
                trim_scale(round(extract(epoch FROM look_ahead) / 86400, 1))
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = 'Training, and validation later in time, take two horizons, and half of one before them.',
                  HINT = CASE WHEN fitting >= 1 THEN format('The longest horizon that fits is %s days: CALL xsell.train(%L, horizon => ''%s days'').', fitting, model, fitting)
                              ELSE 'No horizon of a day or longer fits; recommendations come from the heuristic until there is more history.' END;
    END IF;
    SELECT array_agg(t.at ORDER BY t.at) INTO train_at
    FROM (SELECT validate_at - look_ahead - look_ahead / 2 * k AS at FROM generate_series(0, least(greatest(snapshots, 1), 1000) - 1) k) t
    WHERE t.at >= earliest;
    per_entity := least(candidates, (SELECT count(*) FROM xsell_internal.canonical_product));
    -- Every snapshot trains on its share of the entities; the latest gives the calibration rows too.
    SELECT ceil(sum(e.entities * CASE WHEN e.at = validate_at - look_ahead THEN 0.75 ELSE 0.6 END) * per_entity) INTO expected_rows
    FROM (SELECT t.at, count(DISTINCT p.entity_id) AS entities
          FROM unnest(train_at) AS t(at) JOIN xsell_internal.purchase p ON p.won_at <= t.at GROUP BY t.at) e;
    plan := jsonb_build_object('train_at', train_at, 'validate_at', validate_at, 'look_ahead', extract(epoch FROM look_ahead), 'candidates', candidates,
        'negative_rate', least(1, max_rows / greatest(expected_rows, 1)::double precision)::real);
    expected_rows := least(expected_rows, max_rows);
END
$$;
COMMENT ON FUNCTION xsell_internal.purchase_plan(text, timestamptz, interval, integer, bigint, timestamptz) IS
'When a training on wins that were known at a time (until; NULL: now) looks at the data: snapshots whose labels end before the validation snapshot, which is the last one whose labels are complete; and which share of the negatives it keeps. A history too short for the horizon is an error that names the longest that fits.';

CREATE FUNCTION xsell_internal.label_plan(model text, from_time timestamptz, horizon interval, max_rows bigint, OUT plan jsonb, OUT expected_rows bigint)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    at constant timestamptz := xsell.clock();
    most_times constant integer := 1000;
    look_ahead interval;
    label record;
    split record;
BEGIN
    SELECT make_interval(secs => extract(epoch FROM COALESCE(label_plan.horizon, m.horizon))) INTO look_ahead
    FROM xsell_internal.model m WHERE m.model = label_plan.model;
    SELECT count(*) AS rows, COALESCE(sum(l.y), 0) AS positives, count(DISTINCT l.as_of) AS times, count(l.slice) AS sliced, min(l.as_of) AS first, max(l.as_of) AS last,
           min(xsell_internal.label_fault(l.entity_id, l.as_of, l.y, l.weight, l.slice, at)) AS fault INTO label
    FROM xsell_internal.labels(label_plan.model, at) l WHERE l.as_of >= COALESCE(from_time, '-infinity');
    IF label.fault IS NOT NULL THEN
        RAISE EXCEPTION 'the label query of model "%" returns a wrong label: %', model, label.fault USING ERRCODE = 'invalid_parameter_value',
            HINT = 'y is 0 or 1, as_of lies in the past, weights are positive, slice is train, calibrate or validate.';
    ELSIF label.rows = 0 THEN
        RAISE EXCEPTION 'the label query of model "%" returns no rows', model USING ERRCODE = 'no_data_found',
            HINT = format('It ran as role %s: SELECT * FROM xsell_internal.labels(%L, xsell.clock()).',
                          (SELECT quote_ident(m.label_owner) FROM xsell_internal.model m WHERE m.model = label_plan.model), model);
    ELSIF label.positives IN (0, label.rows) THEN
        RAISE EXCEPTION 'y is % in every label of model "%": there is nothing to tell apart', sign(label.positives), model USING ERRCODE = 'no_data_found';
    ELSIF label.times > most_times THEN
        RAISE EXCEPTION 'the labels of model "%" are of % different times, the features of each would be computed anew', model, label.times
            USING ERRCODE = 'program_limit_exceeded', HINT = format('At most %s times: round as_of, for example date_trunc(''week'', as_of).', most_times);
    END IF;
    -- The last quarter of the labels validates; what trains has ended by then, and its later half calibrates.
    WITH moment AS (
        SELECT l.as_of, sum(count(*)) OVER (ORDER BY l.as_of) / label.rows AS share
        FROM xsell_internal.labels(label_plan.model, at) l WHERE l.as_of >= COALESCE(from_time, '-infinity') GROUP BY l.as_of
    ), validate AS (
        SELECT COALESCE(min(m.as_of) FILTER (WHERE m.share > 0.75 AND m.as_of > label.first), label.last) AS since FROM moment m
    ), train AS (
        SELECT v.since, max(m.as_of) AS until, max(m.share) AS share FROM moment m, validate v
        WHERE label.times = 1 OR m.as_of < v.since AND m.as_of + COALESCE(look_ahead, interval '0') <= v.since GROUP BY v.since
    )
    SELECT t.since AS validate_from, t.until AS train_until, min(m.as_of) FILTER (WHERE m.share > t.share / 2) AS calibrate_from INTO split
    FROM train t, moment m GROUP BY t.since, t.until;
    IF split.train_until IS NULL AND label.sliced < label.rows THEN
        RAISE EXCEPTION 'the labels of model "%" span % days, too few for a horizon of % days', model,
                floor(extract(epoch FROM label.last - label.first) / 86400), trim_scale(round(extract(epoch FROM look_ahead) / 86400, 1))
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = 'Labels that train must have ended before those that validate begin.', HINT = 'Take a shorter horizon, or labels of earlier times.';
    END IF;
    expected_rows := CASE WHEN label.sliced = 0 THEN ceil(label.rows * 0.75) ELSE label.rows END;
    plan := jsonb_build_object('at', at, 'from', label.first, 'train_until', split.train_until, 'calibrate_from', split.calibrate_from,
        'validate_from', split.validate_from, 'look_ahead', extract(epoch FROM look_ahead),
        'negative_rate', least(1, max_rows / greatest(expected_rows, 1)::double precision)::real);
    expected_rows := least(expected_rows, max_rows);
END
$$;
COMMENT ON FUNCTION xsell_internal.label_plan(text, timestamptz, interval, bigint) IS
'How the labels of a model of one''s own are divided. No labels, one class or a wrong label is an error.';

CREATE FUNCTION xsell_internal.training_plan(model text, from_time timestamptz, horizon interval, snapshots integer, max_rows bigint,
    until timestamptz DEFAULT NULL, OUT plan jsonb, OUT expected_rows bigint)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    own boolean;
BEGIN
    PERFORM xsell_internal.require_model(model);
    SELECT m.label_query IS NOT NULL INTO own FROM xsell_internal.model m WHERE m.model = training_plan.model;
    IF horizon < interval '1 hour' THEN
        RAISE EXCEPTION 'a horizon of % is too short', horizon USING ERRCODE = 'invalid_parameter_value',
            HINT = 'It must be an hour at least; write the unit too, as in ''90 days'': a bare number counts seconds.';
    ELSIF horizon > interval '100 years' THEN
        RAISE EXCEPTION 'horizon must be at most 100 years' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF own THEN
        SELECT p.plan, p.expected_rows INTO plan, expected_rows FROM xsell_internal.label_plan(model, from_time, horizon, max_rows) p;
    ELSE
        SELECT p.plan, p.expected_rows INTO plan, expected_rows FROM xsell_internal.purchase_plan(model, from_time, horizon, snapshots, max_rows, until) p;
    END IF;
    plan := plan || (SELECT jsonb_build_object('feature_set', s.feature_set, 'feature_set_version', s.version) FROM xsell_internal.feature_set_of(model) s);
END
$$;
COMMENT ON FUNCTION xsell_internal.training_plan(text, timestamptz, interval, integer, bigint, timestamptz) IS
'When and how a training looks at the data (of a model of wins: at what was known until a time), and about how many rows it will read. The same plan gives the same rows as long as the tables hold them, whatever came later.';

-- A function of its own, with settings: wins are few to the planner, and joined with them in a loop the candidates would take hours.
CREATE FUNCTION xsell_internal.labelled_rows(feature_set text, version integer, as_of timestamptz, look_ahead interval)
RETURNS TABLE (entity_id bigint, product_id bigint, x real[], y integer)
LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 100000
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT c.entity_id, c.product_id, c.x,
           ((c.entity_id, c.product_id) IN (SELECT p.entity_id, p.product_id FROM xsell_internal.purchase p
                WHERE p.won_at > labelled_rows.as_of AND p.won_at <= labelled_rows.as_of + labelled_rows.look_ahead
                  AND (p.deleted_at IS NULL OR p.deleted_at > labelled_rows.as_of + labelled_rows.look_ahead)) IS TRUE)::integer
    FROM xsell_internal.features_of(labelled_rows.feature_set, labelled_rows.version, labelled_rows.as_of) c;
END;
COMMENT ON FUNCTION xsell_internal.labelled_rows(text, integer, timestamptz, interval) IS
'Every candidate as of a time, with what was known then, and whether it was won within the horizon after it.';

-- What somebody refused is a surer no than what nobody may have offered. As long as it was refused at the end of the horizon: what is taken
-- back later changes no training before.
CREATE FUNCTION xsell_internal.rejected_pairs(since timestamptz, until timestamptz) RETURNS TABLE (entity_id bigint, product_id bigint)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT DISTINCT l.entity_id, l.product_id
    FROM xsell_internal.change_log l
    WHERE l.action = 'status' AND l.after ->> 'status' IN ('lost', 'dismissed') AND l.clock_at > since AND l.clock_at <= until
      AND NOT EXISTS (SELECT FROM xsell_internal.change_log u WHERE u.undoes = l.change_id AND u.clock_at <= until);
END;
COMMENT ON FUNCTION xsell_internal.rejected_pairs(timestamptz, timestamptz) IS
'Pairs whose recommendation somebody set to lost or dismissed between two times, and did not take back by then.';

CREATE FUNCTION xsell_internal.purchase_rows(plan jsonb, slices text[])
RETURNS TABLE (entity_id bigint, product_id bigint, as_of timestamptz, x real[], y integer, weight real, slice text)
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    WITH rule AS MATERIALIZED (
        SELECT purchase_rows.plan ->> 'feature_set' AS feature_set, (purchase_rows.plan ->> 'feature_set_version')::integer AS version,
               ARRAY(SELECT t.at::timestamptz FROM pg_catalog.jsonb_array_elements_text(purchase_rows.plan -> 'train_at') AS t(at) ORDER BY 1) AS train_at,
               (purchase_rows.plan ->> 'validate_at')::timestamptz AS validate_at,
               pg_catalog.make_interval(secs => (purchase_rows.plan ->> 'look_ahead')::double precision) AS look_ahead,
               (purchase_rows.plan ->> 'negative_rate')::real AS negative_rate
    ), snapshot AS (
        SELECT t.at, t.at = r.train_at[pg_catalog.cardinality(r.train_at)] AS latest, false AS validate, r.look_ahead, r.negative_rate, r.feature_set, r.version
        FROM rule r CROSS JOIN LATERAL pg_catalog.unnest(r.train_at) AS t(at)
        WHERE purchase_rows.slices && '{train,calibrate}'::text[]
        UNION ALL
        SELECT r.validate_at, false, true, r.look_ahead, 1, r.feature_set, r.version FROM rule r WHERE r.validate_at IS NOT NULL AND 'validate' = ANY (purchase_rows.slices)
    ), refused AS MATERIALIZED (
        SELECT s.at, p.entity_id, p.product_id FROM snapshot s CROSS JOIN LATERAL xsell_internal.rejected_pairs(s.at, s.at + s.look_ahead) p WHERE NOT s.validate
    )
    -- A refusal counts twice where a model learns, once where its probabilities are set: else they would be too low.
    SELECT l.entity_id, l.product_id, s.at, l.x, l.y,
           CASE WHEN l.y = 1 THEN 1
                WHEN n.refused THEN CASE xsell_internal.slice_of(l.entity_id) WHEN 'train' THEN 2 ELSE 1 END
                ELSE 1 / s.negative_rate END::real, xsell_internal.slice_of(l.entity_id)
    FROM snapshot s CROSS JOIN LATERAL xsell_internal.labelled_rows(s.feature_set, s.version, s.at, s.look_ahead) l
    -- Looked up row by row: a join might sort everything before the first row is out.
    CROSS JOIN LATERAL (SELECT (s.at, l.entity_id, l.product_id) IN (SELECT f.at, f.entity_id, f.product_id FROM refused f) AS refused OFFSET 0) n
    WHERE CASE xsell_internal.slice_of(l.entity_id) WHEN 'train' THEN NOT s.validate WHEN 'calibrate' THEN s.latest ELSE s.validate END
      AND xsell_internal.slice_of(l.entity_id) = ANY (purchase_rows.slices)
      AND (l.y = 1 OR s.negative_rate >= 1 OR n.refused OR xsell_internal.sampled(l.entity_id, l.product_id, s.at, s.negative_rate));
END;
COMMENT ON FUNCTION xsell_internal.purchase_rows(jsonb, text[]) IS
'Training rows of a model that learns from wins: candidates as of the times of the plan, and whether each was won within the horizon.';

CREATE FUNCTION xsell_internal.own_rows(model text, plan jsonb, slices text[])
RETURNS TABLE (entity_id bigint, product_id bigint, as_of timestamptz, x real[], y integer, weight real, slice text)
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    WITH rule AS MATERIALIZED (
        SELECT (own_rows.plan ->> 'at')::timestamptz AS at, (own_rows.plan ->> 'from')::timestamptz AS earliest, (own_rows.plan ->> 'train_until')::timestamptz AS train_until,
               (own_rows.plan ->> 'calibrate_from')::timestamptz AS calibrate_from, (own_rows.plan ->> 'validate_from')::timestamptz AS validate_from,
               (own_rows.plan ->> 'negative_rate')::real AS negative_rate
    ), label AS MATERIALIZED (
        SELECT l.entity_id, l.product_id, l.as_of, l.y, COALESCE(l.slice, xsell_internal.slice_of(l.entity_id)) AS slice, r.negative_rate,
               l.weight * CASE WHEN l.y = 1 OR COALESCE(l.slice, xsell_internal.slice_of(l.entity_id)) = 'validate' THEN 1 ELSE 1 / r.negative_rate END AS weight
        FROM rule r CROSS JOIN LATERAL xsell_internal.labels(own_rows.model, r.at) l
        WHERE COALESCE(l.slice, xsell_internal.slice_of(l.entity_id)) = ANY (own_rows.slices) AND l.as_of >= r.earliest
          AND (l.slice IS NOT NULL OR CASE xsell_internal.slice_of(l.entity_id) WHEN 'train' THEN l.as_of <= r.train_until
                                      WHEN 'calibrate' THEN l.as_of BETWEEN r.calibrate_from AND r.train_until ELSE l.as_of >= r.validate_from END)
          AND (l.y = 1 OR r.negative_rate >= 1 OR COALESCE(l.slice, xsell_internal.slice_of(l.entity_id)) = 'validate'
               OR xsell_internal.sampled(l.entity_id, l.product_id, l.as_of, r.negative_rate))
    ), feature AS MATERIALIZED (
        SELECT f.entity_id, f.product_id, t.as_of, f.x
        FROM (SELECT DISTINCT l.as_of FROM label l) t
        CROSS JOIN LATERAL xsell_internal.features_of(own_rows.plan ->> 'feature_set', (own_rows.plan ->> 'feature_set_version')::integer, t.as_of) f
    )
    SELECT l.entity_id, l.product_id, l.as_of, f.x, l.y, l.weight::real, l.slice
    FROM label l JOIN feature f ON f.as_of = l.as_of AND f.entity_id = l.entity_id AND f.product_id IS NOT DISTINCT FROM l.product_id;
END;
COMMENT ON FUNCTION xsell_internal.own_rows(text, jsonb, text[]) IS
'Training rows of a model of one''s own: its labels beside the features as of their times, which are computed once for each time.';

CREATE FUNCTION xsell_internal.training_rows(model text, plan jsonb, slices text[] DEFAULT '{train,calibrate}')
RETURNS TABLE (entity_id bigint, product_id bigint, as_of timestamptz, x real[], y integer, weight real, slice text)
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    -- Each of the two gives nothing for a plan of the other.
    SELECT r.entity_id, r.product_id, r.as_of, r.x, r.y, r.weight, r.slice FROM xsell_internal.purchase_rows($2, $3) r
    UNION ALL
    SELECT r.entity_id, r.product_id, r.as_of, r.x, r.y, r.weight, r.slice FROM xsell_internal.own_rows($1, $2, $3) r;
END;
COMMENT ON FUNCTION xsell_internal.training_rows(text, jsonb, text[]) IS 'The rows that a training plan reads.';

CREATE FUNCTION xsell.training_set(model text, from_time timestamptz DEFAULT NULL, horizon interval DEFAULT NULL,
    snapshots integer DEFAULT 4, max_rows bigint DEFAULT 1000000, with_validation boolean DEFAULT true)
RETURNS TABLE (entity_id bigint, product_id bigint, as_of timestamptz, x real[], y integer, weight real, slice text)
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT r.entity_id, r.product_id, r.as_of, r.x, r.y, r.weight, r.slice
    FROM xsell_internal.training_plan(training_set.model, training_set.from_time, training_set.horizon, training_set.snapshots, training_set.max_rows) p
    CROSS JOIN LATERAL xsell_internal.training_rows(training_set.model, p.plan,
        CASE WHEN training_set.with_validation THEN '{train,calibrate,validate}' ELSE '{train,calibrate}' END::text[]) r;
END;
COMMENT ON FUNCTION xsell.training_set(text, timestamptz, interval, integer, bigint, boolean) IS
'The rows that xsell.train learns from, calibrates with and is validated on: candidates as of several past times, y = 1 where the product was won within the horizon; for a model of one''s own, its labels. Slices share no entity, and what validates lies later than what trains. A product that somebody set to lost or dismissed within the horizon, and that was not won, weighs double where a model learns. When there would be more than max_rows, negatives are sampled and weigh more.';
