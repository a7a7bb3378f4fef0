-- What people read about syncing: runs, freshness, records put aside, doubts about stored ones.

CREATE VIEW xsell.sync_run WITH (security_invoker = true) AS
SELECT r.run_id, r.org_id, r.object, r.state, n.pages, n.fetched, n.changed, n.deleted, n.rejected, r.started_at, r.finished_at, r.error,
       r.parent_id, r.kind, n.total, n.retries, r.began_at, p.rate::numeric(18, 1) AS rate,
       CASE WHEN r.finished_at IS NULL AND n.total > n.fetched AND p.rate > 0
            THEN pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => LEAST((n.total - n.fetched) / p.rate, 3e8)) END AS eta,
       e.message AS last_error, e.raised_at AS last_error_at
FROM xsell_internal.sync_run r
CROSS JOIN LATERAL (
    SELECT r.pages, r.fetched, r.changed, r.deleted, r.rejected, r.retries, r.total WHERE r.object IS NOT NULL
    UNION ALL
    SELECT COALESCE(pg_catalog.sum(c.pages), 0)::bigint, COALESCE(pg_catalog.sum(c.fetched), 0)::bigint, COALESCE(pg_catalog.sum(c.changed), 0)::bigint,
           COALESCE(pg_catalog.sum(c.deleted), 0)::bigint, COALESCE(pg_catalog.sum(c.rejected), 0)::bigint, COALESCE(pg_catalog.sum(c.retries), 0)::bigint,
           CASE WHEN pg_catalog.count(*) = pg_catalog.count(c.total) THEN pg_catalog.sum(c.total)::bigint END
    FROM xsell_internal.sync_run c WHERE c.parent_id = r.run_id HAVING r.object IS NULL
) n
CROSS JOIN LATERAL (
    SELECT n.fetched / NULLIF(GREATEST(EXTRACT(epoch FROM COALESCE(r.finished_at, pg_catalog.clock_timestamp()) - r.began_at)::double precision, 0), 0) AS rate
) p
LEFT JOIN LATERAL (
    SELECT e.message, e.raised_at FROM xsell_internal.sync_error e
    WHERE e.process_id = COALESCE(r.parent_id, r.run_id) AND (r.object IS NULL OR e.run_id = r.run_id) ORDER BY e.error_id DESC LIMIT 1
) e ON true;
COMMENT ON VIEW xsell.sync_run IS 'Processes: one row per reading of an org (object NULL, counters summed over its objects) and one per object of it.';
COMMENT ON COLUMN xsell.sync_run.run_id IS 'Number of the run.';
COMMENT ON COLUMN xsell.sync_run.org_id IS 'The org.';
COMMENT ON COLUMN xsell.sync_run.object IS 'The object: account, contact, opportunity, ...; NULL: the process of the whole org.';
COMMENT ON COLUMN xsell.sync_run.state IS 'State of the process, as xsell.sync_state_machine explains it.';
COMMENT ON COLUMN xsell.sync_run.pages IS 'Pages committed.';
COMMENT ON COLUMN xsell.sync_run.fetched IS 'Records read from the source.';
COMMENT ON COLUMN xsell.sync_run.changed IS 'Records written because they were new or different.';
COMMENT ON COLUMN xsell.sync_run.deleted IS 'Tombstones among the written records.';
COMMENT ON COLUMN xsell.sync_run.rejected IS 'Records put aside; see xsell.rejected_record.';
COMMENT ON COLUMN xsell.sync_run.started_at IS 'Start.';
COMMENT ON COLUMN xsell.sync_run.finished_at IS 'End; NULL while it runs.';
COMMENT ON COLUMN xsell.sync_run.error IS 'What ended it, if it failed.';
COMMENT ON COLUMN xsell.sync_run.parent_id IS 'The process of the org that it is a part of; NULL: it is one.';
COMMENT ON COLUMN xsell.sync_run.kind IS 'INITIAL (nothing had been read), ONGOING (what changed) or FULL (everything again).';
COMMENT ON COLUMN xsell.sync_run.total IS 'Records that it will bring, where the source says so.';
COMMENT ON COLUMN xsell.sync_run.retries IS 'How often a page was put back to be read again.';
COMMENT ON COLUMN xsell.sync_run.began_at IS 'When its first page was begun.';
COMMENT ON COLUMN xsell.sync_run.rate IS 'Records per second since then.';
COMMENT ON COLUMN xsell.sync_run.eta IS 'When it will be done at that rate; NULL: unknown or done.';
COMMENT ON COLUMN xsell.sync_run.last_error IS 'The last thing that went wrong, even if it was overcome.';
COMMENT ON COLUMN xsell.sync_run.last_error_at IS 'When that was.';

