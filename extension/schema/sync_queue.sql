-- The queue: workers, opening processes, claiming pages. Rows are locked in one order everywhere (page, org, child, parent, alert), so
-- that workers never wait for each other in a circle. Statements are planned once per session, often while a table is still empty:
-- enable_seqscan is off where a row is looked for, so that the plan is right later on, too.

CREATE FUNCTION xsell_internal.sync_setting(name text, otherwise double precision) RETURNS double precision
LANGUAGE sql STABLE PARALLEL SAFE
RETURN COALESCE((SELECT s.value::double precision FROM xsell_internal.setting s WHERE s.name = sync_setting.name), otherwise);
COMMENT ON FUNCTION xsell_internal.sync_setting(text, double precision) IS
'A number from xsell_internal.setting: sync_breaker_failures (10 in a row open an org''s circuit breaker), sync_breaker_seconds (30, doubled with each opening up to 600), sync_breaker_openings (5 in a row end the process), sync_lost_limit (so many workers that are gone with a page in hand end the reading of its object: 100).';

CREATE FUNCTION xsell_internal.sync_tell(org text, event text DEFAULT 'queue') RETURNS void
LANGUAGE sql VOLATILE
BEGIN ATOMIC
    SELECT pg_catalog.pg_notify('xsell_sync', pg_catalog.json_build_object('event', event, 'org', org)::text);
END;
COMMENT ON FUNCTION xsell_internal.sync_tell(text, text) IS 'Tells the listeners of xsell_sync that pages of an org can be claimed.';

