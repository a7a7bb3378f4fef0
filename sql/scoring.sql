\set SHOW_CONTEXT never
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
-- Scoring by hand-made versions of three features (a, b, c), two trees each:
--   a < 0.5 or missing: -1, else b < 10: 0.5, else (or missing) 2;    c < -3: version / 8, else (or missing) -1 / 4
-- base margin: version / 4. Calibrated log-odds: slope * margin + 1 / 8, slope 1 in version 1, 1 / 2 after; interval +- 3 / 4.
INSERT INTO xsell_internal.model (model, feature_set, horizon) VALUES ('demo', 'demo', '90 days'), ('demo_empty', 'demo', '90 days');
-- Version 4 goes by another name: its four members are version 1 with weight 1 / 2; a forest, a < 0.5 or missing: -1, else 1, with 1 / 4;
-- boosted trees, 1 / 2 + (c < 0: -1 / 2, else 1 / 2), with 1; a network of two hidden units, with 2:
--   (max(0, a - 1) - max(0, (b - 10) / 2 + 2 c - (b missing: 1) + 1 / 2) / 2 + 1 / 4) / 2. Their blend in log-odds starts at -1 / 4.
CREATE TEMPORARY TABLE blob (version integer, data bytea);
INSERT INTO blob VALUES
    (1, '\x2158534d0200010003000000010000000000000000000000000000000000f03f000000000000c03f0000000000000000000000000000e83f0000000001000000000000000000f03f9c000000000000002158534601000000030000000200000008000000030000000000803e0100000001000000010000000000003f00002041000040c0050000000300000000000300000000000000004100000000000080bf00008040010001000000000000008040000000000000003f0000404000000000000000400000803f020001000000000000000041000000000000003e0000004000000000000080be0000c040'),
    (2, '\x2158534d0200010003000000010000000000000000000000000000000000e03f000000000000c03f0000000000000000000000000000e83f0000000001000000000000000000f03f9c000000000000002158534601000000030000000200000008000000030000000000003f0100000001000000010000000000003f00002041000040c0050000000300000000000300000000000000004100000000000080bf00008040010001000000000000008040000000000000003f0000404000000000000000400000803f020001000000000000000041000000000000803e0000004000000000000080be0000c040'),
    (3, '\x2158534d0200010003000000010000000000000000000000000000000000e03f000000000000c03f0000000000000000000000000000e83f0000000001000000000000000000f03f9c000000000000002158534601000000030000000200000008000000030000000000403f0100000001000000010000000000003f00002041000040c0050000000300000000000300000000000000004100000000000080bf00008040010001000000000000008040000000000000003f0000404000000000000000400000803f020001000000000000000041000000000000c03e0000004000000000000080be0000c040'),
    (4, '\x2158534d020004000300000001000000000000000000d0bf000000000000f03f00000000000000000000000000000000000000000000e03f0000000001000000000000000000e03f9c000000000000002158534601000000030000000200000008000000030000000000803e0100000001000000010000000000003f00002041000040c0050000000300000000000300000000000000004100000000000080bf00008040010001000000000000008040000000000000003f0000404000000000000000400000803f020001000000000000000041000000000000003e0000004000000000000080be0000c04002000000000000000000d03f5400000000000000215853460100000003000000010000000300000001000000000000000100000000000000000000000000003f0300000000000300000000000000004100000000000080bf00008040000000000000803f0000804003000000000000000000f03f54000000000000002158534601000000030000000100000003000000010000000000003f000000000000000001000000000000000300000002000100000000000000004100000000000000bf00008040000000000000003f000080400400000000000000000000407a000000000000002158534e010000000300000001000000020000000000803f00002041000000000000803f0000003f0000004001000400000002000000010000000000803f000000000000000000000000000000000000803f0000803f000080bf000000000000003f0200000001000000000000000000003f000080be0000003e');
INSERT INTO xsell_internal.model_version (model, version, feature_set, feature_set_version, algorithm, feature, blob_sha256)
SELECT 'demo', version, 'demo', 1, 'xgboost', '{a,b,c}', encode(sha256(data), 'hex') FROM blob WHERE version < 4;
INSERT INTO xsell_internal.model_blob SELECT 'demo', version, 'flat', data FROM blob WHERE version < 4;
CREATE FUNCTION pg_temp.sigmoid(z float8) RETURNS float8 LANGUAGE sql IMMUTABLE RETURN 1 / (1 + exp(-z));

