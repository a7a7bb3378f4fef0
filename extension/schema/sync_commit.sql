-- Storing what a page brought, in the transaction of its rows, and the end of a run when nothing is outstanding.

-- The page's row stays locked to the end of the transaction: nobody takes the page away from a worker that is storing it.
CREATE FUNCTION xsell_internal.sync_check(page bigint, claim bigint, ids text[] DEFAULT NULL, contents bigint[] DEFAULT NULL,
    OUT different integer[], OUT sweeping boolean, OUT noted boolean)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
SET jit = off
AS $$
DECLARE
    org text;
    kind text;
BEGIN
    SELECT r.org_id, r.object, s.sweep_at IS NOT NULL INTO org, kind, sweeping
    FROM xsell_internal.sync_page p
    JOIN xsell_internal.sync_run r ON r.run_id = p.run_id
    LEFT JOIN xsell_internal.sync_state s ON s.org_id = r.org_id AND s.object = r.object
    WHERE p.page_id = page AND p.status = 'claimed' AND p.worker_id = xsell_internal.sync_worker_here() AND p.claim = sync_check.claim AND r.finished_at IS NULL
    FOR UPDATE OF p;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'page % is no longer this worker''s', page USING ERRCODE = 'XS001', HINT = 'Another worker reads it, or its process has ended.';
    END IF;
    noted := EXISTS (SELECT FROM xsell_internal.dead_letter d WHERE d.org_id = org AND d.object = kind)
          OR EXISTS (SELECT FROM xsell_internal.data_quality q WHERE q.org_id = org AND q.object = kind);
    IF ids IS NULL THEN
        RETURN;
    END IF;
    -- One probe of the primary key for each id, whatever the planner believes of a table that was empty a minute ago.
    SELECT array_agg(u.place) INTO different
    FROM ROWS FROM (unnest(ids), unnest(contents)) WITH ORDINALITY AS u(id, content, place)
    WHERE (SELECT r.content FROM xsell_internal.source_record r WHERE r.org_id = org AND r.object = kind AND r.crm_id = u.id) IS DISTINCT FROM u.content;
    IF noted THEN
        EXECUTE 'DELETE FROM xsell_internal.dead_letter d WHERE d.org_id = $1 AND d.object = $2 AND d.crm_id = ANY ($3) AND starts_with(reverse(d.place), reverse('' '' || d.crm_id))'
        USING org, kind, ARRAY(SELECT u.id FROM unnest(ids) WITH ORDINALITY AS u(id, place) LEFT JOIN unnest(different) AS d(place) ON d.place::bigint = u.place
                                 WHERE d.place IS NULL);
    END IF;
END
$$;
COMMENT ON FUNCTION xsell_internal.sync_check(bigint, bigint, text[], bigint[]) IS
'Begins the storing of a page: fails with XS001 when the page is no longer this worker''s. Returns the places (from 1) of the ids that are not stored or stored with another hash, whether the object is being read as a whole, and whether there are rejects or doubts about records of it (then run the step forget).';

