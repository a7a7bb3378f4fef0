-- Refreshing: one pass gives the numbers that predict gives, what has not changed is not touched, and some entities come out as they
-- do when all are done.
\set SHOW_CONTEXT never
\set home :DBNAME
SET client_min_messages = warning;
DROP DATABASE IF EXISTS xsell_refresh;
CREATE DATABASE xsell_refresh;
\c xsell_refresh
CREATE EXTENSION xsell;
\getenv abs_srcdir PG_ABS_SRCDIR
\set world :abs_srcdir '/sql/include/sales_world.sql'
\set ECHO none
\i :world
\set ECHO all

-- Nothing deployed: the heuristic, all of it, every time.
SELECT step, rows > 0 AS some, kind FROM xsell.refresh();
SELECT step, rows > 0 AS some, kind FROM xsell.refresh() WHERE step = 'recommendations';
SELECT kind, entities, written > 0 AS written FROM xsell_internal.recommendation_run ORDER BY run_id;
SELECT count(*) FROM xsell_internal.stored_world;

CALL xsell.train('cross_sell', NULL, horizon => '90 days');
SELECT max(version) AS version FROM xsell.model_version WHERE model = 'cross_sell' \gset
SELECT count(*) FROM xsell.deploy('cross_sell', :version);
SELECT rows > 0 AS some, kind FROM xsell.refresh() WHERE step = 'recommendations';

-- The same bits as row by row, for every version of a split, and the same order.
INSERT INTO xsell_internal.model_version
SELECT (jsonb_populate_record(v, jsonb_build_object('version', :version + 1))).* FROM xsell_internal.model_version v WHERE v.model = 'cross_sell' AND v.version = :version;
INSERT INTO xsell_internal.model_blob SELECT model, :version + 1, kind, data FROM xsell_internal.model_blob WHERE model = 'cross_sell' AND version = :version;
SELECT count(*) FROM xsell.split_traffic('cross_sell', format('{"%s": 0.6, "%s": 0.4}', :version, :version + 1)::jsonb);
CREATE TEMPORARY TABLE passed AS
SELECT c.* FROM xsell_internal.cross_sell_world(xsell.clock()) w, (SELECT array_agg(s.product_id) AS p, array_agg(1::bigint) AS o FROM xsell_internal.sold_products(xsell.clock()) s) s,
    LATERAL xsell_internal.rank_candidates(w, NULL, NULL, 0, 200, 3, 'cross_sell', '{}', '{}', '{}', s.p, s.o) c;
CREATE TEMPORARY TABLE by_row AS
SELECT v.entity_id, v.product_id, v.x, xsell.predict('cross_sell', v.x, v.entity_id) AS probability, xsell_internal.assigned_version('cross_sell', v.entity_id) AS version
FROM xsell.features('cross_sell', xsell.clock()) v WHERE v.product_id IN (SELECT s.product_id FROM xsell_internal.sold_products(xsell.clock()) s);
SELECT count(*) > 100 AS some, count(DISTINCT p.version) AS versions, count(*) FILTER (WHERE (p.probability, p.version, p.x) IS DISTINCT FROM (r.probability, r.version, r.x)) AS differ,
       count(*) FILTER (WHERE p.low > p.probability OR p.high < p.probability) AS outside
FROM passed p LEFT JOIN by_row r USING (entity_id, product_id) WHERE NOT p.barred;
SELECT count(*) AS differ FROM (
    (SELECT entity_id, product_id FROM passed WHERE NOT barred EXCEPT
     SELECT entity_id, product_id FROM (SELECT *, row_number() OVER (PARTITION BY entity_id ORDER BY probability DESC, product_id) AS n FROM by_row) r WHERE n <= 3)
    UNION ALL
    (SELECT entity_id, product_id FROM (SELECT *, row_number() OVER (PARTITION BY entity_id ORDER BY probability DESC, product_id) AS n FROM by_row) r WHERE n <= 3 EXCEPT
     SELECT entity_id, product_id FROM passed WHERE NOT barred)) d;
-- Lookalikes hold the product, the nearest first.
SELECT count(*) > 100 AS some, bool_and(h.held) AS hold_it FROM passed p, unnest(p.lookalike) l,
    LATERAL (SELECT EXISTS (SELECT FROM xsell_internal.purchase b WHERE b.entity_id = l AND b.product_id = p.product_id) AS held) h;
