-- Experiments: who was shown what by which version, what came of it, and what that says about the versions of a split.

CREATE TABLE xsell_internal.exposure (
    exposure_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model       text NOT NULL,
    version     integer NOT NULL,
    arm         text NOT NULL,
    entity_id   bigint NOT NULL,
    product_id  bigint,
    probability double precision CHECK (probability BETWEEN 0 AND 1),
    rank        integer CHECK (rank > 0),
    shown_at    timestamptz NOT NULL,
    logged_at   timestamptz NOT NULL DEFAULT pg_catalog.now(),
    FOREIGN KEY (model, version) REFERENCES xsell_internal.model_version ON DELETE CASCADE
);
-- Once a day, whoever logs it how often.
CREATE UNIQUE INDEX ON xsell_internal.exposure (model, entity_id, product_id, ((shown_at AT TIME ZONE 'UTC')::date)) NULLS NOT DISTINCT;
COMMENT ON TABLE xsell_internal.exposure IS 'What was shown: at most one row for an entity and a product on a day (UTC). What a version scored and nobody saw is no exposure.';
COMMENT ON COLUMN xsell_internal.exposure.arm IS 'The role that the version played in the split.';
COMMENT ON COLUMN xsell_internal.exposure.shown_at IS 'When it was shown, by xsell.clock().';
COMMENT ON COLUMN xsell_internal.exposure.logged_at IS 'When the row was written, by the real clock.';

CREATE TABLE xsell_internal.outcome (
    outcome_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model      text NOT NULL REFERENCES xsell_internal.model ON DELETE CASCADE,
    entity_id  bigint NOT NULL,
    product_id bigint,
    kind       text NOT NULL CHECK (kind ~ '^[a-z][a-z0-9_]{0,62}$'),
    value      double precision,
    at         timestamptz NOT NULL,
    logged_by  text NOT NULL DEFAULT CURRENT_USER
);
CREATE INDEX ON xsell_internal.outcome (model, entity_id, product_id);
COMMENT ON TABLE xsell_internal.outcome IS 'What came of it, as somebody recorded: won, accepted, ... Wins of products need no row: purchases tell.';
COMMENT ON COLUMN xsell_internal.outcome.product_id IS 'The product; NULL: the entity as a whole.';
COMMENT ON COLUMN xsell_internal.outcome.value IS 'What it is worth, if anything.';

