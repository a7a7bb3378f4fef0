-- Processes of reading: their states, workers, pages and errors. A process reads an org; its children read one object each, page by
-- page. Everything here is shared by the workers of all daemons on this database.

CREATE TABLE xsell_internal.sync_transition (
    from_state text NOT NULL,
    to_state   text NOT NULL,
    meaning    text NOT NULL,
    position   integer NOT NULL,
    PRIMARY KEY (from_state, to_state)
);
COMMENT ON TABLE xsell_internal.sync_transition IS 'The state machine of a process: what may follow what, and when it does.';
INSERT INTO xsell_internal.sync_transition (from_state, to_state, meaning, position) VALUES
    ('INITIALIZING', 'FETCHING_TOTAL', 'A worker has begun to read the first page, which also says how much there is.', 1),
    ('FETCHING_TOTAL', 'QUEUING_PAGES', 'The first page is stored; the pages that follow it are put into the queue.', 2),
    ('QUEUING_PAGES', 'PROCESSING_BATCHES', 'Pages are read and stored, one after the other or several at once.', 3),
    ('PROCESSING_BATCHES', 'COMPLETING', 'Every page is stored; what the reading did not show is tombstoned, where it showed the whole set.', 4),
    ('COMPLETING', 'COMPLETED', 'The next reading begins where this one ended.', 5),
    ('INITIALIZING', 'ERROR', 'The process was stopped before it read anything.', 6),
    ('FETCHING_TOTAL', 'ERROR', 'The first page could not be read.', 7),
    ('QUEUING_PAGES', 'ERROR', 'The process was stopped while its pages were put into the queue.', 8),
    ('PROCESSING_BATCHES', 'ERROR', 'A page could not be read, or the whole org cannot be read.', 9),
    ('COMPLETING', 'ERROR', 'A part of the process failed, or the end could not be stored.', 10),
    ('ERROR', 'QUEUING_PAGES', 'Somebody asked for a retry: the pages that failed are in the queue again.', 11);

CREATE TABLE xsell_internal.sync_state (
    org_id          text NOT NULL,
    object          text NOT NULL,
    state           text NOT NULL DEFAULT '',
    source_count    bigint,
    last_success_at timestamptz,
    updated_at      timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    sweep_at        timestamptz,
    PRIMARY KEY (org_id, object)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
COMMENT ON TABLE xsell_internal.sync_state IS 'Where reading goes on: the connector''s own state (watermark, page cursor), committed with the rows of each page.';
COMMENT ON COLUMN xsell_internal.sync_state.sweep_at IS 'A reading of the whole set is under way that began then: sync_seen holds what it has shown so far.';

CREATE TABLE xsell_internal.sync_run (
    run_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    parent_id   bigint,
    org_id      text NOT NULL,
    object      text,
    kind        text NOT NULL DEFAULT 'ONGOING' CHECK (kind IN ('INITIAL', 'ONGOING', 'FULL')),
    state       text NOT NULL DEFAULT 'INITIALIZING' CHECK (state IN ('INITIALIZING', 'FETCHING_TOTAL', 'QUEUING_PAGES',
                    'PROCESSING_BATCHES', 'COMPLETING', 'COMPLETED', 'ERROR')),
    pages       bigint NOT NULL DEFAULT 0,
    fetched     bigint NOT NULL DEFAULT 0,
    changed     bigint NOT NULL DEFAULT 0,
    deleted     bigint NOT NULL DEFAULT 0,
    rejected    bigint NOT NULL DEFAULT 0,
    retries     bigint NOT NULL DEFAULT 0,
    total       bigint,
    numbered    bigint NOT NULL DEFAULT 0,
    end_state   text,
    blank       boolean NOT NULL DEFAULT false,
    sweeping    boolean NOT NULL DEFAULT false,
    repriced    text[],
    started_at  timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    began_at    timestamptz,
    notified_at timestamptz,
    finished_at timestamptz,
    error       text
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200, autovacuum_analyze_threshold = 500);
CREATE INDEX ON xsell_internal.sync_run (org_id, object, run_id);
CREATE INDEX ON xsell_internal.sync_run (parent_id);
COMMENT ON TABLE xsell_internal.sync_run IS 'Processes: the reading of an org (object NULL) and, below it, the reading of each object, with its counters.';
COMMENT ON COLUMN xsell_internal.sync_run.numbered IS 'The number that was given to the last page.';
COMMENT ON COLUMN xsell_internal.sync_run.end_state IS 'Pages may be read in any order; this is where the next reading begins once all of them are stored. Of a reading that was told where to begin: where the next one begins all the same.';
COMMENT ON COLUMN xsell_internal.sync_run.blank IS 'Nothing of the object was stored when the run began: no page need be compared with what is stored.';
COMMENT ON COLUMN xsell_internal.sync_run.sweeping IS 'A page of this run belongs to a reading of the whole set.';
COMMENT ON COLUMN xsell_internal.sync_run.repriced IS 'Currencies whose rates have changed, by this run or by one before it that failed; their amounts are recomputed when it completes.';

CREATE FUNCTION xsell_internal.sync_guard_state() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM xsell_internal.sync_transition t WHERE t.from_state = OLD.state AND t.to_state = NEW.state) THEN
        RAISE EXCEPTION 'process % cannot go from % to %', OLD.run_id, OLD.state, NEW.state
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'xsell.sync_state_machine lists what may follow what.';
    END IF;
    PERFORM pg_notify('xsell_sync', json_build_object('event', 'state', 'run', NEW.run_id, 'process', COALESCE(NEW.parent_id, NEW.run_id),
                                                      'org', NEW.org_id, 'object', NEW.object, 'state', NEW.state)::text);
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION xsell_internal.sync_guard_state() IS 'Lets a process change its state as sync_transition allows, and tells the listeners of xsell_sync.';
CREATE TRIGGER guard_state BEFORE UPDATE OF state ON xsell_internal.sync_run
FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION xsell_internal.sync_guard_state();