SELECT bool_and(s = ARRAY(SELECT v FROM unnest(s) v ORDER BY v DESC) AND cardinality(s) <= 3 AND cardinality(s) = cardinality(lookalike)) AS nearest_first
FROM (SELECT similarity AS s, lookalike FROM passed WHERE NOT barred) p;
-- What a rule bars is named where it would be among the best, and the next ones move up.
SELECT entity_id AS customer, product_id AS best FROM passed WHERE NOT barred ORDER BY probability DESC, entity_id, product_id LIMIT 1 \gset
SELECT c.barred, count(*) >= CASE WHEN c.barred THEN 1 ELSE 3 END AS some, bool_or(c.product_id = :best) AS the_best
FROM xsell_internal.cross_sell_world(xsell.clock()) w, (SELECT array_agg(s.product_id) AS p, array_agg(1::bigint) AS o FROM xsell_internal.sold_products(xsell.clock()) s) s,
    LATERAL xsell_internal.rank_candidates(w, NULL, ARRAY[:customer], 0, 200, 3, 'cross_sell', ARRAY[:customer, 9999999], ARRAY[:best, 0], '{0,0}', s.p, s.o) c
GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM xsell_internal.cross_sell_world(xsell.clock()) w, LATERAL xsell_internal.rank_candidates(w, NULL, '{3,2}', 0, 200, 3, 'cross_sell', '{}', '{}', '{}', '{}', '{}');
SELECT count(*) FROM xsell_internal.cross_sell_world(xsell.clock()) w, LATERAL xsell_internal.rank_candidates(w, NULL, NULL, 0, 200, 3, 'nothing', '{}', '{}', '{}', '{}', '{}');
SELECT count(*) FROM xsell_internal.rank_candidates(NULL, NULL, NULL, 0, 200, 3, 'cross_sell', '{}', '{}', '{}', '{}', '{}');
SELECT count(*) FROM xsell.deploy('cross_sell', :version);
SELECT rows > 0 AS some, kind FROM xsell.refresh() WHERE step = 'recommendations';

-- A second refresh writes no row: of nothing, and of everything.
CREATE TEMPORARY VIEW written AS
SELECT 'recommendation' AS name, max(xmin::text::bigint) AS last, count(*) FROM xsell_internal.recommendation UNION ALL
SELECT 'reason', max(xmin::text::bigint), count(*) FROM xsell_internal.recommendation_reason UNION ALL
SELECT 'lookalike', max(xmin::text::bigint), count(*) FROM xsell_internal.recommendation_lookalike UNION ALL
SELECT 'introduction', max(xmin::text::bigint), count(*) FROM xsell_internal.introduction;
CREATE TEMPORARY TABLE before AS SELECT * FROM written;
SELECT rows > 0 AS some, kind FROM xsell.refresh() WHERE step = 'recommendations';
SELECT kind, entities, written FROM xsell_internal.recommendation_run ORDER BY run_id DESC LIMIT 1;
SELECT rows > 0 AS some, kind FROM xsell.refresh(full => true) WHERE step = 'recommendations';
SELECT kind, entities, written FROM xsell_internal.recommendation_run ORDER BY run_id DESC LIMIT 1;
SELECT count(*) AS changed FROM (TABLE written EXCEPT TABLE before) d;

INSERT INTO xsell.stage_map (org_id, stage, closed, won, is_purchase) VALUES ('north', 'Talks', false, false, false);
SELECT rows > 0 AS some, kind FROM xsell.refresh() WHERE step = 'recommendations';  -- a stage concerns all

