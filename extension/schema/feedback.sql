-- What people decide about recommendations: status, dismissal, suppression. Every change by hand is logged with who, when and what
-- was there before, and can be undone.

CREATE TABLE xsell_internal.change_log (
    change_id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    action            text NOT NULL,
    recommendation_id bigint,
    entity_id         bigint NOT NULL,
    product_id        bigint,
    before            jsonb,
    after             jsonb,
    changed_by        text NOT NULL,
    changed_at        timestamptz NOT NULL,
    undoes            bigint UNIQUE
);
CREATE INDEX ON xsell_internal.change_log (recommendation_id);
CREATE INDEX ON xsell_internal.change_log (entity_id);
COMMENT ON TABLE xsell_internal.change_log IS 'Every change by hand: rows are only added, by triggers. undoes: the change that this one took back.';

-- The log is written by triggers with the owner's rights, so that nobody can change a row without leaving a trace, or forge one.
CREATE FUNCTION xsell_internal.log_status() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    closing constant text[] := ARRAY['won', 'lost', 'dismissed', 'expired'];
BEGIN
    NEW.status_at := xsell.clock();
    NEW.live := NEW.status <> ALL (closing) AND (OLD.live OR OLD.status = ANY (closing));
    INSERT INTO xsell_internal.change_log (action, recommendation_id, entity_id, product_id, before, after, changed_by, changed_at, undoes)
    VALUES ('status', OLD.recommendation_id, OLD.entity_id, OLD.product_id,
            jsonb_build_object('status', OLD.status, 'note', OLD.status_note), jsonb_build_object('status', NEW.status, 'note', NEW.status_note),
            COALESCE(NULLIF(current_setting('role'), 'none'), session_user), clock_timestamp(),
            (SELECT l.change_id FROM xsell_internal.change_log l
             WHERE l.change_id = NULLIF(current_setting('xsell_internal.undoes', true), '')::bigint AND l.recommendation_id = OLD.recommendation_id
               AND l.after = jsonb_build_object('status', OLD.status, 'note', OLD.status_note)
               AND l.before = jsonb_build_object('status', NEW.status, 'note', NEW.status_note)));
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION xsell_internal.log_status() IS 'Trigger: logs a change of status or note, and takes a closed recommendation off the work list.';
CREATE TRIGGER log_status BEFORE UPDATE OF status, status_note ON xsell_internal.recommendation
    FOR EACH ROW EXECUTE FUNCTION xsell_internal.log_status();

CREATE FUNCTION xsell_internal.log_suppression() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    entity bigint := COALESCE(NEW.entity_id, OLD.entity_id);
    product bigint := CASE WHEN TG_OP = 'DELETE' THEN OLD.product_id ELSE NEW.product_id END;
BEGIN
    INSERT INTO xsell_internal.change_log (action, entity_id, product_id, before, after, changed_by, changed_at, undoes)
    VALUES ('suppress', entity, product,
            CASE WHEN TG_OP <> 'INSERT' THEN jsonb_build_object('until', OLD.until) END,
            CASE WHEN TG_OP <> 'DELETE' THEN jsonb_build_object('until', NEW.until) END,
            COALESCE(NULLIF(current_setting('role'), 'none'), session_user), clock_timestamp(),
            (SELECT l.change_id FROM xsell_internal.change_log l
             WHERE l.change_id = NULLIF(current_setting('xsell_internal.undoes', true), '')::bigint
               AND l.action = 'suppress' AND l.entity_id = entity AND l.product_id IS NOT DISTINCT FROM product));
    UPDATE xsell_internal.recommendation r SET live = n.wanted
    FROM (SELECT o.recommendation_id,
                 o.status NOT IN ('won', 'lost', 'dismissed', 'expired') AND o.expires_at > xsell.clock()
                 AND NOT EXISTS (SELECT FROM xsell_internal.suppression s
                                 WHERE s.entity_id = o.entity_id AND (s.product_id = o.product_id OR s.product_id IS NULL)
                                   AND COALESCE(s.until, 'infinity') > xsell.clock()) AS wanted
          FROM xsell_internal.recommendation o
          WHERE o.entity_id = entity AND (product IS NULL OR o.product_id = product)) n
    WHERE r.recommendation_id = n.recommendation_id AND r.live <> n.wanted
      AND (r.live OR r.last_seen = (SELECT max(u.as_of) FROM xsell_internal.recommendation_run u));
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION xsell_internal.log_suppression() IS 'Trigger: logs a suppression, and takes what it covers off the work list, or puts it back.';
CREATE TRIGGER log_suppression AFTER UPDATE OR DELETE ON xsell_internal.suppression
    FOR EACH ROW EXECUTE FUNCTION xsell_internal.log_suppression();
-- Rows that a restored dump brings are no change by hand; they come with their own time.
CREATE TRIGGER log_new_suppression AFTER INSERT ON xsell_internal.suppression
    FOR EACH ROW WHEN (NEW.created_at = pg_catalog.now()) EXECUTE FUNCTION xsell_internal.log_suppression();

CREATE FUNCTION xsell.set_status(recommendation_id bigint, status text, note text DEFAULT NULL) RETURNS bigint
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
    UPDATE xsell_internal.recommendation r SET status = set_status.status, status_note = note
    WHERE r.recommendation_id = set_status.recommendation_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'recommendation % does not exist', COALESCE(recommendation_id::text, 'NULL') USING ERRCODE = 'undefined_object',
            HINT = 'SELECT recommendation_id FROM xsell.recommendation lists those that you may see.';
    END IF;
    RETURN (SELECT max(l.change_id) FROM xsell_internal.change_log l WHERE l.recommendation_id = set_status.recommendation_id);
