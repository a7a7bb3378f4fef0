-- Training: which rows a model learns from, the runs, and how a version comes into being. Nothing here deploys anything.

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

CREATE FUNCTION xsell_internal.training_plan(model text, from_time timestamptz, horizon interval, snapshots integer, max_rows bigint,
    OUT look_ahead interval, OUT train_at timestamptz[], OUT validate_at timestamptz, OUT expected_rows bigint, OUT negative_rate real)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    history_start timestamptz;
    history_end timestamptz;
    earliest timestamptz;
    fitting integer;
    per_entity integer;
BEGIN
    SELECT make_interval(secs => extract(epoch FROM COALESCE(training_plan.horizon, m.horizon))) INTO look_ahead
    FROM xsell_internal.model m WHERE m.model = training_plan.model;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'model "%" does not exist', model USING ERRCODE = 'undefined_object';
    ELSIF look_ahead <= interval '0' THEN
        RAISE EXCEPTION 'horizon must be longer than zero' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- Data end with the last win that is known, not with the clock: a set that stopped in the past has no empty months after it.
    SELECT min(p.won_at), max(p.won_at) INTO history_start, history_end
    FROM xsell_internal.purchase p WHERE p.won_at <= xsell.clock();
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
    per_entity := least(COALESCE(NULLIF(current_setting('xsell.candidates', true), '')::integer, 200),
                        (SELECT count(*) FROM xsell_internal.canonical_product));
    -- Every snapshot trains on its share of the entities; the latest gives the calibration rows too.
    SELECT ceil(sum(e.entities * CASE WHEN e.at = validate_at - look_ahead THEN 0.75 ELSE 0.6 END) * per_entity) INTO expected_rows
    FROM (SELECT t.at, count(DISTINCT p.entity_id) AS entities
          FROM unnest(train_at) AS t(at) JOIN xsell_internal.purchase p ON p.won_at <= t.at GROUP BY t.at) e;
    negative_rate := least(1, max_rows / greatest(expected_rows, 1)::double precision);
    expected_rows := least(expected_rows, max_rows);
END
$$;
COMMENT ON FUNCTION xsell_internal.training_plan(text, timestamptz, interval, integer, bigint) IS
'When a training looks at the data: snapshots whose labels end before the validation snapshot, which is the last one whose labels are complete; and which share of the negatives it keeps. A history too short for the horizon is an error that names the longest that fits.';

CREATE FUNCTION xsell_internal.labelled_rows(model text, as_of timestamptz, look_ahead interval)
RETURNS TABLE (entity_id bigint, product_id bigint, x real[], y integer)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT c.entity_id, c.product_id, c.x, (w.entity_id IS NOT NULL)::integer
    FROM xsell.features(labelled_rows.model, labelled_rows.as_of) c
    LEFT JOIN (SELECT DISTINCT p.entity_id, p.product_id FROM xsell_internal.purchase p
               WHERE p.won_at > labelled_rows.as_of AND p.won_at <= labelled_rows.as_of + labelled_rows.look_ahead
                 AND (p.deleted_at IS NULL OR p.deleted_at > labelled_rows.as_of + labelled_rows.look_ahead)) w
        ON w.entity_id = c.entity_id AND w.product_id = c.product_id;
END;
COMMENT ON FUNCTION xsell_internal.labelled_rows(text, timestamptz, interval) IS
'Every candidate as of a time, with what was known then, and whether it was won within the horizon after it.';

CREATE FUNCTION xsell.training_set(model text, from_time timestamptz DEFAULT NULL, horizon interval DEFAULT NULL,
    snapshots integer DEFAULT 4, max_rows bigint DEFAULT 1000000, with_validation boolean DEFAULT true)
RETURNS TABLE (entity_id bigint, product_id bigint, as_of timestamptz, x real[], y integer, weight real, slice text)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH plan AS MATERIALIZED (
        SELECT * FROM xsell_internal.training_plan(training_set.model, training_set.from_time, training_set.horizon,
                                                   training_set.snapshots, training_set.max_rows)
    ), snapshot AS (
        SELECT t.at, t.at = p.train_at[pg_catalog.cardinality(p.train_at)] AS latest, false AS validate, p.look_ahead, p.negative_rate
        FROM plan p CROSS JOIN LATERAL pg_catalog.unnest(p.train_at) AS t(at)
        UNION ALL
        SELECT p.validate_at, false, true, p.look_ahead, 1 FROM plan p WHERE training_set.with_validation
    )
    SELECT l.entity_id, l.product_id, s.at, l.x, l.y,
           CASE WHEN l.y = 1 THEN 1 ELSE 1 / s.negative_rate END::real, xsell_internal.slice_of(l.entity_id)
    FROM snapshot s CROSS JOIN LATERAL xsell_internal.labelled_rows(training_set.model, s.at, s.look_ahead) l
    WHERE CASE xsell_internal.slice_of(l.entity_id) WHEN 'train' THEN NOT s.validate WHEN 'calibrate' THEN s.latest ELSE s.validate END
      AND (l.y = 1 OR s.negative_rate >= 1
           OR (pg_catalog.hashint8extended(l.product_id, pg_catalog.hashint8extended(l.entity_id, pg_catalog.date_part('epoch', s.at)::bigint)) & 1048575)
              < s.negative_rate * 1048576);
