-- What changed since somebody last looked, by entity. A row that says so is one that no transaction over by then can have written:
-- its xmin is not before the oldest transaction that was running. So no clock is trusted, a transaction that commits late is never
-- missed, and one that was open when somebody looked is looked at twice at most.

CREATE TABLE xsell_internal.entity_change (
    entity_id bigint NOT NULL
);
COMMENT ON TABLE xsell_internal.entity_change IS
'Entities that lost something: an account that went to another, a deal that did, a record that was erased; and those whose purchases changed. What was written can be found where it is; this is what cannot.';

CREATE TABLE xsell_internal.entity_change_mark (
    name   text PRIMARY KEY,
    oldest xid8 NOT NULL,
    at     timestamptz NOT NULL,
    inputs text
);
COMMENT ON TABLE xsell_internal.entity_change_mark IS
'Up to where each reader of changes has read. The row''s own xmin and cmin tell what its transaction had written before. Not dumped: elsewhere everything is read anew.';
COMMENT ON COLUMN xsell_internal.entity_change_mark.oldest IS 'Every transaction before this one was over, and seen.';
COMMENT ON COLUMN xsell_internal.entity_change_mark.at IS 'The time of the business then.';
COMMENT ON COLUMN xsell_internal.entity_change_mark.inputs IS 'A fingerprint of what is no record of any entity, and counts for all.';

-- Rows that went elsewhere or away, seen from where they were. Updates fire only for the rows that moved.
CREATE FUNCTION xsell_internal.note_moved() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    account text := to_jsonb(OLD) ->> 'account_id';
BEGIN
    IF TG_TABLE_NAME = 'opportunity_line' THEN
        account := (SELECT o.account_id FROM xsell.opportunity o WHERE o.org_id = OLD.org_id AND o.crm_id = OLD.opportunity_id);
    END IF;
    INSERT INTO xsell_internal.entity_change (entity_id)
    SELECT e.entity_id FROM xsell_internal.entity_account e WHERE e.org_id = OLD.org_id AND e.account_id = account;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION xsell_internal.note_moved() IS 'Notes the entity that a record belonged to before it moved to another account.';

CREATE FUNCTION xsell_internal.note_removed() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_TABLE_NAME = 'account' THEN
        INSERT INTO xsell_internal.entity_change (entity_id)
        SELECT DISTINCT e.entity_id FROM gone g JOIN xsell_internal.entity_account e ON e.org_id = g.org_id AND e.account_id = g.crm_id;
    ELSIF TG_TABLE_NAME = 'opportunity_line' THEN
        INSERT INTO xsell_internal.entity_change (entity_id)
        SELECT DISTINCT e.entity_id FROM gone g
        JOIN xsell.opportunity o ON o.org_id = g.org_id AND o.crm_id = g.opportunity_id
        JOIN xsell_internal.entity_account e ON e.org_id = o.org_id AND e.account_id = o.account_id;
    ELSE
        INSERT INTO xsell_internal.entity_change (entity_id)
        SELECT DISTINCT e.entity_id FROM gone g JOIN xsell_internal.entity_account e ON e.org_id = g.org_id AND e.account_id = g.account_id;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION xsell_internal.note_removed() IS 'Notes the entities whose records were removed for good: erased, or with their org.';

CREATE FUNCTION xsell_internal.note_resolved() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO xsell_internal.entity_change (entity_id) SELECT DISTINCT g.entity_id FROM gone g;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION xsell_internal.note_resolved() IS 'Notes the entities that accounts were taken from.';

DO $$
DECLARE
    crm_table text;