CREATE TABLE xsell_internal.sync_page (
    page_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id     bigint NOT NULL,
    org_id     text NOT NULL,
    number     bigint NOT NULL,
    state      text NOT NULL,
    status     text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'claimed', 'done', 'failed')),
    attempts   integer NOT NULL DEFAULT 0,
    told_waits integer NOT NULL DEFAULT 0,
    lost       integer NOT NULL DEFAULT 0,
    waits_from timestamptz,
    not_before timestamptz,
    worker_id  bigint,
    claim      bigint NOT NULL DEFAULT 0,
    error      text,
    queued_at  timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    claimed_at timestamptz,
    done_at    timestamptz
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500, autovacuum_analyze_scale_factor = 0.05);
CREATE INDEX sync_page_queued ON xsell_internal.sync_page (org_id, run_id, number) WHERE status = 'queued';
CREATE INDEX sync_page_claimed ON xsell_internal.sync_page (org_id, run_id) WHERE status = 'claimed';
CREATE INDEX ON xsell_internal.sync_page (run_id);
COMMENT ON TABLE xsell_internal.sync_page IS 'The queue: pages to be read, being read and read.';
COMMENT ON COLUMN xsell_internal.sync_page.state IS 'The connector''s own note of where the page stands.';
COMMENT ON COLUMN xsell_internal.sync_page.claim IS 'Grows with every claim: what a worker brings counts only while the page is still the one that it claimed.';
COMMENT ON COLUMN xsell_internal.sync_page.lost IS 'How many workers were gone before they had stored it or failed.';
COMMENT ON COLUMN xsell_internal.sync_page.not_before IS 'The page waits from waits_from until then; a clock that says anything else, because it was set back, ends the wait.';