END;
COMMENT ON FUNCTION xsell.training_set(text, timestamptz, interval, integer, bigint, boolean) IS
'The rows that xsell.train learns from, calibrates with and is validated on: candidates as of several past times, y = 1 where the product was won within the horizon. Slices share no entity, and what validates lies later than what trains. When there would be more than max_rows, negatives are sampled and weigh more.';

-- Runs.

CREATE FUNCTION xsell.request_training(model text) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    queued bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM xsell_internal.model m WHERE m.model = request_training.model) THEN
        RAISE EXCEPTION 'model "%" does not exist', model USING ERRCODE = 'undefined_object';
    END IF;
    SELECT min(r.run_id) INTO queued FROM xsell_internal.training_run r WHERE r.model = request_training.model AND r.state = 'queued';
    IF queued IS NULL THEN
        INSERT INTO xsell_internal.training_run (model, phase) VALUES (model, 'waiting') RETURNING run_id INTO queued;
    END IF;
    RETURN queued;
END
$$;
COMMENT ON FUNCTION xsell.request_training(text) IS
'Asks for a training, for sessions that cannot call xsell.train because they work inside a transaction: xselld runs it. Returns the run, one that already waits if there is one; see xsell.training_run.';

CREATE FUNCTION xsell_internal.next_requested_training() RETURNS TABLE (run_id bigint, model text)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT r.run_id, r.model FROM xsell_internal.training_run r WHERE r.state = 'queued' ORDER BY r.run_id LIMIT 1;
END;
COMMENT ON FUNCTION xsell_internal.next_requested_training() IS
'The training that has waited longest: CALL xsell.train of its model takes it over.';

CREATE FUNCTION xsell_internal.begin_training(model text, parameters jsonb) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    run bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM xsell_internal.model m WHERE m.model = begin_training.model) THEN
        RAISE EXCEPTION 'model "%" does not exist', model USING ERRCODE = 'undefined_object',
            HINT = format('Known models: %s.', (SELECT COALESCE(string_agg(quote_ident(m.model), ', ' ORDER BY m.model), 'none') FROM xsell_internal.model m));
    END IF;
    SELECT r.run_id INTO run FROM xsell_internal.training_run r WHERE r.model = begin_training.model AND r.state = 'queued'
    ORDER BY r.run_id LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF run IS NULL THEN
        INSERT INTO xsell_internal.training_run (model) VALUES (model) RETURNING run_id INTO run;
    END IF;
    UPDATE xsell_internal.training_run r
    SET state = 'running', phase = 'plan', parameters = begin_training.parameters, started_at = clock_timestamp(), updated_at = clock_timestamp(),
        pid = pg_backend_pid()
    WHERE r.run_id = run;
    -- Held by the session until the run ends: a run without it is lost.
    PERFORM pg_advisory_lock(2020828524, run::integer);
    RETURN run;
END
$$;
COMMENT ON FUNCTION xsell_internal.begin_training(text, jsonb) IS 'Opens a run, or takes over one that waits, and holds its advisory lock.';

CREATE FUNCTION xsell_internal.training_progress(run bigint, phase text, round integer, rounds integer, "rows" bigint) RETURNS void
LANGUAGE sql VOLATILE
BEGIN ATOMIC
    UPDATE xsell_internal.training_run r
    SET phase = training_progress.phase, round = COALESCE(training_progress.round, r.round), rounds = COALESCE(training_progress.rounds, r.rounds),
        rows = COALESCE(training_progress.rows, r.rows), updated_at = pg_catalog.clock_timestamp()
    WHERE r.run_id = training_progress.run;
END;
COMMENT ON FUNCTION xsell_internal.training_progress(bigint, text, integer, integer, bigint) IS 'Writes how far a run has come.';

CREATE FUNCTION xsell_internal.fail_training(run bigint, sqlstate text, error text) RETURNS void
LANGUAGE sql VOLATILE
BEGIN ATOMIC
    UPDATE xsell_internal.training_run r
    SET state = 'failed', sqlstate = fail_training.sqlstate, error = fail_training.error,
        updated_at = pg_catalog.clock_timestamp(), finished_at = pg_catalog.clock_timestamp()
    WHERE r.run_id = fail_training.run;
