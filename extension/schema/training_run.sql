-- Training runs: asked for, running, ended; how a version comes into being, and how it is made again. Nothing here deploys anything.

CREATE FUNCTION xsell.request_training(model text, parameters jsonb DEFAULT '{}', preset text DEFAULT 'default', search jsonb DEFAULT NULL, horizon interval DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    queued bigint;
BEGIN
    PERFORM xsell_internal.require_model(model);
    IF jsonb_typeof(parameters) <> 'object' OR jsonb_typeof(search) <> 'object' THEN
        RAISE EXCEPTION 'parameters and search must be JSON objects' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'For example: parameters => ''{"rounds": 200}'', search => ''{"trials": 30}''.';
    ELSIF preset NOT IN ('default', 'classic') THEN
        RAISE EXCEPTION 'unknown preset "%"', preset USING ERRCODE = 'invalid_parameter_value', HINT = 'There are: default, classic.';
    ELSIF horizon < interval '1 hour' THEN
        RAISE EXCEPTION 'a horizon of % is too short', horizon USING ERRCODE = 'invalid_parameter_value', HINT = 'It must be an hour at least, as in ''90 days''.';
    END IF;
    SELECT min(r.run_id) INTO queued FROM xsell_internal.training_run r
    WHERE r.model = request_training.model AND r.state = 'queued' AND r.parameters = COALESCE(request_training.parameters, '{}')
      AND r.preset = COALESCE(request_training.preset, 'default') AND r.search IS NOT DISTINCT FROM request_training.search
      AND r.horizon IS NOT DISTINCT FROM request_training.horizon;
    IF queued IS NULL THEN
        INSERT INTO xsell_internal.training_run (model, phase, parameters, preset, search, horizon)
        VALUES (model, 'waiting', COALESCE(parameters, '{}'), COALESCE(preset, 'default'), search, horizon) RETURNING run_id INTO queued;
    END IF;
    RETURN queued;
END
$$;
COMMENT ON FUNCTION xsell.request_training(text, jsonb, text, jsonb, interval) IS
'Asks for a training, for sessions that cannot call xsell.train because they work inside a transaction: xselld runs it, with these parameters, preset, search and horizon (where history is short: xsell.longest_horizon). Returns the run, one that already waits for the same if there is one; see xsell.training_run.';

CREATE FUNCTION xsell.cancel_training(run_id bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    session integer;
BEGIN
    UPDATE xsell_internal.training_run r
    SET state = 'failed', sqlstate = '57014', error = 'cancelled before it began', finished_at = clock_timestamp(), updated_at = clock_timestamp()
    WHERE r.run_id = cancel_training.run_id AND r.state = 'queued';
    IF FOUND THEN
        RETURN true;
    END IF;
    SELECT r.pid INTO session FROM xsell.training_run r WHERE r.run_id = cancel_training.run_id AND r.state = 'running';
    RETURN session IS NOT NULL AND pg_cancel_backend(session);
END
$$;
COMMENT ON FUNCTION xsell.cancel_training(bigint) IS
'Takes back a training that waits, or stops one that runs within a round (by pg_cancel_backend, so by the role that runs it or one that may signal it). False: it neither waits nor runs.';

CREATE FUNCTION xsell_internal.next_requested_training() RETURNS TABLE (run_id bigint, model text)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT r.run_id, r.model FROM xsell_internal.training_run r WHERE r.state = 'queued' ORDER BY r.run_id LIMIT 1;
END;
COMMENT ON FUNCTION xsell_internal.next_requested_training() IS
'The training that has waited longest: CALL xsell.train of its model takes it over.';

CREATE FUNCTION xsell_internal.begin_training(model text, INOUT parameters jsonb, INOUT preset text, INOUT search jsonb, INOUT horizon interval, OUT run_id bigint)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    plain constant boolean := parameters = '{}' AND preset = 'default' AND search IS NULL;
    waiting xsell_internal.training_run;
BEGIN
    PERFORM xsell_internal.require_model(model);
    -- Whoever wants nothing in particular does what was asked for; whoever wants something answers a request that left it open.
    SELECT r.* INTO waiting FROM xsell_internal.training_run r
    WHERE r.model = begin_training.model AND r.state = 'queued' AND (plain OR r.parameters = '{}' AND r.preset = 'default' AND r.search IS NULL)
    ORDER BY r.run_id LIMIT 1 FOR UPDATE SKIP LOCKED;
    run_id := waiting.run_id;
    IF run_id IS NULL THEN
        INSERT INTO xsell_internal.training_run AS r (model) VALUES (model) RETURNING r.run_id INTO run_id;
    ELSIF plain THEN
        parameters := waiting.parameters;
        preset := waiting.preset;
        search := waiting.search;
    END IF;
    horizon := COALESCE(horizon, waiting.horizon);
    UPDATE xsell_internal.training_run r
    SET state = 'running', phase = 'plan', percent = 0, parameters = begin_training.parameters, preset = begin_training.preset, search = begin_training.search, horizon = begin_training.horizon,
        started_at = clock_timestamp(), updated_at = clock_timestamp(), pid = pg_backend_pid()
    WHERE r.run_id = begin_training.run_id;
    -- Held by the session until the run ends: a run without it is lost.
    PERFORM pg_advisory_lock(2020828524, run_id::integer);
END
$$;
COMMENT ON FUNCTION xsell_internal.begin_training(text, jsonb, text, jsonb, interval) IS
'Opens a run, or takes over one that waits, and holds its advisory lock. Returns what to train with: what the run was asked for with, where the caller asks for nothing in particular.';

CREATE FUNCTION xsell_internal.training_progress(run bigint, phase text, member text, round integer, rounds integer, trial integer, trials integer,
    percent real, "rows" bigint) RETURNS void
LANGUAGE sql VOLATILE
BEGIN ATOMIC
    UPDATE xsell_internal.training_run r
    SET phase = training_progress.phase, member = training_progress.member, round = COALESCE(training_progress.round, r.round),
        rounds = COALESCE(training_progress.rounds, r.rounds), trial = COALESCE(training_progress.trial, r.trial),
        trials = COALESCE(training_progress.trials, r.trials), percent = GREATEST(training_progress.percent, r.percent),
        rows = COALESCE(training_progress.rows, r.rows), updated_at = pg_catalog.clock_timestamp()
    WHERE r.run_id = training_progress.run;
END;
COMMENT ON FUNCTION xsell_internal.training_progress(bigint, text, text, integer, integer, integer, integer, real, bigint) IS 'Writes how far a run has come.';

CREATE FUNCTION xsell_internal.fail_training(run bigint, sqlstate text, error text) RETURNS void
LANGUAGE sql VOLATILE
BEGIN ATOMIC
    UPDATE xsell_internal.training_run r
    SET state = 'failed', sqlstate = fail_training.sqlstate, error = fail_training.error,
        updated_at = pg_catalog.clock_timestamp(), finished_at = pg_catalog.clock_timestamp()
    WHERE r.run_id = fail_training.run;
END;
COMMENT ON FUNCTION xsell_internal.fail_training(bigint, text, text) IS 'Closes a run with the error that ended it.';

CREATE VIEW xsell.train_progress WITH (security_invoker = true) AS
SELECT r.run_id, r.model, r.phase, r.member, r.round, r.rounds, r.trial, r.trials, r.rows, r.percent,
       pg_catalog.date_trunc('second', pg_catalog.clock_timestamp() - r.started_at) AS elapsed,
       CASE WHEN r.percent >= 1 THEN GREATEST(interval '0', pg_catalog.date_trunc('second',
           (r.updated_at - r.started_at) * (100 / r.percent::double precision) - (pg_catalog.clock_timestamp() - r.started_at))) END AS remaining,
       r.pid, r.updated_at
FROM xsell_internal.training_run r
WHERE r.run_id IN (SELECT t.run_id FROM xsell.training_run t WHERE t.state = 'running');
COMMENT ON VIEW xsell.train_progress IS 'Trainings that run now: how far each is, written once a second at most.';
COMMENT ON COLUMN xsell.train_progress.run_id IS 'Number of the run; see xsell.training_run.';
COMMENT ON COLUMN xsell.train_progress.model IS 'The model.';
COMMENT ON COLUMN xsell.train_progress.phase IS 'plan, reading, searching, folds, boosting, blending, calibrating, measuring.';
COMMENT ON COLUMN xsell.train_progress.member IS 'The member of the ensemble that is being trained.';
COMMENT ON COLUMN xsell.train_progress.round IS 'Rounds of the phase that are done.';
COMMENT ON COLUMN xsell.train_progress.rounds IS 'Its rounds at most; it may stop early.';
COMMENT ON COLUMN xsell.train_progress.trial IS 'Trials of the search that are done.';
COMMENT ON COLUMN xsell.train_progress.trials IS 'Trials of the search in all.';
COMMENT ON COLUMN xsell.train_progress.rows IS 'Rows read.';
COMMENT ON COLUMN xsell.train_progress.percent IS 'About how much of the work is done.';
COMMENT ON COLUMN xsell.train_progress.elapsed IS 'Time since the start.';
COMMENT ON COLUMN xsell.train_progress.remaining IS 'About how long it will take yet, if it goes on as it went.';
COMMENT ON COLUMN xsell.train_progress.pid IS 'Server process that runs it: SELECT pg_cancel_backend(pid) stops it within a round.';
COMMENT ON COLUMN xsell.train_progress.updated_at IS 'Last sign of progress.';

CREATE FUNCTION xsell_internal.training_limits(OUT memory_mb integer, OUT threads integer)
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'xsell_training_limits';
COMMENT ON FUNCTION xsell_internal.training_limits() IS
'What xsell.max_training_memory and xsell.training_threads say; the training module asks here because the settings live in the other one.';

CREATE FUNCTION xsell_internal.categorical(feature text[], kind text[]) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT COALESCE(array_agg(f.feature ORDER BY f.position) FILTER (WHERE f.kind = 'category'), '{}')
    FROM ROWS FROM (unnest(categorical.feature), unnest(categorical.kind)) WITH ORDINALITY AS f(feature, kind, position);
END;
COMMENT ON FUNCTION xsell_internal.categorical(text[], text[]) IS 'The features that are codes of a frozen dictionary, by the kinds of all of them.';

CREATE FUNCTION xsell_internal.training_setup(model text, horizon interval, snapshots integer, max_rows bigint,
    OUT plan jsonb, OUT expected_rows bigint, OUT feature_set_version integer, OUT feature text[], OUT category text[],
    OUT memory_mb integer, OUT threads integer)
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT p.plan, p.expected_rows, s.version, s.feature, xsell_internal.categorical(s.feature, s.kind), l.memory_mb, l.threads
    FROM xsell_internal.training_plan(training_setup.model, NULL, training_setup.horizon, training_setup.snapshots, training_setup.max_rows) p
    JOIN xsell_internal.feature_set s ON s.name = p.plan ->> 'feature_set' AND s.version = (p.plan ->> 'feature_set_version')::integer
    CROSS JOIN xsell_internal.training_limits() l;
END;
COMMENT ON FUNCTION xsell_internal.training_setup(text, interval, integer, bigint) IS 'What a training must know before it reads its rows.';

CREATE FUNCTION xsell_internal.store_version(run bigint, model text, feature_set_version integer, feature text[], parameters jsonb, seed bigint, plan jsonb,
    snapshots timestamptz[], "rows" bigint, positives bigint, library text, data_sha256 text, blend text, calibration text, member text[],
    member_weight double precision[], flat bytea) RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    next_version integer;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('xsell.publish ' || model, 0));
    SELECT COALESCE(max(v.version), 0) + 1 INTO next_version FROM xsell_internal.model_version v WHERE v.model = store_version.model;
    INSERT INTO xsell_internal.model_version (model, version, feature_set, feature_set_version, feature_set_sha256, algorithm, parameters, seed, feature, horizon,
        snapshots, rows, positives, library_version, blob_sha256, member, member_weight, blend, calibration, data_sha256, plan, training_query,
        data_from, data_until, run_id)
    SELECT m.model, next_version, s.name, s.version, s.sha256, CASE cardinality(member) WHEN 1 THEN member[1] ELSE 'ensemble' END, store_version.parameters,
           store_version.seed, store_version.feature, justify_hours(make_interval(secs => (store_version.plan ->> 'look_ahead')::double precision)),
           store_version.snapshots, store_version.rows, store_version.positives, library, encode(sha256(flat), 'hex'),
           store_version.member, store_version.member_weight, store_version.blend, store_version.calibration, store_version.data_sha256, store_version.plan,
           format('SELECT * FROM xsell_internal.training_rows(%L, %L) ORDER BY as_of, entity_id, product_id, y, weight', m.model, store_version.plan),
           store_version.snapshots[1], store_version.snapshots[cardinality(store_version.snapshots)], run
    FROM xsell_internal.model m
    JOIN xsell_internal.feature_set s ON s.name = m.feature_set AND s.version = store_version.feature_set_version
    WHERE m.model = store_version.model;
    INSERT INTO xsell_internal.model_blob (model, version, kind, data) VALUES (model, next_version, 'flat', flat);
    RETURN next_version;
END
$$;
COMMENT ON FUNCTION xsell_internal.store_version(bigint, text, integer, text[], jsonb, bigint, jsonb, timestamptz[], bigint, bigint, text, text, text, text, text[], double precision[], bytea) IS
'Writes a version and what scoring loads of it; returns its number.';

CREATE FUNCTION xsell_internal.publish_version(run bigint, model text, version integer) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    WITH measured AS MATERIALIZED (
        SELECT * FROM xsell_internal.measure_version(publish_version.model, publish_version.version)
    ), metric AS (
        INSERT INTO xsell_internal.model_metric (model, version, slice, metric, ranker, value, low, high)
        SELECT publish_version.model, publish_version.version, q.slice, q.metric, q.ranker, q.value, q.low, q.high FROM measured q WHERE q.bin IS NULL
    )
    INSERT INTO xsell_internal.calibration_bin (model, version, slice, bin, predicted, observed, rows)
    SELECT publish_version.model, publish_version.version, q.slice, q.bin, q.predicted, q.observed, q.rows FROM measured q WHERE q.bin IS NOT NULL;
    PERFORM xsell_internal.save_baseline(publish_version.model, publish_version.version);
    UPDATE xsell_internal.training_run r
    SET state = 'done', phase = 'published', percent = 100, version = publish_version.version, updated_at = clock_timestamp(), finished_at = clock_timestamp()
    WHERE r.run_id = run;
END
$$;
COMMENT ON FUNCTION xsell_internal.publish_version(bigint, text, integer) IS
'Measures a version that has been stored as xsell.evaluate does, keeps the metrics and closes the run.';

CREATE PROCEDURE xsell.train(model text, INOUT version integer DEFAULT NULL, horizon interval DEFAULT NULL, parameters jsonb DEFAULT '{}', seed bigint DEFAULT 42,
    preset text DEFAULT 'default', search jsonb DEFAULT NULL)
LANGUAGE c
AS '$libdir/xsell_train', 'xsell_train';
COMMENT ON PROCEDURE xsell.train(text, integer, interval, jsonb, bigint, text, jsonb) IS
'Trains a new version, measures it beside the baselines and returns its number; nothing is deployed. preset: default, or classic for the hyper-parameters and weights of the older platform; parameters change single ones, such as {"target_encode": true} (or an array of names) for categorical features of many values: each value then counts by its rate of wins, learned out of fold; search, such as {"trials": 30}, looks for better ones; it may also hold timeout (seconds), members (those that are searched; xgboost unless named) and pruner (median, halving or none). Commits as it goes, so it cannot run inside a transaction block: see xsell.request_training.';

CREATE FUNCTION xsell_internal.reproduction(model text, version integer, OUT feature text[], OUT category text[], OUT parameters jsonb, OUT seed bigint, OUT plan jsonb,
    OUT "rows" bigint, OUT data_sha256 text, OUT library text, OUT feature_set_changed text, OUT memory_mb integer, OUT threads integer,
    OUT kind text[], OUT sha256 text[])
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v xsell_internal.model_version;
    s xsell_internal.feature_set;
BEGIN
    SELECT * INTO v FROM xsell_internal.model_version k WHERE k.model = reproduction.model AND k.version = reproduction.version;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'version % of model "%" does not exist', version, model USING ERRCODE = 'undefined_object', HINT = 'See xsell.model_version.';
    ELSIF v.data_sha256 IS NULL OR v.seed IS NULL OR v.plan = '{}' THEN
        RAISE EXCEPTION 'version % of model "%" was not trained by xsell.train', version, model USING ERRCODE = 'object_not_in_prerequisite_state',
            DETAIL = 'It has no record of the rows that it was trained on.';
    ELSIF v.status = 'dropped' THEN
        RAISE EXCEPTION 'version % of model "%" was dropped', version, model USING ERRCODE = 'object_not_in_prerequisite_state',
            DETAIL = 'Its bytes are gone, so that there is nothing to compare with.';
    END IF;
    SELECT * INTO s FROM xsell_internal.feature_set f WHERE f.name = v.feature_set AND f.version = v.feature_set_version;
    feature_set_changed := CASE WHEN s.name IS NULL THEN format('feature set "%s" has no version %s any more', v.feature_set, v.feature_set_version)
        WHEN s.sha256 IS DISTINCT FROM v.feature_set_sha256 THEN format('version %s of feature set "%s" has another definition', s.version, s.name) END;
    feature := v.feature;
    category := xsell_internal.categorical(s.feature, s.kind);
    parameters := v.parameters;
    seed := v.seed;
    plan := v.plan;
    rows := v.rows;
    data_sha256 := v.data_sha256;
    library := v.library_version;
    SELECT l.memory_mb, l.threads INTO memory_mb, threads FROM xsell_internal.training_limits() l;
    SELECT array_agg(b.kind ORDER BY b.kind = 'flat', b.kind), array_agg(encode(sha256(b.data), 'hex') ORDER BY b.kind = 'flat', b.kind) INTO kind, sha256
    FROM xsell_internal.model_blob b WHERE b.model = v.model AND b.version = v.version;
END
$$;
COMMENT ON FUNCTION xsell_internal.reproduction(text, integer) IS 'What must be known to train a version again, and what must come out.';

CREATE FUNCTION xsell.reproduce(model text, version integer) RETURNS TABLE (what text, same boolean, detail text)
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 10
AS '$libdir/xsell_train', 'xsell_reproduce';
COMMENT ON FUNCTION xsell.reproduce(text, integer) IS
'Trains a version again from its plan, parameters and seed and compares: the feature set, the training rows, the library, then every artefact byte by byte. Where the rows are not the same any more it says so and trains nothing. Writes nothing.';