CREATE VIEW xsell.sync_page WITH (security_invoker = true) AS
SELECT p.page_id, r.parent_id AS process_id, p.run_id, p.org_id, r.object, p.number, p.status, p.attempts, p.told_waits,
       CASE WHEN p.status = 'queued' AND pg_catalog.clock_timestamp() >= p.waits_from AND pg_catalog.clock_timestamp() < p.not_before THEN p.not_before END AS not_before,
       w.identity AS worker, w.host, p.queued_at, p.claimed_at, p.done_at, p.error
FROM xsell_internal.sync_page p
JOIN xsell_internal.sync_run r ON r.run_id = p.run_id
LEFT JOIN xsell_internal.sync_worker w ON w.worker_id = p.worker_id;
COMMENT ON VIEW xsell.sync_page IS 'The queue: pages to be read, being read and read.';
COMMENT ON COLUMN xsell.sync_page.page_id IS 'Number of the page in the queue.';
COMMENT ON COLUMN xsell.sync_page.process_id IS 'The process of the org; run_id of xsell.sync_run.';
COMMENT ON COLUMN xsell.sync_page.run_id IS 'The reading of the object; run_id of xsell.sync_run.';
COMMENT ON COLUMN xsell.sync_page.org_id IS 'The org.';
COMMENT ON COLUMN xsell.sync_page.object IS 'The object.';
COMMENT ON COLUMN xsell.sync_page.number IS 'Number of the page within the reading, from 1.';
COMMENT ON COLUMN xsell.sync_page.status IS 'queued, claimed, done or failed.';
COMMENT ON COLUMN xsell.sync_page.attempts IS 'Tries that failed.';
COMMENT ON COLUMN xsell.sync_page.told_waits IS 'Times the source said how long to wait.';
COMMENT ON COLUMN xsell.sync_page.not_before IS 'It waits until then.';
COMMENT ON COLUMN xsell.sync_page.worker IS 'Who reads it, or read it last.';
COMMENT ON COLUMN xsell.sync_page.host IS 'The machine of that worker.';
COMMENT ON COLUMN xsell.sync_page.queued_at IS 'When it was put into the queue.';
COMMENT ON COLUMN xsell.sync_page.claimed_at IS 'When it was last begun.';
COMMENT ON COLUMN xsell.sync_page.done_at IS 'When it was stored, or failed for good.';
COMMENT ON COLUMN xsell.sync_page.error IS 'Why it could not be read the last time.';

CREATE VIEW xsell.sync_error WITH (security_invoker = true) AS
SELECT e.error_id, e.process_id, e.run_id, e.org_id, e.object, e.page, e.fault, e.message, e.raised_at FROM xsell_internal.sync_error e;
COMMENT ON VIEW xsell.sync_error IS 'What went wrong in each process, the last 100 of each.';
COMMENT ON COLUMN xsell.sync_error.error_id IS 'Number of the entry.';
COMMENT ON COLUMN xsell.sync_error.process_id IS 'The process of the org; run_id of xsell.sync_run.';
COMMENT ON COLUMN xsell.sync_error.run_id IS 'The reading of the object; run_id of xsell.sync_run.';
COMMENT ON COLUMN xsell.sync_error.org_id IS 'The org.';
COMMENT ON COLUMN xsell.sync_error.object IS 'The object.';
COMMENT ON COLUMN xsell.sync_error.page IS 'Number of the page within the reading.';
COMMENT ON COLUMN xsell.sync_error.fault IS 'transient (tried again), object, org or quota (ended what it names).';
COMMENT ON COLUMN xsell.sync_error.message IS 'What happened.';
COMMENT ON COLUMN xsell.sync_error.raised_at IS 'When.';

