-- Stored records as the sources sent them, staging and merge. A page's rows, its cursor and its counters commit together, so that a
-- crash replays a page and never skips or doubles one.

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
COMMENT ON COLUMN xsell_internal.source_record.content IS 'Hash of the raw text, of the values made of it and of the field map, as the daemon computes it: an unchanged record is never sent. 0: tombstoned here, so that it differs from whatever the source sends.';
COMMENT ON COLUMN xsell_internal.source_record.repaired IS 'The text held something jsonb cannot (a \u0000 escape, a lone surrogate); it was replaced by U+FFFD.';

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
CREATE INDEX ON xsell_internal.dead_letter (org_id, object, crm_id);
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
    EXECUTE format('CREATE TEMPORARY TABLE IF NOT EXISTS %I (crm_id text NOT NULL, %s, raw jsonb NOT NULL, repaired boolean NOT NULL, content bigint NOT NULL) ON COMMIT DELETE ROWS',
        stage, (SELECT string_agg(format('%I %s', c.name, c.type), ', ')
                FROM xsell_internal.sync_columns(object) c));
    RETURN stage;
END
$$;
COMMENT ON FUNCTION xsell_internal.sync_stage(text) IS
'Makes this session''s staging table for an object (temporary, emptied at commit) and returns its name. COPY into it (crm_id, columns of sync_columns, raw, repaired, content: one row per id), then run the statements of sync_merge_sql in the same transaction.';