CREATE FUNCTION xsell_internal.sync_paused(org text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN EXISTS (SELECT FROM xsell.org o WHERE o.org_id = org AND o.paused);
COMMENT ON FUNCTION xsell_internal.sync_paused(text) IS 'Whether somebody has paused the org: none of its pages is claimed until it is resumed.';

-- The lock of a live worker is taken; one's own is not asked for, for a session gets its own locks again. A page that takes every
-- worker down with it does not come back for ever: the other objects are to be read, too.
CREATE FUNCTION xsell_internal.sync_recover() RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    gone bigint;
    back record;
    message text;
    returned integer := 0;
BEGIN
    FOR gone IN
        SELECT w.worker_id FROM xsell_internal.sync_worker w WHERE w.worker_id IS DISTINCT FROM xsell_internal.sync_worker_here()
        UNION SELECT p.worker_id FROM xsell_internal.sync_page p
        WHERE p.status = 'claimed' AND p.worker_id IS DISTINCT FROM xsell_internal.sync_worker_here() ORDER BY 1
    LOOP
        CONTINUE WHEN NOT pg_try_advisory_xact_lock(xsell_internal.sync_worker_key(gone));
        FOR back IN
            WITH lost AS (
                SELECT p.page_id FROM xsell_internal.sync_page p WHERE p.status = 'claimed' AND p.worker_id = gone FOR UPDATE SKIP LOCKED
            )
            UPDATE xsell_internal.sync_page p SET status = CASE WHEN r.finished_at IS NULL THEN 'queued' ELSE 'failed' END, worker_id = NULL, not_before = NULL,
                lost = p.lost + 1, done_at = CASE WHEN r.finished_at IS NOT NULL THEN clock_timestamp() END
            FROM lost l, xsell_internal.sync_run r WHERE p.page_id = l.page_id AND r.run_id = p.run_id
            RETURNING p.org_id, r.object, p.run_id, p.number, p.lost, r.finished_at
        LOOP
            returned := returned + 1;
            PERFORM xsell_internal.sync_tell(back.org_id);
            CONTINUE WHEN back.finished_at IS NOT NULL OR back.lost < xsell_internal.sync_setting('sync_lost_limit', 100);
            message := format('%s workers were lost while they read this page: see whether it is what ends them', back.lost);
            PERFORM xsell_internal.sync_note_error(back.run_id, back.number, 'object', message);
            PERFORM xsell_internal.sync_finish(back.run_id, message);
            PERFORM xsell_internal.sync_raise_alert(back.org_id, back.object, 'object', message);
        END LOOP;
        DELETE FROM xsell_internal.sync_worker w
        WHERE w.worker_id = gone AND NOT EXISTS (SELECT FROM xsell_internal.sync_page p WHERE p.status = 'claimed' AND p.worker_id = gone);
    END LOOP;
    RETURN returned;
END
$$;
COMMENT ON FUNCTION xsell_internal.sync_recover() IS 'Puts the pages of workers that are gone back into the queue, unless they have lost too many workers; returns how many.';

CREATE FUNCTION xsell_internal.sync_enter(identity text, host text, pid bigint, application text) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    worker bigint;
BEGIN
    INSERT INTO xsell_internal.sync_worker (identity, host, pid, application)
    VALUES (sync_enter.identity, sync_enter.host, sync_enter.pid, sync_enter.application) RETURNING worker_id INTO worker;
    PERFORM pg_advisory_lock(xsell_internal.sync_worker_key(worker));
    PERFORM set_config('xselld.worker', worker::text, false);
    PERFORM xsell_internal.sync_recover();
    RETURN worker;
END
$$;
COMMENT ON FUNCTION xsell_internal.sync_enter(text, text, bigint, text) IS
'Makes this session a worker, until it ends; no other session can pass for it. Needs a session of its own: no pooling by transaction.';

CREATE FUNCTION xsell_internal.sync_add_child(process bigint, org text, object text, full_reading boolean, given text) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    run bigint;
    stored text;
    begins text;
BEGIN
    INSERT INTO xsell_internal.sync_state AS s (org_id, object) VALUES (org, sync_add_child.object) ON CONFLICT DO NOTHING;
    -- A record whose row somebody removed by hand is known to nobody any more: a full reading stores it again.
    IF full_reading THEN
        EXECUTE format('DELETE FROM xsell_internal.source_record r WHERE r.org_id = $1 AND r.object = $2
                        AND NOT EXISTS (SELECT FROM xsell.%I t WHERE t.org_id = r.org_id AND t.crm_id = r.crm_id)', object) USING org, object;
    END IF;
    SELECT s.state INTO STRICT stored FROM xsell_internal.sync_state s WHERE s.org_id = org AND s.object = sync_add_child.object;
    begins := COALESCE(given, CASE WHEN full_reading THEN '' ELSE stored END);
    -- A reading that does not go on where the last one ended begins its own picture of the whole set.
    IF begins = '' OR given IS NOT NULL THEN
        UPDATE xsell_internal.sync_state s SET sweep_at = NULL
        WHERE s.org_id = org AND s.object = sync_add_child.object AND s.sweep_at IS NOT NULL;
    END IF;
    -- What an older run still has in hand must not be stored over this one's state.
    UPDATE xsell_internal.sync_page p SET status = 'failed', claim = p.claim + 1, error = 'a newer reading has begun', done_at = clock_timestamp()
    FROM xsell_internal.sync_run r
    WHERE p.org_id = org AND p.status = 'claimed' AND r.run_id = p.run_id AND r.object = sync_add_child.object;
    -- Given a state of its own, it leaves the state that ordinary readings go on from as it is. Rates that a reading changed before it
    -- failed are this one's to apply.
    INSERT INTO xsell_internal.sync_run (parent_id, org_id, object, kind, numbered, end_state, repriced, blank)
    VALUES (process, org, sync_add_child.object, CASE WHEN full_reading THEN 'FULL' WHEN begins = '' THEN 'INITIAL' ELSE 'ONGOING' END, 1,
            CASE WHEN given IS NOT NULL THEN stored END,
            (SELECT r.repriced FROM xsell_internal.sync_run r WHERE r.org_id = org AND r.object = sync_add_child.object ORDER BY r.run_id DESC LIMIT 1),
            NOT EXISTS (SELECT FROM xsell_internal.source_record r WHERE r.org_id = org AND r.object = sync_add_child.object))
    RETURNING run_id INTO run;
    INSERT INTO xsell_internal.sync_page (run_id, org_id, number, state) VALUES (run, org, 1, begins);
    RETURN run;
END
$$;
COMMENT ON FUNCTION xsell_internal.sync_add_child(bigint, text, text, boolean, text) IS 'Adds the reading of an object to a process, with its first page in the queue.';

CREATE FUNCTION xsell_internal.sync_open(org text, objects text[], full_reading boolean DEFAULT false, states jsonb DEFAULT '{}') RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    process bigint;
    wanted text;
    child bigint;
    refusal text;
    is_long boolean;
BEGIN
    SELECT o INTO wanted FROM unnest(objects) AS o WHERE NOT EXISTS (SELECT FROM xsell_internal.sync_object k WHERE k.object = o) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'unknown object "%"', wanted USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('xsell.sync.open ' || org, 0));
    PERFORM xsell_internal.sync_recover();
    INSERT INTO xsell_internal.sync_org (org_id) VALUES (org) ON CONFLICT DO NOTHING;

    -- Runs that nobody can finish, because nothing of them is in the queue; and those that a full reading replaces.
    FOR child IN
        SELECT r.run_id FROM xsell_internal.sync_run r
        WHERE r.org_id = org AND r.object IS NOT NULL AND r.finished_at IS NULL
          AND (r.parent_id IS NULL
               OR NOT EXISTS (SELECT FROM xsell_internal.sync_page p WHERE p.org_id = org AND p.run_id = r.run_id AND p.status = 'queued')
                  AND NOT EXISTS (SELECT FROM xsell_internal.sync_page p WHERE p.org_id = org AND p.run_id = r.run_id AND p.status = 'claimed'))
        ORDER BY r.run_id
    LOOP
        PERFORM xsell_internal.sync_finish(child, 'interrupted');
    END LOOP;
    -- Pages that are being stored come first, as in every order of locks.
    PERFORM FROM xsell_internal.sync_page p JOIN xsell_internal.sync_run r USING (run_id)
    WHERE full_reading AND p.org_id = org AND p.status = 'claimed' AND r.object = ANY (objects) ORDER BY p.page_id FOR UPDATE OF p;
    FOR child IN
        SELECT r.run_id FROM xsell_internal.sync_run r
        WHERE r.org_id = org AND r.object = ANY (objects) AND r.finished_at IS NULL AND full_reading AND r.kind = 'ONGOING' ORDER BY r.run_id
    LOOP
        PERFORM xsell_internal.sync_finish(child, 'a full reading has taken its place');
    END LOOP;

    SELECT r.run_id INTO process FROM xsell_internal.sync_run r
    WHERE r.org_id = org AND r.object IS NULL AND r.finished_at IS NULL ORDER BY r.run_id DESC LIMIT 1 FOR UPDATE;
    IF process IS NULL THEN
        INSERT INTO xsell_internal.sync_run (org_id, kind)
        VALUES (org, CASE WHEN full_reading THEN 'FULL'
                          WHEN EXISTS (SELECT FROM xsell_internal.sync_state s WHERE s.org_id = org AND s.object = ANY (objects) AND s.state <> '') THEN 'ONGOING'
                          ELSE 'INITIAL' END)
        RETURNING run_id INTO process;
    END IF;
    SELECT format('the quota of the source is used up until %s UTC: %s', to_char(o.blocked_until AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), o.message) INTO refusal
    FROM xsell_internal.sync_org o WHERE o.org_id = org AND xsell_internal.sync_waits(o.blocked_from, o.blocked_until);
    -- While one object is read from the beginning for hours, the others are read again.
    is_long := EXISTS (SELECT FROM xsell_internal.sync_run r WHERE r.parent_id = process AND r.finished_at IS NULL AND r.kind <> 'ONGOING');
    FOR wanted IN SELECT o FROM unnest(objects) WITH ORDINALITY AS u(o, place) GROUP BY o ORDER BY min(place) LOOP
        CONTINUE WHEN EXISTS (SELECT FROM xsell_internal.sync_run r
                              WHERE r.parent_id = process AND r.object = wanted AND r.state <> 'ERROR' AND (r.kind <> 'ONGOING' OR NOT full_reading)
                                AND NOT (is_long AND COALESCE(r.finished_at < clock_timestamp() - interval '1 hour', false)));
        child := xsell_internal.sync_add_child(process, org, wanted, full_reading, states ->> wanted);
        PERFORM xsell_internal.sync_note_error(child, NULL, 'quota', refusal) WHERE refusal IS NOT NULL;
    END LOOP;
    IF refusal IS NOT NULL THEN
        PERFORM xsell_internal.sync_fail_org(org, refusal);
    END IF;
    -- Nothing was asked for, and nothing is under way.
    IF NOT EXISTS (SELECT FROM xsell_internal.sync_run r WHERE r.parent_id = process) THEN
        PERFORM xsell_internal.sync_finish(process, NULL);
    END IF;
    PERFORM xsell_internal.sync_tell(org);
    -- Somebody is going to wait for the end of this process: a crash must not lose it.
    PERFORM set_config('synchronous_commit', 'on', true);
    RETURN process;
END
$$;
COMMENT ON FUNCTION xsell_internal.sync_open(text, text[], boolean, jsonb) IS
'Opens the process of an org with a child for each object, or joins the one that is under way and adds the objects that it lacks (and those whose reading ended an hour ago, while another is still read from the beginning). full_reading: from the beginning; states: object -> where to begin instead of where the last reading ended, which the next one goes on from all the same. While the source''s quota is used up the process ends at once, with that error.';

CREATE FUNCTION xsell_internal.sync_claim(orgs text[], each integer,
    OUT page_id bigint, OUT run_id bigint, OUT process_id bigint, OUT number bigint, OUT attempt integer, OUT claim bigint, OUT org_id text,
    OUT object text, OUT state text, OUT blank boolean)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET jit = off
AS $$
DECLARE
    worker bigint := xsell_internal.sync_worker_here();
    candidate text;
    limits xsell_internal.sync_org;
    run xsell_internal.sync_run;
BEGIN
    IF worker IS NULL THEN
        RAISE EXCEPTION 'this session is no worker' USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Call xsell_internal.sync_enter first.';
    END IF;
    FOR candidate IN
        SELECT o.org_id FROM xsell_internal.sync_org o
        WHERE o.org_id = ANY (orgs) AND NOT xsell_internal.sync_paused(o.org_id) AND NOT xsell_internal.sync_waits(o.blocked_from, o.blocked_until)
          AND NOT (o.breaker = 'open' AND xsell_internal.sync_waits(o.open_from, o.open_until))
          AND (SELECT count(*) FROM xsell_internal.sync_page p WHERE p.org_id = o.org_id AND p.status = 'claimed') < CASE o.breaker WHEN 'closed' THEN each ELSE 1 END
          AND EXISTS (SELECT FROM xsell_internal.sync_page p WHERE p.org_id = o.org_id AND p.status = 'queued' AND NOT xsell_internal.sync_waits(p.waits_from, p.not_before))
        ORDER BY o.claimed_at NULLS FIRST, o.org_id
    LOOP
        -- Under the org's lock the count of its claimed pages holds.
        SELECT * INTO limits FROM xsell_internal.sync_org o WHERE o.org_id = candidate FOR UPDATE;
        CONTINUE WHEN (SELECT count(*) FROM xsell_internal.sync_page p WHERE p.org_id = candidate AND p.status = 'claimed')
                          >= CASE limits.breaker WHEN 'closed' THEN each ELSE 1 END
                   OR (limits.breaker = 'open' AND xsell_internal.sync_waits(limits.open_from, limits.open_until));
        UPDATE xsell_internal.sync_page p
        SET status = 'claimed', worker_id = worker, claim = p.claim + 1, claimed_at = clock_timestamp()
        WHERE p.page_id = (SELECT q.page_id FROM xsell_internal.sync_page q
                           WHERE q.org_id = candidate AND q.status = 'queued' AND NOT xsell_internal.sync_waits(q.waits_from, q.not_before)
                           ORDER BY q.run_id, q.number LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING p.page_id, p.run_id, p.number, p.attempts + 1, p.claim, p.org_id, p.state
        INTO page_id, run_id, number, attempt, claim, org_id, state;
        CONTINUE WHEN NOT FOUND;
        UPDATE xsell_internal.sync_org o SET claimed_at = clock_timestamp(), breaker = CASE o.breaker WHEN 'open' THEN 'half-open' ELSE o.breaker END
        WHERE o.org_id = candidate;
        SELECT * INTO run FROM xsell_internal.sync_run r WHERE r.run_id = sync_claim.run_id;
        process_id := run.parent_id;
        object := run.object;
        blank := run.blank;
        IF run.state = 'INITIALIZING' THEN
            PERFORM xsell_internal.sync_reach(run.run_id, 'FETCHING_TOTAL');
            PERFORM xsell_internal.sync_reach(process_id, 'FETCHING_TOTAL');
            UPDATE xsell_internal.sync_run r SET began_at = clock_timestamp() WHERE r.run_id IN (run.run_id, process_id) AND r.began_at IS NULL;
        END IF;
        RETURN;
    END LOOP;
END
$$;
COMMENT ON FUNCTION xsell_internal.sync_claim(text[], integer) IS
'Claims a page of these orgs for this worker: of the org that has waited longest, oldest process first. At most so many pages of each org are claimed at a time, by all workers together. NULLs when nothing is due.';
