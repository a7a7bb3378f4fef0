-- Whitespace and work lists: what each row says, that twice changes nothing, that a part is as the whole, and who reads what.
\set SHOW_CONTEXT never
\set home :DBNAME
SET client_min_messages = warning;
DROP DATABASE IF EXISTS xsell_space;
CREATE DATABASE xsell_space;
\c xsell_space
CREATE EXTENSION xsell;
SET xsell.now = '2024-01-01 00:00+00';
-- Nothing there.
SELECT xsell_internal.write_whitespace(xsell.clock()), (SELECT count(*) FROM xsell.whitespace) AS rows, (SELECT count(*) FROM xsell.work_list) AS work,
       (SELECT count(*) FROM xsell.whitespace_by_period) AS periods;
\getenv abs_srcdir PG_ABS_SRCDIR
\set world :abs_srcdir '/sql/include/sales_world.sql'
\set ECHO none
\i :world
\set ECHO all
INSERT INTO xsell.stage_map (org_id, stage, closed, won, is_purchase) SELECT o, s, s = 'Lost', false, false FROM unnest(ARRAY['north', 'south']) o, unnest(ARRAY['Lost', 'Talks']) s;
SELECT step, rows > 0 AS some FROM xsell.refresh() ORDER BY step;
-- Three pairs that nobody has and that are recommended: one gets a deal, one a loss, one is dismissed.
SELECT recommendation_id AS r1, entity_id AS e1, product_id AS p1, account_id AS a1, product_crm_id AS c1 FROM xsell_internal.recommendation
WHERE org_id = 'north' AND route = 'same_org' AND live ORDER BY recommendation_id LIMIT 1 \gset
SELECT recommendation_id AS r2, entity_id AS e2, product_id AS p2, account_id AS a2, product_crm_id AS c2 FROM xsell_internal.recommendation
WHERE org_id = 'north' AND route = 'same_org' AND live AND entity_id <> :e1 ORDER BY recommendation_id LIMIT 1 \gset
SELECT recommendation_id AS r3, entity_id AS e3, product_id AS p3, account_id AS a3 FROM xsell_internal.recommendation
WHERE org_id = 'north' AND route = 'same_org' AND live AND entity_id NOT IN (:e1, :e2) ORDER BY recommendation_id LIMIT 1 \gset
INSERT INTO xsell.opportunity (org_id, crm_id, account_id, stage, probability, amount_base, created_at, closed_at, modified_at) VALUES
    ('north', 'talks', :'a1', 'Talks', 40, 500, '2023-12-01', '2024-03-01', '2023-12-01'), ('north', 'lost', :'a2', 'Lost', NULL, 700, '2023-11-01', '2023-12-15', '2023-12-15');
INSERT INTO xsell.opportunity_line (org_id, crm_id, opportunity_id, product_id, amount, amount_base, modified_at) VALUES
    ('north', 'talks', 'talks', :'c1', 500, 500, '2023-12-01'), ('north', 'lost', 'lost', :'c2', 700, 700, '2023-12-01');
SELECT xsell.dismiss(:r3, 'no budget') IS NOT NULL AS dismissed;
SELECT step FROM xsell.refresh() ORDER BY step;
SELECT w.state, w.rule, w.reason, w.until, round(w.probability::numeric, 2) AS probability, w.amount, w.since, w.at, w.entity_name = a.name AS named, w.owner_email, w.team
FROM xsell.whitespace w JOIN xsell.account a ON a.org_id = w.org_id AND a.crm_id = w.account_id
WHERE (w.entity_id, w.product_id, w.org_id) IN ((:e1, :p1, 'north'), (:e2, :p2, 'north')) ORDER BY w.state;
SELECT w.state, w.rule, w.reason, w.until FROM xsell.whitespace w WHERE (w.entity_id, w.product_id, w.org_id) = (:e3, :p3, 'north');