CREATE FUNCTION xsell.log_exposure(model text, entity bigint, product bigint DEFAULT NULL, probability double precision DEFAULT NULL,
    rank integer DEFAULT NULL, shown_at timestamptz DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    logged bigint;
BEGIN
    PERFORM xsell_internal.require_model(model);
    IF entity IS NULL THEN
        RAISE EXCEPTION 'entity must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    ELSIF NOT (probability BETWEEN 0 AND 1) OR rank < 1 OR NOT isfinite(shown_at) THEN
        RAISE EXCEPTION 'an exposure has a probability from 0 to 1, a rank from 1 on and a time' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Leave out what is not known: NULL.';
    END IF;
    INSERT INTO xsell_internal.exposure (model, version, arm, entity_id, product_id, probability, rank, shown_at)
    SELECT d.model, d.version, d.role, entity, product, log_exposure.probability, log_exposure.rank, COALESCE(log_exposure.shown_at, xsell.clock())
    FROM xsell_internal.deployment d
    WHERE d.model = log_exposure.model AND d.share > 0 AND d.version = xsell_internal.assigned_version(log_exposure.model, entity)
    ON CONFLICT DO NOTHING RETURNING exposure_id INTO logged;
    IF logged IS NULL AND xsell_internal.assigned_version(model, entity) IS NULL THEN
        RAISE EXCEPTION 'no version of model "%" is deployed', model USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = 'What no version scored belongs to no experiment. See xsell.deploy.';
    END IF;
    RETURN logged;
END
$$;
COMMENT ON FUNCTION xsell.log_exposure(text, bigint, bigint, double precision, integer, timestamptz) IS
'Notes that an entity was shown its score, or a product, by the version that it belongs to. Returns the row; NULL: it was noted on that day before.';

CREATE FUNCTION xsell.log_exposures(model text, shown_at timestamptz DEFAULT NULL, top_n integer DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    logged bigint;
BEGIN
    PERFORM xsell_internal.require_model(model);
    INSERT INTO xsell_internal.exposure (model, version, arm, entity_id, product_id, probability, rank, shown_at)
    SELECT DISTINCT ON (r.entity_id, r.product_id) r.model, r.version, d.role, r.entity_id, r.product_id, r.probability, r.rank,
           COALESCE(log_exposures.shown_at, xsell.clock())
    FROM xsell_internal.recommendation r
    JOIN xsell_internal.deployment d ON d.model = r.model AND d.version = r.version AND d.share > 0
    WHERE r.live AND r.score_source = 'model' AND r.model = log_exposures.model AND (top_n IS NULL OR r.rank <= top_n)
    ORDER BY r.entity_id, r.product_id, r.rank, r.recommendation_id
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS logged = ROW_COUNT;
    RETURN logged;
END
$$;
COMMENT ON FUNCTION xsell.log_exposures(text, timestamptz, integer) IS
'Notes that the work list was shown: every live recommendation (the top_n of each entity) that a version of the split scored. Returns how many are new; those of the same day (UTC) are not noted twice.';

CREATE FUNCTION xsell.record_outcome(model text, entity bigint, product bigint DEFAULT NULL, kind text DEFAULT 'won',
    value double precision DEFAULT NULL, at timestamptz DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    recorded bigint;
BEGIN
    PERFORM xsell_internal.require_model(model);
    IF entity IS NULL THEN
        RAISE EXCEPTION 'entity must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    ELSIF kind IS NULL OR kind !~ '^[a-z][a-z0-9_]{0,62}$' THEN
        RAISE EXCEPTION '"%" cannot be a kind of outcome', kind USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Kinds are won, accepted, clicked, or a name of lower case letters, digits and underscores.';
    ELSIF NOT isfinite(at) OR value IN ('NaN', 'infinity', '-infinity') THEN
        RAISE EXCEPTION 'an outcome has a time, and a finite value if any' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Leave out what is not known: NULL.';
    END IF;
    INSERT INTO xsell_internal.outcome (model, entity_id, product_id, kind, value, at)
    VALUES (model, entity, product, record_outcome.kind, record_outcome.value, COALESCE(record_outcome.at, xsell.clock())) RETURNING outcome_id INTO recorded;
    RETURN recorded;
END
$$;
COMMENT ON FUNCTION xsell.record_outcome(text, bigint, bigint, text, double precision, timestamptz) IS
'Notes what came of an exposure, for xsell.experiment. Wins of products are known from the purchases and need not be recorded. Returns the row.';

-- An exposure without an outcome has one row; one with several kinds has one for each.
CREATE VIEW xsell.exposure_outcome WITH (security_invoker = true) AS
SELECT e.exposure_id, e.model, e.version, e.arm, e.entity_id, e.product_id, e.probability, e.rank, e.shown_at, e.logged_at,
       o.kind, o.at AS outcome_at, o.value
FROM xsell_internal.exposure e
JOIN xsell_internal.model m ON m.model = e.model
JOIN xsell_internal.model_version v ON v.model = e.model AND v.version = e.version
CROSS JOIN LATERAL (SELECT e.shown_at + COALESCE(v.horizon, m.horizon) AS until) h
LEFT JOIN LATERAL (
    SELECT DISTINCT ON (u.kind) u.kind, u.at, u.value
    FROM (SELECT r.kind, r.at, r.value FROM xsell_internal.outcome r
          WHERE r.model = e.model AND r.entity_id = e.entity_id AND (e.product_id IS NULL OR r.product_id = e.product_id) AND r.at >= e.shown_at
          UNION ALL
          SELECT 'won', p.won_at, p.amount_base::double precision FROM xsell_internal.purchase p
          WHERE m.label_query IS NULL AND p.entity_id = e.entity_id AND p.product_id = e.product_id AND p.won_at > e.shown_at
            AND (p.deleted_at IS NULL OR p.deleted_at > h.until)) u
    WHERE h.until IS NULL OR u.at <= h.until
    ORDER BY u.kind, u.at) o ON true;
COMMENT ON VIEW xsell.exposure_outcome IS
'What was shown and what came of it: the first outcome of each kind within the horizon after an exposure. Wins are read from the purchases.';
COMMENT ON COLUMN xsell.exposure_outcome.exposure_id IS 'The exposure.';
COMMENT ON COLUMN xsell.exposure_outcome.model IS 'The model.';
COMMENT ON COLUMN xsell.exposure_outcome.version IS 'The version that scored it.';
COMMENT ON COLUMN xsell.exposure_outcome.arm IS 'The role that the version played then.';
COMMENT ON COLUMN xsell.exposure_outcome.entity_id IS 'Who it was shown for.';
COMMENT ON COLUMN xsell.exposure_outcome.product_id IS 'The product; NULL where the model has none.';
COMMENT ON COLUMN xsell.exposure_outcome.probability IS 'The probability that was shown.';
COMMENT ON COLUMN xsell.exposure_outcome.rank IS 'Its place in the entity''s list.';
COMMENT ON COLUMN xsell.exposure_outcome.shown_at IS 'When it was shown.';
COMMENT ON COLUMN xsell.exposure_outcome.logged_at IS 'When that was noted.';
COMMENT ON COLUMN xsell.exposure_outcome.kind IS 'Kind of the outcome; NULL: nothing came of it, so far.';
COMMENT ON COLUMN xsell.exposure_outcome.outcome_at IS 'When it came.';
COMMENT ON COLUMN xsell.exposure_outcome.value IS 'What it is worth.';

CREATE FUNCTION xsell_internal.normal_tail(z double precision) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'xsell_normal_tail';
COMMENT ON FUNCTION xsell_internal.normal_tail(double precision) IS 'Probability that a standard normal variable exceeds z.';

CREATE FUNCTION xsell_internal.chi_square_tail(x double precision, degrees integer) RETURNS double precision
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'xsell_chi_square_tail';
COMMENT ON FUNCTION xsell_internal.chi_square_tail(double precision, integer) IS 'Probability that a chi-square variable exceeds x.';

CREATE FUNCTION xsell_internal.wilson_interval(successes bigint, trials bigint, OUT low double precision, OUT high double precision)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT (w.p + w.z2 / (2 * w.n) - w.half) / (1 + w.z2 / w.n), (w.p + w.z2 / (2 * w.n) + w.half) / (1 + w.z2 / w.n)
    FROM (SELECT s.*, pg_catalog.sqrt(s.z2 * (s.p * (1 - s.p) / s.n + s.z2 / (4 * s.n * s.n))) AS half
          FROM (SELECT successes / NULLIF(trials, 0)::double precision AS p, NULLIF(trials, 0)::double precision AS n, 1.959963984540054 ^ 2 AS z2) s) w;
END;
COMMENT ON FUNCTION xsell_internal.wilson_interval(bigint, bigint) IS 'Interval (95 %) of a rate by Wilson''s score; NULL without trials.';

-- Two rates are compared on the logarithm of their ratio, d, whose variance s2 is (1 - p1) / successes1 + (1 - p2) / successes2.
--   z test: pooled, two-sided, valid at one look that was fixed before.
--   always_valid_p: valid however often one looks, at whatever moment one stops. The mixture sequential probability ratio test with a normal
--   mixture N(0, tau2) over the true d: L = sqrt(s2 / (s2 + tau2)) * exp(tau2 * d^2 / (2 * s2 * (s2 + tau2))), p = min(1, 1 / L).
--   Source: R. Johari, P. Koomen, L. Pekelis, D. Walsh, "Always Valid Inference: Continuous Monitoring of A/B Tests", Operations Research 70(3),
--   2022 (arXiv:1512.04922), section 4, after H. Robbins, "Statistical Methods Related to the Law of the Iterated Logarithm", 1970.
--   tau = log(1 + effect), chosen before the data. The estimate must be near normal: NULL below ten successes or ten failures in an arm.
CREATE FUNCTION xsell_internal.compare_rates(successes bigint, trials bigint, base_successes bigint, base_trials bigint, effect double precision,
    OUT lift double precision, OUT low double precision, OUT high double precision, OUT p_value double precision, OUT always_valid_p double precision)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH rate AS (
        SELECT successes / NULLIF(trials, 0)::double precision AS p, base_successes / NULLIF(base_trials, 0)::double precision AS base,
               (successes + base_successes) / NULLIF(trials + base_trials, 0)::double precision AS pooled, pg_catalog.ln(1 + effect) ^ 2 AS tau2
    ), spread AS (
        SELECT r.*, pg_catalog.sqrt(NULLIF(r.pooled * (1 - r.pooled), 0) * (1.0 / NULLIF(trials, 0) + 1.0 / NULLIF(base_trials, 0))) AS pooled_error,
               NULLIF((1 - r.p) / NULLIF(successes, 0) + (1 - r.base) / NULLIF(base_successes, 0), 0) AS s2,
               CASE WHEN successes > 0 AND base_successes > 0 THEN pg_catalog.ln(r.p / r.base) END AS d
        FROM rate r
    )
    SELECT s.p / NULLIF(s.base, 0) - 1, pg_catalog.exp(s.d - 1.959963984540054 * pg_catalog.sqrt(s.s2)) - 1,
           pg_catalog.exp(s.d + 1.959963984540054 * pg_catalog.sqrt(s.s2)) - 1,
           2 * xsell_internal.normal_tail(pg_catalog.abs(s.p - s.base) / s.pooled_error),
           CASE WHEN LEAST(successes, base_successes, trials - successes, base_trials - base_successes) >= 10
                -- Bounded, because the server's exp() raises an error where the result is too small.
                THEN pg_catalog.exp(LEAST(0, GREATEST(-700, pg_catalog.ln((s.s2 + s.tau2) / s.s2) / 2 - s.tau2 * s.d ^ 2 / (2 * s.s2 * (s.s2 + s.tau2))))) END
    FROM spread s;
END;
COMMENT ON FUNCTION xsell_internal.compare_rates(bigint, bigint, bigint, bigint, double precision) IS
'How one rate compares to another: relative lift with its interval (95 %), p-value of the two-proportion z test, and the always valid p-value of a sequential test.';

CREATE FUNCTION xsell_internal.needed_sample(base double precision, effect double precision) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN base > 0 AND base * (1 + effect) < 1 THEN pg_catalog.ceil(
    (1.959963984540054 * pg_catalog.sqrt(2 * (base * (1 + effect / 2)) * (1 - base * (1 + effect / 2)))
     + 0.8416212335729143 * pg_catalog.sqrt(base * (1 - base) + base * (1 + effect) * (1 - base * (1 + effect)))) ^ 2 / (base * effect) ^ 2)::bigint END;
COMMENT ON FUNCTION xsell_internal.needed_sample(double precision, double precision) IS
'Trials in each of two arms that find a relative lift in four cases of five (power 80 %) at a level of 5 %, two-sided.';

CREATE FUNCTION xsell.experiment(model text, since timestamptz DEFAULT NULL, kind text DEFAULT 'won', effect double precision DEFAULT 0.2)
RETURNS TABLE (arm text, version integer, share numeric, exposures bigint, entities bigint, outcomes bigint, rate double precision, low double precision,
    high double precision, lift double precision, lift_low double precision, lift_high double precision, p_value double precision,
    always_valid_p double precision, sample_ratio_p double precision, needed bigint, decision text)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 3
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM xsell_internal.require_model(model);
    IF effect IS NULL OR NOT (effect > 0 AND effect < 100) THEN
        RAISE EXCEPTION 'effect must be above 0 and below 100' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'It is the smallest relative lift worth finding: 0.2 is 20 percent.';
    END IF;
    RETURN QUERY
    WITH live AS (
        SELECT d.role, d.version, d.share, max(d.deployed_at) OVER () AS began
        FROM xsell_internal.deployment d WHERE d.model = experiment.model AND d.share > 0
    ), seen AS (  -- an entity counts for the version that it met first
        SELECT o.exposure_id, o.entity_id, o.version, o.kind, first_value(o.version) OVER (PARTITION BY o.entity_id ORDER BY o.shown_at, o.exposure_id) AS met
        FROM xsell.exposure_outcome o
        WHERE o.model = experiment.model AND CASE WHEN experiment.since IS NULL THEN o.logged_at >= (SELECT l.began FROM live l LIMIT 1)
                                                  ELSE o.shown_at >= experiment.since END
    ), counted AS (
        SELECT s.version, count(DISTINCT s.exposure_id) AS exposures, count(DISTINCT s.entity_id) AS entities,
               count(DISTINCT s.entity_id) FILTER (WHERE s.kind = experiment.kind) AS outcomes
        FROM seen s WHERE s.version = s.met GROUP BY s.version
    ), arm AS (
        SELECT l.role, COALESCE(l.version, c.version) AS version, l.share, COALESCE(c.exposures, 0) AS exposures, COALESCE(c.entities, 0) AS entities,
               COALESCE(c.outcomes, 0) AS outcomes
        FROM live l FULL JOIN counted c ON c.version = l.version
    ), ratio AS (
        SELECT xsell_internal.chi_square_tail(sum((a.entities - t.n * a.share) ^ 2 / (t.n * a.share))::double precision, count(*)::integer - 1) AS p
        FROM arm a CROSS JOIN (SELECT NULLIF(sum(b.entities), 0) AS n FROM arm b WHERE b.share > 0) t
        WHERE a.share > 0 HAVING count(*) > 1
    ), figure AS (
        SELECT a.*, a.outcomes / NULLIF(a.entities, 0)::double precision AS rate, (xsell_internal.wilson_interval(a.outcomes, a.entities)).*,
               c.entities AS base_entities, r.p AS ratio_p,
               xsell_internal.needed_sample(c.outcomes / NULLIF(c.entities, 0)::double precision, effect) AS needed,
               v.lift, v.low AS lift_low, v.high AS lift_high, v.p_value, v.always_valid_p
        FROM arm a
        LEFT JOIN arm c ON c.role = 'champion'
        LEFT JOIN ratio r ON a.share > 0
        LEFT JOIN LATERAL xsell_internal.compare_rates(a.outcomes, a.entities, c.outcomes, c.entities, effect) v ON a.version <> c.version
    )
    SELECT f.role, f.version, f.share, f.exposures, f.entities, f.outcomes, f.rate, f.low, f.high, f.lift, f.lift_low, f.lift_high, f.p_value,
           f.always_valid_p, f.ratio_p, f.needed,
           CASE WHEN f.exposures = 0 THEN 'no exposures yet: see xsell.log_exposures'
                WHEN f.ratio_p < 0.001 THEN 'do not decide: the arms'' entities do not match their shares'
                WHEN f.role = 'champion' THEN 'the others are compared to it'
                WHEN f.always_valid_p IS NULL THEN 'wait: fewer than ten entities with or without an outcome in an arm'
                WHEN f.always_valid_p <= 0.05 AND f.lift > 0 THEN format('stop: better than the champion; xsell.deploy(%L, %s)', experiment.model, f.version)
                WHEN f.always_valid_p <= 0.05 THEN 'stop: worse than the champion'
                WHEN LEAST(f.entities, f.base_entities) >= f.needed THEN format('stop: no lift of %s %% or more to be seen', round((effect * 100)::numeric, 1))
                ELSE format('wait: %s of %s entities in the smaller arm', LEAST(f.entities, f.base_entities), COALESCE(f.needed::text, 'unknown')) END
    FROM figure f ORDER BY f.share DESC NULLS LAST, f.version;
END
$$;
COMMENT ON FUNCTION xsell.experiment(text, timestamptz, text, double precision) IS
'Compares the versions of a split by what came of what they showed since the split began (or since a time): one row to a version. The unit is the entity: rate is the share of the exposed entities with an outcome of the kind within the horizon, low and high its Wilson interval (95 %). lift is relative to the champion, with its interval; p_value is the two-proportion z test''s, for one look; always_valid_p may be looked at any day and decides. sample_ratio_p tests the entities of the arms against their shares; below 0.001 something is wrong. needed: entities in each arm that find a lift of effect in four cases of five. It counts the rows that its caller may see.';

DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['exposure', 'exposure_exposure_id_seq', 'outcome', 'outcome_outcome_id_seq'] LOOP
        PERFORM pg_catalog.pg_extension_config_dump(('xsell_internal.' || kept)::pg_catalog.regclass, '');
    END LOOP;
END
$$;
