-- Work lists: capacity, so many of a customer, so many of a family, small customers, what was begun.
\set SHOW_CONTEXT never
BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL xsell.now = '2024-01-01 00:00+00';
SELECT count(*) FROM xsell.work_list;
SELECT capacity, per_account, per_family, small_share, small_employees, built_in FROM xsell.work_list_rule;
INSERT INTO xsell.org (org_id, name, connector) VALUES ('north', 'North', 'csv'), ('south', 'South', 'csv');
INSERT INTO xsell.crm_user (org_id, crm_id, name, email, team, modified_at) VALUES ('north', 'u1', 'Kim', 'kim@north.com', 'Key', '2023-01-01'), ('north', 'u2', 'Lee', 'lee@north.com', NULL, '2023-01-01');
INSERT INTO xsell.account (org_id, crm_id, name, employees, modified_at) SELECT 'north', 'a' || a, 'Firm ' || a, CASE WHEN a <= 4 THEN 1000 ELSE 5 END, '2023-01-01' FROM generate_series(1, 8) a;
INSERT INTO xsell.product (org_id, crm_id, name, family, modified_at) SELECT 'north', 'p' || p, 'Product ' || p, CASE WHEN p < 8 THEN 'Family ' || p % 2 END, '2023-01-01' FROM generate_series(1, 8) p;
-- Customer a would bring 1000 / a for product 1, a little less for each further one; what an owner has not is nobody's.
INSERT INTO xsell_internal.recommendation (entity_id, product_id, org_id, route, account_id, product_crm_id, probability, expected_revenue, rank, confidence_level, next_action, owner_id,
    first_seen, last_seen, expires_at, score_source, status)
SELECT a, p, 'north', 'same_org', 'a' || a, 'p' || p, .1, 1000 / a - p, p, 'Low', 'Call', CASE WHEN a = 8 THEN NULL ELSE 'u1' END, xsell.clock(), xsell.clock(), xsell.clock(), 'heuristic', 'new'
FROM generate_series(1, 8) a, generate_series(1, 8) p;
CREATE TEMPORARY VIEW shown AS
SELECT owner_name, position, entity_name, product_name, product_family, expected_revenue, status FROM xsell.work_list;
GRANT SELECT ON shown TO PUBLIC;
SELECT owner_name, count(*), max(position), count(DISTINCT entity_name) AS customers, max(count) AS most_of_one
FROM (SELECT *, count(*) OVER (PARTITION BY owner_name, entity_name) FROM shown) s GROUP BY 1 ORDER BY 1;
-- Six places: three of a customer, two of a family (what has none is not one).
UPDATE xsell.work_list_rule SET capacity = 6, per_account = 3, per_family = 2, small_share = .2, small_employees = 10;
SELECT * FROM shown ORDER BY owner_name, position;
-- One place is for the best of the small customers.
UPDATE xsell.work_list_rule SET per_family = 100;
SELECT * FROM shown WHERE owner_name = 'Kim' ORDER BY position;
-- Without caps it is the greedy choice itself.
UPDATE xsell.work_list_rule SET capacity = 10, per_account = 100, per_family = 100, small_share = 0;
SELECT count(*) AS differ FROM (SELECT position, expected_revenue FROM shown WHERE owner_name = 'Kim') s
FULL JOIN (SELECT row_number() OVER (ORDER BY expected_revenue DESC, recommendation_id)::integer AS position, expected_revenue FROM xsell_internal.recommendation WHERE owner_id = 'u1') g USING (position)
WHERE COALESCE(s.position, g.position) <= 10 AND s.expected_revenue IS DISTINCT FROM g.expected_revenue;
-- The closest rule counts, value by value; an owner by hand; what was begun comes first; what is held out is nobody's work.
INSERT INTO xsell.work_list_rule (org_id, team, owner_id, capacity) VALUES ('north', NULL, NULL, 3), ('north', 'Key', NULL, 4), ('north', NULL, 'u2', 1);
UPDATE xsell_internal.recommendation SET assigned_to = 'u2' WHERE entity_id = 2;
UPDATE xsell_internal.recommendation SET status = 'accepted' WHERE entity_id = 7 AND product_id = 8;
UPDATE xsell_internal.recommendation SET held_out = true WHERE entity_id = 1 AND product_id = 1;
SELECT * FROM shown ORDER BY owner_name, position;
INSERT INTO xsell.work_list_rule (org_id, owner_id, capacity) VALUES ('north', 'u1', 0);
SELECT owner_name, count(*) FROM shown GROUP BY 1 ORDER BY 1;
SAVEPOINT s;
INSERT INTO xsell.work_list_rule (capacity) VALUES (5);
ROLLBACK TO s;
UPDATE xsell.work_list_rule SET per_family = NULL WHERE org_id IS NULL;
ROLLBACK TO s;
INSERT INTO xsell.work_list_rule (team, capacity) VALUES ('Key', 5);
ROLLBACK TO s;
CREATE ROLE xsell_test_work;
GRANT xsell_reader TO xsell_test_work;
INSERT INTO xsell.org_grant VALUES ('south', 'xsell_test_work');
SET LOCAL ROLE xsell_test_work;
SELECT count(*) FROM xsell.work_list;
SELECT org_id, capacity FROM xsell.work_list_rule ORDER BY 1;
ROLLBACK;
