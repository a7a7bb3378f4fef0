-- Evaluation: one function measures every ranker, the model and the baselines, on rows that the model has not seen.

CREATE FUNCTION xsell_internal.ranking_metrics(entity bigint[], product bigint[], label boolean[], score double precision[],
    target_entity bigint[], target_count integer[], probability boolean DEFAULT false, replicates integer DEFAULT 200)
RETURNS TABLE (metric text, value double precision, low double precision, high double precision)
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'xsell_ranking_metrics';
COMMENT ON FUNCTION xsell_internal.ranking_metrics(bigint[], bigint[], boolean[], double precision[], bigint[], integer[], boolean, integer) IS
'Metrics of one ranker over candidate rows given as columns, and over the number of targets of each entity: precision, recall, NDCG, MAP and hit rate at 5, 10 and 20 (macro over entities with a target, ties by the lower product), coverage, AUC, PR-AUC, and for probabilities log-loss, Brier and ECE. Intervals (95 %) by bootstrap over entities.';

CREATE FUNCTION xsell_internal.calibration_bins(label boolean[], score double precision[])
RETURNS TABLE (bin integer, predicted double precision, observed double precision, "rows" bigint)
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'xsell_calibration_bins';
COMMENT ON FUNCTION xsell_internal.calibration_bins(boolean[], double precision[]) IS
'Mean probability and share of positives in 15 bins of equal mass.';

-- Known, not deleted, not closed as of the time.
CREATE FUNCTION xsell_internal.covered_pairs(as_of timestamptz) RETURNS TABLE (entity_id bigint, product_id bigint)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT DISTINCT d.entity_id, d.product_id FROM xsell_internal.deal_pair d
    WHERE d.known_at <= as_of AND (d.named_at IS NULL OR d.named_at <= as_of) AND (d.deleted_at IS NULL OR d.deleted_at > as_of) AND (NOT d.closed OR d.closed_at > as_of);
END
$$;
COMMENT ON FUNCTION xsell_internal.covered_pairs(timestamptz) IS
'Pairs that a deal was open for at a time: winning them is no cross-sell that anybody had to suggest.';

CREATE FUNCTION xsell_internal.target_pairs(as_of timestamptz, look_ahead interval) RETURNS TABLE (entity_id bigint, product_id bigint, amount numeric)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH held AS MATERIALIZED (
        SELECT DISTINCT p.entity_id, p.product_id FROM xsell_internal.purchase p
        WHERE p.won_at <= target_pairs.as_of AND (p.deleted_at IS NULL OR p.deleted_at > target_pairs.as_of)
    ), won AS (
        SELECT p.entity_id, p.product_id, pg_catalog.sum(p.amount_base) AS amount FROM xsell_internal.purchase p
        WHERE p.won_at > target_pairs.as_of AND p.won_at <= target_pairs.as_of + target_pairs.look_ahead
          AND (p.deleted_at IS NULL OR p.deleted_at > target_pairs.as_of + target_pairs.look_ahead)
        GROUP BY p.entity_id, p.product_id
    ), target AS (
        SELECT w.entity_id, w.product_id FROM won w WHERE w.entity_id IN (SELECT h.entity_id FROM held h)
        EXCEPT SELECT h.entity_id, h.product_id FROM held h
        EXCEPT SELECT c.entity_id, c.product_id FROM xsell_internal.covered_pairs(target_pairs.as_of) c
    )
    SELECT w.entity_id, w.product_id, w.amount FROM target t JOIN won w ON w.entity_id = t.entity_id AND w.product_id = t.product_id;
END;
COMMENT ON FUNCTION xsell_internal.target_pairs(timestamptz, interval) IS
'What each customer first won within the horizon, products that it neither held nor had an open deal for, candidates or not, and what it paid for them.';

-- The denominators of the metrics.
CREATE FUNCTION xsell_internal.ranking_targets(as_of timestamptz, look_ahead interval) RETURNS TABLE (entity_id bigint, targets integer)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT t.entity_id, pg_catalog.count(*)::integer FROM xsell_internal.target_pairs(ranking_targets.as_of, ranking_targets.look_ahead) t GROUP BY t.entity_id;
END;
COMMENT ON FUNCTION xsell_internal.ranking_targets(timestamptz, interval) IS
'How many target_pairs each customer has.';