-- Twice changes nothing; anew gives the same; some come out as all do.
CREATE TEMPORARY TABLE before AS SELECT * FROM xsell.whitespace;
SELECT count(*) > 1000 AS rows, count(DISTINCT state) AS states FROM xsell.whitespace;
-- What must hold for every row: each line counts breaches.
SELECT 'held' AS rule, count(*) AS breaches FROM xsell_internal.whitespace w
WHERE (w.state = 'held') <> EXISTS (SELECT FROM xsell_internal.holding h WHERE (h.entity_id, h.product_id, h.org_id) = (w.entity_id, w.product_id, w.org_id) AND (h.ends_at IS NULL OR h.ends_at > xsell.clock()))
UNION ALL SELECT 'every holding', count(*) FROM xsell_internal.holding h
WHERE NOT EXISTS (SELECT FROM xsell_internal.whitespace w WHERE (h.entity_id, h.product_id, h.org_id) = (w.entity_id, w.product_id, w.org_id))
UNION ALL SELECT 'recommended', count(*) FROM xsell.recommendation r
WHERE NOT EXISTS (SELECT FROM xsell_internal.whitespace w WHERE (w.entity_id, w.product_id, w.org_id) = (r.entity_id, r.product_id, r.org_id) AND w.state IN ('recommended', 'held', 'open'))
UNION ALL SELECT 'its figures', count(*) FROM xsell.recommendation r JOIN xsell.whitespace w USING (recommendation_id)
WHERE (w.probability, w.amount, w.expected_revenue, w.route, w.entity_name, w.product_name, w.product_family, w.owner_email, w.team)
      IS DISTINCT FROM (r.probability, r.amount_if_won, r.expected_revenue, r.route, r.entity_name, r.product_name, r.product_family, r.owner_email, r.team)
UNION ALL SELECT 'sums by ' || v.name, count(*) FILTER (WHERE (v.held, v.recommended, v.potential) IS DISTINCT FROM (t.held::numeric, t.recommended::numeric, t.potential))
FROM (SELECT 'segment' AS name, sum(held) AS held, sum(recommended) AS recommended, sum(potential) AS potential FROM xsell.whitespace_by_segment
      UNION ALL SELECT 'industry', sum(held), sum(recommended), sum(potential) FROM xsell.whitespace_by_industry
      UNION ALL SELECT 'owner', sum(held), sum(recommended), sum(potential) FROM xsell.whitespace_by_owner
      UNION ALL SELECT 'territory', sum(held), sum(recommended), sum(potential) FROM xsell.whitespace_by_territory
      UNION ALL SELECT 'org', sum(held), sum(recommended), sum(potential) FROM xsell.whitespace_by_org
      UNION ALL SELECT 'family', sum(held), sum(recommended), sum(potential) FROM xsell.whitespace_by_family
      UNION ALL SELECT 'product', sum(held), sum(recommended), sum(potential) FROM xsell.whitespace_by_product) v,
     (SELECT count(*) FILTER (WHERE state = 'held') AS held, count(*) FILTER (WHERE state = 'recommended') AS recommended,
             sum(expected_revenue) FILTER (WHERE state = 'recommended') AS potential FROM xsell.whitespace) t GROUP BY v.name
UNION ALL SELECT 'customers', count(*) FROM xsell.whitespace_by_org g WHERE g.customers <> (SELECT count(DISTINCT w.entity_id) FROM xsell.whitespace w WHERE w.org_id = g.org_id)
UNION ALL SELECT 'customers by product', count(*) FROM xsell.whitespace_by_product g
WHERE g.customers <> (SELECT count(DISTINCT w.entity_id) FROM xsell.whitespace w WHERE w.org_id = g.org_id AND w.product_id = g.product_id)
UNION ALL SELECT 'won', count(*) FROM (SELECT sum(won) AS won, sum(wins) AS wins FROM xsell.whitespace_by_period) v
WHERE (v.won, v.wins) IS DISTINCT FROM (SELECT (sum(amount_base), count(*)::numeric) FROM xsell_internal.purchase WHERE deleted_at IS NULL)
ORDER BY 1;
SELECT fiscal_quarter_label, sum(open_pipeline) AS open_pipeline, sum(open_expected) AS open_expected, sum(potential) IS NOT NULL AS potential
FROM xsell.whitespace_by_period WHERE fiscal_quarter_start >= '2024-01-01' GROUP BY 1 ORDER BY 1;
TRUNCATE xsell_internal.whitespace, xsell_internal.whitespace_customer;
SELECT xsell_internal.write_whitespace(xsell.clock()) > 0 AS written;
SELECT xsell_internal.write_whitespace(xsell.clock()) AS again;
SELECT count(*) AS differ FROM (SELECT entity_id, product_id, org_id, state, amount, since, at, owner_email FROM before WHERE state <> 'excluded'
    EXCEPT SELECT entity_id, product_id, org_id, state, amount, since, at, owner_email FROM xsell.whitespace) d;