-- Nothing deployed, nothing known.
SELECT xsell.predict('demo', '{1,0,0}'::real[]);
SELECT xsell.predict('demo_empty', '{1,0,0}'::real[]);
SELECT xsell.predict('nobody', '{1,0,0}'::real[]);
SELECT * FROM xsell.score_set('nobody', 'SELECT 1, ARRAY[1,0,0]::real[]');
SELECT role, version FROM xsell.deploy('demo', 1);

-- Values: every path, missing as NULL or NaN, infinities, thresholds.
SELECT v.x, abs(xsell.predict('demo', v.x) - pg_temp.sigmoid(0.25 + 0.125 + v.leaves)) < 1e-12 AS right
FROM (VALUES ('{0,0,0}'::real[], -1.25), ('{0.5,0,0}', 0.25), ('{1,10,0}', 1.75), ('{1,9.5,-4}', 0.625), ('{NULL,0,0}', -1.25), ('{NaN,0,0}', -1.25),
             ('{1,NULL,NULL}', 1.75), ('{Infinity,-Infinity,-Infinity}', 0.625), ('{-Infinity,Infinity,Infinity}', -1.25),
             ('{NULL,NULL,NULL}', -1.25), ('[0:2]={1,9.5,-4}', 0.625)) AS v(x, leaves);
SELECT xsell.predict('demo', NULL::real[]) IS NULL AS null_row, xsell.predict(NULL, '{1,0,0}'::real[]) IS NULL AS null_model;
SELECT abs(xsell.predict('demo', ARRAY[1, 9.5, -4]) - xsell.predict('demo', '{1,9.5,-4}'::real[])) AS numeric_array;
-- An untyped literal is an array.
SELECT xsell.predict('demo', '{1,9.5,-4}') = xsell.predict('demo', '{1,9.5,-4}'::real[]) AS literal, xsell.predict('demo', NULL) IS NULL AS null_literal;
PREPARE untyped AS SELECT xsell.predict('demo', $1) = xsell.predict('demo', '{1,9.5,-4}'::real[]) AS parameter;
EXECUTE untyped('{1,9.5,-4}');
SELECT xsell.predict('demo', 'a row?');
SELECT xsell.predict('demo', '{1,0}'::real[]);
SELECT xsell.predict('demo', '{}'::real[]);
SELECT xsell.predict('demo', '{1,0,0,0}'::real[]);
SELECT xsell.predict('demo', '{{1,0,0}}'::real[]);

-- A given version.
SELECT v, abs(xsell_internal.predict_version('demo', v, '{1,0,0}') - pg_temp.sigmoid((v * 0.25 + 0.25) / least(v, 2) + 0.125)) < 1e-12 AS right
FROM generate_series(1, 3) v;
SELECT xsell_internal.predict_version('demo', 4, '{1,0,0}');
SELECT xsell_internal.predict_version('demo', 0, '{1,0,0}');

-- With interval and member.
SELECT abs(probability - pg_temp.sigmoid(0.625)) < 1e-12 AS probability, abs(low - pg_temp.sigmoid(-0.125)) < 1e-12 AS low,
       abs(high - pg_temp.sigmoid(1.375)) < 1e-12 AS high, abs(raw - pg_temp.sigmoid(0.5)) < 1e-12 AS raw, xgboost = raw AS member, version, arm
FROM xsell.score('demo', '{1,0,NULL}');
SELECT random_forest, gradient_boosting, neural_network, confidence_level, disagreement FROM xsell.score('demo', '{1,0,NULL}');
SELECT count(*), count(s.probability) FROM (SELECT (xsell.score('demo', x)).* FROM (VALUES ('{1,0,0}'::real[]), (NULL)) AS v(x)) s;