BEGIN
    FOREACH crm_table IN ARRAY ARRAY['account', 'contact', 'opportunity', 'opportunity_line', 'asset', 'activity'] LOOP
        EXECUTE pg_catalog.format('CREATE TRIGGER note_removed AFTER DELETE ON xsell.%I REFERENCING OLD TABLE AS gone
                        FOR EACH STATEMENT EXECUTE FUNCTION xsell_internal.note_removed()', crm_table);
        IF crm_table <> 'account' THEN
            EXECUTE pg_catalog.format('CREATE TRIGGER note_moved AFTER UPDATE OF %1$I ON xsell.%2$I FOR EACH ROW
                            WHEN (OLD.%1$I IS NOT NULL AND OLD.%1$I IS DISTINCT FROM NEW.%1$I) EXECUTE FUNCTION xsell_internal.note_moved()',
                           CASE crm_table WHEN 'opportunity_line' THEN 'opportunity_id' ELSE 'account_id' END, crm_table);
        END IF;
    END LOOP;
END
$$;
CREATE TRIGGER note_removed AFTER DELETE ON xsell_internal.entity_account REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION xsell_internal.note_resolved();
CREATE TRIGGER note_updated AFTER UPDATE ON xsell_internal.entity_account REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION xsell_internal.note_resolved();

-- One pass over each table: an index on when a row was written would cost every sync more than this costs a refresh.
CREATE FUNCTION xsell_internal.written_entities(oldest xid8, own xid, command bigint, purchases_only boolean DEFAULT false) RETURNS SETOF bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    reach integer := age(oldest::xid);
BEGIN
    RETURN QUERY
    WITH account AS (
        SELECT t.org_id, t.account_id FROM xsell_internal.entity_account t WHERE age(t.xmin) <= reach AND (t.xmin <> own OR t.cmin::text::bigint >= command)
        UNION ALL
        SELECT t.org_id, t.account_id FROM xsell.opportunity t WHERE age(t.xmin) <= reach AND (t.xmin <> own OR t.cmin::text::bigint >= command)
        UNION ALL
        SELECT t.org_id, t.account_id FROM xsell.asset t WHERE age(t.xmin) <= reach AND (t.xmin <> own OR t.cmin::text::bigint >= command)
        UNION ALL
        SELECT o.org_id, o.account_id
        FROM (SELECT t.org_id, t.opportunity_id FROM xsell.opportunity_line t
              WHERE age(t.xmin) <= reach AND (t.xmin <> own OR t.cmin::text::bigint >= command) GROUP BY 1, 2) l
        CROSS JOIN LATERAL (SELECT o.org_id, o.account_id FROM xsell.opportunity o  -- one by one: few lines are expected, whatever is estimated
                            WHERE o.org_id = l.org_id AND o.crm_id = l.opportunity_id OFFSET 0) o
        UNION ALL
        SELECT t.org_id, t.crm_id FROM xsell.account t
        WHERE NOT purchases_only AND age(t.xmin) <= reach AND (t.xmin <> own OR t.cmin::text::bigint >= command)
        UNION ALL
        SELECT t.org_id, t.account_id FROM xsell.contact t
        WHERE NOT purchases_only AND age(t.xmin) <= reach AND (t.xmin <> own OR t.cmin::text::bigint >= command)
        UNION ALL  -- by way of the deal or the contact, where an activity names no account
        SELECT v.org_id, COALESCE(v.account_id, o.account_id, c.account_id)
        FROM (SELECT t.org_id, t.account_id, t.opportunity_id, t.contact_id FROM xsell.activity t
              WHERE NOT purchases_only AND age(t.xmin) <= reach AND (t.xmin <> own OR t.cmin::text::bigint >= command)) v
        LEFT JOIN xsell.opportunity o ON v.account_id IS NULL AND o.org_id = v.org_id AND o.crm_id = v.opportunity_id
        LEFT JOIN xsell.contact c ON v.account_id IS NULL AND c.org_id = v.org_id AND c.crm_id = v.contact_id
    )
    SELECT e.entity_id FROM (SELECT DISTINCT a.org_id, a.account_id FROM account a) a
    JOIN xsell_internal.entity_account e ON e.org_id = a.org_id AND e.account_id = a.account_id
    UNION
    SELECT t.entity_id FROM xsell_internal.entity_change t WHERE age(t.xmin) <= reach AND (t.xmin <> own OR t.cmin::text::bigint >= command);
END
$$;
COMMENT ON FUNCTION xsell_internal.written_entities(xid8, xid, bigint, boolean) IS
'Entities with a record written since: by a transaction not before the oldest, except by one''s own before a command. purchases_only: accounts, contacts and activities aside.';

CREATE FUNCTION xsell_internal.mark_reaches(oldest xid8) RETURNS boolean
LANGUAGE sql STABLE
RETURN COALESCE(pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text::numeric - oldest::text::numeric < 1000000000, false);
COMMENT ON FUNCTION xsell_internal.mark_reaches(xid8) IS 'Whether rows written since then can be told: there is a mark, and the ids of transactions have not come round since.';

CREATE FUNCTION xsell_internal.close_mark(mark text) RETURNS void
LANGUAGE sql VOLATILE
BEGIN ATOMIC
    -- A new row version, whose command comes after all that the reader wrote.
    UPDATE xsell_internal.entity_change_mark AS m SET oldest = m.oldest WHERE m.name = mark;
END;
COMMENT ON FUNCTION xsell_internal.close_mark(text) IS 'Once a reader of changes has acted on them: what it wrote itself in this transaction is no news to it.';

CREATE FUNCTION xsell_internal.touched_entities(mark text DEFAULT 'recommendations') RETURNS SETOF bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM xsell_internal.entity_change_mark m WHERE m.name = mark AND xsell_internal.mark_reaches(m.oldest)) THEN
        RETURN QUERY SELECT e.entity_id FROM xsell_internal.entity e;
    ELSE
        RETURN QUERY SELECT w.entity_id FROM xsell_internal.entity_change_mark m, xsell_internal.written_entities(m.oldest, m.xmin, m.cmin::text::bigint) AS w(entity_id)
                     WHERE m.name = mark;
    END IF;
