-- What is wrong, one row each, with the command that mends it. Empty means healthy, as far as the reader may see.

-- The planner takes the queue for a thousand times of what it is, and would compile all of health for it.
CREATE FUNCTION xsell_internal.product_queue() RETURNS bigint
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
BEGIN
    RETURN (SELECT count(*) FROM xsell.product_review);
END
$$;
COMMENT ON FUNCTION xsell_internal.product_queue() IS 'How many pairs of products wait for a decision, as far as one may see.';

CREATE VIEW xsell.health WITH (security_invoker = true) AS
WITH last_run AS (
    SELECT r.as_of, r.finished_at, r.kept, r.version, r.score_source FROM xsell_internal.recommendation_run r ORDER BY r.run_id DESC LIMIT 1
), last_training AS (
    SELECT DISTINCT ON (t.model) t.model, t.run_id, t.state, t.error FROM xsell.training_run t ORDER BY t.model, t.run_id DESC
), champion AS (
    SELECT m.model, m.label_query IS NOT NULL AS own, d.version,
           (SELECT pg_catalog.max(v.version) FROM xsell.model_version v WHERE v.model = m.model AND v.status = 'ready') AS ready
    FROM xsell_internal.model m
    LEFT JOIN xsell_internal.deployment d ON d.model = m.model AND d.role = 'champion'
)
SELECT 'access' AS subject, 'you see no org' AS problem,
       'Nothing has been synced, or no org is granted to a role of yours.' AS detail,
       pg_catalog.format('INSERT INTO xsell.org_grant SELECT org_id, %L FROM xsell.org', CURRENT_USER::text) AS command
WHERE NOT EXISTS (SELECT FROM xsell.org)
UNION ALL
SELECT 'access', 'no org is granted to anybody', 'Readers see no row until an org is granted to a role of theirs.',
       'INSERT INTO xsell.org_grant SELECT org_id, ''xsell_reader'' FROM xsell.org'
WHERE EXISTS (SELECT FROM xsell.org) AND NOT EXISTS (SELECT FROM xsell.org_grant)
UNION ALL
SELECT 'sync ' || o.org_id, 'nothing has been synced', 'The org is registered, and no reading of it was ever completed.', 'xselld sync --once'
FROM xsell.org o
WHERE NOT o.paused AND NOT EXISTS (SELECT FROM xsell_internal.sync_state s WHERE s.org_id = o.org_id AND s.last_success_at IS NOT NULL)
UNION ALL
SELECT 'access', 'a grant names a role that does not exist', pg_catalog.format('Role %s, for %s.', g.role, pg_catalog.string_agg(g.org_id, ', ' ORDER BY g.org_id)),
       pg_catalog.format('CREATE ROLE %I IN ROLE xsell_reader, or DELETE FROM xsell.org_grant WHERE role = %L', g.role, g.role)
FROM xsell.org_grant g WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = g.role) GROUP BY g.role
UNION ALL
SELECT 'access', 'a grant names an org that does not exist', pg_catalog.format('Org %s, to %s.', g.org_id, pg_catalog.string_agg(g.role, ', ' ORDER BY g.role)),
       pg_catalog.format('SELECT org_id FROM xsell.org lists what there is; DELETE FROM xsell.org_grant WHERE org_id = %L', g.org_id)
FROM xsell.org_grant g WHERE NOT EXISTS (SELECT FROM xsell.org o WHERE o.org_id = g.org_id) GROUP BY g.org_id
UNION ALL
-- One wrong secret fails every object: it is one thing to mend.
SELECT 'sync ' || f.org_id || CASE WHEN pg_catalog.count(*) = 1 THEN COALESCE(' ' || pg_catalog.min(f.object), '') ELSE '' END, f.problem,
       CASE WHEN pg_catalog.count(f.object) > 1 THEN pg_catalog.string_agg(f.object, ', ' ORDER BY f.object) || ': ' ELSE '' END || f.message, 'xselld check'
FROM (SELECT s.org_id, s.object, 'the last sync failed' AS problem, COALESCE(s.last_error, 'no reason is known') AS message FROM xsell.sync_status s WHERE s.last_state = 'ERROR'
      UNION ALL
      SELECT a.org_id, a.object, 'the source refuses to be read', a.message FROM xsell.sync_alert a WHERE a.cleared_at IS NULL) f
