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

-- The same deals cover a pair here and in the features: known, not deleted, not closed as of the time.
CREATE FUNCTION xsell_internal.covered_pairs(as_of timestamptz) RETURNS TABLE (entity_id bigint, product_id bigint)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH open_deal AS (
        SELECT e.entity_id, d.org_id, d.opportunity_id, d.product_name, d.attributes ->> 'product_family' AS product_family
        FROM xsell_internal.deal d
        JOIN xsell_internal.entity_account e ON e.org_id = d.org_id AND e.account_id = d.account_id
        WHERE d.known_at <= covered_pairs.as_of AND (d.deleted_at IS NULL OR d.deleted_at > covered_pairs.as_of)
          AND (NOT d.closed OR d.closed_at > covered_pairs.as_of)
    )
    SELECT d.entity_id, m.product_id
    FROM open_deal d
    JOIN xsell.opportunity_line l ON l.org_id = d.org_id AND l.opportunity_id = d.opportunity_id
    JOIN xsell_internal.product_map m ON m.org_id = l.org_id AND m.product_crm_id = l.product_id
    WHERE (l.created_at IS NULL OR l.created_at <= covered_pairs.as_of) AND (l.deleted_at IS NULL OR l.deleted_at > covered_pairs.as_of)
    UNION
    SELECT d.entity_id, n.product_id
    FROM open_deal d
    JOIN xsell_internal.deal_product n
      ON n.org_id = d.org_id AND (n.source = 'deal' AND n.name = d.product_name OR n.source = 'family' AND n.name = d.product_family);
END;
COMMENT ON FUNCTION xsell_internal.covered_pairs(timestamptz) IS
'Pairs that a deal was open for at a time: winning them is no cross-sell that anybody had to suggest.';

-- The denominators of the metrics.
CREATE FUNCTION xsell_internal.ranking_targets(as_of timestamptz, look_ahead interval) RETURNS TABLE (entity_id bigint, targets integer)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH held AS MATERIALIZED (
        SELECT DISTINCT p.entity_id, p.product_id FROM xsell_internal.purchase p
        WHERE p.won_at <= ranking_targets.as_of AND (p.deleted_at IS NULL OR p.deleted_at > ranking_targets.as_of)
    ), won AS (
        SELECT DISTINCT p.entity_id, p.product_id FROM xsell_internal.purchase p
        WHERE p.won_at > ranking_targets.as_of AND p.won_at <= ranking_targets.as_of + ranking_targets.look_ahead
          AND (p.deleted_at IS NULL OR p.deleted_at > ranking_targets.as_of + ranking_targets.look_ahead)
    ), target AS (
        SELECT w.entity_id, w.product_id FROM won w WHERE w.entity_id IN (SELECT h.entity_id FROM held h)
        EXCEPT SELECT h.entity_id, h.product_id FROM held h
        EXCEPT SELECT c.entity_id, c.product_id FROM xsell_internal.covered_pairs(ranking_targets.as_of) c
    )
    SELECT t.entity_id, pg_catalog.count(*)::integer FROM target t GROUP BY t.entity_id;
END;
COMMENT ON FUNCTION xsell_internal.ranking_targets(timestamptz, interval) IS
'How many products each customer first won within the horizon, products that it neither held nor had an open deal for: candidates or not.';

CREATE FUNCTION xsell_internal.score_columns(model text, version integer, as_of timestamptz, look_ahead interval, slice text)
RETURNS TABLE (ranker text, entity bigint[], product bigint[], label boolean[], score double precision[])
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH candidate AS MATERIALIZED (
        SELECT l.entity_id, l.product_id, l.x, l.y = 1 AS won
        FROM xsell_internal.labelled_rows(score_columns.model, score_columns.as_of, score_columns.look_ahead) l
        WHERE xsell_internal.slice_of(l.entity_id) = score_columns.slice
        ORDER BY l.entity_id, l.product_id
    ), ranker AS (
        SELECT b.name, pg_catalog.array_position(v.feature, b.feature) AS place
        FROM xsell_internal.model_version v,
             (VALUES ('popularity_7', 'popularity_7'), ('popularity_30', 'popularity_30'), ('popularity_60', 'popularity_60'),
                     ('popularity_all', 'popularity_all'), ('association', 'association_score'), ('lookalike', 'lookalike_share')) AS b (name, feature)
        WHERE v.model = score_columns.model AND v.version = score_columns.version AND b.feature = ANY (v.feature)
        UNION ALL
        SELECT 'model', NULL
    )
    SELECT r.name, s.entity, s.product, s.label, s.score
    FROM ranker r CROSS JOIN LATERAL (
        SELECT pg_catalog.array_agg(c.entity_id) AS entity, pg_catalog.array_agg(c.product_id) AS product, pg_catalog.array_agg(c.won) AS label,
               -- A missing value ranks last.
               pg_catalog.array_agg(CASE WHEN r.place IS NULL THEN xsell_internal.predict_version(score_columns.model, score_columns.version, c.x)
                                         ELSE COALESCE(c.x[r.place], '-infinity') END) AS score
        FROM candidate c) s
    WHERE s.entity IS NOT NULL
    ORDER BY r.name;
