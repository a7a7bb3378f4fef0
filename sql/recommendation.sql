-- Recommendations: before anything is deployed, from a model, and over time.
\set SHOW_CONTEXT never
\set home :DBNAME
SET client_min_messages = warning;
DROP DATABASE IF EXISTS xsell_sales;
CREATE DATABASE xsell_sales;
\c xsell_sales
CREATE EXTENSION xsell;
\getenv abs_srcdir PG_ABS_SRCDIR
\set world :abs_srcdir '/sql/include/sales_world.sql'
\set ECHO none
\i :world
\set ECHO all
SELECT count(*) FROM xsell.recommendation;
SELECT step, rows > 0 AS some FROM xsell.refresh();
SELECT score_source, route, count(*) > 0 AS some, bool_and(probability > 0 AND probability < 1) AS probabilities, bool_and(model IS NULL AND version IS NULL) AS no_model
FROM xsell.recommendation GROUP BY 1, 2 ORDER BY 1, 2;
SELECT score_source, model, version, kept = (SELECT count(*) FROM xsell.recommendation) AS kept FROM xsell_internal.recommendation_run;

-- What must hold for every row: each line counts breaches.
CREATE TEMPORARY VIEW breach AS
SELECT 'holds it' AS rule, count(*) AS breaches FROM xsell.recommendation r JOIN xsell_internal.purchase h USING (entity_id, product_id)
WHERE r.route <> 'winback'
UNION ALL SELECT 'held no more', count(*) FROM xsell.recommendation r WHERE r.route = 'winback' AND NOT EXISTS (
    SELECT FROM xsell_internal.purchase h WHERE h.entity_id = r.entity_id AND h.product_id = r.product_id AND h.ends_at < xsell.clock())
UNION ALL SELECT 'rank', count(*) FROM (SELECT rank, row_number() OVER (PARTITION BY entity_id, route = 'winback' ORDER BY probability DESC, product_id) AS n
                                        FROM xsell.recommendation) r WHERE rank <> n OR rank > 10
UNION ALL SELECT 'revenue', count(*) FROM xsell.recommendation WHERE expected_revenue IS DISTINCT FROM round(probability::numeric * amount_if_won, 2)
UNION ALL SELECT 'route', count(*) FROM xsell.recommendation r
WHERE (route <> 'cross_org') <> (account_id IS NOT NULL) OR (route = 'cross_org') <> (introducer_name IS NOT NULL)
   OR (route = 'cross_org') <> NOT EXISTS (SELECT FROM xsell_internal.entity_account a WHERE a.entity_id = r.entity_id AND a.org_id = r.org_id)
UNION ALL SELECT 'account', count(*) FROM xsell.recommendation r WHERE account_id IS NOT NULL AND NOT EXISTS (
    SELECT FROM xsell_internal.entity_account a WHERE (a.org_id, a.account_id, a.entity_id) = (r.org_id, r.account_id, r.entity_id))
UNION ALL SELECT 'sells it', count(*) FROM xsell.recommendation r WHERE NOT EXISTS (
    SELECT FROM xsell.product_map m WHERE m.org_id = r.org_id AND m.product_id = r.product_id AND m.is_active)
UNION ALL SELECT 'do not contact', count(*) FROM xsell.recommendation r JOIN xsell_internal.entity_account e USING (entity_id, org_id)
JOIN xsell.account a ON a.org_id = e.org_id AND a.crm_id = e.account_id WHERE a.do_not_contact
UNION ALL SELECT 'names', count(*) FROM xsell.recommendation WHERE entity_name IS NULL OR product_name IS NULL OR reason IS NULL OR contact_name NOT LIKE '%Purchasing%'
UNION ALL SELECT 'owner', count(*) FROM xsell.recommendation WHERE (route = 'cross_org') <> (owner_email IS NULL)
UNION ALL SELECT 'reasons', count(*) FROM xsell.recommendation r
WHERE (SELECT count(*) FROM xsell.recommendation_reason w WHERE w.recommendation_id = r.recommendation_id) NOT BETWEEN 1 AND 3;
SELECT * FROM breach ORDER BY rule;