-- Four members.
INSERT INTO xsell_internal.model (model, feature_set, horizon) VALUES ('demo_ensemble', 'demo', '90 days');
INSERT INTO xsell_internal.model_version (model, version, feature_set, feature_set_version, algorithm, feature, blob_sha256, member, member_weight)
SELECT 'demo_ensemble', 1, 'demo', 1, 'ensemble', '{a,b,c}', encode(sha256(data), 'hex'), '{xgboost,random_forest,gradient_boosting,neural_network}', '{0.5,0.25,1,2}'
FROM blob WHERE version = 4;
INSERT INTO xsell_internal.model_blob SELECT 'demo_ensemble', 1, 'flat', data FROM blob WHERE version = 4;
SELECT role, version FROM xsell.deploy('demo_ensemble', 1);
SELECT v.x, abs(s.xgboost - pg_temp.sigmoid(v.xgb)) < 1e-6 AS xgboost, abs(s.random_forest - pg_temp.sigmoid(v.rf)) < 1e-6 AS random_forest,
       abs(s.gradient_boosting - pg_temp.sigmoid(v.gb)) < 1e-6 AS gradient_boosting, abs(s.neural_network - pg_temp.sigmoid(v.nn)) < 1e-6 AS neural_network,
       abs(s.raw - pg_temp.sigmoid(-0.25 + v.xgb / 2 + v.rf / 4.0 + v.gb + 2 * v.nn)) < 1e-6 AS raw, s.probability = s.raw AS probability,
       abs(s.low - pg_temp.sigmoid(-0.75 + v.xgb / 2 + v.rf / 4.0 + v.gb + 2 * v.nn)) < 1e-6 AS low, s.probability = xsell.predict('demo_ensemble', v.x) AS same_bits,
       abs(s.disagreement - (SELECT stddev_pop(m) FROM unnest(ARRAY[s.xgboost, s.random_forest, s.gradient_boosting, s.neural_network]) m)) < 1e-12 AS disagreement,
       round(s.probability::numeric, 3) AS about, round(s.disagreement::numeric, 3) AS spread, s.confidence_level
FROM (VALUES ('{2,12,1}'::real[], 2.0, 1, 1, -0.25), ('{0,0,-4}', -0.625, -1, 0, 0.125), ('{NULL,NULL,NULL}', -1, -1, 1, 0.125), ('{9,10,-1}', 2, 1, 0, 4.125),
             ('{2.25,10,-0.25}', 2, 1, 0, 0.75), ('{3,10,0}', 2, 1, 1, 1)) AS v(x, xgb, rf, gb, nn),
     xsell.score('demo_ensemble', v.x) s;
-- Explained as a whole and member by member: contributions add up to the blend's and to each member's log-odds.
SELECT v.x, max(abs(e.base + e.sum - ln(s.raw / (1 - s.raw)))) < 1e-4 AS whole,
       max(abs(m.base + m.sum - ln(m.score / (1 - m.score)))) < 1e-4 AS members, count(DISTINCT m.member) AS member_count, max(m.weight) AS heaviest
FROM (VALUES ('{2,12,1}'::real[]), ('{0,0,-4}'), ('{NULL,NULL,NULL}'), ('{9,10,-1}')) AS v(x), xsell.score('demo_ensemble', v.x) s,
     LATERAL (SELECT min(base) AS base, sum(contribution) FROM xsell_internal.explain_values('demo_ensemble', NULL, v.x, NULL)) e,
     LATERAL (SELECT member, min(weight) AS weight, min(base) AS base, sum(contribution),
                     CASE member WHEN 'xgboost' THEN s.xgboost WHEN 'random_forest' THEN s.random_forest WHEN 'gradient_boosting' THEN s.gradient_boosting ELSE s.neural_network END AS score
              FROM xsell.explain_members('demo_ensemble', v.x, NULL) GROUP BY member) m
GROUP BY v.x ORDER BY 1;
SELECT member, weight, position, feature, value FROM xsell.explain_members('demo_ensemble', '{2,12,1}', 1);
SELECT count(*) FROM xsell.explain_members('demo_ensemble', NULL);
SELECT count(*) FROM xsell.explain_members('demo_ensemble', '{1,2}');

-- Columns bound by name: any order, any numeric type, extra columns ignored.
CREATE TEMPORARY TABLE plain (a real, b real, c real);
CREATE TEMPORARY TABLE mixed (note text, c numeric, dropped int, b smallint, id bigint, a double precision);
ALTER TABLE mixed DROP COLUMN dropped;
INSERT INTO plain VALUES (1, 10, -4), (0, 2, 0), (NULL, 2, 0), (1, NULL, NULL);
INSERT INTO mixed (a, b, c, note) SELECT a, b, c, 'x' FROM plain;
SELECT count(*) FILTER (WHERE xsell.predict('demo', p) = xsell.predict('demo', ARRAY[p.a, p.b, p.c])) AS plain FROM plain p;
SELECT count(*) FILTER (WHERE xsell.predict('demo', m) = xsell.predict('demo', ARRAY[m.a, m.b, m.c]::real[])) AS mixed FROM mixed m;
SELECT count(*) FILTER (WHERE xsell.predict('demo', s) = xsell.predict('demo', ARRAY[s.a, s.b, s.c]::real[])) AS query
FROM (SELECT c, a, 1::bigint AS b FROM mixed) s;
SELECT xsell.predict('demo', s) FROM (SELECT a, b FROM plain) s;
SELECT xsell.predict('demo', s) FROM (SELECT a, b, 'high'::text AS c FROM plain) s;
SELECT xsell.predict('demo', s) FROM (SELECT a, b, c, b AS a FROM plain) s;
SELECT xsell.predict('demo', ROW(1, 2, 3));
SELECT xsell.predict('demo', NULL::plain) IS NULL AS null_row;
-- Two shapes through one call site.
CREATE FUNCTION pg_temp.of(r record) RETURNS float8 LANGUAGE plpgsql AS $$ BEGIN RETURN xsell.predict('demo', r); END $$;
SELECT round(pg_temp.of(r)::numeric, 6), round(pg_temp.of(m)::numeric, 6)
FROM (SELECT * FROM plain LIMIT 1) r, (SELECT * FROM mixed LIMIT 1) m;

