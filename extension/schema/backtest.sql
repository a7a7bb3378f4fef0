-- Backtests: history replayed, as it was known at each time. A version is trained aside for each, measured and forgotten: nothing that
-- is deployed is touched, and no version stays.

CREATE TABLE xsell_internal.backtest_run (
    run_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    from_time   timestamptz NOT NULL,
    to_time     timestamptz NOT NULL,
    every       interval NOT NULL,
    horizon     interval NOT NULL,
    parameters  jsonb NOT NULL,
    seed        bigint NOT NULL,
    periods     integer NOT NULL,
    started_by  text NOT NULL DEFAULT CURRENT_USER,
    started_at  timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    finished_at timestamptz
);
COMMENT ON TABLE xsell_internal.backtest_run IS
'One replay. While it runs each of its transactions holds the advisory lock (2020828525, run_id), so that one whose session is gone can be told apart.';

CREATE TABLE xsell_internal.backtest_period (
    run_id       bigint NOT NULL REFERENCES xsell_internal.backtest_run ON DELETE CASCADE,
    at           timestamptz NOT NULL,
    score_source text CHECK (score_source IN ('model', 'heuristic')),
    note         text,
    popularity   text,
    candidates   bigint,
    entities     bigint,
    wins         bigint,
    trained_from timestamptz,
    trained_until timestamptz,
    training_rows bigint,
    positives    bigint,
    seconds      double precision,
    PRIMARY KEY (run_id, at)
);
COMMENT ON TABLE xsell_internal.backtest_period IS 'One time of a replay. score_source NULL: it could not be measured, note says why.';

CREATE TABLE xsell_internal.backtest_metric (
    run_id bigint NOT NULL,
    at     timestamptz NOT NULL,
    ranker text NOT NULL,
    metric text NOT NULL,
    value  double precision,
    low    double precision,
    high   double precision,
    rows   bigint,
    PRIMARY KEY (run_id, at, ranker, metric),
    FOREIGN KEY (run_id, at) REFERENCES xsell_internal.backtest_period ON DELETE CASCADE
);
COMMENT ON TABLE xsell_internal.backtest_metric IS 'What each ranker reached at each time.';

CREATE FUNCTION xsell_internal.learn_aside(model text, plan jsonb, parameters jsonb, seed bigint,
    OUT flat bytea, OUT member text[], OUT member_weight double precision[], OUT "rows" bigint, OUT positives bigint)
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS '$libdir/xsell_train', 'xsell_learn_aside';
COMMENT ON FUNCTION xsell_internal.learn_aside(text, jsonb, jsonb, bigint) IS
'Trains by a plan and returns what scoring loads; stores nothing. Without a plan it only refuses parameters that are wrong.';

-- One number for the time being: only the transaction that measures the version ever sees it.
CREATE FUNCTION xsell_internal.replayed_version() RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 2147483647;
COMMENT ON FUNCTION xsell_internal.replayed_version() IS 'The number of the version that a backtest measures, within the transaction that does.';

CREATE FUNCTION xsell_internal.learn_replayed(at timestamptz, horizon interval, parameters jsonb, seed bigint,
    OUT plan jsonb, OUT note text, OUT "rows" bigint, OUT positives bigint)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    learned record;
BEGIN
    -- Too little history, or too few wins, is no error of a replay: the heuristic is what there would have been.
    BEGIN
        SELECT p.plan INTO plan
        FROM xsell_internal.training_plan('cross_sell', NULL, horizon, COALESCE((parameters ->> 'snapshots')::integer, 4),
                                          COALESCE((parameters ->> 'max_rows')::bigint, 1000000), at) p;
        SELECT * INTO learned FROM xsell_internal.learn_aside('cross_sell', plan, parameters, seed);
    EXCEPTION WHEN no_data_found OR object_not_in_prerequisite_state THEN
        note := SQLERRM;
        plan := NULL;
        RETURN;
    END;
    INSERT INTO xsell_internal.model_version (model, version, feature_set, feature_set_version, status, algorithm, feature, blob_sha256, member, member_weight)
    SELECT 'cross_sell', xsell_internal.replayed_version(), s.name, s.version, 'retired', CASE cardinality(learned.member) WHEN 1 THEN learned.member[1] ELSE 'ensemble' END,
           s.feature, encode(sha256(learned.flat), 'hex'), learned.member, learned.member_weight
    FROM xsell_internal.feature_set s WHERE s.name = plan ->> 'feature_set' AND s.version = (plan ->> 'feature_set_version')::integer;
    INSERT INTO xsell_internal.model_blob (model, version, kind, data) VALUES ('cross_sell', xsell_internal.replayed_version(), 'flat', learned.flat);
    rows := learned.rows;
    positives := learned.positives;