GROUP BY f.org_id, f.problem, f.message
UNION ALL
SELECT 'sync ' || s.org_id, 'the last sync is more than two days old', pg_catalog.format('%s was read last at %s.', s.object, s.last_success_at), 'xselld sync --once'
FROM (SELECT DISTINCT ON (s.org_id) s.* FROM xsell_internal.sync_state s JOIN xsell.org o ON o.org_id = s.org_id AND NOT o.paused
      WHERE s.last_success_at IS NOT NULL ORDER BY s.org_id, s.last_success_at) s
WHERE s.last_success_at < pg_catalog.clock_timestamp() - interval '2 days'
UNION ALL
SELECT 'sync ' || d.org_id || ' ' || d.object, 'records were rejected', pg_catalog.format('%s of them, for example: %s', pg_catalog.count(*), pg_catalog.min(d.reason)),
       pg_catalog.format('SELECT * FROM xsell.rejected_record WHERE org_id = %L AND object = %L', d.org_id, d.object)
FROM xsell_internal.dead_letter d GROUP BY d.org_id, d.object
UNION ALL
SELECT 'sync ' || q.org_id || ' ' || q.object, 'values could not be read',
       pg_catalog.format('%s records lack one because of it, for example: %s', pg_catalog.count(*), pg_catalog.min(q.detail)),
       pg_catalog.format('SELECT * FROM xsell.data_quality WHERE org_id = %L AND object = %L AND problem = ''unreadable value''', q.org_id, q.object)
FROM xsell_internal.data_quality q WHERE q.problem = 'unreadable value' GROUP BY q.org_id, q.object
UNION ALL
SELECT 'stage ' || m.org_id || ' ' || m.stage, 'the stage is not mapped', 'Its deals count as open.',
       pg_catalog.format('UPDATE xsell.stage_map SET closed = <true or false>, won = <true or false>, is_purchase = <true or false> WHERE org_id = %L AND pipeline = %L AND stage = %L',
                         m.org_id, m.pipeline, m.stage)
FROM xsell.stage_map m WHERE m.closed IS NULL
UNION ALL
SELECT 'money ' || q.org_id, 'amounts have no exchange rate',
       pg_catalog.format('%s amounts in %s are left out of every sum.', pg_catalog.count(*), q.detail),
       pg_catalog.format('INSERT INTO xsell.currency_rate VALUES (%L, ''2000-01-01'', <rate>); SELECT xsell_internal.refresh_base_amounts()', q.detail)
FROM xsell_internal.data_quality q WHERE q.problem = 'no exchange rate' GROUP BY q.org_id, q.detail
UNION ALL
SELECT 'matching', 'pairs of accounts wait for a decision',
       pg_catalog.format('%s pairs may be one customer each; until somebody says so they are two.', CASE WHEN q.pairs > 1000 THEN 'more than 1000' ELSE q.pairs::text END),
       'SELECT * FROM xsell.match_review ORDER BY score DESC'
FROM (SELECT pg_catalog.count(*) AS pairs FROM (SELECT FROM xsell.match_review m LIMIT 1001) m) q WHERE q.pairs >= 20
UNION ALL
SELECT 'matching', 'accounts belong to no customer yet', pg_catalog.format('%s accounts were synced after the last refresh.', q.accounts), 'SELECT * FROM xsell.refresh()'
FROM (SELECT pg_catalog.count(*) AS accounts FROM xsell.account a
      WHERE a.deleted_at IS NULL AND NOT EXISTS (SELECT FROM xsell_internal.entity_account e WHERE e.org_id = a.org_id AND e.account_id = a.crm_id)) q
WHERE q.accounts > 0 AND EXISTS (SELECT FROM last_run)
UNION ALL
SELECT 'products', 'products are not mapped yet', pg_catalog.format('%s products were synced after the last refresh.', q.products), 'SELECT * FROM xsell.refresh()'
FROM (SELECT pg_catalog.count(*) AS products FROM xsell.product p
      WHERE p.deleted_at IS NULL AND NOT EXISTS (SELECT FROM xsell_internal.product_map m WHERE m.org_id = p.org_id AND m.product_crm_id = p.crm_id)) q