-- Amount: (n x median + 5 x median of the org) / (n + 5), and of the industry in the same way where it has five wins.
WITH won AS (
    SELECT p.product_id, a.industry, p.amount_base AS amount, percentile_cont(.5) WITHIN GROUP (ORDER BY o.amount_base) AS org_median
    FROM xsell_internal.purchase p JOIN xsell.account a ON a.org_id = p.org_id AND a.crm_id = p.account_id JOIN xsell_internal.purchase o ON o.org_id = p.org_id
    WHERE p.org_id = 'north' GROUP BY p.record_id, 1, 2, 3
), product AS (
    SELECT product_id, (count(*) * percentile_cont(.5) WITHIN GROUP (ORDER BY amount) + 5 * max(org_median)) / (count(*) + 5) AS expected FROM won GROUP BY 1
), hand AS (
    SELECT w.product_id, lower(w.industry) AS industry,
           CASE WHEN count(*) >= 5 THEN (count(*) * percentile_cont(.5) WITHIN GROUP (ORDER BY w.amount) + 5 * max(p.expected)) / (count(*) + 5) ELSE max(p.expected) END AS expected
    FROM won w JOIN product p USING (product_id) GROUP BY 1, 2
)
SELECT count(*) > 50 AS checked, max(abs(r.amount_if_won - h.expected)) < .01 AS agrees
FROM xsell.recommendation r
JOIN xsell.account a ON a.org_id = r.org_id AND a.crm_id = r.account_id
JOIN hand h ON h.product_id = r.product_id AND h.industry = lower(a.industry)
WHERE r.org_id = 'north';

-- A second refresh changes nothing; a later one keeps identity, status, note and first_seen.
CREATE TEMPORARY TABLE before AS SELECT * FROM xsell_internal.recommendation;
CREATE TEMPORARY TABLE reasons_before AS SELECT * FROM xsell_internal.recommendation_reason;
SELECT xsell_internal.refresh_recommendations() > 0 AS live;
SELECT count(*) AS changed FROM ((TABLE before EXCEPT TABLE xsell_internal.recommendation) UNION ALL (TABLE xsell_internal.recommendation EXCEPT TABLE before)) d;
SELECT count(*) AS changed FROM ((TABLE reasons_before EXCEPT TABLE xsell_internal.recommendation_reason) UNION ALL (TABLE xsell_internal.recommendation_reason EXCEPT TABLE reasons_before)) d;
SELECT recommendation_id AS chosen, entity_id AS customer, product_id AS product, account_id AS account, product_crm_id
FROM xsell_internal.recommendation WHERE org_id = 'north' AND route = 'same_org' AND rank = 1 ORDER BY recommendation_id LIMIT 1 \gset
SELECT xsell.set_status(:chosen, 'accepted', 'call on Monday') IS NOT NULL AS logged;
SET xsell.now = '2024-01-02 00:00+00';
SELECT xsell_internal.refresh_recommendations() > 0 AS live;
SELECT status, status_note, first_seen, last_seen FROM xsell_internal.recommendation WHERE recommendation_id = :chosen;
SELECT count(*) AS moved FROM before b JOIN xsell_internal.recommendation r USING (entity_id, product_id, org_id, route)
WHERE b.recommendation_id <> r.recommendation_id OR b.first_seen <> r.first_seen;

-- What was bought is expired, not deleted; an open deal takes a pair off too.
INSERT INTO xsell.opportunity (org_id, crm_id, account_id, stage, amount_base, created_at, closed_at, modified_at) VALUES ('north', 'new', :'account', 'Won', 9, '2024-01-02', '2024-01-02', '2024-01-02');
INSERT INTO xsell.opportunity_line (org_id, crm_id, opportunity_id, product_id, amount_base, created_at, modified_at) VALUES ('north', 'new', 'new', :'product_crm_id', 9, '2024-01-02', '2024-01-02');
SELECT recommendation_id AS pursued, account_id, product_crm_id AS pursued_product FROM xsell_internal.recommendation
WHERE org_id = 'north' AND route = 'same_org' AND rank = 1 AND recommendation_id <> :chosen AND account_id <> :'account' AND live ORDER BY recommendation_id LIMIT 1 \gset
INSERT INTO xsell.stage_map (org_id, stage, closed, won, is_purchase) VALUES ('north', 'Talks', false, false, false);
INSERT INTO xsell.opportunity (org_id, crm_id, account_id, stage, created_at, modified_at) VALUES ('north', 'talks', :'account_id', 'Talks', '2024-01-02', '2024-01-02');
INSERT INTO xsell.opportunity_line (org_id, crm_id, opportunity_id, product_id, created_at, modified_at) VALUES ('north', 'talks', 'talks', :'pursued_product', '2024-01-02', '2024-01-02');
SELECT step FROM xsell.refresh();
SELECT live, status FROM xsell_internal.recommendation WHERE recommendation_id IN (:chosen, :pursued) ORDER BY recommendation_id = :pursued;
SELECT * FROM breach WHERE breaches > 0;

-- A model is deployed: the same rows, other scores.
CALL xsell.train('cross_sell', NULL, horizon => '90 days');
SELECT max(version) AS version FROM xsell.model_version WHERE model = 'cross_sell' \gset
SELECT count(*) FROM xsell.deploy('cross_sell', :version);
SELECT xsell_internal.refresh_recommendations() > 0 AS live;
SELECT score_source, bool_and((model, version) IS NOT DISTINCT FROM (CASE route WHEN 'winback' THEN NULL ELSE 'cross_sell' END, CASE route WHEN 'winback' THEN NULL ELSE :version END)) AS versions,
       bool_and(route = 'winback' OR probability BETWEEN probability_low AND probability_high) AS intervals
