-- The daemon's side of the contract: source records, staging and merge, runs, cursors, rejects. A page's rows, its cursor and its
-- counters commit together, so that a crash replays a page and never skips or doubles one.

CREATE TABLE xsell_internal.sync_object (
    object       text PRIMARY KEY,
    money_column text,
    base_column  text,
    money_date   text,
    position     integer NOT NULL
);
COMMENT ON TABLE xsell_internal.sync_object IS
'Objects that can be synced; each is a table of schema xsell. Amounts: which column, where its base-currency value goes, and the expression of its date.';
INSERT INTO xsell_internal.sync_object VALUES
    ('crm_user', NULL, NULL, NULL, 1),
    ('account', 'annual_revenue', 'annual_revenue_base', 'modified_at', 2),
    ('contact', NULL, NULL, NULL, 3),
    ('lead', 'annual_revenue', 'annual_revenue_base', 'modified_at', 4),
    ('product', 'price', 'price_base', 'modified_at', 5),
    ('opportunity', 'amount', 'amount_base', 'COALESCE(closed_at, created_at, modified_at)', 6),
    ('opportunity_line', 'amount', 'amount_base', 'COALESCE(service_date, created_at, modified_at)', 7),
    ('asset', 'amount', 'amount_base', 'COALESCE(purchased_at, installed_at, created_at, modified_at)', 8),
    ('activity', NULL, NULL, NULL, 9);

CREATE TABLE xsell_internal.source_record (
    org_id      text NOT NULL,
    object      text NOT NULL,
    crm_id      text NOT NULL,
    modified_at timestamptz NOT NULL,
    deleted     boolean NOT NULL,
    content     bigint NOT NULL,
    repaired    boolean NOT NULL,
    run_id      bigint NOT NULL,
    raw         jsonb NOT NULL,
    PRIMARY KEY (org_id, object, crm_id)
);
COMMENT ON TABLE xsell_internal.source_record IS 'Every record as the source sent it last; closed to readers.';
COMMENT ON COLUMN xsell_internal.source_record.content IS 'Hash of the raw text and of the field map it was read with: an unchanged record is dropped before jsonb is built.';
COMMENT ON COLUMN xsell_internal.source_record.repaired IS 'The text held something jsonb cannot (a \u0000 escape, a lone surrogate); it was replaced by U+FFFD.';

CREATE TABLE xsell_internal.sync_state (
    org_id          text NOT NULL,
    object          text NOT NULL,
    state           text NOT NULL DEFAULT '',
    source_count    bigint,
    last_success_at timestamptz,
    updated_at      timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (org_id, object)
);
COMMENT ON TABLE xsell_internal.sync_state IS 'Where reading goes on: the connector''s own state (watermark, page cursor), committed with the rows of each page.';

CREATE TABLE xsell_internal.sync_run (
    run_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org_id      text NOT NULL,
    object      text NOT NULL,
    state       text NOT NULL DEFAULT 'INITIALIZING' CHECK (state IN ('INITIALIZING', 'FETCHING_TOTAL', 'QUEUING_PAGES',
                    'PROCESSING_BATCHES', 'COMPLETING', 'COMPLETED', 'ERROR')),
    pages       bigint NOT NULL DEFAULT 0,
    fetched     bigint NOT NULL DEFAULT 0,
    changed     bigint NOT NULL DEFAULT 0,
    deleted     bigint NOT NULL DEFAULT 0,
    rejected    bigint NOT NULL DEFAULT 0,
    started_at  timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    finished_at timestamptz,
    error       text
);
CREATE INDEX ON xsell_internal.sync_run (org_id, object, run_id);
COMMENT ON TABLE xsell_internal.sync_run IS 'One reading of one object of one org, with its counters.';

CREATE TABLE xsell_internal.dead_letter (
    dead_letter_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org_id      text NOT NULL,
    object      text NOT NULL,
    crm_id      text,
    place       text NOT NULL,
    reason      text NOT NULL,
    payload     text,
    run_id      bigint NOT NULL,
    first_seen  timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    last_seen   timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    times       integer NOT NULL DEFAULT 1,
    UNIQUE (org_id, object, place, reason)
);
COMMENT ON TABLE xsell_internal.dead_letter IS 'Records that could not be stored: where they stood, why, and the text itself (cut at 64 KB). The rest of their page went on.';