WHERE q.products > 0 AND EXISTS (SELECT FROM last_run)
UNION ALL
SELECT 'products', 'pairs of products wait for a decision', pg_catalog.format('%s pairs of products of different orgs may be one each; until somebody says so they are two.', q.pairs),
       'SELECT * FROM xsell.product_review ORDER BY score DESC'
FROM (SELECT xsell_internal.product_queue() AS pairs) q WHERE q.pairs >= 10
UNION ALL
SELECT 'model ' || c.model, 'no version is deployed', CASE WHEN c.own THEN 'It scores nothing.' ELSE 'Recommendations come from the heuristic.' END,
       CASE WHEN c.ready IS NULL THEN pg_catalog.format('CALL xsell.train(%L)', c.model) ELSE pg_catalog.format('SELECT * FROM xsell.deploy(%L, %s)', c.model, c.ready) END
FROM champion c WHERE c.version IS NULL
UNION ALL
SELECT 'model ' || t.model, CASE t.state WHEN 'lost' THEN 'the session that trained it is gone' ELSE 'the last training failed' END,
       COALESCE(t.error, pg_catalog.format('Run %s.', t.run_id)), pg_catalog.format('CALL xsell.train(%L)', t.model)
FROM last_training t JOIN xsell_internal.model m ON m.model = t.model WHERE t.state IN ('failed', 'lost')
UNION ALL
SELECT 'model ' || r.model, 'it should be trained anew', r.reason, r.command
FROM xsell.retrain_rule r WHERE r.due
UNION ALL
SELECT 'recommendations', 'there are none', e.detail, e.command
FROM (SELECT CASE
          WHEN NOT EXISTS (SELECT FROM xsell.account) THEN ARRAY['No account is stored.', 'xselld sync --once']
          WHEN NOT EXISTS (SELECT FROM xsell.stage_map m WHERE m.is_purchase) AND NOT EXISTS (SELECT FROM xsell.asset)
              THEN ARRAY['No stage counts as a purchase, and there are no assets.', 'UPDATE xsell.stage_map SET closed = true, won = true, is_purchase = true WHERE stage = <won>']
          WHEN NOT EXISTS (SELECT FROM last_run) THEN ARRAY['They were never computed.', 'SELECT * FROM xsell.refresh()']
          WHEN NOT EXISTS (SELECT FROM xsell_internal.purchase) THEN ARRAY['No won deal names a product.', 'SELECT * FROM xsell.data_quality']
          WHEN NOT EXISTS (SELECT FROM xsell.product_map m WHERE m.is_active) THEN ARRAY['No product is active.', 'SELECT * FROM xsell.product WHERE is_active']
          WHEN EXISTS (SELECT FROM xsell_internal.whitespace w WHERE w.state = 'excluded')
              THEN ARRAY[(SELECT pg_catalog.format('Every pair is held, in an open deal or excluded, most by the rule %s.', pg_catalog.mode() WITHIN GROUP (ORDER BY w.rule))
                          FROM xsell_internal.whitespace w WHERE w.state = 'excluded'),
                         'SELECT rule, reason, count(*) FROM xsell.whitespace WHERE state = ''excluded'' GROUP BY rule, reason']
          ELSE ARRAY['Every pair is held, in an open deal, suppressed or closed by hand.', 'SELECT * FROM xsell.recommendation_history'] END) w(why),
     LATERAL (SELECT w.why[1] AS detail, w.why[2] AS command) e
WHERE NOT EXISTS (SELECT FROM xsell_internal.recommendation r WHERE r.live)
UNION ALL
SELECT 'recommendations', 'they are older than the data', pg_catalog.format('Computed at %s, changes were synced at %s.', r.finished_at, s.finished_at),
       'SELECT * FROM xsell.refresh()'
FROM last_run r, (SELECT pg_catalog.max(s.finished_at) AS finished_at FROM xsell_internal.sync_run s WHERE s.changed > 0) s
WHERE s.finished_at > r.finished_at
UNION ALL
SELECT 'recommendations', 'they are not from the deployed version',
       pg_catalog.format('Version %s is deployed, they are from %s.', c.version, COALESCE('version ' || r.version, 'the heuristic')), 'SELECT * FROM xsell.refresh()'
