-- What people decide about recommendations: status, owner, dismissal, suppression; and how every change by hand is read and taken back.

CREATE FUNCTION xsell_internal.is_suppressed(entity bigint, product bigint, org text, at timestamptz) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT EXISTS (SELECT FROM xsell_internal.suppression s
                   WHERE s.entity_id = entity AND (s.product_id = product OR s.product_id IS NULL) AND (s.org_id = org OR s.org_id IS NULL)
                     AND COALESCE(s.until, 'infinity') > at);
END;
COMMENT ON FUNCTION xsell_internal.is_suppressed(bigint, bigint, text, timestamptz) IS 'Whether an org must not offer a product to an entity at a time.';

CREATE FUNCTION xsell_internal.close_status() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    closing constant text[] := ARRAY['won', 'lost', 'dismissed', 'expired'];
BEGIN
    NEW.status_at := xsell.clock();
    NEW.live := NEW.status <> ALL (closing) AND (OLD.live OR OLD.status = ANY (closing)
        AND NOT xsell_internal.is_suppressed(NEW.entity_id, NEW.product_id, NEW.org_id, xsell.clock()));
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION xsell_internal.close_status() IS 'Trigger: a closed recommendation is off the work list, a reopened one is back.';
CREATE TRIGGER begin_changes BEFORE UPDATE OF status, status_note, assigned_to ON xsell_internal.recommendation
    FOR EACH STATEMENT EXECUTE FUNCTION xsell_internal.begin_changes();
CREATE TRIGGER close_status BEFORE UPDATE OF status, status_note ON xsell_internal.recommendation
    FOR EACH ROW EXECUTE FUNCTION xsell_internal.close_status();
CREATE TRIGGER log_status AFTER UPDATE OF status, status_note ON xsell_internal.recommendation
    FOR EACH ROW EXECUTE FUNCTION xsell_internal.log_change('status', 'recommendation_id', 'status,status_note');
CREATE TRIGGER log_assignment AFTER UPDATE OF assigned_to ON xsell_internal.recommendation
    FOR EACH ROW EXECUTE FUNCTION xsell_internal.log_change('assign', 'recommendation_id', 'assigned_to');

CREATE FUNCTION xsell_internal.apply_suppression() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE xsell_internal.recommendation r SET live = n.wanted
    FROM (SELECT DISTINCT o.recommendation_id,
                 o.status NOT IN ('won', 'lost', 'dismissed', 'expired') AND o.expires_at > xsell.clock()
                 AND NOT xsell_internal.is_suppressed(o.entity_id, o.product_id, o.org_id, xsell.clock()) AS wanted
          FROM touched t
          JOIN xsell_internal.recommendation o ON o.entity_id = t.entity_id AND (t.product_id IS NULL OR o.product_id = t.product_id)
               AND (t.org_id IS NULL OR o.org_id = t.org_id)
          WHERE TG_OP <> 'INSERT' OR t.created_at = now()) n
    WHERE r.recommendation_id = n.recommendation_id AND r.live <> n.wanted
      -- What the customer's last refresh had dropped stays off.
      AND (r.live OR r.last_seen = (SELECT max(o.last_seen) FROM xsell_internal.recommendation o WHERE o.entity_id = r.entity_id));
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION xsell_internal.apply_suppression() IS 'Trigger: takes what suppressions cover off the work list, or puts it back.';
CREATE TRIGGER begin_changes BEFORE INSERT OR UPDATE OF until, note OR DELETE ON xsell_internal.suppression
    FOR EACH STATEMENT EXECUTE FUNCTION xsell_internal.begin_changes();
CREATE TRIGGER log_change AFTER UPDATE OF until, note ON xsell_internal.suppression
    FOR EACH ROW EXECUTE FUNCTION xsell_internal.log_change('suppress', 'entity_id,product_id,org_id', 'until,note');