CREATE FUNCTION xsell_internal.member_scores(model text, version integer, x real[]) RETURNS double precision[]
LANGUAGE c STABLE STRICT PARALLEL SAFE COST 300
AS 'MODULE_PATHNAME', 'xsell_member_scores';
COMMENT ON FUNCTION xsell_internal.member_scores(text, integer, real[]) IS
'Calibrated probability by a given version, then the uncalibrated ones of its members: xgboost, random_forest, gradient_boosting, neural_network (NaN: has none).';

CREATE FUNCTION xsell_internal.champion_beside(model text, version integer) RETURNS integer
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT d.version
    FROM xsell_internal.deployment d
    JOIN xsell_internal.model_version c ON c.model = d.model AND c.version = d.version
    JOIN xsell_internal.model_version v ON v.model = d.model AND v.version = champion_beside.version
    WHERE d.model = champion_beside.model AND d.role = 'champion' AND d.version <> v.version
      AND (c.feature_set, c.feature_set_version, c.feature) = (v.feature_set, v.feature_set_version, v.feature)
      AND EXISTS (SELECT FROM xsell_internal.model_blob b WHERE b.model = d.model AND b.version = d.version AND b.kind = 'flat');
END;
COMMENT ON FUNCTION xsell_internal.champion_beside(text, integer) IS
'The champion, where another version can be measured beside it: on the same rows, as it takes the same features.';

CREATE FUNCTION xsell_internal.ranker_scores(model text, version integer, champion integer, x real[]) RETURNS double precision[]
LANGUAGE sql STABLE PARALLEL SAFE
RETURN xsell_internal.member_scores(model, version, x) || xsell_internal.predict_version(model, champion, x);
COMMENT ON FUNCTION xsell_internal.ranker_scores(text, integer, integer, real[]) IS
'member_scores, then the calibrated probability by the champion (NULL: there is none to be measured beside).';

CREATE FUNCTION xsell_internal.member_rankers(model text, version integer) RETURNS TABLE (name text, part integer)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 5
BEGIN ATOMIC
    SELECT 'model', 1
    UNION ALL
    SELECT m.name, m.part
    FROM xsell_internal.model_version v
    JOIN (VALUES ('xgboost', 2), ('random_forest', 3), ('gradient_boosting', 4), ('neural_network', 5)) AS m (name, part) ON m.name = ANY (v.member)
    WHERE v.model = member_rankers.model AND v.version = member_rankers.version AND pg_catalog.cardinality(v.member) > 1
    UNION ALL
    SELECT 'champion', 6 WHERE xsell_internal.champion_beside(member_rankers.model, member_rankers.version) IS NOT NULL;
END;
COMMENT ON FUNCTION xsell_internal.member_rankers(text, integer) IS
'The rankers that a version brings, and their places in ranker_scores: itself, where it blends several its members, and the champion that it would replace.';