CREATE TABLE xsell_internal.data_quality (
    org_id     text NOT NULL,
    object     text NOT NULL,
    crm_id     text NOT NULL,
    problem    text NOT NULL,
    detail     text,
    noticed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (org_id, object, crm_id, problem)
);
COMMENT ON TABLE xsell_internal.data_quality IS 'Stored records with something wrong: an amount without a rate, a repaired text.';

-- The columns of an object that a connector may fill, in table order.
CREATE FUNCTION xsell_internal.sync_columns(object text) RETURNS TABLE (name text, type text)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod)
    FROM xsell_internal.sync_object o
    JOIN pg_catalog.pg_class c ON c.relname = o.object
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'xsell'
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE o.object = sync_columns.object
      AND a.attname NOT IN ('org_id', 'crm_id', 'synced_at')
      AND a.attname IS DISTINCT FROM o.base_column
    ORDER BY a.attnum;
END;
COMMENT ON FUNCTION xsell_internal.sync_columns(text) IS
'Columns of an object that a connector fills, with their types: text, numeric, bigint, boolean, timestamp with time zone or jsonb. modified_at is required.';

CREATE FUNCTION xsell_internal.sync_stage(object text) RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning
AS $$
DECLARE
    stage text := 'stage_' || object;
BEGIN
    IF NOT EXISTS (SELECT FROM xsell_internal.sync_object o WHERE o.object = sync_stage.object) THEN
        RAISE EXCEPTION 'unknown object "%"', object USING ERRCODE = 'invalid_parameter_value';
    END IF;
    EXECUTE format('CREATE TEMPORARY TABLE IF NOT EXISTS %I (crm_id text NOT NULL, %s, raw text NOT NULL, repaired boolean NOT NULL) ON COMMIT DELETE ROWS',
        stage, (SELECT string_agg(format('%I %s', c.name, CASE c.type WHEN 'jsonb' THEN 'text' ELSE c.type END), ', ')
                FROM xsell_internal.sync_columns(object) c));
    RETURN stage;
END
$$;
COMMENT ON FUNCTION xsell_internal.sync_stage(text) IS
'Makes this session''s staging table for an object (temporary, emptied at commit) and returns its name. COPY into it (crm_id, columns of sync_columns, raw, repaired), then call sync_merge in the same transaction.';

CREATE FUNCTION xsell_internal.sync_begin(org text, object text) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    run bigint;
BEGIN
    UPDATE xsell_internal.sync_run r SET state = 'ERROR', finished_at = clock_timestamp(), error = 'interrupted'
    WHERE r.org_id = org AND r.object = sync_begin.object AND r.finished_at IS NULL;
    INSERT INTO xsell_internal.sync_run (org_id, object, state) VALUES (org, object, 'PROCESSING_BATCHES') RETURNING run_id INTO run;
    INSERT INTO xsell_internal.sync_state (org_id, object) VALUES (org, object) ON CONFLICT DO NOTHING;
    RETURN run;
END
$$;
COMMENT ON FUNCTION xsell_internal.sync_begin(text, text) IS
'Opens a run. The caller holds the advisory lock of (org, object), so an unfinished older run has died: it is closed as interrupted.';

CREATE FUNCTION xsell_internal.sync_merge(org text, object text, run bigint, map_hash bigint,
    OUT staged bigint, OUT changed bigint, OUT deleted bigint)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    def xsell_internal.sync_object;
    stage text := 'stage_' || object;
    columns text;
    picks text;
    updates text;
    base text;
    org_currency text;