CREATE VIEW xsell.sync_alert WITH (security_invoker = true) AS
SELECT a.alert_id, a.org_id, NULLIF(a.object, '') AS object, a.kind, a.message, a.raised_at, a.last_seen, a.cleared_at FROM xsell_internal.sync_alert a;
COMMENT ON VIEW xsell.sync_alert IS 'Why an org or an object could not be read. cleared_at NULL: it still cannot.';
COMMENT ON COLUMN xsell.sync_alert.alert_id IS 'Number of the alert.';
COMMENT ON COLUMN xsell.sync_alert.org_id IS 'The org.';
COMMENT ON COLUMN xsell.sync_alert.object IS 'The object; NULL: the whole org.';
COMMENT ON COLUMN xsell.sync_alert.kind IS 'org (access was refused), object (the same for one object), quota (the source''s limit is used up) or outage (the source has not answered for long).';
COMMENT ON COLUMN xsell.sync_alert.message IS 'What the source said.';
COMMENT ON COLUMN xsell.sync_alert.raised_at IS 'First time.';
COMMENT ON COLUMN xsell.sync_alert.last_seen IS 'Last time.';
COMMENT ON COLUMN xsell.sync_alert.cleared_at IS 'When a page was stored again.';

CREATE VIEW xsell.sync_source WITH (security_invoker = true) AS
SELECT o.org_id, o.breaker, o.failures, CASE WHEN o.breaker = 'open' THEN o.open_until END AS open_until,
       CASE WHEN pg_catalog.clock_timestamp() >= o.blocked_from AND pg_catalog.clock_timestamp() < o.blocked_until THEN o.blocked_until END AS blocked_until, o.message
FROM xsell_internal.sync_org o;
COMMENT ON VIEW xsell.sync_source IS 'Whether the source of each org is being asked at present.';
COMMENT ON COLUMN xsell.sync_source.org_id IS 'The org.';
COMMENT ON COLUMN xsell.sync_source.breaker IS 'Circuit breaker: closed (pages are read), open (none is), half-open (one is, as a trial).';
COMMENT ON COLUMN xsell.sync_source.failures IS 'Failures in a row.';
COMMENT ON COLUMN xsell.sync_source.open_until IS 'The breaker stays open until then.';
COMMENT ON COLUMN xsell.sync_source.blocked_until IS 'The quota is used up until then; xselld retry asks earlier.';
COMMENT ON COLUMN xsell.sync_source.message IS 'The last error behind it.';

CREATE VIEW xsell.sync_state_machine WITH (security_invoker = true) AS
SELECT t.position, t.from_state, t.to_state, t.meaning FROM xsell_internal.sync_transition t;
COMMENT ON VIEW xsell.sync_state_machine IS 'The states of a process and what may follow what; enforced for every change.';
COMMENT ON COLUMN xsell.sync_state_machine.position IS 'Order for printing.';
COMMENT ON COLUMN xsell.sync_state_machine.from_state IS 'The state.';
COMMENT ON COLUMN xsell.sync_state_machine.to_state IS 'A state that may follow it.';
COMMENT ON COLUMN xsell.sync_state_machine.meaning IS 'When it does.';

CREATE VIEW xsell.schema_change WITH (security_invoker = true) AS
SELECT c.change_id, c.org_id, c.object, c.field, c.change, NULLIF(c.old_type, '') AS old_type, NULLIF(c.new_type, '') AS new_type, c.run_id, c.noticed_at, c.times
FROM xsell_internal.schema_change c;
COMMENT ON VIEW xsell.schema_change IS 'Fields that appeared in a source''s records, vanished from them or changed their type. Nothing stops because of it.';
COMMENT ON COLUMN xsell.schema_change.change_id IS 'Number of the entry.';
COMMENT ON COLUMN xsell.schema_change.org_id IS 'The org.';
COMMENT ON COLUMN xsell.schema_change.object IS 'The object.';
COMMENT ON COLUMN xsell.schema_change.field IS 'The field, as the source names it.';
COMMENT ON COLUMN xsell.schema_change.change IS 'new, vanished or retyped.';
COMMENT ON COLUMN xsell.schema_change.old_type IS 'Its type before: string, number, boolean, object or array.';
COMMENT ON COLUMN xsell.schema_change.new_type IS 'Its type since.';
COMMENT ON COLUMN xsell.schema_change.run_id IS 'The run that noticed it (last).';
COMMENT ON COLUMN xsell.schema_change.noticed_at IS 'When.';
COMMENT ON COLUMN xsell.schema_change.times IS 'How often it was noticed.';