-- Sets: more than one block, ids of any type, NULLs.
CREATE TABLE demo_row AS
SELECT i AS id, ARRAY[CASE WHEN i % 7 > 0 THEN i % 2 END, i % 20, i % 10 - 5]::real[] AS x FROM generate_series(1, 1000) i;
SELECT count(*), count(*) FILTER (WHERE s.probability = xsell.predict('demo', r.x)) AS same_bits
FROM xsell.score_set('demo', 'SELECT id, x FROM demo_row') s JOIN demo_row r ON r.id = s.id::int;
SELECT id, round(probability::numeric, 6) AS probability
FROM xsell.score_set('demo', $$SELECT * FROM (VALUES ('a'::text, '{1,0,0}'::real[]), (NULL, '{1,0,0}'), ('c', NULL), (repeat('d', 9), '{1,NULL,0}')) v$$);
SELECT id, round(probability::numeric, 6) AS probability FROM xsell.score_set('demo', $$SELECT '2024-01-31'::date, '{1,0,0}'::real[]$$);
SELECT id FROM xsell.score_set('demo', $$SELECT i, '{1,0,0}'::real[] FROM unnest('{-9223372036854775808,9223372036854775807,0}'::bigint[]) i$$);
SELECT count(*), sum(length(id)) FROM xsell.score_set('demo', $$SELECT repeat('long', 1000) || i, '{1,0,0}'::real[] FROM generate_series(1, 100) i$$);
SELECT count(*) FROM xsell.score_set('demo', 'SELECT id, x FROM demo_row WHERE false');
SELECT xsell.score_set('demo', NULL);
SELECT * FROM xsell.score_set('demo', '');
SELECT * FROM xsell.score_set('demo', 'SELECT id FROM demo_row');
SELECT * FROM xsell.score_set('demo', 'SELECT id, id FROM demo_row');
SELECT * FROM xsell.score_set('demo', 'SELECT id, x FROM demo_row; SELECT 1');
SELECT * FROM xsell.score_set('demo', 'DELETE FROM demo_row RETURNING id, x');
SELECT * FROM xsell.score_set('demo', 'WITH gone AS (DELETE FROM demo_row RETURNING id, x) SELECT * FROM gone');
SELECT * FROM xsell.score_set('demo', 'EXPLAIN SELECT 1');
SELECT * FROM xsell.score_set('demo', 'COMMIT');
SELECT * FROM xsell.score_set('demo', 'SELEC');
SELECT * FROM xsell.score_set('demo', 'SELECT $1, x FROM demo_row');
SELECT * FROM xsell.score_set('demo', 'SELECT id, x[1:2] FROM demo_row');
SELECT * FROM xsell.score_set('demo', 'SELECT 1 / (id - 100), x FROM demo_row');
SELECT count(*) FROM demo_row;

-- It stops when asked to.
SET statement_timeout = '200ms';
SELECT count(*) FROM xsell.score_set('demo', 'SELECT i, ARRAY[1,0,0]::real[] FROM generate_series(1, 1000000000) i');
SELECT count(*) FROM generate_series(1, 1000000000) i WHERE xsell.predict('demo', ARRAY[i,0,0]::real[]) > 2;
RESET statement_timeout;