-- A negative entity is on its way out, doubled by that of a customer it was found to be.
CREATE TRIGGER log_removed AFTER DELETE ON xsell_internal.suppression
    FOR EACH ROW WHEN (OLD.entity_id > 0) EXECUTE FUNCTION xsell_internal.log_change('suppress', 'entity_id,product_id,org_id', 'until,note');
-- Rows that a restored dump brings are no change by hand; they come with their own time.
CREATE TRIGGER log_new AFTER INSERT ON xsell_internal.suppression
    FOR EACH ROW WHEN (NEW.created_at = pg_catalog.now())
    EXECUTE FUNCTION xsell_internal.log_change('suppress', 'entity_id,product_id,org_id', 'until,note');
CREATE TRIGGER apply_new AFTER INSERT ON xsell_internal.suppression REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION xsell_internal.apply_suppression();
CREATE TRIGGER apply_changed AFTER UPDATE ON xsell_internal.suppression REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION xsell_internal.apply_suppression();
CREATE TRIGGER apply_removed AFTER DELETE ON xsell_internal.suppression REFERENCING OLD TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION xsell_internal.apply_suppression();

-- Sync only adds stages: whoever changes one decides.
CREATE TRIGGER begin_changes BEFORE UPDATE OF closed, won, is_purchase ON xsell.stage_map
    FOR EACH STATEMENT EXECUTE FUNCTION xsell_internal.begin_changes();
CREATE TRIGGER log_change AFTER UPDATE OF closed, won, is_purchase ON xsell.stage_map
    FOR EACH ROW EXECUTE FUNCTION xsell_internal.log_change('stage', 'org_id,pipeline,stage', 'closed,won,is_purchase');

-- The first change that the last statement logged; NULL: none, all was so already.
CREATE FUNCTION xsell_internal.last_batch() RETURNS bigint
LANGUAGE sql STABLE
RETURN NULLIF(pg_catalog.current_setting('xsell_internal.batch', true), '')::bigint;
COMMENT ON FUNCTION xsell_internal.last_batch() IS 'The batch of changes that the statement before made.';

CREATE FUNCTION xsell_internal.require_recommendations(ids bigint[]) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    missing record;
BEGIN
    SELECT i.id INTO missing FROM unnest(COALESCE(ids, ARRAY[NULL::bigint])) AS i(id)
    WHERE NOT EXISTS (SELECT FROM xsell_internal.recommendation r WHERE r.recommendation_id = i.id) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'recommendation % does not exist', COALESCE(missing.id::text, 'NULL') USING ERRCODE = 'undefined_object',
            HINT = 'SELECT recommendation_id FROM xsell.recommendation lists those that you may see.';
    END IF;
END
$$;
COMMENT ON FUNCTION xsell_internal.require_recommendations(bigint[]) IS 'An error unless the caller may see all of these recommendations.';