BEGIN
    SELECT * INTO STRICT def FROM xsell_internal.sync_object o WHERE o.object = sync_merge.object;
    SELECT o.currency INTO org_currency FROM xsell.org o WHERE o.org_id = org;
    SELECT string_agg(quote_ident(c.name), ', '),
           string_agg(CASE WHEN c.type = 'jsonb' THEN 'n.' || quote_ident(c.name) || '::jsonb'
                           WHEN c.name = 'pipeline' THEN 'COALESCE(n.pipeline, '''')' ELSE 'n.' || quote_ident(c.name) END, ', '),
           string_agg(format(CASE c.name
               WHEN 'modified_at' THEN '%1$I = excluded.%1$I'
               WHEN 'deleted_at' THEN '%1$I = CASE WHEN excluded.%1$I IS NOT NULL THEN LEAST(t.%1$I, excluded.%1$I) END'
               ELSE '%1$I = CASE WHEN excluded.deleted_at IS NULL THEN excluded.%1$I ELSE COALESCE(excluded.%1$I, t.%1$I) END' END, c.name), ', ')
      INTO columns, picks, updates FROM xsell_internal.sync_columns(object) c;
    IF def.money_column IS NOT NULL THEN
        columns := columns || ', ' || quote_ident(def.base_column);
        updates := updates || format(', %1$I = CASE WHEN excluded.deleted_at IS NULL THEN excluded.%1$I ELSE COALESCE(excluded.%1$I, t.%1$I) END', def.base_column);
        base := format('CASE WHEN COALESCE(n.currency, $4, $5) = $5 THEN n.%1$I
                        ELSE xsell.to_base(n.%1$I, COALESCE(n.currency, $4), (SELECT %2$s FROM (SELECT n.*) d)) END',
                       def.money_column, def.money_date);
        picks := picks || ', ' || base;
    END IF;

    -- A tombstone may say no more than that the record is gone: what was known of it stays, and so does the time of the first one.
    -- Rows that differ from what is stored, the newest of each id; written to the source records first, then to the typed table.
    EXECUTE format($merge$
        WITH incoming AS (
            SELECT DISTINCT ON (s.crm_id) s.*, hashtextextended(s.raw, $3) AS content
            FROM pg_temp.%1$I s
            ORDER BY s.crm_id, s.modified_at DESC, s.deleted_at NULLS LAST
        ), new AS MATERIALIZED (
            SELECT i.* FROM incoming i
            LEFT JOIN xsell_internal.source_record r ON r.org_id = $1 AND r.object = %2$L AND r.crm_id = i.crm_id
            WHERE r.crm_id IS NULL
               OR (i.modified_at >= r.modified_at
                   AND (i.content <> r.content OR r.deleted <> (i.deleted_at IS NOT NULL)))
        ), kept AS (
            INSERT INTO xsell_internal.source_record AS r (org_id, object, crm_id, modified_at, deleted, content, repaired, run_id, raw)
            SELECT $1, %2$L, n.crm_id, n.modified_at, n.deleted_at IS NOT NULL, n.content, n.repaired, $2, n.raw::jsonb FROM new n
            ON CONFLICT (org_id, object, crm_id) DO UPDATE SET modified_at = excluded.modified_at, deleted = excluded.deleted,
                content = excluded.content, repaired = excluded.repaired, run_id = excluded.run_id, raw = excluded.raw
            WHERE excluded.modified_at >= r.modified_at
            RETURNING r.crm_id
        ), merged AS (
            INSERT INTO xsell.%2$I AS t (org_id, crm_id, %3$s)
            SELECT $1, n.crm_id, %4$s FROM new n
            ON CONFLICT (org_id, crm_id) DO UPDATE SET %5$s, synced_at = now()
            WHERE excluded.modified_at >= t.modified_at
            RETURNING t.crm_id, t.deleted_at
        )
        SELECT (SELECT count(*) FROM incoming), (SELECT count(*) FROM merged),
               (SELECT count(*) FROM merged m WHERE m.deleted_at IS NOT NULL), (SELECT count(*) FROM kept)$merge$,
        stage, object, columns, picks, updates)
    INTO staged, changed, deleted USING org, run, map_hash, org_currency, xsell.base_currency();

    IF object = 'opportunity' THEN
        PERFORM xsell_internal.sync_stages(org);
    END IF;
    EXECUTE format('DELETE FROM xsell_internal.data_quality q USING pg_temp.%I s
                    WHERE q.org_id = $1 AND q.object = $2 AND q.crm_id = s.crm_id', stage) USING org, object;
    EXECUTE format('INSERT INTO xsell_internal.data_quality (org_id, object, crm_id, problem, detail)
                    SELECT DISTINCT $1, $2, s.crm_id, ''repaired text'', ''a character that text cannot hold was replaced by U+FFFD''
                    FROM pg_temp.%I s WHERE s.repaired', stage) USING org, object;
    IF def.money_column IS NOT NULL THEN
        EXECUTE format('INSERT INTO xsell_internal.data_quality (org_id, object, crm_id, problem, detail)
                        SELECT $1, $2, t.crm_id, ''no exchange rate'', COALESCE(t.currency, $3)
                        FROM (SELECT DISTINCT s.crm_id FROM pg_temp.%I s) s
                        JOIN xsell.%I t ON t.org_id = $1 AND t.crm_id = s.crm_id
                        WHERE t.%I IS NOT NULL AND t.%I IS NULL', stage, object, def.money_column, def.base_column)
        USING org, object, org_currency;
    END IF;
END
$$;
COMMENT ON FUNCTION xsell_internal.sync_merge(text, text, bigint, bigint) IS
'Merges this session''s staging table of an object: unchanged rows are dropped, changed ones written where their modified_at is not older than what is stored. Returns how many were staged, changed, and deleted among those.';

-- Stages appear as deals do: meaning from the source's own flags, else guessed from the spelling, else unmapped.
CREATE FUNCTION xsell_internal.sync_stages(org text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    open_stage constant text := '(prospect|qualif|engag|propos|negotiat|in.?progress|analysis|discover|demo|decision|quote|contract|appointment|presentation|open|new)';
    lost_stage constant text := '(lost|churned|cancell?ed|disqualified)\M';
BEGIN
    INSERT INTO xsell.stage_map (org_id, pipeline, stage, closed, won, is_purchase, decided_by)
    SELECT org, COALESCE(s.pipeline, ''), s.stage,
           COALESCE(s.is_closed, s.stage ~* 'won\M' OR s.stage ~* lost_stage OR NULLIF(s.stage !~* open_stage, true)),
           COALESCE(s.is_won, s.stage ~* 'won\M' OR NULLIF(s.stage !~* lost_stage AND s.stage !~* open_stage, true)),
           COALESCE(s.is_won, s.stage ~* 'won\M' OR NULLIF(s.stage !~* lost_stage AND s.stage !~* open_stage, true)),
           CASE WHEN s.is_closed IS NULL THEN 'name' ELSE 'source' END
    FROM (SELECT DISTINCT o.pipeline, o.stage, o.is_closed, o.is_won FROM pg_temp.stage_opportunity o WHERE o.stage IS NOT NULL) s
    ON CONFLICT DO NOTHING;
END
$$;
COMMENT ON FUNCTION xsell_internal.sync_stages(text) IS 'Adds the stages of the staged opportunities to xsell.stage_map; a row that is there is left alone.';

CREATE FUNCTION xsell_internal.sync_advance(org text, object text, run bigint, state text, fetched bigint, changed bigint, deleted bigint,
    rejected bigint, source_count bigint DEFAULT NULL) RETURNS void
LANGUAGE sql VOLATILE
BEGIN ATOMIC
    UPDATE xsell_internal.sync_state s
    SET state = sync_advance.state, source_count = COALESCE(sync_advance.source_count, s.source_count), updated_at = pg_catalog.clock_timestamp()
    WHERE s.org_id = org AND s.object = sync_advance.object;
    UPDATE xsell_internal.sync_run r
    SET pages = r.pages + 1, fetched = r.fetched + sync_advance.fetched, changed = r.changed + sync_advance.changed,
        deleted = r.deleted + sync_advance.deleted, rejected = r.rejected + sync_advance.rejected
    WHERE r.run_id = run;
END;
COMMENT ON FUNCTION xsell_internal.sync_advance(text, text, bigint, text, bigint, bigint, bigint, bigint, bigint) IS
'Stores the connector''s state and adds to the counters, in the transaction of the page''s rows.';

CREATE FUNCTION xsell_internal.sync_end(org text, object text, run bigint, error text DEFAULT NULL) RETURNS void
LANGUAGE sql VOLATILE
BEGIN ATOMIC
    UPDATE xsell_internal.sync_run r
    SET state = CASE WHEN sync_end.error IS NULL THEN 'COMPLETED' ELSE 'ERROR' END, finished_at = pg_catalog.clock_timestamp(), error = sync_end.error
    WHERE r.run_id = run;
    UPDATE xsell_internal.sync_state s SET last_success_at = pg_catalog.clock_timestamp()
    WHERE s.org_id = org AND s.object = sync_end.object AND sync_end.error IS NULL;
END;
COMMENT ON FUNCTION xsell_internal.sync_end(text, text, bigint, text) IS 'Closes a run: completed, or with the error that ended it.';

CREATE FUNCTION xsell_internal.sync_reject(org text, object text, run bigint, crm_id text, place text, reason text, payload text) RETURNS void
LANGUAGE sql VOLATILE
BEGIN ATOMIC
    INSERT INTO xsell_internal.dead_letter AS d (org_id, object, run_id, crm_id, place, reason, payload)
    VALUES (org, object, run, crm_id, place, reason, pg_catalog."left"(payload, 65536))
    ON CONFLICT (org_id, object, place, reason) DO UPDATE
    SET last_seen = pg_catalog.clock_timestamp(), times = d.times + 1, run_id = excluded.run_id, crm_id = excluded.crm_id, payload = excluded.payload;
END;
COMMENT ON FUNCTION xsell_internal.sync_reject(text, text, bigint, text, text, text, text) IS
'Puts a record that cannot be stored aside, with its place (file and line, or id) and the reason.';

CREATE FUNCTION xsell_internal.sync_sweep(org text, object text, live text[], at timestamptz) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    swept bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM xsell_internal.sync_object o WHERE o.object = sync_sweep.object) THEN
        RAISE EXCEPTION 'unknown object "%"', object USING ERRCODE = 'invalid_parameter_value';
    END IF;
    EXECUTE format('UPDATE xsell.%I t SET deleted_at = $3, synced_at = now()
                    WHERE t.org_id = $1 AND t.deleted_at IS NULL
                      AND NOT EXISTS (SELECT FROM unnest($2) AS l(crm_id) WHERE l.crm_id = t.crm_id)', object)
    USING org, live, at;
    GET DIAGNOSTICS swept = ROW_COUNT;
    UPDATE xsell_internal.source_record r SET deleted = true
    WHERE r.org_id = org AND r.object = sync_sweep.object AND NOT r.deleted
      AND NOT EXISTS (SELECT FROM unnest(live) AS l(crm_id) WHERE l.crm_id = r.crm_id);
    RETURN swept;
END
$$;
COMMENT ON FUNCTION xsell_internal.sync_sweep(text, text, text[], timestamptz) IS
'Tombstones every live record of an object that is not among the given ids: for sources that show the whole set and no deletes.';

CREATE FUNCTION xsell_internal.refresh_base_amounts() RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    def xsell_internal.sync_object;
    touched bigint;
    total bigint := 0;
BEGIN
    FOR def IN SELECT * FROM xsell_internal.sync_object o WHERE o.money_column IS NOT NULL LOOP
        EXECUTE format('UPDATE xsell.%1$I t SET %3$I = n.base
                        FROM (SELECT c.org_id, c.crm_id, xsell.to_base(c.%2$I, COALESCE(c.currency, o.currency), %4$s) AS base
                              FROM (SELECT * FROM xsell.%1$I) c LEFT JOIN (SELECT org_id, currency FROM xsell.org) o USING (org_id)) n
                        WHERE n.org_id = t.org_id AND n.crm_id = t.crm_id AND t.%3$I IS DISTINCT FROM n.base',
                       def.object, def.money_column, def.base_column, replace(def.money_date, 'modified_at', 'c.modified_at'));
        GET DIAGNOSTICS touched = ROW_COUNT;
        total := total + touched;
        EXECUTE format('DELETE FROM xsell_internal.data_quality q USING xsell.%I t
                        WHERE q.org_id = t.org_id AND q.object = $1 AND q.crm_id = t.crm_id AND q.problem = ''no exchange rate'' AND t.%I IS NOT NULL',
                       def.object, def.base_column) USING def.object;
    END LOOP;
    RETURN total;
END
$$;
COMMENT ON FUNCTION xsell_internal.refresh_base_amounts() IS 'Recomputes every *_base column after rates or the base currency changed; returns how many values moved.';

-- One statement each: the extension's own row cannot be updated twice by one command.
DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['source_record', 'sync_state', 'sync_run', 'sync_run_run_id_seq', 'dead_letter', 'dead_letter_dead_letter_id_seq',
                                'data_quality'] LOOP
        PERFORM pg_catalog.pg_extension_config_dump(('xsell_internal.' || kept)::pg_catalog.regclass, '');
    END LOOP;
END
$$;
