-- What sources say besides their records: exchange rates, and the fields that their records have.

CREATE TABLE xsell_internal.source_field (
    org_id      text NOT NULL,
    object      text NOT NULL,
    field       text NOT NULL,
    type        text NOT NULL,
    always      boolean NOT NULL,
    first_seen  timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    last_seen   timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    vanished_at timestamptz,
    PRIMARY KEY (org_id, object, field)
) WITH (fillfactor = 70);
COMMENT ON TABLE xsell_internal.source_field IS 'The fields of each source''s own records, as the last completed reading saw them.';
COMMENT ON COLUMN xsell_internal.source_field.type IS 'string, number, boolean, object or array; empty: null wherever it was seen.';
COMMENT ON COLUMN xsell_internal.source_field.always IS 'Every record that was ever looked at had it.';

CREATE TABLE xsell_internal.schema_change (
    change_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org_id     text NOT NULL,
    object     text NOT NULL,
    field      text NOT NULL,
    change     text NOT NULL CHECK (change IN ('new', 'vanished', 'retyped')),
    old_type   text NOT NULL DEFAULT '',
    new_type   text NOT NULL DEFAULT '',
    run_id     bigint NOT NULL,
    noticed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    times      integer NOT NULL DEFAULT 1,
    UNIQUE (org_id, object, field, change, old_type, new_type)
);
COMMENT ON TABLE xsell_internal.schema_change IS 'Fields that appeared in a source''s records, vanished from them or changed their type.';

CREATE TABLE xsell_internal.sync_field (
    org_id text NOT NULL,
    run_id bigint NOT NULL,
    field  text NOT NULL,
    type   text NOT NULL,
    always boolean NOT NULL,
    PRIMARY KEY (run_id, field)
);
COMMENT ON TABLE xsell_internal.sync_field IS 'The fields that a run has seen so far; compared with source_field when it completes.';

CREATE FUNCTION xsell_internal.sync_fields(page bigint, fields text[], types text[], always boolean[]) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    run xsell_internal.sync_run;
    first boolean;
BEGIN
    SELECT r.* INTO STRICT run FROM xsell_internal.sync_page p JOIN xsell_internal.sync_run r ON r.run_id = p.run_id WHERE p.page_id = page;
    first := NOT EXISTS (SELECT FROM xsell_internal.sync_field f WHERE f.run_id = run.run_id);
    -- A field that one page lacks, or that only a later page has, is not in every record.
    UPDATE xsell_internal.sync_field f SET always = false
    WHERE f.run_id = run.run_id AND f.always AND f.field <> ALL (sync_fields.fields);
    UPDATE xsell_internal.sync_field f SET type = CASE WHEN u.type = '' THEN f.type ELSE u.type END, always = f.always AND u.always
    FROM ROWS FROM (unnest(sync_fields.fields), unnest(types), unnest(sync_fields.always)) AS u(field, type, always)
    WHERE f.run_id = run.run_id AND f.field = u.field AND (f.type <> u.type AND u.type <> '' OR f.always AND NOT u.always);
    INSERT INTO xsell_internal.sync_field (org_id, run_id, field, type, always)
    SELECT run.org_id, run.run_id, u.field, u.type, u.always AND first
    FROM ROWS FROM (unnest(sync_fields.fields), unnest(types), unnest(sync_fields.always)) AS u(field, type, always) ORDER BY u.field
    ON CONFLICT DO NOTHING;
END
$$;
COMMENT ON FUNCTION xsell_internal.sync_fields(bigint, text[], text[], boolean[]) IS
'Notes all the fields of a page: name, type, and whether every record of the page had it. A worker need not repeat a page''s fields for a page that has the same.';

CREATE FUNCTION xsell_internal.sync_learn_fields(run bigint) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ended xsell_internal.sync_run;
    known boolean;