END
$$;
COMMENT ON FUNCTION xsell_internal.learn_replayed(timestamptz, interval, jsonb, bigint) IS
'Trains on what was known at a time, as the version that replayed_version names; where that cannot be done, note says why.';

-- Which popularity is the one to beat is chosen by what was known at the time: by the horizon that ended then.
CREATE FUNCTION xsell_internal.best_popularity(at timestamptz, horizon interval) RETURNS text
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
    WITH stored AS MATERIALIZED (
        SELECT s.* FROM xsell_internal.feature_set_of('cross_sell') l JOIN xsell_internal.feature_set s ON s.name = l.feature_set AND s.version = l.version
    ), labelled AS MATERIALIZED (
        SELECT l.entity_id, l.product_id, l.y = 1 AS won, l.x
        FROM stored s CROSS JOIN LATERAL xsell_internal.labelled_rows(s.name, s.version, best_popularity.at - best_popularity.horizon, best_popularity.horizon) l
        ORDER BY l.entity_id, l.product_id
    ), target AS (
        SELECT array_agg(t.entity_id) AS entity, array_agg(t.targets) AS targets
        FROM xsell_internal.ranking_targets(best_popularity.at - best_popularity.horizon, best_popularity.horizon) t
    )
    SELECT w.name
    FROM stored s CROSS JOIN target t CROSS JOIN unnest('{popularity_all,popularity_60,popularity_30,popularity_7}'::text[]) WITH ORDINALITY AS w(name, place)
    CROSS JOIN LATERAL (SELECT array_agg(l.entity_id) AS entity, array_agg(l.product_id) AS product, array_agg(l.won) AS label,
                               array_agg(COALESCE(l.x[array_position(s.feature, w.name)], '-infinity')::double precision) AS score FROM labelled l) c
    LEFT JOIN LATERAL (SELECT m.value FROM xsell_internal.ranking_metrics(c.entity, c.product, c.label, c.score, t.entity, t.targets, false, 0) m
                       WHERE m.metric = 'ndcg@10') n ON true
    WHERE w.name = ANY (s.feature)
    ORDER BY n.value DESC NULLS LAST, w.place LIMIT 1
$$;
COMMENT ON FUNCTION xsell_internal.best_popularity(timestamptz, interval) IS
'Of the windows that popularity is counted over, the one that ranked best within the horizon before a time.';

-- What an order drawn by lot reaches on average, in closed form: every product of an entity is as likely to be in any place.
CREATE FUNCTION xsell_internal.chance_metrics() RETURNS TABLE (metric text, value double precision)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH candidate AS (
        SELECT c.entity_id, count(*)::double precision AS products, (count(*) FILTER (WHERE c.won))::double precision AS wins FROM pg_temp.xsell_replayed c GROUP BY c.entity_id
    ), entity AS MATERIALIZED (
        SELECT t.targets, COALESCE(c.products, 0) AS products, COALESCE(c.wins, 0) AS wins
        FROM (SELECT w.entity_id, count(*) AS targets FROM pg_temp.xsell_target w GROUP BY w.entity_id) t LEFT JOIN candidate c USING (entity_id)
    ), gain AS MATERIALIZED (
        SELECT i AS places, sum(1 / log(2, i + 1)) OVER (ORDER BY i)::double precision AS total FROM generate_series(1, 20) i
    ), drawn AS (
        SELECT k, e.targets, least(k, e.products) * e.wins / NULLIF(e.products, 0) AS hits,
               (SELECT g.total FROM gain g WHERE g.places = least(k, e.products)) * e.wins / NULLIF(e.products, 0)
                   / (SELECT g.total FROM gain g WHERE g.places = least(k, e.targets)) AS ndcg,
               -- No win among the k: each place in turn gets none.
               1 - COALESCE((SELECT exp(sum(ln(greatest(e.products - e.wins - i, 0.0) / (e.products - i)))) FROM generate_series(0, least(k, e.products)::integer - 1) i
                             WHERE e.products - e.wins > i HAVING count(*) = least(k, e.products)), CASE WHEN e.wins = 0 THEN 1 ELSE 0 END) AS hit
        FROM entity e CROSS JOIN unnest('{5,10,20}'::integer[]) AS k
    )
    SELECT m.name || '@' || d.k, avg(COALESCE(m.value, 0))
    FROM drawn d CROSS JOIN LATERAL (VALUES ('precision', d.hits / d.k), ('recall', d.hits / d.targets), ('ndcg', d.ndcg), ('hit_rate', d.hit)) AS m(name, value)
    GROUP BY m.name, d.k
    UNION ALL
    SELECT 'value_captured@10', sum(s.hits * s.amount) / NULLIF((SELECT sum(w.amount) FROM pg_temp.xsell_target w)::double precision, 0)
    FROM (SELECT least(10, count(*))::double precision / count(*) AS hits, COALESCE(sum(w.amount) FILTER (WHERE c.won), 0)::double precision AS amount
          FROM pg_temp.xsell_replayed c LEFT JOIN pg_temp.xsell_target w USING (entity_id, product_id) GROUP BY c.entity_id) s
