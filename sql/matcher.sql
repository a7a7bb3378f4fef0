\set SHOW_CONTEXT never
-- A matcher of one's own: here two accounts are one customer exactly when they share a phone, whatever their names say.
BEGIN;
INSERT INTO xsell.account (org_id, crm_id, name, phone, country, modified_at)
SELECT 'r' || c, i || '-' || c, CASE WHEN c = 1 THEN 'Company ' ELSE 'Renamed ' END || md5((i * c)::text), '+1312' || (5550000 + i), 'US', timestamptz '2024-01-01'
FROM generate_series(1, 60) i, generate_series(1, 2) c
UNION ALL
SELECT 'r' || c, 'n' || i || '-' || c, 'Common Name ' || chr(65 + i % 26) || i, '+1415' || (5550000 + 2 * i + c), 'US', timestamptz '2024-01-01' FROM generate_series(1, 60) i, generate_series(1, 2) c;
SELECT xsell_internal.resolve_entities() AS resolved;
CREATE FUNCTION pg_temp.joined() RETURNS TABLE (by_phone bigint, by_name bigint) LANGUAGE sql AS $$
SELECT count(*) FILTER (WHERE a.account_id ~ '^\d' ), count(*) FILTER (WHERE a.account_id ~ '^n')
FROM xsell_internal.entity_account a JOIN xsell_internal.entity_account b ON b.entity_id = a.entity_id AND b.org_id > a.org_id
 AND split_part(a.account_id, '-', 1) = split_part(b.account_id, '-', 1) $$;
SELECT * FROM pg_temp.joined();
CREATE TABLE pg_temp.label AS
SELECT 'r1' AS org_a, i || '-1' AS account_a, 'r2' AS org_b, i || '-2' AS account_b, true AS same FROM generate_series(1, 60) i
UNION ALL SELECT 'r1', 'n' || i || '-1', 'r2', 'n' || i || '-2', false FROM generate_series(1, 60) i;
SELECT pairs_used, round(precision::numeric, 2) AS precision, round(recall::numeric, 2) AS recall, round(f1::numeric, 2) AS f1, rule_f1 < 0.7 AS rule_is_worse
FROM xsell.train_matcher('SELECT * FROM pg_temp.label');
SELECT pairs, same_pairs, folds, active FROM xsell.matcher;
SELECT xsell_internal.resolve_entities() AS nothing_yet;
SELECT xsell.use_matcher((SELECT max(version) FROM xsell.matcher)) ~ 'matcher \d+ decides' AS used;
SELECT xsell_internal.resolve_entities() > 0 AS resolved;
SELECT * FROM pg_temp.joined();
SELECT feature, round(value::numeric, 2) AS value, weight > 0 AS speaks_for FROM xsell.match_features('r1', '7-1', 'r2', '7-2') WHERE feature IN ('same_phone', 'name_exact_match', 'domain_exact_match', 'size_ratio') ORDER BY 1;
SELECT count(*) AS features, count(*) FILTER (WHERE feature = '' OR value IS NULL) AS nameless FROM xsell.match_features('r1', '7-1', 'r2', '7-2');
SELECT xsell.use_matcher(NULL);
SELECT xsell_internal.resolve_entities() > 0 AS back;
SELECT * FROM pg_temp.joined();
SAVEPOINT s;
SELECT xsell.train_matcher('SELECT * FROM pg_temp.label WHERE same');
ROLLBACK TO s;
SELECT xsell.train_matcher();
ROLLBACK TO s;
SELECT xsell.use_matcher(-1);
ROLLBACK TO s;
UPDATE xsell_internal.match_model SET pairs = 0;
ROLLBACK TO s;
SET LOCAL ROLE xsell_reader;
SELECT xsell.train_matcher('SELECT 1');
ROLLBACK;