BEGIN
    SELECT * INTO STRICT ended FROM xsell_internal.sync_run r WHERE r.run_id = run;
    IF NOT EXISTS (SELECT FROM xsell_internal.sync_field f WHERE f.run_id = run) THEN
        RETURN;
    END IF;
    known := EXISTS (SELECT FROM xsell_internal.source_field s WHERE s.org_id = ended.org_id AND s.object = ended.object);
    -- The first reading learns the fields; later ones compare.
    INSERT INTO xsell_internal.schema_change AS c (org_id, object, field, change, old_type, new_type, run_id)
    SELECT ended.org_id, ended.object, COALESCE(f.field, s.field), d.change, CASE WHEN d.change = 'new' THEN '' ELSE s.type END, COALESCE(f.type, ''), run
    FROM (SELECT * FROM xsell_internal.sync_field f WHERE f.run_id = run) f
    FULL JOIN (SELECT * FROM xsell_internal.source_field s WHERE s.org_id = ended.org_id AND s.object = ended.object) s USING (field)
    CROSS JOIN LATERAL (SELECT CASE WHEN s.field IS NULL OR f.field IS NOT NULL AND s.vanished_at IS NOT NULL THEN 'new'
                                    WHEN f.field IS NULL AND s.always AND s.vanished_at IS NULL AND ended.fetched >= 100 THEN 'vanished'
                                    WHEN f.type <> s.type AND f.type <> '' AND s.type <> '' THEN 'retyped' END AS change) d
    WHERE known AND d.change IS NOT NULL
    ON CONFLICT (org_id, object, field, change, old_type, new_type) DO UPDATE SET noticed_at = clock_timestamp(), times = c.times + 1, run_id = excluded.run_id;
    UPDATE xsell_internal.source_field s SET vanished_at = clock_timestamp()
    WHERE s.org_id = ended.org_id AND s.object = ended.object AND s.always AND s.vanished_at IS NULL AND ended.fetched >= 100
      AND NOT EXISTS (SELECT FROM xsell_internal.sync_field f WHERE f.run_id = run AND f.field = s.field);
    INSERT INTO xsell_internal.source_field AS s (org_id, object, field, type, always)
    SELECT f.org_id, ended.object, f.field, f.type, f.always FROM xsell_internal.sync_field f WHERE f.run_id = run ORDER BY f.field
    ON CONFLICT (org_id, object, field) DO UPDATE
    SET type = CASE WHEN excluded.type = '' THEN s.type ELSE excluded.type END, always = s.always AND excluded.always, last_seen = clock_timestamp(), vanished_at = NULL;
    DELETE FROM xsell_internal.sync_field f WHERE f.run_id = run;
END
$$;
COMMENT ON FUNCTION xsell_internal.sync_learn_fields(bigint) IS
'Compares the fields of a completed run with what was known of the source. Vanished are fields that every record had before and no record of a whole run of 100 or more has.';

CREATE FUNCTION xsell_internal.sync_rates(page bigint, homes text[], currencies text[], days text[], rates text[]) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    moved text[];
BEGIN
    WITH given AS (
        SELECT DISTINCT ON (1, 2, 3) u.home, u.currency, u.day::date AS day, u.rate
        FROM (SELECT r.home, r.currency, r.day, CASE WHEN r.rate ~ '^[0-9]+([.][0-9]+)?([eE][+-]?[0-9]{1,3})?$' THEN r.rate::numeric END AS rate
              FROM ROWS FROM (unnest(homes), unnest(currencies), unnest(days), unnest(rates)) AS r(home, currency, day, rate)) u
        WHERE u.home <> u.currency AND u.home ~ '^[A-Z]{3}$' AND u.currency ~ '^[A-Z]{3}$' AND u.rate > 0 ORDER BY 1, 2, 3, 4
    ), stored AS (
        INSERT INTO xsell_internal.source_rate AS r (org_id, home, currency, valid_from, rate)
        SELECT p.org_id, g.home, g.currency, g.day, g.rate FROM given g, xsell_internal.sync_page p WHERE p.page_id = page
        ON CONFLICT (org_id, home, currency, valid_from) DO UPDATE SET rate = excluded.rate WHERE r.rate <> excluded.rate
        RETURNING r.home, r.currency
    )
    SELECT array_agg(DISTINCT c.currency) INTO moved FROM stored s, unnest(ARRAY[s.home, s.currency]) AS c(currency);
    IF moved IS NOT NULL THEN
        -- A new rate of the base currency itself moves everything that is converted through the same home.
        UPDATE xsell_internal.sync_run r
        SET repriced = ARRAY(SELECT DISTINCT c FROM unnest(r.repriced || moved || CASE WHEN xsell.base_currency() = ANY (moved)
                             THEN ARRAY(SELECT k.currency FROM xsell_internal.source_rate k WHERE k.home = ANY (moved)) END) AS c)
        FROM xsell_internal.sync_page p WHERE p.page_id = page AND r.run_id = p.run_id;
    END IF;
    RETURN COALESCE(cardinality(moved), 0);
END
$$;
COMMENT ON FUNCTION xsell_internal.sync_rates(bigint, text[], text[], text[], text[]) IS
'Stores the exchange rates that a page states (one unit of a currency in units of the home currency, from a day on); amounts are recomputed when the run completes. What is no rate (zero, no number, no currency) is passed over. Returns how many currencies that touches.';

-- One statement each: the extension's own row cannot be updated twice by one command.
DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['source_field', 'schema_change', 'schema_change_change_id_seq', 'sync_field'] LOOP
        PERFORM pg_catalog.pg_extension_config_dump(('xsell_internal.' || kept)::pg_catalog.regclass, '');
    END LOOP;
END
$$;