-- It reads what its caller may read.
CREATE ROLE regress_scorer;
GRANT xsell_reader TO regress_scorer;
SET ROLE regress_scorer;
SELECT count(*) FROM xsell.score_set('demo', 'SELECT id, x FROM demo_row');
RESET ROLE;
GRANT SELECT ON demo_row TO regress_scorer;
ALTER TABLE demo_row ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON demo_row TO regress_scorer USING (id <= 10);
SET ROLE regress_scorer;
SELECT count(*) FROM xsell.score_set('demo', 'SELECT id, x FROM demo_row');
SELECT round(xsell.predict('demo', '{1,0,0}'::real[])::numeric, 6) AS probability;
RESET ROLE;
REVOKE xsell_reader FROM regress_scorer;
SET ROLE regress_scorer;
SELECT xsell.predict('demo', '{1,0,0}'::real[]);
RESET ROLE;

-- Reasons: they add up to the uncalibrated score, and are told in words.
SELECT count(*), abs(min(base) + sum(contribution) - ln(min(s.raw) / (1 - min(s.raw)))) < 1e-4 AS adds_up
FROM xsell_internal.explain_values('demo', NULL, '{1,12,NULL}', NULL), xsell.score('demo', '{1,12,NULL}') s;
INSERT INTO xsell_internal.reason_template (feature, direction, code, sentence, language) VALUES
    ('a', 'up', 'A_HIGH', 'a is {value}, about {rounded} or {percent}', 'en'), ('b', 'up', 'B_HIGH', '{feature} counts {rounded}', 'en'),
    ('b', 'up', 'B_HIGH', '{rounded} davon', 'de');
SELECT position, feature, value, round(contribution::numeric, 4) AS contribution, code, sentence, parameters FROM xsell.explain('demo', '{1.256,12,NULL}');
SELECT feature, sentence, parameters FROM xsell.explain('demo', '{1.256,12,NULL}', 2, language => 'de');
SELECT feature, sentence FROM xsell.explain('demo', '{1.256,12,NULL}', 2, language => NULL);
SELECT position, feature FROM xsell.explain('demo', '{1.256,12,NULL}', top_k => 1);
SELECT count(*) FROM xsell.explain('demo', '{1.256,12,NULL}', top_k => 0);
SELECT count(*) FROM xsell.explain('demo', NULL);
SELECT count(*) FROM xsell.explain('demo', '{1}');
SELECT count(*) FROM xsell_internal.explain_version('demo', 3, '{1,2,3}');
SELECT r.* FROM xsell_internal.render_reason('x', 0.5, -1) r;
SELECT r.* FROM unnest('{NaN,Infinity,NULL,1e30}'::real[]) v, xsell_internal.render_reason('a', v, 1) r;
DELETE FROM xsell_internal.reason_template WHERE feature IN ('a', 'b');
-- What was edited, or put in the place of what is built in, is part of a dump, and a restore puts it there again.
BEGIN;
UPDATE xsell_internal.reason_template SET sentence = 'they win' WHERE (feature, direction) = ('win_rate', 'up');
INSERT INTO xsell_internal.reason_template (feature, direction, code, sentence) VALUES ('win_rate', 'down', 'losses', 'they lose');
SELECT feature, direction, code, sentence, language FROM xsell_internal.reason_template WHERE NOT built_in ORDER BY direction;
SELECT e.condition FROM pg_extension x, unnest(x.extconfig, x.extcondition) AS e(relation, condition)
WHERE x.extname = 'xsell' AND e.relation = 'xsell_internal.reason_template'::regclass;
INSERT INTO xsell_internal.reason_template (feature, direction, code, sentence) VALUES ('win_rate', 'up', 'wins', 'again');
ROLLBACK;

-- Which version: the one that the statement's snapshot shows.
CREATE FUNCTION pg_temp.now_scores() RETURNS integer LANGUAGE sql STABLE
RETURN CASE round(ln(xsell.predict('demo', '{1,0,-4}'::real[]) / (1 - xsell.predict('demo', '{1,0,-4}'::real[])))::numeric, 6)
       WHEN 1 THEN 1 WHEN 0.75 THEN 2 WHEN 0.9375 THEN 3 END;
SELECT pg_temp.now_scores();
BEGIN;
SELECT role, version FROM xsell.deploy('demo', 2);
SELECT pg_temp.now_scores() AS inside;
ROLLBACK;
SELECT pg_temp.now_scores() AS after_rollback;
BEGIN;
SELECT role, version FROM xsell.deploy('demo', 2);
COMMIT;
SELECT pg_temp.now_scores() AS after_commit;
-- A deployment in the middle of a statement does not reach its later rows.
CREATE FUNCTION pg_temp.deploy_at_row_2(i integer) RETURNS integer LANGUAGE plpgsql VOLATILE AS
$$ BEGIN IF i = 2 THEN PERFORM xsell.deploy('demo', 3); END IF; RETURN i; END $$;
SELECT pg_temp.deploy_at_row_2(i) AS row, round(xsell.predict('demo', ARRAY[1,0,-4 - 0 * i]::real[])::numeric, 6) AS probability FROM generate_series(1, 4) i;
SELECT pg_temp.now_scores() AS next_statement;
-- A loop in PL/pgSQL keeps its call sites; each statement of it sees what is deployed then, an undone deployment included.
DO $$
DECLARE
    p float8;
    seen text := '';