CREATE VIEW xsell.sync_status WITH (security_invoker = true) AS
SELECT s.org_id, s.object, s.last_success_at,
       CASE WHEN s.last_success_at IS NOT NULL THEN pg_catalog.clock_timestamp() - s.last_success_at END AS lag,
       s.source_count, COALESCE(c.stored, 0) AS stored_count, COALESCE(d.rejected, 0) AS rejected_count,
       l.state AS last_state, l.error AS last_error
FROM xsell_internal.sync_state s
LEFT JOIN (SELECT r.org_id, r.object, pg_catalog.count(*) AS stored FROM xsell_internal.source_record r WHERE NOT r.deleted GROUP BY 1, 2) c USING (org_id, object)
LEFT JOIN (SELECT r.org_id, r.object, pg_catalog.count(*) AS rejected FROM xsell_internal.dead_letter r GROUP BY 1, 2) d USING (org_id, object)
LEFT JOIN LATERAL (SELECT r.state, r.error FROM xsell_internal.sync_run r
                   WHERE r.org_id = s.org_id AND r.object = s.object ORDER BY r.run_id DESC LIMIT 1) l ON true;
COMMENT ON VIEW xsell.sync_status IS 'How fresh and how complete each object of each org is.';
COMMENT ON COLUMN xsell.sync_status.org_id IS 'The org.';
COMMENT ON COLUMN xsell.sync_status.object IS 'The object.';
COMMENT ON COLUMN xsell.sync_status.last_success_at IS 'End of the last complete reading.';
COMMENT ON COLUMN xsell.sync_status.lag IS 'Time since then.';
COMMENT ON COLUMN xsell.sync_status.source_count IS 'Live records, as the source last counted them; NULL where it does not say.';
COMMENT ON COLUMN xsell.sync_status.stored_count IS 'Live records stored here.';
COMMENT ON COLUMN xsell.sync_status.rejected_count IS 'Records put aside.';
COMMENT ON COLUMN xsell.sync_status.last_state IS 'State of the last run.';
COMMENT ON COLUMN xsell.sync_status.last_error IS 'Error of the last run, if any.';

CREATE VIEW xsell.rejected_record WITH (security_invoker = true) AS
SELECT dead_letter_id, org_id, object, crm_id, place, reason, payload, times, first_seen, last_seen
FROM xsell_internal.dead_letter;
COMMENT ON VIEW xsell.rejected_record IS 'Source records that could not be stored, with the reason.';
COMMENT ON COLUMN xsell.rejected_record.dead_letter_id IS 'Number of the entry.';
COMMENT ON COLUMN xsell.rejected_record.org_id IS 'The org.';
COMMENT ON COLUMN xsell.rejected_record.object IS 'The object.';
COMMENT ON COLUMN xsell.rejected_record.crm_id IS 'Id of the record, where it could be read.';
COMMENT ON COLUMN xsell.rejected_record.place IS 'Where it stood: file and line, or id.';
COMMENT ON COLUMN xsell.rejected_record.reason IS 'What is wrong with it.';
COMMENT ON COLUMN xsell.rejected_record.payload IS 'The text itself, cut at 64 KB.';
COMMENT ON COLUMN xsell.rejected_record.times IS 'How often it came.';
COMMENT ON COLUMN xsell.rejected_record.first_seen IS 'First time.';
COMMENT ON COLUMN xsell.rejected_record.last_seen IS 'Last time.';

CREATE VIEW xsell.data_quality WITH (security_invoker = true) AS
SELECT org_id, object, crm_id, problem, detail, noticed_at FROM xsell_internal.data_quality;
COMMENT ON VIEW xsell.data_quality IS 'Stored records with something wrong.';
COMMENT ON COLUMN xsell.data_quality.org_id IS 'The org.';
COMMENT ON COLUMN xsell.data_quality.object IS 'The object.';
COMMENT ON COLUMN xsell.data_quality.crm_id IS 'Id of the record.';
COMMENT ON COLUMN xsell.data_quality.problem IS 'What is wrong: no exchange rate, repaired text, unreadable value (its column is NULL).';
COMMENT ON COLUMN xsell.data_quality.detail IS 'More about it.';
COMMENT ON COLUMN xsell.data_quality.noticed_at IS 'When it was noticed.';
