-- What is wrong, one row each, with the command that mends it. Empty means healthy, as far as the reader may see.

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
SELECT 'sync ' || s.org_id || ' ' || s.object, 'the last sync failed', s.last_error, 'xselld check'
FROM xsell.sync_status s WHERE s.last_state = 'ERROR'
UNION ALL
SELECT 'sync ' || a.org_id || COALESCE(' ' || a.object, ''), 'the source refuses to be read', a.message, 'xselld check'
FROM xsell.sync_alert a WHERE a.cleared_at IS NULL
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
FROM last_run r WHERE r.as_of < xsell.clock() - interval '30 days';
COMMENT ON VIEW xsell.health IS 'One row for each thing that is wrong, with the command that mends it. No rows: nothing is, as far as you may see.';
COMMENT ON COLUMN xsell.health.subject IS 'What it is about: access, sync, stage, money, model, recommendations; with the org where there is one.';
COMMENT ON COLUMN xsell.health.problem IS 'What is wrong.';
COMMENT ON COLUMN xsell.health.detail IS 'More about it.';
COMMENT ON COLUMN xsell.health.command IS 'What to run: SQL, or a command line of xselld. Words in <> are for you to fill in.';