FROM last_run r JOIN champion c ON c.model = 'cross_sell'
WHERE c.version IS NOT NULL AND r.kept > 0 AND r.score_source IS NOT NULL AND c.version IS DISTINCT FROM r.version
UNION ALL
SELECT 'recommendations', 'they have expired', pg_catalog.format('Computed as of %s.', r.as_of), 'SELECT * FROM xsell.refresh()'
FROM last_run r WHERE r.as_of < xsell.clock() - interval '30 days'
UNION ALL
SELECT 'whitespace', 'it is empty', 'Recommendations were computed, and nothing says what customers have and lack.', 'SELECT * FROM xsell.refresh()'
FROM last_run r WHERE r.kept > 0 AND NOT EXISTS (SELECT FROM xsell_internal.whitespace)
UNION ALL
SELECT 'work list', 'owners have nothing on it',
       pg_catalog.format('All that could be offered to customers of %s is excluded, %s by the rule %s.',
                         CASE WHEN pg_catalog.count(DISTINCT o.owner_email) = 1 THEN pg_catalog.min(o.owner_email) ELSE pg_catalog.count(DISTINCT o.owner_email) || ' owners' END,
                         CASE WHEN pg_catalog.count(DISTINCT o.rule) = 1 THEN 'all' ELSE 'most' END, pg_catalog.mode() WITHIN GROUP (ORDER BY o.rule)),
       pg_catalog.format('SELECT * FROM xsell.whitespace WHERE state = ''excluded'' AND owner_email = %L', pg_catalog.min(o.owner_email))
FROM (SELECT c.owner_email, w.rule
      FROM xsell_internal.whitespace w JOIN xsell_internal.whitespace_customer c USING (customer_id)
      WHERE w.state = 'excluded' AND c.owner_email IS NOT NULL
        AND NOT EXISTS (SELECT FROM xsell_internal.whitespace k JOIN xsell_internal.whitespace_customer o USING (customer_id)
                        WHERE o.owner_email = c.owner_email AND k.state = 'recommended')) o
HAVING pg_catalog.count(*) > 0
UNION ALL
SELECT 'territory', 'customers are in none', pg_catalog.format('%s customers with recommendations have no territory, others have.', q.customers),
       'SELECT * FROM xsell.account_territory WHERE territory IS NULL'
FROM (SELECT pg_catalog.count(DISTINCT w.entity_id) AS customers
      FROM xsell_internal.whitespace w LEFT JOIN xsell_internal.whitespace_customer c USING (customer_id)
      WHERE w.state = 'recommended' AND c.territory IS NULL) q
WHERE q.customers > 0 AND (EXISTS (SELECT FROM xsell.territory_map m WHERE m.territory IS NOT NULL) OR EXISTS (SELECT FROM xsell.crm_user u WHERE u.territory <> ''))
UNION ALL
SELECT 'holdout', 'nobody is held out', pg_catalog.format('A share of %s has been set since %s, and no recommendation was kept back long enough to tell.', h.share, h.since),
       'SELECT * FROM xsell.refresh()'
FROM (SELECT o.share, o.since FROM xsell_internal.holdout o ORDER BY o.holdout_id DESC LIMIT 1) h
WHERE h.share > 0 AND h.since < xsell.clock() - xsell_internal.outcome_window() - interval '30 days' AND EXISTS (SELECT FROM last_run)
  AND NOT EXISTS (SELECT FROM xsell_internal.recommendation r WHERE r.held_out)
UNION ALL
SELECT 'backtest', 'the last one did not finish', pg_catalog.format('Run %s measured %s of %s times.', b.run_id, b.measured, b.periods),
       pg_catalog.format('CALL xsell.backtest(%L, %L, %L, %L)', b.from_time, b.to_time, b.every, b.horizon)
FROM (SELECT * FROM xsell.backtest_run r ORDER BY r.run_id DESC LIMIT 1) b WHERE b.state = 'stopped';
COMMENT ON VIEW xsell.health IS 'One row for each thing that is wrong, with the command that mends it. No rows: nothing is, as far as you may see.';
COMMENT ON COLUMN xsell.health.subject IS 'What it is about: access, sync, stage, money, matching, products, model, recommendations, whitespace, work list, territory, holdout, backtest; with the org where there is one.';
COMMENT ON COLUMN xsell.health.problem IS 'What is wrong.';
COMMENT ON COLUMN xsell.health.detail IS 'More about it.';
COMMENT ON COLUMN xsell.health.command IS 'What to run: SQL, or a command line of xselld. Words in <> are for you to fill in.';