$$;
COMMENT ON FUNCTION xsell_internal.chance_metrics() IS 'What an order drawn by lot reaches on average among the rows that are replayed.';

-- A share of money: the error is the ratio estimator's, over entities.
CREATE FUNCTION xsell_internal.value_captured(ranker integer) RETURNS TABLE (value double precision, low double precision, high double precision)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH best AS (
        SELECT c.entity_id, c.product_id, row_number() OVER (PARTITION BY c.entity_id ORDER BY c.score[value_captured.ranker] DESC, c.product_id) AS place
        FROM pg_temp.xsell_replayed c
    ), entity AS MATERIALIZED (
        SELECT COALESCE(sum(w.amount) FILTER (WHERE b.place <= 10), 0)::double precision AS hit, COALESCE(sum(w.amount), 0)::double precision AS paid
        FROM pg_temp.xsell_target w LEFT JOIN best b USING (entity_id, product_id) GROUP BY w.entity_id
    ), share AS (
        SELECT sum(e.hit) / NULLIF(sum(e.paid), 0) AS value, sum(e.paid) AS paid, count(*) AS entities FROM entity e
    ), spread AS (
        SELECT min(s.value) AS value, CASE WHEN min(s.entities) > 1 THEN
            sqrt(sum((e.hit - s.value * e.paid) ^ 2) * min(s.entities) / (min(s.entities) - 1)) / min(s.paid) END AS error
        FROM entity e CROSS JOIN share s
    )
    SELECT s.value, greatest(0, s.value - 1.959964 * s.error), least(1, s.value + 1.959964 * s.error) FROM spread s WHERE s.value IS NOT NULL
$$;
COMMENT ON FUNCTION xsell_internal.value_captured(integer) IS
'Of the amounts that customers paid within the horizon for products they did not have, the share that went to the ten that a ranker (its place in score) puts first for each.';

