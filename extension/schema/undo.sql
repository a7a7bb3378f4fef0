-- Taking changes by hand back, and reading them.

CREATE FUNCTION xsell_internal.take_back(changes bigint[]) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted constant bigint[] := ARRAY(SELECT l.change_id FROM xsell_internal.change_log l
        WHERE l.change_id = ANY (changes) AND NOT EXISTS (SELECT FROM xsell_internal.change_log u WHERE u.undoes = l.change_id));
    actions constant text[] := ARRAY(SELECT DISTINCT l.action FROM xsell_internal.change_log l WHERE l.change_id = ANY (wanted));
    taken bigint := 0;
    rows bigint;
BEGIN
    IF 'status' = ANY (actions) THEN
        UPDATE xsell_internal.recommendation r SET status = l.before ->> 'status', status_note = l.before ->> 'status_note'
        FROM xsell_internal.change_log l
        WHERE l.change_id = ANY (wanted) AND l.action = 'status' AND r.recommendation_id = l.recommendation_id
          AND (r.status, r.status_note) IS NOT DISTINCT FROM (l.after ->> 'status', l.after ->> 'status_note');
        GET DIAGNOSTICS rows = ROW_COUNT;
        taken := taken + rows;
    END IF;
    IF 'assign' = ANY (actions) THEN
        UPDATE xsell_internal.recommendation r SET assigned_to = l.before ->> 'assigned_to'
        FROM xsell_internal.change_log l
        WHERE l.change_id = ANY (wanted) AND l.action = 'assign' AND r.recommendation_id = l.recommendation_id
          AND r.assigned_to IS NOT DISTINCT FROM l.after ->> 'assigned_to';
        GET DIAGNOSTICS rows = ROW_COUNT;
        taken := taken + rows;
    END IF;
    IF 'suppress' = ANY (actions) THEN
        MERGE INTO xsell_internal.suppression s
        USING (SELECT * FROM xsell_internal.change_log c WHERE c.change_id = ANY (wanted) AND c.action = 'suppress') l
        ON s.entity_id = l.entity_id AND s.product_id IS NOT DISTINCT FROM l.product_id AND s.org_id IS NOT DISTINCT FROM l.orgs[1]
        WHEN MATCHED AND l.after IS NOT NULL AND l.before IS NULL
             AND (s.until, s.note) IS NOT DISTINCT FROM ((l.after ->> 'until')::timestamptz, l.after ->> 'note') THEN DELETE
        WHEN MATCHED AND l.after IS NOT NULL AND (s.until, s.note) IS NOT DISTINCT FROM ((l.after ->> 'until')::timestamptz, l.after ->> 'note') THEN
            UPDATE SET until = (l.before ->> 'until')::timestamptz, note = l.before ->> 'note'
        WHEN NOT MATCHED AND l.after IS NULL THEN
            INSERT (entity_id, product_id, org_id, until, note)
            VALUES (l.entity_id, l.product_id, l.orgs[1], (l.before ->> 'until')::timestamptz, l.before ->> 'note');
        GET DIAGNOSTICS rows = ROW_COUNT;
        taken := taken + rows;
    END IF;
    IF 'match' = ANY (actions) THEN
        MERGE INTO xsell_internal.match_decision d
        USING (SELECT c.*, t.* FROM xsell_internal.change_log c
               CROSS JOIN LATERAL jsonb_to_record(c.target) AS t(org_a text, account_a text, org_b text, account_b text)
               WHERE c.change_id = ANY (wanted) AND c.action = 'match') l
        ON (d.org_a, d.account_a, d.org_b, d.account_b) = (l.org_a, l.account_a, l.org_b, l.account_b)
        WHEN MATCHED AND l.after IS NOT NULL AND l.before IS NULL AND (d.same, d.note) IS NOT DISTINCT FROM ((l.after ->> 'same')::boolean, l.after ->> 'note') THEN DELETE
        WHEN MATCHED AND l.after IS NOT NULL AND (d.same, d.note) IS NOT DISTINCT FROM ((l.after ->> 'same')::boolean, l.after ->> 'note') THEN
            UPDATE SET same = (l.before ->> 'same')::boolean, note = l.before ->> 'note'
        WHEN NOT MATCHED AND l.after IS NULL THEN
            INSERT (org_a, account_a, org_b, account_b, same, note)
            VALUES (l.org_a, l.account_a, l.org_b, l.account_b, (l.before ->> 'same')::boolean, l.before ->> 'note');
        GET DIAGNOSTICS rows = ROW_COUNT;
        taken := taken + rows;
        PERFORM xsell_internal.apply_match_decisions();
    END IF;
    IF 'product' = ANY (actions) THEN
        UPDATE xsell_internal.product_map m SET product_id = (l.before ->> 'product_id')::bigint, method = l.before ->> 'method'
        FROM xsell_internal.change_log l
        WHERE l.change_id = ANY (wanted) AND l.action = 'product' AND l.before IS NOT NULL
          AND m.org_id = l.target ->> 'org_id' AND m.product_crm_id = l.target ->> 'product_crm_id'
          AND m.product_id = (l.after ->> 'product_id')::bigint AND (m.method = 'manual') = (l.after ->> 'method' = 'manual');
        GET DIAGNOSTICS rows = ROW_COUNT;
        taken := taken + rows;
        IF EXISTS (SELECT FROM xsell_internal.change_log l WHERE l.change_id = ANY (wanted) AND l.action = 'product' AND num_nulls(l.before, l.after) > 0) THEN
            -- Rows come and go by plain statements alone, of those who may.
            MERGE INTO xsell_internal.product_map m
            USING (SELECT c.*, t.* FROM xsell_internal.change_log c
                   CROSS JOIN LATERAL jsonb_to_record(c.target) AS t(org_id text, product_crm_id text)
                   WHERE c.change_id = ANY (wanted) AND c.action = 'product' AND num_nulls(c.before, c.after) > 0) l
            ON (m.org_id, m.product_crm_id) = (l.org_id, l.product_crm_id)
            WHEN MATCHED AND l.before IS NULL AND m.product_id = (l.after ->> 'product_id')::bigint THEN DELETE
            WHEN NOT MATCHED AND l.after IS NULL THEN
                INSERT (org_id, product_crm_id, product_id, method)
                VALUES (l.org_id, l.product_crm_id, (l.before ->> 'product_id')::bigint, l.before ->> 'method');
            GET DIAGNOSTICS rows = ROW_COUNT;
            taken := taken + rows;
        END IF;
    END IF;
    IF 'product_match' = ANY (actions) THEN
        MERGE INTO xsell_internal.product_decision d
        USING (SELECT c.*, t.* FROM xsell_internal.change_log c
               CROSS JOIN LATERAL jsonb_to_record(c.target) AS t(org_a text, product_a text, org_b text, product_b text)
               WHERE c.change_id = ANY (wanted) AND c.action = 'product_match') l
        ON (d.org_a, d.product_a, d.org_b, d.product_b) = (l.org_a, l.product_a, l.org_b, l.product_b)
        WHEN MATCHED AND l.after IS NOT NULL AND l.before IS NULL AND d.note IS NOT DISTINCT FROM l.after ->> 'note' THEN DELETE
        WHEN MATCHED AND l.after IS NOT NULL AND d.note IS NOT DISTINCT FROM l.after ->> 'note' THEN UPDATE SET note = l.before ->> 'note'
        WHEN NOT MATCHED AND l.after IS NULL THEN
            INSERT (org_a, product_a, org_b, product_b, note) VALUES (l.org_a, l.product_a, l.org_b, l.product_b, l.before ->> 'note');
        GET DIAGNOSTICS rows = ROW_COUNT;
        taken := taken + rows;
    END IF;
    IF actions && '{product,product_match}' THEN
        PERFORM xsell_internal.apply_product_map();
    END IF;
    IF 'stage' = ANY (actions) THEN
        UPDATE xsell.stage_map m
        SET closed = (l.before ->> 'closed')::boolean, won = (l.before ->> 'won')::boolean, is_purchase = (l.before ->> 'is_purchase')::boolean
        FROM (SELECT c.*, t.* FROM xsell_internal.change_log c CROSS JOIN LATERAL jsonb_to_record(c.target) AS t(org_id text, pipeline text, stage text)
              WHERE c.change_id = ANY (wanted) AND c.action = 'stage') l
        WHERE (m.org_id, m.pipeline, m.stage) = (l.org_id, l.pipeline, l.stage)
          AND (m.closed, m.won, m.is_purchase)
              IS NOT DISTINCT FROM ((l.after ->> 'closed')::boolean, (l.after ->> 'won')::boolean, (l.after ->> 'is_purchase')::boolean);
        GET DIAGNOSTICS rows = ROW_COUNT;
        taken := taken + rows;
    END IF;
    IF 'pair' = ANY (actions) THEN
        UPDATE xsell_internal.pair p SET status = l.before ->> 'status', notes = l.before ->> 'notes', assigned_to = l.before ->> 'assigned_to'
        FROM xsell_internal.change_log l
        WHERE l.change_id = ANY (wanted) AND l.action = 'pair' AND p.pair_id = (l.target ->> 'pair_id')::bigint
          AND (p.status, p.notes, p.assigned_to) IS NOT DISTINCT FROM (l.after ->> 'status', l.after ->> 'notes', l.after ->> 'assigned_to');
        GET DIAGNOSTICS rows = ROW_COUNT;
        taken := taken + rows;
    END IF;
    IF 'territory' = ANY (actions) THEN
        MERGE INTO xsell.territory_map m
        USING (SELECT c.change_id, c.before, c.after, t.map_id, t.org_id, p.priority, p.country, p.state, p.postal_prefix, p.industry, p.employees_from, p.employees_to,
                      p.owner_id, p.territory, p.team
               FROM xsell_internal.change_log c
               CROSS JOIN LATERAL jsonb_to_record(c.target) AS t(map_id bigint, org_id text)
               CROSS JOIN LATERAL jsonb_populate_record(NULL::xsell.territory_map, COALESCE(c.before, '{}')) p
               WHERE c.change_id = ANY (wanted) AND c.action = 'territory') l
        ON m.map_id = l.map_id AND m.org_id = l.org_id
        WHEN MATCHED AND l.after IS NOT NULL AND l.before IS NULL AND to_jsonb(m) @> l.after THEN DELETE
        WHEN MATCHED AND l.after IS NOT NULL AND to_jsonb(m) @> l.after THEN
            UPDATE SET priority = l.priority, country = l.country, state = l.state, postal_prefix = l.postal_prefix, industry = l.industry,
                employees_from = l.employees_from, employees_to = l.employees_to, owner_id = l.owner_id, territory = l.territory, team = l.team
        WHEN NOT MATCHED AND l.after IS NULL THEN
            INSERT (map_id, org_id, priority, country, state, postal_prefix, industry, employees_from, employees_to, owner_id, territory, team)
            OVERRIDING SYSTEM VALUE
            VALUES (l.map_id, l.org_id, l.priority, l.country, l.state, l.postal_prefix, l.industry, l.employees_from, l.employees_to, l.owner_id, l.territory, l.team);
        GET DIAGNOSTICS rows = ROW_COUNT;
        taken := taken + rows;
    END IF;
    RETURN taken;