CREATE FUNCTION xsell_internal.sync_merge_sql(object text) RETURNS TABLE (step text, statement text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    def xsell_internal.sync_object;
    stage text := quote_ident('stage_' || object);
    columns text;
    picks text;
    updates text;
    source_conflict text;
    conflict text;
BEGIN
    SELECT * INTO STRICT def FROM xsell_internal.sync_object o WHERE o.object = sync_merge_sql.object;
    SELECT string_agg(quote_ident(c.name), ', '),
           string_agg(CASE WHEN c.name = 'pipeline' THEN 'COALESCE(n.pipeline, '''')' ELSE 'n.' || quote_ident(c.name) END, ', '),
           string_agg(format(CASE c.name
               WHEN 'modified_at' THEN '%1$I = excluded.%1$I'
               WHEN 'deleted_at' THEN '%1$I = CASE WHEN excluded.%1$I IS NOT NULL THEN LEAST(t.%1$I, excluded.%1$I) END'
               ELSE '%1$I = CASE WHEN excluded.deleted_at IS NULL THEN excluded.%1$I ELSE COALESCE(excluded.%1$I, t.%1$I) END' END, c.name), ', ')
      INTO columns, picks, updates FROM xsell_internal.sync_columns(object) c;
    IF def.money_column IS NOT NULL THEN
        columns := columns || ', ' || quote_ident(def.base_column);
        updates := updates || format(', %1$I = CASE WHEN excluded.deleted_at IS NULL THEN excluded.%1$I ELSE COALESCE(excluded.%1$I, t.%1$I) END', def.base_column);
        picks := picks || format(', CASE WHEN n.%1$I IS NULL OR COALESCE(n.currency, (SELECT currency FROM own), (SELECT currency FROM base)) = (SELECT currency FROM base)
                                         THEN n.%1$I ELSE xsell.to_base(n.%1$I, COALESCE(n.currency, (SELECT currency FROM own)), (SELECT %2$s FROM (SELECT n.*) d)) END',
                                 def.money_column, def.money_date);
    END IF;

    -- A tombstone may say no more than that the record is gone: what was known of it stays, and so does the time of the first one.
    -- What is older than what is stored is not written, but for two cases: a time still to come was a clock's fault, and what was
    -- tombstoned here because its source did not show it (content 0) is there again, however old.
    FOR step, source_conflict, conflict IN VALUES
        ('insert', '', ''),
        ('merge', 'ON CONFLICT (org_id, object, crm_id) DO UPDATE SET modified_at = excluded.modified_at, deleted = excluded.deleted,
                content = excluded.content, repaired = excluded.repaired, run_id = excluded.run_id, raw = excluded.raw
            WHERE (excluded.modified_at >= r.modified_at OR r.modified_at > now() OR r.content = 0) AND (excluded.content <> r.content OR excluded.deleted <> r.deleted)',
         'ON CONFLICT (org_id, crm_id) DO UPDATE SET ' || updates || ', synced_at = now()
            WHERE excluded.modified_at >= t.modified_at OR t.modified_at > now()
               OR t.deleted_at IS NOT NULL AND EXISTS (SELECT FROM xsell_internal.source_record k
                  WHERE k.org_id = t.org_id AND k.object = ' || quote_literal(object) || ' AND k.crm_id = t.crm_id AND k.content = 0)')
    LOOP
        statement := format($merge$
        WITH own AS MATERIALIZED (SELECT o.currency FROM xsell.org o WHERE o.org_id = $1), base AS MATERIALIZED (SELECT xsell.base_currency() AS currency),
        kept AS (
            INSERT INTO xsell_internal.source_record AS r (org_id, object, crm_id, modified_at, deleted, content, repaired, run_id, raw)
            SELECT $1::text, %2$L, n.crm_id, n.modified_at, n.deleted_at IS NOT NULL, n.content, n.repaired, $2::bigint, n.raw FROM pg_temp.%1$s n
            %5$s RETURNING r.deleted
        ), merged AS (
            INSERT INTO xsell.%2$I AS t (org_id, crm_id, %3$s)
            SELECT $1::text, n.crm_id, %4$s FROM pg_temp.%1$s n
            %6$s
        )
        SELECT count(*), count(*) FILTER (WHERE k.deleted) FROM kept k$merge$,
            stage, object, columns, picks, source_conflict, conflict);
        RETURN NEXT;
    END LOOP;

    -- What was said of the records before; to be planned anew each time, for these tables are empty as a rule and large at times.
    step := 'forget';
    statement := format($forget$
        WITH letters AS (
            DELETE FROM xsell_internal.dead_letter d USING pg_temp.%1$s s
            WHERE d.org_id = $1::text AND d.object = %2$L AND d.crm_id = s.crm_id AND starts_with(reverse(d.place), reverse(' ' || s.crm_id))
        )
        DELETE FROM xsell_internal.data_quality q USING pg_temp.%1$s s
        WHERE q.org_id = $1 AND q.object = %2$L AND q.crm_id = s.crm_id$forget$, stage, object);
    RETURN NEXT;

    step := 'repaired';
    statement := format($repaired$
        INSERT INTO xsell_internal.data_quality (org_id, object, crm_id, problem, detail)
        SELECT $1::text, %2$L, s.crm_id, 'repaired text', 'a character that text cannot hold was replaced by U+FFFD'
        FROM pg_temp.%1$s s WHERE s.repaired ON CONFLICT DO NOTHING$repaired$, stage, object);
    RETURN NEXT;

    IF def.money_column IS NOT NULL THEN
        step := 'money';
        statement := format($money$
            WITH own AS MATERIALIZED (SELECT o.currency FROM xsell.org o WHERE o.org_id = $1::text), base AS MATERIALIZED (SELECT xsell.base_currency() AS currency)
            INSERT INTO xsell_internal.data_quality (org_id, object, crm_id, problem, detail)
            SELECT $1, %2$L, n.crm_id, 'no exchange rate', COALESCE(n.currency, (SELECT currency FROM own))
            FROM pg_temp.%1$s n
            WHERE n.%3$I IS NOT NULL AND COALESCE(n.currency, (SELECT currency FROM own)) <> (SELECT currency FROM base)
              AND xsell.to_base(n.%3$I, COALESCE(n.currency, (SELECT currency FROM own)), (SELECT %4$s FROM (SELECT n.*) d)) IS NULL
            ON CONFLICT DO NOTHING$money$, stage, object, def.money_column, def.money_date);
        RETURN NEXT;
    END IF;

    -- Stages appear as deals do: meaning from the source's own flags, else guessed from the spelling, else unmapped.
    IF object = 'opportunity' THEN
        step := 'stages';
        statement := format($stages$
            INSERT INTO xsell.stage_map (org_id, pipeline, stage, closed, won, is_purchase, decided_by)
            SELECT $1::text, s.pipeline, s.stage, COALESCE(s.is_closed, s.won OR s.lost OR NULLIF(NOT s.open, true)),
                   COALESCE(s.is_won, s.won OR NULLIF(NOT s.lost AND NOT s.open, true)), COALESCE(s.is_won, s.won OR NULLIF(NOT s.lost AND NOT s.open, true)),
                   CASE WHEN s.is_closed IS NULL THEN 'name' ELSE 'source' END
            FROM (SELECT d.*, d.stage ~* 'won\M' AS won, d.stage ~* '(lost|churned|cancell?ed|disqualified)\M' AS lost,
                         d.stage ~* '(prospect|qualif|engag|propos|negotiat|in.?progress|analysis|discover|demo|decision|quote|contract|appointment|presentation|open|new)' AS open
                  FROM (SELECT DISTINCT COALESCE(o.pipeline, '') AS pipeline, o.stage, o.is_closed, o.is_won FROM pg_temp.%1$s o WHERE o.stage IS NOT NULL) d
                  WHERE NOT EXISTS (SELECT FROM xsell.stage_map m WHERE m.org_id = $1 AND m.pipeline = d.pipeline AND m.stage = d.stage)) s
            ON CONFLICT DO NOTHING$stages$, stage);
        RETURN NEXT;
    END IF;
END
$$;
COMMENT ON FUNCTION xsell_internal.sync_merge_sql(text) IS
'The statements that merge this session''s staging table of an object, to be prepared once per session and run in this order: merge ($1 org, $2 run) returns how many records were written and how many of them are tombstones; insert is the same for records that are all new, and fails if one is not; forget (only when sync_check says noted; not prepared), repaired (only when a staged record is), money and stages take $1 alone.';

CREATE FUNCTION xsell_internal.sync_live(org text, object text, live text[], at timestamptz) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = on
AS $$
DECLARE
    swept bigint;
BEGIN
    EXECUTE format('UPDATE xsell.%I t SET deleted_at = $3, synced_at = now()
                    WHERE t.org_id = $1 AND t.deleted_at IS NULL
                      AND NOT EXISTS (SELECT FROM unnest($2) AS l(crm_id) WHERE l.crm_id = t.crm_id)', object)
    USING org, live, at;
    GET DIAGNOSTICS swept = ROW_COUNT;
    -- Also planned anew, with the number of ids known.
    EXECUTE 'UPDATE xsell_internal.source_record r SET deleted = true, content = 0
             WHERE r.org_id = $1 AND r.object = $2 AND NOT r.deleted
               AND NOT EXISTS (SELECT FROM unnest($3) AS l(crm_id) WHERE l.crm_id = r.crm_id)' USING org, object, live;
    RETURN swept;
END
$$;
COMMENT ON FUNCTION xsell_internal.sync_live(text, text, text[], timestamptz) IS
'Tombstones every live record of an object that is not among the given ids: for small sources that show the whole set and no deletes.';

CREATE FUNCTION xsell_internal.sync_sweep(org text, object text, at timestamptz) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = on
AS $$
DECLARE
    swept bigint;
BEGIN
    EXECUTE format('UPDATE xsell.%1$I t SET deleted_at = $2, synced_at = now()
                    WHERE t.org_id = $1 AND t.deleted_at IS NULL
                      AND NOT EXISTS (SELECT FROM xsell_internal.sync_seen s WHERE s.org_id = $1 AND s.object = %1$L AND s.crm_id = t.crm_id)', object)
    USING org, at;
    GET DIAGNOSTICS swept = ROW_COUNT;
    EXECUTE 'UPDATE xsell_internal.source_record r SET deleted = true, content = 0
             WHERE r.org_id = $1 AND r.object = $2 AND NOT r.deleted
               AND NOT EXISTS (SELECT FROM xsell_internal.sync_seen s WHERE s.org_id = $1 AND s.object = $2 AND s.crm_id = r.crm_id)' USING org, object;
    RETURN swept;
END
$$;
COMMENT ON FUNCTION xsell_internal.sync_sweep(text, text, timestamptz) IS 'Tombstones every live record of an object that a reading of the whole set has not shown.';

CREATE FUNCTION xsell_internal.sync_replace(org text, object text, parent_column text, parents text[], shown text[], at timestamptz) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    gone bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM xsell_internal.sync_columns(object) c WHERE c.name = parent_column AND c.type = 'text') THEN
        RAISE EXCEPTION 'object "%" has no column "%" that could name a parent', object, parent_column USING ERRCODE = 'invalid_parameter_value';
    END IF;
    EXECUTE format('WITH gone AS (
                        UPDATE xsell.%1$I t SET deleted_at = $4, synced_at = now()
                        WHERE t.org_id = $1 AND t.%2$I = ANY ($2) AND t.deleted_at IS NULL AND t.crm_id <> ALL ($3)
                        RETURNING t.crm_id
                    ), marked AS (
                        UPDATE xsell_internal.source_record r SET deleted = true, content = 0 FROM gone g
                        WHERE r.org_id = $1 AND r.object = %1$L AND r.crm_id = g.crm_id
                    )
                    SELECT count(*) FROM gone', object, parent_column)
    INTO gone USING org, parents, shown, at;
    RETURN gone;
END
$$;
COMMENT ON FUNCTION xsell_internal.sync_replace(text, text, text, text[], text[], timestamptz) IS
'Tombstones the live children of the given parents that are not among the shown ids: for children that are read with their parent.';

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

CREATE FUNCTION xsell_internal.refresh_base_amounts(currencies text[] DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = on
AS $$
DECLARE
    def xsell_internal.sync_object;
    touched bigint;
    total bigint := 0;
BEGIN
    FOR def IN SELECT * FROM xsell_internal.sync_object o WHERE o.money_column IS NOT NULL LOOP
        EXECUTE format('UPDATE xsell.%1$I t SET %3$I = n.base
                        FROM (SELECT c.org_id, c.crm_id, xsell.to_base(c.%2$I, COALESCE(c.currency, o.currency), %4$s) AS base
                              FROM (SELECT * FROM xsell.%1$I) c LEFT JOIN (SELECT org_id, currency FROM xsell.org) o USING (org_id)
                              WHERE $1 IS NULL OR COALESCE(c.currency, o.currency) = ANY ($1)) n
                        WHERE n.org_id = t.org_id AND n.crm_id = t.crm_id AND t.%3$I IS DISTINCT FROM n.base',
                       def.object, def.money_column, def.base_column, replace(def.money_date, 'modified_at', 'c.modified_at')) USING currencies;
        GET DIAGNOSTICS touched = ROW_COUNT;
        total := total + touched;
        EXECUTE format('DELETE FROM xsell_internal.data_quality q USING xsell.%I t
                        WHERE q.org_id = t.org_id AND q.object = $1 AND q.crm_id = t.crm_id AND q.problem = ''no exchange rate'' AND t.%I IS NOT NULL',
                       def.object, def.base_column) USING def.object;
    END LOOP;
    RETURN total;
END
$$;
COMMENT ON FUNCTION xsell_internal.refresh_base_amounts(text[]) IS
'Recomputes the *_base columns after rates or the base currency changed, of amounts in the given currencies or of all; returns how many values moved.';

-- One statement each: the extension's own row cannot be updated twice by one command.
DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['source_record', 'dead_letter', 'dead_letter_dead_letter_id_seq', 'data_quality'] LOOP
        PERFORM pg_catalog.pg_extension_config_dump(('xsell_internal.' || kept)::pg_catalog.regclass, '');
    END LOOP;
END
$$;