END;
COMMENT ON FUNCTION xsell_internal.fail_training(bigint, text, text) IS 'Closes a run with the error that ended it.';

CREATE FUNCTION xsell_internal.training_limits(OUT memory_mb integer, OUT threads integer)
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'xsell_training_limits';
COMMENT ON FUNCTION xsell_internal.training_limits() IS
'What xsell.max_training_memory and xsell.training_threads say; the training module asks here because the settings live in the other one.';

CREATE FUNCTION xsell_internal.training_setup(model text, horizon interval, snapshots integer, max_rows bigint,
    OUT look_ahead interval, OUT expected_rows bigint, OUT feature text[], OUT memory_mb integer, OUT threads integer)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT p.look_ahead, p.expected_rows,
           (SELECT s.feature FROM xsell_internal.feature_set s JOIN xsell_internal.model m ON m.feature_set = s.name
            WHERE m.model = training_setup.model ORDER BY s.version DESC LIMIT 1),
           l.memory_mb, l.threads
    FROM xsell_internal.training_plan(training_setup.model, NULL, training_setup.horizon, training_setup.snapshots, training_setup.max_rows) p,
         xsell_internal.training_limits() l;
END;
COMMENT ON FUNCTION xsell_internal.training_setup(text, interval, integer, bigint) IS 'What a training must know before it reads its rows.';

CREATE FUNCTION xsell_internal.publish_version(run bigint, model text, feature text[], parameters jsonb, seed bigint, look_ahead interval,
    snapshots timestamptz[], "rows" bigint, positives bigint, library text, flat bytea, ubj bytea) RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    next_version integer;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('xsell.publish ' || model, 0));
    SELECT COALESCE(max(v.version), 0) + 1 INTO next_version FROM xsell_internal.model_version v WHERE v.model = publish_version.model;
    INSERT INTO xsell_internal.model_version (model, version, feature_set, feature_set_version, algorithm, parameters, seed, feature, horizon,
        snapshots, rows, positives, library_version, blob_sha256, run_id)
    SELECT m.model, next_version, s.name, s.version, 'xgboost', publish_version.parameters, publish_version.seed, publish_version.feature, justify_hours(look_ahead),
           publish_version.snapshots, publish_version.rows, publish_version.positives, library, encode(sha256(flat), 'hex'), run
    FROM xsell_internal.model m JOIN xsell_internal.feature_set s ON s.name = m.feature_set
    WHERE m.model = publish_version.model ORDER BY s.version DESC LIMIT 1;
    INSERT INTO xsell_internal.model_blob (model, version, kind, data) VALUES (model, next_version, 'flat', flat), (model, next_version, 'ubj', ubj);
    WITH measured AS MATERIALIZED (
        SELECT * FROM xsell_internal.measure_version(publish_version.model, next_version)
    ), metric AS (
        INSERT INTO xsell_internal.model_metric (model, version, slice, metric, ranker, value, low, high)
        SELECT publish_version.model, next_version, q.slice, q.metric, q.ranker, q.value, q.low, q.high FROM measured q WHERE q.bin IS NULL
    )
    INSERT INTO xsell_internal.calibration_bin (model, version, slice, bin, predicted, observed, rows)
    SELECT publish_version.model, next_version, q.slice, q.bin, q.predicted, q.observed, q.rows FROM measured q WHERE q.bin IS NOT NULL;
    UPDATE xsell_internal.training_run r
    SET state = 'done', phase = 'published', version = next_version, updated_at = clock_timestamp(), finished_at = clock_timestamp()
    WHERE r.run_id = run;
    RETURN next_version;
END
$$;
COMMENT ON FUNCTION xsell_internal.publish_version(bigint, text, text[], jsonb, bigint, interval, timestamptz[], bigint, bigint, text, bytea, bytea) IS
'Writes a version with its bytes and its metrics, measured as xsell.evaluate does, and closes the run.';

CREATE PROCEDURE xsell.train(model text, INOUT version integer DEFAULT NULL, horizon interval DEFAULT NULL, parameters jsonb DEFAULT '{}', seed bigint DEFAULT 42)
LANGUAGE c
AS '$libdir/xsell_train', 'xsell_train';
COMMENT ON PROCEDURE xsell.train(text, integer, interval, jsonb, bigint) IS
'Trains a new version, measures it beside the baselines and returns its number; nothing is deployed. Commits as it goes, so it cannot run inside a transaction block: see xsell.request_training.';
