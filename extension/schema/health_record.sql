-- Health data, apart from everything else: what a connector keeps out of the records it hands over (xsell_internal.source_record,
-- the typed tables, attributes, dead letters). Members of xsell_health read it, within the orgs granted to them; nobody else does,
-- not even the roles that write it or administer the rest. A dump holds it like every other table: guard dumps of such orgs.

CREATE TABLE xsell_internal.health_record (
    org_id     text NOT NULL,
    object     text NOT NULL,
    crm_id     text NOT NULL,
    content    jsonb NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (org_id, object, crm_id)
);
COMMENT ON TABLE xsell_internal.health_record IS
'Fields of source records that are health data or may hold it (AxisCare); readable by xsell_health alone, and part of no feature, reason, log, dead letter or export.';
COMMENT ON COLUMN xsell_internal.health_record.content IS 'What the source says beyond the record in xsell_internal.source_record: the same JSON without what is kept there.';
COMMENT ON COLUMN xsell_internal.health_record.updated_at IS 'When it was last different.';

-- Runs as the owner, as sync_purge_org does: who calls it can write, and read nothing back, not even through an error or a count of changes.
CREATE FUNCTION xsell_internal.sync_asides(org text, object text, ids text[], contents text[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF cardinality(ids) IS DISTINCT FROM cardinality(contents) THEN
        RAISE EXCEPTION 'as many ids as contents are needed' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    BEGIN
        -- The last one of an id counts; an empty object means that nothing is left to keep apart.
        WITH incoming AS (
            SELECT DISTINCT ON (i.crm_id) i.crm_id, i.content::jsonb AS content
            FROM unnest(ids, contents) WITH ORDINALITY AS i(crm_id, content, place)
            ORDER BY i.crm_id, i.place DESC
        ), gone AS (
            DELETE FROM xsell_internal.health_record h USING incoming i
            WHERE h.org_id = org AND h.object = sync_asides.object AND h.crm_id = i.crm_id AND i.content = '{}'
        )
        INSERT INTO xsell_internal.health_record AS h (org_id, object, crm_id, content)
        SELECT org, sync_asides.object, i.crm_id, i.content FROM incoming i WHERE i.content <> '{}'
        ON CONFLICT ON CONSTRAINT health_record_pkey DO UPDATE SET content = excluded.content, updated_at = clock_timestamp()
        WHERE h.content <> excluded.content;
    EXCEPTION WHEN data_exception THEN
        -- PostgreSQL quotes what it cannot read; that text must not reach a log.
        RAISE EXCEPTION 'health data of % % is no JSON that can be stored', org, object USING ERRCODE = 'invalid_text_representation';
    END;
END
$$;
COMMENT ON FUNCTION xsell_internal.sync_asides(text, text, text[], text[]) IS
'Stores what a page''s records say that only xsell_health may read: ids[i] says contents[i], a JSON object; an empty one removes what was stored. Called in the transaction of the page.';

DO $$
BEGIN
    PERFORM pg_catalog.pg_extension_config_dump('xsell_internal.health_record'::pg_catalog.regclass, '');
END
$$;
