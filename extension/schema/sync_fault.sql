-- What happens to pages that cannot be read: waits, the circuit breaker, alerts, retries; and what is pruned in the end.

CREATE FUNCTION xsell_internal.sync_trip(org text, message text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    o xsell_internal.sync_org;
    seconds double precision;
BEGIN
    UPDATE xsell_internal.sync_org s SET failures = s.failures + 1 WHERE s.org_id = org RETURNING * INTO o;
    IF o.breaker = 'open' OR (o.breaker = 'closed' AND o.failures < xsell_internal.sync_setting('sync_breaker_failures', 10)) THEN
        RETURN;
    END IF;
    IF o.openings >= xsell_internal.sync_setting('sync_breaker_openings', 5) THEN
        UPDATE xsell_internal.sync_org s SET breaker = 'closed', failures = 0, openings = 0, open_until = NULL WHERE s.org_id = org;
        PERFORM xsell_internal.sync_fail_org(org, message);
        PERFORM xsell_internal.sync_raise_alert(org, '', 'outage', message);
        RETURN;
    END IF;
    seconds := LEAST(xsell_internal.sync_setting('sync_breaker_seconds', 30) * 2 ^ o.openings, 600);
    UPDATE xsell_internal.sync_org s
    SET breaker = 'open', openings = s.openings + 1, open_from = clock_timestamp(), open_until = clock_timestamp() + make_interval(secs => seconds),
        message = "left"(sync_trip.message, 4000)
    WHERE s.org_id = org;
END
$$;
COMMENT ON FUNCTION xsell_internal.sync_trip(text, text) IS
'Counts a failure of an org''s source. Ten in a row open its circuit breaker: nothing is claimed for 30 seconds, then one page is let through; if that fails too, the wait doubles (10 minutes at most), and after five openings in a row the process ends with the last error.';

CREATE FUNCTION xsell_internal.sync_fail(page bigint, claim bigint, fault text, message text, wait double precision, counts boolean, tries integer) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    here xsell_internal.sync_page;
    run xsell_internal.sync_run;
    pause interval := make_interval(secs => LEAST(GREATEST(COALESCE(wait, 0), 0), 604800));
    again boolean;
BEGIN
    SELECT p.* INTO here FROM xsell_internal.sync_page p
    WHERE p.page_id = page AND p.status = 'claimed' AND p.worker_id = xsell_internal.sync_worker_here() AND p.claim = sync_fail.claim FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM FROM xsell_internal.sync_org o WHERE o.org_id = here.org_id FOR UPDATE;
    SELECT * INTO STRICT run FROM xsell_internal.sync_run r WHERE r.run_id = here.run_id FOR UPDATE;
    again := fault NOT IN ('object', 'org', 'quota') AND run.finished_at IS NULL AND (NOT counts OR here.attempts + 1 < tries OR fault IN ('lost', 'stopped'));
    UPDATE xsell_internal.sync_page p
    SET status = CASE WHEN again THEN 'queued' ELSE 'failed' END, worker_id = NULL, error = "left"(message, 4000),
        attempts = p.attempts + CASE WHEN counts AND fault = 'transient' THEN 1 ELSE 0 END,
        told_waits = p.told_waits + CASE WHEN counts THEN 0 ELSE 1 END,
        waits_from = clock_timestamp(), not_before = clock_timestamp() + pause, done_at = CASE WHEN NOT again THEN clock_timestamp() END
    WHERE p.page_id = page;
    IF fault IN ('lost', 'stopped') THEN
        PERFORM xsell_internal.sync_tell(here.org_id);
        RETURN true;
    END IF;
    UPDATE xsell_internal.sync_run r SET retries = r.retries + 1 WHERE r.run_id = here.run_id AND again;
    PERFORM xsell_internal.sync_note_error(here.run_id, here.number, fault, message);
    CASE fault
    WHEN 'object' THEN
        PERFORM xsell_internal.sync_finish(here.run_id, message);
        PERFORM xsell_internal.sync_raise_alert(here.org_id, run.object, 'object', message);
    WHEN 'org' THEN
        PERFORM xsell_internal.sync_fail_org(here.org_id, message);
        PERFORM xsell_internal.sync_raise_alert(here.org_id, '', 'org', message);
    WHEN 'quota' THEN
        UPDATE xsell_internal.sync_org o
        SET blocked_from = clock_timestamp(), blocked_until = clock_timestamp() + CASE WHEN wait > 0 THEN pause ELSE interval '1 hour' END, message = "left"(sync_fail.message, 4000)
        WHERE o.org_id = here.org_id;
        PERFORM xsell_internal.sync_fail_org(here.org_id, message);
        PERFORM xsell_internal.sync_raise_alert(here.org_id, '', 'quota', message);
    ELSE
        IF NOT again THEN
            PERFORM xsell_internal.sync_finish(here.run_id, message);
        END IF;
        IF counts THEN
            PERFORM xsell_internal.sync_trip(here.org_id, message);
        END IF;
    END CASE;
    RETURN true;
END
$$;
COMMENT ON FUNCTION xsell_internal.sync_fail(bigint, bigint, text, text, double precision, boolean, integer) IS
'A page could not be read. transient: back to the queue for later, or failed after so many tries that count; object: its reading ends; org: everything of the org ends, with an alert; quota: the same, and the org is left alone for so many seconds; lost, stopped: back to the queue as it was. False when the page is no longer this worker''s.';

CREATE FUNCTION xsell_internal.sync_release(page bigint, claim bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    org text;
BEGIN
    UPDATE xsell_internal.sync_page p
    SET status = CASE WHEN r.finished_at IS NULL THEN 'queued' ELSE 'failed' END, worker_id = NULL, error = COALESCE(p.error, r.error),
        done_at = CASE WHEN r.finished_at IS NOT NULL THEN clock_timestamp() END
    FROM xsell_internal.sync_run r
    WHERE p.page_id = page AND p.status = 'claimed' AND p.worker_id = xsell_internal.sync_worker_here() AND p.claim = sync_release.claim AND r.run_id = p.run_id
    RETURNING p.org_id INTO org;
    IF org IS NULL THEN
        RETURN false;
    END IF;
    PERFORM xsell_internal.sync_tell(org);
    RETURN true;
END
$$;
COMMENT ON FUNCTION xsell_internal.sync_release(bigint, bigint) IS 'Puts a page back as if it had not been claimed. False when it is no longer this worker''s.';

CREATE FUNCTION xsell_internal.sync_retry(run bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    asked xsell_internal.sync_run;
    child bigint;
    queued bigint;
    pages bigint := 0;
BEGIN
    SELECT * INTO asked FROM xsell_internal.sync_run r WHERE r.run_id = run;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no process %', run USING ERRCODE = 'no_data_found', HINT = 'xsell.sync_run lists the processes.';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('xsell.sync.open ' || asked.org_id, 0));
    IF EXISTS (SELECT FROM xsell_internal.sync_run r
               WHERE r.org_id = asked.org_id AND r.object IS NULL AND r.finished_at IS NULL AND r.run_id <> COALESCE(asked.parent_id, asked.run_id)) THEN
        RAISE EXCEPTION 'org "%" is being read by a newer process', asked.org_id USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Wait until it has ended.';
    END IF;
    UPDATE xsell_internal.sync_org o SET breaker = 'closed', failures = 0, openings = 0, open_until = NULL, blocked_until = NULL, message = NULL WHERE o.org_id = asked.org_id;
    -- Not what a newer reading of the same object has gone past.
    FOR child IN
        SELECT r.run_id FROM xsell_internal.sync_run r
        WHERE (r.run_id = run OR r.parent_id = run) AND r.object IS NOT NULL AND r.state = 'ERROR'
          AND NOT EXISTS (SELECT FROM xsell_internal.sync_run n WHERE n.org_id = r.org_id AND n.object = r.object AND n.run_id > r.run_id)
        ORDER BY r.run_id
    LOOP
        UPDATE xsell_internal.sync_page p
        SET status = 'queued', attempts = 0, told_waits = 0, lost = 0, not_before = NULL, worker_id = NULL, done_at = NULL
        WHERE p.run_id = child AND p.status = 'failed';
        GET DIAGNOSTICS queued = ROW_COUNT;
        CONTINUE WHEN queued = 0;
        pages := pages + queued;
        UPDATE xsell_internal.sync_run r SET state = 'QUEUING_PAGES', finished_at = NULL, error = NULL WHERE r.run_id = child;
        UPDATE xsell_internal.sync_run r SET state = 'QUEUING_PAGES', finished_at = NULL, error = NULL
        FROM xsell_internal.sync_run c WHERE c.run_id = child AND r.run_id = c.parent_id AND r.state = 'ERROR';
    END LOOP;
    PERFORM xsell_internal.sync_tell(asked.org_id);
    RETURN pages;
END
$$;
COMMENT ON FUNCTION xsell_internal.sync_retry(bigint) IS
'Puts the failed pages of a process (or of one object''s part of it) back into the queue and lets the org be asked again at once. Returns how many pages.';

CREATE FUNCTION xsell_internal.sync_retry(org text) RETURNS bigint
LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT COALESCE((SELECT xsell_internal.sync_retry(r.run_id) FROM xsell_internal.sync_run r
                     WHERE r.org_id = org AND r.object IS NULL ORDER BY r.run_id DESC LIMIT 1), 0);
END;
COMMENT ON FUNCTION xsell_internal.sync_retry(text) IS 'The same for the last process of an org; 0 when there is none.';

CREATE FUNCTION xsell_internal.sync_prune(pages interval, errors interval, history interval) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    gone bigint;
    total bigint := 0;
BEGIN
    DELETE FROM xsell_internal.sync_page p USING xsell_internal.sync_run r
    WHERE r.run_id = p.run_id AND p.status IN ('done', 'failed') AND p.done_at < moment - sync_prune.pages AND (r.finished_at IS NOT NULL OR p.status = 'done');
    GET DIAGNOSTICS gone = ROW_COUNT;
    total := total + gone;
    DELETE FROM xsell_internal.sync_error e WHERE e.raised_at < moment - sync_prune.errors;
    GET DIAGNOSTICS gone = ROW_COUNT;
    total := total + gone;
    DELETE FROM xsell_internal.sync_alert a WHERE a.cleared_at < moment - sync_prune.errors;
    GET DIAGNOSTICS gone = ROW_COUNT;
    total := total + gone;
    -- The last process of each org stays, and with it the last run of each object.
    DELETE FROM xsell_internal.sync_run r
    WHERE r.finished_at < moment - sync_prune.history
      AND EXISTS (SELECT FROM xsell_internal.sync_run n WHERE n.org_id = r.org_id AND n.object IS NOT DISTINCT FROM r.object AND n.run_id > r.run_id)
      AND NOT EXISTS (SELECT FROM xsell_internal.sync_run c WHERE c.parent_id = r.run_id
                      AND NOT EXISTS (SELECT FROM xsell_internal.sync_run n WHERE n.org_id = c.org_id AND n.object = c.object AND n.run_id > c.run_id));
    GET DIAGNOSTICS gone = ROW_COUNT;
    total := total + gone;
    DELETE FROM xsell_internal.sync_page p WHERE NOT EXISTS (SELECT FROM xsell_internal.sync_run r WHERE r.run_id = p.run_id);
    DELETE FROM xsell_internal.sync_error e WHERE NOT EXISTS (SELECT FROM xsell_internal.sync_run r WHERE r.run_id = e.process_id);
    DELETE FROM xsell_internal.sync_field f WHERE NOT EXISTS (SELECT FROM xsell_internal.sync_run r WHERE r.run_id = f.run_id AND r.finished_at IS NULL);
    RETURN total;
END
$$;
COMMENT ON FUNCTION xsell_internal.sync_prune(interval, interval, interval) IS
'Forgets pages, errors and cleared alerts, and ended processes that are older than so long; the last process of each org and the last run of each object stay. Returns how many rows went.';