BEGIN
    FOR i IN 1 .. 6 LOOP
        BEGIN
            PERFORM xsell.deploy('demo', 1 + i % 3);
            p := xsell.predict('demo', '{1,0,-4}'::real[]);
            seen := seen || format(' %s', round(ln(p / (1 - p))::numeric, 4));
            IF i = 4 THEN
                RAISE division_by_zero;
            END IF;
        EXCEPTION WHEN division_by_zero THEN
            seen := seen || ' undone:';
        END;
        p := xsell.predict('demo', '{1,0,-4}'::real[]);
        seen := seen || format(' %s', round(ln(p / (1 - p))::numeric, 4));
    END LOOP;
    RAISE NOTICE 'seen:%', seen;
END
$$;
BEGIN ISOLATION LEVEL REPEATABLE READ;
DO $$
DECLARE
    p float8;
BEGIN
    p := xsell.predict('demo', '{1,0,-4}'::real[]);
    RAISE NOTICE 'before %', round(ln(p / (1 - p))::numeric, 4);
    FOR i IN 1 .. 2 LOOP
        BEGIN
            PERFORM xsell.deploy('demo', 3);
            p := xsell.predict('demo', '{1,0,-4}'::real[]);
            RAISE NOTICE 'inside %', round(ln(p / (1 - p))::numeric, 4);
            RAISE division_by_zero;
        EXCEPTION WHEN division_by_zero THEN
        END;
        p := xsell.predict('demo', '{1,0,-4}'::real[]);
        RAISE NOTICE 'after %', round(ln(p / (1 - p))::numeric, 4);
    END LOOP;
END
$$;
COMMIT;
PREPARE score AS SELECT pg_temp.now_scores();
SET plan_cache_mode = force_generic_plan;
EXECUTE score;
SELECT version FROM xsell.deploy('demo', 2);
EXECUTE score;
RESET plan_cache_mode;
-- One call site, several models.
INSERT INTO xsell_internal.model (model, feature_set, horizon) VALUES ('demo_other', 'demo', '90 days');
INSERT INTO xsell_internal.model_version (model, version, feature_set, feature_set_version, algorithm, feature, blob_sha256)
SELECT 'demo_other', version, 'demo', 1, 'xgboost', '{a,b,c}', encode(sha256(data), 'hex') FROM blob WHERE version < 4;
INSERT INTO xsell_internal.model_blob SELECT 'demo_other', version, 'flat', data FROM blob WHERE version < 4;
SELECT version FROM xsell.deploy('demo_other', 1);
SELECT m, round(xsell.predict(m, '{1,0,-4}'::real[])::numeric, 6) AS probability FROM unnest('{demo,demo_other,demo}'::text[]) m;

-- A split: each entity is scored by its version, however it is asked for.
SELECT role, version, share FROM xsell.split_traffic('demo', '{"1": 0.9, "2": 0.1}');
CREATE TEMPORARY TABLE entity AS
SELECT e, ARRAY[e % 3, e % 20, e % 9 - 4]::real[] AS x, xsell_internal.assigned_version('demo', e) AS version,
       CASE WHEN hashint8extended(e, hashtext('demo')) & 1048575 < 0.9 * 1048576 THEN 1 ELSE 2 END AS by_formula
FROM generate_series(-5000, 4999) AS e(e);
SELECT count(*) FILTER (WHERE t.version = by_formula) AS assigned, count(*) FILTER (WHERE s.version = t.version AND s.arm = CASE t.version WHEN 1 THEN 'champion' ELSE 'challenger' END) AS scored,
       count(*) FILTER (WHERE xsell.predict('demo', x, e) = xsell_internal.predict_version('demo', t.version, x) AND s.probability = xsell.predict('demo', x, e)) AS predicted,
       abs(avg((t.version = 2)::integer) - 0.1) < 4 * sqrt(0.1 * 0.9 / count(*)) AS share_holds