FROM xsell.recommendation GROUP BY 1 ORDER BY 1;
SELECT * FROM breach WHERE breaches > 0;
SELECT count(*) AS differ FROM xsell.features('cross_sell', xsell.clock()) v JOIN xsell.recommendation r USING (entity_id, product_id)
WHERE r.score_source = 'model' AND r.probability <> xsell.predict('cross_sell', v.x);
SELECT count(*) > 0 AS reasons, bool_and(w.sentence IS NOT NULL OR w.value IS NULL) AS guarded FROM xsell.recommendation_reason w;

-- A split: recommendations are scored and explained by the version that their entity belongs to, and say so.
INSERT INTO xsell_internal.model_version
SELECT (jsonb_populate_record(v, jsonb_build_object('version', :version + 1))).* FROM xsell_internal.model_version v WHERE v.model = 'cross_sell' AND v.version = :version;
INSERT INTO xsell_internal.model_blob SELECT model, :version + 1, kind, data FROM xsell_internal.model_blob WHERE model = 'cross_sell' AND version = :version;
SELECT count(*) FROM xsell.split_traffic('cross_sell', format('{"%s": 0.5, "%s": 0.5}', :version, :version + 1)::jsonb);
SELECT xsell_internal.refresh_recommendations() > 0 AS live;
SELECT count(DISTINCT version) AS versions, bool_and(version = xsell_internal.assigned_version('cross_sell', entity_id)) AS by_the_split,
       bool_and(probability BETWEEN probability_low AND probability_high) AS intervals FROM xsell.recommendation WHERE score_source = 'model';
SELECT version = :version AS champions FROM xsell_internal.recommendation_run ORDER BY run_id DESC LIMIT 1;
SELECT xsell.log_exposures('cross_sell') = (SELECT count(DISTINCT (entity_id, product_id)) FROM xsell.recommendation WHERE score_source = 'model') AS logged;
SELECT count(*) AS arms, sum(exposures) = (SELECT count(*) FROM xsell.exposure_outcome) AS exposures FROM xsell.experiment('cross_sell');
SELECT count(*) FROM xsell.deploy('cross_sell', :version);
SELECT xsell_internal.refresh_recommendations() > 0 AS live;

-- recommend(): the stored ones, and the same computed anew.
SELECT count(*), bool_and(entity_id = :customer) AS of_the_customer FROM xsell.recommend(account => :'account', top_n => 3);
SELECT count(*) AS differ FROM ((SELECT entity_id, product_id, org_id, route, probability, expected_revenue, rank, reason FROM xsell.recommend(entity => :customer, top_n => 5)
     EXCEPT SELECT entity_id, product_id, org_id, route, probability, expected_revenue, rank, reason FROM xsell.recommend(entity => :customer, top_n => 5, as_of => xsell.clock()))) d;
SELECT count(*), bool_and(org_id = 'east') AS of_the_org FROM xsell.recommend(org => 'east', top_n => 4);
SELECT count(*), bool_and(expected_revenue >= (SELECT max(expected_revenue) FROM xsell.recommendation) - .001) AS best FROM xsell.recommend(top_n => 1);
UPDATE xsell.account SET crm_id = 'shared' WHERE (org_id, crm_id) IN (('north', 'n4'), ('east', 'e8'));
SELECT * FROM xsell.recommend('shared');
SELECT xsell_internal.resolve_entities() > 0 AS resolved;
SELECT * FROM xsell.recommend('shared');
SELECT count(*) > 0 AS some FROM xsell.recommend('shared', org => 'north');
SELECT * FROM xsell.recommend('nobody');
SELECT * FROM xsell.recommend('nobody', org => 'north');
SELECT * FROM xsell.recommend('n4', org => 'west');
SELECT * FROM xsell.recommend('n4', entity => 1);
SELECT * FROM xsell.recommend(top_n => 0);

-- Reading writes nothing, so that a standby can answer.
BEGIN READ ONLY;
SELECT count(*) > 0 AS some FROM xsell.recommend(entity => :customer);
SELECT count(*) > 0 AS some FROM xsell.recommend(entity => :customer, as_of => '2023-10-01');
-- As many as are asked for, of the org that is asked for.
SELECT o.org_id, (SELECT count(*) FROM xsell.recommend(org => o.org_id, top_n => 3, as_of => xsell.clock())) AS rows FROM xsell.org o ORDER BY 1;
SELECT count(*) > 0 AS some FROM xsell.recommend(entity => :customer, top_n => 2147483647, as_of => xsell.clock());
ROLLBACK;
\c :home
DROP DATABASE xsell_sales;