END;
COMMENT ON FUNCTION xsell_internal.score_columns(text, integer, timestamptz, interval, text) IS
'The candidates of a slice as columns, once for each ranker: the model, and the features that a simple rule would rank by.';

CREATE FUNCTION xsell_internal.measure_version(model text, version integer)
RETURNS TABLE (slice text, metric text, ranker text, value double precision, low double precision, high double precision,
               bin integer, predicted double precision, observed double precision, "rows" bigint)
LANGUAGE plpgsql STABLE PARALLEL SAFE
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
    SELECT * INTO STRICT v FROM xsell_internal.model_version w WHERE w.model = measure_version.model AND w.version = measure_version.version;
    trained_until := v.snapshots[cardinality(v.snapshots)];
    look_ahead := make_interval(secs => extract(epoch FROM v.horizon));  -- exact hours, whatever the time zone

    -- Which popularity is the one to beat is chosen before the validation rows are looked at.
    SELECT array_agg(t.entity_id), array_agg(t.targets) INTO targets_of, targets
    FROM xsell_internal.ranking_targets(trained_until, look_ahead) t WHERE xsell_internal.slice_of(t.entity_id) = 'calibrate';
    FOR shown IN SELECT * FROM xsell_internal.score_columns(v.model, v.version, trained_until, look_ahead, 'calibrate') c
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
    FOR shown IN SELECT * FROM xsell_internal.score_columns(v.model, v.version, trained_until + look_ahead, look_ahead, 'validate') c
                 WHERE c.ranker NOT LIKE 'popularity\_%' OR c.ranker = best_window LOOP
        RETURN QUERY
        SELECT 'validate'::text, m.metric, CASE WHEN shown.ranker = best_window THEN 'popularity' ELSE shown.ranker END, m.value, m.low, m.high,
               NULL::integer, NULL::double precision, NULL::double precision, NULL::bigint
        FROM xsell_internal.ranking_metrics(shown.entity, shown.product, shown.label, shown.score, targets_of, targets, shown.ranker = 'model') m;
        IF shown.ranker = 'model' THEN
            RETURN QUERY
            SELECT 'validate'::text, NULL::text, 'model'::text, NULL::double precision, NULL::double precision, NULL::double precision,
                   b.bin, b.predicted, b.observed, b.rows
            FROM xsell_internal.calibration_bins(shown.label, shown.score) b;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION xsell_internal.measure_version(text, integer) IS
'Metrics of a version and of the baselines on its validation rows, and the calibration of its probabilities: rows with a bin. The popularity to beat is the best of 7, 30, 60 days and all time on the calibration rows.';

CREATE FUNCTION xsell.evaluate(model text, version integer DEFAULT NULL)
RETURNS TABLE (slice text, metric text, ranker text, value double precision, low double precision, high double precision)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    measured integer := COALESCE(version,
        (SELECT d.version FROM xsell_internal.deployment d WHERE d.model = evaluate.model AND d.role = 'champion'),
        (SELECT max(v.version) FROM xsell_internal.model_version v WHERE v.model = evaluate.model AND v.status = 'ready'));
BEGIN
    IF NOT EXISTS (SELECT FROM xsell_internal.model m WHERE m.model = evaluate.model) THEN
        RAISE EXCEPTION 'model "%" does not exist', model USING ERRCODE = 'undefined_object';
    ELSIF NOT EXISTS (SELECT FROM xsell_internal.model_version v WHERE v.model = evaluate.model AND v.version = measured) THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object',
            MESSAGE = CASE WHEN measured IS NULL THEN format('model "%s" has no version', model)
                           ELSE format('version %s of model "%s" does not exist', measured, model) END,
            HINT = format('See xsell.model_version, or train one: CALL xsell.train(%L).', model);
    END IF;
    RETURN QUERY SELECT q.slice, q.metric, q.ranker, q.value, q.low, q.high
                 FROM xsell_internal.measure_version(model, measured) q WHERE q.bin IS NULL;
END
$$;
COMMENT ON FUNCTION xsell.evaluate(text, integer) IS
'Measures a version (by default the champion, else the newest) beside popularity, association and lookalike baselines, all by the same function on the same rows: later than what it was trained on, and of other customers. low and high: 95 % interval.';
