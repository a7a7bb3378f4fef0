-- Scoring: rows of features in, probabilities and their reasons out. Nothing here writes, so that a standby can score too.

CREATE FUNCTION xsell.predict(model text, x real[]) RETURNS double precision
LANGUAGE c STABLE STRICT PARALLEL SAFE COST 200
AS 'MODULE_PATHNAME', 'xsell_predict';
COMMENT ON FUNCTION xsell.predict(text, real[]) IS
'Calibrated probability, by the champion of a model, for a row of features in the order of the feature set. NULL elements are missing values; a NULL row gives NULL. All rows of a statement are scored by one version.';

-- Without it an untyped literal could be a row as well as an array.
CREATE FUNCTION xsell.predict(model text, x text) RETURNS double precision
LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 300
RETURN xsell.predict(model, x::real[]);
COMMENT ON FUNCTION xsell.predict(text, text) IS 'The same for an array written as text, as in ''{1,0.5,NULL}''.';

CREATE FUNCTION xsell.predict(model text, x real[], entity bigint) RETURNS double precision
LANGUAGE c STABLE STRICT PARALLEL SAFE COST 200
AS 'MODULE_PATHNAME', 'xsell_predict_entity';
COMMENT ON FUNCTION xsell.predict(text, real[], bigint) IS
'The same by the version that the entity belongs to under the split in force; see xsell.split_traffic.';

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
    OUT raw double precision, OUT xgboost double precision, OUT random_forest double precision, OUT gradient_boosting double precision,
    OUT neural_network double precision, OUT version integer, OUT arm text, OUT confidence_level text, OUT disagreement double precision)
LANGUAGE c STABLE STRICT PARALLEL SAFE COST 300
AS 'MODULE_PATHNAME', 'xsell_score';
COMMENT ON FUNCTION xsell.score(text, real[]) IS
'Calibrated probability by the champion with its interval (low, high), the uncalibrated score (raw), the score of each member (NULL: the version has none of the kind), who scored (version and arm), how much the members disagree (population standard deviation of their scores), and the level of confidence: Very High above 0.8 and below a disagreement of 0.1, High above 0.7 and below 0.15, Medium above 0.6, else Low.';

CREATE FUNCTION xsell.score(model text, x real[], entity bigint, OUT probability double precision, OUT low double precision, OUT high double precision,
    OUT raw double precision, OUT xgboost double precision, OUT random_forest double precision, OUT gradient_boosting double precision,
    OUT neural_network double precision, OUT version integer, OUT arm text, OUT confidence_level text, OUT disagreement double precision)
LANGUAGE c STABLE STRICT PARALLEL SAFE COST 300
AS 'MODULE_PATHNAME', 'xsell_score_entity';
COMMENT ON FUNCTION xsell.score(text, real[], bigint) IS
'The same by the version that the entity belongs to under the split in force.';

CREATE FUNCTION xsell_internal.score_version(model text, version integer, x real[], OUT probability double precision, OUT low double precision, OUT high double precision,
    OUT raw double precision, OUT xgboost double precision, OUT random_forest double precision, OUT gradient_boosting double precision,
    OUT neural_network double precision, OUT scored_by integer, OUT arm text, OUT confidence_level text, OUT disagreement double precision)
LANGUAGE c STABLE STRICT PARALLEL SAFE COST 300
AS 'MODULE_PATHNAME', 'xsell_score_version';
COMMENT ON FUNCTION xsell_internal.score_version(text, integer, real[]) IS 'xsell.score by a given version, deployed or not.';

CREATE FUNCTION xsell.score_set(model text, query text) RETURNS TABLE (id text, probability double precision)
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 100000 ROWS 100000
AS 'MODULE_PATHNAME', 'xsell_score_set';
COMMENT ON FUNCTION xsell.score_set(text, text) IS
'Scores every row of a query SELECT id, x by the champion, or SELECT id, entity_id, x by the split in force: the fastest way to score a whole set. The query runs with the caller''s privileges.';

CREATE FUNCTION xsell_internal.explain_values(model text, version integer, x real[], top_k integer, exact boolean DEFAULT true)
RETURNS TABLE ("position" integer, feature text, value real, contribution double precision, base double precision)
LANGUAGE c STABLE PARALLEL SAFE COST 20000 ROWS 5
AS 'MODULE_PATHNAME', 'xsell_explain';
COMMENT ON FUNCTION xsell_internal.explain_values(text, integer, real[], integer, boolean) IS
'Contributions of the features to the log-odds of the uncalibrated score, the largest first; base + all of them = that score. A NULL version is the champion, a NULL top_k means all. exact: Shapley values; else what each split on the row''s way through the trees changed, for many rows.';

CREATE FUNCTION xsell_internal.explain_version(model text, version integer, x real[], top_k integer DEFAULT 5, language text DEFAULT 'en')
RETURNS TABLE ("position" integer, feature text, value real, contribution double precision, code text, sentence text, parameters jsonb)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 5
BEGIN ATOMIC
    SELECT v."position", v.feature, v.value, v.contribution, r.code, r.sentence, r.parameters
    FROM xsell_internal.explain_values(explain_version.model, explain_version.version, explain_version.x, explain_version.top_k) v
    CROSS JOIN LATERAL xsell_internal.render_reason(v.feature, v.value, v.contribution, explain_version.language) r
    ORDER BY v."position";
END;
COMMENT ON FUNCTION xsell_internal.explain_version(text, integer, real[], integer, text) IS 'xsell.explain by a given version, deployed or not (NULL: the champion).';

CREATE FUNCTION xsell.explain(model text, x real[], top_k integer DEFAULT 5, language text DEFAULT 'en')
RETURNS TABLE ("position" integer, feature text, value real, contribution double precision, code text, sentence text, parameters jsonb)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 5
BEGIN ATOMIC
    SELECT e."position", e.feature, e.value, e.contribution, e.code, e.sentence, e.parameters
    FROM xsell_internal.explain_version(explain.model, NULL, explain.x, explain.top_k, explain.language) e;
END;
COMMENT ON FUNCTION xsell.explain(text, real[], integer, text) IS
'Why a row scores as it does: the features that moved it most from the average, in log-odds of the uncalibrated score (Shapley values that add up to it), in numbers, in words of a language, and as a code with the numbers that the words tell.';

CREATE FUNCTION xsell.explain_members(model text, x real[], top_k integer DEFAULT 5)
RETURNS TABLE (member text, weight double precision, "position" integer, feature text, value real, contribution double precision, base double precision)
LANGUAGE c STABLE PARALLEL SAFE COST 20000 ROWS 20
AS 'MODULE_PATHNAME', 'xsell_explain_members';
COMMENT ON FUNCTION xsell.explain_members(text, real[], integer) IS
'The same member by member: what moved the score of each, in its own log-odds (base + all contributions = its log-odds), and its weight in the blend. A NULL top_k means all features.';