CREATE FUNCTION xsell_internal.score_columns(model text, version integer, as_of timestamptz, look_ahead interval, slice text, baselines_only boolean)
RETURNS TABLE (ranker text, entity bigint[], product bigint[], label boolean[], score double precision[])
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    WITH candidate AS MATERIALIZED (
        SELECT l.entity_id, l.product_id, l.x, l.y = 1 AS won,
               CASE WHEN NOT score_columns.baselines_only THEN xsell_internal.ranker_scores(score_columns.model, score_columns.version, b.champion, l.x) END AS score
        FROM xsell_internal.model_version v
        CROSS JOIN xsell_internal.champion_beside(score_columns.model, score_columns.version) AS b(champion)
        CROSS JOIN LATERAL xsell_internal.labelled_rows(v.feature_set, v.feature_set_version, score_columns.as_of, score_columns.look_ahead) l
        WHERE v.model = score_columns.model AND v.version = score_columns.version AND xsell_internal.slice_of(l.entity_id) = score_columns.slice
        ORDER BY l.entity_id, l.product_id
    ), ranker AS (
        SELECT b.name, pg_catalog.array_position(v.feature, b.feature) AS place, NULL::integer AS part
        FROM xsell_internal.model_version v,
             (VALUES ('popularity_7', 'popularity_7'), ('popularity_30', 'popularity_30'), ('popularity_60', 'popularity_60'),
                     ('popularity_all', 'popularity_all'), ('association', 'association_score'), ('lookalike', 'lookalike_share')) AS b (name, feature)
        WHERE v.model = score_columns.model AND v.version = score_columns.version AND b.feature = ANY (v.feature)
        UNION ALL
        SELECT m.name, NULL, m.part FROM xsell_internal.member_rankers(score_columns.model, score_columns.version) m WHERE NOT score_columns.baselines_only
    )
    SELECT r.name, s.entity, s.product, s.label, s.score
    FROM ranker r CROSS JOIN LATERAL (
        SELECT pg_catalog.array_agg(c.entity_id) AS entity, pg_catalog.array_agg(c.product_id) AS product, pg_catalog.array_agg(c.won) AS label,
               -- A missing value ranks last.
               pg_catalog.array_agg(CASE WHEN r.place IS NULL THEN c.score[r.part] ELSE COALESCE(c.x[r.place], '-infinity') END) AS score
        FROM candidate c) s
    WHERE s.entity IS NOT NULL
    ORDER BY r.name;
END;
COMMENT ON FUNCTION xsell_internal.score_columns(text, integer, timestamptz, interval, text, boolean) IS
'The candidates of a slice as columns, once for each ranker: the features that a simple rule would rank by and, unless only these are asked for, the model and its members.';

CREATE FUNCTION xsell_internal.measure_ranking(model text, version integer)
RETURNS TABLE (slice text, metric text, ranker text, value double precision, low double precision, high double precision,
               bin integer, predicted double precision, observed double precision, "rows" bigint)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v xsell_internal.model_version;
    trained_until timestamptz;
    look_ahead interval;
    targets_of bigint[];
    targets integer[];
    best_window text;
    window_ndcg double precision;
    best_ndcg double precision := -1;
    shown record;
BEGIN
    SELECT * INTO STRICT v FROM xsell_internal.model_version w WHERE w.model = measure_ranking.model AND w.version = measure_ranking.version;
    trained_until := v.snapshots[cardinality(v.snapshots)];
    look_ahead := make_interval(secs => extract(epoch FROM v.horizon));  -- exact hours, whatever the time zone

    -- Which popularity is the one to beat is chosen before the validation rows are looked at.
    SELECT array_agg(t.entity_id), array_agg(t.targets) INTO targets_of, targets
    FROM xsell_internal.ranking_targets(trained_until, look_ahead) t WHERE xsell_internal.slice_of(t.entity_id) = 'calibrate';
    FOR shown IN SELECT * FROM xsell_internal.score_columns(v.model, v.version, trained_until, look_ahead, 'calibrate', true) c
                 WHERE c.ranker LIKE 'popularity\_%' LOOP
        SELECT m.value INTO window_ndcg
        FROM xsell_internal.ranking_metrics(shown.entity, shown.product, shown.label, shown.score, targets_of, targets, false, 0) m WHERE m.metric = 'ndcg@10';
        IF COALESCE(window_ndcg, 0) > best_ndcg THEN
            best_ndcg := COALESCE(window_ndcg, 0);
            best_window := shown.ranker;
        END IF;
    END LOOP;

    SELECT array_agg(t.entity_id), array_agg(t.targets) INTO targets_of, targets
    FROM xsell_internal.ranking_targets(trained_until + look_ahead, look_ahead) t WHERE xsell_internal.slice_of(t.entity_id) = 'validate';
    FOR shown IN SELECT * FROM xsell_internal.score_columns(v.model, v.version, trained_until + look_ahead, look_ahead, 'validate', false) c
                 WHERE c.ranker NOT LIKE 'popularity\_%' OR c.ranker = best_window LOOP
        RETURN QUERY
        SELECT 'validate'::text, m.metric, CASE WHEN shown.ranker = best_window THEN 'popularity' ELSE shown.ranker END, m.value, m.low, m.high,
               NULL::integer, NULL::double precision, NULL::double precision, NULL::bigint
        FROM xsell_internal.ranking_metrics(shown.entity, shown.product, shown.label, shown.score, targets_of, targets,
                                             shown.ranker IN (SELECT r.name FROM xsell_internal.member_rankers(v.model, v.version) r)) m;
        IF shown.ranker = 'model' THEN
            RETURN QUERY
            SELECT 'validate'::text, NULL::text, 'model'::text, NULL::double precision, NULL::double precision, NULL::double precision,
                   b.bin, b.predicted, b.observed, b.rows
            FROM xsell_internal.calibration_bins(shown.label, shown.score) b;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION xsell_internal.measure_ranking(text, integer) IS