-- Changes of some entities: of an account, a contact, a suppression, a status, an open deal, an activity. What products sell for stays.
CREATE TEMPORARY TABLE changed AS
SELECT e.entity_id, e.account_id, row_number() OVER (ORDER BY e.entity_id) AS n FROM xsell_internal.entity_account e
WHERE e.org_id = 'north' AND EXISTS (SELECT FROM xsell.recommendation r WHERE r.entity_id = e.entity_id AND r.route = 'same_org') ORDER BY e.entity_id LIMIT 6;
UPDATE xsell.account SET employees = 4000, country = 'DE' WHERE org_id = 'north' AND crm_id = (SELECT account_id FROM changed WHERE n = 1);
UPDATE xsell.contact SET do_not_contact = true WHERE org_id = 'north' AND account_id = (SELECT account_id FROM changed WHERE n = 2) AND title LIKE 'Head%';
SELECT xsell.suppress(r.entity_id, r.product_id) IS NOT NULL AS logged FROM xsell.recommendation r JOIN changed c USING (entity_id) WHERE c.n = 3 AND r.rank = 1 AND r.route <> 'winback';
SELECT xsell.dismiss(r.recommendation_id, 'no') IS NOT NULL AS logged FROM xsell.recommendation r JOIN changed c USING (entity_id) WHERE c.n = 4 AND r.rank = 1 AND r.route <> 'winback';
INSERT INTO xsell.opportunity (org_id, crm_id, account_id, stage, created_at, modified_at)
SELECT 'north', 'talks', account_id, 'Talks', '2023-12-02', '2023-12-02' FROM changed WHERE n = 5;
INSERT INTO xsell.opportunity_line (org_id, crm_id, opportunity_id, product_id, created_at, modified_at)
SELECT 'north', 'talks', 'talks', o.product_crm_id, '2023-12-02', '2023-12-02'
FROM xsell_internal.recommendation o JOIN changed c USING (entity_id) WHERE c.n = 5 AND o.org_id = 'north' AND o.route = 'same_org' AND o.live ORDER BY o.rank LIMIT 1;
INSERT INTO xsell.activity (org_id, crm_id, kind, account_id, occurred_at, created_at, modified_at)
SELECT 'north', 'call', 'call', account_id, '2023-12-30', '2023-12-30', '2023-12-30' FROM changed WHERE n = 6;
SELECT rows > 0 AS some, kind FROM xsell.refresh() WHERE step = 'recommendations';
SELECT kind, entities, written > 0 AS written FROM xsell_internal.recommendation_run ORDER BY run_id DESC LIMIT 1;
CREATE TEMPORARY TABLE incremental AS SELECT * FROM xsell_internal.recommendation;
CREATE TEMPORARY TABLE incremental_reason AS SELECT * FROM xsell_internal.recommendation_reason;
CREATE TEMPORARY TABLE incremental_lookalike AS SELECT * FROM xsell_internal.recommendation_lookalike;
SELECT kind FROM xsell.refresh(full => true) WHERE step = 'recommendations';
-- Confidence and action go by the run's percentiles, which are the last full one's in an incremental one.
SELECT count(*) AS differ FROM (
    (SELECT recommendation_id, entity_id, product_id, org_id, route, i.account_id, probability, probability_low, probability_high, amount_if_won, expected_revenue, rank, owner_id, contact_id,
            status, live, recommendation_type, lookalikes, reason FROM incremental i JOIN changed c USING (entity_id)
     EXCEPT SELECT recommendation_id, entity_id, product_id, org_id, route, r.account_id, probability, probability_low, probability_high, amount_if_won, expected_revenue, rank, owner_id, contact_id,
            status, live, recommendation_type, lookalikes, reason FROM xsell_internal.recommendation r)) d;
SELECT count(*) AS differ FROM (SELECT r.* FROM incremental_reason r JOIN incremental i USING (recommendation_id) JOIN changed c USING (entity_id) EXCEPT TABLE xsell_internal.recommendation_reason) d;
SELECT count(*) AS differ FROM (SELECT r.* FROM incremental_lookalike r JOIN incremental i USING (recommendation_id) JOIN changed c ON c.entity_id = i.entity_id EXCEPT TABLE xsell_internal.recommendation_lookalike) d;
SELECT count(*) AS lives FROM xsell_internal.recommendation r JOIN xsell_internal.suppression s USING (entity_id, product_id) WHERE r.live;

-- An hour later it is still incremental, two days later it is not; a new version, another product map: all anew.
SET xsell.now = '2024-01-01 01:00+00';
SELECT kind FROM xsell.refresh() WHERE step = 'recommendations';
SET xsell.now = '2024-01-03 00:00+00';
SELECT kind FROM xsell.refresh() WHERE step = 'recommendations';
SELECT kind FROM xsell.refresh() WHERE step = 'recommendations';
SELECT count(*) FROM xsell.deploy('cross_sell', :version + 1);
SELECT kind FROM xsell.refresh() WHERE step = 'recommendations';
UPDATE xsell.account SET industry = industry;
SELECT kind FROM xsell.refresh() WHERE step = 'recommendations';  -- more than a fifth
UPDATE xsell.account SET industry = industry;
SELECT kind FROM xsell.refresh(full => false) WHERE step = 'recommendations';
SELECT entities = (SELECT cardinality(entity) FROM xsell_internal.stored_world) AS all_of_them, written = 0 AS nothing_written FROM xsell_internal.recommendation_run ORDER BY run_id DESC LIMIT 1;

-- Identity: what people wrote stays with the row.
SELECT recommendation_id AS chosen FROM xsell.recommendation WHERE route = 'same_org' ORDER BY 1 LIMIT 1 \gset
SELECT xsell.set_status(:chosen, 'accepted', 'call on Monday') IS NOT NULL AS logged;
UPDATE xsell_internal.recommendation SET assigned_to = 'u0' WHERE recommendation_id = :chosen;
SET xsell.now = '2024-01-03 02:00+00';
SELECT kind FROM xsell.refresh() WHERE step = 'recommendations';
SELECT kind FROM xsell.refresh(full => true) WHERE step = 'recommendations';
SELECT status, status_note, assigned_to, first_seen, last_seen, live FROM xsell_internal.recommendation WHERE recommendation_id = :chosen;