END
$$;
COMMENT ON FUNCTION xsell_internal.take_back(bigint[]) IS
'Puts back what was there before each of the changes, where what it set is still in place, and what follows from it; returns how many.';

CREATE FUNCTION xsell_internal.require_all_orgs(changes bigint[]) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM xsell_internal.change_log l
               WHERE l.change_id = ANY (changes) AND l.action = 'suppress' AND l.orgs = '{}' AND NOT xsell_internal.sees_entity(l.entity_id)) THEN
        RAISE EXCEPTION 'the change is for every org' USING ERRCODE = 'insufficient_privilege',
            HINT = 'Somebody who sees every org that knows the customer can take it back, for all of them.';
    END IF;
END
$$;
COMMENT ON FUNCTION xsell_internal.require_all_orgs(bigint[]) IS 'An error where one of the changes decides for orgs that the caller does not see.';

CREATE FUNCTION xsell.undo(change_id bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    taken bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM xsell_internal.change_log l WHERE l.change_id = undo.change_id) THEN
        RAISE EXCEPTION 'change % does not exist', COALESCE(change_id::text, 'NULL') USING ERRCODE = 'undefined_object',
            HINT = 'SELECT * FROM xsell.change_history lists the changes that you may see.';
    END IF;
    PERFORM xsell_internal.require_all_orgs(ARRAY[change_id]);
    PERFORM set_config('xsell_internal.batch', '', true), set_config('xsell_internal.undoes', 'change ' || change_id, true);
    taken := xsell_internal.take_back(ARRAY[change_id]);
    PERFORM set_config('xsell_internal.undoes', '', true);
    IF taken = 0 THEN
        RAISE EXCEPTION 'change % is not in force any more', change_id USING ERRCODE = 'object_not_in_prerequisite_state',
            DETAIL = 'It was taken back, or something was changed after it.', HINT = 'Undo the latest change first.';
    END IF;
    RETURN (SELECT l.change_id FROM xsell_internal.change_log l WHERE l.undoes = undo.change_id);