DELETE FROM xsell_internal.whitespace WHERE entity_id % 2 = 0;
SELECT xsell_internal.write_whitespace(xsell.clock(), array_agg(entity_id)) > 0 AS a_part FROM xsell_internal.entity WHERE entity_id % 2 = 0;
SELECT xsell_internal.write_whitespace(xsell.clock()) AS nothing_left;
UPDATE xsell.account SET name = name || '!' WHERE org_id = 'east' AND crm_id IN ('e4', 'e8');
SELECT xsell_internal.write_whitespace(xsell.clock()) = (SELECT count(*) FROM xsell_internal.whitespace_customer WHERE org_id = 'east' AND account_id IN ('e4', 'e8')) AS renamed;
SELECT count(*) AS stale FROM xsell.whitespace w JOIN xsell.account a ON a.org_id = w.org_id AND a.crm_id = w.account_id WHERE a.name <> w.entity_name;
-- What is held out is not told.
UPDATE xsell_internal.recommendation SET held_out = true WHERE live AND entity_id = (SELECT max(entity_id) FROM xsell.recommendation);
SELECT entity_id AS held_entity, product_id AS held_product, recommendation_id AS held_recommendation FROM xsell_internal.recommendation WHERE live AND held_out
ORDER BY rank, product_id, org_id LIMIT 1 \gset
SELECT xsell_internal.write_whitespace(xsell.clock()) > 0 AS written;
SELECT (SELECT count(*) FROM xsell.whitespace w WHERE w.state = 'recommended' AND w.entity_id = :held_entity) AS whitespace,
       (SELECT count(*) FROM xsell.work_list w WHERE w.entity_id = :held_entity) AS work_list;
SELECT * FROM xsell.why_not(:held_entity, :held_product);

-- Why not: every rule, or where it stands.
SELECT rule, org_id, reason, until FROM xsell.why_not(:e1, :p1);
SELECT rule, org_id, reason FROM xsell.why_not(:e2, :p2);
SELECT rule, org_id, reason FROM xsell.why_not(product => :p3, account => :'a3', org => 'north');
SELECT DISTINCT w.rule FROM xsell_internal.holding h, LATERAL xsell.why_not(h.entity_id, h.product_id) w WHERE h.ends_at IS NULL AND h.org_id = 'north' AND w.rule = 'held';
SELECT DISTINCT w.rule, w.probability = r.probability AND w.rank = r.rank AS stands FROM (SELECT * FROM xsell.recommendation WHERE route = 'same_org' ORDER BY 1 LIMIT 5) r,
    LATERAL xsell.why_not(r.entity_id, r.product_id, org => r.org_id) w;
SELECT * FROM xsell.why_not(:e1);
SELECT * FROM xsell.why_not(-1, :p1);
SELECT * FROM xsell.why_not();

-- A reader of one org: rows of its org alone, and no name of another's.
SET ROLE xsell_test_north;
SELECT count(*) > 100 AS some, count(*) FILTER (WHERE w::text ~ 'SECRET_B|777777[.]7|south|east') AS leaking FROM xsell.whitespace w;
SELECT count(*) > 0 AS some, count(*) FILTER (WHERE w::text ~ 'SECRET_B|777777[.]7|south|east') AS leaking FROM xsell.whitespace_by_owner w;
SELECT count(*) > 0 AS some, count(*) FILTER (WHERE w::text ~ 'SECRET_B|777777[.]7|south|east') AS leaking FROM xsell.whitespace_by_period w;
SELECT count(*) > 0 AS some, count(*) FILTER (WHERE w::text ~ 'SECRET_B|777777[.]7|south|east') AS leaking FROM xsell.work_list w;
SELECT xsell_internal.write_whitespace(xsell.clock());
RESET ROLE;
\c :home
DROP DATABASE xsell_space;