'Metrics of a version that learns from wins, of its members and of the baselines on its validation rows, and the calibration of its probabilities: rows with a bin. The popularity to beat is the best of 7, 30, 60 days and all time on the calibration rows.';

-- Labels and scores as columns; product and targets are NULL where nothing is ranked.
CREATE FUNCTION xsell_internal.measure_columns(of_slice text, of_ranker text, entity bigint[], product bigint[], label boolean[], score double precision[])
RETURNS TABLE (slice text, metric text, ranker text, value double precision, low double precision, high double precision,
               bin integer, predicted double precision, observed double precision, "rows" bigint)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH target AS (
        SELECT pg_catalog.array_agg(t.entity) AS entity, pg_catalog.array_agg(t.wins) AS wins
        FROM (SELECT l.entity, pg_catalog.count(*)::integer AS wins
              FROM ROWS FROM (pg_catalog.unnest($3), pg_catalog.unnest($5)) AS l(entity, won)
              WHERE l.won AND $4 IS NOT NULL GROUP BY l.entity) t
    )
    SELECT $1, m.metric, $2, m.value, m.low, m.high, NULL::integer, NULL::double precision, NULL::double precision, NULL::bigint
    FROM target t CROSS JOIN LATERAL xsell_internal.ranking_metrics($3, COALESCE($4, pg_catalog.array_fill(0::bigint, ARRAY[pg_catalog.cardinality($3)])), $5, $6,
        t.entity, t.wins, true) m
    WHERE $4 IS NOT NULL OR m.metric IN ('auc', 'pr_auc', 'log_loss', 'brier', 'ece')
    UNION ALL
    SELECT $1, NULL, $2, NULL, NULL, NULL, b.bin, b.predicted, b.observed, b.rows
    FROM xsell_internal.calibration_bins($5, $6) b WHERE $2 = 'model';
END;
COMMENT ON FUNCTION xsell_internal.measure_columns(text, text, bigint[], bigint[], boolean[], double precision[]) IS
'Metrics of one ranker on rows given as columns, and for the model its calibration. Without products nothing is ranked. Intervals by bootstrap over entities.';

CREATE FUNCTION xsell_internal.measure_labels(model text, version integer)
RETURNS TABLE (slice text, metric text, ranker text, value double precision, low double precision, high double precision,
               bin integer, predicted double precision, observed double precision, "rows" bigint)
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    WITH labelled AS MATERIALIZED (
        SELECT r.entity_id, r.product_id, r.y = 1 AS won, xsell_internal.ranker_scores(measure_labels.model, measure_labels.version, b.champion, r.x) AS score
        FROM xsell_internal.model_version v
        CROSS JOIN xsell_internal.champion_beside(measure_labels.model, measure_labels.version) AS b(champion)
        CROSS JOIN LATERAL xsell_internal.training_rows(v.model, v.plan, '{validate}') r
        WHERE v.model = measure_labels.model AND v.version = measure_labels.version
        ORDER BY r.entity_id, r.product_id, r.as_of, r.y
    )
    SELECT m.*
    FROM xsell_internal.member_rankers(measure_labels.model, measure_labels.version) k
    CROSS JOIN LATERAL (
        SELECT pg_catalog.array_agg(l.entity_id) AS entity, pg_catalog.array_agg(COALESCE(l.product_id, 0)) AS product, pg_catalog.count(l.product_id) > 0 AS ranks,
               pg_catalog.array_agg(l.won) AS label, pg_catalog.array_agg(l.score[k.part]) AS score
        FROM labelled l) c
    CROSS JOIN LATERAL xsell_internal.measure_columns('validate', k.name, c.entity, CASE WHEN c.ranks THEN c.product END, c.label, c.score) m
    WHERE c.entity IS NOT NULL;