END
$$;
COMMENT ON FUNCTION xsell_internal.touched_entities(text) IS
'Entities with an account, contact, deal, line, asset, activity, purchase or membership that changed since the mark; all where there is none. Only looks: take_touched_entities moves the mark.';

CREATE FUNCTION xsell_internal.take_touched_entities(mark text DEFAULT 'recommendations', inputs text DEFAULT NULL, purchases_only boolean DEFAULT false)
RETURNS bigint[]
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    before record;
BEGIN
    SELECT m.oldest, m.xmin AS own, m.cmin::text::bigint AS command, m.inputs INTO before
    FROM xsell_internal.entity_change_mark m WHERE m.name = mark FOR UPDATE;
    -- First the mark, then the look: what is committed in between is seen now and again, never missed.
    INSERT INTO xsell_internal.entity_change_mark AS m (name, oldest, at, inputs)
    VALUES (mark, pg_snapshot_xmin(pg_current_snapshot()), xsell.clock(), take_touched_entities.inputs)
    ON CONFLICT (name) DO UPDATE SET oldest = excluded.oldest, at = excluded.at, inputs = excluded.inputs;
    IF NOT xsell_internal.mark_reaches(before.oldest) OR before.inputs IS DISTINCT FROM take_touched_entities.inputs THEN
        RETURN NULL;
    END IF;
    RETURN ARRAY(SELECT w.entity_id FROM xsell_internal.written_entities(before.oldest, before.own, before.command, purchases_only) AS w(entity_id)
                 ORDER BY w.entity_id);
END
$$;
COMMENT ON FUNCTION xsell_internal.take_touched_entities(text, text, boolean) IS
'What touched_entities says, and moves the mark, so that the next call answers from here on. NULL: everything, since there was no mark, the given fingerprint of other inputs is another, or the mark is too old.';

SELECT pg_catalog.pg_extension_config_dump('xsell_internal.entity_change', 'WHERE false');
SELECT pg_catalog.pg_extension_config_dump('xsell_internal.entity_change_mark', 'WHERE false');