END
$$;
COMMENT ON FUNCTION xsell.set_status(bigint, text, text) IS
'Sets the status of a recommendation (new, accepted, in_progress, won, lost, dismissed, expired), with a note; the last four take it off the work list. Returns the change, for xsell.undo.';

CREATE FUNCTION xsell.dismiss(recommendation_id bigint, reason text DEFAULT NULL) RETURNS bigint
LANGUAGE sql VOLATILE
RETURN xsell.set_status(recommendation_id, 'dismissed', reason);
COMMENT ON FUNCTION xsell.dismiss(bigint, text) IS 'Takes a recommendation off the work list for good, with the reason. Returns the change, for xsell.undo.';

CREATE FUNCTION xsell.suppress(entity bigint, product bigint DEFAULT NULL, until timestamptz DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM xsell_internal.entity e WHERE e.entity_id = entity) THEN
        RAISE EXCEPTION 'entity % does not exist', COALESCE(entity::text, 'NULL') USING ERRCODE = 'undefined_object',
            HINT = 'SELECT entity_id, name FROM xsell.entity lists those that you may see.';
    ELSIF product IS NOT NULL AND NOT EXISTS (SELECT FROM xsell_internal.canonical_product p WHERE p.product_id = product) THEN
        RAISE EXCEPTION 'product % does not exist', product USING ERRCODE = 'undefined_object',
            HINT = 'SELECT DISTINCT product_id, product_name FROM xsell.recommendation shows numbers of products.';
    END IF;
    INSERT INTO xsell_internal.suppression AS s (entity_id, product_id, until) VALUES (entity, product, suppress.until)
    ON CONFLICT (entity_id, product_id) DO UPDATE SET until = excluded.until;
    RETURN (SELECT max(l.change_id) FROM xsell_internal.change_log l WHERE l.entity_id = entity AND l.action = 'suppress');
END
$$;
COMMENT ON FUNCTION xsell.suppress(bigint, bigint, timestamptz) IS
'Recommends a product to an entity no more (product NULL: nothing at all), until a time (NULL: ever). Returns the change, for xsell.undo.';

CREATE FUNCTION xsell.undo(change_id bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    change xsell_internal.change_log;
    present jsonb;
BEGIN
    SELECT * INTO change FROM xsell_internal.change_log l WHERE l.change_id = undo.change_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'change % does not exist', COALESCE(change_id::text, 'NULL') USING ERRCODE = 'undefined_object',
            HINT = 'SELECT * FROM xsell.recommendation_history lists the changes that you may see.';
    END IF;
    IF change.action = 'status' THEN
        present := (SELECT jsonb_build_object('status', r.status, 'note', r.status_note) FROM xsell_internal.recommendation r
                    WHERE r.recommendation_id = change.recommendation_id);
    ELSE
        -- Compared as times: their text depends on the session's time zone.
        present := (SELECT CASE WHEN change.after IS NOT NULL AND s.until IS NOT DISTINCT FROM (change.after ->> 'until')::timestamptz
                                THEN change.after ELSE '{}' END FROM xsell_internal.suppression s
                    WHERE s.entity_id = change.entity_id AND s.product_id IS NOT DISTINCT FROM change.product_id);
    END IF;
    IF present IS DISTINCT FROM change.after OR EXISTS (SELECT FROM xsell_internal.change_log l WHERE l.undoes = undo.change_id) THEN
        RAISE EXCEPTION 'change % is not in force any more', change_id USING ERRCODE = 'object_not_in_prerequisite_state',
            DETAIL = 'It was taken back, or something was changed after it.', HINT = 'Undo the latest change first.';
    END IF;
    PERFORM set_config('xsell_internal.undoes', change_id::text, true);
    IF change.action = 'status' THEN
        UPDATE xsell_internal.recommendation r SET status = change.before ->> 'status', status_note = change.before ->> 'note'
        WHERE r.recommendation_id = change.recommendation_id;
    ELSIF change.before IS NULL THEN
        DELETE FROM xsell_internal.suppression s
        WHERE s.entity_id = change.entity_id AND s.product_id IS NOT DISTINCT FROM change.product_id;
    ELSIF change.after IS NULL THEN
        INSERT INTO xsell_internal.suppression (entity_id, product_id, until)
        VALUES (change.entity_id, change.product_id, (change.before ->> 'until')::timestamptz);
    ELSE
        UPDATE xsell_internal.suppression s SET until = (change.before ->> 'until')::timestamptz
        WHERE s.entity_id = change.entity_id AND s.product_id IS NOT DISTINCT FROM change.product_id;
    END IF;
    PERFORM set_config('xsell_internal.undoes', '', true);
    RETURN (SELECT l.change_id FROM xsell_internal.change_log l WHERE l.undoes = undo.change_id);
END
$$;
COMMENT ON FUNCTION xsell.undo(bigint) IS
'Takes back a change made by set_status, dismiss, suppress or undo, if what it set is still in place. Returns the change that this is.';

CREATE VIEW xsell.recommendation_history WITH (security_invoker = true) AS
SELECT l.change_id, l.recommendation_id, r.entity_id, r.product_id, r.org_id, r.route,
       l.before ->> 'status' AS old_status, l.after ->> 'status' AS new_status, l.after ->> 'note' AS note, l.changed_by, l.changed_at, l.undoes
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

SELECT pg_catalog.pg_extension_config_dump('xsell_internal.change_log', '');
SELECT pg_catalog.pg_extension_config_dump('xsell_internal.change_log_change_id_seq', '');