FROM entity t, xsell.score('demo', t.x, t.e) s;
SELECT count(*) AS rows, count(*) FILTER (WHERE s.probability = xsell.predict('demo', x, e)) AS same_bits
FROM xsell.score_set('demo', 'SELECT e, e, x FROM entity') s JOIN entity t ON t.e = s.id::bigint;
SELECT id, probability IS NULL AS unscored FROM xsell.score_set('demo', $$SELECT * FROM (VALUES ('no entity'::text, NULL::bigint, '{1,0,0}'::real[]), ('no row', 1, NULL), ('row', 1, '{1,0,0}')) v$$);
SELECT * FROM xsell.score_set('demo', $$SELECT 1, 'x'::text, '{1,0,0}'::real[]$$);
SELECT * FROM xsell.score_set('demo', $$SELECT 1, 1::bigint, '{1,0}'::real[]$$);
SELECT * FROM xsell.score_set('demo', $$SELECT 1, 1::bigint, 1, '{1,0,0}'::real[]$$);
SELECT xsell.predict('demo', '{1,0,0}', NULL) IS NULL AS null_entity, xsell.predict('demo', '{1,0,0}') = xsell_internal.predict_version('demo', 1, '{1,0,0}') AS champion;
SELECT xsell.predict('demo', '{1,0}', 1);
-- A tenth more for one version moves a tenth of the entities, whichever version is the champion.
CREATE FUNCTION pg_temp.moved(shares jsonb) RETURNS TABLE (to_version integer, percent numeric) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM xsell.split_traffic('demo', shares);
    RETURN QUERY SELECT n.version, round(count(*) / 100.0) FROM (SELECT t.version AS before, xsell_internal.assigned_version('demo', t.e) AS version FROM entity t) n
                 WHERE n.before <> n.version GROUP BY n.version ORDER BY n.version;
    UPDATE entity SET version = xsell_internal.assigned_version('demo', e);
END $$;
SELECT * FROM pg_temp.moved('{"1": 0.8, "2": 0.2}');
SELECT * FROM pg_temp.moved('{"1": 0.4, "2": 0.6}');
SELECT * FROM pg_temp.moved('{"1": 0.5, "2": 0.5}');
SELECT * FROM pg_temp.moved('{"1": 0.5, "2": 0.5}');
SELECT * FROM pg_temp.moved('{"1": 0.4, "2": 0.3, "3": 0.3}');
SELECT * FROM xsell.split_traffic('demo', '{"1": 0.2, "2": 0.1, "3": 0.1, "4": 0.1, "5": 0.1, "6": 0.1, "7": 0.1, "8": 0.1, "9": 0.1}');
-- A deployment in the middle of a statement does not reach its later rows here either; undone, it leaves no trace.
CREATE FUNCTION pg_temp.split_at_row_2(i integer) RETURNS integer LANGUAGE plpgsql VOLATILE AS
$$ BEGIN IF i = 2 THEN PERFORM xsell.deploy('demo', 2); END IF; RETURN i; END $$;
BEGIN;
SELECT count(*) FILTER (WHERE s.version = s.before) AS unmoved, count(*) FROM (
    SELECT t.version AS before, pg_temp.split_at_row_2(row_number() OVER ()::integer) AS row, (xsell.score('demo', t.x, t.e)).version FROM entity t) s;
SELECT count(DISTINCT xsell_internal.assigned_version('demo', e)) AS versions FROM entity;
ROLLBACK;
SELECT count(*) FILTER (WHERE xsell_internal.assigned_version('demo', e) = version) AS unmoved FROM entity;
SELECT xsell.predict('demo_empty', '{1,0,0}', 1);
SELECT xsell.predict('nobody', '{1,0,0}', 1);
SELECT xsell_internal.assigned_version('demo_empty', 1) IS NULL AS nothing_deployed, xsell_internal.assigned_version('nobody', 1) IS NULL AS no_model;
SELECT version FROM xsell.deploy('demo', 2);
DROP TABLE entity;

-- Blobs that are missing, damaged, or not a model at all.
INSERT INTO xsell_internal.model_version (model, version, feature_set, feature_set_version, algorithm, feature, blob_sha256)
SELECT 'demo_other', v, 'demo', 1, 'xgboost', '{a,b,c}', encode(sha256(CASE v WHEN 4 THEN 'not a model' ELSE 'never loaded' END::bytea), 'hex') FROM generate_series(4, 6) v;
INSERT INTO xsell_internal.model_blob VALUES ('demo_other', 4, 'flat', 'not a model'), ('demo_other', 6, 'flat', 'something else');
SELECT xsell_internal.predict_version('demo_other', 5, '{1,0,0}');
SELECT xsell_internal.predict_version('demo_other', 6, '{1,0,0}');
SELECT xsell_internal.predict_version('demo_other', 4, '{1,0,0}');
-- The same error again and again costs nothing, and the session goes on.
DO $$
BEGIN
    FOR i IN 1 .. 1000 LOOP
        BEGIN
            PERFORM xsell_internal.predict_version('demo_other', 4, '{1,0,0}');
        EXCEPTION WHEN data_corrupted THEN
        END;
    END LOOP;
