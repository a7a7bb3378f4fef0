-- Drift: what features and scores looked like when a version was made, what they look like now, and when that asks for a new training.

CREATE TABLE xsell_internal.model_baseline (
    model    text NOT NULL,
    version  integer NOT NULL,
    position integer NOT NULL CHECK (position >= 0),
    feature  text,
    cut      real[] NOT NULL,
    expected bigint[] NOT NULL CHECK (pg_catalog.cardinality(expected) = pg_catalog.cardinality(cut) + 2),
    PRIMARY KEY (model, version, position),
    FOREIGN KEY (model, version) REFERENCES xsell_internal.model_version ON DELETE CASCADE
);
COMMENT ON TABLE xsell_internal.model_baseline IS
'How the rows that a version would have scored on the day it was made are spread over bins: a row for each feature, and one for the score, with position 0 and no name.';
COMMENT ON COLUMN xsell_internal.model_baseline.cut IS
'Where the bins end: a bin holds what lies above the cut before it, up to its own. Few distinct values have a bin each, others twenty quantiles.';
COMMENT ON COLUMN xsell_internal.model_baseline.expected IS 'Rows without a value, then rows in each bin, one more than there are cuts.';

CREATE TABLE xsell_internal.drift_check (
    model            text NOT NULL,
    version          integer NOT NULL,
    checked_at       timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    kind             text NOT NULL CHECK (kind IN ('feature', 'score', 'calibration', 'data')),
    feature          text NOT NULL,
    psi              double precision,
    jsd              double precision,
    missing_expected double precision,
    missing_now      double precision,
    noise            double precision,
    level            text CHECK (level IN ('stable', 'moderate', 'major')),
    rows             bigint NOT NULL,
    value_expected   double precision,
    value_now        double precision,
    PRIMARY KEY (model, version, checked_at, kind, feature),
    FOREIGN KEY (model, version) REFERENCES xsell_internal.model_version ON DELETE CASCADE
);
COMMENT ON TABLE xsell_internal.drift_check IS 'What xsell.check_drift has found, for a year.';

-- Counting.

CREATE FUNCTION xsell_internal.bin_cuts_state(state internal, x real[], score double precision) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'xsell_bin_cuts_state';
COMMENT ON FUNCTION xsell_internal.bin_cuts_state(internal, real[], double precision) IS 'Takes a row into the sample of bin_cuts.';
CREATE FUNCTION xsell_internal.bin_cuts_of(state internal) RETURNS real[]
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'xsell_bin_cuts';
COMMENT ON FUNCTION xsell_internal.bin_cuts_of(internal) IS 'The cuts of a sample.';
CREATE AGGREGATE xsell_internal.bin_cuts(x real[], score double precision) (
    SFUNC = xsell_internal.bin_cuts_state, STYPE = internal, SSPACE = 8388608, FINALFUNC = xsell_internal.bin_cuts_of);
COMMENT ON AGGREGATE xsell_internal.bin_cuts(real[], double precision) IS
'Where to cut each feature and, last, the score into bins: rows of 24 cuts, NaN where there are fewer. Computed from up to 65536 rows, of more from a sample.';