END
$$;
COMMENT ON FUNCTION xsell.undo(bigint) IS
'Takes back a change by hand (see xsell.change_history), if what it set is still in place. Returns the change that this is, which can be undone too.';

CREATE FUNCTION xsell.undo_batch(batch_id bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changes constant bigint[] := ARRAY(SELECT l.change_id FROM xsell_internal.change_log l WHERE l.batch_id = undo_batch.batch_id ORDER BY l.change_id);
    taken bigint;
BEGIN
    IF cardinality(changes) = 0 THEN
        RAISE EXCEPTION 'batch % does not exist', COALESCE(batch_id::text, 'NULL') USING ERRCODE = 'undefined_object',
            HINT = 'SELECT DISTINCT batch_id FROM xsell.change_history lists those that you may see.';
    END IF;
    PERFORM xsell_internal.require_all_orgs(changes);
    PERFORM set_config('xsell_internal.batch', '', true), set_config('xsell_internal.undoes', 'batch ' || batch_id, true);
    taken := xsell_internal.take_back(changes);
    PERFORM set_config('xsell_internal.undoes', '', true);
    IF taken = 0 THEN
        RAISE EXCEPTION 'no change of batch % is in force any more', batch_id USING ERRCODE = 'object_not_in_prerequisite_state',
            DETAIL = 'They were taken back, or something was changed after them.', HINT = 'Undo the latest changes first.';
    ELSIF taken < cardinality(changes) THEN
        RAISE NOTICE '% of % changes are not in force any more and were left alone', cardinality(changes) - taken, cardinality(changes);
    END IF;
    RETURN taken;
END
$$;
COMMENT ON FUNCTION xsell.undo_batch(bigint) IS
'Takes back the changes that one call or statement made (see xsell.change_history), all that are still in place; the others are left alone, with a notice. Returns how many.';

CREATE VIEW xsell.recommendation_history WITH (security_invoker = true) AS
SELECT l.change_id, l.recommendation_id, l.entity_id, r.product_id, r.org_id, r.route,
       l.before ->> 'status' AS old_status, l.after ->> 'status' AS new_status, l.after ->> 'status_note' AS note, l.changed_by, l.changed_at, l.undoes
FROM xsell_internal.change_log l
JOIN xsell_internal.recommendation r USING (recommendation_id)
WHERE l.action = 'status';
COMMENT ON VIEW xsell.recommendation_history IS 'Every change of a recommendation''s status: who, when, from what to what. Closed recommendations stay here.';
COMMENT ON COLUMN xsell.recommendation_history.change_id IS 'Number of the change; xsell.undo takes it back.';
COMMENT ON COLUMN xsell.recommendation_history.recommendation_id IS 'The recommendation.';
COMMENT ON COLUMN xsell.recommendation_history.entity_id IS 'The customer.';
COMMENT ON COLUMN xsell.recommendation_history.product_id IS 'The product.';
COMMENT ON COLUMN xsell.recommendation_history.org_id IS 'The selling org.';
COMMENT ON COLUMN xsell.recommendation_history.route IS 'same_org, cross_org or winback.';
COMMENT ON COLUMN xsell.recommendation_history.old_status IS 'Status before.';
COMMENT ON COLUMN xsell.recommendation_history.new_status IS 'Status after.';
COMMENT ON COLUMN xsell.recommendation_history.note IS 'The note that came with it.';
COMMENT ON COLUMN xsell.recommendation_history.changed_by IS 'The role that made the change.';
COMMENT ON COLUMN xsell.recommendation_history.changed_at IS 'When.';
COMMENT ON COLUMN xsell.recommendation_history.undoes IS 'The change that this one took back.';

CREATE FUNCTION xsell_internal.value_in_words(action text, value jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN value IS NULL THEN NULL ELSE CASE action
    WHEN 'status' THEN value ->> 'status'
    WHEN 'assign' THEN value ->> 'assigned_to'
    WHEN 'pair' THEN pg_catalog.concat_ws(', ', value ->> 'status', 'for ' || (value ->> 'assigned_to'))
    WHEN 'suppress' THEN COALESCE('until ' || pg_catalog.substr(value ->> 'until', 1, 10), 'for ever')
    WHEN 'match' THEN CASE WHEN (value ->> 'same')::boolean THEN 'one customer' ELSE 'two customers' END
    WHEN 'product' THEN pg_catalog.concat('product ', value ->> 'product_id', CASE WHEN value ->> 'method' = 'manual' THEN ' by hand' ELSE ' by rule' END)
    WHEN 'product_match' THEN 'two products'
    WHEN 'territory' THEN pg_catalog.concat_ws(', ', value ->> 'territory', 'team ' || (value ->> 'team'))
    WHEN 'stage' THEN CASE WHEN value ->> 'closed' IS NULL THEN 'unmapped' WHEN NOT (value ->> 'closed')::boolean THEN 'open'
                           WHEN (value ->> 'won')::boolean THEN CASE WHEN (value ->> 'is_purchase')::boolean THEN 'won, a purchase' ELSE 'won' END ELSE 'lost' END
    ELSE value::text END END;
COMMENT ON FUNCTION xsell_internal.value_in_words(text, jsonb) IS 'What a change was from or to, as a person would say it.';

CREATE VIEW xsell.change_history WITH (security_invoker = true) AS
SELECT l.change_id, l.batch_id, l.action, NULLIF(pg_catalog.array_to_string(l.orgs, ', '), '') AS orgs,
       l.recommendation_id, l.entity_id,
       (SELECT pg_catalog.min(a.name) FROM xsell_internal.entity_account k JOIN xsell.account a ON a.org_id = k.org_id AND a.crm_id = k.account_id
        WHERE k.entity_id = l.entity_id) AS entity_name,
       l.product_id,
       (SELECT pg_catalog.min(p.name) FROM xsell_internal.product_map m JOIN xsell.product p ON p.org_id = m.org_id AND p.crm_id = m.product_crm_id
        WHERE m.product_id = l.product_id) AS product_name,
       CASE l.action
           WHEN 'match' THEN pg_catalog.concat(l.target ->> 'org_a', ':', l.target ->> 'account_a', ' = ', l.target ->> 'org_b', ':', l.target ->> 'account_b')
           WHEN 'product_match' THEN pg_catalog.concat(l.target ->> 'org_a', ':', l.target ->> 'product_a', ' = ', l.target ->> 'org_b', ':', l.target ->> 'product_b')
           WHEN 'product' THEN pg_catalog.concat(l.target ->> 'org_id', ':', l.target ->> 'product_crm_id')
           WHEN 'pair' THEN 'pair ' || (l.target ->> 'pair_id')
           WHEN 'territory' THEN pg_catalog.concat(l.target ->> 'org_id', ':', l.target ->> 'map_id')
           WHEN 'stage' THEN pg_catalog.concat_ws(':', l.target ->> 'org_id', NULLIF(l.target ->> 'pipeline', ''), l.target ->> 'stage') END AS subject,
       b.text AS old_value, a.text AS new_value, l.note, l.changed_by, l.changed_at, l.undoes, u.change_id AS undone_by
FROM xsell_internal.change_log l
LEFT JOIN xsell_internal.change_log u ON u.undoes = l.change_id
CROSS JOIN LATERAL xsell_internal.value_in_words(l.action, l.before) AS b(text)
CROSS JOIN LATERAL xsell_internal.value_in_words(l.action, l.after) AS a(text);
COMMENT ON VIEW xsell.change_history IS 'Every change by hand that you may see: who, when, what it was and what it became. xsell.undo takes one back, xsell.undo_batch those of one call.';
COMMENT ON COLUMN xsell.change_history.change_id IS 'Number of the change; xsell.undo takes it back.';
COMMENT ON COLUMN xsell.change_history.batch_id IS 'Number that the changes of one call share; xsell.undo_batch takes them back.';
COMMENT ON COLUMN xsell.change_history.action IS 'status, assign, suppress, match (two accounts), product (map), product_match (two products), stage, territory or pair (of xsell.pair_recommendation).';
COMMENT ON COLUMN xsell.change_history.orgs IS 'Whose it is; NULL: of every org that knows the customer.';
COMMENT ON COLUMN xsell.change_history.recommendation_id IS 'The recommendation, of status and assign.';
COMMENT ON COLUMN xsell.change_history.entity_id IS 'The customer, of status, assign and suppress.';
COMMENT ON COLUMN xsell.change_history.entity_name IS 'Its name, from an account that you may see.';
COMMENT ON COLUMN xsell.change_history.product_id IS 'The product.';
COMMENT ON COLUMN xsell.change_history.product_name IS 'Its name, from a product that you may see.';
COMMENT ON COLUMN xsell.change_history.subject IS 'What it was about, of match, product, product_match and stage: keys in the CRM; of pair: its id.';
COMMENT ON COLUMN xsell.change_history.old_value IS 'What it was; NULL: nothing was said.';
COMMENT ON COLUMN xsell.change_history.new_value IS 'What it became; NULL: it was removed.';
COMMENT ON COLUMN xsell.change_history.note IS 'The note that came with it.';
COMMENT ON COLUMN xsell.change_history.changed_by IS 'The role that made the change.';
COMMENT ON COLUMN xsell.change_history.changed_at IS 'When.';
COMMENT ON COLUMN xsell.change_history.undoes IS 'The change that this one took back.';
COMMENT ON COLUMN xsell.change_history.undone_by IS 'The change that took this one back.';
