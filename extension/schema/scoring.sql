-- Scoring: rows of features in, probabilities and their reasons out. Nothing here writes, so that a standby can score too.

CREATE FUNCTION xsell.predict(model text, x real[]) RETURNS double precision
LANGUAGE c STABLE STRICT PARALLEL SAFE COST 200
AS 'MODULE_PATHNAME', 'xsell_predict';
COMMENT ON FUNCTION xsell.predict(text, real[]) IS
'Calibrated probability, by the champion of a model, for a row of features in the order of the feature set. NULL elements are missing values; a NULL row gives NULL. All rows of a statement are scored by one version.';

CREATE FUNCTION xsell.predict(model text, r record) RETURNS double precision
LANGUAGE c STABLE STRICT PARALLEL SAFE COST 300
AS 'MODULE_PATHNAME', 'xsell_predict_record';
COMMENT ON FUNCTION xsell.predict(text, record) IS
'The same for a row whose columns are bound to features by name; other columns are ignored.';

CREATE FUNCTION xsell_internal.predict_version(model text, version integer, x real[]) RETURNS double precision
LANGUAGE c STABLE STRICT PARALLEL SAFE COST 200
AS 'MODULE_PATHNAME', 'xsell_predict_version';
COMMENT ON FUNCTION xsell_internal.predict_version(text, integer, real[]) IS 'Calibrated probability by a given version, deployed or not.';

CREATE FUNCTION xsell.score(model text, x real[], OUT probability double precision, OUT low double precision, OUT high double precision,
    OUT raw double precision, OUT xgboost double precision, OUT version integer, OUT arm text)
LANGUAGE c STABLE STRICT PARALLEL SAFE COST 300
AS 'MODULE_PATHNAME', 'xsell_score';
COMMENT ON FUNCTION xsell.score(text, real[]) IS
'Calibrated probability with its interval, the uncalibrated score (raw), the score of each member, and who scored: version and arm.';

CREATE FUNCTION xsell.score_set(model text, query text) RETURNS TABLE (id text, probability double precision)
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 100000 ROWS 100000
AS 'MODULE_PATHNAME', 'xsell_score_set';
COMMENT ON FUNCTION xsell.score_set(text, text) IS
'Scores every row of a query SELECT id, x: the fastest way to score a whole set. The query runs with the caller''s privileges.';

CREATE FUNCTION xsell_internal.explain_values(model text, version integer, x real[], top_k integer)
RETURNS TABLE ("position" integer, feature text, value real, contribution double precision, base double precision)
LANGUAGE c STABLE PARALLEL SAFE COST 20000 ROWS 5
AS 'MODULE_PATHNAME', 'xsell_explain';
COMMENT ON FUNCTION xsell_internal.explain_values(text, integer, real[], integer) IS
'Contributions of the features to the log-odds of the uncalibrated score, the largest first; base + all of them = that score. A NULL version is the champion, a NULL top_k means all.';

-- Words for reasons, from xsell_internal.reason_template: {value} is the value as it is, {rounded} without decimals, {percent} as a
-- percentage, {feature} the name.

CREATE FUNCTION xsell_internal.render_reason(feature text, value real, contribution double precision)
RETURNS TABLE (code text, sentence text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
    SELECT COALESCE(t.code, w.feature || '_' || w.direction),
           pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(
               CASE WHEN t.sentence ~ '\{(value|rounded|percent)\}' AND w.number IS NULL OR t.sentence IS NULL
                    THEN CASE WHEN w.number IS NULL THEN '{feature}' ELSE '{feature} of {value}' END ||
                         CASE w.direction WHEN 'up' THEN ' speaks for it' ELSE ' speaks against it' END
                    ELSE t.sentence END,
               '{feature}', pg_catalog.replace(w.feature, '_', ' ')),
               '{value}', COALESCE(pg_catalog.trim_scale(pg_catalog.round(w.number, 2))::text, '')),
               '{rounded}', COALESCE(pg_catalog.round(w.number)::text, '')),
               '{percent}', COALESCE(pg_catalog.round(w.number * 100)::text || ' %', ''))
    FROM (SELECT render_reason.feature, CASE WHEN contribution < 0 THEN 'down' ELSE 'up' END AS direction,
                 NULLIF(render_reason.value, 'NaN'::real)::numeric AS number) w
    LEFT JOIN xsell_internal.reason_template t ON t.feature = w.feature AND t.direction = w.direction;
END;
COMMENT ON FUNCTION xsell_internal.render_reason(text, real, double precision) IS
'A reason in words, from its template; a feature without one is named with its value.';

CREATE FUNCTION xsell_internal.explain_version(model text, version integer, x real[], top_k integer DEFAULT 5)
RETURNS TABLE ("position" integer, feature text, value real, contribution double precision, code text, sentence text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 5
BEGIN ATOMIC
    SELECT v."position", v.feature, v.value, v.contribution, r.code, r.sentence
    FROM xsell_internal.explain_values(explain_version.model, explain_version.version, explain_version.x, explain_version.top_k) v
    CROSS JOIN LATERAL xsell_internal.render_reason(v.feature, v.value, v.contribution) r
    ORDER BY v."position";
END;
COMMENT ON FUNCTION xsell_internal.explain_version(text, integer, real[], integer) IS 'xsell.explain by a given version, deployed or not (NULL: the champion).';

CREATE FUNCTION xsell.explain(model text, x real[], top_k integer DEFAULT 5)
RETURNS TABLE ("position" integer, feature text, value real, contribution double precision, code text, sentence text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 5
BEGIN ATOMIC
    SELECT e."position", e.feature, e.value, e.contribution, e.code, e.sentence
    FROM xsell_internal.explain_version(explain.model, NULL, explain.x, explain.top_k) e;
END;
COMMENT ON FUNCTION xsell.explain(text, real[], integer) IS
'Why a row scores as it does: the features that moved it most from the average, in log-odds of the uncalibrated score (exact Shapley values), in numbers and words.';

SELECT pg_catalog.pg_extension_config_dump('xsell_internal.reason_template',
    'WHERE feature NOT IN (SELECT pg_catalog.unnest(s.feature) FROM xsell_internal.feature_set s WHERE s.name = ''cross_sell'')');
