-- A category of many values learns by the rates of its values, and what is learned scores codes as they come.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
\set home :DBNAME
DROP DATABASE IF EXISTS xsell_target_encoding;
CREATE DATABASE xsell_target_encoding;
\c xsell_target_encoding
SET client_min_messages = warning;
CREATE EXTENSION xsell;
SET timezone = 'UTC';
SET xsell.now = '2026-01-01 00:00+00';
\set VERBOSITY terse

-- Fifty towns: the order of their names, which codes follow where towns are equally frequent, says nothing of the order of their rates.
CREATE TABLE t AS
SELECT id, a, shirt, 'town ' || lpad(town::text, 2, '0') AS town, (1 / (1 + exp(2 - town * 37 % 50 / 12.5 - a)) > u)::integer AS y
FROM (SELECT id, (hashint8(id) & 65535) / 65536.0 - 0.5 AS a, id * 7 % 50 AS town, (ARRAY['red', 'blue', NULL])[1 + id % 3] AS shirt,
             (hashint8(id + 3000000) & 65535) / 65536.0 AS u FROM generate_series(1, 6000) id) g;
SELECT xsell.create_feature_set('town', 'SELECT id AS entity_id, a, town, shirt FROM public.t');
SELECT xsell.create_model('town', 'town', 'SELECT id AS entity_id, y FROM public.t WHERE y IS NOT NULL');
CALL xsell.train('town', NULL, parameters => '{"max_depth": 2, "rounds": 12, "eta": 0.3, "members": ["xgboost"], "folds": 2}');
CALL xsell.train('town', NULL, parameters => '{"max_depth": 2, "rounds": 12, "eta": 0.3, "members": ["xgboost"], "folds": 2, "target_encode": ["town"]}');
CALL xsell.train('town', NULL, parameters => '{"rounds": 12, "folds": 2, "target_encode": true}');
SELECT version, parameters -> 'target_encode' AS target_encode FROM xsell.model_version ORDER BY 1;
SELECT encoded.slice, encoded.value > plain.value + 0.05 AS encoded_is_better
FROM xsell.model_metric encoded JOIN xsell.model_metric plain USING (model, slice, metric, ranker)
WHERE (encoded.version, plain.version) = (2, 1) AND metric = 'auc' AND (slice, ranker) IN (('validate', 'model'), ('out_of_fold', 'blend')) ORDER BY 1;
-- It finds about what can be known.
SELECT m.version, m.value > o.value - 0.02 AS about_all FROM xsell.model_metric m, (
    SELECT (sum(place) FILTER (WHERE y = 1) - sum(y) * (sum(y) + 1) / 2.0) / (sum(y) * sum(1 - y)) AS value
    FROM (SELECT y, rank() OVER (ORDER BY right(town, 2)::integer * 37 % 50 / 12.5 + a) AS place FROM t WHERE xsell_internal.slice_of(id) = 'validate') r) o
WHERE (m.slice, m.metric, m.ranker) = ('validate', 'auc', 'model') AND m.version > 1 ORDER BY 1;
SELECT v.version, bool_and(r.same) AS same, count(*) >= 5 AS whole FROM xsell.model_version v, xsell.reproduce('town', v.version) r WHERE v.version > 1 GROUP BY 1 ORDER BY 1;

-- A town that is new, one that is missing, and codes that no town has.
SELECT version FROM xsell.deploy('town', 2, force => true) WHERE role = 'champion';
INSERT INTO t VALUES (-1, 0, 'red', 'atlantis', NULL), (-2, 0, 'red', NULL, NULL);
SELECT entity_id, x, xsell.predict('town', x) BETWEEN 0 AND 1 AS scored, xsell.predict('town', x) BETWEEN 0.3 AND 0.7 OR x[2] IS NULL AS undecided
FROM xsell.features('town') WHERE entity_id < 0 ORDER BY 1;
SELECT count(DISTINCT xsell.predict('town', ARRAY[0, code, 1]::real[])) FROM unnest(ARRAY[0, 51, 254, 255, 1e9, -1, 1.5]) code;
SELECT count(DISTINCT xsell.predict('town', ARRAY[0, code, 1]::real[])) > 4 AS towns_differ FROM generate_series(1, 50) code;
-- Contributions stay with the feature.
SELECT max(abs(xsell.predict('town', f.x) - s.probability)) AS differs FROM xsell.features('town') f, xsell.score('town', f.x) s;
SELECT corr((e.contribution)::double precision, right(t.town, 2)::integer * 37 % 50) > 0.9 AS follows_the_rate
FROM xsell.features('town') f JOIN t ON t.id = f.entity_id, xsell.explain('town', f.x) e WHERE e.feature = 'town' AND t.id BETWEEN 1 AND 500;

-- What cannot be.
CALL xsell.train('town', NULL, parameters => '{"target_encode": ["a"]}');
CALL xsell.train('town', NULL, parameters => '{"target_encode": ["city"]}');
CALL xsell.train('town', NULL, parameters => '{"target_encode": "town"}');
\set VERBOSITY default
CALL xsell.train('town', NULL, parameters => '{"target_encode": ["town", "a"]}');
\c :home
DROP DATABASE xsell_target_encoding;