CREATE FUNCTION xsell.set_status(recommendation_ids bigint[], status text, note text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    known constant text[] := ARRAY['new', 'accepted', 'in_progress', 'won', 'lost', 'dismissed', 'expired'];
BEGIN
    IF status IS NULL OR status <> ALL (known) THEN
        RAISE EXCEPTION 'status "%" is not valid', COALESCE(status, 'NULL') USING ERRCODE = 'invalid_parameter_value',
            HINT = format('Valid are: %s.', array_to_string(known, ', '));
    END IF;
    PERFORM xsell_internal.require_recommendations(recommendation_ids);
    UPDATE xsell_internal.recommendation r SET status = set_status.status, status_note = set_status.note
    WHERE r.recommendation_id = ANY (recommendation_ids);
    RETURN xsell_internal.last_batch();
END
$$;
COMMENT ON FUNCTION xsell.set_status(bigint[], text, text) IS
'Sets the status of recommendations, of all or of none; see set_status(bigint, text, text). Returns the batch, for xsell.undo_batch; NULL: nothing was new.';

CREATE FUNCTION xsell.set_status(recommendation_id bigint, status text, note text DEFAULT NULL) RETURNS bigint
LANGUAGE sql VOLATILE
RETURN xsell.set_status(ARRAY[recommendation_id], status, note);
COMMENT ON FUNCTION xsell.set_status(bigint, text, text) IS
'Sets the status of a recommendation (new, accepted, in_progress, won, lost, dismissed, expired), with a note; the last four take it off the work list. Returns the change, for xsell.undo; NULL: it was so already.';

CREATE FUNCTION xsell.dismiss(recommendation_ids bigint[], reason text DEFAULT NULL) RETURNS bigint
LANGUAGE sql VOLATILE
RETURN xsell.set_status(recommendation_ids, 'dismissed', reason);
COMMENT ON FUNCTION xsell.dismiss(bigint[], text) IS 'Takes recommendations off the work list for good, with the reason. Returns the batch, for xsell.undo_batch.';

CREATE FUNCTION xsell.dismiss(recommendation_id bigint, reason text DEFAULT NULL) RETURNS bigint
LANGUAGE sql VOLATILE
RETURN xsell.set_status(recommendation_id, 'dismissed', reason);
COMMENT ON FUNCTION xsell.dismiss(bigint, text) IS 'Takes a recommendation off the work list for good, with the reason. Returns the change, for xsell.undo.';

CREATE FUNCTION xsell.assign(recommendation_ids bigint[], owner text, note text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    stranger text;
BEGIN
    PERFORM xsell_internal.require_recommendations(recommendation_ids);
    SELECT r.org_id INTO stranger FROM xsell_internal.recommendation r
    WHERE r.recommendation_id = ANY (recommendation_ids) AND owner IS NOT NULL
      AND NOT EXISTS (SELECT FROM xsell.crm_user u WHERE u.org_id = r.org_id AND u.deleted_at IS NULL AND (u.crm_id = owner OR lower(u.email) = lower(btrim(owner))))
    ORDER BY r.org_id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'org "%" has no user "%"', stranger, owner USING ERRCODE = 'undefined_object',
            HINT = format('Owners are named by e-mail or by their id in the CRM: SELECT crm_id, name, email FROM xsell.crm_user WHERE org_id = %L.', stranger);
    END IF;
    PERFORM set_config('xsell_internal.note', COALESCE(note, ''), true);
    UPDATE xsell_internal.recommendation r
    SET assigned_to = (SELECT u.crm_id FROM xsell.crm_user u
                       WHERE u.org_id = r.org_id AND u.deleted_at IS NULL AND (u.crm_id = owner OR lower(u.email) = lower(btrim(owner)))
                       ORDER BY u.crm_id <> owner, u.is_active IS FALSE, u.crm_id LIMIT 1)
    WHERE r.recommendation_id = ANY (recommendation_ids);
    PERFORM set_config('xsell_internal.note', '', true);
    RETURN xsell_internal.last_batch();
END
$$;
COMMENT ON FUNCTION xsell.assign(bigint[], text, text) IS
'Gives recommendations to a user of the org that sells (by e-mail, or id in the CRM), whoever owns the account; NULL: to that owner again. Returns the batch, for xsell.undo_batch; NULL: nothing was new.';

CREATE FUNCTION xsell.assign(recommendation_id bigint, owner text, note text DEFAULT NULL) RETURNS bigint
LANGUAGE sql VOLATILE
RETURN xsell.assign(ARRAY[recommendation_id], owner, note);
COMMENT ON FUNCTION xsell.assign(bigint, text, text) IS
'Gives a recommendation to a user of the org that sells (by e-mail, or id in the CRM), whoever owns the account; NULL: to that owner again. It stays theirs over refreshes. Returns the change, for xsell.undo.';

CREATE FUNCTION xsell_internal.require_scope(entities bigint[], product bigint, org text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    missing record;
BEGIN
    SELECT i.id INTO missing FROM unnest(COALESCE(entities, ARRAY[NULL::bigint])) AS i(id)
    WHERE NOT EXISTS (SELECT FROM xsell_internal.entity e WHERE e.entity_id = i.id) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entity % does not exist', COALESCE(missing.id::text, 'NULL') USING ERRCODE = 'undefined_object',
            HINT = 'SELECT entity_id, name FROM xsell.entity lists those that you may see.';
    ELSIF product IS NOT NULL AND NOT EXISTS (SELECT FROM xsell_internal.canonical_product p WHERE p.product_id = product) THEN
        RAISE EXCEPTION 'product % does not exist', product USING ERRCODE = 'undefined_object',
            HINT = 'SELECT product_id, name FROM xsell.canonical_product lists those that you may see.';
    ELSIF org IS NOT NULL AND NOT EXISTS (SELECT FROM xsell.org o WHERE o.org_id = org) THEN
        RAISE EXCEPTION 'org "%" does not exist', org USING ERRCODE = 'undefined_object', HINT = 'SELECT org_id FROM xsell.org lists those that you may see.';
    END IF;
END
$$;
COMMENT ON FUNCTION xsell_internal.require_scope(bigint[], bigint, text) IS 'An error unless the caller may see these entities, this product and this org, where given.';

CREATE FUNCTION xsell.suppress(entities bigint[], product bigint DEFAULT NULL, until timestamptz DEFAULT NULL, note text DEFAULT NULL, org text DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM xsell_internal.require_scope(entities, product, org);
    IF until <= xsell.clock() THEN
        RAISE EXCEPTION 'until lies in the past: %', until USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Give a later time, or none to suppress for ever; xsell.unsuppress lifts a suppression.';
    END IF;
    INSERT INTO xsell_internal.suppression AS s (entity_id, product_id, org_id, until, note)
    SELECT DISTINCT i.id, suppress.product, o.org_id, NULLIF(suppress.until, 'infinity'), suppress.note
    FROM unnest(entities) AS i(id)
    CROSS JOIN LATERAL (SELECT suppress.org AS org_id WHERE suppress.org IS NOT NULL OR xsell_internal.sees_entity(i.id)
                        UNION ALL SELECT v.org_id FROM xsell.org v WHERE suppress.org IS NULL AND NOT xsell_internal.sees_entity(i.id)) o
    ON CONFLICT (entity_id, product_id, org_id) DO UPDATE SET until = excluded.until, note = excluded.note;
    RETURN xsell_internal.last_batch();
END
$$;
COMMENT ON FUNCTION xsell.suppress(bigint[], bigint, timestamptz, text, text) IS
'Recommends a product to entities no more; see suppress(bigint, bigint, timestamptz, text, text). Returns the batch, for xsell.undo_batch; NULL: nothing was new.';

CREATE FUNCTION xsell.suppress(entity bigint, product bigint DEFAULT NULL, until timestamptz DEFAULT NULL, note text DEFAULT NULL, org text DEFAULT NULL)
RETURNS bigint
LANGUAGE sql VOLATILE
RETURN xsell.suppress(ARRAY[entity], product, until, note, org);
COMMENT ON FUNCTION xsell.suppress(bigint, bigint, timestamptz, text, text) IS
'Recommends a product to an entity no more (product NULL: nothing at all), until a time (NULL: ever), through an org (NULL: any, if you see every org that knows it, else those that you see). Returns the change, for xsell.undo; where several orgs have one each, the batch, for xsell.undo_batch.';

CREATE FUNCTION xsell.unsuppress(entities bigint[], product bigint DEFAULT NULL, note text DEFAULT NULL, org text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    present record;
BEGIN
    PERFORM xsell_internal.require_scope(entities, product, org);
    SELECT i.id AS entity, EXISTS (SELECT FROM xsell_internal.suppression s WHERE s.entity_id = i.id AND s.product_id IS NOT DISTINCT FROM product
                                   AND s.org_id IS NULL) AS known INTO present
    FROM unnest(entities) AS i(id)
    WHERE NOT EXISTS (SELECT FROM xsell_internal.suppression s WHERE s.entity_id = i.id AND s.product_id IS NOT DISTINCT FROM product
                      AND CASE WHEN unsuppress.org IS NOT NULL THEN s.org_id = unsuppress.org ELSE s.org_id IS NOT NULL OR xsell_internal.sees_entity(i.id) END)
    ORDER BY i.id LIMIT 1;
    IF present.known THEN
        RAISE EXCEPTION 'the suppression of entity % holds for every org', present.entity USING ERRCODE = 'insufficient_privilege',
            HINT = 'Somebody who sees every org that knows it can lift it, for all of them.';
    ELSIF present.entity IS NOT NULL THEN
        RAISE EXCEPTION 'entity % has no such suppression', present.entity USING ERRCODE = 'undefined_object',
            HINT = 'SELECT * FROM xsell.suppression lists those that you may see; one of everything has no product.';
    END IF;
    PERFORM set_config('xsell_internal.note', COALESCE(note, ''), true);
    DELETE FROM xsell_internal.suppression s
    WHERE s.entity_id = ANY (entities) AND s.product_id IS NOT DISTINCT FROM product AND (unsuppress.org IS NULL OR s.org_id = unsuppress.org);
    PERFORM set_config('xsell_internal.note', '', true);
    RETURN xsell_internal.last_batch();
END
$$;
COMMENT ON FUNCTION xsell.unsuppress(bigint[], bigint, text, text) IS
'Lifts suppressions of entities; see unsuppress(bigint, bigint, text, text). Returns the batch, for xsell.undo_batch.';

CREATE FUNCTION xsell.unsuppress(entity bigint, product bigint DEFAULT NULL, note text DEFAULT NULL, org text DEFAULT NULL) RETURNS bigint
LANGUAGE sql VOLATILE
RETURN xsell.unsuppress(ARRAY[entity], product, note, org);
COMMENT ON FUNCTION xsell.unsuppress(bigint, bigint, text, text) IS
'Lifts the suppression of a product for an entity (product NULL: the one of everything), of an org or of all that you may. Returns the change, for xsell.undo.';

CREATE VIEW xsell.suppression WITH (security_invoker = true) AS
SELECT s.entity_id,
       (SELECT pg_catalog.min(a.name) FROM xsell_internal.entity_account k JOIN xsell.account a ON a.org_id = k.org_id AND a.crm_id = k.account_id
        WHERE k.entity_id = s.entity_id) AS entity_name,
       s.product_id,
       (SELECT pg_catalog.min(p.name) FROM xsell_internal.product_map m JOIN xsell.product p ON p.org_id = m.org_id AND p.crm_id = m.product_crm_id
        WHERE m.product_id = s.product_id) AS product_name,
       s.org_id, s.until, s.note, s.created_by, s.created_at, COALESCE(s.until, 'infinity') > xsell.clock() AS in_force
FROM xsell_internal.suppression s;
COMMENT ON VIEW xsell.suppression IS 'What must not be recommended, to whom, until when; xsell.suppress and xsell.unsuppress change it.';
COMMENT ON COLUMN xsell.suppression.entity_id IS 'The customer.';
COMMENT ON COLUMN xsell.suppression.entity_name IS 'Its name, from an account that you may see.';
COMMENT ON COLUMN xsell.suppression.product_id IS 'The product; NULL: everything.';
COMMENT ON COLUMN xsell.suppression.product_name IS 'Its name, from a product that you may see.';
COMMENT ON COLUMN xsell.suppression.org_id IS 'The org that must not offer it; NULL: every org.';
COMMENT ON COLUMN xsell.suppression.until IS 'Until when; NULL: for ever.';
COMMENT ON COLUMN xsell.suppression.note IS 'Why, as whoever suppressed it said to all who see the customer.';
COMMENT ON COLUMN xsell.suppression.created_by IS 'The role that suppressed it first.';
COMMENT ON COLUMN xsell.suppression.created_at IS 'When.';
COMMENT ON COLUMN xsell.suppression.in_force IS 'False: its time is over.';