END;
COMMENT ON FUNCTION xsell_internal.measure_labels(text, integer) IS
'Metrics of a version of a model of one''s own, and of its members, on the labels that validate it.';

CREATE FUNCTION xsell_internal.measure_version(model text, version integer)
RETURNS TABLE (slice text, metric text, ranker text, value double precision, low double precision, high double precision,
               bin integer, predicted double precision, observed double precision, "rows" bigint)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off  -- the planner cannot know how few rows these functions return
AS $$
BEGIN
    IF (SELECT m.label_query IS NULL FROM xsell_internal.model m WHERE m.model = measure_version.model) THEN
        RETURN QUERY SELECT * FROM xsell_internal.measure_ranking(model, version);
    ELSE
        RETURN QUERY SELECT * FROM xsell_internal.measure_labels(model, version);
    END IF;
END
$$;
COMMENT ON FUNCTION xsell_internal.measure_version(text, integer) IS
'Metrics of a version on its validation rows, and the calibration of its probabilities: rows with a bin.';

CREATE FUNCTION xsell_internal.refuse_label(y integer) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'y is %, not 0 or 1', COALESCE(y::text, 'NULL') USING ERRCODE = 'invalid_parameter_value';
END
$$;
COMMENT ON FUNCTION xsell_internal.refuse_label(integer) IS 'An error that names the label.';