CREATE FUNCTION xsell_internal.bin_counts_state(state bigint[], x real[], score double precision, cuts real[]) RETURNS bigint[]
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'xsell_bin_counts_state';
COMMENT ON FUNCTION xsell_internal.bin_counts_state(bigint[], real[], double precision, real[]) IS 'Counts a row.';
CREATE FUNCTION xsell_internal.bin_counts_combine(state bigint[], other bigint[]) RETURNS bigint[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'xsell_bin_counts_combine';
COMMENT ON FUNCTION xsell_internal.bin_counts_combine(bigint[], bigint[]) IS 'Adds the counts of two sets of rows.';
CREATE AGGREGATE xsell_internal.bin_counts(x real[], score double precision, cuts real[]) (
    SFUNC = xsell_internal.bin_counts_state, STYPE = bigint[], SSPACE = 16384, COMBINEFUNC = xsell_internal.bin_counts_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE xsell_internal.bin_counts(real[], double precision, real[]) IS
'Rows of counts for each feature and, last, the score: without a value, then in each of the 25 bins between 24 cuts. Rows whose x is NULL are left out.';

CREATE FUNCTION xsell_internal.pad_cuts(cut real[]) RETURNS real[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN cut || pg_catalog.array_fill('NaN'::real, ARRAY[24 - pg_catalog.cardinality(cut)]);
COMMENT ON FUNCTION xsell_internal.pad_cuts(real[]) IS 'Cuts as bin_counts takes them.';

CREATE FUNCTION xsell_internal.counts_at(counts bigint[], place integer, size integer) RETURNS bigint[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN COALESCE((SELECT pg_catalog.array_agg(c.value ORDER BY c.bin)
                 FROM pg_catalog.unnest(counts[place:place]) WITH ORDINALITY AS c(value, bin) WHERE c.bin <= size),
                pg_catalog.array_fill(0::bigint, ARRAY[size]));
COMMENT ON FUNCTION xsell_internal.counts_at(bigint[], integer, integer) IS 'The first counts of one row of bin_counts; zeros when nothing was counted.';

CREATE FUNCTION xsell_internal.compare_bins(expected bigint[], now bigint[],
    OUT psi double precision, OUT jsd double precision, OUT noise double precision, OUT level text)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'xsell_compare_bins';
COMMENT ON FUNCTION xsell_internal.compare_bins(bigint[], bigint[]) IS
'Population stability index (half a row added to each bin), Jensen-Shannon divergence in bits, the index that chance alone gives on average, and what that means: moderate from 0.1, major from 0.25, stable when chance explains it (three standard deviations). NULL without rows.';

CREATE FUNCTION xsell_internal.query_rows(query text) RETURNS TABLE (x real[])
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE ROWS 100000
AS 'MODULE_PATHNAME', 'xsell_query_rows';
COMMENT ON FUNCTION xsell_internal.query_rows(text) IS 'The column x of a caller''s SELECT, with the caller''s privileges.';

-- Baselines.

-- Not of the validation rows: those are a horizon old, everything that ages has drifted since, and a new training could not help.
CREATE FUNCTION xsell_internal.save_baseline(model text, version integer, as_of timestamptz DEFAULT xsell.clock()) RETURNS integer
LANGUAGE sql VOLATILE
SET jit = off
BEGIN ATOMIC
    DELETE FROM xsell_internal.model_baseline b WHERE b.model = save_baseline.model AND b.version = save_baseline.version;
    WITH scored AS MATERIALIZED (
        SELECT f.x, xsell_internal.predict_version(v.model, v.version, f.x) AS score
        FROM xsell_internal.model_version v
        CROSS JOIN LATERAL xsell_internal.features_of(v.feature_set, v.feature_set_version, save_baseline.as_of) f
        WHERE v.model = save_baseline.model AND v.version = save_baseline.version
    ), cut AS MATERIALIZED (
        SELECT xsell_internal.bin_cuts(s.x, s.score) AS cuts FROM scored s
    ), counted AS MATERIALIZED (
        SELECT xsell_internal.bin_counts(s.x, s.score, (SELECT c.cuts FROM cut c)) AS counts FROM scored s
    )
    INSERT INTO xsell_internal.model_baseline (model, version, position, feature, cut, expected)
    SELECT v.model, v.version, CASE WHEN f.name IS NULL THEN 0 ELSE f.place END, f.name, k.cut,
           xsell_internal.counts_at(n.counts, f.place::integer, pg_catalog.cardinality(k.cut) + 2)
    FROM xsell_internal.model_version v
    CROSS JOIN LATERAL pg_catalog.unnest(v.feature || NULL::text) WITH ORDINALITY AS f(name, place)
    CROSS JOIN counted n
    CROSS JOIN cut c
    CROSS JOIN LATERAL (SELECT ARRAY(SELECT u.cut FROM pg_catalog.unnest(c.cuts[f.place:f.place]) AS u(cut) WHERE u.cut <> 'NaN') AS cut) k
    WHERE v.model = save_baseline.model AND v.version = save_baseline.version AND n.counts IS NOT NULL;
    SELECT pg_catalog.count(*)::integer FROM xsell_internal.model_baseline b WHERE b.model = save_baseline.model AND b.version = save_baseline.version;
END;
COMMENT ON FUNCTION xsell_internal.save_baseline(text, integer, timestamptz) IS
'Writes down how the features and the score of the rows that a version would score at a time are distributed. Returns the number of features, and one for the score; 0 without rows.';

-- Now. The tables that these functions read are small beside what the planner expects of functions: compiling would take longer.

CREATE FUNCTION xsell_internal.baseline_cuts(model text, version integer) RETURNS real[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    cuts real[] := (SELECT array_agg(xsell_internal.pad_cuts(b.cut) ORDER BY b.position = 0, b.position)
                    FROM xsell_internal.model_baseline b WHERE b.model = baseline_cuts.model AND b.version = baseline_cuts.version);
BEGIN
    IF cuts IS NULL THEN
        RAISE EXCEPTION 'version % of model "%" has no baseline', version, model USING ERRCODE = 'object_not_in_prerequisite_state',
            DETAIL = 'A training saves it, from what there is to score then.',
            HINT = format('Train a new version: CALL xsell.train(%L).', model);
    END IF;
    RETURN cuts;
END
$$;
COMMENT ON FUNCTION xsell_internal.baseline_cuts(text, integer) IS 'The cuts of a version''s baseline as bin_counts takes them, the score last.';

CREATE FUNCTION xsell_internal.newer_rows(model text, version integer, as_of timestamptz) RETURNS TABLE (x real[], y integer)
LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 100000
BEGIN ATOMIC
    SELECT r.x, r.y
    FROM (SELECT v.plan || CASE
              WHEN m.label_query IS NOT NULL THEN pg_catalog.jsonb_build_object('at', newer_rows.as_of, 'from', v.plan -> 'at', 'validate_from', v.plan -> 'at')
              WHEN w.complete_at > (v.plan ->> 'validate_at')::timestamptz THEN pg_catalog.jsonb_build_object('validate_at', w.complete_at) END AS plan
          FROM xsell_internal.model_version v
          JOIN xsell_internal.model m ON m.model = v.model
          CROSS JOIN LATERAL (SELECT pg_catalog.max(p.won_at) - pg_catalog.make_interval(secs => (v.plan ->> 'look_ahead')::double precision) AS complete_at
                              FROM xsell_internal.purchase p WHERE p.won_at <= newer_rows.as_of) w
          WHERE v.model = newer_rows.model AND v.version = newer_rows.version AND newer_rows.as_of > COALESCE(v.plan ->> 'at', v.plan ->> 'validate_at')::timestamptz) v
    CROSS JOIN LATERAL xsell_internal.training_rows(newer_rows.model, v.plan, '{validate}') r
    WHERE v.plan IS NOT NULL;
END;
COMMENT ON FUNCTION xsell_internal.newer_rows(text, integer, timestamptz) IS
'Rows like those that a version was validated on, of the same entities, whose outcomes have come in since: as of the last time whose outcomes are complete; for a model of one''s own, labels of later times.';

CREATE FUNCTION xsell_internal.calibration_drift(model text, version integer, as_of timestamptz)
RETURNS TABLE ("rows" bigint, expected double precision, now double precision, noise double precision, level text)
LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 1
BEGIN ATOMIC
    WITH scored AS MATERIALIZED (
        SELECT r.y = 1 AS label, xsell_internal.predict_version(calibration_drift.model, calibration_drift.version, r.x) AS score
        FROM xsell_internal.newer_rows(calibration_drift.model, calibration_drift.version, calibration_drift.as_of) r
    ), bin AS MATERIALIZED (
        SELECT b.predicted, b.observed, b.rows
        FROM (SELECT pg_catalog.array_agg(s.label) AS label, pg_catalog.array_agg(s.score) AS score FROM scored s) c
        CROSS JOIN LATERAL xsell_internal.calibration_bins(c.label, c.score) b WHERE c.label IS NOT NULL
    ), error AS (
        SELECT pg_catalog.sum(b.rows)::bigint AS rows, pg_catalog.sum(b.rows * pg_catalog.abs(b.predicted - b.observed)) / pg_catalog.sum(b.rows) AS now,
               -- The mean distance of a share from its probability, sqrt(2 / pi) standard deviations, in bins that are calibrated.
               pg_catalog.sum(b.rows * pg_catalog.sqrt(2 * b.predicted * (1 - b.predicted) / (pg_catalog.pi() * b.rows))) / pg_catalog.sum(b.rows) AS noise,
               pg_catalog.sum(b.rows * b.observed) / pg_catalog.sum(b.rows) AS rate
        FROM bin b
    )
    SELECT e.rows, m.value, e.now, e.noise,
           CASE WHEN e.now - m.value <= 2 * e.noise OR e.now - m.value < 0.1 * e.rate THEN 'stable'
                WHEN e.now - m.value < 0.25 * e.rate THEN 'moderate' ELSE 'major' END
    FROM error e
    JOIN xsell_internal.model_metric m ON m.model = calibration_drift.model AND m.version = calibration_drift.version
        AND m.slice = 'validate' AND m.metric = 'ece' AND m.ranker = 'model'
    WHERE e.rows > 0;
END;
COMMENT ON FUNCTION xsell_internal.calibration_drift(text, integer, timestamptz) IS
'Calibration error of a version at its validation, and now that outcomes have come in since: no row before that. The level is by the growth against the rate of positives (moderate from 0.1, major from 0.25), where it exceeds twice what chance gives.';

CREATE FUNCTION xsell_internal.newer_data(model text, version integer, as_of timestamptz) RETURNS TABLE ("rows" bigint, share double precision)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
    SELECT n.newer, n.newer / NULLIF(n.known, 0)::double precision
    FROM (SELECT (v.plan ->> 'validate_at')::timestamptz + pg_catalog.make_interval(secs => (v.plan ->> 'look_ahead')::double precision) AS until
          FROM xsell_internal.model_version v JOIN xsell_internal.model m ON m.model = v.model AND m.label_query IS NULL
          WHERE v.model = newer_data.model AND v.version = newer_data.version) v
    CROSS JOIN LATERAL (SELECT pg_catalog.count(*) FILTER (WHERE p.won_at > v.until) AS newer, pg_catalog.count(*) AS known
                        FROM xsell_internal.purchase p WHERE p.won_at <= newer_data.as_of) n
    WHERE v.until IS NOT NULL;
END;
COMMENT ON FUNCTION xsell_internal.newer_data(text, integer, timestamptz) IS
'Wins that have come since those that a version was trained and validated on, and their share of all. No row for models with labels of their own.';

CREATE FUNCTION xsell.drift(model text, version integer DEFAULT NULL, as_of timestamptz DEFAULT NULL, query text DEFAULT NULL)
RETURNS TABLE (feature text, psi double precision, jsd double precision, missing_expected double precision, missing_now double precision,
               noise double precision, level text, "rows" bigint, kind text, value_expected double precision, value_now double precision)
LANGUAGE sql VOLATILE PARALLEL UNSAFE ROWS 50
SET jit = off
BEGIN ATOMIC
    WITH target AS MATERIALIZED (
        SELECT v.version, v.feature_set, v.feature_set_version, COALESCE(drift.as_of, xsell.clock()) AS at,
               xsell_internal.baseline_cuts(v.model, v.version) AS cuts
        FROM xsell_internal.existing_version(drift.model, drift.version) AS e(version)
        JOIN xsell_internal.model_version v ON v.model = drift.model AND v.version = e.version
    ), counted AS MATERIALIZED (
        SELECT xsell_internal.bin_counts(s.x, xsell_internal.predict_version(drift.model, t.version, s.x), (SELECT b.cuts FROM target b)) AS counts
        FROM target t CROSS JOIN LATERAL (
            SELECT f.x FROM xsell_internal.features_of(t.feature_set, t.feature_set_version, t.at) f WHERE drift.query IS NULL
            UNION ALL
            SELECT q.x FROM xsell_internal.query_rows(drift.query) q WHERE drift.query IS NOT NULL) s
    ), spread AS MATERIALIZED (
        SELECT b.position, b.feature, b.expected,
               xsell_internal.counts_at(c.counts, CASE b.position WHEN 0 THEN pg_catalog.array_length(t.cuts, 1) ELSE b.position END,
                                        pg_catalog.cardinality(b.expected)) AS now
        FROM target t
        JOIN xsell_internal.model_baseline b ON b.model = drift.model AND b.version = t.version
        CROSS JOIN counted c
    ), found AS (
        SELECT CASE s.position WHEN 0 THEN 2 ELSE 1 END AS place, s.position, COALESCE(s.feature, 'score') AS feature, d.psi, d.jsd,
               s.expected[1] / NULLIF(e.total, 0) AS missing_expected, s.now[1] / NULLIF(n.total, 0) AS missing_now,
               d.noise, d.level, n.total::bigint AS rows, CASE s.position WHEN 0 THEN 'score' ELSE 'feature' END AS kind,
               NULL::double precision AS value_expected, NULL::double precision AS value_now
        FROM spread s
        CROSS JOIN LATERAL (SELECT pg_catalog.sum(u.u)::double precision AS total FROM pg_catalog.unnest(s.expected) AS u(u)) e
        CROSS JOIN LATERAL (SELECT pg_catalog.sum(u.u)::double precision AS total FROM pg_catalog.unnest(s.now) AS u(u)) n
        CROSS JOIN LATERAL xsell_internal.compare_bins(s.expected, s.now) d
        UNION ALL
        SELECT 3, 0, 'calibration', NULL, NULL, NULL, NULL, c.noise, c.level, c.rows, 'calibration', c.expected, c.now
        FROM target t CROSS JOIN LATERAL xsell_internal.calibration_drift(drift.model, t.version, t.at) c WHERE drift.query IS NULL
        UNION ALL
        SELECT 4, 0, 'newer wins', NULL, NULL, NULL, NULL, NULL,
               CASE WHEN n.share >= 0.25 THEN 'major' WHEN n.share >= 0.1 THEN 'moderate' ELSE 'stable' END, n.rows, 'data', 0, n.share
        FROM target t CROSS JOIN LATERAL xsell_internal.newer_data(drift.model, t.version, t.at) n WHERE drift.query IS NULL
    )
    SELECT f.feature, f.psi, f.jsd, f.missing_expected, f.missing_now, f.noise, f.level, f.rows, f.kind, f.value_expected, f.value_now
    FROM found f ORDER BY f.place, f.position;
END;
COMMENT ON FUNCTION xsell.drift(text, integer, timestamptz, text) IS
'How far the features of a model have moved since a version (by default the champion) was made: a row for each feature, one for the score, one for the calibration once outcomes have come in since, and one for the share of newer wins. Looks at the features as of a time (by default now), or at the column x of a query of your own. psi: population stability index; jsd: Jensen-Shannon divergence; noise: the index that chance alone gives; level: moderate from 0.1, major from 0.25, stable where chance explains it; value_expected and value_now: calibration error, share of newer wins.';

CREATE FUNCTION xsell_internal.record_drift(model text, version integer) RETURNS void
LANGUAGE sql VOLATILE
BEGIN ATOMIC
    DELETE FROM xsell_internal.drift_check c WHERE c.checked_at < pg_catalog.now() - interval '1 year';
    INSERT INTO xsell_internal.drift_check (model, version, checked_at, kind, feature, psi, jsd, missing_expected, missing_now, noise, level, rows, value_expected, value_now)
    SELECT record_drift.model, record_drift.version, t.at, d.kind, d.feature, d.psi, d.jsd, d.missing_expected, d.missing_now, d.noise, d.level, d.rows,
           d.value_expected, d.value_now
    FROM (SELECT pg_catalog.clock_timestamp() AS at OFFSET 0) t CROSS JOIN xsell.drift(record_drift.model, record_drift.version) d;
END;
COMMENT ON FUNCTION xsell_internal.record_drift(text, integer) IS 'Writes down what xsell.drift finds now, and forgets what is older than a year.';

CREATE VIEW xsell.drift_check WITH (security_invoker = true) AS
SELECT c.model, c.version, c.checked_at, c.kind, c.feature, c.psi, c.jsd, c.missing_expected, c.missing_now, c.noise, c.level, c.rows, c.value_expected, c.value_now
FROM xsell_internal.drift_check c;
COMMENT ON VIEW xsell.drift_check IS 'What xsell.check_drift has found, for a year: xselld runs it once a day.';
COMMENT ON COLUMN xsell.drift_check.model IS 'The model.';
COMMENT ON COLUMN xsell.drift_check.version IS 'The version that was looked at.';
COMMENT ON COLUMN xsell.drift_check.checked_at IS 'When.';
COMMENT ON COLUMN xsell.drift_check.kind IS 'What moved: feature, score, calibration, data (the share of newer wins).';
COMMENT ON COLUMN xsell.drift_check.feature IS 'The feature, where it is one.';
COMMENT ON COLUMN xsell.drift_check.psi IS 'Population stability index.';
COMMENT ON COLUMN xsell.drift_check.jsd IS 'Jensen-Shannon divergence in bits: 0 equal, 1 disjoint.';
COMMENT ON COLUMN xsell.drift_check.missing_expected IS 'Share of rows without a value when the version was made.';
COMMENT ON COLUMN xsell.drift_check.missing_now IS 'The same now.';
COMMENT ON COLUMN xsell.drift_check.noise IS 'What chance alone gives on average: of the index, or of the calibration error.';
COMMENT ON COLUMN xsell.drift_check.level IS 'stable, moderate or major; NULL: no rows.';
COMMENT ON COLUMN xsell.drift_check.rows IS 'Rows looked at; of data, newer wins.';
COMMENT ON COLUMN xsell.drift_check.value_expected IS 'Calibration error at validation.';
COMMENT ON COLUMN xsell.drift_check.value_now IS 'Calibration error now; of data, the share of newer wins.';

-- When to train anew.

CREATE FUNCTION xsell_internal.number_setting(name text, otherwise double precision) RETURNS double precision
LANGUAGE sql STABLE PARALLEL SAFE
RETURN COALESCE((SELECT s.value::double precision FROM xsell_internal.setting s WHERE s.name = number_setting.name), otherwise);
COMMENT ON FUNCTION xsell_internal.number_setting(text, double precision) IS
'A number from xsell_internal.setting: retrain_days (a version older than 90 days is due), retrain_drift_share (so is one with major drift in 0.25 of its features), retrain_pause_days (7 days after a training asks for none).';

CREATE VIEW xsell.retrain_rule WITH (security_invoker = true) AS
WITH champion AS (
    SELECT v.model, v.version, v.trained_at,
           (SELECT pg_catalog.max(c.checked_at) FROM xsell_internal.drift_check c WHERE c.model = v.model AND c.version = v.version) AS checked_at
    FROM xsell_internal.deployment d
    JOIN xsell_internal.model_version v ON v.model = d.model AND v.version = d.version
    WHERE d.role = 'champion'
), finding AS (
    SELECT c.model, d.kind, pg_catalog.count(*) AS looked_at, pg_catalog.count(*) FILTER (WHERE d.level = 'major') AS major,
           pg_catalog.array_to_string((pg_catalog.array_agg(d.feature ORDER BY d.psi DESC, d.feature) FILTER (WHERE d.level = 'major'))[1:5], ', ') AS features,
           pg_catalog.round(pg_catalog.max(d.psi)::numeric, 2) AS psi,
           pg_catalog.round(pg_catalog.max(d.value_expected)::numeric, 4) AS expected, pg_catalog.round(pg_catalog.max(d.value_now)::numeric, 4) AS now
    FROM champion c
    JOIN xsell_internal.drift_check d ON d.model = c.model AND d.version = c.version AND d.checked_at = c.checked_at
    GROUP BY c.model, d.kind
), cause AS (
    SELECT c.model, 1 AS place, pg_catalog.format('version %s is %s days old', c.version, pg_catalog.date_part('day', pg_catalog.now() - c.trained_at)) AS reason
    FROM champion c
    WHERE pg_catalog.now() - c.trained_at > pg_catalog.make_interval(secs => 86400 * xsell_internal.number_setting('retrain_days', 90))
    UNION ALL
    SELECT f.model, 2, pg_catalog.format('major drift in %s of %s features, most in %s', f.major, f.looked_at, f.features)
    FROM finding f WHERE f.kind = 'feature' AND f.major > 0 AND f.major >= f.looked_at * xsell_internal.number_setting('retrain_drift_share', 0.25)
    UNION ALL
    SELECT f.model, 3, pg_catalog.format('the scores have drifted (PSI %s)', f.psi) FROM finding f WHERE f.kind = 'score' AND f.major > 0
    UNION ALL
    SELECT f.model, 4, pg_catalog.format('the calibration error is %s, it was %s', f.now, f.expected) FROM finding f WHERE f.kind = 'calibration' AND f.major > 0
    UNION ALL
    SELECT f.model, 5, pg_catalog.format('%s %% of all wins are newer than what it was trained on', pg_catalog.round(100 * f.now)) FROM finding f
    WHERE f.kind = 'data' AND f.major > 0
)
SELECT c.model, c.version,
       w.reason IS NOT NULL AND NOT EXISTS (
           SELECT FROM xsell_internal.training_run r
           WHERE r.model = c.model AND r.requested_at > c.trained_at
             AND r.requested_at > pg_catalog.now() - pg_catalog.make_interval(secs => 86400 * xsell_internal.number_setting('retrain_pause_days', 7))) AS due,
       w.reason, c.checked_at, pg_catalog.format('CALL xsell.train(%L)', c.model) AS command
FROM champion c
LEFT JOIN LATERAL (SELECT pg_catalog.string_agg(r.reason, '; ' ORDER BY r.place) AS reason FROM cause r WHERE r.model = c.model) w ON true;
COMMENT ON VIEW xsell.retrain_rule IS
'Whether the champion of each model should be trained anew, by its age and by what xsell.check_drift found last. xselld asks for the training where its configuration says so.';
COMMENT ON COLUMN xsell.retrain_rule.model IS 'The model.';
COMMENT ON COLUMN xsell.retrain_rule.version IS 'Its champion.';
COMMENT ON COLUMN xsell.retrain_rule.due IS 'Whether there is a reason, and no training was asked for in the last days (retrain_pause_days in xsell_internal.setting).';
COMMENT ON COLUMN xsell.retrain_rule.reason IS 'Every reason there is; NULL: none.';
COMMENT ON COLUMN xsell.retrain_rule.checked_at IS 'The last check of the drift; NULL: none yet.';
COMMENT ON COLUMN xsell.retrain_rule.command IS 'What to run.';

CREATE FUNCTION xsell.check_drift(model text) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    champion integer := (SELECT d.version FROM xsell_internal.deployment d WHERE d.model = check_drift.model AND d.role = 'champion');
BEGIN
    IF champion IS NULL THEN
        PERFORM xsell_internal.existing_version(model, NULL);
        RAISE EXCEPTION 'model "%" has no champion', model USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = 'Deploy a version with xsell.deploy; xsell.drift looks at versions that are not deployed.';
    END IF;
    PERFORM xsell_internal.record_drift(model, champion);
    RETURN (SELECT r.due FROM xsell.retrain_rule r WHERE r.model = check_drift.model);
END
$$;
COMMENT ON FUNCTION xsell.check_drift(text) IS
'Writes down how far the champion of a model has drifted (xsell.drift_check) and returns whether it should be trained anew (xsell.retrain_rule). xselld does so once a day.';

SELECT pg_catalog.pg_extension_config_dump('xsell_internal.model_baseline', '');
SELECT pg_catalog.pg_extension_config_dump('xsell_internal.drift_check', '');