CREATE FUNCTION xsell_internal.sync_see(page bigint, ids text[], begins boolean, at timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    run xsell_internal.sync_run;
BEGIN
    SELECT r.* INTO STRICT run FROM xsell_internal.sync_page p JOIN xsell_internal.sync_run r ON r.run_id = p.run_id WHERE p.page_id = page;
    IF begins THEN
        DELETE FROM xsell_internal.sync_seen s WHERE s.org_id = run.org_id AND s.object = run.object;
        UPDATE xsell_internal.sync_state s
        SET sweep_at = CASE WHEN EXISTS (SELECT FROM xsell_internal.source_record r WHERE r.org_id = run.org_id AND r.object = run.object AND NOT r.deleted) THEN at END
        WHERE s.org_id = run.org_id AND s.object = run.object;
    END IF;
    INSERT INTO xsell_internal.sync_seen (org_id, object, crm_id)
    SELECT run.org_id, run.object, u.id FROM unnest(ids) AS u(id)
    WHERE EXISTS (SELECT FROM xsell_internal.sync_state s WHERE s.org_id = run.org_id AND s.object = run.object AND s.sweep_at IS NOT NULL)
    ORDER BY u.id ON CONFLICT DO NOTHING;
END
$$;
COMMENT ON FUNCTION xsell_internal.sync_see(bigint, text[], boolean, timestamptz) IS
'Notes the ids that a page of a reading of the whole set has shown, before they are stored. A reading that begins when nothing is stored has nothing to find missing, and notes nothing.';

CREATE FUNCTION xsell_internal.sync_commit(page bigint, claim bigint, next_state text, done boolean, fan_out text[], total bigint, source_count bigint,
    in_sweep boolean, fetched bigint, changed bigint, deleted bigint, rejected bigint,
    OUT swept bigint, OUT next_page bigint, OUT next_number bigint, OUT next_claim bigint)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET jit = off
AS $$
DECLARE
    here xsell_internal.sync_page;
    run xsell_internal.sync_run;
    spread boolean := cardinality(fan_out) > 0;
BEGIN
    swept := 0;
    UPDATE xsell_internal.sync_page p SET status = 'done', done_at = clock_timestamp(), error = NULL
    WHERE p.page_id = page AND p.status = 'claimed' AND p.worker_id = xsell_internal.sync_worker_here() AND p.claim = sync_commit.claim
    RETURNING * INTO here;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'page % is no longer this worker''s', page USING ERRCODE = 'XS001', HINT = 'Another worker reads it, or its process has ended.';
    END IF;
    UPDATE xsell_internal.sync_org o SET breaker = 'closed', failures = 0, openings = 0, open_until = NULL, blocked_until = NULL, message = NULL
    WHERE o.org_id = here.org_id AND (o.failures > 0 OR o.breaker <> 'closed' OR o.message IS NOT NULL);
    -- From here on, one page of the run at a time: whoever comes last sees that nothing is outstanding.
    UPDATE xsell_internal.sync_run r
    SET pages = r.pages + 1, fetched = r.fetched + sync_commit.fetched, changed = r.changed + sync_commit.changed, deleted = r.deleted + sync_commit.deleted,
        rejected = r.rejected + sync_commit.rejected, total = COALESCE(sync_commit.total, r.total), sweeping = r.sweeping OR in_sweep,
        end_state = CASE WHEN spread THEN COALESCE(r.end_state, next_state) ELSE r.end_state END,
        numbered = r.numbered + CASE WHEN spread THEN cardinality(fan_out) WHEN done THEN 0 ELSE 1 END,
        notified_at = CASE WHEN abs(EXTRACT(epoch FROM clock_timestamp() - r.notified_at)) < 1 THEN r.notified_at ELSE clock_timestamp() END
    WHERE r.run_id = here.run_id AND r.finished_at IS NULL RETURNING * INTO run;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the process of page % has ended', page USING ERRCODE = 'XS001', HINT = 'Another page, or the whole org, could not be read.';
    END IF;
    UPDATE xsell_internal.sync_state s
    SET state = CASE WHEN run.end_state IS NULL THEN next_state ELSE s.state END, source_count = COALESCE(sync_commit.source_count, s.source_count),
        updated_at = clock_timestamp()
    WHERE s.org_id = run.org_id AND s.object = run.object;

    IF spread THEN
        INSERT INTO xsell_internal.sync_page (run_id, org_id, number, state)
        SELECT run.run_id, run.org_id, run.numbered - cardinality(fan_out) + u.place, u.state
        FROM unnest(fan_out) WITH ORDINALITY AS u(state, place);
    END IF;
    IF NOT done THEN
        next_number := run.numbered;
        INSERT INTO xsell_internal.sync_page AS p (run_id, org_id, number, state, status, worker_id, claim, claimed_at)
        SELECT run.run_id, run.org_id, run.numbered, next_state, c.status, CASE c.status WHEN 'claimed' THEN here.worker_id END, 1, clock_timestamp()
        FROM (SELECT CASE WHEN xsell_internal.sync_paused(run.org_id) OR xsell_internal.sync_others_starve(run.org_id) THEN 'queued' ELSE 'claimed' END AS status) c
        RETURNING CASE p.status WHEN 'claimed' THEN p.page_id END, p.claim INTO next_page, next_claim;
    END IF;
    IF spread OR NOT done AND next_page IS NULL THEN
        PERFORM xsell_internal.sync_tell(run.org_id);
    END IF;
    IF run.notified_at >= here.claimed_at THEN
        PERFORM pg_notify('xsell_sync', json_build_object('event', 'progress', 'run', run.run_id, 'process', run.parent_id, 'org', run.org_id,
                          'object', run.object, 'pages', run.pages, 'fetched', run.fetched, 'changed', run.changed, 'total', run.total)::text);
    END IF;
    IF run.state IN ('INITIALIZING', 'FETCHING_TOTAL', 'QUEUING_PAGES') THEN
        PERFORM xsell_internal.sync_reach(run.run_id, 'PROCESSING_BATCHES');
    END IF;
    IF done AND NOT spread
       AND NOT EXISTS (SELECT FROM xsell_internal.sync_page p WHERE p.org_id = run.org_id AND p.run_id = run.run_id AND p.status = 'queued')
       AND NOT EXISTS (SELECT FROM xsell_internal.sync_page p WHERE p.org_id = run.org_id AND p.run_id = run.run_id AND p.status = 'claimed') THEN
        swept := xsell_internal.sync_complete(run.run_id);
    ELSIF run.state IN ('INITIALIZING', 'FETCHING_TOTAL', 'QUEUING_PAGES') THEN
        PERFORM xsell_internal.sync_reach(run.parent_id, 'PROCESSING_BATCHES');
    END IF;
    UPDATE xsell_internal.sync_alert a SET cleared_at = clock_timestamp()
    WHERE a.org_id = run.org_id AND a.object IN ('', run.object) AND a.cleared_at IS NULL;
END
$$;
COMMENT ON FUNCTION xsell_internal.sync_commit(bigint, bigint, text, boolean, text[], bigint, bigint, boolean, bigint, bigint, bigint, bigint) IS
'Ends the storing of a page, in the transaction of its rows: state, counters, the pages that follow, and the end of the run when nothing is outstanding. The page that follows is claimed for this worker at once, unless the org is paused or another has waited; XS001 when the page is no longer this worker''s.';

CREATE FUNCTION xsell_internal.sync_others_starve(org text) RETURNS boolean
LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT EXISTS (
        SELECT FROM xsell_internal.sync_org o
        WHERE o.org_id <> org AND o.breaker = 'closed' AND NOT xsell_internal.sync_paused(o.org_id) AND NOT xsell_internal.sync_waits(o.blocked_from, o.blocked_until)
          AND EXISTS (SELECT FROM xsell_internal.sync_page p WHERE p.org_id = o.org_id AND p.status = 'queued' AND NOT xsell_internal.sync_waits(p.waits_from, p.not_before))
          AND NOT EXISTS (SELECT FROM xsell_internal.sync_page p WHERE p.org_id = o.org_id AND p.status = 'claimed'));
END;
COMMENT ON FUNCTION xsell_internal.sync_others_starve(text) IS 'Whether some other org has pages that are due and no worker at all.';

CREATE FUNCTION xsell_internal.sync_complete(run bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ends xsell_internal.sync_run;
    swept_at timestamptz;
    swept bigint := 0;
BEGIN
    PERFORM xsell_internal.sync_reach(run, 'COMPLETING');
    SELECT * INTO STRICT ends FROM xsell_internal.sync_run r WHERE r.run_id = run;
    SELECT s.sweep_at INTO swept_at FROM xsell_internal.sync_state s WHERE s.org_id = ends.org_id AND s.object = ends.object;
    IF ends.sweeping AND swept_at IS NOT NULL THEN
        swept := xsell_internal.sync_sweep(ends.org_id, ends.object, swept_at);
        UPDATE xsell_internal.sync_run r SET changed = r.changed + swept, deleted = r.deleted + swept WHERE r.run_id = run AND swept > 0;
    END IF;
    IF swept_at IS NOT NULL THEN
        DELETE FROM xsell_internal.sync_seen s WHERE s.org_id = ends.org_id AND s.object = ends.object;
    END IF;
    IF ends.repriced IS NOT NULL THEN
        PERFORM xsell_internal.refresh_base_amounts(ends.repriced);
        UPDATE xsell_internal.sync_run r SET repriced = NULL WHERE r.run_id = run;
    END IF;
    PERFORM xsell_internal.sync_learn_fields(run);
    UPDATE xsell_internal.sync_state s
    SET state = COALESCE(ends.end_state, s.state), sweep_at = NULL, last_success_at = clock_timestamp(), updated_at = clock_timestamp()
    WHERE s.org_id = ends.org_id AND s.object = ends.object;
    PERFORM xsell_internal.sync_finish(run, NULL);
    -- Pages may be lost in a crash and are read again then; a process that was said to be complete may not.
    PERFORM set_config('synchronous_commit', 'on', true);
    RETURN swept;
END
$$;
COMMENT ON FUNCTION xsell_internal.sync_complete(bigint) IS
'The end of a run whose pages are all stored: tombstones for what a reading of the whole set did not show, amounts at new rates, changed fields, the state that the next reading begins with. Returns the number of tombstones.';