-- A company that is in no CRM: the more is known, the more it is one of its kind; what it has is not offered.
SELECT count(*) AS rows, bool_and(probability BETWEEN probability_low AND probability_high) AS intervals, bool_and(expected_revenue = round(probability::numeric * amount_if_won, 2)) AS revenue,
       bool_and(product_name IS NOT NULL AND reason IS NOT NULL) AS worded FROM xsell.recommend_new('Retail', 'France', 50, 40000, top_n => 5);
SELECT product_id AS first_offer FROM xsell.recommend_new('Retail', 'France', 50, 40000) LIMIT 1 \gset
SELECT count(*) > 0 AS some, bool_or(product_id = :first_offer) AS offered_again FROM xsell.recommend_new('Retail', 'France', 50, 40000, ARRAY[:first_offer, :first_offer]);
SELECT count(*) > 0 AS some FROM xsell.recommend_new();
SELECT * FROM xsell.recommend_new(products => '{-5}');
SELECT * FROM xsell.recommend_new(products => '{NULL}');
SELECT * FROM xsell.recommend_new(top_n => 0);

-- Who sees what: lookalikes that the reader may not know of are counted, not named; the stored world is nobody's to read.
SELECT product_id AS hidden FROM xsell_internal.product_map GROUP BY 1 HAVING bool_and(org_id = 'south') LIMIT 1 \gset
SET SESSION AUTHORIZATION xsell_test_north;
SELECT count(*) > 0 AS some, bool_and(entity_name IS NOT NULL AND entity_name NOT LIKE 'SECRET%') AS known FROM xsell.recommendation_lookalike;
SELECT bool_or(r.lookalikes > (SELECT count(*) FROM xsell.recommendation_lookalike l WHERE l.recommendation_id = r.recommendation_id)) AS some_unnamed,
       bool_and(r.lookalikes >= (SELECT count(*) FROM xsell.recommendation_lookalike l WHERE l.recommendation_id = r.recommendation_id)) AS all_counted FROM xsell.recommendation r;
SELECT count(*) FROM xsell_internal.stored_world;
SELECT count(*) > 0 AS some, bool_and(org_id = 'north') AS own FROM xsell_internal.stored_amount;
SELECT xsell.refresh();
SELECT count(*) > 0 AS some, bool_and(org_id = 'north' AND product_name NOT LIKE 'SECRET%' AND amount_if_won < 10000) AS own FROM xsell.recommend_new('Retail');
SELECT count(*) AS told FROM xsell_internal.rank_new('Retail', NULL, NULL, NULL, '{}', 5, ARRAY[:hidden]::bigint[], '{1}');
RESET SESSION AUTHORIZATION;
SELECT recommendation_type, count(*) > 0 AS some FROM xsell.recommendation GROUP BY 1 ORDER BY 1;
SELECT confidence_level, count(*) > 0 AS some FROM xsell.recommendation GROUP BY 1 ORDER BY 1;
-- Shapley values for the three best of a customer; for the others the way through the trees adds up to the same score.
WITH f AS MATERIALIZED (SELECT v.x FROM xsell.features('cross_sell', xsell.clock()) v ORDER BY v.entity_id, v.product_id LIMIT 50)
SELECT count(*), bool_and(abs(e.total - p.total) < 1e-3 AND abs(e.base - p.base) < 1e-6) AS same_sum, bool_or(e.largest <> p.largest) AS other_parts
FROM f, LATERAL (SELECT sum(v.contribution) + max(v.base) AS total, max(v.base) AS base, max(v.contribution) AS largest
                 FROM xsell_internal.explain_values('cross_sell', NULL, f.x, NULL) v) e,
     LATERAL (SELECT sum(v.contribution) + max(v.base) AS total, max(v.base) AS base, max(v.contribution) AS largest
              FROM xsell_internal.explain_values('cross_sell', NULL, f.x, NULL, exact => false) v) p;
SELECT bool_or(r.rank > 3) AS some_beyond, bool_and(EXISTS (SELECT FROM xsell.recommendation_reason w WHERE w.recommendation_id = r.recommendation_id)) AS all_explained
FROM xsell.recommendation r;
SELECT xsell_internal.median('{3,1,2}') AS odd, xsell_internal.median('{4,1,2,3}') AS even, xsell_internal.median('{}') AS none;
SELECT xsell_internal.median('{1,NULL}');
\c :home
DROP DATABASE xsell_refresh;