CREATE FUNCTION xsell_internal.measure_replayed(run bigint, at timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    targets_of bigint[];
    targets integer[];
    rankers constant text[] := '{heuristic,popularity,association,lookalike,model}';
    shown record;
BEGIN
    SELECT array_agg(t.entity_id), array_agg(t.targets) INTO targets_of, targets
    FROM (SELECT w.entity_id, count(*)::integer AS targets FROM pg_temp.xsell_target w GROUP BY w.entity_id) t;
    FOR shown IN SELECT n.ranker, n.place, c.*
                 FROM unnest(rankers) WITH ORDINALITY AS n(ranker, place)
                 CROSS JOIN LATERAL (SELECT array_agg(r.entity_id) AS entity, array_agg(r.product_id) AS product, array_agg(r.won) AS label,
                                            array_agg(r.score[n.place]) AS score, count(*) AS rows
                                     FROM (SELECT * FROM pg_temp.xsell_replayed o ORDER BY o.entity_id, o.product_id) r) c
                 WHERE c.rows > 0 AND c.score[1] IS NOT NULL LOOP
        INSERT INTO xsell_internal.backtest_metric (run_id, at, ranker, metric, value, low, high, rows)
        SELECT run, measure_replayed.at, shown.ranker, m.metric, m.value, m.low, m.high, shown.rows
        FROM xsell_internal.ranking_metrics(shown.entity, shown.product, shown.label, shown.score, targets_of, targets, shown.ranker IN ('model', 'heuristic')) m
        UNION ALL
        SELECT run, measure_replayed.at, shown.ranker, 'value_captured@10', v.value, v.low, v.high, shown.rows FROM xsell_internal.value_captured(shown.place::integer) v;
    END LOOP;
    INSERT INTO xsell_internal.backtest_metric (run_id, at, ranker, metric, value, rows)
    SELECT run, measure_replayed.at, 'random', m.metric, m.value, (SELECT count(*) FROM pg_temp.xsell_replayed) FROM xsell_internal.chance_metrics() m;
    INSERT INTO xsell_internal.backtest_metric (run_id, at, ranker, metric, value, low, high, rows)
    SELECT run, measure_replayed.at, m.ranker, 'lift_over_' || b.ranker || '@10', m.value / b.value, m.low / b.value, m.high / b.value, m.rows
    FROM xsell_internal.backtest_metric m
    JOIN xsell_internal.backtest_metric b ON b.run_id = m.run_id AND b.at = m.at AND b.metric = m.metric AND b.ranker IN ('random', 'popularity') AND b.value > 0
    WHERE m.run_id = run AND m.at = measure_replayed.at AND m.metric = 'precision@10' AND m.ranker NOT IN ('random', b.ranker);
END
$$;
COMMENT ON FUNCTION xsell_internal.measure_replayed(bigint, timestamptz) IS
'Measures every ranker on the rows that are replayed. The lift is of precision at 10; its interval takes what it is compared with as given.';

CREATE FUNCTION xsell_internal.replay(run bigint, at timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
SET client_min_messages = error
AS $$
DECLARE
    began constant timestamptz := clock_timestamp();
    r xsell_internal.backtest_run;
    look_ahead interval;
    learned record;
    names text[];
    best text;
BEGIN
    SELECT * INTO STRICT r FROM xsell_internal.backtest_run b WHERE b.run_id = run;
    look_ahead := make_interval(secs => extract(epoch FROM r.horizon));  -- exact hours, whatever the time zone
    SELECT * INTO learned FROM xsell_internal.learn_replayed(at, look_ahead, r.parameters, r.seed);
    SELECT s.feature INTO names FROM xsell_internal.feature_set_of('cross_sell') l JOIN xsell_internal.feature_set s ON s.name = l.feature_set AND s.version = l.version;
    best := xsell_internal.best_popularity(at, look_ahead);

    DROP TABLE IF EXISTS pg_temp.xsell_target, pg_temp.xsell_replayed;
    CREATE TEMPORARY TABLE xsell_target ON COMMIT DROP AS SELECT * FROM xsell_internal.target_pairs(at, look_ahead);
    ANALYZE pg_temp.xsell_target;
    CREATE TEMPORARY TABLE xsell_replayed ON COMMIT DROP AS  -- a missing value ranks last
    SELECT h.entity_id, h.product_id, t.entity_id IS NOT NULL AS won,
           ARRAY[h.probability, COALESCE(h.x[array_position(names, best)], '-infinity'), COALESCE(h.x[array_position(names, 'association_score')], '-infinity'),
                 COALESCE(h.x[array_position(names, 'lookalike_share')], '-infinity'),
                 CASE WHEN learned.plan IS NOT NULL THEN xsell_internal.predict_version('cross_sell', xsell_internal.replayed_version(), h.x) END] AS score
    FROM xsell_internal.heuristic_scores(at) h LEFT JOIN pg_temp.xsell_target t USING (entity_id, product_id);
    ANALYZE pg_temp.xsell_replayed;
    DELETE FROM xsell_internal.model_version v WHERE v.model = 'cross_sell' AND v.version = xsell_internal.replayed_version();

    INSERT INTO xsell_internal.backtest_period (run_id, at, score_source, note, popularity, candidates, entities, wins, trained_from, trained_until, training_rows, positives)
    SELECT run, replay.at, CASE WHEN learned.plan IS NULL THEN 'heuristic' ELSE 'model' END, learned.note, best,
           (SELECT count(*) FROM pg_temp.xsell_replayed), (SELECT count(DISTINCT c.entity_id) FROM pg_temp.xsell_replayed c), (SELECT count(*) FROM pg_temp.xsell_target),
           (learned.plan -> 'train_at' ->> 0)::timestamptz, (learned.plan -> 'train_at' ->> -1)::timestamptz + look_ahead, learned.rows, learned.positives;
    PERFORM xsell_internal.measure_replayed(run, at);
    UPDATE xsell_internal.backtest_period p SET seconds = extract(epoch FROM clock_timestamp() - began) WHERE p.run_id = run AND p.at = replay.at;
    DROP TABLE pg_temp.xsell_target, pg_temp.xsell_replayed;
END
$$;
COMMENT ON FUNCTION xsell_internal.replay(bigint, timestamptz) IS
'One time of a backtest: trains on what was known then, ranks every product that a customer did not have, and measures against what was won within the horizon after it.';

CREATE FUNCTION xsell_internal.begin_backtest(from_time timestamptz, to_time timestamptz, every interval, horizon interval, parameters jsonb, seed bigint,
    OUT run bigint, OUT times timestamptz[])
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    look_ahead interval;
    known_until timestamptz;
BEGIN
    SELECT make_interval(secs => extract(epoch FROM COALESCE(begin_backtest.horizon, m.horizon))) INTO look_ahead FROM xsell_internal.model m WHERE m.model = 'cross_sell';
    SELECT max(p.won_at) INTO known_until FROM xsell_internal.purchase p WHERE p.won_at <= xsell.clock();
    IF from_time IS NULL OR to_time IS NULL OR NOT isfinite(from_time) OR NOT isfinite(to_time) OR from_time > to_time THEN
        RAISE EXCEPTION 'a backtest goes from one time to a later one' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'CALL xsell.backtest(''2025-01-01'', ''2026-01-01'', ''3 months'').';
    ELSIF every IS NULL OR every < interval '1 day' THEN
        RAISE EXCEPTION 'every must be a day at least' USING ERRCODE = 'invalid_parameter_value', HINT = 'Write the unit too, as in ''3 months''.';
    ELSIF look_ahead < interval '1 hour' THEN
        RAISE EXCEPTION 'a horizon of % is too short', horizon USING ERRCODE = 'invalid_parameter_value', HINT = 'It must be an hour at least, as in ''90 days''.';
    ELSIF (SELECT count(*) FROM generate_series(from_time, to_time, every) LIMIT 1001) > 1000 THEN
        RAISE EXCEPTION 'these are more than 1000 times' USING ERRCODE = 'program_limit_exceeded', HINT = 'Take a longer step, or a shorter stretch.';
    ELSIF known_until IS NULL OR from_time + look_ahead > known_until THEN
        RAISE EXCEPTION 'what was won within % days after % is not known yet', trim_scale(round(extract(epoch FROM look_ahead) / 86400, 1)), from_time
            USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = format('The last win that is known is of %s.', COALESCE(known_until::text, 'no time')),
                  HINT = COALESCE('Begin no later than ' || to_char(known_until - look_ahead, 'YYYY-MM-DD') || ', or take a shorter horizon.',
                                  'Sync an org with won deals, then SELECT * FROM xsell.refresh().');
    END IF;
    PERFORM xsell_internal.learn_aside('cross_sell', NULL, COALESCE(parameters, '{}'), 0);
    times := ARRAY(SELECT generate_series(from_time, to_time, every));
    INSERT INTO xsell_internal.backtest_run AS b (from_time, to_time, every, horizon, parameters, seed, periods)
    VALUES (from_time, to_time, every, justify_hours(look_ahead), COALESCE(parameters, '{}'), COALESCE(seed, 42), cardinality(times)) RETURNING b.run_id INTO run;
    INSERT INTO xsell_internal.backtest_period (run_id, at, note)
    SELECT run, t.at, format('its horizon ends on %s, the last win that is known is of %s', to_char(t.at + look_ahead, 'YYYY-MM-DD'), to_char(known_until, 'YYYY-MM-DD'))
    FROM unnest(times) AS t(at) WHERE t.at + look_ahead > known_until;
    times := ARRAY(SELECT t.at FROM unnest(times) AS t(at) WHERE t.at + look_ahead <= known_until ORDER BY t.at);
END
$$;
COMMENT ON FUNCTION xsell_internal.begin_backtest(timestamptz, timestamptz, interval, interval, jsonb, bigint) IS
'Opens a backtest and returns the times that can be measured; the others are noted with the reason.';

CREATE PROCEDURE xsell.backtest(from_time timestamptz, to_time timestamptz, every interval DEFAULT '3 months', horizon interval DEFAULT NULL,
    parameters jsonb DEFAULT '{}', seed bigint DEFAULT 42, INOUT run_id bigint DEFAULT NULL)
LANGUAGE plpgsql
AS $$
DECLARE
    times timestamptz[];
    moment timestamptz;
    done integer := 0;
    shown record;
BEGIN
    IF pg_catalog.statement_timestamp() > pg_catalog.transaction_timestamp() THEN
        RAISE EXCEPTION 'xsell.backtest cannot run inside a transaction block' USING ERRCODE = 'active_sql_transaction',
            DETAIL = 'It commits after each time.', HINT = 'Call it as a statement of its own.';
    END IF;
    SELECT b.run, b.times INTO run_id, times
    FROM xsell_internal.begin_backtest(from_time, to_time, every, horizon, parameters, seed) b;
    PERFORM pg_catalog.pg_advisory_xact_lock(2020828525, run_id::pg_catalog.int4);
    COMMIT;
    FOREACH moment IN ARRAY times LOOP
        PERFORM pg_catalog.pg_advisory_xact_lock(2020828525, run_id::pg_catalog.int4);
        PERFORM xsell_internal.replay(run_id, moment);
        COMMIT;
        done := done + 1;
        SELECT p.score_source, p.wins, pg_catalog.round(m.value::pg_catalog.numeric, 3) AS ndcg INTO shown
        FROM xsell_internal.backtest_period p
        LEFT JOIN xsell_internal.backtest_metric m ON m.run_id = p.run_id AND m.at = p.at AND m.ranker = p.score_source AND m.metric = 'ndcg@10'
        WHERE p.run_id = backtest.run_id AND p.at = moment;
        RAISE NOTICE '% of % times: %, %, % wins, NDCG@10 %', done, pg_catalog.cardinality(times), moment, shown.score_source, shown.wins, COALESCE(shown.ndcg::pg_catalog.text, 'unknown');
    END LOOP;
    UPDATE xsell_internal.backtest_run b SET finished_at = pg_catalog.clock_timestamp() WHERE b.run_id = backtest.run_id;
    COMMIT;
END
$$;
COMMENT ON PROCEDURE xsell.backtest(timestamptz, timestamptz, interval, interval, jsonb, bigint, bigint) IS
'Replays history: at from_time and every so often until to_time trains on what was known then (or ranks by the heuristic, where history was too short) and measures it beside popularity, association, lookalike, heuristic and chance against what was won within the horizon after it. Which accounts are one company and which products are one is taken as it is known now. Nothing is deployed and no version kept; results in xsell.backtest_period and xsell.backtest_metric. Commits after each time, so it cannot run inside a transaction block; cancelled, it keeps what it has measured.';

CREATE VIEW xsell.backtest_run WITH (security_invoker = true) AS
SELECT r.run_id,
       CASE WHEN r.finished_at IS NOT NULL THEN 'done'
            WHEN EXISTS (SELECT FROM pg_catalog.pg_locks l
                         WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 2020828525 AND l.objid::bigint = r.run_id AND l.objsubid = 2
                           AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())) THEN 'running'
            ELSE 'stopped' END AS state,
       r.from_time, r.to_time, r.every, r.horizon, r.periods,
       (SELECT pg_catalog.count(*) FROM xsell_internal.backtest_period p WHERE p.run_id = r.run_id AND p.score_source IS NOT NULL)::integer AS measured,
       r.seed, r.parameters::text AS parameters, r.started_by, r.started_at, r.finished_at
FROM xsell_internal.backtest_run r;
COMMENT ON VIEW xsell.backtest_run IS 'Backtests, running and past.';
COMMENT ON COLUMN xsell.backtest_run.run_id IS 'Number of the backtest.';
COMMENT ON COLUMN xsell.backtest_run.state IS 'running, done, or stopped: cancelled, failed or its session gone; what it had measured by then stays.';
COMMENT ON COLUMN xsell.backtest_run.from_time IS 'First time that is replayed.';
COMMENT ON COLUMN xsell.backtest_run.to_time IS 'Last one, at most.';
COMMENT ON COLUMN xsell.backtest_run.every IS 'Step from one to the next.';
COMMENT ON COLUMN xsell.backtest_run.horizon IS 'How far after each time wins count.';
COMMENT ON COLUMN xsell.backtest_run.periods IS 'How many times there are.';
COMMENT ON COLUMN xsell.backtest_run.measured IS 'How many of them have been measured.';
COMMENT ON COLUMN xsell.backtest_run.seed IS 'Seed of the trainings.';
COMMENT ON COLUMN xsell.backtest_run.parameters IS 'Their parameters, as JSON.';
COMMENT ON COLUMN xsell.backtest_run.started_by IS 'Who started it.';
COMMENT ON COLUMN xsell.backtest_run.started_at IS 'When.';
COMMENT ON COLUMN xsell.backtest_run.finished_at IS 'End; NULL unless it came to its end.';

CREATE VIEW xsell.backtest_period WITH (security_invoker = true) AS
SELECT p.run_id, p.at, p.score_source, p.note, p.popularity, p.candidates, p.entities, p.wins, p.trained_from, p.trained_until, p.training_rows, p.positives, p.seconds
FROM xsell_internal.backtest_period p;
COMMENT ON VIEW xsell.backtest_period IS 'The times of each backtest: what ranked, on how many rows, trained on what.';
COMMENT ON COLUMN xsell.backtest_period.run_id IS 'The backtest.';
COMMENT ON COLUMN xsell.backtest_period.at IS 'The time: nothing that was not known then is used to rank.';
COMMENT ON COLUMN xsell.backtest_period.score_source IS 'model, or heuristic where none could be trained; NULL: not measured.';
COMMENT ON COLUMN xsell.backtest_period.note IS 'Why there is no model, or why nothing was measured.';
COMMENT ON COLUMN xsell.backtest_period.popularity IS 'The popularity to beat: the window that ranked best within the horizon before.';
COMMENT ON COLUMN xsell.backtest_period.candidates IS 'Pairs that were ranked.';
COMMENT ON COLUMN xsell.backtest_period.entities IS 'Customers among them.';
COMMENT ON COLUMN xsell.backtest_period.wins IS 'Products that customers first won within the horizon, ranked or not.';
COMMENT ON COLUMN xsell.backtest_period.trained_from IS 'Earliest time that training rows are of.';
COMMENT ON COLUMN xsell.backtest_period.trained_until IS 'When the last horizon of the training rows ended: never after at.';
COMMENT ON COLUMN xsell.backtest_period.training_rows IS 'Rows it was trained and calibrated on.';
COMMENT ON COLUMN xsell.backtest_period.positives IS 'Wins among them.';
COMMENT ON COLUMN xsell.backtest_period.seconds IS 'How long it took.';

CREATE VIEW xsell.backtest_metric WITH (security_invoker = true) AS
SELECT m.run_id, m.at, m.ranker, m.metric, m.value, m.low, m.high, m.rows FROM xsell_internal.backtest_metric m;
COMMENT ON VIEW xsell.backtest_metric IS 'What each ranker reached at each time of a backtest.';
COMMENT ON COLUMN xsell.backtest_metric.run_id IS 'The backtest.';
COMMENT ON COLUMN xsell.backtest_metric.at IS 'The time.';
COMMENT ON COLUMN xsell.backtest_metric.ranker IS 'model, heuristic, popularity, association, lookalike, or random: what an order drawn by lot reaches on average.';
COMMENT ON COLUMN xsell.backtest_metric.metric IS
'precision, recall, ndcg, map and hit_rate at 5, 10 and 20 (macro over customers with a win), auc, pr_auc, coverage; log_loss, brier and ece of probabilities; lift_over_random@10 and lift_over_popularity@10: precision against theirs; value_captured@10: of what customers paid for products new to them, the share that went to their first ten.';
COMMENT ON COLUMN xsell.backtest_metric.value IS 'Its value.';
COMMENT ON COLUMN xsell.backtest_metric.low IS 'Lower end of its interval (95 %).';
COMMENT ON COLUMN xsell.backtest_metric.high IS 'Upper end.';
COMMENT ON COLUMN xsell.backtest_metric.rows IS 'Pairs that were ranked.';

DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['backtest_run', 'backtest_run_run_id_seq', 'backtest_period', 'backtest_metric'] LOOP
        PERFORM pg_catalog.pg_extension_config_dump(('xsell_internal.' || kept)::pg_catalog.regclass, '');
    END LOOP;
END
$$;
