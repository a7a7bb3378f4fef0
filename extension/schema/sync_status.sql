-- What people read about syncing: runs, freshness, records put aside, doubts about stored ones.

CREATE VIEW xsell.sync_run WITH (security_invoker = true) AS
SELECT run_id, org_id, object, state, pages, fetched, changed, deleted, rejected, started_at, finished_at, error
FROM xsell_internal.sync_run;
COMMENT ON VIEW xsell.sync_run IS 'One row per reading of one object of one org, with counters.';
COMMENT ON COLUMN xsell.sync_run.run_id IS 'Number of the run.';
COMMENT ON COLUMN xsell.sync_run.org_id IS 'The org.';
COMMENT ON COLUMN xsell.sync_run.object IS 'The object: account, contact, opportunity, ...';
COMMENT ON COLUMN xsell.sync_run.state IS 'State of the process; COMPLETED and ERROR are final.';
COMMENT ON COLUMN xsell.sync_run.pages IS 'Pages committed.';
COMMENT ON COLUMN xsell.sync_run.fetched IS 'Records read from the source.';
COMMENT ON COLUMN xsell.sync_run.changed IS 'Records written because they were new or different.';
COMMENT ON COLUMN xsell.sync_run.deleted IS 'Tombstones among the written records.';
COMMENT ON COLUMN xsell.sync_run.rejected IS 'Records put aside; see xsell.rejected_record.';
COMMENT ON COLUMN xsell.sync_run.started_at IS 'Start.';
COMMENT ON COLUMN xsell.sync_run.finished_at IS 'End; NULL while it runs.';
COMMENT ON COLUMN xsell.sync_run.error IS 'What ended it, if it failed.';

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
COMMENT ON COLUMN xsell.data_quality.problem IS 'What is wrong: no exchange rate, repaired text.';
COMMENT ON COLUMN xsell.data_quality.detail IS 'More about it.';
COMMENT ON COLUMN xsell.data_quality.noticed_at IS 'When it was noticed.';