CREATE TABLE xsell_internal.sync_worker (
    worker_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    identity    text NOT NULL,
    host        text NOT NULL,
    pid         bigint NOT NULL,
    application text NOT NULL,
    started_at  timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
COMMENT ON TABLE xsell_internal.sync_worker IS
'Sessions that read pages. Each holds an advisory lock for as long as it lives, so that nobody need send a sign of life: a worker whose lock is free is gone.';

CREATE TABLE xsell_internal.sync_org (
    org_id        text PRIMARY KEY,
    claimed_at    timestamptz,
    breaker       text NOT NULL DEFAULT 'closed' CHECK (breaker IN ('closed', 'open', 'half-open')),
    failures      integer NOT NULL DEFAULT 0,
    openings      integer NOT NULL DEFAULT 0,
    open_from     timestamptz,
    open_until    timestamptz,
    blocked_from  timestamptz,
    blocked_until timestamptz,
    message       text
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
COMMENT ON TABLE xsell_internal.sync_org IS 'Whether an org''s source may be asked at present: its circuit breaker, and a quota that is used up.';
COMMENT ON COLUMN xsell_internal.sync_org.claimed_at IS 'When a page of the org was claimed last; the org that has waited longest comes first.';

CREATE TABLE xsell_internal.sync_error (
    error_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    process_id bigint NOT NULL,
    run_id     bigint NOT NULL,
    org_id     text NOT NULL,
    object     text,
    page       bigint,
    fault      text NOT NULL,
    message    text NOT NULL,
    raised_at  timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
CREATE INDEX ON xsell_internal.sync_error (process_id, error_id);
COMMENT ON TABLE xsell_internal.sync_error IS 'What went wrong, the last 100 of each process.';

CREATE TABLE xsell_internal.sync_alert (
    alert_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org_id     text NOT NULL,
    object     text NOT NULL DEFAULT '',
    kind       text NOT NULL CHECK (kind IN ('org', 'object', 'quota', 'outage')),
    message    text NOT NULL,
    raised_at  timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    last_seen  timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    cleared_at timestamptz
);
CREATE UNIQUE INDEX sync_alert_open ON xsell_internal.sync_alert (org_id, object, kind) WHERE cleared_at IS NULL;
COMMENT ON TABLE xsell_internal.sync_alert IS 'Why an org or an object cannot be read, until a page of it is stored again.';

CREATE TABLE xsell_internal.sync_seen (
    org_id text NOT NULL,
    object text NOT NULL,
    crm_id text NOT NULL,
    PRIMARY KEY (org_id, object, crm_id)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 1);
COMMENT ON TABLE xsell_internal.sync_seen IS 'Ids that a reading of the whole set has shown so far; what it has not shown at its end is tombstoned.';

CREATE FUNCTION xsell_internal.sync_waits(from_time timestamptz, until_time timestamptz) RETURNS boolean
LANGUAGE sql VOLATILE PARALLEL SAFE
RETURN COALESCE(pg_catalog.clock_timestamp() >= from_time AND pg_catalog.clock_timestamp() < until_time, false);
COMMENT ON FUNCTION xsell_internal.sync_waits(timestamptz, timestamptz) IS
'Whether a wait goes on. A server clock that was set back before its beginning ends it: nothing waits longer than it was told to.';

CREATE FUNCTION xsell_internal.sync_worker_key(worker bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN pg_catalog.hashtextextended('xsell.sync.worker ' || worker, 0);
COMMENT ON FUNCTION xsell_internal.sync_worker_key(bigint) IS 'Key of the advisory lock that a worker''s session holds.';

CREATE FUNCTION xsell_internal.sync_worker_here() RETURNS bigint
LANGUAGE sql STABLE PARALLEL RESTRICTED
RETURN NULLIF(pg_catalog.current_setting('xselld.worker', true), '')::bigint;
COMMENT ON FUNCTION xsell_internal.sync_worker_here() IS 'The worker that this session is; NULL: none.';

-- Takes a run forward, step by step, as the table of transitions says; every step is checked and told. Nothing for a run in ERROR.
CREATE FUNCTION xsell_internal.sync_reach(run bigint, goal text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    here text;
    there text;
    goal_at integer;
    there_at integer;
BEGIN
    SELECT t.position INTO STRICT goal_at FROM xsell_internal.sync_transition t WHERE t.to_state = goal AND t.from_state <> 'ERROR' AND t.to_state <> 'ERROR';
    SELECT r.state INTO here FROM xsell_internal.sync_run r WHERE r.run_id = run FOR UPDATE;
    WHILE here <> 'ERROR' LOOP
        SELECT t.to_state, t.position INTO there, there_at FROM xsell_internal.sync_transition t WHERE t.from_state = here AND t.to_state <> 'ERROR';
        EXIT WHEN NOT FOUND OR there_at > goal_at;
        UPDATE xsell_internal.sync_run r SET state = there WHERE r.run_id = run;
        here := there;
    END LOOP;
END
$$;
COMMENT ON FUNCTION xsell_internal.sync_reach(bigint, text) IS 'Takes a process forward to a state, through every state between.';

CREATE FUNCTION xsell_internal.sync_note_error(run bigint, page bigint, fault text, message text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    process bigint;
BEGIN
    INSERT INTO xsell_internal.sync_error (process_id, run_id, org_id, object, page, fault, message)
    SELECT COALESCE(r.parent_id, r.run_id), r.run_id, r.org_id, r.object, sync_note_error.page, sync_note_error.fault, "left"(sync_note_error.message, 4000)
    FROM xsell_internal.sync_run r WHERE r.run_id = run
    RETURNING process_id INTO process;
    DELETE FROM xsell_internal.sync_error e
    WHERE e.process_id = process
      AND e.error_id <= (SELECT o.error_id FROM xsell_internal.sync_error o WHERE o.process_id = process ORDER BY o.error_id DESC OFFSET 100 LIMIT 1);
END
$$;
COMMENT ON FUNCTION xsell_internal.sync_note_error(bigint, bigint, text, text) IS 'Adds to the errors of a process and forgets all but the last 100.';

CREATE FUNCTION xsell_internal.sync_raise_alert(org text, object text, kind text, message text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
#variable_conflict use_column
BEGIN
    INSERT INTO xsell_internal.sync_alert AS a (org_id, object, kind, message)
    VALUES (org, sync_raise_alert.object, sync_raise_alert.kind, "left"(sync_raise_alert.message, 4000))
    ON CONFLICT (org_id, object, kind) WHERE cleared_at IS NULL DO UPDATE SET message = excluded.message, last_seen = clock_timestamp();
    PERFORM pg_notify('xsell_sync', json_build_object('event', 'alert', 'org', org, 'object', sync_raise_alert.object, 'kind', sync_raise_alert.kind)::text);
END
$$;
COMMENT ON FUNCTION xsell_internal.sync_raise_alert(text, text, text, text) IS 'Raises an alert, or renews it; a page that is stored clears it.';

-- Ends the reading of an object, and with the last one the process of the org. Locks go from child to parent, here as everywhere.
CREATE FUNCTION xsell_internal.sync_finish(run bigint, error text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    ended xsell_internal.sync_run;
    failed bigint;
    children bigint;
    first_error text;
BEGIN
    SELECT * INTO ended FROM xsell_internal.sync_run r WHERE r.run_id = run AND r.finished_at IS NULL FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF error IS NULL THEN
        PERFORM xsell_internal.sync_reach(run, 'COMPLETED');
    ELSE
        UPDATE xsell_internal.sync_run r SET state = 'ERROR' WHERE r.run_id = run AND r.state <> 'ERROR';
        UPDATE xsell_internal.sync_page p SET status = 'failed', error = COALESCE(p.error, sync_finish.error), done_at = clock_timestamp()
        WHERE p.org_id = ended.org_id AND p.run_id = run AND p.status = 'queued';
    END IF;
    UPDATE xsell_internal.sync_run r SET finished_at = clock_timestamp(), error = "left"(sync_finish.error, 4000) WHERE r.run_id = run;
    PERFORM FROM xsell_internal.sync_run r WHERE r.run_id = ended.parent_id AND r.finished_at IS NULL FOR UPDATE;
    IF NOT FOUND OR EXISTS (SELECT FROM xsell_internal.sync_run r WHERE r.parent_id = ended.parent_id AND r.finished_at IS NULL) THEN
        RETURN;
    END IF;
    -- An object that failed and was read again since then, in the same process, has not failed.
    SELECT count(*) FILTER (WHERE l.state = 'ERROR'), count(*), min(l.object || ': ' || l.error) FILTER (WHERE l.state = 'ERROR')
    INTO failed, children, first_error
    FROM (SELECT DISTINCT ON (r.object) r.object, r.state, r.error FROM xsell_internal.sync_run r
          WHERE r.parent_id = ended.parent_id ORDER BY r.object, r.run_id DESC) l;
    PERFORM xsell_internal.sync_finish(ended.parent_id,
        CASE WHEN failed > 0 THEN format('%s of %s objects failed; %s', failed, children, first_error) END);
END
$$;
COMMENT ON FUNCTION xsell_internal.sync_finish(bigint, text) IS 'Ends a process, completed or with the error that ended it; the last child that ends takes its parent along.';

CREATE FUNCTION xsell_internal.sync_fail_org(org text, error text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    child bigint;
BEGIN
    FOR child IN SELECT r.run_id FROM xsell_internal.sync_run r
                 WHERE r.org_id = org AND r.object IS NOT NULL AND r.finished_at IS NULL ORDER BY r.run_id LOOP
        PERFORM xsell_internal.sync_finish(child, error);
    END LOOP;
END
$$;
COMMENT ON FUNCTION xsell_internal.sync_fail_org(text, text) IS 'Ends everything that is being read of an org, with the reason.';

-- One statement each: the extension's own row cannot be updated twice by one command.
DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['sync_state', 'sync_run', 'sync_run_run_id_seq', 'sync_page', 'sync_page_page_id_seq', 'sync_worker', 'sync_worker_worker_id_seq',
                                'sync_org', 'sync_error', 'sync_error_error_id_seq', 'sync_alert', 'sync_alert_alert_id_seq', 'sync_seen'] LOOP
        PERFORM pg_catalog.pg_extension_config_dump(('xsell_internal.' || kept)::pg_catalog.regclass, '');
    END LOOP;
    PERFORM pg_catalog.pg_extension_config_dump('xsell_internal.sync_transition', 'WHERE false');
END
$$;