END
$$;
SELECT pg_temp.now_scores();

-- Parallel workers score with the same version.
CREATE TABLE demo_many AS SELECT i AS id, ARRAY[i % 2, i % 20, i % 10 - 5]::real[] AS x FROM generate_series(1, 20000) i;
ANALYZE demo_many;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT sum(xsell.predict('demo', x)) FROM demo_many;
CREATE TEMPORARY TABLE parallel_sum AS SELECT sum(round(xsell.predict('demo', x)::numeric, 9)) FROM demo_many;
SELECT count(*) FROM xsell.score_set('demo', 'SELECT id, x FROM demo_many') s JOIN demo_many m ON m.id = s.id::int AND s.probability = xsell.predict('demo', m.x);
SET max_parallel_workers_per_gather = 0;
SELECT sum(round(xsell.predict('demo', x)::numeric, 9)) = (SELECT sum FROM parallel_sum) AS same FROM demo_many;
RESET max_parallel_workers_per_gather;
SET force_parallel_mode = on;
SELECT pg_temp.now_scores();
BEGIN;
SELECT version FROM xsell.deploy('demo', 3);
SELECT round(xsell.predict('demo', '{1,0,-4}'::real[])::numeric, 6) AS uncommitted;
ROLLBACK;
SELECT round((xsell.score('demo', '{1,0,-4}')).probability::numeric, 6), position, feature FROM xsell.explain('demo', '{1,0,-4}', 1);
SELECT count(*) FROM xsell.split_traffic('demo', '{"1": 0.5, "2": 0.5}');
SELECT count(DISTINCT v) AS versions, bool_and(p = CASE v WHEN 1 THEN one ELSE two END) AS by_the_split
FROM (SELECT xsell_internal.assigned_version('demo', id) AS v, xsell.predict('demo', x, id) AS p, xsell_internal.predict_version('demo', 1, x) AS one,
             xsell_internal.predict_version('demo', 2, x) AS two FROM demo_many) s;
SELECT version FROM xsell.deploy('demo', 2);
RESET force_parallel_mode;

-- Models are kept where the server's view of its memory shows them.
SELECT name, count(*) > 0 AS kept FROM pg_backend_memory_contexts WHERE name LIKE 'xsell model%' GROUP BY name ORDER BY name;

-- A row type that changes under a call site that PL/pgSQL keeps.
CREATE TABLE demo_changing (a numeric, b numeric, c numeric);
INSERT INTO demo_changing VALUES (1, 9.5, -4);
DO $$
DECLARE
    changing record;
    same boolean;
BEGIN
    FOR round IN 1..3 LOOP
        IF round = 2 THEN
            ALTER TABLE demo_changing ALTER a TYPE integer, ALTER b TYPE double precision, ALTER c TYPE bigint;
        ELSIF round = 3 THEN
            ALTER TABLE demo_changing DROP a;
            ALTER TABLE demo_changing ADD a integer DEFAULT 1;
        END IF;
        FOR changing IN EXECUTE 'SELECT d FROM demo_changing d' LOOP
            same := xsell.predict('demo', changing.d) = xsell.predict('demo', '{1,9.5,-4}'::real[]);
            RAISE NOTICE 'the same: %', same;
        END LOOP;
    END LOOP;
END
$$;

-- A call site that is kept does not keep the rights of another role.
DO $$
DECLARE
    probability double precision;
BEGIN
    FOR round IN 1..2 LOOP
        probability := xsell.predict('demo', '{1,9.5,-4}'::real[]);
        RAISE NOTICE 'scored';
        SET LOCAL ROLE pg_read_all_stats;
    END LOOP;
END
$$;

DROP TABLE demo_row, demo_many, demo_changing;
DELETE FROM xsell_internal.deployment WHERE model LIKE 'demo%';
DELETE FROM xsell_internal.model_version WHERE model LIKE 'demo%';
DELETE FROM xsell_internal.model WHERE model LIKE 'demo%';
DROP OWNED BY regress_scorer;
DROP ROLE regress_scorer;