CREATE FUNCTION xsell_internal.refuse_query(model text) RETURNS bigint[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'no entity of the query has features of model "%"', model USING ERRCODE = 'no_data_found',
        HINT = 'entity_id (and product_id) must be those of its feature set as of the same time.';
END
$$;
COMMENT ON FUNCTION xsell_internal.refuse_query(text) IS 'An error for a query none of whose rows can be scored.';

CREATE FUNCTION xsell_internal.evaluation_rows(query text) RETURNS TABLE (entity_id bigint, product_id bigint, as_of timestamptz, y integer, x real[])
LANGUAGE c STABLE STRICT PARALLEL UNSAFE ROWS 10000
AS 'MODULE_PATHNAME', 'xsell_evaluation_rows';
COMMENT ON FUNCTION xsell_internal.evaluation_rows(text) IS
'Rows of a SELECT of the caller, which finds tables as the caller does and changes nothing: y, and x or entity_id, product_id and as_of. Without entity_id every row is an entity of its own.';

CREATE FUNCTION xsell_internal.measure_query(model text, version integer, query text)
RETURNS TABLE (slice text, metric text, ranker text, value double precision, low double precision, high double precision)
LANGUAGE sql STABLE PARALLEL UNSAFE
SET jit = off
BEGIN ATOMIC
    WITH given AS MATERIALIZED (
        SELECT q.entity_id, q.product_id, COALESCE(q.as_of, xsell.clock()) AS as_of, q.y, q.x FROM xsell_internal.evaluation_rows(measure_query.query) q
    ), feature AS MATERIALIZED (
        SELECT f.entity_id, f.product_id, t.as_of, f.x
        FROM (SELECT DISTINCT g.as_of FROM given g WHERE g.x IS NULL) t
        CROSS JOIN xsell_internal.model_version v
        CROSS JOIN LATERAL xsell_internal.features_of(v.feature_set, v.feature_set_version, t.as_of) f
        WHERE v.model = measure_query.model AND v.version = measure_query.version
    ), row AS (
        SELECT g.entity_id, g.y, COALESCE(g.x, f.x) AS x
        FROM given g
        LEFT JOIN feature f ON g.x IS NULL AND f.as_of = g.as_of AND f.entity_id = g.entity_id AND f.product_id IS NOT DISTINCT FROM g.product_id
    ), scored AS MATERIALIZED (
        SELECT r.entity_id, CASE r.y WHEN 1 THEN true WHEN 0 THEN false ELSE xsell_internal.refuse_label(r.y) END AS won,
               xsell_internal.ranker_scores(measure_query.model, measure_query.version, b.champion, r.x) AS score
        FROM row r CROSS JOIN xsell_internal.champion_beside(measure_query.model, measure_query.version) AS b(champion) WHERE r.x IS NOT NULL
    )
    SELECT m.slice, m.metric, m.ranker, m.value, m.low, m.high
    FROM xsell_internal.member_rankers(measure_query.model, measure_query.version) k
    CROSS JOIN LATERAL (SELECT pg_catalog.array_agg(s.entity_id) AS entity, pg_catalog.array_agg(s.won) AS label, pg_catalog.array_agg(s.score[k.part]) AS score
                        FROM scored s) c
    CROSS JOIN LATERAL xsell_internal.measure_columns('query', k.name, COALESCE(c.entity, xsell_internal.refuse_query(measure_query.model)), NULL, c.label, c.score) m
    WHERE m.bin IS NULL;
END;
COMMENT ON FUNCTION xsell_internal.measure_query(text, integer, text) IS 'Metrics of a version and of its members on the rows of a query of the caller.';

CREATE FUNCTION xsell_internal.existing_version(model text, version integer) RETURNS integer
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found integer := COALESCE(version,
        (SELECT d.version FROM xsell_internal.deployment d WHERE d.model = existing_version.model AND d.role = 'champion'),
        (SELECT max(v.version) FROM xsell_internal.model_version v WHERE v.model = existing_version.model AND v.status = 'ready'));
    found_status text := (SELECT v.status FROM xsell_internal.model_version v WHERE v.model = existing_version.model AND v.version = found);
BEGIN
    PERFORM xsell_internal.require_model(model);
    IF found_status IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object',
            MESSAGE = CASE WHEN found IS NULL THEN format('model "%s" has no version', model)
                           ELSE format('version %s of model "%s" does not exist', found, model) END,
            HINT = format('See xsell.model_version, or train one: CALL xsell.train(%L).', model);
    ELSIF found_status = 'dropped' THEN
        RAISE EXCEPTION 'version % of model "%" was dropped', found, model USING ERRCODE = 'object_not_in_prerequisite_state',
            DETAIL = 'Its bytes are gone; what was measured of it is in xsell.model_metric.', HINT = 'Take another version, or train a new one.';
    END IF;
    RETURN found;
END
$$;
COMMENT ON FUNCTION xsell_internal.existing_version(text, integer) IS
'The version named; NULL: the champion, without one the newest. An error when there is none, or when it was dropped.';

CREATE FUNCTION xsell.evaluate(model text, version integer DEFAULT NULL, query text DEFAULT NULL)
RETURNS TABLE (slice text, metric text, ranker text, value double precision, low double precision, high double precision)
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT q.slice, q.metric, q.ranker, q.value, q.low, q.high
    FROM xsell_internal.existing_version($1, $2) AS t(version) CROSS JOIN LATERAL xsell_internal.measure_version($1, t.version) q
    WHERE $3 IS NULL AND q.bin IS NULL
    UNION ALL
    SELECT q.slice, q.metric, q.ranker, q.value, q.low, q.high
    FROM xsell_internal.existing_version($1, $2) AS t(version) CROSS JOIN LATERAL xsell_internal.measure_query($1, t.version, $3) q
    WHERE $3 IS NOT NULL;
END;
COMMENT ON FUNCTION xsell.evaluate(text, integer, text) IS
'Measures a version (by default the champion, else the newest), its members, the champion that it would replace, and popularity, association and lookalike baselines, all by the same function on the same rows: later than what it was trained on, and of other customers. query measures it on rows of one''s own instead: SELECT y, x FROM ..., or SELECT entity_id, y FROM ... for features as of as_of, or now. low and high: 95 % interval.';
