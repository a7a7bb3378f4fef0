-- Taking an org out: its rows, and which models have learnt from them.

CREATE FUNCTION xsell.org_models(org text) RETURNS TABLE (model text, version integer, trained_at timestamptz, roles text)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT v.model, v.version, v.trained_at,
           (SELECT pg_catalog.string_agg(d.role, ', ' ORDER BY d.role) FROM xsell_internal.deployment d WHERE d.model = v.model AND d.version = v.version)
    FROM xsell_internal.model_version v
    WHERE v.trained_at >= (SELECT LEAST(o.created_at, (SELECT pg_catalog.min(r.started_at) FROM xsell_internal.sync_run r WHERE r.org_id = o.org_id))
                           FROM xsell.org o WHERE o.org_id = org_models.org)
    ORDER BY 1, 2;
END;
COMMENT ON FUNCTION xsell.org_models(text) IS
'Versions that were trained since the org was first known, and so may have learnt from its rows; roles: champion, challenger or shadow where deployed.';

-- Runs as the owner: nobody else may touch health data and grants.
CREATE FUNCTION xsell_internal.sync_purge_org(org text) RETURNS TABLE (relation text, removed bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    pages bigint := 0;
    key name;
BEGIN
    IF NOT EXISTS (SELECT FROM xsell.org o WHERE o.org_id = org) THEN
        RAISE EXCEPTION 'there is no org "%"', org USING ERRCODE = 'no_data_found', HINT = 'SELECT org_id FROM xsell.org lists them.';
    END IF;
    -- The queue goes first: a page that is being stored is waited for, with the page that it leads to; none can be stored afterwards.
    PERFORM pg_advisory_xact_lock(hashtextextended('xsell.sync.open ' || org, 0));
    LOOP
        DELETE FROM xsell_internal.sync_page p WHERE p.org_id = org;
        GET DIAGNOSTICS removed = ROW_COUNT;
        EXIT WHEN removed = 0;
        pages := pages + removed;
    END LOOP;
    -- What sums up a customer is keyed by the entity alone. Models of one's own number theirs as they like.
    relation := 'xsell_internal.feature_snapshot';
    DELETE FROM xsell_internal.feature_snapshot n USING xsell_internal.feature_set s
    WHERE s.name = n.feature_set AND s.version = n.version AND s.owner IS NULL
      AND n.entity_id IN (SELECT k.entity_id FROM xsell_internal.entity_account k WHERE k.org_id = org);
    GET DIAGNOSTICS removed = ROW_COUNT;
    IF removed > 0 THEN
        RETURN NEXT;
    END IF;
    FOREACH relation IN ARRAY ARRAY['xsell_internal.exposure', 'xsell_internal.outcome'] LOOP
        EXECUTE format('DELETE FROM %s e USING xsell_internal.model m WHERE m.model = e.model AND m.label_query IS NULL AND e.entity_id IN (
            SELECT k.entity_id FROM xsell_internal.entity_account k GROUP BY k.entity_id HAVING bool_and(k.org_id = $1))', relation) USING org;
        GET DIAGNOSTICS removed = ROW_COUNT;
        IF removed > 0 THEN
            RETURN NEXT;
        END IF;
    END LOOP;
    -- Everything that is keyed by an org has a column org_id, or one for each of two orgs; the org itself goes last, but for the log of its going.
    FOR relation, key IN
        SELECT format('%I.%I', n.nspname, c.relname), a.attname
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname IN ('xsell', 'xsell_internal')
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname IN ('org_id', 'org1_id', 'org2_id', 'org_a', 'org_b') AND NOT a.attisdropped
        WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
        -- What goes with an account is counted before the accounts take it along.
        ORDER BY n.nspname = 'xsell' AND c.relname = 'org', c.relname NOT IN ('account_score', 'pair', 'whitespace_customer'), 1, 2
    LOOP
        EXECUTE format('DELETE FROM %s WHERE %I = $1', relation, key) USING org;
        GET DIAGNOSTICS removed = ROW_COUNT;
        removed := removed + CASE WHEN relation = 'xsell_internal.sync_page' THEN pages ELSE 0 END;
        IF removed > 0 THEN
            RETURN NEXT;
        END IF;
    END LOOP;
    relation := 'xsell_internal.change_log';
    DELETE FROM xsell_internal.change_log l WHERE org = ANY (l.orgs);
    GET DIAGNOSTICS removed = ROW_COUNT;
    IF removed > 0 THEN
        RETURN NEXT;
    END IF;
END
$$;
COMMENT ON FUNCTION xsell_internal.sync_purge_org(text) IS
'Deletes every row of an org from every table, the org and its grants included, and returns what was removed from where. Kept features of its customers go too, and exposures and outcomes of those that it alone had; entities and recommendations follow with the next refresh. Models keep what they have learnt: xsell.org_models names them beforehand.';
